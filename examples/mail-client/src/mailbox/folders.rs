//! `folders`

use anyhow::Result;
use postroad_imap::command::List;
use postroad_imap::response::{ListResponse, MailboxAttribute, MailboxStatus};
use postroad_imap::types::{Capability, ListPattern, ListReturn, ListSelection, MailboxName, StatusItem};
use serde::Serialize;

use super::Imap;
use crate::terminal::{columns, complain, say};

#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    delimiter: Option<char>,
    attributes: Vec<String>,
    /// Null where the server does not say, and of a folder that cannot be opened.
    messages: Option<u32>,
    unseen: Option<u32>,
    uid_next: Option<u32>,
    uid_validity: Option<u32>,
}

pub(super) async fn run(client: &mut Imap, json: bool) -> Result<()> {
    let items = vec![StatusItem::Messages, StatusItem::Unseen, StatusItem::UidNext, StatusItem::UidValidity];
    let offers = |capability| client.capabilities().is_some_and(|offered| offered.has(capability));
    let with_status = offers(&Capability::ListStatus) || offers(&Capability::Imap4Rev2);
    let with_use = offers(&Capability::SpecialUse) || offers(&Capability::Imap4Rev2);
    let list = List {
        selection: ListSelection::default(),
        reference: MailboxName::default(),
        patterns: vec![ListPattern::new("*")?],
        returns: ListReturn {
            special_use: with_use && offers(&Capability::ListExtended) || offers(&Capability::Imap4Rev2),
            status: if with_status { items.clone() } else { Vec::new() },
            ..ListReturn::default()
        },
    };
    let mut listed = client.list_extended(list).await?;
    listed.sort_by(|one, other| {
        let key = |list: &ListResponse| (!list.mailbox.is_inbox(), list.mailbox.as_str().to_owned());
        key(&one.list).cmp(&key(&other.list))
    });
    for mut folder in listed {
        let list = &folder.list;
        let can_be_opened =
            !list.has(&MailboxAttribute::NoSelect) && !list.has(&MailboxAttribute::NonExistent);
        if folder.status.is_none() && can_be_opened && !with_status {
            match client.status(&list.mailbox, items.clone()).await {
                Ok(status) => folder.status = Some(status),
                Err(postroad_tokio::imap::ClientError::Refused(status)) => {
                    complain(&format!(
                        "{}: {}",
                        list.mailbox.as_str(),
                        conversation::shown(status.text.as_str())
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
        print(&folder.list, folder.status.as_ref(), json)?;
    }
    Ok(())
}

fn print(list: &ListResponse, status: Option<&MailboxStatus>, json: bool) -> Result<()> {
    let attributes: Vec<String> = list.attributes.iter().map(ToString::to_string).collect();
    if json {
        let row = Row {
            name: list.mailbox.as_str(),
            delimiter: list.delimiter,
            attributes,
            messages: status.and_then(|status| status.messages),
            unseen: status.and_then(|status| status.unseen),
            uid_next: status.and_then(|status| status.uid_next),
            uid_validity: status.and_then(|status| status.uid_validity),
        };
        say(&serde_json::to_string(&row)?);
        return Ok(());
    }
    let number = |number: Option<u32>| number.map_or_else(|| "-".into(), |number| number.to_string());
    let uses: Vec<String> = list
        .attributes
        .iter()
        .filter(|attribute| matches!(attribute, MailboxAttribute::SpecialUse(_)))
        .map(ToString::to_string)
        .collect();
    let line = format!(
        "{} {:>7} {:>7} new  {}",
        columns(list.mailbox.as_str(), 32),
        number(status.and_then(|status| status.messages)),
        number(status.and_then(|status| status.unseen)),
        uses.join(" "),
    );
    say(line.trim_end());
    Ok(())
}
