//! Sending, by SMTP.

use crate::{Result, connect};
use bytes::Bytes;
use postroad_message::{DateTime, MessageBuilder};
use postroad_smtp::client::{Delivery, Envelope, Opening, TlsPolicy};
use postroad_smtp::types::{ClientName, ForwardPath, ReversePath};
use postroad_tokio::smtp::{Client, ClientOptions};
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A message with the header fields that every message has. The libraries read no clock, so the time is said here.
pub fn compose(from: &str, to: &str, subject: &str, text: &str) -> Result<Bytes> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let date = DateTime::from_timestamp(i64::try_from(seconds)?, 0)?;
    Ok(MessageBuilder::new().from(from).to(to).date(date).subject(subject).text(text).build()?)
}

/// Sends a message to all recipients, and gives those that it did not get to, with the reason.
///
/// The envelope is not the header: what `From` and `To` in the message say does not matter here.
pub async fn send(server: SocketAddr, from: &str, to: &[&str], message: &[u8]) -> Result<Vec<String>> {
    let opening = Opening::new(ClientName::parse("localhost")?, TlsPolicy::None);
    let mut client = Client::open(connect(server).await?, opening, ClientOptions::default()).await?;
    let recipients: std::result::Result<Vec<_>, _> =
        to.iter().map(|mailbox| ForwardPath::parse(format!("<{mailbox}>"))).collect();
    let envelope = Envelope::new(ReversePath::parse(format!("<{from}>"))?, recipients?);
    let outcome = client.send(envelope, message).await?;
    let failed = outcome.deliveries().filter_map(|(recipient, delivery)| match delivery {
        Delivery::Delivered(_) => None,
        Delivery::Failed { reply, permanent: true } => Some(format!("{recipient}: {reply}")),
        // A server would try again later, see `postroad-queue`.
        Delivery::Failed { reply, permanent: false } => Some(format!("{recipient}, for now: {reply}")),
        Delivery::Unknown => Some(format!("{recipient}: the connection was lost; it may have arrived")),
    });
    let failed = failed.collect();
    // The messages are the server's by now, whatever it says to this.
    let _ = client.quit().await;
    Ok(failed)
}
