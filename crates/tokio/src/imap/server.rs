//! One connection of an IMAP server, from its greeting to its end.

use super::handler::{AuthAnswer, AuthStep, Handler};
use super::rows::{Lists, Rows, RowsOf, Shared};
use crate::compress::MaybeCompressed;
use crate::{Driver, Error, MaybeTls, Polled, Progress, ServeOptions};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use postroad_imap::response::No;
use postroad_imap::server::{
    self, Authenticate, Compress, Config, Event, Resync, SaslResponse, Select, Selected, Server, StartTls,
};
use postroad_imap::types::MailboxName;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

type Fault = Error<server::Error>;
type Boxed<'h, T> = Pin<Box<dyn Future<Output = T> + Send + 'h>>;
/// What is said to the session once a method of the handler is done.
type Say = Box<dyn FnOnce(&mut Server) + Send>;

/// What a method of the handler came to.
enum Answer<H: Handler> {
    Say(Say),
    LoggedIn(H::Account, Say),
    Selected(H::Mailbox, Say),
    /// The same, and the client is to be brought up to date.
    Resync(H::Mailbox, Box<(Select, Selected)>),
    /// That could not be done.
    NotSelected(Say),
    /// The exchange of SASL goes on.
    Challenged(H::Exchange, Say),
    /// There is room for a message, or not.
    Upload(Option<H::Upload>, Say),
    /// Octets of a message are stored, or not.
    Data(H::Upload, Result<(), No>),
}

/// What happens next.
enum Happening<H: Handler> {
    Polled(Polled<Server>),
    Answer(Answer<H>),
    Shutdown,
    /// Nothing is in flight any more, or it takes too long.
    Close,
    MailboxGone,
}

/// An APPEND that is under way.
struct Uploads<H: Handler> {
    mailbox: MailboxName,
    whole: Vec<H::Upload>,
    current: Option<H::Upload>,
    failed: Option<No>,
}

/// What one connection has come to.
struct Serving<'h, H: Handler, Io> {
    handler: &'h H,
    shared: Arc<Shared>,
    /// None only while its transport is being put into TLS.
    driver: Option<Driver<MaybeCompressed<MaybeTls<Io>>>>,
    account: Option<Arc<H::Account>>,
    mailbox: Option<Arc<H::Mailbox>>,
    exchange: Option<H::Exchange>,
    uploads: Option<Uploads<H>>,
    /// The commands that the handler works on.
    running: FuturesUnordered<Boxed<'h, Answer<H>>>,
    /// While octets of a message are being stored no further event is taken.
    storing: Option<Boxed<'h, Answer<H>>>,
}

/// Serves one connection until it is over; the decisions are `handler`'s.
///
/// A transport that is TLS already (port 993, RFC 8314) is served as such: give it as [`MaybeTls::Tls`], by
/// [`tls::accept`](crate::tls::accept). STARTTLS is done by [`ServeOptions::tls`], if the configuration offers it. On shutdown what
/// is in flight is finished, within [`Limits::linger`](crate::Limits::linger), and then the session says BYE.
///
/// How many connections there may be, in all and from one address, is up to the caller. Set `TCP_NODELAY` on its sockets: what is
/// written here is written whole.
///
/// # Errors
///
/// As [`Driver::poll`](crate::Driver::poll), and a TLS handshake that failed, as [`Error::Io`]. They end the connection and nothing else.
///
/// ```no_run
/// use postroad_imap::server::Config;
/// use postroad_tokio::imap::{Handler, serve};
/// use postroad_tokio::{MaybeTls, ServeOptions};
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// async fn connected(stream: TcpStream, config: Arc<Config>, options: ServeOptions, handler: impl Handler) {
///     if let Err(error) = serve(MaybeTls::Plain(stream), config, &handler, options).await {
///         eprintln!("{error}");
///     }
/// }
/// ```
pub async fn serve<Io, H>(
    io: MaybeTls<Io>,
    config: Arc<Config>,
    handler: &H,
    mut options: ServeOptions,
) -> Result<(), Fault>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let session = match options.tls_info(&io) {
        Some(info) => {
            handler.tls_established(&info);
            Server::new_over_tls(config, info)
        }
        None => Server::new(config),
    };
    let mut shutdown = std::mem::take(&mut options.shutdown);
    let mut shutdown = pin!(shutdown.wait());
    // Once it was told, how long it still waits for what is in flight.
    let mut closing: Option<Pin<Box<Sleep>>> = None;
    let mut is_closed = false;
    let mut serving = Serving {
        handler,
        shared: Arc::new(Shared::new(session)),
        driver: Some(Driver::with_limits(MaybeCompressed::Plain(io), options.limits)),
        account: None,
        mailbox: None,
        exchange: None,
        uploads: None,
        running: FuturesUnordered::new(),
        storing: None,
    };
    loop {
        let happening = poll_fn(|context| {
            if let Poll::Ready(happening) = serving.poll(context) {
                return Poll::Ready(happening);
            }
            match &mut closing {
                _ if is_closed => Poll::Pending,
                None => shutdown.as_mut().poll(context).map(|()| Happening::Shutdown),
                Some(_) if serving.is_at_rest() => Poll::Ready(Happening::Close),
                Some(sleep) => sleep.as_mut().poll(context).map(|()| Happening::Close),
            }
        })
        .await;
        let polled = match happening {
            Happening::Polled(polled) => polled,
            Happening::Answer(answer) => {
                serving.answer(answer);
                continue;
            }
            Happening::MailboxGone => {
                serving.mailbox = None;
                serving.shared.lock().session.mailbox_is_gone();
                continue;
            }
            Happening::Shutdown => {
                closing = Some(Box::pin(tokio::time::sleep(options.limits.linger)));
                continue;
            }
            Happening::Close => {
                is_closed = true;
                serving.shared.lock().session.shut_down();
                continue;
            }
        };
        let event = match polled {
            Ok(Progress::Event(event)) => event,
            Ok(Progress::Drained) => continue,
            Ok(Progress::Closed) => {
                serving.finish().await;
                return Ok(());
            }
            Err(error) => {
                serving.finish().await;
                return Err(error);
            }
        };
        match event {
            Event::StartTls(token) => serving.start_tls(token, &options).await?,
            Event::Compress(token) => serving.compress(token).await?,
            event => serving.event(event),
        }
    }
}

impl<'h, H, Io> Serving<'h, H, Io>
where
    H: Handler,
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Everything at once: changes of the mailbox, the transport, and the handler's methods.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happening<H>> {
        loop {
            if !self.take_changes(context) {
                return Poll::Ready(Happening::MailboxGone);
            }
            let Some(driver) = &mut self.driver else {
                return Poll::Ready(Happening::Polled(Ok(Progress::Closed)));
            };
            if let Some(storing) = &mut self.storing {
                if let Poll::Ready(answer) = storing.as_mut().poll(context) {
                    self.storing = None;
                    return Poll::Ready(Happening::Answer(answer));
                }
                // Without an event, but the others go on.
                let mut inner = self.shared.lock();
                inner.has_output = false;
                if let Poll::Ready(Err(error)) = driver.poll_flush(&mut inner.session, context) {
                    return Poll::Ready(Happening::Polled(Err(error)));
                }
            } else {
                let mut inner = self.shared.lock();
                inner.has_output = false;
                if let Poll::Ready(polled) = driver.poll(&mut inner.session, context) {
                    drop(inner);
                    self.shared.wake();
                    return Poll::Ready(Happening::Polled(polled));
                }
            }
            if let Poll::Ready(Some(answer)) = self.running.poll_next_unpin(context) {
                // What the command changed is told with its answer.
                if !self.take_changes(context) {
                    self.mailbox = None;
                    self.shared.lock().session.mailbox_is_gone();
                }
                return Poll::Ready(Happening::Answer(answer));
            }
            if !self.shared.wake() && !self.shared.lock().has_output {
                return Poll::Pending;
            }
        }
    }

    /// Whether no command is being worked on.
    fn is_at_rest(&self) -> bool {
        self.running.is_empty() && self.storing.is_none() && self.uploads.is_none()
    }

    /// Says whether TLS may begin, and begins it.
    #[cfg(feature = "rustls")]
    async fn start_tls(&mut self, token: StartTls, options: &ServeOptions) -> Result<(), Fault> {
        let Some(acceptor) = &options.tls else {
            token.no(&mut self.shared.lock().session, No::unavailable());
            return Ok(());
        };
        let Some(mut driver) = self.driver.take() else { return Ok(()) };
        token.accept(&mut self.shared.lock().session);
        poll_fn(|context| driver.poll_flush(&mut self.shared.lock().session, context)).await?;
        let upgrade = async |io| match io {
            MaybeCompressed::Plain(io) => {
                let io = crate::tls::accept_over(acceptor, io, options.handshake).await?;
                Ok(MaybeCompressed::Plain(io))
            }
            // Never: the session offers no STARTTLS within compression.
            #[cfg(feature = "compress")]
            MaybeCompressed::Deflate(_) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        let driver = driver.upgrade(upgrade).await?;
        if let Some(info) = options.tls_info(driver.io().get_ref()) {
            self.handler.tls_established(&info);
            self.shared.lock().session.tls_established(info);
        }
        self.driver = Some(driver);
        Ok(())
    }

    #[cfg(not(feature = "rustls"))]
    #[allow(clippy::unused_async, reason = "the same shape as with rustls")]
    async fn start_tls(&mut self, token: StartTls, _options: &ServeOptions) -> Result<(), Fault> {
        token.no(&mut self.shared.lock().session, No::unavailable());
        Ok(())
    }

    /// From here on everything is compressed, in both directions.
    #[cfg(feature = "compress")]
    async fn compress(&mut self, token: Compress) -> Result<(), Fault> {
        let Some(mut driver) = self.driver.take() else { return Ok(()) };
        token.accept(&mut self.shared.lock().session);
        poll_fn(|context| driver.poll_flush(&mut self.shared.lock().session, context)).await?;
        let limits = driver.limits();
        let parts = driver.into_parts();
        // What the client sent behind its command is compressed already.
        self.driver = Some(Driver::with_limits(parts.io.compress(parts.input), limits));
        self.shared.lock().session.compression_established();
        Ok(())
    }

    #[cfg(not(feature = "compress"))]
    #[allow(clippy::unused_async, reason = "the same shape as with compression")]
    async fn compress(&mut self, token: Compress) -> Result<(), Fault> {
        token.no(&mut self.shared.lock().session, No::cannot());
        Ok(())
    }

    /// Gives the session what changed in the mailbox. False: the mailbox is gone.
    fn take_changes(&self, context: &mut Context<'_>) -> bool {
        let Some(mailbox) = &self.mailbox else { return true };
        while let Poll::Ready(change) = self.handler.poll_change(mailbox, context) {
            match change {
                Some(change) => self.shared.lock().session.notify(change),
                None => return false,
            }
        }
        true
    }

    /// The connection is over. A method that has begun to store something is left in peace.
    async fn finish(&mut self) {
        self.mailbox = None;
        if let Some(storing) = self.storing.take() {
            storing.await;
        }
        // Whoever waits for room must learn that there is nobody any more.
        self.shared.end();
        while self.running.next().await.is_some() {}
    }

    fn run(&mut self, work: impl Future<Output = Answer<H>> + Send + 'h) {
        self.running.push(Box::pin(work));
    }

    fn answer(&mut self, answer: Answer<H>) {
        let say = match answer {
            Answer::Say(say) => say,
            Answer::LoggedIn(account, say) => {
                self.account = Some(Arc::new(account));
                say
            }
            Answer::Selected(mailbox, say) => {
                self.mailbox = Some(Arc::new(mailbox));
                say
            }
            Answer::Resync(mailbox, selected) => {
                let mailbox = Arc::new(mailbox);
                self.mailbox = Some(mailbox.clone());
                let (token, selected) = *selected;
                let resync = token.begin(&mut self.shared.lock().session, selected);
                self.resynchronise(mailbox, resync);
                return;
            }
            Answer::NotSelected(say) => {
                self.mailbox = None;
                say
            }
            Answer::Challenged(exchange, say) => {
                self.exchange = Some(exchange);
                say
            }
            Answer::Upload(upload, say) => {
                match (upload, &mut self.uploads) {
                    (Some(upload), Some(uploads)) => uploads.current = Some(upload),
                    _ => self.uploads = None,
                }
                say
            }
            Answer::Data(upload, result) => {
                if let Some(uploads) = &mut self.uploads {
                    match result {
                        Ok(()) => uploads.current = Some(upload),
                        Err(no) => uploads.failed = Some(no),
                    }
                }
                return;
            }
        };
        say(&mut self.shared.lock().session);
    }

    fn resynchronise(&mut self, mailbox: Arc<H::Mailbox>, resync: Resync) {
        let (handler, shared) = (self.handler, self.shared.clone());
        // Never None: only who has logged in selects a mailbox.
        let Some(account) = self.account.clone() else { return };
        self.run(async move {
            let done = if resync.since().is_some() {
                let rows = Rows { shared: &shared, of: RowsOf::Resync(&resync) };
                handler.resynchronise(&account, &mailbox, &resync, &rows).await
            } else {
                Ok(())
            };
            match done {
                Ok(()) => Answer::Say(Box::new(|session| resync.ok(session))),
                Err(no) => Answer::NotSelected(Box::new(|session| resync.no(session, no))),
            }
        });
    }

    fn event(&mut self, event: Event) {
        let handler = self.handler;
        match event {
            Event::Id(fields) => handler.client(&fields),
            Event::Login(token) => self.run(async move {
                match handler.login(token.credentials()).await {
                    Ok(account) => Answer::LoggedIn(account, Box::new(|session| token.ok(session))),
                    Err(no) => Answer::Say(Box::new(|session| token.no(session, no))),
                }
            }),
            Event::Authenticate(token) => {
                let step = AuthStep::Start {
                    mechanism: token.mechanism().to_owned(),
                    initial_response: token.initial_response().cloned(),
                };
                self.authenticate(SaslToken::Begin(token), step);
            }
            Event::SaslResponse(token) => match self.exchange.take() {
                Some(exchange) => {
                    let step = AuthStep::Response(token.response().clone(), exchange);
                    self.authenticate(SaslToken::Response(token), step);
                }
                None => token.no(&mut self.shared.lock().session, No::server_bug()),
            },
            Event::SaslCancelled => self.exchange = None,
            Event::Unselected => self.mailbox = None,
            Event::Unauthenticated => {
                self.mailbox = None;
                self.account = None;
                self.exchange = None;
            }
            Event::AppendAborted => self.uploads = None,
            Event::AppendData(chunk) => self.append_data(chunk),
            event => match self.account.clone() {
                Some(account) => self.authenticated(event, account),
                // Never: the session asks for these after login only. A token that is dropped is answered NO.
                None => drop(event),
            },
        }
    }

    fn authenticate(&mut self, token: SaslToken, step: AuthStep<H::Exchange>) {
        let handler = self.handler;
        self.run(async move {
            match handler.authenticate(step).await {
                AuthAnswer::Challenge(challenge, exchange) => Answer::Challenged(
                    exchange,
                    Box::new(move |session| token.challenge(session, &challenge)),
                ),
                AuthAnswer::Accept(account) => {
                    Answer::LoggedIn(account, Box::new(|session| token.ok(session)))
                }
                AuthAnswer::Reject(no) => Answer::Say(Box::new(|session| token.no(session, no))),
            }
        });
    }

    fn append_data(&mut self, chunk: Bytes) {
        let handler = self.handler;
        // After a failure the rest is only counted off.
        let Some(mut upload) = self.uploads.as_mut().and_then(|uploads| uploads.current.take()) else {
            return;
        };
        self.storing = Some(Box::pin(async move {
            let result = handler.append_data(&mut upload, chunk).await;
            Answer::Data(upload, result)
        }));
    }

    /// What is asked after login.
    fn authenticated(&mut self, event: Event, account: Arc<H::Account>) {
        let handler = self.handler;
        match event {
            Event::Select(token) => {
                self.mailbox = None;
                self.run(async move {
                    match handler.select(&account, token.command()).await {
                        Ok((mailbox, selected)) if token.command().qresync.is_some() => {
                            Answer::Resync(mailbox, Box::new((token, selected)))
                        }
                        Ok((mailbox, selected)) => {
                            Answer::Selected(mailbox, Box::new(|session| token.ok(session, selected)))
                        }
                        Err(no) => Answer::Say(Box::new(|session| token.no(session, no))),
                    }
                });
            }
            Event::Create(token) => self.run(async move {
                let done = handler.create(&account, token.mailbox(), token.special_use()).await;
                say(done, token, server::Create::ok, server::Create::no)
            }),
            Event::Delete(token) => self.run(async move {
                let done = handler.delete(&account, token.mailbox()).await;
                say(done, token, |token, session, ()| token.ok(session), server::Delete::no)
            }),
            Event::Rename(token) => self.run(async move {
                let done = handler.rename(&account, token.from(), token.to()).await;
                say(done, token, |token, session, ()| token.ok(session), server::Rename::no)
            }),
            Event::Subscribe(token) => self.run(async move {
                let done = handler.subscribe(&account, token.mailbox(), *token.is_subscribed()).await;
                say(done, token, |token, session, ()| token.ok(session), server::Subscribe::no)
            }),
            Event::Namespace(token) => self.run(async move {
                let done = handler.namespace(&account).await;
                say(done, token, server::Namespace::ok, server::Namespace::no)
            }),
            Event::Status(token) => self.run(async move {
                let done = handler.status(&account, token.mailbox(), token.items()).await;
                say(done, token, server::Status::ok, server::Status::no)
            }),
            Event::GetQuota(token) => self.run(async move {
                let done = handler.quota(&account, token.root()).await;
                say(done, token, server::GetQuota::ok, server::GetQuota::no)
            }),
            Event::GetQuotaRoot(token) => self.run(async move {
                let done = handler.quota_roots(&account, token.mailbox()).await;
                say(done, token, server::GetQuotaRoot::ok, server::GetQuotaRoot::no)
            }),
            Event::SetQuota(token) => self.run(async move {
                let done = handler.set_quota(&account, token.root(), token.limits()).await;
                say(done, token, server::SetQuota::ok, server::SetQuota::no)
            }),
            Event::List(token) => {
                let shared = self.shared.clone();
                self.run(async move {
                    let lists = Lists { shared: &shared, list: &token };
                    let done = handler.list(&account, token.command(), &lists).await;
                    say(done, token, |token, session, ()| token.ok(session), server::List::no)
                });
            }
            Event::Append(token) => {
                if token.is_first() {
                    let mailbox = token.mailbox().clone();
                    self.uploads = Some(Uploads { mailbox, whole: Vec::new(), current: None, failed: None });
                } else if let Some(uploads) = &mut self.uploads {
                    uploads.whole.extend(uploads.current.take());
                }
                if let Some(no) = self.uploads.as_mut().and_then(|uploads| uploads.failed.take()) {
                    self.uploads = None;
                    token.no(&mut self.shared.lock().session, no);
                    return;
                }
                self.run(async move {
                    match handler.append(&account, token.mailbox(), token.message()).await {
                        Ok(upload) => Answer::Upload(Some(upload), Box::new(|session| token.accept(session))),
                        Err(no) => Answer::Upload(None, Box::new(|session| token.no(session, no))),
                    }
                });
            }
            Event::AppendFinish(token) => {
                let Some(mut uploads) = self.uploads.take() else {
                    token.no(&mut self.shared.lock().session, No::server_bug());
                    return;
                };
                if let Some(no) = uploads.failed {
                    token.no(&mut self.shared.lock().session, no);
                    return;
                }
                uploads.whole.extend(uploads.current.take());
                self.run(async move {
                    let done = handler.append_finish(&account, &uploads.mailbox, uploads.whole).await;
                    let ok = |token: server::AppendFinish, session: &mut Server, (uid_validity, uids)| {
                        token.ok(session, uid_validity, uids);
                    };
                    say(done, token, ok, server::AppendFinish::no)
                });
            }
            Event::Close(token) => {
                // It was the session's until now.
                let mailbox = self.mailbox.take();
                self.run(async move {
                    let done = match &mailbox {
                        Some(mailbox) => handler.close(&account, mailbox, !*token.is_read_only()).await,
                        None => Ok(()),
                    };
                    say(done, token, |token, session, ()| token.ok(session), server::Close::no)
                });
            }
            event => match self.mailbox.clone() {
                Some(mailbox) => self.selected(event, account, mailbox),
                None => drop(event),
            },
        }
    }

    /// What is asked of a selected mailbox.
    fn selected(&mut self, event: Event, account: Arc<H::Account>, mailbox: Arc<H::Mailbox>) {
        let handler = self.handler;
        let shared = self.shared.clone();
        match event {
            Event::Fetch(token) => self.run(async move {
                let rows = Rows { shared: &shared, of: RowsOf::Fetch(&token) };
                let done = handler.fetch(&account, &mailbox, &token, &rows).await;
                say(done, token, |token, session, ()| token.ok(session), server::Fetch::no)
            }),
            Event::Store(token) => self.run(async move {
                let rows = Rows { shared: &shared, of: RowsOf::Store(&token) };
                let done = handler.store(&account, &mailbox, &token, &rows).await;
                let ok = |token: server::Store,
                          session: &mut Server,
                          unchanged: postroad_imap::types::UidSet| {
                    if unchanged.is_empty() { token.ok(session) } else { token.modified(session, &unchanged) }
                };
                say(done, token, ok, server::Store::no)
            }),
            Event::Search(token) => self.run(async move {
                let done = handler.search(&account, &mailbox, &token).await;
                let ok = |token: server::Search, session: &mut Server, found: super::Found| {
                    token.ok(session, found.uids, found.mod_seq);
                };
                say(done, token, ok, server::Search::no)
            }),
            Event::Sort(token) => self.run(async move {
                let done = handler.sort(&account, &mailbox, &token).await;
                let ok = |token: server::Sort, session: &mut Server, found: super::Found| {
                    token.ok(session, found.uids, found.mod_seq);
                };
                say(done, token, ok, server::Sort::no)
            }),
            Event::Thread(token) => self.run(async move {
                let done = handler.thread(&account, &mailbox, &token).await;
                say(done, token, server::Thread::ok, server::Thread::no)
            }),
            Event::Copy(token) => self.run(async move {
                let done = handler.copy(&account, &mailbox, token.messages(), token.mailbox()).await;
                say(done, token, server::Copy::ok, server::Copy::no)
            }),
            Event::Move(token) => self.run(async move {
                let done = handler.move_messages(&account, &mailbox, token.messages(), token.mailbox()).await;
                say(done, token, server::Move::ok, server::Move::no)
            }),
            Event::Reread(messages) => self.run(async move {
                handler.reread(&mailbox, &messages).await;
                Answer::Say(Box::new(|_| {}))
            }),
            Event::Expunge(token) => self.run(async move {
                let done = handler.expunge(&account, &mailbox, token.messages().as_ref()).await;
                say(done, token, |token, session, ()| token.ok(session), server::Expunge::no)
            }),
            // Information, and tokens of a later version: one that is dropped is answered NO.
            _ => {}
        }
    }
}

/// The answer to a command of which the handler says whether it is done.
fn say<H: Handler, T, V>(
    done: Result<V, No>,
    token: T,
    ok: impl FnOnce(T, &mut Server, V) + Send + 'static,
    no: impl FnOnce(T, &mut Server, No) + Send + 'static,
) -> Answer<H>
where
    T: Send + 'static,
    V: Send + 'static,
{
    Answer::Say(Box::new(move |session| match done {
        Ok(value) => ok(token, session, value),
        Err(reason) => no(token, session, reason),
    }))
}

/// The two tokens of a SASL exchange.
enum SaslToken {
    Begin(Authenticate),
    Response(SaslResponse),
}

impl SaslToken {
    fn challenge(self, session: &mut Server, challenge: &[u8]) {
        match self {
            Self::Begin(token) => token.challenge(session, challenge),
            Self::Response(token) => token.challenge(session, challenge),
        }
    }

    fn ok(self, session: &mut Server) {
        match self {
            Self::Begin(token) => token.ok(session),
            Self::Response(token) => token.ok(session),
        }
    }

    fn no(self, session: &mut Server, no: No) {
        match self {
            Self::Begin(token) => token.no(session, no),
            Self::Response(token) => token.no(session, no),
        }
    }
}
