//! Notices to senders: built from what the queue has to say, and delivered or queued in one step with it.

use postroad_core::{Domain, Mailbox};
use postroad_queue::{Action, Notice, Report, ReportConfig, UnixTime};

use super::active::unix_time;
use crate::config::{Config, lower_case};
use crate::store::{Acceptance, Claim, Delivery, Enqueue, NewRecipient, Store, StoreError};
use crate::time::Time;

/// Before a notice in a mailbox (RFC 5321 section 4.4): nobody is to answer it.
const RETURN_PATH: &[u8] = b"Return-Path: <>\r\n";

/// The messages that tell what `notices` say. What cannot be told is logged and left out.
pub(super) async fn acceptances(
    config: &Config,
    store: &Store,
    claim: &Claim,
    notices: &[Notice],
    now: Time,
) -> Result<Vec<Acceptance>, StoreError> {
    let mut acceptances = Vec::new();
    for notice in notices {
        let id = claim.message.id;
        let report = match notice {
            Notice::Failure(report) | Notice::Delay(report) => report,
            Notice::DoubleBounce(recipients) => {
                for recipient in recipients {
                    let (to, reason) = (&recipient.mailbox, &recipient.diagnostic);
                    tracing::warn!(id, %to, %reason, "a notice cannot be delivered, and is dropped");
                }
                continue;
            }
        };
        if let Some(report) = wanted(report, claim)
            && let Some(acceptance) = acceptance(config, store, claim, &report, now).await?
        {
            tracing::info!(id, to = %report.to, action = report.action.as_str(), "the sender is told");
            acceptances.push(acceptance);
        }
    }
    Ok(acceptances)
}

/// The report without those of whom the sender does not want to hear (RFC 3461 section 4.1).
fn wanted(report: &Report, claim: &Claim) -> Option<Report> {
    let word = match report.action {
        Action::Failed => "FAILURE",
        Action::Delayed => "DELAY",
    };
    let is_wanted = |mailbox: &Mailbox| {
        let address = mailbox.to_string();
        let recipient = claim.message.recipients.iter().find(|recipient| recipient.forward_path == address);
        let notify = recipient.and_then(|recipient| recipient.notify.as_deref());
        notify.is_none_or(|notify| notify.split(',').any(|wish| wish.trim().eq_ignore_ascii_case(word)))
    };
    let mut report = report.clone();
    report.recipients.retain(|recipient| is_wanted(&recipient.mailbox));
    (!report.recipients.is_empty()).then_some(report)
}

async fn acceptance(
    config: &Config,
    store: &Store,
    claim: &Claim,
    report: &Report,
    now: Time,
) -> Result<Option<Acceptance>, StoreError> {
    let address = report.to.to_string();
    let domain = report.to.domain().as_str();
    let (mut deliveries, mut enqueue) = (Vec::new(), None);
    if config.is_local(domain) {
        let name = format!("{}@{}", report.to.local_part_unquoted(), lower_case(domain));
        let Some(account) = store.find_account(&name).await? else {
            tracing::warn!(id = claim.message.id, to = %address, "nobody is told: there is no such account");
            return Ok(None);
        };
        deliveries.push(Delivery { account, prefix: RETURN_PATH.to_vec() });
    } else {
        let recipient = NewRecipient {
            forward_path: address,
            destination: lower_case(domain),
            ..NewRecipient::default()
        };
        let smtputf8 = !report.to.is_ascii();
        enqueue = Some(Enqueue { recipients: vec![recipient], smtputf8, ..Enqueue::default() });
    }
    let Some(octets) = message(config, claim, report, unix_time(now)).await? else { return Ok(None) };
    let mut spool = store.spool();
    spool.write(&octets).await?;
    Ok(Some(Acceptance { message: spool.finish().await?, now, deliveries, enqueue }))
}

async fn message(
    config: &Config,
    claim: &Claim,
    report: &Report,
    now: UnixTime,
) -> Result<Option<bytes::Bytes>, StoreError> {
    // The configuration was checked.
    let Ok(hostname) = Domain::parse(&config.hostname) else { return Ok(None) };
    let mut settings = ReportConfig::new(hostname);
    // RET=HDRS (RFC 3461 section 4.3).
    settings.return_message =
        !claim.message.returned.as_deref().is_some_and(|returned| returned.eq_ignore_ascii_case("HDRS"));
    let mut head = Vec::new();
    let mut reader = claim.read();
    while head.len() <= settings.quote_limit
        && let Some(chunk) = reader.next().await?
    {
        let room = settings.quote_limit + 1 - head.len();
        head.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    let mut seed = [0; 16];
    getrandom::fill(&mut seed).map_err(|error| StoreError::Failed(error.to_string()))?;
    match report.to_message(&settings, &head, now, u128::from_ne_bytes(seed)) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) => {
            tracing::error!(id = claim.message.id, %error, "a notice cannot be written");
            Ok(None)
        }
    }
}
