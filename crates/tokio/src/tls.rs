//! TLS by rustls, with the ring provider.
//!
//! ```
//! use postroad_tokio::rustls::RootCertStore;
//! use postroad_tokio::tls::client_config;
//! use postroad_tokio::tokio_rustls::TlsConnector;
//! use std::sync::Arc;
//!
//! let roots = RootCertStore::empty(); // add those of the system
//! let connector = TlsConnector::from(Arc::new(client_config(roots)?));
//! # let _ = connector;
//! # Ok::<(), postroad_tokio::rustls::Error>(())
//! ```

use crate::MaybeTls;
use postroad_core::TlsInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, CommonState, DigitallySignedStruct, ProtocolVersion, RootCertStore, ServerConfig,
    SignatureScheme,
};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// How long a handshake may take, where nothing else is said: a peer that stalls in it holds a connection without a session to time it.
pub const HANDSHAKE: Duration = Duration::from_secs(60);

/// What a session is told of its TLS connection.
///
/// The channel binding `tls-exporter` (RFC 9266 section 4) is there in TLS 1.3 only: in TLS 1.2 it would need to be known that the extended
/// master secret was used (section 3). `tls-server-end-point` (RFC 5929 section 4) is the hash of the server's certificate by the algorithm
/// that it was signed with; that needs a parser of certificates, so it is left to whoever has one, and so is the name in a client's
/// certificate.
pub(crate) fn info<Io>(tls: &TlsStream<Io>) -> TlsInfo {
    const LABEL: &[u8] = b"EXPORTER-Channel-Binding";
    let is_1_3 = |state: &CommonState| state.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    let exported = match tls {
        TlsStream::Client(tls) => {
            let session = tls.get_ref().1;
            is_1_3(session).then(|| session.export_keying_material([0; 32], LABEL, Some(b"")))
        }
        TlsStream::Server(tls) => {
            let session = tls.get_ref().1;
            is_1_3(session).then(|| session.export_keying_material([0; 32], LABEL, Some(b"")))
        }
    };
    let mut info = TlsInfo::new();
    info.exporter = exported.and_then(Result::ok).map(Vec::from);
    info
}

impl<Io> MaybeTls<Io> {
    /// The certificates that the peer proved to own, its own first; `None` if it sent none, or in the clear.
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(tls) => tls.get_ref().1.peer_certificates(),
        }
    }
}

/// The server's handshake, for at most `limit`.
///
/// # Errors
///
/// The handshake's, or [`io::ErrorKind::TimedOut`].
pub async fn accept<Io>(acceptor: &TlsAcceptor, io: Io, limit: Duration) -> io::Result<MaybeTls<Io>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let tls = within(limit, acceptor.accept(io)).await?;
    Ok(MaybeTls::Tls(Box::new(TlsStream::Server(tls))))
}

/// The client's handshake with the server that must prove to be `name`, for at most `limit`.
///
/// # Errors
///
/// The handshake's, or [`io::ErrorKind::TimedOut`].
pub async fn connect<Io>(
    connector: &TlsConnector,
    name: ServerName<'static>,
    io: Io,
    limit: Duration,
) -> io::Result<MaybeTls<Io>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let tls = within(limit, connector.connect(name, io)).await?;
    Ok(MaybeTls::Tls(Box::new(TlsStream::Client(tls))))
}

/// [`accept`] on a transport that must be in the clear: TLS in TLS is not spoken in mail.
#[cfg(any(feature = "smtp", feature = "pop3", feature = "imap"))]
pub(crate) async fn accept_over<Io>(
    acceptor: &TlsAcceptor,
    io: MaybeTls<Io>,
    limit: Duration,
) -> io::Result<MaybeTls<Io>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    match io {
        MaybeTls::Plain(io) => accept(acceptor, io, limit).await,
        MaybeTls::Tls(_) => Err(io::Error::other("there is TLS already")),
    }
}

/// [`connect`] on a transport that must be in the clear.
#[cfg(any(feature = "smtp", feature = "pop3", feature = "imap"))]
pub(crate) async fn connect_over<Io>(
    connector: &TlsConnector,
    name: ServerName<'static>,
    io: MaybeTls<Io>,
    limit: Duration,
) -> io::Result<MaybeTls<Io>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    match io {
        MaybeTls::Plain(io) => connect(connector, name, io, limit).await,
        MaybeTls::Tls(_) => Err(io::Error::other("there is TLS already")),
    }
}

async fn within<T>(limit: Duration, handshake: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, handshake)
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A client's configuration that believes in `roots`; TLS 1.2 and 1.3.
///
/// # Errors
///
/// None in practice: the ring provider supports both versions.
pub fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// A client's configuration that believes any certificate: TLS that hides the mail from who only listens, and nothing more.
///
/// It is for relaying between servers, where most certificates prove nothing and the other choice is to send in the clear (RFC 7435). Never
/// log in by it.
///
/// # Errors
///
/// None in practice: the ring provider supports both versions.
pub fn unverified_client_config() -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let config =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    Ok(config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        .with_no_client_auth())
}

/// A server's configuration; TLS 1.2 and 1.3, no certificates of clients.
///
/// # Errors
///
/// A key that does not fit the first certificate, or that ring cannot use.
pub fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    config.with_no_client_auth().with_single_cert(chain, key)
}

/// Believes any certificate, but still checks that the peer owns it.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
