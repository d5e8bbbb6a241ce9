//! What is known of a message, for people.

use std::io::{self, Write};

use super::json::{Entry, Inspection, PartEntry};
use conversation::shown;

/// The main header fields, the MIME tree, and the defects; under a file's name if one is given.
pub(crate) fn write(to: &mut impl Write, file: Option<&str>, message: &Inspection) -> io::Result<()> {
    if let Some(file) = file {
        writeln!(to, "== {}", shown(file))?;
    }
    let id = |id: &String| format!("<{id}>");
    let ids = |ids: &[String]| ids.iter().map(id).collect::<Vec<_>>().join(" ");
    for (name, value) in [
        ("Date", message.date.clone().unwrap_or_default()),
        ("From", list(&message.from)),
        ("Sender", list(&message.sender)),
        ("Reply-To", list(&message.reply_to)),
        ("To", list(&message.to)),
        ("Cc", list(&message.cc)),
        ("Bcc", list(&message.bcc)),
        ("Subject", message.subject.clone().unwrap_or_default()),
        ("Message-ID", message.message_id.as_ref().map(id).unwrap_or_default()),
        ("In-Reply-To", ids(&message.in_reply_to)),
    ] {
        if !value.is_empty() {
            writeln!(to, "{:<13}{}", format!("{name}:"), shown(&value))?;
        }
    }
    writeln!(to)?;
    for part in &message.parts {
        write_part(to, part, message)?;
    }
    if !message.defects.is_empty() {
        writeln!(to)?;
    }
    for defect in &message.defects {
        writeln!(to, "{:<8} {} at octet {}", defect.severity, defect.code, defect.offset)?;
    }
    if file.is_some() {
        writeln!(to)?;
    }
    Ok(())
}

fn list(entries: &[Entry]) -> String {
    let mut all = Vec::new();
    for entry in entries {
        all.push(match entry {
            Entry::Mailbox { name: Some(name), address } => format!("{name} <{address}>"),
            Entry::Mailbox { name: None, address } => address.clone(),
            Entry::Group { group, members } => format!("{group}: {};", list(members)),
        });
    }
    all.join(", ")
}

/// `  1.2  text/plain; charset=utf-8, base64, 333 octets, attachment "카페.txt"`
fn write_part(to: &mut impl Write, part: &PartEntry, message: &Inspection) -> io::Result<()> {
    let id = if part.id.is_empty() { "-" } else { &part.id };
    let mut words = vec![part.content_type.clone()];
    if let Some(charset) = part.parameters.iter().find(|parameter| parameter.name() == "charset") {
        words[0].push_str("; charset=");
        words[0].push_str(charset.value());
    }
    if part.encoding != "7bit" {
        words.push(part.encoding.clone());
    }
    words.push(format!("{} octets", part.decoded_octets));
    match (&part.disposition, &part.filename) {
        (Some(disposition), Some(name)) => words.push(format!("{disposition} \"{name}\"")),
        (Some(disposition), None) => words.push(disposition.clone()),
        (None, Some(name)) => words.push(format!("\"{name}\"")),
        (None, None) => {}
    }
    words.extend(part.content_id.as_ref().map(|id| format!("<{id}>")));
    words.extend(part.description.as_ref().map(|text| format!("({text})")));
    let uses = [("text", &message.text_body), ("html", &message.html_body)];
    let uses = uses.iter().filter(|(_, ids)| !part.id.is_empty() && ids.contains(&part.id));
    words.extend(uses.map(|(body, _)| format!("[{body}]")));
    writeln!(to, "{:indent$}{id:<6}{}", "", shown(&words.join(", ")), indent = 2 * part.depth)
}
