//! Literals: who waits for whom, and what is owed when the answer is no.
//!
//! **Past faults.** Whatever ends in `{5}` was taken for a literal: in the text of a response, where the next response was swallowed, and
//! inside quotes (curl issue 20320). Clients that only look for BAD in place of `+` hang, for servers answer NO: the quota is full, the
//! mailbox is not there. Clients that gave up in the middle of an APPEND left the server waiting for octets, and had their next command
//! stored as mail. Servers that refuse a `{n+}` and go on reading run the message as commands.
//!
//! **Here.** There is no literal in text and none inside quotes (`framer::a_header_inside_quotes_is_text`,
//! `client_hostile::text_that_looks_like_a_literal_is_text`). NO and BAD in place of `+` end the command
//! (`client::no_or_bad_in_place_of_the_continuation_ends_the_command`). Where octets have been promised already, the client pays the
//! rest in spaces, which servers throw away, and the connection goes on (`client::no_in_the_middle_of_the_octets_leaves_the_rest_owed`);
//! they are made as they go out (`client::what_is_owed_is_made_as_it_goes_out`). A server does not read a `{n}` that it refuses, and drops a
//! `{n+}` with all that is left of its command (`framer::a_refused_synchronizing_literal_is_not_read`,
//! `framer::a_refused_non_synchronizing_literal_is_dropped_with_its_unit`, `pair::a_refused_message_costs_only_its_command`).
//!
//! A client that does not know what to do with a `+` ends the session (`client_hostile::continuations_that_nobody_waits_for`).
