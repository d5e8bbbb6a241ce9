use super::UniqueId;

/// One message of a [`Maildrop`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaildropMessage {
    /// Its size: the octets that will be sent by RETR, each line end counted as two, also one that is missing at the end, and stuffed
    /// dots not at all (RFC 1939 section 11).
    pub octets: u64,
    /// Its unique-id.
    pub unique_id: UniqueId,
}

/// The messages of a maildrop as they were when it was locked: the session numbers them by this order, and numbers never change
/// (RFC 1939 section 4).
///
/// ```
/// use postroad_pop3::types::{Maildrop, UniqueId};
///
/// let mut maildrop = Maildrop::new();
/// maildrop.push(120, UniqueId::from_uid(1, 7));
/// maildrop.push(200, UniqueId::from_uid(1, 9));
/// assert_eq!((maildrop.len(), maildrop.octets()), (2, 320));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Maildrop {
    messages: Vec<MaildropMessage>,
    octets: u64,
}

impl Maildrop {
    /// A maildrop without messages.
    pub const fn new() -> Self {
        Self { messages: Vec::new(), octets: 0 }
    }

    /// Adds a message behind the others.
    pub fn push(&mut self, octets: u64, unique_id: UniqueId) {
        self.octets = self.octets.saturating_add(octets);
        self.messages.push(MaildropMessage { octets, unique_id });
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The octets of all messages.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// The messages, the first of which has the message-number 1.
    pub fn messages(&self) -> &[MaildropMessage] {
        &self.messages
    }
}

impl FromIterator<MaildropMessage> for Maildrop {
    fn from_iter<I: IntoIterator<Item = MaildropMessage>>(messages: I) -> Self {
        let mut maildrop = Self::new();
        maildrop.extend(messages);
        maildrop
    }
}

impl Extend<MaildropMessage> for Maildrop {
    fn extend<I: IntoIterator<Item = MaildropMessage>>(&mut self, messages: I) {
        for message in messages {
            self.push(message.octets, message.unique_id);
        }
    }
}
