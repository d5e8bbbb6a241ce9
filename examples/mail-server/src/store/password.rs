//! Passwords: what is kept of them, and how one is checked.
//!
//! Kept is the record of SCRAM-SHA-256 (RFC 5802 section 3): it serves PLAIN and LOGIN as well, and the password
//! cannot be had back from it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::error::StoreError;

/// The rounds of PBKDF2 for a new record.
pub(crate) const ITERATIONS: u32 = 100_000;
/// The longest password, in octets: a bound for the work that a stranger can ask for.
const LONGEST: usize = 1024;

/// What the server keeps of a password: the values of RFC 5802 section 3, by SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ScramRecord {
    /// The salt.
    pub(crate) salt: Vec<u8>,
    /// The rounds.
    pub(crate) iterations: u32,
    /// `H(HMAC(SaltedPassword, "Client Key"))`.
    pub(crate) stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub(crate) server_key: [u8; 32],
}

impl std::fmt::Debug for ScramRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramRecord").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramRecord {
    /// A record of a new password with a salt of its own. Takes a while: call it where blocking is allowed.
    pub(crate) fn new(password: &str) -> Result<Self, StoreError> {
        if password.is_empty() || password.len() > LONGEST {
            return Err(StoreError::Invalid("a password has 1 to 1024 octets"));
        }
        if password.contains(['\0', '\r', '\n']) {
            return Err(StoreError::Invalid("a password holds no line end and no NUL"));
        }
        let mut salt = vec![0; 16];
        getrandom::fill(&mut salt).map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self::derive(password, salt, ITERATIONS))
    }

    fn derive(password: &str, salt: Vec<u8>, iterations: u32) -> Self {
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
        let client_key = mac(&salted, b"Client Key");
        let stored_key = Sha256::digest(client_key).into();
        Self { salt, iterations, stored_key, server_key: mac(&salted, b"Server Key") }
    }

    /// A record that no password fits, for a name that is unknown: always the same for one name and one `key`, so
    /// that asking twice does not tell it from a real one.
    pub(crate) fn unknown(key: &[u8], name: &str) -> Self {
        let salt = mac(key, name.as_bytes());
        Self {
            salt: salt[..16].to_vec(),
            iterations: ITERATIONS,
            stored_key: mac(key, &[b"stored", name.as_bytes()].concat()),
            server_key: mac(key, &[b"server", name.as_bytes()].concat()),
        }
    }

    /// True when this is the password. Takes a while: call it where blocking is allowed.
    pub(crate) fn verify(&self, password: &str) -> bool {
        if password.len() > LONGEST {
            return false;
        }
        let given = Self::derive(password, self.salt.clone(), self.iterations);
        given.stored_key.ct_eq(&self.stored_key).into()
    }
}

/// HMAC-SHA-256.
fn mac(key: &[u8], text: &[u8]) -> [u8; 32] {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(text);
            mac.finalize().into_bytes().into()
        }
        // HMAC takes a key of any length.
        Err(_) => [0; 32],
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().fold(String::new(), |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        })
    }

    /// The record behind the exchange of RFC 7677 section 3 (user `user`, password `pencil`).
    #[test]
    fn the_record_of_rfc_7677() {
        let salt =
            [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let record = ScramRecord::derive("pencil", salt.to_vec(), 4096);
        // ServerSignature of the RFC, made from ServerKey and AuthMessage.
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hex(&mac(&record.server_key, message.as_bytes()));
        // v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
        assert_eq!(signature, "eabae24d1062db75a9451ff0b6ea7e98c8546549ff741e672d3251b2397de46e");
    }

    #[test]
    fn only_the_password_fits() {
        let record = ScramRecord::new("correct horse").unwrap();
        assert_eq!(record.iterations, 100_000);
        assert!(record.verify("correct horse"));
        assert!(!record.verify("correct horsf"));
        assert!(!record.verify(""));
        assert_ne!(ScramRecord::new("correct horse").unwrap().salt, record.salt);
        assert!(!format!("{record:?}").contains(&hex(&record.salt)));
    }

    #[test]
    fn passwords_that_cannot_be() {
        for bad in ["", "a\nb", "a\rb", "a\0b", &"x".repeat(1025)] {
            assert!(matches!(ScramRecord::new(bad), Err(StoreError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_name_looks_like_a_known_one() {
        let record = ScramRecord::unknown(b"key", "nobody@example.org");
        assert_eq!(record, ScramRecord::unknown(b"key", "nobody@example.org"));
        assert_ne!(record.salt, ScramRecord::unknown(b"key", "somebody@example.org").salt);
        assert_eq!((record.salt.len(), record.iterations), (16, ITERATIONS));
        assert!(!record.verify(""));
    }
}
