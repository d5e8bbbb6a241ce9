//! A handler's future beside its connection.

use crate::{Connection, Polled, Progress};
use postroad_core::Session;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};

/// Runs `work` to its end; the connection writes and keeps its deadlines meanwhile. What became of the connection, other than that, comes
/// beside the result.
///
/// The work is not cut short when the connection ends under it: a handler that has begun to store a message is left in peace.
pub(crate) async fn work<S, Io, T>(
    connection: &mut Connection<S, Io>,
    work: impl Future<Output = T>,
) -> (T, Option<Polled<S>>)
where
    S: Session,
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut work = pin!(work);
    let mut meanwhile = None;
    let (session, driver) = connection.split_mut();
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready((done, meanwhile.take()));
        }
        while meanwhile.is_none() {
            match driver.poll(session, context) {
                Poll::Ready(Ok(Progress::Drained)) => {}
                Poll::Ready(other) => meanwhile = Some(other),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    })
    .await
}

/// The next progress of the connection, or `None` when `other` is done first, which must not be given again then.
pub(crate) async fn progress_or<S, Io, F>(
    connection: &mut Connection<S, Io>,
    mut other: Option<Pin<&mut F>>,
) -> Option<Polled<S>>
where
    S: Session,
    Io: AsyncRead + AsyncWrite + Unpin,
    F: Future,
{
    let (session, driver) = connection.split_mut();
    poll_fn(|context| {
        if let Poll::Ready(polled) = driver.poll(session, context) {
            return Poll::Ready(Some(polled));
        }
        match other.as_mut().map(|other| other.as_mut().poll(context)) {
            Some(Poll::Ready(_)) => Poll::Ready(None),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    })
    .await
}
