//! Where the mail for a domain goes: by the configuration's routes, else by the domain name system (RFC 5321 section 5.1).

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use postroad_core::Domain;
use postroad_queue::{Destination, Diagnostic, LocalReason, MxRoute, mx_route};

use crate::config::{Config, Route, lower_case};

/// The port of mail between servers (RFC 5321 section 2.3.4).
const PORT: u16 = 25;

/// Where a connection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the host that the configuration names.
    Route(Route),
    /// To the mail exchangers of this domain, or the address literal.
    Domain(String),
}

impl Way {
    /// The way to a domain.
    pub(super) fn to(config: &Config, domain: &str) -> Self {
        match config.route(domain) {
            Some(route) => Self::Route(route.clone()),
            None => Self::Domain(lower_case(domain)),
        }
    }

    /// The name of it: what has the same may share connections, such as all that goes by one smart host.
    pub(super) fn destination(&self) -> Destination {
        match self {
            Self::Route(Route { host, port }) if host.contains(':') => {
                Destination::new(&format!("[{host}]:{port}"))
            }
            Self::Route(Route { host, port }) => Destination::new(&format!("{host}:{port}")),
            Self::Domain(domain) => Destination::new(domain),
        }
    }
}

/// A host to try, and the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// A domain name or an address.
    pub(super) name: String,
    port: u16,
}

/// Asks the domain name system as the machine does.
pub(super) struct Resolver {
    hostname: String,
    seed: u64,
    system: OnceLock<Option<TokioResolver>>,
}

/// What a question brought.
enum Found<T> {
    Records(Vec<T>),
    /// The name is not there at all.
    NoSuchName,
}

impl Resolver {
    /// A resolver for the server of this name.
    pub(super) fn new(hostname: &str) -> Self {
        let mut seed = [0; 8];
        // Without randomness the order of equal hosts is always the same.
        let _ = getrandom::fill(&mut seed);
        Self { hostname: hostname.to_owned(), seed: u64::from_ne_bytes(seed), system: OnceLock::new() }
    }

    /// The hosts to try, in order; at least one.
    pub(super) async fn hosts(&self, way: &Way) -> Result<Vec<Host>, Diagnostic> {
        let domain = match way {
            Way::Route(Route { host, port }) => {
                return Ok(vec![Host { name: host.clone(), port: *port }]);
            }
            Way::Domain(domain) => domain,
        };
        if domain.starts_with('[') {
            let address = Domain::parse(domain).ok().and_then(|literal| literal.ip());
            let address = address.ok_or_else(|| LocalReason::NoRoute.about(domain))?;
            return Ok(vec![Host { name: address.to_string(), port: PORT }]);
        }
        let found = self.mail_exchangers(domain).await;
        let records = match found {
            Ok(Found::Records(records)) => records,
            Ok(Found::NoSuchName) => return Err(LocalReason::HostNotFound.about(domain)),
            Err(error) => return Err(LocalReason::DnsFailure.about(&format!("{domain}: {error}"))),
        };
        order(records, domain, &self.hostname, self.seed)
    }

    /// The addresses of a host, in the order to try them in. None, when it has none.
    pub(super) async fn addresses(&self, host: &Host) -> Result<Vec<SocketAddr>, Diagnostic> {
        if let Ok(address) = host.name.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, host.port)]);
        }
        match self.look_up(&host.name).await {
            Ok(Found::Records(addresses)) => {
                Ok(addresses.into_iter().map(|address| SocketAddr::new(address, host.port)).collect())
            }
            Ok(Found::NoSuchName) => Ok(Vec::new()),
            Err(error) => Err(LocalReason::DnsFailure.about(&format!("{}: {error}", host.name))),
        }
    }

    async fn mail_exchangers(&self, domain: &str) -> Result<Found<(u16, String)>, NetError> {
        let answer = self.system()?.mx_lookup(format!("{domain}.")).await;
        found(answer, |lookup| {
            let exchanger = |data: &RData| match data {
                RData::MX(mx) => Some((mx.preference, mx.exchange.to_ascii())),
                _ => None,
            };
            lookup.answers().iter().filter_map(|record| exchanger(&record.data)).collect()
        })
    }

    async fn look_up(&self, host: &str) -> Result<Found<IpAddr>, NetError> {
        let answer = self.system()?.lookup_ip(format!("{host}.")).await;
        found(answer, |lookup| lookup.iter().collect())
    }

    fn system(&self) -> Result<&TokioResolver, NetError> {
        let build = || TokioResolver::builder_tokio().and_then(hickory_resolver::ResolverBuilder::build);
        let system = self.system.get_or_init(|| match build() {
            Ok(resolver) => Some(resolver),
            Err(error) => {
                tracing::error!(%error, "the domain name system cannot be asked");
                None
            }
        });
        system.as_ref().ok_or(NetError::NoConnections)
    }
}

/// That there is no record is an answer; that there is no answer is not.
fn found<A, T>(
    answer: Result<A, NetError>,
    records: impl FnOnce(&A) -> Vec<T>,
) -> Result<Found<T>, NetError> {
    match answer {
        Ok(answer) => Ok(Found::Records(records(&answer))),
        Err(NetError::Dns(DnsError::NoRecordsFound(none))) => match none.response_code {
            ResponseCode::NXDomain => Ok(Found::NoSuchName),
            ResponseCode::NoError => Ok(Found::Records(Vec::new())),
            code => Err(NetError::Dns(DnsError::ResponseCode(code))),
        },
        Err(error) => Err(error),
    }
}

/// The hosts of MX records in their order, without those that lead back to the server of the name `own`.
fn order(records: Vec<(u16, String)>, domain: &str, own: &str, seed: u64) -> Result<Vec<Host>, Diagnostic> {
    let hosts = match mx_route(records, domain, [own], seed) {
        // Without MX records the domain is its own mail exchanger, and that is us.
        MxRoute::Implicit(host) if host.eq_ignore_ascii_case(own) => MxRoute::Loop,
        route => route,
    };
    let hosts = hosts.hosts(domain)?;
    Ok(hosts.into_iter().map(|name| Host { name, port: PORT }).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn names(records: &[(u16, &str)], domain: &str) -> Result<Vec<String>, String> {
        let records = records.iter().map(|(preference, host)| (*preference, (*host).to_owned())).collect();
        match order(records, domain, "mail.crepes.fr", 1) {
            Ok(hosts) => Ok(hosts.into_iter().map(|host| format!("{}:{}", host.name, host.port)).collect()),
            Err(diagnostic) => Err(diagnostic.status().to_string()),
        }
    }

    #[test]
    fn exchangers_in_their_order_and_never_ourselves() {
        let both = ["a.example:25".to_owned(), "b.example:25".to_owned()];
        assert_eq!(names(&[(20, "b.example."), (10, "A.example.")], "d.example"), Ok(both.to_vec()));
        let better = [(10, "a.example."), (20, "Mail.Crepes.FR."), (30, "c.example.")];
        assert_eq!(names(&better, "d.example"), Ok(vec!["a.example:25".to_owned()]));
        assert_eq!(names(&[(10, "mail.crepes.fr.")], "d.example"), Err("5.4.6".into()));
        assert_eq!(names(&[], "d.example"), Ok(vec!["d.example:25".to_owned()]));
        assert_eq!(names(&[], "MAIL.crepes.fr"), Err("5.4.6".into()));
        assert_eq!(names(&[(0, ".")], "d.example"), Err("5.1.10".into()));
    }

    #[test]
    fn ways() {
        let text = "[routes]\n\"a.example\" = \"127.0.0.1:3525\"\n\"v6.example\" = \"[::1]:26\"";
        let config = Config::parse(text, Path::new("")).unwrap();
        let name = |config: &Config, domain: &str| Way::to(config, domain).destination().as_str().to_owned();
        assert_eq!(name(&config, "A.Example"), "127.0.0.1:3525");
        assert_eq!(name(&config, "v6.example"), "[::1]:26");
        assert_eq!(name(&config, "Other.Example"), "other.example");
        let config = Config::parse("[routes]\n\"*\" = \"smart.example\"", Path::new("")).unwrap();
        assert_eq!(name(&config, "x.example"), "smart.example:25");
        assert_eq!(name(&config, "[192.0.2.1]"), "smart.example:25");
    }

    #[tokio::test]
    async fn addresses_need_no_name_system() {
        let resolver = Resolver::new("mail.crepes.fr");
        for (literal, address) in [
            ("[192.0.2.1]", "192.0.2.1:25"),
            ("[IPv6:2001:db8::1]", "[2001:db8::1]:25"),
            ("[ipv6:2001:db8::1]", "[2001:db8::1]:25"),
        ] {
            let hosts = resolver.hosts(&Way::Domain(literal.into())).await.unwrap();
            assert_eq!(resolver.addresses(&hosts[0]).await.unwrap(), [address.parse().unwrap()]);
        }
        let unknown = resolver.hosts(&Way::Domain("[tag:x]".into())).await.unwrap_err();
        assert_eq!(unknown.status().to_string(), "5.4.4");
        let route = Way::Route(Route { host: "::1".into(), port: 26 });
        let hosts = resolver.hosts(&route).await.unwrap();
        assert_eq!(resolver.addresses(&hosts[0]).await.unwrap(), ["[::1]:26".parse().unwrap()]);
    }

    #[test]
    fn no_record_is_an_answer_and_no_answer_is_none() {
        use hickory_resolver::net::NoRecords;
        use hickory_resolver::proto::op::Query;
        let with = |code| {
            let none = NoRecords::new(Box::new(Query::default()), code);
            found(Err::<(), _>(NetError::Dns(DnsError::NoRecordsFound(none))), |()| vec![0])
        };
        assert!(matches!(with(ResponseCode::NoError), Ok(Found::Records(records)) if records.is_empty()));
        assert!(matches!(with(ResponseCode::NXDomain), Ok(Found::NoSuchName)));
        assert!(with(ResponseCode::ServFail).is_err());
        assert!(found(Err::<(), _>(NetError::Timeout), |()| vec![0]).is_err());
        assert!(matches!(found(Ok(()), |()| vec![0]), Ok(Found::Records(records)) if records == [0]));
    }
}
