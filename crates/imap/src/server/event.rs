//! What a server session tells its application.

use super::{
    Append, AppendFinish, Authenticate, Close, Compress, Copy, Create, Delete, Expunge, Fetch, GetQuota,
    GetQuotaRoot, List, Login, Move, Namespace, Rename, SaslResponse, Search, Select, SetQuota, Sort,
    StartTls, Status, Store, Subscribe, Thread,
};
use crate::types::{Tag, UidSet};
use bytes::Bytes;
use postroad_core::ParseError;

/// What a [`Server`](super::Server) has to tell, or to ask.
///
/// What it asks is a token: owned, answered once, by a method that is given the session. Up to
/// [`max_pending`](super::Config::max_pending) of them are out at once, so an application that can work on several commands may. One
/// that is dropped is answered `NO [SERVERBUG]`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The client wants TLS.
    StartTls(StartTls),
    /// A name and a password.
    Login(Login),
    /// An exchange of SASL begins.
    Authenticate(Authenticate),
    /// The client's response in an exchange of SASL.
    SaslResponse(SaslResponse),
    /// The client ended the exchange of SASL by itself. The command is answered.
    SaslCancelled,
    /// The client says who it is (RFC 2971), as field and value. For logs; the session has answered.
    Id(Vec<(Bytes, Option<Bytes>)>),

    /// COMPRESS DEFLATE.
    Compress(Compress),
    /// UNAUTHENTICATE: the client is nobody again, and no mailbox is selected: forget both (RFC 8437). The session has answered.
    Unauthenticated,

    /// SELECT or EXAMINE. The mailbox that was selected before, if any, is no more: forget it.
    Select(Select),
    /// CLOSE: remove what is marked as deleted, and tell nobody here; then the mailbox is no more selected.
    Close(Close),
    /// UNSELECT, or the end of a selected mailbox for another reason: forget it. The session has answered.
    Unselected,
    /// CREATE.
    Create(Create),
    /// DELETE.
    Delete(Delete),
    /// RENAME.
    Rename(Rename),
    /// SUBSCRIBE or UNSUBSCRIBE.
    Subscribe(Subscribe),
    /// LIST or LSUB.
    List(List),
    /// NAMESPACE.
    Namespace(Namespace),
    /// STATUS.
    Status(Status),
    /// GETQUOTA.
    GetQuota(GetQuota),
    /// GETQUOTAROOT.
    GetQuotaRoot(GetQuotaRoot),
    /// SETQUOTA.
    SetQuota(SetQuota),

    /// A message is offered by APPEND; not one of its octets is read.
    Append(Append),
    /// Octets of the message that was accepted last.
    AppendData(Bytes),
    /// Every message of this APPEND is here: store them, all or none.
    AppendFinish(AppendFinish),
    /// The APPEND failed on the way: forget what came of it. The session has answered.
    AppendAborted,

    /// FETCH or UID FETCH.
    Fetch(Fetch),
    /// STORE or UID STORE.
    Store(Store),
    /// SEARCH or UID SEARCH.
    Search(Search),
    /// SORT or UID SORT.
    Sort(Sort),
    /// THREAD or UID THREAD.
    Thread(Thread),
    /// COPY or UID COPY.
    Copy(Copy),
    /// MOVE or UID MOVE.
    Move(Move),
    /// EXPUNGE or UID EXPUNGE.
    Expunge(Expunge),

    /// The flags of these messages have changed, and what they are now is not known here: the client has not read for too long, or its own
    /// STORE has crossed a change by another. Read them, and give them to [`Server::notify`](super::Server::notify). For information; there is no command to be answered.
    Reread(UidSet),

    /// IDLE begins (true) or ends. For information: what is given to [`Server::notify`](super::Server::notify) meanwhile is told at once.
    Idle(bool),
    /// A command was no good, and is answered and counted. For logs.
    BadCommand {
        /// Its tag, if one was to be seen.
        tag: Option<Tag>,
        /// What was wrong. It holds no octets of commands that carry a password.
        error: BadCommand,
    },
}

/// What was wrong with a command, see [`Event::BadCommand`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadCommand {
    /// It is not a command, or its arguments are no good.
    Syntax(ParseError),
    /// It has no place in this state (RFC 9051 section 3).
    State,
    /// A line or a literal is over its limit.
    TooLong,
    /// NUL, CR or LF where none may stand.
    Forbidden,
    /// A log-in that failed.
    Login,
}
