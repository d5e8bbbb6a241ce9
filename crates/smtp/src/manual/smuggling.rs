//! One message inside of another.
//!
//! A message ends with CRLF.CRLF (RFC 5321 section 4.1.1.4). In 2023 many servers also took LF.LF, LF.CRLF or CR.CR for the end (SEC Consult;
//! VU#302671; CVE-2023-51764, CVE-2023-51765, CVE-2023-51766, CVE-2024-27305). If the server before yours does not, then what it passes on as
//! one message is two for you: the second with a sender of the attacker's choice, from an address that you trust.
//!
//! **What we do.** CRLF.CRLF ends a message, where the first CRLF may be that of the DATA line, and nothing else does, whatever the
//! configuration. A CR or LF on its own is refused with 550 once the true end has come, or made harmless, by
//! [`BareNewline`](crate::BareNewline). A client stuffs dots behind CRLF and at the first octet.
//!
//! **Held by** `smuggling::nothing_but_crlf_dot_crlf_ends_a_message`, `smuggling::refused_after_the_true_end`,
//! `smuggling::normalized_when_asked`; in postroad-core by `dot::all_strings_up_to_seven_octets_end_where_the_oracle_says`.
