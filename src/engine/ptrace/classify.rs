//! A wait status word in the words of ptrace(2). Pure.

/// What waitpid told about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It ended; the status word says how.
    Ended,
    /// It stopped.
    Stopped(Stop),
    /// Nothing that concerns a tracer (a continued child).
    Other,
}

/// The kinds of ptrace-stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// syscall-enter-stop or syscall-exit-stop; the status does not say which.
    Syscall,
    /// PTRACE_EVENT_SECCOMP.
    Seccomp,
    /// PTRACE_EVENT_FORK or _VFORK: a process was made, as fork(2), vfork(2) and posix_spawn(3) do.
    Fork,
    /// PTRACE_EVENT_CLONE: most often a thread was made.
    Clone,
    /// PTRACE_EVENT_EXEC.
    Exec,
    /// group-stop, by this signal.
    Group(i32),
    /// PTRACE_EVENT_STOP that is no group-stop: a new child, an interrupt, or the end of a group-stop.
    Trap,
    /// signal-delivery-stop.
    Signal(i32),
    /// An event that needs nothing but to go on.
    Event,
}

const PTRACE_EVENT_STOP: i32 = 128;

pub(super) fn classify(status: i32) -> Told {
    if status & 0x7f != 0x7f || status == 0xffff {
        return if status == 0xffff { Told::Other } else { Told::Ended };
    }
    let (signal, event) = (status >> 8 & 0xff, status >> 16);
    Told::Stopped(match event {
        // "Syscall-stops ... (SIGTRAP | 0x80)" with PTRACE_O_TRACESYSGOOD.
        0 if signal == libc::SIGTRAP | 0x80 => Stop::Syscall,
        0 => Stop::Signal(signal),
        libc::PTRACE_EVENT_SECCOMP => Stop::Seccomp,
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK => Stop::Fork,
        libc::PTRACE_EVENT_CLONE => Stop::Clone,
        libc::PTRACE_EVENT_EXEC => Stop::Exec,
        // "If the tracee was attached using PTRACE_SEIZE, group-stop is indicated by PTRACE_EVENT_STOP:
        // status>>16 == PTRACE_EVENT_STOP", and the stop signal tells it from the others.
        PTRACE_EVENT_STOP => match signal {
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Stop::Group(signal),
            _ => Stop::Trap,
        },
        _ => Stop::Event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_words_of_the_manual() {
        assert_eq!(classify(0x2a00), Told::Ended);
        assert_eq!(classify(9), Told::Ended);
        assert_eq!(classify(0x8b), Told::Ended);
        assert_eq!(classify(0xffff), Told::Other);
        let stopped = |status, stop| assert_eq!(classify(status), Told::Stopped(stop));
        stopped(0x85 << 8 | 0x7f, Stop::Syscall);
        stopped(libc::SIGTRAP << 8 | 0x7f, Stop::Signal(libc::SIGTRAP));
        stopped(libc::SIGSTOP << 8 | 0x7f, Stop::Signal(libc::SIGSTOP));
        stopped(64 << 8 | 0x7f, Stop::Signal(64));
        stopped(7 << 16 | 5 << 8 | 0x7f, Stop::Seccomp);
        stopped(4 << 16 | 5 << 8 | 0x7f, Stop::Exec);
        stopped(1 << 16 | 5 << 8 | 0x7f, Stop::Fork);
        stopped(3 << 16 | 5 << 8 | 0x7f, Stop::Clone);
        stopped(128 << 16 | libc::SIGTSTP << 8 | 0x7f, Stop::Group(libc::SIGTSTP));
        stopped(128 << 16 | libc::SIGTRAP << 8 | 0x7f, Stop::Trap);
        stopped(6 << 16 | 5 << 8 | 0x7f, Stop::Event);
    }
}
