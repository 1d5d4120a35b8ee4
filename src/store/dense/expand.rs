//! The dense coding back into records. What it reads is not trusted: every number is checked before it is used, and no
//! more comes out than the frame's head said.

use super::super::varint::{take, take_signed};
use super::{
    AGAIN, ANY_ROLE, EXTRA, FDS, FLAGS, LEAST_TEXT, MANY, MOVED, NO_ABI, Oracle, RESULT, SAME_THREAD, Slot, Thread,
    VERBATIM,
};
use crate::model::record::MAX_RECORD;
use std::ops::Range;

/// Expands the records of one frame into `plain`, which is emptied first. `None` when `packed` is not the coding of
/// `records` records of `expanded` bytes.
pub(in super::super) fn expand(packed: &[u8], records: u32, expanded: usize, plain: &mut Vec<u8>) -> Option<()> {
    plain.clear();
    let mut expander = Expander {
        left: packed,
        plain,
        most: expanded,
        time: 0,
        threads: Vec::new(),
        last: None,
        slots: Vec::new(),
        texts: Vec::new(),
        runs: Vec::new(),
    };
    for _ in 0..records {
        expander.record()?;
    }
    (expander.left.is_empty() && expander.plain.len() == expanded).then_some(())
}

struct Expander<'a> {
    left: &'a [u8],
    plain: &'a mut Vec<u8>,
    most: usize,
    time: u64,
    threads: Vec<Thread>,
    last: Option<usize>,
    slots: Vec<Slot>,
    texts: Vec<Range<usize>>,
    /// With how many pieces each has.
    runs: Vec<(Range<usize>, u8)>,
}

/// The fields of a record's fixed part that are known before its pieces.
struct Fixed {
    kind: u8,
    abi: u8,
    count: u8,
    time: u64,
    pid: i32,
    tid: i32,
    nr: u32,
    flags: u32,
    result: i64,
    args: [u64; 6],
}

/// The entry that lies `distance` back.
fn back<T>(entries: &[T], distance: u64) -> Option<&T> {
    let distance = usize::try_from(distance).ok()?;
    entries.get(entries.len().checked_sub(distance)?)
}

impl<'a> Expander<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, left) = self.left.split_first()?;
        self.left = left;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        take(&mut self.left)
    }

    fn signed(&mut self) -> Option<i64> {
        take_signed(&mut self.left)
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, left) = self.left.split_at_checked(len)?;
        self.left = left;
        Some(bytes)
    }

    /// Asks for room for `len` more bytes of records.
    fn room(&self, len: usize) -> Option<()> {
        (len <= self.most.checked_sub(self.plain.len())?).then_some(())
    }

    fn append(&mut self, bytes: &[u8]) -> Option<()> {
        self.room(bytes.len())?;
        self.plain.extend_from_slice(bytes);
        Some(())
    }

    fn repeat(&mut self, range: Range<usize>) -> Option<()> {
        self.room(range.len())?;
        self.plain.get(range.clone())?;
        self.plain.extend_from_within(range);
        Some(())
    }

    fn record(&mut self) -> Option<()> {
        let first = self.byte()?;
        if first == VERBATIM {
            let len = usize::try_from(self.number()?).ok().filter(|len| *len <= MAX_RECORD)?;
            let bytes = self.bytes(len)?;
            return self.append(bytes);
        }
        let mut fixed = self.fixed(first)?;
        let bits = self.byte()?;
        let mut pieces = u64::from(bits >> 3);
        if pieces == u64::from(MANY) {
            pieces = pieces.checked_add(self.number()?)?;
        }
        if bits & RESULT != 0 {
            fixed.result = self.signed()?;
        }
        if bits & FLAGS != 0 {
            fixed.flags = u32::try_from(self.number()?).ok()?;
        }
        let mut pieces = u8::try_from(pieces).ok()?;
        let start = self.plain.len();
        self.append_fixed(&fixed)?;
        let mut oracle = Oracle::new(fixed.args, fixed.result);
        for _ in 0..pieces {
            self.piece(&mut oracle)?;
        }
        if bits & FDS != 0 {
            pieces = pieces.checked_add(self.run()?)?;
        }
        let len = self.plain.len() - start;
        let len = u32::try_from(len).ok().filter(|_| len <= MAX_RECORD)?;
        self.plain.get_mut(start..start + 4)?.copy_from_slice(&len.to_le_bytes());
        *self.plain.get_mut(start + 7)? = pieces;
        Some(())
    }

    fn fixed(&mut self, first: u8) -> Option<Fixed> {
        self.time = self.time.wrapping_add(self.signed()?.cast_unsigned());
        let place = match first & SAME_THREAD {
            0 => usize::try_from(self.number()?).ok()?,
            _ => self.last?,
        };
        if place == self.threads.len() {
            let pid = i32::try_from(self.signed()?).ok()?;
            let tid = pid.wrapping_add(i32::try_from(self.signed()?).ok()?);
            self.threads.push(Thread { pid, tid, slot: usize::MAX, args: [0; 6] });
        }
        self.last = Some(place);
        let thread = *self.threads.get(place)?;
        let (slot, args) = match first & AGAIN {
            0 => self.call()?,
            _ => (thread.slot, thread.args),
        };
        let call = *self.slots.get(slot)?;
        if call.abi != NO_ABI
            && let Some(thread) = self.threads.get_mut(place)
        {
            (thread.slot, thread.args) = (slot, args);
        }
        Some(Fixed {
            kind: first & !(SAME_THREAD | AGAIN | VERBATIM),
            abi: call.abi,
            count: call.count,
            time: self.time,
            pid: thread.pid,
            tid: thread.tid,
            nr: call.nr,
            flags: 0,
            result: 0,
            args,
        })
    }

    /// A call's place and arguments.
    fn call(&mut self) -> Option<(usize, [u64; 6])> {
        let place = self.number()?;
        let Some(place) = place.checked_sub(1) else {
            let (abi, nr) = (self.byte()?, u32::try_from(self.number()?).ok()?);
            let mut slot = Slot { abi, nr, count: self.byte()?, args: [0; 6] };
            for i in 0..usize::from(slot.count) {
                *slot.args.get_mut(i)? = self.signed()?.cast_unsigned();
            }
            self.slots.push(slot);
            return Some((self.slots.len() - 1, slot.args));
        };
        let place = usize::try_from(place).ok()?;
        let (differ, mut slot) = (self.byte()?, *self.slots.get(place)?);
        for i in (0..8).filter(|i| differ >> i & 1 == 1) {
            let difference = self.signed()?.cast_unsigned();
            let arg = slot.args.get_mut(i).filter(|_| i < usize::from(slot.count))?;
            *arg = arg.wrapping_add(difference);
        }
        *self.slots.get_mut(place)? = slot;
        Some((place, slot.args))
    }

    fn append_fixed(&mut self, fixed: &Fixed) -> Option<()> {
        self.append(&[0, 0, 0, 0, fixed.kind, fixed.abi, fixed.count, 0])?;
        self.append(&fixed.time.to_le_bytes())?;
        self.append(&fixed.pid.to_le_bytes())?;
        self.append(&fixed.tid.to_le_bytes())?;
        self.append(&fixed.nr.to_le_bytes())?;
        self.append(&fixed.flags.to_le_bytes())?;
        self.append(&fixed.result.to_le_bytes())?;
        for arg in fixed.args.iter().take(usize::from(fixed.count)) {
            self.append(&arg.to_le_bytes())?;
        }
        Some(())
    }

    fn piece(&mut self, oracle: &mut Oracle) -> Option<()> {
        let bits = self.byte()?;
        let mut role = bits & ANY_ROLE;
        if role == ANY_ROLE {
            role = self.byte()?;
        }
        let (mut index, mut address, mut state) = (oracle.index(role), oracle.address(role), 0);
        if bits & EXTRA != 0 {
            state = self.byte()?;
            index = index.wrapping_add(u16::try_from(self.number()?).ok()?);
        }
        if bits & MOVED != 0 {
            address = address.wrapping_add(self.signed()?.cast_unsigned());
        }
        let distance = self.number()?;
        let (text, literal) = match distance {
            0 => {
                let len = usize::try_from(self.number()?).ok()?;
                (0..len, Some(self.bytes(len)?))
            }
            _ => (back(&self.texts, distance)?.clone(), None),
        };
        oracle.learn(role, index, address, text.len());
        self.append(&address.to_le_bytes())?;
        self.append(&u32::try_from(text.len()).ok()?.to_le_bytes())?;
        self.append(&[role, state])?;
        self.append(&index.to_le_bytes())?;
        let (start, len) = (self.plain.len(), text.len());
        match literal {
            Some(bytes) => self.append(bytes)?,
            None => self.repeat(text)?,
        }
        if literal.is_some() && len >= LEAST_TEXT {
            self.texts.push(start..start + len);
        }
        self.append([0u8; 8].get(..len.next_multiple_of(8) - len)?)
    }

    /// The run of Fd pieces at the end of a record; returns how many.
    fn run(&mut self) -> Option<u8> {
        let distance = self.number()?;
        if distance != 0 {
            let (range, count) = back(&self.runs, distance)?.clone();
            self.repeat(range)?;
            return Some(count);
        }
        let count = u8::try_from(self.number()?).ok()?;
        let start = self.plain.len();
        let mut oracle = Oracle::new([0; 6], 0);
        for _ in 0..count {
            self.piece(&mut oracle)?;
        }
        self.runs.push((start..self.plain.len(), count));
        Some(count)
    }
}
