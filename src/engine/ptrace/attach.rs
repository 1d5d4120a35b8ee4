//! How tasks become tracees, and how they are let go.

use super::classify::{Stop, Told, classify};
use super::{Engine, identity};
use crate::engine::Observer;
use crate::model::Pid;
use crate::model::record::Unfinished;
use crate::sys::ptrace::{self, Resume};
use crate::sys::wait::{self, Waited};
use crate::sys::{Fault, host, limits};
use std::fmt;

/// Why a process cannot be attached to.
#[derive(Debug)]
pub struct AttachError {
    pid: Pid,
    fault: Fault,
}

impl fmt::Display for AttachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AttachError { pid, fault } = self;
        match fault {
            Fault::Gone if identity::state(*pid) == Some(b'Z') => {
                write!(f, "cannot attach to {pid}: it has ended already (a zombie, until its parent waits for it)")
            }
            Fault::Gone => write!(f, "cannot attach to {pid}: no such process"),
            Fault::Errno(libc::EPERM) if *pid == limits::pid() => {
                write!(f, "cannot attach to {pid}: it is smtrace itself")
            }
            Fault::Errno(libc::EPERM) if identity::is_kernels(*pid) => {
                write!(f, "cannot attach to {pid}: it is a thread of the kernel, which makes no system calls")
            }
            Fault::Errno(libc::EPERM) => match identity::tracer_of(*pid) {
                Some(tracer) => write!(f, "cannot attach to {pid}: process {tracer} traces it already"),
                None => {
                    let who = match (host::yama(), identity::read(*pid)) {
                        (Some(yama), _) => format!("{yama}: {}", yama.remedy()),
                        (None, Some(child)) if child.ppid == limits::pid() => host::FORBIDDEN.to_owned(),
                        (None, _) => "it needs the same user, or CAP_SYS_PTRACE".to_owned(),
                    };
                    write!(f, "cannot attach to {pid}: not permitted; {who} (`smtrace doctor` tells more)")
                }
            },
            Fault::Errno(_) => write!(f, "cannot attach to {pid}: {fault}"),
        }
    }
}

impl std::error::Error for AttachError {}

fn numbers_in(directory: &str) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// `pids` and all processes that descend from them now.
#[must_use]
pub(crate) fn descendants(pids: &[Pid]) -> Vec<Pid> {
    let mut all = pids.to_vec();
    let known: Vec<(Pid, Pid)> =
        numbers_in("/proc").into_iter().filter_map(|pid| Some((pid, identity::read(pid)?.ppid))).collect();
    let mut at = 0;
    while let Some(parent) = all.get(at).copied() {
        for (pid, ppid) in &known {
            // smtrace may be a child of the shell that is to be traced.
            if *ppid == parent && *pid != limits::pid() && !all.contains(pid) {
                all.push(*pid);
            }
        }
        at += 1;
    }
    all
}

impl Engine {
    /// Seizes the child that waits for its exec.
    ///
    /// # Errors
    /// When the kernel, Yama or a sandbox forbids ptrace.
    pub fn seize_child(&mut self, observer: &mut dyn Observer, pid: Pid) -> Result<(), AttachError> {
        self.root = Some(pid);
        self.named.push(pid);
        ptrace::seize(pid, self.options(false)).map_err(|fault| AttachError { pid, fault })?;
        self.adopt(observer, pid, false);
        if self.full {
            // Only a stop can turn stopping at every call on.
            ptrace::interrupt(pid).map_err(|fault| AttachError { pid, fault })?;
        }
        Ok(())
    }

    /// Seizes every thread of `pids`; with `tree`, of their descendants too.
    ///
    /// # Errors
    /// The first process that cannot be seized.
    pub fn attach(&mut self, observer: &mut dyn Observer, pids: &[Pid], tree: bool) -> Result<(), AttachError> {
        let all = if tree { descendants(pids) } else { pids.to_vec() };
        self.named.clone_from(&all);
        for pid in all {
            // It may be in a mount namespace of its own.
            self.memory.look_for_fuse(&pid.to_string());
            let mut any = false;
            // A thread may make another one before it is seized: look until nothing new is found.
            loop {
                let new: Vec<Pid> = numbers_in(&format!("/proc/{pid}/task"))
                    .into_iter()
                    .filter(|tid| !self.tracees.contains_key(tid))
                    .collect();
                let mut found = false;
                for tid in new {
                    match ptrace::seize(tid, self.options(self.guests)) {
                        Ok(()) => {
                            self.adopt(observer, tid, true);
                            self.interrupt(tid);
                            (found, any) = (true, true);
                        }
                        Err(Fault::Gone) => {}
                        // A thread of ours already: made by a seized one between the listing and now.
                        Err(Fault::Errno(libc::EPERM)) if any => {}
                        // A leader that ended before its last thread, which the kernel lets nobody attach to.
                        Err(Fault::Errno(libc::EPERM)) if identity::state(tid) == Some(b'Z') => {}
                        Err(fault) => return Err(AttachError { pid, fault }),
                    }
                }
                if !found {
                    break;
                }
            }
            if !any && pids.contains(&pid) && !self.tracees.contains_key(&pid) {
                return Err(AttachError { pid, fault: Fault::Gone });
            }
        }
        Ok(())
    }

    /// Lets every tracee go, each at its next stop, running (or stopped) as it was. Returns when none is left.
    ///
    /// A parent that waits for its vfork child stops only after the child went on, so nobody is waited for singly.
    /// Returns false when a signal interrupted it, or when those that are left are in a sleep that nothing but its own
    /// end ends, as that parent is while its child stands still: they are let go by the end of the tracing thread, which
    /// takes the pending interrupt back (__ptrace_unlink, kernel/ptrace.c).
    pub fn detach_all(&mut self, observer: &mut dyn Observer) -> bool {
        self.placement.hold();
        for tid in self.tracees.keys().copied().collect::<Vec<_>>() {
            self.leave_inner(tid);
            self.interrupt(tid);
        }
        while !self.tracees.is_empty() {
            if self.tracees.keys().all(|tid| identity::state(*tid) == Some(b'D')) {
                for tid in self.tracees.keys().copied().collect::<Vec<_>>() {
                    self.forget(observer, tid, Unfinished::Detached);
                }
                return false;
            }
            match wait::any(true) {
                Waited::Status(tid, status) => self.detach_at(observer, tid, status),
                Waited::Interrupted => return false,
                Waited::NoChild | Waited::Nothing => break,
            }
        }
        true
    }

    /// Serves a stop, and lets the task go with it.
    pub(super) fn detach_at(&mut self, observer: &mut dyn Observer, tid: Pid, status: i32) {
        let Told::Stopped(stop) = classify(status) else {
            return self.serve(observer, tid, status);
        };
        let mut signal = 0;
        self.hide_interrupt(tid, stop);
        // To be let go interrupts the call (signal_wake_up in __ptrace_unlink, kernel/ptrace.c), and nobody could hide it
        // then. So it goes at the call's exit, which the interrupt brings about at once.
        if self.begins_call(tid, stop) {
            self.interrupt(tid);
            let _ = ptrace::resume(tid, Resume::Syscall, 0);
            return;
        }
        match stop {
            // The signal of a signal-delivery-stop must still be delivered.
            Stop::Signal(number) => signal = number,
            Stop::Exec => self.execed(observer, tid),
            // An exit of a call that is under way is still an event.
            Stop::Syscall if self.tracees.get(&tid).is_some_and(|tracee| tracee.open.is_some()) => {
                self.call_stop(observer, tid, false);
            }
            Stop::Fork | Stop::Clone => self.forked(observer, tid, stop),
            _ => {}
        }
        let _ = ptrace::detach(tid, signal);
        self.forget(observer, tid, Unfinished::Detached);
    }
}
