//! `-c` and what goes with it.

use super::cli::id;
use super::count;
use crate::model::{Column, Summary};
use clap::ArgMatches;

/// The columns that nobody chose, as in strace.
const DEFAULT: [Column; 6] =
    [Column::Percent, Column::Total, Column::Average, Column::Calls, Column::Errors, Column::Name];

/// The summary that was asked for, if one was.
pub(in super::super) fn summary(typed: &ArgMatches) -> Result<Option<Summary>, String> {
    let one = |name: &str| typed.get_one::<String>(name).map(String::as_str);
    let (by, json) = (one(id::SUMMARY), count(typed, id::SUMMARY_JSON) > 0);
    let (only, too) = (count(typed, id::SUMMARY_ONLY) > 0, count(typed, id::SUMMARY_TOO) > 0);
    if only && too {
        return Err("-c leaves the events out and -C writes them; take one away".to_owned());
    }
    if !(only || too || json || by.is_some()) {
        for (name, option) in [(id::SORT, "-S"), (id::SUMMARY_COLUMNS, "-U"), (id::OVERHEAD, "-O")] {
            if one(name).is_some() {
                return Err(format!("{option} belongs to a summary; add -c or -C"));
            }
        }
        if count(typed, id::WALL_CLOCK) > 0 {
            return Err("--summary-wall-clock belongs to a summary; add -c or -C".to_owned());
        }
        return Ok(None);
    }
    let sort = match one(id::SORT) {
        Some("nothing" | "none") => Column::Nothing,
        Some(word) => column(word)?,
        None => Column::Total,
    };
    let sort = if sort == Column::Percent { Column::Total } else { sort };
    let mut columns = match one(id::SUMMARY_COLUMNS) {
        Some(words) => words.split(',').map(column).collect::<Result<Vec<_>, _>>()?,
        None => DEFAULT.to_vec(),
    };
    if let Some((at, again)) =
        columns.iter().enumerate().find(|(at, column)| columns.iter().take(*at).any(|c| c == *column))
    {
        return Err(format!("-U names column {} again ({again:?}); give each once", at + 1));
    }
    if !columns.contains(&Column::Name) {
        columns.push(Column::Name);
    }
    let overhead = one(id::OVERHEAD).map(nanoseconds).transpose()?.unwrap_or(0);
    let wall_clock = count(typed, id::WALL_CLOCK) > 0;
    Ok(Some(Summary { events_too: too, by_process: by == Some("process"), json, sort, columns, overhead, wall_clock }))
}

/// A column by strace's names for it, and ours.
fn column(word: &str) -> Result<Column, String> {
    Ok(match word {
        "time" | "time-percent" | "percent" => Column::Percent,
        "total-time" | "time-total" => Column::Total,
        "kernel-time" | "kernel" => Column::Kernel,
        "wall-time" | "wall" => Column::Wall,
        "min-time" | "time-min" | "shortest" => Column::Min,
        "median" | "median-time" => Column::Median,
        "p99" | "p99-time" => Column::P99,
        "max-time" | "time-max" | "longest" => Column::Max,
        "avg-time" | "time-avg" => Column::Average,
        "calls" | "count" => Column::Calls,
        "errors" | "error" => Column::Errors,
        "name" | "syscall" | "syscall-name" => Column::Name,
        _ => {
            return Err(format!(
                "unknown column `{word}`; give time-percent, total-time, kernel-time, wall-time, min-time, median, p99, max-time, avg-time, calls, \
                 errors or name"
            ));
        }
    })
}

/// A time: a number of microseconds, or one with its unit.
fn nanoseconds(word: &str) -> Result<u64, String> {
    let units = [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)];
    let unit = units.iter().find_map(|(name, scale)| word.strip_suffix(name).map(|number| (number, *scale)));
    let (number, scale) = unit.unwrap_or((word, 1e3));
    let time = number.trim().parse::<f64>().ok().map(|number| number * scale);
    let time = time.filter(|time| (0.0..=1e12).contains(time)).map(std::time::Duration::try_from_secs_f64);
    // A duration of that many "seconds" counts our nanoseconds without a lossy cast.
    let whole = time.and_then(Result::ok).map(|time| time.as_secs());
    whole.ok_or_else(|| format!("-O `{word}` is no time; give microseconds, or a number with s, ms, us or ns"))
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn a_time_is_in_microseconds_unless_it_says_so() {
        assert_eq!(nanoseconds("5"), Ok(5000));
        assert_eq!(nanoseconds("1.5ms"), Ok(1_500_000));
        assert_eq!(nanoseconds("0.25s"), Ok(250_000_000));
        assert!(nanoseconds("-1").is_err() && nanoseconds("x").is_err() && nanoseconds("").is_err());
    }
}
