//! Telling connections to come to an end.

use tokio::sync::watch;

/// Tells every [`Shutdown`] that was made of it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use postroad_tokio::ShutdownHandle;
///
/// let handle = ShutdownHandle::new();
/// let mut shutdown = handle.listen();
/// handle.shut_down();
/// shutdown.wait().await;
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct ShutdownHandle(watch::Sender<bool>);

impl ShutdownHandle {
    /// A handle that has not been used yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Something to wait on: one for each connection.
    pub fn listen(&self) -> Shutdown {
        Shutdown(Some(self.0.subscribe()))
    }

    /// Asks every connection to say goodbye after the command it is at.
    pub fn shut_down(&self) {
        self.0.send_replace(true);
    }

    /// How many connections listen: a server that shuts down may wait for none, up to a time of its own.
    pub fn listeners(&self) -> usize {
        self.0.receiver_count()
    }

    /// Waits until no connection listens any more.
    pub async fn drained(&self) {
        self.0.closed().await;
    }
}

impl Default for ShutdownHandle {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection's ear to a [`ShutdownHandle`].
#[derive(Debug, Clone, Default)]
pub struct Shutdown(Option<watch::Receiver<bool>>);

impl Shutdown {
    /// One that is never told: for connections that end by themselves.
    pub fn never() -> Self {
        Self(None)
    }

    /// Waits until told; for ever, if the handle is gone without a word. Cancel-safe.
    pub async fn wait(&mut self) {
        if let Some(receiver) = &mut self.0 {
            if receiver.wait_for(|told| *told).await.is_ok() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}
