//! Decisions that an application owes to its session.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicU64, Ordering};

/// The session's side: which decisions are out, at most 64 at a time.
///
/// A protocol's token holds a [`Ticket`]. Answering the token gives the ticket back by [`settle`](Self::settle); dropping it sets a
/// bit that [`reap`](Self::reap) finds, so that the session can answer in its stead.
///
/// ```
/// use postroad_core::Tickets;
///
/// let mut tickets = Tickets::new();
/// let first = tickets.issue().unwrap();
/// let second = tickets.issue().unwrap();
/// assert_eq!(tickets.outstanding(), 2);
/// let slot = first.slot();
/// assert_eq!(tickets.settle(first), Some(slot)); // answered
/// let slot = second.slot();
/// drop(second);                                  // forgotten
/// assert_eq!(tickets.reap(), Some(slot));
/// assert_eq!(tickets.outstanding(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Tickets {
    out: u64,
    dropped: Option<Arc<AtomicU64>>,
}

impl Tickets {
    /// No decision is out.
    pub const fn new() -> Self {
        Self { out: 0, dropped: None }
    }

    /// A ticket for one more decision, or `None` when 64 are out.
    pub fn issue(&mut self) -> Option<Ticket> {
        let slot = self.out.trailing_ones();
        if slot == u64::BITS {
            return None;
        }
        self.out |= 1 << slot;
        let dropped = self.dropped.get_or_insert_with(Arc::default).clone();
        Some(Ticket { slot, dropped, settled: false })
    }

    /// Takes a ticket back with its answer, and says which slot it had; `None` when it is not of this session or the session is over.
    /// A ticket of another session counts there as dropped.
    pub fn settle(&mut self, mut ticket: Ticket) -> Option<u32> {
        let ours = self.dropped.as_ref().is_some_and(|dropped| Arc::ptr_eq(dropped, &ticket.dropped));
        if !ours || self.out & (1 << ticket.slot) == 0 {
            return None;
        }
        ticket.settled = true;
        self.out &= !(1 << ticket.slot);
        Some(ticket.slot)
    }

    /// Whether `ticket` is one of this session's and still out.
    pub fn is_out(&self, ticket: &Ticket) -> bool {
        let ours = self.dropped.as_ref().is_some_and(|dropped| Arc::ptr_eq(dropped, &ticket.dropped));
        ours && self.out & (1 << ticket.slot) != 0
    }

    /// The slot of a ticket that was dropped without an answer. Call until `None`.
    pub fn reap(&mut self) -> Option<u32> {
        let dropped = self.dropped.as_ref()?;
        let slot = (dropped.load(Ordering::Acquire) & self.out).trailing_zeros();
        if slot == u64::BITS {
            return None;
        }
        dropped.fetch_and(!(1 << slot), Ordering::AcqRel);
        self.out &= !(1 << slot);
        Some(slot)
    }

    /// How many decisions are out, dropped ones that were not reaped included.
    pub fn outstanding(&self) -> u32 {
        self.out.count_ones()
    }

    /// The session is over: tickets that are out do nothing from now on.
    pub fn void_all(&mut self) {
        self.out = 0;
        self.dropped = None;
    }
}

/// The token's side of one decision. Not `Clone`: a decision is taken once.
#[derive(Debug)]
#[must_use = "the session waits until this is given back"]
pub struct Ticket {
    slot: u32,
    dropped: Arc<AtomicU64>,
    settled: bool,
}

impl Ticket {
    /// Which of the session's 64 slots this decision has.
    pub fn slot(&self) -> u32 {
        self.slot
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            self.dropped.fetch_or(1 << self.slot, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn sixty_four_and_no_more() {
        let mut tickets = Tickets::new();
        let mut out: Vec<Ticket> = (0..64).map(|_| tickets.issue().unwrap()).collect();
        assert!(tickets.issue().is_none());
        let last = out.remove(17);
        assert_eq!(tickets.settle(last), Some(17));
        assert_eq!(tickets.issue().unwrap().slot(), 17);
    }

    #[test]
    fn a_ticket_of_another_session_is_refused_and_counts_as_dropped_at_home() {
        let (mut a, mut b) = (Tickets::new(), Tickets::new());
        let of_b = b.issue().unwrap();
        let _of_a = a.issue().unwrap();
        assert_eq!(a.settle(of_b), None);
        assert_eq!(b.reap(), Some(0));
        assert_eq!(a.reap(), None);
    }

    #[test]
    fn a_void_ticket_does_nothing_even_when_its_slot_is_used_again() {
        let mut tickets = Tickets::new();
        let stale = tickets.issue().unwrap();
        tickets.void_all();
        let fresh = tickets.issue().unwrap();
        drop(stale);
        assert_eq!(tickets.reap(), None);
        assert!(tickets.is_out(&fresh));
    }
}
