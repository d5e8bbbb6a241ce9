//! A Maildir: a file for each message, written in `tmp`, then moved to `new`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

pub(super) struct Maildir {
    path: PathBuf,
}

/// A message that is not whole yet. Dropped, it is gone.
pub(super) struct Draft {
    file: tokio::fs::File,
    name: String,
    path: PathBuf,
    is_kept: bool,
}

impl Draft {
    pub(super) fn file(&mut self) -> &mut tokio::fs::File {
        &mut self.file
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Maildir {
    /// One that is there, or a new one where there is nothing.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let is_there = path.is_dir();
        let is_maildir = ["cur", "new", "tmp"].iter().all(|folder| path.join(folder).is_dir());
        if is_there && !is_maildir {
            let is_empty = std::fs::read_dir(path)?.next().is_none();
            ensure!(is_empty, "it is a folder, and no Maildir: it has no cur, new and tmp");
        }
        for folder in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(path.join(folder))?;
        }
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn list(&self) -> PathBuf {
        self.path.join(".mail-client-fetched")
    }

    pub(super) async fn draft(&self) -> Result<Draft> {
        let name = unique_name();
        let path = self.path.join("tmp").join(&name);
        let file = tokio::fs::OpenOptions::new().write(true).create_new(true).open(&path).await;
        let file = file.with_context(|| path.display().to_string())?;
        Ok(Draft { file, name, path, is_kept: false })
    }

    pub(super) async fn keep(&self, mut draft: Draft) -> Result<String> {
        draft.file.sync_all().await?;
        let folder = self.path.join("new");
        let path = folder.join(&draft.name);
        tokio::fs::rename(&draft.path, &path).await.with_context(|| path.display().to_string())?;
        draft.is_kept = true;
        // The name is safe on disk only with its folder.
        File::open(&folder)?.sync_all()?;
        Ok(path.display().to_string())
    }
}

/// Unlike any other: the time, this process, a count, and the host.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host: String =
        host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    format!("{}.M{}P{}Q{count}.{host}", now.as_secs(), now.subsec_micros(), std::process::id())
}
