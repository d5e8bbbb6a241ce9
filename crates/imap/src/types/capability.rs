use super::Atom;
use core::fmt;
use postroad_core::ParseError;

macro_rules! capabilities {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal,)*) => {
        /// What a server can do (RFC 9051 section 7.2.2 and the extensions named). Names are compared without regard to case.
        ///
        /// ```
        /// use postroad_imap::types::Capability;
        ///
        /// assert_eq!(Capability::parse("idle")?, Capability::Idle);
        /// assert_eq!(Capability::parse("AUTH=PLAIN")?.to_string(), "AUTH=PLAIN");
        /// # Ok::<(), postroad_core::ParseError>(())
        /// ```
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub enum Capability {
            $($(#[doc = $doc])* $variant,)*
            /// `AUTH=`: a SASL mechanism.
            Auth(Atom),
            /// `THREAD=`: an algorithm of THREAD (RFC 5256).
            Thread(Atom),
            /// `QUOTA=RES-`: a resource that quotas count (RFC 9208).
            QuotaResource(Atom),
            /// `RIGHTS=`: further rights (RFC 4314).
            Rights(Atom),
            /// `APPENDLIMIT=`: how many octets a message may have that is appended (RFC 7889).
            AppendLimit(u64),
            /// Another.
            Other(Atom),
        }

        const NAMES: &[(&str, Capability)] = &[$(($name, Capability::$variant),)*];

        impl Capability {
            /// The name up to the `=` of its value, and the value.
            fn parts(&self) -> (&str, Option<&Atom>) {
                match self {
                    $(Self::$variant => ($name, None),)*
                    Self::Auth(value) => ("AUTH=", Some(value)),
                    Self::Thread(value) => ("THREAD=", Some(value)),
                    Self::QuotaResource(value) => ("QUOTA=RES-", Some(value)),
                    Self::Rights(value) => ("RIGHTS=", Some(value)),
                    Self::AppendLimit(_) => ("APPENDLIMIT=", None),
                    Self::Other(name) => (name.as_str(), None),
                }
            }
        }
    };
}

capabilities! {
    /// RFC 3501.
    Imap4Rev1 "IMAP4rev1",
    /// RFC 9051.
    Imap4Rev2 "IMAP4rev2",
    /// STARTTLS may be sent.
    StartTls "STARTTLS",
    /// LOGIN may not be sent.
    LoginDisabled "LOGINDISABLED",
    /// The first response may stand in AUTHENTICATE (RFC 4959).
    SaslIr "SASL-IR",
    /// Literals need not wait (RFC 7888).
    LiteralPlus "LITERAL+",
    /// Literals of up to 4096 octets need not wait (RFC 7888).
    LiteralMinus "LITERAL-",
    /// UID EXPUNGE, APPENDUID, COPYUID (RFC 4315).
    UidPlus "UIDPLUS",
    /// MOVE (RFC 6851).
    Move "MOVE",
    /// ENABLE (RFC 5161).
    Enable "ENABLE",
    /// ID (RFC 2971).
    Id "ID",
    /// IDLE (RFC 2177).
    Idle "IDLE",
    /// NAMESPACE (RFC 2342).
    Namespace "NAMESPACE",
    /// UNSELECT (RFC 3691).
    Unselect "UNSELECT",
    /// `\HasChildren` (RFC 3348).
    Children "CHILDREN",
    /// LIST in its extended form (RFC 5258).
    ListExtended "LIST-EXTENDED",
    /// LIST … RETURN (STATUS) (RFC 5819).
    ListStatus "LIST-STATUS",
    /// LIST … RETURN (MYRIGHTS) (RFC 8440).
    ListMyRights "LIST-MYRIGHTS",
    /// What mailboxes are for (RFC 6154).
    SpecialUse "SPECIAL-USE",
    /// CREATE … (USE) (RFC 6154).
    CreateSpecialUse "CREATE-SPECIAL-USE",
    /// SEARCH … RETURN (RFC 4731).
    ESearch "ESEARCH",
    /// `$` (RFC 5182).
    SearchRes "SEARCHRES",
    /// SEARCH in several mailboxes (RFC 7377).
    MultiSearch "MULTISEARCH",
    /// SEARCH FUZZY (RFC 6203).
    SearchFuzzy "SEARCH=FUZZY",
    /// FETCH and SEARCH in pages (RFC 9394).
    Partial "PARTIAL",
    /// SEARCH results that are kept up to date (RFC 5267).
    ContextSearch "CONTEXT=SEARCH",
    /// The same for SORT (RFC 5267).
    ContextSort "CONTEXT=SORT",
    /// Mod-sequences (RFC 7162).
    CondStore "CONDSTORE",
    /// Quick resynchronisation (RFC 7162).
    QResync "QRESYNC",
    /// SORT (RFC 5256).
    Sort "SORT",
    /// SORT by display names (RFC 5957).
    SortDisplay "SORT=DISPLAY",
    /// SORT … RETURN (RFC 5267).
    ESort "ESORT",
    /// BINARY (RFC 3516).
    Binary "BINARY",
    /// COMPRESS DEFLATE (RFC 4978).
    CompressDeflate "COMPRESS=DEFLATE",
    /// Quotas (RFC 9208).
    Quota "QUOTA",
    /// SETQUOTA (RFC 9208).
    QuotaSet "QUOTASET",
    /// SEARCH OLDER and YOUNGER (RFC 5032).
    Within "WITHIN",
    /// PREVIEW (RFC 8970).
    Preview "PREVIEW",
    /// EMAILID, THREADID, MAILBOXID (RFC 8474).
    ObjectId "OBJECTID",
    /// SAVEDATE (RFC 8514).
    SaveDate "SAVEDATE",
    /// Several messages in one APPEND (RFC 3502).
    MultiAppend "MULTIAPPEND",
    /// Messages put together by the server (RFC 4469).
    Catenate "CATENATE",
    /// UTF-8 in names and headers (RFC 6855).
    Utf8Accept "UTF8=ACCEPT",
    /// Nothing but UTF-8 (RFC 6855).
    Utf8Only "UTF8=ONLY",
    /// STATUS (SIZE) (RFC 8438).
    StatusSize "STATUS=SIZE",
    /// Each mailbox may limit what is appended (RFC 7889).
    AppendLimitPerMailbox "APPENDLIMIT",
    /// Access control lists (RFC 4314).
    Acl "ACL",
    /// Annotations of mailboxes and the server (RFC 5464).
    Metadata "METADATA",
    /// Annotations of the server (RFC 5464).
    MetadataServer "METADATA-SERVER",
    /// NOTIFY (RFC 5465).
    Notify "NOTIFY",
    /// Filters by name (RFC 5466).
    Filters "FILTERS",
    /// REPLACE (RFC 8508).
    Replace "REPLACE",
    /// UNAUTHENTICATE (RFC 8437).
    Unauthenticate "UNAUTHENTICATE",
    /// URLs of messages (RFC 4467).
    UrlAuth "URLAUTH",
    /// LANGUAGE (RFC 5255).
    Language "LANGUAGE",
    /// Comparison by i;unicode-casemap (RFC 5255).
    I18nLevel1 "I18NLEVEL=1",
    /// Comparators (RFC 5255).
    I18nLevel2 "I18NLEVEL=2",
    /// Referrals of mailboxes (RFC 2193).
    MailboxReferrals "MAILBOX-REFERRALS",
    /// Referrals at login (RFC 2221).
    LoginReferrals "LOGIN-REFERRALS",
    /// UIDs only (RFC 9586).
    UidOnly "UIDONLY",
    /// Progress of long commands (RFC 9585).
    InProgress "INPROGRESS",
}

impl Capability {
    /// Reads a capability.
    ///
    /// # Errors
    ///
    /// It is not an atom.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, ParseError> {
        Atom::parse(text).map(Self::new)
    }

    /// The capability of this name.
    pub fn new(name: Atom) -> Self {
        if let Some((_, known)) = NAMES.iter().find(|(known, _)| name.is(known)) {
            return known.clone();
        }
        let value = |prefix: &str| {
            let octets = name.as_bytes();
            let found = octets.get(..prefix.len())?.eq_ignore_ascii_case(prefix.as_bytes());
            (found && octets.len() > prefix.len()).then(|| Atom::of_wire(octets.slice(prefix.len()..)))
        };
        if let Some(value) = value("AUTH=") {
            Self::Auth(value)
        } else if let Some(value) = value("THREAD=") {
            Self::Thread(value)
        } else if let Some(value) = value("QUOTA=RES-") {
            Self::QuotaResource(value)
        } else if let Some(value) = value("RIGHTS=") {
            Self::Rights(value)
        } else if let Some(limit) = value("APPENDLIMIT=").and_then(|value| canonical_number(value.as_str())) {
            Self::AppendLimit(limit)
        } else {
            Self::Other(name)
        }
    }
}

/// A number that is printed as it was read.
fn canonical_number(text: &str) -> Option<u64> {
    let fine = text.bytes().all(|octet| octet.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if fine { text.parse().ok() } else { None }
}

impl PartialEq for Capability {
    fn eq(&self, other: &Self) -> bool {
        let ((name, value), (other_name, other_value)) = (self.parts(), other.parts());
        let limit = |this: &Self| if let Self::AppendLimit(limit) = this { Some(*limit) } else { None };
        name.eq_ignore_ascii_case(other_name)
            && match (value, other_value) {
                (Some(value), Some(other)) => value.is(other.as_str()),
                (None, None) => limit(self) == limit(other),
                _ => false,
            }
    }
}

impl Eq for Capability {}

impl core::str::FromStr for Capability {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value) = self.parts();
        f.write_str(name)?;
        match (self, value) {
            (Self::AppendLimit(limit), _) => limit.fmt(f),
            (_, Some(value)) => f.write_str(value.as_str()),
            _ => Ok(()),
        }
    }
}

/// What a server can do, each once, in the order in which it was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// The most that are kept of what a server tells.
    pub const LIMIT: usize = 1000;

    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one, unless it is there or there are 1000.
    pub fn insert(&mut self, capability: Capability) {
        if self.0.len() < Self::LIMIT && !self.has(&capability) {
            self.0.push(capability);
        }
    }

    /// Removes one.
    pub fn remove(&mut self, capability: &Capability) {
        self.0.retain(|one| one != capability);
    }

    /// Whether this one is there.
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// Whether a mechanism of this name is offered for AUTHENTICATE.
    pub fn has_auth(&self, mechanism: &str) -> bool {
        self.0.iter().any(|one| matches!(one, Capability::Auth(name) if name.is(mechanism)))
    }

    /// Each.
    pub fn iter(&self) -> core::slice::Iter<'_, Capability> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        let mut set = Self::new();
        capabilities.into_iter().for_each(|one| set.insert(one));
        set
    }
}

impl<'a> IntoIterator for &'a Capabilities {
    type Item = &'a Capability;
    type IntoIter = core::slice::Iter<'a, Capability>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, capability) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            capability.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_name_is_read_as_itself() {
        for (name, capability) in NAMES {
            assert_eq!(Capability::parse(name).unwrap(), *capability);
            assert_eq!(Capability::parse(name.to_ascii_lowercase()).unwrap().to_string(), *name);
        }
    }

    #[test]
    fn values() {
        assert!(
            matches!(Capability::parse("auth=plain").unwrap(), Capability::Auth(name) if name.is("PLAIN"))
        );
        assert!(matches!(
            Capability::parse("APPENDLIMIT=35651584").unwrap(),
            Capability::AppendLimit(35_651_584)
        ));
        assert!(matches!(Capability::parse("QUOTA=RES-STORAGE").unwrap(), Capability::QuotaResource(_)));
        for odd in [
            "AUTH=",
            "APPENDLIMIT=",
            "APPENDLIMIT=x",
            "APPENDLIMIT=007",
            "APPENDLIMIT=99999999999999999999",
            "X",
        ] {
            assert!(matches!(Capability::parse(odd).unwrap(), Capability::Other(_)), "{odd}");
            assert_eq!(Capability::parse(odd).unwrap().to_string(), odd);
        }
        assert!(Capability::parse("a b").is_err());
        assert_ne!(Capability::AppendLimit(1), Capability::AppendLimit(2));
        assert_ne!(Capability::parse("AUTH=X").unwrap(), Capability::parse("AUTH=Y").unwrap());
    }

    #[test]
    fn a_set_has_each_once_and_not_too_many() {
        let mut set: Capabilities =
            [Capability::Idle, Capability::Move, Capability::Idle].into_iter().collect();
        assert_eq!(set.to_string(), "IDLE MOVE");
        set.insert(Capability::parse("auth=plain").unwrap());
        assert!(set.has_auth("PLAIN") && !set.has_auth("PLAIN2") && set.has(&Capability::Move));
        set.remove(&Capability::Move);
        assert!(!set.has(&Capability::Move) && set.len() == 2);
        (0..2000).for_each(|number| set.insert(Capability::AppendLimit(number)));
        assert_eq!(set.len(), Capabilities::LIMIT);
    }

    proptest! {
        #[test]
        fn printed_and_read_a_capability_is_the_same(text in "(AUTH=|THREAD=|APPENDLIMIT=|RIGHTS=|QUOTA=RES-)?[A-Z0-9=+-]{1,8}") {
            let capability = Capability::parse(&text).unwrap();
            prop_assert_eq!(capability.to_string(), text.clone());
            prop_assert_eq!(Capability::parse(capability.to_string()).unwrap(), capability);
        }
    }
}
