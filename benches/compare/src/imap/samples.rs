//! What a server and clients say, made up; the same in every run.

use std::fmt::Write;

/// The numbers of a row: which of the words, how many octets. No two runs differ.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

const NAMES: [(&str, &str, &str); 6] = [
    ("\"Terry Gray\"", "gray", "cac.washington.edu"),
    ("NIL", "imap", "cac.washington.edu"),
    ("\"=?UTF-8?B?7Jik7Iuc7Z2s?=\"", "oh.sihee", "mail.example.co.kr"),
    ("\"John Klensin\"", "KLENSIN", "MIT.EDU"),
    ("\"Alice from crepes\"", "alice", "crepes.fr"),
    ("\"Bob\"", "bob", "hamburger.edu"),
];

const SUBJECTS: [&str; 5] = [
    "IMAP4rev2 WG mtg summary and minutes",
    "=?UTF-8?B?7Jik64qYIOygkOyLrCDrqZTribQ=?= 12/24",
    "Re: [list] the meeting on Thursday, second part",
    "invoice 2026-1185",
    "Your order has been sent",
];

const FLAGS: [&str; 6] =
    ["", r"\Seen", r"\Seen \Answered", r"\Seen $Forwarded", r"\Flagged \Seen NonJunk", r"\Deleted"];

fn addresses(row: &mut String, dice: &mut Dice, how_many: u64) {
    if how_many == 0 {
        return row.push_str("NIL");
    }
    row.push('(');
    for _ in 0..how_many {
        let (name, mailbox, host) = NAMES[dice.roll(NAMES.len() as u64) as usize];
        let _ = write!(row, "({name} NIL \"{mailbox}\" \"{host}\")");
    }
    row.push(')');
}

/// Rows with envelope and structure, of some 820 octets, each with its CRLF.
pub fn summaries(count: usize) -> Vec<String> {
    let mut dice = Dice(820);
    let one = |number: usize, dice: &mut Dice| {
        let (day, hour, size) = (dice.roll(18) + 10, dice.roll(14) + 10, dice.roll(90_000) + 1000);
        let flags = dice.pick(&FLAGS);
        let subject = dice.pick(&SUBJECTS);
        let mut row = format!(
            "* {number} FETCH (UID {} FLAGS ({flags}) INTERNALDATE \"{day}-Jul-2026 {hour}:44:25 -0700\" RFC822.SIZE {size} \
             ENVELOPE (\"Wed, {day} Jul 2026 {hour}:23:25 -0700 (PDT)\" \"{subject}\" ",
            number * 3 + 4_827_000
        );
        for (at, how_many) in [1, 1, 1, dice.roll(3) + 1, dice.roll(2), 0].into_iter().enumerate() {
            row.push_str(if at > 0 { " " } else { "" });
            addresses(&mut row, dice, how_many);
        }
        let _ = write!(
            row,
            " NIL \"<B27397-0100000.{number}@cac.washington.edu>\") BODYSTRUCTURE \
             (((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"UTF-8\") NIL NIL \"QUOTED-PRINTABLE\" {} {} NIL NIL NIL NIL)\
             (\"TEXT\" \"HTML\" (\"CHARSET\" \"UTF-8\") NIL NIL \"QUOTED-PRINTABLE\" {} {} NIL NIL NIL NIL) \
             \"ALTERNATIVE\" (\"BOUNDARY\" \"000000000000d41d8cd98f00b2{number}\") NIL NIL NIL)",
            size / 4,
            size / 200,
            size / 2,
            size / 100
        );
        if dice.roll(2) == 0 {
            let _ = write!(
                row,
                "(\"APPLICATION\" \"PDF\" (\"NAME\" \"invoice-{number}.pdf\") \"<960723163407.20117h@cac.washington.edu>\" NIL \
                 \"BASE64\" {size} NIL (\"ATTACHMENT\" (\"FILENAME\" \"invoice-{number}.pdf\")) NIL NIL)",
            );
        }
        let _ =
            write!(row, " \"MIXED\" (\"BOUNDARY\" \"000000000000e3b0c44298fc1c{number}\") NIL NIL NIL))\r\n");
        row
    };
    (1..=count).map(|number| one(number, &mut dice)).collect()
}

/// Rows of what has changed, as a client is told that comes back.
pub fn flags(count: usize) -> Vec<String> {
    let mut dice = Dice(67);
    let one = |number: usize, dice: &mut Dice| {
        let uid = number * 3 + 4_827_000;
        format!(
            "* {number} FETCH (UID {uid} FLAGS ({}) MODSEQ ({}))\r\n",
            dice.pick(&FLAGS),
            uid as u64 * 131 + 12_121_230_956
        )
    };
    (1..=count).map(|number| one(number, &mut dice)).collect()
}

/// A SEARCH line of so many numbers, each some more than the one before.
pub fn search(count: usize) -> String {
    let mut dice = Dice(400);
    let mut line = "* SEARCH".to_owned();
    let mut number = 1_000_000;
    for _ in 0..count {
        number += dice.roll(5) + 1;
        let _ = write!(line, " {number}");
    }
    line.push_str("\r\n");
    line
}

/// Commands of every family, as mail programs send them.
pub fn commands(count: usize) -> Vec<String> {
    let mut dice = Dice(53);
    let one = |number: usize, dice: &mut Dice| {
        let (from, more, seconds) = (dice.roll(9000) + 1, dice.roll(500) + 1, dice.roll(18) + 10);
        let to = from + more;
        let command = match number % 16 {
            0 => "NOOP".to_owned(),
            1 => format!("UID FETCH {from}:{to} (UID FLAGS)"),
            2 => format!(
                "UID FETCH {from} (UID BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT TO CC MESSAGE-ID)])"
            ),
            3 => format!("UID STORE {from},{to} +FLAGS.SILENT (\\Seen $Forwarded)"),
            4 => format!("UID SEARCH UNSEEN SINCE {seconds}-Jul-2026 NOT DELETED FROM \"alice\""),
            5 => "SELECT INBOX".to_owned(),
            6 => "STATUS \"Lists/imap protocol\" (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)".to_owned(),
            7 => "LIST \"\" \"*\"".to_owned(),
            8 => format!("FETCH {from}:{to} (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"),
            9 => format!("UID FETCH {from} BODY.PEEK[1.2]<0.65536>"),
            10 => format!("UID COPY {from}:{to} Archive/2026"),
            11 => "LOGIN {5+}\r\nalice {7+}\r\npickles".to_owned(),
            12 => format!("UID MOVE {from} Trash"),
            13 => format!("UID FETCH 1:{to} (FLAGS) (CHANGEDSINCE {})", to * 131 + 12_121_230_956),
            14 => "CREATE \"Lists/rust users\"".to_owned(),
            _ => "EXPUNGE".to_owned(),
        };
        format!("A{number} {command}\r\n")
    };
    (1..=count).map(|number| one(number, &mut dice)).collect()
}

/// One FETCH response with a body of so many octets.
pub fn body(octets: usize) -> Vec<u8> {
    let mut response = format!("* 1 FETCH (UID 7 BODY[] {{{octets}}}\r\n").into_bytes();
    let line = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/0123456789ab\r\n";
    response.extend(line.iter().cycle().take(octets));
    response.extend_from_slice(b")\r\n");
    response
}
