//! What smtrace does to itself: limits, dumpability, ids.

use crate::model::Pid;

/// Our own process id.
#[must_use]
pub fn pid() -> Pid {
    // SAFETY: cannot fail.
    unsafe { libc::getpid() }
}

/// Our effective user.
#[must_use]
pub fn uid() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() }
}

/// The calling thread's id.
#[must_use]
pub fn tid() -> Pid {
    // SAFETY: cannot fail.
    unsafe { libc::gettid() }
}

/// Our process group.
#[must_use]
pub fn process_group() -> Pid {
    // SAFETY: cannot fail.
    unsafe { libc::getpgrp() }
}

/// The process group of `pid`; `None` when it is gone.
#[must_use]
pub fn group_of(pid: Pid) -> Option<Pid> {
    // SAFETY: takes a number.
    let group = unsafe { libc::getpgid(pid) };
    (group >= 0).then_some(group)
}

/// Makes smtrace undumpable, so that a tracee with our uid can neither attach to it nor open its memory (prctl(2),
/// PR_SET_DUMPABLE).
pub fn hide() {
    // SAFETY: takes plain numbers.
    unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) };
}

/// Descriptors that smtrace has room for where it may: a few for itself, and those that it keeps of tracees (`Kept`).
const FILES: libc::rlim_t = 1024;

/// Raises our own limits, after the tracee has inherited the originals: the soft ones to the hard ones, and where we may
/// (`CAP_SYS_RESOURCE`) those of file size and CPU time altogether, since a shell's `ulimit -f` sets both, and that of
/// descriptors to what smtrace needs.
pub fn raise_own() {
    let endless = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    for which in [libc::RLIMIT_NOFILE, libc::RLIMIT_FSIZE, libc::RLIMIT_CPU] {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the structures live across the calls. What cannot be raised stays as it is.
        unsafe {
            if which != libc::RLIMIT_NOFILE && libc::setrlimit(which, &raw const endless) == 0 {
                continue;
            }
            if libc::getrlimit(which, &raw mut limit) == 0 {
                let files = libc::rlimit { rlim_cur: FILES, rlim_max: FILES };
                let few = which == libc::RLIMIT_NOFILE && limit.rlim_max < FILES;
                if few && libc::setrlimit(which, &raw const files) == 0 {
                    continue;
                }
                limit.rlim_cur = limit.rlim_max;
                libc::setrlimit(which, &raw const limit);
            }
        }
    }
}

/// Whether `tid` is a process, and not another of its threads: pidfd_open(2) takes no thread.
#[must_use]
pub fn is_process(tid: Pid) -> bool {
    // SAFETY: two numbers; the descriptor is closed at once.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, tid, 0);
        fd >= 0 && libc::close(i32::try_from(fd).unwrap_or(-1)) == 0
    }
}

/// How many descriptors smtrace may have.
#[must_use]
pub fn files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives across the call.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur
}

/// Forbids a core file of our own, before we die by the tracee's signal.
pub fn no_core() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `none` lives across the call.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) };
}
