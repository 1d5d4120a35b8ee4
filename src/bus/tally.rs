//! How many records of which calls: what a reader that missed some is told.
//!
//! A reader that keeps up counts every record; one that does not counts what it got. The difference between the two at
//! one place of the ring is exactly what the second missed.

use crate::model::CallSet;
use crate::model::record::{Head, Kind, MAX_RECORD, Record, Role, State, Writer, flag};
use crate::table;

/// Most calls named one by one in a record of losses; the rest is one sum.
const MOST_NAMED: usize = 200;

/// Most calls named in its words.
const MOST_TOLD: usize = 12;

/// What is no known call, after the rows: their names in a sum.
const OTHERS: [&str; 6] = [
    "unknown call",
    "sched_process_fork",
    "sched_process_exec",
    "sched_process_exit",
    "signal_deliver",
    "smtrace_notice",
];

/// Counts of records by the call, or the event, they tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally(Vec<u64>);

impl Default for Tally {
    fn default() -> Tally {
        Tally(vec![0; CallSet::CAPACITY + OTHERS.len()])
    }
}

/// Where a record is counted; `None` for those that only keep the account of who is who, which a reader that missed some
/// gets anew.
#[must_use]
pub fn slot(head: &Head) -> Option<usize> {
    let other = |at: usize| Some(CallSet::CAPACITY + at);
    match head.kind {
        Kind::Enter | Kind::Exit | Kind::Unfinished => table::row_of(head).map(table::Row::index).or_else(|| other(0)),
        Kind::Fork => other(1),
        Kind::Exec => other(2),
        Kind::End => other(3),
        Kind::Signal => other(4),
        Kind::Notice => other(5),
        Kind::Born | Kind::Comm | Kind::Creds | Kind::Reparent | Kind::Outsider | Kind::Moved | Kind::Lost => None,
    }
}

/// The name of what is counted in `slot`.
fn name(slot: usize) -> &'static str {
    match slot.checked_sub(CallSet::CAPACITY) {
        None => table::rows().get(slot).map_or("unknown call", |row| row.name),
        Some(other) => OTHERS.get(other).copied().unwrap_or("unknown call"),
    }
}

impl Tally {
    /// Counts one record.
    pub fn count(&mut self, head: &Head) {
        if let Some(slot) = slot(head) {
            self.add(slot, 1);
        }
    }

    /// Adds `n` to what is counted in `slot`.
    pub fn add(&mut self, slot: usize, n: u64) {
        if let Some(count) = self.0.get_mut(slot) {
            *count += n;
        }
    }

    /// Adds all that is counted in `more`.
    pub fn add_all(&mut self, more: &Tally) {
        for (count, n) in self.0.iter_mut().zip(&more.0) {
            *count += n;
        }
    }

    /// The sum of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What is counted here and not in `less`.
    #[must_use]
    pub fn since(&self, less: &Tally) -> Tally {
        Tally(self.0.iter().zip(&less.0).map(|(more, less)| more.saturating_sub(*less)).collect())
    }

    /// Names and counts, most first.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, u64)> {
        let mut all: Vec<_> =
            self.0.iter().enumerate().filter(|(_, n)| **n > 0).map(|(slot, n)| (name(slot), *n)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all
    }

    /// The sum in words: `12 records: read 8, openat 4`.
    #[must_use]
    pub fn words(&self) -> String {
        let named = self.named();
        let total = self.total();
        let mut text = format!("{total} record{}", if total == 1 { "" } else { "s" });
        for (i, (name, n)) in named.iter().take(MOST_TOLD).enumerate() {
            text += &format!("{} {name} {n}", if i == 0 { ":" } else { "," });
        }
        let rest: u64 = named.iter().skip(MOST_TOLD).map(|(_, n)| n).sum();
        if rest > 0 {
            text += &format!(", others {rest}");
        }
        text
    }

    /// The record that tells a reader that it missed what is counted here.
    #[must_use]
    pub fn lost_record(&self, time: u64, void: bool) -> Vec<u8> {
        let mut bytes = vec![0; MAX_RECORD / 4];
        let head = Head {
            kind: Kind::Lost,
            abi: None,
            time,
            pid: 0,
            tid: 0,
            nr: 0,
            flags: if void { flag::VOID } else { 0 },
            result: i64::try_from(self.total()).unwrap_or(i64::MAX),
        };
        let mut writer = Writer::new(&mut bytes, &head, &[]);
        writer.piece(Role::Text, 0, 0, State::Whole, format!("lost {}", self.words()).as_bytes());
        let named = self.named();
        for (name, n) in named.iter().take(MOST_NAMED) {
            writer.piece(Role::Missed, 0, *n, State::Whole, name.as_bytes());
        }
        let rest: u64 = named.iter().skip(MOST_NAMED).map(|(_, n)| n).sum();
        if rest > 0 {
            writer.piece(Role::Missed, 0, rest, State::Cut, b"others");
        }
        let len = writer.finish();
        bytes.truncate(len);
        bytes
    }

    /// Counts as words of eight bytes, for another process of the same version.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    /// What [`Tally::to_bytes`] made; `None` for another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Tally> {
        let words: Vec<u64> =
            bytes.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_le_bytes).collect();
        (bytes.len() == words.len() * 8 && words.len() == CallSet::CAPACITY + OTHERS.len()).then_some(Tally(words))
    }
}

/// Counts every record of `bytes`, which are whole records.
pub(super) fn count_all(tally: &mut Tally, bytes: &[u8]) {
    let mut at = 0;
    while let Some(Ok((record, len))) = bytes.get(at..).filter(|rest| !rest.is_empty()).map(Record::parse) {
        tally.count(record.head());
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Abi;

    fn head(kind: Kind, nr: u32) -> Head {
        Head { kind, abi: Some(Abi::X86_64), time: 0, pid: 1, tid: 1, nr, flags: 0, result: 0 }
    }

    #[test]
    fn the_difference_is_what_was_missed_by_name() {
        let (mut all, mut got) = (Tally::default(), Tally::default());
        for nr in [0, 0, 0, 1, 4095] {
            all.count(&head(Kind::Enter, nr));
        }
        all.count(&head(Kind::Signal, 0));
        all.count(&head(Kind::Born, 0));
        got.count(&head(Kind::Enter, 0));
        let missed = all.since(&got);
        assert_eq!(missed.named(), [("read", 2), ("signal_deliver", 1), ("unknown call", 1), ("write", 1)]);
        assert_eq!(missed.words(), "5 records: read 2, signal_deliver 1, unknown call 1, write 1");
        let bytes = missed.lost_record(7, true);
        let (record, len) = Record::parse(&bytes).unwrap();
        assert_eq!((len, record.head().result, record.head().flags), (bytes.len(), 5, flag::VOID));
        let pieces: Vec<_> = record.pieces().skip(1).map(|piece| (piece.data.to_vec(), piece.address)).collect();
        assert_eq!(pieces[0], (b"read".to_vec(), 2));
        assert_eq!(Tally::from_bytes(&missed.to_bytes()), Some(missed));
        assert_eq!(Tally::from_bytes(&[0; 9]), None);
    }

    #[test]
    fn a_loss_of_every_call_still_fits_one_record() {
        let mut all = Tally::default();
        for slot in 0..table::rows().len() {
            all.add(slot, 1);
        }
        let bytes = all.lost_record(0, false);
        let (record, _) = Record::parse(&bytes).unwrap();
        let told: u64 = record.pieces().filter(|piece| piece.role == Role::Missed as u8).map(|p| p.address).sum();
        assert_eq!(told, all.total());
    }
}
