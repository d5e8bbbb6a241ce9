//! The order of mail exchangers (RFC 5321 section 5.1, RFC 7505).

use crate::random::Random;
use crate::{Diagnostic, LocalReason};
use std::collections::BTreeSet;

/// Where the mail for a domain goes, as [`route`] read it from the domain's MX records.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum MxRoute {
    /// These hosts, to be tried in this order until one answers. There is at least one. Names are in lower case without a final dot.
    Hosts(Vec<String>),
    /// There is no MX record: the domain is its own mail exchanger, if it has an address (RFC 5321 section 5.1).
    Implicit(String),
    /// The one MX record is null: the domain accepts no mail, and its addresses must not be tried (RFC 7505 section 3).
    Null,
    /// This host is the best mail exchanger and yet does not know the domain: going on would send the mail in a circle.
    Loop,
}

impl MxRoute {
    /// The hosts to try, in order; for [`Implicit`](Self::Implicit) the domain itself.
    ///
    /// # Errors
    ///
    /// For [`Null`](Self::Null) and [`Loop`](Self::Loop) the reason why the mail is undeliverable. `domain` is named in it.
    pub fn hosts(self, domain: &str) -> Result<Vec<String>, Diagnostic> {
        match self {
            Self::Hosts(hosts) => Ok(hosts),
            Self::Implicit(host) => Ok(vec![host]),
            Self::Null => Err(LocalReason::NullMx.about(domain)),
            Self::Loop => Err(LocalReason::Loop.about(domain)),
        }
    }
}

/// Orders the MX records of `domain`: lower preference first, equal ones shuffled by `seed` so that load spreads (RFC 5321 section 5.1).
///
/// `records` is the answer of the domain name system, each a preference and a host; an empty one means that the domain exists and has
/// no MX record. (When there was no answer, do not come here: try again later.) `own_names` are the names of this host: if it is among
/// the records, hosts of the same or a higher preference are left out. Names are compared without regard to case and a final dot; a
/// host that stands twice is tried once, at its lower preference.
///
/// ```
/// use postroad_queue::{MxRoute, mx_route};
///
/// let records = [(20, "backup.example.net."), (10, "MX1.example.com."), (10, "mx2.example.com.")];
/// let MxRoute::Hosts(hosts) = mx_route(records, "example.com", ["mail.crepes.fr"], 1) else { panic!() };
/// assert_eq!(hosts[2], "backup.example.net");
///
/// assert_eq!(mx_route([(0, ".")], "example.com", [""; 0], 1), MxRoute::Null);
/// assert_eq!(mx_route([(0, ""); 0], "example.com", [""; 0], 1), MxRoute::Implicit("example.com".into()));
/// ```
pub fn route<H, N>(
    records: impl IntoIterator<Item = (u16, H)>,
    domain: &str,
    own_names: impl IntoIterator<Item = N>,
    seed: u64,
) -> MxRoute
where
    H: AsRef<str>,
    N: AsRef<str>,
{
    let mut records: Vec<(u16, String)> =
        records.into_iter().map(|(preference, host)| (preference, normal(host.as_ref()))).collect();
    if records.is_empty() {
        return MxRoute::Implicit(normal(domain));
    }
    // Beside other records a null one means nothing (RFC 7505 section 3).
    records.retain(|(_, host)| !host.is_empty());
    if records.is_empty() {
        return MxRoute::Null;
    }
    let own_names: BTreeSet<String> = own_names.into_iter().map(|name| normal(name.as_ref())).collect();
    let own =
        records.iter().filter(|(_, host)| own_names.contains(host)).map(|(preference, _)| *preference).min();
    if let Some(own) = own {
        records.retain(|(preference, _)| *preference < own);
        if records.is_empty() {
            return MxRoute::Loop;
        }
    }
    // Sorted by name first: the order depends on the seed, not on the order of the answer.
    records.sort_unstable_by(|a, b| a.1.cmp(&b.1));
    Random::keyed(seed, normal(domain).as_bytes(), 0).shuffle(&mut records);
    records.sort_by_key(|(preference, _)| *preference);
    let mut seen = BTreeSet::new();
    records.retain(|(_, host)| seen.insert(host.clone()));
    MxRoute::Hosts(records.into_iter().map(|(_, host)| host).collect())
}

fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOBODY: [&str; 0] = [];

    fn hosts(route: MxRoute) -> Vec<String> {
        match route {
            MxRoute::Hosts(hosts) => hosts,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn own_name_cuts_off_what_is_not_better() {
        let records = [(10, "a.example"), (20, "Us.example."), (20, "b.example"), (30, "c.example")];
        assert_eq!(hosts(route(records, "d.example", ["us.example"], 3)), ["a.example"]);
        assert_eq!(
            route([(5, "us.example"), (9, "b.example")], "d.example", ["us.example"], 3),
            MxRoute::Loop
        );
        let error = MxRoute::Loop.hosts("d.example").unwrap_err();
        assert_eq!(error.status().to_string(), "5.4.6");
        assert_eq!(MxRoute::Null.hosts("d.example").unwrap_err().status().to_string(), "5.1.10");
    }

    #[test]
    fn a_null_record_among_others_is_ignored() {
        assert_eq!(hosts(route([(0, "."), (10, "a.example")], "d.example", NOBODY, 3)), ["a.example"]);
        assert_eq!(route([(0, ".")], "d.example", NOBODY, 3), MxRoute::Null);
        assert_eq!(MxRoute::Implicit("d.example".into()).hosts("x").unwrap(), ["d.example"]);
    }

    #[test]
    fn a_host_that_stands_twice_is_tried_once() {
        let records = [(30, "a.example"), (20, "b.example"), (10, "A.example.")];
        assert_eq!(hosts(route(records, "d.example", NOBODY, 3)), ["a.example", "b.example"]);
    }

    #[test]
    fn equals_are_shuffled_by_seed() {
        let records = [(10, "a"), (10, "b"), (10, "c"), (10, "d")];
        let orders: BTreeSet<Vec<String>> =
            (0..200).map(|seed| hosts(route(records, "d.example", NOBODY, seed))).collect();
        assert!(orders.len() > 20, "{}", orders.len());
        let backwards = records.into_iter().rev();
        assert_eq!(route(records, "d.example", NOBODY, 5), route(backwards, "d.example", NOBODY, 5));
    }

    proptest! {
        #[test]
        fn order_holds_and_none_is_lost(records in prop::collection::vec((0..4_u16, "[a-e]{1,2}"), 1..12), seed: u64) {
            let ordered = hosts(route(records.clone(), "d.example", NOBODY, seed));
            let best = |host: &str| records.iter().filter(|r| r.1 == host).map(|r| r.0).min().unwrap();
            prop_assert!(ordered.windows(2).all(|pair| best(&pair[0]) <= best(&pair[1])));
            let names: BTreeSet<&String> = records.iter().map(|record| &record.1).collect();
            prop_assert_eq!(names, ordered.iter().collect::<BTreeSet<_>>());
            prop_assert_eq!(ordered.len(), ordered.iter().collect::<BTreeSet<_>>().len());
        }
    }
}
