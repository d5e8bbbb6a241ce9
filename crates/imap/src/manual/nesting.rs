//! Nesting: brackets in brackets, NOT before NOT.
//!
//! **Past faults.** Parsers that call themselves for each bracket run out of stack: of a server with `SEARCH NOT NOT NOT …`, of a client with a
//! BODYSTRUCTURE of a thousand parts in parts (imap-proto issue 90, dovecot pull request 283, CVE-2026-26312). Others held a list of
//! brackets for somebody who had not even logged in (CVE-2026-27857).
//!
//! **Here.** Nothing recurses. The keys of a SEARCH are one flat program, read and evaluated with a stack of its own, and their number has
//! a limit (`commands::not_and_or_nested_a_hundred_thousand_deep`, `server_hostile::keys_within_keys`). A body structure is a flat list of
//! parts with their depth; below a depth of 100 it is cut off, and says so, and the rest of the row is whole. Brackets that have no
//! meaning are refused at the first (`commands::a_million_parentheses`, `server_limits::a_tag_of_ten_kib_and_a_million_parentheses`,
//! `server_hostile::brackets_before_login`).
