//! The index at the end of a capture: where the frames lie, when their records were made, how often each call was made.
//!
//! Its size is bounded: past [`MOST`] entries two neighbours become one, so that an entry covers more frames the longer
//! the capture is.
//!
//! ```text
//! number of entries, and each: plain offset, stored offset (both less the entry before), earliest time, latest less
//!   earliest, records
//! number of calls, and each: u8 ABI, number with the sub-number above its 32 bits, enters, exits, exits that failed
//! ```
//! with numbers as in `varint`.

use super::reader::Part;
use super::varint::{put, take};
use crate::model::record::{Head, Kind, Record};
use rustc_hash::FxHashMap;

/// The most entries; even.
const MOST: usize = 8192;

/// The most different calls that are counted: there are fewer, but a tracee can make up numbers.
const MOST_CALLS: usize = 8192;

/// Frames of records that lie one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Where the first begins in the plain file, and so in what `zstd -d` makes of a compressed one.
    pub plain: u64,
    /// Where it begins in the file as it is stored.
    pub stored: u64,
    /// The earliest time of a record.
    pub earliest: u64,
    /// The latest.
    pub latest: u64,
    /// How many records.
    pub records: u64,
}

/// How often a call was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Enters.
    pub enters: u64,
    /// Exits.
    pub exits: u64,
    /// The exits whose result is an error number.
    pub failed: u64,
}

/// The index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The frames of records, in their order.
    pub entries: Vec<Entry>,
    /// The counts by ABI, as a record stores it, number, and sub-number of a multiplexer (0: none).
    pub calls: FxHashMap<(u8, u32, u8), Count>,
    /// How many frames an entry covers.
    stride: usize,
    /// How many the last one covers.
    filled: usize,
}

impl Index {
    /// Adds a frame.
    pub(super) fn add(&mut self, frame: Entry) {
        if self.stride == 0 {
            (self.stride, self.filled) = (1, 1);
        }
        match self.entries.last_mut() {
            Some(last) if self.filled < self.stride => {
                join(last, &frame);
                self.filled += 1;
                return;
            }
            _ => {}
        }
        if self.entries.len() == MOST {
            self.halve();
        }
        self.entries.push(frame);
        self.filled = 1;
    }

    fn halve(&mut self) {
        let pairs = self.entries.chunks(2).filter_map(|pair| {
            let mut first = *pair.first()?;
            pair.iter().skip(1).for_each(|second| join(&mut first, second));
            Some(first)
        });
        self.entries = pairs.collect();
        self.stride *= 2;
    }

    /// Counts what a reader gave, for a capture without its index. Where the frames lie is not known then.
    pub fn learn(&mut self, part: &Part) {
        let Part::Records(records, _) = part else { return };
        let (mut left, mut frame) = (&records[..], Entry { earliest: u64::MAX, ..Entry::default() });
        while let Ok((record, len)) = Record::parse(left) {
            frame.earliest = frame.earliest.min(record.head().time);
            frame.latest = frame.latest.max(record.head().time);
            frame.records += 1;
            left = left.get(len..).unwrap_or_default();
        }
        self.add(frame);
        self.count(records);
    }

    /// Counts the calls of a frame's records.
    pub(super) fn count(&mut self, mut records: &[u8]) {
        while let Ok((record, len)) = Record::parse(records) {
            self.count_one(record.head());
            records = records.get(len..).unwrap_or_default();
        }
    }

    fn count_one(&mut self, head: &Head) {
        let Some(abi) = head.abi else { return };
        let key = (abi as u8, head.nr, head.sub());
        if self.calls.len() >= MOST_CALLS && !self.calls.contains_key(&key) {
            return;
        }
        let count = match head.kind {
            Kind::Enter | Kind::Exit => self.calls.entry(key).or_default(),
            _ => return,
        };
        if head.kind == Kind::Enter {
            count.enters += 1;
        } else {
            count.exits += 1;
            count.failed += u64::from((-4095..0).contains(&head.result));
        }
    }

    /// The index as a frame's body.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(self.entries.len() as u64, &mut out);
        let (mut plain, mut stored) = (0, 0);
        for entry in &self.entries {
            put(entry.plain.wrapping_sub(plain), &mut out);
            put(entry.stored.wrapping_sub(stored), &mut out);
            put(entry.earliest, &mut out);
            put(entry.latest.wrapping_sub(entry.earliest), &mut out);
            put(entry.records, &mut out);
            (plain, stored) = (entry.plain, entry.stored);
        }
        let mut calls: Vec<_> = self.calls.iter().collect();
        calls.sort_unstable_by_key(|(key, _)| **key);
        put(calls.len() as u64, &mut out);
        for ((abi, nr, sub), count) in calls {
            out.push(*abi);
            for number in [u64::from(*sub) << 32 | u64::from(*nr), count.enters, count.exits, count.failed] {
                put(number, &mut out);
            }
        }
        out
    }

    /// Reads a frame's body.
    pub(super) fn parse(mut body: &[u8]) -> Option<Index> {
        let left = &mut body;
        let mut index = Index::default();
        let (mut plain, mut stored) = (0u64, 0u64);
        for _ in 0..bounded(take(left)?, MOST)? {
            plain = plain.wrapping_add(take(left)?);
            stored = stored.wrapping_add(take(left)?);
            let earliest = take(left)?;
            let latest = earliest.wrapping_add(take(left)?);
            index.entries.push(Entry { plain, stored, earliest, latest, records: take(left)? });
        }
        for _ in 0..bounded(take(left)?, MOST_CALLS)? {
            let (abi, rest) = left.split_first()?;
            *left = rest;
            let number = take(left)?;
            let sub = u8::try_from(number >> 32).ok()?;
            let key = (*abi, u32::try_from(number & 0xffff_ffff).ok()?, sub);
            index.calls.insert(key, Count { enters: take(left)?, exits: take(left)?, failed: take(left)? });
        }
        left.is_empty().then_some(index)
    }
}

fn bounded(number: u64, most: usize) -> Option<usize> {
    usize::try_from(number).ok().filter(|number| *number <= most)
}

fn join(first: &mut Entry, second: &Entry) {
    first.earliest = first.earliest.min(second.earliest);
    first.latest = first.latest.max(second.latest);
    first.records += second.records;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Abi;

    fn entry(i: u64) -> Entry {
        Entry { plain: i * 100, stored: i * 60, earliest: i * 7, latest: i * 7 + 9, records: 10 }
    }

    #[test]
    fn an_index_comes_back() {
        let mut index = Index::default();
        (1..4).for_each(|i| index.add(entry(i)));
        for (kind, result) in [(Kind::Enter, 0), (Kind::Exit, -2), (Kind::Born, 0)] {
            let abi = Some(Abi::X86_64);
            index.count_one(&Head { kind, abi, time: 0, pid: 1, tid: 1, nr: 257, flags: 0, result });
        }
        let read = Index::parse(&index.write()).unwrap();
        assert_eq!((&read.entries, &read.calls), (&index.entries, &index.calls));
        assert_eq!(read.calls[&(0, 257, 0)], Count { enters: 1, exits: 1, failed: 1 });
        let bytes = index.write();
        for end in 0..bytes.len() {
            assert!(Index::parse(&bytes[..end]).is_none());
        }
        assert!(Index::parse(&[0xff, 0xff, 0xff, 0xff, 0x7f]).is_none());
    }

    #[test]
    fn many_frames_share_entries_and_none_is_lost() {
        let mut index = Index::default();
        let frames = MOST as u64 * 4 + 3;
        (0..frames).for_each(|i| index.add(entry(i)));
        assert!(index.entries.len() <= MOST);
        assert_eq!(index.entries.iter().map(|entry| entry.records).sum::<u64>(), frames * 10);
        assert!(index.entries.windows(2).all(|pair| pair[0].plain < pair[1].plain));
        assert_eq!(index.entries.last().unwrap().latest, (frames - 1) * 7 + 9);
    }
}
