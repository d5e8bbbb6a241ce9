//! Behaviour of the crate, one module each.

mod lenience;
mod responses;
mod rows;
