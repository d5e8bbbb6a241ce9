#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod body;
mod build;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "serde", feature = "time"))]
mod convert;
mod decode;
mod defect;
mod edit;
mod error;
mod examine;
mod header;
mod index;
mod limits;
#[cfg(feature = "mailbox")]
mod mailbox;
mod message;
mod parser;
mod part;
mod report;
mod scanner;
mod structure;
mod text;
mod thread;
mod trace;
mod types;

pub use body::Bodies;
pub use build::{MessageBuilder, PartBuilder, Target};
pub use defect::{Defect, DefectCode, Severity};
pub use edit::{Edit, EditError};
pub use error::{BuildError, InvalidReason, InvalidValue};
pub use header::{
    AddressList, AuthenticationResult, AuthenticationResults, FieldContent, Header, HeaderField, Trace,
};
pub use limits::Limits;
#[cfg(feature = "mailbox")]
pub use mailbox::{MaildirFlag, MaildirName, MboxEntry, MboxQuoting, MboxReader, write_mbox};
pub use message::Message;
pub use parser::{PushEvent, PushParser, PushPart};
pub use part::{Part, PartNumber};
pub use report::{
    Action, DeliveryStatus, Disposition, DispositionMode, DispositionNotification, RecipientStatus, Typed,
};
pub use structure::{
    BodyDisposition, BodyNode, BodyParameter, BodyStructure, Envelope, EnvelopeAddress, Section,
    SectionOctets, SectionText, UnknownTransferEncoding,
};
pub use text::{flow, html_to_text, text_to_html, unflow};
pub use thread::{BaseSubject, base_subject};
pub use trace::{Received, return_path};
pub use types::{
    AddrSpec, Address, ContentDisposition, ContentType, DateTime, DispositionType, FieldName, FieldValue,
    Group, Mailbox, MediaType, MessageId, Parameter, TransferEncoding,
};
