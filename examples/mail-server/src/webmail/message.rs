//! Reading a message.

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use postroad_message::{AddressList, Message, Part, TransferEncoding};

use super::folder::subject;
use super::html;
use super::language::fill;
use super::loaded::Place;
use super::part::file_name;
use super::response::{Failure, page as show};
use super::view::{
    AttachmentView, BodyView, Frame, HtmlPage, MessagePage, Moment, cut, folder_label, query, size,
};
use super::visitor::{Fields, Member, Web};
use crate::store::mailboxes::{Flags, FlagsChange, SpecialUse, SystemFlags, UidSet};

/// The octets of text that a page shows.
const MAX_TEXT: usize = 1024 * 1024;
/// The characters of a list of addresses that a page shows.
const MAX_ADDRESSES: usize = 2000;
/// Attachments that a page lists.
const MAX_ATTACHMENTS: usize = 500;

pub(super) async fn page(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let place = Place::find(&web, &member, &fields).await?;
    let row = place.row(&web).await?;
    let loaded = place.load(&web).await?;
    let message = &loaded.message;
    let flags = row.flags.system;
    // A browser that only guesses what will be read next does not read.
    let is_guess = headers.get("sec-purpose").is_some();
    if !flags.contains(SystemFlags::SEEN) && !is_guess {
        let seen = FlagsChange::Add(Flags::system(SystemFlags::SEEN));
        web.context
            .store
            .store_flags(&place.mailbox, UidSet::range(place.uid, place.uid), seen, None)
            .await?;
    }
    let t = member.language.texts();
    let title = subject(message, t);
    let frame = Frame::of(&web, &member, &title, &place.folder, fields.one("done")).await?;
    let special_use = frame.current().and_then(|folder| folder.special_use);
    let wants_text = fields.one("view") == "text";
    let shows_remote = fields.one("remote") == "1";
    let body = if has_html(message) && !wants_text {
        match html::of_message(&web, &loaded, shows_remote).await? {
            Some(cleaned) => BodyView::Html {
                has_text: true,
                has_remote: cleaned.has_remote,
                shows_remote: shows_remote && cleaned.has_remote,
            },
            None if has_plain(message) => text_view(message),
            None => BodyView::TooLong,
        }
    } else {
        text_view(message)
    };
    let seconds = message.date().map_or_else(|| row.internal_date.seconds(), |date| date.timestamp());
    let label = folder_label(&place.folder, special_use, t);
    let view = MessagePage {
        back: format!("/folder?{}", query(&[("name", &place.folder)])),
        back_text: fill(t.back_to, &[&label]),
        is_trash: special_use == Some(SpecialUse::Trash),
        is_draft: special_use == Some(SpecialUse::Drafts) || flags.contains(SystemFlags::DRAFT),
        is_flagged: flags.contains(SystemFlags::FLAGGED),
        subject: title,
        from: addresses(&message.from()).unwrap_or_else(|| t.no_sender.to_owned()),
        to: addresses(&message.to()).unwrap_or_else(|| t.no_recipient.to_owned()),
        cc: addresses(&message.cc()).unwrap_or_default(),
        bcc: addresses(&message.header().bcc()).unwrap_or_default(),
        when: Moment::new(seconds, web.context.clock.now(), member.language),
        attachments: attachments(message, &place),
        body,
        message: place.query(),
        folder: place.folder,
        validity: place.mailbox.uidvalidity(),
        uid: place.uid,
        frame,
    };
    Ok(show(StatusCode::OK, &view))
}

/// What the frame of an HTML message shows.
pub(super) async fn html_body(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
) -> Result<Response, Failure> {
    let place = Place::find(&web, &member, &fields).await?;
    let loaded = place.load(&web).await?;
    let remote = fields.one("remote") == "1";
    let cleaned = html::of_message(&web, &loaded, remote).await?.ok_or(Failure::NotFound)?;
    let title = subject(&loaded.message, member.language.texts());
    let mut response = show(StatusCode::OK, &HtmlPage { title, body: cleaned.html });
    let pictures = if remote { "data: https: http:" } else { "data:" };
    let policy = format!(
        "default-src 'none'; img-src {pictures}; style-src 'self'; frame-ancestors 'self'; base-uri 'none'; \
         form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    Ok(response)
}

fn is_text(part: &Part<'_>, subtype: &str) -> bool {
    part.content_type().essence().strip_prefix("text/").is_some_and(|own| own == subtype)
}

pub(super) fn has_html(message: &Message<'_>) -> bool {
    message.html_body().iter().any(|part| is_text(part, "html"))
}

fn has_plain(message: &Message<'_>) -> bool {
    message.text_body().iter().any(|part| is_text(part, "plain"))
}

/// The text of a message; that of its HTML where there is no other. Cut off at `limit` octets.
pub(super) fn text(message: &Message<'_>, limit: usize) -> (String, bool) {
    let mut text = String::new();
    for part in message.text_body() {
        let Some(piece) = part.text() else { continue };
        if !text.is_empty() {
            text.push('\n');
        }
        if is_text(&part, "html") {
            text.push_str(&html::to_text(&piece));
        } else {
            text.push_str(&piece);
        }
        if text.len() > limit {
            text.truncate(cut(&text, limit).len());
            return (text, true);
        }
    }
    (text, false)
}

fn text_view(message: &Message<'_>) -> BodyView {
    let (text, is_cut) = text(message, MAX_TEXT);
    BodyView::Text { text, is_cut, has_html: has_html(message) }
}

/// Addresses with their names.
fn addresses(list: &AddressList) -> Option<String> {
    let mut text = String::new();
    for address in list.addresses() {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&address.to_string());
        if text.len() > MAX_ADDRESSES {
            text.truncate(cut(&text, MAX_ADDRESSES).len());
            text.push('…');
            break;
        }
    }
    (!text.is_empty()).then_some(text)
}

/// About how many octets a part has as a file, without decoding it.
fn file_size(part: &Part<'_>) -> u64 {
    let size = part.raw_body().len() as u64;
    // 57 octets are a line of 76 characters and its end.
    if part.transfer_encoding() == TransferEncoding::Base64 { (size + 2) * 57 / 78 } else { size }
}

/// The parts that can be downloaded: all that are not shown as text.
pub(super) fn attachments(message: &Message<'_>, place: &Place) -> Vec<AttachmentView> {
    let bodies = message.bodies();
    let shown = bodies.text.iter().chain(&bodies.html);
    let pictures = shown.filter(|part| !is_text(part, "plain") && !is_text(part, "html"));
    let mut parts: Vec<Part<'_>> = bodies.attachments.iter().chain(pictures).copied().collect();
    parts.sort_by_key(Part::position);
    parts.dedup();
    let view = |part: Part<'_>| {
        let number = part.number().to_string();
        AttachmentView {
            name: file_name(&part),
            size: size(file_size(&part)),
            kind: part.content_type().essence().to_owned(),
            href: format!("/message/part?{}&part={number}", place.query()),
            number,
        }
    };
    parts.into_iter().take(MAX_ATTACHMENTS).map(view).collect()
}
