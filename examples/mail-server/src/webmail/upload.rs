//! A form with files, read as it comes: its fields into memory, within bounds; its files to the spool, so that memory
//! does not grow with them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use futures_util::Stream;
use multer::Multipart;
use postroad_message::ContentType;
use tokio::time::{Instant, Sleep};

use super::part::safe_name;
use super::response::Failure;
use super::visitor::{Fields, Web};
use crate::store::Spooled;

/// How long nothing may come.
const NO_PROGRESS: Duration = Duration::from_secs(60);
/// How long an upload may take.
const WHOLE: Duration = Duration::from_secs(30 * 60);
/// The octets of one field that is no file.
const MAX_FIELD: usize = 2 * 1024 * 1024;
/// The octets of all of them.
const MAX_FIELDS: usize = 4 * 1024 * 1024;
/// Fields and files.
const MAX_PARTS: usize = 1000;
/// The octets between two parts, and so the header of one.
const MAX_HEADER: u64 = 256 * 1024;
/// What is too large is read to its end, so that the browser shows the answer; but not for ever. So many times what is
/// allowed, and then the connection is closed.
const PATIENCE: u64 = 8;

/// A file that was uploaded.
#[derive(Debug)]
pub(super) struct File {
    /// Its name, without folders.
    pub(super) name: String,
    /// What it is said to be.
    pub(super) content_type: ContentType,
    /// Its octets.
    pub(super) content: Spooled,
}

/// A form that was read.
#[derive(Debug, Default)]
pub(super) struct Upload {
    /// Its fields.
    pub(super) fields: Fields,
    /// Its files, unless they are too large.
    pub(super) files: Vec<File>,
    /// There were more octets than allowed.
    pub(super) is_too_large: bool,
}

/// Reads a form. `check` sees its first field, the token, before anything is kept; without `keep_files` the files are
/// passed over.
pub(super) async fn read(
    web: &Web,
    request: Request,
    limit: u64,
    keep_files: bool,
    check: impl Fn(&str) -> Result<(), Failure>,
) -> Result<Upload, Failure> {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary =
        content_type.and_then(|text| multer::parse_boundary(text).ok()).ok_or(Failure::BadRequest)?;
    let since = Arc::new(AtomicU64::new(0));
    let paced = Paced {
        body: request.into_body().into_data_stream(),
        gave: false,
        since: Arc::clone(&since),
        left: limit.saturating_mul(PATIENCE).saturating_add(MAX_HEADER),
        idle: Box::pin(tokio::time::sleep(NO_PROGRESS)),
    };
    let form = Form { web, since: &since, limit, keep_files, check: &check };
    match tokio::time::timeout(WHOLE, form.read(Multipart::new(paced, boundary))).await {
        Ok(upload) => upload,
        Err(_) => Err(Failure::Timeout),
    }
}

struct Form<'a, C> {
    web: &'a Web,
    since: &'a AtomicU64,
    limit: u64,
    keep_files: bool,
    check: &'a C,
}

impl<C: Fn(&str) -> Result<(), Failure>> Form<'_, C> {
    async fn read(&self, mut form: Multipart<'_>) -> Result<Upload, Failure> {
        let mut upload = Upload::default();
        let (mut parts, mut fields_size, mut files_size) = (0, 0, 0);
        while let Some(mut field) = form.next_field().await.map_err(fault)? {
            self.since.store(0, Ordering::Relaxed);
            parts += 1;
            if parts > MAX_PARTS {
                return Err(Failure::TooLarge);
            }
            let name = field.name().unwrap_or_default().to_owned();
            let Some(file_name) = field.file_name().map(str::to_owned) else {
                let mut value = Vec::new();
                while let Some(chunk) = field.chunk().await.map_err(fault)? {
                    self.since.store(0, Ordering::Relaxed);
                    fields_size += chunk.len();
                    if value.len() + chunk.len() > MAX_FIELD || fields_size > MAX_FIELDS {
                        return Err(Failure::TooLarge);
                    }
                    value.extend_from_slice(&chunk);
                }
                let value = String::from_utf8_lossy(&value).into_owned();
                if parts == 1 {
                    (self.check)(if name == "token" { &value } else { "" })?;
                }
                upload.fields.0.push((name, value));
                continue;
            };
            if parts == 1 {
                return Err(Failure::Expired);
            }
            let content_type = field.content_type().and_then(|kind| kind.essence_str().parse().ok());
            let mut spool = self.web.context.store.spool();
            while let Some(chunk) = field.chunk().await.map_err(fault)? {
                self.since.store(0, Ordering::Relaxed);
                files_size += chunk.len() as u64;
                if files_size > self.limit {
                    upload.is_too_large = true;
                    upload.files.clear();
                    spool = self.web.context.store.spool();
                }
                if self.keep_files && !upload.is_too_large {
                    spool.write(&chunk).await?;
                }
            }
            // A form without files sends one that has neither a name nor octets.
            if self.keep_files && !upload.is_too_large && !(file_name.is_empty() && spool.size() == 0) {
                let name = safe_name(&file_name).unwrap_or_else(|| "file".to_owned());
                let octets = || ContentType::new("application", "octet-stream");
                let Ok(content_type) = content_type.map_or_else(octets, Ok) else {
                    return Err(Failure::BadRequest);
                };
                upload.files.push(File { name, content_type, content: spool.finish().await? });
            }
        }
        Ok(upload)
    }
}

/// What went wrong with the octets of a form.
fn fault(error: multer::Error) -> Failure {
    let multer::Error::StreamReadFailed(source) = error else { return Failure::BadRequest };
    match source.downcast_ref::<TooMuch>() {
        Some(TooMuch::Octets) => Failure::TooLarge,
        Some(TooMuch::Time) => Failure::Timeout,
        None => Failure::BadRequest,
    }
}

/// Why a body is read no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TooMuch {
    Octets,
    Time,
}

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Octets => "too many octets",
            Self::Time => "nothing comes",
        })
    }
}

impl std::error::Error for TooMuch {}

/// The body of a request, one piece at a time: the reader of forms takes all that it can get, which would be all that
/// a fast client sends.
struct Paced {
    body: BodyDataStream,
    /// One was given; the next has to wait for a turn.
    gave: bool,
    /// The octets since the reader made something of them.
    since: Arc<AtomicU64>,
    /// The octets that may still come.
    left: u64,
    idle: Pin<Box<Sleep>>,
}

impl Stream for Paced {
    type Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.gave) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        match Pin::new(&mut self.body).poll_next(context) {
            Poll::Ready(Some(Ok(piece))) => {
                let count = piece.len() as u64;
                let since = self.since.fetch_add(count, Ordering::Relaxed);
                if since > MAX_HEADER || self.left < count {
                    return Poll::Ready(Some(Err(TooMuch::Octets.into())));
                }
                self.left -= count;
                self.gave = true;
                self.idle.as_mut().reset(Instant::now() + NO_PROGRESS);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => match self.idle.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(TooMuch::Time.into()))),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
