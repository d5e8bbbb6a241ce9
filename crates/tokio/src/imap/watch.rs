//! Telling sessions of changes, without waiting for any.

use postroad_imap::view::Change;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The sessions that have a mailbox selected, for servers whose mailboxes are in memory, or have nothing of their own for this.
///
/// Call [`watch`](Self::watch) and look at the mailbox under one lock, and [`tell`](Self::tell) under the same lock as the change: then no
/// change falls in between, and all sessions hear all of them in one order.
///
/// ```
/// use postroad_imap::view::Change;
/// use postroad_tokio::imap::Watchers;
/// use std::task::{Context, Poll, Waker};
///
/// let watchers = Watchers::new(1000);
/// let watch = watchers.watch();
/// watchers.tell(&Change::Added(7));
/// let mut context = Context::from_waker(Waker::noop());
/// assert_eq!(watch.poll_change(&mut context), Poll::Ready(Some(Change::Added(7))));
/// assert!(watch.poll_change(&mut context).is_pending());
/// ```
#[derive(Debug)]
pub struct Watchers {
    max_behind: usize,
    senders: Mutex<Vec<mpsc::Sender<Change>>>,
}

impl Watchers {
    /// Nobody yet. A session that is more than `max_behind` changes behind, at least 1, is told no more: its [`Watch`] ends, and with it the
    /// session; its client comes again with a fresh look.
    pub fn new(max_behind: usize) -> Self {
        Self { max_behind: max_behind.max(1), senders: Mutex::default() }
    }

    /// A session that is told of every change from now on.
    pub fn watch(&self) -> Watch {
        let (sender, receiver) = mpsc::channel(self.max_behind);
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        Watch(Mutex::new(receiver))
    }

    /// Tells every session, and waits for none. Those that have gone are forgotten.
    pub fn tell(&self, change: &Change) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|sender| sender.try_send(change.clone()).is_ok());
    }
}

/// One session's ear to [`Watchers`].
#[derive(Debug)]
pub struct Watch(Mutex<mpsc::Receiver<Change>>);

impl Watch {
    /// For [`Handler::poll_change`](super::Handler::poll_change): the next change; `None` when some were missed, or the mailbox is gone with
    /// its [`Watchers`]. What was told before comes first.
    pub fn poll_change(&self, context: &mut Context<'_>) -> Poll<Option<Change>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn who_is_too_far_behind_hears_the_end_and_others_go_on() {
        let watchers = Watchers::new(2);
        let (slow, quick) = (watchers.watch(), watchers.watch());
        let mut context = Context::from_waker(Waker::noop());
        for uid in 1..=3 {
            watchers.tell(&Change::Added(uid));
            assert_eq!(quick.poll_change(&mut context), Poll::Ready(Some(Change::Added(uid))));
        }
        assert_eq!(slow.poll_change(&mut context), Poll::Ready(Some(Change::Added(1))));
        assert_eq!(slow.poll_change(&mut context), Poll::Ready(Some(Change::Added(2))));
        assert_eq!(slow.poll_change(&mut context), Poll::Ready(None));
        assert!(quick.poll_change(&mut context).is_pending());
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let watchers = Watchers::new(2);
        for _ in 0..10 {
            drop(watchers.watch());
        }
        assert_eq!(watchers.senders.lock().unwrap().len(), 1);
        watchers.tell(&Change::Added(1));
        assert!(watchers.senders.lock().unwrap().is_empty());
    }
}
