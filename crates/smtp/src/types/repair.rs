/// Which faults of real clients are repaired rather than refused. All off unless set; each repair that was made is reported.
///
/// Source routes and white space before CRLF are always accepted, for RFC 5321 says so (appendix C, section 4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Lenience {
    /// `MAIL FROM: <a@b>`: a space behind the colon.
    pub space_after_colon: bool,
    /// `MAIL FROM:a@b`: a path without angle brackets.
    pub missing_brackets: bool,
    /// A command line that ends in LF alone. Not a line within AUTH, and never one in mail data, see [`BareNewline`](postroad_core::BareNewline) for those.
    /// Two programs that disagree on where a line ends can be played against each other; leave it off on the open Internet.
    pub bare_lf: bool,
}

/// What was repaired, or left out, in one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Repairs {
    /// The path was `<@relay.example:user@example.com>`, the route was dropped (RFC 5321 appendix C).
    pub source_route: bool,
    /// See [`Lenience::space_after_colon`].
    pub space_after_colon: bool,
    /// See [`Lenience::missing_brackets`].
    pub missing_brackets: bool,
    /// See [`Lenience::bare_lf`].
    pub bare_lf: bool,
}

impl Repairs {
    /// Whether anything was repaired.
    pub fn any(&self) -> bool {
        self.source_route || self.space_after_colon || self.missing_brackets || self.bare_lf
    }
}
