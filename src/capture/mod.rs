//! What a stopped tracee shows, as records on the bus.
//!
//! Runs while the tracee stands still: raw words and bytes are copied into place, nothing is formatted, and calls
//! allocate nothing. How much one event may cost is bounded by the limits below, whatever a tracee passes.

mod args;
mod descriptor;
pub(crate) mod digest;
mod names;
mod proc;
mod program;
pub mod resolve;
mod uring;
mod wanted;

use crate::decode::secrets::Clean;
pub use crate::decode::walk::MAX_PATH;
use crate::engine::{Call, Denial, Identity, Observer, Punishment, Task};
use crate::model::record::{HEADER, Head, Kind, MAX_DETAIL, PIECE_HEADER, Role, State, Unfinished, Writer, flag};
use crate::model::{CallSet, Pid};
use crate::sys::clock::{self, CpuTime};
use crate::sys::fds::Fds;
use crate::sys::memory::Memory;
use crate::sys::ptrace::SignalInfo;
pub use digest::Hash;
use digest::{Digests, Hashed, hashed};
use names::Names;
use rustc_hash::FxHashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
pub use wanted::Wanted;

/// Most bytes of a command line from /proc.
pub const MAX_CMDLINE: usize = 32 * 1024;

/// Most open files listed with one event.
pub const MAX_FDS: usize = 64;

/// A record with nothing but its arguments.
const SMALL: usize = HEADER + 48;

/// The longest record this folder writes.
const LARGE: usize = 96 * 1024;

/// A record of our own words about no task.
#[must_use]
pub fn notice_record(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; SMALL + PIECE_HEADER + MAX_PATH];
    let mut writer = Writer::new(&mut bytes, &head(Kind::Notice, Task { pid: 0, tid: 0 }), &[]);
    writer.piece(Role::Text, 0, 0, State::Whole, text.as_bytes());
    let len = writer.finish();
    bytes.truncate(len);
    bytes
}

/// Where records go: the bus, or a buffer.
pub trait Records {
    /// Takes one record of at most `max` bytes, which `write` puts into place; it returns the length.
    fn send(&mut self, max: usize, write: impl FnOnce(&mut [u8]) -> usize);
}

/// Writes what it observes as records.
#[derive(Debug)]
pub struct Recorder<R> {
    bus: R,
    wanted: Wanted,
    /// Whether events are collected now (drop mode); the account of who is who always is.
    collecting: Arc<AtomicBool>,
    /// Processes whose lines can name them as parent, so that an outsider is described once.
    known: FxHashSet<Pid>,
    /// The process that is to become the command, until its first exec.
    launched: Option<Pid>,
    digests: Digests,
    /// Directories of open files.
    fds: Fds,
    times: CpuTime,
    clean: Clean,
    looks: uring::Looks,
    /// The calls whose paths are followed to their end, if any are.
    names: Option<Names>,
}

fn head(kind: Kind, task: Task) -> Head {
    Head { kind, abi: None, time: clock::realtime(), pid: task.pid, tid: task.tid, nr: 0, flags: 0, result: 0 }
}

/// The bits of a record's flags that say through which part of a multiplexer `call` went.
fn through(call: &Call) -> u32 {
    u32::from(call.sub) << flag::SUB_SHIFT
}

impl<R: Records> Recorder<R> {
    /// A recorder that feeds `bus`. The paths of the calls in `followed` are followed to their end.
    #[must_use]
    pub fn new(bus: R, wanted: Wanted, collecting: Arc<AtomicBool>, followed: Option<CallSet>) -> Recorder<R> {
        let names = followed.map(Names::new);
        Recorder {
            bus,
            wanted,
            collecting,
            known: FxHashSet::default(),
            launched: None,
            digests: Digests::default(),
            fds: Fds::default(),
            times: CpuTime::default(),
            clean: Clean::default(),
            looks: uring::Looks::default(),
            names,
        }
    }

    /// Captures what `wanted` says from here on.
    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    /// Where the records go.
    #[must_use]
    pub fn records(&self) -> &R {
        &self.bus
    }

    /// Gives back where the records went.
    pub fn into_inner(self) -> R {
        self.bus
    }

    fn plain(&mut self, head: &Head, args: &[u64]) {
        self.bus.send(SMALL, |to| Writer::new(to, head, args).finish());
    }

    fn call(&mut self, kind: Kind, memory: &mut Memory, task: Task, call: &Call, result: i64) {
        if !self.collecting.load(Ordering::Relaxed) {
            return;
        }
        let count = match (call.row, call.abi) {
            (Some(row), Some(abi)) => row.args(abi).len(),
            _ => 6,
        };
        let head = Head {
            abi: call.abi,
            nr: call.nr,
            flags: if call.refused { flag::REFUSED } else { 0 } | through(call),
            result,
            ..head(kind, task)
        };
        let raw = call.args.get(..count).unwrap_or(&call.args);
        let wanted = self.wanted;
        let room = SMALL + if wanted.args { args::room(kind, call, &wanted) } else { 0 };
        let list = wanted.fds && (kind == Kind::Enter || proc::may_change_fds(call));
        let room =
            if list { LARGE } else { room + if wanted.places { 2 * PIECE_HEADER + MAX_PATH + MAX_DETAIL } else { 0 } };
        let hashed = hashed(kind, call, result, wanted.hash);
        let room = if hashed.is_some() { room + PIECE_HEADER + digest::ROOM } else { room };
        let names = self.names.as_ref().filter(|names| kind == Kind::Enter && names.follows(call));
        let room = if names.is_some() { room + names::ROOM } else { room };
        let ran = if wanted.ran { self.times.of(task.tid) } else { None };
        let room = if ran.is_some() { room + PIECE_HEADER } else { room };
        let (digests, fds, clean) = (&mut self.digests, &mut self.fds, (&mut self.clean, &mut self.looks));
        let launched = self.launched == Some(task.pid);
        self.bus.send(room.min(LARGE), |to| {
            let mut writer = Writer::new(to, &head, raw);
            if wanted.args {
                let result = (kind == Kind::Exit).then_some(result);
                args::capture_args(&mut writer, memory, task, call, result, &wanted, clean);
            }
            if kind == Kind::Exit && (wanted.opened || wanted.fds || wanted.places && proc::opens_unnamed(call)) {
                proc::capture_opened(&mut writer, task, call, result, wanted.detail);
            }
            if kind == Kind::Exit && (wanted.places || wanted.fds) {
                proc::capture_local(&mut writer, task, call, result);
            }
            if let Some(ran) = ran {
                writer.piece(Role::Ran, 0, ran, State::Whole, &[]);
            }
            if let Some(names) = names {
                names.capture(&mut writer, memory, task, call);
            }
            match hashed {
                Some(Hashed::Input(number)) => digests.input(&mut writer, task.tid, number),
                Some(Hashed::Output(number)) => digests.output(&mut writer, task.tid, number),
                None => {}
            }
            if list {
                proc::capture_fds(&mut writer, fds, task.tid, launched);
            }
            writer.finish()
        });
    }

    /// Describes `pid` if it is no tracee and was not described yet.
    fn outsider(&mut self, pid: Pid) {
        if pid <= 0 || !self.known.insert(pid) {
            return;
        }
        let Some((comm, cmdline)) = proc::outsider(pid, self.wanted.secrets) else { return };
        let head = head(Kind::Outsider, Task { pid, tid: pid });
        self.bus.send(LARGE, |to| {
            let mut writer = Writer::new(to, &head, &[0, 0, 0, 0]);
            writer.piece(Role::Comm, 0, 0, State::Whole, &comm);
            writer.piece(Role::Cmdline, 0, 0, State::Whole, &cmdline);
            writer.finish()
        });
    }
}

impl<R: Records> Observer for Recorder<R> {
    fn enter(&mut self, memory: &mut Memory, task: Task, call: &Call) {
        self.call(Kind::Enter, memory, task, call, 0);
    }

    fn exit(&mut self, memory: &mut Memory, task: Task, call: &Call, result: i64) {
        self.call(Kind::Exit, memory, task, call, result);
    }

    fn unfinished(&mut self, task: Task, call: &Call, why: Unfinished) {
        if !self.collecting.load(Ordering::Relaxed) {
            return;
        }
        let count = call.row.zip(call.abi).map_or(6, |(row, abi)| row.args(abi).len());
        let head = Head {
            abi: call.abi,
            nr: call.nr,
            flags: through(call),
            result: why as i64,
            ..head(Kind::Unfinished, task)
        };
        self.plain(&head, call.args.get(..count).unwrap_or(&call.args));
    }

    fn born(&mut self, task: Task, identity: &Identity, attached: bool) {
        self.outsider(identity.ppid);
        self.known.insert(task.pid);
        let thread = if task.tid == task.pid { 0 } else { flag::THREAD };
        let head = Head { flags: thread | flag::QUIET, ..head(Kind::Born, task) };
        let ppid = u64::from(identity.ppid.cast_unsigned());
        let creator = u64::from(identity.creator.cast_unsigned());
        let (comm, wanted, fds) = (&identity.comm, self.wanted, &mut self.fds);
        let launched = !attached && self.known.len() <= 2;
        if launched {
            self.launched = Some(task.pid);
        }
        self.bus.send(LARGE, |to| {
            let mut writer = Writer::new(to, &head, &[ppid, creator, u64::from(identity.uid), u64::from(identity.gid)]);
            writer.piece(Role::Comm, 0, 0, State::Whole, comm);
            // What was there before us is asked once; children have it from their parents.
            if attached || launched {
                program::capture_who(&mut writer, task, identity, &wanted);
                proc::capture_program(&mut writer, task.tid, &wanted);
                if wanted.places {
                    proc::capture_fds(&mut writer, fds, task.tid, launched);
                }
            }
            writer.finish()
        });
    }

    fn fork(&mut self, task: Task, child: Pid) {
        if self.wanted.probe && self.collecting.load(Ordering::Relaxed) {
            self.plain(&head(Kind::Fork, task), &[u64::from(child.cast_unsigned())]);
        }
    }

    fn exec(&mut self, task: Task, former: Pid, identity: &Identity) {
        let head = head(Kind::Exec, task);
        let former = u64::from(former.cast_unsigned());
        let (wanted, digests, fds) = (self.wanted, &mut self.digests, &mut self.fds);
        self.launched = self.launched.filter(|launched| *launched != task.pid);
        self.bus.send(LARGE, |to| {
            let mut writer = Writer::new(to, &head, &[former, u64::from(identity.uid), u64::from(identity.gid)]);
            writer.piece(Role::Comm, 0, 0, State::Whole, &identity.comm);
            program::capture_who(&mut writer, task, identity, &wanted);
            proc::capture_program(&mut writer, task.tid, &wanted);
            if wanted.hash.programs {
                digests.program(&mut writer, task.tid);
            }
            // Which descriptors it closed, only the kernel knows: there are many ways to mark one.
            if wanted.places {
                proc::capture_fds(&mut writer, fds, task.tid, false);
            }
            writer.finish()
        });
    }

    fn renamed(&mut self, task: Task) {
        let head = head(Kind::Comm, task);
        self.bus.send(SMALL + PIECE_HEADER + 32, |to| {
            let mut writer = Writer::new(to, &head, &[]);
            proc::capture_comm(&mut writer, task.tid);
            writer.finish()
        });
    }

    fn moved(&mut self, task: Task) {
        let head = head(Kind::Moved, task);
        self.bus.send(SMALL + PIECE_HEADER + MAX_PATH, |to| {
            let mut writer = Writer::new(to, &head, &[]);
            proc::capture_link(&mut writer, Role::Cwd, 0, &format!("/proc/{}/cwd", task.tid));
            writer.finish()
        });
    }

    fn credentials(&mut self, task: Task, identity: &Identity) {
        let (head, program) = (head(Kind::Creds, task), self.wanted.program);
        self.bus.send(SMALL + program::ROOM, |to| {
            let mut writer = Writer::new(to, &head, &[u64::from(identity.uid), u64::from(identity.gid)]);
            if program {
                program::capture_caps(&mut writer, identity);
            }
            writer.finish()
        });
    }

    fn reparented(&mut self, task: Task, ppid: Pid) {
        self.outsider(ppid);
        self.plain(&head(Kind::Reparent, task), &[u64::from(ppid.cast_unsigned())]);
    }

    fn signal(&mut self, task: Task, info: &SignalInfo) {
        let whole = self.wanted.signals;
        if (self.wanted.probe || whole) && self.collecting.load(Ordering::Relaxed) {
            let head = Head { result: i64::from(info.signal), ..head(Kind::Signal, task) };
            let args = [i64::from(info.code).cast_unsigned(), u64::from(info.sender.cast_unsigned())];
            self.bus.send(SMALL + PIECE_HEADER + info.raw.len(), |to| {
                let mut writer = Writer::new(to, &head, &args);
                if whole {
                    writer.piece(Role::Siginfo, 0, 0, State::Whole, &info.raw);
                }
                writer.finish()
            });
        }
    }

    fn stopped(&mut self, task: Task, signal: i32) {
        if self.wanted.signals && self.collecting.load(Ordering::Relaxed) {
            let head = Head { result: i64::from(signal), flags: flag::STOPPED, ..head(Kind::Signal, task) };
            self.plain(&head, &[]);
        }
    }

    fn end(&mut self, task: Task, status: i32) {
        self.known.remove(&task.tid);
        self.plain(&Head { result: i64::from(status), ..head(Kind::End, task) }, &[]);
    }

    fn denied(&mut self, task: Task, denial: &Denial) {
        let errno = match denial.punishment {
            Punishment::Errno(errno) => i64::from(errno),
            Punishment::Kill => 0,
        };
        let head = Head { flags: flag::DENIED, result: errno, ..head(Kind::Notice, task) };
        let texts = [denial.message.as_bytes(), denial.deed.as_bytes(), &denial.subject];
        self.bus.send(SMALL + 3 * (PIECE_HEADER + MAX_PATH), |to| {
            let mut writer = Writer::new(to, &head, &[]);
            for (index, text) in (0..).zip(texts) {
                writer.piece(Role::Text, index, 0, State::Whole, text.get(..MAX_PATH).unwrap_or(text));
            }
            writer.finish()
        });
    }

    fn served(&mut self, task: Task) {
        let Hash { programs, inputs, outputs } = self.wanted.hash;
        if self.names.take().is_some() || programs || inputs || outputs {
            self.digests.stop();
            let text =
                "a tracee may serve a file system: from here on paths are as asked, and no file is read for a digest";
            self.notice(task, text);
        }
    }

    fn notice(&mut self, task: Task, text: &str) {
        let head = head(Kind::Notice, task);
        self.bus.send(SMALL + PIECE_HEADER + MAX_PATH, |to| {
            let mut writer = Writer::new(to, &head, &[]);
            writer.piece(Role::Text, 0, 0, State::Whole, text.as_bytes());
            writer.finish()
        });
    }
}
