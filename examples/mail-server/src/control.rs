//! `account` and `queue` on a running server: a Unix socket in the data folder.
//!
//! A request is one JSON object on a line. The answer is any number of lines `{"row":…}` and a last line, either
//! `{"done":N}` with the number of things that it concerned, or `{"error":"…"}`. The mode of the socket (0600) and of
//! its folder (0700) say who may ask.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::store::{QueueMessage, RecipientState, Store, StoreError};
use crate::time::Time;

/// The longest request.
const LONGEST_REQUEST: u64 = 64 * 1024;
/// How many may ask at a time.
const AT_A_TIME: usize = 16;
/// Rows read from the store at a time.
const PAGE: u32 = 200;

/// What can be asked.
#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    AddAccount { address: String, password: String, keep_password: bool },
    RemoveAccount { address: String },
    ListAccounts {},
    SetPassword { address: String, password: String },
    ListQueue {},
    ShowQueued { id: i64 },
    RetryQueued { id: Option<i64> },
    RemoveQueued { id: i64 },
}

/// A line of the answer.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Row(Row),
    Done(usize),
    Error(String),
}

/// A thing that is listed, as `--json` prints it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Row {
    Message(MessageRow),
    Account(AccountRow),
}

/// An account.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct AccountRow {
    pub(crate) address: String,
}

/// A message in the queue. Times are RFC 3339.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct MessageRow {
    pub(crate) id: i64,
    pub(crate) reverse_path: String,
    pub(crate) arrived: String,
    pub(crate) size: u64,
    pub(crate) envelope_id: Option<String>,
    pub(crate) recipients: Vec<RecipientRow>,
}

/// A recipient of a message in the queue.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct RecipientRow {
    pub(crate) forward_path: String,
    pub(crate) destination: String,
    /// `waiting`, `delivered` or `failed`.
    pub(crate) status: String,
    pub(crate) attempts: u32,
    pub(crate) last_try: Option<String>,
    /// While it is waiting.
    pub(crate) next_try: Option<String>,
    pub(crate) last_reply: Option<String>,
    pub(crate) delay_notice_sent: bool,
}

impl From<QueueMessage> for MessageRow {
    fn from(message: QueueMessage) -> Self {
        let text = |time: Time| time.to_string();
        let recipients = message.recipients.into_iter().map(|recipient| {
            let progress = recipient.progress;
            RecipientRow {
                forward_path: recipient.forward_path,
                destination: recipient.destination,
                status: progress.state.name().to_owned(),
                attempts: progress.attempts,
                last_try: progress.last_attempt.map(text),
                next_try: match progress.state {
                    RecipientState::Waiting { next_try } => Some(text(next_try)),
                    _ => None,
                },
                last_reply: progress.diagnostic.map(|diagnostic| match diagnostic.remote {
                    Some(remote) => format!("{remote}: {}", diagnostic.text),
                    None => diagnostic.text,
                }),
                delay_notice_sent: progress.delay_notice_sent,
            }
        });
        Self {
            id: message.id,
            recipients: recipients.collect(),
            reverse_path: message.reverse_path,
            arrived: text(message.arrived),
            size: message.size,
            envelope_id: message.envelope_id,
        }
    }
}

/// Does what is asked. Rows go to `rows` as they are read; whoever reads them sets the pace.
pub(crate) async fn execute(
    store: &Store,
    request: Request,
    rows: &mpsc::Sender<Row>,
) -> Result<usize, StoreError> {
    let now = Time::now();
    match request {
        Request::AddAccount { address, password, keep_password } => {
            store.add_account(&address, password, keep_password, now).await?;
            Ok(1)
        }
        Request::RemoveAccount { address } => store.remove_account(&address).await.map(|()| 1),
        Request::SetPassword { address, password } => {
            store.set_password(&address, password).await.map(|()| 1)
        }
        Request::ListAccounts {} => {
            let mut count = 0;
            let mut last = String::new();
            loop {
                let page = store.list_accounts(&last, PAGE).await?;
                let Some(account) = page.last() else { return Ok(count) };
                last.clone_from(&account.address);
                for account in page {
                    count += 1;
                    let row = Row::Account(AccountRow { address: account.address });
                    rows.send(row).await.map_err(|_| StoreError::Closed)?;
                }
            }
        }
        Request::ListQueue {} => {
            let mut count = 0;
            let mut last = 0;
            loop {
                let page = store.list_queue(last, PAGE).await?;
                let Some(message) = page.last() else { return Ok(count) };
                last = message.id;
                for message in page {
                    count += 1;
                    rows.send(Row::Message(message.into())).await.map_err(|_| StoreError::Closed)?;
                }
            }
        }
        Request::ShowQueued { id } => {
            let message = store.show_queued(id).await?.ok_or(StoreError::NotFound)?;
            rows.send(Row::Message(message.into())).await.map_err(|_| StoreError::Closed)?;
            Ok(1)
        }
        Request::RetryQueued { id } => store.retry_queued(id, now).await,
        Request::RemoveQueued { id } => store.remove_queued(id).await.map(|()| 1),
    }
}

/// Where the socket of a data folder is.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("control")
}

/// The server's end. Dropped, the socket is gone.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Control {
    /// Cuts off whoever asks, and returns once nothing of this uses the store any more.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Begins to answer. The caller holds the store's lock, so a socket that lies there is a dead one.
pub(crate) fn serve(store: Store, data: &Path) -> io::Result<Control> {
    let path = path(data);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(listen(listener, store, stopping));
    Ok(Control { path, task, stop })
}

async fn listen(listener: UnixListener, store: Store, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < AT_A_TIME;
        tokio::select! {
            // Sent once, or its sender is gone: either way it is over.
            _ = stopping.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    let store = store.clone();
                    connections.spawn(async move {
                        if let Err(error) = answer(stream, &store).await {
                            tracing::debug!(%error, "a control connection ended");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a control connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}

async fn answer(stream: UnixStream, store: &Store) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        (&mut input).take(LONGEST_REQUEST).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let Ok(request) = serde_json::from_slice(&line) else {
            // The fault's own text could quote a password.
            return write(&mut output, &Answer::Error("not a request".to_owned())).await;
        };
        let (rows, mut listed) = mpsc::channel(16);
        let work = async move { execute(store, request, &rows).await };
        tokio::pin!(work);
        let mut outcome = None;
        loop {
            tokio::select! {
                biased;
                row = listed.recv() => match row {
                    Some(row) => write(&mut output, &Answer::Row(row)).await?,
                    None => break,
                },
                result = &mut work, if outcome.is_none() => outcome = Some(result),
            }
            if outcome.is_some() {
                while let Ok(row) = listed.try_recv() {
                    write(&mut output, &Answer::Row(row)).await?;
                }
                break;
            }
        }
        let last = match outcome {
            Some(Ok(count)) => Answer::Done(count),
            Some(Err(error)) => Answer::Error(error.to_string()),
            None => Answer::Error("the server stops".to_owned()),
        };
        write(&mut output, &last).await?;
    }
}

async fn write(output: &mut tokio::net::unix::OwnedWriteHalf, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    output.write_all(&line).await
}

/// Why a running server did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// There is no server.
    NobodyThere,
    /// It says why not.
    Refused(String),
}

/// Asks a running server; `show` gets each row.
pub(crate) async fn ask(
    data: &Path,
    request: &Request,
    mut show: impl FnMut(Row),
) -> Result<usize, AskError> {
    let broken = |error: io::Error| AskError::Refused(format!("the server does not answer: {error}"));
    let Ok(stream) = UnixStream::connect(path(data)).await else { return Err(AskError::NobodyThere) };
    let (input, mut output) = stream.into_split();
    let mut line = serde_json::to_vec(request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    output.write_all(&line).await.map_err(broken)?;
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await.map_err(broken)? {
        match serde_json::from_str(&line).map_err(|error| broken(error.into()))? {
            Answer::Row(row) => show(row),
            Answer::Done(count) => return Ok(count),
            Answer::Error(error) => return Err(AskError::Refused(error)),
        }
    }
    Err(broken(io::ErrorKind::UnexpectedEof.into()))
}
