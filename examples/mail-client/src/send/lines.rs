//! Line ends as SMTP wants them (RFC 5321 section 2.3.8).

use memchr::memchr2;

/// Makes every line end CRLF, whichever it was, in a text that comes in blocks.
#[derive(Debug, Default)]
pub(crate) struct Crlf {
    /// The block before ended in CR, for which CRLF was written: an LF now belongs to it.
    after_cr: bool,
    /// A line has begun and not ended.
    in_line: bool,
}

impl Crlf {
    /// The next block.
    pub(crate) fn next(&mut self, mut block: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(block.len() + block.len() / 32 + 2);
        if self.after_cr && block.first() == Some(&b'\n') {
            block = &block[1..];
            self.after_cr = false;
        }
        while let Some(at) = memchr2(b'\r', b'\n', block) {
            out.extend_from_slice(&block[..at]);
            out.extend_from_slice(b"\r\n");
            let is_cr = block[at] == b'\r';
            block = &block[at + 1..];
            if is_cr && block.first() == Some(&b'\n') {
                block = &block[1..];
            } else {
                self.after_cr = is_cr && block.is_empty();
            }
            self.in_line = false;
        }
        if !block.is_empty() {
            out.extend_from_slice(block);
            (self.after_cr, self.in_line) = (false, true);
        }
        out
    }

    /// Ends the last line, if that is still to be done.
    pub(crate) fn finish(&mut self) -> Option<&'static [u8]> {
        std::mem::take(&mut self.in_line).then_some(b"\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_line_end_in_any_blocks() {
        let text = b"a\nb\r\nc\rd\n\n\r\r\n\r\n.\ne";
        let canonical = b"a\r\nb\r\nc\r\nd\r\n\r\n\r\n\r\n\r\n.\r\ne\r\n";
        for size in 1..=text.len() {
            let mut lines = Crlf::default();
            let mut out: Vec<u8> = text.chunks(size).flat_map(|block| lines.next(block)).collect();
            out.extend_from_slice(lines.finish().unwrap_or_default());
            assert_eq!(
                out.escape_ascii().to_string(),
                canonical.escape_ascii().to_string(),
                "blocks of {size}"
            );
            let mut again = Crlf::default();
            assert_eq!(again.next(canonical), canonical);
            assert_eq!(again.finish(), None);
        }
    }
}
