//! `minimal-client [SMTP [POP3 [IMAP]]]`: Alice writes to Bob, who is waiting, and reads it twice. The servers are those of
//! `cargo run -p minimal-server`, unless others are named.

use minimal_client::{Login, Result, compose, read, send, take, wait};
use std::collections::BTreeSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let [smtp, pop3, imap] = ["127.0.0.1:2525", "127.0.0.1:2110", "127.0.0.1:2143"]
        .map(|default| arguments.next().unwrap_or_else(|| default.to_owned()).parse());
    let (smtp, pop3, imap) = (smtp?, pop3?, imap?);
    let bob = Login { user: "bob", password: "pickles" };

    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let waiting = wait(imap, bob, || {
        let _ = ready.send(());
    });
    let sending = async {
        let _ = is_ready.await;
        let message = compose(
            "Alice <alice@localhost>",
            "Bob <bob@localhost>",
            "삶의 의미를 찾아서",
            "Do you like ketchup?\n",
        )?;
        send(smtp, "alice@localhost", &["bob@localhost", "carol@localhost"], &message).await
    };
    let (new, refused) = tokio::try_join!(waiting, sending)?;
    for reason in refused {
        println!("not sent to {reason}");
    }
    for listed in new {
        println!(
            "new: {} from {}, {} octets, UID {}",
            listed.subject, listed.from, listed.octets, listed.uid
        );
    }

    let (unseen, newest) = read(imap, bob).await?;
    println!("by IMAP: {} unseen; the newest, now seen:\n{}", unseen.len(), String::from_utf8_lossy(&newest));
    let messages = take(pop3, bob, &mut BTreeSet::new(), false).await?;
    println!("by POP3: {} taken; nothing is left there", messages.len());
    Ok(())
}
