//! What TLS there must be, and whom to believe.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use postroad_tokio::MaybeTls;
use postroad_tokio::tokio_rustls::TlsConnector;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// What TLS there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Implicit,
    StartTls,
    None,
}

/// What protects a connection, in words.
pub(crate) fn name<Io>(io: &MaybeTls<Io>) -> String {
    let MaybeTls::Tls(tls) = io else { return "in the clear".into() };
    let state = tls.get_ref().1;
    let version = state.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
    let suite = state.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("?");
    format!("under TLS from here on: {version}, {suite}")
}

/// A connector that believes the certificates in `file` alone, or without a file those of the system.
pub(crate) fn connector(file: Option<&Path>) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    let config = if let Some(file) = file {
        let given = certificates(file).with_context(|| file.display().to_string())?;
        roots.add_parsable_certificates(given.iter().cloned());
        ensure!(!roots.is_empty(), "{}: no certificate in it can be used", file.display());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Given { given, chains }))
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        ensure!(!roots.is_empty(), "the system has no trusted certificates; name some with --tls-ca");
        builder.with_root_certificates(roots)
    };
    Ok(TlsConnector::from(Arc::new(config.with_no_client_auth())))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let octets = std::fs::read(file)?;
    let all = CertificateDer::pem_slice_iter(&octets).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| anyhow::anyhow!("it is no PEM: {error}"))?;
    ensure!(!all.is_empty(), "no certificate is in it");
    Ok(all)
}

/// Believes chains that end in a given certificate, and a given certificate itself: one that a server has signed for itself is often
/// marked as that of an authority, and could by the rules for chains not be a server's (RFC 5280 section 4.2.1.9). Whoever names it means it.
/// Its names and the proof that the server owns its key are checked in either case.
#[derive(Debug)]
struct Given {
    given: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.given.iter().any(|given| given == end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
