//! Text of others on a terminal, and what is told in spite of a terminal that has gone.

use std::io::{self, Write as _};

use conversation::{Line, Speaker, shown};

/// A line on standard output. Whoever closed it does not want it.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A line on standard error, with the name of the program.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "mail-client: {line}");
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
    fn causes_are_told_once() {
        let inner = anyhow::anyhow!("the disk\n is full");
        let error = anyhow::anyhow!("it cannot be written: {inner}");
        assert_eq!(told(&inner.context(error)), "it cannot be written: the disk\\n is full");
        let outer = anyhow::anyhow!("b").context("a");
        assert_eq!(told(&outer), "a: b");
    }
}
