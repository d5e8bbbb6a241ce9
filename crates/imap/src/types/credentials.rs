use bytes::Bytes;
use postroad_core::Secret;

/// Who logs in by LOGIN, and the password (RFC 9051 section 6.2.3). Any octets but NUL may stand in both.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user's name.
    pub user: Bytes,
    /// The password.
    pub password: Secret<Vec<u8>>,
}

impl Credentials {
    /// A name and a password.
    pub fn new(user: impl Into<Bytes>, password: impl Into<Vec<u8>>) -> Self {
        Self { user: user.into(), password: Secret::new(password.into()) }
    }

    /// The name, if it is UTF-8.
    pub fn user_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.user).ok()
    }

    /// The password, if it is UTF-8. Whoever calls this takes care that it is neither printed nor logged.
    pub fn expose_str(&self) -> Option<&str> {
        core::str::from_utf8(self.password.expose()).ok()
    }
}
