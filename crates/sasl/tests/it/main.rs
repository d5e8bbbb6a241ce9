//! Both ends against each other, as a protocol would hold them.

#![allow(clippy::panic, reason = "a test fails by panicking")]

use postroad_sasl::{
    ClientMechanism, Credentials, Error, Plain, PlainClient, PlainServer, ServerMechanism, ServerStep,
};
use proptest::prelude::*;

/// Runs an exchange to its verdict, with or without an initial response.
fn exchange(
    client: &mut dyn ClientMechanism,
    server: &mut dyn ServerMechanism,
    initial: bool,
) -> Result<Credentials, Error> {
    let first = if initial && server.client_speaks_first() { client.initial_response() } else { None };
    let mut response = match first {
        Some(response) => response,
        None => client.step(&server.initial_challenge())?,
    };
    loop {
        match server.step(response.expose())? {
            ServerStep::Challenge(challenge) => response = client.step(challenge.expose())?,
            ServerStep::Verify(credentials) => return Ok(credentials),
            _ => panic!("a step that this test does not know"),
        }
    }
}

proptest! {
    #[test]
    fn whatever_the_client_says_the_server_hears(
        authorization in prop::option::of("[^\0]{1,40}"),
        authentication in "[^\0]{1,40}",
        password in "[^\0]{1,40}",
        initial: bool,
    ) {
        let plain = Plain::new(authorization.as_deref(), &authentication, &password).unwrap();
        let verdict = exchange(&mut PlainClient::new(plain), &mut PlainServer::new(), initial).unwrap();
        let Credentials::Plain(heard) = verdict else { panic!("PLAIN gives Plain") };
        prop_assert_eq!(heard.authorization_identity(), authorization.as_deref());
        prop_assert_eq!(heard.authentication_identity(), authentication);
        prop_assert_eq!(heard.password().expose(), &password);
    }

    #[test]
    fn any_octets_are_read_or_refused_and_what_is_read_is_written_the_same(octets in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(plain) = Plain::parse(&octets) {
            let written = plain.encode();
            prop_assert_eq!(written.expose(), &octets);
        }
    }

    #[test]
    fn messages_near_the_grammar(octets in "[a\0é]{0,8}") {
        let octets = octets.as_bytes();
        let fields: Vec<&[u8]> = octets.split(|octet| *octet == 0).collect();
        let good = fields.len() == 3 && !fields[1].is_empty() && !fields[2].is_empty();
        prop_assert_eq!(Plain::parse(octets).is_ok(), good);
    }
}
