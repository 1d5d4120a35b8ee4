//! Whether a call would take over, starve, stop or end smtrace itself.

use crate::engine::Call;
use crate::filter::Guard;
use crate::model::Pid;
use crate::sys::limits;
use crate::sys::memory::Memory;
use std::fs;
use std::os::unix::fs::MetadataExt;

/// What smtrace is, as a target.
#[derive(Debug)]
pub(super) struct Us {
    pid: Pid,
    group: Pid,
    namespace: Option<u64>,
}

impl Us {
    pub(super) fn new(pid: Pid, group: Pid) -> Us {
        Us { pid, group, namespace: namespace_of("self") }
    }

    /// Our pid namespace.
    pub(super) fn namespace(&self) -> Option<u64> {
        self.namespace
    }

    /// Whether `pid`, said by `caller`, is smtrace or one of its threads.
    fn is_named_by(&self, caller: Pid, pid: Pid) -> bool {
        let ours = pid == self.pid || fs::metadata(format!("/proc/self/task/{pid}")).is_ok();
        // In another pid namespace the number means somebody else; smtrace is not visible from a child namespace.
        ours && namespace_of(&caller.to_string()) == self.namespace
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
            -1 => {
                matches!(signal, libc::SIGKILL | libc::SIGSTOP) && namespace_of(&caller.to_string()) == self.namespace
            }
            // The caller's own group: it would hit itself too.
            0 => false,
            group => group.checked_neg().is_some_and(|group| self.is_our_group(caller, group)),
        }
    }

    /// Whether `group`, said by a caller that is not in it, is ours. One that is in it means itself too.
    fn is_our_group(&self, caller: Pid, group: Pid) -> bool {
        group == self.group
            && limits::group_of(caller) != Some(self.group)
            && namespace_of(&caller.to_string()) == self.namespace
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
                    return false;
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
            _ => target.checked_neg() == Some(self.group) && namespace_of(&caller.to_string()) == self.namespace,
        }
    }

    fn refuses_pidfd(&self, caller: Pid, fd: i32, flags: i32) -> bool {
        // PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9, linux/pidfd.h)
        let target = Us::process_of(caller, fd);
        match target {
            Some(pid) if flags & 4 != 0 => limits::group_of(pid).is_some_and(|group| self.is_our_group(caller, group)),
            Some(pid) => pid == self.pid,
            None => false,
        }
    }

    /// The process that the descriptor of `caller` refers to, by our number.
    fn process_of(caller: Pid, fd: i32) -> Option<Pid> {
        // A pidfd tells its process in fdinfo ("Pid:"); a /proc/PID directory is taken as one too (pidfd_send_signal(2)).
        let directory = fs::read_link(format!("/proc/{caller}/fd/{fd}"))
            .ok()
            .and_then(|path| path.to_str()?.strip_prefix("/proc/")?.parse::<Pid>().ok());
        let pidfd = || {
            let text = fs::read_to_string(format!("/proc/{caller}/fdinfo/{fd}")).ok()?;
            text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse::<Pid>().ok()
        };
        directory.or_else(pidfd)
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
