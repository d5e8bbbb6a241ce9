//! One method per command.

use super::news::cost;
use super::{Client, ClientError, Result, done};
use bytes::Bytes;
use postroad_core::{ParseError, ParseErrorKind};
use postroad_imap::client::Event;
use postroad_imap::command::{
    CommandBody, List, Search, SearchKey, SearchKeys, SearchReturn, Select, Store, StoreOperation,
};
use postroad_imap::response::{
    ESearchResponse, ListResponse, MailboxStatus, NamespaceResponse, Response, ResponseCode, Status,
    StatusResponse,
};
use postroad_imap::server::CopyUid;
use postroad_imap::types::{
    Capability, Flag, FlagPermission, ListPattern, ListReturn, ListSelection, MailboxName, Messages, ModSeq,
    StatusItem, UidSet,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// What a server answers to a command, gathered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The untagged responses that belong to it, in their order.
    pub responses: Vec<Response>,
    /// How it ended: well.
    pub status: StatusResponse,
}

/// A mailbox that was selected (RFC 9051 section 6.3.2). What the server did not say is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Mailbox {
    /// How many messages it has.
    pub exists: u32,
    /// UIDVALIDITY: while it stays the same, UIDs that are known are those of the same messages.
    pub uid_validity: Option<u32>,
    /// UIDNEXT: no message that comes will have a smaller UID.
    pub uid_next: Option<u32>,
    /// The flags that are used in it.
    pub flags: Vec<Flag>,
    /// The flags that can be changed for good; `None`: all.
    pub permanent_flags: Option<Vec<FlagPermission>>,
    /// The sequence number of the first message that is not seen (RFC 3501).
    pub unseen: Option<u32>,
    /// HIGHESTMODSEQ (RFC 7162).
    pub highest_mod_seq: Option<ModSeq>,
    /// MAILBOXID (RFC 8474).
    pub mailbox_id: Option<Bytes>,
    /// Whether it cannot be changed.
    pub is_read_only: bool,
}

/// A mailbox of LIST.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What LIST says of it.
    pub list: ListResponse,
    /// Its status, if it was asked for (RFC 5819).
    pub status: Option<MailboxStatus>,
}

/// The names of responses that are data: one of them that cannot be read is a hole in an answer.
const DATA: [&str; 9] =
    ["LIST", "LSUB", "STATUS", "SEARCH", "ESEARCH", "NAMESPACE", "FETCH", "FLAGS", "CAPABILITY"];

/// The fault of an answer of which this response is a part.
pub(super) fn hole(response: &Response) -> Option<ParseError> {
    let Response::Unknown(unknown) = response else { return None };
    let what = DATA.iter().find(|name| unknown.name().is(name))?;
    Some(ParseError::new(ParseErrorKind::Expected(what), 0, unknown.raw()))
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Client<Io> {
    /// Sends any command that is answered at one go, and gathers what the server says. Sections of messages that are streamed, for their
    /// size, are not among it: use [`uid_fetch`](Self::uid_fetch) for those.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn command(&mut self, command: CommandBody) -> Result<Answer> {
        let id = self.begin(command).await?;
        let mut responses = Vec::new();
        let mut gathered = 0;
        let mut fault = None;
        loop {
            let response = match self.next().await? {
                Event::Done { of, status } if of == id => {
                    let status = done(status)?;
                    return match fault {
                        Some(fault) => Err(ClientError::Malformed(fault)),
                        None => Ok(Answer { responses, status }),
                    };
                }
                Event::NotSent { of, reason } if of == id => return Err(reason.into()),
                Event::Malformed { error, .. } => {
                    fault = fault.or(Some(error));
                    continue;
                }
                Event::Data { of: None, response } => {
                    fault = fault.or_else(|| hole(&response));
                    continue;
                }
                Event::Data { of: Some(of), response } if of == id => response,
                Event::Row { of: Some(of), row } if of == id => Response::Fetch(row),
                _ => continue,
            };
            gathered += cost(&response);
            if gathered > self.max_gathered {
                return Err(ClientError::TooMuch);
            }
            responses.push(response);
        }
    }

    /// NOOP: whether the server is still there; and it may tell news.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn noop(&mut self) -> Result<()> {
        self.command(CommandBody::Noop).await.map(drop)
    }

    /// ENABLE (RFC 9051 section 6.3.1): gives what is switched on now.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn enable(&mut self, capabilities: Vec<Capability>) -> Result<Vec<Capability>> {
        let answer = self.command(CommandBody::Enable(capabilities)).await?;
        let enabled = answer.responses.into_iter().filter_map(|response| match response {
            Response::Enabled(enabled) => Some(enabled),
            _ => None,
        });
        Ok(enabled.flatten().collect())
    }

    /// SELECT: opens a mailbox. News of the one before are forgotten.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]. No mailbox is selected after [`ClientError::Refused`].
    pub async fn select(&mut self, mailbox: &MailboxName) -> Result<Mailbox> {
        self.open_mailbox(Select::new(mailbox.clone(), false)).await
    }

    /// EXAMINE: opens a mailbox, and changes nothing in it.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine(&mut self, mailbox: &MailboxName) -> Result<Mailbox> {
        self.open_mailbox(Select::new(mailbox.clone(), true)).await
    }

    async fn open_mailbox(&mut self, select: Select) -> Result<Mailbox> {
        let is_read_only = select.read_only;
        let answer = self.command(CommandBody::Select(select)).await;
        if !matches!(&answer, Err(ClientError::Refused(status)) if status.status == Status::Bad) {
            self.news.forget_mailbox();
        }
        let answer = answer?;
        let mut mailbox = Mailbox { is_read_only, ..Mailbox::default() };
        mailbox.exists = self.connection.session.exists().unwrap_or(0);
        for response in answer.responses {
            match response {
                Response::Flags(flags) => mailbox.flags = flags,
                Response::Status(StatusResponse { code: Some(code), .. }) => mailbox.take(code),
                _ => {}
            }
        }
        if let Some(code) = answer.status.code {
            mailbox.take(code);
        }
        Ok(mailbox)
    }

    /// UNSELECT: closes the mailbox, and removes nothing (RFC 9051 section 6.4.2).
    ///
    /// # Errors
    ///
    /// See [`ClientError`]: [`ClientError::NotNow`] where the server does not offer it.
    pub async fn unselect(&mut self) -> Result<()> {
        self.command(CommandBody::Unselect).await?;
        self.news.forget_mailbox();
        Ok(())
    }

    /// CLOSE: removes what is marked as deleted, without news, and closes the mailbox.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn close(&mut self) -> Result<()> {
        self.command(CommandBody::Close).await?;
        self.news.forget_mailbox();
        Ok(())
    }

    /// LIST in its basic form: the mailboxes whose names match; `*` matches everything, `%` everything up to the delimiter.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list(&mut self, pattern: ListPattern) -> Result<Vec<ListResponse>> {
        let list = List {
            selection: ListSelection::default(),
            reference: MailboxName::default(),
            patterns: vec![pattern],
            returns: ListReturn::default(),
        };
        Ok(self.list_extended(list).await?.into_iter().map(|listed| listed.list).collect())
    }

    /// LIST in its extended form (RFC 9051 section 6.3.9, RFC 5258): look first whether the server offers that.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn list_extended(&mut self, list: List) -> Result<Vec<Listed>> {
        let mut listed: Vec<Listed> = Vec::new();
        let mut statuses = std::collections::HashMap::new();
        for response in self.command(CommandBody::List(list)).await?.responses {
            match response {
                Response::List(list) => listed.push(Listed { list, status: None }),
                Response::MailboxStatus(status) => {
                    statuses.insert(status.mailbox.clone(), status);
                }
                _ => {}
            }
        }
        for Listed { list, status } in &mut listed {
            *status = statuses.remove(&list.mailbox);
        }
        Ok(listed)
    }

    /// LSUB: the subscribed mailboxes of a server that does not know the extended LIST (RFC 3501 section 6.3.9).
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn lsub(&mut self, pattern: ListPattern) -> Result<Vec<ListResponse>> {
        let answer = self.command(CommandBody::Lsub { reference: MailboxName::default(), pattern }).await?;
        let lists = answer.responses.into_iter().filter_map(|response| match response {
            Response::Lsub(list) => Some(list),
            _ => None,
        });
        Ok(lists.collect())
    }

    /// NAMESPACE: where mailboxes are (RFC 9051 section 6.3.10).
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn namespace(&mut self) -> Result<NamespaceResponse> {
        self.one(CommandBody::Namespace, "NAMESPACE", |response| match response {
            Response::Namespace(namespaces) => Some(namespaces),
            _ => None,
        })
        .await
    }

    /// STATUS of a mailbox that need not be selected.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn status(&mut self, mailbox: &MailboxName, items: Vec<StatusItem>) -> Result<MailboxStatus> {
        let command = CommandBody::Status { mailbox: mailbox.clone(), items };
        self.one(command, "STATUS", |response| match response {
            Response::MailboxStatus(status) => Some(status),
            _ => None,
        })
        .await
    }

    /// The one response of a command that is answered by one.
    async fn one<T>(
        &mut self,
        command: CommandBody,
        name: &'static str,
        pick: impl FnMut(Response) -> Option<T>,
    ) -> Result<T> {
        let answer = self.command(command).await?;
        answer.responses.into_iter().find_map(pick).ok_or(ClientError::Missing(name))
    }

    /// CREATE.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn create(&mut self, mailbox: &MailboxName) -> Result<()> {
        let command = CommandBody::Create { mailbox: mailbox.clone(), special_use: Vec::new() };
        self.command(command).await.map(drop)
    }

    /// DELETE of a mailbox with its messages.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn delete(&mut self, mailbox: &MailboxName) -> Result<()> {
        self.command(CommandBody::Delete { mailbox: mailbox.clone() }).await.map(drop)
    }

    /// RENAME.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn rename(&mut self, from: &MailboxName, to: &MailboxName) -> Result<()> {
        self.command(CommandBody::Rename { from: from.clone(), to: to.clone() }).await.map(drop)
    }

    /// SUBSCRIBE.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn subscribe(&mut self, mailbox: &MailboxName) -> Result<()> {
        self.command(CommandBody::Subscribe { mailbox: mailbox.clone() }).await.map(drop)
    }

    /// UNSUBSCRIBE.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn unsubscribe(&mut self, mailbox: &MailboxName) -> Result<()> {
        self.command(CommandBody::Unsubscribe { mailbox: mailbox.clone() }).await.map(drop)
    }

    /// UID SEARCH: the UIDs of the messages that match, in the compact form where the server offers it. Strings are UTF-8.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn uid_search(&mut self, keys: SearchKeys) -> Result<UidSet> {
        let is_compact = self
            .capabilities()
            .is_some_and(|offered| offered.has(&Capability::ESearch) || offered.has(&Capability::Imap4Rev2));
        let returns = SearchReturn { all: true, ..SearchReturn::default() };
        let command = self.search(keys, is_compact.then_some(returns));
        let mut found = UidSet::new();
        for response in self.command(command).await?.responses {
            let numbers = match response {
                Response::Search(search) => search.numbers,
                Response::ESearch(ESearchResponse { all: Some(all), .. }) => all,
                _ => continue,
            };
            numbers.ranges().for_each(|range| found.push_range(range));
        }
        found.normalise();
        Ok(found)
    }

    /// UID SEARCH with RETURN: the least, the greatest, how many, and what else was asked for, of a server that offers ESEARCH
    /// (RFC 4731).
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn uid_search_return(
        &mut self,
        keys: SearchKeys,
        returns: SearchReturn,
    ) -> Result<ESearchResponse> {
        let command = self.search(keys, Some(returns));
        self.one(command, "ESEARCH", |response| match response {
            Response::ESearch(found) => Some(found),
            _ => None,
        })
        .await
    }

    fn search(&self, keys: SearchKeys, return_options: Option<SearchReturn>) -> CommandBody {
        // With UTF-8 agreed on, a charset must not be named (RFC 6855 section 3).
        let needs_charset = !self.connection.session.is_utf8() && !keys.as_slice().iter().all(is_ascii);
        let charset = needs_charset.then(|| Bytes::from_static(b"UTF-8"));
        CommandBody::Search(Search { uid: true, return_options, charset, keys })
    }

    /// UID STORE, silently: what others change meanwhile is news all the same.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn uid_store(
        &mut self,
        uids: impl Into<Messages>,
        operation: StoreOperation,
        flags: Vec<Flag>,
    ) -> Result<()> {
        let messages = uids.into();
        let store = Store { uid: true, messages, unchanged_since: None, operation, silent: true, flags };
        self.command(CommandBody::Store(store)).await.map(drop)
    }

    /// UID COPY: gives where they are now, if the server says so.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]. Nothing was copied after [`ClientError::Refused`].
    pub async fn uid_copy(&mut self, uids: impl Into<Messages>, to: &MailboxName) -> Result<Option<CopyUid>> {
        let command = CommandBody::Copy { uid: true, messages: uids.into(), mailbox: to.clone() };
        self.command(command).await.map(copied)
    }

    /// UID MOVE (RFC 6851): gives where they are now, if the server says so. That they are gone from here is news.
    ///
    /// # Errors
    ///
    /// See [`ClientError`]: [`ClientError::NotNow`] where the server does not offer it.
    pub async fn uid_move(&mut self, uids: impl Into<Messages>, to: &MailboxName) -> Result<Option<CopyUid>> {
        let command = CommandBody::Move { uid: true, messages: uids.into(), mailbox: to.clone() };
        self.command(command).await.map(copied)
    }

    /// EXPUNGE: removes all that is marked as deleted, for good. That they are gone is news.
    ///
    /// # Errors
    ///
    /// See [`ClientError`].
    pub async fn expunge(&mut self) -> Result<()> {
        self.command(CommandBody::Expunge { uids: None }).await.map(drop)
    }

    /// UID EXPUNGE: removes, of these, what is marked as deleted (RFC 4315).
    ///
    /// # Errors
    ///
    /// See [`ClientError`]: [`ClientError::NotNow`] where the server does not offer it.
    pub async fn uid_expunge(&mut self, uids: impl Into<Messages>) -> Result<()> {
        self.command(CommandBody::Expunge { uids: Some(uids.into()) }).await.map(drop)
    }
}

impl Mailbox {
    fn take(&mut self, code: ResponseCode) {
        match code {
            ResponseCode::UidValidity(number) => self.uid_validity = Some(number),
            ResponseCode::UidNext(number) => self.uid_next = Some(number),
            ResponseCode::Unseen(number) => self.unseen = Some(number),
            ResponseCode::PermanentFlags(flags) => self.permanent_flags = Some(flags),
            ResponseCode::HighestModSeq(mod_seq) => self.highest_mod_seq = Some(mod_seq),
            ResponseCode::MailboxId(id) => self.mailbox_id = Some(id),
            ResponseCode::ReadOnly => self.is_read_only = true,
            _ => {}
        }
    }
}

/// COPYUID, from the tagged response or, of MOVE, from an untagged one (RFC 6851 section 4.3).
fn copied(answer: Answer) -> Option<CopyUid> {
    let untagged = answer.responses.into_iter().filter_map(|response| match response {
        Response::Status(status) => status.code,
        _ => None,
    });
    answer.status.code.into_iter().chain(untagged).find_map(|code| match code {
        ResponseCode::CopyUid { uid_validity, source, destination } => {
            Some(CopyUid { uid_validity, source, destination })
        }
        _ => None,
    })
}

fn is_ascii(key: &SearchKey) -> bool {
    match key {
        SearchKey::Bcc(text)
        | SearchKey::Body(text)
        | SearchKey::Cc(text)
        | SearchKey::From(text)
        | SearchKey::Subject(text)
        | SearchKey::Text(text)
        | SearchKey::To(text) => text.is_ascii(),
        SearchKey::Header { field, value } => field.is_ascii() && value.is_ascii(),
        _ => true,
    }
}
