//! The ptrace engine: waits, classifies, tells the observer, resumes.
//!
//! Promises:
//! 1. Every stop that wait tells is answered by exactly one resumption, and nobody waits for one certain task.
//! 2. Any ptrace call may find the tracee gone; its wait status will tell, and nothing else is done about it.
//! 3. Waiting stops are taken in batches, so that no tracee can starve another.
//! 4. Every signal-delivery-stop's signal is delivered; nothing is added.

mod attach;
mod calls;
mod classify;
mod guard;
mod identity;
mod info;
mod placement;
mod tracee;

pub use attach::AttachError;
pub(crate) use identity::tracer_of;
pub use placement::Shared as PlacementShared;

use super::{Identity, Observer, Task};
use crate::filter::{self, Duty};
use crate::model::record::Unfinished;
use crate::model::{CallSet, Pid};
use crate::sys::memory::Memory;
use crate::sys::ptrace::{self, Resume};
use crate::sys::wait::{self, Waited};
use crate::sys::{limits, sched, signals};
use classify::{Stop, Told, classify};
use placement::Placement;
use rustc_hash::FxHashMap;
use tracee::Tracee;

/// Most stops taken before they are served.
const BATCH: usize = 512;

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
#[derive(Debug)]
pub struct Engine {
    tracees: FxHashMap<Pid, Tracee>,
    memory: Memory,
    mode: Mode,
    calls: CallSet,
    duties: Vec<Option<Duty>>,
    /// Every call stops: no filter, or a tracee has its own listener.
    full: bool,
    info_works: bool,
    us: guard::Us,
    placement: Placement,
    batch: Vec<(Pid, i32)>,
    /// Who made the children that did not stop yet.
    creators: FxHashMap<Pid, Pid>,
    root: Option<Pid>,
    root_status: Option<i32>,
    started: bool,
    lost_sight: bool,
    foreign_seen: bool,
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
            calls,
            duties,
            full: !mode.filtered,
            info_works: true,
            us: guard::Us::new(limits::pid(), limits::process_group()),
            placement: Placement::new(placement, limits::tid()),
            batch: Vec::with_capacity(BATCH),
            creators: FxHashMap::default(),
            root: None,
            root_status: None,
            started: false,
            lost_sight: false,
            foreign_seen: false,
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

    /// Kills every tracee.
    pub fn kill_all(&self) {
        for pid in self.tracees.keys() {
            signals::send(*pid, libc::SIGKILL);
        }
    }

    fn options(&self) -> i32 {
        let mut options = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACEEXEC;
        if self.mode.exit_kill {
            options |= libc::PTRACE_O_EXITKILL;
        }
        if self.mode.filtered {
            options |= libc::PTRACE_O_TRACESECCOMP;
        }
        // A child of a filtered task is traced even without --follow: untraced, its RET_TRACE calls would fail with
        // ENOSYS (seccomp(2)). Its events are not written then.
        if self.mode.follow || self.mode.filtered {
            options |= libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK;
        }
        options
    }

    /// Waits for stops and serves them.
    pub fn round(&mut self, observer: &mut dyn Observer) -> Round {
        match wait::any(true) {
            Waited::Status(pid, status) => self.batch.push((pid, status)),
            Waited::Interrupted => return Round::Interrupted,
            Waited::NoChild | Waited::Nothing => return Round::Done,
        }
        // The kernel tells the first task of its list first: without a batch, two busy tasks can starve the others.
        while self.tracees.len() > 1 && self.batch.len() < BATCH {
            let Waited::Status(pid, status) = wait::any(false) else { break };
            self.batch.push((pid, status));
        }
        for i in 0..self.batch.len() {
            let (tid, status) = self.batch[i];
            self.serve(observer, tid, status);
        }
        self.batch.clear();
        Round::Served
    }

    fn serve(&mut self, observer: &mut dyn Observer, tid: Pid, status: i32) {
        match classify(status) {
            Told::Other => {}
            Told::Ended => self.ended(observer, tid, status),
            Told::Stopped(stop) => {
                if !self.tracees.contains_key(&tid) {
                    self.adopt(observer, tid, false);
                }
                self.ask_for_parent(observer, tid);
                self.stopped(observer, tid, stop);
            }
        }
    }

    /// Makes a tracee of a task that stops for the first time. Its parent's event may come later, or never.
    fn adopt(&mut self, observer: &mut dyn Observer, tid: Pid, attached: bool) {
        // Killed between its stop and now: its end will be told.
        let creator = self.creators.remove(&tid).unwrap_or(0);
        let Some(identity) = identity::read(tid) else { return };
        let identity = Identity { creator, ..identity };
        let mut tracee = Tracee::new(identity.pid, tid, identity.ppid);
        tracee.silent = match self.root {
            Some(root) => !self.started || (!self.mode.follow && identity.pid != root),
            None => false,
        };
        observer.born(tracee.task(), &identity, attached);
        self.tracees.insert(tid, tracee);
    }

    fn ask_for_parent(&mut self, observer: &mut dyn Observer, tid: Pid) {
        let Some(tracee) = self.tracees.get_mut(&tid).filter(|tracee| tracee.orphaned) else { return };
        tracee.orphaned = false;
        let Some(identity) = identity::read(tid) else { return };
        if identity.ppid == tracee.ppid {
            return;
        }
        let pid = tracee.pid;
        observer.reparented(tracee.task(), identity.ppid);
        for thread in self.tracees.values_mut().filter(|thread| thread.pid == pid) {
            (thread.ppid, thread.orphaned) = (identity.ppid, false);
        }
    }

    fn stopped(&mut self, observer: &mut dyn Observer, tid: Pid, stop: Stop) {
        let mut signal = 0;
        match stop {
            Stop::Seccomp => self.call_stop(observer, tid, true),
            Stop::Syscall => self.call_stop(observer, tid, false),
            Stop::Exec => self.execed(observer, tid),
            Stop::Fork => self.forked(observer, tid),
            Stop::Signal(number) => {
                signal = number;
                self.signal_stop(observer, tid, number);
            }
            Stop::Group(number) => {
                // PTRACE_LISTEN leaves it stopped but lets it tell of SIGCONT; any other resumption would run it.
                let _ = ptrace::listen(tid);
                // The shell that started us has to see its job stop: it waits for smtrace, not for the command.
                if Some(tid) == self.root && number != libc::SIGSTOP {
                    signals::stop_self();
                }
                return;
            }
            Stop::Trap | Stop::Event => {}
        }
        if !matches!(stop, Stop::Signal(_))
            && let Some(tracee) = self.tracees.get_mut(&tid)
        {
            tracee.faults = 0;
        }
        self.resume(tid, signal);
    }

    fn resume(&mut self, tid: Pid, signal: i32) {
        let waits = self.tracees.get(&tid).is_some_and(|tracee| tracee.open.is_some());
        let how = if self.full || waits { Resume::Syscall } else { Resume::Cont };
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

    fn forked(&mut self, observer: &mut dyn Observer, tid: Pid) {
        let Ok(child) = ptrace::event_message(tid).map(|child| Pid::try_from(child).unwrap_or(0)) else { return };
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        tracee.made_child = true;
        let known = self.tracees.contains_key(&child);
        if !known {
            self.creators.insert(child, tid);
        }
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        // The child was made with the mask of the placement; its own is the parent's own.
        if let Some(cpus) = &tracee.own_cpus
            && sched::affinity(child).is_ok_and(|now| now.count() == 1)
        {
            let _ = sched::set_affinity(child, cpus);
        }
        if !tracee.silent {
            observer.fork(tracee.task(), child);
        }
        self.placement.release();
    }

    fn execed(&mut self, observer: &mut dyn Observer, tid: Pid) {
        self.memory.forget(tid);
        let former = ptrace::event_message(tid).map_or(tid, |former| Pid::try_from(former).unwrap_or(tid));
        let Some(identity) = identity::read(tid) else { return };
        // "all other threads except the thread group leader report death ... the thread which called execve is
        // reported under the leader's tid" (ptrace(2), "execve(2) under ptrace").
        if former != tid {
            self.memory.forget(former);
            self.placement.release();
            let was_leader = self.tracees.remove(&tid);
            if let Some(open) = was_leader.as_ref().and_then(|leader| leader.open) {
                self.abandon(observer, Task { pid: identity.pid, tid }, &open, Unfinished::Exec);
            }
            if let Some(mut caller) = self.tracees.remove(&former) {
                caller.tid = tid;
                self.tracees.insert(tid, caller);
            }
        }
        let others: Vec<Pid> =
            self.tracees.values().filter(|t| t.pid == identity.pid && t.tid != tid).map(|t| t.tid).collect();
        for other in others {
            self.forget(observer, other, Unfinished::Exec);
        }
        if Some(tid) == self.root {
            self.started = true;
        }
        if let Some(tracee) = self.tracees.get_mut(&tid) {
            tracee.silent &= Some(tid) != self.root;
            observer.exec(tracee.task(), former, &identity);
        }
    }

    /// Tells that a call under way will not return to its caller.
    fn abandon(&mut self, observer: &mut dyn Observer, task: Task, open: &tracee::Open, why: Unfinished) {
        if open.after == tracee::After::Affinity {
            self.placement.unhold();
        }
        if open.call.enabled {
            observer.unfinished(task, &open.call, why);
        }
    }

    fn forget(&mut self, observer: &mut dyn Observer, tid: Pid, why: Unfinished) {
        self.memory.forget(tid);
        if self.placement.is_placed(tid) {
            self.placement.release();
        }
        if let Some(tracee) = self.tracees.remove(&tid)
            && let Some(open) = &tracee.open
        {
            self.abandon(observer, tracee.task(), open, why);
        }
    }

    fn ended(&mut self, observer: &mut dyn Observer, tid: Pid, status: i32) {
        if Some(tid) == self.root {
            self.root_status = Some(status);
        }
        self.creators.remove(&tid);
        let Some(tracee) = self.tracees.get(&tid) else { return };
        let task = tracee.task();
        let killed = status & 0x7f != 0;
        self.forget(observer, tid, if killed { Unfinished::Killed } else { Unfinished::Exited });
        observer.end(task, status);
        // The leader is told last: the process is gone, and its children have a new parent.
        if task.tid == task.pid {
            for child in self.tracees.values_mut().filter(|child| child.ppid == task.pid) {
                child.orphaned = true;
            }
        }
    }
}
