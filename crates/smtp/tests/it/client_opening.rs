//! Openings against what a server may offer.

use crate::client::Talk;
use postroad_smtp::client::{Opening, OpeningFailure, OpeningProgress, OpeningStep, TlsPolicy};
use postroad_smtp::command::AuthCommand;
use postroad_smtp::types::{ClientName, Mechanism, TlsInfo};
use postroad_smtp::{PeerFault, Secret, Session, Step};

fn plain() -> AuthCommand {
    AuthCommand::new(Mechanism::PLAIN, Some(Secret::new(b"\0tim\0tanstaaf".to_vec())))
}

struct Opens {
    talk: Talk,
    opening: Opening,
}

impl Opens {
    fn new(tls: TlsPolicy, set: impl FnOnce(Opening) -> Opening) -> Self {
        let opening = set(Opening::new(ClientName::parse("bar.com").unwrap(), tls));
        Self { talk: Talk::new(), opening }
    }

    /// What the last event of these octets leads to.
    fn hears(&mut self, octets: &str) -> OpeningProgress {
        self.talk.input.extend_from_slice(octets.as_bytes());
        let mut last = OpeningProgress::Working;
        while let Step::Event(event) = self.talk.step().unwrap() {
            last = self.opening.handle(&mut self.talk.client, &event);
        }
        last
    }

    fn goes_on_after(&mut self, octets: &str) {
        assert_eq!(self.hears(octets), OpeningProgress::Working);
    }

    fn upgrades(&mut self) {
        assert_eq!(
            self.opening.tls_established(&mut self.talk.client, TlsInfo::new()),
            OpeningProgress::Working
        );
        assert!(self.talk.client.is_tls());
    }

    fn sent(&mut self) -> String {
        self.talk.sent()
    }
}

fn refused(progress: &OpeningProgress) -> Option<(OpeningStep, u16)> {
    match progress {
        OpeningProgress::Failed(OpeningFailure::Refused { step, reply }) => Some((*step, reply.code().get())),
        _ => None,
    }
}

fn is_open(progress: &OpeningProgress) -> bool {
    matches!(progress, OpeningProgress::Opened(_))
}

const CLEAR: &str = "220 hi\r\n250-foo.com\r\n250-STARTTLS\r\n250 AUTH LOGIN\r\n";
const PLAIN: &str = "220 hi\r\n250 foo.com\r\n";

#[test]
fn all_the_way() {
    let mut opens = Opens::new(TlsPolicy::Required, |opening| opening.authenticate(plain()));
    assert_eq!(opens.hears("220-foo.com\r\n220 at your service\r\n"), OpeningProgress::Working);
    assert_eq!(opens.sent(), "EHLO bar.com\r\n");
    opens.goes_on_after("250-foo.com\r\n250-STARTTLS\r\n250 AUTH LOGIN\r\n");
    assert_eq!(opens.sent(), "STARTTLS\r\n");
    assert_eq!(opens.hears("220 go\r\n"), OpeningProgress::StartTls);
    opens.upgrades();
    assert_eq!(opens.sent(), "EHLO bar.com\r\n");
    opens.goes_on_after("250-foo.com\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n");
    assert_eq!(opens.sent(), "AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n");
    let OpeningProgress::Opened(capabilities) = opens.hears("235 2.7.0 welcome\r\n") else { panic!() };
    assert!(capabilities.pipelining && !capabilities.starttls, "what was said under TLS");
    assert!(opens.talk.client.is_authenticated());
}

#[test]
fn a_server_that_does_not_want() {
    for (replies, step, code) in [
        ("554 no service here\r\n", OpeningStep::Greeting, 554),
        ("421 too busy\r\n", OpeningStep::Greeting, 421),
        ("220 hi\r\n421 too busy\r\n", OpeningStep::Hello, 421),
        ("220 hi\r\n450 not now\r\n", OpeningStep::Hello, 450),
        ("220 hi\r\n550 no\r\n550 no\r\n", OpeningStep::Hello, 550),
        ("220 hi\r\n250-foo.com\r\n250 STARTTLS\r\n454 no\r\n", OpeningStep::StartTls, 454),
        ("220 hi\r\n250-foo.com\r\n250 STARTTLS\r\n421 no\r\n", OpeningStep::StartTls, 421),
    ] {
        let mut opens = Opens::new(TlsPolicy::Required, |opening| opening);
        assert_eq!(refused(&opens.hears(replies)), Some((step, code)), "{replies}");
        assert_eq!(opens.hears(""), OpeningProgress::Working, "said once");
    }
}

#[test]
fn helo_for_servers_of_1982() {
    for code in [500, 502, 504, 550] {
        let mut opens = Opens::new(TlsPolicy::Opportunistic, |opening| opening);
        opens.goes_on_after(&format!("220 hi\r\n{code} what?\r\n"));
        assert_eq!(opens.sent(), "EHLO bar.com\r\nHELO bar.com\r\n");
        let progress = opens.hears("250 foo.com\r\n");
        assert_eq!(progress, OpeningProgress::Opened(postroad_smtp::reply::Capabilities::default()));
    }
    let mut opens = Opens::new(TlsPolicy::Required, |opening| opening);
    let progress = opens.hears("220 hi\r\n502 what?\r\n250 foo.com\r\n");
    assert_eq!(progress, OpeningProgress::Failed(OpeningFailure::TlsNotOffered));
}

#[test]
fn tls_as_the_policy_says() {
    for (tls, offered, expected) in [
        (TlsPolicy::Required, true, "STARTTLS\r\n"),
        (TlsPolicy::Opportunistic, true, "STARTTLS\r\n"),
        (TlsPolicy::None, true, ""),
        (TlsPolicy::Opportunistic, false, ""),
        (TlsPolicy::None, false, ""),
    ] {
        let mut opens = Opens::new(tls, |opening| opening);
        let progress = opens.hears(if offered { CLEAR } else { PLAIN });
        assert_eq!(opens.sent(), format!("EHLO bar.com\r\n{expected}"));
        assert_eq!(is_open(&progress), expected.is_empty());
    }
    let mut opens = Opens::new(TlsPolicy::Required, |opening| opening);
    assert_eq!(opens.hears(PLAIN), OpeningProgress::Failed(OpeningFailure::TlsNotOffered));
    let mut opens = Opens::new(TlsPolicy::Opportunistic, |opening| opening);
    assert!(is_open(&opens.hears(&format!("{CLEAR}454 4.7.0 not now\r\n"))));
}

#[test]
fn an_injected_response_to_ehlo_is_not_believed() {
    let mut opens = Opens::new(TlsPolicy::Required, |opening| opening.authenticate(plain()));
    opens.goes_on_after(CLEAR);
    opens.talk.input.extend_from_slice(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n");
    let error = opens.talk.step().unwrap_err();
    assert!(matches!(error, postroad_smtp::Error::Peer(PeerFault::InjectedBeforeTls { octets: 26 })));
    assert_eq!(
        opens.opening.tls_established(&mut opens.talk.client, TlsInfo::new()),
        OpeningProgress::Working
    );
    assert!(!opens.talk.client.is_tls());
}

#[test]
fn passwords_go_under_tls_only() {
    let offers = "220 hi\r\n250-foo.com\r\n250 AUTH PLAIN\r\n";
    for tls in [TlsPolicy::None, TlsPolicy::Opportunistic] {
        let mut opens = Opens::new(tls, |opening| opening.authenticate(plain()));
        assert_eq!(opens.hears(offers), OpeningProgress::Failed(OpeningFailure::AuthenticationNeedsTls));
        assert_eq!(opens.sent(), "EHLO bar.com\r\n");
    }
    let mut opens = Opens::new(TlsPolicy::Opportunistic, |opening| opening.authenticate(plain()));
    let stripped = CLEAR.replace("LOGIN", "PLAIN") + "454 4.7.0 not now\r\n";
    assert_eq!(opens.hears(&stripped), OpeningProgress::Failed(OpeningFailure::AuthenticationNeedsTls));

    let mut opens =
        Opens::new(TlsPolicy::None, |opening| opening.authenticate(plain()).allow_authentication_in_clear());
    opens.goes_on_after(offers);
    assert!(opens.sent().contains("AUTH PLAIN"));
    let progress = opens.hears("535 5.7.8 wrong\r\n");
    assert_eq!(refused(&progress), Some((OpeningStep::Authentication, 535)));
}

#[test]
fn a_mechanism_that_is_not_offered_is_not_tried() {
    let mut opens =
        Opens::new(TlsPolicy::None, |opening| opening.authenticate(plain()).allow_authentication_in_clear());
    assert_eq!(opens.hears(CLEAR), OpeningProgress::Failed(OpeningFailure::MechanismNotOffered));
    assert_eq!(opens.sent(), "EHLO bar.com\r\n");
}

#[test]
fn challenges_are_handed_on() {
    let login = AuthCommand::new(Mechanism::LOGIN, None);
    let mut opens =
        Opens::new(TlsPolicy::None, |opening| opening.authenticate(login).allow_authentication_in_clear());
    opens.goes_on_after(CLEAR);
    assert_eq!(opens.hears("334 VXNlcm5hbWU6\r\n"), OpeningProgress::Challenge(b"Username:".to_vec()));
    opens.talk.client.respond(b"tim").unwrap();
    assert_eq!(opens.hears("334 \r\n"), OpeningProgress::Challenge(Vec::new()));
    opens.talk.client.respond(b"tanstaaf").unwrap();
    assert!(is_open(&opens.hears("235 ok\r\n")));
}

#[test]
fn goodbye_and_end_of_input_while_tls_is_due() {
    let mut opens = Opens::new(TlsPolicy::Required, |opening| opening);
    assert_eq!(opens.hears(&format!("{CLEAR}220 go\r\n")), OpeningProgress::StartTls);
    assert_eq!(opens.talk.step(), Ok(Step::Paused));
    opens.talk.client.handle_eof();
    assert_eq!(opens.talk.step(), Ok(Step::Closed));
}

#[cfg(feature = "sasl")]
mod sasl {
    use super::*;
    use postroad_sasl::{Plain, PlainClient};

    fn by_mechanism(opening: Opening) -> Opening {
        let plain = Plain::new(None, "tim", "tanstaaf").unwrap();
        opening.authenticate_by(Box::new(PlainClient::new(plain)))
    }

    #[test]
    fn a_mechanism_answers_by_itself() {
        let mut opens = Opens::new(TlsPolicy::Required, by_mechanism);
        assert_eq!(opens.hears(&format!("{CLEAR}220 go\r\n")), OpeningProgress::StartTls);
        opens.upgrades();
        opens.sent();
        opens.goes_on_after("250-foo.com\r\n250 AUTH PLAIN\r\n");
        assert_eq!(opens.sent(), "AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n");
        assert!(is_open(&opens.hears("235 ok\r\n")));
    }

    #[test]
    fn a_mechanism_gives_up_on_what_it_does_not_know() {
        let mut opens =
            Opens::new(TlsPolicy::None, |opening| by_mechanism(opening).allow_authentication_in_clear());
        opens.goes_on_after("220 hi\r\n250-foo.com\r\n250 AUTH PLAIN\r\n");
        opens.sent();
        assert_eq!(opens.hears("334 d2hhdD8=\r\n"), OpeningProgress::Working);
        assert_eq!(opens.sent(), "*\r\n");
        let progress = opens.hears("235 fine\r\n");
        assert_eq!(progress, OpeningProgress::Failed(OpeningFailure::Mechanism));
    }

    #[test]
    fn a_mechanism_that_reveals_the_password_needs_tls() {
        let mut opens = Opens::new(TlsPolicy::None, by_mechanism);
        let progress = opens.hears("220 hi\r\n250-foo.com\r\n250 AUTH PLAIN\r\n");
        assert_eq!(progress, OpeningProgress::Failed(OpeningFailure::AuthenticationNeedsTls));
    }
}
