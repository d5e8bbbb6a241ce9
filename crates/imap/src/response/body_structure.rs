use super::{Envelope, print};
use bytes::{BufMut, Bytes, BytesMut};
use core::fmt;

/// What kind of part it is, and what only that kind has (RFC 9051 section 7.5.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyKind {
    /// A multipart: it has parts below it, and no transfer encoding, size and the like.
    Multipart,
    /// A message in a message, of type message/rfc822 or message/global: it has one part below it.
    Message {
        /// Its envelope.
        envelope: Box<Envelope>,
        /// How many lines it has.
        lines: u64,
    },
    /// A text.
    Text {
        /// How many lines it has, encoded.
        lines: u64,
    },
    /// Another.
    Basic,
}

/// Content-Disposition (RFC 2183), as a body structure has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BodyDisposition {
    /// `attachment`, `inline` and the like.
    pub kind: Bytes,
    /// Its parameters, names and values.
    pub parameters: Vec<(Bytes, Bytes)>,
}

/// A part of a [`BodyStructure`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyPart {
    /// How many parts it is in: 0 for the whole message's body.
    pub depth: u32,
    /// Its kind.
    pub kind: BodyKind,
    /// Media type, such as `text`; not printed for a multipart.
    pub media_type: Bytes,
    /// Media subtype, such as `plain`.
    pub subtype: Bytes,
    /// Parameters of Content-Type, names and values.
    pub parameters: Vec<(Bytes, Bytes)>,
    /// Content-ID.
    pub id: Option<Bytes>,
    /// Content-Description.
    pub description: Option<Bytes>,
    /// Content-Transfer-Encoding.
    pub encoding: Bytes,
    /// Size in octets, encoded.
    pub octets: u64,
    /// Content-MD5.
    pub md5: Option<Bytes>,
    /// Content-Disposition.
    pub disposition: Option<BodyDisposition>,
    /// Content-Language.
    pub language: Vec<Bytes>,
    /// Content-Location.
    pub location: Option<Bytes>,
}

impl BodyPart {
    /// A part of this kind and media type, in 7bit, with nothing else.
    pub fn new(depth: u32, kind: BodyKind, media_type: impl Into<Bytes>, subtype: impl Into<Bytes>) -> Self {
        Self {
            depth,
            kind,
            media_type: media_type.into(),
            subtype: subtype.into(),
            parameters: Vec::new(),
            id: None,
            description: None,
            encoding: Bytes::from_static(b"7BIT"),
            octets: 0,
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }
}

/// The parts do not make a tree that can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyStructureError {
    /// Which part is wrong: its index.
    pub part: usize,
    reason: &'static str,
}

impl fmt::Display for BodyStructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part {}: {}", self.part, self.reason)
    }
}

impl core::error::Error for BodyStructureError {}

/// The MIME structure of a message, as FETCH BODYSTRUCTURE and BODY give it (RFC 9051 section 7.5.2): its parts in the order in which
/// they stand, each with its depth. It is flat, so that no depth of nesting can exhaust a stack.
///
/// ```
/// use bytes::BytesMut;
/// use postroad_imap::response::{BodyKind, BodyPart, BodyStructure};
///
/// let structure = BodyStructure::new(vec![
///     BodyPart::new(0, BodyKind::Multipart, "MULTIPART", "MIXED"),
///     BodyPart::new(1, BodyKind::Text { lines: 1 }, "TEXT", "PLAIN"),
///     BodyPart::new(1, BodyKind::Basic, "IMAGE", "PNG"),
/// ])?;
/// let mut out = BytesMut::new();
/// structure.encode(&mut out, false, false);
/// assert_eq!(
///     out,
///     r#"(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 1)("IMAGE" "PNG" NIL NIL NIL "7BIT" 0) "MIXED")"#,
/// );
/// # Ok::<(), postroad_imap::response::BodyStructureError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BodyStructure(Vec<BodyPart>);

impl BodyStructure {
    /// The structure of these parts.
    ///
    /// # Errors
    ///
    /// There is not exactly one part of depth 0, and it first; a part is deeper than one below the part before; a multipart has no part
    /// below it, a message not exactly one, another any.
    pub fn new(parts: Vec<BodyPart>) -> Result<Self, BodyStructureError> {
        let wrong = |part, reason| BodyStructureError { part, reason };
        // The parts that are open, and how many are below each.
        let mut open: Vec<(usize, u32)> = Vec::new();
        let full = |(part, below): (usize, u32)| match parts.get(part).map(|part| &part.kind) {
            Some(BodyKind::Multipart) if below == 0 => Err(wrong(part, "a multipart needs a part")),
            Some(BodyKind::Message { .. }) if below != 1 => Err(wrong(part, "a message has one part")),
            Some(BodyKind::Text { .. } | BodyKind::Basic) if below > 0 => {
                Err(wrong(part, "it can have no part"))
            }
            _ => Ok(()),
        };
        for (at, part) in parts.iter().enumerate() {
            if part.depth as usize > open.len() || (part.depth == 0) != (at == 0) {
                return Err(wrong(at, "its depth does not fit"));
            }
            while open.len() > part.depth as usize {
                open.pop().map_or(Ok(()), full)?;
            }
            if let Some((_, below)) = open.last_mut() {
                *below += 1;
            }
            open.push((at, 0));
        }
        if open.is_empty() {
            return Err(wrong(0, "there is none"));
        }
        while let Some(last) = open.pop() {
            full(last)?;
        }
        Ok(Self(parts))
    }

    /// The structure of one part that has none below it; it is made one of its kind if it is not.
    pub fn single(mut part: BodyPart) -> Self {
        part.depth = 0;
        if matches!(part.kind, BodyKind::Multipart | BodyKind::Message { .. }) {
            part.kind = BodyKind::Basic;
        }
        Self(vec![part])
    }

    /// The parts.
    pub fn parts(&self) -> &[BodyPart] {
        &self.0
    }

    /// Prints it: with its extension data for BODYSTRUCTURE, without for BODY.
    pub fn encode(&self, out: &mut BytesMut, extended: bool, utf8: bool) {
        let mut open: Vec<&BodyPart> = Vec::new();
        for part in &self.0 {
            while open.len() > part.depth as usize {
                if let Some(last) = open.pop() {
                    last.encode_end(out, extended, utf8);
                }
            }
            out.put_u8(b'(');
            part.encode_begin(out, utf8);
            open.push(part);
        }
        while let Some(last) = open.pop() {
            last.encode_end(out, extended, utf8);
        }
    }
}

impl BodyPart {
    fn encode_begin(&self, out: &mut BytesMut, utf8: bool) {
        if self.kind == BodyKind::Multipart {
            return;
        }
        print::string(out, &self.media_type, utf8);
        print::space_string(out, &self.subtype, utf8);
        space_parameters(out, &self.parameters, utf8);
        print::space_nstring(out, self.id.as_deref(), utf8);
        print::space_nstring(out, self.description.as_deref(), utf8);
        print::space_string(out, &self.encoding, utf8);
        out.put_u8(b' ');
        print::number(out, self.octets);
        if let BodyKind::Message { envelope, .. } = &self.kind {
            out.put_u8(b' ');
            envelope.encode(out, utf8);
            out.put_u8(b' ');
        }
    }

    fn encode_end(&self, out: &mut BytesMut, extended: bool, utf8: bool) {
        match &self.kind {
            BodyKind::Multipart => {
                print::space_string(out, &self.subtype, utf8);
                if extended {
                    space_parameters(out, &self.parameters, utf8);
                }
            }
            BodyKind::Message { lines, .. } | BodyKind::Text { lines } => {
                out.put_u8(b' ');
                print::number(out, *lines);
            }
            BodyKind::Basic => {}
        }
        if extended {
            if self.kind != BodyKind::Multipart {
                print::space_nstring(out, self.md5.as_deref(), utf8);
            }
            match &self.disposition {
                Some(disposition) => {
                    out.put_slice(b" (");
                    print::string(out, &disposition.kind, utf8);
                    space_parameters(out, &disposition.parameters, utf8);
                    out.put_u8(b')');
                }
                None => out.put_slice(b" NIL"),
            }
            match &self.language[..] {
                [] => out.put_slice(b" NIL"),
                [one] => print::space_string(out, one, utf8),
                several => {
                    out.put_u8(b' ');
                    print::list(out, several, |out, one| print::string(out, one, utf8));
                }
            }
            print::space_nstring(out, self.location.as_deref(), utf8);
        }
        out.put_u8(b')');
    }
}

/// A space and parameters.
fn space_parameters(out: &mut BytesMut, parameters: &[(Bytes, Bytes)], utf8: bool) {
    if parameters.is_empty() {
        return out.put_slice(b" NIL");
    }
    out.put_u8(b' ');
    print::list(out, parameters, |out, (name, value)| {
        print::string(out, name, utf8);
        print::space_string(out, value, utf8);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_make_no_tree_are_refused() {
        let multipart = |depth| BodyPart::new(depth, BodyKind::Multipart, "MULTIPART", "MIXED");
        let text = |depth| BodyPart::new(depth, BodyKind::Text { lines: 0 }, "TEXT", "PLAIN");
        let message = |depth| {
            let kind = BodyKind::Message { envelope: Box::default(), lines: 0 };
            BodyPart::new(depth, kind, "MESSAGE", "RFC822")
        };
        let wrong = |parts: Vec<BodyPart>| BodyStructure::new(parts).unwrap_err().part;
        assert_eq!(wrong(vec![]), 0);
        assert_eq!(wrong(vec![multipart(0)]), 0);
        assert_eq!(wrong(vec![text(0), text(0)]), 1);
        assert_eq!(wrong(vec![text(0), text(1)]), 0);
        assert_eq!(wrong(vec![text(1)]), 0);
        assert_eq!(wrong(vec![multipart(0), text(2)]), 1);
        assert_eq!(wrong(vec![multipart(0), message(1), text(1)]), 1);
        assert_eq!(wrong(vec![multipart(0), message(1), text(2), text(2)]), 1);
        assert!(BodyStructure::new(vec![multipart(0), message(1), text(2), text(1)]).is_ok());
    }
}
