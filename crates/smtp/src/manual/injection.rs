//! Commands hidden in arguments.
//!
//! A library that builds `MAIL FROM:<` + address + `>` sends whatever is in the address: a CRLF in it begins a new command, a `>` ends the
//! path and adds parameters (RUSTSEC-2021-0069 and many like it). Text in xtext (RFC 3461) can decode to CRLF.
//!
//! **What we do.** Every value that goes on a line is of a type that cannot hold CR, LF or NUL:
//! [`Mailbox`](crate::Mailbox), [`Domain`](crate::Domain), the [types](crate::types), numbers. Octets of SASL are encoded. The quotes of a local part are kept
//! as they were. What is decoded from xtext is parsed as a mailbox before it is believed. The texts of replies are cleaned too.
//!
//! **Held by** `commands::what_is_printed_is_read_as_the_same`, `commands::no_line_panics_and_what_is_read_is_one_line`,
//! `envelope::paths_that_must_be_refused`.
