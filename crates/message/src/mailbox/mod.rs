//! Files of messages: mbox (RFC 4155) and the file names of Maildir (feature `mailbox`).

mod maildir;
mod mbox;

pub use maildir::{MaildirFlag, MaildirName};
pub use mbox::{MboxEntry, MboxQuoting, MboxReader, write_mbox};
