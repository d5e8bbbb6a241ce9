//! Memory: what a peer can make the other hold.
//!
//! **Past faults.** A literal of 4 GB was allocated when it was announced (CVE-2025-61600, CVE-2025-43857); `1:4294967295` was expanded into
//! an array (CVE-2025-25186); brackets within brackets overflowed the stack (imap-proto issue 90), or took memory before anybody was logged in
//! (CVE-2026-27857); parsers began anew with each read of a long line. Clients hold a whole message, and servers one for each client.
//!
//! **Here.** Nothing is allocated for what is announced (`framer::a_literal_is_announced_and_nothing_is_held_for_it`); lines, commands and
//! responses have limits, tighter before the log-in (`server_limits::a_tag_of_ten_kib_and_a_million_parentheses`,
//! `client::limits_before_and_after_the_log_in`, `client_hostile::responses_have_a_limit`), and each octet is scanned once
//! (`framer::a_long_line_in_small_reads_takes_linear_time`). Sets stay ranges. Nothing recurses.
//!
//! Large bodies pass in chunks, both ways (`client_hostile::a_body_is_streamed_in_bounded_memory`,
//! `client::a_full_output_hands_the_chunk_back`, `server::a_large_body_streams_under_back_pressure_and_all_else_waits`). Events are
//! taken one at a time, so a flood of news is not kept (`client_hostile::a_flood_of_news_is_not_kept`); a client that pipelines and never
//! reads stops being read (`server_limits::a_client_that_pipelines_and_never_reads_holds_no_memory`).
//!
//! All this is counted octet by octet, by an allocator that counts: floods of every kind before and after the log-in
//! (`memory::floods_before_login`, `memory::floods_after_login`), 64 MiB in (`memory::a_message_of_64_mib_passes`), 64 MiB out to a client
//! that reads and to one that does not (`memory::a_body_of_64_mib_passes_and_a_client_that_does_not_read_gets_little`), what waits beside
//! an open literal (`memory::beside_an_open_literal_little_is_held`), a million changes that nobody hears of
//! (`memory::changes_that_the_client_does_not_hear_of_come_together`). An idle session takes 2 KiB
//! (`memory::an_idle_session_takes_two_kib`).
