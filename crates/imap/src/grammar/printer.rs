use super::chars::{self, ASTRING, LIST, QUOTED};
use crate::types::{Atom, MailboxName, Messages, SequenceNumber, SequenceSet};
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt::{self, Write};
use memchr::memchr;

/// The most octets of a literal that LITERAL- lets go without waiting (RFC 7888 section 5).
const MINUS_LIMIT: u64 = 4096;

/// Whether a literal waits for the server's leave (RFC 7888).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LiteralMode {
    /// Each does.
    #[default]
    Synchronizing,
    /// Those of over 4096 octets do: the server has LITERAL- or IMAP4rev2.
    Minus,
    /// None does: the server has LITERAL+.
    Plus,
}

impl LiteralMode {
    /// Whether a literal of so many octets waits.
    pub fn is_synchronizing(self, len: u64) -> bool {
        match self {
            Self::Synchronizing => true,
            Self::Minus => len > MINUS_LIMIT,
            Self::Plus => false,
        }
    }
}

/// What goes out in one go. After a fragment that is synchronizing its `header` goes out and the rest waits for a continuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fragment {
    /// Text, the last of it with its CRLF.
    Text(Bytes),
    /// Text that ends in the header of a literal and its CRLF, and the literal.
    Literal {
        /// What goes before the octets.
        header: Bytes,
        /// The octets.
        octets: Bytes,
        /// Whether they wait for a continuation.
        synchronizing: bool,
    },
    /// Text that ends in the header of a literal and its CRLF; the octets come from elsewhere.
    Stream {
        /// What goes before the octets.
        header: Bytes,
        /// How many octets follow.
        len: u64,
        /// Whether they wait for a continuation.
        synchronizing: bool,
    },
}

impl Fragment {
    /// The text, or what goes before the octets of the literal.
    pub fn header(&self) -> &Bytes {
        match self {
            Self::Text(header) | Self::Literal { header, .. } | Self::Stream { header, .. } => header,
        }
    }

    /// Whether what follows the header waits for a continuation.
    pub fn is_synchronizing(&self) -> bool {
        matches!(self, Self::Literal { synchronizing: true, .. } | Self::Stream { synchronizing: true, .. })
    }
}

/// Collects the text and literals of a command.
///
/// An argument goes out as an atom if it can, else quoted, else as a literal: CR and LF are only ever inside of literals, and a NUL
/// only inside of a literal8, so no argument can end its line.
///
/// ```
/// use postroad_imap::command::{Encoder, Fragment, LiteralMode};
///
/// let mut encoder = Encoder::new(LiteralMode::Plus, false);
/// encoder.astring("two\r\nlines".as_bytes());
/// let fragments = encoder.finish();
/// assert!(matches!(&fragments[0], Fragment::Literal { header, synchronizing: false, .. } if header == "{10+}\r\n"));
/// assert_eq!(fragments[1], Fragment::Text("\r\n".into()));
/// ```
#[derive(Debug)]
pub struct Encoder {
    mode: LiteralMode,
    utf8: bool,
    text: BytesMut,
    fragments: Vec<Fragment>,
}

impl Encoder {
    /// Nothing yet. `utf8`: mailbox names and quoted strings go out in UTF-8 (after ENABLE of IMAP4rev2 or UTF8=ACCEPT).
    pub fn new(mode: LiteralMode, utf8: bool) -> Self {
        Self { mode, utf8, text: BytesMut::with_capacity(96), fragments: Vec::with_capacity(1) }
    }

    /// Whether mailbox names go out in UTF-8.
    pub fn utf8(&self) -> bool {
        self.utf8
    }

    /// Text of the grammar: keywords and punctuation. What ends a line is left out.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        debug_assert!(!text.contains(['\r', '\n', '\0']), "text holds no line end");
        self.text.extend_from_slice(text.as_bytes());
        self
    }

    /// Something that is printed as text of the grammar.
    pub(crate) fn display(&mut self, value: impl fmt::Display) -> &mut Self {
        // Writing into a BytesMut fails only if it cannot grow, which it does not tell.
        let _ = write!(self.text, "{value}");
        self
    }

    /// One space.
    pub fn space(&mut self) -> &mut Self {
        self.text(" ")
    }

    /// An atom.
    pub fn atom(&mut self, atom: &Atom) -> &mut Self {
        self.text(atom.as_str())
    }

    /// A number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut left = number;
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.text.extend_from_slice(&digits[at..]);
        self
    }

    /// An astring: an atom, quoted, or a literal, whichever is the first that can hold it.
    pub fn astring(&mut self, octets: &[u8]) -> &mut Self {
        // NIL would be read as no string by a peer that mixes astring and nstring.
        if chars::all(octets, ASTRING) && !octets.eq_ignore_ascii_case(b"NIL") {
            self.text.extend_from_slice(octets);
            return self;
        }
        self.string(octets)
    }

    /// A string: quoted, or a literal if it cannot be.
    pub fn string(&mut self, octets: &[u8]) -> &mut Self {
        if !self.quotable(octets) {
            return self.literal(Bytes::copy_from_slice(octets));
        }
        self.text.reserve(octets.len() + 2);
        self.text.put_u8(b'"');
        for &octet in octets {
            if matches!(octet, b'"' | b'\\') {
                self.text.put_u8(b'\\');
            }
            self.text.put_u8(octet);
        }
        self.text.put_u8(b'"');
        self
    }

    fn quotable(&self, octets: &[u8]) -> bool {
        // A line has its limit; long strings go as literals.
        octets.len() <= 1024
            && (octets.iter().all(|&octet| chars::is(octet, QUOTED) || matches!(octet, b'"' | b'\\'))
                || (self.utf8
                    && !octets.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n'))
                    && core::str::from_utf8(octets).is_ok()))
    }

    /// A string, or NIL.
    pub fn nstring(&mut self, octets: Option<&[u8]>) -> &mut Self {
        match octets {
            Some(octets) => self.string(octets),
            None => self.text("NIL"),
        }
    }

    /// A sequence set, without a detour over formatting.
    pub fn sequence_set(&mut self, set: &SequenceSet) -> &mut Self {
        for (at, range) in set.ranges().iter().enumerate() {
            self.text(if at > 0 { "," } else { "" }).sequence_number(range.start);
            if range.start != range.end {
                self.text(":").sequence_number(range.end);
            }
        }
        self
    }

    fn sequence_number(&mut self, number: SequenceNumber) -> &mut Self {
        match number {
            SequenceNumber::Number(number) => self.number(number.get().into()),
            SequenceNumber::Star => self.text("*"),
        }
    }

    /// A sequence set or `$`.
    pub fn messages(&mut self, messages: &Messages) -> &mut Self {
        match messages {
            Messages::Set(set) => self.sequence_set(set),
            Messages::Saved => self.text("$"),
        }
    }

    /// A mailbox name.
    pub fn mailbox(&mut self, name: &MailboxName) -> &mut Self {
        let wire = name.to_wire(self.utf8);
        self.astring(&wire)
    }

    /// A list-mailbox: as an astring, and wildcards need no quotes.
    pub(crate) fn list_mailbox(&mut self, octets: &[u8]) -> &mut Self {
        if chars::all(octets, LIST) {
            self.text.extend_from_slice(octets);
            return self;
        }
        self.string(octets)
    }

    /// A literal; a literal8 if it holds a NUL.
    pub fn literal(&mut self, octets: Bytes) -> &mut Self {
        let len = u64::try_from(octets.len()).unwrap_or(u64::MAX);
        let binary = memchr(0, &octets).is_some();
        // A server that does not know literal8 here refuses it before it is sent.
        let mode = if binary { LiteralMode::Synchronizing } else { self.mode };
        let (header, synchronizing) = self.literal_header(mode, len, binary);
        self.fragments.push(Fragment::Literal { header, octets, synchronizing });
        self
    }

    /// A literal whose octets come from elsewhere; `binary` makes it a literal8.
    pub fn stream(&mut self, len: u64, binary: bool) -> &mut Self {
        let (header, synchronizing) = self.literal_header(self.mode, len, binary);
        self.fragments.push(Fragment::Stream { header, len, synchronizing });
        self
    }

    fn literal_header(&mut self, mode: LiteralMode, len: u64, binary: bool) -> (Bytes, bool) {
        let synchronizing = mode.is_synchronizing(len);
        self.text(if binary { "~{" } else { "{" }).number(len).text(if synchronizing { "}" } else { "+}" });
        self.text.extend_from_slice(b"\r\n");
        (self.text.split().freeze(), synchronizing)
    }

    /// The end of the line: all fragments, the last with its CRLF.
    pub fn finish(mut self) -> Vec<Fragment> {
        self.text.extend_from_slice(b"\r\n");
        self.fragments.push(Fragment::Text(self.text.freeze()));
        self.fragments
    }

    /// The fragments so far, and what follows the last literal without an end of line: for what is not the whole command.
    pub fn into_fragments(mut self) -> Vec<Fragment> {
        if !self.text.is_empty() {
            self.fragments.push(Fragment::Text(self.text.freeze()));
        }
        self.fragments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(utf8: bool, print: impl Fn(&mut Encoder)) -> String {
        let mut out = Encoder::new(LiteralMode::Plus, utf8);
        print(&mut out);
        let text = |fragment: &Fragment| match fragment {
            Fragment::Literal { header, octets, .. } => [&header[..], octets].concat(),
            other => other.header().to_vec(),
        };
        let all = out.into_fragments().iter().flat_map(text).collect::<Vec<_>>();
        all.escape_ascii().to_string().replace("\\\"", "\"")
    }

    #[test]
    fn an_argument_takes_the_first_form_that_holds_it() {
        for (octets, astring, string) in [
            (&b"abc"[..], "abc", "\"abc\""),
            (b"", "\"\"", "\"\""),
            (b"a]b", "a]b", "\"a]b\""),
            (b"nil", "\"nil\"", "\"nil\""),
            (b"a b", "\"a b\"", "\"a b\""),
            (b"{3}", "\"{3}\"", "\"{3}\""),
            (b"a\tb", "\"a\\tb\"", "\"a\\tb\""),
            (b"a\nb", "{3+}\\r\\na\\nb", "{3+}\\r\\na\\nb"),
            (b"\xc3\xa4", "{2+}\\r\\n\\xc3\\xa4", "{2+}\\r\\n\\xc3\\xa4"),
            (b"a\0b", "~{3}\\r\\na\\x00b", "~{3}\\r\\na\\x00b"),
        ] {
            assert_eq!(printed(false, |out| _ = out.astring(octets)), astring);
            assert_eq!(printed(false, |out| _ = out.string(octets)), string);
        }
        assert_eq!(printed(true, |out| _ = out.string("ä".as_bytes())), r#""\xc3\xa4""#);
        assert_eq!(printed(true, |out| _ = out.string(b"\xc3")), "{1+}\\r\\n\\xc3");
        assert_eq!(printed(true, |out| _ = out.nstring(None).text(" ").nstring(Some(b"NIL"))), "NIL \"NIL\"");
        assert!(printed(false, |out| _ = out.string(&[b'a'; 1025])).starts_with("{1025+}"));
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(printed(false, |out| _ = out.number(number)), number.to_string());
        }
    }

    #[test]
    fn fragments_are_cut_behind_each_literal_header() {
        let mut out = Encoder::new(LiteralMode::Synchronizing, false);
        out.text("a ").string(b"\r").text(" b ").stream(7, true).text(")");
        let fragments = out.finish();
        assert_eq!(
            fragments,
            [
                Fragment::Literal { header: "a {1}\r\n".into(), octets: "\r".into(), synchronizing: true },
                Fragment::Stream { header: " b ~{7}\r\n".into(), len: 7, synchronizing: true },
                Fragment::Text(")\r\n".into()),
            ]
        );
    }
}
