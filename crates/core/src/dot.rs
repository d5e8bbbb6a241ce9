//! Dots: how a message is fenced off in SMTP's DATA (RFC 5321 section 4.5.2) and in POP3's multi-line responses (RFC 1939 section 3).

use crate::Output;
use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use memchr::memchr3;

const CRLF: Bytes = Bytes::from_static(b"\r\n");

/// Pieces under this many octets are copied together: a stuffed dot every few octets must not make a chunk of each line.
const JOIN_BELOW: usize = 1024;
/// So many octets are joined, about.
const JOIN_UP_TO: usize = 8 * 1024;

/// What to do with a CR or LF that is not part of a CRLF. None of them ever makes a line end where the dot is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BareNewline {
    /// Refuse the message, once its true end has come.
    #[default]
    Reject,
    /// Make CRLF of a bare LF, and a space of a bare CR.
    Normalize,
    /// Let them through: for octets that go no further by a line protocol.
    Pass,
}

/// What was odd in a message so far: the offset of the first octet of each kind, counted in the message without its stuffed dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct DataFaults {
    /// The first CR without LF.
    pub bare_cr: Option<u64>,
    /// The first LF without CR.
    pub bare_lf: Option<u64>,
    /// The first NUL.
    pub nul: Option<u64>,
    /// The length in octets of the longest line, its CRLF included. RFC 5321 section 4.5.3.1.6 allows 1000.
    pub longest_line: u64,
}

impl DataFaults {
    /// Whether a bare CR, a bare LF or a NUL was seen.
    pub fn any(&self) -> bool {
        self.bare_cr.is_some() || self.bare_lf.is_some() || self.nul.is_some()
    }
}

/// What [`DotUnstuffer::next`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Unstuffed {
    /// The rest may be an end or not: more octets are needed. At most two octets stay in the input.
    NeedInput,
    /// Octets of the message: cut out of the input without a copy, but for pieces under 1 KiB, which are joined.
    Chunk(Bytes),
    /// CRLF.CRLF: the message is whole. What is left in the input is not part of it.
    End,
}

/// Takes a dot-stuffed message out of a buffer, in chunks, without copying.
///
/// The end is CRLF.CRLF and nothing else, where the first CRLF may be the one before the message. Every other reading lets one
/// message smuggle in another (`src/manual` of postroad-smtp tells the story).
///
/// ```
/// use postroad_core::{BareNewline, DotUnstuffer, Unstuffed};
/// use bytes::BytesMut;
///
/// let mut dots = DotUnstuffer::new(BareNewline::Reject);
/// let mut input = BytesMut::from(&b"one\r\n..two\r\n.\r\nQUIT\r\n"[..]);
/// let mut message = Vec::new();
/// loop {
///     match dots.next(&mut input) {
///         Unstuffed::Chunk(chunk) => message.extend_from_slice(&chunk),
///         Unstuffed::End => break,
///         Unstuffed::NeedInput => panic!("it is all here"),
///     }
/// }
/// assert_eq!(message, b"one\r\n.two\r\n");
/// assert_eq!(input, "QUIT\r\n");
/// ```
#[derive(Clone)]
pub struct DotUnstuffer {
    policy: BareNewline,
    /// What was found behind joined pieces, and comes next.
    held: Option<Unstuffed>,
    at_line_start: bool,
    offset: u64,
    line: u64,
    faults: DataFaults,
}

impl DotUnstuffer {
    /// Begins a message; the line before it has ended.
    ///
    /// By [`BareNewline::Reject`] no chunk comes any more once something was found to refuse (NUL too); the end still does.
    pub fn new(policy: BareNewline) -> Self {
        Self { policy, held: None, at_line_start: true, offset: 0, line: 0, faults: DataFaults::default() }
    }

    /// What was odd so far.
    pub fn faults(&self) -> DataFaults {
        self.faults
    }

    /// The next piece. `input` must begin where the last call left it.
    pub fn next(&mut self, input: &mut BytesMut) -> Unstuffed {
        if let Some(held) = self.held.take() {
            return held;
        }
        let mut joined = BytesMut::new();
        loop {
            match self.piece(input) {
                Unstuffed::Chunk(piece) if piece.len() < JOIN_BELOW => {
                    joined.extend_from_slice(&piece);
                    if joined.len() >= JOIN_UP_TO {
                        return Unstuffed::Chunk(joined.freeze());
                    }
                }
                other if joined.is_empty() => return other,
                Unstuffed::NeedInput => return Unstuffed::Chunk(joined.freeze()),
                other => {
                    self.held = Some(other);
                    return Unstuffed::Chunk(joined.freeze());
                }
            }
        }
    }

    fn piece(&mut self, input: &mut BytesMut) -> Unstuffed {
        loop {
            if self.at_line_start {
                match input[..] {
                    [] | [b'.'] | [b'.', b'\r'] => return Unstuffed::NeedInput,
                    [b'.', b'\r', b'\n', ..] => {
                        input.advance(3);
                        return Unstuffed::End;
                    }
                    [b'.', ..] => input.advance(1),
                    _ => {}
                }
                self.at_line_start = false;
            }
            match self.text(input) {
                Some(chunk) if self.refused() => drop(chunk),
                Some(chunk) => return Unstuffed::Chunk(chunk),
                None if self.at_line_start => {}
                None => return Unstuffed::NeedInput,
            }
        }
    }

    /// Octets up to the next line that begins with a dot, or to the end of what can be decided.
    fn text(&mut self, input: &mut BytesMut) -> Option<Bytes> {
        let mut from = 0;
        let mut line_from = 0;
        loop {
            let Some(found) = memchr3(b'\r', b'\n', 0, &input[from..]) else {
                return self.take(input, input.len(), line_from);
            };
            let at = from + found;
            match (input[at], input.get(at + 1)) {
                (b'\r', None) => return self.take(input, at, line_from),
                (b'\r', Some(b'\n')) => {
                    from = at + 2;
                    self.end_line(from - line_from);
                    line_from = from;
                    if input.get(from).is_none_or(|octet| *octet == b'.') {
                        self.at_line_start = true;
                        return self.take(input, from, line_from);
                    }
                }
                (0, _) => {
                    self.faults.nul.get_or_insert(self.offset + at as u64);
                    from = at + 1;
                }
                (octet, _) => {
                    let first =
                        if octet == b'\r' { &mut self.faults.bare_cr } else { &mut self.faults.bare_lf };
                    first.get_or_insert(self.offset + at as u64);
                    if self.policy == BareNewline::Normalize {
                        if at > 0 {
                            return self.take(input, at, line_from);
                        }
                        return Some(self.normalized(input, octet));
                    }
                    from = at + 1;
                }
            }
        }
    }

    /// The one bare newline at the front of `input`, in its normal form.
    fn normalized(&mut self, input: &mut BytesMut, octet: u8) -> Bytes {
        input.advance(1);
        if octet == b'\n' {
            self.offset += 2;
            self.end_line(2);
            CRLF
        } else {
            self.offset += 1;
            self.line += 1;
            Bytes::from_static(b" ")
        }
    }

    fn end_line(&mut self, octets: usize) {
        self.faults.longest_line = self.faults.longest_line.max(self.line + octets as u64);
        self.line = 0;
    }

    fn take(&mut self, input: &mut BytesMut, len: usize, line_from: usize) -> Option<Bytes> {
        self.line += (len - line_from) as u64;
        self.offset += len as u64;
        (len > 0).then(|| input.split_to(len).freeze())
    }

    fn refused(&self) -> bool {
        self.policy == BareNewline::Reject && self.faults.any()
    }
}

// What is held is somebody's mail.
impl fmt::Debug for DotUnstuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DotUnstuffer")
            .field("policy", &self.policy)
            .field("offset", &self.offset)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// A message to send has a CR or LF that is not part of a CRLF, and the policy is [`BareNewline::Reject`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BareNewlineError {
    /// The octet, counted from the beginning of the message.
    pub at: u64,
}

impl fmt::Display for BareNewlineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CR or LF that is not part of a CRLF at octet {}", self.at)
    }
}

impl core::error::Error for BareNewlineError {}

/// Puts a message into an [`Output`] with its dots stuffed: chunks are cut, never copied.
///
/// ```
/// use postroad_core::{BareNewline, DotStuffer, Output};
/// use bytes::Bytes;
///
/// let mut output = Output::new(65_536);
/// let mut dots = DotStuffer::new(BareNewline::Reject);
/// dots.push(Bytes::from_static(b".hidden\r\nno line end"), &mut output)?;
/// dots.finish(&mut output)?;
/// assert_eq!(output.pop().unwrap(), "..hidden\r\nno line end\r\n.\r\n");
/// # Ok::<(), postroad_core::BareNewlineError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DotStuffer {
    policy: BareNewline,
    /// A dot that comes next must be stuffed.
    at_line_start: bool,
    /// The last octets were CRLF, or there are none yet: the end needs no CRLF of its own.
    after_crlf: bool,
    held_cr: bool,
    offset: u64,
}

impl DotStuffer {
    /// Begins a message.
    pub fn new(policy: BareNewline) -> Self {
        Self { policy, at_line_start: true, after_crlf: true, held_cr: false, offset: 0 }
    }

    /// Adds octets of the message.
    ///
    /// # Errors
    ///
    /// A bare CR or LF by [`BareNewline::Reject`]: the message is cut short where it stands and must not be finished.
    pub fn push(&mut self, mut chunk: Bytes, output: &mut Output) -> Result<(), BareNewlineError> {
        if chunk.is_empty() {
            return Ok(());
        }
        if self.held_cr {
            self.held_cr = false;
            if chunk[0] == b'\n' {
                self.line_end(output);
                self.offset += 1;
                chunk.advance(1);
            } else {
                self.bare(b'\r', self.offset - 1, output)?;
            }
        }
        let mut from = 0;
        let offset = self.offset;
        self.offset += chunk.len() as u64;
        let mut cut = 0; // octets already taken off the front of `chunk`
        while from < chunk.len() {
            if self.at_line_start && chunk[from] == b'.' {
                output.chunk(chunk.split_to(from));
                output.text(b".");
                cut += from;
                from = 0;
            }
            self.at_line_start = false;
            self.after_crlf = false;
            let Some(found) = memchr::memchr2(b'\r', b'\n', &chunk[from..]) else { break };
            let at = from + found;
            match (chunk[at], chunk.get(at + 1)) {
                (b'\r', Some(b'\n')) => {
                    from = at + 2;
                    self.at_line_start = true;
                    self.after_crlf = true;
                }
                (b'\r', None) => {
                    self.held_cr = true;
                    chunk.truncate(at);
                    break;
                }
                (octet, _) => {
                    output.chunk(chunk.split_to(at));
                    chunk.advance(1);
                    self.bare(octet, offset + (cut + at) as u64, output)?;
                    cut += at + 1;
                    from = 0;
                }
            }
        }
        output.chunk(chunk);
        Ok(())
    }

    /// Ends the message with CRLF.CRLF, where the first CRLF may be the message's own.
    ///
    /// # Errors
    ///
    /// The message ended in a bare CR, by [`BareNewline::Reject`].
    pub fn finish(mut self, output: &mut Output) -> Result<(), BareNewlineError> {
        if self.held_cr {
            self.bare(b'\r', self.offset - 1, output)?;
        }
        output.text(if self.after_crlf { b".\r\n" } else { b"\r\n.\r\n" });
        Ok(())
    }

    fn line_end(&mut self, output: &mut Output) {
        output.text(b"\r\n");
        self.at_line_start = true;
        self.after_crlf = true;
    }

    fn bare(&mut self, octet: u8, at: u64, output: &mut Output) -> Result<(), BareNewlineError> {
        match (self.policy, octet) {
            (BareNewline::Reject, _) => return Err(BareNewlineError { at }),
            (BareNewline::Normalize, b'\n') => self.line_end(output),
            (BareNewline::Normalize, _) => output.text(b" "),
            (BareNewline::Pass, _) => {
                output.text(&[octet]);
                // A receiver that takes LF for a line end must not find its dot there.
                self.at_line_start = octet == b'\n';
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use proptest::prelude::*;

    /// The message, where it ended, and its faults.
    fn unstuff(parts: &[&[u8]], policy: BareNewline) -> (Vec<u8>, Option<usize>, DataFaults) {
        let (mut dots, mut input, mut message, mut read) =
            (DotUnstuffer::new(policy), BytesMut::new(), Vec::new(), 0);
        for part in parts {
            input.extend_from_slice(part);
            read += part.len();
            loop {
                match dots.next(&mut input) {
                    Unstuffed::Chunk(chunk) => message.extend_from_slice(&chunk),
                    Unstuffed::End => return (message, Some(read - input.len()), dots.faults()),
                    Unstuffed::NeedInput => break,
                }
            }
            assert!(input.len() <= 2);
        }
        (message, None, dots.faults())
    }

    /// Written from RFC 5321 alone, over the whole text: where the message ends, and what it is.
    fn oracle(text: &[u8]) -> Option<(usize, Vec<u8>)> {
        let mut with_line_before = b"\r\n".to_vec();
        with_line_before.extend_from_slice(text);
        let end = with_line_before.windows(5).position(|window| window == b"\r\n.\r\n")?;
        let message = &with_line_before[..end + 2];
        let mut plain = Vec::new();
        for (at, octet) in message.iter().enumerate().skip(2) {
            if !(*octet == b'.' && &message[at - 2..at] == b"\r\n") {
                plain.push(*octet);
            }
        }
        Some((end + 3, plain))
    }

    fn alphabet(octets: &[u8], longest: u32) -> impl Iterator<Item = Vec<u8>> {
        let octets = octets.to_vec();
        (0..=longest).flat_map(move |len| {
            let octets = octets.clone();
            (0..octets.len().pow(len)).map(move |mut n| {
                (0..len)
                    .map(|_| {
                        let octet = octets[n % octets.len()];
                        n /= octets.len();
                        octet
                    })
                    .collect()
            })
        })
    }

    #[test]
    fn all_strings_up_to_seven_octets_end_where_the_oracle_says() {
        let mut count = 0;
        for text in alphabet(b"\r\n.x", 7) {
            let (message, end, faults) = unstuff(&[&text], BareNewline::Pass);
            let expected = oracle(&text);
            assert_eq!(end, expected.as_ref().map(|(end, _)| *end), "{}", text.escape_ascii());
            if let Some((_, plain)) = expected {
                assert_eq!(message, plain, "{}", text.escape_ascii());
                let (kept, strict_end, _) = unstuff(&[&text], BareNewline::Reject);
                assert_eq!(strict_end, end);
                assert!(if faults.any() { message.starts_with(&kept) } else { kept == message });
            }
            count += 1;
        }
        assert_eq!(count, 21_845);
    }

    #[test]
    fn small_pieces_are_joined_and_large_ones_are_not_copied() {
        let mut wire = b"..a\r\n".repeat(1000);
        let small = wire.len();
        wire.extend_from_slice(&[b'x'; 5000]);
        wire.extend_from_slice(b"\r\n.\r\n");
        let mut input = BytesMut::from(&wire[..]);
        let start = input.as_ptr() as usize;
        let mut dots = DotUnstuffer::new(BareNewline::Reject);
        let (mut chunks, mut octets) = (0, 0);
        loop {
            match dots.next(&mut input) {
                Unstuffed::Chunk(chunk) => {
                    chunks += 1;
                    octets += chunk.len();
                    if chunk.len() > 5000 {
                        assert_eq!(chunk.as_ptr() as usize - start, small - 4, "from the last dot on");
                    }
                }
                Unstuffed::End => break,
                Unstuffed::NeedInput => panic!("it is all here"),
            }
        }
        assert_eq!(octets, 4 * 1000 + 5002);
        assert!(chunks <= 2, "{chunks}");
        assert!(input.is_empty());
    }

    #[test]
    fn debug_does_not_tell_what_is_held() {
        let mut dots = DotUnstuffer::new(BareNewline::Reject);
        let mut input = BytesMut::from(&b"..a\r\n."[..]);
        input.extend_from_slice(&[b'x'; 2000]);
        assert_eq!(dots.next(&mut input), Unstuffed::Chunk(Bytes::from_static(b".a\r\n")));
        assert!(dots.held.is_some());
        assert!(!alloc::format!("{dots:?}").contains("xxx"));
    }

    #[test]
    fn smuggling_forms_are_no_end() {
        for form in [
            "\n.\n",
            "\n.\r\n",
            "\r\n.\n",
            "\r.\r",
            "\r.\r\n",
            "\r.\n",
            "\n.\r",
            "\r\n.\r",
            "\r\n.\r\r\n",
            "\r\n\0.\r\n",
            "\r\n.\0\r\n",
        ] {
            let text = alloc::format!("a{form}b");
            assert_eq!(unstuff(&[text.as_bytes()], BareNewline::Reject).1, None, "{}", form.escape_debug());
        }
    }

    #[test]
    fn faults_say_where() {
        let (message, end, faults) = unstuff(&[b"ab\nc\rd\0e\r\n.\r\n"], BareNewline::Reject);
        assert_eq!((message.as_slice(), end), (&b""[..], Some(13)));
        assert_eq!(
            (faults.bare_lf, faults.bare_cr, faults.nul, faults.longest_line),
            (Some(2), Some(4), Some(6), 10)
        );
    }

    #[test]
    fn normalized() {
        let (message, end, _) = unstuff(&[b"a\nb\rc\n.\n\r\n.\r\n"], BareNewline::Normalize);
        assert_eq!(message, b"a\r\nb c\r\n.\r\n\r\n");
        assert_eq!(end, Some(13));
    }

    fn stuff(parts: &[&[u8]], policy: BareNewline) -> Result<Vec<u8>, BareNewlineError> {
        let (mut dots, mut output) = (DotStuffer::new(policy), Output::new(0));
        for part in parts {
            dots.push(Bytes::copy_from_slice(part), &mut output)?;
        }
        dots.finish(&mut output)?;
        let mut all = Vec::new();
        while let Some(octets) = output.pop() {
            all.extend_from_slice(&octets);
        }
        Ok(all)
    }

    #[test]
    fn a_dot_as_the_first_octet_is_stuffed() {
        assert_eq!(stuff(&[b".\r\n"], BareNewline::Reject).unwrap(), b"..\r\n.\r\n");
        assert_eq!(stuff(&[b""], BareNewline::Reject).unwrap(), b".\r\n");
    }

    #[test]
    fn a_body_cannot_end_itself() {
        // CR CRLF .CRLF: async-smtp 0.10.2 sends it as it is, and a lenient server runs what follows.
        let body = b"x\r\r\n.\r\nMAIL FROM:<evil>";
        assert_eq!(stuff(&[body], BareNewline::Reject), Err(BareNewlineError { at: 1 }));
        assert_eq!(stuff(&[body], BareNewline::Pass).unwrap(), b"x\r\r\n..\r\nMAIL FROM:<evil>\r\n.\r\n");
        assert_eq!(stuff(&[b"a\n.\nb"], BareNewline::Normalize).unwrap(), b"a\r\n..\r\nb\r\n.\r\n");
    }

    #[test]
    fn errors_say_where_across_chunks() {
        assert_eq!(stuff(&[b"ab\r", b"c"], BareNewline::Reject), Err(BareNewlineError { at: 2 }));
        assert_eq!(stuff(&[b"a\r\n.b", b"c\nd"], BareNewline::Reject), Err(BareNewlineError { at: 6 }));
        assert_eq!(stuff(&[b"ab\r"], BareNewline::Reject), Err(BareNewlineError { at: 2 }));
    }

    #[test]
    fn a_large_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![b'x'; 5000]);
        let mut output = Output::new(0);
        DotStuffer::new(BareNewline::Reject).push(chunk.clone(), &mut output).unwrap();
        assert_eq!(output.pop().unwrap().as_ptr(), chunk.as_ptr());
    }

    fn split<'a>(octets: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (octets.len() + 1)).collect();
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut from = 0;
        for cut in cuts {
            parts.push(&octets[from..cut]);
            from = cut;
        }
        parts.push(&octets[from..]);
        parts
    }

    proptest! {
        #[test]
        fn stuffing_and_unstuffing_is_the_identity(lines in prop::collection::vec("[.x]{0,4}", 0..8), cuts in prop::collection::vec(0usize..64, 0..6)) {
            let mut message = Vec::new();
            for line in lines {
                message.extend_from_slice(line.as_bytes());
                message.extend_from_slice(b"\r\n");
            }
            let wire = stuff(&split(&message, &cuts), BareNewline::Reject).unwrap();
            let (back, end, faults) = unstuff(&split(&wire, &cuts), BareNewline::Reject);
            prop_assert_eq!(back, message);
            prop_assert_eq!(end, Some(wire.len()));
            prop_assert!(!faults.any());
        }

        #[test]
        fn every_split_gives_the_same(text in "[.x\r\n\0]{0,30}", cuts in prop::collection::vec(0usize..30, 0..6), policy in 0..3) {
            let policy = [BareNewline::Reject, BareNewline::Normalize, BareNewline::Pass][usize::try_from(policy).unwrap()];
            let parts = split(text.as_bytes(), &cuts);
            let (whole, whole_end, whole_faults) = unstuff(&[text.as_bytes()], policy);
            let (split, split_end, split_faults) = unstuff(&parts, policy);
            prop_assert_eq!(whole_end, split_end);
            prop_assert_eq!(whole_faults, split_faults);
            if policy == BareNewline::Reject && whole_faults.any() {
                prop_assert!(oracle(text.as_bytes()).is_none_or(|(_, plain)| plain.starts_with(&split)));
            } else {
                prop_assert_eq!(&whole, &split);
            }
            prop_assert_eq!(stuff(&[text.as_bytes()], policy), stuff(&parts, policy));
        }

        #[test]
        fn whatever_is_stuffed_ends_once(text in "[.x\r\n]{0,30}", policy in 1..3) {
            let policy = [BareNewline::Reject, BareNewline::Normalize, BareNewline::Pass][usize::try_from(policy).unwrap()];
            let wire = stuff(&[text.as_bytes()], policy).unwrap();
            prop_assert_eq!(oracle(&wire).map(|(end, _)| end), Some(wire.len()));
        }
    }
}
