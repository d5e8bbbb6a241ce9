//! Whether a client of POP3 or IMAP wants TLS.

/// Whether to use STARTTLS, or STLS. On a transport that is TLS from the beginning none of them does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsPolicy {
    /// No login without it.
    #[default]
    Required,
    /// If the server offers it. Who stands in between can prevent it.
    Opportunistic,
    /// Not at all.
    None,
}
