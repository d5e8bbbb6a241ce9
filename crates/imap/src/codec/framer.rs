//! Units, cut out of a buffer under limits: lines with their literals.

use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use memchr::{memchr, memchr2, memrchr};
use postroad_core::{ParseError, ParseErrorKind};

/// How many octets of a refused unit are kept, so that its tag can be found.
const HEAD: usize = 128;

/// What stands before a literal: `{n}`, `{n+}` or `~{n}` at the end of a line (RFC 9051 section 4.3, RFC 7888, RFC 3516).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiteralHeader {
    /// How many octets the literal has. A number that does not fit is `u64::MAX`, which no limit allows.
    pub len: u64,
    /// `{n}`: the client waits for a continuation request before it sends the octets. False for `{n+}`.
    pub synchronizing: bool,
    /// `~{n}`: a literal8, whose octets may be NUL.
    pub binary: bool,
}

impl LiteralHeader {
    /// The header at the end of `line`, which has no CRLF, unless it is inside a quoted string. `line` begins after the octets of the
    /// last literal, or where the unit begins.
    fn at_end(line: &[u8]) -> Option<Self> {
        if line.last() != Some(&b'}') {
            return None;
        }
        let open = memrchr(b'{', line)?;
        let mut scan = HeaderScan::default();
        scan.feed(line.get(open..)?);
        let (len, synchronizing) = scan.header()?;
        let before = line.get(..open)?;
        (!is_inside_quotes(before)).then(|| Self { len, synchronizing, binary: before.last() == Some(&b'~') })
    }
}

/// Whether a quoted string is open at the end of `text` (RFC 9051 section 9, quoted).
fn is_inside_quotes(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let Some(open) = memchr(b'"', rest) else { return false };
        rest = &rest[open + 1..];
        loop {
            let Some(found) = memchr2(b'"', b'\\', rest) else { return true };
            if rest[found] == b'"' {
                rest = &rest[found + 1..];
                break;
            }
            // The octet behind a backslash is that octet; a backslash at the very end leaves the string open all the same.
            rest = rest.get(found + 2..).unwrap_or_default();
        }
    }
}

/// A literal header at the end of what was fed, in whatever pieces it came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct HeaderScan {
    form: Form,
    len: u64,
    synchronizing: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    #[default]
    None,
    Open,
    Digits,
    Plus,
    Closed,
    /// A CR came behind the header: only LF may follow.
    Cr,
}

impl HeaderScan {
    fn feed(&mut self, octets: &[u8]) {
        let mut rest = octets;
        if let Some(open) = memrchr(b'{', octets) {
            *self = Self { form: Form::Open, len: 0, synchronizing: true };
            rest = octets.get(open + 1..).unwrap_or_default();
        }
        for octet in rest {
            self.form = match (self.form, octet) {
                (Form::None, _) => return,
                (Form::Open | Form::Digits, b'0'..=b'9') => {
                    self.len = self.len.saturating_mul(10).saturating_add(u64::from(octet - b'0'));
                    Form::Digits
                }
                (Form::Digits, b'+') => {
                    self.synchronizing = false;
                    Form::Plus
                }
                (Form::Digits | Form::Plus, b'}') => Form::Closed,
                (Form::Closed, b'\r') => Form::Cr,
                _ => Form::None,
            };
        }
    }

    /// Length, and whether it is synchronizing.
    fn header(self) -> Option<(u64, bool)> {
        matches!(self.form, Form::Closed | Form::Cr).then_some((self.len, self.synchronizing))
    }
}

/// What becomes of a literal, decided from the octets before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It becomes part of the unit, if it is within the limits.
    Inline,
    /// The caller takes its octets from the input itself: [`Frame::Stream`]. No limit applies.
    Stream,
    /// It is not taken: [`Frame::Refused`].
    Refuse,
    /// It is no literal, but free text that looks like one, as in the text of a response (RFC 9051 section 9, resp-text).
    Text,
}

/// Limits of units, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLimits {
    /// Of a line, its CRLF included. After the octets of a literal a new line begins.
    pub line: usize,
    /// Of a unit: all its lines and inline literals, CRLFs included. It is what one connection can make a framer hold.
    pub unit: usize,
    /// Of one inline literal.
    pub literal: u64,
}

impl FrameLimits {
    /// The same limit for all, where only memory counts.
    pub const fn of(limit: usize) -> Self {
        Self { line: limit, unit: limit, literal: limit as u64 }
    }
}

impl Default for FrameLimits {
    /// 65,536 octets for all. RFC 9051 section 4 asks of a server for at least 8,192 a command.
    fn default() -> Self {
        Self::of(65_536)
    }
}

/// What [`Framer::next`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Frame {
    /// No whole unit yet.
    NeedInput,
    /// A unit, its literals in place, without its last CRLF.
    Whole(Bytes),
    /// A synchronizing literal was found to be [inline](Verdict::Inline): the server sends a continuation request, and goes on.
    Continue,
    /// The unit up to and with a literal header, without the CRLF behind it, which is consumed. The octets of the literal are next in
    /// the input, and the caller takes them. What [`Framer::next`] gives behind them is the rest of the unit, as a unit.
    Stream {
        /// The unit so far, `{n}` included.
        head: Bytes,
        /// The header at its end.
        literal: LiteralHeader,
    },
    /// The unit is not taken. It is answered once; its remains are dropped by the framer as they come.
    Refused {
        /// The first octets of the unit, at most 128: enough to find the tag. Empty if they are not known.
        head: Bytes,
        /// Why.
        why: Refusal,
    },
}

/// Why a unit was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A line of it is longer than the limit, in octets.
    LineTooLong {
        /// [`FrameLimits::line`].
        limit: usize,
    },
    /// It is longer than the limit, in octets, or would be with the literal that was announced.
    UnitTooLong {
        /// [`FrameLimits::unit`].
        limit: usize,
    },
    /// A literal is longer than the limit, in octets.
    LiteralTooLong {
        /// Its header.
        literal: LiteralHeader,
        /// [`FrameLimits::literal`].
        limit: u64,
    },
    /// The policy said [`Verdict::Refuse`] to this literal.
    Literal(LiteralHeader),
    /// LF without CR, at this octet of the unit.
    BareLf {
        /// Octet offset.
        at: usize,
    },
    /// CR without LF, at this octet of the unit.
    BareCr {
        /// Octet offset.
        at: usize,
    },
    /// NUL outside a literal, at this octet of the unit.
    Nul {
        /// Octet offset.
        at: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { limit } => write!(f, "line longer than {limit} octets"),
            Self::UnitTooLong { limit } => write!(f, "longer than {limit} octets with its literals"),
            Self::LiteralTooLong { literal, limit } => {
                write!(f, "literal of {} octets, longer than {limit}", literal.len)
            }
            Self::Literal(literal) => write!(f, "literal of {} octets not taken here", literal.len),
            Self::BareLf { at } => write!(f, "LF without CR at octet {at}"),
            Self::BareCr { at } => write!(f, "CR without LF at octet {at}"),
            Self::Nul { at } => write!(f, "NUL at octet {at}"),
        }
    }
}

impl core::error::Error for Refusal {}

impl From<Refusal> for ParseError {
    fn from(refusal: Refusal) -> Self {
        let (kind, at) = match refusal {
            Refusal::LineTooLong { limit } => (ParseErrorKind::TooLong { what: "a line", limit }, limit),
            Refusal::UnitTooLong { limit } => {
                (ParseErrorKind::TooLong { what: "a line with its literals", limit }, limit)
            }
            Refusal::LiteralTooLong { limit, .. } => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                (ParseErrorKind::TooLong { what: "a literal", limit }, 0)
            }
            Refusal::Literal(_) => (ParseErrorKind::Expected("no literal"), 0),
            Refusal::BareLf { at } => (ParseErrorKind::Forbidden(b'\n'), at),
            Refusal::BareCr { at } => (ParseErrorKind::Forbidden(b'\r'), at),
            Refusal::Nul { at } => (ParseErrorKind::Forbidden(0), at),
        };
        Self::new(kind, at, &[])
    }
}

/// Cuts units out of a buffer (RFC 9051 sections 2.2 and 4.3). Knows no grammar but quoted strings, remembers how far it has scanned,
/// and leaves the octets where they are until a unit is whole.
///
/// - Only CRLF ends a line. A bare LF, a bare CR or a NUL outside a literal makes the unit a [refused](Frame::Refused) one, which
///   reaches to the next CRLF: what stands behind a bare LF is never taken for a command. Each further LF within the dropped part is
///   told too, so that a peer that ends all its lines so gets an answer to each.
/// - `{n}` inside a quoted string is text.
/// - A refused *synchronizing* literal is not read: the client, answered NO or BAD instead of `+`, does not send it (RFC 9051 section
///   4.3). A refused *non-synchronizing* literal is on its way already, so it is dropped with the rest of its unit and the
///   non-synchronizing literals in that; none of it is taken for a command. So it is with the literals of a unit that is refused for
///   another reason; there even quoted strings do not count, for to drop too much is less bad than to run data as a command.
///   [Responses](Self::of_responses) differ: their literals are all on their way.
/// - At most [`FrameLimits::unit`] octets and one read are held, and no octet of a dropped unit.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use postroad_imap::codec::{Frame, FrameLimits, Framer, Verdict};
///
/// let mut framer = Framer::new();
/// let limits = FrameLimits::default();
/// let mut input = BytesMut::from("a LOGIN {3}\r\n");
/// assert_eq!(framer.next(&mut input, &limits, |_, _| Verdict::Inline), Frame::Continue);
/// assert_eq!(framer.next(&mut input, &limits, |_, _| Verdict::Inline), Frame::NeedInput);
/// input.extend_from_slice(b"bob secret\r\nb NOOP\r\n");
/// let login = Bytes::from("a LOGIN {3}\r\nbob secret");
/// assert_eq!(framer.next(&mut input, &limits, |_, _| Verdict::Inline), Frame::Whole(login));
/// assert_eq!(framer.next(&mut input, &limits, |_, _| Verdict::Inline), Frame::Whole(Bytes::from("b NOOP")));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Framer {
    /// Where the present line of the unit begins: after the last inline literal.
    line: usize,
    /// How far lines were scanned; beyond the input while an inline literal is not whole.
    scanned: usize,
    /// The first fault in the present line.
    fault: Option<Refusal>,
    skip: Skip,
    dropped: u64,
    of_responses: bool,
}

/// What is left of a refused unit.
#[derive(Debug, Clone, Default)]
enum Skip {
    /// Nothing: a unit is being read.
    #[default]
    No,
    /// The octets of a literal, then a line.
    Octets(u64),
    /// A line.
    Line(SkipLine),
}

#[derive(Debug, Clone, Default)]
struct SkipLine {
    header: HeaderScan,
    after_cr: bool,
    /// Octets since the last bare LF.
    at: usize,
    /// The first of them; `None` before the first bare LF, for their unit was answered.
    head: Option<Vec<u8>>,
}

impl SkipLine {
    /// Behind a bare LF: what comes is told again if it ends so too.
    fn told() -> Self {
        Self { head: Some(Vec::new()), ..Self::default() }
    }

    fn pass(&mut self, octets: &[u8]) {
        if let Some(head) = &mut self.head {
            let room = HEAD.saturating_sub(head.len()).min(octets.len());
            head.extend_from_slice(octets.get(..room).unwrap_or_default());
        }
        self.header.feed(octets);
        self.at = self.at.saturating_add(octets.len());
        if let Some(last) = octets.last() {
            self.after_cr = *last == b'\r';
        }
    }
}

impl Framer {
    /// A framer of commands, at the beginning of one.
    pub fn new() -> Self {
        Self::default()
    }

    /// A framer of responses, at the beginning of one. A server asks nobody before it sends a literal: `{n}` is followed by its octets,
    /// there is no [`Frame::Continue`], and what is refused is dropped, not left unsent.
    pub fn of_responses() -> Self {
        Self { of_responses: true, ..Self::default() }
    }

    /// Forgets all state but what it is a framer of.
    fn begin(&mut self, skip: Skip) {
        *self = Self { skip, of_responses: self.of_responses, ..Self::default() };
    }

    /// Whether the octets of a literal come unasked.
    fn follows(&self, synchronizing: bool) -> bool {
        self.of_responses || !synchronizing
    }

    /// How many octets of the present refused unit were dropped so far: a session that has seen too many says goodbye.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether the remains of a refused unit are being dropped.
    pub fn is_dropping(&self) -> bool {
        !matches!(self.skip, Skip::No)
    }

    /// Whether an inline literal has been announced whose octets are not all here.
    pub fn is_within_literal(&self, input: &BytesMut) -> bool {
        self.scanned > input.len()
    }

    /// Forgets all state: for a new beginning after TLS.
    pub fn reset(&mut self) {
        self.begin(Skip::No);
    }

    /// Drops `len` octets of a literal and what follows it in its unit: for a [streamed](Frame::Stream) literal that the application
    /// does not want, or no longer, when its octets will come all the same. Call between units.
    pub fn skip_literal(&mut self, len: u64) {
        self.begin(Skip::Octets(len));
    }

    /// Drops the rest of a unit, whose last literal was streamed to its end.
    pub fn skip_rest(&mut self) {
        self.begin(Skip::Line(SkipLine::default()));
    }

    /// The next unit.
    ///
    /// `input` must begin where the last call left it; octets are only ever appended to it, except for those of a
    /// [streamed](Frame::Stream) literal, which the caller takes. At a literal header `policy` is asked, with the octets of the unit up to
    /// and with the header; it should look at their beginning or their end and not parse them all, for it is asked once for every
    /// literal. It must say the same for the same octets.
    pub fn next(
        &mut self,
        input: &mut BytesMut,
        limits: &FrameLimits,
        mut policy: impl FnMut(&[u8], &LiteralHeader) -> Verdict,
    ) -> Frame {
        let dropping = self.is_dropping();
        if let Some(frame) = dropping.then(|| self.drop_refused(input)).flatten() {
            return frame;
        }
        loop {
            if input.len() < self.scanned {
                return Frame::NeedInput; // an inline literal is not whole
            }
            let (room, too_long) = self.room(limits);
            let from = self.scanned;
            let Some(found) = memchr(b'\n', &input[from..]) else {
                self.note_controls(input, from, input.len());
                self.scanned = input.len();
                if input.len() - self.line > room {
                    return self.refuse_line(input, self.line.saturating_add(room), too_long);
                }
                return Frame::NeedInput;
            };
            let lf = from + found;
            if lf - self.line >= room {
                return self.refuse_line(input, self.line.saturating_add(room), too_long);
            }
            let ends_in_crlf = lf > self.line && input[lf - 1] == b'\r';
            // The CR of the line end is passed over, unless it stands where another was the last octet scanned.
            let is_clean = ends_in_crlf
                && from < lf
                && (from == self.line || input[from - 1] != b'\r')
                && memchr2(b'\r', 0, &input[from..lf - 1]).is_none();
            if !is_clean {
                self.note_controls(input, from, lf);
            }
            let fault = self.fault.take();
            if !ends_in_crlf {
                // No literal header stands before a bare LF, so what is here of the line can go.
                let frame = refused(input, lf, fault.unwrap_or(Refusal::BareLf { at: lf }));
                input.advance(lf + 1);
                self.begin(Skip::Line(SkipLine::told()));
                return frame;
            }
            if let Some(fault) = fault {
                return self.refuse_line(input, lf - 1, fault);
            }
            let end = lf + 1;
            let Some(literal) = LiteralHeader::at_end(&input[self.line..lf - 1]) else {
                return self.whole(input, end);
            };
            let verdict = policy(&input[..lf - 1], &literal);
            let why = match verdict {
                Verdict::Text => return self.whole(input, end),
                Verdict::Stream => {
                    self.begin(Skip::No);
                    let mut head = input.split_to(end).freeze();
                    head.truncate(end - 2);
                    return Frame::Stream { head, literal };
                }
                Verdict::Refuse => Refusal::Literal(literal),
                Verdict::Inline if literal.len > limits.literal => {
                    Refusal::LiteralTooLong { literal, limit: limits.literal }
                }
                Verdict::Inline => match next_line(end, literal.len, limits.unit) {
                    Some(line) => {
                        self.line = line;
                        self.scanned = line;
                        if !self.follows(literal.synchronizing) {
                            return Frame::Continue;
                        }
                        continue;
                    }
                    None => Refusal::UnitTooLong { limit: limits.unit },
                },
            };
            let frame = refused(input, end - 2, why);
            input.advance(end);
            self.begin(if self.follows(literal.synchronizing) {
                Skip::Octets(literal.len)
            } else {
                Skip::No
            });
            return frame;
        }
    }

    /// How many octets the present line may have, and what it is if it has more.
    fn room(&self, limits: &FrameLimits) -> (usize, Refusal) {
        let left = limits.unit.saturating_sub(self.line);
        if left < limits.line {
            (left, Refusal::UnitTooLong { limit: limits.unit })
        } else {
            (limits.line, Refusal::LineTooLong { limit: limits.line })
        }
    }

    /// Remembers the first NUL or bare CR in `input[from..to]`; the octet before `from` was scanned by an earlier call.
    fn note_controls(&mut self, input: &[u8], from: usize, to: usize) {
        if self.fault.is_some() {
            return;
        }
        // A CR as the last octet before LF (or before the end of what is here) is not bare, or not yet.
        if from > self.line && from < to && input[from - 1] == b'\r' {
            self.fault = Some(Refusal::BareCr { at: from - 1 });
            return;
        }
        let mut start = from;
        while let Some(found) = memchr2(b'\r', 0, &input[start..to]) {
            let at = start + found;
            if input[at] == 0 {
                self.fault = Some(Refusal::Nul { at });
                return;
            }
            if at + 1 < to {
                self.fault = Some(Refusal::BareCr { at });
                return;
            }
            start = at + 1;
        }
    }

    fn whole(&mut self, input: &mut BytesMut, end: usize) -> Frame {
        // Nothing is being skipped.
        (self.line, self.scanned, self.dropped) = (0, 0, 0);
        let mut unit = input.split_to(end).freeze();
        unit.truncate(end - 2);
        Frame::Whole(unit)
    }

    /// Refuses the unit. The present line is dropped from its beginning, so that a literal header at its end is seen.
    fn refuse_line(&mut self, input: &mut BytesMut, known: usize, why: Refusal) -> Frame {
        let frame = refused(input, known, why);
        input.advance(self.line);
        self.skip_rest();
        frame
    }

    /// Drops what is here of a refused unit. `None`: it is gone.
    #[cold]
    fn drop_refused(&mut self, input: &mut BytesMut) -> Option<Frame> {
        loop {
            match &mut self.skip {
                Skip::No => return None,
                Skip::Octets(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    input.advance(here);
                    self.dropped = self.dropped.saturating_add(here as u64);
                    *left -= here as u64;
                    if *left > 0 {
                        return Some(Frame::NeedInput);
                    }
                    self.skip = Skip::Line(SkipLine::default());
                }
                Skip::Line(line) => {
                    let Some(lf) = memchr(b'\n', input) else {
                        line.pass(input);
                        self.dropped = self.dropped.saturating_add(input.len() as u64);
                        input.clear();
                        return Some(Frame::NeedInput);
                    };
                    line.pass(&input[..lf]);
                    input.advance(lf + 1);
                    self.dropped = self.dropped.saturating_add(lf as u64 + 1);
                    if !line.after_cr {
                        let head = Bytes::from(line.head.take().unwrap_or_default());
                        let why = Refusal::BareLf { at: line.at };
                        *line = SkipLine::told();
                        return Some(Frame::Refused { head, why });
                    }
                    match line.header.header() {
                        Some((len, synchronizing)) if self.of_responses || !synchronizing => {
                            self.skip = Skip::Octets(len);
                        }
                        _ => self.begin(Skip::No),
                    }
                }
            }
        }
    }
}

/// Where the line behind a literal begins, if it can end within `limit`.
fn next_line(end: usize, len: u64, limit: usize) -> Option<usize> {
    let line = end.checked_add(usize::try_from(len).ok()?)?;
    (line.checked_add(2)? <= limit).then_some(line)
}

/// `known`: how many octets of the unit are certain to be here, however it was split.
fn refused(input: &BytesMut, known: usize, why: Refusal) -> Frame {
    let head = &input[..known.min(HEAD).min(input.len())];
    Frame::Refused { head: Bytes::copy_from_slice(head), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &str) -> Option<(u64, bool, bool)> {
        LiteralHeader::at_end(line.as_bytes()).map(|header| (header.len, header.synchronizing, header.binary))
    }

    #[test]
    fn literal_headers() {
        assert_eq!(header("a LOGIN {11}"), Some((11, true, false)));
        assert_eq!(header("a LOGIN {11+}"), Some((11, false, false)));
        assert_eq!(header("a APPEND x ~{0}"), Some((0, true, true)));
        assert_eq!(header("a APPEND x ~{0+}"), Some((0, false, true)));
        assert_eq!(header("{007}"), Some((7, true, false)));
        assert_eq!(header("{99999999999999999999}"), Some((u64::MAX, true, false)));
        for text in [
            "", "}", "{}", "{+}", "{1", "{1}x", "{1 }", "{-1}", "{1++}", "{+1}", "{1-}", "{a}", "1}", "{1}}",
            "{1+ }",
        ] {
            assert_eq!(header(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_inside_quotes_is_text() {
        assert_eq!(header(r#"a LOGIN "x {3}"#), None);
        assert_eq!(header(r#"a LOGIN "x" {3}"#), Some((3, true, false)));
        assert_eq!(header(r#"a LOGIN "x\\" {3}"#), Some((3, true, false)));
        assert_eq!(header(r#"a LOGIN "x\" {3}"#), None);
        assert_eq!(header(r#"a LOGIN "x\"" {3}"#), Some((3, true, false)));
        assert_eq!(header(r"a STORE 1 (\Seen \) {3}"), Some((3, true, false)), "no quotes, no escapes");
    }

    #[test]
    fn headers_are_found_in_any_pieces() {
        let line = b"x {1} ~{12345+}\r";
        for cut in 0..=line.len() {
            let mut scan = HeaderScan::default();
            scan.feed(&line[..cut]);
            scan.feed(&line[cut..]);
            assert_eq!(scan.header(), Some((12345, false)), "cut at {cut}");
        }
    }
}
