//! Text of others on a terminal, and what is told in spite of a terminal that has gone.

use std::io::{self, Write as _};

use conversation::{Line, Speaker, shown};
use indicatif::{ProgressBar, ProgressStyle};
use unicode_width::UnicodeWidthChar;

/// A line on standard output. Whoever closed it does not want it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A line on standard error, with the name of the program.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "mail-client: {line}");
}

/// From so many octets on a transfer has a progress bar.
const LONG: u64 = 1 << 20;

/// Shown on a terminal, for long transfers, unless the conversation is shown.
pub(crate) fn progress_bar(size: u64, is_traced: bool) -> ProgressBar {
    if size < LONG || is_traced {
        return ProgressBar::hidden();
    }
    // On a standard error that is no terminal it draws nothing.
    let style =
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
    let bar = ProgressBar::new(size);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// The text, made safe, in exactly so many columns, cut off where it is longer.
pub(crate) fn columns(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for character in shown(text).chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide > width {
            while used + 1 > width && !out.is_empty() {
                used -= out.pop().and_then(UnicodeWidthChar::width).unwrap_or(0);
            }
            out.push('…');
            used += 1;
            break;
        }
        out.push(character);
        used += wide;
    }
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// Text of several lines, made safe line by line.
pub(crate) fn safe_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split('\n') {
        out.push_str(&shown(line.strip_suffix('\r').unwrap_or(line)));
        out.push('\n');
    }
    out
}

/// A line of a conversation, on standard error.
pub(crate) fn tell(line: Line) {
    let Line { who, text, meaning } = line;
    let who = match who {
        Speaker::Client => 'C',
        Speaker::Server => 'S',
        Speaker::Nobody => '-',
    };
    let mut to = io::stderr().lock();
    let _ = match meaning {
        "" => writeln!(to, "{who} {text}"),
        _ => writeln!(to, "{who} {text:<54}  # {meaning}"),
    };
}

/// An error and what caused it, each told once: some say their cause in their own words.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut all = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !all.ends_with(&text) {
            all.push_str(if all.is_empty() { "" } else { ": " });
            all.push_str(&text);
        }
    }
    shown(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_they_say() {
        assert_eq!(columns("abc", 5), "abc  ");
        assert_eq!(columns("abcdef", 5), "abcd…");
        assert_eq!(columns("카페 메뉴", 5), "카페…");
        assert_eq!(columns("카페카", 4), "카… ");
        assert_eq!(columns("a\x1b[2J", 20).trim_end(), "a\\u{1b}[2J");
        assert_eq!(columns("xy", 1), "…");
    }

    #[test]
    fn causes_are_told_once() {
        let inner = anyhow::anyhow!("the disk\n is full");
        let error = anyhow::anyhow!("it cannot be written: {inner}");
        assert_eq!(told(&inner.context(error)), "it cannot be written: the disk\\n is full");
        let outer = anyhow::anyhow!("b").context("a");
        assert_eq!(told(&outer), "a: b");
    }
}
