//! An mbox file: one message after the other, each behind a line that begins with `From ` (RFC 4155, with quoting that can be undone).

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::kept::beside;

pub(super) struct Mbox {
    path: PathBuf,
}

/// A message that is not whole yet, in a file of its own beside the mbox. Dropped, it is gone.
pub(super) struct Draft {
    file: tokio::fs::File,
    path: PathBuf,
}

impl Draft {
    pub(super) fn file(&mut self) -> &mut tokio::fs::File {
        &mut self.file
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Mbox {
    /// One that is there, or a new one.
    pub(super) fn open(path: &Path) -> Result<Self> {
        OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn list(&self) -> PathBuf {
        beside(&self.path, "fetched")
    }

    pub(super) async fn draft(&self) -> Result<Draft> {
        let path = beside(&self.path, &format!("{}.part", std::process::id()));
        let mut options = tokio::fs::OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).await.with_context(|| path.display().to_string())?;
        Ok(Draft { file, path })
    }

    pub(super) async fn keep(&self, draft: Draft) -> Result<String> {
        draft.file.sync_data().await?;
        self.append(&draft.path).with_context(|| self.path.display().to_string())?;
        Ok(self.path.display().to_string())
    }

    /// All of it or nothing, as far as a file allows: what fails is taken back.
    fn append(&self, message: &Path) -> Result<()> {
        let mut to = OpenOptions::new().read(true).append(true).open(&self.path)?;
        // Other programs that keep to locks are waited for.
        to.lock()?;
        let length = to.seek(SeekFrom::End(0))?;
        let written = write(&mut to, message);
        if written.is_err() {
            to.set_len(length)?;
        }
        to.unlock()?;
        written
    }
}

fn write(to: &mut File, message: &Path) -> Result<()> {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    writeln!(to, "From MAILER-DAEMON {}", now.strftime("%a %b %e %H:%M:%S %Y"))?;
    std::io::copy(&mut File::open(message)?, to)?;
    to.write_all(b"\n")?;
    Ok(to.sync_all()?)
}
