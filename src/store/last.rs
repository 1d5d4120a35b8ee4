//! The index of a capture, found from the file's end without reading what lies before.

use super::frame::{HEAD, Head, Sort};
use super::index::Index;
use super::input::Input;
use super::packing::{PACKED_HEAD, Packed};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// The index and the number of records of the capture in `file`; `None` when its end is not that of a capture, or when it
/// was compressed by another program.
#[must_use]
pub fn find_index(mut file: &File) -> Option<(Index, u64)> {
    let len = file.metadata().ok()?.len();
    let (at, packed) = plain_end(file, len).or_else(|| packed_end(file, len))?;
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut input = Input::at_frame(Box::new(file.try_clone().ok()?), packed);
    let head = input.frame().filter(|head| head.sort == Sort::Index as u8)?;
    Some((Index::parse(&input.body)?, head.before))
}

/// Where the head of the index lies, by the last frame.
fn plain_end(file: &File, len: u64) -> Option<(u64, bool)> {
    let mut bytes = [0; HEAD];
    file.read_exact_at(&mut bytes, len.checked_sub(HEAD as u64)?).ok()?;
    let head = Head::parse(&bytes).filter(|head| head.sort == Sort::End as u8)?;
    Some((head.earliest, false))
}

/// As [`plain_end`], in a compressed capture.
fn packed_end(file: &File, len: u64) -> Option<(u64, bool)> {
    let mut bytes = [0; PACKED_HEAD];
    file.read_exact_at(&mut bytes, len.checked_sub(PACKED_HEAD as u64)?).ok()?;
    let last = Packed::parse(&bytes).filter(|last| last.stored == 0)?;
    Some((last.sum, true))
}
