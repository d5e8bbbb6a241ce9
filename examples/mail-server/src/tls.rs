//! TLS: a certificate and key from files, or a self-signed pair that is made once and kept in the data folder.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Config, TlsFiles};

/// TLS as every listener uses it.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// For the acceptor. TLS 1.2 and 1.3, the ring provider, no ALPN.
    pub(crate) server: Arc<ServerConfig>,
    /// The file of the certificate, to be told to people who have to trust it.
    pub(crate) certificate_file: PathBuf,
    /// The server's own certificate: the channel binding `tls-server-end-point` is its hash (RFC 5929 section 4).
    pub(crate) certificate: CertificateDer<'static>,
}

/// Which file is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The certificate chain.
    Certificate,
    /// The private key.
    Key,
}

/// Why a pair of files cannot be used.
#[derive(Debug)]
pub(crate) struct TlsError {
    /// Which of the two.
    pub(crate) file: Which,
    path: PathBuf,
    reason: String,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for TlsError {}

/// True if the files hold a chain and the key that belongs to it.
pub(crate) fn check(files: &TlsFiles) -> Result<(), TlsError> {
    load(files).map(drop)
}

/// TLS from the files that the configuration names; from a self-signed pair in the data folder if it names none.
pub(crate) fn open(config: &Config) -> Result<Tls, TlsError> {
    if let Some(files) = &config.tls {
        return load(files);
    }
    let certificate = config.data.join("certificate.pem");
    let files = TlsFiles { certificate, key: config.data.join("key.pem") };
    if !files.certificate.exists() || !files.key.exists() {
        make(&files, &config.hostname)?;
    }
    load(&files)
}

fn load(files: &TlsFiles) -> Result<Tls, TlsError> {
    let fault = |file, path: &Path, reason: String| TlsError { file, path: path.to_owned(), reason };
    let certificate = |reason| fault(Which::Certificate, &files.certificate, reason);
    let key = |reason| fault(Which::Key, &files.key, reason);

    let text = std::fs::read(&files.certificate).map_err(|error| certificate(error.to_string()))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| certificate(format!("not a PEM certificate: {error}")))?;
    let leaf = chain.first().cloned().ok_or_else(|| certificate("holds no PEM certificate".to_owned()))?;
    let text = std::fs::read(&files.key).map_err(|error| key(error.to_string()))?;
    let private =
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| key(format!("not a PEM key: {error}")))?;

    // Named, so that another provider in the process can never make this ambiguous.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => certificate(error.to_string()),
            rustls::Error::InconsistentKeys(_) => key("is not the key of the certificate".to_owned()),
            error => key(error.to_string()),
        })?;
    Ok(Tls { server: Arc::new(server), certificate_file: files.certificate.clone(), certificate: leaf })
}

/// Makes a self-signed pair for the host name, `localhost` and the loopback addresses.
fn make(files: &TlsFiles, hostname: &str) -> Result<(), TlsError> {
    let fault = |file, path: &Path, reason: String| TlsError { file, path: path.to_owned(), reason };
    let mut names = vec![hostname.to_owned()];
    names.extend(
        ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|name| name != hostname),
    );
    let pair = rcgen::CertificateParams::new(names).and_then(|mut parameters| {
        parameters.distinguished_name.push(rcgen::DnType::CommonName, hostname);
        let key = rcgen::KeyPair::generate()?;
        Ok((parameters.self_signed(&key)?, key))
    });
    let (certificate, key) =
        pair.map_err(|error| fault(Which::Certificate, &files.certificate, error.to_string()))?;
    write_private(&files.key, key.serialize_pem().as_bytes())
        .map_err(|error| fault(Which::Key, &files.key, error.to_string()))?;
    write_private(&files.certificate, certificate.pem().as_bytes())
        .map_err(|error| fault(Which::Certificate, &files.certificate, error.to_string()))
}

/// Writes a file that only its owner can read; whole or not at all.
fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("partial");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn config(data: &Path) -> Config {
        Config { data: data.to_owned(), ..Config::load(None).unwrap() }
    }

    #[test]
    fn a_pair_is_made_once_and_kept_private() {
        let place = tempfile::tempdir().unwrap();
        let config = config(place.path());
        let first = open(&config).unwrap();
        assert_eq!(first.certificate_file, place.path().join("certificate.pem"));
        assert!(first.server.alpn_protocols.is_empty());
        for file in ["certificate.pem", "key.pem"] {
            let mode = place.path().join(file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        assert_eq!(open(&config).unwrap().certificate, first.certificate);
    }

    #[test]
    fn files_that_cannot_be_used() {
        let place = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        open(&config(place.path())).unwrap();
        open(&config(other.path())).unwrap();
        let certificate = place.path().join("certificate.pem");
        let key = place.path().join("key.pem");
        let wrong = |certificate: &Path, key: &Path| {
            check(&TlsFiles { certificate: certificate.to_owned(), key: key.to_owned() }).unwrap_err()
        };
        assert!(check(&TlsFiles { certificate: certificate.clone(), key: key.clone() }).is_ok());
        let error = wrong(&certificate, &other.path().join("key.pem"));
        assert_eq!(error.file, Which::Key);
        assert!(error.to_string().ends_with("is not the key of the certificate"), "{error}");
        assert_eq!(wrong(&key, &key).file, Which::Certificate);
        assert_eq!(wrong(&certificate, &certificate).file, Which::Key);
        assert_eq!(wrong(&certificate, &place.path().join("none")).file, Which::Key);
        assert_eq!(wrong(&place.path().join("none"), &key).file, Which::Certificate);
    }
}
