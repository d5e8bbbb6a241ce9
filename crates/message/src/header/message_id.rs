//! Reading lists of message identifiers (RFC 5322 sections 3.6.4 and 4.5.4).

use alloc::string::String;
use alloc::vec::Vec;

use crate::defect::{DefectCode, Defects};
use crate::limits::Limits;
use crate::scanner::{Scanner, is_atext};
use crate::types::{MessageId, is_dot_atom, write_quoted};

/// The identifiers in angle brackets, in order. Words between them are obsolete and passed over.
pub(crate) fn read_list(value: &[u8], limits: &Limits, defects: &mut Defects) -> Vec<MessageId> {
    let mut scanner = Scanner::new(value, limits.comment_depth);
    let mut ids = Vec::new();
    loop {
        scanner.skip_cfws();
        let at = scanner.at;
        match scanner.peek() {
            None => break,
            Some(b'<') => {
                if ids.len() >= limits.addresses {
                    defects.add(DefectCode::TooManyAddresses, at);
                    break;
                }
                scanner.at += 1;
                let inside = scanner.run(|octet| octet != b'>' && octet != b'<');
                let closed = scanner.take(b'>');
                if let Some(id) = plain_id(inside).filter(|_| closed) {
                    ids.push(id);
                    continue;
                }
                // Folds within an identifier come from programs that fold where they must not.
                let id = without_white_space(inside, limits);
                let mut id = String::from_utf8(id).ok().filter(|_| closed).and_then(MessageId::from_reading);
                if id.as_ref().is_none_or(|id| !id.is_valid() || id.as_str().len() != inside.len()) {
                    let obsolete = obsolete_id(inside, limits).filter(|_| closed);
                    let code = match obsolete {
                        Some(_) => DefectCode::ObsoleteMessageId,
                        None => DefectCode::InvalidMessageId,
                    };
                    defects.add(code, at);
                    id = obsolete.or(id);
                }
                ids.extend(id);
            }
            Some(b'"') => {
                if scanner.quoted_string().is_none() {
                    defects.add(DefectCode::InvalidMessageId, at);
                    break; // all the rest is in it
                }
            }
            Some(_) => {
                defects.add(DefectCode::InvalidMessageId, at);
                scanner.at += 1;
                scanner.run(|octet| !matches!(octet, b'<' | b'"' | b'('));
            }
        }
    }
    ids
}

/// An identifier that follows the grammar, as nearly all do: dot-atoms of ASCII around one `@`.
fn plain_id(inside: &[u8]) -> Option<MessageId> {
    if inside.len() > 900 {
        return None;
    }
    let mut ats = 0;
    let mut word_due = true;
    for &octet in inside {
        let is_at = octet == b'@';
        if is_at || octet == b'.' {
            if word_due {
                return None;
            }
            ats += usize::from(is_at);
            word_due = true;
        } else if is_atext(octet) && octet.is_ascii() {
            word_due = false;
        } else {
            return None;
        }
    }
    if word_due || ats != 1 {
        return None;
    }
    core::str::from_utf8(inside).ok().map(|id| MessageId::from_valid(String::from(id)))
}

/// The identifier without folds, white space and comments, which the obsolete syntax allows (RFC 5322 section 4.5.4).
fn without_white_space(inside: &[u8], limits: &Limits) -> Vec<u8> {
    let mut scanner = Scanner::new(inside, limits.comment_depth);
    let mut id = Vec::with_capacity(inside.len());
    loop {
        scanner.skip_cfws();
        let at = scanner.at;
        if scanner.peek() == Some(b'"') && scanner.quoted_string().is_some() {
            id.extend_from_slice(inside.get(at..scanner.at).unwrap_or_default());
            continue;
        }
        let run = scanner.run(|octet| !octet.is_ascii_whitespace() && octet != b'(' && octet != b'"');
        match (run, scanner.peek()) {
            ([], None) => return id,
            // A quote or a parenthesis that nothing closes: all the rest is in it, and is looked at once.
            ([], Some(_)) => {
                let rest = inside.get(at..).unwrap_or_default();
                id.extend(rest.iter().filter(|octet| !octet.is_ascii_whitespace()));
                return id;
            }
            (run, _) => id.extend_from_slice(run),
        }
    }
}

/// What is between angle brackets, read as `obs-id-left "@" obs-id-right` (RFC 5322 section 4.5.4): words with dots, and
/// comments and white space between them, which are left out.
fn obsolete_id(inside: &[u8], limits: &Limits) -> Option<MessageId> {
    let mut scanner = Scanner::new(inside, limits.comment_depth);
    let mut id = String::with_capacity(inside.len());
    loop {
        scanner.skip_cfws();
        if scanner.peek() == Some(b'"') {
            let text = scanner.quoted_string()?;
            write_quoted(&mut id, core::str::from_utf8(&text).ok()?).ok()?;
        } else {
            id.push_str(atom(&mut scanner)?);
        }
        scanner.skip_cfws();
        if scanner.take(b'@') {
            id.push('@');
            break;
        }
        scanner.take(b'.').then(|| id.push('.'))?;
    }
    scanner.skip_cfws();
    if scanner.take(b'[') {
        let text = scanner.run(|octet| matches!(octet, 0x21..=0x5a | 0x5e..=0x7e));
        scanner.take(b']').then_some(())?;
        id.push('[');
        id.push_str(core::str::from_utf8(text).ok()?);
        id.push(']');
        scanner.skip_cfws();
    } else {
        loop {
            scanner.skip_cfws();
            id.push_str(atom(&mut scanner)?);
            scanner.skip_cfws();
            if !scanner.take(b'.') {
                break;
            }
            id.push('.');
        }
    }
    let whole = scanner.is_at_end() && !scanner.unterminated && !scanner.comment_too_deep;
    whole.then(|| MessageId::from_reading(id))?
}

fn atom<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    core::str::from_utf8(scanner.run(is_atext)).ok().filter(|atom| !atom.is_empty())
}

/// The only identifier of a value, also without its angle brackets, as some write it.
pub(crate) fn read_one(value: &[u8], limits: &Limits, defects: &mut Defects) -> Option<MessageId> {
    // The only one there is, in nearly all messages.
    if let [b'<', inside @ .., b'>'] = value.trim_ascii() {
        if let Some(id) = plain_id(inside) {
            return Some(id);
        }
    }
    if let Some(id) = read_list(value, limits, defects).into_iter().next() {
        return Some(id);
    }
    let bare = core::str::from_utf8(value.trim_ascii()).ok()?;
    MessageId::new(bare).ok()
}

/// The identifier without quotation marks on its left side, where that is a dot-atom without them.
pub(crate) fn normalized(id: MessageId) -> MessageId {
    let unquoted = || {
        if !id.as_str().starts_with('"') {
            return None;
        }
        let mut scanner = Scanner::new(id.as_str().as_bytes(), 1);
        let left = scanner.quoted_string()?;
        let left = core::str::from_utf8(&left).ok().filter(|left| is_dot_atom(left))?;
        let right = id.as_str().get(scanner.at..).filter(|right| right.starts_with('@'))?;
        MessageId::from_reading([left, right].concat())
    };
    unquoted().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> (Vec<String>, usize) {
        let mut defects = Defects::at(0, false, 100);
        let ids = read_list(value.as_bytes(), &Limits::DEFAULT, &mut defects);
        (ids.iter().map(|id| id.as_str().into()).collect(), defects.list.len())
    }

    #[test]
    fn lists() {
        assert_eq!(read("<a@b>\r\n <c@d>(x <y@z>)"), (["a@b".into(), "c@d".into()].into(), 0));
        assert_eq!(read("<a@[192.0.2.1]>").1, 0);
        assert_eq!(read(""), (Vec::new(), 0));
    }

    /// RFC 5322 appendix A.6.3.
    #[test]
    fn obsolete_identifiers() {
        for (value, id) in [
            ("<1234   @   local(blah)  .machine .example>", "1234@local.machine.example"),
            ("<a@\r\n b>", "a@b"),
            ("<a . b(c(d)) @ [192.0.2.1] >", "a.b@[192.0.2.1]"),
            ("<\"a.b\".c@d>", "\"a.b\".c@d"),
        ] {
            let mut defects = Defects::at(0, false, 100);
            let ids = read_list(value.as_bytes(), &Limits::DEFAULT, &mut defects);
            assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), [id]);
            let codes: Vec<_> = defects.list.iter().map(|defect| defect.code).collect();
            assert_eq!(codes, [DefectCode::ObsoleteMessageId], "{value}");
        }
        let mut defects = Defects::at(0, false, 100);
        for invalid in ["<a@b(>", "<a.@b>", "<@b>", "<a@>", "<a@b c>", "<a@[b>", "<a@b@c>", "<\"a@b>"] {
            read_list(invalid.as_bytes(), &Limits::DEFAULT, &mut defects);
            assert_eq!(defects.list.pop().map(|defect| defect.code), Some(DefectCode::InvalidMessageId));
        }
    }

    #[test]
    fn lists_that_break_the_grammar() {
        assert_eq!(read("Your message of Monday <a@b>").0, ["a@b"]);
        assert_eq!(read("\"quoted <x@y>\" <a@b>").0, ["a@b"]);
        assert_eq!(read("<a@\r\n b>"), (["a@b".into()].into(), 1));
        assert_eq!(
            read("<1234 @ local(blah) .machine .example>"),
            (["1234@local.machine.example".into()].into(), 1)
        );
        assert_eq!(read("<\"a(b\"@c>").0, ["\"a(b\"@c"]);
        assert_eq!(read("<a(b@c>").0.len(), 1);
        assert_eq!(read("<a b@c d>"), (["ab@cd".into()].into(), 1));
        assert_eq!(read("<a> <<b>"), (["a".into(), "b".into()].into(), 3));
        assert_eq!(read("<a@b"), (Vec::new(), 1));
        for flood in ["<", "<(", "<\"", "(", "\""] {
            assert!(read(&flood.repeat(100_000)).0.is_empty());
        }
    }
}
