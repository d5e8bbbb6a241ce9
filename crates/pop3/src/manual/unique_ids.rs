//! Unique-ids.
//!
//! A client that leaves mail on the server knows what it has by the unique-id alone, for years (RFC 1939 section 7, UIDL).
//!
//! **Past faults.** Two numbers were printed without anything between them, so that 12 and 34 were the same as 1 and 234: a message was never
//! fetched. Unique-ids were used again after a deletion. UIDL with a number answered without the number.
//!
//! **Here.** [`UniqueId`](crate::types::UniqueId) holds 1 to 70 octets of 0x21 to 0x7E and nothing else, and
//! [`UniqueId::from_uid`](crate::types::UniqueId::from_uid) puts a dot between two numbers (test
//! `maildrop::unique_ids_do_not_run_together`). That one is never used again is for the store to keep. Two messages may have the
//! same unique-id if they are the same (`maildrop::two_copies_may_share_a_unique_id`).
