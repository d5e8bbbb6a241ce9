//! What is done to messages: marks, moving, deleting.

use axum::extract::State;
use axum::response::Response;

use super::loaded::find_folder;
use super::response::{Failure, see_other};
use super::view::is_own_path;
use super::visitor::{Member, Posted, Web};
use crate::store::StoreError;
use crate::store::mailboxes::{Flags, FlagsChange, Mailbox, SpecialUse, SystemFlags, UidSet};

pub(super) async fn act(
    State(web): State<Web>,
    member: Member,
    Posted(form): Posted,
) -> Result<Response, Failure> {
    member.check_form(&web, form.one("token"))?;
    let (_, mailbox) = find_folder(&web, &member, &form).await?;
    let uids: UidSet = form.all("uid").filter_map(|uid| uid.parse::<u32>().ok()).collect();
    let (back, here) = (form.one("back"), form.one("here"));
    if uids.is_empty() {
        return Ok(see_other(&with_done(back, "none")));
    }
    let store = &web.context.store;
    let flags = |change: fn(Flags) -> FlagsChange, flag: SystemFlags| {
        store.store_flags(&mailbox, uids.clone(), change(Flags::system(flag)), None)
    };
    let mut to = back;
    let done = match form.one("action") {
        "read" => {
            flags(FlagsChange::Add, SystemFlags::SEEN).await?;
            "marked"
        }
        "unread" => {
            flags(FlagsChange::Remove, SystemFlags::SEEN).await?;
            "marked"
        }
        action @ ("flag" | "unflag") => {
            let change = if action == "flag" { FlagsChange::Add } else { FlagsChange::Remove };
            flags(change, SystemFlags::FLAGGED).await?;
            // On the page of a message one stays there.
            if !here.is_empty() {
                to = here;
            }
            "marked"
        }
        "move" => {
            let (target, _) = store.find_mailbox(&member.account, form.one("target")).await?;
            if target != mailbox {
                store.move_messages(&mailbox, uids, &target, web.context.clock.now()).await?;
            }
            "moved"
        }
        "delete" => delete(&web, &member, &mailbox, uids).await?,
        _ => return Err(Failure::BadRequest),
    };
    Ok(see_other(&with_done(to, done)))
}

/// To Trash; from Trash for good.
async fn delete(
    web: &Web,
    member: &Member,
    mailbox: &Mailbox,
    uids: UidSet,
) -> Result<&'static str, Failure> {
    let store = &web.context.store;
    let trash = special(web, member, SpecialUse::Trash).await?;
    if trash == *mailbox {
        store.remove_messages(mailbox, uids).await?;
        return Ok("removed");
    }
    store.move_messages(mailbox, uids, &trash, web.context.clock.now()).await?;
    Ok("deleted")
}

/// The folder for something; it is made if there is none.
pub(super) async fn special(
    web: &Web,
    member: &Member,
    special_use: SpecialUse,
) -> Result<Mailbox, StoreError> {
    let store = &web.context.store;
    match store.special_mailbox(&member.account, special_use).await {
        Ok((mailbox, _)) => Ok(mailbox),
        Err(StoreError::NotFound) => {
            let now = web.context.clock.now();
            match store
                .create_mailbox(&member.account, special_use.default_name(), Some(special_use), now)
                .await
            {
                // Somebody uses that name for something else: it will do.
                Err(StoreError::Exists) => {
                    let found = store.find_mailbox(&member.account, special_use.default_name()).await;
                    found.map(|(mailbox, _)| mailbox)
                }
                created => created,
            }
        }
        Err(error) => Err(error),
    }
}

/// A path of ours that also says what was done.
pub(super) fn with_done(path: &str, done: &str) -> String {
    let path = if is_own_path(path) { path } else { "/" };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
    let pairs: Vec<&str> = kept.collect();
    // The path alone only leads on.
    let path = if path == "/" && pairs.is_empty() { "/folder" } else { path };
    if pairs.is_empty() {
        format!("{path}?done={done}")
    } else {
        format!("{path}?{}&done={done}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_once() {
        assert_eq!(with_done("/folder?name=a", "moved"), "/folder?name=a&done=moved");
        assert_eq!(with_done("/folder?done=moved&name=a", "marked"), "/folder?name=a&done=marked");
        assert_eq!(with_done("/folder", "marked"), "/folder?done=marked");
        assert_eq!(with_done("https://evil.example/", "marked"), "/folder?done=marked");
    }
}
