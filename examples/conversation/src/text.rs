//! Text of others on a terminal.

/// The text with control characters spelt out, so that it cannot move the cursor or begin a line of its own.
pub fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        // Beside the controls, those that turn the direction of the text around.
        let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || character.is_control() && character != '\t' {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(shown("a\x1b[2J\r\n\u{9b}카\t\u{202e}b"), "a\\u{1b}[2J\\r\\n\\u{9b}카\t\\u{202e}b");
    }
}
