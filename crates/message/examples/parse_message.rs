//! Shows what is in a message: `cargo run -p postroad-message --example parse_message < message.eml`

use std::io::{self, Read as _};

use postroad_message::Message;

fn main() -> io::Result<()> {
    let mut octets = Vec::new();
    io::stdin().read_to_end(&mut octets)?;
    let message = Message::parse(&octets);

    for field in message.header().fields() {
        println!("{}: {}", field.name(), field.text());
    }
    println!();
    for part in message.parts() {
        let indent = "  ".repeat(part.depth());
        let filename = part.filename().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        println!(
            "{indent}{:<8} {}{filename}, {} octets, {} decoded",
            part.number(),
            part.content_type().essence(),
            part.raw_body().len(),
            part.body().len(),
        );
    }
    for part in message.text_body() {
        println!("\n{}", part.text().unwrap_or_default());
    }
    for defect in message.examine() {
        println!("{defect}");
    }
    Ok(())
}
