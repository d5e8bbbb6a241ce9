//! Which extension a command is of: what is not announced is not taken.

use super::Server;
use crate::command::{
    CommandBody, FetchItem, SearchKey, SearchKeys, SearchReturn, SortCriterion, SortKey, ThreadAlgorithm,
};
use crate::types::{Atom, Capability, StatusItem};

impl Server {
    /// Whether the application serves an extension.
    pub(super) fn serves(&self, extension: &Capability) -> bool {
        match extension {
            Capability::CondStore => self.has_condstore(),
            extension => self.config.extensions.contains(extension),
        }
    }

    /// An extension that a command is of, and that is not served.
    pub(super) fn not_served(&self, body: &CommandBody) -> Option<Capability> {
        let mut missing = None;
        let mut need = |extension: Capability| {
            if missing.is_none() && !self.serves(&extension) {
                missing = Some(extension);
            }
        };
        if super::condstore::is_conditional(body) {
            need(Capability::CondStore);
        }
        match body {
            CommandBody::Select(select) if select.qresync.is_some() => need(Capability::QResync),
            CommandBody::Status { items, .. } => status(items, &mut need),
            CommandBody::List(list) => status(&list.returns.status, &mut need),
            CommandBody::Fetch(fetch) => {
                if fetch.vanished {
                    need(Capability::QResync);
                }
                if fetch.partial.is_some() {
                    need(Capability::Partial);
                }
                for item in &fetch.items {
                    match item {
                        FetchItem::Preview { .. } => need(Capability::Preview),
                        FetchItem::EmailId | FetchItem::ThreadId => need(Capability::ObjectId),
                        FetchItem::SaveDate => need(Capability::SaveDate),
                        _ => {}
                    }
                }
            }
            CommandBody::Search(search) => {
                partial(search.return_options.as_ref(), &mut need);
                keys(&search.keys, &mut need);
            }
            CommandBody::Sort(sort) => {
                need(Capability::Sort);
                if sort.return_options.is_some() {
                    need(Capability::ESort);
                }
                partial(sort.return_options.as_ref(), &mut need);
                let is_shown = |criterion: &SortCriterion| {
                    matches!(criterion.key, SortKey::DisplayFrom | SortKey::DisplayTo)
                };
                if sort.criteria.iter().any(is_shown) {
                    need(Capability::SortDisplay);
                }
                keys(&sort.keys, &mut need);
            }
            CommandBody::Thread(thread) => {
                need(algorithm(&thread.algorithm));
                keys(&thread.keys, &mut need);
            }
            CommandBody::Compress => need(Capability::CompressDeflate),
            CommandBody::GetQuota { .. }
            | CommandBody::GetQuotaRoot { .. }
            | CommandBody::SetQuota { .. } => {
                need(Capability::Quota);
            }
            CommandBody::Unauthenticate => need(Capability::Unauthenticate),
            _ => {}
        }
        missing
    }
}

fn status(items: &[StatusItem], need: &mut impl FnMut(Capability)) {
    for item in items {
        match item {
            StatusItem::MailboxId => need(Capability::ObjectId),
            StatusItem::DeletedStorage => need(Capability::Quota),
            _ => {}
        }
    }
}

fn partial(returns: Option<&SearchReturn>, need: &mut impl FnMut(Capability)) {
    if returns.is_some_and(|returns| returns.partial.is_some()) {
        need(Capability::Partial);
    }
}

fn keys(keys: &SearchKeys, need: &mut impl FnMut(Capability)) {
    for key in keys.as_slice() {
        match key {
            SearchKey::Older(_) | SearchKey::Younger(_) => need(Capability::Within),
            SearchKey::EmailId(_) | SearchKey::ThreadId(_) => need(Capability::ObjectId),
            SearchKey::SavedBefore(_)
            | SearchKey::SavedOn(_)
            | SearchKey::SavedSince(_)
            | SearchKey::SaveDateSupported => need(Capability::SaveDate),
            SearchKey::Fuzzy => need(Capability::SearchFuzzy),
            SearchKey::Filter(_) => need(Capability::Filters),
            _ => {}
        }
    }
}

fn algorithm(of: &ThreadAlgorithm) -> Capability {
    match of {
        ThreadAlgorithm::Other(name) => Capability::Thread(name.clone()),
        known => Capability::Thread(Atom::of_wire(bytes::Bytes::copy_from_slice(known.name().as_bytes()))),
    }
}
