//! The commands that work on folders, against our own server.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use postroad_imap::types::Flag;
use serde_json::Value;

use crate::keeper::{Protection, imap};
use crate::loopback::scripted;
use crate::office::{Folder, Office};
use crate::{Ran, program, run};

const ALICE: &str = "From: =?utf-8?B?7JWo66as7Iqk?= <alice@crepes.example>\r\nTo: bob@hamburger.example\r\n\
    Date: Mon, 23 Nov 2026 09:00:00 +0900\r\nSubject: =?utf-8?B?7Lm07Y6YIOuplOuJtA==?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n7JWI64WVG1syShtd\r\n\
    --b\r\nContent-Type: text/plain; name=\"../../etc/passwd\"\r\nContent-Disposition: attachment; \
    filename*=utf-8''..%2F%EC%B9%B4%ED%8E%98.txt\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=EC=B9=B4\r\n\
    --b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n--b--\r\n";
const EVE: &str =
    "From: eve@evil.example\r\nSubject: =?utf-8?Q?=1B[2Jgone=0D=0A?=\r\n\r\nmenu \x1b]0;x\x07\r\n";

fn office() -> Arc<Office> {
    Office::new(&[ALICE.as_bytes(), EVE.as_bytes(), b"Subject: third\r\n\r\nx\r\n"])
}

/// The program, speaking to this server as mrose.
fn client(port: u16, command: &str) -> Command {
    let mut program = program();
    let server = format!("imap://mrose@localhost:{port}");
    program.args([command, "--server", &server, "--tls", "none"]).env("MAIL_PASSWORD", "tan staaf");
    program
}

fn done(command: &mut Command) -> Ran {
    let ran = run(command);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "{:?}", ran.stdout);
    ran
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn folders_and_how_full_they_are() {
    let office = office();
    office.folders().insert("받은 편지".into(), Folder::default());
    let port = imap(&office, Protection::None);
    let ran = done(&mut client(port, "folders"));
    let lines: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["INBOX", "3", "3", "new"]);
    assert_eq!(lines[1], ["Trash", "0", "0", "new", "\\Trash"]);
    assert_eq!(lines[2][..2], ["받은", "편지"]);
    let rows = objects(&done(client(port, "folders").arg("--json")).stdout);
    assert_eq!(rows[0]["name"], "INBOX");
    assert_eq!(
        (&rows[0]["messages"], &rows[0]["unseen"], &rows[0]["delimiter"]),
        (&3.into(), &3.into(), &"/".into())
    );
    assert_eq!(rows[1]["attributes"][0], "\\Trash");
}

#[test]
fn lists_are_numbered_decoded_and_harmless() {
    let office = office();
    office.folders().get_mut("INBOX").unwrap().mails[2].flags = vec![Flag::Seen, Flag::Flagged];
    let port = imap(&office, Protection::None);
    let ran = done(&mut client(port, "list"));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("    1 N    2026-11-23 09:00 앨리스 "), "{}", lines[0]);
    assert!(lines[0].ends_with("카페 메뉴"), "{}", lines[0]);
    // What moves the cursor is not in it any more: `done` looks.
    assert!(lines[1].trim_end().ends_with("[2Jgone"), "{}", lines[1]);
    assert!(lines[2].starts_with("    3   !  "), "{}", lines[2]);
    let rows = objects(&done(client(port, "list").args(["INBOX", "--json", "--last", "2"])).stdout);
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&rows[0]["number"], &rows[0]["uid"], &rows[1]["subject"]),
        (&2.into(), &2.into(), &"third".into())
    );
    assert_eq!(rows[1]["flags"], serde_json::json!(["\\Seen", "\\Flagged"]));
    assert_eq!(rows[0]["from"][0]["address"], "eve@evil.example");
    assert_eq!(rows[0]["size"], EVE.len());
    assert_eq!(done(client(port, "list").arg("Trash")).stdout, "");
    let ran = run(client(port, "list").arg("Nowhere"));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("folder Nowhere") && ran.stderr.contains("NONEXISTENT"), "{}", ran.stderr);
}

#[test]
fn a_message_is_shown_and_marked() {
    let office = office();
    let port = imap(&office, Protection::None);
    done(client(port, "read").args(["1", "--peek"]));
    assert!(office.mails("INBOX")[0].flags.is_empty());
    let ran = done(client(port, "read").arg("1"));
    assert_eq!(office.mails("INBOX")[0].flags, [Flag::Seen]);
    for part in [
        "From: 앨리스 <alice@crepes.example>\nTo: bob@hamburger.example\n",
        "Subject: 카페 메뉴\n\n안녕\\u{1b}[2J\\u{1b}]\n",
        "[part 2: ../카페.txt text/plain, 9 octets]\n[part 3: application/octet-stream, 8 octets]\n",
    ] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    let rows = objects(&done(client(port, "read").args(["INBOX", "1", "--json"])).stdout);
    assert_eq!(rows[0]["text"], "안녕\u{1b}[2J\u{1b}]");
    assert_eq!(
        (&rows[0]["parts"][1]["id"], &rows[0]["parts"][1]["filename"]),
        (&"2".into(), &"../카페.txt".into())
    );
    assert_eq!(run(client(port, "read").args(["1", "--raw"])).stdout, ALICE);
    assert_eq!(done(client(port, "read").args(["1", "--part", "2"])).stdout.trim_end(), "카");
    let star = done(client(port, "read").arg("*"));
    assert!(star.stdout.contains("Subject: third"), "{}", star.stdout);
    let uid = done(client(port, "read").args(["3", "--uid"]));
    assert_eq!(uid.stdout, star.stdout);
}

#[test]
fn what_is_attached_is_saved_where_it_should_be() {
    let office = office();
    let port = imap(&office, Protection::None);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("a/b");
    let path = to.to_str().unwrap();
    for _ in 0..2 {
        let ran = done(client(port, "read").args(["1", "--save", path]));
        assert_eq!(ran.stdout.lines().count(), 2);
    }
    let mut names: Vec<String> =
        to.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["part-3", "part-3 (2)", "카페 (2).txt", "카페.txt"]);
    assert_eq!(std::fs::read(to.join("part-3")).unwrap(), [0, 1, 2, 255]);
    assert_eq!(std::fs::read_to_string(to.join("카페.txt")).unwrap().trim_end(), "카");
    // It is not marked as read by that.
    assert!(office.mails("INBOX")[0].flags.is_empty());
    let ran = run(client(port, "read").args(["3", "--save", path]));
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("nothing is attached"), "{}", ran.stderr);
    let ran = run(client(port, "read").args(["1", "--part", "9"]));
    assert!(ran.code == Some(1) && ran.stderr.contains("there are 1, 2, 3"), "{}", ran.stderr);
}

#[test]
fn a_large_attachment_comes_whole() {
    let octets: Vec<u8> = (0..2_000_000_u32).flat_map(|number| (number % 251).to_le_bytes()).collect();
    let encoded: String = {
        use std::fmt::Write as _;
        // Quoted-printable that spells out every octet.
        octets[..200_000].chunks(25).fold(String::new(), |mut text, line| {
            for octet in line {
                write!(text, "={octet:02X}").unwrap();
            }
            text + "=\r\n"
        })
    };
    let message = format!(
        "Subject: large\r\nContent-Type: application/octet-stream; name=large.bin\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}"
    );
    let office = Office::new(&[message.as_bytes()]);
    let port = imap(&office, Protection::None);
    let folder = tempfile::tempdir().unwrap();
    done(client(port, "read").args(["1", "--save", folder.path().to_str().unwrap()]));
    assert!(std::fs::read(folder.path().join("large.bin")).unwrap() == octets[..200_000]);
    assert_eq!(done(client(port, "read").args(["1", "--raw"])).stdout, message);
}

#[test]
fn searching_by_keys_and_by_words() {
    let office = office();
    let port = imap(&office, Protection::None);
    let numbers = |words: &[&str]| -> Vec<u64> {
        let ran = done(client(port, "search").arg("--json").args(words));
        objects(&ran.stdout).iter().map(|row| row["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&["카페"]), [1]);
    assert_eq!(numbers(&["INBOX", "menu"]), [2]);
    assert_eq!(numbers(&["from", "eve"]), [2]);
    assert_eq!(numbers(&["OR", "FROM", "alice", "SUBJECT", "third"]), [1, 3]);
    assert_eq!(numbers(&["NOT", "(", "from", "eve", ")", "unseen"]), [1, 3]);
    assert_eq!(numbers(&["trash", "menu"]), [] as [u64; 0]);
    assert_eq!(numbers(&["--folder", "INBOX", "Subject", "third"]), [3]);
    assert_eq!(numbers(&["sentsince", "2026-11-23", "larger", "20"]), [1]);
    assert_eq!(numbers(&["--", "-menu"]), [] as [u64; 0]);
    // Options may stand behind the words.
    let ran = done(
        program()
            .args(["search", "from", "eve", "--json", "--tls", "none", "--server"])
            .arg(format!("imap://mrose@localhost:{port}"))
            .env("MAIL_PASSWORD", "tan staaf"),
    );
    assert_eq!(objects(&ran.stdout).len(), 1);
    // `Trash` is a folder only when more words follow.
    assert_eq!(numbers(&["Trash"]), [] as [u64; 0]);
    for wrong in [&["from"][..], &["larger", "x"], &["INBOX", "since", "yesterday"]] {
        let ran = run(client(port, "search").args(wrong));
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    }
}

#[test]
fn moving_copying_flagging_and_deleting() {
    let office = office();
    let port = imap(&office, Protection::None);
    let ran = done(client(port, "copy").args(["1:2", "Trash"]));
    assert_eq!(ran.stdout, "copied 2 messages to Trash\n");
    assert_eq!((office.mails("INBOX").len(), office.mails("Trash").len()), (3, 2));
    assert_eq!(done(client(port, "move").args(["INBOX", "2", "Trash"])).stdout, "moved 1 message to Trash\n");
    assert_eq!((office.mails("INBOX").len(), office.mails("Trash").len()), (2, 3));
    done(client(port, "flag").args(["2", "--add", "seen", "--add", "$Junk", "--add", "\\Flagged"]));
    done(client(port, "flag").args(["INBOX", "3", "--uid", "--remove", "flagged"]));
    let names: Vec<String> = office.mails("INBOX")[1].flags.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["\\Seen", "$Junk"]);
    assert_eq!(done(client(port, "delete").args(["Trash", "1,3"])).stdout, "deleted 2 messages\n");
    assert_eq!(office.mails("Trash").iter().map(|mail| mail.uid).collect::<Vec<_>>(), [2]);
    // Nothing is done where not everything can be.
    for (command, words) in [
        ("delete", &["7"][..]),
        ("delete", &["2:9"]),
        ("move", &["1", "Nowhere"]),
        ("delete", &["9", "--uid"]),
    ] {
        let ran = run(client(port, command).args(words));
        assert_eq!(ran.code, Some(1), "{command} {words:?} {}", ran.stderr);
    }
    assert_eq!(office.mails("INBOX").len(), 2);
    for (command, words) in [
        ("delete", &["x"][..]),
        ("flag", &["1"]),
        ("flag", &["1", "--add", "a b"]),
        ("read", &["1", "--part", "a"]),
    ] {
        let ran = run(client(port, command).args(words));
        assert_eq!(ran.code, Some(2), "{command} {words:?} {}", ran.stderr);
    }
}

#[test]
fn a_server_without_uid_expunge_removes_nothing_that_others_have_marked() {
    let (port, thread) = scripted(&[
        ("", "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n"),
        ("A1 SELECT INBOX", "* 3 EXISTS\r\nA1 OK [READ-WRITE] done\r\n"),
        ("A2 UID SEARCH 2", "* SEARCH 12\r\nA2 OK done\r\n"),
        ("A3 UID SEARCH UID 12", "* SEARCH 12\r\nA3 OK done\r\n"),
        ("A4 UID STORE 12 +FLAGS.SILENT (\\Deleted)", "A4 OK done\r\n"),
        ("A5 UID SEARCH DELETED NOT UID 12", "* SEARCH 11\r\nA5 OK done\r\n"),
        ("A6 LOGOUT", "* BYE\r\nA6 OK done\r\n"),
    ]);
    let ran = done(client(port, "delete").arg("2"));
    assert!(ran.stdout.is_empty() && ran.stderr.contains("not removed"), "{}{}", ran.stdout, ran.stderr);
    assert!(thread.join().unwrap().contains("LOGOUT"));
}

#[test]
fn watching_shows_what_comes() {
    let office = office();
    let port = imap(&office, Protection::None);
    let mut child = client(port, "watch").arg("--once").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "INBOX: 3 messages; waiting\n");
    office.deliver("INBOX", b"From: carol@example.org\r\nSubject: news\r\n\r\n");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("    4 N") && rest.trim_end().ends_with("news"), "{rest}");
    assert!(child.wait().unwrap().success());

    let mut child = client(port, "watch").args(["--json", "INBOX"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    // Until it listens, nothing is told: deliver again and again.
    let first = std::thread::spawn(move || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        (line, lines)
    });
    for _ in 0..600 {
        if first.is_finished() {
            break;
        }
        office.deliver("INBOX", b"Subject: again\r\n\r\n");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let (line, mut lines) = first.join().unwrap();
    assert_eq!(
        (&objects(&line)[0]["event"], &objects(&line)[0]["subject"]),
        (&"new".into(), &"again".into())
    );
    office.remove("INBOX", 1);
    let gone = loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let object = objects(&line).remove(0);
        if object["event"] != "new" {
            break object;
        }
    };
    assert_eq!(gone, serde_json::json!({ "event": "gone", "number": 1 }));
    child.kill().unwrap();
    child.wait().unwrap();
}
