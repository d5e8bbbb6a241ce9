//! TLS on loopback, by the toy session.

use crate::certificates;
use crate::toy::{Event, Toy};
use bytes::Bytes;
use postroad_tokio::rustls::pki_types::ServerName;
use postroad_tokio::tls::{HANDSHAKE, accept, connect, unverified_client_config};
use postroad_tokio::tokio_rustls::TlsConnector;
use postroad_tokio::{Connection, MaybeTls};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::{TcpListener, TcpStream};

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

#[tokio::test]
async fn a_connection_goes_on_inside_of_tls() {
    let (acceptor, connector) = certificates::pair();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let io = MaybeTls::from(listener.accept().await.unwrap().0);
        let mut connection = Connection::new(Toy::new(), io);
        let Ok(Some(Event::Ask(ticket))) = connection.next().await else { panic!() };
        connection.session.answer(ticket, "220 go\r\n");
        let mut connection = connection
            .upgrade(|io| async move {
                let MaybeTls::Plain(io) = io else { panic!() };
                accept(&acceptor, io, HANDSHAKE).await
            })
            .await
            .unwrap();
        let info = connection.driver().io().tls_info();
        while let Some(event) = connection.next().await.unwrap() {
            let Event::Line(line) = event else { panic!() };
            connection.session.say(line).unwrap();
        }
        info.unwrap().exporter
    });
    let mut io = TcpStream::connect(address).await.unwrap();
    io.write_all(b"ASK\r\n").await.unwrap();
    let mut go = [0; 8];
    io.read_exact(&mut go).await.unwrap();
    assert_eq!(&go, b"220 go\r\n");
    let tls = connect(&connector, localhost(), io, HANDSHAKE).await.unwrap();
    assert!(tls.is_tls());
    let info = tls.tls_info().unwrap();
    assert_eq!(tls.peer_certificates().unwrap().len(), 1);
    let mut client = Connection::new(Toy::new(), tls);
    let large = Bytes::from(vec![b'x'; 50_000]);
    client.session.say(large.clone()).unwrap();
    client.session.say(Bytes::from_static(b"\r\n")).unwrap();
    client.flush().await.unwrap();
    let (_, parts) = client.into_parts();
    let mut tls = parts.io;
    let mut back = vec![0; 50_000];
    tls.read_exact(&mut back).await.unwrap();
    assert_eq!(back, large);
    tls.write_all(b"QUIT\r\n").await.unwrap();
    tls.flush().await.unwrap();
    back.clear();
    tls.read_to_end(&mut back).await.unwrap(); // an error, if TLS were not closed properly
    assert_eq!(back, b"221 bye\r\n");
    drop(tls);
    let exporter = server.await.unwrap();
    assert_eq!(exporter, info.exporter, "both ends have the same channel binding");
    assert_eq!(exporter.unwrap().len(), 32);
}

#[tokio::test]
async fn tls_that_ends_without_a_word_is_the_end_of_input() {
    let (acceptor, connector) = certificates::pair();
    let (a, b) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&connector, localhost(), b, HANDSHAKE));
    let (server, mut client) = (server.unwrap(), client.unwrap());
    client.write_all(b"line\r\nhalf").await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    let mut connection = Connection::new(Toy::new(), server);
    assert!(matches!(connection.next().await, Ok(Some(Event::Line(_)))));
    assert!(connection.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_stranger_is_not_believed_unless_that_is_said() {
    let (acceptor, _) = certificates::pair();
    let (_, stranger) = certificates::pair();
    let (a, b) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&stranger, localhost(), b, HANDSHAKE));
    assert!(server.is_err() && client.is_err());

    let anyone: TlsConnector = Arc::new(unverified_client_config().unwrap()).into();
    let (a, b) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(accept(&acceptor, a, HANDSHAKE), connect(&anyone, localhost(), b, HANDSHAKE));
    assert!(server.is_ok() && client.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_given_up() {
    let (acceptor, _) = certificates::pair();
    let (_peer, io) = duplex(1024);
    let error = accept(&acceptor, io, Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
