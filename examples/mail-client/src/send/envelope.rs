//! Whom a message is from and for.

use anyhow::{Context as _, Result, bail, ensure};
use postroad_core::Mailbox;
use postroad_message::{AddrSpec, Address, AddressList};
use postroad_smtp::types::ReversePath;

use crate::cli;

/// The addresses of the command line, read.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// The author; `None` is the null reverse-path.
    pub from: Option<postroad_message::Mailbox>,
    pub to: Vec<Address>,
    pub cc: Vec<Address>,
    pub bcc: Vec<Address>,
}

impl Addresses {
    pub(crate) fn read(options: &cli::Send) -> Result<Self> {
        let list = |name, values: &[String]| -> Result<Vec<Address>> {
            let mut all = Vec::new();
            for value in values {
                all.extend(addresses(value).with_context(|| format!("--{name} {value}"))?);
            }
            Ok(all)
        };
        let from = match options.from.trim() {
            "<>" => {
                ensure!(
                    options.raw.is_some(),
                    "--from <>: a message needs an author; only --raw goes without"
                );
                None
            }
            from => Some(from.parse().map_err(anyhow::Error::new).with_context(|| format!("--from {from}"))?),
        };
        Ok(Self {
            from,
            to: list("to", &options.to)?,
            cc: list("cc", &options.cc)?,
            bcc: list("bcc", &options.bcc)?,
        })
    }

    pub(crate) fn reverse_path(&self) -> Result<ReversePath> {
        Ok(match &self.from {
            None => ReversePath::Null,
            Some(author) => ReversePath::Mailbox(mailbox(author.address())?),
        })
    }

    /// Everyone who gets the message, each once.
    pub(crate) fn recipients(&self) -> Result<Vec<Mailbox>> {
        let mut all = Vec::new();
        for member in [&self.to, &self.cc, &self.bcc].into_iter().flatten().flat_map(Address::mailboxes) {
            let recipient = mailbox(member.address())?;
            if !all.contains(&recipient) {
                all.push(recipient);
            }
        }
        ensure!(!all.is_empty(), "there is no recipient");
        Ok(all)
    }
}

/// An address as a header has it, as SMTP has it.
fn mailbox(address: &AddrSpec) -> Result<Mailbox> {
    Mailbox::parse(address.to_string()).with_context(|| address.to_string())
}

fn addresses(text: &str) -> Result<Vec<Address>> {
    ensure!(!text.contains(char::is_control), "an address holds no control characters");
    let list = AddressList::read(text.as_bytes());
    if !list.is_complete() {
        bail!("not every address can be read");
    }
    ensure!(!list.addresses().is_empty(), "there is no address");
    Ok(list.addresses().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_exactly_or_refused() {
        let count = |text| addresses(text).map(|list| list.len()).ok();
        assert_eq!(count("bob@hamburger.edu,carol@hamburger.edu"), Some(2));
        assert_eq!(count(r#""Doe, John" <john@example.com>, bob@hamburger.edu"#), Some(2));
        assert_eq!(count("인생 <bob@hamburger.edu>"), Some(1));
        for wrong in ["", ",", "bob", "bob@", "a@b, c", "a@b\r\nBcc: c@d", "<a@b>x@c"] {
            assert_eq!(count(wrong), None, "{wrong:?}");
        }
    }
}
