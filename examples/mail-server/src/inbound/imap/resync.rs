//! What happened while the client was away (RFC 7162 section 3.2.5).

use postroad_imap::response::No;
use postroad_imap::server::Resync;
use postroad_tokio::imap::Rows;

use super::Open;
use super::convert;
use crate::store::Store;
use crate::store::mailboxes::Choice;

pub(super) async fn resynchronise(
    store: &Store,
    open: &Open,
    resync: &Resync,
    rows: &Rows<'_>,
) -> Result<(), No> {
    let Some(since) = resync.since() else { return Ok(()) };
    let gone = store.vanished(&open.mailbox, since.get(), convert::uids(resync.unsure())).await;
    rows.vanished(convert::uid_set(&gone.map_err(|error| convert::no(&error))?)).await;
    let choice =
        Choice { uids: convert::uids(&resync.known()), changed_since: Some(since.get()), derived: None };
    let mut changed = store.message_rows(&open.mailbox, choice);
    while let Some(batch) = changed.next().await.map_err(|error| convert::no(&error))? {
        for row in &batch {
            let flags = convert::flags(&row.flags);
            let mod_seq = convert::mod_seq(row.modseq).unwrap_or_default();
            // What came since the mailbox was opened is told in its turn.
            let _ = rows.row(row.uid, |line| line.flags(&flags).mod_seq(mod_seq)).await;
        }
    }
    Ok(())
}
