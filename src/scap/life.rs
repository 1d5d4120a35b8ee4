//! The events that a reader's own account of processes is made from: clone, fork, execve, procexit, signals.
//!
//! They are written whether or not their calls are enabled, as without them a reader knows no process by its name. What
//! smtrace does not know (memory sizes, control groups, capabilities) is 0 or empty.

use super::event::Builder;
use super::flags;
use super::param::MAX_DATA;
use crate::model::Pid;
use crate::model::record::Head;
use crate::state::{Account, Who};

/// The most bytes of a command line: what libscap's drivers take.
const MAX_ARGS: usize = 4096;

/// The process that ends.
const PROCEXIT: u16 = 186;
/// A signal is delivered.
const SIGNAL: u16 = 232;
/// setresuid(2), enter.
const SETRESUID: u16 = 192;
/// setresgid(2), enter.
const SETRESGID: u16 = 194;
/// chdir(2), enter.
const CHDIR: u16 = 94;

/// The call that made a process or a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    /// clone(2).
    Clone,
    /// fork(2).
    Fork,
    /// vfork(2).
    Vfork,
    /// clone3(2).
    Clone3,
}

impl Maker {
    /// The maker that the call `name` is.
    pub(super) fn of(name: &str) -> Option<Maker> {
        match name {
            "clone" => Some(Maker::Clone),
            "fork" => Some(Maker::Fork),
            "vfork" => Some(Maker::Vfork),
            "clone3" => Some(Maker::Clone3),
            _ => None,
        }
    }

    /// The number of its enter.
    pub(super) fn number(self) -> u16 {
        match self {
            Maker::Clone => 222,
            Maker::Fork => 224,
            Maker::Vfork => 226,
            Maker::Clone3 => 334,
        }
    }
}

/// execve(2) or execveat(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// execve(2).
    Execve,
    /// execveat(2).
    Execveat,
}

impl Program {
    /// The call of this name, if it is one of the two.
    pub(super) fn of(name: &str) -> Option<Program> {
        match name {
            "execve" => Some(Program::Execve),
            "execveat" => Some(Program::Execveat),
            _ => None,
        }
    }

    /// The number of its enter.
    pub(super) fn number(self) -> u16 {
        match self {
            Program::Execve => 292,
            Program::Execveat => 330,
        }
    }
}

/// Who a parameter list is about: a thread of the trace, or a process outside of which less is known.
pub(super) struct Subject<'a> {
    who: Who<'a>,
    comm: &'a [u8],
    cmdline: Vec<&'a [u8]>,
}

impl<'a> Subject<'a> {
    /// The thread `tid` of process `pid`.
    pub(super) fn new(account: &'a Account, pid: Pid, tid: Pid) -> Subject<'a> {
        let who = account.who(pid, tid);
        let comm = Some(who.comm()).filter(|comm| !comm.is_empty());
        let comm = comm.or_else(|| account.names(pid).map(|(comm, _)| comm)).unwrap_or_default();
        Subject { who, comm, cmdline: who.argv().collect() }
    }

    /// The name.
    pub(super) fn comm(&self) -> &'a [u8] {
        self.comm
    }

    /// The first word of the command line; the name when there is none.
    pub(super) fn first_word(&self) -> &'a [u8] {
        self.cmdline.first().copied().unwrap_or(self.comm)
    }

    /// The other words, each with its NUL.
    pub(super) fn put_args(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for word in self.cmdline.iter().skip(1) {
            if out.len() - start + word.len() + 1 > MAX_ARGS {
                break;
            }
            out.extend_from_slice(word);
            out.push(0);
        }
    }

    /// The path of the program.
    pub(super) fn program(&self) -> &'a [u8] {
        self.who.exe()
    }

    /// The working directory.
    pub(super) fn cwd(&self) -> &'a [u8] {
        self.who.cwd()
    }

    /// The parent.
    pub(super) fn ppid(&self) -> Pid {
        self.who.ppid()
    }

    /// The user.
    pub(super) fn uid(&self) -> u32 {
        self.who.uid().unwrap_or(0)
    }

    /// The group.
    pub(super) fn gid(&self) -> u32 {
        self.who.gid().unwrap_or(0)
    }

    /// From the result to the name: what all these events start with.
    fn begin(&self, result: i64, build: &mut Builder) {
        build.i64(result).text(self.first_word()).with(|to| self.put_args(to));
        build.pid(self.who.tid).pid(self.who.pid).pid(self.ppid()).text(self.cwd());
        // The limit of descriptors; page faults; memory sizes.
        build.zeros(3, 8).zeros(3, 4).text(self.comm());
    }
}

/// The exit of a clone, in the parent (`result` is the child) or in the child (0).
pub(super) fn cloned<'b>(
    build: &'b mut Builder,
    head: &Head,
    subject: &Subject<'_>,
    maker: Maker,
    kernel_flags: u64,
    result: i64,
) -> &'b [u8] {
    build.begin(head.time, subject.who.tid, maker.number() + 1);
    subject.begin(result, build);
    // Control groups.
    build.with(|_| ());
    build.number(flags::clone(kernel_flags), 4);
    build.number(u64::from(subject.uid()), 4).number(u64::from(subject.gid()), 4);
    // The ids in its own namespace are taken to be those in ours; the start of that namespace.
    build.pid(subject.who.tid).pid(subject.who.pid).zeros(1, 8);
    build.finish()
}

/// The exit of execve(2): `program` is the path that was really executed, `asked` the path that was given.
pub(super) fn executed<'b>(
    build: &'b mut Builder,
    head: &Head,
    subject: &Subject<'_>,
    program: Program,
    result: i64,
    asked: &[u8],
    env: &[u8],
) -> &'b [u8] {
    build.begin(head.time, head.tid, program.number() + 1);
    subject.begin(result, build);
    build.with(|_| ());
    build.with(|to| to.extend(env.iter().take(MAX_DATA)));
    // Terminal, process group, login user (none), flags.
    build.zeros(1, 4).zeros(1, 8).number(u64::from(u32::MAX), 4).zeros(1, 4);
    // Three sets of capabilities; inode of the program, its change time and its modification time.
    build.zeros(6, 8);
    build.number(u64::from(subject.uid()), 4).text(subject.program()).zeros(1, 8);
    build.number(u64::from(subject.gid()), 4);
    if program == Program::Execve {
        build.text(asked);
    }
    build.finish()
}

/// The end of a thread with wait status `head.result`.
pub(super) fn ended<'b>(build: &'b mut Builder, head: &Head) -> &'b [u8] {
    let status = head.result;
    let (signal, code) = (status & 0x7f, if status & 0x7f == 0 { status >> 8 & 0xff } else { 0 });
    build.begin(head.time, head.tid, PROCEXIT).i64(status).i64(code);
    build.number(signal.cast_unsigned(), 1).number((status >> 7 & 1).cast_unsigned(), 1);
    // Who becomes the children's parent: Reparent tells us later, a reader finds out by itself.
    build.zeros(1, 8).finish()
}

/// A signal from process `sender`.
pub(super) fn signalled<'b>(build: &'b mut Builder, head: &Head, sender: i64) -> &'b [u8] {
    build.begin(head.time, head.tid, SIGNAL).i64(sender).pid(head.pid);
    build.number(head.result.cast_unsigned(), 1).finish()
}

/// The directory that a call which is not shown went to.
pub(super) fn moved<'b>(build: &'b mut Builder, head: &Head, to: &[u8]) -> &'b [u8] {
    build.begin(head.time, head.tid, CHDIR + 1).i64(0).text(to).finish()
}

/// The effective user (or group) that a call which is not shown has set: setresuid(-1, `id`, -1).
pub(super) fn became<'b>(build: &'b mut Builder, head: &Head, id: u32, group: bool, exit: bool) -> &'b [u8] {
    let number = if group { SETRESGID } else { SETRESUID };
    build.begin(head.time, head.tid, number + u16::from(exit));
    if exit {
        build.i64(0);
    }
    let none = u64::from(u32::MAX);
    build.number(none, 4).number(u64::from(id), 4).number(none, 4).finish()
}
