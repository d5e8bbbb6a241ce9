//! The codecs in tokio-util's `Framed`, against each other.

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use postroad_imap::codec::{CommandPart, ResponsePart};
use postroad_imap::command::{AppendHead, AppendMessage, Command, CommandBody, LiteralMode};
use postroad_imap::framed::{ClientCodec, GoOn, ServerCodec};
use postroad_imap::response::{Continuation, Response, RowWriter, Status, StatusResponse};
use postroad_imap::types::{AppendOptions, Credentials, MailboxName, Section, Tag};
use tokio::io::DuplexStream;
use tokio_util::codec::{Decoder, Encoder, Framed};

fn tag(text: &str) -> Tag {
    Tag::parse(text).unwrap()
}

fn login(name: &str, user: &'static str, password: &str) -> Command {
    Command { tag: tag(name), body: CommandBody::Login(Credentials::new(user, password)) }
}

fn answer(tag: Tag, status: Status) -> Response {
    Response::Status(StatusResponse::tagged(tag, status, None, "text"))
}

fn go_on() -> Response {
    Response::Continuation(Continuation { text: "go on".into() })
}

/// Answers each command; refuses the first user; ends at LOGOUT. Returns the users that logged in, and the message that was appended.
async fn serve(io: DuplexStream) -> (Vec<Bytes>, Vec<u8>) {
    let mut framed = Framed::new(io, ServerCodec::default());
    let (mut users, mut message, mut append) = (Vec::new(), Vec::new(), None);
    while let Some(item) = framed.next().await {
        let response = match item.unwrap() {
            Ok(CommandPart::Waits) => go_on(),
            Ok(CommandPart::Append(head)) => {
                append = Some(head.tag);
                if !head.message.synchronizing {
                    continue;
                }
                go_on()
            }
            Ok(CommandPart::Chunk(chunk)) => {
                message.extend_from_slice(&chunk);
                continue;
            }
            Ok(CommandPart::AppendEnd) => answer(append.take().unwrap(), Status::Ok),
            Ok(CommandPart::Command(Command { tag, body })) => match body {
                CommandBody::Login(credentials) => {
                    users.push(credentials.user);
                    answer(tag, Status::Ok)
                }
                CommandBody::Logout => return (users, message),
                CommandBody::Idle => {
                    framed.codec_mut().decoder_mut().expect_line();
                    go_on()
                }
                CommandBody::Noop => {
                    // A row with a body that goes out in chunks.
                    let mut out = BytesMut::new();
                    let mut row = RowWriter::begin(&mut out, 1, false);
                    row.literal(&mut out, &Section::default(), None, 100_000);
                    framed.send(out.split().freeze()).await.unwrap();
                    for _ in 0..10 {
                        framed.send(Bytes::from(vec![b'x'; 10_000])).await.unwrap();
                    }
                    row.end(&mut out);
                    framed.send(out.freeze()).await.unwrap();
                    answer(tag, Status::Ok)
                }
                _ => answer(tag, Status::No),
            },
            Ok(CommandPart::Line(line)) => {
                assert_eq!(line, "DONE");
                answer(tag("idle"), Status::Ok)
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => answer(error.tag.unwrap(), Status::Bad),
        };
        framed.send(response).await.unwrap();
    }
    panic!("no LOGOUT");
}

/// The next response.
async fn response(framed: &mut Framed<DuplexStream, ClientCodec>) -> Response {
    match framed.next().await.unwrap().unwrap().unwrap() {
        ResponsePart::Response(parsed) => parsed.response,
        other => panic!("{other:?}"),
    }
}

async fn status(framed: &mut Framed<DuplexStream, ClientCodec>) -> (String, Status) {
    match response(framed).await {
        Response::Status(status) => (status.tag.unwrap().to_string(), status.status),
        other => panic!("{other:?}"),
    }
}

async fn continuation(framed: &mut Framed<DuplexStream, ClientCodec>) {
    let response = response(framed).await;
    assert!(matches!(response, Response::Continuation(_)), "{response:?}");
}

fn is(tag: &str, status: Status) -> (String, Status) {
    (tag.into(), status)
}

#[tokio::test]
async fn a_client_and_a_server() {
    let (near, far) = tokio::io::duplex(64);
    let server = tokio::spawn(serve(far));
    let mut framed = Framed::new(near, ClientCodec::default());

    // Two literals, for both have line ends; each waits.
    framed.send(login("a", "b\r\nb", "s\r\nt")).await.unwrap();
    for _ in 0..2 {
        continuation(&mut framed).await;
        assert!(framed.codec_mut().is_waiting());
        assert!(framed.send(login("x", "x", "x")).await.is_err(), "the rest of the first is owed");
        framed.send(GoOn).await.unwrap();
    }
    assert!(!framed.codec_mut().is_waiting());
    assert!(framed.send(GoOn).await.is_err());
    assert_eq!(status(&mut framed).await, is("a", Status::Ok));

    // With LITERAL+ none does.
    framed.codec_mut().set_literals(LiteralMode::Plus);
    framed.send(login("b", "c\r\nc", "s\r\nt")).await.unwrap();
    assert_eq!(status(&mut framed).await, is("b", Status::Ok));

    for (name, mode) in [("c", LiteralMode::Synchronizing), ("d", LiteralMode::Plus)] {
        framed.codec_mut().set_literals(mode);
        let message = AppendMessage::new(AppendOptions::default(), 2000);
        let end = message.end();
        framed.send(AppendHead { tag: tag(name), mailbox: MailboxName::inbox(), message }).await.unwrap();
        if mode == LiteralMode::Synchronizing {
            continuation(&mut framed).await;
            framed.send(GoOn).await.unwrap();
        }
        for _ in 0..2 {
            framed.send(Bytes::from(vec![b'\n'; 1000])).await.unwrap();
        }
        framed.send(end).await.unwrap();
        assert_eq!(status(&mut framed).await, is(name, Status::Ok));
    }

    framed.send(Command { tag: tag("idle"), body: CommandBody::Idle }).await.unwrap();
    continuation(&mut framed).await;
    framed.send(Bytes::from("DONE\r\n")).await.unwrap();
    assert_eq!(status(&mut framed).await, is("idle", Status::Ok));

    framed.send(Command { tag: tag("e"), body: CommandBody::Noop }).await.unwrap();
    let mut octets = 0;
    loop {
        match framed.next().await.unwrap().unwrap().unwrap() {
            ResponsePart::Body { number, body, .. } => assert_eq!((number, body.len), (1, 100_000)),
            ResponsePart::Chunk(chunk) => octets += chunk.len(),
            ResponsePart::Response(parsed) => {
                assert!(matches!(parsed.response, Response::Fetch(row) if row.number() == 1));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(octets, 100_000);
    assert_eq!(status(&mut framed).await, is("e", Status::Ok));

    framed.send(Command { tag: tag("f"), body: CommandBody::Logout }).await.unwrap();
    let (users, message) = server.await.unwrap();
    assert_eq!(users, ["b\r\nb", "c\r\nc"]);
    assert_eq!(message, [b'\n'; 4000]);
}

#[test]
fn no_in_place_of_a_continuation_ends_the_command() {
    let mut codec = ClientCodec::default();
    let mut output = BytesMut::new();
    codec.encode(login("a", "b\r\nb", "secret"), &mut output).unwrap();
    assert_eq!(output, "a LOGIN {4}\r\n");
    let mut input = BytesMut::from("* NO not yours\r\nb BAD neither\r\na NO literal too long\r\n");
    for waits in [true, true, false] {
        assert!(codec.decode(&mut input).unwrap().is_some());
        assert_eq!(codec.is_waiting(), waits);
    }
    output.clear();
    codec.encode(Command { tag: tag("b"), body: CommandBody::Noop }, &mut output).unwrap();
    assert_eq!(output, "b NOOP\r\n", "nothing is left of the first");
}

#[test]
fn a_bad_command_does_not_end_the_stream_and_half_a_line_does_not_spoil_its_end() {
    let mut codec = ServerCodec::default();
    let mut input = BytesMut::from("a FROB\r\nb NOOP\r\nc NO");
    assert!(matches!(codec.decode(&mut input), Ok(Some(Err(error))) if error.tag == Some(tag("a"))));
    assert!(matches!(codec.decode_eof(&mut input), Ok(Some(Ok(CommandPart::Command(_))))));
    assert!(matches!(codec.decode_eof(&mut input), Ok(None)));
    assert!(input.is_empty());

    let mut codec = ClientCodec::default();
    let mut input = BytesMut::from("* \0\r\n* 3 EXISTS\r\n* 4 EX");
    assert!(matches!(codec.decode(&mut input), Ok(Some(Err(_)))));
    assert!(matches!(codec.decode(&mut input), Ok(Some(Ok(ResponsePart::Response(_))))));
    assert!(matches!(codec.decode(&mut input), Ok(None)));
}
