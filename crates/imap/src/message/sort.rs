use super::search::fold;
use crate::command::{SortCriterion, SortKey};
use crate::types::DateTime;
use core::cmp::Ordering;
use postroad_message as mail;

/// What SORT has to know of a message (RFC 5256 section 3, RFC 5957). It can be made once and kept: it needs the message no more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SortEntry {
    /// The message number, by which messages are ordered that are otherwise the same.
    pub number: u32,
    /// The UID.
    pub uid: u32,
    /// ARRIVAL: the internal date, in seconds since 1970.
    pub arrival: i64,
    /// DATE: the sent date, or the internal date if there is none that can be read, in seconds since 1970.
    pub date: i64,
    /// SIZE, in octets.
    pub size: u64,
    /// SUBJECT: the base subject, folded.
    pub subject: Box<str>,
    /// FROM: the local part of the first address, folded; empty if there is none.
    pub from: Box<str>,
    /// TO: the same of the To field.
    pub to: Box<str>,
    /// CC: the same of the Cc field.
    pub cc: Box<str>,
    /// DISPLAYFROM: the name of the first address, or the address if it has none, folded.
    pub display_from: Box<str>,
    /// DISPLAYTO: the same of the To field.
    pub display_to: Box<str>,
}

impl SortEntry {
    /// Takes from a message what all criteria need.
    pub fn new(
        number: u32,
        uid: u32,
        internal_date: DateTime,
        size: u64,
        message: &mail::Message<'_>,
    ) -> Self {
        let header = message.header();
        let arrival = internal_date.unix_timestamp();
        let first = |name| header.field(name).and_then(|field| field.first_mailbox());
        let local = |mailbox: &Option<mail::Mailbox>| {
            let local = mailbox.as_ref().map(|mailbox| fold(mailbox.address().local_part()).into());
            local.unwrap_or_default()
        };
        let display = |mailbox: &Option<mail::Mailbox>| {
            let Some(mailbox) = mailbox else { return Box::default() };
            match mailbox.name() {
                Some(name) => fold(name).into(),
                None => fold(&mailbox.address().to_string()).into(),
            }
        };
        let (from, to, cc) = (first("From"), first("To"), first("Cc"));
        Self {
            number,
            uid,
            arrival,
            date: header.sent_date().map_or(arrival, |date| date.timestamp()),
            size,
            subject: fold(header.base_subject().text()).into(),
            from: local(&from),
            to: local(&to),
            cc: local(&cc),
            display_from: display(&from),
            display_to: display(&to),
        }
    }

    fn compare(&self, other: &Self, criteria: &[SortCriterion]) -> Ordering {
        let by = |criterion: &SortCriterion| {
            let ordering = match criterion.key {
                SortKey::Arrival => self.arrival.cmp(&other.arrival),
                SortKey::Date => self.date.cmp(&other.date),
                SortKey::Size => self.size.cmp(&other.size),
                SortKey::Subject => self.subject.cmp(&other.subject),
                SortKey::From => self.from.cmp(&other.from),
                SortKey::To => self.to.cmp(&other.to),
                SortKey::Cc => self.cc.cmp(&other.cc),
                SortKey::DisplayFrom => self.display_from.cmp(&other.display_from),
                SortKey::DisplayTo => self.display_to.cmp(&other.display_to),
            };
            if criterion.reverse { ordering.reverse() } else { ordering }
        };
        criteria
            .iter()
            .map(by)
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
            .then(self.number.cmp(&other.number))
    }
}

/// Sorts messages by the criteria of SORT, and those that are the same by their number (RFC 5256 section 3).
///
/// ```
/// use postroad_imap::command::{SortCriterion, SortKey};
/// use postroad_imap::message::{SortEntry, sort};
///
/// let mut entries: Vec<SortEntry> =
///     [3, 1, 2].into_iter().map(|number| SortEntry { number, size: 10 * u64::from(number), ..Default::default() }).collect();
/// sort(&mut entries, &[SortCriterion { reverse: true, key: SortKey::Size }]);
/// assert_eq!(entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [3, 2, 1]);
/// ```
pub fn sort(entries: &mut [SortEntry], criteria: &[SortCriterion]) {
    entries.sort_unstable_by(|one, other| one.compare(other, criteria));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u32, header: &str) -> SortEntry {
        let date = DateTime::from_unix(1_000_000 + i64::from(number), 0).unwrap();
        SortEntry::new(number, number, date, 1, &mail::Message::parse(format!("{header}\r\n\r\n").as_bytes()))
    }

    fn order(entries: &[SortEntry], criteria: &[(SortKey, bool)]) -> Vec<u32> {
        let mut entries = entries.to_vec();
        let criteria: Vec<_> =
            criteria.iter().map(|&(key, reverse)| SortCriterion { reverse, key }).collect();
        sort(&mut entries, &criteria);
        entries.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn criteria_in_turn_and_numbers_at_last() {
        let entries = [
            entry(
                1,
                "Subject: Re: apples\r\nFrom: Zoe <anna@example.com>\r\nDate: Wed, 1 Jan 2020 00:00:00 +0000",
            ),
            entry(
                2,
                "Subject: Apples\r\nFrom: Ärger <BOB@example.com>\r\nDate: Wed, 1 Jan 2020 01:00:00 +0200",
            ),
            entry(3, "Subject: [list] bananas\r\nFrom: anna@example.com"),
            entry(4, "X: y"),
        ];
        assert_eq!(order(&entries, &[(SortKey::Subject, false)]), [4, 1, 2, 3]);
        assert_eq!(order(&entries, &[(SortKey::Subject, true)]), [3, 1, 2, 4]);
        assert_eq!(order(&entries, &[(SortKey::Subject, false), (SortKey::Arrival, true)]), [4, 2, 1, 3]);
        assert_eq!(order(&entries, &[(SortKey::From, false)]), [4, 1, 3, 2]);
        assert_eq!(order(&entries, &[(SortKey::DisplayFrom, false)]), [4, 3, 1, 2]);
        // 3 and 4 have no date: theirs is the internal one, of January 1970; 2 was sent before 1.
        assert_eq!(order(&entries, &[(SortKey::Date, false)]), [3, 4, 2, 1]);
        assert_eq!(order(&entries, &[]), [1, 2, 3, 4]);
    }
}
