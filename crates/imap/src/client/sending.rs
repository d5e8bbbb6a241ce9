//! A command on its way out, fragment by fragment.

use super::CommandId;
use crate::command::Fragment;
use bytes::Bytes;
use postroad_core::Output;
use std::collections::VecDeque;

/// What pays for the octets of a literal that was refused: servers throw them away.
static SPACES: [u8; 4096] = [b' '; 4096];

/// The command that is being sent. Nothing else may be, until it is out.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) of: CommandId,
    fragments: VecDeque<Fragment>,
    wait: Wait,
    /// How many literals of messages have begun.
    messages: usize,
}

/// What the command waits for.
#[derive(Debug)]
enum Wait {
    Nothing,
    /// The continuation request for these octets.
    Literal(Bytes),
    /// The continuation request for so many octets of a message.
    Message(u64),
    /// So many octets of a message, from the application.
    Octets(u64),
    /// The command was refused within a literal: so many octets of it are still owed, then the end of the line.
    Owed(u64),
}

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it is in the output.
    Whole,
    /// It waits for a continuation request, for the application, or for the output to drain.
    Waiting,
    /// It waits for so many octets of this message from the application, as of now.
    Asking { message: usize, len: u64 },
}

impl Sending {
    pub(super) fn new(of: CommandId, fragments: Vec<Fragment>) -> Self {
        Self { of, fragments: fragments.into(), wait: Wait::Nothing, messages: 0 }
    }

    /// Writes what may be written.
    pub(super) fn write(&mut self, output: &mut Output) -> Sent {
        loop {
            match self.wait {
                Wait::Nothing | Wait::Octets(0) => {}
                Wait::Owed(0) => {
                    output.text(b"\r\n");
                    return Sent::Whole;
                }
                Wait::Owed(left) if output.is_empty() => {
                    let now = usize::try_from(left).unwrap_or(usize::MAX).min(SPACES.len());
                    output.chunk(Bytes::from_static(&SPACES).slice(..now));
                    self.wait = Wait::Owed(left - now as u64);
                    continue;
                }
                Wait::Literal(_) | Wait::Message(_) | Wait::Octets(_) | Wait::Owed(_) => {
                    return Sent::Waiting;
                }
            }
            self.wait = Wait::Nothing;
            match self.fragments.pop_front() {
                None => return Sent::Whole,
                Some(Fragment::Text(text)) => output.chunk(text),
                Some(Fragment::Literal { header, octets, synchronizing }) => {
                    output.chunk(header);
                    if synchronizing {
                        self.wait = Wait::Literal(octets);
                    } else {
                        output.chunk(octets);
                    }
                }
                Some(Fragment::Stream { header, len, synchronizing }) => {
                    output.chunk(header);
                    if synchronizing {
                        self.wait = Wait::Message(len);
                    } else {
                        return self.ask(len);
                    }
                }
            }
        }
    }

    fn ask(&mut self, len: u64) -> Sent {
        let message = self.messages;
        self.messages += 1;
        self.wait = Wait::Octets(len);
        Sent::Asking { message, len }
    }

    /// A continuation request has come. `None`: nobody waited for one.
    pub(super) fn go_on(&mut self, output: &mut Output) -> Option<Sent> {
        match core::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Literal(octets) => {
                output.chunk(octets);
                Some(self.write(output))
            }
            Wait::Message(len) => Some(self.ask(len)),
            wait @ (Wait::Nothing | Wait::Octets(_) | Wait::Owed(_)) => {
                self.wait = wait;
                None
            }
        }
    }

    /// Octets of a message from the application: how many of them are wanted.
    pub(super) fn take(&mut self, len: usize) -> usize {
        let Wait::Octets(left) = &mut self.wait else { return 0 };
        let taken = len.min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= taken as u64;
        taken
    }

    /// The server has answered NO or BAD. Whether nothing is owed to it: where it waits for no octets, the command ends here.
    pub(super) fn refuse(&mut self) -> bool {
        self.fragments.clear();
        match self.wait {
            Wait::Octets(left) | Wait::Owed(left) => {
                self.wait = Wait::Owed(left);
                false
            }
            Wait::Nothing | Wait::Literal(_) | Wait::Message(_) => true,
        }
    }

    /// How many octets the application owes.
    pub(super) fn wanted(&self) -> u64 {
        if let Wait::Octets(left) = self.wait { left } else { 0 }
    }

    /// Whether a message is to come, and not yet wanted.
    pub(super) fn is_waiting_for_message(&self) -> bool {
        matches!(self.wait, Wait::Message(_))
    }
}
