//! Flags: the system flags as bits, the keywords as text.

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};
use std::sync::Arc;

use crate::store::StoreError;

/// The octets of one keyword at most.
pub(crate) const MAX_KEYWORD: usize = 100;
/// The keywords of one message at most.
pub(crate) const MAX_MESSAGE_KEYWORDS: usize = 50;
/// The different keywords in one mailbox at most.
pub(crate) const MAX_MAILBOX_KEYWORDS: usize = 200;

/// The system flags that are stored (RFC 9051 section 2.3.2), as a set.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct SystemFlags(u8);

impl SystemFlags {
    /// `\Seen`
    pub(crate) const SEEN: Self = Self(1);
    /// `\Answered`
    pub(crate) const ANSWERED: Self = Self(2);
    /// `\Flagged`
    pub(crate) const FLAGGED: Self = Self(4);
    /// `\Deleted`
    pub(crate) const DELETED: Self = Self(8);
    /// `\Draft`
    pub(crate) const DRAFT: Self = Self(16);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::SEEN, "\\Seen"),
        (Self::DRAFT, "\\Draft"),
    ];

    /// The flag with this name, in either case; none for a keyword and for what is not a system flag that is stored.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        found.map(|(flag, _)| *flag)
    }

    /// True when all of `other` are set.
    pub(crate) fn contains(self, other: Self) -> bool {
        self & other == other
    }

    /// The names of those that are set.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }

    pub(in crate::store) fn bits(self) -> u8 {
        self.0
    }

    pub(in crate::store) fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }
}

impl BitOr for SystemFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for SystemFlags {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for SystemFlags {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0 & 31)
    }
}

impl fmt::Debug for SystemFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// The flags of one message. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// Those with a backslash.
    pub(crate) system: SystemFlags,
    /// Sorted without regard to case, a space between two; none when there is no keyword.
    keywords: Option<Arc<str>>,
}

impl Flags {
    /// System flags and no keyword.
    pub(crate) fn system(system: SystemFlags) -> Self {
        Self { system, keywords: None }
    }

    /// From names as they stand in STORE and APPEND. A keyword counts once, whatever its case (the first spelling stays).
    ///
    /// Fails with [`StoreError::Invalid`] on a name that is neither a stored system flag nor a keyword, and with
    /// [`StoreError::Limit`] over [`MAX_KEYWORD`] and [`MAX_MESSAGE_KEYWORDS`]. `\Recent` is not stored: leave it out.
    pub(crate) fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, StoreError> {
        let mut system = SystemFlags::default();
        let mut keywords = Vec::new();
        for name in names {
            if let Some(flag) = SystemFlags::named(name) {
                system = system | flag;
                continue;
            }
            check_keyword(name)?;
            insert(&mut keywords, name);
            if keywords.len() > MAX_MESSAGE_KEYWORDS {
                return Err(StoreError::Limit("a message has too many keywords"));
            }
        }
        Ok(Self { system, keywords: join(&keywords) })
    }

    /// The keywords, sorted without regard to case.
    pub(crate) fn keywords(&self) -> impl Iterator<Item = &str> {
        self.keywords.as_deref().into_iter().flat_map(|text| text.split(' '))
    }

    /// True when it has this keyword, in either case.
    pub(crate) fn has_keyword(&self, keyword: &str) -> bool {
        self.keywords().any(|own| own.eq_ignore_ascii_case(keyword))
    }

    /// The names of all flags: the system flags, then the keywords.
    pub(crate) fn names<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        self.system.names().map(|name| -> &'a str { name }).chain(self.keywords())
    }

    /// The keywords as they are stored.
    pub(in crate::store) fn keyword_text(&self) -> &str {
        self.keywords.as_deref().unwrap_or("")
    }

    /// With each keyword as `spell` spells it; those that it does not know stay.
    pub(super) fn respelled<'a>(&'a self, spell: impl Fn(&'a str) -> Option<&'a str>) -> Self {
        let Some(text) = self.keywords.as_deref() else { return self.clone() };
        let spelled: Vec<&str> = text.split(' ').map(|keyword| spell(keyword).unwrap_or(keyword)).collect();
        Self { system: self.system, keywords: join(&spelled) }
    }

    fn with(&self, other: &Self) -> Result<Self, StoreError> {
        let system = self.system | other.system;
        if other.keywords.is_none() {
            return Ok(Self { system, keywords: self.keywords.clone() });
        }
        let mut keywords: Vec<&str> = self.keywords().collect();
        for keyword in other.keywords() {
            insert(&mut keywords, keyword);
        }
        if keywords.len() > MAX_MESSAGE_KEYWORDS {
            return Err(StoreError::Limit("a message has too many keywords"));
        }
        Ok(Self { system, keywords: join(&keywords) })
    }

    fn without(&self, other: &Self) -> Self {
        let system = self.system & !other.system;
        if other.keywords.is_none() || self.keywords.is_none() {
            return Self { system, keywords: self.keywords.clone() };
        }
        let keywords: Vec<&str> = self.keywords().filter(|keyword| !other.has_keyword(keyword)).collect();
        Self { system, keywords: join(&keywords) }
    }
}

/// Makes flags of stored ones; messages that follow each other with the same keywords share them.
#[derive(Debug, Default)]
pub(super) struct StoredKeywords(Option<Arc<str>>);

impl StoredKeywords {
    pub(super) fn flags(&mut self, bits: u8, keywords: &str) -> Flags {
        if keywords.is_empty() {
            return Flags::system(SystemFlags::from_bits(bits));
        }
        if self.0.as_deref() != Some(keywords) {
            self.0 = Some(Arc::from(keywords));
        }
        Flags { system: SystemFlags::from_bits(bits), keywords: self.0.clone() }
    }
}

/// What STORE does with the flags of a message (RFC 9051 section 6.4.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FlagsChange {
    /// `FLAGS`: these and no others.
    Replace(Flags),
    /// `+FLAGS`: these too.
    Add(Flags),
    /// `-FLAGS`: not these.
    Remove(Flags),
}

impl FlagsChange {
    pub(super) fn flags(&self) -> &Flags {
        match self {
            Self::Replace(flags) | Self::Add(flags) | Self::Remove(flags) => flags,
        }
    }

    pub(super) fn apply(&self, old: &Flags) -> Result<Flags, StoreError> {
        match self {
            Self::Replace(flags) => Ok(flags.clone()),
            Self::Add(flags) => old.with(flags),
            Self::Remove(flags) => Ok(old.without(flags)),
        }
    }
}

/// A `flag-keyword` is an atom (RFC 9051 section 9).
fn check_keyword(name: &str) -> Result<(), StoreError> {
    if name.starts_with('\\') {
        return Err(StoreError::Invalid("there is no such system flag"));
    }
    let atom = |c: u8| c.is_ascii_graphic() && !br#"(){%*"\]"#.contains(&c);
    if name.is_empty() || !name.bytes().all(atom) {
        return Err(StoreError::Invalid("a keyword has a character that it cannot have"));
    }
    if name.len() > MAX_KEYWORD {
        return Err(StoreError::Limit("a keyword is too long"));
    }
    Ok(())
}

fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    left.bytes().map(|c| c.to_ascii_lowercase()).cmp(right.bytes().map(|c| c.to_ascii_lowercase()))
}

/// Puts a keyword where it belongs, unless it is there.
fn insert<'a>(keywords: &mut Vec<&'a str>, keyword: &'a str) {
    if let Err(index) = keywords.binary_search_by(|known| compare(known, keyword)) {
        keywords.insert(index, keyword);
    }
}

fn join(keywords: &[&str]) -> Option<Arc<str>> {
    (!keywords.is_empty()).then(|| Arc::from(keywords.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(names: &str) -> Flags {
        Flags::from_names(names.split_whitespace()).unwrap()
    }

    #[test]
    fn names_become_flags_and_names_again() {
        let given = flags("\\seen $Label2 \\FLAGGED nonjunk $label2 $Forwarded");
        assert_eq!(given.system, SystemFlags::SEEN | SystemFlags::FLAGGED);
        assert_eq!(
            given.names().collect::<Vec<_>>(),
            ["\\Flagged", "\\Seen", "$Forwarded", "$Label2", "nonjunk"]
        );
        assert!(given.has_keyword("NONJUNK") && !given.has_keyword("junk"));
        let mut stored = StoredKeywords::default();
        assert_eq!(stored.flags(given.system.bits(), given.keyword_text()), given);
        assert_eq!(stored.flags(255, "").names().count(), 5);
    }

    #[test]
    fn changes() {
        let old = flags("\\Seen a b");
        let apply = |change: FlagsChange| change.apply(&old).unwrap();
        assert_eq!(apply(FlagsChange::Add(flags("\\Deleted C A"))), flags("\\Seen \\Deleted a b C"));
        assert_eq!(apply(FlagsChange::Remove(flags("\\Seen \\Draft B z"))), flags("a"));
        assert_eq!(apply(FlagsChange::Remove(flags("a b"))), flags("\\Seen"));
        assert_eq!(apply(FlagsChange::Replace(flags("x"))), flags("x"));
    }

    #[test]
    fn bad_flags_are_refused() {
        for bad in ["", "\\Recent", "\\Unknown", "a b", "a(b", "a%", "a*", "a\"", "a]", "a{", "é", "a\u{7f}"]
        {
            assert!(matches!(Flags::from_names([bad]), Err(StoreError::Invalid(_))), "{bad:?}");
        }
        let long = "x".repeat(MAX_KEYWORD + 1);
        assert!(Flags::from_names([&long[1..]]).is_ok());
        assert!(matches!(Flags::from_names([long.as_str()]), Err(StoreError::Limit(_))));
        let many: Vec<String> = (0..=MAX_MESSAGE_KEYWORDS).map(|number| format!("k{number}")).collect();
        assert!(Flags::from_names(many[1..].iter().map(String::as_str)).is_ok());
        assert!(matches!(Flags::from_names(many.iter().map(String::as_str)), Err(StoreError::Limit(_))));
        let full = Flags::from_names(many[1..].iter().map(String::as_str)).unwrap();
        assert!(matches!(FlagsChange::Add(flags("one-more")).apply(&full), Err(StoreError::Limit(_))));
    }
}
