//! What the audience sees: narration, and conversations that take turns.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use conversation::{Line, Sink, Speaker};

use crate::terminal::say;

/// Columns of narration.
const WIDTH: usize = 100;
/// The column in which the meaning of a line begins.
const MEANING: usize = 62;

/// Where everything is printed. Conversations that happen at once are shown one after the other: the first has the floor until it ends.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    inner: Mutex<Inner>,
    quiet: Condvar,
    explains: bool,
    muted: bool,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// The conversations that have begun and are not over, in order; the first has the floor.
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    id: u64,
    ended: bool,
    /// What it said while another had the floor.
    held: Vec<String>,
}

/// Keeps a conversation open; its drop ends it.
#[derive(Debug)]
struct Turn {
    id: u64,
    stage: Arc<Stage>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut inner = self.stage.lock();
        if let Some(open) = inner.open.iter_mut().find(|open| open.id == self.id) {
            open.ended = true;
        }
        while inner.open.front().is_some_and(|first| first.ended) {
            inner.open.pop_front();
            say("");
            if let Some(next) = inner.open.front_mut() {
                for line in next.held.drain(..) {
                    say(line);
                }
            }
        }
        if inner.open.is_empty() {
            self.stage.quiet.notify_all();
        }
    }
}

impl Stage {
    pub(crate) fn new(explains: bool) -> Arc<Self> {
        Arc::new(Self { explains, ..Self::default() })
    }

    /// A stage on which nobody sees or hears anything: for what happens behind the curtain.
    pub(crate) fn muted() -> Arc<Self> {
        Arc::new(Self { muted: true, ..Self::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A heading.
    pub(crate) fn title(&self, text: &str) {
        let rule = "━".repeat(WIDTH.saturating_sub(text.chars().count() + 4));
        self.line(&format!("\n━━ {text} {rule}\n"));
    }

    /// Narration.
    pub(crate) fn say(&self, text: &str) {
        for line in wrapped(text, WIDTH) {
            self.line(&line);
        }
        self.line("");
    }

    /// Narration for those who asked for more.
    pub(crate) fn explain(&self, text: &str) {
        if self.explains {
            for line in wrapped(text, WIDTH - 4) {
                self.line(&format!("  | {line}"));
            }
            self.line("");
        }
    }

    /// A fact of the story, short.
    pub(crate) fn fact(&self, text: &str) {
        self.line(&format!("  → {text}"));
    }

    /// One line as it is.
    pub(crate) fn line(&self, text: &str) {
        if !self.muted {
            say(text);
        }
    }

    /// Where the lines of a conversation go. It is over when the last clone is dropped.
    pub(crate) fn conversation(self: &Arc<Self>, title: &str, client: &str, server: &str) -> Sink {
        if self.muted {
            return Arc::new(|_| {});
        }
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        inner.open.push_back(Open { id, ended: false, held: Vec::new() });
        drop(inner);
        let turn = Turn { id, stage: Arc::clone(self) };
        let names = client.chars().count().max(server.chars().count());
        let (client, server) = (client.to_owned(), server.to_owned());
        turn.stage.print(id, &[format!("   ┌ {title}")]);
        Arc::new(move |line: Line| {
            let who = match line.who {
                Speaker::Client => &client,
                Speaker::Server => &server,
                Speaker::Nobody => "",
            };
            turn.stage.print(turn.id, &shown(who, names, &line));
        })
    }

    fn print(&self, id: u64, lines: &[String]) {
        let mut inner = self.lock();
        let has_floor = inner.open.front().is_some_and(|first| first.id == id);
        for line in lines {
            if has_floor {
                say(line);
            } else if let Some(open) = inner.open.iter_mut().find(|open| open.id == id) {
                open.held.push(line.clone());
            }
        }
    }

    /// Waits until every conversation is over, for a time at most. To be called where waiting is allowed.
    pub(crate) fn wait_until_quiet(&self, patience: Duration) -> bool {
        let inner = self.lock();
        let waited = self.quiet.wait_timeout_while(inner, patience, |inner| !inner.open.is_empty());
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// One line of a conversation, with its meaning beside it, or below it where there is no room.
fn shown(who: &str, names: usize, line: &Line) -> Vec<String> {
    let pad = names - who.chars().count().min(names);
    let mut first = match line.who {
        Speaker::Nobody => format!("   · {:names$}   {}", "", line.text),
        _ => format!("   │ {}{who} : {}", " ".repeat(pad), line.text),
    };
    if line.meaning.is_empty() {
        return vec![first];
    }
    let columns = width(&first);
    if columns < MEANING {
        let _ = write!(first, "{}# {}", " ".repeat(MEANING - columns), line.meaning);
        vec![first]
    } else {
        vec![first, format!("   │{}# {}", " ".repeat(MEANING - 4), line.meaning)]
    }
}

/// Columns on a terminal: Hangul and its neighbours take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(
            |character| {
                if matches!(character, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{ffe6}') { 2 } else { 1 }
            },
        )
        .sum()
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&line) + 1 + width(word) > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narration_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("한국어 ab", 6), ["한국어", "ab"]);
    }

    #[test]
    fn meanings_stand_in_a_column() {
        let line = Line { who: Speaker::Client, text: "QUIT".into(), meaning: "goodbye" };
        let shown = shown("alice", 9, &line);
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].chars().position(|character| character == '#'), Some(MEANING));
    }

    #[test]
    fn the_second_conversation_waits_for_the_first() {
        let stage = Stage::new(false);
        let first = stage.conversation("one", "a", "b");
        let second = stage.conversation("two", "a", "b");
        second(Line::note("held"));
        assert_eq!(stage.lock().open[1].held.len(), 2);
        drop(first);
        assert_eq!(stage.lock().open[0].held.len(), 0);
        assert!(!stage.wait_until_quiet(Duration::ZERO));
        drop(second);
        assert!(stage.wait_until_quiet(Duration::ZERO));
    }
}
