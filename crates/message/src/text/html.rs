//! HTML to text, and text to HTML.

use alloc::string::String;

/// The text of HTML, for reading and searching: tags are left out, blocks and line breaks are lines, entities are decoded,
/// scripts, styles and the head are dropped. It is a guess at what is seen, and not fit to be shown as HTML again.
///
/// The time is linear in the length of the text, and nothing is nested on the way.
///
/// ```
/// use postroad_message::html_to_text;
/// assert_eq!(html_to_text("<style>p {}</style><p>Do you like<br>ketchup&amp;pickles?</p>"), "Do you like\nketchup&pickles?\n");
/// assert_eq!(html_to_text("1 &lt; 2 &#x2665; &copy; &unknown;"), "1 < 2 ♥ © &unknown;");
/// ```
pub fn html_to_text(html: &str) -> String {
    let mut out =
        Writer { out: String::with_capacity(html.len() / 2), space: false, lines: 0, preformatted: 0 };
    let mut rest = html;
    // Set when a comment or element has no end: it is not looked for again.
    let mut open_ended = false;
    loop {
        let text_end = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(text_end);
        out.text(text);
        rest = behind;
        if rest.is_empty() {
            break;
        }
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = if open_ended { None } else { comment.find("-->") };
            open_ended |= end.is_none();
            rest = end.and_then(|end| comment.get(end + 3..)).unwrap_or_default();
            continue;
        }
        let is_tag = rest
            .as_bytes()
            .get(1)
            .is_some_and(|octet| octet.is_ascii_alphabetic() || matches!(octet, b'/' | b'!' | b'?'));
        if !is_tag {
            out.text("<");
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let end = tag_end(rest);
        let tag = rest.get(1..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        let (is_end, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let name_end = tag.bytes().position(|octet| !octet.is_ascii_alphanumeric()).unwrap_or(tag.len());
        let name = tag.get(..name_end).unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        if is(&["script", "style", "head", "title"]) && !is_end {
            rest = behind_element(rest, name);
        } else if is(&["br"]) {
            out.line();
        } else if is(&["pre", "textarea"]) {
            out.block();
            out.preformatted =
                if is_end { out.preformatted.saturating_sub(1) } else { out.preformatted.saturating_add(1) };
        } else if is(&["li"]) && !is_end {
            out.block();
            out.text("* ");
        } else if is(&["td", "th"]) {
            out.space = true;
        } else if is(&[
            "p",
            "div",
            "tr",
            "table",
            "ul",
            "ol",
            "li",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "hr",
            "section",
            "article",
            "header",
            "footer",
            "dl",
            "dt",
            "dd",
            "form",
            "body",
            "html",
            "center",
        ]) {
            out.block();
        }
    }
    out.out
}

/// Where the `>` of a tag is; one inside of quotation marks is part of a value. Without one, the tag takes all.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, octet) in tag.bytes().enumerate() {
        match (octet, quote) {
            (b'>', None) => return at,
            (b'"' | b'\'', None) => quote = Some(octet),
            (octet, Some(open)) if octet == open => quote = None,
            // What looks like the next tag ends a quotation that nobody closed.
            (b'<', Some(_)) if tag.as_bytes().get(at + 1) == Some(&b'/') => return at.saturating_sub(1),
            _ => {}
        }
    }
    tag.len()
}

/// What is behind the end tag of an element whose inside is no text; nothing if it has none.
fn behind_element<'a>(html: &'a str, name: &str) -> &'a str {
    let mut rest = html;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        rest = rest.get(at + 1..).unwrap_or_default();
        let found = rest.strip_prefix('/').and_then(|rest| rest.get(..name.len()));
        if found.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            let end = memchr::memchr(b'>', rest.as_bytes()).map_or(rest.len(), |end| end + 1);
            return rest.get(end..).unwrap_or_default();
        }
    }
    rest.get(rest.len()..).unwrap_or_default()
}

struct Writer {
    out: String,
    /// White space is due before the next character.
    space: bool,
    /// Line ends at the end of `out`, as if it began behind some.
    lines: usize,
    /// How many `pre` are open.
    preformatted: usize,
}

impl Writer {
    fn push(&mut self, character: char) {
        if self.space && self.lines == 0 && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.space = false;
        self.lines = 0;
        self.out.push(character);
    }

    fn line(&mut self) {
        self.space = false;
        self.lines += 1;
        self.out.push('\n');
    }

    /// Ends the line, unless it is empty.
    fn block(&mut self) {
        if self.lines == 0 && !self.out.is_empty() {
            self.line();
        }
        self.space = false;
    }

    fn text(&mut self, text: &str) {
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\n' if self.preformatted > 0 => self.line(),
                ' ' | '\t' if self.preformatted > 0 => self.push(character),
                ' ' | '\t' | '\r' | '\n' | '\u{c}' => self.space = true,
                '&' => {
                    let entity = text.get(at + 1..).unwrap_or_default();
                    if let Some((decoded, length)) = decode_entity(entity) {
                        self.push(decoded);
                        // Entities are ASCII.
                        characters.by_ref().take(length).for_each(drop);
                    } else {
                        self.push('&');
                    }
                }
                character if character.is_control() => {}
                character => self.push(character),
            }
        }
    }
}

const ENTITIES: [(&str, char); 44] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("euro", '€'),
    ("pound", '£'),
    ("yen", '¥'),
    ("cent", '¢'),
    ("sect", '§'),
    ("deg", '°'),
    ("times", '×'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
    ("ecirc", 'ê'),
];

/// The character of the entity behind an `&`, and how many octets it takes.
fn decode_entity(text: &str) -> Option<(char, usize)> {
    let window = text.as_bytes().get(..text.len().min(10))?;
    let end = memchr::memchr(b';', window)?;
    let name = text.get(..end)?;
    let decoded = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|character| !character.is_control()).unwrap_or('\u{fffd}')
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((decoded, end + 1))
}

/// Plain text as HTML: escaped, in `<p>` by blank lines, with `<br>` for line ends.
///
/// ```
/// use postroad_message::text_to_html;
/// assert_eq!(text_to_html("1 < 2\r\n&\n\nBob"), "<p>1 &lt; 2<br>\n&amp;</p>\n<p>Bob</p>\n");
/// ```
pub fn text_to_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8 + 16);
    let mut in_paragraph = false;
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.trim().is_empty() {
            if in_paragraph {
                out.push_str("</p>\n");
            }
            in_paragraph = false;
            continue;
        }
        out.push_str(if in_paragraph { "<br>\n" } else { "<p>" });
        in_paragraph = true;
        for character in line.chars() {
            match character {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\t' => out.push(' '),
                character if character.is_control() => {}
                character => out.push(character),
            }
        }
    }
    if in_paragraph {
        out.push_str("</p>\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn what_is_seen() {
        for (html, text) in [
            ("<p>a</p><p>b</p>", "a\nb\n"),
            ("<div><div>a</div></div>b", "a\nb"),
            ("a  \r\n b\t c", "a b c"),
            ("<ul><li>a<li>b</ul>c", "* a\n* b\nc"),
            ("<table><tr><td>a<td>b</tr><tr><td>c</table>", "a b\nc\n"),
            ("<pre>a\n  b</pre>c", "a\n  b\nc"),
            ("<head><title>x</title></head>a<script>if (a<b) \"</p>\"</script>b", "ab"),
            ("a<!-- b > c -->d<!-- e", "ad"),
            ("<a title='x>y' href=\"z\">a</a>", "a"),
            ("a < b && c > d", "a < b && c > d"),
            ("&amp;lt; &#0; &#xD800; &#x41; &amp", "&lt; \u{fffd} \u{fffd} A &amp"),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<p", ""),
            ("a<script>b", "a"),
            ("&nbsp;삶&hellip;", " 삶…"),
        ] {
            assert_eq!(html_to_text(html), text, "{html}");
        }
    }

    #[test]
    fn floods_take_linear_time() {
        for flood in ["<", "<!--", "<script>", "<a '", "</", "&", "&#", "<p>", "<style><", "<a \"</", "<pre>"]
        {
            html_to_text(&flood.repeat(300_000));
        }
    }

    proptest! {
        #[test]
        fn text_comes_back(text in "[a-z<>&\" ]{0,20}(\n[a-z<&;가]{1,9}){0,5}") {
            let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(squeeze(&html_to_text(&text_to_html(&text))), squeeze(&text));
        }

        #[test]
        fn anything_can_be_read(html in "(<[/!a]?|[>\"'&;#x]|p|script|\u{ac00}|--| ){0,60}") {
            html_to_text(&html);
        }
    }
}
