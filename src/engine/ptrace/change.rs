//! Changes while tracees run: other calls, more processes, fewer.
//!
//! A call that the installed filter does not trap is reached by stopping at every call (PTRACE_SYSCALL), in every
//! tracee and its children, for as long as such a call is enabled. Nothing is injected into a tracee, so nothing of it has
//! to be put back; it works for attached processes and for every ABI alike. The price is a stop at each call.
//!
//! To begin with it a running task has to stop once. That PTRACE_INTERRUPT must not be seen: most calls that it interrupts
//! are restarted by the kernel, the others here ([`Engine::hide_interrupt`]).

use super::calls::is_enabled;
use super::classify::Stop;
use super::{AttachError, Engine};
use crate::arch;
use crate::engine::Observer;
use crate::model::record::Unfinished;
use crate::model::{CallSet, Pid};
use crate::sys::ptrace;
use crate::table;

/// Calls that fail with EINTR when a ptrace stop interrupts them, though no handler ran, and that have done nothing by
/// then (signal(7), "Interruption of system calls and library functions by stop signals"; socket calls with a timeout,
/// sock_intr_errno in include/net/sock.h), and the multiplexers, through which no other call fails so.
const INTERRUPTED: [&str; 29] = [
    "read",
    "readv",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "semop",
    "semtimedop",
    "semtimedop_time64",
    "rt_sigtimedwait",
    "rt_sigtimedwait_time64",
    "io_getevents",
    "io_pgetevents",
    "io_pgetevents_time64",
    "io_uring_enter",
    "recvfrom",
    "recvmsg",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "recv",
    "recvmmsg",
    "send",
    "sendmmsg",
    "connect",
    "write",
    "writev",
    "socketcall",
    "ipc",
];

impl Engine {
    /// Traces `calls` from here on, in every tracee from its next call. A call under way that is no longer among them gets no
    /// further event: it is told as unfinished. Says whether every call has to stop for it.
    pub fn set_calls(&mut self, observer: &mut dyn Observer, calls: CallSet) -> bool {
        let (trapped, filtered) = (&self.trapped, self.mode.filtered);
        self.beyond = filtered && calls.iter().any(|index| !trapped.contains(index));
        for tracee in self.tracees.values_mut() {
            let task = tracee.task();
            let Some(open) = tracee.open.as_mut().filter(|open| open.call.enabled) else { continue };
            let call = open.call;
            if !call.abi.zip(call.row).is_some_and(|(abi, row)| is_enabled(&calls, abi, row, &call.args)) {
                open.call.enabled = false;
                observer.unfinished(task, &call, Unfinished::Disabled);
            }
        }
        self.calls = calls;
        if self.beyond && !self.full {
            for tid in self.tracees.keys().copied().collect::<Vec<_>>() {
                self.interrupt(tid);
            }
        }
        self.steps()
    }

    /// Whether enabled calls stop again when they return, from the next one on.
    pub fn set_exits(&mut self, exits: bool) {
        self.mode.exits = exits;
    }

    /// Whether every call stops, in tracees that have our filter too.
    #[must_use]
    pub fn steps(&self) -> bool {
        self.full || self.beyond
    }

    /// The tasks that still run as before the last change of calls.
    #[must_use]
    pub fn unreached(&self) -> Vec<Pid> {
        let of = |tracee: &&super::Tracee| tracee.unreached && !tracee.group_stopped;
        let mut all: Vec<Pid> = self.tracees.values().filter(of).map(|tracee| tracee.tid).collect();
        all.sort_unstable();
        all
    }

    /// Makes a running tracee stop.
    pub(super) fn interrupt(&mut self, tid: Pid) {
        if let Some(tracee) = self.tracees.get_mut(&tid) {
            // Gone: its end will be told.
            tracee.interrupted = ptrace::interrupt(tid).is_ok();
            tracee.unreached = tracee.interrupted;
        }
    }

    /// Makes a call that our interrupt ended with EINTR go on, in a tracee that stands in the stop that the interrupt came to:
    /// its own, or a syscall-exit-stop before it ("any trap clears pending STOP trap", ptrace_stop in kernel/signal.c).
    ///
    /// A stop before the call runs is no reason to forget the interrupt: the tracee may have stood there when it came, or its
    /// trap cleared the pending one but left TIF_SIGPENDING, and the call returns at once in both cases. So the interrupt
    /// counts until its own stop, or the exit of the call that is under way; until then the tracee stops at that exit.
    ///
    /// The result becomes -ERESTARTNOHAND, as that of the calls that the kernel restarts by itself: it repeats the call
    /// if no handler is to run, and turns it back into EINTR if one is (arch/x86/kernel/signal.c).
    pub(super) fn hide_interrupt(&mut self, tid: Pid, stop: Stop) {
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        tracee.unreached = false;
        if !tracee.interrupted {
            return;
        }
        match stop {
            Stop::Trap => tracee.interrupted = false,
            // A stop signal ends such calls with EINTR without a tracer too.
            Stop::Group(_) => return tracee.interrupted = false,
            Stop::Syscall => {}
            _ => return,
        }
        let Ok(Some((abi, nr))) = arch::interrupted_call(tid, &mut self.memory) else { return };
        let row = abi.and_then(|abi| table::by_number(abi, arch::table_number(abi, nr)));
        if row.is_some_and(|row| INTERRUPTED.contains(&row.name)) {
            let _ = arch::restart_unless_handled(tid);
        }
    }

    /// Traces `pid`, with all its threads, beside what is traced. Of a launched command's tracer it is a guest: it has no
    /// filter of ours, so that its every call stops; it does not die with smtrace, and is let go when the command ended.
    ///
    /// # Errors
    /// When it cannot be seized.
    pub fn attach_more(&mut self, observer: &mut dyn Observer, pid: Pid) -> Result<usize, AttachError> {
        let before = self.tracees.len();
        let named = std::mem::take(&mut self.named);
        self.guests = self.root.is_some();
        let done = self.attach(observer, &[pid], false);
        self.named.extend(named);
        done.map(|()| self.tracees.len() - before)
    }

    /// Lets the threads of `pid` go, each at its next stop.
    ///
    /// # Errors
    /// Why it cannot be let go.
    pub fn detach_one(&mut self, pid: Pid) -> Result<usize, String> {
        let all: Vec<&super::Tracee> = self.tracees.values().filter(|tracee| tracee.pid == pid).collect();
        if all.is_empty() {
            return Err(format!("{pid} is not traced"));
        }
        if self.mode.filtered && all.iter().any(|tracee| !tracee.guest) {
            return Err(format!(
                "{pid} has smtrace's filter, and without a tracer its calls would fail with ENOSYS; leave its events out \
                 instead: set filter-pid {pid}"
            ));
        }
        let tids: Vec<Pid> = all.iter().map(|tracee| tracee.tid).collect();
        for tid in &tids {
            if let Some(tracee) = self.tracees.get_mut(tid) {
                tracee.leaving = true;
            }
            self.leave_inner(*tid);
            self.interrupt(*tid);
        }
        Ok(tids.len())
    }

    /// Lets guests go when nothing else is left.
    pub fn release_guests(&mut self) {
        if !self.guests || !self.tracees.values().all(|tracee| tracee.guest) {
            return;
        }
        let tids: Vec<Pid> = self.tracees.values().filter(|t| !t.leaving).map(|tracee| tracee.tid).collect();
        for tid in tids {
            if let Some(tracee) = self.tracees.get_mut(&tid) {
                tracee.leaving = true;
            }
            self.leave_inner(tid);
            self.interrupt(tid);
        }
    }

    /// Whether a task that is new here has no filter of ours: it comes from a guest. When nobody knows where it comes from it
    /// counts as one, and its every call stops, which is right for all.
    pub(super) fn comes_from_guest(&self, pid: Pid, ppid: Pid, creator: Pid) -> bool {
        if !self.guests {
            return false;
        }
        let maker = self.tracees.get(&creator);
        let of = |pid: Pid| self.tracees.values().find(|tracee| tracee.pid == pid);
        maker.or_else(|| of(pid)).or_else(|| of(ppid)).is_none_or(|tracee| tracee.guest)
    }
}
