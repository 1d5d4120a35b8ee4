//! smtrace's own signals.
//!
//! Every thread of smtrace blocks all signals; one thread takes them with sigtimedwait(2), which tells who sent them.
//! Only [`wake`]'s signal is open in the tracing thread, to interrupt its wait.

use super::limits;
use crate::model::Pid;
use std::time::Duration;

/// A saved signal mask.
#[derive(Clone, Copy)]
pub struct Mask(pub(super) libc::sigset_t);

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mask")
    }
}

/// A signal sent to smtrace.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Its number.
    pub signal: i32,
    /// Whether a process sent it (`si_code <= 0`), not the terminal or the kernel.
    pub sent: bool,
    /// Who sent it, when a process did.
    pub sender: Pid,
}

/// The signals that are taken by [`next`].
pub const TAKEN: [i32; 8] = [
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGWINCH,
];

fn set_of(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: sigemptyset initialises the set; the numbers are valid signals.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

fn wake_signal() -> i32 {
    libc::SIGRTMAX()
}

extern "C" fn nothing(_: i32) {}

/// Blocks every signal in the calling thread and those it will start; returns the mask it had.
#[must_use]
pub fn block_all() -> Mask {
    // SAFETY: both sets live across the call.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut old: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut old);
        Mask(old)
    }
}

/// Arranges the dispositions that smtrace itself needs, after the tracee was forked with the inherited ones.
///
/// SIGTSTP, SIGTTIN, SIGTTOU: the terminal's job control is the tracee's affair, we follow its group-stop. SIGPIPE,
/// SIGXFSZ, SIGXCPU: a closed pipe or a limit must not end the tracer, whose end would be the tracee's. SIGCHLD: an
/// inherited SIG_IGN would make the kernel reap children before we see their status (wait(2), NOTES).
pub fn arrange() {
    use libc::{SIG_DFL, SIG_IGN, SIGCHLD, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGXCPU, SIGXFSZ};
    let ignored = [SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE, SIGXFSZ, SIGXCPU];
    // SAFETY: plain dispositions; the handler does nothing, and SA_RESTART is left out so that it interrupts a wait.
    unsafe {
        for signal in ignored {
            libc::signal(signal, SIG_IGN);
        }
        for signal in TAKEN {
            libc::signal(signal, SIG_DFL);
        }
        libc::signal(SIGCHLD, SIG_DFL);
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
        libc::sigaction(wake_signal(), &raw const action, std::ptr::null_mut());
    }
}

/// Opens the wake signal in the calling thread, which becomes the one that [`wake`] reaches.
pub fn open_wake() {
    let set = set_of(&[wake_signal()]);
    // SAFETY: the set lives across the call.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
}

/// Interrupts the wait of the thread `tid` of smtrace. The caller repeats it until the thread has answered, because a
/// signal that comes just before the wait begins is lost.
pub fn wake(tid: Pid) {
    // SAFETY: plain numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, limits::pid(), tid, wake_signal()) };
}

/// Takes the next of [`TAKEN`]; `None` after `timeout`.
#[must_use]
pub fn next(timeout: Duration) -> Option<Received> {
    let set = set_of(&TAKEN);
    let time = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(1),
        tv_nsec: libc::c_long::from(timeout.subsec_nanos()),
    };
    // SAFETY: all three live across the call; si_pid is read only for codes that have it.
    unsafe {
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let signal = libc::sigtimedwait(&raw const set, &raw mut info, &raw const time);
        let sent = info.si_code <= 0;
        (signal > 0).then(|| Received { signal, sent, sender: if sent { info.si_pid() } else { 0 } })
    }
}

/// Sends `signal` to a process.
pub fn send(pid: Pid, signal: i32) {
    // SAFETY: plain numbers; the caller names a process it has not reaped yet, so the pid is not reused.
    unsafe { libc::kill(pid, signal) };
}

/// Stops smtrace itself, as a job whose tracee stopped. Returns when somebody continues it.
pub fn stop_self() {
    // SAFETY: SIGSTOP cannot be blocked or handled.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Dies by `signal` as the tracee did, without a core. Returns if the signal does not end a process.
pub fn die_by(signal: i32) {
    limits::no_core();
    let set = set_of(&[signal]);
    // SAFETY: resets the disposition, unblocks and raises one signal.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::kill(limits::pid(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
    }
}
