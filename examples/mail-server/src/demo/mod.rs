//! `demo`: the story, told and played in one process on loopback.

mod acts;
mod agents;
mod imap;
mod stage;
mod web;
mod world;

use std::io::BufRead as _;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::cli::DemoArguments;
use crate::terminal::say;
use stage::Stage;
use world::World;

/// The acts, in order: the number to name them by, and what happens. The second has a scene for each way to read mail.
const ACTS: [(u8, &str); 5] = [
    (1, "Alice writes to Bob"),
    (2, "Bob pulls his mail by POP3"),
    (2, "Bob's mail on two devices, by IMAP"),
    (2, "Bob reads and answers in a browser"),
    (3, "hamburger.edu is down"),
];

/// Plays the acts. Fails if one of them does.
pub(crate) fn run(arguments: &DemoArguments) -> Result<()> {
    let folder =
        tempfile::Builder::new().prefix("postroad-demo-").disable_cleanup(arguments.keep).tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let played = runtime.block_on(play(arguments, folder.path()));
    if arguments.keep {
        say(format_args!("The data of both servers are in {}", folder.path().display()));
    }
    played
}

async fn play(arguments: &DemoArguments, folder: &std::path::Path) -> Result<()> {
    let stage = Stage::new(arguments.explain);
    stage.say(
        "Two mail servers run in this process, crepes.fr and hamburger.edu, each with a store of its own, on free ports of this machine. \
         What you see is what went over their connections, each line with a word on what it does.",
    );
    let mut world = World::start(&stage, folder).await?;
    let mut results = Vec::new();
    if arguments.act == Some(2) {
        acts::set_the_scene(&world).await?;
    }
    for (scene, (number, name)) in ACTS.into_iter().enumerate() {
        if arguments.act.is_some_and(|only| only != number) {
            continue;
        }
        let result = act(scene, &stage, &mut world).await;
        if let Err(error) = &result {
            stage.fact(&format!("FAILED: {error:#}"));
        }
        results.push((number, name, result.is_ok()));
        if arguments.pause {
            pause(&stage).await?;
        }
    }
    world.stop().await;

    stage.title("The acts");
    for (number, name, is_ok) in &results {
        stage.line(&format!("  act {number}  {name:<36} {}", if *is_ok { "ok" } else { "FAIL" }));
    }
    stage.line("");
    if results.iter().any(|(_, _, is_ok)| !is_ok) {
        bail!("not every act succeeded");
    }
    Ok(())
}

async fn act(scene: usize, stage: &Arc<Stage>, world: &mut World) -> Result<()> {
    match scene {
        0 => acts::submission_and_relay(stage, world).await,
        1 => acts::pull_by_pop3(stage, world).await,
        2 => imap::from_two_devices(stage, world).await,
        3 => web::in_a_browser(stage, world).await,
        _ => acts::destination_is_down(stage, world).await,
    }
}

async fn pause(stage: &Stage) -> Result<()> {
    stage.say("(press Enter to go on)");
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
    Ok(())
}
