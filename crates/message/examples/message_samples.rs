//! Writes messages of many kinds into a folder, and `samples.json` beside them, which says what is in each: for programs that read mail
//! to be tried on them.
//!
//! ```console
//! $ cargo run -p postroad-message --example message_samples -- FOLDER
//! ```

use postroad_message::{AddrSpec, DateTime, Mailbox, MessageBuilder, PartBuilder, Target};
use serde_json::{Value, json};
use std::path::Path;

type Failure = Box<dyn std::error::Error>;

/// Subjects, names and file names as people have them.
const TEXTS: [&str; 8] = [
    "plain",
    "삶의 의미를 찾아서",
    "人生の意味を探して、そしてまだまだ続く、とても長い件名のために",
    "emoji 🥞🍔 and more",
    "a \"quoted\" name, with (brackets) and a \\ backslash",
    "=?utf-8?q?not_an_encoded_word?=",
    "  spaces at both ends and   between  ",
    "Ünïcödé mixed with plain words, so that only some of them have to be encoded, over more than one line of the header",
];

fn main() -> Result<(), Failure> {
    let folder = std::env::args().nth(1).ok_or("give a folder")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let mut samples = Vec::new();
    let mut seed = 1;
    for subject in TEXTS {
        for target in [Target::SevenBit, Target::EightBit] {
            for shape in ["text", "html", "both", "attached", "nested"] {
                let name = format!("{seed:03}-{shape}.eml");
                samples.push(write(&folder.join(&name), &name, subject, target, shape, seed)?);
                seed += 1;
            }
        }
    }
    std::fs::write(folder.join("samples.json"), serde_json::to_vec_pretty(&samples)?)?;
    println!("{} messages in {}", samples.len(), folder.display());
    Ok(())
}

fn write(
    path: &Path,
    file: &str,
    subject: &str,
    target: Target,
    shape: &str,
    seed: u128,
) -> Result<Value, Failure> {
    let text = format!("{subject}\nFrom here to there.\n.\n{}\n한국어 日本語 🥞\n", "long ".repeat(300));
    let html = format!("<p>{}</p>", "한국어 🥞 &amp; more");
    let octets: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let alice = Mailbox::new(subject.trim(), AddrSpec::new("alice", "crepes.fr")?)?;
    let date = DateTime::from_timestamp(1_795_392_000 + i64::try_from(seed)? * 3600, 540)?;
    let begin = || {
        MessageBuilder::new()
            .from(alice.clone())
            .to("Bob <bob@hamburger.edu>")
            .to("carol@hamburger.edu")
            .date(date)
            .message_id(format!("sample.{seed}@crepes.fr").as_str())
            .subject(subject)
            .target(target)
            .seed(seed)
    };
    let attachment =
        || PartBuilder::octets("application/octet-stream", octets.clone()).attachment(subject.trim());
    let message = match shape {
        "text" => begin().text(&text).build()?,
        "html" => begin().html(&html).build()?,
        "both" => begin().text(&text).html(&html).build()?,
        "attached" => begin().text(&text).attach(attachment()).build()?,
        _ => {
            let inner = begin().text(&text).attach(attachment()).build()?;
            begin().text(&text).attach(PartBuilder::octets("message/rfc822", inner)).build()?
        }
    };
    std::fs::write(path, &message)?;
    Ok(json!({
        "file": file,
        "subject": subject,
        "from": { "name": subject.trim(), "address": "alice@crepes.fr" },
        "to": ["bob@hamburger.edu", "carol@hamburger.edu"],
        "message_id": format!("sample.{seed}@crepes.fr"),
        "text": (shape != "html").then_some(text),
        "html": matches!(shape, "html" | "both").then_some(html),
        "attachment": (shape == "attached").then(|| json!({ "filename": subject.trim(), "octets": octets.len() })),
        "nested": shape == "nested",
    }))
}
