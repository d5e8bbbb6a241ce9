//! A client session, and a server that says anything.
#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use postroad_imap::client::{Append, Client, Config, Event};
use postroad_imap::command::{AppendMessage, Command, CommandBody, ParseOptions};
use postroad_imap::types::{AppendOptions, MailboxName, TlsInfo};
use postroad_imap::{Session, Step};
use std::sync::Arc;
use std::time::{Duration, Instant};

const COMMANDS: [&str; 24] = [
    "NOOP",
    "CAPABILITY",
    "STARTTLS",
    "LOGIN bob pickles",
    "LOGIN {4}\r\nb\r\nc pickles",
    "AUTHENTICATE PLAIN",
    "AUTHENTICATE PLAIN AGJvYgBwaWNrbGVz",
    "ENABLE IMAP4rev2 CONDSTORE QRESYNC",
    "SELECT INBOX",
    "EXAMINE {1}\r\nx",
    "LIST \"\" *",
    "STATUS INBOX (MESSAGES)",
    "FETCH 1:* (FLAGS UID)",
    "UID FETCH 1 BODY[]",
    "STORE 1 +FLAGS (\\Seen)",
    "SEARCH RETURN (SAVE) ALL",
    "UID SEARCH UNSEEN",
    "COPY 1 x",
    "MOVE 1 x",
    "EXPUNGE",
    "IDLE",
    "UNSELECT",
    "CLOSE",
    "LOGOUT",
];

struct World {
    client: Client,
    input: BytesMut,
    now: Instant,
    failed: bool,
    sent: usize,
}

impl World {
    fn poll(&mut self) {
        // Each event takes octets, or answers a command.
        let most = self.input.len() * 2 + 2000;
        for _ in 0..most {
            match self.client.poll_event(self.now, &mut self.input) {
                Ok(Step::Event(event)) => {
                    assert!(!self.failed, "nothing happens after the end");
                    if let Event::StartTls(_) = event {
                        assert!(!self.client.is_closed());
                    }
                }
                Ok(Step::NeedInput) => {
                    assert!(!self.failed);
                    assert!(self.input.len() <= 3000 + 300, "{} octets are held", self.input.len());
                    return;
                }
                Ok(Step::Paused) => return assert!(!self.failed),
                Ok(Step::Closed) => return,
                Err(_) => {
                    assert!(!self.failed, "it fails once");
                    self.failed = true;
                }
            }
        }
        panic!("it goes round and round");
    }

    fn act(&mut self, act: u8) {
        let low = act & 31;
        match act >> 5 {
            0 | 1 => {
                let text = format!("x {}", COMMANDS[usize::from(low) % COMMANDS.len()]);
                let body: CommandBody =
                    Command::parse(&text.into(), &ParseOptions::default()).expect("a command").body;
                if self.sent < 1000 && self.client.send(body).is_ok() {
                    self.sent += 1;
                }
            }
            2 => {
                let message = |len| AppendMessage::new(AppendOptions::default(), len);
                let messages = (0..=low & 1).map(|at| message(u64::from(low) * u64::from(at + 1))).collect();
                let _ = self.client.append(Append { mailbox: MailboxName::inbox(), messages });
            }
            3 => {
                let _ = self.client.push_body(Bytes::from(vec![b'x'; usize::from(low)]));
            }
            4 => {
                for _ in 0..low {
                    let Some(octets) = self.client.poll_transmit() else { break };
                    assert!(!octets.is_empty());
                }
            }
            5 => {
                self.now += Duration::from_millis(1 << (low & 15) << 7);
                self.client.handle_timeout(self.now);
            }
            6 => match low & 7 {
                0 => self.client.done(),
                1 => drop(self.client.respond(b"\0bob\0pickles")),
                2 => drop(self.client.cancel()),
                3 => drop(self.client.tls_established(TlsInfo::new())),
                4 if low == 4 => self.client.abort(),
                5 if low == 5 => self.client.handle_eof(),
                _ => {
                    if let Some(at) = self.client.poll_timeout() {
                        self.now = self.now.max(at);
                        self.client.handle_timeout(self.now);
                    }
                }
            },
            _ => while self.client.poll_transmit().is_some() {},
        }
        self.poll();
    }
}

fuzz_target!(|data: &[u8]| {
    let [settings, step, count, rest @ ..] = data else { return };
    let (acts, wire) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut config = Config::new();
    config.ask_capabilities = settings & 1 != 0;
    config.require_tls = settings & 2 != 0;
    config.login_without_tls = settings & 4 != 0;
    config.initial_response = settings & 8 != 0;
    config.max_response = 3000;
    config.max_response_before_login = 1000;
    config.stream_above = 30;
    config.max_in_flight = 4;
    config.output_high_water = 500;
    config.keep_alive = (settings & 16 != 0).then(|| Duration::from_secs(60));
    let now = Instant::now();
    let client = if settings & 32 == 0 {
        Client::new_over_tls(Arc::new(config), TlsInfo::new(), now)
    } else {
        Client::new(Arc::new(config), now)
    };
    let mut world = World { client, input: BytesMut::new(), now, failed: false, sent: 0 };
    let mut acts = acts.iter().copied();
    for piece in wire.chunks(usize::from(*step) + 1) {
        world.input.extend_from_slice(piece);
        world.poll();
        world.act(acts.next().unwrap_or(0xff));
    }
    acts.for_each(|act| world.act(act));
    world.client.handle_eof();
    for _ in 0..2000 {
        world.poll();
        while world.client.poll_transmit().is_some() {}
        if world.client.is_closed() {
            break;
        }
        // What it still waits for does not come.
        if let Some(at) = world.client.poll_timeout() {
            world.now = world.now.max(at);
            world.client.handle_timeout(world.now);
        }
    }
    world.poll();
    assert!(world.client.is_closed(), "it is over");
    assert!(matches!(world.client.poll_event(world.now, &mut world.input), Ok(Step::Closed)));
    assert_eq!(world.client.poll_timeout(), None);
    assert_eq!(world.client.in_flight(), 0);
});
