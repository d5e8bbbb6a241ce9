//! Hostile messages at a size and at four times that size: the time may grow by no more than five.

use std::time::Duration;

use postroad_message::Message;

use crate::measure::cost;

type Flood = (&'static str, fn(usize) -> Vec<u8>);

fn header(name: &str, unit: &str, octets: usize) -> Vec<u8> {
    format!("{name}: {}\r\n\r\n", unit.repeat(octets / unit.len())).into_bytes()
}

fn body(head: &str, unit: &str, octets: usize) -> Vec<u8> {
    format!("{head}{}", unit.repeat(octets / unit.len())).into_bytes()
}

const MIXED: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";

const FLOODS: &[Flood] = &[
    ("half encoded words", |n| header("Subject", "(=?a?=x", n)),
    ("encoded words", |n| header("Subject", "=?utf-8?Q?a?= ", n)),
    ("starts of encoded words", |n| header("Subject", "=?", n)),
    ("starts in a name", |n| header("From", "=?utf-8?q?x", n)),
    ("open comments", |n| header("From", "(", n)),
    ("comments", |n| header("From", "(a) ", n)),
    ("open quotes", |n| header("From", "\"", n)),
    ("quotes and commas", |n| header("To", "\",", n)),
    ("angles", |n| header("To", "<", n)),
    ("addresses", |n| header("To", "a@b,", n)),
    ("bad addresses", |n| header("To", "a b c<d,", n)),
    ("groups", |n| header("To", "a:b@c;,", n)),
    ("open groups", |n| header("To", "a:", n)),
    ("routes", |n| header("To", "<@a,", n)),
    ("domain literals", |n| header("To", "a@[", n)),
    ("references", |n| header("References", "<a@b> ", n)),
    ("open references", |n| header("References", "<a", n)),
    ("parameters", |n| header("Content-Type: a/b; x=y", "; a=b", n)),
    ("sections", |n| {
        let sections: String = (0..n / 12).map(|number| format!("; a*{number}*=%41")).collect();
        format!("Content-Type: a/b{sections}\r\n\r\n").into_bytes()
    }),
    ("open parameters", |n| header("Content-Type", "a/b;x=\"", n)),
    ("fields", |n| body("", "A: b\r\n", n)),
    ("names without colon", |n| body("A: b\r\n", "x\r\n", n)),
    ("folds", |n| body("Subject: x\r\n", " y\r\n", n)),
    ("nested messages", |n| body("", "Content-Type: message/rfc822\r\n\r\n", n)),
    ("nested multiparts", |n| {
        let mut message = String::new();
        let mut number = 0;
        while message.len() < n {
            message += &format!("Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n");
            number += 1;
        }
        message.into_bytes()
    }),
    ("parts", |n| body(MIXED, "--b\r\n\r\n", n)),
    ("closed parts", |n| body(MIXED, "--b--\r\n", n)),
    ("dashes", |n| body(MIXED, "--\r\n", n)),
    ("short boundaries", |n| body("Content-Type: multipart/mixed; boundary=\"-\"\r\n\r\n", "---\r\n", n)),
    ("line ends", |n| body("A: b\r\n\r\n", "\r\n", n)),
    ("soft breaks", |n| body("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\n", n)),
    ("bad escapes", |n| body("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=", n)),
    ("spaces at line ends", |n| body("Content-Transfer-Encoding: quoted-printable\r\n\r\n", " ", n)),
    ("padding", |n| body("Content-Transfer-Encoding: base64\r\n\r\n", "=", n)),
    ("padding and data", |n| body("Content-Transfer-Encoding: base64\r\n\r\n", "QQ==", n)),
    ("junk in base64", |n| body("Content-Transfer-Encoding: base64\r\n\r\n", "!A", n)),
    ("tags", |n| body("Content-Type: text/html\r\n\r\n", "<", n)),
    ("nested tags", |n| body("Content-Type: text/html\r\n\r\n", "<div>", n)),
];

fn time(octets: &[u8]) -> Duration {
    let read = || {
        let message = Message::parse(octets);
        std::hint::black_box(message.examine());
        std::hint::black_box(message.body_structure());
        std::hint::black_box(message.envelope());
        std::hint::black_box(message.header().base_subject());
    };
    // The least: what is more than that is the noise of the machine.
    (0..3).map(|_| cost(read, Duration::from_millis(40))).min().unwrap_or_default()
}

pub fn run() {
    const SIZE: usize = 128 << 10;
    let mut worst: f64 = 0.0;
    for (name, make) in FLOODS {
        let small = time(&make(SIZE)).as_secs_f64();
        let large = time(&make(4 * SIZE)).as_secs_f64();
        let ratio = large / small;
        worst = worst.max(ratio);
        println!(
            "flood {name}: {:.2} ms, 4 times as much {:.2} ms, ratio {ratio:.2}",
            small * 1e3,
            large * 1e3
        );
    }
    println!("flood worst ratio {worst:.2}");
}
