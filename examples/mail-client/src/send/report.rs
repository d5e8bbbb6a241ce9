//! Telling what became of a message.

use std::process::ExitCode;

use conversation::shown;
use postroad_smtp::client::Delivery;
use postroad_smtp::reply::Reply;
use postroad_smtp::types::ForwardPath;
use serde::Serialize;

use super::connection::Sent;
use crate::terminal::{complain, say};

/// One recipient, as `--json` has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    recipient: String,
    /// `delivered`, `failed` or `unknown`.
    status: &'static str,
    /// Whether it is of no use to try again; null when it did not fail.
    permanent: Option<bool>,
    code: Option<u16>,
    enhanced: Option<String>,
    reply: Option<String>,
    /// What ended the connection before its time.
    fault: Option<&'a str>,
}

/// One line for all that went well on standard output, one for each recipient of the others on standard error; with `json` an object for each
/// recipient on standard output, and the failures on standard error too.
pub(crate) fn print(sent: &Sent, json: bool) -> ExitCode {
    let fault = sent.fault.as_deref();
    let mut delivered = Vec::new();
    let mut last = None;
    let mut failed = false;
    for (path, delivery) in sent.outcome.deliveries() {
        let recipient = name(path);
        match delivery {
            Delivery::Delivered(reply) => {
                last = Some(reply);
                delivered.push(recipient);
            }
            Delivery::Failed { reply, .. } => {
                failed = true;
                complain(&format!("{recipient}: {}", shown(&reply.to_string())));
            }
            Delivery::Unknown => {
                failed = true;
                let fault = fault.unwrap_or("no reply");
                let may = if sent.outcome.begun { "; it may have been delivered or not" } else { "" };
                complain(&format!("{recipient}: {fault}{may}"));
            }
        }
        if json {
            print_object(&object(path, delivery, fault));
        }
    }
    if let (Some(reply), false) = (last, json) {
        say(&format!("sent to {}: {}", delivered.join(", "), shown(&reply.to_string())));
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn name(path: &ForwardPath) -> String {
    match path.mailbox() {
        Some(mailbox) => mailbox.to_string(),
        None => path.to_string(),
    }
}

fn object<'a>(path: &ForwardPath, delivery: Delivery<'_>, fault: Option<&'a str>) -> Row<'a> {
    let (status, permanent, reply) = match delivery {
        Delivery::Delivered(reply) => ("delivered", None, Some(reply)),
        Delivery::Failed { reply, permanent } => ("failed", Some(permanent), Some(reply)),
        Delivery::Unknown => ("unknown", None, None),
    };
    Row {
        recipient: name(path),
        status,
        permanent,
        code: reply.map(|reply| reply.code().get()),
        enhanced: reply.and_then(Reply::enhanced).map(|code| code.to_string()),
        reply: reply.map(|reply| reply.text().to_owned()),
        fault,
    }
}

fn print_object(object: &Row<'_>) {
    // Strings and numbers can always be written.
    if let Ok(line) = serde_json::to_string(object) {
        say(&line);
    }
}
