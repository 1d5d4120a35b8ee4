//! Nanoseconds since the epoch as local time, with the text of the current second kept.

use crate::model::{Plan, Target};
use chrono::{DateTime, FixedOffset, Local, Offset, TimeZone, Utc};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Says how far local time is from UTC at a second since the epoch.
pub(super) struct Zone(Box<dyn Fn(i64) -> FixedOffset + Send>);

impl Zone {
    /// How far local time is from UTC at a second since the epoch.
    pub(super) fn at(&self, second: i64) -> FixedOffset {
        (self.0)(second)
    }

    /// The zone that the plan's events are shown in: this machine's, or that of the capture that is shown again.
    pub(super) fn of(plan: &Plan) -> Zone {
        match &plan.target {
            Target::Launch(_) | Target::Attach { .. } => Zone::from(local),
            Target::Replay(replay) => {
                let told = Arc::clone(&replay.utc_offset);
                Zone::from(move |_| FixedOffset::east_opt(told.load(Ordering::Relaxed)).unwrap_or_else(|| Utc.fix()))
            }
        }
    }
}

impl<F: Fn(i64) -> FixedOffset + Send + 'static> From<F> for Zone {
    fn from(zone: F) -> Zone {
        Zone(Box::new(zone))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Zone")
    }
}

/// The zone of this machine: TZ or /etc/localtime.
fn local(second: i64) -> FixedOffset {
    match Local.timestamp_opt(second, 0) {
        chrono::LocalResult::Single(time) | chrono::LocalResult::Ambiguous(time, _) => time.offset().fix(),
        chrono::LocalResult::None => Utc.fix(),
    }
}

/// How far this machine's local time is from UTC at a second since the epoch, in seconds.
#[must_use]
pub fn utc_offset(second: i64) -> i32 {
    local(second).local_minus_utc()
}

/// Formats times of one zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: Zone,
    separator: char,
    second: Option<u64>,
    text: String,
    offset: String,
}

impl Clock {
    /// A clock with `separator` between date and time.
    pub(super) fn new(zone: impl Into<Zone>, separator: char) -> Clock {
        Clock { zone: zone.into(), separator, second: None, text: String::new(), offset: String::new() }
    }

    /// Appends `time` as `2025-06-12 14:15:02.492380090`.
    pub(super) fn render(&mut self, time: u64, out: &mut Vec<u8>) {
        let second = time / 1_000_000_000;
        if self.second != Some(second) {
            self.turn(second);
        }
        out.extend_from_slice(self.text.as_bytes());
        let mut digits = [b'0'; 9];
        let mut left = time % 1_000_000_000;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        out.extend_from_slice(&digits);
    }

    /// The offset of the time rendered last, as `+02:00`.
    pub(super) fn offset(&self) -> &str {
        &self.offset
    }

    #[cold]
    fn turn(&mut self, second: u64) {
        self.second = Some(second);
        let seconds = i64::try_from(second).unwrap_or(0);
        let zone = (self.zone.0)(seconds);
        let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default().with_timezone(&zone);
        self.text = time.format("%Y-%m-%d %H:%M:%S.").to_string();
        if self.separator != ' ' {
            self.text = self.text.replace(' ', &self.separator.to_string());
        }
        self.offset = zone.to_string();
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use chrono::FixedOffset;

    #[test]
    fn the_second_is_kept_and_turned_both_ways() {
        let mut clock = Clock::new(|_| FixedOffset::east_opt(7200).unwrap(), ' ');
        for (time, want) in [
            (1_749_730_502_492_380_090, "2025-06-12 14:15:02.492380090"),
            (1_749_730_502_000_000_001, "2025-06-12 14:15:02.000000001"),
            (1_749_730_503_999_999_999, "2025-06-12 14:15:03.999999999"),
            (0, "1970-01-01 02:00:00.000000000"),
        ] {
            let mut out = Vec::new();
            clock.render(time, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
            assert_eq!(clock.offset(), "+02:00");
        }
    }
}
