//! Whether a call would take over, starve, stop or end smtrace itself.

use crate::engine::Call;
use crate::filter::Guard;
use crate::model::Pid;
use crate::sys::memory::Memory;
use crate::sys::{clock, limits};
use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

/// Tracees that signalled a group or everybody a moment ago, noted before the signal was sent: it may reach smtrace when its
/// sender is gone already, and nothing else could tell then that a tracee sent it.
#[derive(Clone, Debug, Default)]
pub struct Signallers(Arc<Mutex<VecDeque<(Pid, u64)>>>);

/// Nanoseconds for which a signaller is remembered: a signal is taken within milliseconds, and numbers come again.
const REMEMBERED: u64 = 10_000_000_000;

/// Signallers that are remembered at most.
const SIGNALLERS: usize = 4096;

impl Signallers {
    fn note(&self, pid: Pid, now: u64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while all.len() >= SIGNALLERS || all.front().is_some_and(|(_, at)| now.saturating_sub(*at) > REMEMBERED) {
            all.pop_front();
        }
        all.push_back((pid, now));
    }

    /// Whether `pid` is one of them.
    #[must_use]
    pub fn has(&self, pid: Pid) -> bool {
        let now = clock::monotonic();
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().any(|(signaller, at)| *signaller == pid && now.saturating_sub(*at) <= REMEMBERED)
    }
}

/// What smtrace is, as a target.
#[derive(Debug)]
pub(super) struct Us {
    pid: Pid,
    group: Pid,
    namespace: Option<u64>,
    signallers: Signallers,
}

impl Us {
    pub(super) fn new(pid: Pid, group: Pid) -> Us {
        Us { pid, group, namespace: namespace_of("self"), signallers: Signallers::default() }
    }

    /// Who signalled a group or everybody.
    pub(super) fn signallers(&self) -> Signallers {
        self.signallers.clone()
    }

    /// Notes that `pid` is about to make the call, if it signals more than one process.
    pub(super) fn note_signaller(&self, guard: Guard, pid: Pid, call: &Call) {
        let many = match guard {
            Guard::Kill => low(call.args[0]) <= 0 && !harmless(low(call.args[1])),
            // PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9, linux/pidfd.h)
            Guard::Pidfd => low(call.args[3]) & 4 != 0,
            _ => false,
        };
        if many {
            self.signallers.note(pid, clock::monotonic());
        }
    }

    /// Our pid namespace.
    pub(super) fn namespace(&self) -> Option<u64> {
        self.namespace
    }

    /// Whether `pid`, said by `caller`, is smtrace or one of its threads.
    fn is_named_by(&self, caller: Pid, pid: Pid) -> bool {
        let ours = pid == self.pid || fs::metadata(format!("/proc/self/task/{pid}")).is_ok();
        ours && !self.is_elsewhere(caller)
    }

    /// Whether `caller` is in another pid namespace: there our numbers mean somebody else, and smtrace is not visible. Not when it
    /// cannot be told, as of a process that made itself undumpable under an unprivileged smtrace.
    fn is_elsewhere(&self, caller: Pid) -> bool {
        namespace_of(&caller.to_string()).is_some_and(|its| Some(its) != self.namespace)
    }

    /// Whether the call of `caller` has to be refused.
    pub(super) fn refuses(&self, guard: Guard, caller: Pid, call: &Call, memory: &mut Memory) -> bool {
        let arg = |i: usize| low(call.args.get(i).copied().unwrap_or(0));
        match guard {
            Guard::Kill => self.refuses_kill(caller, arg(0), arg(1)),
            Guard::Pid(at) => {
                let target = arg(usize::from(at));
                let harmless = match call.row.map(|row| row.name) {
                    Some("tkill" | "rt_sigqueueinfo") => harmless(arg(1)),
                    Some("tgkill" | "rt_tgsigqueueinfo") => harmless(arg(2)),
                    // Reading our limits is harmless: prlimit64(pid, resource, new_limit == NULL, ...).
                    Some("prlimit64") => call.args[2] == 0,
                    _ => false,
                };
                target > 0 && !harmless && self.is_named_by(caller, target)
            }
            // PRIO_PROCESS and IOPRIO_WHO_PROCESS are followed by the value for a process group.
            Guard::Which(process) if low(u64::from(process)) + 1 == arg(0) => self.is_our_group(caller, arg(1)),
            Guard::Which(process) => low(u64::from(process)) == arg(0) && self.is_named_by(caller, arg(1)),
            Guard::Pidfd => !harmless(arg(1)) && self.refuses_pidfd(caller, arg(0), arg(3)),
            Guard::Owner => self.refuses_owner(caller, call, memory),
        }
    }

    fn refuses_kill(&self, caller: Pid, target: Pid, signal: i32) -> bool {
        if harmless(signal) {
            return false;
        }
        match target {
            1.. => self.is_named_by(caller, target),
            // Everybody but the caller: smtrace survives what it can handle.
            -1 => matches!(signal, libc::SIGKILL | libc::SIGSTOP) && !self.is_elsewhere(caller),
            // The caller's own group: it would hit itself too.
            0 => false,
            group => group.checked_neg().is_some_and(|group| self.is_our_group(caller, group)),
        }
    }

    /// Whether `group`, said by a caller that is not in it, is ours. One that is in it means itself too.
    fn is_our_group(&self, caller: Pid, group: Pid) -> bool {
        group == self.group && limits::group_of(caller) != Some(self.group) && !self.is_elsewhere(caller)
    }

    fn refuses_owner(&self, caller: Pid, call: &Call, memory: &mut Memory) -> bool {
        const F_SETOWN: i32 = 8;
        const F_SETOWN_EX: i32 = 15;
        const F_OWNER_PGRP: i32 = 2;
        let target = match low(call.args[1]) {
            // F_SETOWN takes the target itself; the others its address: F_SETOWN_EX { int type; pid_t pid; }.
            F_SETOWN => low(call.args[2]),
            command => {
                let mut words = [[0; 4]; 2];
                if memory.read(caller, call.args[2], words.as_flattened_mut())
                    < if command == F_SETOWN_EX { 8 } else { 4 }
                {
                    // A bad address, which the kernel refuses; or memory that only the kernel may look at.
                    return namespace_of(&caller.to_string()).is_none();
                }
                let [first, second] = words.map(i32::from_ne_bytes);
                match (command, first) {
                    (F_SETOWN_EX, F_OWNER_PGRP) => second.saturating_neg(),
                    (F_SETOWN_EX, _) => second,
                    _ => first,
                }
            }
        };
        // As owner, a group that the caller is in is refused too: nothing but a signal to us can come of it.
        match target {
            1.. => self.is_named_by(caller, target),
            _ => target.checked_neg() == Some(self.group) && !self.is_elsewhere(caller),
        }
    }

    fn refuses_pidfd(&self, caller: Pid, fd: i32, flags: i32) -> bool {
        // PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9, linux/pidfd.h)
        match Referred::to(caller, fd) {
            Referred::Process(pid) if flags & 4 != 0 => {
                limits::group_of(pid).is_some_and(|group| self.is_our_group(caller, group))
            }
            Referred::Process(pid) => pid == self.pid,
            Referred::None => false,
            Referred::Unknown => true,
        }
    }
}

/// Which process a descriptor refers to, by our number.
enum Referred {
    Process(Pid),
    None,
    /// It cannot be told. Of what is neither a pidfd nor in proc the kernel makes nothing, so that refusing it does no harm.
    Unknown,
}

impl Referred {
    /// A pidfd tells its process in fdinfo ("Pid:"); a /proc/PID directory is taken as one too (pidfd_send_signal(2)), of
    /// whatever mount of proc, and tells it in its file `status`. No other file system is asked: one may be served by a
    /// tracee that stands in a stop.
    fn to(caller: Pid, fd: i32) -> Referred {
        let number = |text: &str, key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
        let Ok(info) = fs::read_to_string(format!("/proc/{caller}/fdinfo/{fd}")) else {
            return if namespace_of(&caller.to_string()).is_some() { Referred::None } else { Referred::Unknown };
        };
        if let Some(pid) = number(&info, "Pid:") {
            return Referred::Process(pid);
        }
        let mount: Option<Pid> = number(&info, "mnt_id:");
        let mounts = fs::read_to_string(format!("/proc/{caller}/mountinfo")).unwrap_or_default();
        let its = |line: &&str| line.split(' ').next().and_then(|id| id.parse().ok()) == mount;
        match mounts.lines().find(its).and_then(|line| line.split_once(" - ")?.1.split(' ').next()) {
            Some("proc") => fs::read_to_string(format!("/proc/{caller}/fd/{fd}/status"))
                .ok()
                .and_then(|status| number(&status, "Tgid:"))
                .map_or(Referred::None, Referred::Process),
            Some(_) => Referred::None,
            None => Referred::Unknown,
        }
    }
}

/// Signal 0 only asks, SIGCONT only helps.
fn harmless(signal: i32) -> bool {
    matches!(signal, 0 | libc::SIGCONT)
}

pub(super) fn namespace_of(process: &str) -> Option<u64> {
    fs::metadata(format!("/proc/{process}/ns/pid")).ok().map(|data| data.ino())
}

#[allow(clippy::cast_possible_truncation, reason = "the kernel takes these arguments as int")]
pub(super) fn low(register: u64) -> i32 {
    register as i32
}
