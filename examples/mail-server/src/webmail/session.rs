//! Who is logged in: a record here, and a signed cookie there that names it.
//!
//! The cookie holds a random identifier and its HMAC, so that a made-up one costs a hash and no look-up. The record is
//! what counts: logging out removes it, and the cookie is worth nothing from then on. Records live in memory; after a
//! restart people log in again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::store::Account;

/// A session that is not used ends after this.
pub(super) const IDLE: Duration = Duration::from_secs(2 * 3600);
/// Every session ends after this.
pub(super) const ABSOLUTE: Duration = Duration::from_secs(12 * 3600);
/// Sessions in all.
const MAX_SESSIONS: usize = 10_000;
/// Sessions of one account; one more ends the one that was used the longest ago.
const MAX_SESSIONS_PER_ACCOUNT: usize = 20;
/// The forms that a session remembers to have sent.
const MAX_SENT_FORMS: usize = 64;

/// The identifier of a session, or of a form.
pub(super) type Id = [u8; 16];

/// Signs cookies and forms. It is kept in the store, so that a form outlives a restart.
pub(super) struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    /// The HMAC of a value for one purpose; the purposes differ in length or in a letter, and the value has one length.
    fn sign(&self, purpose: &str, value: &Id) -> [u8; 32] {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    /// What goes into the cookie.
    pub(super) fn seal(&self, id: &Id) -> String {
        let mut octets = id.to_vec();
        octets.extend_from_slice(&self.sign("cookie", id));
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// The identifier in a cookie that we made.
    pub(super) fn open(&self, cookie: &str) -> Option<Id> {
        let octets = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (id, signature) = octets.split_at_checked(16)?;
        let id: Id = id.try_into().ok()?;
        bool::from(self.sign("cookie", &id).as_slice().ct_eq(signature)).then_some(id)
    }

    /// What a form must bring back: only a page of ours, shown under this identifier, knows it.
    pub(super) fn form_token(&self, id: &Id) -> String {
        URL_SAFE_NO_PAD.encode(self.sign("form", id))
    }

    /// Whether a form brought back the token of this identifier.
    pub(super) fn is_form_token(&self, id: &Id, token: &str) -> bool {
        self.form_token(id).as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// A new identifier; none when the system has no randomness.
pub(super) fn new_id() -> Option<Id> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).ok().map(|()| id)
}

/// Reads what [`Id`]s look like in a form.
pub(super) fn parse_id(text: &str) -> Option<Id> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Writes an [`Id`] for a form.
pub(super) fn print_id(id: &Id) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

#[derive(Debug)]
struct Session {
    account: Account,
    began: Instant,
    used: Instant,
    /// The forms that sent a message, the oldest first.
    sent: Vec<Id>,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) >= IDLE || now.duration_since(self.began) >= ABSOLUTE
    }
}

/// All that are logged in.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<Id, Session>>);

impl Sessions {
    fn held(&self) -> MutexGuard<'_, HashMap<Id, Session>> {
        // Nothing in here stops half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session; none when there are too many, or no randomness.
    pub(super) fn begin(&self, account: Account, now: Instant) -> Option<Id> {
        let id = new_id()?;
        let mut sessions = self.held();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, session| !session.is_over(now));
        }
        let own = |session: &Session| session.account.id == account.id;
        if sessions.values().filter(|session| own(session)).count() >= MAX_SESSIONS_PER_ACCOUNT {
            let oldest = sessions.iter().filter(|(_, session)| own(session));
            let oldest = oldest.min_by_key(|(_, session)| session.used).map(|(id, _)| *id);
            oldest.and_then(|oldest| sessions.remove(&oldest));
        }
        if sessions.len() >= MAX_SESSIONS {
            return None;
        }
        sessions.insert(id, Session { account, began: now, used: now, sent: Vec::new() });
        Some(id)
    }

    /// Whose session it is; from now on it is used.
    pub(super) fn find(&self, id: &Id, now: Instant) -> Option<Account> {
        let mut sessions = self.held();
        let session = sessions.get_mut(id)?;
        if session.is_over(now) {
            sessions.remove(id);
            return None;
        }
        session.used = session.used.max(now);
        Some(session.account.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, id: &Id) {
        self.held().remove(id);
    }

    /// Whether a form may send its message: true once, so that pressing the button twice does not send twice.
    pub(super) fn take_form(&self, id: &Id, form: Id) -> bool {
        let mut sessions = self.held();
        let Some(session) = sessions.get_mut(id) else { return false };
        if session.sent.contains(&form) {
            return false;
        }
        if session.sent.len() >= MAX_SENT_FORMS {
            session.sent.remove(0);
        }
        session.sent.push(form);
        true
    }

    /// The message was not sent after all.
    pub(super) fn give_form_back(&self, id: &Id, form: &Id) {
        if let Some(session) = self.held().get_mut(id) {
            session.sent.retain(|sent| sent != form);
        }
    }

    /// Makes every session as old as if it had begun, and been used, that much earlier.
    #[cfg(test)]
    pub(super) fn age(&self, by: Duration) {
        for session in self.held().values_mut() {
            session.began = session.began.checked_sub(by).unwrap();
            session.used = session.used.checked_sub(by).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: i64) -> Account {
        Account { id, address: format!("user{id}@hamburger.edu") }
    }

    #[test]
    fn cookies_are_ours_or_nothing() {
        let (key, other) = (Key::new(b"one"), Key::new(b"two"));
        let id = [7; 16];
        let cookie = key.seal(&id);
        assert_eq!(key.open(&cookie), Some(id));
        assert_eq!(other.open(&cookie), None);
        for index in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.open(std::str::from_utf8(&forged).unwrap()), None, "at {index}");
        }
        for bad in ["", "AAAA", "not base64!", &cookie[..cookie.len() - 4], &format!("{cookie}AAAA")] {
            assert_eq!(key.open(bad), None, "{bad}");
        }
    }

    #[test]
    fn form_tokens_belong_to_one_session() {
        let key = Key::new(b"one");
        let token = key.form_token(&[1; 16]);
        assert!(key.is_form_token(&[1; 16], &token));
        assert!(!key.is_form_token(&[2; 16], &token));
        assert!(!key.is_form_token(&[1; 16], ""));
        assert_ne!(URL_SAFE_NO_PAD.encode(key.sign("cookie", &[1; 16])), token);
    }

    #[test]
    fn sessions_end() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let id = sessions.begin(account(1), now).unwrap();
        assert_eq!(sessions.find(&id, now), Some(account(1)));
        assert_eq!(sessions.find(&[0; 16], now), None);
        let mut later = now;
        while later + IDLE / 2 < now + ABSOLUTE {
            later += IDLE / 2;
            assert!(sessions.find(&id, later).is_some(), "used, it goes on");
        }
        assert_eq!(sessions.find(&id, now + ABSOLUTE), None, "but not for ever");
        let id = sessions.begin(account(1), now).unwrap();
        assert_eq!(sessions.find(&id, now + IDLE), None);
        let id = sessions.begin(account(1), now).unwrap();
        sessions.end(&id);
        assert_eq!(sessions.find(&id, now), None);
    }

    #[test]
    fn sessions_are_bounded() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let first = sessions.begin(account(1), now).unwrap();
        for number in 0..MAX_SESSIONS_PER_ACCOUNT {
            sessions.begin(account(1), now + Duration::from_secs(1 + number as u64)).unwrap();
        }
        assert_eq!(sessions.held().len(), MAX_SESSIONS_PER_ACCOUNT);
        assert_eq!(sessions.find(&first, now), None, "the oldest goes");
        for number in MAX_SESSIONS_PER_ACCOUNT..MAX_SESSIONS {
            sessions.begin(account(i64::try_from(number).unwrap()), now).unwrap();
        }
        assert_eq!(sessions.begin(account(-1), now), None);
        assert!(sessions.begin(account(-1), now + IDLE).is_some(), "those that are over make room");
    }

    #[test]
    fn a_form_sends_once() {
        let sessions = Sessions::default();
        let id = sessions.begin(account(1), Instant::now()).unwrap();
        assert!(sessions.take_form(&id, [1; 16]));
        assert!(!sessions.take_form(&id, [1; 16]));
        sessions.give_form_back(&id, &[1; 16]);
        assert!(sessions.take_form(&id, [1; 16]));
        for number in 0..=MAX_SENT_FORMS {
            assert!(sessions.take_form(&id, (number as u128 + 1000).to_be_bytes()));
        }
        assert_eq!(sessions.held()[&id].sent.len(), MAX_SENT_FORMS);
        assert!(!sessions.take_form(&[0; 16], [1; 16]));
    }
}
