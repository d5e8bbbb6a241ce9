//! The nouns of RFC 1939 and RFC 2449. None can be constructed invalid, and none can hold CR, LF or NUL, so each can stand on any line.

mod capability;
mod credentials;
mod listing;
mod maildrop;
mod number;
mod text;
mod unique_id;

pub use capability::{Capabilities, Capability, CapabilityText, Expire};
pub use credentials::{Password, UserName};
pub use listing::{DropListing, ScanListing, UniqueIdListing};
pub use maildrop::{Maildrop, MaildropMessage};
pub use number::MessageNumber;
pub use postroad_core::TlsInfo;
pub use text::ResponseText;
pub use unique_id::UniqueId;
