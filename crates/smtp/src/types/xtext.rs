use core::fmt::{self, Write};
use postroad_core::{ParseError, ParseErrorKind};

/// xtext (RFC 3461 section 4): octets in a form in which they can stand in a parameter, `+` and two hexadecimal digits for the
/// others.
///
/// [`Display`](fmt::Display) encodes; [`decode`](Self::decode) decodes.
///
/// ```
/// use postroad_smtp::types::Xtext;
///
/// assert_eq!(Xtext(b"e=mc2@example.com").to_string(), "e+3Dmc2@example.com");
/// assert_eq!(Xtext::decode(b"e+3Dmc2@example.com")?, b"e=mc2@example.com");
/// # Ok::<(), postroad_smtp::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xtext<'a>(pub &'a [u8]);

impl Xtext<'_> {
    /// The octets that `text` encodes. They can be any: whoever puts them on a line checks them first.
    ///
    /// # Errors
    ///
    /// An octet that cannot stand in xtext, or a `+` without two hexadecimal digits in upper case.
    pub fn decode(text: &[u8]) -> Result<Vec<u8>, ParseError> {
        let fail = |what, at| Err(ParseError::new(ParseErrorKind::Expected(what), at, text));
        let digit = |octet: Option<&u8>| match octet {
            Some(octet @ b'0'..=b'9') => Some(octet - b'0'),
            Some(octet @ b'A'..=b'F') => Some(octet - b'A' + 10),
            _ => None,
        };
        let mut plain = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(octet) = text.get(at) {
            match octet {
                b'+' => match (digit(text.get(at + 1)), digit(text.get(at + 2))) {
                    (Some(high), Some(low)) => {
                        plain.push(high << 4 | low);
                        at += 2;
                    }
                    _ => return fail("two hexadecimal digits", at + 1),
                },
                b'=' => return fail("xtext", at),
                b'!'..=b'~' => plain.push(*octet),
                _ => return fail("xtext", at),
            }
            at += 1;
        }
        Ok(plain)
    }
}

impl fmt::Display for Xtext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for octet in self.0 {
            match octet {
                b'+' | b'=' => write!(f, "+{octet:02X}")?,
                b'!'..=b'~' => f.write_char(char::from(*octet))?,
                _ => write!(f, "+{octet:02X}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_xtext() {
        for bad in ["a b", "a=b", "+", "+A", "+ag", "+a0", "é", "a\r"] {
            assert!(Xtext::decode(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn decode_is_the_inverse_of_encode(octets: Vec<u8>) {
            let text = Xtext(&octets).to_string();
            prop_assert!(text.bytes().all(|octet| octet.is_ascii_graphic()));
            prop_assert_eq!(Xtext::decode(text.as_bytes()).unwrap(), octets);
        }
    }
}
