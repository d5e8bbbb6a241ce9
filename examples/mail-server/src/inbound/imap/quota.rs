//! Quotas (RFC 9208): one root for all mailboxes of an account, of the name "".

use bytes::Bytes;
use postroad_imap::response::{No, Quota, QuotaUsage};
use postroad_imap::types::QuotaResource;

use super::convert;
use crate::store::{Account, Store};

/// The quota of an account, if there is one. Units of STORAGE are 1024 octets: what is used is rounded up, what is allowed down.
pub(super) async fn of(store: &Store, account: &Account) -> Result<Option<Quota>, No> {
    let (used, allowed) = store.usage(account).await.map_err(|error| convert::no(&error))?;
    let Some(allowed) = allowed else { return Ok(None) };
    let storage =
        QuotaUsage { resource: QuotaResource::Storage, usage: used.div_ceil(1024), limit: allowed / 1024 };
    Ok(Some(Quota { root: Bytes::new(), resources: vec![storage] }))
}
