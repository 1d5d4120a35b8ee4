//! Captures: records in a file, written whole frames at a time, read again with what is missing said.
//!
//! `frame` is the unit, `dense` the coding of its records, `packing` the form of a compressed file; `description`,
//! `names` and `index` are what a capture holds beside records. `docs/capture.md` says what the file promises. Nothing
//! here knows what a record means for output: what is written comes back bit for bit.

mod bounds;
mod dense;
mod description;
mod frame;
mod index;
mod input;
mod last;
mod names;
mod packing;
mod reader;
mod source;
mod varint;
mod writer;

pub use bounds::Bounds;
pub use description::{Captured, Clock, Description, Table, Target, VERSION};
pub use index::{Count, Entry, Index};
pub use last::find_index;
pub use names::Told;
pub use reader::{Missing, Part, Reader, Refused};
pub use source::Follow;
pub use writer::{Losses, Writer, create};

/// What a capture starts with; then the versions of the file and of the records as u16, and 4 bytes of zero. As PNG's, it
/// tells a file that went through a text-mode transfer.
const MAGIC: [u8; 8] = *b"\x89smtcap\n";

/// Bytes before the first frame.
const START: usize = 16;

#[cfg(test)]
mod tests;
