//! The octets to send: a composed message, or a file that is sent as it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;

use super::lines::Crlf;

/// So much is read at once.
const BLOCK: usize = 64 * 1024;

trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// A message as it goes over the line, but for the dots of SMTP: every line ends in CRLF, the last one too.
pub(crate) struct Content {
    source: Box<dyn Source>,
    lines: Crlf,
    is_at_end: bool,
    /// Its octets in all.
    pub size: u64,
    /// Whether octets over 127 are in it.
    pub eight_bit: bool,
}

impl Content {
    /// A message that is in memory.
    pub(crate) fn of_octets(octets: Bytes) -> Result<Self> {
        Self::survey(Box::new(Cursor::new(octets)))
    }

    /// A message in a file, which is read twice, first for its size, and never held whole. `-` is standard input, which cannot be read
    /// twice and is held whole.
    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            let mut octets = Vec::new();
            io::stdin().lock().read_to_end(&mut octets).context("standard input")?;
            return Self::of_octets(octets.into());
        }
        let survey = || Self::survey(Box::new(File::open(path)?));
        survey().with_context(|| path.display().to_string())
    }

    fn survey(source: Box<dyn Source>) -> Result<Self> {
        let mut content =
            Self { source, lines: Crlf::default(), is_at_end: false, size: 0, eight_bit: false };
        while let Some(block) = content.read()? {
            content.size += block.len() as u64;
            content.eight_bit |= !block.is_ascii();
        }
        content.source.seek(SeekFrom::Start(0)).context("it cannot be read twice")?;
        (content.lines, content.is_at_end) = (Crlf::default(), false);
        Ok(content)
    }

    /// The next octets; `None` at the end.
    pub(crate) fn read(&mut self) -> Result<Option<Bytes>> {
        if self.is_at_end {
            return Ok(None);
        }
        let mut block = Vec::with_capacity(BLOCK);
        self.source.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            self.is_at_end = true;
            return Ok(self.lines.finish().map(Bytes::from_static));
        }
        Ok(Some(self.lines.next(&block).into()))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("size", &self.size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &mut Content) -> Vec<u8> {
        std::iter::from_fn(|| content.read().unwrap()).flatten().collect()
    }

    #[test]
    fn the_size_is_that_of_what_is_sent() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = "인생의 의미를 찾아서\n";
        std::fs::write(file.path(), line.repeat(10_000)).unwrap();
        let mut content = Content::of_file(file.path()).unwrap();
        assert!(content.eight_bit);
        let sent = all(&mut content);
        assert_eq!(sent.len() as u64, content.size);
        assert_eq!(sent, line.replace('\n', "\r\n").repeat(10_000).as_bytes());
    }

    #[test]
    fn an_unfinished_line_is_finished_and_an_empty_message_stays_empty() {
        let mut content = Content::of_octets(Bytes::from_static(b"Subject: x\n\ny")).unwrap();
        assert_eq!((content.size, content.eight_bit), (17, false));
        assert_eq!(all(&mut content), b"Subject: x\r\n\r\ny\r\n");
        assert_eq!(all(&mut Content::of_octets(Bytes::new()).unwrap()), b"");
    }
}
