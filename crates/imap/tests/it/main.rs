//! What the crate promises, one module per behaviour.

mod commands;
mod names;
mod sets;
