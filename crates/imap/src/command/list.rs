//! LIST (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154).

use super::CommandBody;
use super::mailbox::{print_status_items, status_items};
use super::parse::Parser;
use crate::grammar::Encoder;
use crate::types::{ListPattern, ListReturn, ListSelection, MailboxName};
use postroad_core::{ParseError, ParseErrorKind};

/// LIST, basic or extended: it is extended if anything is selected or returned, or if it has several patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Which kinds of mailboxes.
    pub selection: ListSelection,
    /// What the patterns are relative to; mostly empty.
    pub reference: MailboxName,
    /// Which names, at least one pattern.
    pub patterns: Vec<ListPattern>,
    /// What to tell of each.
    pub returns: ListReturn,
}

impl List {
    /// Whether a mailbox of this name is among those that are asked for, going by the reference and the patterns; the selection options are
    /// the caller's.
    pub fn matches(&self, name: &MailboxName, delimiter: Option<char>) -> bool {
        let reference = self.reference.as_str();
        self.patterns.iter().any(|pattern| match reference {
            "" => pattern.matches(name, delimiter),
            // Two texts without CR, LF and NUL make one.
            _ => ListPattern::new(format!("{reference}{}", pattern.as_str()))
                .is_ok_and(|pattern| pattern.matches(name, delimiter)),
        })
    }

    /// Whether it asks for nothing but the delimiter and the root, by an empty pattern (RFC 9051 section 6.3.9): the answer is the empty name,
    /// as `\\Noselect`.
    pub fn is_for_delimiter(&self) -> bool {
        matches!(self.patterns.as_slice(), [pattern] if pattern.as_str().is_empty())
    }
}

pub(super) fn parse(parser: &mut Parser<'_>) -> Result<List, Box<ParseError>> {
    parser.space()?;
    let mut selection = ListSelection::default();
    if parser.peek() == Some(b'(') {
        selection = parse_selection(parser)?;
        parser.space()?;
    }
    let reference = parser.mailbox()?;
    parser.space()?;
    let patterns = if parser.peek() == Some(b'(') {
        parser.items(Some("a pattern"), parse_pattern)?
    } else {
        vec![parse_pattern(parser)?]
    };
    let mut returns = ListReturn::default();
    if !parser.is_at_end() {
        parser.space()?;
        parser.eat("RETURN ")?;
        returns = parse_return(parser)?;
    }
    Ok(List { selection, reference, patterns, returns })
}

fn parse_pattern(parser: &mut Parser<'_>) -> Result<ListPattern, Box<ParseError>> {
    let at = parser.at();
    let octets = parser.list_mailbox()?;
    ListPattern::from_wire(&octets, parser.options.utf8)
        .map_err(|error| parser.fail_at(error.kind(), at + error.at()))
}

fn parse_selection(parser: &mut Parser<'_>) -> Result<ListSelection, Box<ParseError>> {
    let start = parser.at();
    let mut selection = ListSelection::default();
    parser.items(None, |parser| {
        let at = parser.at();
        match parser.keyword().as_slice() {
            b"SUBSCRIBED" => selection.subscribed = true,
            b"REMOTE" => selection.remote = true,
            b"RECURSIVEMATCH" => selection.recursive_match = true,
            b"SPECIAL-USE" => selection.special_use = true,
            _ => return Err(parser.fail_at(ParseErrorKind::Unknown("selection option"), at)),
        }
        Ok(())
    })?;
    if selection.recursive_match && !selection.subscribed && !selection.special_use {
        let what = "an option that RECURSIVEMATCH is about";
        return Err(parser.fail_at(ParseErrorKind::Missing(what), start));
    }
    Ok(selection)
}

fn parse_return(parser: &mut Parser<'_>) -> Result<ListReturn, Box<ParseError>> {
    let mut returns = ListReturn::default();
    parser.items(None, |parser| {
        let at = parser.at();
        match parser.keyword().as_slice() {
            b"SUBSCRIBED" => returns.subscribed = true,
            b"CHILDREN" => returns.children = true,
            b"SPECIAL-USE" => returns.special_use = true,
            b"MYRIGHTS" => returns.my_rights = true,
            b"STATUS" if !returns.status.is_empty() => {
                return Err(parser.fail_at(ParseErrorKind::Duplicate("STATUS"), at));
            }
            b"STATUS" => {
                parser.space()?;
                returns.status = status_items(parser)?;
            }
            _ => return Err(parser.fail_at(ParseErrorKind::Unknown("return option"), at)),
        }
        Ok(())
    })?;
    Ok(returns)
}

pub(super) fn parse_lsub(parser: &mut Parser<'_>) -> Result<CommandBody, Box<ParseError>> {
    let reference = parser.space_mailbox()?;
    parser.space()?;
    Ok(CommandBody::Lsub { reference, pattern: parse_pattern(parser)? })
}

pub(super) fn print(list: &List, out: &mut Encoder) {
    out.text("LIST ");
    let selection = list.selection;
    if !selection.is_empty() {
        out.text("(");
        print_words(
            &[
                (selection.subscribed, "SUBSCRIBED"),
                (selection.remote, "REMOTE"),
                (selection.recursive_match, "RECURSIVEMATCH"),
                (selection.special_use, "SPECIAL-USE"),
            ],
            out,
        );
        out.text(") ");
    }
    out.mailbox(&list.reference).text(" ");
    match list.patterns.as_slice() {
        [pattern] => {
            print_pattern(pattern, out);
        }
        patterns => {
            out.text("(");
            for (at, pattern) in patterns.iter().enumerate() {
                out.text(if at > 0 { " " } else { "" });
                print_pattern(pattern, out);
            }
            out.text(")");
        }
    }
    let returns = &list.returns;
    if !returns.is_empty() {
        out.text(" RETURN (");
        let any = print_words(
            &[
                (returns.subscribed, "SUBSCRIBED"),
                (returns.children, "CHILDREN"),
                (returns.special_use, "SPECIAL-USE"),
                (returns.my_rights, "MYRIGHTS"),
            ],
            out,
        );
        if !returns.status.is_empty() {
            out.text(if any { " STATUS " } else { "STATUS " });
            print_status_items(&returns.status, out);
        }
        out.text(")");
    }
}

/// Writes the words that are asked for with spaces between them, and says whether there was one.
fn print_words(words: &[(bool, &'static str)], out: &mut Encoder) -> bool {
    let mut any = false;
    for (_, word) in words.iter().filter(|(asked, _)| *asked) {
        out.text(if any { " " } else { "" }).text(word);
        any = true;
    }
    any
}

fn print_pattern(pattern: &ListPattern, out: &mut Encoder) {
    let wire = pattern.to_wire(out.utf8());
    out.list_mailbox(&wire);
}

pub(super) fn print_lsub(reference: &MailboxName, pattern: &ListPattern, out: &mut Encoder) {
    out.text("LSUB ").mailbox(reference).text(" ");
    print_pattern(pattern, out);
}
