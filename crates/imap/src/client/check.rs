//! Which command may be sent, as the session and the server stand.

use super::kind::Kind;
use super::state::Connection;
use super::waiting::{Append, InFlight, Request, Waiting};
use super::{Client, NotNowReason};
use crate::command::{Class, CommandBody};
use crate::types::{Capabilities, Capability};

impl Client {
    /// Whether any command may be given.
    pub(super) fn admit_any(&self) -> Result<(), NotNowReason> {
        if self.connection == Connection::Closed || self.said_bye {
            return Err(NotNowReason::Closing);
        }
        if let Some(reason) = self.last {
            return Err(reason);
        }
        if self.queue.len() >= self.config.max_waiting.max(1) { Err(NotNowReason::TooMany) } else { Ok(()) }
    }

    pub(super) fn needs_tls(&self) -> bool {
        self.config.require_tls && self.tls.is_none()
    }

    pub(super) fn admit(&self, command: &CommandBody, class: Class) -> Result<(), NotNowReason> {
        self.admit_any()?;
        match command {
            CommandBody::Capability | CommandBody::Noop | CommandBody::Logout | CommandBody::Id(_) => {}
            CommandBody::StartTls if self.tls.is_some() => return Err(NotNowReason::HasTls),
            CommandBody::StartTls => {}
            CommandBody::Login(_) | CommandBody::Authenticate { .. }
                if self.tls.is_none() && !self.config.login_without_tls =>
            {
                return Err(NotNowReason::NeedsTls);
            }
            CommandBody::Compress => return Err(NotNowReason::Unsupported),
            _ if self.needs_tls() => return Err(NotNowReason::NeedsTls),
            _ => {}
        }
        if class.has(Class::SEQ) {
            if self.numbers.is_out_of_step() {
                return Err(NotNowReason::OutOfStep);
            }
            if self.connection != Connection::Open
                || self.sending.is_some()
                || !self.queue.is_empty()
                || !self.may_begin(class)
            {
                return Err(NotNowReason::SequenceNumbers);
            }
        }
        if self.capabilities_are_settled() { self.offers(command) } else { Ok(()) }
    }

    /// Whether what is known of the capabilities will be true when a command that is given now goes out.
    pub(super) fn capabilities_are_settled(&self) -> bool {
        let changes = |sent: &InFlight| {
            matches!(
                sent.kind,
                Kind::Capability
                    | Kind::Login
                    | Kind::Authenticate
                    | Kind::Unauthenticate
                    | Kind::StartTls
                    | Kind::Enable
            )
        };
        let will_change = |waiting: &Waiting| match &waiting.request {
            Request::Body(command) => matches!(
                command,
                CommandBody::Capability
                    | CommandBody::Login(_)
                    | CommandBody::Authenticate { .. }
                    | CommandBody::Unauthenticate
                    | CommandBody::StartTls
                    | CommandBody::Enable(_)
            ),
            Request::Append(_) => false,
        };
        !self.sent.iter().any(changes) && !self.queue.iter().any(will_change)
    }

    pub(super) fn offers(&self, command: &CommandBody) -> Result<(), NotNowReason> {
        self.capabilities.as_ref().map_or(Ok(()), |capabilities| offered(command, capabilities))
    }

    pub(super) fn offers_append(&self, append: &Append) -> Result<(), NotNowReason> {
        let Some(capabilities) = &self.capabilities else { return Ok(()) };
        if append.messages.len() > 1 && !capabilities.has(&Capability::MultiAppend) {
            return Err(NotNowReason::NotOffered("MULTIAPPEND"));
        }
        if append.messages.iter().any(|message| message.utf8) && !self.enabled.has(&Capability::Utf8Accept) {
            return Err(NotNowReason::NotOffered("UTF8=ACCEPT"));
        }
        let offers_binary = capabilities.has(&Capability::Imap4Rev2) || capabilities.has(&Capability::Binary);
        if append.messages.iter().any(|message| message.binary && !message.utf8) && !offers_binary {
            return Err(NotNowReason::NotOffered("BINARY"));
        }
        let limit = capabilities.iter().find_map(|one| match one {
            Capability::AppendLimit(limit) => Some(*limit),
            _ => None,
        });
        match limit {
            Some(limit) if append.messages.iter().any(|message| message.len > limit) => {
                Err(NotNowReason::TooLarge { limit })
            }
            _ => Ok(()),
        }
    }
}

/// Whether the server offers what `command` needs (RFC 9051 section 6 and the extensions named). What IMAP4rev2 contains needs no name of
/// its own (RFC 9051 appendix E).
fn offered(command: &CommandBody, capabilities: &Capabilities) -> Result<(), NotNowReason> {
    let rev2 = capabilities.has(&Capability::Imap4Rev2);
    let needs = |capability: &Capability, name: &'static str| {
        if capabilities.has(capability) { Ok(()) } else { Err(NotNowReason::NotOffered(name)) }
    };
    let needs_or_rev2 = |capability: &Capability, name| if rev2 { Ok(()) } else { needs(capability, name) };
    match command {
        CommandBody::StartTls => needs(&Capability::StartTls, "STARTTLS"),
        CommandBody::Login(_) if capabilities.has(&Capability::LoginDisabled) => {
            Err(NotNowReason::LoginDisabled)
        }
        CommandBody::Authenticate { mechanism, .. } if !capabilities.has_auth(mechanism.as_str()) => {
            Err(NotNowReason::NotOffered("AUTH="))
        }
        CommandBody::Unauthenticate => needs(&Capability::Unauthenticate, "UNAUTHENTICATE"),
        CommandBody::Id(_) => needs(&Capability::Id, "ID"),
        CommandBody::Enable(_) => needs_or_rev2(&Capability::Enable, "ENABLE"),
        CommandBody::Idle => needs_or_rev2(&Capability::Idle, "IDLE"),
        CommandBody::Move { .. } => needs_or_rev2(&Capability::Move, "MOVE"),
        CommandBody::Namespace => needs_or_rev2(&Capability::Namespace, "NAMESPACE"),
        CommandBody::Unselect => needs_or_rev2(&Capability::Unselect, "UNSELECT"),
        CommandBody::Expunge { uids: Some(_) } => needs_or_rev2(&Capability::UidPlus, "UIDPLUS"),
        CommandBody::Sort(_) => needs(&Capability::Sort, "SORT"),
        CommandBody::Thread(_) if !capabilities.iter().any(|one| matches!(one, Capability::Thread(_))) => {
            Err(NotNowReason::NotOffered("THREAD="))
        }
        CommandBody::GetQuota { .. } | CommandBody::GetQuotaRoot { .. } => needs(&Capability::Quota, "QUOTA"),
        _ => Ok(()),
    }
}
