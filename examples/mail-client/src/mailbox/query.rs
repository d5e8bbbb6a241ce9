//! What is searched for, as it is written on a command line.

use anyhow::{Context as _, Result, bail, ensure};
use postroad_imap::command::{Command, CommandBody, ParseOptions, Search, SearchKeys};

/// What stands behind a key.
#[derive(Debug, Clone, Copy)]
enum Argument {
    /// Any text.
    Text,
    /// A day.
    Date,
    /// A number, an atom, or a set of numbers: as it is.
    Word,
}

use Argument::{Date, Text, Word};

/// The keys of RFC 9051 section 6.4.4, RFC 3501 and RFC 5032, and what they take; NOT, OR and parentheses stand before other keys.
const KEYS: [(&str, &[Argument]); 40] = [
    ("ALL", &[]),
    ("ANSWERED", &[]),
    ("BCC", &[Text]),
    ("BEFORE", &[Date]),
    ("BODY", &[Text]),
    ("CC", &[Text]),
    ("DELETED", &[]),
    ("DRAFT", &[]),
    ("FLAGGED", &[]),
    ("FROM", &[Text]),
    ("HEADER", &[Text, Text]),
    ("KEYWORD", &[Word]),
    ("LARGER", &[Word]),
    ("NEW", &[]),
    ("NOT", &[]),
    ("OLD", &[]),
    ("OLDER", &[Word]),
    ("ON", &[Date]),
    ("OR", &[]),
    ("RECENT", &[]),
    ("SEEN", &[]),
    ("SENTBEFORE", &[Date]),
    ("SENTON", &[Date]),
    ("SENTSINCE", &[Date]),
    ("SINCE", &[Date]),
    ("SMALLER", &[Word]),
    ("SUBJECT", &[Text]),
    ("TEXT", &[Text]),
    ("TO", &[Text]),
    ("UID", &[Word]),
    ("UNANSWERED", &[]),
    ("UNDELETED", &[]),
    ("UNDRAFT", &[]),
    ("UNFLAGGED", &[]),
    ("UNKEYWORD", &[Word]),
    ("UNSEEN", &[]),
    ("YOUNGER", &[Word]),
    ("(", &[]),
    (")", &[]),
    ("EMAILID", &[Word]),
];

/// The keys that these words are. A word that is no key is looked for in the whole message.
pub(super) fn keys(words: &[String]) -> Result<SearchKeys> {
    ensure!(!words.is_empty(), "nothing to search for");
    let mut text = String::from("x UID SEARCH");
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let key = KEYS.iter().find(|(key, _)| word.eq_ignore_ascii_case(key));
        let Some((key, arguments)) = key else {
            push(&mut text, "TEXT");
            push(&mut text, &quoted(word)?);
            continue;
        };
        push(&mut text, key);
        for argument in *arguments {
            let value = words.next().with_context(|| format!("{key} wants something behind it"))?;
            let value = match argument {
                Text => quoted(value)?,
                Date => date(value)?,
                Word => plain(value)?.to_owned(),
            };
            push(&mut text, &value);
        }
    }
    let options = ParseOptions { utf8: true, ..ParseOptions::default() };
    let command = Command::parse(&text.into(), &options).map_err(|error| error.error)?;
    match command.body {
        CommandBody::Search(Search { keys, .. }) => Ok(keys),
        _ => bail!("it is no search"),
    }
}

fn push(text: &mut String, word: &str) {
    // No space stands at the inner side of a parenthesis.
    if !text.ends_with('(') && word != ")" {
        text.push(' ');
    }
    text.push_str(word);
}

fn quoted(text: &str) -> Result<String> {
    ensure!(!text.contains(['\r', '\n', '\0']), "a line end cannot be searched for");
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn plain(word: &str) -> Result<&str> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '(' | ')' | '{' | '\\');
    ensure!(!word.is_empty() && !word.contains(is_odd), "{word:?} is no number and no name");
    Ok(word)
}

/// `2026-11-23` is `23-Nov-2026`; that is taken too.
fn date(text: &str) -> Result<String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Ok(day) = text.parse::<jiff::civil::Date>() else { return plain(text).map(ToOwned::to_owned) };
    let month = usize::try_from(day.month() - 1).ok().and_then(|at| MONTHS.get(at)).context("the month")?;
    Ok(format!("{}-{month}-{:04}", day.day(), day.year()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use postroad_imap::command::SearchKey;

    fn read(words: &[&str]) -> Result<Vec<SearchKey>> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Ok(keys(&words)?.as_slice().to_vec())
    }

    #[test]
    fn words_are_keys_or_text() {
        assert_eq!(read(&["카페"]).unwrap(), [SearchKey::Text("카페".into())]);
        assert_eq!(read(&["-x \"y\" \\"]).unwrap(), [SearchKey::Text("-x \"y\" \\".into())]);
        let both = [SearchKey::And(2), SearchKey::From("alice".into()), SearchKey::Unseen];
        assert_eq!(read(&["from", "alice", "UNSEEN"]).unwrap(), both);
        let nested = read(&["OR", "(", "SEEN", "menu", ")", "NOT", "larger", "100"]).unwrap();
        assert_eq!(
            nested,
            [
                SearchKey::Or,
                SearchKey::And(2),
                SearchKey::Seen,
                SearchKey::Text("menu".into()),
                SearchKey::Not,
                SearchKey::Larger(100)
            ]
        );
        assert_eq!(read(&["since", "2026-11-03"]).unwrap(), read(&["SINCE", "3-Nov-2026"]).unwrap());
        let field = SearchKey::Header { field: "X-A".into(), value: "b c".into() };
        assert_eq!(read(&["header", "X-A", "b c"]).unwrap(), [field]);
    }

    #[test]
    fn what_is_wrong_is_not_sent() {
        for wrong in [
            &[][..],
            &["from"],
            &["larger", "many"],
            &["larger", "1 DELETED"],
            &["since", "yesterday"],
            &["not"],
            &["(", "seen"],
            &[")"],
            &["text", "a\r\nb LOGOUT"],
            &["uid", "1)"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
