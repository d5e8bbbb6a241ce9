//! The pages, asked for over sockets as a browser does.

mod client;
mod hostile;
mod mail;
mod pages;
mod write;

use std::path::Path;

use crate::config::{Config, Protocol};
use crate::serve::{self, Server};
use crate::store::Account;
use crate::store::mailboxes::{Flags, NewMessage, SystemFlags};
use crate::time::Time;
use client::Browser;

const PASSWORD: &str = "crêpe suzette";

fn start(folder: &Path, more: &str) -> Server {
    let text = format!(
        "hostname = \"mx.hamburger.edu\"\ndomains = [\"hamburger.edu\"]\n\
         [listen]\nsmtp = \"\"\nsubmission = \"\"\npop3 = \"\"\nimap = \"\"\nwebmail = \"127.0.0.1:0\"\n{more}"
    );
    Server::start(Config::parse(&text, folder).unwrap(), serve::handler).unwrap()
}

async fn account(server: &Server, address: &str) -> Account {
    server.context.store.add_account(address, PASSWORD.into(), false, Time::now()).await.unwrap()
}

/// A server with Bob, and Bob logged in.
async fn bob(folder: &Path, more: &str) -> (Server, Account, Browser) {
    let server = start(folder, more);
    let bob = account(&server, "bob@hamburger.edu").await;
    let mut browser = Browser::of(&server);
    browser.log_in("bob@hamburger.edu").await;
    (server, bob, browser)
}

/// Puts a message into a folder.
async fn append(server: &Server, account: &Account, folder: &str, message: &[u8]) -> u32 {
    let store = &server.context.store;
    let (mailbox, _) = store.find_mailbox(account, folder).await.unwrap();
    let mut spool = store.spool();
    spool.write(message).await.unwrap();
    let message = NewMessage {
        message: spool.finish().await.unwrap(),
        flags: Flags::system(SystemFlags::default()),
        internal_date: None,
    };
    store.append(&mailbox, vec![message], Time::now()).await.unwrap().uids[0]
}

/// The messages in a folder, the oldest first: flags and octets.
async fn contents(server: &Server, account: &Account, folder: &str) -> Vec<(SystemFlags, Vec<u8>)> {
    let store = &server.context.store;
    let opened = store.open_mailbox(account, folder).await.unwrap();
    let mut messages = Vec::new();
    for uid in opened.snapshot.uids.iter() {
        let choice = crate::store::mailboxes::Choice {
            uids: [uid].into_iter().collect(),
            ..crate::store::mailboxes::Choice::default()
        };
        let row = store.message_rows(&opened.mailbox, choice).next().await.unwrap().unwrap().remove(0);
        let mut reader = store.read_message(&opened.mailbox, uid).await.unwrap();
        let mut octets = Vec::new();
        while let Some(chunk) = reader.next().await.unwrap() {
            octets.extend_from_slice(&chunk);
        }
        messages.push((row.flags.system, octets));
    }
    messages
}

/// The pages of a message that was appended.
async fn message_path(server: &Server, account: &Account, folder: &str, uid: u32) -> String {
    let (mailbox, _) = server.context.store.find_mailbox(account, folder).await.unwrap();
    format!("folder={folder}&validity={}&uid={uid}", mailbox.uidvalidity())
}
