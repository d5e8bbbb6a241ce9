//! Sending a message, or keeping it as a draft.
//!
//! Whatever goes wrong, the form comes back with all that was written. Files cannot be put back into a form, so they
//! are kept with a draft.

use std::collections::HashSet;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use postroad_core::Mailbox as Path;
use postroad_message::{AddressList, DateTime, Mailbox, MessageBuilder};

use super::act::special;
use super::assemble::{Assembled, NotAssembled, assemble};
use super::compose::{ids, show_form};
use super::language::{Texts, fill};
use super::loaded::{Place, message_query};
use super::message::attachments;
use super::response::{Failure, page as show, see_other};
use super::session::parse_id;
use super::upload::{self, File, Upload};
use super::view::{ComposeForm, EndedPage, Frame, query, size};
use super::visitor::{Fields, Member, Visitor, Web};
use crate::inbound::{NotSubmitted, Submission};
use crate::store::mailboxes::{
    Flags, FlagsChange, Mailbox as Folder, NewMessage, SpecialUse, SystemFlags, UidSet,
};
use crate::store::{Spool, StoreError};

/// What goes to the spool at a time.
const PIECE: usize = 64 * 1024;
/// What is said of the recipients at most.
const MAX_ERRORS: usize = 20;

/// What somebody wrote.
struct Written {
    web: Web,
    member: Member,
    fields: Fields,
    /// The message that it comes from, if that is still there.
    source: Option<Place>,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    bcc: Vec<Mailbox>,
    /// What has to be said to them.
    errors: Vec<String>,
    /// How bad it is.
    status: StatusCode,
}

pub(super) async fn submit(
    State(web): State<Web>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, Failure> {
    let limit = web.context.config.limits.message_size;
    let Some((session, account)) = visitor.session.clone() else {
        return ended(&web, visitor, request).await;
    };
    let member = Member::of(&visitor, session, account, "/compose");
    let check = |token: &str| member.check_form(&web, token);
    let upload = upload::read(&web, request, limit, true, check).await?;
    // What has come whole is done with, whether or not the browser waits for it: a message is not half sent.
    tokio::spawn(finish(web, member, upload)).await.map_err(|_| Failure::Busy)?
}

async fn finish(web: Web, member: Member, upload: Upload) -> Result<Response, Failure> {
    let Upload { fields, files, is_too_large } = upload;
    let (session, t) = (member.session, member.language.texts());
    let mut written = Written::new(web.clone(), member, fields).await?;
    if is_too_large {
        let limit = web.context.config.limits.message_size;
        written.errors.push(fill(t.too_large, &[&size(limit)]));
        written.errors.push(t.files_again.to_owned());
        written.status = StatusCode::PAYLOAD_TOO_LARGE;
        return written.again(None).await;
    }
    if written.fields.one("action") == "draft" {
        return written.save(files).await;
    }
    let once = parse_id(written.fields.one("once")).ok_or(Failure::BadRequest)?;
    let sessions = &web.context.webmail.sessions;
    if !sessions.take_form(&session, once) {
        return Ok(see_other("/folder?name=INBOX&done=twice"));
    }
    let response = written.send(files).await;
    // Only what is on its way has used up its form.
    if !response.as_ref().is_ok_and(|response| response.status() == StatusCode::SEE_OTHER) {
        sessions.give_form_back(&session, &once);
    }
    response
}

/// The session ended while somebody wrote: they get their text back.
async fn ended(web: &Web, visitor: Visitor, request: Request) -> Result<Response, Failure> {
    if !visitor.had_session {
        return Err(Failure::LoggedOut);
    }
    let limit = web.context.config.limits.message_size;
    let upload = upload::read(web, request, limit, false, |_| Ok(())).await?;
    let frame = Frame::plain(web, &visitor, visitor.language.texts().please_log_in);
    let text = upload.fields.one("text").to_owned();
    Ok(show(StatusCode::UNAUTHORIZED, &EndedPage { frame, text }))
}

impl Written {
    async fn new(web: Web, member: Member, fields: Fields) -> Result<Self, Failure> {
        let source = match fields.one("mode") {
            "" => None,
            _ => match Place::find(&web, &member, &fields).await {
                Ok(place) => Some(place),
                Err(Failure::NotFound) => None,
                Err(failure) => return Err(failure),
            },
        };
        let t = member.language.texts();
        let mut errors = Vec::new();
        let mut people = |name: &str, label: &str| {
            let list = AddressList::read(fields.one(name).as_bytes());
            if !list.is_complete() || !list.defects().is_empty() {
                errors.push(fill(t.bad_addresses, &[label]));
            }
            list.mailboxes().cloned().collect::<Vec<_>>()
        };
        let (to, cc, bcc) = (people("to", t.to), people("cc", t.cc), people("bcc", t.bcc));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Ok(Self { web, member, fields, source, to, cc, bcc, errors, status })
    }

    fn t(&self) -> &'static Texts {
        self.member.language.texts()
    }

    /// The recipients as the envelope has them, each once; what cannot be one is an error.
    fn recipients(&mut self) -> Vec<Path> {
        let t = self.t();
        let most = self.web.context.config.limits.recipients;
        let (mut paths, mut seen) = (Vec::new(), HashSet::new());
        for mailbox in self.to.iter().chain(&self.cc).chain(&self.bcc) {
            // Of many faults some are enough.
            if self.errors.len() >= MAX_ERRORS {
                break;
            }
            if paths.len() > most {
                self.errors.push(fill(t.too_many_recipients, &[&most.to_string()]));
                break;
            }
            let address = mailbox.address();
            match Path::try_from(address) {
                Ok(path) if address.is_ascii() => {
                    if seen.insert(path.clone()) {
                        paths.push(path);
                    }
                }
                Ok(_) => self.errors.push(fill(t.address_not_ascii, &[&address.to_string()])),
                Err(_) => self.errors.push(fill(t.bad_addresses, &[&address.to_string()])),
            }
        }
        if paths.is_empty() && self.errors.is_empty() {
            self.errors.push(t.need_recipient.to_owned());
        }
        paths
    }

    /// The message without its files. The copy that is kept has `Bcc`; submission takes it out.
    fn builder(&self) -> Result<MessageBuilder, Failure> {
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|_| Failure::Busy)?;
        let now = self.web.context.clock.now().seconds();
        let date = DateTime::from_timestamp(now, 0).map_err(|_| Failure::Busy)?;
        let subject: String =
            self.fields.one("subject").trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut builder = MessageBuilder::new()
            .from(self.member.account.address.as_str())
            .date(date)
            .seed(u128::from_ne_bytes(seed))
            .message_id_at(&self.web.context.config.hostname)
            .subject(&subject)
            .text(self.fields.one("text"))
            .write_bcc(true)
            // Submission refuses such addresses; a draft may have them.
            .utf8_headers(self.to.iter().chain(&self.cc).chain(&self.bcc).any(|to| !to.address().is_ascii()))
            .waive_destination();
        for mailbox in self.to.clone() {
            builder = builder.to(mailbox);
        }
        for mailbox in self.cc.clone() {
            builder = builder.cc(mailbox);
        }
        for mailbox in self.bcc.clone() {
            builder = builder.bcc(mailbox);
        }
        for id in ids(self.fields.one("in_reply_to")) {
            builder = builder.in_reply_to(id);
        }
        for id in ids(self.fields.one("references")) {
            builder = builder.reference(id);
        }
        Ok(builder)
    }

    /// The parts of the source that go along, as files. One that is gone is an error: nobody sends less than they think.
    async fn kept(&mut self) -> Result<Vec<File>, Failure> {
        let gone = self.t().files_gone;
        let numbers: Vec<&str> = self.fields.all("keep").collect();
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let loaded = match &self.source {
            Some(source) => source.load(&self.web).await.map(|loaded| Some((source, loaded))),
            None => Ok(None),
        };
        let (source, loaded) = match loaded {
            Ok(Some(loaded)) => loaded,
            Ok(None) | Err(Failure::NotFound) => {
                self.source = None;
                self.errors.push(gone.to_owned());
                return Ok(Vec::new());
            }
            Err(failure) => return Err(failure),
        };
        let mut files = Vec::new();
        for view in attachments(&loaded.message, source) {
            if !numbers.contains(&view.number.as_str()) {
                continue;
            }
            let Some(part) = loaded.message.part(&view.number) else { continue };
            let mut spool = self.web.context.store.spool();
            for piece in part.body().chunks(PIECE) {
                spool.write(piece).await?;
            }
            let content_type = part.content_type().essence().parse().map_err(|_| Failure::NotFound)?;
            files.push(File { name: view.name, content_type, content: spool.finish().await? });
        }
        if files.len() < numbers.len() {
            self.errors.push(gone.to_owned());
        }
        Ok(files)
    }

    /// The whole message; none when there are errors now.
    async fn assemble(&mut self, mut files: Vec<File>) -> Result<Option<Assembled>, Failure> {
        let mut all = self.kept().await?;
        all.append(&mut files);
        let limit = self.web.context.config.limits.message_size;
        let t = self.t();
        match assemble(self.builder()?, all, limit) {
            Ok(assembled) => return Ok(Some(assembled)),
            Err(NotAssembled::TooLarge) => {
                self.status = StatusCode::PAYLOAD_TOO_LARGE;
                self.errors.push(fill(t.too_large, &[&size(limit)]));
            }
            Err(NotAssembled::Refused(error)) => {
                tracing::debug!(%error, "a message cannot be built");
                self.errors.push(t.bad_text.to_owned());
            }
            Err(NotAssembled::Impossible) => return Err(Failure::Busy),
        }
        Ok(None)
    }

    async fn send(mut self, files: Vec<File>) -> Result<Response, Failure> {
        let has_files = !files.is_empty();
        let recipients = self.recipients();
        let Some(mut assembled) = self.assemble(files).await? else {
            if has_files {
                self.errors.push(self.t().files_again.to_owned());
            }
            return self.again(None).await;
        };
        let Web { context, peer, .. } = self.web.clone();
        let mut copy = context.store.spool();
        let submission = if self.errors.is_empty() {
            let begun =
                Submission::begin(&context, peer, &self.member.account, &recipients, assembled.size()).await;
            begun.map_err(|refused| self.refused(refused)).ok()
        } else {
            None
        };
        let Some(mut submission) = submission else {
            if has_files {
                while let Some(piece) = assembled.next().await? {
                    copy.write(&piece).await?;
                }
                return self.again(Some(copy)).await;
            }
            return self.again(None).await;
        };
        while let Some(piece) = assembled.next().await? {
            submission.write(&piece).await?;
            copy.write(&piece).await?;
        }
        if let Err(error) = submission.finish().await {
            self.refused(error.into());
            return self.again(has_files.then_some(copy)).await;
        }
        // From here on the message is on its way, whatever else goes wrong.
        let kept = self.keep(copy, SpecialUse::Sent, SystemFlags::SEEN).await;
        let done = match &kept {
            Ok(_) => "sent",
            Err(error) => {
                tracing::warn!(%peer, account = %self.member.account.address, %error, "no copy of a sent message");
                "sent-no-copy"
            }
        };
        if let Err(error) = self.finish_source().await {
            tracing::debug!(%error, "the message that was answered cannot be marked");
        }
        let back = self.source.as_ref().filter(|_| self.fields.one("mode") != "draft");
        let folder = back.map_or("INBOX", |source| &source.folder);
        Ok(see_other(&format!("/folder?{}", query(&[("name", folder), ("done", done)]))))
    }

    /// Keeps it as a draft, and goes on with that.
    async fn save(mut self, files: Vec<File>) -> Result<Response, Failure> {
        // A draft may be anything; what is no address stays in the form alone.
        let has_files = !files.is_empty();
        let Some(mut assembled) = self.assemble(files).await? else {
            if has_files {
                self.errors.push(self.t().files_again.to_owned());
            }
            return self.again(None).await;
        };
        let mut copy = self.web.context.store.spool();
        while let Some(piece) = assembled.next().await? {
            copy.write(&piece).await?;
        }
        if !self.errors.is_empty() {
            return self.again(Some(copy)).await;
        }
        let (folder, uid) = self.keep_draft(copy).await?;
        let drafts = self.drafts_name().await?;
        let place = message_query(&drafts, &folder, uid);
        Ok(see_other(&format!("/compose?mode=draft&{place}&done=saved")))
    }

    async fn drafts_name(&self) -> Result<String, StoreError> {
        let drafts = self.web.context.store.special_mailbox(&self.member.account, SpecialUse::Drafts).await;
        match drafts {
            Ok((_, name)) => Ok(name),
            Err(StoreError::NotFound) => Ok(SpecialUse::Drafts.default_name().to_owned()),
            Err(error) => Err(error),
        }
    }

    /// Puts a copy into a folder.
    async fn keep(
        &self,
        copy: Spool,
        special_use: SpecialUse,
        flags: SystemFlags,
    ) -> Result<(Folder, u32), StoreError> {
        let folder = special(&self.web, &self.member, special_use).await?;
        let message =
            NewMessage { message: copy.finish().await?, flags: Flags::system(flags), internal_date: None };
        let now = self.web.context.clock.now();
        let appended = self.web.context.store.append(&folder, vec![message], now).await?;
        Ok((folder, appended.uids.first().copied().unwrap_or_default()))
    }

    /// Keeps a draft; the one that it comes from goes.
    async fn keep_draft(&self, copy: Spool) -> Result<(Folder, u32), StoreError> {
        let kept = self.keep(copy, SpecialUse::Drafts, SystemFlags::DRAFT | SystemFlags::SEEN).await?;
        self.remove_old_draft().await?;
        Ok(kept)
    }

    async fn remove_old_draft(&self) -> Result<(), StoreError> {
        if let (Some(source), "draft") = (&self.source, self.fields.one("mode")) {
            let uids = UidSet::range(source.uid, source.uid);
            self.web.context.store.remove_messages(&source.mailbox, uids).await?;
        }
        Ok(())
    }

    /// Once it is sent: a draft goes, what was answered or forwarded is marked.
    async fn finish_source(&self) -> Result<(), StoreError> {
        let Some(source) = &self.source else { return Ok(()) };
        let flags = match self.fields.one("mode") {
            "reply" => Flags::system(SystemFlags::ANSWERED),
            "forward" => Flags::from_names(["$Forwarded"])?,
            _ => return self.remove_old_draft().await,
        };
        let uids = UidSet::range(source.uid, source.uid);
        self.web.context.store.store_flags(&source.mailbox, uids, FlagsChange::Add(flags), None).await?;
        Ok(())
    }

    fn refused(&mut self, refused: NotSubmitted) {
        let t = self.t();
        let text = match refused {
            NotSubmitted::Unknown(mailbox) => fill(t.unknown_recipient, &[&mailbox.to_string()]),
            NotSubmitted::NoRoom(mailbox) => fill(t.recipient_full, &[&mailbox.to_string()]),
            NotSubmitted::TooManyRecipients => {
                fill(t.too_many_recipients, &[&self.web.context.config.limits.recipients.to_string()])
            }
            NotSubmitted::Failed(StoreError::OverQuota { .. }) => t.error_full.to_owned(),
            NotSubmitted::Failed(_) | NotSubmitted::Impossible => t.error_busy.to_owned(),
        };
        self.errors.push(text);
    }

    /// The form once more, with what is wrong. With a copy the files are in a draft from now on.
    async fn again(mut self, copy: Option<Spool>) -> Result<Response, Failure> {
        let t = self.t();
        self.errors.push(t.not_sent.to_owned());
        let fields = &self.fields;
        let text = |name: &str| fields.one(name).to_owned();
        let mut form = ComposeForm {
            to: text("to"),
            cc: text("cc"),
            bcc: text("bcc"),
            subject: text("subject"),
            text: text("text"),
            in_reply_to: text("in_reply_to"),
            references: text("references"),
            mode: text("mode"),
            folder: text("folder"),
            validity: fields.number("validity").unwrap_or_default(),
            uid: fields.number("uid").unwrap_or_default(),
            ..ComposeForm::new()?
        };
        let mut kept_in = self.source.clone();
        // A new draft has what was chosen, and nothing else.
        let mut is_new = false;
        let mut errors = std::mem::take(&mut self.errors);
        if let Some(copy) = copy {
            match self.keep_draft(copy).await {
                Ok((mailbox, uid)) => {
                    let folder = self.drafts_name().await?;
                    "draft".clone_into(&mut form.mode);
                    (form.folder, form.validity, form.uid) = (folder.clone(), mailbox.uidvalidity(), uid);
                    kept_in = Some(Place { folder, mailbox, uid });
                    is_new = true;
                    errors.push(t.files_kept.to_owned());
                }
                Err(error) => {
                    tracing::debug!(%error, "no draft can be kept");
                    errors.push(t.files_again.to_owned());
                }
            }
        }
        if let Some(place) = kept_in {
            let loaded = place.load(&self.web).await?;
            let chosen: Vec<&str> = self.fields.all("keep").collect();
            form.kept = attachments(&loaded.message, &place)
                .into_iter()
                .map(|file| {
                    let is_kept = is_new || chosen.contains(&file.number.as_str());
                    (file, is_kept)
                })
                .filter(|_| form.mode != "reply")
                .collect();
        }
        show_form(&self.web, &self.member, form, errors, self.status, "").await
    }
}
