//! `send`, in the clear.

use postroad_message::Message;

use crate::loopback::{Options, scripted, serve};
use crate::{Ran, file, program, run, run_with_input};

const MENU: &str = ".\n..dots\n인생의 의미를 찾아서\n";

fn send(port: u16, more: &[&str]) -> Ran {
    run(program().args(["send", "--tls", "none", "--server", &format!("127.0.0.1:{port}")]).args(more))
}

#[test]
fn a_composed_message() {
    let folder = tempfile::tempdir().unwrap();
    let text = file(folder.path(), "text.txt", MENU);
    let html = file(folder.path(), "text.html", "<p>인생</p>\n");
    let octets: Vec<u8> = (0..=255).cycle().take(25_600).collect();
    let menu = file(folder.path(), "카페 메뉴.bin", &octets);
    let notes = file(folder.path(), "notes.txt", "a\nb\r\n");
    let (port, thread) = serve(Options::default(), None, 1);
    let ran = send(
        port,
        &[
            "--from",
            "Alice <alice@crepes.fr>",
            "--to",
            "bob@hamburger.edu, \"Doe, Carol\" <carol@hamburger.edu>",
            "--to",
            "bob@hamburger.edu",
            "--cc",
            "dave@hamburger.edu",
            "--bcc",
            "eve@hamburger.edu",
            "--subject",
            "인생의 의미를 찾아서",
            "--text",
            &text,
            "--html",
            &html,
            "--attach",
            &menu,
            "--attach",
            &notes,
        ],
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.starts_with("sent to bob@hamburger.edu, carol@hamburger.edu"), "{}", ran.stdout);
    let heard = &thread.join().unwrap()[0];
    assert_eq!(heard.hello, "[127.0.0.1]");
    assert_eq!(heard.reverse_path.as_deref(), Some("<alice@crepes.fr>"));
    let everyone =
        ["<bob@hamburger.edu>", "<carol@hamburger.edu>", "<dave@hamburger.edu>", "<eve@hamburger.edu>"];
    assert_eq!(heard.recipients, everyone);
    assert_eq!(heard.size, Some(heard.message.len() as u64));
    assert!(heard.message.is_ascii());

    let message = Message::parse(&heard.message);
    assert!(!String::from_utf8_lossy(&heard.message).contains("eve@"), "a blind copy is told of");
    assert_eq!(message.subject().as_deref(), Some("인생의 의미를 찾아서"));
    assert!(message.date().is_some() && message.message_id().is_some());
    let part = |id: &str| message.parts().find(|part| part.number().to_string() == id).unwrap();
    assert_eq!(part("1.1").text().unwrap().replace("\r\n", "\n"), MENU);
    assert_eq!(part("1.2").content_type().essence(), "text/html");
    assert_eq!(part("2").filename().as_deref(), Some("카페 메뉴.bin"));
    assert_eq!(part("2").content_type().essence(), "application/octet-stream");
    assert_eq!(&part("2").body()[..], octets);
    assert_eq!(part("3").content_type().to_string(), "text/plain; charset=utf-8");
    assert_eq!(&part("3").body()[..], b"a\nb\r\n");
}

#[test]
fn a_refused_recipient_is_told_and_does_not_stop_the_others() {
    let options = Options { refuses: Some("carol@hamburger.edu"), ..Options::default() };
    let (port, thread) = serve(options, None, 1);
    let ran = send(
        port,
        &[
            "--json",
            "--from",
            "alice@crepes.fr",
            "--to",
            "bob@hamburger.edu,carol@hamburger.edu",
            "--subject",
            "x",
        ],
    );
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("carol@hamburger.edu: 550 5.1.1"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("bob@"), "{}", ran.stderr);
    let objects: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!(
        (&objects[0]["recipient"], &objects[0]["status"]),
        (&"bob@hamburger.edu".into(), &"delivered".into())
    );
    assert_eq!((&objects[1]["status"], &objects[1]["permanent"]), (&"failed".into(), &true.into()));
    assert_eq!((&objects[1]["code"], &objects[1]["enhanced"]), (&550.into(), &"5.1.1".into()));
    let heard = &thread.join().unwrap()[0];
    assert!(heard.is_whole);
    assert_eq!(heard.recipients, ["<bob@hamburger.edu>"]);
}

#[test]
fn nobody_is_left() {
    let options = Options { refuses: Some("bob@hamburger.edu"), ..Options::default() };
    let (port, thread) = serve(options, None, 1);
    let ran = send(port, &["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(!thread.join().unwrap()[0].is_whole);
}

#[test]
fn a_raw_message_goes_as_it_is_but_for_its_line_ends() {
    let folder = tempfile::tempdir().unwrap();
    let raw = "X-Odd:  kept \nSubject: 카페\n\n.\n..a\r\nno end";
    let path = file(folder.path(), "odd.eml", raw);
    let (port, thread) = serve(Options::default(), None, 2);
    let ran = send(
        port,
        &["--raw", &path, "--from", "<>", "--to", "bob@hamburger.edu", "--bcc", "carol@hamburger.edu"],
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let mut command = program();
    let server = format!("127.0.0.1:{port}");
    command.args([
        "send",
        "--tls",
        "none",
        "--server",
        &server,
        "--raw",
        "-",
        "--from",
        "a@crepes.fr",
        "--to",
        "b@c.de",
    ]);
    assert_eq!(run_with_input(&mut command, b"Subject: x\n\n").code, Some(0));
    let heard = thread.join().unwrap();
    assert_eq!(heard[0].message, "X-Odd:  kept \r\nSubject: 카페\r\n\r\n.\r\n..a\r\nno end\r\n".as_bytes());
    assert_eq!(heard[0].reverse_path.as_deref(), Some("<>"));
    assert_eq!(heard[0].body.as_deref(), Some("8BITMIME"));
    assert_eq!(heard[0].recipients.len(), 2);
    assert_eq!((&heard[1].message[..], heard[1].body.as_deref()), (&b"Subject: x\r\n\r\n"[..], None));
}

#[test]
fn a_message_larger_than_every_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let octets: Vec<u8> =
        (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let path = file(folder.path(), "large.bin", &octets);
    let (port, thread) = serve(Options::default(), None, 1);
    let ran = send(port, &["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu", "--attach", &path]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let heard = &thread.join().unwrap()[0];
    let message = Message::parse(&heard.message);
    let part = message.parts().last().unwrap();
    assert!(part.body()[..] == octets[..]);
}

#[test]
fn too_large_for_the_server() {
    let (port, thread) = serve(Options { max_size: Some(1000), ..Options::default() }, None, 1);
    let subject = "x".repeat(900);
    let ran = send(port, &["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu", "--subject", &subject]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("bob@hamburger.edu: 552 5.3.4"), "{}", ran.stderr);
    assert!(thread.join().unwrap()[0].message.is_empty());
}

#[test]
fn a_server_that_leaves_without_a_reply_leaves_it_unknown() {
    let (port, thread) = serve(Options { leaves_at_end: true, ..Options::default() }, None, 1);
    let ran = send(port, &["--json", "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("it may have been delivered or not"), "{}", ran.stderr);
    assert!(ran.stdout.contains(r#""status":"unknown""#), "{}", ran.stdout);
    assert!(thread.join().unwrap()[0].is_whole);
}

#[test]
fn an_old_server_without_ehlo() {
    let (port, thread) = scripted(&[
        ("", "220 old\r\n"),
        ("EHLO ", "500 what\r\n"),
        ("HELO ", "250 old\r\n"),
        ("MAIL FROM:<alice@crepes.fr>\r\n", "250 ok\r\n"),
        ("RCPT TO:<bob@hamburger.edu>\r\n", "250 ok\r\n"),
        ("DATA", "354 go\r\n"),
        ("Subject: x", ""),
        ("\r\n", ""),
        (".\r\n", "250 ok\r\n"),
        ("QUIT", "221 bye\r\n"),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "x.eml", "Subject: x\n\n");
    let ran = send(port, &["--raw", &path, "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(thread.join().unwrap().ends_with("QUIT\r\n"));
}

#[test]
fn eight_bit_is_not_forced_on_a_server() {
    let (port, thread) = scripted(&[("", "220 a\r\n"), ("EHLO ", "250 a\r\n"), ("QUIT", "221 bye\r\n")]);
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "x.eml", "Subject: 카페\n\n");
    let ran = send(port, &["--raw", &path, "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("8BITMIME"), "{}", ran.stderr);
    assert!(thread.join().unwrap().ends_with("QUIT\r\n"));
}

#[test]
fn a_server_that_says_goodbye_in_the_middle() {
    let (port, thread) = scripted(&[
        ("", "220 a\r\n"),
        ("EHLO ", "250 a\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "250 ok\r\n"),
        ("DATA", "421 4.3.2 shutting down\r\n"),
    ]);
    let ran = send(port, &["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("bob@hamburger.edu: 421 4.3.2 shutting down"), "{}", ran.stderr);
    thread.join().unwrap();
}

#[test]
fn no_service_here() {
    let (port, thread) = scripted(&[("", "554 5.3.2 no mail here\r\n"), ("QUIT", "221 bye\r\n")]);
    let ran = send(port, &["--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("554 5.3.2 no mail here"), "{}", ran.stderr);
    thread.join().unwrap();
}

#[test]
fn addresses_outside_of_ascii() {
    let (port, thread) =
        scripted(&[("", "220 a\r\n"), ("EHLO ", "250-a\r\n250 8BITMIME\r\n"), ("QUIT", "221 bye\r\n")]);
    let arguments = ["--from", "alice@crepes.fr", "--to", "카페@crepes.fr"];
    let ran = send(1, &arguments);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("--smtputf8"), "{}", ran.stderr);
    let ran = send(port, &[&arguments[..], &["--smtputf8"]].concat());
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("SMTPUTF8"), "{}", ran.stderr);
    thread.join().unwrap();
}
