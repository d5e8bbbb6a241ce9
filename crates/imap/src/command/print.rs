//! From a command to its fragments.

use super::{CommandBody, Encoder, Fragment, LiteralMode};
use super::{connection, fetch, list, mailbox, messages, quota, search, select, sort, store};
use crate::types::Tag;

impl CommandBody {
    /// Writes the command with its tag and CRLF, password included. `utf8`: mailbox names and quoted strings go out in UTF-8, which only
    /// a server takes that has enabled IMAP4rev2 or UTF8=ACCEPT.
    pub fn encode(&self, tag: &Tag, mode: LiteralMode, utf8: bool) -> Vec<Fragment> {
        let mut out = Encoder::new(mode, utf8);
        out.text(tag.as_str()).text(" ");
        self.print(&mut out);
        out.finish()
    }

    fn print(&self, out: &mut Encoder) {
        let name = self.name();
        match self {
            Self::Login(credentials) => connection::print_login(credentials, out),
            Self::Authenticate { mechanism, initial_response } => {
                connection::print_authenticate(mechanism, initial_response.as_ref(), out);
            }
            Self::Id(fields) => connection::print_id(fields.as_ref(), out),
            Self::Enable(capabilities) => connection::print_enable(capabilities, out),
            Self::Select(select) => select::print(select, out),
            Self::Create { mailbox, special_use } => mailbox::print_create(mailbox, special_use, out),
            Self::Delete { mailbox }
            | Self::Subscribe { mailbox }
            | Self::Unsubscribe { mailbox }
            | Self::GetQuotaRoot { mailbox } => {
                out.text(name).text(" ").mailbox(mailbox);
            }
            Self::Rename { from, to } => {
                out.text("RENAME ").mailbox(from).text(" ").mailbox(to);
            }
            Self::List(list) => list::print(list, out),
            Self::Lsub { reference, pattern } => list::print_lsub(reference, pattern, out),
            Self::Status { mailbox, items } => mailbox::print_status(mailbox, items, out),
            Self::Expunge { uids: Some(uids) } => {
                out.text("UID EXPUNGE ").messages(uids);
            }
            Self::Search(search) => search::print(name, search, out),
            Self::Sort(sort) => sort::print(name, sort, out),
            Self::Thread(thread) => sort::print_thread(name, thread, out),
            Self::Fetch(fetch) => fetch::print(name, fetch, out),
            Self::Store(store) => store::print(name, store, out),
            Self::Copy { messages, mailbox, .. } | Self::Move { messages, mailbox, .. } => {
                messages::print(name, messages, mailbox, out);
            }
            Self::Compress => {
                out.text("COMPRESS DEFLATE");
            }
            Self::GetQuota { root } => {
                out.text("GETQUOTA ").astring(root);
            }
            Self::SetQuota { root, limits } => quota::print_set(root, limits, out),
            Self::Capability
            | Self::Noop
            | Self::Logout
            | Self::StartTls
            | Self::Unauthenticate
            | Self::Namespace
            | Self::Idle
            | Self::Check
            | Self::Close
            | Self::Unselect
            | Self::Expunge { uids: None } => {
                out.text(name);
            }
        }
    }
}
