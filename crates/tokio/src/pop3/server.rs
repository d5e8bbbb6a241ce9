//! One connection of a POP3 server, from its greeting to its end.

use super::handler::Handler;
use crate::work::{progress_or, work};
use crate::{Connection, Error, MaybeTls, Polled, Progress, ServeOptions};
use bytes::Bytes;
use postroad_pop3::Full;
use postroad_pop3::response::Rejection;
use postroad_pop3::server::{Body, Config, Event, Pushed, Server, Stls};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};

type Fault = Error<postroad_pop3::Error>;

/// Serves one connection until it is over; the decisions are `handler`'s.
///
/// A transport that is TLS already (port 995, RFC 8314) is served as such: give it as [`MaybeTls::Tls`], by
/// [`tls::accept`](crate::tls::accept). STLS is done by [`ServeOptions::tls`], if the configuration offers it. On shutdown the session says
/// goodbye after the command that it is at, and nothing is deleted.
///
/// How many connections there may be, in all and from one address, is up to the caller. Set
/// `TCP_NODELAY` on its sockets: what is written here is written whole.
///
/// # Errors
///
/// As [`Driver::poll`](crate::Driver::poll), and a TLS handshake that failed, as [`Error::Io`]. They end the connection and nothing else.
///
/// ```no_run
/// use postroad_pop3::server::Config;
/// use postroad_tokio::pop3::{Handler, serve};
/// use postroad_tokio::{MaybeTls, ServeOptions};
/// use std::sync::Arc;
/// use tokio::net::TcpStream;
///
/// async fn connected(stream: TcpStream, config: Arc<Config>, options: ServeOptions, mut handler: impl Handler) {
///     if let Err(error) = serve(MaybeTls::Plain(stream), config, &mut handler, options).await {
///         eprintln!("{error}");
///     }
/// }
/// ```
pub async fn serve<Io, H>(
    io: MaybeTls<Io>,
    config: Arc<Config>,
    handler: &mut H,
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
    let mut connection = Connection::with_limits(session, io, options.limits);
    let mut shutdown = std::mem::take(&mut options.shutdown);
    let mut shutdown = pin!(shutdown.wait());
    let mut told = false;
    let mut locked: Option<H::Locked> = None;
    let mut meanwhile = None;
    loop {
        let polled = match meanwhile.take() {
            Some(polled) => Some(polled),
            None => progress_or(&mut connection, (!told).then_some(shutdown.as_mut())).await,
        };
        let Some(polled) = polled else {
            told = true;
            connection.session.shut_down();
            continue;
        };
        let event = match polled? {
            Progress::Event(event) => event,
            Progress::Drained => continue,
            Progress::Closed => return Ok(()),
        };
        match event {
            Event::Login(token) => {
                let decision = handler.login(token.name(), token.password());
                let (decision, then) = work(&mut connection, decision).await;
                meanwhile = then;
                match decision {
                    Ok((maildrop, listing)) => {
                        locked = Some(maildrop);
                        token.accept(&mut connection.session, listing);
                    }
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Retrieve(token) => {
                let Some(maildrop) = &mut locked else {
                    token.reject(&mut connection.session, Rejection::temporary());
                    continue;
                };
                let decision = handler.retrieve(maildrop, token.number(), token.lines());
                let (decision, then) = work(&mut connection, decision).await;
                meanwhile = then;
                match decision {
                    Ok(message) => {
                        let body = token.accept(&mut connection.session);
                        if meanwhile.is_none() {
                            meanwhile = send(&mut connection, handler, message, body).await;
                        }
                    }
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Update(token) => {
                let Some(maildrop) = locked.take() else {
                    token.reject(&mut connection.session);
                    continue;
                };
                let (decision, then) = work(&mut connection, handler.update(maildrop, token.deleted())).await;
                meanwhile = then;
                match decision {
                    Ok(()) => token.accept(&mut connection.session),
                    Err(_) => token.reject(&mut connection.session),
                }
            }
            Event::Aborted(_) => locked = None,
            Event::Stls(token) => connection = start_tls(connection, token, handler, &options).await?,
            // A token of a later version is dropped, which refuses.
            _ => {}
        }
    }
}

/// Sends a message as fast as the client takes it, and gives what ended the connection, if it ended.
async fn send<Io, H>(
    connection: &mut Connection<Server, MaybeTls<Io>>,
    handler: &mut H,
    mut message: H::Message,
    body: Body,
) -> Option<Polled<Server>>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    loop {
        let (chunk, then) = work(connection, handler.chunk(&mut message)).await;
        if then.is_some() {
            return then;
        }
        let chunk = match chunk {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // The body is dropped, and the connection with it.
            Err(_) => return None,
        };
        match push(connection, &body, chunk).await {
            Ok(Pushed::More) => {}
            Ok(Pushed::Enough) => break,
            Err(over) => return Some(over),
        }
    }
    body.finish(&mut connection.session);
    None
}

/// Pushes a chunk as soon as there is room; else gives what ended the connection.
///
/// Room is looked for whenever the transport has taken something. Who waits until it has taken all is silent for as long as a slow client
/// needs for it, and the session counts that against the handler.
async fn push<Io>(
    connection: &mut Connection<Server, MaybeTls<Io>>,
    body: &Body,
    chunk: Bytes,
) -> Result<Pushed, Polled<Server>>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut waiting = Some(chunk);
    let (session, driver) = connection.split_mut();
    poll_fn(|context| {
        loop {
            let is_pending = match driver.poll(session, context) {
                Poll::Ready(Ok(Progress::Drained)) => false,
                Poll::Ready(over) => return Poll::Ready(Err(over)),
                Poll::Pending => true,
            };
            match body.push(session, waiting.take().unwrap_or_default()) {
                Ok(pushed) => return Poll::Ready(Ok(pushed)),
                Err(Full(back)) => waiting = Some(back),
            }
            if is_pending {
                return Poll::Pending;
            }
        }
    })
    .await
}

#[cfg(feature = "rustls")]
async fn start_tls<Io, H>(
    mut connection: Connection<Server, MaybeTls<Io>>,
    token: Stls,
    handler: &mut H,
    options: &ServeOptions,
) -> Result<Connection<Server, MaybeTls<Io>>, Fault>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let Some(acceptor) = &options.tls else {
        token.reject(&mut connection.session, Rejection::temporary());
        return Ok(connection);
    };
    token.accept(&mut connection.session);
    let mut connection =
        connection.upgrade(|io| crate::tls::accept_over(acceptor, io, options.handshake)).await?;
    if let Some(info) = options.tls_info(connection.driver().io()) {
        handler.tls_established(&info);
        connection.session.tls_established(info);
    }
    Ok(connection)
}

#[cfg(not(feature = "rustls"))]
#[allow(clippy::unused_async, reason = "the same shape as with rustls")]
async fn start_tls<Io, H>(
    mut connection: Connection<Server, MaybeTls<Io>>,
    token: Stls,
    _handler: &mut H,
    _options: &ServeOptions,
) -> Result<Connection<Server, MaybeTls<Io>>, Fault> {
    token.reject(&mut connection.session, Rejection::temporary());
    Ok(connection)
}
