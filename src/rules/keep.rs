//! Which events are written: keep or drop, by who did it, by direction and by result.
//!
//! Decided from the event alone; that the enter of a failed call waits for its result is the pipeline's work.

use super::touching;
use crate::event::{Dir, Event, Outcome, Sort};
use crate::model::record::Unfinished;
use crate::model::{Direction, Filters, Statuses};

/// What the plan's filters keep.
#[derive(Clone, Debug)]
pub struct Keep {
    filters: Filters,
    names_who: bool,
}

impl Keep {
    /// What these filters keep.
    #[must_use]
    pub fn new(filters: &Filters) -> Keep {
        let names_who = !filters.drop_pids.is_empty() || !filters.drop_comms.is_empty();
        Keep { filters: filters.clone(), names_who }
    }

    /// Whether `event` is written. A notice is, whatever the filters say: it tells how far the log can be trusted.
    #[must_use]
    pub fn keep(&self, event: &Event<'_>) -> bool {
        match event.sort {
            Sort::Notice => true,
            Sort::Process => self.keep_who(event),
            Sort::Call => {
                self.keep_dir(event.dir) && self.keep_who(event) && self.keep_end(event) && self.keep_touching(event)
            }
        }
    }

    /// Whether an enter waits until its result is known.
    #[must_use]
    pub fn hold_enter(&self) -> bool {
        self.filters.statuses != Statuses::ALL
    }

    /// Whether the call of `event` ended in a way that is written. An enter has not ended yet.
    #[must_use]
    pub fn keep_end(&self, event: &Event<'_>) -> bool {
        let statuses = self.filters.statuses;
        match event.outcome {
            Outcome::Entered => true,
            Outcome::Returned(_) if event.error().is_some() => statuses.failed,
            Outcome::Returned(_) => statuses.successful,
            Outcome::Unfinished(Unfinished::Detached) => statuses.detached,
            Outcome::Unfinished(_) => statuses.unfinished,
        }
    }

    fn keep_touching(&self, event: &Event<'_>) -> bool {
        let wanted = &self.filters.touching;
        wanted.anything() || touching::touches(wanted, event)
    }

    fn keep_dir(&self, dir: Dir) -> bool {
        match self.filters.direction {
            Direction::Both => true,
            Direction::Enter => dir == Dir::Enter,
            Direction::Exit => dir == Dir::Exit,
        }
    }

    fn keep_who(&self, event: &Event<'_>) -> bool {
        if !self.names_who {
            return true;
        }
        let comm = event.who.comm();
        // The kernel keeps 15 bytes of a name; the siblings accept 16.
        let same = |name: &String| comm == name.as_bytes().get(..15).unwrap_or(name.as_bytes());
        !self.filters.drop_pids.contains(&event.who.pid) && !self.filters.drop_comms.iter().any(same)
    }
}
