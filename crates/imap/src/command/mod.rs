//! Commands: what a client says (RFC 9051 section 6). Parse and print side by side, one file for each family.

mod append;
mod class;
mod connection;
mod fetch;
mod list;
mod mailbox;
mod messages;
mod parse;
mod print;
mod quota;
mod search;
mod search_key;
mod select;
mod sort;
mod store;

pub use crate::grammar::{Encoder, Fragment, LiteralMode};
pub use append::{AppendHead, AppendMessage};
pub use class::Class;
pub use fetch::{Fetch, FetchItem};
pub use list::List;
pub use search::{PartialRange, Search, SearchReturn};
pub use search_key::{EntryType, SearchKey, SearchKeys};
pub use select::{QResync, Select};
pub use sort::{Sort, SortCriterion, SortKey, Thread, ThreadAlgorithm};
pub use store::{Store, StoreOperation};

use crate::types::{
    Atom, Capability, Credentials, ListPattern, MailboxName, Messages, QuotaLimit, SpecialUse, StatusItem,
    Tag,
};
use bytes::Bytes;
use postroad_core::{ParseError, Secret};

/// How commands are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseOptions {
    /// Mailbox names and quoted strings are UTF-8: the client enabled IMAP4rev2 or UTF8=ACCEPT.
    pub utf8: bool,
    /// The most keys of one SEARCH, SORT or THREAD; each NOT, OR and pair of parentheses is one. Default 1000.
    pub max_search_keys: usize,
    /// The most items of any other list: flags, items to fetch, patterns. Default 1000.
    pub max_list_items: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { utf8: false, max_search_keys: 1000, max_list_items: 1000 }
    }
}

/// Why a command was not understood, and its tag if that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    /// The tag, for the answer; `None`: the answer is untagged.
    pub tag: Option<Tag>,
    /// What is wrong.
    pub error: ParseError,
}

impl core::fmt::Display for CommandError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// A command with its tag.
///
/// ```
/// use postroad_imap::command::{Command, CommandBody, LiteralMode, ParseOptions};
///
/// let command = Command::parse(&"a1 create Entw&APw-rfe".into(), &ParseOptions::default())?;
/// assert_eq!(command.tag.as_str(), "a1");
/// assert!(matches!(&command.body, CommandBody::Create { mailbox, .. } if mailbox.as_str() == "Entwürfe"));
/// let fragments = command.encode(LiteralMode::Synchronizing, false);
/// assert_eq!(fragments[0].header(), "a1 CREATE Entw&APw-rfe\r\n");
/// # Ok::<(), postroad_imap::command::CommandError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Command {
    /// The client's name for it.
    pub tag: Tag,
    /// What it asks for.
    pub body: CommandBody,
}

/// What a command asks for. `Debug` hides passwords.
///
/// APPEND is apart, for its messages are streamed: [`AppendHead`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CommandBody {
    /// CAPABILITY: what the server can do.
    Capability,
    /// NOOP: nothing, but what is new may be told.
    Noop,
    /// LOGOUT: goodbye.
    Logout,
    /// STARTTLS: go on under TLS.
    StartTls,
    /// LOGIN.
    Login(Credentials),
    /// AUTHENTICATE: log in by a SASL mechanism.
    Authenticate {
        /// The mechanism.
        mechanism: Atom,
        /// The first response, no longer in base64 (RFC 4959).
        initial_response: Option<Secret<Vec<u8>>>,
    },
    /// UNAUTHENTICATE: as before the log-in (RFC 8437).
    Unauthenticate,
    /// ID: who the client is (RFC 2971); `None`: it does not say.
    Id(Option<Vec<(Bytes, Option<Bytes>)>>),
    /// ENABLE (RFC 5161).
    Enable(Vec<Capability>),
    /// SELECT and EXAMINE.
    Select(Select),
    /// CREATE.
    Create {
        /// The mailbox.
        mailbox: MailboxName,
        /// What it is for (RFC 6154).
        special_use: Vec<SpecialUse>,
    },
    /// DELETE.
    Delete {
        /// The mailbox.
        mailbox: MailboxName,
    },
    /// RENAME.
    Rename {
        /// Its name.
        from: MailboxName,
        /// Its new name.
        to: MailboxName,
    },
    /// SUBSCRIBE.
    Subscribe {
        /// The mailbox.
        mailbox: MailboxName,
    },
    /// UNSUBSCRIBE.
    Unsubscribe {
        /// The mailbox.
        mailbox: MailboxName,
    },
    /// LIST, basic and extended.
    List(List),
    /// LSUB (RFC 3501).
    Lsub {
        /// What the pattern is relative to.
        reference: MailboxName,
        /// Which mailboxes.
        pattern: ListPattern,
    },
    /// NAMESPACE.
    Namespace,
    /// STATUS.
    Status {
        /// The mailbox.
        mailbox: MailboxName,
        /// What to tell, at least one.
        items: Vec<StatusItem>,
    },
    /// IDLE: tell what is new until the client says DONE.
    Idle,
    /// CHECK (RFC 3501).
    Check,
    /// CLOSE: expunge without a word and close the mailbox.
    Close,
    /// UNSELECT: close the mailbox and expunge nothing.
    Unselect,
    /// EXPUNGE and UID EXPUNGE.
    Expunge {
        /// Only these UIDs (UID EXPUNGE).
        uids: Option<Messages>,
    },
    /// SEARCH and UID SEARCH.
    Search(Search),
    /// SORT and UID SORT (RFC 5256).
    Sort(Sort),
    /// THREAD and UID THREAD (RFC 5256).
    Thread(Thread),
    /// FETCH and UID FETCH.
    Fetch(Fetch),
    /// STORE and UID STORE.
    Store(Store),
    /// COPY and UID COPY.
    Copy {
        /// `messages` are UIDs.
        uid: bool,
        /// Which messages.
        messages: Messages,
        /// Where to.
        mailbox: MailboxName,
    },
    /// MOVE and UID MOVE.
    Move {
        /// `messages` are UIDs.
        uid: bool,
        /// Which messages.
        messages: Messages,
        /// Where to.
        mailbox: MailboxName,
    },
    /// COMPRESS DEFLATE (RFC 4978).
    Compress,
    /// GETQUOTA (RFC 9208).
    GetQuota {
        /// The quota root.
        root: Bytes,
    },
    /// GETQUOTAROOT (RFC 9208).
    GetQuotaRoot {
        /// The mailbox.
        mailbox: MailboxName,
    },
    /// SETQUOTA (RFC 9208).
    SetQuota {
        /// The quota root.
        root: Bytes,
        /// The new limits; what is not named has none.
        limits: Vec<QuotaLimit>,
    },
}

impl Command {
    /// Writes the command with its CRLF, password included.
    pub fn encode(&self, mode: LiteralMode, utf8: bool) -> Vec<Fragment> {
        self.body.encode(&self.tag, mode, utf8)
    }
}

impl CommandBody {
    /// The name, with `UID` before it where it takes UIDs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::StartTls => "STARTTLS",
            Self::Login(_) => "LOGIN",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Unauthenticate => "UNAUTHENTICATE",
            Self::Id(_) => "ID",
            Self::Enable(_) => "ENABLE",
            Self::Select(Select { read_only: false, .. }) => "SELECT",
            Self::Select(Select { read_only: true, .. }) => "EXAMINE",
            Self::Create { .. } => "CREATE",
            Self::Delete { .. } => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Subscribe { .. } => "SUBSCRIBE",
            Self::Unsubscribe { .. } => "UNSUBSCRIBE",
            Self::List(_) => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::Namespace => "NAMESPACE",
            Self::Status { .. } => "STATUS",
            Self::Idle => "IDLE",
            Self::Check => "CHECK",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Expunge { uids: None } => "EXPUNGE",
            Self::Expunge { uids: Some(_) } => "UID EXPUNGE",
            Self::Search(Search { uid: false, .. }) => "SEARCH",
            Self::Search(Search { uid: true, .. }) => "UID SEARCH",
            Self::Sort(Sort { uid: false, .. }) => "SORT",
            Self::Sort(Sort { uid: true, .. }) => "UID SORT",
            Self::Thread(Thread { uid: false, .. }) => "THREAD",
            Self::Thread(Thread { uid: true, .. }) => "UID THREAD",
            Self::Fetch(Fetch { uid: false, .. }) => "FETCH",
            Self::Fetch(Fetch { uid: true, .. }) => "UID FETCH",
            Self::Store(Store { uid: false, .. }) => "STORE",
            Self::Store(Store { uid: true, .. }) => "UID STORE",
            Self::Copy { uid: false, .. } => "COPY",
            Self::Copy { uid: true, .. } => "UID COPY",
            Self::Move { uid: false, .. } => "MOVE",
            Self::Move { uid: true, .. } => "UID MOVE",
            Self::Compress => "COMPRESS",
            Self::GetQuota { .. } => "GETQUOTA",
            Self::GetQuotaRoot { .. } => "GETQUOTAROOT",
            Self::SetQuota { .. } => "SETQUOTA",
        }
    }
}
