//! STORE and UID STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).

use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{Flag, Messages, ModSeq};
use postroad_core::{ParseError, ParseErrorKind};

/// What STORE does with the flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreOperation {
    /// FLAGS: the message has these and no others.
    Replace,
    /// +FLAGS: it has these too.
    Add,
    /// -FLAGS: it has these no longer.
    Remove,
}

/// STORE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// `messages` are UIDs.
    pub uid: bool,
    /// Which messages.
    pub messages: Messages,
    /// Only those that did not change since (RFC 7162).
    pub unchanged_since: Option<ModSeq>,
    /// What to do.
    pub operation: StoreOperation,
    /// `.SILENT`: do not tell the new flags.
    pub silent: bool,
    /// The flags.
    pub flags: Vec<Flag>,
}

impl Store {
    /// The flags of a message that has these now.
    ///
    /// ```
    /// use postroad_imap::command::{Store, StoreOperation};
    /// use postroad_imap::types::{Flag, SequenceSet};
    ///
    /// let mut store = Store {
    ///     uid: true,
    ///     messages: SequenceSet::parse("1")?.into(),
    ///     unchanged_since: None,
    ///     operation: StoreOperation::Add,
    ///     silent: false,
    ///     flags: vec![Flag::Seen],
    /// };
    /// assert_eq!(store.apply(&[Flag::Draft]), [Flag::Draft, Flag::Seen]);
    /// store.operation = StoreOperation::Remove;
    /// assert_eq!(store.apply(&[Flag::Draft, Flag::Seen]), [Flag::Draft]);
    /// # Ok::<(), postroad_imap::ParseError>(())
    /// ```
    pub fn apply(&self, flags: &[Flag]) -> Vec<Flag> {
        let others = flags.iter().filter(|flag| !self.flags.contains(flag));
        match self.operation {
            StoreOperation::Replace => self.flags.clone(),
            StoreOperation::Add => others.chain(&self.flags).cloned().collect(),
            StoreOperation::Remove => others.cloned().collect(),
        }
    }
}

pub(super) fn parse(parser: &mut Parser<'_>, uid: bool) -> Result<Store, Box<ParseError>> {
    parser.space()?;
    let messages = Messages::read(parser)?;
    parser.space()?;
    let unchanged_since = if parser.try_eat("(UNCHANGEDSINCE ") {
        let value = parser.mod_seq()?;
        parser.eat(") ")?;
        Some(value)
    } else {
        None
    };
    let operation = match parser.peek() {
        Some(b'+') => StoreOperation::Add,
        Some(b'-') => StoreOperation::Remove,
        _ => StoreOperation::Replace,
    };
    if operation != StoreOperation::Replace {
        parser.skip(1);
    }
    parser.eat("FLAGS")?;
    let silent = parser.try_eat(".SILENT");
    parser.space()?;
    let flags = if parser.peek() == Some(b'(') {
        parser.items(None, settable_flag)?
    } else {
        let mut flags = vec![settable_flag(parser)?];
        while parser.try_octet(b' ') {
            if flags.len() >= parser.options.max_list_items {
                let limit = parser.options.max_list_items;
                return Err(parser.fail(ParseErrorKind::TooLong { what: "a list", limit }));
            }
            flags.push(settable_flag(parser)?);
        }
        flags
    };
    Ok(Store { uid, messages, unchanged_since, operation, silent, flags })
}

/// A flag that a client may set: not `\Recent`.
pub(super) fn settable_flag(parser: &mut Parser<'_>) -> Result<Flag, Box<ParseError>> {
    let at = parser.at();
    match parser.flag()? {
        Flag::Recent => Err(parser.fail_at(ParseErrorKind::Expected("a flag that can be set"), at)),
        flag => Ok(flag),
    }
}

pub(super) fn print(name: &'static str, store: &Store, out: &mut Encoder) {
    out.text(name).text(" ").messages(&store.messages).text(" ");
    if let Some(value) = store.unchanged_since {
        out.text("(UNCHANGEDSINCE ").number(value.get()).text(") ");
    }
    out.text(match store.operation {
        StoreOperation::Replace => "FLAGS",
        StoreOperation::Add => "+FLAGS",
        StoreOperation::Remove => "-FLAGS",
    });
    out.text(if store.silent { ".SILENT " } else { " " });
    print_flags(&store.flags, out);
}

/// The flags but `\Recent`, which no client may send, in parentheses.
pub(super) fn print_flags(flags: &[Flag], out: &mut Encoder) {
    out.text("(");
    for (at, flag) in flags.iter().filter(|flag| !matches!(flag, Flag::Recent)).enumerate() {
        out.text(if at > 0 { " " } else { "" });
        out.text(if flag.is_system() { "\\" } else { "" }).text(flag.name());
    }
    out.text(")");
}
