//! Quotas (RFC 9208).

use super::Server;
use super::request::tokens;
use crate::response::{No, Quota, QuotaRoot, Response};
use crate::types::{MailboxName, QuotaLimit};
use bytes::Bytes;
use postroad_core::Ticket;

tokens! {
    /// What [`Event::GetQuota`](super::Event::GetQuota) asks: what a quota root allows, and how much of it is used (RFC 9208 section 4.1.1).
    GetQuota { root: Bytes = "The name of the quota root, which may be empty." }
    /// What [`Event::GetQuotaRoot`](super::Event::GetQuotaRoot) asks: which quota roots a mailbox has, and what they allow (RFC 9208 section
    /// 4.1.2).
    GetQuotaRoot { mailbox: MailboxName = "The mailbox, which need not be there." }
    /// What [`Event::SetQuota`](super::Event::SetQuota) asks: other limits for a quota root (RFC 9208 section 4.1.3). It is asked only where
    /// QUOTASET is announced; else the session refuses.
    SetQuota {
        root: Bytes = "The name of the quota root.",
        limits: Vec<QuotaLimit> = "The new limits. What is not named has none.",
    }
}

impl GetQuota {
    /// OK, with the answer.
    pub fn ok(self, session: &mut Server, quota: Quota) {
        session.untagged_and_ok(self.ticket, &Response::Quota(quota), "GETQUOTA completed");
    }
}

impl GetQuotaRoot {
    /// OK: these are the quotas of the mailbox; there may be none.
    pub fn ok(self, session: &mut Server, quotas: Vec<Quota>) {
        let roots = quotas.iter().map(|quota| quota.root.clone()).collect();
        session.untagged_of_all(
            self.ticket,
            core::iter::once(Response::QuotaRoot(QuotaRoot { mailbox: self.mailbox, roots }))
                .chain(quotas.into_iter().map(Response::Quota)),
            "GETQUOTAROOT completed",
        );
    }
}

impl SetQuota {
    /// OK: these are the limits now.
    pub fn ok(self, session: &mut Server, quota: Quota) {
        session.untagged_and_ok(self.ticket, &Response::Quota(quota), "SETQUOTA completed");
    }
}
