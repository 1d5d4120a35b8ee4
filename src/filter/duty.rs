//! Calls that stop whether enabled or not: a tracee could leave by them, harm the tracer, or change who it is.

use crate::model::Pid;

/// What smtrace has to do at such a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// prctl(PR_SET_NAME): the account of names follows.
    Comm,
    /// A change of user or group: the account of users follows.
    Creds,
    /// A change of the working directory.
    Cwd,
    /// A new mount: memory of files on FUSE is not read carelessly.
    Mount,
    /// clone with CLONE_UNTRACED in its first argument: the bit is cleared.
    CloneFlag,
    /// clone3, whose flags lie in memory: CLONE_UNTRACED is cleared there.
    Clone3,
    /// seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER): a supervisor could answer CONTINUE and hide calls.
    Listener,
    /// sched_getaffinity, sched_setaffinity, sched_setattr: our placement must not be seen.
    Affinity,
    /// ptrace: a tracee that names smtrace is refused, one that traces its like is helped.
    Ptrace,
    /// A call that could take over, starve, stop or end smtrace when it names us.
    Guard(Guard),
}

/// How a guarded call names its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// kill(2): a pid, a process group or everybody.
    Kill,
    /// The argument with this index is the target's pid or tid.
    Pid(u8),
    /// (which, who), as setpriority(2) and ioprio_set(2): `which` with this value means a process.
    Which(u32),
    /// pidfd_send_signal(2): the first argument is a descriptor that refers to a process.
    Pidfd,
    /// fcntl(F_SETOWN), ioctl(FIOSETOWN): who gets a file's signals, SIGKILL among them (F_SETSIG).
    Owner,
}

/// One watched call.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// The call's name in the table.
    pub call: &'static str,
    /// What to do.
    pub duty: Duty,
    /// When it stops.
    pub when: When,
}

/// Which calls of a watched one stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those whose argument with this index, under the mask, is the value: (argument, mask, value).
    Masked(u32, u32, u32),
    /// Those whose argument with this index is not 0.
    NotZero(u32),
}

const CLONE_UNTRACED: u32 = 0x0080_0000;
const SECCOMP_FILTER_FLAG_NEW_LISTENER: u32 = 8;
const PR_SET_NAME: u32 = 15;

const fn always(call: &'static str, duty: Duty) -> Watch {
    Watch { call, duty, when: When::Always }
}

/// All watched calls. `own_pid` is smtrace's.
///
/// Signals by pid cannot be tested against our pid in the filter, because the tids of our threads count too and a pid
/// namespace has other numbers; they are rare enough to stop each.
#[must_use]
pub fn duties(own_pid: Pid) -> Vec<Watch> {
    use Duty::{Affinity, Clone3, CloneFlag, Comm, Creds, Guard as G, Listener};
    let us = own_pid.cast_unsigned();
    let mut all = vec![
        Watch { call: "prctl", duty: Comm, when: When::Masked(0, u32::MAX, PR_SET_NAME) },
        Watch { call: "clone", duty: CloneFlag, when: When::Masked(0, CLONE_UNTRACED, CLONE_UNTRACED) },
        always("clone3", Clone3),
        always("chdir", Duty::Cwd),
        always("fchdir", Duty::Cwd),
        always("mount", Duty::Mount),
        always("fsmount", Duty::Mount),
        always("setns", Duty::Mount),
        Watch {
            call: "seccomp",
            duty: Listener,
            when: When::Masked(1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER),
        },
        always("sched_getaffinity", Affinity),
        always("sched_setaffinity", Affinity),
        // SCHED_DEADLINE fails with EPERM for who is kept to some of the CPUs (sched(7)).
        always("sched_setattr", Affinity),
        always("kill", G(Guard::Kill)),
        Watch { call: "tgkill", duty: G(Guard::Pid(0)), when: When::Masked(0, u32::MAX, us) },
        Watch { call: "rt_tgsigqueueinfo", duty: G(Guard::Pid(0)), when: When::Masked(0, u32::MAX, us) },
        always("setpriority", G(Guard::Which(0))),
        always("ioprio_set", G(Guard::Which(1))),
        always("pidfd_send_signal", G(Guard::Pidfd)),
        always("ptrace", Duty::Ptrace),
    ];
    // F_SETOWN, F_SETOWN_EX (fcntl(2)); FIOSETOWN, SIOCSPGRP (asm-generic/sockios.h).
    for (call, commands) in [("fcntl", [8, 15]), ("fcntl64", [8, 15]), ("ioctl", [0x8901, 0x8902])] {
        let owner = |command| Watch { call, duty: G(Guard::Owner), when: When::Masked(1, u32::MAX, command) };
        all.extend(commands.map(owner));
    }
    let by_first = [
        "tkill",
        "rt_sigqueueinfo",
        "prlimit64",
        "sched_setparam",
        "sched_setscheduler",
        "pidfd_open",
        "process_vm_readv",
        "process_vm_writev",
        "move_pages",
        "migrate_pages",
    ];
    // 0 is the caller itself or nobody. Every program that glibc starts asks for its own stack limit so.
    all.extend(by_first.map(|call| Watch { call, duty: G(Guard::Pid(0)), when: When::NotZero(0) }));
    let creds = [
        "setuid",
        "setgid",
        "setreuid",
        "setregid",
        "setresuid",
        "setresgid",
        "setfsuid",
        "setuid32",
        "setgid32",
        "setreuid32",
        "setregid32",
        "setresuid32",
        "setresgid32",
    ];
    all.extend(creds.map(|call| always(call, Creds)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn every_watched_call_is_in_the_table() {
        let mut seen = Vec::new();
        for watch in duties(1) {
            assert!(table::by_name(watch.call).is_some(), "{}", watch.call);
            let key = (watch.call, watch.when);
            assert!(!seen.contains(&key), "{}", watch.call);
            seen.push(key);
        }
    }
}
