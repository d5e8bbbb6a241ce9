#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod error;
mod mechanism;
mod name;

// The public interface is:
pub use error::Error;
pub use mechanism::plain::{Plain, PlainClient, PlainServer};
pub use mechanism::{ClientMechanism, Credentials, ServerMechanism, ServerStep};
pub use name::MechanismName;

#[doc(no_inline)]
pub use postroad_core::Secret;
