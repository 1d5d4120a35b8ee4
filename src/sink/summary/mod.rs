//! How often what was called, how often it failed and how long it took: counted as events pass, written at the end.
//!
//! It stands before the sink of the chosen format, or in its place. A call has two times: how long it ran on a CPU, which
//! is in the kernel, and from its entry to its return. Memory is bounded: so many rows, and a histogram of fixed precision in each.

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

/// The times of the calls that returned, in nanoseconds.
#[derive(Debug)]
struct Times {
    total: u64,
    each: Histogram<u32>,
}

impl Times {
    fn new() -> Option<Times> {
        Some(Times { total: 0, each: Histogram::new(DIGITS).ok()? })
    }

    fn count(&mut self, took: u64) {
        self.total += took;
        // The histogram grows with what it is given; only memory could refuse, and then the other figures still stand.
        let _ = self.each.record(took);
    }

    fn add(&mut self, other: &Times) {
        self.total += other.total;
        // Both grow by themselves, so there is nothing that the one has and the other cannot take.
        let _ = self.each.add(&other.each);
    }
}

/// What one call cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    wall: u64,
    /// `None` where that was not recorded.
    kernel: Option<u64>,
    failed: bool,
}

/// What is known of one call, of one process or of all.
#[derive(Debug)]
struct Row {
    name: String,
    calls: u64,
    errors: u64,
    wall: Times,
    kernel: Times,
}

impl Row {
    fn new(name: String) -> Option<Row> {
        Some(Row { name, calls: 0, errors: 0, wall: Times::new()?, kernel: Times::new()? })
    }

    fn count(&mut self, cost: Cost) {
        self.calls += 1;
        self.errors += u64::from(cost.failed);
        self.wall.count(cost.wall);
        if let Some(kernel) = cost.kernel {
            self.kernel.count(kernel);
        }
    }

    /// The times by one clock.
    fn times(&self, clock: Clock) -> &Times {
        match clock {
            Clock::Kernel => &self.kernel,
            Clock::Wall => &self.wall,
        }
    }

    /// The value of a column of times by `clock`, in nanoseconds.
    fn time(&self, column: Column, clock: Clock) -> u64 {
        let times = self.times(clock);
        match column {
            Column::Min => times.each.min(),
            Column::Median => times.each.value_at_quantile(0.5),
            Column::P99 => times.each.value_at_quantile(0.99),
            Column::Max => times.each.max(),
            Column::Average => times.total.checked_div(self.calls).unwrap_or(0),
            Column::Kernel => self.kernel.total,
            Column::Wall => self.wall.total,
            _ => times.total,
        }
    }
}

/// Which of a call's two times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// On a CPU.
    Kernel,
    /// From the entry to the return.
    Wall,
}

/// The rows of one process, or of all.
#[derive(Debug, Default)]
struct Group {
    comm: String,
    rows: FxHashMap<Name, Row>,
}

impl Group {
    /// The rows, the largest first; by name where the column does not tell them apart.
    fn sorted(&self, by: Column, clock: Clock) -> Vec<&Row> {
        let mut rows: Vec<_> = self.rows.values().collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        match by {
            Column::Name | Column::Nothing => {}
            Column::Calls => rows.sort_by_key(|row| Reverse(row.calls)),
            Column::Errors => rows.sort_by_key(|row| Reverse(row.errors)),
            column => rows.sort_by_key(|row| Reverse(row.time(column, clock))),
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
    /// That a call's time on a CPU was recorded.
    measured: bool,
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
            measured: false,
        }
    }

    fn count(&mut self, event: &Event<'_>) {
        let head = event.head();
        let began = self.entered.remove(&head.tid).unwrap_or(head.time);
        let less = |time: u64| time.saturating_sub(self.wanted.overhead);
        let wall = less(head.time.saturating_sub(began));
        let cost = Cost { wall, kernel: event.kernel_time().map(less), failed: event.error().is_some() };
        self.measured |= cost.kernel.is_some();
        let group = self.groups.entry(if self.wanted.by_process { event.who.pid } else { 0 }).or_default();
        if self.wanted.by_process && group.comm.as_bytes() != event.who.comm() {
            group.comm = String::from_utf8_lossy(event.who.comm()).escape_debug().to_string();
        }
        if let Some(row) = group.rows.get_mut(&event.name) {
            return row.count(cost);
        }
        if self.rows >= MOST_ROWS {
            self.others = self.others.take().or_else(|| Row::new(OTHERS.to_owned()));
            if let Some(row) = &mut self.others {
                row.count(cost);
            }
            return;
        }
        let name = match event.name {
            Name::Known(name) => name.to_owned(),
            Name::Unknown(number) => format!("syscall_{number:#x}"),
        };
        if let Some(mut row) = Row::new(name) {
            row.count(cost);
            group.rows.insert(event.name, row);
            self.rows += 1;
        }
    }

    /// The times that are shown: strace's are on a CPU unless asked otherwise.
    fn clock(&self) -> Clock {
        if self.wanted.wall_clock || !self.measured { Clock::Wall } else { Clock::Kernel }
    }

    /// The groups in order of their processes, each with its rows in the wanted order.
    fn sorted(&self) -> Vec<(Pid, &str, Vec<&Row>)> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(pid, _)| **pid);
        let mut sorted: Vec<_> = groups
            .into_iter()
            .map(|(pid, group)| (*pid, group.comm.as_str(), group.sorted(self.wanted.sort, self.clock())))
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
