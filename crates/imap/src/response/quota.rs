use super::{print, read_mailbox, reader::Reader, reader::Result};
use crate::types::{Atom, MailboxName, QuotaResource};
use bytes::{BufMut, Bytes, BytesMut};

/// How much of a resource is used, and may be (RFC 9208 section 4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUsage {
    /// What.
    pub resource: QuotaResource,
    /// How much is used, in the resource's unit: KiB for STORAGE.
    pub usage: u64,
    /// How much may be, in the same unit.
    pub limit: u64,
}

/// The limits of a quota root (RFC 9208 section 4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// The name of the root; may be empty.
    pub root: Bytes,
    /// Its resources.
    pub resources: Vec<QuotaUsage>,
}

impl Quota {
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        reader.space()?;
        let root = reader.astring()?.bytes(raw).unwrap_or_default();
        reader.space()?;
        reader.eat(b'(', "a parenthesis")?;
        let mut resources = Vec::new();
        while reader.next_item(!resources.is_empty())? {
            let at = reader.at();
            let name = Atom::parse(reader.atom().octets(raw)).map_err(|error| error.shifted(at))?;
            reader.space()?;
            let usage = reader.lenient_number()?;
            reader.space()?;
            let limit = reader.lenient_number()?;
            resources.push(QuotaUsage { resource: QuotaResource::new(name), usage, limit });
        }
        Ok(Self { root, resources })
    }

    pub(super) fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_slice(b"* QUOTA ");
        print::astring(out, &self.root, utf8);
        out.put_u8(b' ');
        print::list(out, &self.resources, |out, QuotaUsage { resource, usage, limit }| {
            print::display(out, format_args!("{resource} {usage} {limit}"));
        });
    }
}

/// The quota roots of a mailbox (RFC 9208 section 4.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRoot {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The names of its roots.
    pub roots: Vec<Bytes>,
}

impl QuotaRoot {
    pub(super) fn parse(reader: &mut Reader<'_>, raw: &Bytes) -> Result<Self> {
        reader.space()?;
        let mailbox = read_mailbox(reader, raw)?;
        let mut roots = Vec::new();
        while reader.peek() == Some(b' ') {
            reader.space()?;
            if reader.is_end() {
                break;
            }
            roots.push(reader.astring()?.bytes(raw).unwrap_or_default());
        }
        Ok(Self { mailbox, roots })
    }

    pub(super) fn encode(&self, out: &mut BytesMut, utf8: bool) {
        out.put_slice(b"* QUOTAROOT ");
        print::astring(out, &self.mailbox.to_wire(utf8), utf8);
        for root in &self.roots {
            out.put_u8(b' ');
            print::astring(out, root, utf8);
        }
    }
}
