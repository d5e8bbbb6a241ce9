//! `send`: one message to a submission server.

mod compose;
mod connection;
mod content;
mod envelope;
mod lines;
mod media_type;
mod report;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use postroad_sasl::{Plain, PlainClient};
use postroad_smtp::client::Envelope;
use postroad_smtp::types::{BodyType, ForwardPath};

use crate::terminal::told;
use crate::tls::Security;
use crate::{address, cli, password, tls};
use connection::{Connection, Target};
use content::Content;
use envelope::Addresses;

/// Ports of submission (RFC 6409 section 3.1) and of submission under implicit TLS (RFC 8314 section 3.3).
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

/// Sends the message that the options describe. What became of it is printed; exit code 1 unless every recipient was accepted.
pub(crate) fn run(options: &cli::Send, traced: bool) -> Result<ExitCode> {
    let target = target(options)?;
    let addresses = Addresses::read(options).unwrap_or_else(|error| cli::wrong_usage(&told(&error)));
    let is_bad = |character: char| character.is_control() && character != '\t';
    if options.subject.as_ref().is_some_and(|subject| subject.contains(is_bad)) {
        cli::wrong_usage("--subject: it cannot hold control characters");
    }
    let recipients = addresses.recipients()?.into_iter().map(ForwardPath::from).collect();
    let mut envelope = Envelope::new(addresses.reverse_path()?, recipients);
    let content = match &options.raw {
        Some(path) => Content::of_file(path)?,
        None => Content::of_octets(compose::compose(options, &addresses)?)?,
    };
    envelope.size = Some(content.size);
    envelope.body = content.eight_bit.then_some(BodyType::EightBitMime);
    envelope.smtp_utf8 = options.smtputf8;
    let mechanism = match &options.server.user {
        Some(user) => {
            let password = password::ask(options.server.password_stdin, user, &options.server.address)?;
            let plain = Plain::new(None, user, password.expose()).context("the name or the password")?;
            Some(PlainClient::new(plain))
        }
        None => None,
    };

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = Connection::open(target, mechanism, traced).await?;
        let sent = connection.send(envelope, content).await;
        connection.quit().await;
        Ok(report::print(&sent?, options.json))
    })
}

fn target(options: &cli::Send) -> Result<Target> {
    let server = &options.server;
    let is_stdin = |path: &Option<std::path::PathBuf>| path.as_deref() == Some(Path::new("-"));
    let readers =
        [server.password_stdin, is_stdin(&options.text), is_stdin(&options.html), is_stdin(&options.raw)];
    if readers.into_iter().filter(|reads| *reads).count() > 1 {
        cli::wrong_usage("standard input can be read for one thing only");
    }
    let (host, port) = address::host_and_port(&server.address)
        .unwrap_or_else(|error| cli::wrong_usage(&format!("--server {}: {}", server.address, told(&error))));
    let security = match (server.tls, port) {
        (cli::Tls::Implicit, _) | (cli::Tls::Required, Some(SUBMISSIONS)) => Security::Implicit,
        (cli::Tls::Required | cli::Tls::Starttls, _) => Security::StartTls,
        (cli::Tls::None, _) => Security::None,
    };
    let default = if security == Security::Implicit { SUBMISSIONS } else { SUBMISSION };
    // Without TLS nobody is to be believed, and a missing trust store is no hindrance.
    let connector = match security {
        Security::None => None,
        Security::StartTls | Security::Implicit => Some(tls::connector(server.tls_ca.as_deref())?),
    };
    Ok(Target { host, port: port.unwrap_or(default), security, connector })
}
