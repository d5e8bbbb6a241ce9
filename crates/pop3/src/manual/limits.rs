//! Limits and time.
//!
//! **Past faults.** Lines of any length were kept; responses were parsed from their beginning at each read, in time that grows with the
//! square of their length; a client that sends commands and never reads made the server's memory grow; an octet now and then kept a
//! connection for ever.
//!
//! **Here.** A line is bounded before it is parsed, and what is beyond the bound is dropped as it comes, up to a limit
//! (test `limits::an_endless_line_ends_the_session`). Each octet is scanned once. A session whose output is not read says `Paused`, and a
//! LIST of a large maildrop is printed only as fast as it is read (`limits::a_client_that_does_not_read_is_paused`,
//! `limits::a_large_listing_is_not_printed_into_memory`). A deadline begins when the session begins to wait and ends with a whole
//! line; octets do not move it (`timeouts::a_slow_drip_does_not_move_the_deadline`). A message that trickles in must bring
//! 4096 octets for each new deadline (`timeouts::a_trickling_message_times_out`).
//!
//! RFC 1939 section 3 asks for at least ten minutes of patience, and for no word when they are over: the session closes in silence
//! and deletes nothing (`timeouts::ten_minutes_of_silence`).
