//! Tokens that are dropped, late, or taken to another session.

use crate::common::{Talk, config, server};
use postroad_pop3::response::Rejection;
use postroad_pop3::server::{Event, Pushed, Server};
use postroad_pop3::{ApiMisuse, Error, Full, Session, Step};

const TEMPORARY: &str = "-ERR [SYS/TEMP] temporary failure, try again later\r\n";

#[test]
fn a_dropped_login_is_refused_and_the_session_goes_on() {
    let mut talk = Talk::new(server());
    drop(talk.event("USER mrose\r\nPASS secret\r\n"));
    assert_eq!(talk.say("STAT\r\n"), format!("+OK send PASS\r\n{TEMPORARY}-ERR log in first\r\n"));
}

#[test]
fn a_dropped_stls_is_refused() {
    let mut config = config();
    config.stls = true;
    let mut talk = Talk::new(Server::new(config));
    drop(talk.event("STLS\r\n"));
    assert_eq!(talk.say("NOOP\r\n"), format!("{TEMPORARY}-ERR log in first\r\n"));
}

#[test]
fn a_dropped_retrieve_is_refused() {
    let mut talk = Talk::in_transaction();
    drop(talk.event("RETR 1\r\n"));
    assert_eq!(talk.say("NOOP\r\n"), format!("{TEMPORARY}+OK\r\n"));
}

#[test]
fn a_dropped_body_ends_the_connection_without_a_word() {
    let mut talk = Talk::in_transaction();
    let Event::Retrieve(retrieve) = talk.event("RETR 1\r\nNOOP\r\n") else { panic!() };
    let body = retrieve.accept(&mut talk.session);
    assert_eq!(body.push(&mut talk.session, "half a".into()), Ok(Pushed::More));
    drop(body);
    assert_eq!(talk.say(""), "+OK 120 octets\r\nhalf a");
    assert_eq!(talk.step, Err(Error::Api(ApiMisuse::BodyDropped)));
}

#[test]
fn a_dropped_update_is_refused() {
    let mut talk = Talk::in_transaction();
    drop(talk.event("DELE 1\r\nQUIT\r\n"));
    assert_eq!(
        talk.say(""),
        "+OK message 1 deleted\r\n-ERR [SYS/TEMP] some deleted messages not removed\r\n"
    );
    assert_eq!(talk.step, Ok(Step::Closed));
}

#[test]
fn an_update_may_fail() {
    let mut talk = Talk::in_transaction();
    let Event::Update(update) = talk.event("DELE 2\r\nQUIT\r\n") else { panic!() };
    assert_eq!(update.deleted().iter().map(|number| number.get()).collect::<Vec<_>>(), [2]);
    update.reject(&mut talk.session);
    assert!(talk.say("").ends_with("-ERR [SYS/TEMP] some deleted messages not removed\r\n"));
    assert_eq!(talk.step, Ok(Step::Closed));
}

#[test]
fn tokens_of_another_session_do_nothing_there_and_count_as_dropped_at_home() {
    let mut a = Talk::new(server());
    let mut b = Talk::new(server());
    let Event::Login(of_a) = a.event("USER mrose\r\nPASS secret\r\n") else { panic!() };
    let Event::Login(of_b) = b.event("USER mrose\r\nPASS secret\r\n") else { panic!() };
    let maildrop = a.shop.maildrop();
    of_a.accept(&mut b.session, maildrop.clone());
    assert_eq!(b.say(""), "+OK send PASS\r\n", "not logged in by a token of another");
    assert_eq!(b.step, Ok(Step::Paused));
    assert_eq!(a.say(""), format!("+OK send PASS\r\n{TEMPORARY}"));
    of_b.accept(&mut b.session, maildrop);
    assert!(b.say("").starts_with("+OK maildrop"));
}

#[test]
fn a_body_of_another_session_writes_nothing() {
    let mut a = Talk::in_transaction();
    let mut b = Talk::in_transaction();
    let Event::Retrieve(of_a) = a.event("RETR 1\r\n") else { panic!() };
    let body = of_a.accept(&mut a.session);
    // Also while that one sends a message of its own.
    let Event::Retrieve(of_b) = b.event("RETR 2\r\n") else { panic!() };
    let body_of_b = of_b.accept(&mut b.session);
    assert_eq!(body.push(&mut b.session, "forged".into()), Ok(Pushed::Enough));
    body.finish(&mut b.session);
    body_of_b.finish(&mut b.session);
    assert_eq!(b.say("NOOP\r\n"), "+OK 200 octets\r\n.\r\n+OK\r\n");
    a.say("");
    assert_eq!(a.step, Err(Error::Api(ApiMisuse::BodyDropped)));
}

#[test]
fn tokens_of_a_session_that_is_over_do_nothing() {
    let mut talk = Talk::in_transaction();
    let Event::Retrieve(retrieve) = talk.event("RETR 1\r\n") else { panic!() };
    talk.wait(std::time::Duration::from_secs(3600));
    assert!(talk.is_closed());
    let body = retrieve.accept(&mut talk.session);
    assert_eq!(body.push(&mut talk.session, "late".into()), Ok(Pushed::Enough));
    body.finish(&mut talk.session);
    assert_eq!(talk.say("NOOP\r\n"), "");
    assert_eq!(talk.session.poll_timeout(), None);
}

#[test]
fn a_retrieve_may_be_refused() {
    let mut talk = Talk::in_transaction();
    let Event::Retrieve(retrieve) = talk.event("TOP 1 3\r\n") else { panic!() };
    retrieve.reject(&mut talk.session, Rejection::new(None, "it is\r\ngone"));
    assert_eq!(talk.say("NOOP\r\n"), "-ERR it is  gone\r\n+OK\r\n");
}

#[test]
fn calls_that_are_not_needed_are_harmless() {
    let mut talk = Talk::in_transaction();
    talk.session.handle_timeout(talk.now);
    talk.session.tls_established(crate::common::tls());
    assert!(talk.session.tls().is_none(), "no STLS was accepted");
    assert_eq!(talk.session.poll_transmit(), None);
    assert_eq!(talk.say("QUIT\r\n").lines().count(), 1);
    talk.session.handle_eof();
    talk.session.shut_down();
    assert_eq!(talk.say("NOOP\r\n"), "");
    assert_eq!(talk.step, Ok(Step::Closed));
}

#[test]
fn a_top_that_has_enough_takes_no_more_and_needs_no_room() {
    let mut config = config();
    config.high_water = 5;
    let mut talk = Talk::new(Server::new(config));
    talk.say("USER mrose\r\nPASS secret\r\n");
    let Event::Retrieve(retrieve) = talk.event("TOP 1 0\r\n") else { panic!() };
    let body = retrieve.accept(&mut talk.session);
    assert_eq!(body.push(&mut talk.session, "A: 1\r\n".into()), Err(Full("A: 1\r\n".into())));
    assert_eq!(talk.say(""), "+OK top of message follows\r\n");
    assert_eq!(body.push(&mut talk.session, "A: 1\r\n\r\nbody\r\n".into()), Ok(Pushed::Enough));
    assert_eq!(body.push(&mut talk.session, "more\r\n".into()), Ok(Pushed::Enough), "there is no room");
    assert_eq!(talk.say(""), "A: 1\r\n\r\n");
    assert_eq!(body.push(&mut talk.session, "more\r\n".into()), Ok(Pushed::Enough));
    body.finish(&mut talk.session);
    assert_eq!(talk.say(""), ".\r\n");
}
