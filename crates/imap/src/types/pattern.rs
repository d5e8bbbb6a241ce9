use super::{MailboxName, utf7};
use core::fmt;
use postroad_core::{ParseError, ParseErrorKind};
use std::borrow::Cow;

/// A mailbox name with wildcards (RFC 9051 section 6.3.9): `*` stands for any characters, `%` for any but the hierarchy delimiter.
///
/// ```
/// use postroad_imap::types::{ListPattern, MailboxName};
///
/// let pattern = ListPattern::new("Lists/%")?;
/// assert!(pattern.matches(&MailboxName::new("Lists/rust")?, Some('/')));
/// assert!(!pattern.matches(&MailboxName::new("Lists/rust/2026")?, Some('/')));
/// # Ok::<(), postroad_core::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ListPattern(Box<str>);

impl ListPattern {
    /// A pattern in Unicode.
    ///
    /// # Errors
    ///
    /// It has a NUL, CR or LF.
    pub fn new(pattern: impl Into<Box<str>>) -> Result<Self, ParseError> {
        let pattern = pattern.into();
        match pattern.bytes().position(|octet| matches!(octet, 0 | b'\r' | b'\n')) {
            Some(at) => {
                let octets = pattern.as_bytes();
                Err(ParseError::new(ParseErrorKind::Forbidden(octets[at]), at, octets))
            }
            None => Ok(Self(pattern)),
        }
    }

    /// Reads a pattern as it stood on the wire, quotes undone. `utf8`: the ends agreed on UTF-8.
    ///
    /// # Errors
    ///
    /// As [`MailboxName::from_wire`].
    pub fn from_wire(octets: &[u8], utf8: bool) -> Result<Self, ParseError> {
        if utf8 {
            match core::str::from_utf8(octets) {
                Ok(pattern) => Self::new(pattern),
                Err(error) => {
                    Err(ParseError::new(ParseErrorKind::Expected("UTF-8"), error.valid_up_to(), octets))
                }
            }
        } else {
            Self::new(utf7::decode(octets)?)
        }
    }

    /// The pattern for the wire, not yet quoted.
    pub fn to_wire(&self, utf8: bool) -> Cow<'_, [u8]> {
        if utf8 { Cow::Borrowed(self.0.as_bytes()) } else { utf7::encode(&self.0) }
    }

    /// The pattern in Unicode.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches `name`. Without a delimiter `%` is as `*`. `INBOX` is matched in any case.
    ///
    /// The time is at most the square of the name's length, whatever the pattern.
    pub fn matches(&self, name: &MailboxName, delimiter: Option<char>) -> bool {
        if &*self.0 == "*" {
            return true;
        }
        let inbox = name.is_inbox();
        let mut pattern = Vec::new();
        let (mut literal, length) = (0, name.as_str().chars().count());
        for character in self.0.chars() {
            match (pattern.last(), character) {
                (Some('*'), '*' | '%') | (Some('%'), '%') => continue,
                (Some('%'), '*') => {
                    pattern.pop();
                }
                (_, '*' | '%') => {}
                _ => literal += 1,
            }
            if literal > length {
                return false;
            }
            pattern.push(character);
        }
        // reached[i]: the first i elements of the pattern match what was read of the name.
        let mut reached = vec![false; pattern.len() + 1];
        let mut next = reached.clone();
        reached[0] = true;
        pass_wildcards(&pattern, &mut reached);
        for character in name.as_str().chars() {
            next.fill(false);
            for (at, &element) in pattern.iter().enumerate() {
                if !reached[at] {
                    continue;
                }
                match element {
                    '*' => next[at] = true,
                    '%' => next[at] |= delimiter != Some(character),
                    _ if element == character || (inbox && element.eq_ignore_ascii_case(&character)) => {
                        next[at + 1] = true;
                    }
                    _ => {}
                }
            }
            pass_wildcards(&pattern, &mut next);
            core::mem::swap(&mut reached, &mut next);
        }
        reached.last() == Some(&true)
    }
}

/// A wildcard may stand for nothing.
fn pass_wildcards(pattern: &[char], reached: &mut [bool]) {
    for (at, element) in pattern.iter().enumerate() {
        if reached[at] && matches!(element, '*' | '%') {
            reached[at + 1] = true;
        }
    }
}

impl core::str::FromStr for ListPattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text)
    }
}

impl fmt::Display for ListPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ListPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListPattern({:?})", &*self.0)
    }
}
