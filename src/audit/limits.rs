//! How much an audit keeps. A hostile build must not make it use memory without end: what is beyond a limit is counted,
//! and the coverage says so.

use super::model::{Limit, Use};
use rustc_hash::FxHashMap;

/// Processes that are listed.
pub const PROCESSES: usize = 100_000;
/// Programs that are listed of one process.
pub const PROGRAMS: usize = 16;
/// Words of one command line, and bytes of one word.
pub const ARGV: usize = 256;
/// Bytes of one word of a command line.
pub const WORD: usize = 4096;
/// Files that are listed.
pub const FILES: usize = 200_000;
/// Ways in which attempts on files failed.
pub const FAILURES: usize = 100_000;
/// Addresses.
pub const PEERS: usize = 20_000;
/// Sockets and pipes that are known at one time.
pub const SOCKETS: usize = 65_536;
/// Names asked for.
pub const NAMES: usize = 20_000;
/// Answers of one name.
pub const ANSWERS: usize = 64;
/// Kinds of privileged and evasive acts.
pub const ACTS: usize = 10_000;
/// Findings.
pub const FINDINGS: usize = 2_000;
/// Pieces of evidence of one finding.
pub const EVIDENCE: usize = 8;
/// Calls of the picture of the run.
pub const CALLS: usize = 200_000;
/// What they are called where a limit was reached.
pub const PICTURE: &str = "calls of the picture";
/// Words of the tracer about the trace.
pub const NOTICES: usize = 1_000;
/// Processes that one use names.
pub const USERS: usize = 8;

/// What was beyond a limit.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    dropped: FxHashMap<&'static str, (usize, u64)>,
}

impl Beyond {
    /// Whether there is room for one more of `name`, of which there are `count`; one that finds none is counted.
    pub(super) fn room(&mut self, name: &'static str, count: usize, limit: usize) -> bool {
        let room = count < limit;
        if !room {
            self.dropped.entry(name).or_insert((limit, 0)).1 += 1;
        }
        room
    }

    /// The limits that were reached, by name.
    pub(super) fn told(&self) -> Vec<Limit> {
        let of = |(name, (limit, dropped)): (&&'static str, &(usize, u64))| Limit {
            name: (*name).to_owned(),
            limit: *limit as u64,
            dropped: *dropped,
        };
        let mut limits: Vec<Limit> = self.dropped.iter().map(of).collect();
        limits.sort_by(|a, b| a.name.cmp(&b.name));
        limits
    }
}

/// Who does something, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The process.
    pub(super) process: u32,
    /// The time.
    pub(super) us: u64,
}

/// Adds one use.
pub(super) fn mark(used: &mut Use, by: Mark, bytes: u64) {
    if used.count == 0 {
        used.first_us = by.us;
    }
    used.count += 1;
    more(used, by, bytes);
}

/// Adds bytes to what counts as the same use, as the reads of one open.
pub(super) fn more(used: &mut Use, by: Mark, bytes: u64) {
    if used.count == 0 {
        (used.count, used.first_us) = (1, by.us);
    }
    used.bytes = used.bytes.saturating_add(bytes);
    used.last_us = used.last_us.max(by.us);
    if used.processes.contains(&by.process) {
        return;
    }
    if used.processes.len() < USERS {
        used.processes.push(by.process);
    } else {
        used.more_processes += 1;
    }
}
