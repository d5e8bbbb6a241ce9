//! Commands: what is printed is read as the same.

use postroad_smtp::command::{AuthCommand, AuthResponseLine, Command, MailCommand, RcptCommand};
use postroad_smtp::types::{Argument, BodyType, ClientName, ForwardPath, Lenience, Mechanism, ReversePath};
use postroad_smtp::{Domain, Mailbox, Secret};
use proptest::option;
use proptest::prelude::*;

fn mailbox() -> impl Strategy<Value = Mailbox> {
    let local_part = prop_oneof!["[a-z]{1,8}(\\.[a-z+=]{1,8})?", "[ -~]{1,12}", "[a-z\u{e4}\u{4f60}]{1,6}"];
    (local_part, "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,2}|\\[192\\.0\\.2\\.[1-9]\\]|\\[IPv6:::1\\]").prop_map(
        |(local_part, domain)| Mailbox::from_parts(&local_part, &Domain::parse(&domain).unwrap()).unwrap(),
    )
}

fn reverse_path() -> impl Strategy<Value = ReversePath> {
    prop_oneof![1 => Just(ReversePath::Null), 4 => mailbox().prop_map(ReversePath::Mailbox)]
}

fn argument() -> impl Strategy<Value = Argument> {
    "[!-~\u{e4}\u{4f60}]([ -~]{0,10}[!-~])?".prop_map(|text| Argument::parse(text).unwrap())
}

fn command() -> impl Strategy<Value = Command> {
    let name = "[a-z0-9]{1,5}(\\.[a-z0-9]{1,5})?|\\[192\\.0\\.2\\.1\\]|[!-~]([ -~]{0,8}[!-~])?"
        .prop_map(|name| ClientName::parse(name).unwrap());
    let body = option::of(prop::sample::select(vec![BodyType::SevenBit, BodyType::EightBitMime]));
    let mail = (reverse_path(), option::of(any::<u64>()), body, any::<bool>(), option::of(reverse_path()))
        .prop_map(|(reverse_path, size, body, smtp_utf8, auth)| {
            let mut mail = MailCommand::new(reverse_path);
            mail.parameters.size = size;
            mail.parameters.body = body;
            mail.parameters.smtp_utf8 = smtp_utf8;
            mail.parameters.auth = auth;
            Command::Mail(mail)
        });
    let rcpt = prop_oneof![1 => Just(ForwardPath::Postmaster), 4 => mailbox().prop_map(ForwardPath::Mailbox)];
    let auth = ("[A-Z0-9_-]{1,20}", option::of(any::<Vec<u8>>())).prop_map(|(mechanism, response)| {
        Command::Auth(AuthCommand::new(Mechanism::parse(mechanism).unwrap(), response.map(Secret::new)))
    });
    prop_oneof![
        2 => (name, any::<bool>())
            .prop_map(|(name, extended)| if extended { Command::Ehlo(name) } else { Command::Helo(name) }),
        5 => mail,
        3 => rcpt.prop_map(|path| Command::Rcpt(RcptCommand::new(path))),
        2 => auth,
        1 => argument().prop_map(Command::Vrfy),
        1 => argument().prop_map(Command::Expn),
        1 => option::of(argument()).prop_map(Command::Help),
        1 => option::of(argument()).prop_map(Command::Noop),
        1 => prop::sample::select(vec![Command::Data, Command::Rset, Command::Quit, Command::StartTls]),
    ]
}

fn print(command: &Command) -> String {
    let mut line = String::new();
    command.encode(&mut line).unwrap();
    line
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same(command in command()) {
        let line = print(&command);
        let text = line.strip_suffix("\r\n").unwrap();
        prop_assert!(!text.bytes().any(|octet| octet.is_ascii_control()), "{text:?}");
        prop_assert_eq!(Command::parse(text.as_bytes()).unwrap(), command.clone());
        let (lenient, repairs) = {
            let mut lenience = Lenience::default();
            lenience.space_after_colon = true;
            lenience.missing_brackets = true;
            Command::parse_with(text.as_bytes(), lenience).unwrap()
        };
        prop_assert_eq!(lenient, command);
        prop_assert!(!repairs.any());
    }

    #[test]
    fn no_line_panics_and_what_is_read_is_one_line(
        verb in prop::sample::select(vec!["", "MAIL FROM:<", "RCPT TO:<", "AUTH PLAIN ", "EHLO ", "VRFY ", "MAIL FROM:<a@b> ", "MAIL FROM:<@"]),
        rest in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"<>@:,= \"\\\r\n\0ab".to_vec())], 0..40),
    ) {
        let line = [verb.as_bytes(), &rest].concat();
        if let Ok(command) = Command::parse(&line) {
            let printed = print(&command);
            prop_assert!(!printed.trim_end_matches("\r\n").bytes().any(|octet| octet.is_ascii_control()), "{printed:?}");
            prop_assert_eq!(Command::parse(printed.trim_end().as_bytes()).unwrap(), command);
        }
    }

    #[test]
    fn responses(octets: Vec<u8>) {
        let line = AuthResponseLine::Response(Secret::new(octets));
        let mut printed = String::new();
        line.encode(&mut printed).unwrap();
        prop_assert_eq!(AuthResponseLine::parse(printed.trim_end().as_bytes()).unwrap(), line);
    }
}
