//! `serve`: listeners, the connections on them, and an orderly end.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::{Config, Listen, Protocol};
use crate::control::{self, Control};
use crate::relay::{self, Relay};
use crate::store::{Store, StoreOptions};
use crate::terminal::{complain, say};
use crate::tls::{self, Tls};
use crate::webmail::{self, Webmail};
use crate::{hints, inbound, privileges};

/// How long connections have to finish once the server stops.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections over the limit that are told so at a time; more are closed without a word.
const FAREWELLS: usize = 64;

/// What every connection needs.
#[derive(Debug)]
pub(crate) struct Context {
    /// The configuration.
    pub(crate) config: Config,
    /// The store.
    pub(crate) store: Store,
    /// TLS.
    pub(crate) tls: Tls,
    /// What the queue goes by.
    pub(crate) clock: Clock,
    /// Who is logged in by the web.
    pub(crate) webmail: Webmail,
    stopping: watch::Receiver<bool>,
}

impl Context {
    /// Returns once the server stops: a connection then says goodbye as soon as it is between two messages.
    pub(crate) async fn stopping(&self) {
        // An error means that the server is gone.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// The connection, without delay for small packets.
    pub(crate) stream: TcpStream,
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// What is spoken on it.
    pub(crate) protocol: Protocol,
    /// False when there are too many: say so (SMTP: 421) and close.
    pub(crate) admitted: bool,
}

/// Speaks a protocol on a connection, to its end.
pub(crate) type Handler = fn(Incoming, Arc<Context>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// The handler of a protocol; none: this server does not speak it yet.
pub(crate) fn handler(protocol: Protocol) -> Option<Handler> {
    inbound::handler(protocol).or_else(|| webmail::handler(protocol))
}

/// Lets this process open as many connections as the system allows it: the limit it is born with is often a thousand.
fn raise_open_files(wanted: usize) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    // Each connection is one, and some have a large message in a file; the store and the relay have some.
    let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
    let wanted = wanted.saturating_add(wanted / 4).saturating_add(512);
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let soft = soft.max(wanted.min(hard));
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).map(|()| soft)
    });
    match raised {
        Ok(allowed) if allowed < wanted => {
            tracing::warn!(allowed, wanted, "fewer files may be open than limits.connections needs");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be read"),
    }
}

/// Runs a server, with a configuration from `file` if it has one, until SIGTERM or SIGINT.
pub(crate) fn run(config: Config, file: Option<&Path>) -> Result<()> {
    raise_open_files(config.limits.connections);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = Server::start(config, handler)?;
        complain(hints::commands(&server.context, &server.listening, file).trim_end());
        announce(&server.listening);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        tokio::select! {
            () = server.stop(DRAIN) => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    });
    // What still runs has had its time.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// What scripts wait for.
fn announce(listening: &[Listen]) {
    for Listen { protocol, address } in listening {
        say(format_args!("listening {protocol} {address}"));
    }
    say("ready");
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// What its connections share.
    pub(crate) context: Arc<Context>,
    /// Where it listens, with the ports that were taken.
    pub(crate) listening: Vec<Listen>,
    places: Arc<Places>,
    stop: watch::Sender<bool>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
    relay: Option<Relay>,
    control: Option<Control>,
}

impl Server {
    /// Binds, drops privileges, opens the store, and accepts connections. To be called within a runtime.
    pub(crate) fn start(config: Config, handlers: fn(Protocol) -> Option<Handler>) -> Result<Self> {
        Self::start_with(config, handlers, relay::Options::default())
    }

    /// As [`start`](Self::start), with a clock of its own for the queue, or somebody who watches what it says.
    pub(crate) fn start_with(
        config: Config,
        handlers: fn(Protocol) -> Option<Handler>,
        relay: relay::Options,
    ) -> Result<Self> {
        let mut speak = Vec::new();
        for listen in &config.listen {
            let Some(handler) = handlers(listen.protocol) else {
                bail!("{} is not there yet; set listen.{} to \"\"", listen.protocol, listen.protocol);
            };
            speak.push(handler);
        }
        let mut sockets = Vec::new();
        let mut listening = Vec::new();
        for listen in &config.listen {
            let Listen { protocol, address } = *listen;
            let socket =
                bind(address).with_context(|| format!("cannot listen for {protocol} on {address}"))?;
            listening.push(Listen { protocol, address: socket.local_addr()? });
            sockets.push(socket);
        }
        // The key of a real certificate is often for root alone: read it while that is who we are.
        let early = if config.tls.is_some() { Some(tls::open(&config)?) } else { None };
        if let Some(name) = &config.user
            && privileges::is_root()
        {
            let user = privileges::find(name)?;
            privileges::prepare_folder(&config.data, &user)?;
            privileges::become_user(&user)?;
        }
        let options = StoreOptions { quota: config.limits.mailbox_quota, serving: true };
        let store = Store::open(&config.data, options)
            .with_context(|| format!("cannot open the store in {}", config.data.display()))?;
        let tls = match early {
            Some(tls) => tls,
            None => tls::open(&config)?,
        };
        let control = match control::serve(store.clone(), &config.data) {
            Ok(control) => Some(control),
            Err(error) => {
                // `account` and `queue` then go straight to the store.
                tracing::warn!(%error, "no control socket");
                None
            }
        };
        let (stop, stopping) = watch::channel(false);
        let places = Arc::new(Places::new(config.limits.connections, config.limits.connections_per_address));
        let clock = relay.clock.clone();
        let relay = Relay::start(&config, &store, relay, DRAIN)?;
        let webmail = Webmail::new(&store);
        let context = Arc::new(Context { config, store, tls, clock, webmail, stopping });
        let listeners = sockets
            .into_iter()
            .zip(&listening)
            .zip(speak)
            .map(|((socket, listen), handler)| {
                tokio::spawn(listen_on(
                    socket,
                    listen.protocol,
                    handler,
                    Arc::clone(&context),
                    Arc::clone(&places),
                ))
            })
            .collect();
        Ok(Self { context, listening, places, stop, listeners, relay: Some(relay), control })
    }

    /// Stops accepting, lets connections finish for at most `drain`, and returns once none is left. Another server
    /// can then use the same data, unless the caller still holds the store.
    pub(crate) async fn stop(mut self, drain: Duration) {
        for listener in std::mem::take(&mut self.listeners) {
            listener.abort();
            // The port is free once the task is gone.
            let _ = listener.await;
        }
        self.stop.send_replace(true);
        // While connections come to their end here, those that go out do too.
        let relay = self.relay.take().map(|relay| tokio::spawn(relay.stop()));
        let mut open = self.places.open.subscribe();
        if tokio::time::timeout(drain, open.wait_for(|open| *open == 0)).await.is_err() {
            tracing::warn!(connections = *open.borrow(), "connections are cut off");
            self.places.cut.send_replace(true);
            let _ = open.wait_for(|open| *open == 0).await;
        }
        if let Some(relay) = relay {
            let _ = relay.await;
        }
        if let Some(control) = self.control.take() {
            control.stop().await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
        self.stop.send_replace(true);
    }
}

/// A listening socket. IPv6 ones are for IPv6 alone, so that both can be named.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart need not wait for connections of before to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    TcpListener::from_std(socket.into())
}

async fn listen_on(
    socket: TcpListener,
    protocol: Protocol,
    handler: Handler,
    context: Arc<Context>,
    places: Arc<Places>,
) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) => {
                let Some((place, admitted)) = places.take(peer.ip()) else { continue };
                let _ = stream.set_nodelay(true);
                let incoming = Incoming { stream, peer, protocol, admitted };
                tokio::spawn(attend(place, handler, incoming, Arc::clone(&context)));
            }
            Err(error) => {
                // Out of file descriptors, or the peer is gone already: neither may end the server.
                tracing::warn!(%error, %protocol, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Has a connection served; gives its place back when nothing of it is left.
async fn attend(place: Place, handler: Handler, incoming: Incoming, context: Arc<Context>) {
    let mut cut = place.places.cut.subscribe();
    tokio::select! {
        () = handler(incoming, context) => {}
        _ = cut.wait_for(|cut| *cut) => {}
    }
}

/// Who is connected.
#[derive(Debug)]
struct Places {
    limit: usize,
    limit_per_address: usize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
    /// All connections, those that are told to go among them.
    open: watch::Sender<usize>,
    /// True when connections have had their time.
    cut: watch::Sender<bool>,
}

impl Places {
    fn new(limit: usize, limit_per_address: usize) -> Self {
        Self {
            limit,
            limit_per_address,
            by_address: Mutex::default(),
            open: watch::Sender::new(0),
            cut: watch::Sender::new(false),
        }
    }

    /// A place, and whether it may be used for more than a farewell; none when not even that is left.
    fn take(self: &Arc<Self>, address: IpAddr) -> Option<(Place, bool)> {
        let address = address.to_canonical();
        let open = *self.open.borrow();
        if open >= self.limit.saturating_add(FAREWELLS) {
            return None;
        }
        let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let here = by_address.entry(address).or_insert(0);
        if *here >= self.limit_per_address.saturating_add(FAREWELLS) {
            return None;
        }
        *here += 1;
        let admitted = open < self.limit && *here <= self.limit_per_address;
        self.open.send_modify(|open| *open += 1);
        Some((Place { places: Arc::clone(self), address }, admitted))
    }
}

/// The place of one connection.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_address = self.places.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
        self.places.open.send_modify(|open| *open -= 1);
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
