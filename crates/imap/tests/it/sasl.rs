//! AUTHENTICATE by a mechanism of postroad-sasl, at both ends.

use postroad_core::Secret;
use postroad_imap::client::sasl::Progress as ClientProgress;
use postroad_imap::client::{self, Client};
use postroad_imap::response::{No, ResponseCode};
use postroad_imap::server::sasl::{Exchange, Progress};
use postroad_imap::server::{Config, Event, Server, State};
use postroad_imap::types::TlsInfo;
use postroad_sasl::{ClientMechanism, Credentials, Error, Plain, PlainClient, PlainServer};
use postroad_testkit::Pair;
use std::sync::Arc;
use std::time::Instant;

fn decide(progress: Progress, session: &mut Server, going_on: &mut Option<Exchange>) {
    match progress {
        Progress::Challenged(exchange) => *going_on = Some(exchange),
        Progress::Verify(Credentials::Plain(plain), decision) => {
            assert_eq!(plain.authentication_identity(), "tim");
            if plain.password().expose() == "secret" {
                decision.ok(session);
            } else {
                decision.no(session, No::authentication_failed());
            }
        }
        Progress::Failed => {}
        other => panic!("{other:?}"),
    }
}

/// What the client was told, and the state of the server.
fn exchange(mechanism: Box<dyn ClientMechanism + Send>, goes_with_it: bool) -> (ClientProgress, State) {
    let mut config = Config::new();
    config.mechanisms = vec!["PLAIN".into()];
    let mut for_client = client::Config::new();
    for_client.initial_response = goes_with_it;
    let client = Client::new_over_tls(Arc::new(for_client), TlsInfo::new(), Instant::now());
    let mut pair = Pair::new(client, Server::new_over_tls(config, TlsInfo::new()));
    let mut mechanism = Some(mechanism);
    let (mut ours, mut theirs) = (None, None);
    let mut end = ClientProgress::Working;
    pair.run(
        |session, event| {
            if let Some(mechanism) = mechanism.take_if(|_| matches!(event, client::Event::Greeting(_))) {
                ours = Some(client::sasl::Exchange::begin(mechanism, session).unwrap());
            } else if let Some(exchange) = &mut ours {
                match exchange.handle(session, &event) {
                    ClientProgress::Working => {}
                    over => end = over,
                }
            }
        },
        |session, event| match event {
            Event::Authenticate(begin) => {
                assert_eq!(begin.initial_response().is_some(), goes_with_it);
                decide(Exchange::begin(Box::new(PlainServer::new()), begin, session), session, &mut theirs);
            }
            Event::SaslResponse(response) => {
                let exchange: Exchange = theirs.take().unwrap();
                decide(exchange.respond(response, session), session, &mut theirs);
            }
            Event::SaslCancelled => theirs = None,
            other => panic!("{other:?}"),
        },
    );
    (end, pair.server.session.state())
}

fn plain(password: &str) -> Box<dyn ClientMechanism + Send> {
    Box::new(PlainClient::new(Plain::new(None, "tim", password).unwrap()))
}

#[test]
fn with_and_without_an_initial_response() {
    for goes_with_it in [false, true] {
        let (end, state) = exchange(plain("secret"), goes_with_it);
        assert_eq!((end, state), (ClientProgress::Succeeded, State::Authenticated));
        let (end, state) = exchange(plain("wrong"), goes_with_it);
        let ClientProgress::Refused(status) = end else { panic!("{end:?}") };
        assert_eq!(status.code, Some(ResponseCode::AuthenticationFailed));
        assert_eq!(state, State::NotAuthenticated);
    }
}

/// Says what a test wants it to say.
struct Odd {
    response: Result<&'static [u8], Error>,
    trusts: bool,
}

impl ClientMechanism for Odd {
    fn name(&self) -> &'static str {
        "PLAIN"
    }

    fn reveals_password(&self) -> bool {
        true
    }

    fn initial_response(&mut self) -> Option<Secret<Vec<u8>>> {
        None
    }

    fn step(&mut self, _: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        self.response.map(|octets| Secret::new(octets.to_vec()))
    }

    fn succeeded(&mut self, _: Option<&[u8]>) -> Result<(), Error> {
        if self.trusts { Ok(()) } else { Err(Error::Finished) }
    }
}

#[test]
fn a_response_that_is_none_is_refused() {
    let (end, state) = exchange(Box::new(Odd { response: Ok(b"no NUL"), trusts: true }), false);
    assert!(matches!(end, ClientProgress::Refused(_)), "{end:?}");
    assert_eq!(state, State::NotAuthenticated);
}

#[test]
fn a_mechanism_without_an_answer_cancels() {
    let odd = Odd { response: Err(Error::UnexpectedChallenge), trusts: true };
    let (end, state) = exchange(Box::new(odd), false);
    assert_eq!((end, state), (ClientProgress::Failed(Error::UnexpectedChallenge), State::NotAuthenticated));
}

/// As SCRAM without the server's signature: the server's OK is not enough.
#[test]
fn a_server_that_has_not_proved_itself_is_not_trusted() {
    let odd = Odd { response: Ok(b"\0tim\0secret"), trusts: false };
    let (end, _) = exchange(Box::new(odd), false);
    assert_eq!(end, ClientProgress::Failed(Error::Finished));
}

#[test]
fn a_decision_that_is_dropped() {
    let mut config = Config::new();
    config.mechanisms = vec!["PLAIN".into()];
    let mut desk = crate::office::Desk::new(config, crate::office::Office::new(0));
    desk.take_said();
    desk.input.extend_from_slice(b"a AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=\r\n");
    let Some(Event::Authenticate(begin)) = desk.next() else { panic!() };
    drop(Exchange::begin(Box::new(PlainServer::new()), begin, &mut desk.session));
    desk.run();
    assert!(desk.take_said().starts_with("a NO [SERVERBUG] "));
}
