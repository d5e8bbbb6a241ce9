//! Words for whoever started the program. Whoever has closed the pipe does not want them, and that is no reason to end.

use std::fmt::Display;
use std::io::{self, Write as _};

/// A line on standard output.
pub(crate) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// A line on standard error.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
