//! Where the password comes from.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, bail};
use postroad_core::Secret;

/// The password of `user`: the first line of standard input, the variable `MAIL_PASSWORD`, or what is typed at the terminal.
pub(crate) fn ask(from_stdin: bool, user: &str, server: &str) -> Result<Secret<String>> {
    if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).context("the password on standard input")?;
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        return Ok(Secret::new(line));
    }
    if let Ok(password) = std::env::var("MAIL_PASSWORD") {
        return Ok(Secret::new(password));
    }
    if !io::stdin().is_terminal() {
        bail!("no password for {user}: give it by --password-stdin or in the variable MAIL_PASSWORD");
    }
    let typed = rpassword::prompt_password(format!("Password of {user} at {server}: "));
    Ok(Secret::new(typed.context("the password cannot be read")?))
}
