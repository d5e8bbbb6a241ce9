//! Flowed text (RFC 3676).

use alloc::string::String;

/// The level of quotation, and what is behind it.
fn quotation(line: &str) -> (usize, &str) {
    let depth = line.bytes().take_while(|&octet| octet == b'>').count();
    (depth, line.get(depth..).unwrap_or_default())
}

/// Joins the lines of flowed text (`text/plain; format=flowed`, RFC 3676 section 4). With `delsp` the space at the end of
/// a flowed line goes. Quoted lines begin with their marks and a space; lines end in LF.
///
/// ```
/// use postroad_message::unflow;
/// assert_eq!(unflow("Do you \r\nlike it?\r\n>> yes \r\n>> sir\r\n-- \r\nBob\r\n", false),
///     "Do you like it?\n>> yes sir\n-- \nBob\n");
/// assert_eq!(unflow("삶의  \r\n의미 \r\n는\r\n", true), "삶의 의미는\n");
/// ```
pub fn unflow(text: &str, delsp: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The quotation depth of the paragraph that goes on.
    let mut open: Option<usize> = None;
    let lines = text.strip_suffix('\n').unwrap_or(text);
    for line in lines.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (depth, rest) = quotation(line);
        let rest = rest.strip_prefix(' ').unwrap_or(rest); // space-stuffing
        let is_signature = rest == "-- ";
        let goes_on = open == Some(depth) && !is_signature;
        if !goes_on {
            if open.is_some() {
                out.push('\n');
            }
            for _ in 0..depth {
                out.push('>');
            }
            if depth > 0 && !rest.is_empty() {
                out.push(' ');
            }
        }
        match rest.strip_suffix(' ') {
            Some(kept) if !is_signature => {
                out.push_str(if delsp { kept } else { rest });
                open = Some(depth);
            }
            _ => {
                out.push_str(rest);
                out.push('\n');
                open = None;
            }
        }
    }
    if open.is_some() {
        out.push('\n');
    }
    if text.is_empty() { String::new() } else { out }
}

/// Writes text as flowed text: each line is a paragraph, broken at spaces so that lines stay within `width` characters where
/// that can be. Lines of the result end in LF; marks of quotation at the start of a line are kept at each of its lines.
///
/// ```
/// use postroad_message::{flow, unflow};
/// let text = "Do you like ketchup?\n> yes, and pickles too\n-- \nBob\n";
/// assert_eq!(flow(text, 14), "Do you like \nketchup?\n> yes, and \n> pickles too\n-- \nBob\n");
/// assert_eq!(unflow(&flow(text, 14), false), text);
/// ```
pub fn flow(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let lines = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return out;
    }
    for line in lines.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (depth, rest) = quotation(line);
        let marks = line.get(..depth).unwrap_or_default();
        let rest = if depth > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
        // Spaces at the end would say that the line goes on.
        let rest = if rest == "-- " { rest } else { rest.trim_end_matches(' ') };
        let mut length = begin(&mut out, marks, rest);
        for (index, word) in rest.split_inclusive(' ').enumerate() {
            let characters = word.chars().count();
            if index > 0 && length + characters > width.max(4) && rest != "-- " {
                out.push('\n');
                length = begin(&mut out, marks, word);
            }
            out.push_str(word);
            length += characters;
        }
        out.push('\n');
    }
    out
}

/// Begins a line: its marks, and the space that keeps what follows from being taken for something else (RFC 3676 section
/// 4.4).
fn begin(out: &mut String, marks: &str, rest: &str) -> usize {
    out.push_str(marks);
    let stuffed = !marks.is_empty() || rest.starts_with([' ', '>']) || rest.starts_with("From ");
    if stuffed {
        out.push(' ');
    }
    marks.len() + usize::from(stuffed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn joining() {
        assert_eq!(unflow("", false), "");
        assert_eq!(unflow("a", false), "a\n");
        assert_eq!(unflow("a \r\n", false), "a \n");
        assert_eq!(unflow(" From me\r\n  b\r\n", false), "From me\n b\n");
        // A paragraph does not go on at another depth of quotation.
        assert_eq!(unflow("> a \r\n>> b \r\nc\r\n", false), "> a \n>> b \nc\n");
        assert_eq!(unflow("a \r\n-- \r\nb\r\n", false), "a \n-- \nb\n");
        assert_eq!(unflow(">\r\n> a\r\n", false), ">\n> a\n");
    }

    proptest! {
        /// What is flowed and joined again is the same, but for spaces at the ends of lines.
        #[test]
        fn there_and_back(lines in proptest::collection::vec("(>{0,2} )?[a-z]{1,9}( [a-z가>]{1,9}| From| >){0,9}", 1..5)) {
            let text = lines.join("\n") + "\n";
            for width in [5, 20, 78] {
                prop_assert_eq!(unflow(&flow(&text, width), false), text.clone());
            }
        }
    }
}
