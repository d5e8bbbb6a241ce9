//! Answers: which command they belong to, and what is done with odd ones.
//!
//! **Past faults.** Clients that take whatever comes next for the answer fail at the first `* OK Searched 91%`, and give one command's rows to
//! another. One strange attribute made a whole row, or a whole folder, vanish without a word; one parse error ended the session. News that
//! came between FETCH and IDLE were lost.
//!
//! **Here.** A command ends with its own tag, in any order (`client::commands_are_answered_in_any_order`); a tag that was not sent, or is
//! answered already, ends the session (`client_hostile::tags_that_were_never_sent_or_are_answered`), and so does OK to a command that the
//! server cannot have yet (`client_hostile::ok_before_the_literal_was_sent`, `client_hostile::ok_in_the_middle_of_an_exchange`).
//! Untagged data name the command that asked for them, or none (`client::what_no_command_asked_for_is_of_none`). What is not known is
//! kept (`client_hostile::what_is_not_known_is_kept`), what cannot be read costs only itself and is told
//! (`client_hostile::a_response_that_cannot_be_read_costs_only_itself`), and what was repaired is told too
//! (`client_hostile::repairs_are_told`).
//!
//! The session counts messages at all times, so nothing is lost between commands
//! (`client::mail_that_comes_between_fetch_and_idle_is_not_lost`); IDLE is ended only when the server is ready for it
//! (`client::done_before_idle_has_begun`).
