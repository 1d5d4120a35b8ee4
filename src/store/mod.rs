//! Captures: records in a file, written whole frames at a time, read again with what is missing said.
//!
//! `frame` is the unit, `dense` the coding of its records, `packing` the form of a compressed file; `description`,
//! `names` and `index` are what a capture holds beside records; `relay` makes captures for clients of a running trace. `docs/capture.md` says what the file promises. Nothing
//! here knows what a record means for output: what is written comes back bit for bit.

mod bounds;
mod dense;
mod description;
mod filling;
mod frame;
mod index;
mod input;
mod last;
mod names;
mod packing;
mod reader;
mod relay;
mod source;
mod varint;
mod writer;

pub use bounds::Bounds;
pub use description::{Captured, Clock, Description, Session, Table, Target, VERSION};
pub use index::{Count, Entry, Index};
pub use last::find_index;
pub use names::Told;
pub use reader::{Missing, Part, Reader, Refused};
pub use relay::{Outlet, Relay, Sheet};
pub use source::Follow;
pub use writer::{Losses, Writer, create, is_capture};

use crate::model::record;

/// What a capture starts with; then the versions of the file and of the records as u16, and 4 bytes of zero. As PNG's, it
/// tells a file that went through a text-mode transfer.
pub const MAGIC: [u8; 8] = *b"\x89smtcap\n";

/// Bytes before the first frame.
const START: usize = 16;

/// Appends what a capture starts with.
fn start(out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&record::VERSION.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
}

#[cfg(test)]
mod tests;
