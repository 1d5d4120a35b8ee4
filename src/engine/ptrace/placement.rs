//! Where tracer and tracee run.
//!
//! Waking a thread on another, idle CPU costs more than everything else about a stop: 88 us against 12 on one CPU of a
//! 2-CPU virtual machine. The scheduler keeps both together only when the other CPU is busy. So while one tracee makes
//! call after call, both it and the tracing thread are put on the CPU where the latter runs; as soon as another tracee stops,
//! the calls become rare, or nothing comes for one nap of the reader, both get their own affinity back.
//!
//! What a tracee sees does not change: sched_getaffinity and sched_setaffinity stop always and find the original mask,
//! as does a child, and opening a file `status` (as /proc/PID/status, which shows the mask when it is read) ends the placement
//! where the open stops, and keeps everybody from being placed for a while, and the opener for its next calls. What is left: a
//! tracee that reads Cpus_allowed there within milliseconds of a run of enabled calls, when the open itself is not enabled or was
//! many calls ago, can see one CPU; and one that looks at another's status late.

use crate::model::Pid;
use crate::sys::clock;
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

/// Nanoseconds after the open of a status file during which nobody is placed: it is read then.
const CONCEALED: u64 = 100_000_000;

/// Calls after that open during which the opener itself is not placed, however long they take: on a busy machine it can be
/// much later that it reads.
const READ_WITHIN: u32 = 8;

/// Nanoseconds per call above which placing is not worth while.
const RARE: u64 = 150_000;

#[derive(Debug)]
struct Placed {
    tid: Pid,
    tracee: Cpus,
    tracer: Cpus,
    tracer_tid: Pid,
    cpu: usize,
}

impl Placed {
    /// Restores the affinity of `tid` if it is still the one of this placement: what somebody else set meanwhile stays.
    fn free(&self, tid: Pid) {
        if sched::affinity(tid).is_ok_and(|now| now.count() == 1 && now.has(self.cpu)) {
            // An error means that it died meanwhile.
            let _ = sched::set_affinity(tid, &self.tracee);
        }
    }
}

#[derive(Debug, Default)]
struct State {
    placed: Option<Placed>,
    /// The one before, for children that it made and that have not stopped yet.
    last: Option<Placed>,
}

/// The placement in force, shared with the reader, which ends it when nothing comes.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tid: AtomicI32,
    state: Mutex<State>,
}

impl Shared {
    /// Ends the placement: everybody gets the own affinity back.
    pub fn release(&self) {
        if self.0.tid.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(was) = state.placed.take() {
            was.free(was.tid);
            let _ = sched::set_affinity(was.tracer_tid, &was.tracer);
            state.last = Some(was);
        }
        self.0.tid.store(0, Ordering::Release);
    }

    /// Gives a task that was made under a placement, or moved by it, the affinity it would have without.
    fn free(&self, tid: Pid) {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(was) = state.placed.as_ref().or(state.last.as_ref()) {
            was.free(tid);
        }
    }

    /// Gives the placement of a task to the child that it made, which has its affinity of one CPU already.
    fn pass_to(&self, child: Pid) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(placed) = &mut state.placed {
            placed.free(placed.tid);
            placed.tid = child;
            self.0.tid.store(child, Ordering::Release);
        }
    }

    /// Gives the placement of a task that ended to its parent, if that may run there. Returns whether it did.
    fn pass_back(&self, parent: Pid) -> bool {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(placed) = &mut state.placed else { return false };
        let own = sched::affinity(parent).ok().filter(|own| own.count() > 1 && own.has(placed.cpu));
        let Some(own) = own.filter(|_| sched::set_affinity(parent, &Cpus::one(placed.cpu)).is_ok()) else {
            return false;
        };
        (placed.tid, placed.tracee) = (parent, own);
        self.0.tid.store(parent, Ordering::Release);
        true
    }

    fn place(&self, new: Placed) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let one = Cpus::one(new.cpu);
        if sched::set_affinity(new.tid, &one).is_ok() {
            let _ = sched::set_affinity(new.tracer_tid, &one);
            self.0.tid.store(new.tid, Ordering::Release);
            state.placed = Some(new);
        }
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
    /// The placement came from a parent, and a soon end says nothing of what a placement is worth.
    passed: bool,
    since: u64,
    /// Nobody is placed before this time.
    concealed_until: u64,
    /// Who opened a status file last, and how many calls more it is not placed.
    opener: Pid,
    may_read: u32,
}

impl Placement {
    /// `allowed` is false for tasks that live on when smtrace is killed: they would keep the affinity.
    pub(super) fn new(shared: Shared, tracer_tid: Pid, allowed: bool) -> Placement {
        let enabled = allowed && sched::affinity(0).is_ok_and(|cpus| cpus.count() > 1);
        Placement {
            shared,
            tracer_tid,
            enabled,
            holds: 0,
            tid: 0,
            streak: 0,
            demand: *STREAK.start(),
            lasted: 0,
            passed: false,
            since: 0,
            concealed_until: 0,
            opener: 0,
            may_read: 0,
        }
    }

    /// Whether anybody is ever placed.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Ends the placement at `now` (nanoseconds), and allows none for as long as `tid` takes to read a status file.
    pub(super) fn conceal(&mut self, tid: Pid, now: u64) {
        self.release();
        self.concealed_until = now + CONCEALED;
        (self.opener, self.may_read) = (tid, READ_WITHIN);
    }

    /// Whether `tid` may have a status file open that it has not read.
    fn may_read(&self, tid: Pid) -> bool {
        self.opener == tid && self.may_read > 0
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
                ..SOON if self.passed => self.demand,
                ..SOON => self.demand * 2,
                LASTED.. => self.demand / 2,
                _ => self.demand,
            };
            self.demand = demand.clamp(*STREAK.start(), *STREAK.end());
            self.lasted = 0;
        }
    }

    /// The placed tracee ended, and `parent`, which most likely waited for it, goes on in its stead.
    pub(super) fn pass_back(&mut self, parent: Pid) {
        if !self.may_read(parent) && self.shared.pass_back(parent) {
            self.passed_to(parent);
        }
    }

    fn passed_to(&mut self, tid: Pid) {
        (self.tid, self.streak, self.lasted, self.passed) = (tid, 0, 0, true);
        self.since = clock::monotonic();
    }

    /// The placed tracee made `child`, which is placed from now on in its stead. On two CPUs of which one is idle, each stop
    /// of a child elsewhere would wake that one.
    pub(super) fn pass_to(&mut self, child: Pid) {
        self.shared.pass_to(child);
        self.passed_to(child);
    }

    /// Sees that `child` was made, perhaps by the placed tracee.
    pub(super) fn free_child(&self, child: Pid) {
        if self.enabled {
            self.shared.free(child);
        }
    }

    /// The tracee `former` goes on as `tid`: it executed a program, and is the leader now.
    pub(super) fn renumber(&mut self, former: Pid, tid: Pid) {
        if self.tid == former {
            self.tid = tid;
        }
        self.release();
        self.free_child(tid);
    }

    /// Ends the placement until [`Placement::unhold`].
    pub(super) fn hold(&mut self) {
        self.holds += 1;
        self.release();
    }

    pub(super) fn unhold(&mut self) {
        self.holds = self.holds.saturating_sub(1);
    }

    /// Sees a call of `tid` at `now` (nanoseconds).
    pub(super) fn saw(&mut self, tid: Pid, now: u64) {
        if !self.enabled {
            return;
        }
        if tid != self.tid {
            self.release();
            (self.tid, self.streak, self.since) = (tid, 0, now);
        }
        let may_read = self.may_read(tid);
        self.may_read -= u32::from(may_read);
        self.streak += 1;
        if self.streak.is_multiple_of(LOOK_EVERY) {
            let rare = now.saturating_sub(self.since) / u64::from(LOOK_EVERY) > RARE;
            self.since = now;
            if rare {
                self.release();
                return;
            }
        }
        if self.is_placed(tid) {
            self.lasted += 1;
        } else if self.streak >= self.demand && self.holds == 0 && now >= self.concealed_until && !may_read {
            (self.lasted, self.passed) = (1, false);
            let _ = self.place(tid);
        }
    }

    fn place(&mut self, tid: Pid) -> Option<()> {
        let tracee = sched::affinity(tid).ok()?;
        let tracer = sched::affinity(self.tracer_tid).ok()?;
        // Where we run: the tracee stands still, and wakes up wherever it may; we would have to be moved now.
        let cpu = sched::current_cpu()?;
        if tracee.count() < 2 || !tracee.has(cpu) || !tracer.has(cpu) {
            self.streak = 0;
            return None;
        }
        self.shared.place(Placed { tid, tracee, tracer, tracer_tid: self.tracer_tid, cpu });
        Some(())
    }
}
