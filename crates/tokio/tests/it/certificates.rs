//! A certificate for `localhost`, and the two configurations that go with it.

use postroad_tokio::rustls::RootCertStore;
use postroad_tokio::rustls::pki_types::PrivateKeyDer;
use postroad_tokio::tls::{client_config, server_config};
use postroad_tokio::tokio_rustls::{TlsAcceptor, TlsConnector};
use std::sync::Arc;

pub(crate) fn pair() -> (TlsAcceptor, TlsConnector) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let server = server_config(vec![made.cert.der().clone()], key).unwrap();
    (Arc::new(server).into(), Arc::new(client_config(roots).unwrap()).into())
}
