//! Whose mailbox an address is.
//!
//! `postmaster` is always somebody (RFC 5321 section 4.5.1): the account of that name; where there is none, the first
//! account of the domain in the order of addresses. `<Postmaster>` without a domain is that of the first domain that
//! has an account.

use postroad_core::Mailbox;
use postroad_smtp::types::ForwardPath;

use crate::config::{Config, lower_case};
use crate::store::{Account, Store, StoreError};

/// Accounts looked at at a time.
const PAGE: u32 = 200;

/// Where a forward-path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    /// Into a mailbox here.
    Local(Account),
    /// To a domain that is ours, at which there is nobody of that name.
    Unknown,
    /// To another server.
    Remote(Mailbox),
}

/// Finds out where a forward-path leads.
pub(super) async fn resolve(
    store: &Store,
    config: &Config,
    forward_path: &ForwardPath,
) -> Result<Recipient, StoreError> {
    match forward_path {
        ForwardPath::Mailbox(mailbox) if config.is_local(mailbox.domain().as_str()) => {
            Ok(local(store, mailbox).await?.map_or(Recipient::Unknown, Recipient::Local))
        }
        ForwardPath::Mailbox(mailbox) => Ok(Recipient::Remote(mailbox.clone())),
        ForwardPath::Postmaster => {
            for domain in &config.domains {
                if let Some(account) = postmaster(store, domain).await? {
                    return Ok(Recipient::Local(account));
                }
            }
            Ok(Recipient::Unknown)
        }
    }
}

/// The account of a mailbox at one of our domains.
pub(super) async fn local(store: &Store, mailbox: &Mailbox) -> Result<Option<Account>, StoreError> {
    let local_part = mailbox.local_part_unquoted();
    let domain = lower_case(mailbox.domain().as_str());
    if local_part.eq_ignore_ascii_case("postmaster") {
        return postmaster(store, &domain).await;
    }
    // A local part that had to be quoted may hold anything; no account does.
    if local_part.contains('@') {
        return Ok(None);
    }
    store.find_account(&format!("{local_part}@{domain}")).await
}

async fn postmaster(store: &Store, domain: &str) -> Result<Option<Account>, StoreError> {
    if let Some(account) = store.find_account(&format!("postmaster@{domain}")).await? {
        return Ok(Some(account));
    }
    let mut last = String::new();
    loop {
        let page = store.list_accounts(&last, PAGE).await?;
        let Some(end) = page.last() else { return Ok(None) };
        last.clone_from(&end.address);
        let is_here =
            |account: &Account| account.address.rsplit_once('@').is_some_and(|(_, at)| at == domain);
        if let Some(account) = page.into_iter().find(is_here) {
            return Ok(Some(account));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreOptions;
    use crate::time::Time;

    #[tokio::test]
    async fn where_forward_paths_lead() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path(), StoreOptions::default()).unwrap();
        let config =
            Config::parse("domains = [\"empty.example\", \"hamburger.edu\", \"crepes.fr\"]", place.path())
                .unwrap();
        let add =
            async |address: &str| store.add_account(address, "secret".into(), false, Time(0)).await.unwrap();
        let to = async |path: &str| {
            let path = ForwardPath::parse(path).unwrap();
            resolve(&store, &config, &path).await.unwrap()
        };
        assert_eq!(to("<Postmaster>").await, Recipient::Unknown, "there is nobody at all");
        let zoe = add("zoe@hamburger.edu").await;
        let alice = add("alice@crepes.fr").await;
        assert_eq!(to("<Zoe@Hamburger.EDU>").await, Recipient::Local(zoe.clone()));
        assert_eq!(to("<\"zoe\"@hamburger.edu>").await, Recipient::Local(zoe.clone()));
        assert_eq!(to("<bob@hamburger.edu>").await, Recipient::Unknown);
        assert_eq!(to("<\"zoe@hamburger.edu\"@empty.example>").await, Recipient::Unknown);
        assert_eq!(to("<postmaster@empty.example>").await, Recipient::Unknown);
        assert_eq!(to("<PostMaster@hamburger.edu>").await, Recipient::Local(zoe.clone()));
        assert_eq!(to("<postmaster@crepes.fr>").await, Recipient::Local(alice));
        assert_eq!(to("<Postmaster>").await, Recipient::Local(zoe));
        let postmaster = add("postmaster@hamburger.edu").await;
        assert_eq!(to("<postmaster@hamburger.edu>").await, Recipient::Local(postmaster.clone()));
        assert_eq!(to("<Postmaster>").await, Recipient::Local(postmaster));
        for path in ["<x@elsewhere.example>", "<postmaster@elsewhere.example>", "<x@[127.0.0.1]>"] {
            let Recipient::Remote(mailbox) = to(path).await else { panic!("{path}") };
            assert_eq!(format!("<{mailbox}>"), path);
        }
    }
}
