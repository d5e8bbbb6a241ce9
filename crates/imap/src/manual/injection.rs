//! Commands and responses hidden in arguments.
//!
//! **Past faults.** Clients that put their arguments on the line as they came let a mailbox name with CRLF begin another command
//! (CVE-2025-15366 of Python's imaplib, CVE-2026-42257 and 42258 of net-imap, and others). A client that sends `{n+}` to a server that
//! does not know it has its octets run as commands (CVE-2026-47240). NUL ended strings early (CVE-2019-11500 of Dovecot).
//!
//! **Here.** Every value that goes on a line is of a type that cannot hold CR, LF or NUL; other octets go as a literal
//! (`client::no_argument_can_end_its_line`). `{n+}` is sent only where the server has offered it under the present transport, and with
//! LITERAL- only up to 4096 octets (`client::literals_wait_unless_the_server_offers_otherwise`); NUL only in a literal8, where that is
//! understood (`client::literals_with_nul_only_where_they_are_understood`). At both ends a bare CR, a bare LF and NUL outside of a
//! literal are faults, and end no line (`framer::bare_newlines_and_nul_are_faults`, `server_limits::nul_and_bare_newlines`,
//! `client_hostile::nothing_but_crlf_ends_a_line`). Texts of responses are cleaned
//! (`server_hostile::nothing_that_an_application_says_ends_its_line`).
//!
//! A browser that is made to talk to the port of a server is let go soon (`server_limits::a_browser_is_let_go_soon`).
