//! Sets: `1:4294967295` is eleven octets, and four thousand million messages.
//!
//! **Past faults.** A client expanded the set in a response into an array (CVE-2025-25186); a server walks through every number of one. Of six
//! million UIDs a client held 900 MB.
//!
//! **Here.** A set is ranges from its octets to the application, and is never expanded: [`SequenceSet`](crate::types::SequenceSet),
//! [`UidSet`](crate::types::UidSet), [`Numbers`](crate::response::Numbers). What it names is cut to what the client knows, in as much time
//! as the set is long (`server_hostile::sets_of_all_numbers`, `view::sets_mean_what_the_client_was_told`,
//! `responses::numbers_in_a_row_take_no_memory`, `memory::floods_after_login`). A session's own knowledge of its mailbox is a bitmap in
//! chunks, bounded whatever UIDs there are (`view::a_million_messages_are_small`).
//!
//! A number beyond the last is BAD, by the grammar's own words, and no match in SEARCH (`server::numbers_that_are_not_there`); but
//! `1:*` of an empty mailbox, which clients ask for, is no message.
