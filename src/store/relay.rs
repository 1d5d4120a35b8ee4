//! A capture for each of several takers who come and go: the records are coded once, the heads are each taker's own.
//!
//! It does no I/O. What a taker gets is a capture from where it came in: it can be kept as a file, and a
//! [`super::Reader`] reads it as it comes. Only the index is left out, which nobody can use before the end.

use super::description::Description;
use super::filling::Filling;
use super::frame::{Head, Sort};
use super::names::Names;
use super::start;
use crate::model::record::Record;
use crate::state::{Groups, Users};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Records as all takers get them.
#[derive(Debug)]
pub struct Relay {
    filling: Filling,
    names: Names,
    sheets: Vec<Sheet>,
}

/// A frame that has no number yet, with the names that its records need.
#[derive(Clone, Debug)]
pub struct Sheet {
    head: Head,
    names: Arc<[u8]>,
    body: Arc<[u8]>,
}

impl Sheet {
    /// Bytes that a taker gets for it.
    #[must_use]
    pub fn size(&self) -> usize {
        2 * super::frame::HEAD + self.names.len() + self.body.len()
    }
}

impl Relay {
    /// A relay of records made here. `zone` says how far local time is from UTC at a second.
    #[must_use]
    pub fn new((users, groups): (Users, Groups), zone: fn(i64) -> i32) -> Relay {
        Relay { filling: Filling::new(zone), names: Names::new(users, groups), sheets: Vec::new() }
    }

    /// Takes the next record.
    pub fn push(&mut self, record: &Record<'_>) {
        if !self.filling.fits(record) {
            self.turn();
        }
        self.names.note(record);
        if self.filling.push(record) {
            self.turn();
        }
    }

    /// Ends the sheet that fills.
    fn turn(&mut self) {
        if self.filling.records() > 0 {
            let (names, body) = (self.names.next().into(), self.filling.body().into());
            self.sheets.push(Sheet { head: self.filling.head(), names, body });
        }
        self.names.clear();
        self.filling.clear();
    }

    /// What was taken since the last time.
    #[must_use]
    pub fn take(&mut self) -> Vec<Sheet> {
        self.turn();
        std::mem::take(&mut self.sheets)
    }

    /// Sheets of `records`, whole ones one after another, for one taker alone. Between two [`Relay::take`]s only.
    #[must_use]
    pub fn aside(&mut self, mut records: &[u8]) -> Vec<Sheet> {
        while let Ok((record, len)) = Record::parse(records) {
            self.push(&record);
            records = records.get(len..).unwrap_or_default();
        }
        self.take()
    }
}

/// One taker's capture.
#[derive(Debug)]
pub struct Outlet {
    /// The capture's number.
    capture: u64,
    /// Records of the frames so far.
    before: u64,
}

impl Outlet {
    /// Begins a capture, appended to `out`.
    #[must_use]
    pub fn begin(description: &Description, out: &mut Vec<u8>) -> Outlet {
        let capture = RandomState::new().hash_one(description.clock.realtime_ns);
        start(out);
        Head { sort: Sort::Description as u8, capture, ..Head::default() }.write(&description.write(), out);
        Outlet { capture, before: 0 }
    }

    fn blank(&self) -> Head {
        Head { capture: self.capture, before: self.before, ..Head::default() }
    }

    /// Appends all names that `relay` ever told: to who comes in, or may have missed some.
    pub fn tell_names(&self, relay: &Relay, out: &mut Vec<u8>) {
        self.put_names(&relay.names.all(), out);
    }

    fn put_names(&self, names: &[u8], out: &mut Vec<u8>) {
        if !names.is_empty() {
            Head { sort: Sort::Names as u8, ..self.blank() }.write(names, out);
        }
    }

    /// Appends a sheet.
    pub fn put(&mut self, sheet: &Sheet, out: &mut Vec<u8>) {
        self.put_names(&sheet.names, out);
        Head { capture: self.capture, before: self.before, ..sheet.head }.write(&sheet.body, out);
        self.before += u64::from(sheet.head.records);
    }

    /// Appends the end.
    pub fn finish(&self, out: &mut Vec<u8>) {
        Head { sort: Sort::End as u8, ..self.blank() }.write(&[], out);
    }
}
