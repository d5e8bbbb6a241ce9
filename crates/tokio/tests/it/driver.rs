//! The driver and the connection, by the toy session.

use crate::toy::{Bad, Event, HIGH, IDLE, Toy};
use bytes::Bytes;
use postroad_core::Full;
use postroad_tokio::{Connection, Error, Limits, Progress};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

fn line(octets: usize) -> Bytes {
    let mut line = vec![b'x'; octets - 2];
    line.extend_from_slice(b"\r\n");
    Bytes::from(line)
}

async fn echo(io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) -> Result<(), Error<Bad>> {
    let mut connection = Connection::new(Toy::new(), io);
    while let Some(event) = connection.next().await? {
        match event {
            Event::Line(line) => {
                connection.session.say(line).unwrap();
                connection.session.say(Bytes::from_static(b"\r\n")).unwrap();
            }
            Event::Ask(ticket) => connection.session.answer(ticket, "250 yes\r\n"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn lines_go_round_and_quit_closes() {
    let (mut peer, io) = duplex(1024);
    let server = tokio::spawn(echo(io)); // spawn wants Send
    peer.write_all(b"one\r\nASK\r\ntwo\r\nQUIT\r\nignored\r\n").await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "one\r\n250 yes\r\ntwo\r\n221 bye\r\n");
    drop(peer);
    server.await.unwrap().unwrap();
}

/// Sends a MiB and counts what comes, at the same time.
async fn send_and_count(io: DuplexStream) -> (usize, usize) {
    const LINES: usize = 64;
    let mut connection = Connection::new(Toy::new(), io);
    let (mut sent, mut got, mut most) = (0, 0, 0);
    let mut next = line(16 * 1024);
    while sent < LINES || got < LINES {
        while sent < LINES {
            match connection.session.say(next) {
                Ok(()) => {
                    sent += 1;
                    next = line(16 * 1024);
                }
                Err(Full(back)) => {
                    next = back;
                    break;
                }
            }
        }
        most = most.max(connection.driver().buffered());
        match connection.progress().await.unwrap() {
            Progress::Event(Event::Line(line)) => {
                assert_eq!(line.len(), 16 * 1024 - 2);
                got += 1;
            }
            Progress::Drained => {}
            other => panic!("{other:?}"),
        }
    }
    connection.flush().await.unwrap();
    (got, most)
}

#[tokio::test]
async fn two_peers_that_write_at_once_do_not_wait_for_each_other() {
    let (a, b) = duplex(64);
    let both = async { tokio::join!(send_and_count(a), send_and_count(b)) };
    let (a, b) = timeout(Duration::from_secs(20), both).await.unwrap();
    assert_eq!((a.0, b.0), (64, 64));
    assert!(a.1 < 4 * HIGH && b.1 < 4 * HIGH, "{} {}", a.1, b.1);
}

#[tokio::test]
async fn dropping_next_at_every_poll_loses_nothing() {
    let (mut peer, io) = duplex(16);
    let mut connection = Connection::new(Toy::new(), io);
    let server = async {
        let (mut lines, mut polls) = (0, 0);
        loop {
            // One poll, then the future is gone.
            let polled = poll_fn(|context| Poll::Ready(pin!(connection.next()).poll(context))).await;
            polls += 1;
            match polled {
                Poll::Pending => tokio::task::yield_now().await,
                Poll::Ready(Ok(Some(Event::Line(line)))) => {
                    assert_eq!(line, format!("line {lines} of many"));
                    lines += 1;
                    connection.session.say(line).unwrap();
                }
                Poll::Ready(Ok(Some(Event::Ask(ticket)))) => connection.session.answer(ticket, "yes"),
                Poll::Ready(end) => {
                    assert!(end.unwrap().is_none());
                    break (lines, polls);
                }
            }
        }
    };
    let client = async {
        let (mut read, mut write) = tokio::io::split(&mut peer);
        let mut text = String::new();
        let send = async {
            for number in 0..100 {
                write.write_all(format!("line {number} of many\r\nASK\r\n").as_bytes()).await.unwrap();
            }
            write.write_all(b"QUIT\r\n").await.unwrap();
        };
        tokio::join!(send, async { read.read_to_string(&mut text).await.unwrap() });
        text
    };
    let ((lines, polls), text) = tokio::join!(server, client);
    assert_eq!(lines, 100);
    assert!(polls > 200, "the pipe is narrow, so there were {polls} polls");
    let mut expected: Vec<String> = (0..100).map(|number| format!("line {number} of manyyes")).collect();
    expected.push("221 bye\r\n".to_owned());
    assert_eq!(text, expected.concat());
}

#[tokio::test]
async fn an_error_comes_after_its_farewell_is_out() {
    let (mut peer, io) = duplex(4); // the farewell does not fit
    let server = tokio::spawn(echo(io));
    peer.write_all(b"BAD\r\n").await.unwrap();
    tokio::task::yield_now().await;
    assert!(!server.is_finished());
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "500 farewell\r\n");
    drop(peer);
    assert!(matches!(server.await.unwrap(), Err(Error::Session(Bad))));
}

#[tokio::test]
async fn over_tcp_the_farewell_reaches_a_peer_that_goes_on_sending() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = tokio::spawn(echo(listener.accept().await.unwrap().0));
    let mut flood = b"BAD\r\n".to_vec();
    flood.resize(300_000, b'x');
    peer.write_all(&flood).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    // Were it not read on, the kernel would have reset the connection by now.
    peer.write_all(b"and more").await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "500 farewell\r\n");
    drop(peer);
    assert!(matches!(server.await.unwrap(), Err(Error::Session(Bad))));
}

#[tokio::test(start_paused = true)]
async fn a_farewell_that_nobody_reads_is_given_up_soon() {
    let (mut peer, io) = duplex(4);
    let began = Instant::now();
    let server = tokio::spawn(echo(io));
    peer.write_all(b"BAD\r\n").await.unwrap();
    assert!(matches!(server.await.unwrap(), Err(Error::Session(Bad))));
    assert_eq!(began.elapsed(), Limits::default().linger);
}

#[tokio::test(start_paused = true)]
async fn the_sessions_deadline_is_kept_and_a_drip_does_not_move_it() {
    let (peer, io) = duplex(1024);
    let server = tokio::spawn(echo(io));
    let (mut read, mut write) = tokio::io::split(peer);
    let began = Instant::now();
    let drip = tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            sleep(Duration::from_secs(7)).await;
        }
    });
    let mut text = String::new();
    read.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "421 too slow\r\n");
    assert!(began.elapsed() >= IDLE && began.elapsed() < IDLE + Duration::from_secs(1));
    drip.abort();
    drop(read);
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_bounded_and_given_up() {
    let (_peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    let began = Instant::now();
    let mut offered = 0;
    let error = loop {
        while connection.session.say(line(16 * 1024)).is_ok() {
            offered += 16 * 1024;
        }
        match timeout(Duration::from_secs(1), connection.next()).await {
            Ok(Ok(event)) => panic!("{event:?}"),
            Ok(Err(error)) => break error,
            Err(_) => assert!(connection.driver().buffered() <= 2 * HIGH),
        }
    };
    assert!(matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut));
    assert!(offered <= 3 * HIGH, "{offered}");
    assert_eq!(began.elapsed(), Limits::default().write_stall);
    assert!(connection.next().await.unwrap().is_none(), "it stays closed");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_an_octet_a_minute_is_given_up_too() {
    let (mut peer, io) = duplex(16);
    let mut connection = Connection::new(Toy::new(), io);
    let began = Instant::now();
    connection.session.say(line(60_000)).unwrap();
    let reader = tokio::spawn(async move {
        while peer.read_u8().await.is_ok() {
            sleep(Duration::from_secs(60)).await;
        }
    });
    let error = connection.flush().await.unwrap_err();
    assert!(matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut));
    assert_eq!(began.elapsed(), Limits::default().write_stall);
    reader.abort();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_slowly_but_truly_is_served() {
    let (mut peer, io) = duplex(4096);
    let mut connection = Connection::new(Toy::new(), io);
    connection.session.say(line(60_000)).unwrap();
    let reader = tokio::spawn(async move {
        let mut buffer = vec![0; 6000];
        for _ in 0..10 {
            sleep(Duration::from_secs(100)).await;
            peer.read_exact(&mut buffer).await.unwrap();
        }
        peer
    });
    connection.flush().await.unwrap();
    let _peer = reader.await.unwrap();
}

#[tokio::test]
async fn what_the_peer_said_before_it_went_is_told_then_the_error_of_writing() {
    let (mut peer, io) = duplex(64);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"552 too much\r\n").await.unwrap();
    drop(peer);
    connection.session.say(line(2000)).unwrap();
    match connection.next().await.unwrap() {
        Some(Event::Line(line)) => assert_eq!(line, "552 too much"),
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(connection.next().await, Err(Error::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe)
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_holds_no_buffer() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"one\r\n").await.unwrap();
    assert!(matches!(connection.next().await, Ok(Some(Event::Line(_)))));
    assert!(timeout(Duration::from_millis(10), connection.next()).await.is_err());
    assert_eq!(connection.driver().buffered(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_came_while_the_application_was_away_is_read_before_the_deadline_is_kept() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    assert!(timeout(Duration::from_secs(1), connection.next()).await.is_err());
    peer.write_all(b"in time\r\n").await.unwrap();
    sleep(2 * IDLE).await;
    assert!(matches!(connection.next().await, Ok(Some(Event::Line(line))) if line == "in time"));
}

#[tokio::test]
async fn half_a_line_at_the_end_of_input_is_dropped() {
    let (mut peer, io) = duplex(1024);
    let server = tokio::spawn(echo(io));
    peer.write_all(b"one\r\ntw").await.unwrap();
    peer.shutdown().await.unwrap();
    let mut text = String::new();
    peer.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "one\r\n");
    server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_paused_session_flushes_and_does_not_read() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"ASK\r\n").await.unwrap();
    let Ok(Some(Event::Ask(ticket))) = connection.next().await else { panic!() };
    connection.session.say(Bytes::from_static(b"earlier\r\n")).unwrap();
    peer.write_all(b"later\r\n").await.unwrap();
    let mut reply = [0; 9];
    tokio::select! {
        event = connection.next() => panic!("{event:?}"),
        read = peer.read_exact(&mut reply) => { read.unwrap(); }
    }
    assert_eq!(&reply, b"earlier\r\n");
    assert!(timeout(Duration::from_secs(1), connection.next()).await.is_err());
    assert_eq!(connection.driver().buffered(), 0, "it did not read");
    connection.session.answer(ticket, "250 yes\r\n");
    assert!(matches!(connection.next().await, Ok(Some(Event::Line(line))) if line == "later"));
    drop(peer);
}

#[tokio::test]
async fn a_dropped_token_is_answered() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"ASK\r\nQUIT\r\n").await.unwrap();
    let event = connection.next().await.unwrap();
    drop(event);
    let mut text = String::new();
    let (end, _) = tokio::join!(
        async {
            let end = connection.next().await;
            drop(connection);
            end
        },
        peer.read_to_string(&mut text)
    );
    assert!(end.unwrap().is_none());
    assert_eq!(text, "451 forgotten\r\n221 bye\r\n");
}

#[tokio::test]
async fn an_upgrade_refuses_octets_that_were_read_before_it() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"ASK\r\ninjected\r\n").await.unwrap();
    let Ok(Some(Event::Ask(ticket))) = connection.next().await else { panic!() };
    connection.session.answer(ticket, "220 go\r\n");
    let upgraded = connection.upgrade(|io| async move { Ok::<DuplexStream, io::Error>(io) }).await;
    assert!(matches!(upgraded, Err(Error::Buffered)));
}

#[tokio::test]
async fn an_upgrade_flushes_first() {
    let (mut peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    peer.write_all(b"ASK\r\n").await.unwrap();
    let Ok(Some(Event::Ask(ticket))) = connection.next().await else { panic!() };
    connection.session.answer(ticket, "220 go\r\n");
    let mut upgraded =
        connection.upgrade(|io| async move { Ok(tokio::io::BufWriter::new(io)) }).await.unwrap();
    let mut reply = [0; 8];
    peer.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"220 go\r\n");
    // The new transport buffers; the driver flushes it too.
    upgraded.session.say(Bytes::from_static(b"inside\r\n")).unwrap();
    upgraded.flush().await.unwrap();
    peer.read_exact(&mut reply).await.unwrap();
    assert_eq!(&reply, b"inside\r\n");
}

#[tokio::test]
async fn closing_is_final() {
    let (peer, io) = duplex(1024);
    let mut connection = Connection::new(Toy::new(), io);
    connection.session.quit();
    for _ in 0..3 {
        assert!(connection.next().await.unwrap().is_none());
    }
    drop(peer);
}
