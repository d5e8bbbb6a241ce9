//! Mbox files.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use crate::error::{InvalidReason, InvalidValue};
use crate::header::date;
use crate::types::DateTime;

/// How an mbox file keeps lines of a message from being taken for the start of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MboxQuoting {
    /// `mboxrd`: lines of `From ` behind any number of `>` have one `>` more. Nothing is lost.
    #[default]
    Rd,
    /// `mboxo`: only lines that begin with `From ` have a `>`. It cannot be undone for sure; readers remove one.
    O,
    /// `mboxcl`: as `mboxo`, and the header says in `Content-Length` where the message ends.
    Cl,
    /// `mboxcl2`: nothing is quoted; `Content-Length` says where the message ends.
    Cl2,
}

impl MboxQuoting {
    const fn has_length(self) -> bool {
        matches!(self, Self::Cl | Self::Cl2)
    }
}

/// A message in an mbox file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MboxEntry<'a> {
    /// Where its `From ` line begins, in octets from the start of the file.
    pub offset: usize,
    /// The line behind `From `, without its line end: mostly the reverse-path and a date.
    pub from_line: &'a [u8],
    /// The message, its quoting undone, with the line ends of the file.
    pub message: Cow<'a, [u8]>,
}

impl MboxEntry<'_> {
    /// The reverse-path in the `From ` line, as it was written.
    pub fn sender(&self) -> &[u8] {
        self.from_line.split(|&octet| octet == b' ').next().unwrap_or_default()
    }

    /// The date in the `From ` line; `None` if it cannot be read.
    pub fn date(&self) -> Option<DateTime> {
        let sender = self.sender().len();
        date::parse(self.from_line.get(sender..)?, 1).ok().map(|read| read.date)
    }
}

/// Reads an mbox file, one message after the other.
///
/// A message begins with a line `From ` at the start of the file or behind a blank line. What stands in front of the first
/// is passed over.
///
/// ```
/// use postroad_message::{MboxQuoting, MboxReader, Message};
///
/// let file = b"From alice@crepes.fr Mon Nov 23 09:00:00 2026\nSubject: 1\n\n>From me\n\n\
///              From bob@hamburger.edu Mon Nov 23 09:00:01 2026\nSubject: 2\n\nHi\n";
/// let entries: Vec<_> = MboxReader::new(file, MboxQuoting::Rd).collect();
/// assert_eq!(entries.len(), 2);
/// assert_eq!(entries[0].sender(), b"alice@crepes.fr");
/// assert_eq!(entries[0].message[..], b"Subject: 1\n\nFrom me\n"[..]);
/// assert_eq!(Message::parse(&entries[1].message).subject().unwrap(), "2");
/// assert_eq!(entries[1].date().unwrap().timestamp(), 1_795_424_401);
/// ```
#[derive(Debug, Clone)]
pub struct MboxReader<'a> {
    octets: &'a [u8],
    quoting: MboxQuoting,
    at: usize,
}

impl<'a> MboxReader<'a> {
    /// Reads `octets`, in which messages are quoted in this way.
    pub fn new(octets: &'a [u8], quoting: MboxQuoting) -> Self {
        let at = if octets.starts_with(b"From ") { 0 } else { next_start(octets, 0).unwrap_or(octets.len()) };
        Self { octets, quoting, at }
    }
}

/// The next `From ` line behind a blank line.
fn next_start(octets: &[u8], from: usize) -> Option<usize> {
    let rest = octets.get(from..)?;
    memchr::memmem::find_iter(rest, b"\nFrom ").map(|found| from + found).find_map(|line_feed| {
        let before = octets.get(..line_feed)?;
        let before = before.strip_suffix(b"\r").unwrap_or(before);
        (before.is_empty() || before.ends_with(b"\n")).then_some(line_feed + 1)
    })
}

/// The length that the header gives for the body, and where the body begins.
fn content_length(octets: &[u8], start: usize) -> Option<(usize, usize)> {
    let rest = octets.get(start..)?;
    let body = memchr::memchr_iter(b'\n', rest).find_map(|line_feed| match rest.get(line_feed + 1..) {
        Some([b'\n', ..]) => Some(line_feed + 2),
        Some([b'\r', b'\n', ..]) => Some(line_feed + 3),
        _ => None,
    })?;
    let message = crate::Message::parse(rest.get(..body)?);
    let length = message.header().field("Content-Length")?.unfolded().parse().ok()?;
    Some((length, start + body))
}

impl<'a> Iterator for MboxReader<'a> {
    type Item = MboxEntry<'a>;

    fn next(&mut self) -> Option<MboxEntry<'a>> {
        let octets = self.octets;
        let offset = self.at;
        let line = octets.get(offset..).filter(|rest| !rest.is_empty())?;
        let line_end = memchr::memchr(b'\n', line).unwrap_or(line.len());
        let from_line = line.get(b"From ".len()..line_end).unwrap_or_default();
        let from_line = from_line.strip_suffix(b"\r").unwrap_or(from_line);
        let start = (offset + line_end + 1).min(octets.len());
        // A length counts if a message, or the end, is where it says.
        let by_length = if self.quoting.has_length() { content_length(octets, start) } else { None };
        let by_length = by_length.and_then(|(length, body)| {
            let end = body.checked_add(length).filter(|&end| end <= octets.len())?;
            let behind = octets.get(end..)?;
            let behind = behind.strip_prefix(b"\r").unwrap_or(behind);
            let behind = behind.strip_prefix(b"\n").unwrap_or(behind);
            let next = octets.len() - behind.len();
            (behind.is_empty() || behind.starts_with(b"From ")).then_some((end, next))
        });
        // The blank line in front of the next message is not part of this one, whose search may begin in that line.
        let (end, next) = by_length.unwrap_or_else(|| {
            let from = start.saturating_sub(1);
            let next = next_start(octets, from).filter(|&next| next > offset).unwrap_or(octets.len());
            let message = octets.get(start..next).unwrap_or_default();
            let kept = [&b"\n\r\n"[..], b"\n\n"].into_iter().find(|blank| message.ends_with(blank));
            let blank = match kept {
                Some(blank) => blank.len() - 1,
                None if matches!(message, b"\n" | b"\r\n") => message.len(),
                None => 0,
            };
            (next.max(start) - blank, next)
        });
        self.at = next;
        let raw = octets.get(start..end).unwrap_or_default();
        let message = unquote(raw, self.quoting);
        Some(MboxEntry { offset, from_line, message })
    }
}

fn unquote(raw: &[u8], quoting: MboxQuoting) -> Cow<'_, [u8]> {
    if quoting == MboxQuoting::Cl2 || memchr::memmem::find(raw, b">From ").is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|&octet| octet == b'\n') {
        let marks = line.iter().take_while(|&&octet| octet == b'>').count();
        let is_quoted = line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
            && if quoting == MboxQuoting::Rd { marks > 0 } else { marks == 1 };
        out.extend_from_slice(line.get(usize::from(is_quoted)..).unwrap_or_default());
    }
    Cow::Owned(out)
}

/// Adds a message to an mbox file, with the `From ` line that is asked for, and the blank line behind it.
///
/// `sender` is the reverse-path, `MAILER-DAEMON` if it is empty; white space and controls in it are refused. The message
/// should have LF alone at its line ends, as mbox files have on the systems where they are used; it goes out as it is.
///
/// ```
/// use postroad_message::{DateTime, MboxQuoting, MboxReader, write_mbox};
/// let mut file = Vec::new();
/// let date = DateTime::from_timestamp(1_795_392_000, 0)?;
/// write_mbox(&mut file, b"Subject: 1\n\nFrom me\n>From you\n", "alice@crepes.fr", date, MboxQuoting::Rd)?;
/// assert_eq!(
///     String::from_utf8_lossy(&file),
///     "From alice@crepes.fr Mon Nov 23 00:00:00 2026\nSubject: 1\n\n>From me\n>>From you\n\n"
/// );
/// let entry = MboxReader::new(&file, MboxQuoting::Rd).next().unwrap();
/// assert_eq!(entry.message[..], b"Subject: 1\n\nFrom me\n>From you\n"[..]);
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
pub fn write_mbox(
    out: &mut Vec<u8>,
    message: &[u8],
    sender: &str,
    date: DateTime,
    quoting: MboxQuoting,
) -> Result<(), InvalidValue> {
    if let Some(at) = sender.find(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(InvalidValue::new("reverse-path", InvalidReason::Character, at));
    }
    let sender = if sender.is_empty() { "MAILER-DAEMON" } else { sender };
    let utc = DateTime::from_timestamp(date.timestamp(), 0)?;
    // asctime: the words of the date in another order.
    let shown = format!("{utc}");
    let words: Vec<&str> = shown.split(' ').collect();
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    let day_name = word(0).trim_end_matches(',');
    let line = format!("From {sender} {day_name} {} {:>2} {} {}\n", word(2), word(1), word(4), word(3));
    out.extend_from_slice(line.as_bytes());

    let mut quoted = Vec::new();
    let mut body = None;
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if body.is_none() && matches!(line, b"\n" | b"\r\n") {
            body = Some(quoted.len());
        }
        let marks = line.iter().take_while(|&&octet| octet == b'>').count();
        let is_from = line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "));
        let quote = match quoting {
            MboxQuoting::Rd => is_from,
            MboxQuoting::O | MboxQuoting::Cl => is_from && marks == 0,
            MboxQuoting::Cl2 => false,
        };
        if quote {
            quoted.push(b'>');
        }
        quoted.extend_from_slice(line);
    }
    if !quoted.is_empty() && !quoted.ends_with(b"\n") {
        quoted.push(b'\n');
    }
    let (header, rest) = quoted.split_at(body.unwrap_or(quoted.len()));
    out.extend_from_slice(header);
    if quoting.has_length() {
        let blank = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        let field = format!("Content-Length: {}\n", rest.len() - blank);
        out.extend_from_slice(field.as_bytes());
        if rest.is_empty() {
            out.push(b'\n');
        }
    }
    out.extend_from_slice(rest);
    out.push(b'\n');
    Ok(())
}
