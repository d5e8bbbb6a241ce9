//! The answer to SELECT and EXAMINE.

use super::{Server, State};
use crate::command;
use crate::response::{ListResponse, Response, ResponseCode, Status};
use crate::types::{Flag, FlagPermission, ModSeq};
use crate::view::{MailboxView, Uids};
use bytes::Bytes;
use postroad_core::Ticket;

/// A mailbox, as it is when it is opened (RFC 9051 section 6.3.2).
///
/// ```
/// use postroad_imap::server::Selected;
/// use postroad_imap::types::{Flag, FlagPermission};
///
/// let mut selected = Selected::new(1_795_392_000, 4392, (1..=172).collect());
/// selected.flags = vec![Flag::Seen, Flag::Answered, Flag::Deleted];
/// selected.permanent_flags = vec![Flag::Seen.into(), Flag::Deleted.into(), FlagPermission::NewKeywords];
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Selected {
    /// UIDVALIDITY: another number when UIDs of this name were given anew. Not 0.
    pub uid_validity: u32,
    /// UIDNEXT: no message that comes will have a smaller UID.
    pub uid_next: u32,
    /// The UIDs of all messages.
    pub uids: Uids,
    /// The flags that are used in this mailbox. Default: the system's.
    pub flags: Vec<Flag>,
    /// The flags that the client may change for good. Default: the system's, and new keywords.
    pub permanent_flags: Vec<FlagPermission>,
    /// The UID of the first message that is not seen; told to clients of IMAP4rev1 (RFC 3501 section 7.1, UNSEEN).
    pub first_unseen: Option<u32>,
    /// The greatest modification sequence of the mailbox; none: it has no such (RFC 7162 section 3.1.2).
    pub highest_mod_seq: Option<ModSeq>,
    /// The mailbox's identifier (RFC 8474 section 4.2).
    pub mailbox_id: Option<Bytes>,
    /// How LIST shows it: told to clients of IMAP4rev2 (RFC 9051 section 6.3.2).
    pub list: Option<ListResponse>,
    /// Whether this client may not change it, although it asked by SELECT.
    pub is_read_only: bool,
}

impl Selected {
    /// A mailbox with these messages, in which everything may be changed.
    pub fn new(uid_validity: u32, uid_next: u32, uids: Uids) -> Self {
        let system = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
        let mut permanent_flags: Vec<FlagPermission> = system.iter().cloned().map(Into::into).collect();
        permanent_flags.push(FlagPermission::NewKeywords);
        Self {
            uid_validity,
            uid_next,
            uids,
            flags: system.to_vec(),
            permanent_flags,
            first_unseen: None,
            highest_mod_seq: None,
            mailbox_id: None,
            list: None,
            is_read_only: false,
        }
    }
}

impl Server {
    pub(super) fn select_accepted(&mut self, ticket: Ticket, command: &command::Select, selected: Selected) {
        self.open_selected(&ticket, command, selected);
        self.select_ended(ticket, command);
    }

    /// The mailbox is open: everything is told of it, but not yet that this is all. False: the command is over.
    pub(super) fn open_selected(
        &mut self,
        ticket: &Ticket,
        command: &command::Select,
        selected: Selected,
    ) -> bool {
        if !self.tickets.is_out(ticket) {
            return false;
        }
        let is_read_only = selected.is_read_only || command.read_only;
        let utf8 = self.utf8();
        let exists = selected.uids.len();
        self.untagged(&Response::Exists(exists));
        if !self.is_rev2() {
            self.untagged(&Response::Recent(0));
        }
        self.untagged(&Response::Flags(selected.flags));
        let permanent = if is_read_only { Vec::new() } else { selected.permanent_flags };
        self.untagged_ok(ResponseCode::PermanentFlags(permanent), "flags that stay");
        self.untagged_ok(ResponseCode::UidValidity(selected.uid_validity), "UIDs valid");
        self.untagged_ok(ResponseCode::UidNext(selected.uid_next), "next UID");
        let first_unseen = selected.first_unseen.and_then(|uid| selected.uids.number(uid));
        if let Some(number) = first_unseen.filter(|_| !self.is_rev2()) {
            self.untagged_ok(ResponseCode::Unseen(number), "first unseen");
        }
        if self.has_condstore() {
            match selected.highest_mod_seq {
                Some(mod_seq) => self.untagged_ok(ResponseCode::HighestModSeq(mod_seq), "highest"),
                None => self.untagged_ok(ResponseCode::NoModSeq, "no modification sequences"),
            }
        }
        if let Some(code) = selected.mailbox_id.map(ResponseCode::MailboxId) {
            self.untagged_ok(code, "its identifier");
        }
        if let Some(list) = selected.list.filter(|_| self.is_rev2()) {
            self.line(|text| Response::List(list).encode(text, utf8));
        }
        self.view = Some(MailboxView::new(selected.uids));
        self.start_mod_seqs(selected.highest_mod_seq.filter(|_| self.has_condstore()));
        self.is_read_only = is_read_only;
        self.state = State::Selected;
        self.resyncing = Some(ticket.slot());
        true
    }

    pub(super) fn select_ended(&mut self, ticket: Ticket, command: &command::Select) {
        let code = if self.is_read_only { ResponseCode::ReadOnly } else { ResponseCode::ReadWrite };
        let text = if command.read_only { "EXAMINE completed" } else { "SELECT completed" };
        if let Some(running) = self.settle(ticket) {
            self.resyncing = None;
            self.tagged(&running.tag, Status::Ok, Some(code), text);
        }
    }
}
