//! Texts and their forms: plain, flowed (RFC 3676), HTML, preview (RFC 8970).

mod flowed;
mod html;

use alloc::borrow::Cow;
use alloc::string::String;

pub use flowed::{flow, unflow};
pub use html::{html_to_text, text_to_html};

use crate::message::Message;
use crate::part::Part;

/// How many octets of a body are decoded for a preview. HTML begins with much that is not shown.
const PREVIEW_OCTETS: usize = 16 << 10;

impl Part<'_> {
    /// The text of the part as plain text, for reading: HTML without its tags, flowed text (RFC 3676) with its paragraphs
    /// in one line each. `None` if it is no text.
    pub fn plain_text(&self) -> Option<String> {
        let text = self.text()?;
        let media_type = self.media_type();
        if media_type.is("text", "html") {
            return Some(html_to_text(&text));
        }
        let content_type = self.content_type();
        let is_flowed =
            content_type.parameter("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
        if media_type.is("text", "plain") && is_flowed {
            let delsp = content_type.parameter("delsp").is_some_and(|yes| yes.eq_ignore_ascii_case("yes"));
            return Some(unflow(&text, delsp));
        }
        Some(text.into_owned())
    }
}

impl Message<'_> {
    /// The beginning of the text that is shown, in at most `characters` characters, with one space for each run of white
    /// space: the `PREVIEW` of RFC 8970, which asks for at most 200. Empty if there is no text.
    ///
    /// ```
    /// let message = postroad_message::Message::parse(
    ///     b"Content-Type: text/html\r\n\r\n<p>Do you like <b>ketchup</b>?</p>\r\n<p>How about pickles?</p>\r\n",
    /// );
    /// assert_eq!(message.preview(200), "Do you like ketchup? How about pickles?");
    /// assert_eq!(message.preview(11), "Do you like");
    /// ```
    pub fn preview(&self, characters: usize) -> String {
        let mut preview = String::new();
        let mut left = characters;
        for part in self.text_body() {
            if left == 0 {
                break;
            }
            let Some(text) = part.text_prefix(PREVIEW_OCTETS) else { continue };
            let text =
                if part.media_type().is("text", "html") { Cow::Owned(html_to_text(&text)) } else { text };
            for word in text.split_whitespace() {
                if left == 0 {
                    break;
                }
                if !preview.is_empty() {
                    preview.push(' ');
                    left -= 1;
                }
                for character in word.chars().filter(|character| !character.is_control()).take(left) {
                    preview.push(character);
                    left -= 1;
                }
            }
        }
        preview.truncate(preview.trim_end().len());
        preview
    }
}
