//! A policy that is enforced: whether a call of a stopped task may happen, asked before it does and again of what it did.
//!
//! Names are found as the kernel would find them for the task; what is judged is the file or address that they lead to.
//! Between the question and the call another thread can change memory, and another process names. So an open is judged
//! again by the descriptor it made, an exec by the program that was loaded, a removal by the file that is gone; a
//! connection is made by us with the address that was judged. `docs/enforce.md` says what is left.
//!
//! Nothing here knows of events, reports or threads.

mod blind;
mod exec;
mod files;
mod names;
mod net;
mod open;

use crate::audit::fold::NAMED;
use crate::audit::policy::{Action, Program, Question, Rules, Sort};
use crate::audit::text::text;
use crate::capture::resolve::{Path, Root, Target, string};
use crate::decode::errno;
use crate::decode::walk::low32;
use crate::engine::{Call, Denial, Judge, Punishment, Task, Verdict};
use crate::model::Pid;
use crate::sys::memory::Memory;
use crate::sys::path::{Held, Status};
use rustc_hash::{FxHashMap, FxHashSet};

/// The most files that are remembered as made by the build.
const MADE: usize = 200_000;

/// Calls that are judged beside those that name a file ([`NAMED`]) and those that cannot be judged.
const JUDGED: &[&str] = &[
    "open",
    "openat",
    "openat2",
    "creat",
    "execve",
    "execveat",
    "connect",
    "listen",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "write",
    "writev",
    "fchmod",
    "fchown",
    "fchown32",
    "fsetxattr",
    "fremovexattr",
    "bind",
    "ioctl",
    "read",
    "recv",
    "recvfrom",
    "recvmsg",
];

/// What a call that is watched has to be held against when it returned.
#[derive(Debug)]
enum Pending {
    /// An open.
    Open(open::Asked),
    /// An exec of the file with this name, by this program.
    Exec(String, Program),
    /// A new name, as it was found free.
    Make(Vec<u8>),
    /// A removal of this file, which had so many names.
    Remove(Held, u64),
    /// A renaming of files to names: of one, or of two that are exchanged.
    Rename(Vec<files::Move>),
    /// A renaming of this file to another name that it had, which changes nothing.
    Same(Held, Vec<u8>),
    /// A call that could not do anything to what it named.
    Nothing(&'static str),
    /// A connection of this descriptor.
    Connect(i32),
    /// What a DNS server may have answered into this buffer.
    Answer(names::Buffer),
}

/// The script that a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Script {
    /// Its own, since an exec of its own; nothing where that program is no interpreter of a script.
    Own(Option<String>),
    /// Its parent's, whose program it still runs.
    Inherited(String),
}

impl Script {
    fn name(&self) -> Option<&String> {
        match self {
            Script::Own(name) => name.as_ref(),
            Script::Inherited(name) => Some(name),
        }
    }
}

/// Enforces a policy.
#[derive(Debug)]
pub struct Enforcer {
    rules: Rules,
    root: Root,
    /// What is known of the scripts that processes run.
    scripts: FxHashMap<Pid, Script>,
    pending: FxHashMap<Pid, Pending>,
    /// The files that the build made.
    made: FxHashSet<(u64, u64)>,
    names: names::Names,
    digests: exec::Digests,
    /// Whether the kernel lets us look into every process (CAP_SYS_PTRACE).
    sees_all: bool,
}

/// The names of the calls that have to stop.
pub fn calls() -> impl Iterator<Item = &'static str> {
    let named = NAMED.iter().map(|named| named.call);
    JUDGED.iter().copied().chain(named).chain(blind::calls())
}

fn word(call: &Call, at: usize) -> u64 {
    call.args.get(at).copied().unwrap_or(0)
}

/// An argument that the kernel takes as int.
fn int(call: &Call, at: usize) -> i32 {
    low32(word(call, at)).cast_signed()
}

impl Enforcer {
    /// Enforces `rules`.
    #[must_use]
    pub fn new(rules: Rules) -> Enforcer {
        Enforcer {
            rules,
            root: Root::own(),
            scripts: FxHashMap::default(),
            pending: FxHashMap::default(),
            made: FxHashSet::default(),
            names: names::Names::default(),
            digests: exec::Digests::default(),
            sees_all: sees_all(),
        }
    }

    fn script_of(&self, pid: Pid) -> Option<&String> {
        self.scripts.get(&pid).and_then(Script::name)
    }

    /// The program that `task` runs, as far as answers depend on it.
    fn program(&self, task: Task) -> Program {
        if !self.rules.have_sections() {
            return Program::default();
        }
        let exe = Held::at(&format!("/proc/{}/exe", task.tid)).map(|exe| text(&exe.name())).unwrap_or_default();
        Program { exe, script: self.script_of(task.pid).cloned() }
    }

    /// Nothing when `task` may do this to what has these names.
    fn ask(&self, task: Task, sort: Sort, names: &[String]) -> Option<Denial> {
        self.ask_with(&self.program(task), &Question { sort, names, digest: None })
    }

    /// Nothing when `by` may do what is asked.
    fn ask_with(&self, by: &Program, question: &Question<'_>) -> Option<Denial> {
        let action = self.rules.ask(question, by)?;
        let subject = question.names.first().cloned().unwrap_or_default();
        Some(denial(question.sort.word(), subject, "is not allowed by the policy", action))
    }

    /// Asks about one file.
    fn ask_file(&self, task: Task, sort: Sort, name: &[u8]) -> Option<Denial> {
        // What has no path (a pipe behind /dev/stdin, an inotify instance) has no place in a policy either.
        (name.first() == Some(&b'/')).then(|| self.ask(task, sort, &[text(name)])).flatten()
    }

    /// Where the path argument `at` leads; its directory's descriptor is the argument `from`, if it has one.
    fn find(
        &self,
        memory: &mut Memory,
        task: Task,
        call: &Call,
        (from, at): (Option<usize>, usize),
        path: Path<'_>,
    ) -> Target {
        let from = from.map_or(libc::AT_FDCWD, |from| int(call, from));
        match string(memory, task, word(call, at)) {
            Some(bytes) => self.root.resolve(task, Path { from, bytes: &bytes, ..path }),
            None => Target::Nowhere(libc::EFAULT),
        }
    }

    /// The build has just made this. A file with a content is another's, that was put at the name meanwhile; and what a
    /// directory holds is asked entry by entry.
    fn remember_made(&mut self, held: &Held) {
        let new = |status: &Status| !status.is_directory() && (status.size == 0 || status.is_link());
        if let Some(status) = held.status().filter(|status| new(status) && self.made.len() < MADE) {
            self.made.insert(status.identity());
        }
    }

    fn judge(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        if let Some(why) = blind::why(name, call) {
            let message = format!("{name} was refused (EPERM): a policy cannot judge it, {why}");
            let punishment = Punishment::Errno(1);
            return Verdict::Deny(Denial { deed: "unjudged", subject: name.into(), message, punishment });
        }
        // Reads and writes are judged by what is known of their socket, which was looked at when it was connected.
        let by_socket = matches!(name, "read" | "recv" | "recvfrom" | "recvmsg" | "write" | "writev");
        if !by_socket && !self.sees_all && (hides(task) || will_hide(name, call)) {
            return Verdict::Deny(unseen(
                name,
                "smtrace may not look into a process that hides itself (prctl(2), PR_SET_DUMPABLE)",
            ));
        }
        match name {
            "open" | "openat" | "openat2" | "creat" => self.open(memory, task, call, name),
            "execve" | "execveat" => self.exec(memory, task, call, name),
            "fchmod" | "fchown" | "fchown32" | "fsetxattr" | "fremovexattr" => self.behind(task, call),
            "ioctl" => self.control(task, call),
            "bind" => self.bind(memory, task, call),
            "connect" | "listen" | "send" | "sendto" | "sendmsg" | "sendmmsg" | "write" | "writev" => {
                self.network(memory, task, call, name)
            }
            "read" | "recv" | "recvfrom" | "recvmsg" => self.receive(memory, task, call, name),
            _ => self.named(memory, task, call, name),
        }
    }
}

/// Whether we have CAP_SYS_PTRACE (capabilities(7)), or whoever asks has to think that we have not.
fn sees_all() -> bool {
    const CAP_SYS_PTRACE: u32 = 19;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask >> CAP_SYS_PTRACE & 1 == 1)
}

/// Whether the kernel keeps us from a task's directories, descriptors and memory (ptrace(2), "Ptrace access mode checking").
fn hides(task: Task) -> bool {
    matches!(Held::at(&format!("/proc/{}/cwd", task.tid)), Err(libc::EACCES | libc::EPERM))
}

/// Whether a call makes its process one that cannot be looked into: prctl(2), PR_SET_DUMPABLE with anything but 1.
fn will_hide(name: &str, call: &Call) -> bool {
    name == "prctl" && int(call, 0) == 4 && word(call, 1) != 1
}

/// What is said of a call about which nothing can be found out.
fn unseen(call: &str, why: &str) -> Denial {
    let message = format!("{call} was refused (EPERM): {why}");
    Denial { deed: "unjudged", subject: call.into(), message, punishment: Punishment::Errno(1) }
}

/// Whether a task stands still in a ptrace-stop. One that dies has lost what we look for, and does nothing with it either.
fn stands(task: Task) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", task.tid)).unwrap_or_default();
    // proc_pid_stat(5): the state follows the name, which can hold anything.
    status.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" t"))
}

/// What is said of something that may not happen.
fn denial(deed: &'static str, subject: String, why: &str, action: Action) -> Denial {
    let (outcome, punishment) = match action {
        Action::Errno(number) => {
            let name = errno::name(number).unwrap_or("an error");
            (format!("the call failed with {name}"), Punishment::Errno(number))
        }
        Action::Kill => ("the build was killed".to_owned(), Punishment::Kill),
    };
    let message = format!("{deed} of {subject} {why}: {outcome}");
    Denial { deed, subject: subject.into_bytes(), message, punishment }
}

/// As [`denial`], of something that happened although it was judged before: names or memory were changed meanwhile.
fn raced(found: Denial) -> Denial {
    let subject = text(&found.subject);
    denial(found.deed, subject, "happened though something else was asked for (a race)", Action::Kill)
}

impl Judge for Enforcer {
    fn entered(&mut self, memory: &mut Memory, task: Task, call: &Call) -> Verdict {
        self.pending.remove(&task.tid);
        let Some(row) = call.row else { return Verdict::Pass };
        self.judge(memory, task, call, row.name)
    }

    fn weighs(&self, call: &Call) -> bool {
        call.row.is_some_and(|row| JUDGED.contains(&row.name) || blind::calls().any(|name| name == row.name))
    }

    fn returned(&mut self, memory: &mut Memory, task: Task, _call: &Call, result: i64) -> Option<Denial> {
        let pending = self.pending.remove(&task.tid)?;
        match pending {
            Pending::Connect(number) => return self.connected(task, number, result),
            _ if result < 0 => return None,
            Pending::Open(asked) => return self.opened(task, result, &asked).map(raced),
            Pending::Same(held, name) => return files::kept(&held, &name),
            Pending::Nothing(call) => {
                return Some(raced(denial("write", call.to_owned(), "", Action::Kill)));
            }
            Pending::Make(name) => {
                if let Ok(held) = Held::itself(&name) {
                    self.remember_made(&held);
                }
            }
            Pending::Remove(held, links) => return files::removed(&held, links),
            Pending::Rename(moves) => return moves.iter().find_map(|one| self.renamed(task, one)),
            Pending::Answer(buffer) => self.names.answered(memory, task, &buffer, result),
            Pending::Exec(..) => {}
        }
        None
    }

    fn executed(&mut self, memory: &mut Memory, task: Task, former: Pid) -> Option<Denial> {
        let (asked, by) = match self.pending.remove(&former) {
            Some(Pending::Exec(name, by)) => (Some(name), by),
            _ => (None, Program::default()),
        };
        self.loaded(memory, task, (asked, &by))
    }

    fn born(&mut self, child: Pid, parent: Pid) {
        // ptrace(2) promises no order between a child's stops and its parent's PTRACE_EVENT_FORK: the child may run
        // another program already.
        if child == parent || matches!(self.scripts.get(&child), Some(Script::Own(_))) {
            return;
        }
        match self.script_of(parent).cloned() {
            Some(script) => self.scripts.insert(child, Script::Inherited(script)),
            None => self.scripts.remove(&child),
        };
    }

    fn gone(&mut self, task: Task) {
        self.pending.remove(&task.tid);
        if task.tid == task.pid {
            self.scripts.remove(&task.pid);
        }
    }
}
