//! Reading address lists (RFC 5322 sections 3.4 and 4.4).
//!
//! An entry is read exactly or not at all. What does not follow the grammar is left out up to the next comma, with a
//! defect; no address is ever put together from the pieces of something else.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::encoded_word::{Decoder, EncodedWord, decode_text, push_unfolded_octets, push_without_controls};
use crate::decode::charset;
use crate::defect::{Defect, DefectCode, Defects};
use crate::error::{InvalidReason, InvalidValue};
use crate::limits::Limits;
use crate::scanner::{Scanner, is_atext};
use crate::types::{AddrSpec, Address, Group, Mailbox};

/// The addresses of a field, in order, and what is wrong with it.
///
/// ```
/// use postroad_message::{AddressList, DefectCode};
///
/// let list = AddressList::read(br#""john doe"@example.com, <any@a>x@b, Team: bob@hamburger.edu;"#);
/// let addresses: Vec<String> = list.mailboxes().map(|mailbox| mailbox.to_string()).collect();
/// assert_eq!(addresses, [r#""john doe"@example.com"#, "bob@hamburger.edu"]);
/// assert_eq!(list.addresses().len(), 2);
/// assert_eq!(list.defects()[0].code, DefectCode::InvalidAddress);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressList {
    pub(crate) addresses: Vec<Address>,
    pub(crate) defects: Vec<Defect>,
}

impl AddressList {
    /// Reads the value of a field such as `To`, under the default [`Limits`]. It never fails.
    pub fn read(value: &[u8]) -> Self {
        let defects = Defects::at(0, false, Limits::DEFAULT.defects);
        read_list(value, &Limits::DEFAULT, defects)
    }

    /// The entries that could be read exactly, mailboxes and groups in their order.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The mailboxes, with those in groups.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailbox> {
        self.addresses.iter().flat_map(Address::mailboxes)
    }

    /// What is wrong with it.
    pub fn defects(&self) -> &[Defect] {
        &self.defects
    }

    /// Whether every entry could be read.
    pub fn is_complete(&self) -> bool {
        !self.defects.iter().any(|defect| {
            matches!(
                defect.code,
                DefectCode::InvalidAddress | DefectCode::TooManyAddresses | DefectCode::CommentTooDeep
            )
        })
    }
}

/// Why an entry was given up.
pub(crate) struct Invalid;

/// What is made of the entries of a list, one after the other. Groups do not nest.
pub(crate) trait Form<'a> {
    /// A mailbox that could be read exactly.
    fn mailbox(&mut self, entry: Entry<'a>, reader: &mut Reader<'a>) -> Result<(), Invalid>;
    /// The name of a group; its members follow.
    fn group(&mut self, name: &Words<'a>, reader: &mut Reader<'a>) -> Result<(), Invalid>;
    /// The end of that group.
    fn end_group(&mut self);
    /// Whether the rest does not matter.
    fn is_done(&self) -> bool {
        false
    }
}

/// A mailbox that follows the grammar.
pub(crate) struct Entry<'a> {
    pub(crate) name: Name<'a>,
    /// The inside of the comment that names the owner, as was the custom of old.
    pub(crate) comment: Option<core::ops::Range<usize>>,
    /// The domains of an obsolete route.
    pub(crate) route: Vec<String>,
    pub(crate) address: AddrSpec,
}

/// A display name before it is decoded.
pub(crate) enum Name<'a> {
    None,
    /// ASCII that needs no decoding, one space between its words.
    Plain(&'a str),
    Words(Words<'a>),
}

pub(crate) fn read_list(value: &[u8], limits: &Limits, defects: Defects) -> AddressList {
    let mut form = Decoded::default();
    let defects = read_into(value, limits, defects, &mut form);
    AddressList { addresses: form.addresses, defects: defects.list }
}

fn decoded<'a>(entry: Entry<'a>, reader: &mut Reader<'a>) -> Result<Mailbox, Invalid> {
    let name = match entry.comment {
        Some(inside) => reader.comment_text(inside),
        None => match &entry.name {
            Name::None => None,
            Name::Plain(text) => Some(String::from(*text)),
            Name::Words(words) => reader.phrase(words)?,
        },
    };
    Ok(Mailbox::from_parts(name, entry.address))
}

/// Mailboxes and groups, their names decoded.
#[derive(Default)]
struct Decoded {
    addresses: Vec<Address>,
    group: Option<(String, Vec<Mailbox>)>,
}

impl<'a> Form<'a> for Decoded {
    fn mailbox(&mut self, entry: Entry<'a>, reader: &mut Reader<'a>) -> Result<(), Invalid> {
        let mailbox = decoded(entry, reader)?;
        match &mut self.group {
            Some((_, members)) => members.push(mailbox),
            None => self.addresses.push(mailbox.into()),
        }
        Ok(())
    }

    fn group(&mut self, name: &Words<'a>, reader: &mut Reader<'a>) -> Result<(), Invalid> {
        self.group = Some((reader.phrase(name)?.ok_or(Invalid)?, Vec::new()));
        Ok(())
    }

    fn end_group(&mut self) {
        if let Some((name, members)) = self.group.take() {
            self.addresses.push(Group::from_parts(name, members).into());
        }
    }
}

/// The first mailbox only.
struct First(Option<Mailbox>);

impl<'a> Form<'a> for First {
    fn mailbox(&mut self, entry: Entry<'a>, reader: &mut Reader<'a>) -> Result<(), Invalid> {
        self.0 = Some(decoded(entry, reader)?);
        Ok(())
    }

    fn group(&mut self, _: &Words<'a>, _: &mut Reader<'a>) -> Result<(), Invalid> {
        Ok(())
    }

    fn end_group(&mut self) {}

    fn is_done(&self) -> bool {
        self.0.is_some()
    }
}

/// The first mailbox that can be read exactly, in a group or not.
pub(crate) fn first_mailbox(value: &[u8], limits: &Limits) -> Option<Mailbox> {
    let mut first = First(None);
    read_into(value, limits, Defects::default(), &mut first);
    first.0
}

/// Reads a list into `form`, and gives the defects back.
pub(crate) fn read_into<'a>(
    value: &'a [u8],
    limits: &Limits,
    defects: Defects,
    form: &mut impl Form<'a>,
) -> Defects {
    let mut reader = Reader {
        scanner: Scanner::new(value, limits.comment_depth),
        defects,
        members: 0,
        limit: limits.addresses,
    };
    while !form.is_done() {
        reader.scanner.skip_cfws();
        if reader.scanner.comment_too_deep {
            reader.defects.add(DefectCode::CommentTooDeep, reader.scanner.at);
            break;
        }
        match reader.scanner.peek() {
            None => {
                if reader.scanner.unterminated {
                    reader.defects.add(DefectCode::InvalidAddress, value.len());
                }
                break;
            }
            Some(b',') => {
                // An empty entry: obsolete, and of no consequence.
                reader.scanner.at += 1;
                continue;
            }
            Some(b';') => {
                reader.defects.add(DefectCode::SemicolonInList, reader.scanner.at);
                reader.scanner.at += 1;
                continue;
            }
            Some(_) => {}
        }
        if reader.members >= reader.limit {
            reader.defects.add(DefectCode::TooManyAddresses, reader.scanner.at);
            break;
        }
        reader.members += 1;
        reader.entry(true, form);
    }
    reader.defects
}

/// Exactly one address, without defects that matter.
pub(crate) fn parse_one(text: &str) -> Result<Address, InvalidValue> {
    crate::types::refuse_controls("address", text)?;
    if text.trim_ascii().is_empty() {
        return Err(InvalidValue::new("address", InvalidReason::Empty, 0));
    }
    let mut list = AddressList::read(text.as_bytes());
    let fault = list.defects.iter().find(|defect| defect.severity > crate::defect::Severity::Note);
    match (list.addresses.pop(), fault) {
        (Some(address), None) if list.addresses.is_empty() => Ok(address),
        (_, fault) => {
            let at = fault.map_or(0, |defect| defect.offset);
            Err(InvalidValue::new("address", InvalidReason::Syntax, at))
        }
    }
}

pub(crate) struct Reader<'a> {
    scanner: Scanner<'a>,
    defects: Defects,
    members: usize,
    limit: usize,
}

/// A word of a phrase or local part.
pub(crate) enum Word<'a> {
    Atom(&'a [u8]),
    Quoted(Cow<'a, [u8]>),
    Encoded(EncodedWord<'a>),
    Dot,
}

/// A word, where it is, and whether comments or white space stand in front of it.
pub(crate) struct Placed<'a> {
    word: Word<'a>,
    at: usize,
    apart: bool,
}

/// What a character may be part of in a plain entry.
const ATOM: u8 = 1;
const DOT: u8 = 2;
const SPACE: u8 = 4;

const PLAIN: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 0x80 {
        if is_atext(octet) {
            table[octet as usize] = ATOM;
        }
        octet += 1;
    }
    table[b'.' as usize] = DOT;
    table[b' ' as usize] = SPACE;
    table
};

/// The length of the run of characters of these kinds at `at`.
#[inline]
fn run_of(octets: &[u8], at: usize, kinds: u8) -> usize {
    let rest = octets.get(at..).unwrap_or_default();
    rest.iter().position(|&octet| PLAIN[usize::from(octet)] & kinds == 0).unwrap_or(rest.len())
}

/// A `dot-atom` of ASCII at `at`, and where it ends.
#[inline]
fn dot_atom(octets: &[u8], at: usize) -> Option<(&str, usize)> {
    let end = at + run_of(octets, at, ATOM | DOT);
    let text = octets.get(at..end)?;
    // An empty word at either end, or between two dots.
    let mut word_is_empty = true;
    let mut sound = true;
    for &octet in text {
        let is_dot = octet == b'.';
        sound &= !(is_dot && word_is_empty);
        word_is_empty = is_dot;
    }
    sound &= !word_is_empty;
    core::str::from_utf8(text).ok().filter(|_| sound).map(|text| (text, end))
}

/// An entry in one of the forms that nearly all have, `local@domain` and `name <local@domain>`, and where it ends; `None`
/// for one that needs a closer look, though it may be right.
fn plain_entry(octets: &[u8], start: usize, in_group: bool) -> Option<(Entry<'_>, usize)> {
    let mut at = start;
    let mut name = Name::None;
    if octets.get(at) == Some(&b'"') {
        let inside = octets.get(at + 1..)?;
        let length = memchr::memchr2(b'"', b'\\', inside)?;
        let text = inside.get(..length)?;
        let plain = text.iter().all(|octet| matches!(octet, b' '..=b'~'))
            && memchr::memmem::find(text, b"=?").is_none()
            && !text.trim_ascii().is_empty();
        if inside.get(length) != Some(&b'"') || !plain {
            return None;
        }
        name = Name::Plain(core::str::from_utf8(text).ok()?);
        at += length + 2;
        at += run_of(octets, at, SPACE);
    } else {
        let end = at + run_of(octets, at, ATOM | DOT | SPACE);
        if octets.get(end) == Some(&b'<') {
            let text = octets.get(at..end)?.trim_ascii_end();
            let words = text.first() == Some(&b'.')
                || text.windows(2).any(|pair| pair == b"=?" || pair == b"  " || pair == b". ");
            if words {
                return None;
            }
            if !text.is_empty() {
                name = Name::Plain(core::str::from_utf8(text).ok()?);
            }
            at = end;
        }
    }
    let is_angle = octets.get(at) == Some(&b'<');
    if !is_angle && matches!(name, Name::Plain(_)) {
        return None;
    }
    let (local_part, end) = dot_atom(octets, at + usize::from(is_angle))?;
    if octets.get(end) != Some(&b'@') {
        return None;
    }
    let (domain, end) = dot_atom(octets, end + 1)?;
    at = end;
    if is_angle {
        if octets.get(at) != Some(&b'>') {
            return None;
        }
        at += 1;
    }
    loop {
        match octets.get(at) {
            Some(b' ' | b'\t' | b'\n') => at += 1,
            Some(b'\r') if octets.get(at + 1) == Some(&b'\n') => at += 2,
            None | Some(b',') => break,
            Some(b';') if in_group => break,
            _ => return None,
        }
    }
    let address = AddrSpec::from_parts(local_part, domain);
    Some((Entry { name, comment: None, route: Vec::new(), address }, at))
}

/// What an entry turned out to be.
enum Found<'a> {
    Mailbox(Entry<'a>),
    Group(Words<'a>),
}

/// The words of a phrase or local part, in order.
pub(crate) type Words<'a> = Vec<Placed<'a>>;

impl<'a> Reader<'a> {
    /// One entry, up to its comma or end. On failure the scanner stands behind the entry, and the defect is noted.
    fn entry(&mut self, group_allowed: bool, form: &mut impl Form<'a>) {
        let start = self.scanner.at;
        if let Some((entry, end)) = plain_entry(self.scanner.octets, start, !group_allowed) {
            self.scanner.at = end;
            if form.mailbox(entry, self).is_ok() {
                return;
            }
            self.scanner.at = start;
        }
        let found = self.address(group_allowed);
        let mut too_deep = core::mem::take(&mut self.scanner.comment_too_deep);
        let mut unterminated = core::mem::take(&mut self.scanner.unterminated);
        let mut is_group = false;
        let mut taken = false;
        match found {
            Ok(Found::Mailbox(entry)) if !too_deep && !unterminated => {
                taken = form.mailbox(entry, self).is_ok();
            }
            Ok(Found::Group(name)) if form.group(&name, self).is_ok() => {
                is_group = true;
                self.group(form);
                form.end_group();
                too_deep |= core::mem::take(&mut self.scanner.comment_too_deep);
                unterminated |= core::mem::take(&mut self.scanner.unterminated);
                taken = !too_deep && !unterminated;
            }
            _ => {}
        }
        if taken {
            return;
        }
        let code = if too_deep { DefectCode::CommentTooDeep } else { DefectCode::InvalidAddress };
        self.defects.add(code, start);
        // The members of a group were judged one by one.
        if !is_group {
            self.skip_entry(start, !group_allowed);
        }
    }

    /// Goes to the comma that ends the entry which began at `start`. Quoted strings, comments, domain literals and angle
    /// brackets are passed over whole, so that nothing inside of them is taken for an entry of its own.
    fn skip_entry(&mut self, start: usize, in_group: bool) {
        let scanner = &mut self.scanner;
        scanner.at = start;
        let mut in_angle = false;
        while let Some(octet) = scanner.peek() {
            match octet {
                b'"' => scanner.skip_quoted_string(),
                b'(' => {
                    scanner.skip_cfws();
                }
                b'[' => {
                    scanner.run(|octet| octet != b']');
                }
                b'\\' => scanner.at = (scanner.at + 2).min(scanner.octets.len()),
                b'<' => {
                    in_angle = true;
                    scanner.at += 1;
                }
                b'>' => {
                    in_angle = false;
                    scanner.at += 1;
                }
                b',' if !in_angle => break,
                b';' if !in_angle && in_group => break,
                _ => scanner.at += 1,
            }
        }
        // It was said; what comes next is judged by itself.
        scanner.comment_too_deep = false;
        scanner.unterminated = false;
    }

    /// `address`, with the obsolete forms of section 4.4; of a group, no more than its name and colon.
    fn address(&mut self, group_allowed: bool) -> Result<Found<'a>, Invalid> {
        let words = self.words();
        match self.scanner.peek() {
            Some(b'<') => {
                if words.first().is_some_and(|first| matches!(first.word, Word::Dot)) {
                    return Err(Invalid);
                }
                let (route, address) = self.angle_address()?;
                self.scanner.skip_cfws();
                self.must_end()?;
                Ok(Found::Mailbox(Entry { name: Name::Words(words), comment: None, route, address }))
            }
            Some(b'@') => {
                let local_part = self.local_part(&words)?;
                let domain = self.domain()?;
                let behind = self.scanner.skip_cfws();
                self.must_end()?;
                let address = AddrSpec::new(&local_part, &domain).map_err(|_| Invalid)?;
                // The name of old: `alice@crepes.fr (Alice)`.
                let comment = behind.comment.filter(|_| behind.leading_space);
                Ok(Found::Mailbox(Entry { name: Name::None, comment, route: Vec::new(), address }))
            }
            Some(b':') if group_allowed && !words.is_empty() => {
                self.scanner.at += 1;
                Ok(Found::Group(words))
            }
            _ => Err(Invalid),
        }
    }

    /// Behind an entry there is a comma, the end of the group, or nothing. Many programs write semicolons between
    /// addresses; the list says so when it comes to one.
    fn must_end(&self) -> Result<(), Invalid> {
        match self.scanner.peek() {
            None | Some(b',' | b';') => Ok(()),
            Some(_) => Err(Invalid),
        }
    }

    /// The words up to whatever is no word.
    fn words(&mut self) -> Vec<Placed<'a>> {
        let mut words: Vec<Placed<'a>> = Vec::new();
        loop {
            let apart = self.scanner.skip_cfws().any;
            let at = self.scanner.at;
            let word = match self.scanner.peek() {
                Some(b'"') => {
                    let Some(text) = self.scanner.quoted_string() else {
                        self.scanner.unterminated = true;
                        return words;
                    };
                    Word::Quoted(text)
                }
                Some(b'.') => {
                    self.scanner.at += 1;
                    Word::Dot
                }
                Some(b'=') if self.encoded_word().is_some() => match self.encoded_word() {
                    Some(word) => {
                        self.scanner.at += word.length;
                        Word::Encoded(word)
                    }
                    None => return words,
                },
                Some(octet) if is_atext(octet) => Word::Atom(self.scanner.run(is_atext)),
                _ => return words,
            };
            words.push(Placed { word, at, apart });
        }
    }

    /// The encoded word that begins here. Its text may hold characters that are not allowed in a phrase, as many
    /// writers leave them in, but none with which an address or a quoted string could begin or end.
    fn encoded_word(&self) -> Option<EncodedWord<'a>> {
        let word = EncodedWord::at_start(self.scanner.octets.get(self.scanner.at..)?)?;
        let kept = !word
            .text
            .iter()
            .any(|&octet| matches!(octet, b'<' | b'>' | b'"' | b'\\') || octet <= b' ' || octet == 0x7f);
        let behind = self.scanner.octets.get(self.scanner.at + word.length);
        let apart = behind.is_none_or(|&octet| !is_atext(octet) || octet == b'=');
        (kept && apart).then_some(word)
    }

    /// `display-name`, with the dots of `obs-phrase`; `None` if there is no word.
    fn phrase(&mut self, words: &[Placed<'a>]) -> Result<Option<String>, Invalid> {
        if words.first().is_some_and(|first| matches!(first.word, Word::Dot)) {
            return Err(Invalid);
        }
        let defects = &mut self.defects;
        let mut decoder = Decoder::default();
        for (index, placed) in words.iter().enumerate() {
            let joined = decoder.is_behind_word() && matches!(placed.word, Word::Encoded(_));
            if index > 0 && placed.apart && !joined {
                decoder.text(b" ", placed.at, defects);
            }
            match &placed.word {
                Word::Atom(text) if text.windows(2).any(|pair| pair == b"=?") => {
                    // An encoded word may be glued to other letters, as some write it.
                    decoder.flush(defects);
                    let mut inner = Defects::at(placed.at, true, 1);
                    let text = decode_text(text, &mut inner);
                    defects.add_all(&inner);
                    decoder.out.push_str(&text);
                }
                Word::Atom(text) => decoder.text(text, placed.at, defects),
                Word::Dot => decoder.text(b".", placed.at, defects),
                Word::Encoded(word) => {
                    if word
                        .text
                        .iter()
                        .any(|octet| matches!(octet, b',' | b';' | b':' | b'@' | b'(' | b')' | b'[' | b']'))
                    {
                        defects.add(DefectCode::InvalidEncodedWord, placed.at);
                    }
                    decoder.word(word, placed.at, defects);
                }
                Word::Quoted(text) => {
                    decoder.flush(defects);
                    let text = quoted_text(text, placed.at, defects);
                    push_without_controls(&mut decoder.out, &text);
                }
            }
        }
        decoder.flush(defects);
        Ok((!words.is_empty()).then(|| trim_owned(decoder.out)))
    }

    /// `local-part`, or `obs-local-part`: words with dots between them.
    fn local_part(&mut self, words: &[Placed<'a>]) -> Result<String, Invalid> {
        let mut text = String::new();
        let mut word_due = true;
        let mut obsolete =
            words.len() > 1 && words.iter().any(|placed| matches!(placed.word, Word::Quoted(_)));
        let mut is_atom = false;
        for (index, placed) in words.iter().enumerate() {
            obsolete |= index > 0 && placed.apart;
            let in_atom = is_atom && !placed.apart;
            is_atom = matches!(placed.word, Word::Atom(_) | Word::Encoded(_));
            // What looks like an encoded word in an atom has cut it in pieces.
            word_due |= in_atom && is_atom;
            match (&placed.word, word_due) {
                (Word::Dot, false) => text.push('.'),
                (Word::Atom(octets), true) => {
                    text.push_str(core::str::from_utf8(octets).map_err(|_| Invalid)?);
                }
                (Word::Quoted(octets), true) => {
                    text.push_str(core::str::from_utf8(octets).map_err(|_| Invalid)?);
                }
                (Word::Encoded(word), true) => {
                    // In an address it is an atom like any other (RFC 2047 section 5), if its characters let it.
                    let octets =
                        self.scanner.octets.get(placed.at..placed.at + word.length).ok_or(Invalid)?;
                    if !octets.iter().copied().all(is_atext) {
                        return Err(Invalid);
                    }
                    text.push_str(core::str::from_utf8(octets).map_err(|_| Invalid)?);
                }
                _ => return Err(Invalid),
            }
            word_due = !word_due;
        }
        if word_due {
            return Err(Invalid);
        }
        if obsolete {
            let at = words.first().map_or(0, |placed| placed.at);
            self.defects.add(DefectCode::ObsoleteAddress, at);
        }
        Ok(text)
    }

    /// `"@" domain`, or `obs-domain`.
    fn domain(&mut self) -> Result<String, Invalid> {
        let start = self.scanner.at;
        self.scanner.at += 1;
        self.scanner.skip_cfws();
        let mut domain = String::new();
        if self.scanner.take(b'[') {
            // White space at its ends means nothing; within, nobody knows what it means.
            self.scanner.skip_white_space();
            let text = self.scanner.run(|octet| matches!(octet, 0x21..=0x5a | 0x5e..=0x7e | 0x80..));
            self.scanner.skip_white_space();
            if !self.scanner.take(b']') {
                return Err(Invalid);
            }
            domain.push('[');
            domain.push_str(core::str::from_utf8(text).map_err(|_| Invalid)?);
            domain.push(']');
            return Ok(domain);
        }
        loop {
            let atom = self.scanner.run(is_atext);
            if atom.is_empty() {
                return Err(Invalid);
            }
            domain.push_str(core::str::from_utf8(atom).map_err(|_| Invalid)?);
            let before = self.scanner.clone();
            let apart = self.scanner.skip_cfws().any;
            if !self.scanner.take(b'.') {
                // The comment may belong to what follows, and is read again.
                self.scanner = before;
                return Ok(domain);
            }
            domain.push('.');
            if self.scanner.skip_cfws().any || apart {
                self.defects.add(DefectCode::ObsoleteAddress, start);
            }
        }
    }

    /// `angle-addr`, with the route of `obs-angle-addr`.
    fn angle_address(&mut self) -> Result<(Vec<String>, AddrSpec), Invalid> {
        let start = self.scanner.at;
        let mut route = Vec::new();
        self.scanner.at += 1;
        self.scanner.skip_cfws();
        if matches!(self.scanner.peek(), Some(b'@' | b',')) {
            self.defects.add(DefectCode::ObsoleteAddress, start);
            loop {
                match self.scanner.peek() {
                    Some(b'@') => route.push(self.domain()?),
                    Some(b',') => self.scanner.at += 1,
                    Some(b':') => break,
                    _ => return Err(Invalid),
                }
                self.scanner.skip_cfws();
            }
            self.scanner.at += 1;
        }
        let words = self.words();
        if self.scanner.peek() != Some(b'@') {
            return Err(Invalid);
        }
        let local_part = self.local_part(&words)?;
        let domain = self.domain()?;
        self.scanner.skip_cfws();
        if !self.scanner.take(b'>') {
            return Err(Invalid);
        }
        AddrSpec::new(&local_part, &domain).map(|address| (route, address)).map_err(|_| Invalid)
    }

    /// The members of a group, up to its semicolon.
    fn group(&mut self, form: &mut impl Form<'a>) {
        while !form.is_done() {
            self.scanner.skip_cfws();
            match self.scanner.peek() {
                Some(b';') => {
                    self.scanner.at += 1;
                    break;
                }
                None => {
                    self.defects.add(DefectCode::UnterminatedGroup, self.scanner.at);
                    break;
                }
                Some(b',') => {
                    self.scanner.at += 1;
                    continue;
                }
                Some(_) => {}
            }
            if self.members >= self.limit {
                self.defects.add(DefectCode::TooManyAddresses, self.scanner.at);
                self.scanner.at = self.scanner.octets.len();
                break;
            }
            self.members += 1;
            self.entry(false, form);
        }
        self.scanner.skip_cfws();
        match self.scanner.peek() {
            None | Some(b',' | b';') => {}
            // What follows without a comma is no entry.
            Some(_) => {
                let at = self.scanner.at;
                self.defects.add(DefectCode::InvalidAddress, at);
                self.skip_entry(at, false);
            }
        }
    }

    /// The words of a phrase as they stand there, quotation marks, escapes and comments undone, with one space where
    /// there was white space; encoded words stay encoded.
    pub(crate) fn raw_phrase(&self, words: &Words<'a>) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, placed) in words.iter().enumerate() {
            if index > 0 && placed.apart {
                out.push(b' ');
            }
            let range = |length: usize| self.scanner.octets.get(placed.at..placed.at + length);
            match &placed.word {
                Word::Atom(text) => out.extend_from_slice(text),
                Word::Dot => out.push(b'.'),
                Word::Encoded(word) => out.extend_from_slice(range(word.length).unwrap_or_default()),
                Word::Quoted(text) => push_unfolded_octets(&mut out, text),
            }
        }
        out
    }

    /// The inside of a comment, its escapes and folds undone.
    pub(crate) fn raw_comment(&self, inside: core::ops::Range<usize>) -> Vec<u8> {
        let octets = self.scanner.octets.get(inside).unwrap_or_default();
        let mut text = Vec::with_capacity(octets.len());
        let mut rest = octets.iter();
        while let Some(&octet) = rest.next() {
            if octet == b'\\' { text.extend(rest.next()) } else { text.push(octet) }
        }
        let mut out = Vec::with_capacity(text.len());
        push_unfolded_octets(&mut out, text.trim_ascii());
        out
    }

    fn comment_text(&mut self, inside: core::ops::Range<usize>) -> Option<String> {
        let at = inside.start;
        let octets = self.scanner.octets.get(inside)?;
        let mut text = Vec::with_capacity(octets.len());
        let mut rest = octets.iter();
        while let Some(&octet) = rest.next() {
            if octet == b'\\' { text.extend(rest.next()) } else { text.push(octet) }
        }
        let text = decode_text(&text, &mut Defects::at(at, true, 0)).into_owned();
        Some(text).filter(|text| !text.is_empty())
    }
}

/// The text of a quoted string. Encoded words have no place there (RFC 2047 section 5), but many writers put them in.
pub(crate) fn quoted_text(octets: &[u8], at: usize, defects: &mut Defects) -> String {
    if octets.windows(2).any(|pair| pair == b"=?") {
        let mut inner = Defects::at(at, true, 1);
        let decoded = decode_text(octets, &mut inner);
        if decoded.as_bytes() != octets.trim_ascii() {
            defects.add(DefectCode::EncodedWordInQuotes, at);
            return decoded.into_owned();
        }
    }
    let (text, malformed) = charset::utf8(octets);
    if malformed {
        defects.add(DefectCode::InvalidUtf8, at);
    }
    let mut clean = String::with_capacity(text.len());
    push_without_controls(&mut clean, &text);
    clean
}

fn trim_owned(text: String) -> String {
    // A quoted name may mean its spaces, so only an empty one is made so.
    if text.trim_matches([' ', '\t']).is_empty() { String::new() } else { text }
}
