//! The ptrace engine: waits, classifies, tells the observer, resumes.
//!
//! Promises:
//! 1. Every stop that wait tells is answered by exactly one resumption, and nobody waits for one certain task.
//! 2. Any ptrace call may find the tracee gone; its wait status will tell, and nothing else is done about it.
//! 3. Waiting stops are taken in batches, so that no tracee can starve another.
//! 4. Every signal-delivery-stop's signal is delivered; nothing is added.

mod attach;
mod calls;
mod change;
mod classify;
mod guard;
mod identity;
mod info;
mod inner;
mod judging;
mod lives;
mod placement;
mod tracee;

pub use attach::AttachError;
pub use calls::is_enabled;
pub use guard::Signallers;
pub(crate) use identity::tracer;
pub use placement::Shared as PlacementShared;

use super::{Judge, Observer};
use crate::filter::{self, Duty};
use crate::model::{CallSet, Pid};
use crate::sys::memory::{Memory, count_fuse};
use crate::sys::ptrace::{self, Resume};
use crate::sys::wait::{self, Waited};
use crate::sys::{limits, signals};
use classify::{Stop, Told, classify};
use placement::Placement;
use rustc_hash::FxHashMap;
use tracee::Tracee;

/// Most stops taken before they are served.
const BATCH: usize = 512;

/// Stops served without looking who else has stopped, after a look that found nobody: a look costs a call, and in a build
/// that does one thing after another there is nobody. Where there is somebody, each stop is followed by a look.
const PAUSE: u32 = 4;

/// Faults in a row after which a task that does not catch them is ended (pitfall 31: the init of a pid namespace does
/// not die of a forced SIGSEGV while it is traced).
const FAULTS: u32 = 3;

/// Which kernel facilities the engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// A seccomp filter of ours selects the calls; otherwise every call stops.
    pub filtered: bool,
    /// Children become tracees.
    pub follow: bool,
    /// Tracees die with smtrace (launch, not attach).
    pub exit_kill: bool,
    /// Exits of calls are wanted; without, a call stops once instead of twice.
    pub exits: bool,
}

/// The outcome of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Stops were served.
    Served,
    /// A signal to smtrace interrupted the wait.
    Interrupted,
    /// No tracee is left.
    Done,
}

/// The engine.
pub struct Engine {
    tracees: FxHashMap<Pid, Tracee>,
    memory: Memory,
    mode: Mode,
    calls: CallSet,
    duties: Vec<Option<Duty>>,
    /// Every call stops: no filter, or a tracee has its own listener.
    full: bool,
    /// The calls at which our filter stops a tracee.
    trapped: CallSet,
    /// Every call stops, because a call is enabled that the filter does not trap.
    beyond: bool,
    /// Processes were attached beside the launched command.
    guests: bool,
    info_works: bool,
    us: guard::Us,
    placement: Placement,
    inner: inner::Inner,
    batch: Vec<(Pid, i32)>,
    /// Stops since we last looked who else had stopped, and how many may go by until we look again.
    unlooked: u32,
    pause: u32,
    /// Who made the children that did not stop yet.
    creators: FxHashMap<Pid, Pid>,
    root: Option<Pid>,
    /// The processes that were asked for: without --follow the others are silent.
    named: Vec<Pid>,
    killing: bool,
    /// A tracee stopped as a job does, and whether all of the job stand still has not been asked yet.
    job_stops: bool,
    root_status: Option<i32>,
    started: bool,
    lost_sight: bool,
    /// FUSE file systems that were there before any tracee: who serves those is not stopped here.
    fuse: usize,
    /// A tracee may serve a file system.
    served: bool,
    foreign_seen: bool,
    /// Who says which calls may happen, if anybody does.
    judge: Option<Box<dyn Judge>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("tracees", &self.tracees.len()).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine without tracees.
    #[must_use]
    pub fn new(mode: Mode, calls: CallSet, placement: PlacementShared) -> Engine {
        let mut duties = vec![None; CallSet::CAPACITY];
        for watch in filter::duties(limits::pid()) {
            if let Some(slot) = crate::table::by_name(watch.call).and_then(|row| duties.get_mut(row.index())) {
                *slot = Some(watch.duty);
            }
        }
        let mut memory = Memory::default();
        memory.look_for_fuse("self");
        Engine {
            tracees: FxHashMap::default(),
            memory,
            mode,
            trapped: calls.clone(),
            calls,
            duties,
            full: !mode.filtered,
            beyond: false,
            guests: false,
            info_works: true,
            us: guard::Us::new(limits::pid(), limits::process_group()),
            placement: Placement::new(placement, limits::tid(), mode.exit_kill),
            inner: inner::Inner::default(),
            batch: Vec::with_capacity(BATCH),
            unlooked: 0,
            pause: 0,
            creators: FxHashMap::default(),
            root: None,
            named: Vec::new(),
            killing: false,
            job_stops: false,
            root_status: None,
            started: false,
            lost_sight: false,
            fuse: count_fuse("self"),
            served: false,
            foreign_seen: false,
            judge: None,
        }
    }

    /// The wait status of the launched command, once it ended.
    #[must_use]
    pub fn root_status(&self) -> Option<i32> {
        self.root_status
    }

    /// Whether the command's first exec succeeded.
    #[must_use]
    pub fn started(&self) -> bool {
        self.started
    }

    /// The tracees that signal groups.
    #[must_use]
    pub fn signallers(&self) -> Signallers {
        self.us.signallers()
    }

    /// Whether a task got out of sight, so that the log is incomplete.
    #[must_use]
    pub fn lost_sight(&self) -> bool {
        self.lost_sight
    }

    /// How many tasks are traced.
    #[must_use]
    pub fn live(&self) -> usize {
        self.tracees.len()
    }

    /// Kills every tracee, and every one that appears from now on.
    pub fn kill_all(&mut self) {
        self.killing = true;
        for (pid, _) in self.tracees.iter().filter(|(_, tracee)| !tracee.guest) {
            signals::send(*pid, libc::SIGKILL);
        }
    }

    fn options(&self, guest: bool) -> i32 {
        let mut options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;
        if self.mode.exit_kill && !guest {
            options |= libc::PTRACE_O_EXITKILL;
        }
        if self.mode.filtered {
            options |= libc::PTRACE_O_TRACESECCOMP;
        }
        // A child is traced even without --follow: untraced, its RET_TRACE calls would fail with ENOSYS (seccomp(2)), it
        // would keep the affinity of a placement, and a thread of the process would be missed. It is silent then.
        options | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK
    }

    /// Waits for stops and serves them.
    pub fn round(&mut self, observer: &mut dyn Observer) -> Round {
        // smtrace may have children that are no tracees: those of the shell that became it by exec. So the end is not
        // "no child" but no tracee; a child whose parent's event came has not stopped yet, but will.
        if self.tracees.is_empty() && self.creators.is_empty() && (self.root.is_none() || self.root_status.is_some()) {
            return Round::Done;
        }
        match wait::any(true) {
            Waited::Status(pid, status) => self.batch.push((pid, status)),
            Waited::Interrupted => return Round::Interrupted,
            Waited::NoChild | Waited::Nothing => return Round::Done,
        }
        // The kernel tells the first task of its list first: without a batch, two busy tasks can starve the others.
        if self.tracees.len() > 1 && self.unlooked >= self.pause {
            while self.batch.len() < BATCH {
                let Waited::Status(pid, status) = wait::any(false) else { break };
                self.batch.push((pid, status));
            }
            self.unlooked = 0;
            self.pause = if self.batch.len() > 1 { 0 } else { PAUSE };
        } else {
            self.unlooked += 1;
        }
        for i in 0..self.batch.len() {
            let (tid, status) = self.batch[i];
            self.serve(observer, tid, status);
        }
        self.batch.clear();
        self.follow_job();
        Round::Served
    }

    /// Stops smtrace with its job: the shell that started us waits for smtrace, not for the command.
    ///
    /// Only when every tracee of our process group stands still. One that runs may be about to continue the others, and
    /// its calls need us; the terminal's Ctrl-Z stops all. A child that has not stopped for the first time yet runs too:
    /// it is asked about when it has.
    fn follow_job(&mut self) {
        if !self.job_stops || !self.creators.is_empty() {
            return;
        }
        self.job_stops = false;
        let ours = limits::process_group();
        let still = |tracee: &Tracee| tracee.group_stopped || limits::group_of(tracee.pid) != Some(ours);
        if self.tracees.values().all(still) {
            signals::stop_self();
        }
    }

    fn serve(&mut self, observer: &mut dyn Observer, tid: Pid, status: i32) {
        match classify(status) {
            Told::Other => {}
            Told::Ended => self.ended(observer, tid, status),
            Told::Stopped(stop) => {
                match self.tracees.get(&tid) {
                    None => self.adopt(observer, tid, false),
                    Some(tracee) if tracee.leaving => return self.detach_at(observer, tid, status),
                    Some(_) => {}
                }
                self.ask_for_parent(observer, tid);
                self.stopped(observer, tid, stop);
            }
        }
    }

    fn stopped(&mut self, observer: &mut dyn Observer, tid: Pid, stop: Stop) {
        let mut signal = 0;
        self.hide_interrupt(tid, stop);
        match stop {
            Stop::Seccomp => self.call_stop(observer, tid, true),
            Stop::Syscall => self.call_stop(observer, tid, false),
            Stop::Exec => self.execed(observer, tid),
            Stop::Fork | Stop::Clone => self.forked(observer, tid, stop),
            Stop::Signal(number) => {
                signal = number;
                self.signal_stop(observer, tid, number);
            }
            Stop::Group(number) => {
                if let Some(tracee) = self.tracees.get_mut(&tid) {
                    if !tracee.silent {
                        observer.stopped(tracee.task(), number);
                    }
                    let again = std::mem::replace(&mut tracee.group_stopped, true);
                    self.job_stops |= self.root.is_some() && number != libc::SIGSTOP && !again;
                }
                if !self.stands(tid, stop, 0) {
                    // PTRACE_LISTEN leaves it stopped but lets it tell of SIGCONT; any other resumption would run it.
                    let _ = ptrace::listen(tid);
                }
                return;
            }
            Stop::Trap | Stop::Event => {}
        }
        if let Some(tracee) = self.tracees.get_mut(&tid) {
            tracee.group_stopped = false;
            if !matches!(stop, Stop::Signal(_)) {
                tracee.faults = 0;
            }
        }
        if self.killing && !self.tracees.get(&tid).is_some_and(|tracee| tracee.guest) {
            signals::send(tid, libc::SIGKILL);
        }
        if !self.stands(tid, stop, signal) {
            self.resume(tid, signal);
        }
    }

    fn resume(&mut self, tid: Pid, signal: i32) {
        let waits = |tracee: &Tracee| tracee.open.is_some() || tracee.guest || tracee.interrupted || tracee.targets > 0;
        let waits = self.tracees.get(&tid).is_some_and(waits);
        let how = if self.steps() || waits { Resume::Syscall } else { Resume::Cont };
        if how == Resume::Cont
            && let Some(tracee) = self.tracees.get_mut(&tid)
        {
            tracee.inside = None;
        }
        // Gone: it was killed meanwhile, and wait will tell.
        let _ = ptrace::resume(tid, how, signal);
    }

    fn signal_stop(&mut self, observer: &mut dyn Observer, tid: Pid, number: i32) {
        let Ok(info) = ptrace::signal_info(tid) else { return };
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        if !tracee.silent {
            observer.signal(tracee.task(), &info);
        }
        let fault = matches!(number, libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE) && info.code > 0;
        tracee.faults = if fault { tracee.faults + 1 } else { 0 };
        if tracee.faults > FAULTS {
            tracee.faults = 0;
            if !identity::catches(tid, number) {
                signals::send(tid, libc::SIGKILL);
            }
        }
    }
}
