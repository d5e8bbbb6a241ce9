//! `demo`: the story, told and played in one process on loopback.

mod acts;
mod agents;
mod stage;
mod world;

use std::io::BufRead as _;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::cli::DemoArguments;
use crate::terminal::say;
use stage::Stage;
use world::World;

/// The acts, in order.
const ACTS: [&str; 3] = ["Alice writes to Bob", "Bob pulls his mail by POP3", "hamburger.edu is down"];

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
    for (number, name) in (1_u8..).zip(ACTS) {
        if arguments.act.is_some_and(|only| only != number) {
            continue;
        }
        let result = act(number, arguments.act.is_some(), &stage, &mut world).await;
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
        stage.line(&format!("  act {number}  {name:<32} {}", if *is_ok { "ok" } else { "FAIL" }));
    }
    stage.line("");
    if results.iter().any(|(_, _, is_ok)| !is_ok) {
        bail!("not every act succeeded");
    }
    Ok(())
}

async fn act(number: u8, alone: bool, stage: &Arc<Stage>, world: &mut World) -> Result<()> {
    match number {
        1 => acts::submission_and_relay(stage, world).await,
        2 => {
            if alone {
                acts::set_the_scene(world).await?;
            }
            acts::pull_by_pop3(stage, world).await
        }
        _ => acts::destination_is_down(stage, world).await,
    }
}

async fn pause(stage: &Stage) -> Result<()> {
    stage.say("(press Enter to go on)");
    tokio::task::spawn_blocking(|| std::io::stdin().lock().read_line(&mut String::new())).await??;
    Ok(())
}
