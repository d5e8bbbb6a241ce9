//! The small grammars inside configuration values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::Route;

/// `30m`, `4d`, `1h30m`: a number and one of w d h m s, as often as needed, largest first or not.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as \"30m\", \"4h\" or \"4d\"");
    let mut total = Some(0_u64);
    let mut rest = text;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = match unit.as_bytes().first() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86400,
            Some(b'w') => 7 * 86400,
            _ => return Err(wrong()),
        };
        total = number.checked_mul(seconds).and_then(|span| total?.checked_add(span));
        rest = unit.get(1..).unwrap_or("");
    }
    // A thousand years: sums with the present stay far from any limit.
    match total {
        Some(seconds) if seconds <= 1000 * 366 * 86400 => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("`{text}` is too long")),
    }
}

/// ASCII letters in lower case, as domains are compared (RFC 5321 section 2.4).
pub(crate) fn lower_case(domain: &str) -> String {
    domain.to_ascii_lowercase()
}

/// True for a domain name: labels of letters, digits and inner hyphens (RFC 1123 section 2.1), or internationalised
/// ones (RFC 6531 section 3.3).
pub(crate) fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && c.is_alphanumeric()))
    };
    text.len() <= 255 && text.split('.').all(label) && text.parse::<Ipv4Addr>().is_err()
}

/// `host`, `host:port`, `192.0.2.1:25`, `[2001:db8::1]:25`; the port is 25 when it is not there.
pub(super) fn route(text: &str) -> Result<Route, String> {
    let wrong =
        || format!("`{text}` is not an address such as \"mail.example.org:25\" or \"[2001:db8::1]:25\"");
    let (host, port) = if let Some(literal) = text.strip_prefix('[') {
        let (literal, rest) = literal.split_once(']').ok_or_else(wrong)?;
        let address: Ipv6Addr = literal.parse().map_err(|_| wrong())?;
        let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(wrong)?) };
        (address.to_string(), port)
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        if !is_domain(host) && host.parse::<IpAddr>().is_err() {
            return Err(wrong());
        }
        (lower_case(host), port)
    };
    let port = match port {
        None => 25,
        Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?,
    };
    Ok(Route { host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("4d"), Ok(Duration::from_secs(4 * 86400)));
        assert_eq!(duration("1h30m5s"), Ok(Duration::from_secs(5405)));
        assert_eq!(duration("2w"), Ok(Duration::from_secs(14 * 86400)));
        for bad in
            ["", "m", "30", "-3m", "3 m", "3y", "3m ", "3µ", "99999999999999999999s", "99999999999999w"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn domains() {
        for good in [
            "localhost",
            "crepes.fr",
            "a-b.c1",
            "xn--bcher-kva.example",
            "한국.example",
            "1.2.3.4.in-addr.arpa",
        ] {
            assert!(is_domain(good), "{good}");
        }
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "-a.b",
            "a-.b",
            "a b",
            "a_b",
            "1.2.3.4",
            "[1.2.3.4]",
            "a@b",
            "a\r\nb",
        ] {
            assert!(!is_domain(bad), "{bad}");
        }
        assert!(is_domain(&"a".repeat(63)));
        assert!(!is_domain(&"a".repeat(64)));
        assert!(!is_domain(
            &["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(63), "e".into()].join(".")
        ));
    }

    #[test]
    fn routes() {
        let good = |text: &str| route(text).map(|route| (route.host, route.port)).unwrap();
        assert_eq!(good("127.0.0.1:3525"), ("127.0.0.1".into(), 3525));
        assert_eq!(good("Mail.Example.org"), ("mail.example.org".into(), 25));
        assert_eq!(good("[2001:DB8::1]:2525"), ("2001:db8::1".into(), 2525));
        assert_eq!(good("[::1]"), ("::1".into(), 25));
        for bad in
            ["", ":25", "a:", "a:0", "a:65536", "a:b", "::1", "[::1", "[::1]x", "[1.2.3.4]:25", "a b:25"]
        {
            assert!(route(bad).is_err(), "{bad}");
        }
    }
}
