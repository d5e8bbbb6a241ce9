//! What this server writes into the messages that it takes.

use std::net::SocketAddr;

use postroad_core::{Domain, Mailbox};
use postroad_message::{AddrSpec, BuildError, DateTime, MessageId, Received, return_path};

use super::header::Missing;
use crate::time::Time;

/// How a message came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    /// What the client called itself.
    pub(super) client_name: &'a str,
    /// Its address.
    pub(super) peer: SocketAddr,
    /// This server's name.
    pub(super) hostname: &'a str,
    /// By what.
    pub(super) transmission: Transmission,
    /// The server's own identifier of the message.
    pub(super) id: &'a str,
    /// The recipient, if there is only one (RFC 5321 section 7.6).
    pub(super) recipient: Option<&'a Mailbox>,
    /// When.
    pub(super) now: Time,
}

/// By what a message came.
#[derive(Clone, Copy, Debug)]
pub(super) enum Transmission {
    /// By SMTP.
    Smtp {
        /// The client said EHLO.
        is_extended: bool,
        /// Inside of TLS.
        is_tls: bool,
        /// The client logged in.
        is_authenticated: bool,
    },
    /// By something that has no registered word.
    Other,
}

impl Transmission {
    /// The word of RFC 3848.
    fn word(self) -> Option<&'static str> {
        let Self::Smtp { is_extended, is_tls, is_authenticated } = self else { return None };
        Some(match (is_extended, is_tls, is_authenticated) {
            (false, ..) => "SMTP",
            (true, false, false) => "ESMTP",
            (true, false, true) => "ESMTPA",
            (true, true, false) => "ESMTPS",
            (true, true, true) => "ESMTPSA",
        })
    }
}

impl Arrival<'_> {
    /// The `Received` field (RFC 5321 section 4.4). Nothing that the client says can make it fail.
    pub(super) fn received(&self) -> Result<Vec<u8>, BuildError> {
        let address = self.peer.ip().to_canonical();
        let recipient = self.recipient.and_then(|mailbox| mailbox.to_string().parse::<AddrSpec>().ok());
        let field = |client_name: &str, recipient: Option<AddrSpec>| {
            let mut field =
                Received::new(self.hostname, date(self.now)?).from(client_name, Some(address)).id(self.id);
            if let Some(word) = self.transmission.word() {
                field = field.with(word);
            }
            if let Some(recipient) = recipient {
                field = field.recipient(recipient);
            }
            field.to_bytes()
        };
        // A name that cannot stand there is replaced by what is known for sure.
        field(self.client_name, recipient).or_else(|_| field(Domain::from(address).as_str(), None))
    }
}

/// The `Return-Path` field, which the final delivery puts before all else (RFC 5321 section 4.4).
pub(super) fn return_path_field(reverse_path: Option<&Mailbox>) -> Vec<u8> {
    let address = reverse_path.map(|mailbox| mailbox.to_string().parse::<AddrSpec>()).transpose().ok();
    address.and_then(|address| return_path(address.as_ref()).ok()).unwrap_or_else(|| {
        // A mailbox holds nothing that could end the line.
        let address = reverse_path.map(Mailbox::to_string).unwrap_or_default();
        format!("Return-Path: <{address}>\r\n").into_bytes()
    })
}

/// What a submitted message gets if it lacks it.
pub(super) fn missing_fields(now: Time, hostname: &str) -> Result<Missing, BuildError> {
    let mut seed = [0; 16];
    // Without randomness the time alone has to do.
    let _ = getrandom::fill(&mut seed);
    let id = MessageId::from_seed(now.seconds(), u128::from_ne_bytes(seed), hostname)
        .or_else(|_| MessageId::from_seed(now.seconds(), u128::from_ne_bytes(seed), "localhost"))?;
    Ok(Missing {
        date: format!("Date: {}\r\n", date(now)?).into_bytes(),
        message_id: format!("Message-ID: {id}\r\n").into_bytes(),
    })
}

/// A new identifier of a message, for `Received`, the reply, and the log.
pub(super) fn new_id() -> String {
    let mut octets = [0; 8];
    let _ = getrandom::fill(&mut octets);
    format!("{:016x}", u64::from_ne_bytes(octets))
}

fn date(now: Time) -> Result<DateTime, BuildError> {
    Ok(DateTime::from_timestamp(now.seconds(), 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_795_392_000_000);

    fn received<'a>(change: impl FnOnce(&mut Arrival<'a>)) -> String {
        let mut arrival = Arrival {
            client_name: "mail.crepes.fr",
            peer: "192.0.2.1:4000".parse().unwrap(),
            hostname: "hamburger.edu",
            transmission: Transmission::Smtp { is_extended: true, is_tls: false, is_authenticated: false },
            id: "0123456789abcdef",
            recipient: None,
            now: NOW,
        };
        change(&mut arrival);
        let field = String::from_utf8(arrival.received().unwrap()).unwrap();
        assert!(field.ends_with("\r\n"));
        field.replace("\r\n", "").replace("  ", " ")
    }

    #[test]
    fn received_says_how_it_came() {
        let bob = Mailbox::parse("bob@hamburger.edu").unwrap();
        assert_eq!(
            received(|arrival| arrival.recipient = Some(&bob)),
            "Received: from mail.crepes.fr ([192.0.2.1]) by hamburger.edu with ESMTP \
             id 0123456789abcdef for <bob@hamburger.edu>; Mon, 23 Nov 2026 00:00:00 +0000"
        );
        for (is_extended, is_tls, is_authenticated, word) in [
            (false, false, false, "SMTP"),
            (true, false, false, "ESMTP"),
            (true, true, false, "ESMTPS"),
            (true, false, true, "ESMTPA"),
            (true, true, true, "ESMTPSA"),
        ] {
            let field = received(|arrival| {
                arrival.transmission = Transmission::Smtp { is_extended, is_tls, is_authenticated };
            });
            assert!(field.contains(&format!(" with {word} id ")), "{field}");
        }
        let field = received(|arrival| arrival.transmission = Transmission::Other);
        assert!(field.contains(" by hamburger.edu id 0123456789abcdef; "), "{field}");
    }

    #[test]
    fn received_never_fails_for_what_a_client_says() {
        let long = "x".repeat(500);
        for name in ["", "a b", "a)b", "(x)", "größe", "under_score", "[192.0.2.7]", &long] {
            let field = received(|arrival| arrival.client_name = name);
            assert!(field.contains("([192.0.2.1])"), "{field}");
        }
        let field = received(|arrival| {
            arrival.client_name = "a b";
            arrival.peer = "[::ffff:192.0.2.1]:25".parse().unwrap();
        });
        assert!(field.contains("from [192.0.2.1] ([192.0.2.1])"), "{field}");
        let field = received(|arrival| {
            arrival.client_name = "";
            arrival.peer = "[2001:db8::1]:25".parse().unwrap();
        });
        assert!(field.contains("from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])"), "{field}");
    }

    #[test]
    fn return_paths() {
        let field = |address: &str| {
            String::from_utf8(return_path_field(Some(&Mailbox::parse(address).unwrap()))).unwrap()
        };
        assert_eq!(return_path_field(None), b"Return-Path: <>\r\n");
        assert_eq!(field("alice@crepes.fr"), "Return-Path: <alice@crepes.fr>\r\n");
        assert_eq!(field(r#""a b"@crepes.fr"#), "Return-Path: <\"a b\"@crepes.fr>\r\n");
        assert_eq!(field("a@[192.0.2.1]"), "Return-Path: <a@[192.0.2.1]>\r\n");
    }

    #[test]
    fn missing_fields_are_whole_and_new_each_time() {
        let missing = missing_fields(NOW, "crepes.fr").unwrap();
        assert_eq!(missing.date, b"Date: Mon, 23 Nov 2026 00:00:00 +0000\r\n");
        let id = String::from_utf8(missing.message_id.clone()).unwrap();
        assert!(id.starts_with("Message-ID: <") && id.ends_with("@crepes.fr>\r\n"), "{id}");
        assert_ne!(missing_fields(NOW, "crepes.fr").unwrap().message_id, missing.message_id);
        assert!(missing_fields(NOW, "not a domain").is_ok());
        assert_ne!(new_id(), new_id());
    }
}
