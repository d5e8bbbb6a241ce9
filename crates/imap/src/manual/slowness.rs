//! Slowness: a peer that is silent, or sends an octet now and then.
//!
//! **Past faults.** A deadline that each octet moves is none: a drip of octets holds a connection for ever. One that nothing moves ends a long
//! download, or a search of an hour in which the server says all the time how far it is. A client in IDLE is logged out after half an
//! hour, or waits at a connection that is long dead.
//!
//! **Here.** The time for an answer begins anew with each whole response, or with 4096 octets of one
//! (`client_timeouts::an_answer`, `client_timeouts::a_server_that_says_how_far_it_is`, `client_timeouts::a_literal_that_never_ends`), and
//! the greeting, the handshake, the end of IDLE and the end after BYE have times of their own (`client_timeouts`). IDLE is begun anew
//! after 28 minutes, whatever the server says meanwhile (`client::idle_is_renewed_in_time`, `pair::idle_over_hours`).
//!
//! The clock of an idle client runs at the server only while no command is worked on (`server_limits::the_idle_clock`,
//! `server_limits::it_does_not_run_while_a_command_does`); a message has to come in blocks (`server_limits::a_message_that_trickles_in`).
//! The application has a time too, at both ends (`client_timeouts::an_application_that_owes_octets`,
//! `server_limits::an_application_that_never_answers`).
