//! AUTH by a mechanism of postroad-sasl.

use crate::harness::{Line, config};
use postroad_sasl::{Credentials, PlainServer};
use postroad_smtp::reply::Rejection;
use postroad_smtp::server::Event;
use postroad_smtp::server::sasl::{Exchange, Progress};
use postroad_smtp::types::Mechanism;

fn line() -> Line {
    let mut config = config();
    config.mechanisms = vec![Mechanism::PLAIN];
    config.allow_plaintext_auth = true;
    Line::greeted(config)
}

fn begin(line: &mut Line, command: &str) -> Progress {
    let Event::Auth(auth) = line.event(command) else { panic!() };
    Exchange::begin(Box::new(PlainServer::new()), auth, &mut line.server)
}

#[test]
fn with_an_initial_response() {
    let mut line = line();
    let Progress::Verify(credentials, decision) =
        begin(&mut line, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n")
    else {
        panic!()
    };
    let Credentials::Plain(plain) = credentials else { panic!() };
    assert_eq!(plain.authentication_identity(), "tim");
    decision.accept(&mut line.server);
    assert_eq!(line.codes(""), ["235 2.7.0"]);
    assert!(line.server.is_authenticated());
}

#[test]
fn with_a_challenge_and_a_wrong_password() {
    let mut line = line();
    let Progress::Challenged(exchange) = begin(&mut line, "AUTH PLAIN\r\n") else { panic!() };
    assert_eq!(line.sent(), "334 \r\n");
    let Event::AuthResponse(response) = line.event("AHRpbQB3cm9uZw==\r\n") else { panic!() };
    let Progress::Verify(_, decision) = exchange.respond(response, &mut line.server) else { panic!() };
    decision.reject(&mut line.server, Rejection::bad_credentials());
    assert_eq!(line.codes(""), ["535 5.7.8"]);
}

#[test]
fn a_response_that_is_none() {
    let mut line = line();
    assert!(matches!(begin(&mut line, "AUTH PLAIN AAAA\r\n"), Progress::Failed));
    assert_eq!(line.codes("NOOP\r\n"), ["535 5.7.8", "250 2.0.0"]);
}

#[test]
fn a_decision_that_is_dropped() {
    let mut line = line();
    drop(begin(&mut line, "AUTH PLAIN AHRpbQB3cm9uZw==\r\n"));
    assert_eq!(line.codes(""), ["454 4.7.0"]);
}
