//! Inputs that are made to take long: the time may only grow with their length.

use std::time::Duration;

use postroad_message::{AddressList, Message};

/// The time that this thread has run, so that other programs do not count; by the clock where the system does not say.
#[allow(clippy::disallowed_methods, reason = "a test measures time; the library does not")]
fn now() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The time that reading everything takes.
fn time(octets: &[u8]) -> Duration {
    let start = now();
    let message = Message::parse(octets);
    message.examine();
    message.bodies();
    for field in message.header().fields() {
        let _ = (field.text(), field.addresses(), field.message_ids(), field.content_type(), field.date());
    }
    now().saturating_sub(start)
}

/// Four times the input, read a quarter as often, may take as long, and some more for the noise of other programs. A
/// quadratic reader takes four times as long; a cubic one does not come back.
fn check(name: &str, make: impl Fn(usize) -> String) {
    let (small, large) = (make(2_000).into_bytes(), make(8_000).into_bytes());
    let mut times = Vec::new();
    for _ in 0..4 {
        let short: Duration = (0..8).map(|_| time(&small)).sum();
        let long: Duration = (0..2).map(|_| time(&large)).sum();
        if long < short * 2 + Duration::from_millis(10) {
            return;
        }
        times.push((short, long));
    }
    panic!("{name}: {} octets, {} octets: {times:?}", small.len(), large.len());
}

#[test]
fn encoded_words() {
    for piece in [
        "(=?a?=x",
        "=?",
        "=?a?q?",
        "=?a?q?x",
        "=?utf-8?q?x?= ",
        "=?utf-8?b?eA==?=",
        "=?a?q?x?= =?b?q?y?= ",
        "?=",
    ] {
        check(piece, |count| format!("Subject: {}\r\n\r\n", piece.repeat(count)));
        check(piece, |count| format!("From: {}\r\n\r\n", piece.repeat(count)));
    }
}

#[test]
fn address_lists() {
    for piece in [
        "(",
        ")",
        "()",
        "((",
        "\"",
        "\"\"",
        "\\",
        "<",
        ">",
        "<<a@b>",
        "@",
        "a@",
        "a@b,",
        "a@b;",
        ",",
        ";",
        ":",
        "a:",
        "a:b@c,",
        "a:;",
        "[",
        "a@[",
        "<@a",
        "<@a,",
        "a(",
        "a.",
        ". ",
        "\"a",
        "a\r\n ",
        "=?a?q?b?=,",
        "a b,",
        "g:(",
        "g:x,(",
        "<a,\"",
        "a<b@c>d,",
    ] {
        check(piece, |count| format!("To: {}\r\n\r\n", piece.repeat(count)));
        check(piece, |count| format!("To: g: {} (\r\n\r\n", piece.repeat(count)));
    }
}

#[test]
fn parameters() {
    for piece in [
        "; a=b",
        "; a*0=b",
        "; a*0*=%",
        ";",
        "; =",
        "; a=\"",
        "; a=\"\\\"",
        "\"",
        "(",
        "; a=b c",
        "'",
        "; a*=''%41",
        "x",
    ] {
        check(piece, |count| format!("Content-Type: text/plain{}\r\n\r\n", piece.repeat(count)));
        check(piece, |count| format!("Content-Disposition: x{}\r\n\r\n", piece.repeat(count)));
    }
    check("sections", |count| {
        let sections: String = (0..count).map(|number| format!("; a*{number}=b")).collect();
        format!("Content-Disposition: x{sections}\r\n\r\n")
    });
}

/// Quoted strings and comments without an end, in which others seem to begin.
#[test]
fn open_ends() {
    for piece in ["\\\";", "\\\",", "\\\"<>", "\\\"<", "(\\\";", "\\\"@", "\\\":", ";a=b(", ";\\("] {
        for start in ["\"", "a=b;\"", "x;a=\"", "(", "<", "[", "x;a=b("] {
            for end in ["", ")x"] {
                for field in ["To", "Content-Type: x/y; a", "Content-Disposition", "References"] {
                    check(piece, |count| format!("{field}: {start}{}{end}\r\n\r\n", piece.repeat(count)));
                }
            }
        }
    }
    check("closed late", |count| {
        format!("Content-Type: x/y{}{}x\r\n\r\n", ";c=d(".repeat(count), ")".repeat(count))
    });
}

#[test]
fn other_values() {
    for piece in ["<", "<a@b> ", "a ", "\"", "(", "<a", ">"] {
        check(piece, |count| format!("References: {}\r\n\r\n", piece.repeat(count)));
        check(piece, |count| format!("Date: {}\r\n\r\n", piece.repeat(count)));
        check(piece, |count| format!("Content-Transfer-Encoding: {}\r\n\r\n", piece.repeat(count)));
    }
}

#[test]
fn header_lines() {
    for piece in [
        "a\r\n",
        "a:\r\n",
        " \r\n",
        "To: a@b\r\n",
        "From: a@b\r\n",
        "a b:\r\n",
        ":\r\n",
        "\r",
        "\0",
        "--a\r\n",
    ] {
        check(piece, |count| piece.repeat(count));
        check(piece, |count| format!("A: b\r\n{}\r\n\r\n", piece.repeat(count)));
    }
}

#[test]
fn structures() {
    let multipart = "Content-Type: multipart/mixed; boundary=a\r\n\r\n";
    for piece in [
        "--a\r\n",
        "--a--\r\n",
        "--a\r\n\r\n",
        "--a\r\nx\r\n",
        "--\r\n",
        "--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n",
    ] {
        check(piece, |count| format!("{multipart}{}", piece.repeat(count)));
    }
    check("rfc822", |count| "Content-Type: message/rfc822\r\n\r\n".repeat(count));
    check("levels", |count| {
        (0..count)
            .map(|level| format!("Content-Type: multipart/mixed; boundary={level}\r\n\r\n--{level}\r\n"))
            .collect()
    });
    // Many dashes under many open boundaries that begin alike.
    check("dashes", |count| {
        let boundary = |level: usize| format!("{}{level:02}", "-".repeat(60));
        let open: String = (0..60)
            .map(|level| {
                format!("Content-Type: multipart/mixed; boundary={0}\r\n\r\n--{0}\r\n", boundary(level))
            })
            .collect();
        format!("{open}\r\n{}", format!("--{}xx\r\n", "-".repeat(60)).repeat(count / 4))
    });
}

#[test]
fn transfer_encodings() {
    for (encoding, piece) in [
        ("base64", "="),
        ("base64", "A="),
        ("base64", "*"),
        ("quoted-printable", "="),
        ("quoted-printable", "= "),
        ("quoted-printable", "=\r\n"),
    ] {
        check(piece, |count| {
            format!("Content-Transfer-Encoding: {encoding}\r\n\r\n{}", piece.repeat(count * 4))
        });
    }
}

#[test]
fn deep_comments_do_not_overflow_the_stack() {
    let deep = "(".repeat(1_000_000);
    assert!(AddressList::read(deep.as_bytes()).addresses().is_empty());
    let octets = format!("Content-Type: text/plain {deep}\r\nDate: {deep}\r\nMessage-ID: {deep}\r\n\r\n");
    assert!(!Message::parse(octets.as_bytes()).examine().is_empty());
}
