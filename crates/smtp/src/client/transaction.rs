//! One message to its recipients (RFC 5321 section 3.3).

use super::{Client, CommandId, Event, NotNow};
use crate::{
    command::{Command, MailCommand, RcptCommand},
    reply::{Reply, ReplyCode, Severity},
    types::{BodyType, ForwardPath, ReversePath},
};
use core::mem;
use std::collections::VecDeque;

/// What goes around a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// Whom to tell when the message cannot be delivered.
    pub reverse_path: ReversePath,
    /// Where it goes.
    pub recipients: Vec<ForwardPath>,
    /// How many octets the message has, about. Told only to a server that offers SIZE (RFC 1870).
    pub size: Option<u64>,
    /// What the message is made of (RFC 6152). [`EightBitMime`](BodyType::EightBitMime) is not sent to a server that does not offer
    /// 8BITMIME: the transaction does not start, and the message must be recoded or returned. [`SevenBit`](BodyType::SevenBit) is told
    /// only where it can be. `None` says nothing.
    pub body: Option<BodyType>,
    /// Whether the header has UTF-8 (RFC 6531). Where an address has, SMTPUTF8 is asked for in any case; a server that does not offer it
    /// cannot be sent the message.
    pub smtp_utf8: bool,
}

impl Envelope {
    /// An envelope that says nothing of its message.
    pub fn new(reverse_path: ReversePath, recipients: Vec<ForwardPath>) -> Self {
        Self { reverse_path, recipients, size: None, body: None, smtp_utf8: false }
    }

    fn needs_smtp_utf8(&self) -> bool {
        self.smtp_utf8 || !self.reverse_path.is_ascii() || !self.recipients.iter().all(ForwardPath::is_ascii)
    }
}

/// What to do after an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// Go on with the next event.
    Working,
    /// Push the message into the client and finish it.
    SendBody,
    /// It is over, and this is what became of it. If [`Outcome::reusable`] says so, the next transaction may start on the connection.
    Done(Outcome),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The reply to MAIL, if it came.
    pub mail: Option<Reply>,
    /// The recipients, in the order of the envelope.
    pub recipients: Vec<RecipientOutcome>,
    /// The reply that ended the transaction, if one came: to the message, to a DATA that was refused, or the 421 with which the server
    /// left.
    pub end: Option<Reply>,
    /// Whether the server had asked for the message. Where no reply came to it, it may have been delivered or not (RFC 1047).
    pub begun: bool,
    /// Whether the connection is ready for another transaction.
    pub reusable: bool,
}

/// A recipient, and the reply to its RCPT.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientOutcome {
    /// Where the message was to go.
    pub forward_path: ForwardPath,
    /// The reply to RCPT, if it was sent and answered. That it is positive does not mean that the message arrived: see
    /// [`Outcome::delivery`].
    pub reply: Option<Reply>,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The server has taken responsibility for it, with this reply.
    Delivered(&'a Reply),
    /// The server has not, and this is why.
    Failed {
        /// The reply to RCPT, to MAIL, to DATA or to the message.
        reply: &'a Reply,
        /// Whether it will not help to try again. A 552 to RCPT is no such failure: it meant too many recipients once (RFC 5321 section
        /// 4.5.3.1.10).
        permanent: bool,
    },
    /// The connection was lost before it was known. Try again; it may arrive twice.
    Unknown,
}

impl Outcome {
    /// What became of the message for the recipient at this place of the envelope; `None` where there is none.
    pub fn delivery(&self, recipient: usize) -> Option<Delivery<'_>> {
        self.recipients.get(recipient).map(|recipient| self.delivery_to(recipient))
    }

    /// What became of the message for each recipient, in the order of the envelope.
    pub fn deliveries(&self) -> impl Iterator<Item = (&ForwardPath, Delivery<'_>)> {
        self.recipients.iter().map(|recipient| (&recipient.forward_path, self.delivery_to(recipient)))
    }

    fn delivery_to<'a>(&'a self, recipient: &'a RecipientOutcome) -> Delivery<'a> {
        let failed = |reply: &'a Reply| Delivery::Failed {
            reply,
            permanent: reply.severity() == Severity::PermanentNegative,
        };
        if let Some(mail) = self.mail.as_ref().filter(|mail| !mail.is_positive()) {
            return failed(mail);
        }
        match (&recipient.reply, &self.end) {
            (Some(reply), _) if !reply.is_positive() => {
                let too_many = reply.code() == ReplyCode::EXCEEDED_STORAGE;
                Delivery::Failed {
                    reply,
                    permanent: reply.severity() == Severity::PermanentNegative && !too_many,
                }
            }
            (_, Some(end)) if !end.is_positive() => failed(end),
            (Some(_), Some(end)) => Delivery::Delivered(end),
            (_, None) | (None, Some(_)) => Delivery::Unknown,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Mail,
    Rcpt(usize),
    Data,
    Rset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Recipients are sent.
    Recipients,
    /// DATA is next, if there is anybody to send the message to.
    Data,
    /// The message is next, or is being sent, or was.
    Message,
    /// Nobody to send the message to: the server must forget the transaction before the next.
    Reset,
    Resetting,
    Over,
}

/// The client did not take a command: whether it will take none any more.
struct Stopped(bool);

/// Sends one message: MAIL, RCPT for each recipient, DATA, the message; all at once where the server offers PIPELINING, else one after the
/// other.
///
/// It looks at every reply: a refused recipient does not keep the others from their message, and the connection stays in step (RFC 2920
/// section 3.1). If none is left, no message is sent; a server that says 354 all the same is given an empty one. After it the connection
/// is good for another transaction, unless the outcome says otherwise.
///
/// Start it, then give it each event of the client; it passes over those that are not its own. When the client is closed without an event
/// ([`Step::Closed`](crate::Step::Closed), or an error), ask [`connection_lost`](Self::connection_lost).
///
/// ```
/// # use postroad_smtp::{Session, Step, client::{Client, Config, Envelope, Progress, Transaction, Delivery}};
/// # use postroad_smtp::{command::Command, types::{ClientName, ForwardPath, ReversePath}};
/// # use bytes::{Bytes, BytesMut};
/// # #[allow(clippy::disallowed_methods)]
/// # let now = std::time::Instant::now();
/// # let mut client = Client::new(Default::default(), now);
/// # client.send(Command::Ehlo(ClientName::parse("bar.com")?))?;
/// # let mut input = BytesMut::from("220 ready\r\n250-foo.com\r\n250 PIPELINING\r\n");
/// # while !matches!(client.poll_event(now, &mut input)?, Step::NeedInput) {}
/// # while client.poll_transmit().is_some() {}
/// let recipients = vec![ForwardPath::parse("<Jones@foo.com>")?, ForwardPath::parse("<Green@foo.com>")?];
/// let mut transaction = Transaction::new(Envelope::new(ReversePath::parse("<Smith@bar.com>")?, recipients));
/// transaction.start(&mut client)?;
/// assert_eq!(
///     client.poll_transmit().unwrap(),
///     "MAIL FROM:<Smith@bar.com>\r\nRCPT TO:<Jones@foo.com>\r\nRCPT TO:<Green@foo.com>\r\nDATA\r\n",
/// );
///
/// input.extend_from_slice(b"250 ok\r\n250 ok\r\n550 No such user here\r\n354 go\r\n");
/// input.extend_from_slice(b""); // and, when the message has gone:
/// let outcome = loop {
///     let Step::Event(event) = client.poll_event(now, &mut input)? else { panic!("all replies are here") };
///     match transaction.handle(&mut client, &event) {
///         Progress::Working => {}
///         Progress::SendBody => {
///             client.push_body(Bytes::from_static(b"Blah blah blah...\r\n"))?;
///             client.finish_body();
///             input.extend_from_slice(b"250 ok, queued\r\n");
///         }
///         Progress::Done(outcome) => break outcome,
///     }
/// };
/// assert!(matches!(outcome.delivery(0), Some(Delivery::Delivered(_))));
/// assert!(matches!(outcome.delivery(1), Some(Delivery::Failed { permanent: true, .. })));
/// assert!(outcome.reusable);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Transaction {
    envelope: Envelope,
    stage: Stage,
    /// The commands whose replies have not come.
    outstanding: VecDeque<(CommandId, Sent)>,
    /// How many recipients were sent.
    next: usize,
    mail: Option<Reply>,
    replies: Vec<Option<Reply>>,
    end: Option<Reply>,
    /// The message was begun.
    begun: bool,
    /// The client takes no more commands.
    stopped: bool,
}

impl Transaction {
    /// A transaction that has not begun.
    pub fn new(envelope: Envelope) -> Self {
        let replies = vec![None; envelope.recipients.len()];
        Self {
            envelope,
            stage: Stage::Recipients,
            outstanding: VecDeque::new(),
            next: 0,
            mail: None,
            replies,
            end: None,
            begun: false,
            stopped: false,
        }
    }

    /// Sends MAIL, and what may follow it at once. EHLO or HELO must have been answered. To be called once.
    ///
    /// # Errors
    ///
    /// [`NotNow::NotOffered`] where the server lacks 8BITMIME or SMTPUTF8 and the envelope needs it; any other [`NotNow`] of
    /// [`Client::send`]. Nothing was sent.
    pub fn start(&mut self, client: &mut Client) -> Result<(), NotNow> {
        let mut mail = MailCommand::new(self.envelope.reverse_path.clone());
        if let Some(capabilities) = client.capabilities() {
            mail.parameters.size = self.envelope.size.filter(|_| capabilities.size.is_some());
            let may_be_left_out =
                |body: &BodyType| *body == BodyType::SevenBit && !capabilities.eight_bit_mime;
            mail.parameters.body = self.envelope.body.filter(|body| !may_be_left_out(body));
        } else {
            mail.parameters.body = self.envelope.body;
        }
        mail.parameters.smtp_utf8 = self.envelope.needs_smtp_utf8();
        let id = client.send(Command::Mail(mail))?;
        self.outstanding.push_back((id, Sent::Mail));
        // MAIL is out, so the transaction goes on; it cannot be over yet.
        let _ = self.advance(client);
        Ok(())
    }

    /// What was sent for, in its envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Looks at an event of the client and does what follows from it.
    pub fn handle(&mut self, client: &mut Client, event: &Event) -> Progress {
        if self.stage == Stage::Over {
            return Progress::Working;
        }
        match event {
            Event::Reply(id, reply) => self.reply(*id, reply),
            Event::SendBody(id) if self.take(*id).is_some() => {
                self.begun = true;
                // The id comes once more, with the reply to the message.
                self.outstanding.push_back((*id, Sent::Data));
                if self.has_recipients() {
                    return Progress::SendBody;
                }
                client.finish_body();
            }
            Event::Goodbye(reply) => {
                self.end.get_or_insert_with(|| reply.clone());
            }
            Event::SendBody(_) | Event::Greeting(_) | Event::Challenge(..) | Event::StartTls(_) => {}
        }
        if client.is_closed() {
            return Progress::Done(self.outcome(false));
        }
        self.advance(client)
    }

    /// The connection is gone: what is known by now. To be called when the client is closed and this is not done.
    pub fn connection_lost(&mut self) -> Outcome {
        self.outcome(false)
    }

    fn take(&mut self, id: CommandId) -> Option<Sent> {
        // Replies come in order, so it is the first if it is one of ours.
        let (first, sent) = *self.outstanding.front()?;
        (first == id).then(|| {
            self.outstanding.pop_front();
            sent
        })
    }

    fn reply(&mut self, id: CommandId, reply: &Reply) {
        let Some(sent) = self.take(id) else { return };
        match sent {
            Sent::Mail => self.mail = Some(reply.clone()),
            Sent::Rcpt(recipient) => {
                if let Some(slot) = self.replies.get_mut(recipient) {
                    *slot = Some(reply.clone());
                }
            }
            Sent::Data => {
                self.end = Some(reply.clone());
                // A message that was answered leaves nothing behind (RFC 5321 section 4.1.1.4); a DATA that was refused does.
                self.stage = if self.begun { Stage::Resetting } else { Stage::Reset };
            }
            Sent::Rset => self.stopped |= !reply.is_positive(),
        }
        if reply.code() == ReplyCode::NOT_AVAILABLE {
            self.end.get_or_insert_with(|| reply.clone());
        }
    }

    fn mail_was_refused(&self) -> bool {
        self.mail.as_ref().is_some_and(|reply| !reply.is_positive())
    }

    fn has_recipients(&self) -> bool {
        !self.mail_was_refused() && self.replies.iter().flatten().any(Reply::is_positive)
    }

    /// Sends what may be sent now.
    fn advance(&mut self, client: &mut Client) -> Progress {
        loop {
            let may_send = client.is_pipelining() || self.outstanding.is_empty();
            match self.stage {
                Stage::Recipients => {
                    let recipient = self.envelope.recipients.get(self.next);
                    let Some(recipient) = recipient.filter(|_| !self.stopped && !self.mail_was_refused())
                    else {
                        self.stage = Stage::Data;
                        continue;
                    };
                    let command = Command::Rcpt(RcptCommand::new(recipient.clone()));
                    if !may_send {
                        return Progress::Working;
                    }
                    match self.send(client, command, Sent::Rcpt(self.next)) {
                        Ok(()) => self.next += 1,
                        Err(Stopped(false)) => return Progress::Working,
                        Err(Stopped(true)) => {}
                    }
                }
                Stage::Data => {
                    let is_settled = self.outstanding.is_empty();
                    if is_settled && (self.stopped || !self.has_recipients()) {
                        self.stage = Stage::Reset;
                        continue;
                    }
                    let is_useless = self.stopped || self.mail_was_refused();
                    if is_useless || !may_send {
                        return Progress::Working;
                    }
                    match self.send(client, Command::Data, Sent::Data) {
                        Ok(()) => self.stage = Stage::Message,
                        Err(Stopped(false)) => return Progress::Working,
                        Err(Stopped(true)) => {}
                    }
                }
                Stage::Message => return Progress::Working,
                Stage::Reset => {
                    let is_open = self.mail.as_ref().is_some_and(Reply::is_positive);
                    if is_open && !self.stopped {
                        if let Err(Stopped(false)) = self.send(client, Command::Rset, Sent::Rset) {
                            return Progress::Working;
                        }
                    }
                    self.stage = Stage::Resetting;
                }
                Stage::Resetting if self.outstanding.is_empty() => {
                    return Progress::Done(self.outcome(!self.stopped));
                }
                Stage::Resetting | Stage::Over => return Progress::Working,
            }
        }
    }

    fn send(&mut self, client: &mut Client, command: Command, sent: Sent) -> Result<(), Stopped> {
        match client.send(command) {
            Ok(id) => {
                self.outstanding.push_back((id, sent));
                Ok(())
            }
            Err(error) => {
                self.stopped |= error != NotNow::Full;
                Err(Stopped(self.stopped))
            }
        }
    }

    fn outcome(&mut self, reusable: bool) -> Outcome {
        let begun = self.begun && self.has_recipients();
        self.stage = Stage::Over;
        let recipients = self.envelope.recipients.iter().cloned().zip(mem::take(&mut self.replies));
        Outcome {
            mail: self.mail.take(),
            recipients: recipients
                .map(|(forward_path, reply)| RecipientOutcome { forward_path, reply })
                .collect(),
            end: self.end.take(),
            begun,
            reusable,
        }
    }
}
