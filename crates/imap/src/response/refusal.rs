use super::{ResponseCode, ResponseText, Status, StatusResponse};
use crate::types::Tag;

/// `NO`: what an application answers when it does not do what was asked (RFC 9051 section 7.1.2, RFC 5530).
///
/// ```
/// use postroad_imap::response::{No, ResponseCode};
///
/// assert_eq!(No::try_create().code, Some(ResponseCode::TryCreate));
/// let mine = No::new(ResponseCode::Limit, "ten mailboxes are enough");
/// assert_eq!(mine.text.as_str(), "ten mailboxes are enough");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct No {
    /// Why, for programs.
    pub code: Option<ResponseCode>,
    /// Why, for people.
    pub text: ResponseText,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident: $code:ident, $text:literal;)*) => {
        $($(#[$doc])* pub fn $name() -> Self { Self::new(ResponseCode::$code, $text) })*
    };
}

impl No {
    /// In words of one's own.
    pub fn new(code: impl Into<Option<ResponseCode>>, text: impl Into<ResponseText>) -> Self {
        Self { code: code.into(), text: text.into() }
    }

    constructors! {
        /// `[ALREADYEXISTS]`: CREATE or RENAME to a mailbox that is there.
        already_exists: AlreadyExists, "mailbox already exists";
        /// `[AUTHENTICATIONFAILED]`: the name or the password is wrong. It does not say which, and should take as long for a name that
        /// does not exist.
        authentication_failed: AuthenticationFailed, "invalid credentials";
        /// `[AUTHORIZATIONFAILED]`: the credentials are right, but not for this identity.
        authorization_failed: AuthorizationFailed, "not allowed to act for that identity";
        /// `[CANNOT]`: this can never be done, such as to create a mailbox of a name that the store cannot hold.
        cannot: Cannot, "cannot be done";
        /// `[CONTACTADMIN]`: people must mend it.
        contact_admin: ContactAdmin, "ask the administrator";
        /// `[CORRUPTION]`: what is stored is damaged.
        corruption: Corruption, "stored data is damaged";
        /// `[EXPIRED]`: the password or the like is too old.
        expired: Expired, "credentials have expired";
        /// `[EXPUNGEISSUED]`: some of the messages are gone.
        expunge_issued: ExpungeIssued, "some of the messages are gone";
        /// `[HASCHILDREN]`: DELETE of a mailbox with others below it.
        has_children: HasChildren, "mailbox has mailboxes below it";
        /// `[INUSE]`: locked by another; try again.
        in_use: InUse, "in use, try again";
        /// `[LIMIT]`: a limit of this server is reached.
        limit: Limit, "a limit is reached";
        /// `[NONEXISTENT]`: no such mailbox.
        nonexistent: NonExistent, "no such mailbox";
        /// `[NOPERM]`: not allowed to this user.
        no_permission: NoPerm, "not allowed";
        /// `[OVERQUOTA]`: it would exceed the quota.
        overquota: OverQuota, "quota exceeded";
        /// `[PRIVACYREQUIRED]`: not without TLS.
        privacy_required: PrivacyRequired, "TLS is required first";
        /// `[SERVERBUG]`: the server is at fault.
        server_bug: ServerBug, "internal error";
        /// `[TOOBIG]`: the message is larger than is taken.
        too_big: TooBig, "message is too large";
        /// `[TRYCREATE]`: COPY, MOVE or APPEND to a mailbox that is not there, but may be created.
        try_create: TryCreate, "no such mailbox";
        /// `[UNAVAILABLE]`: something behind the server is down; try again.
        unavailable: Unavailable, "temporarily unavailable, try again";
        /// `[UNKNOWN-CTE]`: the part cannot be decoded for BINARY.
        unknown_cte: UnknownCte, "cannot decode this part";
    }

    /// The response that ends a command by it.
    pub fn into_response(self, tag: Tag) -> StatusResponse {
        StatusResponse { tag: Some(tag), status: Status::No, code: self.code, text: self.text }
    }
}

/// `BAD`: what was asked makes no sense, or not now (RFC 9051 section 7.1.3).
///
/// ```
/// use postroad_imap::response::Bad;
///
/// assert_eq!(Bad::new("STARTTLS twice").text.as_str(), "STARTTLS twice");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Why, for programs.
    pub code: Option<ResponseCode>,
    /// Why, for people.
    pub text: ResponseText,
}

impl Bad {
    /// In words of one's own.
    pub fn new(text: impl Into<ResponseText>) -> Self {
        Self { code: None, text: text.into() }
    }

    /// `[CLIENTBUG]`: what no client should do.
    pub fn client_bug(text: impl Into<ResponseText>) -> Self {
        Self { code: Some(ResponseCode::ClientBug), text: text.into() }
    }

    /// `[UIDREQUIRED]`: a command with message numbers after ENABLE UIDONLY (RFC 9586).
    pub fn uid_required() -> Self {
        Self { code: Some(ResponseCode::UidRequired), text: "message numbers cannot be used".into() }
    }

    /// The response that ends a command by it; untagged if its tag could not be read.
    pub fn into_response(self, tag: Option<Tag>) -> StatusResponse {
        StatusResponse { tag, status: Status::Bad, code: self.code, text: self.text }
    }
}
