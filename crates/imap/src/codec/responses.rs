//! What a server sends, in pieces.

use super::{Frame, FrameLimits, Framer, LiteralHeader, Verdict};
use crate::response::{FetchRowParser, Parsed, Response, ResponseOptions, RowProgress, StreamedBody};
use bytes::{Bytes, BytesMut};
use postroad_core::{ParseError, ParseErrorKind};

/// A response, or a piece of one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ResponsePart {
    /// A whole response, and what was repaired in it. A FETCH response whose bodies came in pieces before has them marked as such.
    Response(Parsed),
    /// A long section of a message in a FETCH response begins; its octets follow.
    Body {
        /// The sequence number of the message.
        number: u32,
        /// Its UID, if it stood before the section.
        uid: Option<u32>,
        /// Which section, and how many octets.
        body: StreamedBody,
    },
    /// Octets of the section.
    Chunk(Bytes),
}

/// Cuts responses out of what a server sends. Long sections of messages come in pieces; all other literals are within their response,
/// under the limits.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::codec::{FrameLimits, ResponseDecoder, ResponsePart};
/// use postroad_imap::response::{Response, ResponseOptions};
///
/// let mut decoder = ResponseDecoder::new(FrameLimits::default(), ResponseOptions::default());
/// decoder.stream_above(3);
/// let mut input = BytesMut::from("* 2 EXISTS\r\n* 1 FETCH (BODY[] {5}\r\nhello)\r\n");
/// assert!(matches!(decoder.next(&mut input), Some(Ok(ResponsePart::Response(parsed))) if matches!(parsed.response, Response::Exists(2))));
/// assert!(matches!(decoder.next(&mut input), Some(Ok(ResponsePart::Body { number: 1, .. }))));
/// assert!(matches!(decoder.next(&mut input), Some(Ok(ResponsePart::Chunk(chunk))) if chunk == "hello"));
/// assert!(matches!(decoder.next(&mut input), Some(Ok(ResponsePart::Response(parsed))) if matches!(parsed.response, Response::Fetch(_))));
/// ```
#[derive(Debug)]
pub struct ResponseDecoder {
    framer: Framer,
    limits: FrameLimits,
    options: ResponseOptions,
    stream_above: u64,
    row: Option<Row>,
}

/// A FETCH response of which a section is streamed.
#[derive(Debug)]
struct Row {
    parser: FetchRowParser,
    left: u64,
}

impl ResponseDecoder {
    /// A decoder with these limits, that reads responses so. Sections of over 65,536 octets, or over the limit of a literal if that is
    /// less, come in pieces.
    pub fn new(limits: FrameLimits, options: ResponseOptions) -> Self {
        let stream_above = limits.literal.min(65_536);
        Self { framer: Framer::of_responses(), limits, options, stream_above, row: None }
    }

    /// Sections of messages of over so many octets come in pieces, and smaller ones within their response.
    pub fn stream_above(&mut self, octets: u64) {
        self.stream_above = octets;
    }

    /// Other limits, from the next octet on.
    pub fn set_limits(&mut self, limits: FrameLimits) {
        self.limits = limits;
    }

    /// How responses are read: ENABLE changes it.
    pub fn options_mut(&mut self) -> &mut ResponseOptions {
        &mut self.options
    }

    /// Forgets all state: for a new beginning under TLS.
    pub fn reset(&mut self) {
        self.framer.reset();
        self.row = None;
    }

    /// The next piece, or what was wrong with a response, of which no more comes; `None`: more octets are needed. `input` must begin where
    /// the last call left it.
    pub fn next(&mut self, input: &mut BytesMut) -> Option<Result<ResponsePart, ParseError>> {
        if let Some(row) = self.row.as_mut().filter(|row| row.left > 0) {
            let here = usize::try_from(row.left).unwrap_or(usize::MAX).min(input.len());
            row.left -= here as u64;
            return (here > 0).then(|| Ok(ResponsePart::Chunk(input.split_to(here).freeze())));
        }
        let within_row = self.row.is_some();
        let stream_above = self.stream_above;
        let frame = self.framer.next(input, &self.limits, |head, literal| {
            literal_of_response(head, literal, within_row, stream_above)
        });
        match frame {
            Frame::NeedInput | Frame::Continue => None,
            Frame::Refused { why, .. } => {
                self.row = None;
                Some(Err(why.into()))
            }
            Frame::Whole(unit) => Some(match self.row.take() {
                None => Response::parse(&unit, &self.options).map(ResponsePart::Response),
                Some(mut row) => match row.parser.push(&unit) {
                    Ok(RowProgress::Done { row, repairs }) => {
                        Ok(ResponsePart::Response(Parsed { response: Response::Fetch(*row), repairs }))
                    }
                    Ok(RowProgress::Body(_)) => {
                        Err(ParseError::new(ParseErrorKind::Missing("a literal"), 0, &unit))
                    }
                    Err(error) => Err(error),
                },
            }),
            Frame::Stream { head, literal } => Some(self.stream(&head, literal)),
        }
    }

    /// The head of a row up to a section, or of what follows an earlier section.
    fn stream(&mut self, head: &Bytes, literal: LiteralHeader) -> Result<ResponsePart, ParseError> {
        let row = self.row.take();
        let mut parser =
            row.map_or_else(|| FetchRowParser::new(&self.options, self.limits.unit), |row| row.parser);
        let error = match parser.push(head) {
            Ok(RowProgress::Body(body)) if body.len == literal.len => {
                let (number, uid) = (parser.number(), parser.uid());
                self.row = Some(Row { parser, left: literal.len });
                return Ok(ResponsePart::Body { number, uid, body });
            }
            Ok(_) => ParseError::new(ParseErrorKind::Expected("a section before a literal"), 0, head),
            Err(error) => error,
        };
        self.framer.skip_literal(literal.len);
        Err(error)
    }
}

/// What becomes of a literal of a response, told from the octets before it; `within_row`: they stand behind a streamed literal of a row.
///
/// Only sections of messages are streamed. A header or name that is as long is read with its response, or refused.
pub(crate) fn literal_of_response(
    head: &[u8],
    literal: &LiteralHeader,
    within_row: bool,
    stream_above: u64,
) -> Verdict {
    if !within_row && is_free_text(head) {
        return Verdict::Text;
    }
    if literal.len <= stream_above {
        return Verdict::Inline;
    }
    let is_section =
        if within_row { FetchRowParser::may_stream_next(head) } else { FetchRowParser::may_stream(head) };
    if is_section { Verdict::Stream } else { Verdict::Inline }
}

/// Whether the octets begin a response that ends in text for people, which has no literals: a status response, or a continuation request.
pub(crate) fn is_free_text(head: &[u8]) -> bool {
    let Some(rest) = head.strip_prefix(b"* ") else { return true };
    let name = rest.split(|octet| *octet == b' ').next().unwrap_or_default();
    ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}
