use super::{Numbers, RawValue, print, read_mailbox, reader::Reader, reader::Result};
use crate::command::PartialRange;
use crate::types::{Atom, MailboxName, ModSeq};
use bytes::{BufMut, Bytes, BytesMut};
use core::num::NonZeroU32;

/// The result of SEARCH or SORT without RETURN: numbers, or with UID UIDs (RFC 3501 section 7.2.5, RFC 5256 section 4).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::Response;
///
/// let unit = Bytes::from_static(b"* SEARCH 2 5 6 7 (MODSEQ 917162500)");
/// let Response::Search(search) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!(search.numbers.iter().collect::<Vec<_>>(), [2, 5, 6, 7]);
/// assert_eq!(search.mod_seq.unwrap().get(), 917162500);
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SearchResponse {
    /// What was found, in the order given.
    pub numbers: Numbers,
    /// The highest mod-sequence of what was found (RFC 7162 section 3.1.5).
    pub mod_seq: Option<ModSeq>,
}

impl SearchResponse {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self> {
        let numbers = Numbers::read_list(reader)?;
        let mut mod_seq = None;
        if reader.peek() == Some(b' ') && reader.peek_at(1) == Some(b'(') {
            reader.space()?;
            reader.eat(b'(', "a parenthesis")?;
            if !reader.try_word("MODSEQ") {
                return reader.fail("MODSEQ");
            }
            reader.space()?;
            mod_seq = Some(ModSeq::of_wire(reader.number64()?));
            reader.eat(b')', "a parenthesis")?;
        }
        Ok(Self { numbers, mod_seq })
    }

    pub(super) fn encode(&self, out: &mut BytesMut, name: &str) {
        print::display(out, format_args!("* {name}"));
        self.numbers.encode_list(out);
        if let Some(mod_seq) = self.mod_seq {
            print::display(out, format_args!(" (MODSEQ {mod_seq})"));
        }
    }
}

/// The result of SEARCH or SORT with RETURN, and in `IMAP4rev2` of each (RFC 9051 section 7.3.4).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::Response;
///
/// let unit = Bytes::from_static(b"* ESEARCH (TAG \"A282\") UID MIN 2 COUNT 3 ALL 2,10:11");
/// let Response::ESearch(search) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// assert_eq!(search.tag.as_deref(), Some(&b"A282"[..]));
/// assert!(search.uid);
/// assert_eq!((search.min, search.max, search.count), (Some(2), None, Some(3)));
/// assert_eq!(search.all.unwrap().iter().collect::<Vec<_>>(), [2, 10, 11]);
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ESearchResponse {
    /// The tag of the command that it is the result of.
    pub tag: Option<Bytes>,
    /// The mailbox that was searched, if a command could search others than the one selected (RFC 7377).
    pub mailbox: Option<MailboxName>,
    /// Its UIDVALIDITY (RFC 7377).
    pub uid_validity: Option<u32>,
    /// Whether numbers are UIDs.
    pub uid: bool,
    /// `MIN`.
    pub min: Option<u32>,
    /// `MAX`.
    pub max: Option<u32>,
    /// `COUNT`.
    pub count: Option<u32>,
    /// `ALL`: everything that was found; `None` if nothing was, or it was not asked for.
    pub all: Option<Numbers>,
    /// `MODSEQ`: the highest mod-sequence of what was found (RFC 7162 section 3.1.10).
    pub mod_seq: Option<ModSeq>,
    /// `PARTIAL`: which part was asked for, and what is in it, if anything is (RFC 9394 section 3.1).
    pub partial: Option<(PartialRange, Option<Numbers>)>,
    /// Others: name and value.
    pub others: Vec<(Atom, RawValue)>,
}

impl ESearchResponse {
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        let mut this = Self::default();
        if reader.peek() == Some(b' ') && reader.peek_at(1) == Some(b'(') {
            reader.space()?;
            reader.eat(b'(', "a parenthesis")?;
            loop {
                let name = reader.word();
                reader.space()?;
                if name.eq_ignore_ascii_case(b"TAG") {
                    this.tag = Some(reader.string()?.bytes(raw).unwrap_or_default());
                } else if name.eq_ignore_ascii_case(b"MAILBOX") {
                    this.mailbox = Some(read_mailbox(reader, raw)?);
                } else if name.eq_ignore_ascii_case(b"UIDVALIDITY") {
                    this.uid_validity = Some(reader.nz_number()?);
                } else {
                    reader.skip_value()?;
                }
                if reader.try_eat(b')') {
                    break;
                }
                reader.space()?;
            }
        }
        while reader.peek() == Some(b' ') {
            reader.space()?;
            if reader.is_end() {
                break;
            }
            let (from, name) = (reader.at(), reader.word());
            let end = reader.at();
            if name.eq_ignore_ascii_case(b"UID") {
                this.uid = true;
                continue;
            }
            if name.is_empty() {
                return reader.fail("the name of a result");
            }
            reader.space()?;
            match name.to_ascii_uppercase().as_slice() {
                b"MIN" => this.min = Some(reader.nz_number()?),
                b"MAX" => this.max = Some(reader.nz_number()?),
                b"COUNT" => this.count = Some(reader.number32()?),
                b"ALL" => this.all = Some(Numbers::read_set(reader)?),
                b"MODSEQ" => this.mod_seq = Some(ModSeq::of_wire(reader.number64()?)),
                b"PARTIAL" => this.partial = Some(read_partial(reader)?),
                _ => {
                    let name = Atom::from_bytes(raw.slice(from..end)).map_err(|error| error.shifted(from))?;
                    this.others.push((name, RawValue::read(reader, raw)?));
                }
            }
        }
        Ok(this)
    }

    pub(super) fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_slice(b"* ESEARCH");
        let mut correlator = BytesMut::new();
        if let Some(tag) = &self.tag {
            correlator.put_slice(b" TAG ");
            print::string(&mut correlator, tag, utf8);
        }
        if let Some(mailbox) = &self.mailbox {
            correlator.put_slice(b" MAILBOX ");
            print::astring(&mut correlator, &mailbox.to_wire(utf8), utf8);
        }
        if let Some(uid_validity) = self.uid_validity {
            print::display(&mut correlator, format_args!(" UIDVALIDITY {uid_validity}"));
        }
        if let Some(inside) = correlator.get(1..) {
            out.put_slice(b" (");
            out.put_slice(inside);
            out.put_u8(b')');
        }
        if self.uid {
            out.put_slice(b" UID");
        }
        for (name, number) in [("MIN", self.min), ("MAX", self.max), ("COUNT", self.count)] {
            if let Some(number) = number {
                print::display(out, format_args!(" {name} {number}"));
            }
        }
        if let Some(all) = self.all.as_ref().filter(|all| !all.is_empty()) {
            print::display(out, format_args!(" ALL {all}"));
        }
        if let Some(mod_seq) = self.mod_seq {
            print::display(out, format_args!(" MODSEQ {mod_seq}"));
        }
        if let Some((range, numbers)) = &self.partial {
            let sign = if range.from_end { "-" } else { "" };
            print::display(out, format_args!(" PARTIAL ({sign}{}:{sign}{} ", range.first, range.last));
            match numbers.as_ref().filter(|numbers| !numbers.is_empty()) {
                Some(numbers) => print::display(out, numbers),
                None => out.put_slice(b"NIL"),
            }
            out.put_u8(b')');
        }
        for (name, value) in &self.others {
            out.put_u8(b' ');
            out.put_slice(name.as_bytes());
            out.put_u8(b' ');
            out.put_slice(value.as_bytes());
        }
    }
}

/// `(-1:-100 NIL)`.
fn read_partial(reader: &mut Reader<'_>) -> Result<(PartialRange, Option<Numbers>)> {
    reader.eat(b'(', "a parenthesis")?;
    let from_end = reader.try_eat(b'-');
    let number = |reader: &mut Reader<'_>| -> Result<NonZeroU32> {
        let number = reader.nz_number()?;
        NonZeroU32::new(number).map_or_else(|| reader.fail("a number over 0"), Ok)
    };
    let first = number(reader)?;
    reader.eat(b':', "a colon")?;
    if from_end {
        reader.eat(b'-', "a minus")?;
    }
    let last = number(reader)?;
    reader.space()?;
    let numbers = if reader.nil() { None } else { Some(Numbers::read_set(reader)?) };
    reader.eat(b')', "a parenthesis")?;
    Ok((PartialRange { first, last, from_end }, numbers))
}
