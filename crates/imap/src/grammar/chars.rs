//! Which octet may stand where (RFC 9051 section 9): one table, a bit for each class.

/// ATOM-CHAR.
pub(crate) const ATOM: u8 = 1;
/// ASTRING-CHAR: ATOM-CHAR and `]`.
pub(crate) const ASTRING: u8 = 2;
/// What a tag is made of: ASTRING-CHAR but `+`.
pub(crate) const TAG: u8 = 4;
/// list-char: ASTRING-CHAR and the wildcards.
pub(crate) const LIST: u8 = 8;
/// What stands in a quoted string as itself: TEXT-CHAR but `"` and `\`.
pub(crate) const QUOTED: u8 = 16;

/// What keywords are made of: letters, digits, `.`, `-`, `_` and `+`.
pub(crate) const KEYWORD: u8 = 32;

const TABLE: [u8; 256] = table();

const fn table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut character: u8 = 1;
    while character < 128 {
        let mut classes = 0;
        if !matches!(character, b'\r' | b'\n' | b'"' | b'\\') {
            classes |= QUOTED;
        }
        if character.is_ascii_alphanumeric() || matches!(character, b'.' | b'-' | b'_' | b'+') {
            classes |= KEYWORD;
        }
        if character > b' ' && character < 0x7f {
            if !matches!(character, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']') {
                classes |= ATOM | ASTRING | TAG | LIST;
            }
            if character == b']' {
                classes |= ASTRING | TAG | LIST;
            }
            if character == b'+' {
                classes &= !TAG;
            }
            if matches!(character, b'%' | b'*') {
                classes |= LIST;
            }
        }
        table[character as usize] = classes;
        character += 1;
    }
    table
}

/// Whether `octet` is of `class`.
pub(crate) fn is(octet: u8, class: u8) -> bool {
    TABLE[usize::from(octet)] & class != 0
}

/// How many octets at the beginning of `octets` are of `class`.
pub(crate) fn run(octets: &[u8], class: u8) -> usize {
    octets.iter().position(|&octet| !is(octet, class)).unwrap_or(octets.len())
}

/// Whether `octets` are one or more, all of `class`.
pub(crate) fn all(octets: &[u8], class: u8) -> bool {
    !octets.is_empty() && run(octets, class) == octets.len()
}
