//! A message on its way in: a little of it in memory, the rest in a file without a name.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::CHUNK;
use super::error::StoreError;

/// What one message may keep in memory before it goes to a file.
const IN_MEMORY: usize = 1024 * 1024;
/// What all messages together may keep in memory; beyond it each chunk goes to a file at once.
const ALL_IN_MEMORY: usize = 64 * 1024 * 1024;

/// Where messages are spooled, and how much memory they use together.
#[derive(Debug)]
pub(super) struct SpoolFolder {
    folder: PathBuf,
    in_memory: AtomicUsize,
}

impl SpoolFolder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, in_memory: AtomicUsize::new(0) }
    }

    /// The octets that all messages on their way in hold in memory.
    #[cfg(test)]
    pub(super) fn in_memory(&self) -> usize {
        self.in_memory.load(Ordering::Relaxed)
    }
}

/// A message that is being received. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: Arc<SpoolFolder>,
    chunks: Vec<Vec<u8>>,
    accounted: usize,
    file: Option<File>,
    size: u64,
}

impl Spool {
    pub(super) fn new(folder: Arc<SpoolFolder>) -> Self {
        Self { folder, chunks: Vec::new(), accounted: 0, file: None, size: 0 }
    }

    /// The octets so far.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next octets. After an error the message cannot be completed; drop it.
    pub(crate) async fn write(&mut self, mut octets: &[u8]) -> Result<(), StoreError> {
        self.size += octets.len() as u64;
        while !octets.is_empty() {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.make_room().await?;
                self.chunks.push(Vec::new());
            }
            if let Some(chunk) = self.chunks.last_mut() {
                let (now, later) = octets.split_at(octets.len().min(CHUNK - chunk.len()));
                let before = chunk.capacity();
                if before - chunk.len() < now.len() {
                    // Doubled, but never past what it can hold.
                    let wanted = (before * 2).max(chunk.len() + now.len()).min(CHUNK);
                    chunk.reserve_exact(wanted - chunk.len());
                }
                chunk.extend_from_slice(now);
                let more = chunk.capacity() - before;
                self.accounted += more;
                self.folder.in_memory.fetch_add(more, Ordering::Relaxed);
                octets = later;
            }
        }
        Ok(())
    }

    /// Moves full chunks to the file when there are too many.
    async fn make_room(&mut self) -> Result<(), StoreError> {
        let crowded = self.folder.in_memory.load(Ordering::Relaxed) >= ALL_IN_MEMORY;
        if self.chunks.len() * CHUNK >= IN_MEMORY
            || (crowded && !self.chunks.is_empty())
            || self.file.is_some()
        {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        let chunks = std::mem::take(&mut self.chunks);
        let file = self.file.take();
        let folder = Arc::clone(&self.folder);
        let file = tokio::task::spawn_blocking(move || -> Result<File, StoreError> {
            let mut file = match file {
                Some(file) => file,
                None => unnamed_file(&folder.folder)?,
            };
            for chunk in &chunks {
                file.write_all(chunk)?;
            }
            Ok(file)
        })
        .await;
        self.forget();
        self.file = Some(file??);
        Ok(())
    }

    /// Memory is free again.
    fn forget(&mut self) {
        self.folder.in_memory.fetch_sub(std::mem::take(&mut self.accounted), Ordering::Relaxed);
    }

    /// The message is whole.
    pub(crate) async fn finish(mut self) -> Result<Spooled, StoreError> {
        if self.file.is_some() && !self.chunks.is_empty() {
            self.flush().await?;
        }
        if let Some(file) = &mut self.file {
            file.rewind()?;
        }
        Ok(Spooled(self))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.forget();
    }
}

/// A whole message that is not in the store yet.
#[derive(Debug)]
pub(crate) struct Spooled(Spool);

impl Spooled {
    /// Its octets.
    pub(crate) fn size(&self) -> u64 {
        self.0.size
    }

    /// The next octets, whether they lie in memory or in a file; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_in_memory() {
            let next = if self.0.chunks.is_empty() { None } else { Some(self.0.chunks.remove(0)) };
            if self.0.chunks.is_empty() {
                self.0.forget();
            }
            return Ok(next);
        }
        Ok(self.read(1).await?.pop())
    }

    /// True when the message is in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        self.0.file.is_none()
    }

    /// The chunks of a message in memory.
    pub(super) fn chunks(&self) -> &[Vec<u8>] {
        &self.0.chunks
    }

    /// The next chunks of a message in a file, at most `count`; none at its end.
    pub(super) async fn read(&mut self, count: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(file) = self.0.file.take() else { return Ok(Vec::new()) };
        let (file, chunks) = tokio::task::spawn_blocking(move || {
            let mut chunks = Vec::new();
            for _ in 0..count {
                let mut chunk = Vec::with_capacity(CHUNK);
                if (&file).take(CHUNK as u64).read_to_end(&mut chunk)? == 0 {
                    break;
                }
                chunks.push(chunk);
            }
            Ok::<_, StoreError>((file, chunks))
        })
        .await??;
        self.0.file = Some(file);
        Ok(chunks)
    }
}

/// A file that vanishes with its last handle, also when the process is killed.
fn unnamed_file(folder: &Path) -> Result<File, StoreError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(|error| StoreError::Failed(error.to_string()))?;
    let path = folder.join(format!("{:016x}", u64::from_ne_bytes(name)));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
