//! Extensions of IMAP, spoken over sockets.

use std::path::Path;
use std::time::Duration;

use bytes::BytesMut;
use postroad_tokio::Compressed;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;

use crate::config::Protocol;
use crate::inbound::tests::{PASSWORD, account, start};
use crate::serve::Server;

/// A client by hand.
struct Wire<Io>(BufReader<Io>);

impl Wire<TcpStream> {
    async fn connect(server: &Server) -> Self {
        let listen = server.listening.iter().find(|listen| listen.protocol == Protocol::Imap).unwrap();
        let mut wire = Self(BufReader::new(TcpStream::connect(listen.address).await.unwrap()));
        assert!(wire.line().await.starts_with("* OK "));
        wire
    }

    async fn login(server: &Server) -> Self {
        let mut wire = Self::connect(server).await;
        let said = wire.ask(&format!("LOGIN bob {{{}+}}\r\n{PASSWORD}", PASSWORD.len())).await;
        assert!(said.starts_with("t OK [CAPABILITY "), "{said}");
        wire
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Wire<Io> {
    async fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).await.unwrap();
        let mut text = String::from_utf8(line).unwrap();
        // A literal and what follows it belong to the line.
        if let Some(len) = text.strip_suffix("}\r\n").and_then(|head| head.rsplit_once('{')) {
            let mut literal = vec![0; len.1.parse().unwrap()];
            self.0.read_exact(&mut literal).await.unwrap();
            text.push_str(std::str::from_utf8(&literal).unwrap());
            text.push_str(&Box::pin(self.line()).await);
        }
        text
    }

    async fn send(&mut self, octets: &[u8]) {
        self.0.get_mut().write_all(octets).await.unwrap();
        self.0.get_mut().flush().await.unwrap();
    }

    /// Everything up to the tagged line, which is the last.
    async fn answer(&mut self) -> String {
        let mut said = String::new();
        loop {
            let line = self.line().await;
            assert!(!line.is_empty(), "the end, after {said}");
            said += &line;
            if line.starts_with("t ") {
                return said;
            }
        }
    }

    async fn ask(&mut self, command: &str) -> String {
        self.send(format!("t {command}\r\n").as_bytes()).await;
        self.answer().await
    }

    /// It is OK, and all of this is in it.
    async fn expect(&mut self, command: &str, parts: &[&str]) -> String {
        let said = self.ask(command).await;
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("t OK"), "{command}: {said}");
        for part in parts {
            assert!(said.contains(part), "{command}: no {part:?} in\n{said}");
        }
        said
    }

    async fn append(&mut self, message: &str) {
        let message = message.replace('\n', "\r\n");
        self.expect(&format!("APPEND INBOX {{{}+}}\r\n{message}", message.len()), &["[APPENDUID "]).await;
    }

    /// So many messages, of UIDs 1, 2, 3 …
    async fn fill(&mut self, count: u32) {
        for number in 1..=count {
            self.append(&format!("Subject: mail {number}\n\nbody {number}\n")).await;
        }
    }

    /// The number behind a word.
    async fn number(&mut self, command: &str, word: &str) -> u64 {
        let said = self.expect(command, &[word]).await;
        let behind = said.split_once(word).unwrap().1.trim_start();
        behind.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }
}

async fn bob(folder: &Path, more: &str) -> Server {
    let server = start(folder, more);
    account(&server, "bob@hamburger.edu").await;
    server
}

#[tokio::test]
async fn changes_are_counted_and_stores_are_conditional() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    wire.expect("CAPABILITY", &[" CONDSTORE ", " QRESYNC "]).await;
    wire.fill(3).await;
    let before = wire.number("STATUS INBOX (HIGHESTMODSEQ)", "HIGHESTMODSEQ").await;
    wire.expect("SELECT INBOX", &[&format!("* OK [HIGHESTMODSEQ {before}]")]).await;
    // The STATUS has shown that this client knows of them.
    wire.expect("STORE 2 +FLAGS.SILENT (\\Seen)", &[&format!("* 2 FETCH (UID 2 MODSEQ ({}))", before + 1)])
        .await;
    let said = wire.expect("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)", &[]).await;
    assert_eq!(said.lines().count(), 4, "{said}");
    let said = wire.expect(&format!("FETCH 1:* (FLAGS) (CHANGEDSINCE {before})"), &[]).await;
    assert_eq!(
        said,
        format!("* 2 FETCH (FLAGS (\\Seen) MODSEQ ({}))\r\nt OK FETCH completed\r\n", before + 1)
    );
    let said = wire.expect(&format!("STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS (\\Flagged)"), &[]).await;
    assert!(said.contains("* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ ("), "{said}");
    assert!(said.contains("* 3 FETCH (UID 3 FLAGS (\\Flagged) MODSEQ ("), "{said}");
    assert!(said.ends_with("t OK [MODIFIED 2] some were changed meanwhile\r\n"), "{said}");
    let said = wire.expect(&format!("SEARCH MODSEQ {}", before + 2), &[]).await;
    assert!(said.starts_with(&format!("* SEARCH 1 3 (MODSEQ {})\r\n", before + 2)), "{said}");
    let said = wire.expect(&format!("SEARCH RETURN (MIN) MODSEQ {}", before + 1), &[]).await;
    assert!(said.starts_with(&format!("* ESEARCH (TAG \"t\") MIN 1 MODSEQ {}\r\n", before + 2)), "{said}");
    // Reading sets \Seen, which is a change.
    let said = wire.expect("FETCH 3 BODY[TEXT]", &[]).await;
    assert!(
        said.contains("* 3 FETCH (UID 3 ") && said.contains(&format!("MODSEQ ({})", before + 3)),
        "{said}"
    );
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn who_comes_back_learns_what_happened() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut one = Wire::login(&server).await;
    one.fill(6).await;
    let validity = one.number("STATUS INBOX (UIDVALIDITY)", "UIDVALIDITY").await;
    let known = one.number("STATUS INBOX (HIGHESTMODSEQ)", "HIGHESTMODSEQ").await;
    one.expect("SELECT INBOX", &[]).await;
    one.expect("STORE 2,5 +FLAGS.SILENT (\\Deleted)", &[]).await;
    one.expect("EXPUNGE", &["* 5 EXPUNGE\r\n* 2 EXPUNGE\r\n"]).await;
    one.expect("UID STORE 4 +FLAGS.SILENT (\\Flagged)", &[]).await;
    one.append("Subject: mail 7\n\nbody\n").await;

    let mut two = Wire::login(&server).await;
    assert!(two.ask(&format!("SELECT INBOX (QRESYNC ({validity} {known}))")).await.starts_with("t BAD "));
    two.expect("ENABLE QRESYNC", &["* ENABLED QRESYNC\r\n"]).await;
    let said = two.expect(&format!("SELECT INBOX (QRESYNC ({validity} {known} 1:6))"), &[]).await;
    let vanished = said.find("* VANISHED (EARLIER) 2,5\r\n").expect(&said);
    let flagged = said.find("* 3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ (").expect(&said);
    assert!(said.find("[UIDNEXT 8]").unwrap() < vanished && vanished < flagged, "{said}");
    assert!(!said.contains("UID 7"), "not asked for: {said}");
    assert!(said.ends_with("t OK [READ-WRITE] SELECT completed\r\n"));
    // What sequence numbers prove to be whole is not looked at.
    let all = two.expect(&format!("SELECT INBOX (QRESYNC ({validity} {known} 1:6 (1 1)))"), &[]).await;
    assert!(all.contains("* OK [CLOSED]") && all.contains("* VANISHED (EARLIER) 2,5\r\n"), "{all}");
    // Of another UIDVALIDITY nothing is told.
    let none = two.expect(&format!("SELECT INBOX (QRESYNC ({} {known}))", validity + 1), &[]).await;
    assert!(!none.contains("VANISHED") && !none.contains("FETCH"), "{none}");
    let said = two.expect(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {known} VANISHED)"), &[]).await;
    assert!(
        said.starts_with("* VANISHED (EARLIER) 2,5\r\n* 3 FETCH (UID 4 FLAGS (\\Flagged) MODSEQ ("),
        "{said}"
    );
    assert!(said.contains("* 5 FETCH (UID 7 "), "{said}");

    // From here on, VANISHED; and the tagged OK says how far the client is.
    one.expect("UID STORE 1 +FLAGS.SILENT (\\Deleted)", &[]).await;
    two.expect("NOOP", &["* 1 FETCH (UID 1 FLAGS (\\Deleted) MODSEQ ("]).await;
    let said = two.expect("UID EXPUNGE 1", &["* VANISHED 1\r\n", "t OK [HIGHESTMODSEQ "]).await;
    let told: u64 =
        said.rsplit_once("[HIGHESTMODSEQ ").unwrap().1.split(']').next().unwrap().parse().unwrap();
    assert_eq!(two.number("STATUS INBOX (HIGHESTMODSEQ)", "HIGHESTMODSEQ").await, told);
    one.expect("NOOP", &["* 1 EXPUNGE\r\n"]).await;
    two.expect("CREATE Old", &["[MAILBOXID ("]).await;
    two.expect("UID MOVE 4 Old", &["* OK [COPYUID ", "* VANISHED 4\r\n", "t OK [HIGHESTMODSEQ "]).await;
    // CLOSE tells no such number (RFC 7162 section 3.2.8).
    assert_eq!(two.ask("CLOSE").await, "t OK CLOSE completed\r\n");
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn messages_in_order_and_in_threads() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    for (subject, from, date, more) in [
        ("lunch", "Zoe <anna@crepes.fr>", "Mon, 23 Nov 2026 09:00:00 +0900", "Message-ID: <1@crepes.fr>\n"),
        ("Apples", "bob@hamburger.edu", "Sun, 22 Nov 2026 09:00:00 +0900", "Message-ID: <2@hamburger.edu>\n"),
        (
            "Re: lunch",
            "carl@hamburger.edu",
            "Mon, 23 Nov 2026 10:00:00 +0900",
            "References: <1@crepes.fr>\nMessage-ID: <3@hamburger.edu>\n",
        ),
        (
            "other words",
            "Anna <anna@crepes.fr>",
            "Mon, 23 Nov 2026 11:00:00 +0900",
            "In-Reply-To: <3@hamburger.edu>\n",
        ),
    ] {
        wire.append(&format!("Subject: {subject}\nFrom: {from}\nDate: {date}\n{more}\nbody\n")).await;
    }
    wire.expect("SELECT INBOX", &[]).await;
    // The second time from what is kept.
    for _ in 0..2 {
        wire.expect("SORT (SUBJECT) UTF-8 ALL", &["* SORT 2 1 3 4\r\n"]).await;
        wire.expect("THREAD REFERENCES UTF-8 ALL", &["* THREAD (2)(1 3 4)\r\n"]).await;
    }
    wire.expect("SORT (DATE) UTF-8 ALL", &["* SORT 2 1 3 4\r\n"]).await;
    wire.expect("UID SORT (REVERSE DATE) UTF-8 ALL", &["* SORT 4 3 1 2\r\n"]).await;
    wire.expect("SORT (FROM REVERSE DATE) US-ASCII ALL", &["* SORT 4 1 2 3\r\n"]).await;
    wire.expect("SORT (DISPLAYFROM) UTF-8 ALL", &["* SORT 4 2 3 1\r\n"]).await;
    wire.expect("SORT (REVERSE SIZE) UTF-8 SUBJECT lunch", &["* SORT 3 1\r\n"]).await;
    wire.expect(
        "SORT RETURN (MIN MAX ALL COUNT) (SUBJECT) UTF-8 ALL",
        &["* ESEARCH (TAG \"t\") MIN 2 MAX 4 COUNT 4 ALL 2,1,3:4\r\n"],
    )
    .await;
    wire.expect("SORT RETURN (ALL) (SUBJECT) UTF-8 MODSEQ 1", &[" ALL 2,1,3:4 MODSEQ 5\r\n"]).await;
    wire.expect("THREAD ORDEREDSUBJECT UTF-8 ALL", &["* THREAD (2)(1 3)(4)\r\n"]).await;
    wire.expect("UID THREAD REFERENCES UTF-8 UID 3:4", &["* THREAD (3 4)\r\n"]).await;
    wire.expect("THREAD REFERENCES UTF-8 SUBJECT nothing", &["* THREAD\r\n"]).await;
    assert!(wire.ask("SORT (SUBJECT) KOI8-R ALL").await.starts_with("t NO [BADCHARSET "));
    // A sorted result can be kept.
    wire.expect("SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL", &[" MIN 2\r\n"]).await;
    wire.expect("FETCH $ FLAGS", &["* 2 FETCH "]).await;
    // A message that is not told yet is in no thread.
    let mut other = Wire::login(&server).await;
    other.append("Subject: lunch\nReferences: <1@crepes.fr>\n\nmore\n").await;
    wire.expect("THREAD REFERENCES UTF-8 ALL", &["* THREAD (2)(1 3 4)\r\n", "* 5 EXISTS"]).await;
    wire.expect("THREAD REFERENCES UTF-8 ALL", &["* THREAD (2)(1 (3 4)(5))\r\n"]).await;
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_quota_is_told_and_kept() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "[limits]\nmailbox_quota = 10240\n").await;
    let mut wire = Wire::login(&server).await;
    wire.expect("CAPABILITY", &[" QUOTA ", " QUOTA=RES-STORAGE"]).await;
    wire.expect("GETQUOTAROOT INBOX", &["* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE 0 10)\r\n"]).await;
    wire.append(&format!("Subject: x\n\n{}\n", "x".repeat(5000))).await;
    wire.expect("GETQUOTA \"\"", &["* QUOTA \"\" (STORAGE 5 10)\r\n"]).await;
    assert!(wire.ask("GETQUOTA other").await.starts_with("t NO [NONEXISTENT]"));
    assert!(wire.ask("SETQUOTA \"\" (STORAGE 1000)").await.starts_with("t NO [NOPERM]"));
    let body = format!("A: b\r\n\r\n{}", "x".repeat(6000));
    let said = wire.ask(&format!("APPEND INBOX {{{}+}}\r\n{body}", body.len())).await;
    assert!(said.starts_with("t NO [OVERQUOTA]"), "{said}");
    wire.expect("SELECT INBOX", &[]).await;
    wire.expect("STORE 1 +FLAGS (\\Deleted)", &[]).await;
    wire.expect("STATUS INBOX (DELETED DELETED-STORAGE)", &["(DELETED 1 DELETED-STORAGE 5016)"]).await;
    wire.expect("EXPUNGE", &[]).await;
    wire.expect("GETQUOTA \"\"", &["(STORAGE 0 10)"]).await;
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn more_is_told_of_messages_and_mailboxes() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    let said = wire.ask("CAPABILITY").await;
    assert!(!said.contains("QUOTA"), "there is none: {said}");
    assert!(wire.ask("GETQUOTA \"\"").await.starts_with("t BAD QUOTA is not served"));
    wire.append(
        "Subject: x\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nRG8geW91IGxpa2Uga2V0Y2h1cD8=\n",
    )
    .await;
    // A literal8 may hold NUL.
    wire.expect("APPEND INBOX ~{12+}\r\nA: b\r\n\r\n\0\0\0\0", &[]).await;
    let id = wire.ask("STATUS INBOX (MAILBOXID)").await;
    let id = id.split_once("MAILBOXID (").unwrap().1.split(')').next().unwrap().to_owned();
    wire.expect("SELECT INBOX", &[&format!("* OK [MAILBOXID ({id})]")]).await;
    // Lazily there is nothing yet, and then there is.
    wire.expect("FETCH 1 (PREVIEW (LAZY))", &["* 1 FETCH (PREVIEW NIL)"]).await;
    wire.expect("FETCH 1 (PREVIEW)", &["* 1 FETCH (PREVIEW \"Do you like ketchup?\")"]).await;
    wire.expect("FETCH 1 (PREVIEW (LAZY))", &["* 1 FETCH (PREVIEW \"Do you like ketchup?\")"]).await;
    wire.expect(
        "FETCH 1 (BINARY.SIZE[1] BINARY.PEEK[1])",
        &["BINARY.SIZE[1] 20", "BINARY[1] {20}\r\nDo you like ketchup?"],
    )
    .await;
    let said = wire.expect("FETCH 1 (EMAILID THREADID SAVEDATE)", &["THREADID NIL", "SAVEDATE \""]).await;
    let email = said.split_once("EMAILID (").unwrap().1.split(')').next().unwrap().to_owned();
    wire.expect(&format!("SEARCH EMAILID {email}"), &["* SEARCH 1\r\n"]).await;
    wire.expect("SEARCH THREADID T1", &["* SEARCH\r\n"]).await;
    wire.expect("SEARCH YOUNGER 3600", &["* SEARCH 1 2\r\n"]).await;
    wire.expect("SEARCH OLDER 3600", &["* SEARCH\r\n"]).await;
    wire.expect("SEARCH SAVEDSINCE 1-Jan-2020 SAVEDATESUPPORTED", &["* SEARCH 1 2\r\n"]).await;
    wire.expect("STATUS INBOX (SIZE APPENDLIMIT)", &["SIZE ", "APPENDLIMIT "]).await;
    let items = "MESSAGES SIZE HIGHESTMODSEQ MAILBOXID APPENDLIMIT";
    wire.expect(&format!("LIST \"\" INBOX RETURN (STATUS ({items}))"), &["MAILBOXID (", "APPENDLIMIT "])
        .await;
    // UTF-8 in names, and in the headers of what is appended.
    assert!(wire.ask("APPEND INBOX UTF8 (~{12+}\r\nS: \u{e9}\r\n\r\nxx\r\n)").await.starts_with("t BAD "));
    wire.expect("ENABLE UTF8=ACCEPT", &["* ENABLED UTF8=ACCEPT\r\n"]).await;
    wire.expect("CREATE \"Entw\u{fc}rfe\"", &[]).await;
    wire.expect("LIST \"\" Entw*", &["\"Entw\u{fc}rfe\""]).await;
    wire.expect("APPEND \"Entw\u{fc}rfe\" UTF8 (~{13+}\r\nS: \u{e9}\r\n\r\nxx\r\n)", &["[APPENDUID "]).await;
    assert!(wire.ask("SEARCH CHARSET UTF-8 ALL").await.starts_with("t BAD "));
    // Nobody again: what was enabled is not.
    wire.expect("UNAUTHENTICATE", &["[CAPABILITY "]).await;
    assert!(wire.ask("NAMESPACE").await.starts_with("t BAD log in first"));
    wire.expect(&format!("LOGIN bob {{{}+}}\r\n{PASSWORD}", PASSWORD.len()), &[]).await;
    wire.expect("LIST \"\" Entw*", &["Entw&APw-rfe"]).await;
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn everything_compressed() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    // The next command comes with this one, and is compressed already.
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut behind = Vec::with_capacity(1000);
    deflate
        .compress_vec(b"t NOOP\r\nt COMPRESS DEFLATE\r\n", &mut behind, flate2::FlushCompress::Sync)
        .unwrap();
    let mut both = b"t COMPRESS DEFLATE\r\n".to_vec();
    both.extend_from_slice(&behind);
    wire.send(&both).await;
    assert_eq!(wire.answer().await, "t OK DEFLATE active\r\n");
    let rest = wire.0.buffer().into();
    let mut inflated = Wire(BufReader::new(Compressed::new(wire.0.into_inner(), rest)));
    assert_eq!(inflated.answer().await, "t OK NOOP completed\r\n");
    assert!(inflated.answer().await.starts_with("t NO [COMPRESSIONACTIVE]"));
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn large_messages_both_ways_compressed() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    wire.expect("COMPRESS DEFLATE", &[]).await;
    let mut wire = Wire(BufReader::new(Compressed::new(wire.0.into_inner(), BytesMut::new())));
    // Compresses a thousandfold.
    let message = format!("Subject: x\n\n{}", "a line of nothing\n".repeat(100_000));
    wire.append(&message).await;
    wire.expect("SELECT INBOX", &["* 1 EXISTS"]).await;
    let said = wire.expect("FETCH 1 BODY.PEEK[]", &[]).await;
    assert!(said.contains(&message.replace('\n', "\r\n")));
    wire.expect("LOGOUT", &["* BYE "]).await;
    server.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn what_is_no_deflate_ends_the_connection() {
    let place = tempfile::tempdir().unwrap();
    let server = bob(place.path(), "").await;
    let mut wire = Wire::login(&server).await;
    wire.send(b"t COMPRESS DEFLATE\r\nt NOOP in the clear, which is nothing that could be inflated\r\n")
        .await;
    assert_eq!(wire.answer().await, "t OK DEFLATE active\r\n");
    let mut rest = Vec::new();
    // It may be a reset.
    let _ = wire.0.read_to_end(&mut rest).await;
    assert!(rest.len() < 100, "{rest:?}");
    server.stop(Duration::from_secs(5)).await;
}
