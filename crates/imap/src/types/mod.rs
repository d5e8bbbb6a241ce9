//! The nouns of IMAP (RFC 9051 section 9); none can be built wrong.

mod append;
mod atom;
mod capability;
mod credentials;
mod date;
mod flag;
mod list;
mod mailbox;
mod mod_seq;
mod pattern;
mod quota;
mod section;
mod sequence;
mod special_use;
mod status;
mod tag;
mod uid_set;
mod utf7;

pub use append::AppendOptions;
pub use atom::Atom;
pub use capability::{Capabilities, Capability};
pub use credentials::Credentials;
pub use date::{Date, DateTime};
pub use flag::{Flag, FlagPermission};
pub use list::{ListReturn, ListSelection};
pub use mailbox::MailboxName;
pub use mod_seq::ModSeq;
pub use pattern::ListPattern;
pub use postroad_core::TlsInfo;
pub use quota::{QuotaLimit, QuotaResource};
pub use section::{Partial, Section, SectionText};
pub use sequence::{Messages, SequenceNumber, SequenceRange, SequenceSet};
pub use special_use::SpecialUse;
pub use status::StatusItem;
pub use tag::Tag;
pub use uid_set::UidSet;
