//! Which parts are shown and which are listed (RFC 8621 section 4.1.4).

use alloc::vec::Vec;

use crate::part::Part;

/// The parts of a message by their use.
///
/// A part may be in both `text` and `html`; a picture that stands in only one of them is also among the attachments.
///
/// ```
/// use postroad_message::Message;
/// let message = Message::parse(
///     b"Content-Type: multipart/alternative; boundary=b\r\n\r\n\
///       --b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<i>rich</i>\r\n--b--\r\n",
/// );
/// let bodies = message.bodies();
/// assert_eq!(bodies.text[0].number().to_string(), "1");
/// assert_eq!(bodies.html[0].number().to_string(), "2");
/// assert!(bodies.attachments.is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Bodies<'m> {
    /// To be shown one after the other to who wants plain text.
    pub text: Vec<Part<'m>>,
    /// To be shown one after the other to who wants HTML.
    pub html: Vec<Part<'m>>,
    /// To be listed.
    pub attachments: Vec<Part<'m>>,
}

/// A multipart that is being walked through.
struct Level<'m> {
    next: Option<Part<'m>>,
    subtype: Subtype,
    is_first: bool,
    in_alternative: bool,
    /// Whether what comes goes to these lists.
    to_text: bool,
    to_html: bool,
    /// How long the lists were when it began.
    text_before: usize,
    html_before: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subtype {
    Alternative,
    Related,
    Other,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Media {
    Plain,
    Html,
    Inline,
    Other,
}

impl<'m> Level<'m> {
    fn new(part: Part<'m>, outer: &Self, bodies: &Bodies<'m>) -> Self {
        let subtype = match part.content_type().subtype() {
            "alternative" => Subtype::Alternative,
            "related" => Subtype::Related,
            _ => Subtype::Other,
        };
        Self {
            next: part.children().next(),
            subtype,
            is_first: true,
            in_alternative: outer.in_alternative || subtype == Subtype::Alternative,
            to_text: outer.to_text,
            to_html: outer.to_html,
            text_before: bodies.text.len(),
            html_before: bodies.html.len(),
        }
    }
}

/// Whether a part is shown with the message rather than listed.
fn is_inline(part: Part<'_>, media: Media, level: &Level<'_>, is_first: bool) -> bool {
    if media == Media::Other || part.is_attachment() {
        return false;
    }
    is_first || (level.subtype != Subtype::Related && (media == Media::Inline || part.filename().is_none()))
}

pub(crate) fn bodies(root: Part<'_>) -> Bodies<'_> {
    let mut bodies = Bodies::default();
    let mut levels = alloc::vec![Level {
        next: Some(root),
        subtype: Subtype::Other,
        is_first: true,
        in_alternative: false,
        to_text: true,
        to_html: true,
        text_before: 0,
        html_before: 0,
    }];
    while let Some(level) = levels.last_mut() {
        let Some(part) = level.next else {
            end_level(level, &mut bodies);
            levels.pop();
            continue;
        };
        let is_first = core::mem::replace(&mut level.is_first, false);
        // The root has no siblings, also where it is the message in another one.
        level.next = if part == root { None } else { part.next_sibling() };
        if part.is_multipart() {
            let inner = Level::new(part, level, &bodies);
            levels.push(inner);
            continue;
        }
        let content_type = part.content_type();
        let media = match (content_type.main_type(), content_type.subtype()) {
            ("text", "plain") => Media::Plain,
            ("text", "html") => Media::Html,
            ("image" | "audio" | "video", _) => Media::Inline,
            _ => Media::Other,
        };
        if !is_inline(part, media, level, is_first) {
            bodies.attachments.push(part);
        } else if level.subtype == Subtype::Alternative {
            match media {
                Media::Plain if level.to_text => bodies.text.push(part),
                Media::Html if level.to_html => bodies.html.push(part),
                Media::Plain | Media::Html => {}
                Media::Inline | Media::Other => bodies.attachments.push(part),
            }
        } else {
            if level.in_alternative {
                level.to_html &= media != Media::Plain;
                level.to_text &= media != Media::Html;
            }
            if level.to_text {
                bodies.text.push(part);
            }
            if level.to_html {
                bodies.html.push(part);
            }
            if media == Media::Inline && !(level.to_text && level.to_html) {
                bodies.attachments.push(part);
            }
        }
    }
    bodies
}

/// Alternatives of which only one kind was found stand for the other kind too.
fn end_level<'m>(level: &Level<'m>, bodies: &mut Bodies<'m>) {
    if level.subtype != Subtype::Alternative || !level.to_text || !level.to_html {
        return;
    }
    let has_text = bodies.text.len() > level.text_before;
    let has_html = bodies.html.len() > level.html_before;
    if has_html && !has_text {
        bodies.text.extend_from_slice(bodies.html.get(level.html_before..).unwrap_or_default());
    } else if has_text && !has_html {
        bodies.html.extend_from_slice(bodies.text.get(level.text_before..).unwrap_or_default());
    }
}
