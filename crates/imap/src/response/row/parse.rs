use super::{Detail, EnvelopeSpans, FetchRow, Item, ItemKind};
use crate::response::Quirk;
use crate::response::reader::{Reader, Result, Span, Text, is_atom_octet};
use crate::types::ModSeq;
use bytes::Bytes;
use core::num::NonZeroU32;
use postroad_core::ParseErrorKind;

/// Where reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// At the end of the row.
    End,
    /// At the header of a literal whose octets are not in the unit; the last item is what it is of.
    Streamed,
}

/// How often a row is searched for the next item behind one that does not end. Each time may look at all that is left.
const RESYNCS: u32 = 8;

/// Names by which the next item is found behind one that does not end.
const LANDMARKS: [&[u8]; 7] =
    [b"UID ", b"FLAGS (", b"RFC822.SIZE ", b"INTERNALDATE \"", b"ENVELOPE (", b"BODY[", b"MODSEQ ("];

impl FetchRow {
    pub(super) fn empty(number: u32, by_uid: bool) -> Self {
        Self {
            raw: Bytes::new(),
            number,
            by_uid,
            uid: NonZeroU32::new(number).filter(|_| by_uid),
            size: None,
            mod_seq: None,
            internal_date: Span::NIL,
            flags: Span::NIL,
            items: Vec::new(),
            detail: None,
        }
    }

    /// Reads a row behind `FETCH` and its space.
    pub(in crate::response) fn parse(
        reader: &mut Reader<'_>,
        raw: &Bytes,
        number: u32,
        by_uid: bool,
    ) -> Result<Self> {
        let mut row = Self { raw: raw.clone(), ..Self::empty(number, by_uid) };
        reader.eat(b'(', "a parenthesis")?;
        if row.read_items(reader, false)? == Stop::Streamed {
            return reader.fail("the octets of a literal");
        }
        Ok(row)
    }

    /// Reads items up to the end of the row, or to a literal that is not in it. `any` says whether there was an item before.
    pub(super) fn read_items(&mut self, reader: &mut Reader<'_>, mut any: bool) -> Result<Stop> {
        let mut resyncs = 0;
        loop {
            // As it should be: one space and a name, or the end.
            match reader.rest() {
                [b' ', b'A'..=b'Z', ..] if any => {
                    reader.go_to(reader.at() + 1);
                    if self.read_item(reader, &mut resyncs)? == Stop::Streamed {
                        return Ok(Stop::Streamed);
                    }
                    continue;
                }
                [b')'] if any => {
                    reader.go_to(reader.at() + 1);
                    return Ok(Stop::End);
                }
                _ => {}
            }
            if reader.is_end() {
                return if reader.repair(Quirk::UnclosedList, reader.at()) {
                    Ok(Stop::End)
                } else {
                    reader.fail("a parenthesis")
                };
            }
            if !reader.next_item(any)? {
                reader.end()?;
                return Ok(Stop::End);
            }
            if reader.is_end() {
                // A space at the end, where the parenthesis is missing.
                continue;
            }
            any = true;
            if self.read_item(reader, &mut resyncs)? == Stop::Streamed {
                return Ok(Stop::Streamed);
            }
        }
    }

    fn read_item(&mut self, reader: &mut Reader<'_>, resyncs: &mut u32) -> Result<Stop> {
        let (from, repaired) = (reader.at(), reader.repaired());
        let mut name = Span::EMPTY;
        let mut value_at = from;
        let before = self.detail.as_deref().map(Detail::lens);
        let items = self.items.len();
        let error = match self.read_known(reader, &mut name, &mut value_at) {
            Ok(stop) => return Ok(stop),
            Err(error) => error,
        };
        if let Some(detail) = &mut self.detail {
            detail.truncate(before.unwrap_or_default());
        }
        self.items.truncate(items);
        reader.forget(repaired);
        if !reader.repair(Quirk::OddItem, from) {
            return Err(error);
        }
        reader.go_to(value_at);
        // One that ends where the row should end has lost a parenthesis.
        if reader.skip_value().is_err() || reader.is_end() || reader.at() == from {
            resync(reader, value_at.max(from + 1), resyncs);
        }
        let value = Span::new(value_at, reader.at());
        self.items.push(Item { kind: ItemKind::Other, name, value, number: 0 });
        Ok(Stop::End)
    }

    /// Reads a name, and its value as what the name says. On an error `name` and `value_at` tell how far it got.
    fn read_known(&mut self, reader: &mut Reader<'_>, name: &mut Span, value_at: &mut usize) -> Result<Stop> {
        let from = reader.at();
        let known = read_name(reader)?;
        *name = Span::new(from, reader.at());
        *value_at = reader.at() + usize::from(reader.peek() == Some(b' '));
        reader.space()?;
        *value_at = reader.at();
        match known {
            Name::Uid => self.uid = NonZeroU32::new(reader.nz_number()?),
            Name::Flags => self.flags = read_flags(reader)?,
            Name::InternalDate => self.internal_date = reader.string()?,
            Name::Size => self.size = Some(reader.lenient_number()?),
            Name::ModSeq => {
                reader.eat(b'(', "a parenthesis")?;
                self.mod_seq = Some(ModSeq::of_wire(reader.number64()?));
                reader.eat(b')', "a parenthesis")?;
            }
            Name::Envelope => {
                let detail = self.detail.get_or_insert_default();
                detail.addresses.reserve(8);
                let envelope = detail.read_envelope(reader)?;
                detail.envelope = Some(envelope);
            }
            Name::Structure { extended } => {
                let detail = self.detail.get_or_insert_default();
                if detail.extended && !extended {
                    // What BODY says is in BODYSTRUCTURE too.
                    return reader.skip_value().map(|()| Stop::End);
                }
                detail.read_structure(reader, extended)?;
            }
            Name::Item(kind) => {
                if self.read_other(reader, kind, *name)? == Stop::Streamed {
                    return Ok(Stop::Streamed);
                }
            }
        }
        match reader.peek() {
            Some(b' ' | b')') | None => Ok(Stop::End),
            // Some leave the space out behind a list or a string, where it cannot be mistaken.
            _ if matches!(reader.octets().get(reader.at() - 1), Some(b')' | b'"')) => Ok(Stop::End),
            _ => reader.fail("a space or a parenthesis"),
        }
    }

    /// Reads the value of what is kept as an item.
    fn read_other(&mut self, reader: &mut Reader<'_>, kind: ItemKind, name: Span) -> Result<Stop> {
        let (kind, value, number) = match kind {
            ItemKind::Section | ItemKind::Binary | ItemKind::Streamed => match reader.text()? {
                Text::Here(value) => (kind, value, 0),
                Text::Streamed(len) => (ItemKind::Streamed, Span::NIL, len),
            },
            ItemKind::BinarySize => (kind, Span::NIL, reader.lenient_number()?),
            ItemKind::Preview | ItemKind::SaveDate => (kind, reader.nstring()?, 0),
            ItemKind::ThreadId if reader.nil() => (kind, Span::NIL, 0),
            ItemKind::EmailId | ItemKind::ThreadId => (kind, read_object_id(reader)?, 0),
            ItemKind::Other => {
                let from = reader.at();
                reader.skip_value()?;
                (kind, Span::new(from, reader.at()), 0)
            }
        };
        self.items.push(Item { kind, name, value, number });
        Ok(if kind == ItemKind::Streamed { Stop::Streamed } else { Stop::End })
    }
}

/// What an item is, by its name.
#[derive(Debug, Clone, Copy)]
enum Name {
    Uid,
    Flags,
    InternalDate,
    Size,
    ModSeq,
    Envelope,
    Structure { extended: bool },
    Item(ItemKind),
}

/// Reads the name of an item, with its section if it has one.
#[inline]
fn read_name(reader: &mut Reader<'_>) -> Result<Name> {
    let rest = reader.rest();
    // As all servers write them, at one look: there may be millions.
    let (name, len) = match rest.first_chunk::<4>() {
        Some(b"UID ") => (Name::Uid, 3),
        Some(b"FLAG") if rest.starts_with(b"FLAGS ") => (Name::Flags, 5),
        Some(b"MODS") if rest.starts_with(b"MODSEQ ") => (Name::ModSeq, 6),
        Some(b"RFC8") if rest.starts_with(b"RFC822.SIZE ") => (Name::Size, 11),
        Some(b"INTE") if rest.starts_with(b"INTERNALDATE ") => (Name::InternalDate, 12),
        Some(b"ENVE") if rest.starts_with(b"ENVELOPE ") => (Name::Envelope, 8),
        Some(b"BODY") if rest.starts_with(b"BODYSTRUCTURE ") => (Name::Structure { extended: true }, 13),
        _ => return read_any_name(reader),
    };
    reader.go_to(reader.at() + len);
    Ok(name)
}

fn read_any_name(reader: &mut Reader<'_>) -> Result<Name> {
    let word = reader.word();
    let bracket = reader.peek() == Some(b'[');
    if bracket {
        skip_section(reader)?;
    } else if word.is_empty() {
        return reader.fail("the name of an item");
    }
    let mut upper = [0_u8; 16];
    let Some(upper) = upper.get_mut(..word.len()) else { return Ok(Name::Item(ItemKind::Other)) };
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    Ok(match (&*upper, bracket) {
        (b"UID", false) => Name::Uid,
        (b"FLAGS", false) => Name::Flags,
        (b"INTERNALDATE", false) => Name::InternalDate,
        (b"RFC822.SIZE", false) => Name::Size,
        (b"MODSEQ", false) => Name::ModSeq,
        (b"ENVELOPE", false) => Name::Envelope,
        (b"BODYSTRUCTURE", false) => Name::Structure { extended: true },
        (b"BODY", false) => Name::Structure { extended: false },
        (b"BODY", true) | (b"RFC822" | b"RFC822.HEADER" | b"RFC822.TEXT", false) => {
            Name::Item(ItemKind::Section)
        }
        (b"BINARY", true) => Name::Item(ItemKind::Binary),
        (b"BINARY.SIZE", true) => Name::Item(ItemKind::BinarySize),
        (b"PREVIEW", false) => Name::Item(ItemKind::Preview),
        (b"SAVEDATE", false) => Name::Item(ItemKind::SaveDate),
        (b"EMAILID", false) => Name::Item(ItemKind::EmailId),
        (b"THREADID", false) => Name::Item(ItemKind::ThreadId),
        _ => Name::Item(ItemKind::Other),
    })
}

/// Goes to the next thing that looks like an item, or to the end.
#[cold]
fn resync(reader: &mut Reader<'_>, from: usize, resyncs: &mut u32) {
    *resyncs += 1;
    reader.go_to(from);
    let rest = reader.rest();
    let found = memchr::memchr_iter(b' ', rest).find(|at| {
        let behind = rest.get(at + 1..).unwrap_or_default();
        LANDMARKS.iter().any(|landmark| {
            behind.get(..landmark.len()).is_some_and(|octets| octets.eq_ignore_ascii_case(landmark))
        })
    });
    let len = match found {
        Some(at) if *resyncs <= RESYNCS => at,
        _ => rest.len() - usize::from(rest.ends_with(b")")),
    };
    reader.go_to(from + len);
}

/// Goes over `[…]` and `<…>` behind `BODY` or `BINARY`.
fn skip_section(reader: &mut Reader<'_>) -> Result<()> {
    reader.eat(b'[', "a bracket")?;
    loop {
        match reader.peek() {
            Some(b']') => break,
            Some(b'"' | b'{') => {
                reader.nstring()?;
            }
            Some(b'\r' | b'\n') | None => return reader.fail("a bracket"),
            Some(_) => reader.go_to(reader.at() + 1),
        }
    }
    reader.eat(b']', "a bracket")?;
    if reader.try_eat(b'<') {
        reader.number64()?;
        reader.eat(b'>', "the end of the origin")?;
    }
    Ok(())
}

/// `(M6d99ac3275bb4e)` (RFC 8474 section 7).
fn read_object_id(reader: &mut Reader<'_>) -> Result<Span> {
    reader.eat(b'(', "a parenthesis")?;
    let id = reader.astring()?;
    reader.eat(b')', "a parenthesis")?;
    Ok(id)
}

/// Goes over a list of flags; gives what is inside its parentheses.
fn read_flags(reader: &mut Reader<'_>) -> Result<Span> {
    reader.eat(b'(', "a parenthesis")?;
    let from = reader.at();
    if let Some(len) = plain_flags(reader.rest()) {
        reader.go_to(from + len + 1);
        return Ok(Span::new(from, from + len));
    }
    let mut any = false;
    while reader.next_item(any)? {
        any = true;
        let flag = reader.atom();
        if flag.octets(reader.octets()).is_empty() {
            return reader.fail("a flag");
        }
    }
    Ok(Span::new(from, reader.at() - 1))
}

/// How long the inside of a list of flags is, if they are words with one space between them.
#[inline]
fn plain_flags(rest: &[u8]) -> Option<usize> {
    let mut before = b' ';
    for (len, &octet) in rest.iter().enumerate() {
        if !is_atom_octet(octet) && (octet != b' ' || before == b' ') {
            return (octet == b')' && (before != b' ' || len == 0)).then_some(len);
        }
        before = octet;
    }
    None
}

/// How long the lists of a [`Detail`] are: to go back to when an item could not be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lens {
    envelopes: usize,
    addresses: usize,
    parameters: usize,
    languages: usize,
    parts: usize,
}

/// An index into one of the lists.
pub(super) fn index(len: usize) -> u32 {
    // A list has fewer entries than the unit has octets.
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Detail {
    fn lens(&self) -> Lens {
        Lens {
            envelopes: self.envelopes.len(),
            addresses: self.addresses.len(),
            parameters: self.parameters.len(),
            languages: self.languages.len(),
            parts: self.parts.len(),
        }
    }

    fn truncate(&mut self, lens: Lens) {
        self.envelopes.truncate(lens.envelopes);
        self.addresses.truncate(lens.addresses);
        self.parameters.truncate(lens.parameters);
        self.languages.truncate(lens.languages);
        self.parts.truncate(lens.parts);
        if lens.parts == 0 {
            self.extended = false;
            self.truncated = false;
        }
    }

    /// Reads an envelope; its addresses go behind the others.
    pub(super) fn read_envelope(&mut self, reader: &mut Reader<'_>) -> Result<EnvelopeSpans> {
        reader.eat(b'(', "a parenthesis")?;
        let date = reader.nstring()?;
        let subject = reader.space_nstring()?;
        let mut bounds = [index(self.addresses.len()); 7];
        for bound in &mut bounds[1..] {
            if reader.peek() == Some(b')') && reader.repair(Quirk::MissingField, reader.at()) {
                *bound = index(self.addresses.len());
                continue;
            }
            reader.space()?;
            self.read_addresses(reader)?;
            *bound = index(self.addresses.len());
        }
        let mut last = || match reader.peek() {
            Some(b')') if reader.repair(Quirk::MissingField, reader.at()) => Ok(Span::NIL),
            _ => reader.space_nstring(),
        };
        let (in_reply_to, message_id) = (last()?, last()?);
        reader.no_space()?;
        reader.eat(b')', "a parenthesis")?;
        Ok(EnvelopeSpans { date, subject, bounds, in_reply_to, message_id })
    }

    fn read_addresses(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if reader.nil() {
            return Ok(());
        }
        if reader.peek() == Some(b'"') && reader.peek_at(1) == Some(b'"') {
            // An empty string for no addresses.
            let at = reader.at();
            return if reader.repair(Quirk::EmptyList, at) {
                reader.go_to(at + 2);
                Ok(())
            } else {
                reader.fail("addresses or NIL")
            };
        }
        reader.eat(b'(', "addresses or NIL")?;
        if reader.peek() == Some(b')') && !reader.repair(Quirk::EmptyList, reader.at()) {
            return reader.fail("an address");
        }
        loop {
            reader.no_space()?;
            if reader.try_eat(b')') {
                return Ok(());
            }
            let at = reader.at();
            if reader.nil() {
                if !reader.repair(Quirk::NilForString, at) {
                    return Err(reader.error(ParseErrorKind::Expected("an address"), at));
                }
                continue;
            }
            reader.eat(b'(', "an address")?;
            let mut address = [reader.nstring()?, Span::NIL, Span::NIL, Span::NIL];
            for field in &mut address[1..] {
                if reader.peek() == Some(b')') && reader.repair(Quirk::MissingField, reader.at()) {
                    break;
                }
                *field = reader.space_nstring()?;
            }
            reader.eat(b')', "a parenthesis")?;
            self.addresses.push(address);
        }
    }
}

/// The message number and the kind of a row, at its beginning: `* 12 FETCH (`.
pub(super) fn read_head(reader: &mut Reader<'_>) -> Result<FetchRow> {
    reader.eat(b'*', "an asterisk")?;
    reader.space()?;
    let number = reader.nz_number()?;
    reader.space()?;
    let by_uid = match reader.word() {
        word if word.eq_ignore_ascii_case(b"FETCH") => false,
        word if word.eq_ignore_ascii_case(b"UIDFETCH") => true,
        _ => return reader.fail("FETCH"),
    };
    reader.space()?;
    reader.eat(b'(', "a parenthesis")?;
    Ok(FetchRow::empty(number, by_uid))
}
