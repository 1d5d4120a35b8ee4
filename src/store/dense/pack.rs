//! Records into the dense coding. Runs on the reader's side of the bus, once a record: it allocates only as the frame
//! grows, and the buffers are kept for the next one.

use super::super::varint::{put, put_signed};
use super::{
    AGAIN, ANY_ROLE, EXTRA, FD, FDS, FLAGS, LEAST_TEXT, MANY, MOVED, NO_ABI, Oracle, RESULT, SAME_THREAD, Slot, Thread,
    VERBATIM,
};
use crate::model::record::{HEADER, PIECE_HEADER, Record};
use rustc_hash::FxHashMap;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// Packs the records of one frame.
#[derive(Debug, Default)]
pub(in super::super) struct Packer {
    packed: Vec<u8>,
    /// The records as they are, for what later ones refer to.
    plain: Vec<u8>,
    records: u32,
    time: u64,
    threads: Vec<Thread>,
    places: FxHashMap<(i32, i32), usize>,
    last: Option<usize>,
    slots: Vec<Slot>,
    calls: FxHashMap<(u8, u32, u8), usize>,
    texts: Dictionary,
    runs: Dictionary,
}

/// Ranges of the plain records, found by their bytes.
#[derive(Debug, Default)]
struct Dictionary {
    entries: Vec<Range<usize>>,
    /// By the sum of the bytes. Two of the same sum are told apart by their bytes; the later one is found.
    places: FxHashMap<u64, usize>,
}

impl Dictionary {
    /// The distance back to an equal entry; else 0, and `range` is one from now on.
    fn find(&mut self, plain: &[u8], range: Range<usize>) -> u64 {
        let bytes = plain.get(range.clone()).unwrap_or_default();
        let sum = xxh3_64(bytes);
        if let Some(place) = self.places.get(&sum)
            && let Some(known) = self.entries.get(*place)
            && plain.get(known.clone()) == Some(bytes)
        {
            return (self.entries.len() - place) as u64;
        }
        self.places.insert(sum, self.entries.len());
        self.entries.push(range);
        0
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.places.clear();
    }
}

/// A piece's fields as they are, with the place of its bytes.
struct Raw {
    address: u64,
    role: u8,
    state: u8,
    index: u16,
    data: Range<usize>,
}

/// The piece at `at`, and where the next one starts; `None` at the end, or when its padding is not zero.
fn raw(plain: &[u8], at: usize) -> Option<(Raw, usize)> {
    let head = plain.get(at..at + PIECE_HEADER)?;
    let len = usize::try_from(u32::from_le_bytes(head.get(8..12)?.try_into().ok()?)).ok()?;
    let start = at + PIECE_HEADER;
    let (end, next) = (start + len, start + len.next_multiple_of(8));
    plain.get(end..next)?.iter().all(|byte| *byte == 0).then_some(())?;
    let piece = Raw {
        address: u64::from_le_bytes(head.get(..8)?.try_into().ok()?),
        role: *head.get(12)?,
        state: *head.get(13)?,
        index: u16::from_le_bytes(head.get(14..16)?.try_into().ok()?),
        data: start..end,
    };
    Some((piece, next))
}

impl Packer {
    /// How many records there are.
    pub(in super::super) fn records(&self) -> u32 {
        self.records
    }

    /// The records in the coding.
    pub(in super::super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// The records as they are.
    pub(in super::super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Starts the next frame.
    pub(in super::super) fn clear(&mut self) {
        self.packed.clear();
        self.plain.clear();
        (self.records, self.time, self.last) = (0, 0, None);
        self.threads.clear();
        self.places.clear();
        self.slots.clear();
        self.calls.clear();
        self.texts.clear();
        self.runs.clear();
    }

    /// Adds a record.
    pub(in super::super) fn push(&mut self, record: &Record<'_>) {
        let start = self.plain.len();
        self.plain.extend_from_slice(record.bytes());
        self.records += 1;
        let Some((before_fds, run, fds)) = self.walk(start, record) else { return self.push_verbatim(record) };
        self.push_head(record, u8::try_from(before_fds).unwrap_or(u8::MAX), fds > 0);
        let mut oracle = Oracle::new(args(record), record.head().result);
        let mut at = HEADER + start + record.args().len() * 8;
        for _ in 0..before_fds {
            at = self.push_piece(at, &mut oracle);
        }
        if fds == 0 {
            return;
        }
        let distance = self.runs.find(&self.plain, run);
        put(distance, &mut self.packed);
        if distance == 0 {
            put(fds as u64, &mut self.packed);
            let mut oracle = Oracle::new([0; 6], 0);
            for _ in 0..fds {
                at = self.push_piece(at, &mut oracle);
            }
        }
    }

    /// How many pieces come before the run of Fd pieces at the record's end, where it lies, and how many it has.
    /// `None` for a record with something in it that the coding does not say.
    fn walk(&self, start: usize, record: &Record<'_>) -> Option<(usize, Range<usize>, usize)> {
        let bytes = record.bytes();
        let (kind, pieces) = (*bytes.get(4)?, *bytes.get(7)?);
        if kind >= SAME_THREAD {
            return None;
        }
        let end = self.plain.len();
        let mut at = start + HEADER + record.args().len() * 8;
        let (mut before, mut run, mut fds) = (0, end, 0);
        for i in 0..usize::from(pieces) {
            let (piece, next) = raw(&self.plain, at)?;
            if piece.role != FD {
                (before, run, fds) = (i + 1, end, 0);
            } else {
                run = run.min(at);
                fds += 1;
            }
            at = next;
        }
        Some((before, run..end, fds))
    }

    fn push_verbatim(&mut self, record: &Record<'_>) {
        self.packed.push(VERBATIM);
        put(record.bytes().len() as u64, &mut self.packed);
        self.packed.extend_from_slice(record.bytes());
    }

    fn push_head(&mut self, record: &Record<'_>, pieces: u8, fds: bool) {
        let head = record.head();
        let bytes = record.bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
        let (abi, count, args) = (byte(5), byte(6), args(record));
        let place = self.places.get(&(head.pid, head.tid)).copied();
        let same = place.is_some() && place == self.last;
        let slot = self.calls.get(&(abi, head.nr, count)).copied();
        let thread = place.and_then(|place| self.threads.get(place));
        let again = slot.is_some() && thread.is_some_and(|thread| Some(thread.slot) == slot && thread.args == args);

        let out = &mut self.packed;
        out.push(byte(4) | if same { SAME_THREAD } else { 0 } | if again { AGAIN } else { 0 });
        put_signed(head.time.wrapping_sub(self.time).cast_signed(), out);
        self.time = head.time;
        let place = place.unwrap_or(self.threads.len());
        if !same {
            put(place as u64, out);
        }
        if place == self.threads.len() {
            put_signed(i64::from(head.pid), out);
            put_signed(i64::from(head.tid.wrapping_sub(head.pid)), out);
            self.threads.push(Thread { pid: head.pid, tid: head.tid, slot: usize::MAX, args: [0; 6] });
            self.places.insert((head.pid, head.tid), place);
        }
        self.last = Some(place);
        if !again {
            let slot = self.push_call(slot, Slot { abi, nr: head.nr, count, args });
            // What is no call leaves the call that the thread is in as it was.
            if abi != NO_ABI
                && let Some(thread) = self.threads.get_mut(place)
            {
                (thread.slot, thread.args) = (slot, args);
            }
        }
        let out = &mut self.packed;
        let most = pieces.min(MANY);
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(bit(head.result != 0, RESULT) | bit(head.flags != 0, FLAGS) | bit(fds, FDS) | most << 3);
        if most == MANY {
            put(u64::from(pieces - MANY), out);
        }
        if head.result != 0 {
            put_signed(head.result, out);
        }
        if head.flags != 0 {
            put(u64::from(head.flags), out);
        }
    }

    /// Says a call's number and arguments; returns its place.
    fn push_call(&mut self, known: Option<usize>, call: Slot) -> usize {
        let out = &mut self.packed;
        let count = usize::from(call.count);
        let Some((place, slot)) = known.and_then(|place| Some((place, self.slots.get_mut(place)?))) else {
            out.push(0);
            out.push(call.abi);
            put(u64::from(call.nr), out);
            out.push(call.count);
            for arg in call.args.iter().take(count) {
                put_signed(arg.cast_signed(), out);
            }
            self.slots.push(call);
            self.calls.insert((call.abi, call.nr, call.count), self.slots.len() - 1);
            return self.slots.len() - 1;
        };
        put(place as u64 + 1, out);
        let pairs = || slot.args.iter().zip(&call.args).take(count);
        let differ = pairs().enumerate().fold(0, |bits, (i, (old, new))| bits | u8::from(old != new) << i);
        out.push(differ);
        for (old, new) in pairs().filter(|(old, new)| old != new) {
            put_signed(new.wrapping_sub(*old).cast_signed(), out);
        }
        slot.args = call.args;
        place
    }

    /// Says the piece at `at`; returns where the next one starts.
    fn push_piece(&mut self, at: usize, oracle: &mut Oracle) -> usize {
        let Some((piece, next)) = raw(&self.plain, at) else { return at };
        let role = piece.role.min(ANY_ROLE);
        let (index, address) = (oracle.index(piece.role), oracle.address(piece.role));
        let extra = piece.state != 0 || piece.index != index;
        let moved = piece.address != address;
        self.packed.push(role | if extra { EXTRA } else { 0 } | if moved { MOVED } else { 0 });
        if role == ANY_ROLE {
            self.packed.push(piece.role);
        }
        if extra {
            self.packed.push(piece.state);
            put(u64::from(piece.index.wrapping_sub(index)), &mut self.packed);
        }
        if moved {
            put_signed(piece.address.wrapping_sub(address).cast_signed(), &mut self.packed);
        }
        oracle.learn(piece.role, piece.index, piece.address, piece.data.len());
        let distance = match piece.data.len() {
            ..LEAST_TEXT => 0,
            _ => self.texts.find(&self.plain, piece.data.clone()),
        };
        put(distance, &mut self.packed);
        if distance == 0 {
            put(piece.data.len() as u64, &mut self.packed);
            self.packed.extend_from_slice(self.plain.get(piece.data).unwrap_or_default());
        }
        next
    }
}

fn args(record: &Record<'_>) -> [u64; 6] {
    let mut args = [0; 6];
    for (to, from) in args.iter_mut().zip(record.args()) {
        *to = *from;
    }
    args
}
