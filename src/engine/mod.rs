//! Engines yield what tracees do, while they are stopped, to an observer.
//!
//! The registry states what each engine can do, so that the loop and the options ask the registry and no engine by
//! name. An engine that sees only entries, or makes finished records itself, fits the same trait.

mod judge;
pub mod ptrace;
mod through;

pub use judge::{Denial, Judge, Punishment, Verdict};

use crate::model::{Abi, Pid};
use crate::sys::memory::Memory;
use crate::sys::ptrace::SignalInfo;

/// What an engine can do.
#[derive(Clone, Copy, Debug)]
pub struct Capabilities {
    /// Starts a command.
    pub launch: bool,
    /// Attaches to what runs.
    pub attach: bool,
    /// Tells a call's result.
    pub exits: bool,
    /// Can refuse a call.
    pub refuse: bool,
}

/// An entry of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// A line about it.
    pub about: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// Every engine.
pub const REGISTRY: &[Entry] = &[Entry {
    name: "ptrace",
    about: "ptrace stops, on the enabled calls only where a seccomp filter is allowed",
    capabilities: Capabilities { launch: true, attach: true, exits: true, refuse: true },
}];

/// The task an observation is about. It is stopped while the observer looks, and only then.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Its process (tgid).
    pub pid: Pid,
    /// Its thread.
    pub tid: Pid,
}

/// A system call that a task entered.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The ABI; `None` for an audit architecture that smtrace does not know.
    pub abi: Option<Abi>,
    /// The number as the kernel sees it.
    pub nr: u32,
    /// The sub-number of a call that went through a multiplexer, whose number `nr` is; 0 for any other.
    pub sub: u8,
    /// The six argument registers, or the arguments of the inner call.
    pub args: [u64; 6],
    /// The stack pointer.
    pub stack: u64,
    /// The row of the table, if the number is known: the inner call's where there is one.
    pub row: Option<&'static crate::table::Row>,
    /// Where the kernel writes the result of an inner call, if not into its register.
    pub result_at: Option<u64>,
    /// Whether it is an event to write, or only keeps the account.
    pub enabled: bool,
    /// Refused by smtrace to protect itself.
    pub refused: bool,
}

/// How a task is known to smtrace.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The parent process.
    pub ppid: Pid,
    /// The process (tgid).
    pub pid: Pid,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
    /// The task's name.
    pub comm: Vec<u8>,
    /// The task whose fork-like call made it, if that was told before its first stop; 0 otherwise.
    pub creator: Pid,
    /// Inheritable, permitted and effective capabilities, by their bits.
    pub caps: [u64; 3],
}

/// Takes what an engine sees. Every method but [`Observer::end`] and [`Observer::notice`] is called while the task is
/// stopped, and must not block.
pub trait Observer {
    /// A call was entered.
    fn enter(&mut self, memory: &mut Memory, task: Task, call: &Call);
    /// A call returned.
    fn exit(&mut self, memory: &mut Memory, task: Task, call: &Call, result: i64);
    /// A call never returned.
    fn unfinished(&mut self, task: Task, call: &Call, why: crate::model::record::Unfinished);
    /// A task became a tracee.
    fn born(&mut self, task: Task, identity: &Identity, attached: bool);
    /// A fork-like call made a child.
    fn fork(&mut self, task: Task, child: Pid);
    /// A new program runs; `former` is the tid that made the call.
    fn exec(&mut self, task: Task, former: Pid, identity: &Identity);
    /// The task's name changed.
    fn renamed(&mut self, task: Task);
    /// The task changed its working directory.
    fn moved(&mut self, task: Task);
    /// The task's user or group changed.
    fn credentials(&mut self, task: Task, identity: &Identity);
    /// The process got a new parent.
    fn reparented(&mut self, task: Task, ppid: Pid);
    /// A signal is delivered.
    fn signal(&mut self, task: Task, info: &SignalInfo);
    /// A signal stopped the task, with all of its process.
    fn stopped(&mut self, task: Task, signal: i32);
    /// The task ended with this wait status.
    fn end(&mut self, task: Task, status: i32);
    /// What a judge stopped.
    fn denied(&mut self, task: Task, denial: &Denial);
    /// A tracee may serve a file system from here on: who asks anything of a file on it while tracees stand waits for ever.
    fn served(&mut self, task: Task);
    /// A word about the trace itself.
    fn notice(&mut self, task: Task, text: &str);
}
