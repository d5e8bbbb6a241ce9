use super::{ResponseCode, StatusLine};
use crate::types::ResponseText;
use core::fmt;

/// A response that says `-ERR`, and nothing else: what an application answers when it refuses.
///
/// ```
/// use postroad_pop3::response::{Rejection, ResponseCode};
///
/// assert_eq!(Rejection::auth().to_string(), "-ERR [AUTH] invalid name or password");
/// let moved = Rejection::new(ResponseCode::SysPerm, "this maildrop has moved");
/// assert_eq!(moved.to_string(), "-ERR [SYS/PERM] this maildrop has moved");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rejection(StatusLine);

impl Rejection {
    /// A rejection in words of one's own.
    pub fn new(code: impl Into<Option<ResponseCode>>, text: impl Into<ResponseText>) -> Self {
        Self(StatusLine::err(code, text))
    }

    /// `[AUTH]`: the name or the password is wrong. It does not say which, and should take as long for a name that does not exist.
    pub fn auth() -> Self {
        Self::new(ResponseCode::Auth, "invalid name or password")
    }

    /// `[IN-USE]`: the maildrop is locked. To be said only when the password was right.
    pub fn in_use() -> Self {
        Self::new(ResponseCode::InUse, "maildrop already locked")
    }

    /// `[LOGIN-DELAY]`: too soon after the last login.
    pub fn login_delay() -> Self {
        Self::new(ResponseCode::LoginDelay, "too soon after the last login")
    }

    /// `[SYS/TEMP]`: something failed here; try again later.
    pub fn temporary() -> Self {
        Self::new(ResponseCode::SysTemp, "temporary failure, try again later")
    }

    /// `[SYS/PERM]`: something is broken here, and people must mend it.
    pub fn permanent() -> Self {
        Self::new(ResponseCode::SysPerm, "permanent failure, ask the administrator")
    }

    /// The response.
    pub fn as_status_line(&self) -> &StatusLine {
        &self.0
    }

    /// The response.
    pub fn into_status_line(self) -> StatusLine {
        self.0
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
