//! From TOML to a checked configuration. Nothing stops at the first fault: all are collected.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Auth, Config, Limits, Listen, Mechanism, Problem, Protocol, Queue, TlsFiles, values};

/// Reads a whole file.
pub(super) fn config(text: &str, base: &Path) -> Result<Config, Vec<Problem>> {
    let mut faults = Faults::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        faults.add(error.span().unwrap_or(0..0), "", error.message().to_owned());
    }
    if !faults.problems.is_empty() {
        return Err(faults.finish());
    }
    let mut root = Section::new(document.get_ref(), "", document.span());

    let hostname = root.hostname(&mut faults);
    let domains = root.domains(&mut faults);
    let data = base.join(root.text("data", &mut faults).map_or_else(|| "data".to_owned(), |(_, path)| path));
    root.store(&mut faults);
    let user = root.user(&mut faults);
    let listen = match root.section("listen", &mut faults) {
        Some(section) => read_listen(section, &mut faults),
        None => default_listen(),
    };
    let tls = root.section("tls", &mut faults).and_then(|section| read_tls(section, base, &mut faults));
    let auth = read_auth(root.section("auth", &mut faults), &mut faults);
    let limits = read_limits(root.section("limits", &mut faults), &mut faults);
    let queue = read_queue(root.section("queue", &mut faults), &mut faults);
    let routes = match root.section("routes", &mut faults) {
        Some(section) => read_routes(&section, &mut faults),
        None => BTreeMap::new(),
    };
    root.finish(&mut faults);

    if faults.problems.is_empty() {
        Ok(Config { hostname, domains, data, user, listen, tls, auth, limits, queue, routes })
    } else {
        Err(faults.finish())
    }
}

/// What is wrong so far.
struct Faults {
    problems: Vec<Problem>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Faults {
    fn new(text: &str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, octet)| *octet == b'\n').map(|(at, _)| at + 1);
        Self { problems: Vec::new(), lines: std::iter::once(0).chain(starts).collect() }
    }

    fn add(&mut self, span: Range<usize>, key: &str, message: impl Into<String>) {
        let line = self.lines.partition_point(|start| *start <= span.start);
        self.problems.push(Problem { line, key: key.to_owned(), message: message.into() });
    }

    fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

/// A table, and which of its keys were asked for.
struct Section<'a, 'i> {
    table: &'a DeTable<'i>,
    prefix: &'static str,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    fn new(table: &'a DeTable<'i>, prefix: &'static str, span: Range<usize>) -> Self {
        Self { table, prefix, span, known: Vec::new() }
    }

    /// The key with its table, as in a problem.
    fn path(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}.{key}", self.prefix) }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Value<'i>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Reports every key that nobody asked for.
    fn finish(self, faults: &mut Faults) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let message = match closest(name, &self.known) {
                    Some(known) => format!("unknown key; `{known}` is one"),
                    None => "unknown key".to_owned(),
                };
                faults.add(key.span(), &self.path(name), message);
            }
        }
    }

    fn wrong(&self, key: &str, value: &Value<'_>, wanted: &str, faults: &mut Faults) {
        let message = format!("must be {wanted}, not {}", described(value.get_ref()));
        faults.add(value.span(), &self.path(key), message);
    }

    fn section(&mut self, key: &'static str, faults: &mut Faults) -> Option<Self> {
        let value = self.value(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table", faults);
            return None;
        };
        Some(Self::new(table, key, value.span()))
    }

    fn text(&mut self, key: &'static str, faults: &mut Faults) -> Option<(Range<usize>, String)> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(key, value, "a string", faults);
        }
        text.map(|text| (value.span(), text.to_owned()))
    }

    /// A list of strings.
    fn texts(&mut self, key: &'static str, faults: &mut Faults) -> Option<Vec<(Range<usize>, String)>> {
        let value = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of strings", faults);
            return None;
        };
        let mut texts = Vec::new();
        for item in list {
            match item.get_ref().as_str() {
                Some(text) => texts.push((item.span(), text.to_owned())),
                None => self.wrong(key, item, "a list of strings", faults),
            }
        }
        Some(texts)
    }

    fn number(&mut self, key: &'static str, least: u64, default: u64, faults: &mut Faults) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let Some(integer) = value.get_ref().as_integer() else {
            self.wrong(key, value, "a whole number", faults);
            return default;
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if number >= least && i64::try_from(number).is_ok() => number,
            _ => {
                faults.add(
                    value.span(),
                    &self.path(key),
                    format!("must be at least {least}, and below 2^63"),
                );
                default
            }
        }
    }

    fn count(&mut self, key: &'static str, default: u64, faults: &mut Faults) -> usize {
        usize::try_from(self.number(key, 1, default, faults)).unwrap_or(usize::MAX)
    }

    fn boolean(&mut self, key: &'static str, default: bool, faults: &mut Faults) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, value, "true or false", faults);
            default
        })
    }

    fn hostname(&mut self, faults: &mut Faults) -> String {
        let Some((span, hostname)) = self.text("hostname", faults) else { return "localhost".to_owned() };
        if !values::is_domain(&hostname) {
            faults.add(span, "hostname", format!("`{hostname}` is not a domain name"));
        }
        hostname
    }

    fn domains(&mut self, faults: &mut Faults) -> Vec<String> {
        let Some(texts) = self.texts("domains", faults) else { return vec!["localhost".to_owned()] };
        let mut domains = Vec::new();
        for (span, text) in texts {
            let domain = values::lower_case(&text);
            if !values::is_domain(&domain) {
                faults.add(span, "domains", format!("`{text}` is not a domain name"));
            } else if domains.contains(&domain) {
                faults.add(span, "domains", format!("`{text}` is there twice"));
            } else {
                domains.push(domain);
            }
        }
        domains
    }

    fn store(&mut self, faults: &mut Faults) {
        if let Some((span, store)) = self.text("store", faults)
            && store != "sqlite"
        {
            let message = if store.starts_with("postgres:") || store.starts_with("postgresql:") {
                "PostgreSQL is not there yet; it can only be \"sqlite\"".to_owned()
            } else {
                format!("`{store}` is not a store; it can only be \"sqlite\"")
            };
            faults.add(span, "store", message);
        }
    }

    fn user(&mut self, faults: &mut Faults) -> Option<String> {
        let (span, user) = self.text("user", faults)?;
        if user.is_empty() {
            return None;
        }
        if let Err(error) = crate::privileges::find(&user) {
            faults.add(span, "user", error.to_string());
        }
        Some(user)
    }
}

/// The kind of a value, with its article.
fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known key that was probably meant: the same but for case, `-` for `_` or a plural, or one that begins alike.
fn closest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_").trim_end_matches('s').to_owned();
    let name = plain(name);
    let alike = |key: &&'static str| {
        let key = plain(key);
        key == name || (name.len() > 3 && (key.starts_with(&name) || name.starts_with(&key)))
    };
    known.iter().copied().find(alike)
}

fn default_listen() -> Vec<Listen> {
    Protocol::ALL.into_iter().filter_map(default_listener).collect()
}

fn default_listener(protocol: Protocol) -> Option<Listen> {
    let port = protocol.default_port()?;
    Some(Listen { protocol, address: SocketAddr::from(([127, 0, 0, 1], port)) })
}

fn read_listen(mut section: Section<'_, '_>, faults: &mut Faults) -> Vec<Listen> {
    let mut listen: Vec<Listen> = Vec::new();
    for protocol in Protocol::ALL {
        let key = protocol.name();
        let texts = match section.value(key) {
            None => {
                listen.extend(default_listener(protocol));
                continue;
            }
            Some(value) => match value.get_ref() {
                DeValue::String(text) => vec![(value.span(), text.to_string())],
                DeValue::Array(_) => section.texts(key, faults).unwrap_or_default(),
                _ => {
                    section.wrong(key, value, "an address, a list of addresses, or \"\"", faults);
                    continue;
                }
            },
        };
        let several = texts.len() > 1;
        for (span, text) in texts {
            let path = section.path(key);
            if text.is_empty() && !several {
                continue;
            }
            let Ok(address) = text.parse::<SocketAddr>() else {
                let message =
                    format!("`{text}` is not an IP address with a port, such as \"127.0.0.1:2525\"");
                faults.add(span, &path, message);
                continue;
            };
            if !protocol.is_there() {
                faults.add(span, &path, format!("{key} is not there yet; it can only be \"\""));
                continue;
            }
            if address.port() != 0
                && let Some(other) = listen.iter().find(|other| other.address == address)
            {
                faults.add(span, &path, format!("{address} is already the address of {}", other.protocol));
                continue;
            }
            listen.push(Listen { protocol, address });
        }
    }
    section.finish(faults);
    listen
}

fn read_tls(mut section: Section<'_, '_>, base: &Path, faults: &mut Faults) -> Option<TlsFiles> {
    let mut file = |key| section.text(key, faults).filter(|(_, path)| !path.is_empty());
    let certificate = file("certificate");
    let key = file("key");
    section.finish(faults);
    match (certificate, key) {
        (None, None) => None,
        (Some((span, certificate)), Some((key_span, key))) => {
            let files = TlsFiles { certificate: base.join(certificate), key: base.join(key) };
            if let Err(error) = crate::tls::check(&files) {
                let (span, key) = match error.file {
                    crate::tls::Which::Certificate => (span, "tls.certificate"),
                    crate::tls::Which::Key => (key_span, "tls.key"),
                };
                faults.add(span, key, error.to_string());
            }
            Some(files)
        }
        (Some((span, _)), None) => {
            faults.add(span, "tls.certificate", "there is no tls.key for it");
            None
        }
        (None, Some((span, _))) => {
            faults.add(span, "tls.key", "there is no tls.certificate for it");
            None
        }
    }
}

fn read_auth(section: Option<Section<'_, '_>>, faults: &mut Faults) -> Auth {
    use Mechanism::{Login, Plain, ScramSha256, ScramSha256Plus};
    let mut auth =
        Auth { mechanisms: vec![Plain, Login, ScramSha256, ScramSha256Plus], plaintext_without_tls: false };
    let Some(mut section) = section else { return auth };
    if let Some(texts) = section.texts("mechanisms", faults) {
        auth.mechanisms.clear();
        for (span, text) in texts {
            match Mechanism::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(&text)) {
                Some(mechanism) if auth.mechanisms.contains(&mechanism) => {
                    faults.add(span, "auth.mechanisms", format!("`{text}` is there twice"));
                }
                Some(mechanism) => auth.mechanisms.push(mechanism),
                None => {
                    let names = Mechanism::ALL.map(Mechanism::name).join(", ");
                    faults.add(span, "auth.mechanisms", format!("`{text}` is not one of {names}"));
                }
            }
        }
    }
    auth.plaintext_without_tls = section.boolean("plaintext_without_tls", false, faults);
    section.finish(faults);
    auth
}

fn read_limits(section: Option<Section<'_, '_>>, faults: &mut Faults) -> Limits {
    let empty = DeTable::new();
    let mut section = section.unwrap_or_else(|| Section::new(&empty, "limits", 0..0));
    let limits = Limits {
        message_size: section.number("message_size", 1, 52_428_800, faults),
        recipients: section.count("recipients", 1000, faults),
        connections: section.count("connections", 10_000, faults),
        connections_per_address: section.count("connections_per_address", 200, faults),
        errors: u32::try_from(section.number("errors", 1, 10, faults)).unwrap_or(u32::MAX),
        mailbox_quota: Some(section.number("mailbox_quota", 0, 0, faults)).filter(|quota| *quota != 0),
    };
    section.finish(faults);
    limits
}

fn read_queue(section: Option<Section<'_, '_>>, faults: &mut Faults) -> Queue {
    const DAY: u64 = 86400;
    let mut queue = Queue {
        retry: vec![Duration::from_secs(1800)],
        give_up: Duration::from_secs(4 * DAY),
        delay_notice: Some(Duration::from_secs(4 * 3600)),
        connections_per_destination: 5,
        messages_per_connection: 100,
    };
    let Some(mut section) = section else { return queue };
    let span = |at: Range<usize>, key: &str, text: &str, faults: &mut Faults| match values::duration(text) {
        Ok(span) if !span.is_zero() => Some(span),
        Ok(_) => {
            faults.add(at, key, "must be longer than nothing");
            None
        }
        Err(message) => {
            faults.add(at, key, message);
            None
        }
    };
    if let Some(texts) = section.texts("retry", faults) {
        if texts.is_empty() {
            faults.add(section.span.clone(), "queue.retry", "must hold at least one duration");
        }
        queue.retry =
            texts.into_iter().filter_map(|(at, text)| span(at, "queue.retry", &text, faults)).collect();
    }
    if let Some((at, text)) = section.text("give_up", faults) {
        queue.give_up = span(at, "queue.give_up", &text, faults).unwrap_or(queue.give_up);
    }
    if let Some((at, text)) = section.text("delay_notice", faults) {
        queue.delay_notice =
            if text.is_empty() { None } else { span(at, "queue.delay_notice", &text, faults) };
    }
    queue.connections_per_destination = section.count("connections_per_destination", 5, faults);
    queue.messages_per_connection = section.count("messages_per_connection", 100, faults);
    section.finish(faults);
    queue
}

fn read_routes(section: &Section<'_, '_>, faults: &mut Faults) -> BTreeMap<String, super::Route> {
    let mut routes = BTreeMap::new();
    for (key, value) in section.table {
        let name = key.get_ref().as_ref();
        let path = format!("routes.\"{name}\"");
        let domain = values::lower_case(name);
        if name != "*" && !values::is_domain(name) {
            faults.add(key.span(), &path, format!("`{name}` is neither a domain name nor \"*\""));
        } else if routes.contains_key(&domain) {
            faults.add(key.span(), &path, "is there twice");
        }
        match value.get_ref() {
            DeValue::String(text) => match values::route(text) {
                Ok(route) => {
                    routes.insert(domain, route);
                }
                Err(message) => faults.add(value.span(), &path, message),
            },
            DeValue::Table(_) => {
                faults.add(value.span(), &path, "a table is not there yet; it can only be an address");
            }
            other => {
                let message = format!("must be an address, not {}", described(other));
                faults.add(value.span(), &path, message);
            }
        }
    }
    routes
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
