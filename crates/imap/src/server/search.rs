//! The answer to SEARCH: numbers, or ESEARCH (RFC 9051 sections 6.4.4 and 7.3.4, RFC 3501 section 7.2.5).

use super::Server;
use crate::command;
use crate::response::{ESearch, No, Response, Status};
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
        let known = |uid: &u32| view.as_ref().is_some_and(|view| view.told().number(*uid).is_some());
        let uids: UidSet = found.into_iter().filter(known).collect();
        self.view = view;
        let answer = if command.uid { uids.clone() } else { self.numbers_of(&uids) };
        let mod_seq = mod_seq.filter(|_| !answer.is_empty());
        match &command.return_options {
            None if self.is_rev2() => {
                let mut response = ESearch::new(Some(running.tag.clone()), command.uid);
                response.all = Some(answer).filter(|all| !all.is_empty());
                response.mod_seq = mod_seq;
                self.untagged(&Response::ESearch(response));
            }
            None => self.untagged(&Response::Search { numbers: answer, mod_seq }),
            Some(options) => {
                if options.save {
                    self.saved = uids;
                }
                // SAVE alone asks for nothing (RFC 5182 section 2.1).
                if options.is_only_save() {
                    self.end_search(&running);
                    return;
                }
                let mut response = ESearch::new(Some(running.tag.clone()), command.uid);
                if options.min {
                    response.min = answer.first();
                }
                if options.max {
                    response.max = answer.last();
                }
                if options.count {
                    response.count = Some(answer.len());
                }
                response.mod_seq = mod_seq;
                if options.all {
                    response.all = Some(answer).filter(|all| !all.is_empty());
                }
                self.untagged(&Response::ESearch(response));
            }
        }
        self.end_search(&running);
    }

    fn end_search(&mut self, running: &super::Running) {
        self.tell_before(running.class);
        self.tagged(&running.tag, Status::Ok, None, "SEARCH completed");
    }

    pub(super) fn search_failed(&mut self, ticket: Ticket, command: &command::Search, no: No) {
        if self.tickets.is_out(&ticket) && command.return_options.as_ref().is_some_and(|options| options.save) {
            self.saved = UidSet::default();
        }
        self.refuse(ticket, no);
    }
}
