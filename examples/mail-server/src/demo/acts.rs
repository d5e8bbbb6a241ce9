//! The acts of the story.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use postroad_message::{DateTime, Message, MessageBuilder, PartBuilder};
use postroad_pop3::command::Command as Pop3Command;

use super::agents::{ALICE, BOB, Person, Pop3Agent, submit};
use super::stage::Stage;
use super::world::World;
use crate::serve::Server;
use crate::time::Time;

/// How long anything may take that happens at once.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long two looks at the store are apart.
const LOOK: Duration = Duration::from_millis(5);
/// The step of the fast clock.
const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);
/// The queue must have given up by then.
const LONGEST: Duration = Duration::from_secs(5 * 24 * 60 * 60);
/// Lines of an attachment that is shown in no conversation but counted.
const MENU_LINES: usize = 400;

/// The messages of the story.
pub(super) fn messages(now: Time) -> Result<Vec<Bytes>> {
    let date = DateTime::from_timestamp(now.seconds(), 9 * 60)?;
    let begin = || MessageBuilder::new().from(ALICE.address).to(BOB.address).date(date);
    let menu: Vec<u8> = (0..MENU_LINES)
        .flat_map(|row| format!("crêpe {row}: {} won\r\n", 4_000 + 10 * row).into_bytes())
        .collect();
    Ok(vec![
        begin()
            .message_id("life.1@crepes.fr")
            .subject("Searching for the meaning of life.")
            .text("Do you like ketchup?\nHow about pickles?\n")
            .build()?,
        begin()
            .message_id("life.2@crepes.fr")
            .subject("삶의 의미를 찾아서")
            .text("메뉴를 보냅니다.\n")
            .seed(0x2026_1123)
            .attach(PartBuilder::octets("application/octet-stream", menu).attachment("크레페 메뉴.txt"))
            .build()?,
        begin()
            .message_id("life.3@crepes.fr")
            .subject("Dots")
            .text(".\n.. and a line with a dot alone:\n.\nstill the same message\n")
            .build()?,
    ])
}

/// Act 1: from Alice's user agent to Bob's mailbox.
pub(super) async fn submission_and_relay(stage: &Arc<Stage>, world: &World) -> Result<()> {
    stage.title("Act 1: Alice writes to Bob");
    stage.say(
        "Alice has an account at crepes.fr, Bob has one at hamburger.edu. Alice's user agent never speaks to hamburger.edu: it hands \
         her mail to her own server, which takes it from there. SMTP is a push protocol: who has the mail opens the connection.",
    );
    stage.explain(
        "Submission (RFC 6409) is SMTP with a password, on a port of its own. Passwords go only under TLS (RFC 3207). The 250 after the \
         dot means that the message is on the server's disk: from there on crepes.fr answers for it (RFC 5321 section 6.1). A line that \
         begins with a dot is sent with one dot more, so that no message can end itself (RFC 5321 section 4.5.2).",
    );
    let messages = messages(world.clock().now())?;
    world.watch_relay(true);
    submit(stage, world.crepes(), &ALICE, &BOB, &messages).await?;
    stage.say(
        "The queue of crepes.fr has the three messages on disk. It finds where mail for hamburger.edu goes, and pushes all of them over \
         one connection: now crepes.fr is the client.",
    );
    wait_for(world.hamburger()?, &BOB, messages.len()).await?;
    world.quiet(stage).await?;
    world.watch_relay(false);
    let (file, on_the_way) = attachment(&messages[1])?;
    stage.fact(&format!(
        "SMTP grew up with 7-bit text: the attachment has {file} octets as a file, and {on_the_way} on the way, as base64"
    ));
    stage.fact(&format!("{} messages lie in Bob's mailbox", messages.len()));
    let opened = world.relay_connections();
    stage.fact(&format!("crepes.fr opened {opened} connection to hamburger.edu for them"));
    ensure!(opened == 1, "{opened} connections for three messages to one destination");
    let queued = world.crepes().context.store.list_queue(0, 10).await?;
    ensure!(queued.is_empty(), "the queue still has {} messages", queued.len());
    stage.fact("the queue of crepes.fr is empty: hamburger.edu answers for them now");
    stage.line("");
    Ok(())
}

/// The octets of the attachment of a message: as a file, and encoded.
fn attachment(octets: &[u8]) -> Result<(usize, usize)> {
    let message = Message::parse(octets);
    let file = message.part("2").context("no attachment")?.body().len();
    let structure = message.body_structure();
    let encoded = structure.nodes().last().context("no attachment")?.octets;
    Ok((file, encoded))
}

/// Act 2, by POP3.
pub(super) async fn pull_by_pop3(stage: &Arc<Stage>, world: &World) -> Result<()> {
    stage.title("Act 2: Bob pulls his mail by POP3");
    stage.say(
        "Bob's user agent asks when Bob wants to read: POP3 is a pull protocol. First it says who it is (authorization), then it reads \
         and marks (transaction), and at QUIT what was marked is removed (update).",
    );
    stage.explain(
        "The maildrop is locked during the session, so numbers stay what they are. If the connection dies before QUIT nothing is removed \
         (RFC 1939 section 6). The unique-id of a message is the same in every session, so a user agent that leaves mail on the server \
         knows what it has (RFC 1939 section 7).",
    );
    let sent = messages(world.clock().now())?;
    let hamburger = world.hamburger()?;
    let mut agent = Pop3Agent::open(stage, hamburger, &BOB).await?;
    let count = agent.count().await?;
    ensure!(count == sent.len(), "{count} messages");
    agent.ask(Pop3Command::List(None)).await?;
    agent.ask(Pop3Command::Uidl(None)).await?;
    let mut subjects = Vec::new();
    for number in 1..=u32::try_from(count)? {
        let octets = agent.retrieve(number).await?;
        let message = Message::parse(&octets);
        let id = message.message_id().context("no Message-ID")?.to_string();
        let original = sent
            .iter()
            .find(|original| Message::parse(original).message_id().is_some_and(|of| of.to_string() == id))
            .with_context(|| format!("nobody sent {id}"))?;
        same_but_for_trace(&octets, original)?;
        subjects.push(message.subject().unwrap_or_default().to_string());
    }
    agent.delete(1).await?;
    agent.quit().await?;
    world.quiet(stage).await?;

    let mut agent = Pop3Agent::open(&Stage::muted(), hamburger, &BOB).await?;
    let left = agent.count().await?;
    agent.quit().await?;
    ensure!(left + 1 == count, "{left} messages are left of {count}");
    stage.fact(&format!("Bob read: {}", subjects.join(" · ")));
    stage.fact("each is octet by octet what Alice sent, but for the trace fields before it");
    stage.fact(&format!("one was marked and went at QUIT; {left} are left"));
    stage.line("");
    Ok(())
}

/// Act 3: four days in a few seconds.
pub(super) async fn destination_is_down(stage: &Arc<Stage>, world: &mut World) -> Result<()> {
    stage.title("Act 3: hamburger.edu is down");
    stage.say(
        "Mail that cannot be delivered now is not lost: the queue keeps it, tries again about every half hour for days, and tells Alice. \
         From here on the clock of crepes.fr runs fast.",
    );
    stage.explain(
        "RFC 5321 section 4.5.4.1: tries at least 30 minutes apart, for four or five days. The notices are themselves mail, in the format \
         of RFC 3464, and have the null reverse-path: a notice that cannot be delivered causes no notice (RFC 5321 section 4.5.5).",
    );
    world.stop_hamburger().await?;
    let date = DateTime::from_timestamp(world.clock().now().seconds(), 9 * 60)?;
    let message = MessageBuilder::new()
        .from(ALICE.address)
        .to(BOB.address)
        .date(date)
        .message_id("life.4@crepes.fr")
        .subject("Are you there?")
        .text("Do you like pickles?\n")
        .build()?;
    submit(&Stage::muted(), world.crepes(), &ALICE, &BOB, &[message]).await?;
    let started = world.clock().now();
    let tries = watch_the_queue(stage, world, started).await?;
    stage.line("");
    ensure!(tries >= 190, "only {tries} tries in four days");

    let crepes = world.crepes();
    let mut agent = Pop3Agent::open(&Stage::muted(), crepes, &ALICE).await?;
    let count = agent.count().await?;
    ensure!(count == 2, "Alice has {count} notices, not a delay notice and a failure notice");
    let mut notices = Vec::new();
    for number in 1..=2 {
        notices.push(agent.retrieve(number).await?);
    }
    agent.quit().await?;
    check_notice(&notices[0], "delayed")?;
    check_notice(&notices[1], "failed")?;
    stage.say("Alice's user agent pulls two messages from crepes.fr by POP3. The second says:");
    for line in outline(&notices[1]) {
        stage.line(format!("    {line}").trim_end());
    }
    stage.line("");
    let queued = crepes.context.store.list_queue(0, 10).await?;
    ensure!(queued.is_empty(), "the queue still has {} messages", queued.len());
    stage.fact("nothing is left in the queue, and Alice knows");
    stage.line("");
    Ok(())
}

/// Lets the clock run, half an hour at a time, and tells of some of the tries. Gives their number.
async fn watch_the_queue(stage: &Stage, world: &World, started: Time) -> Result<u32> {
    let (store, clock) = (&world.crepes().context.store, world.clock());
    let (mut tries, mut notices, mut last) = (0, 0, Time(0));
    let end = started.after(LONGEST);
    wait_for_the_first_try(world).await?;
    let mut is_first = true;
    while clock.now() < end {
        // The first try is at once.
        if !std::mem::take(&mut is_first) {
            clock.advance_to(clock.now().after(HALF_AN_HOUR)).await;
        }
        let when = |time| elapsed(started, time);
        let queue = store.list_queue(0, 10).await?;
        let recipient = queue
            .iter()
            .find(|message| !message.reverse_path.is_empty())
            .and_then(|message| message.recipients.first());
        if let Some(recipient) = recipient {
            let progress = &recipient.progress;
            if progress.attempts > tries {
                tries = progress.attempts;
                last = progress.last_attempt.unwrap_or(started);
                if tries <= 3 || tries % 48 == 0 {
                    let why = progress.diagnostic.as_ref().map_or("", |diagnostic| diagnostic.text.as_str());
                    stage.fact(&format!("{}  try {tries}: {why}", when(last)));
                }
            }
        }
        let there = mailbox(world.crepes(), &ALICE).await?;
        if there > notices && recipient.is_some() {
            stage.fact(&format!("{}  Alice is told of the delay; the queue goes on trying", when(last)));
        }
        notices = there;
        if recipient.is_none() {
            stage.fact(&format!(
                "{}  the queue gives up after a last try, and tells Alice",
                when(clock.now())
            ));
            return Ok(tries);
        }
    }
    bail!("after {tries} tries and {} the message is still in the queue", elapsed(started, clock.now()))
}

/// Waits until the message has been tried once.
async fn wait_for_the_first_try(world: &World) -> Result<()> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let queue = world.crepes().context.store.list_queue(0, 10).await?;
        let mut recipients = queue.iter().flat_map(|message| &message.recipients);
        if recipients.any(|recipient| recipient.progress.attempts > 0) {
            return Ok(());
        }
        ensure!(tokio::time::Instant::now() < until, "no try after {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// To the nearest minute: the queue counts in whole seconds.
fn elapsed(from: Time, to: Time) -> String {
    let minutes = (to.since(from).as_secs() + 30) / 60;
    format!("day {} {:02}:{:02}", minutes / (24 * 60), minutes / 60 % 24, minutes % 60)
}

/// A notice as it must be (RFC 3464).
fn check_notice(octets: &[u8], action: &str) -> Result<()> {
    let text = String::from_utf8_lossy(octets);
    for wanted in [
        "Return-Path: <>\r\n",
        "Auto-Submitted: auto-replied\r\n",
        "multipart/report",
        "Final-Recipient: rfc822; bob@hamburger.edu\r\n",
        &format!("Action: {action}\r\n"),
    ] {
        ensure!(text.contains(wanted), "the notice has no {wanted:?}:\n{text}");
    }
    Ok(())
}

/// The parts of a notice that a person reads.
fn outline(octets: &[u8]) -> Vec<String> {
    let message = Message::parse(octets);
    let mut lines = vec![
        format!(
            "From: {}",
            message.from().mailboxes().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        format!("Subject: {}", message.subject().unwrap_or_default()),
        String::new(),
    ];
    if let Some(text) = message.text_body().first().and_then(postroad_message::Part::text) {
        lines.extend(text.lines().map(str::to_owned));
    }
    lines
}

/// Everything behind the trace fields is what was sent, octet by octet. (The clock of the story stands, so the original can be made anew.)
pub(super) fn same_but_for_trace(octets: &[u8], original: &[u8]) -> Result<()> {
    let (trace, rest) = split_trace(octets);
    ensure!(trace.windows(9).any(|window| window == b"Received:"), "no trace fields");
    ensure!(rest == original, "the message is not what Alice sent");
    Ok(())
}

/// The trace fields at the top, and the message behind them.
fn split_trace(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    let mut in_trace = false;
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let continues = line.starts_with(b" ") || line.starts_with(b"\t");
        in_trace = if continues {
            in_trace
        } else {
            line.starts_with(b"Received:") || line.starts_with(b"Return-Path:")
        };
        if !in_trace {
            break;
        }
        at += line.len();
    }
    octets.split_at(at)
}

/// How many messages a mailbox holds.
async fn mailbox(server: &Server, who: &Person) -> Result<usize> {
    let store = &server.context.store;
    let account = store.find_account(who.address).await?.context("no such account")?;
    match store.open_maildrop(&account).await {
        Ok(maildrop) => Ok(maildrop.entries().len()),
        Err(crate::store::StoreError::InUse) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Waits until a mailbox holds so many messages.
pub(super) async fn wait_for(server: &Server, who: &Person, count: usize) -> Result<()> {
    let until = tokio::time::Instant::now() + PATIENCE;
    while mailbox(server, who).await? < count {
        if tokio::time::Instant::now() > until {
            bail!("{} has fewer than {count} messages after {PATIENCE:?}", who.address);
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// For acts that begin in the middle of the story: the messages are in Bob's mailbox, and nobody watched.
pub(super) async fn set_the_scene(world: &World) -> Result<()> {
    let messages = messages(world.clock().now())?;
    submit(&Stage::muted(), world.crepes(), &ALICE, &BOB, &messages).await?;
    wait_for(world.hamburger()?, &BOB, messages.len()).await
}
