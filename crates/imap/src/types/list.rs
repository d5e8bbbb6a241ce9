use super::StatusItem;

/// Which mailboxes an extended LIST is about (RFC 9051 section 6.3.9.1, RFC 6154).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ListSelection {
    /// SUBSCRIBED: those that are subscribed to, whether they exist or not.
    pub subscribed: bool,
    /// REMOTE: those on other servers too.
    pub remote: bool,
    /// RECURSIVEMATCH: also those that only have children that match. Cannot stand alone or with REMOTE alone.
    pub recursive_match: bool,
    /// SPECIAL-USE: those that are for something.
    pub special_use: bool,
}

impl ListSelection {
    /// Whether nothing is selected: LIST in its basic form.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What an extended LIST returns for each mailbox (RFC 9051 section 6.3.9.2, RFC 5819, RFC 6154, RFC 8440).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ListReturn {
    /// SUBSCRIBED: whether it is subscribed to.
    pub subscribed: bool,
    /// CHILDREN: whether it has children.
    pub children: bool,
    /// SPECIAL-USE: what it is for.
    pub special_use: bool,
    /// MYRIGHTS: what the user may do (RFC 8440).
    pub my_rights: bool,
    /// STATUS with these items; empty if it is not asked for.
    pub status: Vec<StatusItem>,
}

impl ListReturn {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
