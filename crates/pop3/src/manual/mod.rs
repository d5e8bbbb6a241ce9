//! What has gone wrong in POP3 programs, what this crate does about it, and the test that holds it.

pub mod dots;
pub mod limits;
pub mod maildrop;
pub mod passwords;
pub mod stls;
pub mod unique_ids;
