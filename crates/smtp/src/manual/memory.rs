//! Peers that want all your memory.
//!
//! **What we do.** Every line has a limit, which is known before anything is kept; what is beyond is thrown away as it comes, and the
//! connection ends when there is too much even of that. A message is handed on as it comes. Replies that are not read stop the session from
//! reading commands. There are limits for recipients, errors, octets of a message. A session that waits holds no buffer.
//!
//! **Held by** `memory::a_peer_that_never_reads_is_not_read`, `memory::an_endless_line_ends_the_session`,
//! `memory::an_endless_message_ends_the_session`, `memory::an_idle_session_is_small`.
