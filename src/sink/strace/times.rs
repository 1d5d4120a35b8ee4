//! A moment as local time, as strace writes it in comments: `2026-11-21T12:03:15.000000135+0000`.

use super::super::clock::Zone;
use super::values::number;
use chrono::DateTime;

/// Appends the moment, with a fraction of so many digits that is not 0.
pub(super) fn local(zone: &Zone, seconds: i64, fraction: Option<(u64, usize)>, out: &mut Vec<u8>) {
    let Some(time) = DateTime::from_timestamp(seconds, 0) else { return };
    let time = time.with_timezone(&zone.at(seconds));
    number(out, format_args!("{}", time.format("%Y-%m-%dT%H:%M:%S")));
    if let Some((value, digits)) = fraction.filter(|(value, _)| *value != 0) {
        number(out, format_args!(".{value:0digits$}"));
    }
    number(out, format_args!("{}", time.format("%z")));
}

/// Appends the moment as a comment, when it is one: neither the epoch itself nor a fraction past a second.
pub(super) fn comment(zone: &Zone, seconds: i64, fraction: Option<(u64, usize)>, out: &mut Vec<u8>) {
    let (value, digits) = fraction.unwrap_or((0, 0));
    let most = 10u64.pow(u32::try_from(digits).unwrap_or(0).min(9));
    if (seconds == 0 && value == 0) || value >= most.max(1) {
        return;
    }
    let start = out.len();
    out.extend_from_slice(b" /* ");
    let before = out.len();
    local(zone, seconds, fraction, out);
    if out.len() == before {
        return out.truncate(start);
    }
    out.extend_from_slice(b" */");
}
