//! The names of mailboxes (RFC 9051 section 5.1): UTF-8, levels divided by `/`.

use crate::store::StoreError;

/// What divides the levels of a name.
pub(crate) const DELIMITER: char = '/';
/// The octets of a name at most.
pub(crate) const MAX_NAME: usize = 500;
/// The levels of a name at most.
pub(crate) const MAX_DEPTH: usize = 20;

/// Checks a name; INBOX as the first level, in either case, becomes `INBOX`.
pub(crate) fn canonical_name(name: &str) -> Result<String, StoreError> {
    if name.is_empty() {
        return Err(StoreError::Invalid("a mailbox name cannot be empty"));
    }
    if name.len() > MAX_NAME {
        return Err(StoreError::Invalid("the mailbox name is too long"));
    }
    // U+2028 and U+2029 end a line for some (RFC 9051 section 5.1).
    if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(StoreError::Invalid("a mailbox name cannot have control characters"));
    }
    if name.split(DELIMITER).any(str::is_empty) {
        return Err(StoreError::Invalid("a level of a mailbox name cannot be empty"));
    }
    if name.split(DELIMITER).count() > MAX_DEPTH {
        return Err(StoreError::Invalid("the mailbox name has too many levels"));
    }
    let (first, rest) = name.split_at(name.find(DELIMITER).unwrap_or(name.len()));
    let first = if first.eq_ignore_ascii_case("INBOX") { "INBOX" } else { first };
    Ok(format!("{first}{rest}"))
}

/// The names above a name, the highest first.
pub(super) fn parents(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices(DELIMITER).map(|(at, _)| &name[..at])
}

/// The order of a list: INBOX first, then level by level.
pub(super) fn compare(left: &str, right: &str) -> std::cmp::Ordering {
    let key = |name: &str| name != "INBOX" && !name.starts_with("INBOX/");
    key(left).cmp(&key(right)).then_with(|| left.split(DELIMITER).cmp(right.split(DELIMITER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, canonical) in [
            ("inbox", "INBOX"),
            ("InBox/Sub", "INBOX/Sub"),
            ("inboxes", "inboxes"),
            ("a/inbox", "a/inbox"),
            ("보낸 편지함", "보낸 편지함"),
            ("Entwürfe/Großes", "Entwürfe/Großes"),
            (".", "."),
        ] {
            assert_eq!(canonical_name(name).unwrap(), canonical);
        }
        let deep = ["x"; MAX_DEPTH + 1].join("/");
        let long = "x".repeat(MAX_NAME + 1);
        assert!(canonical_name(&deep[2..]).is_ok() && canonical_name(&long[1..]).is_ok());
        for bad in
            ["", "/", "/a", "a/", "a//b", "a\0", "a\r\nb", "\u{7f}", "\u{85}", "\u{2028}", &deep, &long]
        {
            assert!(matches!(canonical_name(bad), Err(StoreError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn parents_and_order() {
        assert_eq!(parents("a/b/c").collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(parents("a").count(), 0);
        let mut names = vec!["b", "a b", "a/z", "INBOX/x", "a", "A", "INBOX"];
        names.sort_by(|left, right| compare(left, right));
        assert_eq!(names, ["INBOX", "INBOX/x", "A", "a", "a/z", "a b", "b"]);
    }
}
