//! Composing a message from the files of the command line.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, ensure};
use bytes::Bytes;
use postroad_message::{BuildError, ContentType, DateTime, MessageBuilder, PartBuilder};

use super::envelope::Addresses;
use super::lines::Crlf;
use super::media_type;
use crate::cli;

/// The longest line that may go out without an encoding (RFC 5322 section 2.1.1).
const LINE_LIMIT: usize = 998;

/// The message that the options describe, in ASCII, so that every server on its way can carry it. Blind copies are not in it.
pub(crate) fn compose(options: &cli::Send, addresses: &Addresses) -> Result<Bytes> {
    let author = addresses.from.clone().context("a message needs an author")?;
    let domain = author.address().domain().to_owned();
    let mut builder = MessageBuilder::new().date(now()?).seed(seed()?).utf8_headers(options.smtputf8);
    if domain.is_ascii() {
        builder = builder.message_id_at(&domain);
    }
    builder = builder.from(author);
    builder = addresses.to.iter().cloned().fold(builder, MessageBuilder::to);
    builder = addresses.cc.iter().cloned().fold(builder, MessageBuilder::cc);
    if let Some(subject) = &options.subject {
        builder = builder.subject(subject);
    }
    if let Some(path) = &options.text {
        builder = builder.text(&text(path)?);
    }
    if let Some(path) = &options.html {
        builder = builder.html(&text(path)?);
    }
    for path in &options.attach {
        builder = builder.attach(attachment(path).with_context(|| path.display().to_string())?);
    }
    builder.build().map_err(|error| match error {
        BuildError::NeedsUtf8Headers => anyhow!("{error}; --smtputf8 allows it"),
        error => error.into(),
    })
}

fn now() -> Result<DateTime> {
    let now = jiff::Zoned::now();
    let offset = i16::try_from(now.offset().seconds() / 60)?;
    Ok(DateTime::from_timestamp(now.timestamp().as_second(), offset)?)
}

fn seed() -> Result<u128> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(u128::from_ne_bytes(octets))
}

fn text(path: &Path) -> Result<String> {
    let is_stdin = path == Path::new("-");
    let octets = if is_stdin {
        let mut octets = Vec::new();
        io::stdin().lock().read_to_end(&mut octets).map(|_| octets)
    } else {
        fs::read(path)
    };
    let name = if is_stdin { "standard input".into() } else { path.display().to_string() };
    let text = String::from_utf8(octets.with_context(|| name.clone())?);
    text.map_err(|_| anyhow!("{name} is not in UTF-8; convert it, or attach it"))
}

fn attachment(path: &Path) -> Result<PartBuilder> {
    let octets = fs::read(path)?;
    let name = path.file_name().context("it has no name")?;
    let name = name.to_str().context("its name is not in UTF-8")?;
    ensure!(!name.contains(char::is_control), "its name has control characters");
    Ok(part(media_type::of(path), octets)?.attachment(name))
}

/// The octets under their media type, or as `application/octet-stream` where the type would be a lie.
fn part(media_type: &str, octets: Vec<u8>) -> Result<PartBuilder> {
    if media_type == "message/rfc822" {
        // A message may not be encoded (RFC 2046 section 5.2.1), so one that would need it goes as octets.
        let mut lines = Crlf::default();
        let mut message = lines.next(&octets);
        message.extend_from_slice(lines.finish().unwrap_or_default());
        let fits = |line: &[u8]| line.len() <= LINE_LIMIT + 2 && line.is_ascii() && !line.contains(&0);
        if message.split_inclusive(|octet| *octet == b'\n').all(fits) {
            return Ok(PartBuilder::verbatim(media_type, message));
        }
    } else if media_type.starts_with("text/") {
        if std::str::from_utf8(&octets).is_ok() {
            let content_type: ContentType = media_type.parse()?;
            return Ok(PartBuilder::octets(content_type.with_parameter("charset", "utf-8")?, octets));
        }
    } else {
        return Ok(PartBuilder::octets(media_type, octets));
    }
    Ok(PartBuilder::octets("application/octet-stream", octets))
}
