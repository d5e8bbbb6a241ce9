//! What is forgiven, and what is not.
//!
//! Two programs that read the same octets differently can be played against each other, so what is not in the grammar is refused; but mail
//! of programs that are merely old should come through.
//!
//! **Always accepted**, for RFC 5321 says so: verbs and parameters in any case, white space before CRLF, source routes (dropped, and
//! reported as [`Repairs`](crate::types::Repairs)), names in EHLO that are no domain.
//!
//! **By leave of [`Lenience`](crate::types::Lenience)**, and reported: a space behind `FROM:`, a path without brackets, a bare LF behind a command.
//!
//! **Never:** an end of a message other than CRLF.CRLF; a NUL; `<>>>>>` for the null path; octets behind a path.
//!
//! **Held by** `envelope::paths_that_must_be_refused`, `envelope::repairs_are_reported_before_the_command`, `faults::each_fault_has_its_reply`.
