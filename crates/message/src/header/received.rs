//! Reading trace fields (RFC 5321 section 4.4).

use crate::limits::Limits;
use crate::scanner::Scanner;
use crate::types::DateTime;

use super::date;

/// A `Received` field as it was read; a view over the message.
///
/// The words are as they were written, for many hosts write what the grammar does not allow; none is given of a field that is
/// not UTF-8. Of a clause that is there more than once the first counts.
///
/// ```
/// let message = postroad_message::Message::parse(
///     b"Received: from mail.crepes.fr (mail.crepes.fr [192.0.2.1])\r\n by mail.hamburger.edu with ESMTPS id 4Xyz\r\n \
///       for <bob@hamburger.edu>; Mon, 23 Nov 2026 09:00:00 +0900\r\n\r\n",
/// );
/// let trace = message.header().field("Received").unwrap().trace();
/// assert_eq!(trace.from, Some("mail.crepes.fr"));
/// assert_eq!(trace.from_comment, Some("mail.crepes.fr [192.0.2.1]"));
/// assert_eq!(trace.from_ip(), Some([192, 0, 2, 1].into()));
/// assert_eq!((trace.by, trace.with), (Some("mail.hamburger.edu"), Some("ESMTPS")));
/// assert_eq!((trace.id, trace.recipient), (Some("4Xyz"), Some("<bob@hamburger.edu>")));
/// assert_eq!(trace.date.unwrap().timestamp(), 1_795_392_000);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trace<'m> {
    /// The name that the client gave.
    pub from: Option<&'m str>,
    /// The comment behind it, where most hosts write what DNS says, and the address.
    pub from_comment: Option<&'m str>,
    /// The host that received the message.
    pub by: Option<&'m str>,
    /// The link.
    pub via: Option<&'m str>,
    /// The protocol.
    pub with: Option<&'m str>,
    /// The identifier that the host gave the message.
    pub id: Option<&'m str>,
    /// The recipient, mostly in angle brackets.
    pub recipient: Option<&'m str>,
    /// When; `None` if that cannot be read.
    pub date: Option<DateTime>,
}

impl Trace<'_> {
    /// The address that the client came from: the first in square brackets in the comment, or the address literal that the
    /// client gave. It is as true as the host that wrote it.
    pub fn from_ip(&self) -> Option<core::net::IpAddr> {
        let in_brackets = |text: &str| {
            text.split('[').skip(1).find_map(|rest| {
                let inside = rest.get(..memchr::memchr(b']', rest.as_bytes())?)?;
                let inside =
                    inside.strip_prefix("IPv6:").or_else(|| inside.strip_prefix("ipv6:")).unwrap_or(inside);
                inside.parse().ok()
            })
        };
        self.from_comment.and_then(in_brackets).or_else(|| self.from.and_then(in_brackets))
    }
}

pub(crate) fn read<'a>(value: &'a [u8], limits: &Limits) -> Trace<'a> {
    let mut trace = Trace::default();
    // The date is behind the last semicolon; one in a comment does not count.
    let (clauses, behind) = match memchr::memrchr(b';', value) {
        Some(at) => (value.get(..at).unwrap_or_default(), value.get(at + 1..)),
        None => (value, None),
    };
    trace.date =
        behind.and_then(|behind| date::parse(behind, limits.comment_depth).ok()).map(|read| read.date);
    let mut scanner = Scanner::new(clauses, limits.comment_depth);
    let text = core::str::from_utf8(clauses).unwrap_or_default();
    scanner.skip_cfws();
    while !scanner.is_at_end() {
        let keyword = clauses.get(word(&mut scanner)).unwrap_or_default();
        let place = match keyword {
            b"from" | b"From" | b"FROM" => &mut trace.from,
            b"by" | b"By" | b"BY" => &mut trace.by,
            b"via" | b"Via" | b"VIA" => &mut trace.via,
            b"with" | b"With" | b"WITH" => &mut trace.with,
            b"id" | b"ID" | b"Id" => &mut trace.id,
            b"for" | b"For" | b"FOR" => &mut trace.recipient,
            _ => {
                scanner.skip_cfws();
                continue;
            }
        };
        let is_from = matches!(keyword, [b'f' | b'F', b'r' | b'R', ..]);
        let before = scanner.skip_cfws();
        let found = text.get(word(&mut scanner)).filter(|found| !found.is_empty());
        let is_first = place.is_none();
        if is_first {
            *place = found;
        }
        let behind = scanner.skip_cfws();
        if is_from && is_first {
            let comment = behind.comment.or(before.comment);
            trace.from_comment = comment.and_then(|at| text.get(at));
        }
    }
    trace
}

/// Where what stands up to white space or a comment is.
fn word(scanner: &mut Scanner<'_>) -> core::ops::Range<usize> {
    let start = scanner.at;
    scanner.run(|octet| octet > b' ' && octet != b'(');
    if scanner.at == start {
        scanner.at += 1; // a control
        return start..start;
    }
    start..scanner.at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_write() {
        let read = |value: &'static str| read(value.as_bytes(), &Limits::DEFAULT);
        let trace =
            read("from [10.0.0.1] (helo=x) by a (8.1/8.1) with SMTP id B (via C) for b; 1 Jan 2026 00:00 Z");
        assert_eq!((trace.from, trace.from_comment), (Some("[10.0.0.1]"), Some("helo=x")));
        assert_eq!(trace.from_ip(), Some([10, 0, 0, 1].into()));
        assert_eq!((trace.by, trace.id, trace.recipient), (Some("a"), Some("B"), Some("b")));
        let trace = read("(qmail 1 invoked by uid 7); 1 Jan 2026 00:00:00 -0000");
        assert_eq!((trace.from, trace.by), (None, None));
        assert!(trace.date.is_some());
        let trace = read("by a; from nowhere");
        assert_eq!((trace.by, trace.date), (Some("a"), None));
        assert_eq!(read("from x by y from z").from, Some("x"));
        assert_eq!(read("from a ([IPv6:2001:db8::1])").from_ip().unwrap().to_string(), "2001:db8::1");
        for flood in ["(", "from ", ";", "from(", "\r"] {
            assert_eq!(super::read(flood.repeat(100_000).as_bytes(), &Limits::DEFAULT).date, None);
        }
    }
}
