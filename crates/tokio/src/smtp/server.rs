//! One connection of a mail server, from its greeting to its end.

use super::handler::{AuthAnswer, AuthStep, Handler};
use crate::work::{progress_or, work};
use crate::{Connection, Error, MaybeTls, Progress, ServeOptions, now};
use postroad_smtp::reply::Rejection;
use postroad_smtp::server::{CloseReason, Config, Event, Server, StartTls};
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

type Fault = Error<postroad_smtp::Error>;

/// A message on its way in.
enum Incoming<M> {
    Taking(M),
    /// The handler has refused it; its end is awaited to say so.
    Refused(Rejection),
}

/// Serves one connection until it is over, and says why it is; the decisions are `handler`'s.
///
/// A transport that is TLS already (port 465, RFC 8314) is served as such: give it as [`MaybeTls::Tls`], by
/// [`tls::accept`](crate::tls::accept). STARTTLS is done by [`ServeOptions::tls`], if the configuration offers it. On shutdown the session
/// says 421 after the message or command that it is at.
///
/// How many connections there may be, in all and from one address, is up to the caller; so is the name of the peer. Set
/// `TCP_NODELAY` on its sockets: what is written here is written whole.
///
/// # Errors
///
/// As [`Driver::poll`](crate::Driver::poll), and a TLS handshake that failed, as [`Error::Io`]. They end the connection and nothing else.
///
/// ```no_run
/// use postroad_smtp::server::Config;
/// use postroad_tokio::smtp::{Handler, serve};
/// use postroad_tokio::{MaybeTls, ServeOptions};
/// use std::sync::Arc;
/// use tokio::net::TcpListener;
///
/// async fn listen<H: Handler + 'static>(
///     listener: TcpListener,
///     config: Arc<Config>,
///     options: ServeOptions,
///     handler: impl Fn(std::net::SocketAddr) -> H,
/// ) -> std::io::Result<()> {
///     loop {
///         let (stream, peer) = listener.accept().await?;
///         let (config, options, mut handler) = (config.clone(), options.clone(), handler(peer));
///         tokio::spawn(async move {
///             if let Err(error) = serve(MaybeTls::Plain(stream), config, &mut handler, options).await {
///                 eprintln!("{peer}: {error}");
///             }
///         });
///     }
/// }
/// ```
pub async fn serve<Io, H>(
    io: MaybeTls<Io>,
    config: Arc<Config>,
    handler: &mut H,
    mut options: ServeOptions,
) -> Result<Option<CloseReason>, Fault>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let session = match options.tls_info(&io) {
        Some(info) => {
            handler.tls_established(&info);
            Server::new_over_tls(config, info, now())
        }
        None => Server::new(config, now()),
    };
    let mut connection = Connection::with_limits(session, io, options.limits);
    let mut shutdown = std::mem::take(&mut options.shutdown);
    let mut shutdown = pin!(shutdown.wait());
    let mut told = false;
    let mut message: Option<Incoming<H::Message>> = None;
    let mut meanwhile = None;
    loop {
        let polled = match meanwhile.take() {
            Some(polled) => Some(polled),
            None => progress_or(&mut connection, (!told).then_some(shutdown.as_mut())).await,
        };
        let Some(polled) = polled else {
            told = true;
            connection.session.goodbye();
            continue;
        };
        let event = match polled? {
            Progress::Event(event) => event,
            Progress::Drained => continue,
            Progress::Closed => return Ok(connection.session.close_reason()),
        };
        match event {
            Event::Hello(token) => {
                let decision = handler.hello(token.name(), token.is_extended());
                let (decision, then) = work(&mut connection, decision).await;
                meanwhile = then;
                match decision {
                    Ok(()) => token.accept(&mut connection.session),
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Auth(token) => {
                let (mechanism, initial_response) = (token.mechanism(), token.initial_response().cloned());
                let step = AuthStep::Start { mechanism, initial_response };
                let (answer, then) = work(&mut connection, handler.authenticate(step)).await;
                meanwhile = then;
                match answer {
                    AuthAnswer::Challenge(challenge) => token.challenge(&mut connection.session, &challenge),
                    AuthAnswer::Accept => token.accept(&mut connection.session),
                    AuthAnswer::Reject(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::AuthResponse(token) => {
                let step = AuthStep::Response(token.response().clone());
                let (answer, then) = work(&mut connection, handler.authenticate(step)).await;
                meanwhile = then;
                match answer {
                    AuthAnswer::Challenge(challenge) => token.challenge(&mut connection.session, &challenge),
                    AuthAnswer::Accept => token.accept(&mut connection.session),
                    AuthAnswer::Reject(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Mail(token) => {
                let decision = handler.mail(token.reverse_path(), token.parameters());
                let (decision, then) = work(&mut connection, decision).await;
                meanwhile = then;
                match decision {
                    Ok(()) => token.accept(&mut connection.session),
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Rcpt(token) => {
                let (decision, then) = work(&mut connection, handler.rcpt(token.forward_path())).await;
                meanwhile = then;
                match decision {
                    Ok(()) => token.accept(&mut connection.session),
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Data(token) => {
                let (decision, then) = work(&mut connection, handler.data()).await;
                meanwhile = then;
                match decision {
                    Ok(taking) => {
                        message = Some(Incoming::Taking(taking));
                        token.accept(&mut connection.session);
                    }
                    Err(rejection) => token.reject(&mut connection.session, rejection),
                }
            }
            Event::Body(chunk) => {
                // Nothing is to be written here, and what is not read presses back on the peer.
                if let Some(Incoming::Taking(taking)) = &mut message {
                    if let Err(rejection) = handler.body(taking, chunk).await {
                        message = Some(Incoming::Refused(rejection));
                    }
                }
            }
            Event::DataEnd(token) => {
                match message.take() {
                    Some(Incoming::Taking(whole)) => {
                        let (decision, then) = work(&mut connection, handler.finish(whole)).await;
                        meanwhile = then;
                        match decision {
                            Ok(text) => token.accept(&mut connection.session, text),
                            Err(rejection) => token.reject(&mut connection.session, rejection),
                        }
                    }
                    Some(Incoming::Refused(rejection)) => token.reject(&mut connection.session, rejection),
                    None => token.reject(&mut connection.session, Rejection::temporary()),
                }
                handler.reset();
            }
            Event::BodyAborted(reason) => {
                message = None;
                handler.aborted(reason);
                handler.reset();
            }
            Event::Reset => handler.reset(),
            Event::StartTls(token) => connection = start_tls(connection, token, handler, &options).await?,
            Event::Repaired(repairs) => handler.repaired(&repairs),
            // AUTH that was given up needs nothing; and a token of a later version is dropped, which refuses.
            _ => {}
        }
    }
}

#[cfg(feature = "rustls")]
async fn start_tls<Io, H>(
    mut connection: Connection<Server, MaybeTls<Io>>,
    token: StartTls,
    handler: &mut H,
    options: &ServeOptions,
) -> Result<Connection<Server, MaybeTls<Io>>, Fault>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let Some(acceptor) = &options.tls else {
        token.reject(&mut connection.session, Rejection::tls_unavailable());
        return Ok(connection);
    };
    token.accept(&mut connection.session);
    let mut connection =
        connection.upgrade(|io| crate::tls::accept_over(acceptor, io, options.handshake)).await?;
    if let Some(info) = options.tls_info(connection.driver().io()) {
        handler.tls_established(&info);
        connection.session.tls_established(info).map_err(Error::Session)?;
    }
    Ok(connection)
}

#[cfg(not(feature = "rustls"))]
#[allow(clippy::unused_async, reason = "the same shape as with rustls")]
async fn start_tls<Io, H>(
    mut connection: Connection<Server, MaybeTls<Io>>,
    token: StartTls,
    _handler: &mut H,
    _options: &ServeOptions,
) -> Result<Connection<Server, MaybeTls<Io>>, Fault> {
    token.reject(&mut connection.session, Rejection::tls_unavailable());
    Ok(connection)
}
