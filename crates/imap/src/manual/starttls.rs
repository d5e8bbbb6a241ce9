//! STARTTLS: nothing that was said in the clear is believed under TLS.
//!
//! **Past faults.** Clients took responses that somebody had put behind the OK to STARTTLS for responses under TLS, and servers commands behind
//! STARTTLS (nostarttls.secvuln.info, CVE-2011-0411, CVE-2021-33515). A tagged OK that was there before the command had been sent made a
//! client believe that TLS was about to begin, or that it was logged in (CVE-2026-42246). A server that greets with PREAUTH cannot be
//! asked for STARTTLS any more, so whoever says it in the server's place keeps the connection in the clear. Alerts and referrals of an
//! attacker were shown as the server's.
//!
//! **Here.** An octet behind STARTTLS or behind its OK ends the session, at both ends (tests
//! `client_hostile::octets_behind_the_answer_to_starttls`, `server::octets_behind_starttls_end_the_session`); from then on both say
//! `Paused`, so that only the handshake reads (`server::octets_before_the_handshake_end_the_session`). A client ends the session at an
//! answer to a command that the transport has not been given yet (`client_hostile::an_answer_to_a_command_that_was_not_sent_yet`), and
//! at PREAUTH in the clear, unless told that TLS is not required (`client_hostile::preauth_in_the_clear`). What the server said before
//! TLS, capabilities above all, is forgotten and asked for anew (`client::starttls_forgets_all_that_was_said_in_the_clear`); nothing of
//! a mailbox and no alert is told to the application before (`client_hostile::nothing_of_a_mailbox_is_told_in_the_clear`).
//!
//! A password is not sent without TLS, unless two switches say so (`client::login_in_the_clear_only_where_it_is_allowed`,
//! `server::log_in_needs_tls_unless_told_otherwise`): whoever takes STARTTLS out of the capabilities gains nothing.
