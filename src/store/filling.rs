//! The frame of records that is filling: one coding of them, whoever it is written to.

use super::dense::{CODING, Packer};
use super::frame::{Head, Sort};
use crate::model::record::Record;

/// Packed bytes of records from which on a frame is written.
const ENOUGH: usize = 64 * 1024;

/// As [`ENOUGH`], of the records as they are.
const ENOUGH_PLAIN: usize = 1 << 20;

/// A frame of records before it is written.
#[derive(Debug)]
pub(super) struct Filling {
    packer: Packer,
    zone: fn(i64) -> i32,
    /// The second whose offset is known, and the offset.
    second: Option<u64>,
    offset: i32,
    head: Head,
}

impl Filling {
    /// An empty one. `zone` says how far local time is from UTC at a second.
    pub(super) fn new(zone: fn(i64) -> i32) -> Filling {
        Filling { packer: Packer::default(), zone, second: None, offset: 0, head: Head::default() }
    }

    /// Whether the frame can take `record`: all records of one have the same local time.
    pub(super) fn fits(&mut self, record: &Record<'_>) -> bool {
        let second = record.head().time / 1_000_000_000;
        if self.second != Some(second) {
            self.second = Some(second);
            self.offset = (self.zone)(i64::try_from(second).unwrap_or(0));
        }
        self.packer.records() == 0 || self.offset == self.head.offset
    }

    /// Adds a record that fits; whether the frame is full then.
    pub(super) fn push(&mut self, record: &Record<'_>) -> bool {
        let time = record.head().time;
        if self.packer.records() == 0 {
            self.head = Head { offset: self.offset, earliest: time, latest: time, ..Head::default() };
        }
        self.head.earliest = self.head.earliest.min(time);
        self.head.latest = self.head.latest.max(time);
        self.packer.push(record);
        self.packer.packed().len() >= ENOUGH || self.packer.plain().len() >= ENOUGH_PLAIN
    }

    /// How many records there are.
    pub(super) fn records(&self) -> u32 {
        self.packer.records()
    }

    /// The frame's head, but for the capture's number and the records before it.
    pub(super) fn head(&self) -> Head {
        Head {
            sort: Sort::Records as u8,
            coding: CODING,
            expanded: u32::try_from(self.packer.plain().len()).unwrap_or(u32::MAX),
            records: self.packer.records(),
            ..self.head
        }
    }

    /// The frame's body.
    pub(super) fn body(&self) -> &[u8] {
        self.packer.packed()
    }

    /// The records as they are.
    pub(super) fn plain(&self) -> &[u8] {
        self.packer.plain()
    }

    /// Starts the next frame.
    pub(super) fn clear(&mut self) {
        self.packer.clear();
    }
}
