use postroad_message as mail;

/// The most characters of a preview (RFC 8970 section 4).
const LIMIT: usize = 200;

/// How much of a text is looked at, in octets: behind it hardly anything would still be shown.
const WINDOW: usize = 65_536;

/// Some words of the text of a message, for PREVIEW (RFC 8970): at most 200 characters of its first text to show, white space made
/// single spaces, quoted lines left out, of HTML only what is shown. Empty if there is no text; a server then gives an empty string.
///
/// ```
/// use postroad_imap::message::preview;
/// use postroad_message::Message;
///
/// let message = Message::parse(b"Content-Type: text/plain\r\n\r\nHi Bob,\r\n\r\n> old\r\nlunch   today?\r\n");
/// assert_eq!(preview(&message), "Hi Bob, lunch today?");
/// ```
pub fn preview(message: &mail::Message<'_>) -> String {
    let mut words = Words::default();
    for part in message.text_body() {
        let Some(text) = part.text() else { continue };
        let text = window(&text);
        let content_type = part.content_type();
        if content_type.subtype().eq_ignore_ascii_case("html") {
            words.html(text);
        } else {
            text.lines().filter(|line| !line.starts_with('>')).for_each(|line| words.line(line));
        }
        if words.count > 0 {
            break;
        }
    }
    words.out
}

fn window(text: &str) -> &str {
    let mut end = text.len().min(WINDOW);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Collects characters up to the limit.
#[derive(Default)]
struct Words {
    out: String,
    count: usize,
    space: bool,
}

impl Words {
    fn push(&mut self, character: char) {
        if character.is_whitespace() || character.is_control() {
            self.space = true;
            return;
        }
        if core::mem::take(&mut self.space) && self.count > 0 && self.count < LIMIT {
            self.out.push(' ');
            self.count += 1;
        }
        if self.count < LIMIT {
            self.out.push(character);
            self.count += 1;
        }
    }

    fn line(&mut self, line: &str) {
        line.chars().for_each(|character| self.push(character));
        self.space = true;
    }

    /// What is shown of HTML: no tags, no comments, nothing of the head, of styles and scripts.
    fn html(&mut self, mut text: &str) {
        while let Some(at) = memchr::memchr2(b'<', b'&', text.as_bytes()) {
            text[..at].chars().for_each(|character| self.push(character));
            let rest = &text[at..];
            if self.count >= LIMIT {
                return;
            }
            text = if rest.starts_with('&') { self.reference(rest) } else { self.tag(rest) };
        }
        text.chars().for_each(|character| self.push(character));
    }

    /// Goes over a tag or a comment; what is never shown goes with it.
    fn tag<'t>(&mut self, text: &'t str) -> &'t str {
        let behind = |text: &'t str, mark: &str| text.find(mark).map_or("", |at| &text[at + mark.len()..]);
        if text.starts_with("<!--") {
            return behind(text, "-->");
        }
        let name_len = text.bytes().skip(1).take_while(u8::is_ascii_alphanumeric).count();
        let name = &text[1..=name_len];
        let hidden =
            ["style", "script", "head", "title"].into_iter().find(|hidden| name.eq_ignore_ascii_case(hidden));
        if let Some(hidden) = hidden {
            let closing = format!("</{hidden}");
            let end = memchr::memchr_iter(b'<', text.as_bytes()).find(|at| {
                text.as_bytes()
                    .get(*at..at + closing.len())
                    .is_some_and(|octets| octets.eq_ignore_ascii_case(closing.as_bytes()))
            });
            return end.map_or("", |at| behind(&text[at..], ">"));
        }
        let inline =
            ["a", "b", "i", "u", "em", "strong", "span", "font", "small", "big", "sub", "sup", "code"];
        let name = if name.is_empty() { text[1..].strip_prefix('/').unwrap_or_default() } else { name };
        let name =
            name.split(|character: char| !character.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !inline.iter().any(|inline| name.eq_ignore_ascii_case(inline)) {
            self.space = true;
        }
        behind(text, ">")
    }

    /// Reads a character reference, or only the ampersand.
    fn reference<'t>(&mut self, text: &'t str) -> &'t str {
        let end = text.bytes().take(12).position(|octet| octet == b';').unwrap_or(0);
        let character = match text.get(1..end).unwrap_or_default() {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            "nbsp" | "zwnj" | "shy" => Some(' '),
            name => match name.strip_prefix('#') {
                Some(digits) => {
                    let code = match digits.strip_prefix(['x', 'X']) {
                        Some(digits) => u32::from_str_radix(digits, 16),
                        None => digits.parse(),
                    };
                    code.ok().and_then(char::from_u32)
                }
                None => None,
            },
        };
        self.push(character.unwrap_or('&'));
        if character.is_some() { &text[end + 1..] } else { &text[1..] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content_type: &str, text: &str) -> String {
        let message = format!("Content-Type: {content_type}; charset=utf-8\r\n\r\n{text}");
        preview(&mail::Message::parse(message.as_bytes()))
    }

    #[test]
    fn words_of_a_text() {
        assert_eq!(of("text/plain", " Hi\r\n\r\n\tyou \r\n> quoted\r\n"), "Hi you");
        assert_eq!(of("text/plain", ""), "");
        assert_eq!(of("image/png", "abc"), "");
        assert_eq!(of("text/plain", &"ä".repeat(100_000)).chars().count(), 200);
    }

    #[test]
    fn words_of_html() {
        for (html, shown) in [
            (
                "<html><head><title>T</title></head><body><p>Hi&nbsp;<b>Bo</b>b</p><p>x &lt;3 &#x1F44D;&#33;</p>",
                "Hi Bob x <3 👍!",
            ),
            ("a<!-- <b>no</b> -->b<STYLE type=x>p { }</STYLE >c<br>d", "abc d"),
            ("1 & 2 &unknown; &#xD800; &", "1 & 2 &unknown; &#xD800; &"),
            ("a <", "a"),
            ("<", ""),
            ("<script>never ends", ""),
            ("é</é>ü<é>", "é ü"),
        ] {
            assert_eq!(of("text/html", html), shown, "{html}");
        }
    }

    #[test]
    fn a_flood_of_tags_takes_linear_time() {
        // Each of these could be looked for to the end, and is not.
        for flood in ["<!--", "<style>", "<", "&", "<a "] {
            assert!(of("text/html", &flood.repeat(1_000_000)).chars().count() <= 200);
        }
    }
}
