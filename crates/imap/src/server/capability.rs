//! What the session announces, by its state (RFC 9051 section 6.1.1).

use super::{Server, State};
use crate::response::ResponseCode;
use crate::types::{Atom, Capabilities, Capability};
use core::fmt::Write as _;

impl Server {
    /// The capabilities at this moment, as they stand behind `CAPABILITY`.
    pub(super) fn capabilities(&self) -> String {
        let config = &self.config;
        let mut text = String::from(if config.imap4rev2 { "IMAP4rev1 IMAP4rev2" } else { "IMAP4rev1" });
        text.push_str(if config.literal_plus { " LITERAL+" } else { " LITERAL-" });
        text.push_str(" SASL-IR ID ENABLE IDLE");
        if self.state == State::NotAuthenticated {
            if self.offers_starttls() {
                text.push_str(" STARTTLS");
            }
            if !self.takes_login() {
                text.push_str(" LOGINDISABLED");
            }
            // What the configuration names may be no atom, and then nobody could ask for it.
            let is_name = |mechanism: &&str| Atom::parse(*mechanism).is_ok();
            for mechanism in self.offered_mechanisms().filter(is_name) {
                let _ = write!(text, " AUTH={mechanism}");
            }
        } else {
            text.push_str(" NAMESPACE CHILDREN UNSELECT UIDPLUS MOVE ESEARCH SEARCHRES MULTIAPPEND");
            let _ = write!(text, " APPENDLIMIT={}", config.max_append);
            for extension in &config.extensions {
                let _ = write!(text, " {extension}");
            }
        }
        text
    }

    /// The same as a response code: it saves the client a question.
    pub(super) fn capability_code(&self) -> ResponseCode {
        let mut capabilities = Capabilities::new();
        for name in self.capabilities().split(' ') {
            if let Ok(capability) = Capability::parse(name) {
                capabilities.insert(capability);
            }
        }
        ResponseCode::Capability(capabilities)
    }

    pub(super) fn offers_starttls(&self) -> bool {
        self.config.starttls && self.tls.is_none() && !self.is_compressed
    }

    pub(super) fn takes_login(&self) -> bool {
        self.config.login && (self.tls.is_some() || self.config.login_without_tls)
    }

    pub(super) fn offered_mechanisms(&self) -> impl Iterator<Item = &str> {
        let open = self.tls.is_some() || self.config.login_without_tls;
        let config = &self.config;
        let is_secret =
            |name: &String| config.secret_mechanisms.iter().any(|secret| secret.eq_ignore_ascii_case(name));
        config.mechanisms.iter().filter(move |name| open || is_secret(name)).map(String::as_str)
    }
}
