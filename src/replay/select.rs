//! Which events of a capture are shown: by call, time, process, name and path. What is left out still feeds the account
//! of who is who, so that what is shown says the same as without a choice. A notice is always shown.

use crate::decode::walk::Limits;
use crate::engine::ptrace::is_enabled;
use crate::event::Event;
use crate::model::record::{Kind as RecordKind, Record, Role};
use crate::model::{Moment, Pid, Replay};
use crate::state::Who;
use crate::table::{self, Kind};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustc_hash::FxHashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The events that were asked for.
#[derive(Debug)]
pub(super) struct Select<'a> {
    asked: &'a Replay,
    since: u64,
    until: u64,
    paths: Option<GlobSet>,
    /// The threads in a call whose enter named a path that was asked for.
    inside: FxHashSet<Pid>,
}

impl<'a> Select<'a> {
    /// What `asked` means for a capture that began at `start`, with local time `offset` seconds from UTC.
    pub(super) fn new(asked: &'a Replay, start: u64, offset: i32) -> Select<'a> {
        let at = |moment: Option<Moment>| moment.map(|moment| settle(moment, start, offset));
        let mut globs = GlobSetBuilder::new();
        let patterns =
            asked.paths.iter().filter_map(|glob| GlobBuilder::new(glob).literal_separator(true).build().ok());
        patterns.for_each(|glob| {
            globs.add(glob);
        });
        Select {
            asked,
            since: at(asked.since).unwrap_or(0),
            until: at(asked.until).unwrap_or(u64::MAX),
            paths: if asked.paths.is_empty() { None } else { globs.build().ok() },
            inside: FxHashSet::default(),
        }
    }

    /// Whether the event of `record`, made by `who`, is shown.
    pub(super) fn shows(&mut self, record: &Record<'_>, who: &Who<'_>) -> bool {
        let head = record.head();
        let is_call = match head.kind {
            RecordKind::Enter | RecordKind::Exit | RecordKind::Unfinished => true,
            RecordKind::Exec | RecordKind::End | RecordKind::Fork | RecordKind::Signal => false,
            _ => return true,
        };
        // Asked first: it keeps an account of its own.
        let by_path = self.by_path(record, who);
        by_path
            && (self.since..=self.until).contains(&head.time)
            && (self.asked.pids.is_empty() || self.asked.pids.contains(&head.pid))
            && self.by_comm(record, who)
            && (!is_call || self.by_call(record))
    }

    fn by_call(&self, record: &Record<'_>) -> bool {
        let Some(calls) = &self.asked.calls else { return true };
        let mut args = [0; 6];
        for (to, from) in args.iter_mut().zip(record.args()) {
            *to = *from;
        }
        let head = record.head();
        head.abi.zip(table::row_of(head)).is_some_and(|(abi, row)| is_enabled(calls, abi, row, &args))
    }

    fn by_comm(&self, record: &Record<'_>, who: &Who<'_>) -> bool {
        // An exec's event is the new program's.
        let new = record.piece(Role::Comm).map(|piece| piece.data);
        let comm = new.unwrap_or_else(|| who.comm());
        self.asked.comms.is_empty() || self.asked.comms.iter().any(|name| name.as_bytes() == comm)
    }

    fn by_path(&mut self, record: &Record<'_>, who: &Who<'_>) -> bool {
        let Some(globs) = &self.paths else { return true };
        let matches = |path: &[u8]| globs.is_match(Path::new(OsStr::from_bytes(path)));
        let role = |role: Role| record.piece(role).is_some_and(|piece| matches(piece.data));
        let tid = record.head().tid;
        match record.head().kind {
            RecordKind::Enter => {
                let found = names_one(record, *who, matches);
                if found {
                    self.inside.insert(tid)
                } else {
                    self.inside.remove(&tid)
                };
                found
            }
            RecordKind::Exit | RecordKind::Unfinished => self.inside.remove(&tid) || role(Role::Opened),
            RecordKind::Exec => {
                // The call goes on under the process's id (execve(2), threads).
                let former = record.args().first().and_then(|tid| Pid::try_from(*tid).ok());
                if former.is_some_and(|former| self.inside.remove(&former)) {
                    self.inside.insert(tid);
                }
                role(Role::Exe)
            }
            RecordKind::End => {
                self.inside.remove(&tid);
                false
            }
            _ => false,
        }
    }
}

/// Whether a path that the call names, as the program gave it or as what it means, is one that `matches`.
fn names_one(record: &Record<'_>, who: Who<'_>, matches: impl Fn(&[u8]) -> bool) -> bool {
    let Some(event) = Event::decode(record, None, who, Limits::ALL) else { return false };
    let mut whole = Vec::new();
    let mut paths = event.rows().iter().enumerate().filter(|(_, arg)| arg.kind == Kind::Path).map(|(i, _)| i);
    paths.any(|i| {
        whole.clear();
        event.path(i).is_some_and(|path| matches(path.bytes)) || event.absolute(i, &mut whole) && matches(&whole)
    })
}

/// Nanoseconds since the epoch.
fn settle(moment: Moment, start: u64, offset: i32) -> u64 {
    let offset = i64::from(offset) * SECOND;
    let start = i64::try_from(start).unwrap_or(i64::MAX);
    let time = match moment {
        Moment::At(time) => return time,
        Moment::Local(time) => time.saturating_sub(offset),
        Moment::OfDay(since_midnight) => {
            // Of the days around, the one that puts it nearest to what the capture holds: from half a day before its
            // start on.
            let local = start.saturating_add(offset);
            let midnight = local.saturating_sub(local.rem_euclid(DAY));
            let time = midnight.saturating_add(i64::try_from(since_midnight).unwrap_or(0));
            let day = match time.saturating_sub(local) {
                ..=-43_200_000_000_000 => DAY,
                43_200_000_000_000.. => -DAY,
                _ => 0,
            };
            time.saturating_add(day).saturating_sub(offset)
        }
    };
    u64::try_from(time).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_one_near_the_start() {
        let second = 1_000_000_000;
        // 23:50 local, two hours ahead of UTC.
        let start = (10 * 86_400 + 21 * 3600 + 50 * 60) * second;
        let of = |hours: u64, minutes: u64| {
            let settled = settle(Moment::OfDay((hours * 3600 + minutes * 60) * second), start, 7200);
            (i64::try_from(settled).unwrap() - i64::try_from(start).unwrap()) / 60 / SECOND
        };
        assert_eq!((of(23, 55), of(23, 40), of(0, 10), of(12, 0)), (5, -10, 20, -710));
        assert_eq!(settle(Moment::At(5), start, 7200), 5);
        assert_eq!(settle(Moment::Local(7200 * SECOND + 7), start, 7200), 7);
    }
}
