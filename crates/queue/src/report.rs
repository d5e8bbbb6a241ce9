//! A notice as a message: a delivery status notification (RFC 3464) in a `multipart/report` (RFC 6522).

use crate::diagnostic::printable;
use crate::notice::{Action, Report, ReportedRecipient};
use crate::time::InWords;
use crate::{Status, UnixTime};
use bytes::Bytes;
use postroad_core::{Domain, Mailbox};
use postroad_message::{
    AddrSpec, BuildError, ContentType, DateTime, FieldValue, Mailbox as NamedMailbox, Message,
    MessageBuilder, MessageId, PartBuilder,
};
use std::fmt::Write as _;

/// Where a line of the machine-readable part is folded if it can be (RFC 5322 section 2.1.1).
const FOLD_AT: usize = 78;
/// Longer runs without a space are cut, so that no line comes near 998 octets.
const LONGEST_WORD: usize = 900;
/// How many characters of the original subject are repeated in the text.
const SUBJECT_LIMIT: usize = 200;
/// The longest line that may be quoted unencoded.
const LONGEST_LINE: usize = 998;
/// The last second that a date of RFC 5322 can express in four digits of year.
const LAST_SECOND: u64 = 253_402_300_799;

/// Who gives notices, and how much of the original message they quote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportConfig {
    /// What this host calls itself: Reporting-MTA, and the domain of From and Message-ID.
    pub hostname: Domain,
    /// Whether a notice of failure returns the whole message where it can, and not only its header. A message is returned whole when it
    /// is within `quote_limit`, in ASCII, and in lines of at most 998 octets. A notice of delay always quotes the header alone.
    pub return_message: bool,
    /// How many octets of the original message are quoted at most. By default 50,000.
    pub quote_limit: usize,
    /// The zone of all dates in the notice, in minutes east of UTC. By default 0.
    pub utc_offset: i16,
}

impl ReportConfig {
    /// The defaults, for the host of this name.
    pub fn new(hostname: Domain) -> Self {
        Self { hostname, return_message: true, quote_limit: 50_000, utc_offset: 0 }
    }

    fn date(&self, time: UnixTime) -> Result<DateTime, BuildError> {
        let seconds = i64::try_from(time.seconds().min(LAST_SECOND - 86_400)).unwrap_or(0);
        Ok(DateTime::from_timestamp(seconds, self.utc_offset)?)
    }
}

impl Report {
    /// Makes the message that tells the sender.
    ///
    /// Queue it with the null reverse-path, for [`to`](Self::to) alone: so that a notice is never answered by a notice (RFC 5321
    /// section 4.5.5). It is in ASCII, except that a sender whose address is not needs header fields in UTF-8, and the message SMTPUTF8
    /// to be sent.
    ///
    /// `original` is the message that this is about, or the beginning of it: one octet more than `quote_limit` is enough. `seed` makes
    /// the Message-ID and the boundaries: draw it from a good source of randomness, but keep it if the same notice may be made again.
    ///
    /// # Errors
    ///
    /// When the hostname or the reverse-path cannot stand in a header field, or a date has more than four digits of year.
    ///
    /// ```
    /// use postroad_core::{Domain, Mailbox};
    /// use postroad_queue::{Notice, Outcome, QueuedMessage, ReportConfig, Schedule, UnixTime};
    ///
    /// let (schedule, now) = (Schedule::default(), UnixTime::from_seconds(1_795_420_800));
    /// let alice = Mailbox::parse("alice@crepes.fr").unwrap();
    /// let mut message = QueuedMessage::new("a1", Some(alice), Mailbox::parse("bob@hamburger.edu"), now);
    /// let outcome = Outcome::from_reply(550, None, "5.1.1 No such user", "mx.hamburger.edu");
    /// message.outcome(0, outcome, &schedule, now);
    ///
    /// let config = ReportConfig::new(Domain::parse("crepes.fr").unwrap());
    /// for notice in message.take_notices(&schedule, now) {
    ///     if let Notice::Failure(report) | Notice::Delay(report) = notice {
    ///         let octets = report.to_message(&config, b"Subject: Hello\r\n\r\nBob?\r\n", now, 42)?;
    ///         let text = std::str::from_utf8(&octets).unwrap();
    ///         assert!(text.contains("\r\nFinal-Recipient: rfc822; bob@hamburger.edu\r\nAction: failed\r\nStatus: 5.1.1\r\n"));
    ///         // … into the queue, in one step with the message that it is about
    ///         let _ = QueuedMessage::new("a2", None, [report.to.clone()], now);
    ///     }
    /// }
    /// # Ok::<(), postroad_message::BuildError>(())
    /// ```
    pub fn to_message(
        &self,
        config: &ReportConfig,
        original: &[u8],
        now: UnixTime,
        seed: u128,
    ) -> Result<Bytes, BuildError> {
        let header = header_of(original, config.quote_limit);
        let parsed = Message::parse(&header);
        let about = parsed.message_id().filter(MessageId::is_valid);
        let people = self.for_people(config, parsed.subject().as_deref())?;
        let whole = config.return_message && self.action == Action::Failed;
        let quoted = if whole && original.len() <= config.quote_limit && is_quotable(original) {
            PartBuilder::verbatim("message/rfc822", Bytes::copy_from_slice(original))
                .description("The message that this is about")
        } else {
            PartBuilder::octets("text/rfc822-headers", header.clone())
                .description("The header of the message that this is about")
        };
        let mut parts = vec![
            PartBuilder::text(&people).description("Notification"),
            PartBuilder::verbatim("message/delivery-status", self.for_machines(config)?)
                .description("Delivery report"),
        ];
        // The third part may be left out (RFC 6522 section 3), as when the store has lost the message.
        parts.extend((!original.is_empty()).then_some(quoted));
        let report_type =
            ContentType::new("multipart", "report")?.with_parameter("report-type", "delivery-status")?;
        let body = PartBuilder::multipart(report_type, parts);
        let daemon = AddrSpec::new("MAILER-DAEMON", config.hostname.as_str())?;
        let to = AddrSpec::new(&self.to.local_part_unquoted(), self.to.domain().as_str())?;
        let builder = MessageBuilder::new();
        let builder = match about {
            Some(id) => builder.in_reply_to(id),
            None => builder,
        };
        builder
            .from(NamedMailbox::new("Mail Delivery System", daemon)?)
            .to(NamedMailbox::new("", to)?)
            .date(config.date(now)?)
            .seed(seed)
            .message_id_at(config.hostname.as_str())
            .subject(match self.action {
                Action::Failed => "Undelivered mail: your message could not be delivered",
                Action::Delayed => "Delayed mail: your message has not been delivered yet",
            })
            .field("Auto-Submitted", FieldValue::structured("auto-replied")?)
            .utf8_headers(!self.to.is_ascii() || !config.hostname.is_ascii())
            .body(body)
            .build()
    }

    fn for_people(&self, config: &ReportConfig, subject: Option<&str>) -> Result<String, BuildError> {
        let mut text = String::new();
        let recipients = if self.recipients.len() == 1 { "this recipient" } else { "these recipients" };
        let arrived = config.date(self.arrived)?;
        let tries = InWords(self.give_up);
        // Writing to a String cannot fail.
        let _ = write!(text, "This is the mail system at {}.\n\n", config.hostname);
        let _ = match self.action {
            Action::Failed => write!(
                text,
                "Your message, which came here on {arrived},\ncould not be delivered to {recipients}. It will not be tried again.\n"
            ),
            Action::Delayed => write!(
                text,
                "Your message, which came here on {arrived},\nhas not been delivered yet to {recipients}. \
                 You need NOT send it again:\nit will be tried until {}, {tries} after it arrived.\n",
                config.date(self.arrived.plus(self.give_up))?,
            ),
        };
        if let Some(subject) = subject.map(str::trim).filter(|subject| !subject.is_empty()) {
            let safe = |character: char| if character.is_control() { ' ' } else { character };
            let _ = writeln!(
                text,
                "\nSubject: {}",
                subject.chars().take(SUBJECT_LIMIT).map(safe).collect::<String>()
            );
        }
        for recipient in &self.recipients {
            let _ = write!(text, "\n<{}>\n", recipient.mailbox);
            if recipient.expired {
                let _ = writeln!(text, "  This server gave up after {tries}. The last failure was:");
            }
            let said = &recipient.diagnostic;
            match said.remote() {
                Some(remote) => {
                    let _ = writeln!(text, "  The mail server {remote} said:");
                    for line in said.text().split('\n') {
                        let _ = writeln!(text, "    {line}");
                    }
                }
                None => {
                    let _ = writeln!(text, "  {}", said.text().replace('\n', "\n  "));
                }
            }
            if let Some(last_attempt) = recipient.last_attempt {
                let plural = if recipient.attempts == 1 { "try" } else { "tries" };
                let _ = writeln!(
                    text,
                    "  ({} {plural}, the last one on {})",
                    recipient.attempts,
                    config.date(last_attempt)?
                );
            }
        }
        text.push_str(match self.action {
            Action::Failed => {
                "\nIf an address is wrong, correct it and send the message again. Otherwise write to the\npostmaster of \
                 that domain, with this notice.\n"
            }
            Action::Delayed => "\nIf it cannot be delivered in that time, another notice will tell you.\n",
        });
        Ok(text)
    }

    /// The content of `message/delivery-status` (RFC 3464 section 2.1).
    fn for_machines(&self, config: &ReportConfig) -> Result<Vec<u8>, BuildError> {
        let mut fields = Fields::default();
        fields.add("Reporting-MTA", &format!("dns; {}", ascii(config.hostname.as_str())));
        if !self.id.is_empty() {
            fields.add("X-Postroad-Queue-ID", &printable(&self.id, 200));
        }
        fields.add("Arrival-Date", &config.date(self.arrived)?.to_string());
        for recipient in &self.recipients {
            fields.begin_group();
            self.recipient_fields(recipient, config, &mut fields)?;
        }
        Ok(fields.0.into_bytes())
    }

    fn recipient_fields(
        &self,
        recipient: &ReportedRecipient,
        config: &ReportConfig,
        fields: &mut Fields,
    ) -> Result<(), BuildError> {
        if let Some(original) = &recipient.original_recipient {
            let (kind, address) = original.split_once(';').unwrap_or(("rfc822", original));
            let (kind, address) = (printable(kind.trim(), 50), ascii(address.trim()));
            if !kind.is_empty() && !address.is_empty() {
                fields.add("Original-Recipient", &format!("{kind}; {address}"));
            }
        }
        fields.add("Final-Recipient", &typed_address(&recipient.mailbox));
        fields.add("Action", self.action.as_str());
        let status = recipient.diagnostic.status();
        let status = match self.action {
            // What is tried again is no permanent failure, whatever the reply called it.
            Action::Delayed => Status::of(4, status.subject(), status.detail()),
            Action::Failed => status,
        };
        fields.add("Status", &status.to_string());
        match recipient.diagnostic.remote() {
            Some(remote) => {
                fields.add("Remote-MTA", &format!("dns; {remote}"));
                fields.add("Diagnostic-Code", &format!("smtp; {}", recipient.diagnostic.text()));
            }
            // RFC 3464 section 2.3.6: without a Remote-MTA it is this side that says so, and it is no reply.
            None => fields.add("Diagnostic-Code", &format!("X-Postroad; {}", recipient.diagnostic.text())),
        }
        if let Some(last_attempt) = recipient.last_attempt {
            fields.add("Last-Attempt-Date", &config.date(last_attempt)?.to_string());
        }
        if let Some(until) = recipient.will_retry_until {
            fields.add("Will-Retry-Until", &config.date(until)?.to_string());
        }
        Ok(())
    }
}

/// Lines of `name: value`, of printable ASCII whatever was given, folded.
#[derive(Default)]
struct Fields(String);

impl Fields {
    fn begin_group(&mut self) {
        self.0.push_str("\r\n");
    }

    fn add(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(':');
        let mut column = name.len() + 1;
        let value = ascii(value);
        for word in value.split_ascii_whitespace() {
            for piece in word.as_bytes().chunks(LONGEST_WORD) {
                // The name is never left alone on its line: some readers take such a field for empty.
                if column + 1 + piece.len() > FOLD_AT && column > name.len() + 1 {
                    self.0.push_str("\r\n");
                    column = 0;
                }
                self.0.push(' ');
                self.0.extend(piece.iter().map(|octet| char::from(*octet)));
                column += 1 + piece.len();
            }
        }
        self.0.push_str("\r\n");
    }
}

/// Printable ASCII and spaces: line ends become spaces, everything else question marks.
fn ascii(text: &str) -> String {
    let safe = |character: char| match character {
        '\n' | '\t' => ' ',
        ' '..='~' => character,
        _ => '?',
    };
    text.chars().map(safe).collect()
}

/// `rfc822; bob@hamburger.edu`; for an address outside of ASCII RFC 6533's `utf-8-addr-xtext`.
fn typed_address(mailbox: &Mailbox) -> String {
    if mailbox.is_ascii() {
        return format!("rfc822; {mailbox}");
    }
    let mut text = String::from("utf-8; ");
    for character in mailbox.to_string().chars() {
        if character.is_ascii_graphic() && !matches!(character, '\\' | '+' | '=') {
            text.push(character);
        } else {
            let _ = write!(text, "\\x{{{:02X}}}", u32::from(character));
        }
    }
    text
}

/// Whether it can be quoted as `message/rfc822`, which must not be encoded (RFC 2046 section 5.2.1): ASCII in lines.
fn is_quotable(message: &[u8]) -> bool {
    let lines = |line: &[u8]| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.len() <= LONGEST_LINE && !line.contains(&b'\r')
    };
    let paired = message
        .iter()
        .zip([0].iter().chain(message))
        .all(|(octet, before)| *octet != b'\n' || *before == b'\r');
    let bare_end = message.last() == Some(&b'\r');
    message.is_ascii()
        && !message.contains(&0)
        && paired
        && !bare_end
        && message.split(|octet| *octet == b'\n').all(lines)
}

/// The header of `message`, whole fields of at most `limit` octets in all, with CRLF as line ends.
fn header_of(message: &[u8], limit: usize) -> Vec<u8> {
    let mut header = Vec::new();
    let mut field_end = 0;
    for line in message.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            field_end = header.len();
        }
        if line.is_empty() {
            break;
        }
        if header.len() + line.len() + 2 > limit {
            header.truncate(field_end);
            break;
        }
        header.extend(line.iter().map(|octet| if matches!(octet, 0 | b'\r') { b'?' } else { *octet }));
        header.extend_from_slice(b"\r\n");
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_cut_at_a_field() {
        let message = b"A: 1\r\nB: 2\r\n folded\r\nC: 3\r\n\r\nbody\r\n";
        assert_eq!(header_of(message, 1000), b"A: 1\r\nB: 2\r\n folded\r\nC: 3\r\n");
        assert_eq!(header_of(message, 22), b"A: 1\r\nB: 2\r\n folded\r\n");
        assert_eq!(header_of(message, 20), b"A: 1\r\n");
        assert_eq!(header_of(message, 3), b"");
        assert_eq!(header_of(b"A: 1\nB: \x002\r3\n\nbody", 1000), b"A: 1\r\nB: ?2?3\r\n");
        assert_eq!(header_of(b"", 1000), b"");
        assert_eq!(header_of(b"A: 1", 1000), b"A: 1\r\n");
    }

    #[test]
    fn what_can_be_quoted_whole() {
        assert!(is_quotable(b"A: 1\r\n\r\nbody\r\n"));
        assert!(is_quotable(b""));
        for bad in
            [&b"a\nb"[..], b"\na", b"a\rb\r\n", b"a\0", "é".as_bytes(), b"a\r\r\n", b"a\r", &[b'a'; 999]]
        {
            assert!(!is_quotable(bad), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn fields_are_folded_and_safe() {
        let mut fields = Fields::default();
        fields.add("X", &format!("a\r\nEvil: b\0é {} {}", "c".repeat(2000), "d ".repeat(100)));
        for line in fields.0.split_terminator("\r\n") {
            assert!(
                line.len() <= LONGEST_WORD + 1 && line.bytes().all(|octet| (b' '..=b'~').contains(&octet))
            );
            assert!(line.starts_with("X: a? Evil: b??") || line.starts_with(' '), "{line}");
        }
        assert!(fields.0.ends_with("\r\n"));
    }

    #[test]
    fn addresses_outside_of_ascii_are_escaped() {
        let mailbox = Mailbox::parse("bob+é@hambürger.edu").unwrap();
        assert_eq!(typed_address(&mailbox), "utf-8; bob\\x{2B}\\x{E9}@hamb\\x{FC}rger.edu");
    }
}
