//! The crate from outside.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "tests fail by panicking, and may be slow and plain"
)]

mod addresses;
mod bodies;
mod body_structure;
mod build;
mod conversions;
mod edit;
mod encoded;
mod envelope;
mod floods;
mod headers;
mod korean;
#[cfg(feature = "mailbox")]
mod mailbox;
mod push;
mod reports;
mod round_trip;
mod sections;
mod structure;
mod threads;

use postroad_message::{Defect, DefectCode};

/// The codes of defects.
fn codes(defects: &[Defect]) -> Vec<DefectCode> {
    defects.iter().map(|defect| defect.code).collect()
}
