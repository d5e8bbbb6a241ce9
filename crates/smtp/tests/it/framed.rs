//! The codecs in tokio-util's `Framed`, against each other.

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use postroad_smtp::BareNewline;
use postroad_smtp::codec::{CommandCodec, Item};
use postroad_smtp::command::{AuthCommand, AuthResponseLine, Command};
use postroad_smtp::framed::{ClientCodec, Message};
use postroad_smtp::reply::{Reply, ReplyCode};
use postroad_smtp::types::Mechanism;
use tokio_util::codec::{Decoder, Framed};

fn reply(code: u16) -> Reply {
    Reply::new(ReplyCode::new(code).unwrap(), None, "text")
}

/// Answers each item; ends at QUIT. Returns the message.
async fn serve(io: tokio::io::DuplexStream) -> Vec<u8> {
    let mut framed = Framed::new(io, CommandCodec::new());
    let mut message = Vec::new();
    framed.send(reply(220)).await.unwrap();
    while let Some(item) = framed.next().await {
        let code = match item.unwrap() {
            Ok(Item::Command(Command::Data, _)) => {
                framed.codec_mut().expect_data(BareNewline::Reject);
                354
            }
            Ok(Item::Command(Command::Auth(_), _)) => {
                framed.codec_mut().expect_auth_response();
                334
            }
            Ok(Item::Command(Command::Quit, _)) => return message,
            Ok(Item::AuthResponse(AuthResponseLine::Response(response))) if response.expose() == b"tim" => {
                235
            }
            Ok(Item::Chunk(chunk)) => {
                message.extend_from_slice(&chunk);
                continue;
            }
            Ok(Item::End(_)) => 250,
            Ok(_) => 502,
            Err(error) => {
                framed.send(error.reply()).await.unwrap();
                continue;
            }
        };
        framed.send(reply(code)).await.unwrap();
    }
    message
}

#[tokio::test]
async fn a_client_and_a_server() {
    let (near, far) = tokio::io::duplex(64);
    let server = tokio::spawn(serve(far));
    let mut framed = Framed::new(near, ClientCodec::new());
    let mut codes = vec![framed.next().await.unwrap().unwrap().code().get()];
    let mut sent = 1;
    framed.send(Command::Auth(AuthCommand::new(Mechanism::LOGIN, None))).await.unwrap();
    codes.push(framed.next().await.unwrap().unwrap().code().get());
    framed.send(AuthResponseLine::Response(b"tim".to_vec().into())).await.unwrap();
    sent += 2;
    for command in [Command::Noop(None), Command::Data] {
        framed.send(command).await.unwrap();
        sent += 1;
    }
    while codes.len() < sent {
        codes.push(framed.next().await.unwrap().unwrap().code().get());
    }
    framed.send(Message(Bytes::from_static(b".hidden\r\nbare\n.\nend"))).await.unwrap();
    codes.push(framed.next().await.unwrap().unwrap().code().get());
    framed.send(Command::Quit).await.unwrap();
    assert_eq!(codes, [220, 334, 235, 502, 354, 250]);
    assert_eq!(server.await.unwrap(), b".hidden\r\nbare\r\n.\r\nend\r\n");
}

#[test]
fn a_bad_command_does_not_end_the_stream_and_half_a_line_does_not_spoil_its_end() {
    let mut codec = CommandCodec::new();
    let mut input = BytesMut::from("FROB\r\nQUIT\r\nNOO");
    let error = codec.decode(&mut input).unwrap().unwrap().unwrap_err();
    assert_eq!(error.reply().code().get(), 500);
    assert!(codec.decode(&mut input).unwrap().unwrap().is_ok());
    assert!(codec.decode_eof(&mut input).unwrap().is_none());
    assert!(input.is_empty());
    let mut client = ClientCodec::new();
    assert!(client.decode(&mut BytesMut::from("nonsense\r\n")).is_err());
}
