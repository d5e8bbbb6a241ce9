//! Message sequence numbers: a command does what it meant when it was sent.
//!
//! **Past faults.** A client that pipelines `NOOP` and `STORE 5 +FLAGS (\Deleted)` may delete another message than it meant: NOOP may tell
//! that one before it is gone. A server that tells of removals while FETCH, STORE or SEARCH runs does the same to its clients.
//!
//! **Here.** The client session never holds back a command with sequence numbers: while anything is in flight during which removals may be
//! told, [`send`](crate::client::Client::send) gives it back (`client::sequence_numbers_are_never_held_back`). Commands with UIDs wait
//! their turn. The server tells of removals only at the end of a command that has no numbers, while none that has any runs
//! (`server::an_expunge_is_told_when_no_number_can_be_mistaken`, `server::no_expunge_beside_a_fetch_by_number`), and lets commands that
//! conflict wait for each other (`server::what_conflicts_waits`); which do is one table for both ends,
//! [`CommandBody::class`](crate::command::CommandBody::class). The application of a server sees UIDs only.
//!
//! A server that contradicts itself (EXISTS that takes messages away, EXPUNGE of one that is not there, or at the wrong time) costs the
//! client its sequence numbers, and it is told; UIDs hold (`client::a_server_that_contradicts_itself_costs_the_sequence_numbers`,
//! `client::expunge_while_only_fetch_runs_is_told`).
//!
//! A change of flags that crosses the client's own STORE can be older or newer than that: the flags are read again
//! (`view::flags_that_the_client_stored_cannot_be_undone_by_an_older_change`).
//!
//! Three clients on one mailbox, with any order of sending, deciding and arriving, are held against a model: in the end each believes what
//! is true, and each command has hit what it meant (`pair_model::everybody_believes_what_is_true_and_hits_what_is_meant`). A second
//! model has a client of its own that does not share a line with this crate, flags, bodies, `$`, and shrinks what it finds
//! (`model::what_each_client_believes_is_the_mailbox`); it also asserts of the server's own output that no EXPUNGE is in it where none may
//! be.
