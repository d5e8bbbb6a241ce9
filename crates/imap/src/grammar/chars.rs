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

/// The number that the digits at the beginning of `octets` are, and how many digits it has: eight at a time. With over 19 digits it may
/// be wrong.
#[inline]
pub(crate) fn digits(octets: &[u8]) -> (u64, usize) {
    const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const LOW: u64 = !HIGH;
    /// What makes the highest bit of an octet of 10 and more.
    const OVER_NINE: u64 = u64::from_ne_bytes([0x76; 8]);
    let (mut number, mut len) = (0_u64, 0);
    while let Some(word) = octets.get(len..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word) ^ ZEROS;
        let others = (((word & LOW) + OVER_NINE) | word) & HIGH;
        let found = others.trailing_zeros() / 8;
        if found == 0 {
            return (number, len);
        }
        // Zeros come before the digits, then neighbours are joined: to pairs, and these to fours, and these to eight.
        let word = word << (64 - 8 * found);
        let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
        let fours = (pairs & 0xff_0000_00ff).wrapping_mul((1_000_000 << 32) + 100);
        let eight =
            fours.wrapping_add(((pairs >> 16) & 0xff_0000_00ff).wrapping_mul((10_000 << 32) + 1)) >> 32;
        number = number.wrapping_mul(POWERS[found as usize]).wrapping_add(eight);
        len += found as usize;
        if found < 8 {
            return (number, len);
        }
    }
    for octet in octets.get(len..).unwrap_or_default() {
        let digit = octet.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
        len += 1;
    }
    (number, len)
}

const POWERS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The most digits with which [`digits`] is right.
pub(crate) const DIGITS: usize = 19;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_of_any_length_with_anything_behind() {
        for text in
            ["", "0", "7", "1234567", "12345678", "123456789", "9999999999999999999", "00000000000000000012"]
        {
            for behind in ["", " ", ",1", ")", "/", ":", "x1234567", "\u{ff}0000000", "\u{80}"] {
                let (number, len) = digits(format!("{text}{behind}").as_bytes());
                assert_eq!((number, len), (text.parse().unwrap_or(0), text.len()), "{text}{behind}");
            }
        }
    }

    proptest! {
        #[test]
        fn digits_are_what_the_standard_library_reads(number in any::<u64>(), behind in any::<Vec<u8>>()) {
            let number = number / 2;
            let end = behind.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(behind.len());
            prop_assume!(number.to_string().len() + end <= DIGITS);
            let text = [number.to_string().as_bytes(), &behind].concat();
            let (read, len) = digits(&text);
            let whole = core::str::from_utf8(&text[..len]).unwrap();
            prop_assert_eq!(read, whole.parse::<u64>().unwrap());
            prop_assert!(!text.get(len).is_some_and(u8::is_ascii_digit));
        }
    }
}
