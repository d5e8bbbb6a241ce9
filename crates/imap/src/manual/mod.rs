//! What has gone wrong in IMAP programs, what this crate does about it, and the test that holds it.
//!
//! | What | Known from | Held by |
//! |---|---|---|
//! | Responses put behind the OK to STARTTLS | nostarttls.secvuln.info, libetpan issue 386 | `client_hostile::octets_behind_the_answer_to_starttls` |
//! | Commands put behind STARTTLS | CVE-2011-0411, CVE-2021-33515 | `server::octets_behind_starttls_end_the_session`, `server::octets_before_the_handshake_end_the_session` |
//! | Half a command kept across the handshake | Stalwart | `server_hostile::half_a_command_does_not_cross_the_handshake` |
//! | STARTTLS taken out of the way, OK that comes too early | CVE-2026-42246 | `client_hostile::an_answer_to_a_command_that_was_not_sent_yet`, `server::log_in_needs_tls_unless_told_otherwise` |
//! | PREAUTH in the clear | nostarttls.secvuln.info | `client_hostile::preauth_in_the_clear`; the server session never says it |
//! | CRLF in arguments | CVE-2025-15366, CVE-2026-42257, CVE-2026-42258, CVE-2026-47242 | `client::no_argument_can_end_its_line`, `commands::no_argument_ends_its_line` |
//! | CRLF in what a server says | the same | `server_hostile::nothing_that_an_application_says_ends_its_line`, `responses::nothing_in_a_response_ends_its_line` |
//! | Octets of a `{n+}` run as commands | CVE-2026-47240 | `server_hostile::octets_of_a_literal_are_never_a_command`, `client::literals_wait_unless_the_server_offers_otherwise` |
//! | Literals that take all memory | CVE-2025-61600, CVE-2025-43857 | `memory::floods_before_login`, `memory::floods_after_login`, `memory::a_message_of_64_mib_passes` |
//! | Brackets before the log-in | CVE-2026-27857 | `server_hostile::brackets_before_login`, `memory::floods_before_login` |
//! | NUL in strings | CVE-2019-11500 | `server_hostile::nul_anywhere`, `framer::bare_newlines_and_nul_are_faults` |
//! | Nesting | imap-proto issue 90, CVE-2026-26312 | `server_hostile::keys_within_keys`, `commands::not_and_or_nested_a_hundred_thousand_deep` |
//! | Sets that are expanded | CVE-2025-25186 | `server_hostile::sets_of_all_numbers`, `view::sets_mean_what_the_client_was_told` |
//! | A server that has not proved itself (SCRAM) | CVE-2026-42256 | `sasl::a_server_that_has_not_proved_itself_is_not_trusted` |
//! | A literal in quotes, or in text | curl issue 20320 | `server_hostile::what_looks_like_a_literal_inside_quotes`, `client_hostile::text_that_looks_like_a_literal_is_text` |
//! | Alerts of an attacker before TLS | nostarttls.secvuln.info | `client_hostile::nothing_of_a_mailbox_is_told_in_the_clear` |
//! | Passwords in logs | imap-next, async-imap | `server_hostile::passwords_are_in_no_log`, `commands::no_secret_in_debug_or_errors` |
//! | EXPUNGE at the wrong time | RFC 9051 section 7.5.1 | `model::what_each_client_believes_is_the_mailbox` |
//! | A browser that is made to talk to the port | | `server_limits::a_browser_is_let_go_soon` |

pub mod answers;
pub mod injection;
pub mod literals;
pub mod memory;
pub mod nesting;
pub mod pipelining;
pub mod sequence_numbers;
pub mod sets;
pub mod slowness;
pub mod starttls;
