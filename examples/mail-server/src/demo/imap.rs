//! Act 2, by IMAP: Bob's mail stays on the server, and two devices look at it at once.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use conversation::{Imap, Line, Sink, Traced};
use postroad_imap::client::{Client, Config, Event};
use postroad_imap::command::{Command, CommandBody, ParseOptions, Search, SearchKey, SearchKeys};
use postroad_imap::response::{FetchRow, Response, Status};
use postroad_imap::types::Flag;
use postroad_message::Message;
use postroad_sasl::Plain;
use postroad_tokio::{Connection, MaybeTls, now};
use tokio::net::TcpStream;

use super::acts::{messages, same_but_for_trace};
use super::agents::{BOB, PATIENCE, Person, connect, upgrade};
use super::stage::Stage;
use super::world::World;
use crate::config::Protocol;
use crate::serve::Server;

/// What a command brought.
#[derive(Default)]
struct Answer {
    rows: Vec<FetchRow>,
    data: Vec<Response>,
}

impl Answer {
    fn row(&self) -> Result<&FetchRow> {
        self.rows.first().context("no row came")
    }
}

/// One of Bob's devices: an IMAP session. What is said is kept until it is shown.
struct Device {
    name: &'static str,
    host: String,
    connection: Connection<Traced<Client>, MaybeTls<TcpStream>>,
    heard: Arc<Mutex<Vec<Line>>>,
}

impl Device {
    /// Connects, goes under TLS and logs in.
    async fn open(server: &Server, who: &Person, name: &'static str) -> Result<Self> {
        let tcp = connect(server, Protocol::Imap).await?;
        let heard: Arc<Mutex<Vec<Line>>> = Arc::default();
        let sink: Sink = {
            let heard = Arc::clone(&heard);
            Arc::new(move |line| heard.lock().unwrap_or_else(PoisonError::into_inner).push(line))
        };
        let mut config = Config::new();
        // The story is told line by line: nothing is asked but what is asked for here.
        config.ask_capabilities = false;
        let session = Client::new(Arc::new(config), now());
        let connection = Connection::new(Traced::client(session, Imap::new(), sink), MaybeTls::Plain(tcp));
        let mut device = Self { name, host: server.context.config.hostname.clone(), connection, heard };
        while !matches!(device.next().await?, Event::Greeting(_)) {}
        device.connection.session.session.send(CommandBody::StartTls)?;
        while !matches!(device.next().await?, Event::StartTls(_)) {}
        device.connection = upgrade(device.connection, server).await?;
        device.connection.session.note("(under TLS from here on; you see what was said inside)");
        let info = device.connection.driver().io().tls_info().unwrap_or_default();
        device.connection.session.session.tls_established(info)?;
        let plain = Plain::new(None, who.address, who.password)?;
        device
            .run(CommandBody::Authenticate {
                mechanism: postroad_imap::types::Atom::parse("PLAIN")?,
                initial_response: Some(plain.encode()),
            })
            .await?;
        Ok(device)
    }

    async fn next(&mut self) -> Result<Event> {
        let next = tokio::time::timeout(PATIENCE, self.connection.next()).await;
        next.context("the server says nothing")??.context("the server hung up")
    }

    /// One command, as it stands on the line, and what comes of it.
    async fn ask(&mut self, command: &str) -> Result<Answer> {
        let unit = Bytes::from(format!("x {command}"));
        self.run(Command::parse(&unit, &ParseOptions::default())?.body).await
    }

    async fn run(&mut self, command: CommandBody) -> Result<Answer> {
        let id = self.connection.session.session.send(command)?;
        let mut answer = Answer::default();
        loop {
            match self.next().await? {
                Event::Row { row, .. } => answer.rows.push(row),
                Event::Data { response, .. } => answer.data.push(response),
                Event::Done { of, status } if of == id => {
                    ensure!(status.status == Status::Ok, "{}: {}", status.status, status.text.as_str());
                    return Ok(answer);
                }
                Event::NotSent { reason, .. } => bail!("{reason:?}"),
                _ => {}
            }
        }
    }

    /// IDLE: from now on the server tells.
    async fn listen(&mut self) -> Result<()> {
        self.connection.session.session.send(CommandBody::Idle)?;
        while !matches!(self.next().await?, Event::Idling(_)) {}
        Ok(())
    }

    /// The row that tells of other flags.
    async fn hear_flags(&mut self) -> Result<FetchRow> {
        loop {
            if let Event::Row { row, .. } = self.next().await? {
                return Ok(row);
            }
        }
    }

    /// The news that a message is gone.
    async fn hear_expunge(&mut self) -> Result<u32> {
        loop {
            if let Event::Expunge(number) = self.next().await? {
                return Ok(number);
            }
        }
    }

    /// What was said so far is not to be shown: it looks like what was shown before.
    fn forget(&self) -> Vec<Line> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows what was said since the last time.
    fn show(&self, stage: &Arc<Stage>, what: &str) {
        let lines = self.forget();
        let sink = stage.conversation(&format!("{}: {what}", self.name), self.name, &self.host);
        for line in lines {
            sink(line);
        }
    }

    async fn quit(mut self) -> Result<()> {
        self.connection.session.session.send(CommandBody::Logout)?;
        while self.connection.next().await?.is_some() {}
        Ok(())
    }
}

/// UID SEARCH for a text.
fn search(text: &'static str) -> Result<CommandBody> {
    Ok(CommandBody::Search(Search {
        uid: true,
        return_options: None,
        charset: Some(Bytes::from_static(b"UTF-8")),
        keys: SearchKeys::single(SearchKey::Text(text.into()))?,
    }))
}

/// Act 2, by IMAP.
pub(super) async fn from_two_devices(stage: &Arc<Stage>, world: &World) -> Result<()> {
    stage.title("Act 2, by IMAP: Bob's mail on two devices");
    stage.say(
        "With POP3 Bob's mail moves to his machine. With IMAP it stays on the server, in folders; what one device does to it the other one \
         sees. Both are connected at once here.",
    );
    stage.explain(
        "Every command has a tag, so several may be on their way, and the server may say something at any time (RFC 9051 section 2.2). A \
         message has a number, which changes when one before it goes, and a UID, which never does (section 2.3.1). Octets that could be \
         taken for the protocol are announced with their number: a literal, {22} (section 4.3).",
    );
    let hamburger = world.hamburger()?;
    let mut laptop = Device::open(hamburger, &BOB, "laptop").await?;
    laptop.ask("LIST \"\" \"*\"").await?;
    laptop.ask("SELECT INBOX").await?;
    laptop.show(stage, "logs in and opens the INBOX, by IMAP (the listener in place of port 143)");

    // Headers alone, against the whole.
    let fields = "(UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])";
    let listed = laptop.ask(&format!("FETCH 1:* {fields}")).await?;
    let headers: u64 = listed
        .rows
        .iter()
        .flat_map(FetchRow::sections)
        .filter_map(|section| section.octets())
        .map(|octets| octets.len() as u64)
        .sum();
    let whole: u64 = listed.rows.iter().filter_map(FetchRow::size).sum();
    laptop.show(stage, "shows a list: headers alone are enough for it");
    stage.fact(&format!(
        "a list of {} messages costs {headers} octets of headers; the messages have {whole}",
        listed.rows.len()
    ));
    stage.line("");

    // One part of one message.
    let found = laptop.run(search("메뉴")?).await?;
    let found = found.data.iter().find_map(|response| match response {
        Response::Search(search) => search.numbers.iter().next(),
        _ => None,
    });
    let menu = found.context("the search finds nothing")?;
    let structure = laptop.ask(&format!("UID FETCH {menu} BODYSTRUCTURE")).await?;
    let parts = structure.row()?.body_structure().context("no structure")?;
    let octets: u64 = parts.parts().map(|part| part.octets()).max().unwrap_or_default();
    let text = laptop.ask(&format!("UID FETCH {menu} BODY.PEEK[1]")).await?;
    let read: usize =
        text.row()?.sections().filter_map(|section| section.octets()).map(|octets| octets.len()).sum();
    laptop.show(stage, "reads the text of one message, and leaves its attachment where it is");
    stage.fact(&format!("{read} octets of text were fetched, {octets} of the attachment were not"));
    stage.line("");

    // What one device does the other one sees.
    let mut phone = Device::open(hamburger, &BOB, "phone").await?;
    phone.ask("SELECT INBOX").await?;
    drop(phone.forget());
    phone.listen().await?;
    laptop.ask(&format!("UID STORE {menu} +FLAGS (\\Flagged)")).await?;
    laptop.show(stage, "flags it");
    let row = phone.hear_flags().await?;
    let flagged = row.flags().is_some_and(|mut flags| flags.any(|flag| flag == Flag::Flagged));
    ensure!(row.uid() == Some(menu) && flagged, "the phone heard something else");
    laptop.ask(&format!("UID MOVE {menu} Archive")).await?;
    laptop.show(stage, "moves it to the folder Archive");
    phone.hear_expunge().await?;
    phone.connection.session.session.done();
    let archive = phone.ask("STATUS Archive (MESSAGES UNSEEN)").await?;
    phone.show(stage, "has been listening, and hears of both");
    let there = archive.data.iter().find_map(|response| match response {
        Response::MailboxStatus(status) => status.messages,
        _ => None,
    });
    ensure!(there == Some(1), "Archive has {there:?} messages");

    // The copy is the one that Alice sent.
    phone.ask("SELECT Archive").await?;
    let fetched = phone.ask("FETCH 1 BODY.PEEK[]").await?;
    let octets =
        fetched.row()?.sections().next().and_then(|section| section.octets()).context("no message")?;
    let sent = messages(world.clock().now())?;
    let id = Message::parse(&octets).message_id().context("no Message-ID")?.to_string();
    let original = sent
        .iter()
        .find(|original| Message::parse(original).message_id().is_some_and(|of| of.to_string() == id))
        .with_context(|| format!("nobody sent {id}"))?;
    same_but_for_trace(&octets, original)?;
    phone.quit().await?;
    laptop.quit().await?;
    world.quiet(stage).await?;
    stage
        .fact("the message in Archive is octet by octet what Alice sent, but for the trace fields before it");
    stage.line("");
    Ok(())
}
