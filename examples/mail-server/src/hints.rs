//! Commands ready to paste, for whoever has just started a server.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use crate::config::{Listen, Protocol};
use crate::serve::Context;

/// What `serve` tells on standard error before it is ready. `file` is the configuration that it was started with.
pub(crate) fn commands(context: &Context, listening: &[Listen], file: Option<&Path>) -> String {
    let config = &context.config;
    let certificate = absolute(&context.tls.certificate_file);
    // An account that is made without it is made in another store.
    let with_config = file.map(|file| format!(" --config '{}'", absolute(file))).unwrap_or_default();
    let mail_server = program("mail-server");
    let mail_client = program("mail-client");
    let domain = config.domains.first().map_or("localhost", String::as_str);
    let user = format!("bob@{domain}");
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# make an account\n{mail_server} account add {user}{with_config}");
    let _ = writeln!(
        text,
        "# make a message; lines end in CRLF\n\
         printf 'From: {user}\\r\\nTo: {user}\\r\\nSubject: Hello\\r\\n\\r\\nHello.\\r\\n' > message.eml"
    );
    for Listen { protocol, address } in listening {
        let server = reachable(*address, &config.hostname);
        let _ = match protocol {
            Protocol::Smtp => writeln!(
                text,
                "# deliver a message, as another server does\n\
                 curl --url smtp://{server} --mail-from alice@crepes.fr --mail-rcpt {user} --upload-file message.eml"
            ),
            Protocol::Submission | Protocol::Submissions => {
                let (scheme, option) = scheme(*protocol, "smtp");
                writeln!(
                    text,
                    "# send a message\n\
                     curl {option}--cacert '{certificate}' --url {scheme}://{server} --user {user} \\\n     \
                     --mail-from {user} --mail-rcpt {user} --upload-file message.eml\n\
                     {mail_client} send --server {server} --tls-ca '{certificate}'{implicit} --user {user} \\\n     \
                     --from {user} --to {user} --subject Hello --text -",
                    implicit = if protocol.implicit_tls() { " --tls implicit" } else { "" },
                )
            }
            Protocol::Pop3 | Protocol::Pop3s => {
                let (scheme, option) = scheme(*protocol, "pop3");
                writeln!(
                    text,
                    "# read mail\n\
                     curl {option}--cacert '{certificate}' --url {scheme}://{server}/ --user {user}"
                )
            }
            Protocol::Imap | Protocol::Imaps => {
                let (scheme, option) = scheme(*protocol, "imap");
                writeln!(
                    text,
                    "# look into the INBOX\n\
                     curl {option}--cacert '{certificate}' --url '{scheme}://{server}/INBOX;MAILINDEX=1' --user {user}"
                )
            }
            Protocol::Webmail => {
                writeln!(text, "# read and write mail in a browser\nxdg-open http://{server}/")
            }
            _ => Ok(()),
        };
    }
    let _ = writeln!(text, "# settings of a mail program: user name {user}, certificate {certificate}");
    for Listen { protocol, address } in listening {
        let security = if protocol.implicit_tls() { "SSL/TLS" } else { "STARTTLS" };
        let direction = match protocol {
            Protocol::Submission | Protocol::Submissions => "outgoing",
            Protocol::Pop3 | Protocol::Pop3s | Protocol::Imap | Protocol::Imaps => "incoming",
            _ => continue,
        };
        let _ = writeln!(
            text,
            "#   {direction}: {} {protocol}, {security}",
            reachable(*address, &config.hostname)
        );
    }
    text
}

/// A path for any current folder, as it stands within single quotes.
fn absolute(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.display().to_string().replace('\'', r"'\''")
}

/// How to start one of our programs: beside this one, if that was started by a path.
fn program(name: &str) -> String {
    let started = std::env::args_os().next();
    let beside = started.and_then(|program| Some(Path::new(&program).parent()?.join(name)));
    match beside {
        Some(path) if path.components().nth(1).is_some() && path.exists() => format!("'{}'", absolute(&path)),
        _ => name.to_owned(),
    }
}

/// An address that a client on this host can connect to.
fn reachable(address: SocketAddr, hostname: &str) -> String {
    if address.ip().is_unspecified() { format!("{hostname}:{}", address.port()) } else { address.to_string() }
}

/// curl's scheme, and its option to insist on TLS where that is not in the scheme.
fn scheme(protocol: Protocol, plain: &str) -> (String, &'static str) {
    if protocol.implicit_tls() { (format!("{plain}s"), "") } else { (plain.to_owned(), "--ssl-reqd ") }
}
