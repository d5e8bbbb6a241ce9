//! What the relay makes of servers that know less, or say odd things: they are scripts, line by line.

use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::*;

/// What a script answers to a line of a connection, which is counted from one; `.` stands for a whole message. None: it hangs up.
type Answer = fn(usize, &str) -> Option<&'static str>;

/// A server that answers by the letter, and keeps what it was told, each line with the number of its connection.
struct Script {
    address: SocketAddr,
    told: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Script {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::<Mutex<Vec<_>>>::default();
        let script = Self { address, told: Arc::clone(&told) };
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                number += 1;
                tokio::spawn(Self::speak(stream, number, answer, Arc::clone(&told)));
            }
        });
        script
    }

    async fn speak(
        stream: tokio::net::TcpStream,
        number: usize,
        answer: Answer,
        told: Arc<Mutex<Vec<(usize, String)>>>,
    ) {
        let mut stream = BufReader::new(stream);
        let mut said = "220 script.example\r\n";
        loop {
            if stream.get_mut().write_all(said.as_bytes()).await.is_err() {
                return;
            }
            let mut line = String::new();
            loop {
                let before = line.len();
                if !matches!(stream.read_line(&mut line).await, Ok(octets) if octets > 0) {
                    return;
                }
                if !said.starts_with("354") {
                    break;
                }
                if &line[before..] == ".\r\n" {
                    line = ".".into();
                    break;
                }
            }
            let line = line.trim_end().to_owned();
            let answered = answer(number, &line);
            told.lock().unwrap().push((number, line));
            match answered {
                Some(answer) => said = answer,
                None => return,
            }
        }
    }

    /// The lines of one connection.
    fn told(&self, number: usize) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter().filter(|(of, _)| *of == number).map(|(_, line)| line.clone()).collect()
    }

    fn connections(&self) -> usize {
        self.told.lock().unwrap().iter().map(|(number, _)| *number).max().unwrap_or(0)
    }
}

/// A server with few extensions that takes everything.
fn plain(line: &str) -> &'static str {
    match line.split(' ').next().unwrap_or_default() {
        "EHLO" => "250-script.example\r\n250 SIZE 1000\r\n",
        "DATA" => "354 go\r\n",
        "QUIT" => "221 bye\r\n",
        _ => "250 ok\r\n",
    }
}

async fn started(script: &Script, folder: &Path) -> Ours {
    Ours::start(folder, clock(), &[("hamburger.edu", script.address)]).await
}

/// Queues a message for bob as it came.
async fn send(ours: &Ours, text: &[u8], change: impl FnOnce(&mut Enqueue)) {
    let store = &ours.server.context.store;
    let mut spool = store.spool();
    spool.write(text).await.unwrap();
    let bob = NewRecipient {
        forward_path: "bob@hamburger.edu".into(),
        destination: "hamburger.edu".into(),
        ..NewRecipient::default()
    };
    let mut enqueue =
        Enqueue { reverse_path: "alice@crepes.fr".into(), recipients: vec![bob], ..Enqueue::default() };
    change(&mut enqueue);
    let (message, now) = (spool.finish().await.unwrap(), ours.clock.now());
    let acceptance = Acceptance { message, now, deliveries: Vec::new(), enqueue: Some(enqueue) };
    store.accept(acceptance).await.unwrap();
}

async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("in time");
}

#[tokio::test]
async fn what_a_server_cannot_take_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::start(|_, line| Some(plain(line))).await;
    let ours = started(&script, folder.path()).await;
    let eight_bit = |enqueue: &mut Enqueue| enqueue.body = Some("8BITMIME".into());
    send(&ours, &b"too large\r\n".repeat(100), |_| {}).await;
    send(&ours, "Subject: x\r\n\r\né\r\n".as_bytes(), eight_bit).await;
    send(&ours, b"Subject: x\r\n\r\ne\r\n", eight_bit).await;
    send(&ours, b"Subject: x\r\n\r\n", |enqueue| enqueue.smtputf8 = true).await;
    ours.until_empty().await;
    let mail: Vec<String> =
        script.told(1).into_iter().filter(|line| line.starts_with("MAIL") || line == ".").collect();
    // The one that is in 7 bits after all: it needs no extension.
    assert_eq!(mail, ["MAIL FROM:<alice@crepes.fr> SIZE=17", "."]);
    let notices = ours.notices().await.join("");
    for status in ["5.3.4", "5.6.3", "5.6.7"] {
        assert_eq!(notices.matches(&format!("\r\nStatus: {status}\r\n")).count(), 1, "{status}: {notices}");
    }
    ours.stop().await;
}

#[tokio::test]
async fn tls_that_fails_is_done_without_and_helo_does_too() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::start(|number, line| {
        Some(match (number, line.split(' ').next().unwrap_or_default()) {
            (1, "EHLO") => "250-script.example\r\n250 STARTTLS\r\n",
            (1, "STARTTLS") => "220 go\r\n",
            // Not what TLS looks like.
            (1, _) => return None,
            (_, "EHLO") => "502 what\r\n",
            _ => plain(line),
        })
    })
    .await;
    let ours = started(&script, folder.path()).await;
    send(&ours, b"Subject: x\r\n\r\n", |_| {}).await;
    until(async || ours.queued().await == 0).await;
    assert_eq!(script.told(1)[..2], ["EHLO crepes.fr", "STARTTLS"]);
    let second = script.told(2);
    assert_eq!(
        second[..5],
        [
            "EHLO crepes.fr",
            "HELO crepes.fr",
            "MAIL FROM:<alice@crepes.fr>",
            "RCPT TO:<bob@hamburger.edu>",
            "DATA"
        ]
    );
    assert!(ours.notices().await.is_empty());
    ours.stop().await;
}

#[tokio::test]
async fn under_tls_where_it_is_offered() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let text = "hostname = \"hamburger.edu\"\ndomains = [\"hamburger.edu\"]\n\
                [listen]\nsmtp = \"127.0.0.1:0\"\nsubmission = \"\"\npop3 = \"\"\nimap = \"\"\nwebmail = \"\"";
    let hamburger = Server::start(Config::parse(text, folders[0].path()).unwrap(), handler).unwrap();
    let bob = hamburger.context.store.add_account("bob@hamburger.edu", "x".into(), false, Time(0));
    let bob = bob.await.unwrap();
    let routes = [("hamburger.edu", hamburger.listening[0].address)];
    let ours = Ours::start(folders[1].path(), clock(), &routes).await;
    send(&ours, b"Subject: x\r\n\r\n", |_| {}).await;
    until(async || ours.queued().await == 0).await;
    let maildrop = hamburger.context.store.open_maildrop(&bob).await.unwrap();
    let received = maildrop.read(0).await.unwrap().next().await.unwrap().unwrap();
    let received = String::from_utf8_lossy(&received).into_owned();
    assert!(received.starts_with("Return-Path: <alice@crepes.fr>\r\n"), "{received}");
    let mut rest = maildrop.read(0).await.unwrap();
    let mut message = String::new();
    while let Some(chunk) = rest.next().await.unwrap() {
        message += std::str::from_utf8(&chunk).unwrap();
    }
    assert!(message.contains("with ESMTPS"), "{message}");
    drop(maildrop);
    ours.stop().await;
    hamburger.stop(PATIENCE).await;
}

#[tokio::test]
async fn a_server_that_leaves_between_messages_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::start(|number, line| match line {
        // The first says goodbye at the second MAIL, which it knows by its sender.
        "MAIL FROM:<second@crepes.fr> SIZE=14" if number == 1 => Some("421 enough\r\n"),
        "MAIL FROM:<third@crepes.fr> SIZE=14" if number == 2 => None,
        line => Some(plain(line)),
    })
    .await;
    let ours = started(&script, folder.path()).await;
    for from in ["first", "second", "third"] {
        send(&ours, b"Subject: x\r\n\r\n", |enqueue| enqueue.reverse_path = format!("{from}@crepes.fr"))
            .await;
    }
    // Without a minute passing.
    until(async || ours.queued().await == 0).await;
    assert_eq!(script.connections(), 3);
    assert_eq!(script.told.lock().unwrap().iter().filter(|(_, line)| line == ".").count(), 3);
    ours.stop().await;
}

#[tokio::test]
async fn who_never_speaks_holds_up_nobody_else_of_the_same_message() {
    let folder = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let fake = Fake::start(Behaviour::default()).await;
    let routes = [("silent.example", silent.local_addr().unwrap()), ("hamburger.edu", fake.address)];
    let ours = Ours::start(folder.path(), clock(), &routes).await;
    ours.send("alice@crepes.fr", &["x@silent.example", "bob@hamburger.edu"], "both").await;
    until(async || fake.seen(|seen| seen.received.len()) == 1).await;
    // Nor does it hold up the end.
    let begun = std::time::Instant::now();
    ours.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    let ours = Ours::start(folder.path(), clock(), &routes).await;
    let left = ours.server.context.store.list_queue(0, 10).await.unwrap();
    let waiting: Vec<&str> = left[0]
        .recipients
        .iter()
        .filter(|recipient| recipient.progress.state.name() == "waiting")
        .map(|recipient| recipient.forward_path.as_str())
        .collect();
    assert_eq!(waiting, ["x@silent.example"]);
    ours.stop().await;
    assert_eq!(fake.seen(|seen| seen.received.len()), 1);
}

#[tokio::test]
async fn a_connection_carries_what_it_may_and_then_there_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start(Behaviour::default()).await;
    let text = format!(
        "hostname = \"crepes.fr\"\ndomains = [\"crepes.fr\"]\n[listen]\nsmtp = \"\"\nsubmission = \"\"\npop3 = \"\"\nimap = \"\"\nwebmail = \"\"\n\
         [queue]\nmessages_per_connection = 3\nconnections_per_destination = 1\n[routes]\n\"*\" = \"{}\"",
        fake.address
    );
    let options = Options { idle: Duration::from_secs(60), ..Options::default() };
    let server = Server::start_with(Config::parse(&text, folder.path()).unwrap(), handler, options).unwrap();
    let alice =
        server.context.store.add_account("alice@crepes.fr", "x".into(), false, Time(0)).await.unwrap();
    let ours = Ours { server, alice, clock: Clock::Real };
    // One by one, as a client submits them, to domains that all go one way.
    for number in 1..=7 {
        ours.send("alice@crepes.fr", &[&format!("bob@d{number}.example")], "x").await;
        until(async || fake.seen(|seen| seen.received.len()) == number).await;
    }
    assert_eq!(fake.seen(|seen| seen.connections), 3);
    ours.stop().await;
}

#[tokio::test]
async fn retry_does_not_wait_for_a_destination_that_was_down() {
    let folder = tempfile::tempdir().unwrap();
    // Bound and not listening: connections are refused.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let ours = Ours::start(folder.path(), clock(), &[("hamburger.edu", address)]).await;
    for number in 0..3 {
        ours.send("alice@crepes.fr", &["bob@hamburger.edu"], &number.to_string()).await;
    }
    let store = &ours.server.context.store;
    let put_off = async || {
        let queue = store.list_queue(0, 10).await.unwrap();
        queue.iter().all(|message| message.recipients[0].progress.diagnostic.is_some())
    };
    until(put_off).await;
    let listener = socket.listen(8).unwrap();
    ours.clock.advance_to(ours.clock.now().after(Duration::from_millis(61_234))).await;
    let heard = tokio::spawn(async move { listener.accept().await.is_ok() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!heard.is_finished(), "it is left alone");
    let last = store.list_queue(0, 10).await.unwrap().last().map(|message| message.id);
    store.retry_queued(last, ours.clock.now()).await.unwrap();
    assert!(tokio::time::timeout(PATIENCE, heard).await.unwrap().unwrap());
    ours.stop().await;
}
