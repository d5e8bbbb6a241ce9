//! Writing one header field: folding, encoded words and extended parameters.
//!
//! Every octet of every header field that is built goes through [`FieldWriter::put`], which refuses CR, LF and NUL:
//! whatever the types let through, no line can be injected.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::words::{self, EncodedWords};
use crate::error::{BuildError, InvalidReason, InvalidValue};
use crate::scanner::{is_atext, is_control, is_token};
use crate::types::{
    Address, ContentDisposition, ContentType, FieldValue, FieldValueKind, Mailbox, MessageId, Parameter,
};

/// Where lines are folded (RFC 5322 section 2.1.1).
const FOLD_AT: usize = 78;
/// Lines with encoded words are shorter (RFC 2047 section 2).
const FOLD_ENCODED_AT: usize = 76;
/// No line is longer (RFC 5322 section 2.1.1).
pub(super) const LINE_LIMIT: usize = 998;

#[derive(Debug)]
pub(crate) struct FieldWriter<'o> {
    out: &'o mut Vec<u8>,
    name: &'o str,
    line_start: usize,
    /// Something of the value stands on this line, so that it may be folded behind it.
    may_fold: bool,
    utf8: bool,
    error: Option<BuildError>,
}

impl<'o> FieldWriter<'o> {
    /// Begins a field. With `utf8` its text may be written in UTF-8 (RFC 6532).
    pub(crate) fn new(out: &'o mut Vec<u8>, name: &'o str, utf8: bool) -> Self {
        let line_start = out.len();
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Self { out, name, line_start, may_fold: false, utf8, error: None }
    }

    fn column(&self) -> usize {
        self.out.len() - self.line_start
    }

    fn fail(&mut self, error: impl Into<BuildError>) {
        self.error.get_or_insert_with(|| error.into());
    }

    /// Puts `text` on the line as it is.
    fn put(&mut self, text: &str) {
        if let Some(at) = text.bytes().position(is_control) {
            self.fail(InvalidValue::new("field value", InvalidReason::ControlCharacter, at));
            return;
        }
        if !self.utf8 && !text.is_ascii() {
            self.fail(BuildError::NeedsUtf8Headers);
            return;
        }
        self.out.extend_from_slice(text.as_bytes());
        if self.column() > LINE_LIMIT {
            self.fail(BuildError::LineTooLong(self.name.to_string()));
        }
    }

    fn fold(&mut self) {
        self.out.extend_from_slice(b"\r\n");
        self.line_start = self.out.len();
        self.may_fold = false;
    }

    /// Puts `space` and then `word`, on a new line if this one would pass 78 octets.
    pub(crate) fn word(&mut self, space: &str, word: &str) {
        let length = space.len() + word.len();
        let limit = if self.may_fold { FOLD_AT } else { LINE_LIMIT };
        // An empty word cannot stand on a line of its own: that line would be white space alone.
        if self.column() + length > limit && !space.is_empty() && !word.is_empty() {
            self.fold();
        }
        self.put(space);
        self.put(word);
        self.may_fold |= !word.is_empty();
    }

    /// Puts `text` right behind what stands there.
    pub(crate) fn glue(&mut self, text: &str) {
        self.put(text);
    }

    /// Puts text in encoded words, of which none is longer than 75 and no line than 76 octets (RFC 2047 section 2).
    fn encoded(&mut self, space: &str, text: &str) {
        let mut words = EncodedWords::new(text);
        let mut space = space;
        while !words.is_done() {
            let room = FOLD_ENCODED_AT.saturating_sub(self.column() + space.len());
            match words.next_within(room) {
                Some(word) => {
                    self.put(space);
                    self.put(&word);
                    self.may_fold = true;
                    space = " ";
                }
                None if self.column() > 0 => self.fold(),
                // Not reached: a line of its own has room for any character.
                None => return self.fail(BuildError::LineTooLong(self.name.to_string())),
            }
        }
    }

    /// Unstructured text (RFC 5322 section 3.2.5), in encoded words where it must be.
    pub(crate) fn text(&mut self, text: &str) {
        for (index, run) in words::runs(text, self.utf8).enumerate() {
            let space = if index == 0 { " " } else { run.space };
            if run.encode {
                self.encoded(space, run.text);
            } else {
                self.word(space, run.text);
            }
        }
    }

    /// Text in a grammar of its own, folded at its spaces.
    fn structured(&mut self, text: &str) {
        let text = text.trim_matches([' ', '\t']);
        let mut rest = text;
        let mut space = " ";
        while !rest.is_empty() {
            let end = rest.find([' ', '\t']).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            self.word(space, word);
            let next = behind.find(|c| c != ' ' && c != '\t').unwrap_or(behind.len());
            (space, rest) = behind.split_at(next);
        }
    }

    /// A `phrase` (RFC 5322 section 3.2.5): atoms, a quoted string or encoded words, whichever it needs.
    fn phrase(&mut self, text: &str) {
        let plain = self.utf8 || text.is_ascii();
        if !plain
            || text.contains("=?")
            || text.contains('\t')
            || text.split(' ').any(|word| word.len() > 900)
        {
            self.encoded(" ", text);
        } else if text.split(' ').all(|word| !word.is_empty() && word.bytes().all(is_atext)) {
            self.structured(text);
        } else {
            let mut quoted = String::new();
            let _ = crate::types::write_quoted(&mut quoted, text);
            // Its inside may begin or end with spaces, which are kept apart from those that fold.
            let mut space = " ";
            let mut rest = quoted.as_str();
            while !rest.is_empty() {
                let end = rest.find(' ').unwrap_or(rest.len());
                let (word, behind) = rest.split_at(end);
                self.word(space, word);
                let next = behind.find(|c| c != ' ').unwrap_or(behind.len());
                (space, rest) = behind.split_at(next);
            }
        }
    }

    fn mailbox(&mut self, mailbox: &Mailbox) {
        let address = mailbox.address();
        if !self.utf8 && !address.is_ascii() {
            self.fail(BuildError::NeedsUtf8Headers);
        }
        match mailbox.name() {
            Some(name) => {
                self.phrase(name);
                self.word(" ", &format!("<{address}>"));
            }
            None => self.word(" ", &address.to_string()),
        }
    }

    /// An address list (RFC 5322 section 3.4).
    pub(crate) fn addresses(&mut self, addresses: &[Address]) {
        for (index, address) in addresses.iter().enumerate() {
            if index > 0 {
                self.glue(",");
            }
            match address {
                Address::Mailbox(mailbox) => self.mailbox(mailbox),
                Address::Group(group) => {
                    self.phrase(group.name());
                    self.glue(":");
                    for (index, member) in group.members().iter().enumerate() {
                        if index > 0 {
                            self.glue(",");
                        }
                        self.mailbox(member);
                    }
                    self.glue(";");
                }
            }
        }
    }

    fn message_ids(&mut self, ids: &[MessageId]) {
        for id in ids {
            self.word(" ", &id.to_string());
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        for Parameter { name, value, language } in parameters {
            let language = language.as_deref().unwrap_or_default();
            let plain = (self.utf8 || value.is_ascii()) && !value.contains(['\t', '\r', '\n', '\0']);
            let shown: Cow<'_, str> = if !value.is_empty() && value.bytes().all(is_token) {
                Cow::Borrowed(value)
            } else {
                let mut quoted = String::new();
                let _ = crate::types::write_quoted(&mut quoted, value);
                Cow::Owned(quoted)
            };
            let fits = name.len() + shown.len() + 3 < FOLD_AT;
            // What looks like an encoded word would be decoded by lenient readers, ours among them.
            if plain && fits && language.is_empty() && !value.contains("=?") {
                self.glue(";");
                self.word(" ", &format!("{name}={shown}"));
            } else {
                self.extended_parameter(name, value, language);
            }
        }
    }

    /// A parameter in sections and percent-encoded (RFC 2231 sections 3 and 4).
    fn extended_parameter(&mut self, name: &str, value: &str, language: &str) {
        let mut encoded = format!("utf-8'{language}'");
        let mut sections: Vec<String> = Vec::new();
        // `name*nnn*=…;` on a line of its own
        let room = FOLD_AT.saturating_sub(name.len() + 9).max(20);
        for character in value.chars() {
            let mut buffer = [0; 4];
            let mut escaped = String::new();
            for &octet in character.encode_utf8(&mut buffer).as_bytes() {
                if is_token(octet) && !matches!(octet, b'*' | b'\'' | b'%') {
                    escaped.push(char::from(octet));
                } else {
                    let _ = write!(escaped, "%{octet:02X}");
                }
            }
            if encoded.len() + escaped.len() > room {
                sections.push(core::mem::take(&mut encoded));
            }
            encoded.push_str(&escaped);
        }
        sections.push(encoded);
        let single = sections.len() == 1;
        for (index, section) in sections.iter().enumerate() {
            self.glue(";");
            if single {
                self.word(" ", &format!("{name}*={section}"));
            } else {
                self.word(" ", &format!("{name}*{index}*={section}"));
            }
        }
    }

    pub(super) fn content_type(&mut self, value: &ContentType) {
        self.word(" ", value.essence());
        self.parameters(value.parameters());
    }

    pub(super) fn content_disposition(&mut self, value: &ContentDisposition) {
        self.word(" ", value.disposition_type().as_str());
        self.parameters(value.parameters());
    }

    pub(crate) fn value(&mut self, value: &FieldValue) {
        match value.kind() {
            FieldValueKind::Text(text) => self.text(text),
            FieldValueKind::Structured(text) => self.structured(text),
            FieldValueKind::Addresses(addresses) => self.addresses(addresses),
            FieldValueKind::MessageIds(ids) => self.message_ids(ids),
            FieldValueKind::Date(date) => self.structured(&date.to_string()),
            FieldValueKind::ContentType(content_type) => self.content_type(content_type),
            FieldValueKind::ContentDisposition(disposition) => self.content_disposition(disposition),
        }
    }

    /// Ends the field.
    pub(crate) fn end(self) -> Result<(), BuildError> {
        self.out.extend_from_slice(b"\r\n");
        self.error.map_or(Ok(()), Err)
    }
}

/// Writes a whole field.
pub(crate) fn write_field(
    out: &mut Vec<u8>,
    name: &str,
    utf8: bool,
    write: impl FnOnce(&mut FieldWriter<'_>),
) -> Result<(), BuildError> {
    let mut writer = FieldWriter::new(out, name, utf8);
    write(&mut writer);
    writer.end()
}
