//! How many messages the selected mailbox has, as far as the server has told.

/// The numbers of the selected mailbox, kept right by EXISTS, EXPUNGE and VANISHED (RFC 9051 section 2.3.1.2).
#[derive(Debug, Default)]
pub(super) struct Numbers {
    selected: Option<u32>,
    selecting: Selecting,
    out_of_step: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Selecting {
    #[default]
    No,
    /// SELECT is in flight, and nothing was said about the new mailbox: what is said may be about the old one.
    Begun,
    /// So many messages are in the new mailbox.
    New(u32),
}

impl Numbers {
    /// SELECT or EXAMINE is sent.
    pub(super) fn select(&mut self) {
        self.selecting = Selecting::Begun;
    }

    /// The server has said CLOSED: what follows is about the new mailbox (RFC 7162 section 3.2.11).
    pub(super) fn closed(&mut self) {
        if self.selecting == Selecting::Begun {
            self.selecting = Selecting::New(0);
            self.selected = None;
        }
    }

    /// SELECT was answered: OK, or NO, which leaves no mailbox selected (RFC 9051 section 6.3.2).
    pub(super) fn select_answered(&mut self, ok: bool) {
        self.selected = match self.selecting {
            _ if !ok => None,
            Selecting::New(exists) => Some(exists),
            Selecting::No | Selecting::Begun => Some(0),
        };
        self.selecting = Selecting::No;
        self.out_of_step = false;
    }

    /// SELECT was answered BAD: it was not done, unless the server had said otherwise.
    pub(super) fn select_refused(&mut self) {
        self.selecting = Selecting::No;
    }

    /// No mailbox is selected any more.
    pub(super) fn leave(&mut self) {
        *self = Self::default();
    }

    pub(super) fn exists(&self) -> Option<u32> {
        self.selected
    }

    pub(super) fn is_out_of_step(&self) -> bool {
        self.out_of_step
    }

    /// EXISTS was said. Whether it can be.
    pub(super) fn set(&mut self, exists: u32) -> bool {
        if self.selecting != Selecting::No {
            self.selecting = Selecting::New(exists);
            self.selected = None;
            return true;
        }
        let Some(known) = &mut self.selected else { return true };
        let can_be = exists >= *known;
        *known = exists;
        self.out_of_step |= !can_be;
        can_be
    }

    /// EXPUNGE of this number was said. Whether it can be.
    pub(super) fn expunge(&mut self, number: u32) -> bool {
        let Some(known) = self.present() else { return true };
        let can_be = (1..=*known).contains(&number);
        *known = known.saturating_sub(u32::from(can_be));
        self.out_of_step |= !can_be;
        can_be
    }

    /// VANISHED of so many messages was said. Whether it can be.
    pub(super) fn vanish(&mut self, count: u64) -> bool {
        let Some(known) = self.present() else { return true };
        let left = u64::from(*known).checked_sub(count).and_then(|left| u32::try_from(left).ok());
        *known = left.unwrap_or(0);
        self.out_of_step |= left.is_none();
        left.is_some()
    }

    /// The server has said what shows that numbers are not certain.
    pub(super) fn doubt(&mut self) {
        self.out_of_step = true;
    }

    fn present(&mut self) -> Option<&mut u32> {
        match &mut self.selecting {
            Selecting::New(exists) => Some(exists),
            Selecting::No | Selecting::Begun => self.selected.as_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(exists: u32) -> Numbers {
        let mut numbers = Numbers::default();
        numbers.select();
        assert!(numbers.set(exists));
        numbers.select_answered(true);
        numbers
    }

    #[test]
    fn counts() {
        let mut numbers = selected(3);
        assert!(numbers.expunge(3) && numbers.set(2) && numbers.set(7) && numbers.vanish(4));
        assert_eq!(numbers.exists(), Some(3));
        assert!(!numbers.is_out_of_step());
    }

    #[test]
    fn contradictions() {
        let mut numbers = selected(3);
        assert!(!numbers.expunge(4) && numbers.is_out_of_step());
        assert_eq!(numbers.exists(), Some(3));
        assert!(!selected(3).expunge(0));
        assert!(!selected(3).set(2));
        let mut numbers = selected(3);
        assert!(!numbers.vanish(u64::from(u32::MAX)));
        assert_eq!(numbers.exists(), Some(0));
        numbers.select();
        numbers.select_answered(true);
        assert!(!numbers.is_out_of_step());
    }

    #[test]
    fn the_old_mailbox_until_the_new_one_is_told_of() {
        let mut numbers = selected(3);
        numbers.select();
        assert!(numbers.expunge(1));
        assert_eq!(numbers.exists(), Some(2));
        numbers.closed();
        assert_eq!(numbers.exists(), None);
        assert!(numbers.set(172) && numbers.expunge(172));
        numbers.select_answered(true);
        assert_eq!(numbers.exists(), Some(171));
        numbers.select();
        numbers.select_answered(false);
        assert_eq!(numbers.exists(), None);
    }
}
