//! Which mailboxes there are (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154).

use bytes::Bytes;
use postroad_imap::command;
use postroad_imap::response::{ListResponse, MailboxAttribute, No};
use postroad_imap::types::{ListPattern, MailboxName, SpecialUse};
use postroad_tokio::imap::Lists;

use super::{Imap, convert};
use crate::store::Account;
use crate::store::mailboxes::{DELIMITER, ListedMailbox};

pub(super) async fn list(
    imap: &Imap<'_>,
    account: &Account,
    list: &command::List,
    lists: &Lists<'_>,
) -> Result<(), No> {
    // An empty pattern asks for the delimiter alone (RFC 9051 section 6.3.9).
    if let [pattern] = list.patterns.as_slice()
        && pattern.as_str().is_empty()
    {
        let mut root = ListResponse::new(MailboxName::default(), Some(DELIMITER));
        root.attributes.push(MailboxAttribute::NoSelect);
        lists.mailbox(root).await;
        return Ok(());
    }
    let reference = list.reference.as_str();
    let whole = |pattern: &ListPattern| ListPattern::new(format!("{reference}{}", pattern.as_str()));
    // Two texts without CR, LF and NUL make one.
    let patterns: Vec<ListPattern> = list.patterns.iter().filter_map(|pattern| whole(pattern).ok()).collect();
    let all = imap.context.store.list_mailboxes(account).await.map_err(|error| convert::no(&error))?;
    for listed in &all {
        let Ok(name) = MailboxName::new(listed.name.as_str()) else { continue };
        if !patterns.iter().any(|pattern| pattern.matches(&name, Some(DELIMITER))) {
            continue;
        }
        let below = |selected: fn(&ListedMailbox) -> bool| {
            all.iter().any(|other| {
                selected(other)
                    && other.name.strip_prefix(&listed.name).is_some_and(|rest| rest.starts_with(DELIMITER))
            })
        };
        let is_selected = is_selected(list, listed);
        let mut child_info = Vec::new();
        if list.selection.recursive_match && list.selection.subscribed && below(|other| other.subscribed) {
            child_info.push(Bytes::from_static(b"SUBSCRIBED"));
        }
        if list.selection.recursive_match
            && list.selection.special_use
            && below(|other| other.special_use.is_some())
        {
            child_info.push(Bytes::from_static(b"SPECIAL-USE"));
        }
        // LSUB shows a level above subscribed names where a pattern ends in `%` (RFC 3501 section 6.3.9).
        let is_level = lists.is_lsub() && !listed.subscribed && below(|other| other.subscribed);
        if !is_selected && child_info.is_empty() && !is_level {
            continue;
        }
        let mut response = ListResponse::new(name.clone(), Some(DELIMITER));
        response.attributes = attributes(list, listed, is_level);
        response.child_info = child_info;
        lists.mailbox(response).await;
        if let Some((mailbox, status)) = listed.mailbox.as_ref().filter(|_| !list.returns.status.is_empty()) {
            lists.status(imap.status_of(name, mailbox, status, &list.returns.status).await?).await;
        }
    }
    Ok(())
}

/// Whether a mailbox is of the kinds that are asked for.
fn is_selected(list: &command::List, listed: &ListedMailbox) -> bool {
    let selection = list.selection;
    if selection.subscribed && !listed.subscribed {
        return false;
    }
    if selection.special_use && listed.special_use.is_none() {
        return false;
    }
    // A name that is nothing but a subscription is no mailbox.
    selection.subscribed || listed.mailbox.is_some() || listed.has_children
}

fn attributes(list: &command::List, listed: &ListedMailbox, is_level: bool) -> Vec<MailboxAttribute> {
    let mut attributes = Vec::new();
    if listed.mailbox.is_none() {
        attributes.push(MailboxAttribute::NonExistent);
    }
    if listed.mailbox.is_none() || is_level {
        attributes.push(MailboxAttribute::NoSelect);
    }
    attributes.push(if listed.has_children {
        MailboxAttribute::HasChildren
    } else {
        MailboxAttribute::HasNoChildren
    });
    if listed.subscribed && (list.selection.subscribed || list.returns.subscribed) {
        attributes.push(MailboxAttribute::Subscribed);
    }
    let special_use = listed.special_use.and_then(|known| SpecialUse::parse(known.attribute()).ok());
    attributes.extend(special_use.map(MailboxAttribute::SpecialUse));
    attributes
}

/// How LIST shows a mailbox that is being selected (RFC 9051 section 6.3.2).
pub(super) fn selected(name: &str) -> Option<ListResponse> {
    Some(ListResponse::new(MailboxName::new(name).ok()?, Some(DELIMITER)))
}
