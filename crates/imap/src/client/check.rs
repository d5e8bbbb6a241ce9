//! Which command may be sent, as far as the server has said.

use super::NotNowReason;
use crate::command::CommandBody;
use crate::types::{Capabilities, Capability};

/// Whether the server offers what `command` needs (RFC 9051 section 6 and the extensions named). What IMAP4rev2 contains needs no name of
/// its own (RFC 9051 appendix E).
pub(super) fn offered(command: &CommandBody, capabilities: &Capabilities) -> Result<(), NotNowReason> {
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
