//! The form of a new message: empty, or begun from another message.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use postroad_message::{AddressList, Mailbox, Message, MessageId};

use super::language::{Texts, fill};
use super::loaded::Place;
use super::message::{attachments, text};
use super::response::{Failure, page as show};
use super::view::{ComposeForm, ComposePage, Frame, Moment, size};
use super::visitor::{Fields, Member, Web};

/// The octets of a text that is quoted.
const MAX_QUOTED: usize = 128 * 1024;
/// The octets of a draft that is gone on with.
const MAX_DRAFT: usize = 1024 * 1024;
/// The messages of a conversation that an answer names: the first, and the latest.
const MAX_REFERENCES: usize = 30;

pub(super) async fn page(
    State(web): State<Web>,
    member: Member,
    fields: Fields,
) -> Result<Response, Failure> {
    let mut form = match fields.one("mode") {
        mode @ ("reply" | "reply-all" | "forward" | "draft") => {
            let place = Place::find(&web, &member, &fields).await?;
            begun(&web, &member, mode, &place).await?
        }
        "" => ComposeForm::new()?,
        _ => return Err(Failure::BadRequest),
    };
    if form.mode.is_empty() && fields.one("to").len() <= 1000 {
        fields.one("to").clone_into(&mut form.to);
    }
    show_form(&web, &member, form, Vec::new(), StatusCode::OK, fields.one("done")).await
}

/// The page with this form.
pub(super) async fn show_form(
    web: &Web,
    member: &Member,
    form: ComposeForm,
    errors: Vec<String>,
    status: StatusCode,
    done: &str,
) -> Result<Response, Failure> {
    let t = member.language.texts();
    let title = match form.mode.as_str() {
        "reply" => t.reply,
        "forward" => t.forward,
        "draft" => t.edit_draft,
        _ => t.write,
    };
    let mut frame = Frame::of(web, member, title, &form.folder, done).await?;
    if form.mode != "draft" {
        frame.folders.iter_mut().for_each(|folder| folder.is_current = false);
    }
    if status != StatusCode::OK {
        "/compose".clone_into(&mut frame.here);
    }
    // Base64 makes three octets four, and breaks lines.
    let files_hint = fill(t.files_hint, &[&size(web.context.config.limits.message_size / 100 * 72)]);
    Ok(show(status, &ComposePage { frame, form, errors, files_hint }))
}

/// A form that begins from a message.
async fn begun(web: &Web, member: &Member, mode: &str, place: &Place) -> Result<ComposeForm, Failure> {
    let row = place.row(web).await?;
    let loaded = place.load(web).await?;
    let message = &loaded.message;
    let t = member.language.texts();
    let mut form = ComposeForm {
        mode: if mode == "reply-all" { "reply" } else { mode }.to_owned(),
        folder: place.folder.clone(),
        validity: place.mailbox.uidvalidity(),
        uid: place.uid,
        ..ComposeForm::new()?
    };
    let subject = message.subject().unwrap_or_default().trim().to_owned();
    if mode == "draft" {
        form.to = joined(message.to().mailboxes());
        form.cc = joined(message.cc().mailboxes());
        form.bcc = joined(message.header().bcc().mailboxes());
        form.subject = subject;
        form.text = lines(&text(message, MAX_DRAFT).0);
        form.in_reply_to = ids_text(&message.header().in_reply_to());
        form.references = ids_text(&message.header().references());
        form.kept = attachments(message, place).into_iter().map(|file| (file, true)).collect();
        return Ok(form);
    }
    let (quoted, _) = text(message, MAX_QUOTED);
    let seconds = message.date().map_or_else(|| row.internal_date.seconds(), |date| date.timestamp());
    let when = Moment::new(seconds, web.context.clock.now(), member.language).full;
    if mode == "forward" {
        form.subject = prefixed("Fwd:", &["fwd:", "fw:"], &subject);
        form.text = forwarded(message, &when, &quoted, t);
        form.kept = attachments(message, place).into_iter().map(|file| (file, true)).collect();
        form.references = ids_text(&references(message));
        return Ok(form);
    }
    let own = &member.account.address;
    let (to, cc) = answered(message, own, mode == "reply-all");
    form.to = joined(&to);
    form.cc = joined(&cc);
    form.subject = prefixed("Re:", &["re:"], &subject);
    let author = message.from().mailboxes().next().map_or_else(String::new, |mailbox| {
        mailbox.name().map_or_else(|| mailbox.address().to_string(), str::to_owned)
    });
    let author = if author.is_empty() { t.no_sender.to_owned() } else { author };
    form.text = format!("\n\n{}\n{}", fill(t.wrote, &[&when, &author]), quote(&quoted));
    form.in_reply_to = message.message_id().map(|id| id.to_string()).unwrap_or_default();
    form.references = ids_text(&references(message));
    Ok(form)
}

/// To whom an answer goes (RFC 5322 section 3.6.3): to, and cc.
fn answered(message: &Message<'_>, own: &str, all: bool) -> (Vec<Mailbox>, Vec<Mailbox>) {
    let is_own = |mailbox: &Mailbox| mailbox.address().to_string().eq_ignore_ascii_case(own);
    let list = |list: AddressList| list.mailboxes().cloned().collect::<Vec<_>>();
    let mut to = list(message.header().reply_to());
    if to.is_empty() {
        to = list(message.from());
    }
    // An answer to what one wrote oneself goes on to those it was for.
    if to.iter().all(is_own) {
        to = list(message.to());
    }
    let mut seen: Vec<String> = Vec::new();
    let mut fresh = |mailbox: &Mailbox| {
        let address = mailbox.address().to_string().to_lowercase();
        let is_fresh = !seen.contains(&address);
        if is_fresh {
            seen.push(address);
        }
        is_fresh
    };
    to.truncate(1000);
    to.retain(|mailbox| fresh(mailbox));
    let mut cc = Vec::new();
    if all {
        cc = list(message.to());
        cc.extend(list(message.cc()));
        cc.truncate(1000);
        cc.retain(|mailbox| !is_own(mailbox) && fresh(mailbox));
    }
    (to, cc)
}

/// `References` of an answer (RFC 5322 section 3.6.4).
fn references(message: &Message<'_>) -> Vec<MessageId> {
    let header = message.header();
    let mut ids = header.references();
    if ids.is_empty() {
        ids = header.in_reply_to();
        if ids.len() > 1 {
            ids.clear();
        }
    }
    ids.extend(message.message_id());
    if ids.len() > MAX_REFERENCES {
        ids.drain(1..=ids.len() - MAX_REFERENCES);
    }
    ids
}

/// Message identifiers as a form holds them.
fn ids_text(ids: &[MessageId]) -> String {
    let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
    texts.join(" ")
}

/// Message identifiers that came back with a form.
pub(super) fn ids(text: &str) -> Vec<MessageId> {
    let text: String = text.chars().take(16 * 1024).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut ids = Message::parse(format!("References: {text}\r\n\r\n").as_bytes()).header().references();
    ids.truncate(MAX_REFERENCES);
    ids
}

fn joined<'m>(mailboxes: impl IntoIterator<Item = &'m Mailbox>) -> String {
    let texts: Vec<String> = mailboxes.into_iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn prefixed(prefix: &str, known: &[&str], subject: &str) -> String {
    let lower = subject.to_lowercase();
    if known.iter().any(|known| lower.starts_with(known)) {
        return subject.to_owned();
    }
    format!("{prefix} {subject}").trim_end().to_owned()
}

/// With LF as line ends, as a form has them.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn quote(text: &str) -> String {
    let text = lines(text);
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.trim_end().lines() {
        // What is quoted already needs no second space (RFC 3676 section 4.5).
        out.push_str(if line.is_empty() || line.starts_with('>') { ">" } else { "> " });
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn forwarded(message: &Message<'_>, when: &str, text: &str, t: &Texts) -> String {
    let mut out = format!("\n\n---------- {} ----------\n", t.forwarded);
    for (name, value) in [
        (t.from, joined(message.from().mailboxes())),
        (t.date, when.to_owned()),
        (t.to, joined(message.to().mailboxes().take(50))),
        (t.cc, joined(message.cc().mailboxes().take(50))),
        (t.subject, message.subject().unwrap_or_default().into_owned()),
    ] {
        if !value.is_empty() {
            out.extend([name, ": ", &value, "\n"]);
        }
    }
    out.push('\n');
    out.push_str(&lines(text));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(list: &[Mailbox]) -> String {
        joined(list)
    }

    #[test]
    fn answers_go_to_the_right_people() {
        let answered = |header: &str, all| {
            let message = Message::parse(header.as_bytes());
            let (to, cc) = answered(&message, "bob@hamburger.edu", all);
            (people(&to), people(&cc))
        };
        let header = "From: Alice <alice@crepes.fr>\r\nTo: Bob <BOB@hamburger.edu>, eve@example.org\r\n\
                      Cc: alice@crepes.fr, Eve <EVE@example.org>, carol@example.org\r\n\r\n";
        assert_eq!(answered(header, false), ("Alice <alice@crepes.fr>".into(), String::new()));
        assert_eq!(
            answered(header, true),
            ("Alice <alice@crepes.fr>".into(), "eve@example.org, carol@example.org".into())
        );
        assert_eq!(answered(&format!("Reply-To: list@x.org\r\n{header}"), false).0, "list@x.org");
        let own = "From: bob@hamburger.edu\r\nTo: alice@crepes.fr\r\n\r\n";
        assert_eq!(answered(own, true), ("alice@crepes.fr".into(), String::new()));
        assert_eq!(answered("Subject: x\r\n\r\n", true), (String::new(), String::new()));
    }

    #[test]
    fn answers_name_the_conversation() {
        let of = |header: &str| ids_text(&references(&Message::parse(header.as_bytes())));
        assert_eq!(of("Message-ID: <c@x>\r\nReferences: <a@x>\r\n <b@x>\r\n\r\n"), "<a@x> <b@x> <c@x>");
        assert_eq!(of("Message-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\n\r\n"), "<b@x> <c@x>");
        assert_eq!(of("Message-ID: <c@x>\r\nIn-Reply-To: <a@x> <b@x>\r\n\r\n"), "<c@x>");
        assert_eq!(of("\r\n"), "");
        let many: Vec<String> = (0..100).map(|number| format!("<{number}@x>")).collect();
        let long = of(&format!("Message-ID: <c@x>\r\nReferences: {}\r\n\r\n", many.join("\r\n ")));
        let long: Vec<&str> = long.split(' ').collect();
        assert_eq!((long.len(), long[0], long[1], long[29]), (30, "<0@x>", "<72@x>", "<c@x>"));
        assert_eq!(ids_text(&ids("<a@x> <b@x>")), "<a@x> <b@x>");
        assert_eq!(ids_text(&ids("<a@x>\r\nBcc: <eve@x>")), "<a@x> <eve@x>", "no line can be added");
        assert_eq!(ids_text(&ids("")), "");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quote("one\r\n> two\r\n\r\nthree\r\n\r\n"), "> one\n>> two\n>\n> three\n");
        assert_eq!(prefixed("Re:", &["re:"], "RE: x"), "RE: x");
        assert_eq!(prefixed("Re:", &["re:"], "x"), "Re: x");
        assert_eq!(prefixed("Re:", &["re:"], ""), "Re:");
        assert_eq!(prefixed("Fwd:", &["fwd:", "fw:"], "FW: x"), "FW: x");
    }
}
