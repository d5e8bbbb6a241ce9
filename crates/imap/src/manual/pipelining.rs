//! Pipelining: which commands may run at once, and what they may assume.
//!
//! **Past faults.** A server that runs commands at once may have one read what another is writing; one that runs them strictly in order makes a
//! client wait a minute for a SEARCH when it only asks for CAPABILITY. RFC 9051 section 5.5 forbids a client to send what would be
//! ambiguous, and leaves to the server what is; servers that answered in the wrong order have had the wrong messages deleted. Clients
//! that pipeline behind IDLE without DONE had their command taken for the end of IDLE, and waited for ever.
//!
//! **Here.** One table, [`CommandBody::class`](crate::command::CommandBody::class), says of each command what it reads, what it writes,
//! whether numbers stand in it, whether removals may be told at its end, and whether it runs alone. A command starts when it is in no
//! conflict with those that run (`server::what_conflicts_waits`), and nothing behind one that waits is looked at. What a set names is
//! settled when its command starts, in UIDs; so the order of the commands is the order of their meanings, even for a client that sent what it
//! should not (`server_hostile::ambiguity_is_resolved_by_order`). `$` has a reader and a writer as the mailbox has: FETCH $ behind SEARCH
//! RETURN (SAVE) waits for it (`transcripts::rfc_9051`).
//!
//! How many may wait for the application is limited (`server::as_many_commands_as_allowed_run_at_once`), and a client that does not read
//! is not read (`server_limits::a_client_that_pipelines_and_never_reads_holds_no_memory`). Whatever comes in IDLE and is not DONE ends it
//! with BAD (`server::idle_is_told_at_once_and_bounded`).
//!
//! How the octets are cut changes nothing: not which events there are, nor the answers (`split::pipelines_idle_and_sasl`,
//! `split::any_dialogue`).
