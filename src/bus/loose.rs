//! A reader that nobody waits for: what it missed, it is told in band.
//!
//! It works the same in smtrace and in another process that mapped the ring. It never touches more than its own memory.

use super::tally::{self, Tally};
use crate::model::record::MAX_RECORD;
use crate::sys::clock;
use crate::sys::ring::Window;

/// Bytes copied at once; one record of any size fits.
const COPY: usize = 2 * MAX_RECORD;

/// Where a reader that was overrun goes on.
#[derive(Clone, Debug)]
pub struct Catch {
    /// A place of the ring between two records.
    pub position: u64,
    /// What was sent before that place.
    pub tally: Tally,
    /// The tasks that live there, as records.
    pub tasks: Vec<u8>,
}

type Catcher = Box<dyn FnMut() -> Option<Catch> + Send>;

/// The reader.
pub struct Loose {
    window: Window,
    position: u64,
    /// Whole records; the first `told` bytes are no part of the ring.
    copied: Vec<u8>,
    told: usize,
    taken: usize,
    /// What was sent before `position`.
    passed: Tally,
    missed: Tally,
    catcher: Option<Catcher>,
}

impl std::fmt::Debug for Loose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loose").field("position", &self.position).field("missed", &self.missed.total()).finish()
    }
}

impl Loose {
    /// A reader of `window` that starts at `position`.
    #[must_use]
    pub fn new(window: Window, position: u64) -> Loose {
        let (passed, missed) = (Tally::default(), Tally::default());
        Loose { window, position, copied: Vec::new(), told: 0, taken: 0, passed, missed, catcher: None }
    }

    /// A reader that starts where `catch` says, with its tasks.
    #[must_use]
    pub fn starting_at(window: Window, catch: Catch) -> Loose {
        let mut loose = Loose::new(window, catch.position);
        loose.told = catch.tasks.len();
        loose.copied = catch.tasks;
        loose.passed = catch.tally;
        loose
    }

    /// Says who catches it.
    pub fn caught_by(&mut self, catcher: Catcher) {
        self.catcher = Some(catcher);
    }

    /// Gets what waits, when all that it has was taken.
    pub fn fill(&mut self) {
        if self.taken < self.copied.len() {
            return;
        }
        (self.taken, self.told) = (0, 0);
        if self.window.copy(self.position, &mut self.copied, COPY).is_ok() {
            let whole = whole_records(&self.copied);
            self.copied.truncate(whole);
            return;
        }
        self.copied.clear();
        let Some(catch) = self.catcher.as_mut().and_then(|catcher| catcher()) else { return };
        let missed = catch.tally.since(&self.passed);
        self.missed.add_all(&missed);
        self.passed = catch.tally;
        self.position = catch.position;
        self.copied = missed.lost_record(clock::realtime(), true);
        self.copied.extend_from_slice(&catch.tasks);
        self.told = self.copied.len();
    }

    /// The records that wait.
    #[must_use]
    pub fn peek(&self) -> &[u8] {
        self.copied.get(self.taken..).unwrap_or(&[])
    }

    /// Gives the first `len` bytes back.
    pub fn release(&mut self, len: usize) {
        let end = self.copied.len().min(self.taken + len);
        let ring = self.copied.get(self.taken.max(self.told)..end).unwrap_or(&[]);
        self.position += ring.len() as u64;
        tally::count_all(&mut self.passed, ring);
        self.taken = end;
    }

    /// Where the first byte lies that was not taken.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes of records lie between its place and the end of the ring. Some while it waits for no more: it was
    /// overrun, and nobody could catch it.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.window.written().saturating_sub(self.position)
    }

    /// What it missed so far.
    #[must_use]
    pub fn missed(&self) -> &Tally {
        &self.missed
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taken >= self.copied.len() && self.window.written() == self.position
    }

    /// Whether nothing more will come than what waits.
    #[must_use]
    pub fn closed(&self) -> bool {
        self.window.closed()
    }
}

/// How many of `bytes` are whole records.
fn whole_records(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(len) = bytes.get(at..at + 4).and_then(|len| len.try_into().ok()).map(u32::from_le_bytes) {
        let end = usize::try_from(len).ok().filter(|len| *len > 0).map(|len| at + len);
        match end.filter(|end| *end <= bytes.len()) {
            Some(end) => at = end,
            None => break,
        }
    }
    at
}
