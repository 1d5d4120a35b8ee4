//! How often what was called, how often it failed and how long it took: counted as events pass, written at the end.
//!
//! It stands before the sink of the chosen format, or in its place. The time of a call is from its entry to its return.
//! Memory is bounded: so many rows, and a histogram of fixed precision in each.

mod json;
mod table;

use super::Sink;
use crate::event::{Event, Name, Outcome, Sort};
use crate::model::{Column, Pid, Summary as Wanted};
use crate::state::Who;
use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;
use std::cmp::Reverse;

/// Most rows; calls that would need another one are counted together.
const MOST_ROWS: usize = 4096;
/// The name of that row.
const OTHERS: &str = "(others)";
/// Significant digits of a time in a histogram.
const DIGITS: u8 = 2;

/// What is known of one call, of one process or of all.
#[derive(Debug)]
struct Row {
    name: String,
    calls: u64,
    errors: u64,
    /// Nanoseconds of all calls that returned.
    total: u64,
    times: Histogram<u32>,
}

impl Row {
    fn new(name: String) -> Option<Row> {
        Some(Row { name, calls: 0, errors: 0, total: 0, times: Histogram::new(DIGITS).ok()? })
    }

    fn count(&mut self, took: u64, failed: bool) {
        self.calls += 1;
        self.errors += u64::from(failed);
        self.total += took;
        // The histogram grows with what it is given; only memory could refuse, and then the other figures still stand.
        let _ = self.times.record(took);
    }

    fn average(&self) -> u64 {
        self.total.checked_div(self.calls).unwrap_or(0)
    }

    /// The value of a column of times, in nanoseconds.
    fn time(&self, column: Column) -> u64 {
        match column {
            Column::Min => self.times.min(),
            Column::Median => self.times.value_at_quantile(0.5),
            Column::P99 => self.times.value_at_quantile(0.99),
            Column::Max => self.times.max(),
            Column::Average => self.average(),
            _ => self.total,
        }
    }
}

/// The rows of one process, or of all.
#[derive(Debug, Default)]
struct Group {
    comm: String,
    rows: FxHashMap<Name, Row>,
}

impl Group {
    /// The rows, the largest first; by name where the column does not tell them apart.
    fn sorted(&self, by: Column) -> Vec<&Row> {
        let mut rows: Vec<_> = self.rows.values().collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        match by {
            Column::Name | Column::Nothing => {}
            Column::Calls => rows.sort_by_key(|row| Reverse(row.calls)),
            Column::Errors => rows.sort_by_key(|row| Reverse(row.errors)),
            column => rows.sort_by_key(|row| Reverse(row.time(column))),
        }
        rows
    }
}

/// Counts, and hands events on if they are wanted too.
pub(super) struct Summary {
    wanted: Wanted,
    inner: Option<Box<dyn Sink + Send>>,
    /// When each call under way was entered.
    entered: FxHashMap<Pid, u64>,
    /// By process, 0 for all.
    groups: FxHashMap<Pid, Group>,
    rows: usize,
    others: Option<Row>,
}

impl Summary {
    /// A summary before `inner`, which gets the events only if the summary wants them written.
    pub(super) fn new(wanted: &Wanted, inner: Box<dyn Sink + Send>) -> Summary {
        Summary {
            wanted: wanted.clone(),
            inner: wanted.events_too.then_some(inner),
            entered: FxHashMap::default(),
            groups: FxHashMap::default(),
            rows: 0,
            others: None,
        }
    }

    fn count(&mut self, event: &Event<'_>) {
        let head = event.head();
        let began = self.entered.remove(&head.tid).unwrap_or(head.time);
        let took = head.time.saturating_sub(began).saturating_sub(self.wanted.overhead);
        let failed = event.error().is_some();
        let group = self.groups.entry(if self.wanted.by_process { event.who.pid } else { 0 }).or_default();
        if self.wanted.by_process && group.comm.as_bytes() != event.who.comm() {
            group.comm = String::from_utf8_lossy(event.who.comm()).escape_debug().to_string();
        }
        if let Some(row) = group.rows.get_mut(&event.name) {
            return row.count(took, failed);
        }
        if self.rows >= MOST_ROWS {
            self.others = self.others.take().or_else(|| Row::new(OTHERS.to_owned()));
            if let Some(row) = &mut self.others {
                row.count(took, failed);
            }
            return;
        }
        let name = match event.name {
            Name::Known(name) => name.to_owned(),
            Name::Unknown(number) => format!("syscall_{number:#x}"),
        };
        if let Some(mut row) = Row::new(name) {
            row.count(took, failed);
            group.rows.insert(event.name, row);
            self.rows += 1;
        }
    }

    /// The groups in order of their processes, each with its rows in the wanted order.
    fn sorted(&self) -> Vec<(Pid, &str, Vec<&Row>)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(pid, _)| **pid);
        let mut sorted: Vec<_> = groups
            .into_iter()
            .map(|(pid, group)| (*pid, group.comm.as_str(), group.sorted(self.wanted.sort)))
            .collect();
        if let Some(others) = &self.others {
            sorted.push((0, OTHERS, vec![others]));
        }
        sorted
    }
}

impl Sink for Summary {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match (event.sort, event.outcome) {
            (Sort::Call, Outcome::Entered) => drop(self.entered.insert(event.head().tid, event.head().time)),
            (Sort::Call, Outcome::Returned(_)) => self.count(event),
            (Sort::Call, Outcome::Unfinished(_)) => drop(self.entered.remove(&event.head().tid)),
            _ => {}
        }
        if let Some(inner) = &mut self.inner {
            inner.render(event, out);
        }
    }

    fn born(&mut self, who: &Who<'_>, out: &mut Vec<u8>) {
        if let Some(inner) = &mut self.inner {
            inner.born(who, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(inner) = &mut self.inner {
            inner.finish(out);
        }
        if self.wanted.json {
            json::render(self, out);
        } else {
            table::render(self, out);
        }
    }
}
