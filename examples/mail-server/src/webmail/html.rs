//! The HTML of a message, cleaned.
//!
//! Three walls stand one behind the other. This one takes away all but harmless elements and attributes. What is left
//! is shown in a frame whose sandbox runs no script, sends no form and has no origin. And the policy of that frame's
//! page loads nothing but the pictures that came with the message, and remote ones only where they were asked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ammonia::Builder;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postroad_message::Message;

use super::loaded::Loaded;
use super::response::Failure;
use super::view::cut;
use super::visitor::Web;

/// The octets of HTML that are cleaned; more is not shown.
pub(super) const MAX_HTML: usize = 512 * 1024;
/// How deep elements may lie in each other, counted before cleaning: the parser's time grows with it.
const MAX_DEPTH: usize = 256;
/// The octets of pictures in the message that are shown with it.
const MAX_PICTURES: usize = 4 * 1024 * 1024;
/// The octets of pictures in the HTML that is shown: each place where one stands has a copy of it, and there may be thousands.
const MAX_PLACED: usize = 2 * MAX_PICTURES;
/// Pictures that no browser takes for anything else.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// HTML that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cleaned {
    /// The HTML.
    pub(super) html: String,
    /// It has pictures that lie elsewhere.
    pub(super) has_remote: bool,
}

/// The HTML of a message; none if it is too long.
pub(super) async fn of_message(web: &Web, loaded: &Loaded, remote: bool) -> Result<Option<Cleaned>, Failure> {
    let cleaners = Arc::clone(&web.context.webmail.cleaners);
    let permit = cleaners.acquire_owned().await.map_err(|_| Failure::Busy)?;
    let loaded = loaded.clone();
    let cleaned = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        clean_message(&loaded.message, remote)
    });
    cleaned.await.map_err(|_| Failure::Busy)
}

fn clean_message(message: &Message<'_>, remote: bool) -> Option<Cleaned> {
    let mut source = String::new();
    for part in message.html_body() {
        let Some(text) = part.text() else { continue };
        if part.content_type().subtype() == "html" {
            source.push_str(&text);
        } else {
            source.push_str("<pre>");
            source.push_str(&escaped(&text));
            source.push_str("</pre>");
        }
        if source.len() > MAX_HTML {
            return None;
        }
    }
    if depth(&source) > MAX_DEPTH {
        return None;
    }
    Some(clean(&source, pictures(message), remote))
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The pictures in the message as `data:` addresses, by their content identifiers.
fn pictures(message: &Message<'_>) -> HashMap<String, String> {
    let mut pictures = HashMap::new();
    let mut room = MAX_PICTURES;
    for part in message.parts() {
        let content_type = part.content_type();
        let (true, Some(id)) = (PICTURES.contains(&content_type.essence()), part.content_id()) else {
            continue;
        };
        let Some(left) = room.checked_sub(part.raw_body().len()) else { continue };
        room = left;
        let url = format!("data:{};base64,{}", content_type.essence(), STANDARD.encode(part.body()));
        pictures.insert(id.as_str().to_owned(), url);
    }
    pictures
}

/// How many elements are open at once at most, as far as tags tell; those that hold nothing, and those that end where
/// the next begins, aside.
fn depth(html: &str) -> usize {
    const LONGEST: usize = 16;
    const ASIDE: [&[u8]; 20] = [
        b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source",
        b"wbr", b"p", b"li", b"tr", b"td", b"th", b"dd", b"dt", b"option",
    ];
    // An end tag only ends what is open.
    let mut open: HashMap<Vec<u8>, usize> = HashMap::new();
    let (mut depth, mut deepest) = (0_usize, 0);
    for at in memchr::memchr_iter(b'<', html.as_bytes()) {
        let rest = html.as_bytes().get(at + 1..).unwrap_or_default();
        let is_end = rest.first() == Some(&b'/');
        let name = rest.get(usize::from(is_end)..).unwrap_or_default().iter();
        let name =
            name.take_while(|octet| !octet.is_ascii_whitespace() && !b"/><".contains(octet)).take(LONGEST);
        let name: Vec<u8> = name.map(u8::to_ascii_lowercase).collect();
        if !name.first().is_some_and(u8::is_ascii_alphabetic) || ASIDE.contains(&name.as_slice()) {
            continue;
        }
        let count = open.entry(name).or_default();
        if !is_end {
            *count += 1;
            depth += 1;
            deepest = deepest.max(depth);
        } else if *count > 0 {
            *count -= 1;
            depth -= 1;
        }
    }
    deepest
}

/// Takes away everything that could do more than show text and pictures.
fn clean(source: &str, pictures: HashMap<String, String>, remote: bool) -> Cleaned {
    let has_remote = Arc::new(AtomicBool::new(false));
    let sees_remote = Arc::clone(&has_remote);
    let room = AtomicUsize::new(MAX_PLACED);
    let picture = move |url: &str| -> Option<String> {
        if let Some(id) = strip_prefix(url, "cid:") {
            let picture = pictures.get(id)?;
            let fits = |left: usize| left.checked_sub(picture.len());
            room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
            return Some(picture.clone());
        }
        if PICTURES.iter().any(|essence| strip_prefix(url, &format!("data:{essence};base64,")).is_some()) {
            return Some(url.to_owned());
        }
        if strip_prefix(url, "https://").or_else(|| strip_prefix(url, "http://")).is_some() {
            sees_remote.store(true, Ordering::Relaxed);
            return remote.then(|| url.to_owned());
        }
        None
    };
    let mut builder = Builder::default();
    builder
        .link_rel(Some("noopener noreferrer nofollow"))
        .url_schemes(HashSet::from(["http", "https", "mailto", "cid", "data"]))
        .add_clean_content_tags(["noscript", "title", "textarea", "template"])
        .add_tags(["font"])
        .add_tag_attributes("font", ["color"])
        .add_tag_attributes("td", ["bgcolor", "width"])
        .add_tag_attributes("table", ["bgcolor", "width", "cellpadding", "cellspacing", "border"])
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(move |element, attribute, value| match (element, attribute) {
            ("img", "src") => picture(value.trim()).map(Into::into),
            ("a", "href") => {
                let value = value.trim();
                let is_link = ["http://", "https://", "mailto:"];
                is_link.iter().any(|scheme| strip_prefix(value, scheme).is_some()).then(|| value.into())
            }
            // Addresses that nothing here needs.
            (_, "cite" | "src" | "href" | "longdesc") => None,
            _ => Some(value.into()),
        });
    let html = builder.clean(source).to_string();
    drop(builder);
    Cleaned { html, has_remote: has_remote.load(Ordering::Relaxed) }
}

/// What follows a prefix in ASCII, in either case.
fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Roughly the text of HTML, for quoting and for those who want no HTML.
pub(super) fn to_text(html: &str) -> String {
    let html = cut(html, MAX_HTML);
    if depth(html) > MAX_DEPTH {
        return String::new();
    }
    // White space means nothing in HTML; these tags end a line.
    let mut source = String::with_capacity(html.len());
    for (index, piece) in html.split('<').enumerate() {
        if index > 0 {
            const LINES: [&str; 10] =
                ["br", "/p", "/div", "/tr", "/li", "/h1", "/h2", "/h3", "/h4", "/blockquote"];
            let name = piece.split(|c: char| c == '>' || c.is_ascii_whitespace()).next().unwrap_or_default();
            if LINES.iter().any(|line| name.trim_end_matches('/').eq_ignore_ascii_case(line)) {
                source.push('\u{1}');
            }
            source.push('<');
        }
        source.extend(piece.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }));
    }
    let text = Builder::empty().clean(&source).to_string();
    let mut out = String::with_capacity(text.len());
    for line in text.split('\u{1}') {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let is_blank = words.is_empty();
        // One blank line is as good as many.
        if is_blank && (out.is_empty() || out.ends_with("\n\n")) {
            continue;
        }
        out.push_str(&words.join(" "));
        out.push('\n');
    }
    let out = format!("{}\n", out.trim_end());
    let out = out.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    out.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(source: &str) -> Cleaned {
        clean(source, HashMap::new(), false)
    }

    #[test]
    fn nothing_that_acts_is_left() {
        for source in [
            "<script>alert(1)</script>",
            "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)><script>1</script></svg>",
            "<svg><style><img src=x onerror=alert(1)></style></svg>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<iframe src=https://evil.example></iframe>",
            "<object data=x></object><embed src=x><applet code=x>",
            "<form action=https://evil.example><input name=a><button>x</button></form>",
            "<meta http-equiv=refresh content='0;url=https://evil.example'>",
            "<base href=https://evil.example/><link rel=stylesheet href=https://evil.example/x.css>",
            "<style>body{background:url(https://evil.example)}</style>",
            "<div style='background:url(https://evil.example);position:fixed'>x</div>",
            "<a href=javascript:alert(1)>x</a>",
            "<a href='java\nscript:alert(1)'>x</a>",
            "<a href='&#106;avascript:alert(1)'>x</a>",
            "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
            "<a href='vbscript:x'>x</a><a href='//evil.example'>y</a><a href='/logout'>z</a>",
            "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
            "<img src='javascript:alert(1)'><img src='/logout'><img src=x srcset='https://evil.example/x 2x'>",
            "<video src=https://evil.example poster=https://evil.example></video><audio src=https://evil.example>",
            "<table background=https://evil.example><td background=https://evil.example>x",
            "<template><script>alert(1)</script></template><noscript><img src=x onerror=1></noscript>",
            "<body onload=alert(1) background=https://evil.example>x",
            "<textarea autofocus onfocus=alert(1)></textarea><select><option>x</select>",
            "<q cite=https://evil.example>x</q><blockquote cite=javascript:alert(1)>y</blockquote>",
        ] {
            let html = cleaned(source).html.to_ascii_lowercase();
            for bad in [
                "script",
                "onerror",
                "onload",
                "onfocus",
                "<svg",
                "<math",
                "<iframe",
                "<object",
                "<embed",
                "<form",
                "<input",
                "<button",
                "<meta",
                "<base",
                "<link",
                "<style",
                "style=",
                "evil.example",
                "data:",
                "src=",
                "/logout",
                "<textarea",
                "<select",
                "<template",
                "<video",
                "background",
            ] {
                assert!(!html.contains(bad), "{source} left {bad}: {html}");
            }
        }
    }

    #[test]
    fn remote_pictures_wait_until_they_are_asked_for() {
        let source = "<p>Hi <img src=\"https://crepes.fr/a.png\" width=\"1\"></p>";
        let off = cleaned(source);
        assert!(off.has_remote && !off.html.contains("crepes.fr"), "{off:?}");
        let on = clean(source, HashMap::new(), true);
        assert!(on.has_remote && on.html.contains("https://crepes.fr/a.png"), "{on:?}");
        assert!(!cleaned("<p>Hi <a href=\"https://crepes.fr/\">there</a></p>").has_remote);
    }

    #[test]
    fn what_is_harmless_stays() {
        let html =
            cleaned("<h1>A</h1><p>b <b>c</b> <a href=\"https://crepes.fr/?a=1\">d</a></p><table><tr><td>e")
                .html;
        for good in
            ["<h1>A</h1>", "<b>c</b>", "href=\"https://crepes.fr/?a=1\"", "target=\"_blank\"", "<td>e</td>"]
        {
            assert!(html.contains(good), "{good}: {html}");
        }
        assert!(html.contains("noopener") && html.contains("noreferrer"), "{html}");
    }

    #[test]
    fn pictures_of_the_message_are_shown_and_nothing_else_by_cid() {
        let message = Message::parse(
            b"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n\
              <img src=\"cid:a@x\"><img src=\"CID:b@x\"><img src=\"cid:c@x\">\r\n\
              --b\r\nContent-Type: image/png\r\nContent-ID: <a@x>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n\
              --b\r\nContent-Type: image/svg+xml\r\nContent-ID: <b@x>\r\n\r\n<svg onload=\"alert(1)\"/>\r\n--b--\r\n",
        );
        let Cleaned { html, has_remote } = clean_message(&message, false).unwrap();
        assert_eq!(html.matches("src=").count(), 1, "{html}");
        assert!(html.contains("src=\"data:image/png;base64,iVBORw==\"") && !has_remote, "{html}");
    }

    #[test]
    fn a_picture_that_stands_in_many_places_is_bounded() {
        let small = "A".repeat(64);
        let large = "A".repeat(MAX_PLACED / 3);
        let pictures = || HashMap::from([("s".into(), small.clone()), ("l".into(), large.clone())]);
        let html = clean(&"<img src=cid:s>".repeat(100), pictures(), false).html;
        assert_eq!(html.matches("src=").count(), 100);
        let html = clean(&"<img src=cid:l>".repeat(MAX_HTML / 15), pictures(), false).html;
        assert_eq!(html.matches("src=").count(), 3);
        assert!(html.len() < MAX_PLACED + 2 * MAX_HTML, "{}", html.len());
    }

    #[test]
    fn long_and_deep_html_is_bounded_in_time() {
        let html = |text: &str| {
            let message = format!("Content-Type: text/html\r\n\r\n{text}\r\n");
            clean_message(&Message::parse(message.as_bytes()), false)
        };
        assert_eq!(html(&"x".repeat(MAX_HTML + 1)), None);
        assert_eq!(html(&"<div>".repeat(MAX_DEPTH + 1)), None);
        assert_eq!(html(&"<div></x>".repeat(MAX_DEPTH + 1)), None);
        assert!(html(&"<div><p>x</div>".repeat(1000)).is_some());
        for piece in [
            "<p>",
            "<b>",
            "<a>",
            "<td>",
            "<table>",
            "</p>",
            "<br>",
            "&lt;",
            "<",
            "<!--",
            "<li>",
            "<a href=",
            "<tr><td>",
            "<i><p>",
            "<b></i>",
            "<font>",
            "</b><i>",
            "<option>",
            "<dd>",
            "<x y=z>",
            "<nobr><p>",
            "<b><p></b>",
        ] {
            let began = std::time::Instant::now();
            let source = piece.repeat(48 * 1024 / piece.len());
            let _ = (html(&source), to_text(&source));
            // Whatever grows with the square takes minutes.
            assert!(began.elapsed().as_secs() < 20, "{piece}: {:?}", began.elapsed());
        }
    }

    #[test]
    fn html_as_text() {
        assert_eq!(
            to_text(
                "<style>p{}</style><p>One &amp; two</p>\n<div>three<br>four &lt;b&gt;</div><script>x</script>"
            ),
            "One & two\nthree\nfour <b>\n"
        );
    }
}
