//! Reading `Authentication-Results` (RFC 8601).

use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::Limits;
use crate::scanner::{Scanner, is_token};

/// An `Authentication-Results` field (RFC 8601 section 2.2).
///
/// It is to be believed only if `server` is one's own: anybody can write such a field (section 5).
///
/// ```
/// let message = postroad_message::Message::parse(
///     b"Authentication-Results: mail.hamburger.edu; spf=pass smtp.mailfrom=crepes.fr;\r\n \
///       dkim=fail (bad signature) reason=\"body hash\" header.d=crepes.fr header.s=k1\r\n\r\n",
/// );
/// let results = message.header().field("Authentication-Results").unwrap().authentication_results().unwrap();
/// assert_eq!(results.server, "mail.hamburger.edu");
/// let [spf, dkim] = &results.results[..] else { panic!() };
/// assert_eq!((spf.method.as_str(), spf.result.as_str()), ("spf", "pass"));
/// assert_eq!(dkim.reason.as_deref(), Some("body hash"));
/// assert_eq!(dkim.property("header", "d"), Some("crepes.fr"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AuthenticationResults {
    /// The `authserv-id`: who says so.
    pub server: String,
    /// The results in order; none for `none`.
    pub results: Vec<AuthenticationResult>,
}

/// What one method found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AuthenticationResult {
    /// The method in lower case, such as `dkim`.
    pub method: String,
    /// The result in lower case, such as `pass`.
    pub result: String,
    /// Why.
    pub reason: Option<String>,
    /// What was looked at: `ptype`, `property` and value.
    pub properties: Vec<(String, String, String)>,
}

impl AuthenticationResult {
    /// The value of a property, such as `header` and `d`; the first of that name.
    pub fn property(&self, ptype: &str, property: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(first, second, _)| {
                first.eq_ignore_ascii_case(ptype) && second.eq_ignore_ascii_case(property)
            })
            .map(|(_, _, value)| value.as_str())
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// `value`: a token, an address, or a quoted string.
fn value(scanner: &mut Scanner<'_>) -> Option<String> {
    scanner.skip_cfws();
    if scanner.peek() == Some(b'"') {
        return scanner.quoted_string().map(|inside| text(&inside));
    }
    let run = scanner.run(|octet| octet > b' ' && !matches!(octet, b';' | b'(' | b'"' | 0x7f));
    (!run.is_empty()).then(|| text(run))
}

/// `None` if it does not follow the grammar: half of such a field is worse than none.
pub(crate) fn read(octets: &[u8], limits: &Limits) -> Option<AuthenticationResults> {
    let mut scanner = Scanner::new(octets, limits.comment_depth);
    let mut all = AuthenticationResults { server: value(&mut scanner)?, results: Vec::new() };
    scanner.skip_cfws();
    scanner.run(|octet| octet.is_ascii_digit()); // the version
    loop {
        scanner.skip_cfws();
        if scanner.is_at_end() {
            break;
        }
        if !scanner.take(b';') || all.results.len() >= limits.parameters {
            return None;
        }
        scanner.skip_cfws();
        if scanner.is_at_end() {
            break;
        }
        let method = scanner.run(is_token);
        scanner.skip_cfws();
        if method.eq_ignore_ascii_case(b"none") && matches!(scanner.peek(), None | Some(b';')) {
            continue;
        }
        if scanner.take(b'/') {
            scanner.skip_cfws();
            scanner.run(|octet| octet.is_ascii_digit());
            scanner.skip_cfws();
        }
        if method.is_empty() || !scanner.take(b'=') {
            return None;
        }
        scanner.skip_cfws();
        let result = scanner.run(is_token);
        let mut found = AuthenticationResult {
            method: text(method).to_ascii_lowercase(),
            result: text(result).to_ascii_lowercase(),
            ..AuthenticationResult::default()
        };
        loop {
            scanner.skip_cfws();
            if matches!(scanner.peek(), None | Some(b';')) {
                break;
            }
            let name = scanner.run(|octet| is_token(octet) && octet != b'.');
            scanner.skip_cfws();
            let property = if scanner.take(b'.') {
                scanner.skip_cfws();
                Some(scanner.run(is_token))
            } else {
                None
            };
            scanner.skip_cfws();
            if name.is_empty() || !scanner.take(b'=') || found.properties.len() >= limits.parameters {
                return None;
            }
            let value = value(&mut scanner)?;
            match property {
                Some(property) => found.properties.push((text(name), text(property), value)),
                None if name.eq_ignore_ascii_case(b"reason") => found.reason = Some(value),
                None => return None,
            }
        }
        all.results.push(found);
    }
    (!scanner.unterminated && !scanner.comment_too_deep).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<AuthenticationResults> {
        super::read(value.as_bytes(), &Limits::DEFAULT)
    }

    /// The examples of RFC 8601 appendix B.
    #[test]
    fn examples() {
        assert_eq!(read(" example.org 1; none").unwrap().results, []);
        let one = read(" example.com;\r\n spf=pass smtp.mailfrom=example.net").unwrap();
        assert_eq!(one.results[0].property("smtp", "mailfrom"), Some("example.net"));
        let two = read(
            " example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
        );
        assert_eq!(two.unwrap().results[0].property("smtp", "auth"), Some("sender@example.net"));
        let three = read(
            " foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n \
             policy (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462",
        );
        let three = three.unwrap();
        assert_eq!((three.server.as_str(), three.results[0].result.as_str()), ("foo.example.net", "fail"));
        assert_eq!(three.results[0].property("policy", "expired"), Some("1362471462"));
    }

    #[test]
    fn half_of_it_is_none_of_it() {
        for bad in [
            "",
            ";",
            "a; spf",
            "a; spf=pass x",
            "a; =pass",
            "a b; spf=pass",
            "a; spf=pass (",
            "a; spf=pass x=y",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
        for flood in ["a;", "a=b;", "a; a=b (", "\"", "a.b=c "] {
            read(&flood.repeat(100_000));
        }
    }
}
