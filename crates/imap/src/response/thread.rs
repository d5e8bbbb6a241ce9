use super::{print, reader::Reader, reader::Result};
use bytes::{BufMut, BytesMut};
use postroad_core::ParseErrorKind;

/// A message of a thread, or the place of one that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadMember {
    /// Its number or UID; `None` for a parent that is not there.
    pub number: Option<u32>,
    /// How many messages it is below: 0 for the first of a thread.
    pub depth: u32,
}

/// The result of THREAD: messages and what answers them, flat, in preorder (RFC 5256 section 4).
///
/// ```
/// use bytes::Bytes;
/// use postroad_imap::response::Response;
///
/// let unit = Bytes::from_static(b"* THREAD (2)(3 6 (4 23)(44 7 96))");
/// let Response::Thread(threads) = Response::parse(&unit, &Default::default())?.response else { unreachable!() };
/// let members: Vec<_> = threads.members.iter().map(|member| (member.number.unwrap(), member.depth)).collect();
/// assert_eq!(members, [(2, 0), (3, 0), (6, 1), (4, 2), (23, 3), (44, 2), (7, 3), (96, 4)]);
/// # Ok::<(), postroad_imap::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ThreadResponse {
    /// The members: each is answered by those that follow it with a depth one greater, up to the next that is not deeper.
    pub members: Vec<ThreadMember>,
}

impl ThreadResponse {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self> {
        let mut members = Vec::new();
        if reader.peek() == Some(b' ') {
            reader.space()?;
        }
        // The depth at which each open list began.
        let mut open: Vec<u32> = Vec::new();
        let (mut depth, mut first) = (0_u32, false);
        loop {
            match reader.peek() {
                Some(b'(') => {
                    reader.eat(b'(', "a parenthesis")?;
                    if first {
                        members.push(ThreadMember { number: None, depth });
                        depth = depth.saturating_add(1);
                    }
                    open.push(depth);
                    first = true;
                }
                Some(b')') if !first => {
                    let Some(began) = open.pop() else { return reader.fail("a thread") };
                    reader.eat(b')', "a parenthesis")?;
                    depth = began;
                }
                Some(b' ') if !first && !open.is_empty() => reader.space()?,
                Some(b'0'..=b'9') if !open.is_empty() => {
                    members.push(ThreadMember { number: Some(reader.nz_number()?), depth });
                    depth = depth.saturating_add(1);
                    first = false;
                }
                _ if open.is_empty() => return Ok(Self { members }),
                None => return Err(reader.error(ParseErrorKind::Missing("a parenthesis"), reader.at())),
                Some(_) => return reader.fail("a message number or a parenthesis"),
            }
        }
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_slice(b"* THREAD");
        // Which members are their parent's only answer: found from the end, where those that wait for their parent are kept.
        let mut only = vec![false; self.members.len()];
        let mut waiting: Vec<(usize, ThreadMember)> = Vec::new();
        for (at, member) in self.members.iter().enumerate().rev() {
            let answers = waiting.iter().rev().take_while(|(_, answer)| answer.depth > member.depth).count();
            if let (1, Some((child, answer))) = (answers, waiting.last()) {
                if let Some(only) = only.get_mut(*child) {
                    *only = member.number.is_some() && answer.number.is_some();
                }
            }
            waiting.truncate(waiting.len() - answers);
            waiting.push((at, *member));
        }
        let mut open: Vec<u32> = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            if at == 0 {
                out.put_u8(b' ');
            }
            while open.last().is_some_and(|depth| *depth >= member.depth) {
                open.pop();
                out.put_u8(b')');
            }
            let behind_number = out.last().is_some_and(u8::is_ascii_digit);
            if behind_number {
                out.put_u8(b' ');
            }
            if !only.get(at).copied().unwrap_or(false) {
                out.put_u8(b'(');
                open.push(member.depth);
            }
            if let Some(number) = member.number {
                print::number(out, number);
            }
        }
        out.put_bytes(b')', open.len());
    }
}
