//! Undoing transfer encodings and charsets, leniently and with defects.

pub(crate) mod base64;
pub(crate) mod charset;
pub(crate) mod quoted_printable;
mod utf7;
