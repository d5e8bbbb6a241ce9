//! The server's host and port, as they are written on a command line.

use std::net::Ipv6Addr;

use anyhow::{Context as _, Result, ensure};

/// `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT`, or an IPv6 address alone.
pub(crate) fn host_and_port(text: &str) -> Result<(String, Option<u16>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').context("a bracket is not closed")?;
            host.parse::<Ipv6Addr>().context("no IPv6 address stands in the brackets")?;
            ensure!(
                after.is_empty() || after.starts_with(':'),
                "behind the bracket a colon and a port may stand"
            );
            (host, after.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    ensure!(!host.is_empty(), "the host is missing");
    let port =
        port.map(|port| port.parse::<u16>().context("the port is no number from 1 to 65535")).transpose()?;
    ensure!(port != Some(0), "the port is no number from 1 to 65535");
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        let read = |text| host_and_port(text).unwrap();
        assert_eq!(read("mail.crepes.fr"), ("mail.crepes.fr".into(), None));
        assert_eq!(read("mail.crepes.fr:2587"), ("mail.crepes.fr".into(), Some(2587)));
        assert_eq!(read("::1"), ("::1".into(), None));
        assert_eq!(read("[::1]"), ("::1".into(), None));
        assert_eq!(read("[::1]:465"), ("::1".into(), Some(465)));
        for wrong in ["", ":25", "a:", "a:0", "a:65536", "a:1:2", "[::1", "[::1]x", "[a]:25"] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }
}
