//! The file names of a Maildir.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::error::{InvalidReason, InvalidValue};

/// A flag in the name of a file in `cur`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MaildirFlag {
    /// `D`
    Draft,
    /// `F`
    Flagged,
    /// `P`: forwarded, bounced or sent again.
    Passed,
    /// `R`
    Replied,
    /// `S`
    Seen,
    /// `T`: to be removed.
    Trashed,
    /// A small letter, with which programs mean keywords of their own.
    Keyword(char),
}

impl MaildirFlag {
    const fn letter(self) -> char {
        match self {
            Self::Draft => 'D',
            Self::Flagged => 'F',
            Self::Passed => 'P',
            Self::Replied => 'R',
            Self::Seen => 'S',
            Self::Trashed => 'T',
            Self::Keyword(letter) => letter,
        }
    }

    const fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'D' => Self::Draft,
            'F' => Self::Flagged,
            'P' => Self::Passed,
            'R' => Self::Replied,
            'S' => Self::Seen,
            'T' => Self::Trashed,
            'a'..='z' => Self::Keyword(letter),
            _ => return None,
        })
    }
}

/// The name of a file in `new` or `cur` of a Maildir: a unique part, and flags. The files themselves are the caller's, who
/// has the file system.
///
/// ```
/// use postroad_message::{MaildirFlag, MaildirName};
/// let name: MaildirName = "1795392000.M1P2.mail.hamburger.edu,S=1234:2,RS".parse()?;
/// assert_eq!(name.unique(), "1795392000.M1P2.mail.hamburger.edu,S=1234");
/// assert_eq!((name.size(), name.timestamp()), (Some(1234), Some(1_795_392_000)));
/// assert!(name.has(MaildirFlag::Seen));
/// let flagged = name.with(MaildirFlag::Flagged);
/// assert_eq!(flagged.to_string(), "1795392000.M1P2.mail.hamburger.edu,S=1234:2,FRS");
/// assert_eq!(flagged.without(MaildirFlag::Seen).to_string(), "1795392000.M1P2.mail.hamburger.edu,S=1234:2,FR");
/// # Ok::<(), postroad_message::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MaildirName {
    unique: String,
    flags: Vec<MaildirFlag>,
    has_info: bool,
}

impl MaildirName {
    /// A name of its unique part: not empty, without controls, `/` and `:`, and not beginning with a dot.
    pub fn new(unique: &str) -> Result<Self, InvalidValue> {
        let invalid = |reason, at| Err(InvalidValue::new("Maildir name", reason, at));
        if unique.is_empty() {
            return invalid(InvalidReason::Empty, 0);
        }
        if unique.starts_with('.') {
            return invalid(InvalidReason::Character, 0);
        }
        if let Some(at) = unique.find(|c: char| c.is_control() || matches!(c, '/' | ':')) {
            return invalid(InvalidReason::Character, at);
        }
        Ok(Self { unique: unique.to_string(), flags: Vec::new(), has_info: false })
    }

    /// The part in front of the flags, which never changes.
    pub fn unique(&self) -> &str {
        &self.unique
    }

    /// The flags in the order of their letters.
    pub fn flags(&self) -> &[MaildirFlag] {
        &self.flags
    }

    /// Whether it has this flag.
    pub fn has(&self, flag: MaildirFlag) -> bool {
        self.flags.contains(&flag)
    }

    /// With this flag, as a name in `cur`.
    #[must_use]
    pub fn with(mut self, flag: MaildirFlag) -> Self {
        self.has_info = true;
        if let Err(at) = self.flags.binary_search_by_key(&flag.letter(), |flag| flag.letter()) {
            self.flags.insert(at, flag);
        }
        self
    }

    /// Without this flag, as a name in `cur`.
    #[must_use]
    pub fn without(mut self, flag: MaildirFlag) -> Self {
        self.has_info = true;
        self.flags.retain(|&other| other != flag);
        self
    }

    /// When the message came: the number in front, in seconds from 1970.
    pub fn timestamp(&self) -> Option<i64> {
        self.unique.split('.').next()?.parse().ok()
    }

    /// The size of the file, which many write as `,S=`.
    pub fn size(&self) -> Option<u64> {
        self.unique.split(',').skip(1).find_map(|part| part.strip_prefix("S=")?.parse().ok())
    }
}

impl fmt::Display for MaildirName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unique)?;
        if self.has_info {
            f.write_str(":2,")?;
            for flag in &self.flags {
                write!(f, "{}", flag.letter())?;
            }
        }
        Ok(())
    }
}

impl FromStr for MaildirName {
    type Err = InvalidValue;

    /// Flags that are not known are left out.
    fn from_str(name: &str) -> Result<Self, InvalidValue> {
        let (unique, info) = match name.split_once(':') {
            Some((unique, info)) => (unique, Some(info)),
            None => (name, None),
        };
        let mut parsed = Self::new(unique)?;
        if let Some(info) = info {
            let letters = info.strip_prefix("2,").unwrap_or_default();
            for flag in letters.chars().filter_map(MaildirFlag::of) {
                parsed = parsed.with(flag);
            }
            parsed.has_info = true;
        }
        Ok(parsed)
    }
}
