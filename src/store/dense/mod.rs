//! The dense coding of the records of one frame: what the records before it foretell is left out.
//!
//! It says the records' very bytes, whatever their kind: expanding gives them back bit for bit, so nothing here knows
//! what a record means beyond its layout. Each frame starts from nothing, so that it can be read without the others.
//!
//! A record is, with numbers as in `varint` and signed ones marked `±`:
//!
//! ```text
//! u8    bits 0-4 the kind, then SAME_THREAD, AGAIN, VERBATIM
//!       VERBATIM: length and bytes of a record that the rest cannot say; nothing else follows
//! ±     time less the one before
//!       unless SAME_THREAD: the place of the thread among those met; a new one is the next place, ±pid, ±(tid - pid)
//!       unless AGAIN (the ABI, number and arguments of the thread's last call):
//!         the call's place among those met, from 1, and a byte of which arguments differ from its last ones, each
//!         ±difference; or 0, u8 ABI, number, u8 count and each argument ±
//! u8    bits RESULT, FLAGS, FDS, then the number of pieces before the run of Fd pieces at the end; 31: it follows less 31
//!       RESULT: ±result; FLAGS: the flags
//!       the pieces
//!       FDS: the run, as the distance back to an equal one; or 0, their number and each piece
//! ```
//!
//! and a piece:
//!
//! ```text
//! u8    bits 0-4 the role (31: it follows in a byte), then EXTRA, MOVED
//!       EXTRA: u8 state, index less the one foretold
//!       MOVED: ±(address less the one foretold)
//!       the text, as the distance back to an equal one of at least 3 bytes; or 0, length and bytes
//! ```

mod expand;
mod pack;
#[cfg(test)]
mod tests;

pub(super) use expand::expand;
pub(super) use pack::Packer;

use crate::model::record::Role;

/// The coding's number in a frame's head.
pub(super) const CODING: u8 = 1;

const SAME_THREAD: u8 = 0x20;
const AGAIN: u8 = 0x40;
const VERBATIM: u8 = 0x80;

const RESULT: u8 = 0x01;
const FLAGS: u8 = 0x02;
const FDS: u8 = 0x04;
/// From this many pieces on, the number of pieces follows.
const MANY: u8 = 31;

const EXTRA: u8 = 0x20;
const MOVED: u8 = 0x40;
/// The role that says that the role follows.
const ANY_ROLE: u8 = 31;

/// Shorter texts are repeated, not referred to.
const LEAST_TEXT: usize = 3;

/// The ABI byte of a record that is no call.
const NO_ABI: u8 = 0xff;

const FD: u8 = Role::Fd as u8;
const OPENED: u8 = Role::Opened as u8;

/// What both sides know of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Thread {
    pid: i32,
    tid: i32,
    /// The place of its last call.
    slot: usize,
    args: [u64; 6],
}

/// What both sides know of a call: the same ABI, number and count of arguments.
#[derive(Clone, Copy, Debug)]
struct Slot {
    abi: u8,
    nr: u32,
    count: u8,
    args: [u64; 6],
}

/// Foretells the addresses and indexes of the pieces of one record.
#[derive(Clone, Copy, Debug)]
struct Oracle {
    args: [u64; 6],
    result: i64,
    last: Option<(u8, u16)>,
    after: u64,
}

impl Oracle {
    fn new(args: [u64; 6], result: i64) -> Oracle {
        Oracle { args, result, last: None, after: 0 }
    }

    /// The index of the next piece, if its role is `role`.
    fn index(&self, role: u8) -> u16 {
        match self.last {
            Some((last, index)) if last == role && role != FD => index.wrapping_add(1),
            _ => 0,
        }
    }

    /// Its address: the argument, or where the texts of a list and the numbers of descriptors go on.
    fn address(&self, role: u8) -> u64 {
        let goes_on = self.last.is_some_and(|(last, _)| last == role);
        match role {
            FD if !goes_on => 0,
            _ if goes_on => self.after,
            OPENED => self.result.cast_unsigned(),
            _ => self.args.get(usize::from(role)).copied().unwrap_or(0),
        }
    }

    fn learn(&mut self, role: u8, index: u16, address: u64, len: usize) {
        self.last = Some((role, index));
        self.after = if role == FD { address.wrapping_add(1) } else { address.wrapping_add(len as u64 + 1) };
    }
}
