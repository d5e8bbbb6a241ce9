//! What a server says of its own accord.

use postroad_imap::client::Event;
use postroad_imap::response::{FetchRow, Response, ResponseCode, ResponseText, Status, StatusResponse};
use postroad_imap::types::UidSet;
use std::collections::VecDeque;

/// Something that the server said and no command asked for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// The mailbox has so many messages now.
    Exists(u32),
    /// The message of this sequence number is gone, and those behind it have a number less.
    Expunge(u32),
    /// The messages of these UIDs are gone (RFC 7162 section 3.2.10).
    Vanished(UidSet),
    /// Flags of a message have changed.
    Row(FetchRow),
    /// What the server said of the number of messages cannot be: select the mailbox anew, or use UIDs only.
    OutOfStep,
    /// Something that the user must be shown.
    Alert(ResponseText),
    /// Anything else.
    Data(Response),
    /// There was more news than is kept: all that is older is lost. Read the mailbox anew.
    Lost,
}

impl News {
    fn is_of_mailbox(&self) -> bool {
        !matches!(self, Self::Alert(_) | Self::Data(_))
    }

    fn cost(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Row(row) => row.raw().len(),
                Self::Vanished(uids) => uids.ranges().len() * 8,
                Self::Alert(text) => text.as_str().len(),
                Self::Data(response) => cost(response),
                _ => 0,
            }
    }
}

/// About how many octets of memory a response takes.
pub(super) fn cost(response: &Response) -> usize {
    let variable = match response {
        Response::List(list) | Response::Lsub(list) => {
            let extended: usize =
                list.extended.iter().map(|(name, value)| name.len() + value.as_bytes().len()).sum();
            list.mailbox.as_str().len() + 48 * list.attributes.len() + extended
        }
        Response::Fetch(row) => row.raw().len(),
        Response::Unknown(unknown) => unknown.raw().len(),
        Response::Search(found) | Response::Sort(found) => found.numbers.ranges().len() * 8,
        Response::ESearch(found) => {
            let others: usize =
                found.others.iter().map(|(name, value)| name.as_bytes().len() + value.as_bytes().len()).sum();
            found.all.as_ref().map_or(0, |all| all.ranges().len() * 8) + others
        }
        Response::Status(status) => status.text.as_str().len(),
        Response::MailboxStatus(status) => status.mailbox.as_str().len(),
        Response::Vanished { uids, .. } => uids.ranges().len() * 8,
        Response::Flags(flags) => flags.len() * 48,
        Response::Id(Some(fields)) => {
            fields.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, bytes::Bytes::len)).sum()
        }
        _ => 0,
    };
    size_of::<Response>() + variable
}

/// The news that nobody has asked for yet.
#[derive(Debug)]
pub(super) struct Queue {
    news: VecDeque<News>,
    cost: usize,
    limit: usize,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self { news: VecDeque::new(), cost: 0, limit }
    }

    pub(super) fn push(&mut self, news: News) {
        // Of numbers of messages with nothing in between the last is true.
        if let (News::Exists(number), Some(News::Exists(last))) = (&news, self.news.back_mut()) {
            *last = *number;
            return;
        }
        self.cost += news.cost();
        if self.cost > self.limit {
            self.news = VecDeque::from([News::Lost]);
            self.cost = News::Lost.cost();
            return;
        }
        self.news.push_back(news);
    }

    pub(super) fn pop(&mut self) -> Option<News> {
        let news = self.news.pop_front()?;
        self.cost -= news.cost();
        Some(news)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.news.is_empty()
    }

    /// Another mailbox is selected, or none: what was told of the messages is over.
    pub(super) fn forget_mailbox(&mut self) {
        self.news.retain(|news| !news.is_of_mailbox());
        self.cost = self.news.iter().map(News::cost).sum();
    }

    /// Takes what is news, and gives back the rest.
    pub(super) fn sort(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Exists(number) => self.push(News::Exists(number)),
            Event::Expunge(number) => self.push(News::Expunge(number)),
            Event::OutOfStep => self.push(News::OutOfStep),
            Event::Row { of: None, row } => self.push(News::Row(row)),
            Event::Data { response: Response::Vanished { earlier: false, uids }, .. } => {
                self.push(News::Vanished(uids));
            }
            // It may be what a command is waiting for.
            Event::Data { of: None, response: Response::Unknown(_) } => return Some(event),
            Event::Data { of: None, response: Response::Recent(_) | Response::Capability(_) } => {}
            Event::Data { of: None, response } => self.push(match response {
                Response::Status(status) if status.code == Some(ResponseCode::Alert) => {
                    News::Alert(status.text)
                }
                // "Still here", as some servers say every minute.
                Response::Status(StatusResponse { status: Status::Ok, code: None, .. }) => return None,
                response => News::Data(response),
            }),
            Event::Data { of: Some(_), response: Response::Status(ref status) }
                if status.code == Some(ResponseCode::Alert) =>
            {
                self.push(News::Alert(status.text.clone()));
                return Some(event);
            }
            Event::Done { ref status, .. } | Event::Greeting(ref status)
                if status.code == Some(ResponseCode::Alert) =>
            {
                self.push(News::Alert(status.text.clone()));
                return Some(event);
            }
            Event::Repaired(_) => {}
            event => return Some(event),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_bounded_and_what_was_lost_is_told() {
        let mut queue = Queue::new(10_000);
        for number in 1..100_000 {
            queue.push(News::Expunge(number));
            queue.push(News::Exists(number));
            assert!(queue.cost <= 10_000);
        }
        assert_eq!(queue.pop(), Some(News::Lost));
        let rest = std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>();
        assert_eq!(rest.last(), Some(&News::Exists(99_999)));
        assert_eq!(queue.cost, 0);
    }

    #[test]
    fn only_the_last_number_of_messages_counts() {
        let mut queue = Queue::new(10_000);
        for number in 1..100_000 {
            queue.push(News::Exists(number));
        }
        queue.push(News::Alert("the disk is on fire".into()));
        assert_eq!(queue.pop(), Some(News::Exists(99_999)));
        queue.push(News::Expunge(1));
        queue.forget_mailbox();
        assert_eq!(queue.pop(), Some(News::Alert("the disk is on fire".into())));
        assert_eq!(queue.pop(), None);
    }
}
