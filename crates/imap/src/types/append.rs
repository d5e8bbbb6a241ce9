use super::{DateTime, Flag};

/// What comes with a message that is appended (RFC 9051 section 6.3.12).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppendOptions {
    /// Its flags.
    pub flags: Vec<Flag>,
    /// Its internal date; `None`: the server's time.
    pub date: Option<DateTime>,
}
