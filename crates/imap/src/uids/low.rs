//! The last two octets of the UIDs that have the first two in common: few as an array, many as a bitmap.

/// The last two octets of the UIDs of a chunk.
#[derive(Debug, Clone)]
pub(super) enum Low {
    Few(Vec<u16>),
    Many(Box<Bitmap>),
}

#[derive(Debug, Clone)]
pub(super) struct Bitmap {
    words: [u64; 1024],
    /// Bits set before each block of 8 words.
    before: [u16; 128],
}

/// An array of this many is as large as a bitmap.
const FEW: usize = 4096;
/// A bitmap with this few becomes an array again.
const FEW_AGAIN: usize = 3072;

impl Bitmap {
    fn new(low: &[u16]) -> Box<Self> {
        let mut bitmap = Box::new(Self { words: [0; 1024], before: [0; 128] });
        for low in low {
            let (word, bit) = Self::place(*low);
            bitmap.words[word] |= bit;
        }
        bitmap.recount();
        bitmap
    }

    const fn place(low: u16) -> (usize, u64) {
        (low as usize / 64, 1 << (low % 64))
    }

    fn recount(&mut self) {
        let mut before = 0;
        for (slot, block) in self.before.iter_mut().zip(self.words.chunks(8)) {
            *slot = before;
            // The last block's own count is the only one that could bring it to 65,536, and nothing is counted behind it.
            before = before.wrapping_add(ones(block));
        }
    }

    /// How many are less than `low`, and whether it is there.
    fn rank(&self, low: u16) -> (u32, bool) {
        let (word, bit) = Self::place(low);
        let block = word / 8;
        let rank = u32::from(self.before[block])
            + u32::from(ones(&self.words[block * 8..word]))
            + (self.words[word] & (bit - 1)).count_ones();
        (rank, self.words[word] & bit != 0)
    }

    /// The one with `rank` others before it; there must be one.
    fn select(&self, rank: u32) -> u16 {
        let block = self.before.partition_point(|before| u32::from(*before) <= rank).saturating_sub(1);
        let mut left = rank - u32::from(self.before[block]);
        for (word, bits) in self.words.iter().enumerate().skip(block * 8) {
            let here = bits.count_ones();
            if left < here {
                let mut bits = *bits;
                for _ in 0..left {
                    bits &= bits - 1;
                }
                return low_of(word, bits);
            }
            left -= here;
        }
        u16::MAX
    }

    fn next_from(&self, low: u16) -> Option<u16> {
        let (word, bit) = Self::place(low);
        let first = self.words[word] & !(bit - 1);
        if first != 0 {
            return Some(low_of(word, first));
        }
        let (at, bits) = self.words.iter().enumerate().skip(word + 1).find(|(_, bits)| **bits != 0)?;
        Some(low_of(at, *bits))
    }

    fn set(&mut self, low: u16) {
        let (word, bit) = Self::place(low);
        self.words[word] |= bit;
        for before in &mut self.before[word / 8 + 1..] {
            *before += 1;
        }
    }

    fn clear(&mut self, low: u16) {
        let (word, bit) = Self::place(low);
        self.words[word] &= !bit;
        for before in &mut self.before[word / 8 + 1..] {
            *before -= 1;
        }
    }
}

/// At most 512: the bits of a block.
fn ones(block: &[u64]) -> u16 {
    block.iter().fold(0, |sum, word| sum + u16::from(word.count_ones().to_le_bytes()[0]))
}

/// The first of `bits`, which are not 0.
fn low_of(word: usize, bits: u64) -> u16 {
    u16::try_from(word * 64 + bits.trailing_zeros() as usize).unwrap_or(u16::MAX)
}

impl Low {
    pub(super) fn one(low: u16) -> Self {
        let mut few = Vec::new();
        few.reserve_exact(4);
        few.push(low);
        Self::Few(few)
    }

    /// How much memory it holds besides itself, in octets.
    pub(super) fn memory(&self) -> usize {
        16 + match self {
            Self::Few(few) => few.capacity() * size_of::<u16>(),
            Self::Many(_) => size_of::<Bitmap>(),
        }
    }

    /// False if it was there.
    pub(super) fn insert(&mut self, low: u16) -> bool {
        match self {
            Self::Few(few) => {
                let Err(at) = few.binary_search(&low) else { return false };
                if few.len() == FEW {
                    let mut bitmap = Bitmap::new(few);
                    bitmap.set(low);
                    *self = Self::Many(bitmap);
                } else {
                    if few.len() == few.capacity() {
                        // A quarter at a time, for doubling would waste a third of the memory.
                        few.reserve_exact((few.len() / 4).max(4));
                    }
                    few.insert(at, low);
                }
            }
            Self::Many(bitmap) if bitmap.rank(low).1 => return false,
            Self::Many(bitmap) => bitmap.set(low),
        }
        true
    }

    /// Removes one, which must be there; `left` others stay.
    pub(super) fn remove(&mut self, low: u16, left: usize) {
        match self {
            Self::Few(few) => {
                if let Ok(at) = few.binary_search(&low) {
                    few.remove(at);
                }
                if few.capacity() > 8 && few.len() < few.capacity() / 2 {
                    few.shrink_to_fit();
                }
            }
            Self::Many(bitmap) => {
                bitmap.clear(low);
                if left <= FEW_AGAIN {
                    let mut few = Vec::with_capacity(left);
                    let mut next = bitmap.next_from(0);
                    while let Some(low) = next {
                        few.push(low);
                        next = low.checked_add(1).and_then(|from| bitmap.next_from(from));
                    }
                    *self = Self::Few(few);
                }
            }
        }
    }

    pub(super) fn rank(&self, low: u16) -> (u32, bool) {
        match self {
            Self::Few(few) => match few.binary_search(&low) {
                Ok(at) => (count(at), true),
                Err(at) => (count(at), false),
            },
            Self::Many(bitmap) => bitmap.rank(low),
        }
    }

    pub(super) fn select(&self, rank: u32) -> Option<u16> {
        match self {
            Self::Few(few) => few.get(rank as usize).copied(),
            Self::Many(bitmap) => Some(bitmap.select(rank)),
        }
    }

    pub(super) fn next_from(&self, low: u16) -> Option<u16> {
        match self {
            Self::Few(few) => few.get(few.partition_point(|have| *have < low)).copied(),
            Self::Many(bitmap) => bitmap.next_from(low),
        }
    }
}

/// Of at most 65,536 things.
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
