//! The summary as strace lays it out.

use super::{Clock, Row, Summary};
use crate::model::Column;
use std::io::Write as _;

/// A column's heading and least width.
fn heading(column: Column) -> (&'static str, usize) {
    match column {
        Column::Percent => ("% time", 6),
        Column::Total => ("seconds", 11),
        Column::Kernel => ("kernel", 11),
        Column::Wall => ("wall", 11),
        Column::Min => ("shortest", 8),
        Column::Median => ("median", 8),
        Column::P99 => ("p99", 8),
        Column::Max => ("longest", 8),
        Column::Average => ("usecs/call", 11),
        Column::Calls => ("calls", 9),
        Column::Errors => ("errors", 9),
        Column::Name | Column::Nothing => ("syscall", 16),
    }
}

fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:06}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 / 1000)
}

/// A share of a hundred with two decimals, rounded.
fn percent(part: u64, whole: u64) -> String {
    let share = (u128::from(part) * 10_000 + u128::from(whole) / 2).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}.{:02}", share / 100, share % 100)
}

fn cell(row: &Row, column: Column, clock: Clock, whole: u64) -> String {
    match column {
        Column::Percent => percent(row.times(clock).total, whole),
        Column::Average => (row.time(column, clock) / 1000).to_string(),
        Column::Calls => row.calls.to_string(),
        Column::Errors if row.errors == 0 => String::new(),
        Column::Errors => row.errors.to_string(),
        Column::Name | Column::Nothing => row.name.clone(),
        column => seconds(row.time(column, clock)),
    }
}

/// The row of all rows together.
fn total(rows: &[&Row]) -> Option<Row> {
    let mut all = Row::new("total".to_owned())?;
    for row in rows {
        all.calls += row.calls;
        all.errors += row.errors;
        all.wall.add(&row.wall);
        all.kernel.add(&row.kernel);
    }
    Some(all)
}

/// Appends one table for each group.
pub(super) fn render(summary: &Summary, out: &mut Vec<u8>) {
    let clock = summary.clock();
    let needed = summary.wanted.needs_kernel_time() && !summary.wanted.json;
    if needed && !summary.measured && !summary.groups.is_empty() {
        out.extend_from_slice(b"Times are from entry to return: how long calls ran on a CPU was not recorded.\n");
    }
    for (pid, comm, rows) in summary.sorted() {
        if summary.wanted.by_process && pid > 0 {
            let _ = writeln!(out, "Process {pid} ({comm}):");
        }
        render_rows(&summary.wanted.columns, clock, &rows, out);
    }
}

fn render_rows(columns: &[Column], clock: Clock, rows: &[&Row], out: &mut Vec<u8>) {
    let Some(all) = total(rows) else { return };
    let mut lines: Vec<Vec<String>> = Vec::with_capacity(rows.len() + 1);
    for row in rows.iter().copied().chain([&all]) {
        let whole = all.times(clock).total;
        lines.push(columns.iter().map(|column| cell(row, *column, clock, whole)).collect());
    }
    // An idle trace still has all of its time.
    if let (Some(last), Some(at)) = (lines.last_mut(), columns.iter().position(|column| *column == Column::Percent))
        && let Some(share) = last.get_mut(at)
    {
        *share = "100.00".to_owned();
    }
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let longest = lines.iter().filter_map(|line| line.get(at)).map(String::len).max().unwrap_or(0);
            // strace keeps a blank after the longest name.
            heading(*column).1.max(longest + usize::from(*column == Column::Name && longest >= 16))
        })
        .collect();
    let headings: Vec<String> = columns.iter().map(|column| heading(*column).0.to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let (body, totals) = lines.split_at(rows.len());
    let sections =
        [std::slice::from_ref(&headings), std::slice::from_ref(&rule), body, std::slice::from_ref(&rule), totals];
    for line in sections.into_iter().flatten() {
        for (at, (text, column)) in line.iter().zip(columns).enumerate() {
            let (width, last) = (widths.get(at).copied().unwrap_or(0), at + 1 == columns.len());
            let _ = match (*column == Column::Name, last) {
                (true, true) => write!(out, "{text}"),
                (true, false) => write!(out, "{text:<width$} "),
                (false, true) => write!(out, "{text:>width$}"),
                (false, false) => write!(out, "{text:>width$} "),
            };
        }
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{percent, seconds};

    #[test]
    fn shares_and_seconds_have_fixed_decimals() {
        assert_eq!((percent(1, 3), percent(2, 3), percent(0, 0)), ("33.33".into(), "66.67".into(), "0.00".into()));
        assert_eq!((seconds(1_500_000_999), seconds(999)), ("1.500000".into(), "0.000000".into()));
    }
}
