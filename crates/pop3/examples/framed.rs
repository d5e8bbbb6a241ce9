//! The codec without sessions: prints what a POP3 server can do.
//!
//! ```text
//! cargo run -p postroad-pop3 --features tokio-codec --example pop3-framed -- 127.0.0.1:2110
//! ```

use futures_util::{SinkExt, StreamExt};
use postroad_pop3::codec::ResponsePart;
use postroad_pop3::command::Command;
use postroad_pop3::framed::ClientCodec;
use postroad_pop3::types::Capability;
use std::error::Error;
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: pop3-framed ADDRESS:PORT")?;
    let mut server = Framed::new(TcpStream::connect(address).await?, ClientCodec::new(4096));
    // Two commands behind each other; the codec remembers which answer has which shape. The greeting comes first.
    server.feed(Command::Capa).await?;
    server.send(Command::Quit).await?;
    while let Some(item) = server.next().await {
        match item?? {
            ResponsePart::Status(line) => println!("{line}"),
            ResponsePart::Line(line) => println!("  {:?}", Capability::parse(&line)?),
            _ => {}
        }
    }
    Ok(())
}
