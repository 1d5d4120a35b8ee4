//! The form of a compressed capture: each frame of the plain one is a zstd frame, after a skippable frame with its
//! length and sum. So zstd's own tools make the plain capture of it, and a reader finds every frame without the others.
//!
//! ```text
//!  0  4    a skippable frame's magic (RFC 8878, 3.1.2): 5c 2a 4d 18
//!  4  u32  40: the bytes from here on
//!  8  4    "smtz"
//! 12  u32  bytes of the zstd frame that follows
//! 16  u32  bytes that it expands to
//! 20  u32  0
//! 24  u64  the capture's own number
//! 32  u64  xxh3 of the zstd frame
//! 40  u64  xxh3 of the bytes 0 to 39
//! ```
//!
//! The last one is followed by nothing: its `stored` is 0 and its sum the place of the index's own head in the file, so
//! that the index is found from the end.

use super::frame::{HEAD, MAX_BODY};
use std::io;
use xxhash_rust::xxh3::xxh3_64;
use zstd::bulk::{Compressor, Decompressor};

/// Bytes of the head.
pub(super) const PACKED_HEAD: usize = 48;

/// What every head starts with.
pub(super) const PACKED_MARK: [u8; 12] = *b"\x5c\x2a\x4d\x18\x28\0\0\0smtz";

/// What a zstd frame starts with.
pub(super) const ZSTD_MARK: [u8; 4] = *b"\x28\xb5\x2f\xfd";

/// How hard zstd tries: its own default.
const LEVEL: i32 = 3;

/// Bytes before the sum of the head.
const COVERED: usize = PACKED_HEAD - 8;

/// The most bytes that one zstd frame may expand to: a frame, and what the file starts with.
const MAX_PLAIN: usize = MAX_BODY + 2 * HEAD;

/// The head of a zstd frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// Bytes of the zstd frame.
    pub(super) stored: u32,
    /// Bytes that it expands to.
    pub(super) plain: u32,
    /// The capture's number.
    pub(super) capture: u64,
    /// The sum of the zstd frame.
    pub(super) sum: u64,
}

impl Packed {
    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&PACKED_MARK);
        for word in [self.stored, self.plain, 0] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.capture.to_le_bytes());
        out.extend_from_slice(&self.sum.to_le_bytes());
        let sum = xxh3_64(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// Reads a head; `None` for bytes that are none, or damaged, or ask for more than a frame may have.
    pub(super) fn parse(bytes: &[u8; PACKED_HEAD]) -> Option<Packed> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        if !bytes.starts_with(&PACKED_MARK) || long(COVERED)? != xxh3_64(bytes.get(..COVERED)?) {
            return None;
        }
        let head = Packed { stored: word(12)?, plain: word(16)?, capture: long(24)?, sum: long(32)? };
        let fits = head.stored as usize <= MAX_BODY && head.plain as usize <= MAX_PLAIN;
        fits.then_some(head)
    }
}

/// Compresses frames.
pub(super) struct Packing {
    zip: Compressor<'static>,
    space: Vec<u8>,
}

impl Packing {
    /// Makes ready to compress.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub(super) fn new() -> io::Result<Packing> {
        Ok(Packing { zip: Compressor::new(LEVEL)?, space: Vec::new() })
    }

    /// Appends `plain`, compressed, with its head.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub(super) fn pack(&mut self, capture: u64, plain: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.space.clear();
        self.space.reserve(zstd::zstd_safe::compress_bound(plain.len()));
        self.zip.compress_to_buffer(plain, &mut self.space)?;
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let head = Packed { stored: len(&self.space), plain: len(plain), capture, sum: xxh3_64(&self.space) };
        head.write(out);
        out.extend_from_slice(&self.space);
        Ok(())
    }
}

/// Appends the last head, which says where the head of the index lies.
pub(super) fn write_last(capture: u64, index: u64, out: &mut Vec<u8>) {
    Packed { stored: 0, plain: 0, capture, sum: index }.write(out);
}

/// Expands a zstd frame into `plain`, which is emptied first. `None` when it is not what its head says.
pub(super) fn unpack(head: &Packed, stored: &[u8], plain: &mut Vec<u8>) -> Option<()> {
    plain.clear();
    if stored.len() != head.stored as usize || xxh3_64(stored) != head.sum {
        return None;
    }
    // The space bounds what comes out, whatever the zstd frame says of itself.
    plain.reserve_exact(head.plain as usize);
    let len = Decompressor::new().ok()?.decompress_to_buffer(stored, plain).ok()?;
    (len == head.plain as usize && plain.len() == len).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_unpacks_and_zstd_reads_it_too() {
        let plain: Vec<u8> = (0..50_000u32).flat_map(|i| (i % 300).to_le_bytes()).collect();
        let mut file = Vec::new();
        let mut packing = Packing::new().unwrap();
        packing.pack(9, &plain, &mut file).unwrap();
        packing.pack(9, b"more", &mut file).unwrap();
        write_last(9, 77, &mut file);
        let head = Packed::parse(file[..PACKED_HEAD].try_into().unwrap()).unwrap();
        assert_eq!(head.capture, 9);
        let (mut out, stored) = (Vec::new(), &file[PACKED_HEAD..PACKED_HEAD + head.stored as usize]);
        unpack(&head, stored, &mut out).unwrap();
        assert_eq!(out, plain);
        assert_eq!(zstd::stream::decode_all(&file[..]).unwrap(), [&plain[..], b"more"].concat());
        let last = Packed::parse(file[file.len() - PACKED_HEAD..].try_into().unwrap()).unwrap();
        assert_eq!((last.stored, last.sum), (0, 77));
    }

    #[test]
    fn a_bomb_gives_no_more_than_its_head_says() {
        let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 19).unwrap();
        let stored = u32::try_from(bomb.len()).unwrap();
        let head = Packed { stored, plain: 4096, capture: 0, sum: xxh3_64(&bomb) };
        let mut out = Vec::new();
        assert!(unpack(&head, &bomb, &mut out).is_none());
        assert!(out.capacity() <= 8192);
    }

    #[test]
    fn no_flipped_bit_of_a_head_passes() {
        let mut bytes = Vec::new();
        write_last(1, 2, &mut bytes);
        for bit in 0..PACKED_HEAD * 8 {
            let mut bad: [u8; PACKED_HEAD] = bytes[..].try_into().unwrap();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Packed::parse(&bad), None, "bit {bit}");
        }
    }
}
