//! SELECT and EXAMINE (RFC 9051 section 6.3.2, RFC 7162 sections 3.1.8 and 3.2.5).

use crate::types::{MailboxName, ModSeq, SequenceSet, UidSet};
use core::num::NonZeroU32;

/// SELECT or EXAMINE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// EXAMINE: nothing will be changed.
    pub read_only: bool,
    /// CONDSTORE: tell mod-sequences from now on.
    pub condstore: bool,
    /// QRESYNC: tell what changed.
    pub qresync: Option<QResync>,
}

impl Select {
    /// SELECT or EXAMINE without parameters.
    pub fn new(mailbox: MailboxName, read_only: bool) -> Self {
        Self { mailbox, read_only, condstore: false, qresync: None }
    }
}

/// What a client knows of the mailbox (RFC 7162 section 3.2.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QResync {
    /// The UIDVALIDITY it knows.
    pub uid_validity: NonZeroU32,
    /// The greatest mod-sequence it knows.
    pub mod_seq: ModSeq,
    /// The UIDs it knows.
    pub known_uids: Option<UidSet>,
    /// Some sequence numbers and their UIDs, as many of one as of the other, without `*`.
    pub sequence_match: Option<(SequenceSet, UidSet)>,
}
