//! Numbers, marks, and the UPDATE state.
//!
//! **Past faults.** `DELE 0` and `RETR 0` acted on message 1; deleted messages stayed in LIST, UIDL and STAT, or could still be retrieved;
//! after DELE the rest was numbered anew, so that a client deleted the wrong message; messages were deleted although the
//! connection broke before QUIT.
//!
//! **Here.** The session keeps the maildrop as it was at login, and its numbers never change. There is no message-number 0: the type
//! cannot hold it (test `maildrop::there_is_no_message_zero`). A mark takes a message out of every answer, and RSET brings it back
//! (`maildrop::deleted_messages_are_left_out_and_numbers_stay`).
//!
//! Only QUIT after a login leads to UPDATE (RFC 1939 section 6): the list of what to delete is in the token
//! [`Update`](crate::server::Update) and nowhere else. A connection that is lost, a deadline, an error, and QUIT before login delete
//! nothing, for the application is never told what was marked (`maildrop::nothing_is_deleted_without_quit`). An application that
//! drops the token, or takes too long, is answered for with `-ERR`, so that no client believes in a deletion that was not made
//! (`misuse::a_dropped_update_is_refused`).
//!
//! The maildrop is locked by the application before it accepts a login (RFC 1939 section 4), and released at `Update`, at `Aborted`, or when
//! the session is over, whichever it sees.
//!
//! A client must not take a message for whole before its end has come: a connection that is lost within one is an error
//! (`client::a_message_cut_short_is_an_error`).
