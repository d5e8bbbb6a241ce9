//! What SORT and THREAD compare (RFC 5256).

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::header::{Header, date, message_id};
use crate::index::FieldKind;
use crate::types::{DateTime, MessageId};

/// The base subject of a subject, and whether it says that the message is a reply or was forwarded (RFC 5256 sections
/// 2.1 and 3).
///
/// Base subjects are to be compared without regard to case (`i;unicode-casemap`).
///
/// ```
/// use postroad_message::base_subject;
///
/// let base = base_subject("[postroad] Re[2]:  [fwd: Ketchup?]  (fwd)");
/// assert_eq!(base.text(), "Ketchup?");
/// assert!(base.is_reply());
/// assert!(!base_subject("[postroad] Ketchup?").is_reply());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BaseSubject {
    text: String,
    is_reply: bool,
}

impl BaseSubject {
    /// The base subject; it may be empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The base subject, owned.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Whether a `Re:`, `Fw:`, `Fwd:`, `(fwd)` or `[fwd: …]` was removed from it.
    pub const fn is_reply(&self) -> bool {
        self.is_reply
    }
}

/// The base subject of a subject whose encoded words were decoded, as [`Message::subject`](crate::Message::subject)
/// gives it.
pub fn base_subject(subject: &str) -> BaseSubject {
    // (1) white space
    let single = single_spaces(subject);
    let mut text = &single[..];
    let mut is_reply = false;
    loop {
        // (2) the trailer
        loop {
            text = text.trim_end_matches(' ');
            let Some(rest) = strip_suffix(text, "(fwd)") else { break };
            (text, is_reply) = (rest, true);
        }
        // (3) to (5) the leader
        loop {
            text = text.trim_start_matches(' ');
            let behind = skip_blobs(text);
            if let Some(rest) = strip_refwd(behind) {
                (text, is_reply) = (rest, true);
                continue;
            }
            // No `re:` follows the blobs, so each of them can go, as long as something is left.
            text = if behind.is_empty() { last_blob(text) } else { behind };
            break;
        }
        // (6) forwarded as a whole
        let inside = strip_prefix(text, "[fwd:").and_then(|text| text.strip_suffix(']'));
        let Some(inside) = inside else { break };
        (text, is_reply) = (inside, true);
    }
    BaseSubject { text: text.to_string(), is_reply }
}

/// The text with one space for each run of white space.
fn single_spaces(text: &str) -> Cow<'_, str> {
    let is_white = |octet: u8| matches!(octet, b' ' | b'\t' | b'\r' | b'\n');
    let sound = !text.contains("  ") && !text.bytes().any(|octet| octet != b' ' && is_white(octet));
    if sound {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if !matches!(character, ' ' | '\t' | '\r' | '\n') {
            out.push(character);
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    Cow::Owned(out)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let found = text.get(..prefix.len())?.eq_ignore_ascii_case(prefix);
    text.get(prefix.len()..).filter(|_| found)
}

fn strip_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    let found = text.get(at..)?.eq_ignore_ascii_case(suffix);
    text.get(..at).filter(|_| found)
}

/// What is behind a `subj-blob` at the start.
fn strip_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = memchr::memchr2(b'[', b']', inside.as_bytes())?;
    Some(inside.get(end..)?.strip_prefix(']')?.trim_start_matches(' '))
}

fn skip_blobs(mut text: &str) -> &str {
    while let Some(rest) = strip_blob(text) {
        text = rest;
    }
    text
}

/// The last of the blobs of which the whole text consists.
fn last_blob(mut text: &str) -> &str {
    while let Some(rest) = strip_blob(text) {
        if rest.is_empty() {
            break;
        }
        text = rest;
    }
    text
}

/// What is behind a `subj-refwd` at the start.
fn strip_refwd(text: &str) -> Option<&str> {
    ["re", "fwd", "fw"].iter().find_map(|word| {
        let behind = strip_prefix(text, word)?.trim_start_matches(' ');
        strip_blob(behind).unwrap_or(behind).strip_prefix(':')
    })
}

impl Header<'_> {
    /// The base subject (RFC 5256 section 2.1); empty if there is no subject.
    pub fn base_subject(&self) -> BaseSubject {
        self.subject().map(|subject| base_subject(&subject)).unwrap_or_default()
    }

    /// The ancestors of the message in its thread, the oldest first: those of `References`, and if there are none the
    /// first of `In-Reply-To` (RFC 5256 section 3). They are [normalized](MessageId::normalized).
    ///
    /// ```
    /// let message = postroad_message::Message::parse(b"In-Reply-To: <\"a\"@b.example> <c@d.example>\r\n\r\n");
    /// let ancestors = message.header().thread_references();
    /// assert_eq!(ancestors.len(), 1);
    /// assert_eq!(ancestors[0].as_str(), "a@b.example");
    /// ```
    pub fn thread_references(&self) -> Vec<MessageId> {
        let mut found = self.references();
        if found.is_empty() {
            found = self.in_reply_to();
            found.truncate(1);
        }
        found.into_iter().map(MessageId::normalized).collect()
    }

    /// The identifier of the message in its thread, normalized; also where it stands without angle brackets.
    pub fn thread_id(&self) -> Option<MessageId> {
        self.message_id().map(MessageId::normalized)
    }

    /// The sent date (RFC 5256 section 2.2): the date; with 00:00 UTC if only the day can be read. `None` if there is
    /// nothing to be read, in which case the date of receipt counts.
    ///
    /// SORT compares its [`timestamp`](DateTime::timestamp); SEARCH `SENTON` and the like its year, month and day, as they
    /// were written (RFC 9051 section 6.4.4).
    pub fn sent_date(&self) -> Option<DateTime> {
        let field = self.first(FieldKind::Date)?;
        field.date().ok().or_else(|| date::parse_day(field.raw_value(), self.limits().comment_depth))
    }
}

impl MessageId {
    /// The identifier with the quotation marks of its left side removed, where they are of no consequence: two that are
    /// the same in this form name the same message (RFC 5256 section 3).
    #[must_use]
    pub fn normalized(self) -> Self {
        message_id::normalized(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(subject: &str) -> (String, bool) {
        let base = base_subject(subject);
        (base.text.clone(), base.is_reply)
    }

    #[test]
    fn leaders_trailers_and_blobs() {
        for (subject, text, is_reply) in [
            ("Ketchup", "Ketchup", false),
            ("", "", false),
            ("Re: Ketchup", "Ketchup", true),
            ("re :Ketchup", "Ketchup", true),
            ("RE: FW: fwd: Ketchup (fwd) (FWD)", "Ketchup", true),
            ("Re[5]: Ketchup", "Ketchup", true),
            ("Re [x] : Ketchup", "Ketchup", true),
            ("[list] Ketchup", "Ketchup", false),
            ("[list] [other] Re: [list] Ketchup", "Ketchup", true),
            ("[list]", "[list]", false),
            ("Re: [list]", "[list]", true),
            ("[a] [b]", "[b]", false),
            ("[fwd: Ketchup]", "Ketchup", true),
            ("[Fwd: [fwd: Re: Ketchup] (fwd)]", "Ketchup", true),
            ("[fwd: Ketchup] more", "more", false),
            ("[fwd:]", "", true),
            ("(fwd)", "", true),
            ("Re:", "", true),
            ("Return", "Return", false),
            ("Ketchup \t  and\tpickles", "Ketchup and pickles", false),
            ("[a[b] c", "[a[b] c", false),
            ("삶의 의미 (fwd)", "삶의 의미", true),
            ("Re: 삶", "삶", true),
            ("답장: 삶", "답장: 삶", false),
        ] {
            assert_eq!(base(subject), (text.into(), is_reply), "{subject}");
        }
    }

    #[test]
    fn floods_take_linear_time() {
        for flood in ["[", "[a]", "[fwd:", "re:", "(fwd)", "]", " ", "re", "[a] re", "fw["] {
            let subject = flood.repeat(200_000);
            base_subject(&subject);
            base_subject(&[&subject[..], &"]".repeat(200_000)].concat());
        }
    }
}
