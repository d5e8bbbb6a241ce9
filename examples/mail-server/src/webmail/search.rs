//! Searching a folder: by looking at its messages, the newest first, within bounds.

use std::time::{Duration, Instant};

use postroad_message::Message;

use super::folder::newest;
use super::loaded;
use super::response::Failure;
use super::view::{SearchView, cut};
use super::visitor::Web;
use crate::store::StoreError;
use crate::store::mailboxes::{Mailbox, UidSet};

/// What is shown at most.
const MAX_FOUND: usize = 100;
/// Messages that are looked at.
const MAX_MESSAGES: usize = 5000;
/// The octets of one message that are looked at.
const MAX_OCTETS: usize = 1024 * 1024;
/// The octets that are looked at in all.
const MAX_ALL_OCTETS: usize = 256 * 1024 * 1024;
/// How long it may take.
const MAX_TIME: Duration = Duration::from_secs(10);
/// The octets of what is searched for.
const MAX_WORDS: usize = 200;

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Everything,
    Subject,
    Sender,
    Text,
}

impl Scope {
    fn from_name(name: &str) -> Self {
        match name {
            "subject" => Self::Subject,
            "from" => Self::Sender,
            "text" => Self::Text,
            _ => Self::Everything,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Everything => "all",
            Self::Subject => "subject",
            Self::Sender => "from",
            Self::Text => "text",
        }
    }

    fn wants_text(self) -> bool {
        matches!(self, Self::Everything | Self::Text)
    }
}

/// The UIDs of the messages that have these words, the newest first.
pub(super) async fn search(
    web: &Web,
    mailbox: &Mailbox,
    uids: &UidSet,
    words: &str,
    scope: &str,
) -> Result<(Vec<u32>, SearchView), Failure> {
    let scope = Scope::from_name(scope);
    let words = cut(words, MAX_WORDS);
    let wanted = words.to_lowercase();
    let until = Instant::now() + MAX_TIME;
    let (mut found, mut looked_at, mut octets) = (Vec::new(), 0, 0);
    let mut is_partly = false;
    for uid in newest(uids, 0, MAX_MESSAGES) {
        if found.len() >= MAX_FOUND || octets >= MAX_ALL_OCTETS || Instant::now() >= until {
            is_partly = true;
            break;
        }
        looked_at += 1;
        let read = if scope.wants_text() {
            loaded::beginning(web, mailbox, uid, MAX_OCTETS).await
        } else {
            loaded::header(web, mailbox, uid).await.map(|message| {
                let count = message.octets().len();
                (message, count)
            })
        };
        let message = match read {
            Ok((message, count)) => {
                octets += count;
                message
            }
            Err(StoreError::NotFound) => continue,
            Err(error) => return Err(error.into()),
        };
        let wanted = wanted.clone();
        // Decoding is work that should not hold up others.
        let matches = tokio::task::spawn_blocking(move || has(&message, &wanted, scope));
        if matches.await.map_err(|_| Failure::Busy)? {
            found.push(uid);
        }
    }
    is_partly |= uids.len() > looked_at;
    Ok((found, SearchView { words: words.to_owned(), scope: scope.name(), is_partly }))
}

/// Whether a message has the words, which are in lower case.
fn has(message: &Message<'_>, wanted: &str, scope: Scope) -> bool {
    let is_in = |text: &str| text.to_lowercase().contains(wanted);
    let any = |list: postroad_message::AddressList| {
        list.mailboxes()
            .any(|mailbox| mailbox.name().is_some_and(is_in) || is_in(&mailbox.address().to_string()))
    };
    let subject = || message.subject().is_some_and(|subject| is_in(&subject));
    let sender = || any(message.from());
    let text = || {
        let bodies = message.bodies();
        let mut parts = bodies.text.iter().chain(&bodies.html);
        parts.any(|part| part.text().is_some_and(|text| is_in(&text)))
    };
    match scope {
        Scope::Everything => subject() || sender() || any(message.to()) || any(message.cc()) || text(),
        Scope::Subject => subject(),
        Scope::Sender => sender(),
        Scope::Text => text(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_words_are_found() {
        let message = Message::parse(
            "From: =?utf-8?B?7JWo66as7Iqk?= <alice@crepes.fr>\r\nTo: bob@hamburger.edu\r\n\
             Subject: Searching for the Meaning\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\nS2V0Y2h1cCDsnbjsg50=\r\n"
                .as_bytes(),
        );
        for (words, scope, expected) in [
            ("meaning", Scope::Subject, true),
            ("ketchup", Scope::Subject, false),
            ("ketchup", Scope::Text, true),
            ("인생", Scope::Everything, true),
            ("앨리스", Scope::Sender, true),
            ("crepes", Scope::Sender, true),
            ("bob@", Scope::Sender, false),
            ("bob@", Scope::Everything, true),
            ("pickles", Scope::Everything, false),
        ] {
            assert_eq!(has(&message, words, scope), expected, "{words} {scope:?}");
        }
    }
}
