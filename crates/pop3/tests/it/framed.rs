//! The codec under `Framed`.

use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use postroad_core::DataFaults;
use postroad_pop3::codec::ResponsePart;
use postroad_pop3::command::Command;
use postroad_pop3::framed::{ClientCodec, ServerCodec};
use postroad_pop3::response::StatusLine;
use tokio_util::codec::{Decoder, Encoder, Framed};

#[test]
fn both_ends_talk() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(16);
        let mut client = Framed::new(near, ClientCodec::new(4096));
        let mut server = Framed::new(far, ServerCodec::new(512));
        let serving = async {
            server.send(ResponsePart::Status(StatusLine::ok("ready"))).await.unwrap();
            while let Some(item) = server.next().await {
                let parts = match item.unwrap() {
                    Ok(Command::List(None)) => vec![
                        ResponsePart::Status(StatusLine::ok("")),
                        ResponsePart::Line("1 120".into()),
                        ResponsePart::Line(".x".into()),
                        ResponsePart::End(DataFaults::default()),
                    ],
                    Ok(Command::Retr(_)) => vec![
                        ResponsePart::Status(StatusLine::ok("")),
                        ResponsePart::Chunk(".a\r\n.".into()),
                        ResponsePart::Chunk("b".into()),
                        ResponsePart::End(DataFaults::default()),
                    ],
                    Ok(_) => vec![ResponsePart::Status(StatusLine::ok(""))],
                    Err(_) => vec![ResponsePart::Status(StatusLine::err(None, "what?"))],
                };
                for part in parts {
                    server.send(part).await.unwrap();
                }
            }
        };
        let asking = async {
            for line in ["LIST", "RETR 1", "NOOP"] {
                client.send(Command::parse(line.as_bytes()).unwrap()).await.unwrap();
            }
            let (mut heard, mut body) = (Vec::new(), BytesMut::new());
            while heard.len() < 8 {
                match client.next().await.unwrap().unwrap().unwrap() {
                    ResponsePart::Status(line) => heard.push(line.to_string()),
                    ResponsePart::Line(line) => heard.push(String::from_utf8(line.to_vec()).unwrap()),
                    ResponsePart::Chunk(chunk) => body.extend_from_slice(&chunk),
                    ResponsePart::End(_) => heard.push("end".into()),
                    other => panic!("{other:?}"),
                }
            }
            drop(client);
            (heard, body)
        };
        let ((), (heard, body)) = tokio::join!(serving, asking);
        assert_eq!(heard, ["+OK ready", "+OK", "1 120", ".x", "end", "+OK", "end", "+OK"]);
        assert_eq!(body, ".a\r\n.b\r\n");
    });
}

#[test]
fn a_bad_command_does_not_end_the_stream() {
    let mut codec = ServerCodec::new(512);
    let mut input = BytesMut::from(&b"FROB\r\nNO\0P\r\nNOOP\r\nhalf"[..]);
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Err(_))));
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Err(_))));
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Ok(Command::Noop))));
    assert!(codec.decode_eof(&mut input).unwrap().is_none());
    assert!(input.is_empty(), "half a line is no command");
}

#[test]
fn a_line_cannot_hold_another() {
    let mut output = BytesMut::new();
    let part = ResponsePart::Line("1 120\r\n.\r\n+OK forged".into());
    assert!(ServerCodec::new(512).encode(part, &mut output).is_err());
    assert!(output.is_empty());
}

#[test]
fn after_stls_no_greeting_comes() {
    let mut codec = ClientCodec::new_after_stls(512);
    let mut output = BytesMut::new();
    codec.encode(Command::Capa, &mut output).unwrap();
    let mut input = BytesMut::from(&b"+OK\r\nTOP\r\n.\r\n"[..]);
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Ok(ResponsePart::Status(_)))));
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Ok(ResponsePart::Line(line))) if line == "TOP"));
    assert!(matches!(codec.decode(&mut input).unwrap(), Some(Ok(ResponsePart::End(_)))));
}
