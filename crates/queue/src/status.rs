//! Status codes (RFC 3463).

use crate::StatusError;
use std::fmt;
use std::str::FromStr;

/// `class.subject.detail` (RFC 3463 section 2): what happened, for machines.
///
/// The class is 2 (success), 4 (persistent transient failure) or 5 (permanent failure); the others are up to 999.
///
/// ```
/// use postroad_queue::Status;
///
/// let status: Status = "5.1.1".parse()?;
/// assert!(status.is_permanent());
/// assert_eq!(status.to_string(), "5.1.1");
/// assert!("5.01.1".parse::<Status>().is_err());
/// # Ok::<(), postroad_queue::StatusError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status {
    class: u8,
    subject: u16,
    detail: u16,
}

impl Status {
    /// 4.0.0: a transient failure of which no more is known.
    pub const TRANSIENT: Self = Self { class: 4, subject: 0, detail: 0 };
    /// 5.0.0: a permanent failure of which no more is known.
    pub const PERMANENT: Self = Self { class: 5, subject: 0, detail: 0 };
    /// 4.4.7: the message was too long in the queue (delivery time expired).
    pub const EXPIRED: Self = Self { class: 4, subject: 4, detail: 7 };

    /// A status code of its three numbers.
    ///
    /// # Errors
    ///
    /// When the class is none of 2, 4 and 5, or another number is above 999.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Result<Self, StatusError> {
        if !matches!(class, 2 | 4 | 5) || subject > 999 || detail > 999 {
            return Err(StatusError);
        }
        Ok(Self { class, subject, detail })
    }

    /// For this crate's own tables.
    pub(crate) const fn of(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// The status code that a reply begins with (RFC 2034 section 4), if it has one of the same class as the reply code.
    pub fn in_reply(code: u16, text: &str) -> Option<Self> {
        let first = text.split_ascii_whitespace().next()?;
        let status: Self = first.parse().ok()?;
        (u16::from(status.class) == code / 100).then_some(status)
    }

    /// 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 addressing, 2 mailbox, 3 mail system, 4 network and routing, 5 protocol, 6 content, 7 security or policy.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The precise condition within the subject.
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// Whether trying again is of no use.
    pub const fn is_permanent(self) -> bool {
        self.class == 5
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let number = |part: Option<&str>| {
            let part = part.filter(|part| {
                let digits = part.bytes().all(|octet| octet.is_ascii_digit());
                // RFC 3464 section 2.3.4: no leading zeros.
                digits && (1..=3).contains(&part.len()) && (part.len() == 1 || !part.starts_with('0'))
            });
            part.and_then(|part| part.parse::<u16>().ok()).ok_or(StatusError)
        };
        let mut parts = text.split('.');
        let class = number(parts.next())?;
        let (subject, detail) = (number(parts.next())?, number(parts.next())?);
        if parts.next().is_some() {
            return Err(StatusError);
        }
        Self::new(u8::try_from(class).map_err(|_| StatusError)?, subject, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_none() {
        for bad in [
            "",
            "5",
            "5.1",
            "5.1.1.1",
            "3.1.1",
            "5.1.1000",
            "5.01.1",
            "5. 1.1",
            "+5.1.1",
            "5.1.1\r\n",
            "5..1",
        ] {
            assert!(bad.parse::<Status>().is_err(), "{bad:?}");
        }
        assert!(Status::new(1, 0, 0).is_err());
        assert!(Status::new(4, 0, 1000).is_err());
    }

    #[test]
    fn a_reply_gives_its_own_only_when_the_class_agrees() {
        assert_eq!(Status::in_reply(550, "5.7.1 no relaying"), Some(Status::of(5, 7, 1)));
        assert_eq!(Status::in_reply(450, "5.7.1 who knows"), None);
        assert_eq!(Status::in_reply(550, "No such user"), None);
        assert_eq!(Status::in_reply(550, ""), None);
    }

    proptest! {
        #[test]
        fn printed_and_read(class in prop::sample::select(vec![2_u8, 4, 5]), subject in 0..1000_u16, detail in 0..1000_u16) {
            let status = Status::new(class, subject, detail).unwrap();
            prop_assert_eq!(status.to_string().parse::<Status>().unwrap(), status);
        }
    }
}
