//! Reading base64 (RFC 2045 section 6.8).

use super::Sink;

/// Not of the alphabet.
const OTHER: u8 = 0xff;
/// White space, which is skipped without a word.
const SPACE: u8 = 0xfe;
/// The padding character.
const PAD: u8 = 0xfd;

const TABLE: [u8; 256] = {
    let mut table = [OTHER; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut index = 0;
    while index < 64 {
        #[allow(clippy::cast_possible_truncation, reason = "index is under 64")]
        {
            table[alphabet[index] as usize] = index as u8;
        }
        index += 1;
    }
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b'=' as usize] = PAD;
    table
};

/// What was wrong with the base64, as the offset at which it was first seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// A character that is not of the alphabet; it was skipped.
    pub(crate) character: Option<usize>,
    /// The end is in the middle of a quantum, or something follows the padding.
    pub(crate) padding: Option<usize>,
}

/// The values of a character in each of the four places of a quantum, or [`BAD`].
const PLACES: [[u32; 256]; 4] = {
    let mut places = [[BAD; 256]; 4];
    let mut octet = 0;
    while octet < 256 {
        if TABLE[octet] < 64 {
            let value = TABLE[octet] as u32;
            places[0][octet] = value << 18;
            places[1][octet] = value << 12;
            places[2][octet] = value << 6;
            places[3][octet] = value;
        }
        octet += 1;
    }
    places
};

const BAD: u32 = 1 << 31;

/// The quantum of four characters.
#[inline]
const fn quantum(characters: [u8; 4]) -> u32 {
    PLACES[0][characters[0] as usize]
        | PLACES[1][characters[1] as usize]
        | PLACES[2][characters[2] as usize]
        | PLACES[3][characters[3] as usize]
}

/// Decodes the whole quanta at the start, also over the ends of lines, and says how many octets they take.
fn decode_quanta(encoded: &[u8], out: &mut impl Sink) -> usize {
    let mut at = 0;
    loop {
        at += decode_line(encoded.get(at..).unwrap_or_default(), out);
        match encoded.get(at..) {
            _ if out.is_full() => return at,
            Some([b'\r', b'\n', ..]) => at += 2,
            Some([b'\n', ..]) => at += 1,
            _ => return at,
        }
    }
}

#[allow(clippy::many_single_char_names, reason = "eight quanta in their order")]
fn decode_line(encoded: &[u8], out: &mut impl Sink) -> usize {
    let mut at = 0;
    // Eight quanta at a time are three words.
    while let Some(characters) = encoded.get(at..).and_then(|characters| characters.first_chunk::<32>()) {
        let quantum = |index: usize| {
            let from = index * 4;
            u64::from(quantum([
                characters[from],
                characters[from + 1],
                characters[from + 2],
                characters[from + 3],
            ]))
        };
        let [a, b, c, d] = [quantum(0), quantum(1), quantum(2), quantum(3)];
        let [e, f, g, h] = [quantum(4), quantum(5), quantum(6), quantum(7)];
        if (a | b | c | d | e | f | g | h) & u64::from(BAD) != 0 {
            break;
        }
        out.put(&(a << 40 | b << 16 | c >> 8).to_be_bytes());
        out.put(&(c << 56 | d << 32 | e << 8 | f >> 16).to_be_bytes());
        out.put(&(f << 48 | g << 24 | h).to_be_bytes());
        at += 32;
    }
    while let Some(&[a, b, c, d]) = encoded.get(at..at + 4) {
        let quantum = quantum([a, b, c, d]);
        if quantum & BAD != 0 {
            break;
        }
        out.put(&quantum.to_be_bytes()[1..]);
        at += 4;
    }
    at
}

/// Decodes what there is: characters that are not of the alphabet are skipped. What follows padding is decoded too if it
/// is base64 throughout; else it is no part of the data, such as the text that a mailing list adds at the end.
pub(crate) fn decode(encoded: &[u8], out: &mut impl Sink) -> Faults {
    out.expect(encoded.len() / 4 * 3 + 3);
    let mut faults = Faults::default();
    let mut quantum: u32 = 0;
    let mut filled = 0_u8;
    let mut goes_on = false; // what follows padding is base64
    let mut padded = 0_u8; // paddings seen since the last quantum that was cut short
    let mut at = 0;
    while at < encoded.len() {
        if filled == 0 && padded == 0 {
            at += decode_quanta(encoded.get(at..).unwrap_or_default(), out);
        }
        let Some(&octet) = encoded.get(at).filter(|_| !out.is_full()) else { break };
        match TABLE[usize::from(octet)] {
            SPACE => {}
            OTHER => {
                faults.character.get_or_insert(at);
            }
            PAD if filled == 0 && padded == 0 => {
                faults.padding.get_or_insert(at);
            }
            PAD => {
                if padded == 0 {
                    padded = 4 - filled;
                    flush(quantum, filled, out);
                    if filled == 1 {
                        faults.padding.get_or_insert(at);
                    }
                    (quantum, filled) = (0, 0);
                }
                padded = padded.saturating_sub(1);
                if padded == 0 {
                    padded = END;
                } else if padded == END - 1 {
                    faults.padding.get_or_insert(at); // more padding than is due
                    padded = END;
                }
            }
            value => {
                if padded != 0 {
                    faults.padding.get_or_insert(at);
                    if !goes_on {
                        if encoded.get(at..).is_some_and(|rest| !is_alphabet(rest)) {
                            return faults; // what somebody put behind the end
                        }
                        goes_on = true; // two texts in a row
                    }
                    padded = 0;
                }
                quantum = quantum << 6 | u32::from(value);
                filled += 1;
                if filled == 4 {
                    out.put(&quantum.to_be_bytes()[1..]);
                    (quantum, filled) = (0, 0);
                }
            }
        }
        at += 1;
    }
    if filled > 0 || (padded != 0 && padded != END) {
        faults.padding.get_or_insert(encoded.len());
    }
    flush(quantum, filled, out);
    faults
}

/// Whether there is nothing but base64 and white space.
fn is_alphabet(octets: &[u8]) -> bool {
    octets.iter().all(|&octet| TABLE[usize::from(octet)] != OTHER)
}

/// In place of the count of paddings: all that are due have been seen.
const END: u8 = 0x80;

/// The whole octets of a quantum that was cut short.
fn flush(quantum: u32, filled: u8, out: &mut impl Sink) {
    match filled {
        2 => out.put(&(quantum << 12).to_be_bytes()[1..2]),
        3 => out.put(&(quantum << 6).to_be_bytes()[1..3]),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn read(encoded: &str) -> (Vec<u8>, Faults) {
        let mut out = Vec::new();
        let faults = decode(encoded.as_bytes(), &mut out);
        (out, faults)
    }

    #[test]
    fn whole_and_cut_short() {
        assert_eq!(read("Zm9vYmFy"), (b"foobar".to_vec(), Faults::default()));
        assert_eq!(read("Zm9v\r\nYmE="), (b"fooba".to_vec(), Faults::default()));
        assert_eq!(read("Zm9vYg==\r\n"), (b"foob".to_vec(), Faults::default()));
        assert_eq!(read("Zm9vYg= =\r\n"), (b"foob".to_vec(), Faults::default()));
        assert_eq!(read("Zm9vYg").1.padding, Some(6));
        assert_eq!(read("Zm9vYg=").1.padding, Some(7));
        assert_eq!(read("Zm9vYg===").1.padding, Some(8));
        assert_eq!(read("Zm9vY").0, b"foo");
        assert_eq!(read("=").1.padding, Some(0));
    }

    #[test]
    fn junk_is_skipped_and_said() {
        let (out, faults) = read("Zm!9v\nYm\u{e9}Fy");
        assert_eq!(out, b"foobar");
        assert_eq!(faults, Faults { character: Some(2), padding: None });
    }

    #[test]
    fn data_behind_padding_goes_on() {
        let (out, faults) = read("Zm8=\r\nYmFy");
        assert_eq!(out, b"fobar");
        assert_eq!(faults.padding, Some(6));
        assert_eq!(read("Zm8=\r\nYmE=\r\nYmFy").0, b"fobabar");
    }

    #[test]
    fn text_behind_padding_is_left_out() {
        let (out, faults) = read("Zm8=\r\n_____\r\nlist mailing list\r\nlist@example.org\r\n");
        assert_eq!(out, b"fo");
        assert_eq!(faults, Faults { character: Some(6), padding: Some(13) });
    }
}
