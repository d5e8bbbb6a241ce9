//! Rows `message/…`: reading messages.

use std::borrow::Cow;
use std::hint::black_box;

use mail_parser::{Address as PeerAddress, HeaderValue, MessageParser, PartKind};
use mailparse::MailHeaderMap;
use postroad_message::Message;

use crate::allocations;
use crate::corpus;
use crate::measure::{self, Candidate};

const PARSER: &str = "mail-parser-1.0.1";
const PARSE: &str = "mailparse-0.18.0";

pub fn run(messages: Vec<Vec<u8>>, everything: bool, differences: bool) {
    let crlf: Vec<Vec<u8>> = messages.iter().map(|message| corpus::crlf(message)).collect();
    let lf: Vec<Vec<u8>> = messages.iter().map(|message| corpus::lf(message)).collect();
    drop(messages);
    if everything || differences {
        agreement(&crlf, differences);
    }
    for (suffix, set) in [("", &crlf), ("-lf", &lf)] {
        rows(suffix, set);
    }
    let long = corpus::long_headers();
    all_headers("-long", &long);
    headers("-long", &long);
    attachments();
    if everything {
        count_allocations(&crlf);
    }
}

fn octets(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).sum()
}

fn rows(suffix: &str, set: &[Vec<u8>]) {
    structure(suffix, set);
    headers(suffix, set);
    full(suffix, set);
    all_headers(suffix, set);
}

/// The content type of every part.
fn structure(suffix: &str, set: &[Vec<u8>]) {
    let ours = Candidate::new("postroad", || {
        for message in set {
            for part in Message::parse(message).parts() {
                black_box(part.media_type());
            }
        }
    });
    let parser = MessageParser::default();
    let peer = Candidate::new(PARSER, || {
        for message in set {
            for part in parser.parse(message).iter().flat_map(|message| message.parts()) {
                black_box(part.content_type().map(|found| (found.ctype(), found.subtype())));
            }
        }
    });
    let other = Candidate::new(PARSE, || {
        for message in set {
            if let Ok(parsed) = mailparse::parse_mail(message) {
                for part in parsed.parts() {
                    black_box(&part.ctype.mimetype);
                }
            }
        }
    });
    measure::row(&format!("message/structure{suffix}"), octets(set), ours, vec![peer, other]);
}

/// Subject, first author, date, message identifier.
fn headers(suffix: &str, set: &[Vec<u8>]) {
    let ours = Candidate::new("postroad", || {
        for message in set {
            let message = Message::parse(message);
            let header = message.header();
            black_box(header.subject());
            black_box(header.first_author());
            black_box(header.date());
            black_box(header.message_id());
        }
    });
    let parser = MessageParser::default();
    let peer = Candidate::new(PARSER, || {
        for message in set {
            if let Some(message) = parser.parse(message) {
                black_box(message.subject());
                black_box(message.from().and_then(|from| from.first()));
                black_box(message.date());
                black_box(message.message_id());
            }
        }
    });
    let other = Candidate::new(PARSE, || {
        for message in set {
            if let Ok((headers, _)) = mailparse::parse_headers(message) {
                black_box(headers.get_first_value("Subject"));
                black_box(headers.get_first_header("From").map(|from| mailparse::addrparse_header(from)));
                black_box(headers.get_first_value("Date").map(|date| mailparse::dateparse(&date)));
                black_box(headers.get_first_value("Message-ID"));
            }
        }
    });
    measure::row(&format!("message/headers{suffix}"), octets(set), ours, vec![peer, other]);
}

/// Every leaf decoded, text to UTF-8.
fn full(suffix: &str, set: &[Vec<u8>]) {
    let ours = Candidate::new("postroad", || {
        for message in set {
            let message = Message::parse(message);
            for part in message.parts() {
                if part.is_multipart() || part.is_message() {
                    continue;
                }
                match part.text() {
                    Some(text) => drop(black_box(text)),
                    None => drop(black_box(part.body())),
                }
            }
        }
    });
    let parser = MessageParser::default();
    let peer = Candidate::new(PARSER, || {
        for message in set {
            let Some(message) = parser.parse(message) else { continue };
            for part in message.parts() {
                match part.kind() {
                    PartKind::Multipart | PartKind::Message(_) => {}
                    _ => match part.text() {
                        Some(text) => drop(black_box(text)),
                        None => drop(black_box(part.decoded())),
                    },
                }
            }
        }
    });
    let other = Candidate::new(PARSE, || {
        for message in set {
            let Ok(parsed) = mailparse::parse_mail(message) else { continue };
            for part in parsed.parts().filter(|part| part.subparts.is_empty()) {
                if part.ctype.mimetype.starts_with("text/") {
                    let _ = black_box(part.get_body());
                } else {
                    let _ = black_box(part.get_body_raw());
                }
            }
        }
    });
    measure::row(&format!("message/full{suffix}"), octets(set), ours, vec![peer, other]);
}

/// Every field of the header, read in the form that its name asks for.
fn all_headers(suffix: &str, set: &[Vec<u8>]) {
    let ours = Candidate::new("postroad", || {
        for message in set {
            for field in Message::parse(message).header().fields() {
                black_box(field.value());
            }
        }
    });
    let parser = MessageParser::default();
    let peer = Candidate::new(PARSER, || {
        for message in set {
            for header in parser.parse(message).iter().flat_map(|message| message.headers()) {
                match header.value() {
                    HeaderValue::Text(text) => {
                        black_box(text.len());
                    }
                    HeaderValue::Address(list) => {
                        black_box(list.mailboxes().count());
                    }
                    other => {
                        black_box(other);
                    }
                }
            }
        }
    });
    measure::row(&format!("message/all-headers{suffix}"), octets(set), ours, vec![peer]);
}

fn attachments() {
    let set = corpus::attachments();
    let ours = |name| {
        Candidate::new(name, || {
            for message in &set {
                let message = Message::parse(message);
                black_box(message.part("2").map(|part| part.body()));
            }
        })
    };
    let parser = MessageParser::default();
    let peer = Candidate::new(PARSER, || {
        for message in &set {
            if let Some(message) = parser.parse(message) {
                for part in message.attachments() {
                    black_box(part.decoded());
                }
            }
        }
    });
    // A library that knows only base64 is given the lines without their ends, and the time that takes counts.
    let simd = Candidate::new("base64-simd-0.8.0", || {
        for message in &set {
            let message = Message::parse(message);
            let Some(part) = message.part("2") else { continue };
            black_box(base64_simd::forgiving_decode_to_vec(part.raw_body()).ok());
        }
    });
    measure::row("message/attachments", octets(&set), ours("postroad"), vec![peer]);
    measure::row("message/attachments-base64", octets(&set), ours("postroad"), vec![simd]);
    for message in &set {
        let parsed = Message::parse(message);
        let part = parsed.part("2").unwrap();
        let simd = base64_simd::forgiving_decode_to_vec(part.raw_body()).unwrap();
        assert!(part.body()[..] == simd[..], "the attachment is decoded otherwise");
    }
}

fn count_allocations(set: &[Vec<u8>]) {
    let mut most = 0;
    let mut small = 0;
    let mut total = 0;
    for octets in set {
        let before = allocations::count();
        let message = Message::parse(octets);
        let used = allocations::count() - before;
        let parts = message.parts().count();
        let fields: usize = message.parts().map(|part| part.header().fields().count()).sum();
        total += used;
        if fields <= 32 && parts <= 8 && message.defects().is_empty() {
            small += 1;
            most = most.max(used);
        }
    }
    println!(
        "memory message/parse at most {most} allocations for each of {small} messages of up to 32 fields and 8 parts; \
         {:.2} on average of all {}",
        total as f64 / set.len() as f64,
        set.len()
    );
}

/// How often ours and the peer give other values. What they differ in was looked at: `--differences` shows it.
fn agreement(set: &[Vec<u8>], show: bool) {
    let parser = MessageParser::default();
    let mut differ = [0_usize; 6];
    let names = ["subject", "from", "date", "message-id", "types", "text"];
    for (number, octets) in set.iter().enumerate() {
        let ours = Message::parse(octets);
        let Some(peer) = parser.parse(octets) else { continue };
        let mut check = |index: usize, ours: String, peer: String| {
            if ours != peer {
                differ[index] += 1;
                if show {
                    let clip = |text: &str| text.chars().take(300).collect::<String>();
                    println!(
                        "message {number} {}:\n  ours {:?}\n  peer {:?}",
                        names[index],
                        clip(&ours),
                        clip(&peer)
                    );
                }
            }
        };
        let squeeze = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        check(0, squeeze(&ours.subject().unwrap_or_default()), squeeze(peer.subject().unwrap_or_default()));
        let peer_from = peer.from().and_then(|from| {
            from.iter().next().and_then(|first| match first {
                PeerAddress::Mailbox(mailbox) => mailbox.address().map(str::to_owned),
                PeerAddress::Group(_) => None,
            })
        });
        let our_from = ours.header().first_author().map(|author| author.address().to_string());
        check(1, our_from.unwrap_or_default(), peer_from.unwrap_or_default());
        check(
            2,
            ours.date().map(|date| date.timestamp().to_string()).unwrap_or_default(),
            peer.date().map(|date| date.to_timestamp().to_string()).unwrap_or_default(),
        );
        check(
            3,
            ours.message_id().map(|id| id.as_str().to_owned()).unwrap_or_default(),
            peer.message_id().unwrap_or_default().to_owned(),
        );
        let our_types: Vec<String> = ours
            .parts()
            .map(|part| {
                if part.header().field("content-type").is_some() {
                    part.content_type().essence().to_owned()
                } else {
                    String::new()
                }
            })
            .collect();
        let peer_types: Vec<String> = peer
            .parts()
            .map(|part| {
                part.content_type()
                    .map(|found| {
                        format!("{}/{}", found.ctype(), found.subtype().unwrap_or_default())
                            .to_ascii_lowercase()
                    })
                    .unwrap_or_default()
            })
            .collect();
        check(4, our_types.join(" "), peer_types.join(" "));
        let our_text: Vec<Cow<'_, str>> = ours.parts().filter_map(|part| part.text()).collect();
        let peer_text: Vec<Cow<'_, str>> = peer.parts().filter_map(|part| part.text()).collect();
        check(5, squeeze(&our_text.concat()), squeeze(&peer_text.concat()));
    }
    for (name, count) in names.iter().zip(differ) {
        println!("differ message/{name} {count} of {}", set.len());
        // Of other figures than these nobody has looked at the reasons.
        assert!(count * 20 <= set.len(), "ours and {PARSER} differ in {name} too often");
    }
}
