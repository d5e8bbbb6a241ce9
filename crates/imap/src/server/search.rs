//! The answer to SEARCH: numbers, or ESEARCH (RFC 9051 sections 6.4.4 and 7.3.4, RFC 3501 section 7.2.5).

use super::Server;
use crate::command::{self, SearchReturn};
use crate::response::{ESearchResponse, No, Numbers, Response, SearchResponse, Status};
use crate::types::{ModSeq, UidSet};
use postroad_core::Ticket;

impl Server {
    pub(super) fn searched(
        &mut self,
        ticket: Ticket,
        command: &command::Search,
        found: impl IntoIterator<Item = u32>,
        mod_seq: Option<ModSeq>,
    ) {
        let Some(running) = self.settle(ticket) else { return };
        let view = self.view.take();
        let known = |uid: &u32| view.as_ref().is_some_and(|view| view.told().contains(*uid));
        let uids: UidSet = found.into_iter().filter(known).collect();
        self.view = view;
        let numbers = if command.uid { uids.clone() } else { self.numbers_of(&uids) };
        let mod_seq = mod_seq.filter(|_| !numbers.is_empty());
        let mut response = ESearchResponse {
            tag: Some(running.tag.as_bytes().clone()),
            uid: command.uid,
            mod_seq,
            ..ESearchResponse::default()
        };
        match &command.return_options {
            None if self.is_rev2() => {
                response.all = Some(Numbers::from(numbers)).filter(|all| !all.is_empty());
                self.untagged(&Response::ESearch(response));
            }
            None => self.untagged(&Response::Search(SearchResponse { numbers: numbers.into(), mod_seq })),
            Some(options) => {
                if options.save {
                    self.saved = saved(&uids, options);
                }
                let first = numbers.iter().next();
                let last = numbers.ranges().last().map(|range| *range.end());
                response.min = first.filter(|_| options.min);
                response.max = last.filter(|_| options.max);
                response.count = u32::try_from(numbers.count()).ok().filter(|_| options.count);
                response.all = Some(Numbers::from(numbers)).filter(|all| options.all && !all.is_empty());
                // SAVE alone asks for no answer (RFC 5182 section 2.1).
                if options.min || options.max || options.count || options.all {
                    self.untagged(&Response::ESearch(response));
                }
            }
        }
        self.tell_before(running.class);
        let text: &'static str = if command.uid { "UID SEARCH completed" } else { "SEARCH completed" };
        self.tagged(&running.tag, Status::Ok, None, text);
    }

    pub(super) fn search_failed(&mut self, ticket: Ticket, command: &command::Search, no: No) {
        if self.tickets.is_out(&ticket) && command.return_options.as_ref().is_some_and(|options| options.save)
        {
            self.saved = Vec::new();
        }
        self.refuse(ticket, no);
    }
}

/// What `$` stands for after this search: with MIN or MAX, and neither ALL nor COUNT, only what these found (RFC 5182 section 2.4).
fn saved(uids: &UidSet, options: &SearchReturn) -> Vec<(u32, u32)> {
    let ranges: Vec<(u32, u32)> = uids.ranges().map(|range| (*range.start(), *range.end())).collect();
    if options.all || options.count || !(options.min || options.max) {
        return ranges;
    }
    let mut saved = Vec::new();
    if let (Some(&(first, _)), true) = (ranges.first(), options.min) {
        saved.push((first, first));
    }
    if let (Some(&(_, last)), true) = (ranges.last(), options.max)
        && saved.last() != Some(&(last, last))
    {
        saved.push((last, last));
    }
    saved
}
