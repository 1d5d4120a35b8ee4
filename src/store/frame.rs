//! The frame: the unit that a capture file is made of, written whole and checked whole.
//!
//! ```text
//!  0  4    mark: f5 "smt"
//!  4  u8   what follows: a Sort
//!  5  u8   coding of the records: 1 dense
//!  6  u16  0
//!  8  u32  bytes that follow the head
//! 12  u32  bytes of the records when expanded
//! 16  u32  records
//! 20  i32  local time less UTC, seconds, the same for all records of the frame
//! 24  u64  earliest time, nanoseconds since the epoch
//! 32  u64  latest time
//! 40  u64  records before this frame, also lost ones
//! 48  u64  the capture's own number, drawn at random
//! 56  u64  xxh3 of the bytes that follow
//! 64  u64  xxh3 of the bytes 0 to 63 of the head
//! ```
//!
//! The head has a sum of its own, so that its lengths can be trusted when what follows is damaged, and so that the next
//! head can be found among damaged bytes. 0xf5 is in no UTF-8 text. The number keeps apart what a tracee had in its
//! memory, or an older capture left on the disk, from the frames of this one.

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a frame's head.
pub(super) const HEAD: usize = 72;

/// Bytes of the head that its own sum covers.
const COVERED: usize = HEAD - 8;

/// What every head starts with.
pub(super) const MARK: [u8; 4] = *b"\xf5smt";

/// The most bytes that may follow a head. A writer stays far below.
pub(super) const MAX_BODY: usize = 2 << 20;

/// The most bytes that the records of one frame may expand to.
pub(super) const MAX_EXPANDED: usize = 2 << 20;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sort {
    /// The description of the capture, JSON. The first frame.
    Description = 1,
    /// Names of users and groups that records after it use.
    Names = 2,
    /// Records.
    Records = 3,
    /// The index.
    Index = 4,
    /// The end: nothing follows. `earliest` is the offset of the index in the plain file.
    End = 5,
}

impl Sort {
    /// The sort whose discriminant is `byte`.
    pub(super) fn from_byte(byte: u8) -> Option<Sort> {
        const ALL: [Sort; 5] = [Sort::Description, Sort::Names, Sort::Records, Sort::Index, Sort::End];
        ALL.get(usize::from(byte).wrapping_sub(1)).copied()
    }
}

/// A frame's head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// A [`Sort`]; a reader skips what it does not know.
    pub(super) sort: u8,
    /// How the records are coded.
    pub(super) coding: u8,
    /// Bytes that follow.
    pub(super) body: u32,
    /// Bytes of the records when expanded.
    pub(super) expanded: u32,
    /// How many records.
    pub(super) records: u32,
    /// Local time less UTC in seconds.
    pub(super) offset: i32,
    /// The earliest time of a record.
    pub(super) earliest: u64,
    /// The latest.
    pub(super) latest: u64,
    /// Records before this frame.
    pub(super) before: u64,
    /// The capture's number.
    pub(super) capture: u64,
    /// The sum of the bytes that follow.
    pub(super) sum: u64,
}

fn word<const N: usize>(bytes: &[u8; HEAD], at: usize) -> [u8; N] {
    let mut word = [0; N];
    word.copy_from_slice(&bytes[at..at + N]);
    word
}

impl Head {
    /// Appends the head and then `body`, whose length and sum it fills in.
    pub(super) fn write(&self, body: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MARK);
        out.extend_from_slice(&[self.sort, self.coding, 0, 0]);
        out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.expanded.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        for word in [self.earliest, self.latest, self.before, self.capture, xxh3_64(body)] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let sum = xxh3_64(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
        out.extend_from_slice(body);
    }

    /// Reads a head; `None` for bytes that are none, or damaged, or ask for more than a frame may have.
    pub(super) fn parse(bytes: &[u8; HEAD]) -> Option<Head> {
        if bytes[..4] != MARK || u64::from_le_bytes(word(bytes, COVERED)) != xxh3_64(&bytes[..COVERED]) {
            return None;
        }
        let head = Head {
            sort: bytes[4],
            coding: bytes[5],
            body: u32::from_le_bytes(word(bytes, 8)),
            expanded: u32::from_le_bytes(word(bytes, 12)),
            records: u32::from_le_bytes(word(bytes, 16)),
            offset: i32::from_le_bytes(word(bytes, 20)),
            earliest: u64::from_le_bytes(word(bytes, 24)),
            latest: u64::from_le_bytes(word(bytes, 32)),
            before: u64::from_le_bytes(word(bytes, 40)),
            capture: u64::from_le_bytes(word(bytes, 48)),
            sum: u64::from_le_bytes(word(bytes, 56)),
        };
        // A sum proves no good will: who made the file can have made the sum.
        let fits = head.body as usize <= MAX_BODY && head.expanded as usize <= MAX_EXPANDED;
        fits.then_some(head)
    }

    /// Whether `body` is what followed the head when it was written.
    pub(super) fn matches(&self, body: &[u8]) -> bool {
        body.len() == self.body as usize && xxh3_64(body) == self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_and_no_flipped_bit_passes() {
        let head =
            Head { sort: 3, coding: 1, records: 7, expanded: 4096, offset: -3600, capture: 9, ..Head::default() };
        let mut bytes = Vec::new();
        head.write(b"body", &mut bytes);
        let first: [u8; HEAD] = bytes[..HEAD].try_into().unwrap();
        let read = Head::parse(&first).unwrap();
        assert_eq!(read, Head { body: 4, sum: xxh3_64(b"body"), ..head });
        assert!(read.matches(b"body") && !read.matches(b"bodY") && !read.matches(b"bod"));
        for bit in 0..HEAD * 8 {
            let mut bad = first;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::parse(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_head_that_asks_for_too_much_is_none() {
        for (body, expanded) in [(MAX_BODY + 1, 0), (0, MAX_EXPANDED + 1)] {
            let head = Head { expanded: u32::try_from(expanded).unwrap(), ..Head::default() };
            let mut bytes = Vec::new();
            head.write(&vec![0; body], &mut bytes);
            assert_eq!(Head::parse(bytes[..HEAD].try_into().unwrap()), None);
        }
    }
}
