//! A capture file back into records. Nothing in the file is trusted: lengths are bounded before memory is taken, sums are
//! checked before bytes are used, and what is damaged is passed over, counted and told.

use super::dense::{self, CODING};
use super::description::Description;
use super::frame::{Head, Sort};
use super::index::Index;
use super::input::Input;
use super::names::{self, Told};
use std::io::{self, Read};

/// The most names that a capture may tell.
const MOST_NAMES: usize = 1 << 16;

/// Why a file is not read.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be read at all.
    Unreadable(io::Error),
    /// It is no capture.
    Foreign,
    /// A newer smtrace wrote it: the version of the file or the records, and ours.
    Newer(u16, u16),
    /// Its description is missing or damaged.
    Damaged,
}

/// What a capture tells next.
#[derive(Debug)]
pub enum Part {
    /// Names that the records after it need.
    Names(Told),
    /// Records, whole, one after another, made while local time was so many seconds from UTC.
    Records(Vec<u8>, i32),
}

/// What is missing of a capture.
#[derive(Debug, Default)]
pub struct Missing {
    /// Records that are known to be missing, for the writer or the file lost them.
    pub records: u64,
    /// Places in the file that cannot be read.
    pub damaged: u64,
    /// The end is missing: what came after the last record is not known.
    pub end: bool,
    /// Something follows the capture's end.
    pub behind: bool,
    /// Why reading ended, when not at the file's end.
    pub error: Option<io::Error>,
}

impl Missing {
    /// Whether anything is.
    #[must_use]
    pub fn any(&self) -> bool {
        self.records > 0 || self.damaged > 0 || self.end || self.behind || self.error.is_some()
    }
}

/// Reads a capture.
pub struct Reader {
    input: Input,
    description: Description,
    index: Option<Index>,
    missing: Missing,
    /// The number of the next record.
    next: u64,
    latest: Option<(u64, i32)>,
    names_left: usize,
    done: bool,
}

impl Reader {
    /// Reads the start of a capture.
    ///
    /// # Errors
    /// When it is none that can be read.
    pub fn open(from: Box<dyn Read>) -> Result<Reader, Refused> {
        let mut input = Input::new(from);
        input.begin()?;
        let body = match input.frame() {
            Some(head) if head.sort == Sort::Description as u8 => &input.body,
            _ => return Err(input.error.map_or(Refused::Damaged, Refused::Unreadable)),
        };
        let description = Description::parse(body).ok_or(Refused::Damaged)?;
        let missing = Missing::default();
        let names_left = MOST_NAMES;
        Ok(Reader { input, description, index: None, missing, next: 0, latest: None, names_left, done: false })
    }

    /// What the capture says about itself.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The next part; `None` at the end.
    pub fn part(&mut self) -> Option<Part> {
        while !self.done {
            let Some(head) = self.input.frame() else {
                self.done = true;
                self.missing.end = true;
                break;
            };
            match Sort::from_byte(head.sort) {
                Some(Sort::Names) => match names::parse(&self.input.body) {
                    Some(told) => {
                        let told = self.within_bounds(told);
                        return Some(Part::Names(told));
                    }
                    None => self.input.damaged += 1,
                },
                Some(Sort::Records) => {
                    if let Some(part) = self.records(&head) {
                        return Some(part);
                    }
                }
                Some(Sort::Index) => self.index = Index::parse(&self.input.body),
                Some(Sort::End) => {
                    self.miss(head.before);
                    self.done = true;
                }
                // A newer writer may tell more.
                Some(Sort::Description) | None => {}
            }
        }
        None
    }

    /// The names as far as they may be kept.
    fn within_bounds(&mut self, mut told: Told) -> Told {
        told.users.truncate(self.names_left);
        self.names_left -= told.users.len();
        told.groups.truncate(self.names_left);
        self.names_left -= told.groups.len();
        told
    }

    /// Notes that the next record is the one with the number `before`.
    fn miss(&mut self, before: u64) {
        self.missing.records += before.saturating_sub(self.next);
        self.next = self.next.max(before);
    }

    fn records(&mut self, head: &Head) -> Option<Part> {
        let mut plain = Vec::new();
        self.miss(head.before);
        let known = head.coding == CODING;
        if !known || dense::expand(&self.input.body, head.records, head.expanded as usize, &mut plain).is_none() {
            // Their number is in `before` of the next frame.
            self.input.damaged += 1;
            return None;
        }
        self.next = self.next.saturating_add(u64::from(head.records));
        self.latest = Some((head.latest, head.offset));
        Some(Part::Records(plain, head.offset))
    }

    /// The latest time of a record so far, and the offset of local time there.
    #[must_use]
    pub fn latest(&self) -> Option<(u64, i32)> {
        self.latest
    }

    /// The index; only after the last part.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Reads on after the last part to see whether something follows the end: for files, as a stream may stay open.
    pub fn look_behind(&mut self) {
        self.missing.behind = self.done && !self.missing.end && self.input.goes_on();
    }

    /// What is missing; whole after the last part.
    #[must_use]
    pub fn missing(self) -> Missing {
        Missing { damaged: self.input.damaged, error: self.input.error, ..self.missing }
    }
}
