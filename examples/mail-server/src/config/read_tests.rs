use std::path::PathBuf;

use super::*;

fn faults(text: &str) -> Vec<String> {
    Config::parse(text, Path::new("")).unwrap_err().iter().map(ToString::to_string).collect()
}

fn fault(text: &str) -> String {
    let mut faults = faults(text);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

/// The text of the documentation.
const DOCUMENTED: &str = r#"
hostname = "localhost"
domains  = ["localhost"]
data     = "data"
store    = "sqlite"
user     = ""

[listen]
smtp        = "127.0.0.1:2525"
submission  = "127.0.0.1:2587"
submissions = ""
lmtp        = ""
pop3        = "127.0.0.1:2110"
pop3s       = ""
imap        = "127.0.0.1:2143"
imaps       = ""
webmail     = "127.0.0.1:2080"
metrics     = ""

[tls]
certificate = ""
key         = ""

[auth]
mechanisms  = ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]
plaintext_without_tls = false

[limits]
message_size = 52428800
recipients   = 1000
connections  = 10000
connections_per_address = 200
errors       = 10
mailbox_quota = 0

[queue]
retry         = ["30m"]
give_up       = "4d"
delay_notice  = "4h"
connections_per_destination = 5
messages_per_connection     = 100

[routes]
"#;

#[test]
fn the_defaults_are_the_documented_ones() {
    let documented = Config::parse(DOCUMENTED, Path::new("")).unwrap();
    assert_eq!(Config::parse("", Path::new("")).unwrap(), documented);
    assert_eq!(Config::load(None).unwrap(), documented);
    let names: Vec<_> = documented.listen.iter().map(|listen| listen.protocol.name()).collect();
    assert_eq!(names, ["smtp", "submission", "pop3", "imap", "webmail"]);
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = Config::parse("data = \"mail\"", Path::new("/etc/mail-server")).unwrap();
    assert_eq!(config.data, PathBuf::from("/etc/mail-server/mail"));
    let config = Config::parse("data = \"/var/mail\"", Path::new("/etc/mail-server")).unwrap();
    assert_eq!(config.data, PathBuf::from("/var/mail"));
}

#[test]
fn values_are_read() {
    let config = Config::parse(
        r#"
domains = ["Hamburger.EDU", "burger.example"]
[listen]
smtp = ["127.0.0.1:25", "[::1]:25"]
submission = ""
pop3 = ["127.0.0.1:0"]
imap = ""
webmail = ""
[auth]
mechanisms = ["plain", "CRAM-MD5"]
plaintext_without_tls = true
[limits]
mailbox_quota = 1_000_000
[queue]
retry = ["5m", "1h30m"]
delay_notice = ""
[routes]
"Crepes.fr" = "127.0.0.1:3525"
"*" = "smart.example"
"#,
        Path::new(""),
    )
    .unwrap();
    assert_eq!(config.domains, ["hamburger.edu", "burger.example"]);
    assert!(config.is_local("HAMBURGER.edu") && !config.is_local("edu"));
    let listen: Vec<_> =
        config.listen.iter().map(|listen| format!("{} {}", listen.protocol, listen.address)).collect();
    assert_eq!(listen, ["smtp 127.0.0.1:25", "smtp [::1]:25", "pop3 127.0.0.1:0"]);
    assert_eq!(config.auth.mechanisms, [Mechanism::Plain, Mechanism::CramMd5]);
    assert!(config.auth.plaintext_without_tls);
    assert_eq!(config.limits.mailbox_quota, Some(1_000_000));
    assert_eq!(config.queue.retry, [Duration::from_secs(300), Duration::from_secs(5400)]);
    assert_eq!(config.queue.delay_notice, None);
    assert_eq!(config.route("CREPES.fr").map(|route| route.port), Some(3525));
    assert_eq!(config.route("elsewhere.example").map(|route| route.host.as_str()), Some("smart.example"));
}

#[test]
fn each_fault_has_its_line_and_key() {
    for (text, expected) in [
        ("hostnam = \"a\"", "line 1: hostnam: unknown key; `hostname` is one"),
        ("[limits]\nerror = 3", "line 2: limits.error: unknown key; `errors` is one"),
        ("\n[quene]\nretry = []", "line 2: quene: unknown key"),
        ("domains = \"localhost\"", "line 1: domains: must be a list of strings, not a string"),
        ("domains = [\"a\",\n 3]", "line 2: domains: must be a list of strings, not a whole number"),
        ("domains = [\"a\", \"A\"]", "line 1: domains: `A` is there twice"),
        ("domains = [\n\"ok.example\",\n\"not ok\"]", "line 3: domains: `not ok` is not a domain name"),
        ("hostname = \"a..b\"", "line 1: hostname: `a..b` is not a domain name"),
        ("limits = 3", "line 1: limits: must be a table, not a whole number"),
        ("[limits]\nrecipients = 0", "line 2: limits.recipients: must be at least 1, and below 2^63"),
        ("[limits]\nerrors = -1", "line 2: limits.errors: must be at least 1, and below 2^63"),
        (
            "[limits]\nmessage_size = \"50M\"",
            "line 2: limits.message_size: must be a whole number, not a string",
        ),
        (
            "[auth]\nplaintext_without_tls = 1",
            "line 2: auth.plaintext_without_tls: must be true or false, not a whole number",
        ),
        (
            "[listen]\nsmtp = \"localhost\"",
            "line 2: listen.smtp: `localhost` is not an IP address with a port, such as \"127.0.0.1:2525\"",
        ),
        (
            "[listen]\nsmtp = 25",
            "line 2: listen.smtp: must be an address, a list of addresses, or \"\", not a whole number",
        ),
        (
            "[listen]\nlmtp = \"127.0.0.1:2024\"",
            "line 2: listen.lmtp: lmtp is not there yet; it can only be \"\"",
        ),
        (
            "[listen]\npop3 = \"127.0.0.1:2525\"",
            "line 2: listen.pop3: 127.0.0.1:2525 is already the address of smtp",
        ),
        (
            "[queue]\ngive_up = \"four days\"",
            "line 2: queue.give_up: `four days` is not a duration such as \"30m\", \"4h\" or \"4d\"",
        ),
        ("[queue]\nretry = []", "line 1: queue.retry: must hold at least one duration"),
        ("[queue]\nretry = [\"0s\"]", "line 2: queue.retry: must be longer than nothing"),
        ("[routes]\n\"a b\" = \"c\"", "line 2: routes.\"a b\": `a b` is neither a domain name nor \"*\""),
        (
            "[routes]\n\"*\" = { address = \"c\" }",
            "line 2: routes.\"*\": a table is not there yet; it can only be an address",
        ),
        ("[routes]\n\"c.d\" = 25", "line 2: routes.\"c.d\": must be an address, not a whole number"),
        (
            "store = \"postgres://u@h/d\"",
            "line 1: store: PostgreSQL is not there yet; it can only be \"sqlite\"",
        ),
        ("user = \"no-such-user-here\"", "line 1: user: there is no user no-such-user-here"),
        ("[tls]\nkey = \"k.pem\"", "line 2: tls.key: there is no tls.certificate for it"),
    ] {
        assert_eq!(fault(text), expected);
    }
    assert!(
        fault("[auth]\nmechanisms = [\"DIGEST-MD5\"]")
            .starts_with("line 2: auth.mechanisms: `DIGEST-MD5` is not one of PLAIN, ")
    );
    assert!(
        fault("[tls]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"")
            .starts_with("line 2: tls.certificate: /nowhere/c.pem: ")
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let told = faults(
        "hostname = 3\n[listen]\nsmtp = \"x\"\nlmtp = \"127.0.0.1:1\"\n[queue]\ngive_up = \"\"\nwhat = 1",
    );
    let starts = [
        "line 1: hostname: ",
        "line 3: listen.smtp: ",
        "line 4: listen.lmtp: ",
        "line 6: queue.give_up: ",
        "line 7: queue.what: ",
    ];
    assert_eq!(told.len(), starts.len(), "{told:?}");
    for (told, start) in told.iter().zip(starts) {
        assert!(told.starts_with(start), "{told}");
    }
}

#[test]
fn text_that_is_not_toml() {
    let told = faults("hostname = \"a\"\nthis is not toml\n");
    assert!(told[0].starts_with("line 2: "), "{told:?}");
    let told = faults("hostname = \"a\"\nhostname = \"b\"\n");
    assert!(told[0].starts_with("line 2: "), "{told:?}");
}

#[test]
fn files() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config.toml");
    let error = Config::load(Some(&file)).unwrap_err().to_string();
    assert!(error.starts_with(file.to_str().unwrap()), "{error}");
    std::fs::write(&file, "wrong = 1\n[queue]\nwrong = 2\n").unwrap();
    let error = Config::load(Some(&file)).unwrap_err().to_string();
    let shown = file.display();
    assert_eq!(
        error,
        format!("{shown}: line 1: wrong: unknown key\n{shown}: line 3: queue.wrong: unknown key")
    );
    std::fs::write(&file, "data = \"d\"\n").unwrap();
    assert_eq!(Config::load(Some(&file)).unwrap().data, place.path().join("d"));
}
