//! What the engine keeps about each tracee: bounded, and gone with it.

use super::inner;
use crate::engine::{Call, Task};
use crate::model::{Abi, Pid};
use crate::sys::ptrace::Registers;

/// A call that is under way and whose exit we wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) call: Call,
    /// What is to be done when it returned.
    pub(super) after: After,
    /// The judge wants to see the result.
    pub(super) watched: bool,
    /// The registers as they were, where another call is made in the place of the tracee's own.
    pub(super) replaced: Option<Registers>,
}

/// What the exit of a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// Read the new name.
    Comm,
    /// Read the new users.
    Creds,
    /// Read the new working directory.
    Cwd,
    /// Look at the mounts again.
    Mount,
    /// Put the flags of clone3 back, and check that the child's event came.
    Clone3 {
        original: Option<u64>,
    },
    /// Check that the child's event came.
    Clone,
    /// A listener may stand now: stop at every call from here on.
    Listener,
    /// Placement is allowed again.
    Affinity,
}

/// One task.
#[derive(Debug)]
pub(super) struct Tracee {
    pub(super) pid: Pid,
    pub(super) tid: Pid,
    /// The parent process as last seen.
    pub(super) ppid: Pid,
    /// The parent ended: ask for the new one at the next stop.
    pub(super) orphaned: bool,
    /// Its events are not written (`--no-follow`, or the command before its exec).
    pub(super) silent: bool,
    pub(super) open: Option<Open>,
    /// Parity for kernels without PTRACE_GET_SYSCALL_INFO: in a call of this ABI.
    pub(super) inside: Option<Option<Abi>>,
    /// The child event of a fork-like call came.
    pub(super) made_child: bool,
    /// It is in group-stop.
    pub(super) group_stopped: bool,
    /// Faults in a row without anything between.
    pub(super) faults: u32,
    /// Our PTRACE_INTERRUPT may still be what ends the call that it is in.
    pub(super) interrupted: bool,
    /// It has not stopped since the last change of calls.
    pub(super) unreached: bool,
    /// It is to be let go at its next stop.
    pub(super) leaving: bool,
    /// It was attached beside the launched command, or comes from one that was: no filter of ours, and not ours to kill.
    pub(super) guest: bool,
    /// A tracee that traces holds it.
    pub(super) held: Option<inner::Key>,
    /// How many tasks it holds itself; its every call stops then.
    pub(super) targets: u32,
}

impl Tracee {
    pub(super) fn new(pid: Pid, tid: Pid, ppid: Pid) -> Tracee {
        Tracee {
            pid,
            tid,
            ppid,
            orphaned: false,
            silent: false,
            open: None,
            inside: None,
            made_child: false,
            group_stopped: false,
            faults: 0,
            interrupted: false,
            unreached: false,
            leaving: false,
            guest: false,
            held: None,
            targets: 0,
        }
    }

    pub(super) fn task(&self) -> Task {
        Task { pid: self.pid, tid: self.tid }
    }
}
