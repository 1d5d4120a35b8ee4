//! The summary as one JSON object a line and group.

use super::{Clock, Row, Summary};
use crate::model::{Column, Pid};
use serde::Serialize;

/// The version of this form.
const VERSION: u8 = 1;

#[derive(Serialize)]
struct Wire<'a> {
    v: u8,
    #[serde(rename = "type")]
    sort: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<Pid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm: Option<&'a str>,
    syscalls: Vec<Line<'a>>,
}

/// Times are nanoseconds from entry to return, but that in the kernel.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    calls: u64,
    errors: u64,
    total_ns: u64,
    min_ns: u64,
    median_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    /// On a CPU; absent where that was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel_ns: Option<u64>,
}

impl<'a> Line<'a> {
    fn new(row: &'a Row, measured: bool) -> Line<'a> {
        Line {
            name: &row.name,
            calls: row.calls,
            errors: row.errors,
            total_ns: row.wall.total,
            min_ns: row.time(Column::Min, Clock::Wall),
            median_ns: row.time(Column::Median, Clock::Wall),
            p99_ns: row.time(Column::P99, Clock::Wall),
            max_ns: row.time(Column::Max, Clock::Wall),
            kernel_ns: measured.then_some(row.kernel.total),
        }
    }
}

/// Appends one object for each group.
pub(super) fn render(summary: &Summary, out: &mut Vec<u8>) {
    for (pid, comm, rows) in summary.sorted() {
        let named = summary.wanted.by_process && pid > 0;
        let wire = Wire {
            v: VERSION,
            sort: "summary",
            pid: named.then_some(pid),
            comm: named.then_some(comm),
            syscalls: rows.into_iter().map(|row| Line::new(row, summary.measured)).collect(),
        };
        // Writing to a Vec cannot fail, and every key is a string.
        let _ = serde_json::to_writer(&mut *out, &wire);
        out.push(b'\n');
    }
}
