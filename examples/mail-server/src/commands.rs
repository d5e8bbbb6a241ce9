//! `account` and `queue`: by the running server if there is one, else straight on the store.

use std::io::{self, BufRead as _, Read as _, Write};

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;

use crate::cli::{AccountAction, QueueAction};
use crate::config::Config;
use crate::control::{self, AskError, Request, Row};
use crate::privileges;
use crate::store::{Store, StoreOptions, split_address};
use crate::terminal::{complain, say};

/// The longest line with a password on standard input.
const LONGEST_PASSWORD: u64 = 4096;

/// `account …`
pub(crate) fn account(config: &Config, action: AccountAction) -> Result<()> {
    match action {
        AccountAction::Add { address, password_stdin, cram_md5 } => {
            match split_address(&address) {
                None => bail!("{address}: not an address such as bob@hamburger.edu"),
                Some((_, domain)) if !config.is_local(&domain) => {
                    complain(format_args!(
                        "note: no mail comes here for {domain}: it is not one of `domains`"
                    ));
                }
                Some(_) => {}
            }
            let password = password(password_stdin)?;
            let request = Request::AddAccount { address: address.clone(), password, keep_password: cram_md5 };
            run(config, &request, &address, |_| Ok(()))?;
            say(format_args!("added {address}"));
        }
        AccountAction::Remove { address } => {
            run(config, &Request::RemoveAccount { address: address.clone() }, &address, |_| Ok(()))?;
            say(format_args!("removed {address}"));
        }
        AccountAction::List { json } => {
            run(config, &Request::ListAccounts {}, "accounts", |row| {
                print(&mut io::stdout(), &row, json, false)
            })?;
        }
        AccountAction::Password { address, password_stdin } => {
            let password = password(password_stdin)?;
            run(config, &Request::SetPassword { address: address.clone(), password }, &address, |_| Ok(()))?;
            say(format_args!("changed {address}"));
        }
    }
    Ok(())
}

/// `queue …`
pub(crate) fn queue(config: &Config, action: &QueueAction) -> Result<()> {
    let what = |id: i64| format!("message {id}");
    match *action {
        QueueAction::List { json } => {
            run(config, &Request::ListQueue {}, "queue", |row| print(&mut io::stdout(), &row, json, false))?;
        }
        QueueAction::Show { id, json } => {
            let request = Request::ShowQueued { id };
            run(config, &request, &what(id), |row| print(&mut io::stdout(), &row, json, true))?;
        }
        QueueAction::Retry { id } => {
            let name = id.map_or_else(|| "queue".to_owned(), what);
            let count = run(config, &Request::RetryQueued { id }, &name, |_| Ok(()))?;
            let due = if count == 1 { "recipient is" } else { "recipients are" };
            say(format_args!("{count} {due} due now"));
        }
        QueueAction::Remove { id } => {
            run(config, &Request::RemoveQueued { id }, &what(id), |_| Ok(()))?;
            say(format_args!("removed message {id}"));
        }
    }
    Ok(())
}

/// Has a request done; `what` it is about goes before an error.
fn run(
    config: &Config,
    request: &Request,
    what: &str,
    mut show: impl FnMut(Row) -> io::Result<()>,
) -> Result<usize> {
    // Whoever closed the pipe has seen enough.
    let mut pipe = Ok(());
    let mut show = |row| {
        if pipe.is_ok() {
            pipe = show(row);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match control::ask(&config.data, request, &mut show).await {
            Err(AskError::NobodyThere) => {}
            Ok(count) => return Ok(count),
            Err(AskError::Refused(error)) => bail!("{what}: {error}"),
        }
        // Files that root made here could not be used by the server.
        if let Some(user) = &config.user
            && privileges::is_root()
        {
            let user = privileges::find(user)?;
            privileges::prepare_folder(&config.data, &user)?;
            privileges::become_user(&user)?;
        }
        let store = Store::open(&config.data, StoreOptions::default())
            .with_context(|| format!("cannot open the store in {}", config.data.display()))?;
        let (rows, mut listed) = mpsc::channel(16);
        let request = request.clone();
        let work = tokio::spawn(async move { control::execute(&store, request, &rows).await });
        while let Some(row) = listed.recv().await {
            show(row);
        }
        work.await?.with_context(|| what.to_owned())
    });
    match pipe {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => result,
    }
}

/// Prints one row for people, or as a JSON object on a line.
fn print(output: &mut impl Write, row: &Row, json: bool, whole: bool) -> io::Result<()> {
    if json {
        return writeln!(output, "{}", serde_json::to_string(row)?);
    }
    match row {
        Row::Account(account) => writeln!(output, "{}", account.address),
        Row::Message(message) => {
            let (id, arrived, size) = (message.id, &message.arrived, message.size);
            writeln!(output, "{id}  {arrived}  {size} octets  from <{}>", message.reverse_path)?;
            if let (true, Some(envelope)) = (whole, &message.envelope_id) {
                writeln!(output, "    envelope id {envelope}")?;
            }
            for recipient in &message.recipients {
                write!(output, "    to <{}>  {}", recipient.forward_path, recipient.status)?;
                if let Some(next_try) = &recipient.next_try {
                    write!(output, "  next {next_try}")?;
                }
                writeln!(output, "  tries {}", recipient.attempts)?;
                for line in recipient.last_reply.iter().flat_map(|reply| reply.lines()) {
                    writeln!(output, "        {line}")?;
                }
                if let (true, Some(last_try)) = (whole, &recipient.last_try) {
                    writeln!(output, "        last try {last_try}")?;
                }
                if whole && recipient.delay_notice_sent {
                    writeln!(output, "        the sender was told of the delay")?;
                }
            }
            Ok(())
        }
    }
}

/// The first line of standard input, or what is typed twice without being shown.
fn password(from_stdin: bool) -> Result<String> {
    if from_stdin {
        return first_line(&mut io::stdin().lock());
    }
    let first = rpassword::prompt_password("Password: ")
        .context("cannot ask for a password; see --password-stdin")?;
    if rpassword::prompt_password("Again: ")? != first {
        bail!("the two differ");
    }
    Ok(first)
}

fn first_line(input: &mut impl io::BufRead) -> Result<String> {
    let mut line = String::new();
    input.take(LONGEST_PASSWORD).read_line(&mut line).context("no password on standard input")?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{AccountRow, MessageRow, RecipientRow};

    #[test]
    fn the_password_is_the_first_line() {
        let read = |text: &str| first_line(&mut text.as_bytes()).unwrap();
        assert_eq!(read("se cret\nmore\n"), "se cret");
        assert_eq!(read("secret\r\n"), "secret");
        assert_eq!(read("secret"), "secret");
        assert_eq!(read(""), "");
    }

    #[test]
    fn rows_are_printed() {
        let text = |row: &Row, json, whole| {
            let mut output = Vec::new();
            print(&mut output, row, json, whole).unwrap();
            String::from_utf8(output).unwrap()
        };
        let account = Row::Account(AccountRow { address: "bob@hamburger.edu".into() });
        assert_eq!(text(&account, false, false), "bob@hamburger.edu\n");
        assert_eq!(text(&account, true, false), "{\"address\":\"bob@hamburger.edu\"}\n");
        let message = Row::Message(MessageRow {
            id: 7,
            reverse_path: "alice@crepes.fr".into(),
            arrived: "2026-11-23T00:00:00Z".into(),
            size: 42,
            envelope_id: Some("QQ".into()),
            recipients: vec![RecipientRow {
                forward_path: "bob@hamburger.edu".into(),
                destination: "hamburger.edu".into(),
                status: "waiting".into(),
                attempts: 1,
                last_try: Some("2026-11-23T00:00:01Z".into()),
                next_try: Some("2026-11-23T00:30:01Z".into()),
                last_reply: Some("451 4.3.0 later".into()),
                delay_notice_sent: true,
            }],
        });
        assert_eq!(
            text(&message, false, false),
            "7  2026-11-23T00:00:00Z  42 octets  from <alice@crepes.fr>\n    \
             to <bob@hamburger.edu>  waiting  next 2026-11-23T00:30:01Z  tries 1\n        451 4.3.0 later\n"
        );
        let whole = text(&message, false, true);
        assert!(
            whole.contains("envelope id QQ") && whole.contains("last try 2026-11-23T00:00:01Z"),
            "{whole}"
        );
        let json: serde_json::Value = serde_json::from_str(&text(&message, true, false)).unwrap();
        assert_eq!(json["recipients"][0]["attempts"], 1);
    }
}
