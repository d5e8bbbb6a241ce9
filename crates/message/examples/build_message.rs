//! Builds a message with an attachment and prints it: `cargo run -p postroad-message --example build_message`

use std::io::{self, Write as _};

use postroad_message::{DateTime, MessageBuilder, PartBuilder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let message = MessageBuilder::new()
        .from("Alice <alice@crepes.fr>")
        .to("bob@hamburger.edu")
        .date(DateTime::from_timestamp(1_795_392_000, 540)?) // the caller's clock
        .seed(42) // the caller's randomness
        .message_id_at("crepes.fr")
        .subject("삶의 의미를 찾아서")
        .text("Do you like ketchup?\nHow about pickles?\n")
        .attach(PartBuilder::octets("text/plain", "pickles\r\n").attachment("카페.txt"))
        .build()?;
    io::stdout().write_all(&message)?;
    Ok(())
}
