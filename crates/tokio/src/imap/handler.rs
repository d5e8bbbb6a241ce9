//! What an IMAP server decides.

use super::rows::{Lists, Rows};
use bytes::Bytes;
use postroad_core::{Secret, TlsInfo};
use postroad_imap::command::{self, AppendMessage};
use postroad_imap::response::{MailboxStatus, Namespace, NamespaceResponse, No, Quota, ThreadResponse};
use postroad_imap::server::{CopyUid, Fetch, Resync, Search, Selected, Sort, Store, Thread};
use postroad_imap::types::{Credentials, MailboxName, ModSeq, QuotaLimit, SpecialUse, StatusItem, UidSet};
use postroad_imap::view::Change;
use std::future::{Future, ready};
use std::task::{Context, Poll};

/// What a client said in an AUTHENTICATE exchange (RFC 9051 section 6.2.2).
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthStep<Exchange> {
    /// The exchange begins.
    Start {
        /// The mechanism, in upper case: one of those that the configuration offers.
        mechanism: String,
        /// What came with the command, decoded. An empty one is not the same as none.
        initial_response: Option<Secret<Vec<u8>>>,
    },
    /// The response to a challenge, decoded, and what was given with the challenge.
    Response(Secret<Vec<u8>>, Exchange),
}

/// What is answered to an [`AuthStep`].
#[derive(Debug)]
#[non_exhaustive]
pub enum AuthAnswer<Account, Exchange> {
    /// Another challenge, not yet encoded; empty, when a mechanism in which the client speaks first came without its initial response.
    /// What is given with it comes back with the response.
    Challenge(Vec<u8>, Exchange),
    /// The client is who it says to be.
    Accept(Account),
    /// It is not.
    Reject(No),
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The UIDs: ascending, or in the order of SORT.
    pub uids: Vec<u32>,
    /// The greatest modification sequence among them, if the command asked by such.
    pub mod_seq: Option<ModSeq>,
}

/// What an IMAP server decides, for one connection.
///
/// Implement it with `async fn`. Several methods may run at once, on one task: as many commands as the protocol lets run together. So they
/// take `&self`, and what they are about is given to them: the account since the login, the mailbox while it is selected. Each answers
/// by its result; rows are given as they come. What has no default has no safe one.
///
/// While a method of this runs the connection reads, writes and keeps its deadlines. A method is never cut short, even when the connection
/// ends under it, unless [`serve`](super::serve) itself is dropped.
///
/// See `examples/minimal-server` for a whole one in memory.
pub trait Handler: Send + Sync {
    /// Who has logged in.
    type Account: Send + Sync + 'static;
    /// A mailbox that is selected. Dropping it closes it.
    type Mailbox: Send + Sync + 'static;
    /// A message that is coming in. Dropped unfinished when it is not to be stored.
    type Upload: Send + 'static;
    /// A SASL exchange that is not at its end; `()` where there is none.
    type Exchange: Send + 'static;

    /// The connection is now inside of TLS: what was said before counts no more.
    fn tls_established(&self, info: &TlsInfo) {
        let _ = info;
    }

    /// The client says who it is (RFC 2971). Anything can stand there.
    fn client(&self, fields: &[(Bytes, Option<Bytes>)]) {
        let _ = fields;
    }

    /// LOGIN: a name and a password. Compare in constant time, and take as long for a name that does not exist.
    ///
    /// # Errors
    ///
    /// [`No::authentication_failed`], mostly. It counts as an error of the client.
    fn login(&self, credentials: &Credentials) -> impl Future<Output = Result<Self::Account, No>> + Send;

    /// AUTHENTICATE, and the responses to its challenges. Refuses by default.
    fn authenticate(
        &self,
        step: AuthStep<Self::Exchange>,
    ) -> impl Future<Output = AuthAnswer<Self::Account, Self::Exchange>> + Send {
        drop(step);
        ready(AuthAnswer::Reject(No::authentication_failed()))
    }

    /// SELECT or EXAMINE: the mailbox, and what is in it at this moment. From this moment on
    /// [`poll_change`](Self::poll_change) gives every change, in order.
    ///
    /// # Errors
    ///
    /// [`No::nonexistent`], mostly.
    fn select(
        &self,
        account: &Self::Account,
        select: &command::Select,
    ) -> impl Future<Output = Result<(Self::Mailbox, Selected), No>> + Send;

    /// The mailbox that was selected just now, for a client that knows it from before (RFC 7162 section 3.2.5): give what
    /// [vanished](Rows::vanished) of [`Resync::unsure`], then a row with the flags and the modification sequence of each among
    /// [`Resync::known`] that changed [since](Resync::since). Asked only where QRESYNC is announced; refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails, and the mailbox is not selected.
    fn resynchronise(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        resync: &Resync,
        rows: &Rows<'_>,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, mailbox, resync, rows);
        ready(Err(No::cannot()))
    }

    /// The next change of a selected mailbox, whoever caused it; `None`: the mailbox is gone, or what was missed of its changes cannot be made
    /// up for, so that the session has to end. Asked before each answer, so that a command's own effects are told with it: what was
    /// changed must be here before the method that changed it returns. Nothing changes by default.
    fn poll_change(&self, mailbox: &Self::Mailbox, context: &mut Context<'_>) -> Poll<Option<Change>> {
        let _ = (mailbox, context);
        Poll::Pending
    }

    /// The flags of these messages have changed, and how was not kept, for the client has not read for too long: read them, and give them as
    /// changes, by [`poll_change`](Self::poll_change) too.
    fn reread(&self, mailbox: &Self::Mailbox, messages: &UidSet) -> impl Future<Output = ()> + Send {
        let _ = (mailbox, messages);
        ready(())
    }

    /// The mailbox is closed by CLOSE; with `expunge`, what is marked as deleted is to be removed. Removes nothing by default.
    ///
    /// # Errors
    ///
    /// What could not be removed is still there.
    fn close(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        expunge: bool,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, mailbox, expunge);
        ready(Ok(()))
    }

    /// LIST, or LSUB: give every mailbox that matches to `lists`.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn list(
        &self,
        account: &Self::Account,
        list: &command::List,
        lists: &Lists<'_>,
    ) -> impl Future<Output = Result<(), No>> + Send;

    /// NAMESPACE. By default all mailboxes are the account's own, with `/` between levels.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn namespace(
        &self,
        account: &Self::Account,
    ) -> impl Future<Output = Result<NamespaceResponse, No>> + Send {
        let _ = account;
        ready(Ok(NamespaceResponse {
            personal: vec![Namespace {
                prefix: MailboxName::default(),
                delimiter: Some('/'),
                extensions: Vec::new(),
            }],
            ..NamespaceResponse::default()
        }))
    }

    /// STATUS.
    ///
    /// # Errors
    ///
    /// [`No::nonexistent`], mostly.
    fn status(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
        items: &[StatusItem],
    ) -> impl Future<Output = Result<MailboxStatus, No>> + Send;

    /// GETQUOTA: what the quota root of this name allows, and how much is used (RFC 9208). Asked only where QUOTA is announced; refuses by
    /// default.
    ///
    /// # Errors
    ///
    /// [`No::nonexistent`]: there is no such root.
    fn quota(&self, account: &Self::Account, root: &Bytes) -> impl Future<Output = Result<Quota, No>> + Send {
        let _ = (account, root);
        ready(Err(No::nonexistent()))
    }

    /// GETQUOTAROOT: the quotas of a mailbox, which need not be there (RFC 9208). None by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn quota_roots(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
    ) -> impl Future<Output = Result<Vec<Quota>, No>> + Send {
        let _ = (account, mailbox);
        ready(Ok(Vec::new()))
    }

    /// SETQUOTA: other limits; gives what holds then (RFC 9208). Asked only where QUOTASET is announced; refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::no_permission`], mostly.
    fn set_quota(
        &self,
        account: &Self::Account,
        root: &Bytes,
        limits: &[QuotaLimit],
    ) -> impl Future<Output = Result<Quota, No>> + Send {
        let _ = (account, root, limits);
        ready(Err(No::no_permission()))
    }

    /// CREATE. Gives the mailbox's identifier, if there is such a thing (RFC 8474). Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::already_exists`], [`No::cannot`] or others.
    fn create(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
        special_use: &[SpecialUse],
    ) -> impl Future<Output = Result<Option<Bytes>, No>> + Send {
        let _ = (account, mailbox, special_use);
        ready(Err(No::cannot()))
    }

    /// DELETE. Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::nonexistent`], [`No::has_children`] or others.
    fn delete(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, mailbox);
        ready(Err(No::cannot()))
    }

    /// RENAME. Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::nonexistent`], [`No::already_exists`] or others.
    fn rename(
        &self,
        account: &Self::Account,
        from: &MailboxName,
        to: &MailboxName,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, from, to);
        ready(Err(No::cannot()))
    }

    /// SUBSCRIBE or UNSUBSCRIBE. Refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn subscribe(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
        is_subscribed: bool,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, mailbox, is_subscribed);
        ready(Err(No::cannot()))
    }

    /// A message is offered by APPEND: somewhere to put it. Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::try_create`], [`No::overquota`] or others: the whole APPEND fails, and the client may not even send the message.
    fn append(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
        message: &AppendMessage,
    ) -> impl Future<Output = Result<Self::Upload, No>> + Send {
        let _ = (account, mailbox, message);
        ready(Err(No::cannot()))
    }

    /// Octets of a message that [`append`](Self::append) took. The next are not read before this is done.
    ///
    /// # Errors
    ///
    /// The APPEND fails with this, once its end has come; the rest of it is discarded.
    fn append_data(
        &self,
        upload: &mut Self::Upload,
        chunk: Bytes,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (upload, chunk);
        ready(Err(No::cannot()))
    }

    /// The messages of one APPEND are whole: store them, all or none; they must be safe on disk by then. Gives UIDVALIDITY and their UIDs, in
    /// order.
    ///
    /// # Errors
    ///
    /// [`No::overquota`] or others: nothing is stored.
    fn append_finish(
        &self,
        account: &Self::Account,
        mailbox: &MailboxName,
        uploads: Vec<Self::Upload>,
    ) -> impl Future<Output = Result<(u32, UidSet), No>> + Send {
        let _ = (account, mailbox, uploads);
        ready(Err(No::cannot()))
    }

    /// FETCH: give a row for each message to `rows`, in any order; see [`Fetch`].
    ///
    /// # Errors
    ///
    /// The command fails. Rows that were given stand.
    fn fetch(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        fetch: &Fetch,
        rows: &Rows<'_>,
    ) -> impl Future<Output = Result<(), No>> + Send;

    /// STORE: change the flags, and give every message's new ones to [`Rows::stored`]. Gives the UIDs of those that were not stored, for they
    /// were changed since the client saw them (RFC 7162 section 3.1.3). Refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn store(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        store: &Store,
        rows: &Rows<'_>,
    ) -> impl Future<Output = Result<UidSet, No>> + Send {
        let _ = (account, mailbox, store, rows);
        ready(Err(No::no_permission()))
    }

    /// SEARCH: the UIDs of the messages that match.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn search(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        search: &Search,
    ) -> impl Future<Output = Result<Found, No>> + Send;

    /// SORT: the UIDs of the messages that match, in the order that is asked for. Asked only where SORT is announced; refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn sort(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        sort: &Sort,
    ) -> impl Future<Output = Result<Found, No>> + Send {
        let _ = (account, mailbox, sort);
        ready(Err(No::cannot()))
    }

    /// THREAD: the messages that match, in threads, by UIDs. Asked only for an algorithm that is announced; refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn thread(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        thread: &Thread,
    ) -> impl Future<Output = Result<ThreadResponse, No>> + Send {
        let _ = (account, mailbox, thread);
        ready(Err(No::cannot()))
    }

    /// COPY, all or none. Gives where they are; nothing, when there was nothing to copy. Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::try_create`], [`No::overquota`] or others.
    fn copy(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        messages: &UidSet,
        to: &MailboxName,
    ) -> impl Future<Output = Result<Option<CopyUid>, No>> + Send {
        let _ = (account, mailbox, messages, to);
        ready(Err(No::cannot()))
    }

    /// MOVE, all or none; as [`copy`](Self::copy), and they are gone from here. Refuses by default.
    ///
    /// # Errors
    ///
    /// [`No::try_create`], [`No::overquota`] or others.
    fn move_messages(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        messages: &UidSet,
        to: &MailboxName,
    ) -> impl Future<Output = Result<Option<CopyUid>, No>> + Send {
        let _ = (account, mailbox, messages, to);
        ready(Err(No::cannot()))
    }

    /// EXPUNGE: remove what is marked as deleted, for good; only among these UIDs, if there are such. Refuses by default.
    ///
    /// # Errors
    ///
    /// The command fails.
    fn expunge(
        &self,
        account: &Self::Account,
        mailbox: &Self::Mailbox,
        among: Option<&UidSet>,
    ) -> impl Future<Output = Result<(), No>> + Send {
        let _ = (account, mailbox, among);
        ready(Err(No::no_permission()))
    }
}
