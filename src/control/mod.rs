//! Commands from outside, while a trace runs: today the signals that smtrace gets.
//!
//! One thread takes them. What concerns the tracing thread is put down as a request, and that thread is woken until it
//! has taken it; the rest is done here.

use crate::bus::Waker;
use crate::engine::ptrace::tracer_of;
use crate::model::Pid;
use crate::sys::{clock, inherited, signals};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Let every tracee go.
pub const DETACH: u32 = 1;
/// Kill every tracee.
pub const KILL: u32 = 2;

/// How long after the command's end what outlives it is named.
const NAME_ORPHANS_AFTER: u64 = 5_000_000_000;

/// What the threads of a run tell each other.
#[derive(Debug, Default)]
pub struct Shared {
    requests: AtomicU32,
    reopen: AtomicBool,
    name_orphans: AtomicBool,
    collecting: Arc<AtomicBool>,
    root: AtomicI32,
    root_gone: AtomicU64,
}

impl Shared {
    /// Shared state at the start of a run.
    #[must_use]
    pub fn new(collecting: bool) -> Arc<Shared> {
        Arc::new(Shared { collecting: Arc::new(AtomicBool::new(collecting)), ..Shared::default() })
    }

    /// Takes the requests to the tracing thread: bits of [`DETACH`] and [`KILL`].
    pub fn take_requests(&self) -> u32 {
        self.requests.swap(0, Ordering::AcqRel)
    }

    /// Whether events are collected now; SIGUSR2 changes it.
    #[must_use]
    pub fn collecting(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.collecting)
    }

    /// Whether the log is to be opened again.
    pub fn take_reopen(&self) -> bool {
        self.reopen.swap(false, Ordering::AcqRel)
    }

    /// Whether the processes that outlive the command are to be named now.
    pub fn take_name_orphans(&self) -> bool {
        self.name_orphans.swap(false, Ordering::AcqRel)
    }

    /// Says which process signals are forwarded to.
    pub fn set_root(&self, root: Pid) {
        self.root.store(root, Ordering::Release);
    }

    /// Whether the command's end was said.
    pub fn root_was_told(&self) -> bool {
        self.root_gone.load(Ordering::Acquire) != 0
    }

    /// Says that the command ended.
    pub fn root_is_gone(&self) {
        self.root.store(0, Ordering::Release);
        self.root_gone.store(clock::monotonic(), Ordering::Release);
    }
}

/// What the signal thread needs.
#[derive(Debug)]
pub struct Signals {
    /// The run's state.
    pub shared: Arc<Shared>,
    /// Wakes the reader.
    pub waker: Waker,
    /// The tracing thread, which is the main thread: also what /proc/PID/status calls the tracer.
    pub tracer: Pid,
    /// Seconds after the command's end when what is left is killed.
    pub kill_after: Option<u64>,
}

impl Signals {
    /// Takes signals until the process ends.
    pub fn run(self) {
        let (mut named, mut killed, mut asked) = (false, false, false);
        loop {
            let pending = self.shared.requests.load(Ordering::Acquire) != 0;
            if pending {
                signals::wake(self.tracer);
            }
            let timeout = Duration::from_millis(if pending { 2 } else { 250 });
            if let Some(received) = signals::next(timeout) {
                self.take(received, &mut asked);
            }
            let gone = self.shared.root_gone.load(Ordering::Acquire);
            if gone == 0 {
                continue;
            }
            let since = clock::monotonic().saturating_sub(gone);
            if since >= NAME_ORPHANS_AFTER && !named {
                named = true;
                self.shared.name_orphans.store(true, Ordering::Release);
                self.waker.wake();
            }
            if self.kill_after.is_some_and(|after| since >= after.saturating_mul(1_000_000_000)) && !killed {
                killed = true;
                self.request(KILL);
            }
        }
    }

    fn request(&self, what: u32) {
        self.shared.requests.fetch_or(what, Ordering::AcqRel);
    }

    /// As [`Signals::request`], also when the tracing thread waits for a reader that is stuck.
    fn request_now(&self, what: u32) {
        self.request(what);
        self.waker.abort();
    }

    fn take(&self, received: signals::Received, asked: &mut bool) {
        let root = self.shared.root.load(Ordering::Acquire);
        let launched = root != 0 || self.shared.root_gone.load(Ordering::Acquire) != 0;
        match received.signal {
            libc::SIGUSR1 => {
                self.shared.reopen.store(true, Ordering::Release);
                self.waker.wake();
            }
            libc::SIGUSR2 => {
                self.shared.collecting.fetch_xor(true, Ordering::AcqRel);
            }
            libc::SIGWINCH | libc::SIGALRM if root == 0 => {}
            // nohup and `trap '' HUP` mean smtrace too.
            signal if root == 0 && inherited::was_ignored(signal) => {}
            _ if !launched => self.request_now(DETACH),
            // The terminal sends to its whole foreground group: the command has its own. So has a command that
            // signalled its group, which includes us.
            _ if received.sent && tracer_of(received.sender) == Some(self.tracer) => {}
            signal if root != 0 => {
                // A log that nobody reads holds the command in a stop, and it cannot take the signal: the second one
                // ends the wait.
                if std::mem::replace(asked, true) {
                    self.waker.abort();
                }
                if received.sent {
                    signals::send(root, signal);
                }
            }
            _ => self.request_now(KILL),
        }
    }
}
