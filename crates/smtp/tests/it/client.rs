//! The client session against what a server may say.

use bytes::{Bytes, BytesMut};
use postroad_smtp::client::{Client, CloseReason, CommandId, Config, Event, NotNow, Phase};
use postroad_smtp::command::{AuthCommand, Command, MailCommand, RcptCommand};
use postroad_smtp::reply::{ReplyCode, ReplyError};
use postroad_smtp::types::{
    Argument, BodyType, ClientName, ForwardPath, Mechanism, ReversePath, TlsInfo, Xtext,
};
use postroad_smtp::{ApiMisuse, BareNewline, Error, Full, LineFault, PeerFault, Secret, Session, Step};
use postroad_testkit::split::{self, Log};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A client, with what a driver keeps for it.
pub(crate) struct Talk {
    pub(crate) client: Client,
    pub(crate) input: BytesMut,
    pub(crate) now: Instant,
}

impl Talk {
    fn with(config: Config) -> Self {
        let now = Instant::now();
        Self { client: Client::new(Arc::new(config), now), input: BytesMut::new(), now }
    }

    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    /// A client that has had its EHLO answered with these keywords.
    pub(crate) fn after_ehlo(keywords: &str) -> Self {
        Self::after_ehlo_with(Config::default(), keywords)
    }

    fn after_ehlo_with(config: Config, keywords: &str) -> Self {
        let mut talk = Self::with(config);
        talk.client.send(ehlo()).unwrap();
        talk.events("220 foo.com ready\r\n");
        assert_eq!(talk.sent(), "EHLO bar.com\r\n");
        let lines: String =
            keywords.split_terminator(',').map(|keyword| format!("250-{keyword}\r\n")).collect();
        let events = talk.events(&format!("250-foo.com\r\n{lines}250 HELP\r\n"));
        assert!(matches!(&events[..], [Event::Reply(_, reply)] if reply.is_positive()), "{events:?}");
        talk
    }

    pub(crate) fn step(&mut self) -> Result<Step<Event>, Error> {
        self.client.poll_event(self.now, &mut self.input)
    }

    /// Everything that comes of these octets.
    pub(crate) fn events(&mut self, octets: &str) -> Vec<Event> {
        self.input.extend_from_slice(octets.as_bytes());
        let mut events = Vec::new();
        while let Step::Event(event) = self.step().unwrap() {
            events.push(event);
        }
        events
    }

    /// What comes of these octets is an error, and then nothing.
    fn error(&mut self, octets: &[u8]) -> Error {
        self.sent();
        self.input.extend_from_slice(octets);
        let error = self.step().unwrap_err();
        assert_eq!(self.step(), Ok(Step::Closed));
        assert_eq!(self.client.close_reason(), Some(CloseReason::Failed));
        assert_eq!(self.client.poll_timeout(), None);
        assert_eq!(self.client.poll_transmit(), None);
        assert_eq!(self.client.send(Command::Quit), Err(NotNow::Closed));
        error
    }

    /// What waits to be sent.
    pub(crate) fn sent(&mut self) -> String {
        let mut sent = Vec::new();
        while let Some(octets) = self.client.poll_transmit() {
            sent.extend_from_slice(&octets);
        }
        String::from_utf8(sent).unwrap()
    }

    /// A message is asked for.
    pub(crate) fn begin_body(&mut self) -> CommandId {
        let id = self.client.send(Command::Data).unwrap();
        assert_eq!(self.sent(), "DATA\r\n");
        assert_eq!(self.events("354 go\r\n"), [Event::SendBody(id)]);
        id
    }
}

pub(crate) fn ehlo() -> Command {
    Command::Ehlo(ClientName::parse("bar.com").unwrap())
}

fn mail() -> Command {
    Command::Mail(MailCommand::new(ReversePath::parse("<a@bar.com>").unwrap()))
}

fn rcpt() -> Command {
    Command::Rcpt(RcptCommand::new(ForwardPath::parse("<b@foo.com>").unwrap()))
}

fn auth(response: Option<&[u8]>) -> Command {
    Command::Auth(AuthCommand::new(Mechanism::PLAIN, response.map(|octets| Secret::new(octets.to_vec()))))
}

const MAIL: &str = "MAIL FROM:<a@bar.com>\r\n";
const RCPT: &str = "RCPT TO:<b@foo.com>\r\n";

#[test]
fn nothing_is_sent_before_the_greeting() {
    let mut talk = Talk::new();
    let id = talk.client.send(ehlo()).unwrap();
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.events("220-foo.com\r\n220-does not like\r\n"), []);
    assert_eq!(talk.sent(), "");
    let events = talk.events("220 impatience\r\n");
    assert!(matches!(&events[..], [Event::Greeting(greeting)] if greeting.lines().count() == 3));
    assert_eq!(talk.sent(), "EHLO bar.com\r\n");
    assert!(matches!(talk.events("250 foo.com\r\n")[..], [Event::Reply(of, _)] if of == id));
}

#[test]
fn without_pipelining_one_command_goes_at_a_time() {
    let mut talk = Talk::after_ehlo("");
    for command in [mail(), rcpt(), Command::Data] {
        talk.client.send(command).unwrap();
    }
    assert_eq!(talk.sent(), MAIL);
    talk.events("250 ok\r\n");
    assert_eq!(talk.sent(), RCPT);
    talk.events("250 ok\r\n");
    assert_eq!(talk.sent(), "DATA\r\n");
}

#[test]
fn with_pipelining_a_group_goes_at_once_and_ends_where_rfc_2920_says() {
    for last in [
        Command::Data,
        Command::Noop(None),
        ehlo(),
        Command::Vrfy(Argument::parse("x").unwrap()),
        Command::Quit,
    ] {
        let mut talk = Talk::after_ehlo("PIPELINING");
        let is_quit = last == Command::Quit;
        let mut printed = format!("RSET\r\n{MAIL}{RCPT}{RCPT}");
        last.encode(&mut printed).unwrap();
        for command in [Command::Rset, mail(), rcpt(), rcpt(), last] {
            talk.client.send(command).unwrap();
        }
        let behind = talk.client.send(Command::Rset);
        assert_eq!(behind.is_err(), is_quit, "nothing follows QUIT");
        assert_eq!(talk.sent(), printed);
        talk.events("250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n");
        assert_eq!(talk.sent(), "", "the last of the group is not answered");
    }
}

#[test]
fn the_next_transaction_may_follow_the_message_at_once() {
    let mut talk = Talk::after_ehlo("PIPELINING");
    let first = talk.begin_body();
    let second = talk.client.send(mail()).unwrap();
    assert_eq!(talk.sent(), "", "not within the message");
    talk.client.push_body(Bytes::from_static(b"hello\r\n")).unwrap();
    talk.client.finish_body();
    assert_eq!(talk.sent(), format!("hello\r\n.\r\n{MAIL}"));
    let events = talk.events("250 taken\r\n250 go on\r\n");
    assert!(matches!(events[..], [Event::Reply(a, _), Event::Reply(b, _)] if a == first && b == second));
}

#[test]
fn commands_are_bounded() {
    let mut config = Config::default();
    config.max_outstanding = 3;
    let mut talk = Talk::after_ehlo_with(config, "PIPELINING");
    for _ in 0..3 {
        talk.client.send(rcpt()).unwrap();
    }
    assert_eq!(talk.client.send(rcpt()), Err(NotNow::Full));
    talk.events("250 ok\r\n");
    assert!(talk.client.send(rcpt()).is_ok());
}

#[test]
fn extensions_are_used_only_where_they_are_offered() {
    let with = |set: fn(&mut MailCommand)| {
        let mut mail = MailCommand::new(ReversePath::Null);
        set(&mut mail);
        Command::Mail(mail)
    };
    let size = || with(|mail| mail.parameters.size = Some(1));
    let body = || with(|mail| mail.parameters.body = Some(BodyType::EightBitMime));
    let utf8 = || with(|mail| mail.parameters.smtp_utf8 = true);
    let mail_auth = || with(|mail| mail.parameters.auth = Some(ReversePath::Null));
    let all: [(&str, &dyn Fn() -> Command); 6] = [
        ("SIZE", &size),
        ("8BITMIME", &body),
        ("SMTPUTF8", &utf8),
        ("AUTH", &mail_auth),
        ("STARTTLS", &|| Command::StartTls),
        ("AUTH", &|| auth(None)),
    ];
    for (keyword, command) in all {
        let mut talk = Talk::new();
        assert_eq!(talk.client.send(command()), Err(NotNow::NotOffered(keyword)), "before EHLO");
        let mut talk = Talk::after_ehlo("");
        assert_eq!(talk.client.send(command()), Err(NotNow::NotOffered(keyword)));
        assert_eq!(talk.sent(), "");
        let mut talk =
            Talk::after_ehlo(&format!("{} PLAIN", if keyword == "AUTH" { "AUTH" } else { keyword }));
        assert!(talk.client.send(command()).is_ok(), "{keyword}");
    }
    let mut talk = Talk::after_ehlo("AUTH LOGIN");
    assert_eq!(talk.client.send(auth(None)), Err(NotNow::NotOffered("AUTH")));
}

#[test]
fn mailboxes_that_are_not_ascii_need_smtputf8() {
    let mut talk = Talk::after_ehlo("PIPELINING,SMTPUTF8");
    let path = "<jos\u{e9}@foo.com>";
    let mut from = MailCommand::new(ReversePath::parse(path).unwrap());
    let to = || Command::Rcpt(RcptCommand::new(ForwardPath::parse(path).unwrap()));
    assert_eq!(talk.client.send(Command::Mail(from.clone())), Err(NotNow::NeedsSmtpUtf8));
    assert_eq!(talk.client.send(to()), Err(NotNow::NeedsSmtpUtf8));
    from.parameters.smtp_utf8 = true;
    talk.client.send(Command::Mail(from)).unwrap();
    talk.client.send(to()).unwrap();
    assert_eq!(talk.sent(), format!("MAIL FROM:{path} SMTPUTF8\r\nRCPT TO:{path}\r\n"));
}

#[test]
fn a_reply_to_nothing_ends_the_session() {
    let mut talk = Talk::after_ehlo("");
    let unsolicited = Error::Peer(PeerFault::UnsolicitedReply(ReplyCode::OK));
    assert_eq!(talk.error(b"250 ok\r\n"), unsolicited);
    let mut talk = Talk::after_ehlo("PIPELINING");
    talk.client.send(mail()).unwrap();
    assert_eq!(talk.step(), Ok(Step::NeedInput));
    talk.input.extend_from_slice(b"250 ok\r\n250 ok\r\n");
    assert!(matches!(talk.step(), Ok(Step::Event(_))));
    assert_eq!(talk.step(), Err(unsolicited));
}

#[test]
fn a_reply_that_does_not_fit_ends_the_session() {
    for (command, code) in [
        (mail(), 354),
        (rcpt(), 354),
        (mail(), 334),
        (Command::Quit, 354),
        (Command::Data, 250),
        (Command::Data, 334),
        (Command::StartTls, 250),
        (auth(None), 354),
        (ehlo(), 300),
    ] {
        let mut talk = Talk::after_ehlo("AUTH PLAIN,STARTTLS");
        let verb = command.verb();
        talk.client.send(command).unwrap();
        let fault = PeerFault::UnexpectedReply { code: ReplyCode::new(code).unwrap(), to: verb };
        assert_eq!(talk.error(format!("{code} x\r\n").as_bytes()), Error::Peer(fault));
    }
    assert!(matches!(Talk::new().error(b"354 x\r\n"), Error::Peer(PeerFault::UnexpectedReply { .. })));
}

#[test]
fn what_is_no_reply_ends_the_session() {
    for (octets, error) in [
        (&b"250 ok\n"[..], ReplyError::Line(LineFault::BareLf { at: 6 })),
        (b"250 o\0k\r\n", ReplyError::Line(LineFault::Nul { at: 5 })),
        (&[b'2'; 5000], ReplyError::Line(LineFault::TooLong { limit: 4096 })),
        (&b"220-x\r\n".repeat(1001), ReplyError::TooManyLines { limit: 1000 }),
        (
            &[b"220-".to_vec(), vec![b'x'; 4000], b"\r\n".to_vec()].concat().repeat(17),
            ReplyError::TooLong { limit: 65_536 },
        ),
    ] {
        assert_eq!(Talk::new().error(octets), Error::Peer(PeerFault::Reply(error)));
    }
    for octets in
        [&b"\r\n"[..], b"hello\r\n", b"220-a\r\n250 b\r\n", b"99 x\r\n", b"600 x\r\n", b"2200 x\r\n"]
    {
        let error = Talk::new().error(octets);
        assert!(matches!(error, Error::Peer(PeerFault::Reply(ReplyError::Malformed(_)))), "{error}");
    }
}

#[test]
fn a_bare_lf_ends_a_reply_only_by_leave() {
    let mut config = Config::default();
    config.accept_bare_lf = true;
    let mut talk = Talk::with(config);
    assert_eq!(talk.events("220-a\n220 b\n").len(), 1);
}

#[test]
fn the_server_may_say_goodbye_at_any_time() {
    let goodbye = |talk: &mut Talk| {
        let events = talk.events("421 4.3.2 shutting down\r\n250 never read\r\n");
        assert_eq!(talk.step(), Ok(Step::Closed));
        assert_eq!(talk.client.close_reason(), Some(CloseReason::Goodbye));
        events
    };
    assert!(matches!(&goodbye(&mut Talk::new())[..], [Event::Greeting(_)]));
    assert!(matches!(&goodbye(&mut Talk::after_ehlo(""))[..], [Event::Goodbye(_)]));
    for command in [mail(), Command::Data, Command::StartTls, auth(None), Command::Quit] {
        let mut talk = Talk::after_ehlo("AUTH PLAIN,STARTTLS");
        let id = talk.client.send(command).unwrap();
        assert!(matches!(goodbye(&mut talk)[..], [Event::Reply(of, _)] if of == id));
    }
    let mut talk = Talk::after_ehlo("");
    let id = talk.begin_body();
    assert!(matches!(goodbye(&mut talk)[..], [Event::Reply(of, _)] if of == id));
}

#[test]
fn a_message_that_is_refused_before_its_end_is_not_finished() {
    let mut talk = Talk::after_ehlo("");
    let id = talk.begin_body();
    talk.client.push_body(Bytes::from(vec![b'x'; 10_000])).unwrap();
    let events = talk.events("552 5.3.4 too large\r\n");
    assert!(matches!(events[..], [Event::Reply(of, _)] if of == id));
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::BodyRefused));
    assert_eq!(talk.sent(), "");
    // The application may not know yet.
    assert_eq!(talk.client.push_body(Bytes::from_static(b"x")), Ok(()));
    talk.client.finish_body();
    assert_eq!(talk.sent(), "");
}

#[test]
fn a_message_is_not_accepted_before_its_end() {
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    talk.client.push_body(Bytes::from_static(b"x\r\n")).unwrap();
    assert!(matches!(talk.error(b"250 ok\r\n"), Error::Peer(PeerFault::UnexpectedReply { .. })));
}

#[test]
fn a_message_is_stuffed_and_its_newlines_are_made_whole() {
    for (message, sent) in [
        ("", ".\r\n"),
        (".", "..\r\n.\r\n"),
        ("a\r\n.\r\nMAIL FROM:<x@y>\r\n", "a\r\n..\r\nMAIL FROM:<x@y>\r\n.\r\n"),
        ("a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"),
        ("x \r\r\n.\r\nRSET\r\n", "x  \r\n..\r\nRSET\r\n.\r\n"),
    ] {
        for size in 1..=message.len().max(1) {
            let mut talk = Talk::after_ehlo("");
            talk.begin_body();
            for chunk in message.as_bytes().chunks(size) {
                talk.client.push_body(Bytes::copy_from_slice(chunk)).unwrap();
            }
            talk.client.finish_body();
            assert_eq!(talk.sent(), sent);
        }
    }
}

#[test]
fn bare_newlines_are_refused_where_that_is_asked_for() {
    for (message, at) in [("ab\n.\r\n", 2), ("a\rb", 1), ("a\r", 1)] {
        let mut config = Config::default();
        config.bare_newline = BareNewline::Reject;
        let mut talk = Talk::after_ehlo_with(config, "");
        talk.begin_body();
        talk.client.push_body(Bytes::from_static(message.as_bytes())).unwrap();
        talk.client.finish_body();
        assert_eq!(talk.client.close_reason(), Some(CloseReason::BareNewline { at }));
        assert_eq!(talk.step(), Ok(Step::Closed));
        assert_eq!(talk.sent(), "", "no end that would make it look whole");
    }
}

#[test]
fn a_body_that_nobody_takes_is_held_back() {
    let mut talk = Talk::after_ehlo("");
    let chunk = || Bytes::from(vec![b'x'; 40_000]);
    assert_eq!(talk.client.push_body(chunk()), Err(Full(chunk())), "not asked for");
    assert!(!talk.client.wants_body());
    talk.begin_body();
    assert!(talk.client.wants_body());
    talk.client.push_body(chunk()).unwrap();
    talk.client.push_body(chunk()).unwrap();
    assert!(!talk.client.wants_body());
    assert_eq!(talk.client.push_body(chunk()), Err(Full(chunk())));
    assert_eq!(talk.client.poll_transmit().unwrap().len(), 40_000);
    assert!(talk.client.wants_body());
    assert_eq!(talk.client.push_body(chunk()), Ok(()));
    let mut waiting = 0;
    while let Some(octets) = talk.client.poll_transmit() {
        waiting += octets.len();
    }
    assert_eq!(waiting, 80_000);
}

#[test]
fn large_chunks_are_not_copied() {
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    let chunk = Bytes::from(vec![b'x'; 5_000]);
    talk.client.push_body(chunk.clone()).unwrap();
    assert_eq!(talk.client.poll_transmit().unwrap().as_ptr(), chunk.as_ptr());
}

#[test]
fn octets_behind_the_go_ahead_of_starttls_are_never_believed() {
    let injected = "250-evil\r\n250 AUTH PLAIN\r\n";
    let octets = injected.len();
    let injected_fault = Error::Peer(PeerFault::InjectedBeforeTls { octets });
    let mut talk = Talk::after_ehlo("STARTTLS");
    talk.client.send(Command::StartTls).unwrap();
    assert_eq!(talk.error(format!("220 go\r\n{injected}").as_bytes()), injected_fault);

    let mut talk = Talk::after_ehlo("STARTTLS");
    let id = talk.client.send(Command::StartTls).unwrap();
    assert_eq!(talk.events("220 go\r\n"), [Event::StartTls(id)]);
    assert_eq!(talk.step(), Ok(Step::Paused));
    assert_eq!(talk.error(injected.as_bytes()), injected_fault);
    assert_eq!(talk.client.tls_established(TlsInfo::new()), Err(ApiMisuse::NoHandshake.into()));
    assert!(!talk.client.is_tls());
}

#[test]
fn tls_forgets_what_was_said_in_the_clear() {
    let mut talk = Talk::after_ehlo("STARTTLS,PIPELINING,AUTH PLAIN");
    assert_eq!(talk.client.tls_established(TlsInfo::new()), Err(ApiMisuse::NoHandshake.into()));
    talk.client.send(Command::StartTls).unwrap();
    assert_eq!(talk.client.send(mail()), Err(NotNow::Upgrading));
    assert_eq!(talk.events("220 go\r\n").len(), 1);
    assert_eq!(talk.client.send(mail()), Err(NotNow::Upgrading));
    talk.client.tls_established(TlsInfo::new()).unwrap();
    assert!(talk.client.is_tls() && talk.client.capabilities().is_none() && !talk.client.is_pipelining());
    assert_eq!(talk.client.send(auth(None)), Err(NotNow::NotOffered("AUTH")));
    assert_eq!(talk.client.send(Command::StartTls), Err(NotNow::AlreadyTls));
    talk.sent();
    talk.client.send(ehlo()).unwrap();
    assert_eq!(talk.sent(), "EHLO bar.com\r\n");
    talk.events("250-foo.com\r\n250 AUTH PLAIN\r\n");
    assert!(talk.client.send(auth(None)).is_ok());
}

#[test]
fn a_refused_starttls_leaves_the_session_as_it_was() {
    let mut talk = Talk::after_ehlo("STARTTLS");
    talk.client.send(Command::StartTls).unwrap();
    assert!(matches!(talk.events("454 4.7.0 not now\r\n")[..], [Event::Reply(..)]));
    talk.sent();
    talk.client.send(mail()).unwrap();
    assert_eq!(talk.sent(), MAIL);
    assert!(!talk.client.is_tls());
}

#[test]
fn auth_is_an_exchange() {
    let mut talk = Talk::after_ehlo("AUTH PLAIN LOGIN");
    let login = AuthCommand::new(Mechanism::LOGIN, None);
    assert_eq!(talk.client.respond(b"x"), Err(NotNow::NoChallenge));
    assert_eq!(talk.client.cancel(), Err(NotNow::NoChallenge));
    let id = talk.client.send(Command::Auth(login)).unwrap();
    assert_eq!(talk.sent(), "AUTH LOGIN\r\n");
    assert_eq!(talk.events("334 VXNlcm5hbWU6\r\n"), [Event::Challenge(id, b"Username:".to_vec())]);
    assert_eq!(talk.step(), Ok(Step::Paused));
    talk.client.send(Command::Noop(None)).unwrap();
    assert_eq!(talk.client.respond(&[b'x'; 9215]), Err(NotNow::TooLong));
    talk.client.respond(b"tim").unwrap();
    assert_eq!(talk.sent(), "dGlt\r\n");
    assert_eq!(talk.events("334 \r\n"), [Event::Challenge(id, Vec::new())]);
    talk.client.respond(b"").unwrap();
    assert_eq!(talk.sent(), "\r\n");
    assert!(matches!(talk.events("235 2.7.0 ok\r\n")[..], [Event::Reply(of, _)] if of == id));
    assert!(talk.client.is_authenticated());
    assert_eq!(talk.sent(), "NOOP\r\n", "held until the exchange was over");
}

#[test]
fn auth_can_be_given_up() {
    let mut talk = Talk::after_ehlo("AUTH PLAIN");
    let id = talk.client.send(auth(None)).unwrap();
    talk.events("334 \r\n");
    talk.client.cancel().unwrap();
    assert_eq!(talk.sent(), "AUTH PLAIN\r\n*\r\n");
    assert!(matches!(talk.events("501 cancelled\r\n")[..], [Event::Reply(of, _)] if of == id));
    assert!(!talk.client.is_authenticated());
}

#[test]
fn a_challenge_that_is_not_base64_is_answered_by_the_session() {
    for challenge in ["334 ?\r\n", "334-\r\n334 \r\n", "334 dGl\r\n"] {
        let mut talk = Talk::after_ehlo("AUTH PLAIN");
        talk.client.send(auth(None)).unwrap();
        talk.sent();
        assert_eq!(talk.events(challenge), []);
        assert_eq!(talk.sent(), "*\r\n");
        assert_eq!(talk.events("501 cancelled\r\n").len(), 1);
    }
}

#[test]
fn a_long_initial_response_follows_the_command() {
    let response = vec![b'x'; 400];
    let mut talk = Talk::after_ehlo("AUTH PLAIN");
    talk.client.send(auth(Some(&response))).unwrap();
    assert_eq!(talk.sent(), "AUTH PLAIN\r\n");
    assert_eq!(talk.events("334 \r\n"), []);
    assert_eq!(talk.sent().len(), 536 + 2);
    assert_eq!(talk.events("235 ok\r\n").len(), 1);

    let mut talk = Talk::after_ehlo("AUTH PLAIN");
    talk.client.send(auth(Some(&response))).unwrap();
    talk.sent();
    assert_eq!(talk.events("334 eA==\r\n"), [], "the server speaks first in no mechanism that has one");
    assert_eq!(talk.sent(), "*\r\n");

    let mut talk = Talk::after_ehlo("AUTH PLAIN");
    talk.client.send(auth(Some(b""))).unwrap();
    assert_eq!(talk.sent(), "AUTH PLAIN =\r\n");
}

#[test]
fn secrets_are_not_shown() {
    let mut talk = Talk::after_ehlo("AUTH PLAIN");
    let id = talk.client.send(auth(Some(b"\0tim\0tanstaaf"))).unwrap();
    let in_output = format!("{:?}", talk.client);
    assert_eq!(talk.sent(), "AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n");
    let mut talk = Talk::new();
    talk.client.send(ehlo()).unwrap();
    talk.events("220 hi\r\n250-foo.com\r\n250 AUTH PLAIN\r\n");
    talk.client.send(Command::Noop(None)).unwrap();
    talk.client.send(auth(Some(b"\0tim\0tanstaaf"))).unwrap();
    let in_queue = format!("{:?}", talk.client);
    let in_event = format!("{:?}", Event::Challenge(id, b"tanstaaf".to_vec()));
    for shown in [in_output, in_queue, in_event] {
        for secret in ["tanstaaf", "dGFuc3RhYWY", "YW5zdGFhZg", "116, 97, 110"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn a_connection_that_ends_ends_the_session_without_an_error() {
    let mut talk = Talk::after_ehlo("PIPELINING");
    talk.client.send(mail()).unwrap();
    talk.client.send(rcpt()).unwrap();
    talk.client.handle_eof();
    assert_eq!(talk.events("250 ok\r\n25").len(), 1, "what was read is still told");
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::EndOfInput));

    let mut talk = Talk::after_ehlo("STARTTLS");
    talk.client.send(Command::StartTls).unwrap();
    talk.events("220 go\r\n");
    talk.client.handle_eof();
    assert_eq!(talk.step(), Ok(Step::Closed));

    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    talk.client.push_body(Bytes::from_static(b"x\r\n")).unwrap();
    talk.client.handle_eof();
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.sent(), "");
}

#[test]
fn quit_is_the_end() {
    let mut talk = Talk::after_ehlo("");
    let id = talk.client.send(Command::Quit).unwrap();
    assert_eq!(talk.client.send(Command::Noop(None)), Err(NotNow::Closed));
    assert!(matches!(talk.events("221 bye\r\n")[..], [Event::Reply(of, _)] if of == id));
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::Quit));
    let mut talk = Talk::after_ehlo("");
    talk.client.send(Command::Quit).unwrap();
    talk.client.handle_eof();
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::Quit));
}

#[test]
fn abort_says_no_more() {
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    talk.client.push_body(Bytes::from_static(b"half a mess")).unwrap();
    talk.client.abort();
    assert_eq!(talk.sent(), "");
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::Aborted));
}

/// Nothing comes; at its deadline and not before, the session is over.
fn assert_times_out(mut talk: Talk, phase: Phase, minutes: u64) {
    assert_eq!(talk.step(), Ok(Step::NeedInput));
    let deadline = talk.client.poll_timeout().unwrap();
    assert_eq!(deadline, talk.now + Duration::from_secs(60 * minutes), "{phase}");
    talk.client.handle_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(talk.client.close_reason(), None);
    talk.client.handle_timeout(deadline);
    talk.now = deadline;
    assert_eq!(talk.step(), Ok(Step::Closed));
    assert_eq!(talk.client.close_reason(), Some(CloseReason::TimedOut(phase)));
    assert_eq!(talk.client.poll_timeout(), None);
}

#[test]
fn each_phase_has_the_deadline_of_rfc_5321() {
    assert_times_out(Talk::new(), Phase::Greeting, 5);
    for (command, phase, minutes) in [
        (ehlo(), Phase::Command, 5),
        (mail(), Phase::Mail, 5),
        (rcpt(), Phase::Rcpt, 5),
        (Command::Data, Phase::Data, 2),
        (Command::Quit, Phase::Command, 5),
    ] {
        let mut talk = Talk::after_ehlo("");
        assert_eq!(talk.client.poll_timeout(), None, "nothing is waited for");
        talk.client.send(command).unwrap();
        assert_times_out(talk, phase, minutes);
    }
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    assert_eq!(talk.client.poll_timeout(), None, "the application is slow, not the server");
    talk.client.push_body(Bytes::from_static(b"x")).unwrap();
    assert_times_out(talk, Phase::DataBlock, 3);
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    talk.client.finish_body();
    assert_times_out(talk, Phase::DataEnd, 10);
}

#[test]
fn a_slow_drip_moves_no_deadline() {
    let mut talk = Talk::after_ehlo("");
    talk.client.send(mail()).unwrap();
    assert_eq!(talk.step(), Ok(Step::NeedInput));
    let deadline = talk.client.poll_timeout();
    for line in "250-slow\r\n".repeat(20).as_bytes().chunks(3) {
        talk.now += Duration::from_secs(1);
        talk.input.extend_from_slice(line);
        assert_eq!(talk.step(), Ok(Step::NeedInput));
        assert_eq!(talk.client.poll_timeout(), deadline);
    }
}

#[test]
fn each_reply_of_a_group_has_its_own_time() {
    let mut talk = Talk::after_ehlo("PIPELINING");
    for command in [mail(), rcpt(), Command::Data] {
        talk.client.send(command).unwrap();
    }
    assert_eq!(talk.step(), Ok(Step::NeedInput));
    let sent_at = talk.now;
    talk.now += Duration::from_secs(240);
    talk.events("250 ok\r\n");
    assert_eq!(talk.client.poll_timeout(), Some(sent_at + Duration::from_secs(240 + 300)));
    talk.now += Duration::from_secs(240);
    talk.events("250 ok\r\n");
    assert_eq!(talk.client.poll_timeout(), Some(sent_at + Duration::from_secs(480 + 120)));
}

#[test]
fn a_body_that_moves_has_new_time() {
    let mut talk = Talk::after_ehlo("");
    talk.begin_body();
    talk.client.push_body(Bytes::from(vec![b'x'; 5_000])).unwrap();
    talk.client.push_body(Bytes::from(vec![b'x'; 5_000])).unwrap();
    assert_eq!(talk.step(), Ok(Step::NeedInput));
    let first = talk.client.poll_timeout().unwrap();
    assert!(talk.client.poll_transmit().is_some());
    // The driver may find the old deadline first.
    talk.client.handle_timeout(first);
    assert_eq!(talk.client.close_reason(), None);
    assert_eq!(talk.client.poll_timeout(), Some(first + Duration::from_secs(180)));
}

/// Whatever stands on a line comes from a type that cannot hold a line end.
#[test]
fn no_argument_can_hold_a_line_end() {
    for octet in ["\r\n", "\r", "\n", "\0"] {
        let inside = |before: &str, after: &str| format!("{before}{octet}RSET{octet}{after}");
        assert!(ClientName::parse(inside("bar.com", "")).is_err());
        assert!(ReversePath::parse(inside("<a@bar.com", ">")).is_err());
        assert!(ReversePath::parse(inside("<\"a", "\"@bar.com>")).is_err());
        assert!(ForwardPath::parse(inside("<b@foo.com>", "")).is_err());
        assert!(ForwardPath::parse(inside("<\"b", "\"@foo.com>")).is_err());
        assert!(ForwardPath::parse(inside("<@x", ":b@foo.com>")).is_err());
        assert!(Argument::parse(inside("x", "")).is_err());
        assert!(Mechanism::parse(inside("X", "")).is_err());
        assert!(!Xtext(inside("x", "").as_bytes()).to_string().contains(octet));
    }
}

#[test]
fn limits_of_zero_and_times_without_end_do_no_harm() {
    let mut config = Config::default();
    config.max_outstanding = 0;
    config.output_high_water = 0;
    for time in [&mut config.timeouts.greeting, &mut config.timeouts.command, &mut config.timeouts.data_block]
    {
        *time = Duration::MAX;
    }
    let now = Instant::now();
    let observed = split::observe(
        Client::new(Arc::new(config), now),
        now,
        &[b"220 ready\r\n250 foo.com\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n"],
        &mut |client: &mut Client, event: Event, log: &mut Log| {
            log.event(format!("{event:?}"));
            let next = match log.events().len() {
                1 => ehlo(),
                2 => mail(),
                3 => rcpt(),
                4 => Command::Data,
                5 => {
                    client.push_body(Bytes::from_static(b"x\r\n")).unwrap();
                    return client.finish_body();
                }
                _ => return,
            };
            client.send(next).unwrap();
        },
    );
    assert_eq!(observed.log.events().last(), Some(&"Reply(4, 250 queued)"));
}

#[test]
fn a_session_is_small() {
    assert!(size_of::<Client>() <= 1024, "{}", size_of::<Client>());
}

const DIALOGUE: &str = "220-foo.com\r\n220 ready\r\n250-foo.com\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 SIZE 1000\r\n\
    334 \r\n235 2.7.0 ok\r\n250 2.1.0 ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250 2.1.5 ok\r\n354 go\r\n250 2.0.0 queued\r\n221 bye\r\n";

/// Sends whatever comes next in a full dialogue.
fn application(client: &mut Client, event: Event, log: &mut Log) {
    log.event(format!("{event:?}"));
    let mut send = |command| client.send(command).map(drop).unwrap();
    match event {
        Event::Greeting(_) => send(ehlo()),
        Event::Reply(_, reply) if reply.text() == "foo.com" => send(auth(None)),
        Event::Challenge(..) => client.respond(b"\0tim\0tanstaaf").unwrap(),
        Event::Reply(_, reply) if reply.code() == ReplyCode::AUTHENTICATED => {
            for command in [mail(), rcpt(), rcpt(), Command::Data] {
                send(command);
            }
        }
        Event::SendBody(_) => {
            client.push_body(Bytes::from_static(b".dot\r\n")).unwrap();
            client.finish_body();
        }
        Event::Reply(_, reply) if reply.text() == "queued" => send(Command::Quit),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn every_split_gives_the_same(cuts in split::cuts()) {
        let make = |now| Client::new(Arc::new(Config::default()), now);
        let observed = split::assert_every_split(make, DIALOGUE.as_bytes(), application, &cuts);
        prop_assert_eq!(observed.log.events().len(), 10);
        prop_assert!(observed.sent.ends_with(b"..dot\r\n.\r\nQUIT\r\n"));
    }

    #[test]
    fn any_octets_are_survived(octets in "(?s)(2[25]0[- ].{0,5}\r\n|354 \r\n|334 .{0,3}\r\n|421 x\r\n|.{0,9}){0,8}", cuts in split::cuts()) {
        let make = |now| Client::new(Arc::new(Config::default()), now);
        let app = |client: &mut Client, event: Event, log: &mut Log| {
            log.event(format!("{event:?}"));
            let _ = match event {
                Event::Challenge(..) => client.respond(b"x"),
                Event::SendBody(_) => { client.finish_body(); Ok(()) }
                _ => client.send(Command::Data).map(drop),
            };
        };
        let observed = split::assert_every_split(make, octets.as_bytes(), app, &cuts);
        prop_assert!(observed.log.events().len() <= 8 + octets.len());
    }
}
