//! The list of what was fetched: a line for each message, the account and the unique-id (RFC 1939 section 7).

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// What was fetched from one account into one target.
pub(super) struct Kept {
    path: PathBuf,
    account: String,
    ids: HashSet<String>,
    /// Lines of other accounts, as they are.
    others: Vec<String>,
    file: File,
    /// Held as long as this lives. It is another file, for the list itself is replaced.
    _lock: File,
}

impl Kept {
    /// Reads the list at `path`, if there is one, and locks it.
    pub(super) fn open(path: &Path, account: &str) -> Result<Self> {
        let opened = Self::try_open(path, account);
        opened.with_context(|| format!("the list of what was fetched, {}", path.display()))
    }

    fn try_open(path: &Path, account: &str) -> Result<Self> {
        let lock = OpenOptions::new().create(true).append(true).open(beside(path, "lock"))?;
        if lock.try_lock().is_err() {
            bail!("another fetch is at work");
        }
        // A tab divides; it cannot stand in a unique-id.
        let account = account.replace(['\t', '\n', '\r'], " ");
        let mut ids = HashSet::new();
        let mut others = Vec::new();
        let mut ends_well = true;
        if let Ok(file) = File::open(path) {
            let mut file = BufReader::new(file);
            let mut line = Vec::new();
            while file.read_until(b'\n', &mut line)? > 0 {
                // A line that was not written to its end is of a message that is safe: it is fetched once more.
                ends_well = line.ends_with(b"\n");
                let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                line.clear();
                match text.split_once('\t') {
                    Some((of, id)) if ends_well && of == account => drop(ids.insert(id.to_owned())),
                    Some(_) if ends_well => others.push(text),
                    _ => {}
                }
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if !ends_well {
            file.write_all(b"\n")?;
        }
        Ok(Self { path: path.to_owned(), account, ids, others, file, _lock: lock })
    }

    /// Whether the message was fetched before.
    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// The message is safe on disk.
    pub(super) fn note(&mut self, id: &str) -> Result<()> {
        let line = format!("{}\t{id}\n", self.account);
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.with_context(|| format!("the list of what was fetched, {}", self.path.display()))?;
        self.ids.insert(id.to_owned());
        Ok(())
    }

    /// Messages that are no more on the server need not be remembered.
    pub(super) fn forget_all_but<'a>(&mut self, there: impl Iterator<Item = &'a str>) -> Result<()> {
        let there: HashSet<&str> = there.collect();
        let before = self.ids.len();
        self.ids.retain(|id| there.contains(id.as_str()));
        if self.ids.len() == before {
            return Ok(());
        }
        let new = beside(&self.path, "new");
        let mut file = File::create(&new)?;
        let mut text = String::new();
        for line in &self.others {
            text.push_str(line);
            text.push('\n');
        }
        let mut ids: Vec<&String> = self.ids.iter().collect();
        ids.sort();
        for id in ids {
            text.push_str(&self.account);
            text.push('\t');
            text.push_str(id);
            text.push('\n');
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        Ok(())
    }
}

/// `path` with a further extension.
pub(super) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_and_what_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        let mut bob = Kept::open(&path, "bob@host:110").unwrap();
        bob.note("a").unwrap();
        bob.note("b").unwrap();
        assert!(Kept::open(&path, "bob@host:110").is_err(), "two at once");
        drop(bob);
        let mut alice = Kept::open(&path, "alice@host:110").unwrap();
        assert!(!alice.has("a"));
        alice.note("a").unwrap();
        drop(alice);
        let mut bob = Kept::open(&path, "bob@host:110").unwrap();
        assert!(bob.has("a") && bob.has("b"));
        bob.forget_all_but(["b", "c"].into_iter()).unwrap();
        bob.note("c").unwrap();
        drop(bob);
        let bob = Kept::open(&path, "bob@host:110").unwrap();
        assert!(!bob.has("a") && bob.has("b") && bob.has("c"));
        drop(bob);
        assert!(Kept::open(&path, "alice@host:110").unwrap().has("a"));
    }

    #[test]
    fn half_a_line_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list");
        std::fs::write(&path, "bob@h:110\ta\nbob@h:110\tab").unwrap();
        let mut bob = Kept::open(&path, "bob@h:110").unwrap();
        assert!(bob.has("a") && !bob.has("ab"));
        bob.note("x").unwrap();
        drop(bob);
        let bob = Kept::open(&path, "bob@h:110").unwrap();
        assert!(bob.has("x") && bob.has("a"));
    }
}
