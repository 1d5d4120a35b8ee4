//! A call of a multiplexer becomes the call that it stands for, with its own arguments.
//!
//! What lies in memory is read once, when the call is entered. The kernel reads it again: another thread can change it in
//! between, as with all that a pointer leads to, and what is told is what was read.

use super::Call;
use crate::model::Pid;
use crate::sys::memory::Memory;
use crate::table::{
    self,
    through::{self, Source},
};

/// The most words that an inner call has in memory.
const MOST_WORDS: usize = 6;

/// The words behind one address.
struct Words {
    bytes: [u8; MOST_WORDS * 8],
    got: usize,
    width: usize,
}

impl Words {
    fn read(memory: &mut Memory, tid: Pid, address: u64, count: usize, width: usize) -> Words {
        let mut words = Words { bytes: [0; MOST_WORDS * 8], got: 0, width };
        if let Some(to) = words.bytes.get_mut(..count * width) {
            words.got = memory.read(tid, address, to);
        }
        words
    }

    fn get(&self, index: usize) -> Option<u64> {
        let (start, end) = (index * self.width, (index + 1) * self.width);
        let from = self.bytes.get(start..end).filter(|_| end <= self.got)?;
        let mut word = [0; 8];
        word.get_mut(..self.width)?.copy_from_slice(from);
        Some(u64::from_le_bytes(word))
    }
}

/// The word at `source` of a multiplexer's call with the registers `args`.
fn register(source: Source, args: &[u64; 6]) -> u64 {
    let (Source::Register(at) | Source::Memory(at, _)) = source;
    // The kernel takes them from 32-bit registers, whatever a 64-bit program has above.
    args.get(usize::from(at)).copied().unwrap_or(0) & 0xffff_ffff
}

/// Turns `call` into the one that it stands for. It stays what it is when it is no multiplexer, when no call has its
/// sub-number, or when its arguments cannot be read.
pub(super) fn unfold(memory: &mut Memory, tid: Pid, call: &mut Call) {
    let Some((row, abi)) = call.row.zip(call.abi) else { return };
    let Some(inner) = through::of(row).and_then(|multiplexer| multiplexer.asked(call.args[0])) else { return };
    // All words of memory lie behind one address (a test of the table holds that), so that one read is enough.
    let count = |source: &Source| match source {
        Source::Register(_) => 0,
        Source::Memory(_, index) => usize::from(*index) + 1,
    };
    let counted = inner.args.iter().max_by_key(|source| count(source));
    let words = counted
        .filter(|source| count(source) > 0)
        .map(|source| Words::read(memory, tid, register(*source, &call.args), count(source), abi.word()));
    let mut args = [0; 6];
    for (to, source) in args.iter_mut().zip(inner.args) {
        let word = match source {
            Source::Register(_) => Some(register(*source, &call.args)),
            Source::Memory(_, index) => words.as_ref().and_then(|words| words.get(usize::from(*index))),
        };
        let Some(word) = word else { return };
        *to = word;
    }
    call.result_at = match inner.result {
        Some(source @ Source::Memory(_, index)) => {
            Some(register(source, &call.args).wrapping_add(u64::from(index) * abi.word() as u64))
        }
        _ => None,
    };
    (call.row, call.sub, call.args) = (Some(inner.row()), inner.sub, args);
}

/// Calls that are others with arguments of 0: i386 has no number for the first.
const SHORTER: [(&str, &str); 3] = [("send", "sendto"), ("recv", "recvfrom"), ("accept", "accept4")];

/// The number by which an inner call is made without its multiplexer (Linux 4.3 has all of socketcall's).
pub(super) fn direct_number(call: &Call) -> Option<u32> {
    let (row, abi) = call.row.zip(call.abi)?;
    let longer = || SHORTER.iter().find(|(short, _)| *short == row.name).and_then(|(_, long)| table::by_name(long));
    row.number(abi).or_else(|| longer()?.number(abi))
}

/// What a call returned: where the kernel wrote that to memory, it is read there.
pub(super) fn result(memory: &mut Memory, tid: Pid, call: &Call, register: i64) -> i64 {
    let Some((at, abi)) = call.result_at.zip(call.abi).filter(|_| register == 0) else { return register };
    let words = Words::read(memory, tid, at, 1, abi.word());
    words.get(0).map_or(register, u64::cast_signed)
}
