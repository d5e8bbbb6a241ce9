//! Peers that have all the time in the world.
//!
//! A deadline that is put off by each octet is none: one octet a minute holds a connection for ever.
//!
//! **What we do.** The deadline of a command begins when the session waits for it and ends with a whole line. The deadline of a message is
//! put off by [`block_octets`](crate::server::Timeouts::block_octets) at a time. Time in which the application works does not count. Then 421, and
//! the session is over.
//!
//! **Held by** `timeouts::an_octet_a_minute_is_too_slow`, `timeouts::a_message_must_get_on`, `timeouts::the_application_may_take_its_time`.
