//! STLS: nothing that was said in clear is believed under TLS.
//!
//! **Past faults.** What stood in a server's buffer behind STLS, put there by somebody on the way, was run as commands of the client once
//! TLS was there (CVE-2011-0411 and many since); a line half read in clear was completed under TLS; a client took answers
//! that were put behind the `+OK` for answers given under TLS, or kept the capabilities of before.
//!
//! **Here.** An octet behind STLS or behind its `+OK` ends the session, at both ends (tests `stls::octets_behind_stls_end_the_session`,
//! `stls::octets_behind_the_answer_end_the_session`). From the token on, the server says `Paused`, so that only the handshake reads
//! (`stls::nothing_is_read_until_tls_is_there`). Afterwards both ends have forgotten what was said: the name given by USER, the
//! capabilities, half a line (`stls::what_was_said_in_clear_is_forgotten`). STLS is told in CAPA only while it is permitted, and a
//! second one is refused (`stls` transcript of RFC 2595 section 4).
//!
//! A client that must have TLS does not lose it to somebody who takes STLS out of the capabilities: it does not send a password without
//! TLS at all, unless it is configured to.
