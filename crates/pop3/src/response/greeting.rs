use super::StatusLine;
use core::fmt;

/// The line with which a server begins (RFC 1939 section 4).
///
/// ```
/// use postroad_pop3::response::{Greeting, StatusLine};
///
/// let line = StatusLine::parse(b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>")?;
/// let greeting = Greeting::new(line).unwrap();
/// assert_eq!(greeting.timestamp(), Some("<1896.697170952@dbc.mtview.ca.us>"));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting(StatusLine);

impl Greeting {
    /// The greeting that `line` is; `None` if it says `-ERR`.
    pub fn new(line: StatusLine) -> Option<Self> {
        line.is_ok().then_some(Self(line))
    }

    /// The text, for people.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    /// The timestamp by which the server offers APOP (RFC 1939 section 7), with its angle brackets.
    pub fn timestamp(&self) -> Option<&str> {
        let text = self.0.text();
        let from = text.find('<')?;
        let to = text[from..].find('>')? + from;
        let timestamp = &text[from..=to];
        timestamp.bytes().all(|octet| octet.is_ascii_graphic()).then_some(timestamp)
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_a_msg_id_without_spaces() {
        let timestamp = |text: &str| {
            let line = StatusLine::parse(format!("+OK {text}").as_bytes()).unwrap();
            Greeting::new(line).unwrap().timestamp().map(str::to_owned)
        };
        assert_eq!(timestamp("ready"), None);
        assert_eq!(timestamp("ready <a b>"), None);
        assert_eq!(timestamp("ready > <1@x"), None);
        assert_eq!(timestamp("ready <1@x> go").as_deref(), Some("<1@x>"));
        assert_eq!(Greeting::new(StatusLine::err(None, "full")), None);
    }
}
