//! Lines, put together from what comes.

use crate::{Line, Speaker, shown};

/// Longer lines are shown up to here.
pub(crate) const LONGEST: usize = 1000;
/// So many lines of a message's header are shown.
const HEADER_LINES: usize = 40;

/// Octets up to the end of their line; of a long line only the first.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    line: Vec<u8>,
    octets: usize,
}

impl LineBuffer {
    /// Adds octets of one line, and gives the line when it is whole: its text without the line end, and how many octets it had.
    pub(crate) fn add(&mut self, piece: &[u8]) -> Option<(Vec<u8>, usize)> {
        self.octets += piece.len();
        let room = LONGEST.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        piece.ends_with(b"\n").then(|| {
            let mut line = std::mem::take(&mut self.line);
            line.truncate(line.trim_ascii_end().len());
            (line, std::mem::take(&mut self.octets))
        })
    }

    /// What has come of a line that has no end.
    pub(crate) fn finish(&mut self) -> Option<(Vec<u8>, usize)> {
        let line = std::mem::take(&mut self.line);
        (!line.is_empty()).then(|| (line, std::mem::take(&mut self.octets)))
    }
}

/// Of a message in a protocol that ends it by a dot.
pub(crate) const DOTS: &str = "a dot at the start of a line goes out as two (RFC 5321 section 4.5.2)";

/// A message on its way: its header is shown, the rest is counted.
#[derive(Debug)]
pub(crate) struct Body {
    who: Speaker,
    octets: usize,
    lines: usize,
    header_is_over: bool,
}

impl Body {
    pub(crate) fn new(who: Speaker) -> Self {
        Self { who, octets: 0, lines: 0, header_is_over: false }
    }

    /// A line of the message: shown in the header, counted after it.
    pub(crate) fn line(&mut self, line: &[u8], length: usize) -> Option<Line> {
        if !self.header_is_over {
            self.lines += 1;
            self.header_is_over = line.is_empty() || self.lines > HEADER_LINES;
            if !self.header_is_over {
                let text = format!("  {}", shown(&String::from_utf8_lossy(line)));
                return Some(Line { who: self.who, text, meaning: "" });
            }
        }
        self.octets += length;
        None
    }

    /// What was not shown, and a word on it.
    pub(crate) fn rest(&self, meaning: &'static str) -> Option<Line> {
        (self.octets > 0).then(|| Line {
            who: self.who,
            text: format!("  … and {} octets more", self.octets),
            meaning,
        })
    }
}
