//! A message as it is, and its parts as files.

use std::fmt::Write as _;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::stream::try_unfold;
use postroad_message::{Part, PartNumber};

use super::loaded::Place;
use super::response::Failure;
use super::visitor::{Fields, Member, Web};

/// What is shown of a message outside of our own pages can do nothing at all.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
/// The characters of a file name.
const MAX_NAME: usize = 150;
/// What is put in a file before it is sent, so that a slow reader holds no memory.
const SMALL: usize = 64 * 1024;

fn put(headers: &mut HeaderMap, content_type: &str, disposition: &str, size: u64) {
    headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let octets = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap_or(octets));
    let attachment = HeaderValue::from_static("attachment");
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(disposition).unwrap_or(attachment));
}

/// The message as it was received.
pub(super) async fn source(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
) -> Result<Response, Failure> {
    let place = Place::find(&web, &member, &fields).await?;
    let reader = web.context.store.read_message(&place.mailbox, place.uid).await?;
    let size = reader.size();
    let chunks = try_unfold(reader, async |mut reader| {
        let chunk =
            reader.next().await.inspect_err(|error| tracing::warn!(%error, "a message cannot be read"))?;
        Ok::<_, crate::store::StoreError>(chunk.map(|chunk| (chunk, reader)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    put(response.headers_mut(), "text/plain; charset=utf-8", "inline; filename=\"message.txt\"", size);
    Ok(response)
}

/// A part as a file.
pub(super) async fn download(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
) -> Result<Response, Failure> {
    let place = Place::find(&web, &member, &fields).await?;
    let number: PartNumber = fields.one("part").parse().map_err(|_| Failure::NotFound)?;
    let loaded = place.load(&web).await?;
    let (name, content_type, content) = {
        // The root of a multipart is the message itself.
        let part = Some(&number).filter(|number| !number.numbers().is_empty());
        let part = part.and_then(|number| loaded.message.part_numbered(number)).ok_or(Failure::NotFound)?;
        let content = part.body();
        let content = if content.len() <= SMALL {
            Ok(Bytes::copy_from_slice(&content))
        } else {
            let mut spool = web.context.store.spool();
            for piece in content.chunks(SMALL) {
                spool.write(piece).await?;
            }
            Err(spool.finish().await?)
        };
        (file_name(&part), part.content_type().essence().to_owned(), content)
    };
    drop(loaded);
    let (size, body) = match content {
        Ok(octets) => (octets.len() as u64, Body::from(octets)),
        Err(spooled) => {
            let size = spooled.size();
            let chunks = try_unfold(spooled, async |mut spooled| {
                let chunk = spooled.next().await?;
                Ok::<_, crate::store::StoreError>(chunk.map(|chunk| (Bytes::from(chunk), spooled)))
            });
            (size, Body::from_stream(chunks))
        }
    };
    let mut response = Response::new(body);
    put(response.headers_mut(), &content_type, &disposition(&name), size);
    Ok(response)
}

/// The name that a part is saved under: the one it suggests, without what could lead elsewhere or deceive; else one of
/// our own.
pub(super) fn file_name(part: &Part<'_>) -> String {
    if let Some(name) = part.filename().as_deref().and_then(safe_name) {
        return name;
    }
    let content_type = part.content_type();
    let extension = match content_type.essence() {
        "text/plain" => "txt",
        "text/html" => "html",
        "text/calendar" => "ics",
        "message/rfc822" => "eml",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "application/pdf" => "pdf",
        _ => "bin",
    };
    let subject = part.message().and_then(|message| message.header().subject());
    match subject.and_then(|subject| safe_name(&subject)) {
        Some(subject) => format!("{subject}.{extension}"),
        None => format!("part-{}.{extension}", part.number()),
    }
}

/// A name without folders, controls and characters that turn the direction of writing.
pub(super) fn safe_name(name: &str) -> Option<String> {
    let is_deceptive = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().filter(|c| !is_deceptive(*c));
    let kept: String = kept.map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let kept = kept.trim_matches(|c: char| c.is_whitespace() || c == '.');
    // A long name keeps its end, for that says what it is.
    let count = kept.chars().count();
    let kept: String = if count > MAX_NAME {
        let end: String = kept.chars().skip(count - 20).collect();
        kept.chars().take(MAX_NAME - 21).chain(['…']).chain(end.chars()).collect()
    } else {
        kept.to_owned()
    };
    (!kept.is_empty()).then_some(kept)
}

/// A `Content-Disposition` (RFC 6266) whose name is in ASCII for the old, and whole (RFC 8187) for all others.
fn disposition(name: &str) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let plain: String = name.chars().map(ascii).collect();
    let mut text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for octet in name.bytes() {
        if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&octet) {
            text.push(char::from(octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{octet:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere() {
        for (name, safe) in [
            ("menu.pdf", Some("menu.pdf")),
            ("카페 메뉴.txt", Some("카페 메뉴.txt")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Windows\\x.exe", Some("x.exe")),
            ("..", None),
            (".bashrc", Some("bashrc")),
            ("", None),
            ("a/", None),
            ("a\r\nSet-Cookie: x=y", Some("aSet-Cookie_ x=y")),
            ("invoice\u{202e}fdp.exe", Some("invoicefdp.exe")),
            ("a\0b", Some("ab")),
            ("a\"b", Some("a_b")),
        ] {
            assert_eq!(safe_name(name).as_deref(), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.tar.gz", "카".repeat(500))).unwrap();
        assert_eq!(long.chars().count(), MAX_NAME);
        assert!(long.ends_with(".tar.gz"));
    }

    #[test]
    fn dispositions_are_one_field() {
        assert_eq!(
            disposition("카페 1%.txt"),
            "attachment; filename=\"__ 1_.txt\"; filename*=UTF-8''%EC%B9%B4%ED%8E%98%201%25.txt"
        );
        for name in ["a\r\nX: y", "a\"; filename=\"b", "a\\", "\u{0}"] {
            let text = disposition(name);
            assert!(HeaderValue::from_str(&text).is_ok(), "{text:?}");
            assert_eq!(text.matches('"').count(), 2, "{text}");
        }
    }
}
