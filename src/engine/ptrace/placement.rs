//! Where tracer and tracee run.
//!
//! Waking a thread on another, idle CPU costs more than everything else about a stop: 88 us against 12 on one CPU of a
//! 2-CPU virtual machine. The scheduler keeps both together only when the other CPU is busy. So while one tracee makes
//! call after call, both it and the tracing thread are put on the CPU where it runs; as soon as another tracee stops,
//! the calls become rare, or nothing comes for one nap of the reader, both get their own affinity back.
//!
//! What a tracee sees never changes: sched_getaffinity and sched_setaffinity stop always and find the original mask, as
//! does a child, and opening a file below /proc (whose `status` shows the mask) ends the placement first.

use crate::model::Pid;
use crate::sys::sched::{self, Cpus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Calls in a row by one tracee before it is placed: at least, and at most. Placing costs about as much as it saves on one
/// call, so a short build step is worth it; but two tracees that run side by side would be placed and released in turns.
/// So the demand doubles when a placement ended soon, and halves when it lasted.
const STREAK: std::ops::RangeInclusive<u32> = 1..=32;

/// Calls under a placement below which it ended soon, and above which it lasted.
const SOON: u32 = 4;
const LASTED: u32 = 12;

/// Calls between looks at the rate.
const LOOK_EVERY: u32 = 64;

/// Nanoseconds per call above which placing is not worth while.
const RARE: u64 = 150_000;

#[derive(Debug)]
struct Placed {
    tid: Pid,
    tracee: Cpus,
    tracer: Cpus,
    tracer_tid: Pid,
}

/// The placement in force, shared with the reader, which ends it when nothing comes.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tid: AtomicI32,
    placed: Mutex<Option<Placed>>,
}

impl Shared {
    /// Ends the placement: everybody gets the own affinity back.
    pub fn release(&self) {
        if self.0.tid.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut placed = self.0.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(was) = placed.take() {
            // An error means the tracee died meanwhile.
            let _ = sched::set_affinity(was.tid, &was.tracee);
            let _ = sched::set_affinity(was.tracer_tid, &was.tracer);
        }
        self.0.tid.store(0, Ordering::Release);
    }

    fn place(&self, new: Placed, cpu: usize) -> bool {
        let mut placed = self.0.placed.lock().unwrap_or_else(PoisonError::into_inner);
        let one = Cpus::one(cpu);
        if sched::set_affinity(new.tid, &one).is_err() {
            return false;
        }
        let _ = sched::set_affinity(new.tracer_tid, &one);
        self.0.tid.store(new.tid, Ordering::Release);
        *placed = Some(new);
        true
    }
}

/// The policy, in the tracing thread.
#[derive(Debug)]
pub(super) struct Placement {
    shared: Shared,
    tracer_tid: Pid,
    enabled: bool,
    /// Calls under way during which nobody may be placed.
    holds: u32,
    tid: Pid,
    streak: u32,
    /// How long a streak has to be now.
    demand: u32,
    /// Calls since the placement.
    lasted: u32,
    since: u64,
}

impl Placement {
    pub(super) fn new(shared: Shared, tracer_tid: Pid) -> Placement {
        let enabled = sched::affinity(0).is_ok_and(|cpus| cpus.count() > 1);
        Placement {
            shared,
            tracer_tid,
            enabled,
            holds: 0,
            tid: 0,
            streak: 0,
            demand: *STREAK.start(),
            lasted: 0,
            since: 0,
        }
    }

    /// Whether `tid` is placed now.
    pub(super) fn is_placed(&self, tid: Pid) -> bool {
        self.shared.0.tid.load(Ordering::Relaxed) == tid
    }

    pub(super) fn release(&mut self) {
        self.shared.release();
        self.streak = 0;
        if self.lasted > 0 {
            let demand = match self.lasted {
                ..SOON => self.demand * 2,
                LASTED.. => self.demand / 2,
                _ => self.demand,
            };
            self.demand = demand.clamp(*STREAK.start(), *STREAK.end());
            self.lasted = 0;
        }
    }

    /// Ends the placement until [`Placement::unhold`].
    pub(super) fn hold(&mut self) {
        self.holds += 1;
        self.release();
    }

    pub(super) fn unhold(&mut self) {
        self.holds = self.holds.saturating_sub(1);
    }

    /// Sees a call of `tid` at `now` (nanoseconds). Returns the tracee's own affinity when it was placed by this.
    pub(super) fn saw(&mut self, tid: Pid, now: u64) -> Option<Cpus> {
        if !self.enabled {
            return None;
        }
        if tid != self.tid {
            self.release();
            (self.tid, self.streak, self.since) = (tid, 0, now);
        }
        self.streak += 1;
        if self.streak.is_multiple_of(LOOK_EVERY) {
            let rare = now.saturating_sub(self.since) / u64::from(LOOK_EVERY) > RARE;
            self.since = now;
            if rare {
                self.release();
                return None;
            }
        }
        if self.is_placed(tid) {
            self.lasted += 1;
            return None;
        }
        if self.streak < self.demand || self.holds > 0 {
            return None;
        }
        self.lasted = 1;
        self.place(tid)
    }

    fn place(&mut self, tid: Pid) -> Option<Cpus> {
        let tracee = sched::affinity(tid).ok()?;
        let tracer = sched::affinity(self.tracer_tid).ok()?;
        let stat = std::fs::read(format!("/proc/{tid}/stat")).ok()?;
        let cpu = stat_field(&stat, 39)?;
        if tracee.count() < 2 || !tracer.has(cpu) {
            self.streak = 0;
            return None;
        }
        let new = Placed { tid, tracee, tracer, tracer_tid: self.tracer_tid };
        self.shared.place(new, cpu).then_some(tracee)
    }
}

/// Field `number` of /proc/PID/stat as proc_pid_stat(5) counts them; the name (2) may hold blanks and parentheses.
pub(super) fn stat_field<T: std::str::FromStr>(stat: &[u8], number: usize) -> Option<T> {
    let after = stat.iter().rposition(|b| *b == b')')? + 1;
    let text = std::str::from_utf8(stat.get(after..)?).ok()?;
    text.split_ascii_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::stat_field;

    #[test]
    fn fields_are_counted_after_a_hostile_name() {
        let stat = b"12 (a) R 7 (b) S 3 4 5 6";
        assert_eq!(stat_field::<String>(stat, 3).as_deref(), Some("S"));
        assert_eq!(stat_field::<i32>(stat, 5), Some(4));
        assert_eq!(stat_field::<i32>(stat, 39), None);
    }
}
