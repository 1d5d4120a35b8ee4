//! Other processes' memory and environment: who looked into them, and whether they are of the build.

use super::Fold;
use crate::audit::limits::Mark;
use crate::audit::model::{ActKind, Level};
use crate::audit::text::{base, text};
use crate::event::Event;
use crate::model::Pid;

/// Programs whose work it is to look into others. By name: who renames another program so is told by the digest only.
const DEBUGGERS: &[&[u8]] = &[
    b"gdb",
    b"gdbserver",
    b"lldb",
    b"lldb-server",
    b"strace",
    b"ltrace",
    b"rr",
    b"perf",
    b"smtrace",
    b"py-spy",
    b"criu",
    b"dlv",
];

/// Programs that list processes.
const LISTERS: &[&[u8]] =
    &[b"ps", b"pgrep", b"pkill", b"top", b"htop", b"lsof", b"fuser", b"systemd-detect-virt", b"procs"];

const ENOENT: u16 = 2;
const ESRCH: u16 = 3;

impl Fold {
    /// A file of /proc was opened, or was tried to be: of another process?
    pub(super) fn foreign_file(&mut self, path: &[u8], event: &Event<'_>, by: Mark) {
        let Some(rest) = path.strip_prefix(b"/proc/") else { return };
        let mut parts = rest.split(|byte| *byte == b'/');
        let pid =
            parts.next().and_then(|part| std::str::from_utf8(part).ok()).and_then(|part| part.parse::<Pid>().ok());
        let file = parts.next_back().unwrap_or_default();
        let gone = matches!(event.error(), Some(ENOENT | ESRCH));
        let Some(pid) = pid.filter(|pid| *pid != event.who.pid && !gone) else { return };
        let kind = match file {
            b"mem" => ActKind::ForeignMemory,
            b"environ" | b"maps" | b"auxv" | b"syscall" | b"stack" => ActKind::ForeignProcess,
            _ => return,
        };
        let place = self.place(pid);
        self.act(kind, "open", format!("{} of {}", text(file), place.told()), event.error(), by);
        match file {
            b"mem" => self.looked_into("process-memory-read", "memory", place, by),
            b"environ" => self.looked_into("process-environment-read", "environment", place, by),
            _ => {}
        }
    }

    /// A call that reads another process's memory by its number, or makes itself its tracer.
    pub(super) fn foreign_call(&mut self, event: &Event<'_>, name: &str, by: Mark) {
        // ptrace(2): PTRACE_ATTACH and PTRACE_SEIZE.
        const ATTACH: [u64; 2] = [16, 0x4206];
        let word = |index: usize| event.words().get(index).copied().unwrap_or(0);
        let pid = match name {
            "process_vm_readv" => word(0),
            "ptrace" if ATTACH.contains(&word(0)) => word(1),
            _ => return,
        };
        let pid = crate::decode::walk::low32(pid).cast_signed();
        if pid == event.who.pid || event.error() == Some(ESRCH) {
            return;
        }
        let place = self.place(pid);
        // Sanitizers attach to their own process's threads, and parallel programs read each other's buffers.
        if place != Place::Build {
            self.looked_into("process-memory-read", "memory", place, by);
        }
    }

    /// A signal went to a process that is not of the build now. One that ended a moment ago was; and only those count that
    /// end or stop what does not expect them.
    pub(super) fn struck(&mut self, pid: Pid, signal: i32, by: Mark) {
        // signal(7): HUP, INT, QUIT, ABRT, KILL, TERM, STOP.
        const DEADLY: [i32; 7] = [1, 2, 3, 6, 9, 15, 19];
        if !DEADLY.contains(&signal) || self.place(pid) != Place::Outside || self.processes.seen(pid) {
            return;
        }
        let exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
        let message = format!("{} sent signal {signal} to a process outside the build", text(base(exe.as_bytes())));
        let about = "A process that is not of the build is told to end or to stop";
        self.detect("outside-process-signalled", about, Level::Warning, message, None, by);
    }

    fn place(&self, pid: Pid) -> Place {
        if pid == self.context.tracer {
            Place::Tracer
        } else if self.processes.alive(pid).is_some() {
            Place::Build
        } else {
            Place::Outside
        }
    }

    fn looked_into(&mut self, rule: &str, what: &str, place: Place, by: Mark) {
        let exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
        let name = base(exe.as_bytes());
        let listed = what == "environment" && LISTERS.contains(&name);
        if listed || (DEBUGGERS.contains(&name) && place == Place::Build) {
            return;
        }
        let level = if place == Place::Build && what == "environment" { Level::Warning } else { Level::Error };
        let message = format!("{} looks into the {what} of {}", text(name), place.told());
        let about = "The memory or the environment of another process is read, where its secrets are";
        self.detect(rule, about, level, message, Some(format!("{what} of {}", place.told())), by);
    }
}

/// Where a process belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Tracer,
    Build,
    Outside,
}

impl Place {
    fn told(self) -> &'static str {
        match self {
            Place::Tracer => "the tracer",
            Place::Build => "a process of the build",
            Place::Outside => "a process outside the build",
        }
    }
}
