//! Commands from outside, while a trace runs: signals, and words on the control socket.
//!
//! One thread takes signals; commands come on threads of their own ([`socket`], [`Steer`]). What concerns the tracing thread is put down as a request, and that thread is woken until it
//! has taken it; the rest is done here.

mod commands;
mod rates;
pub mod socket;
mod steer;

pub use commands::{Command, Done, Order, ReaderOrder, Turn};
pub use steer::{Figures, Steer, Steering};

use crate::bus::Waker;
use crate::engine::ptrace::{self, Signallers};
use crate::model::{CallSet, Pid};
use crate::sys::{clock, inherited, signals};
use rates::Rates;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Let every tracee go.
pub const DETACH: u32 = 1;
/// Kill every tracee.
pub const KILL: u32 = 2;
/// Take the orders.
pub const ORDERS: u32 = 4;

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
    launched: AtomicBool,
    orders: Mutex<Vec<Order>>,
    turns: Mutex<Vec<ReaderOrder>>,
    /// The calls that the log shows, when not all that are traced.
    shown: Mutex<Option<CallSet>>,
    tracees: AtomicUsize,
    stepping: AtomicBool,
    events: AtomicU64,
    events_lost: AtomicU64,
    written: AtomicU64,
    /// Writes that began and that ended: odd while one is under way.
    writes: AtomicU64,
    rates: Mutex<Rates>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Shared state at the start of a run.
    #[must_use]
    pub fn new(collecting: bool) -> Arc<Shared> {
        Arc::new(Shared { collecting: Arc::new(AtomicBool::new(collecting)), ..Shared::default() })
    }

    /// Asks the tracing thread for something: bits of [`DETACH`], [`KILL`] and [`ORDERS`].
    pub fn request(&self, what: u32) {
        self.requests.fetch_or(what, Ordering::AcqRel);
    }

    /// Gives the tracing thread something to do, at its next round.
    pub fn order(&self, order: Order) {
        lock(&self.orders).push(order);
        self.request(ORDERS);
    }

    /// What the tracing thread is to do, in order.
    pub fn take_orders(&self) -> Vec<Order> {
        std::mem::take(&mut lock(&self.orders))
    }

    /// Gives the log's reader something to do; it has to be woken.
    pub fn turn(&self, order: ReaderOrder) {
        lock(&self.turns).push(order);
    }

    /// What the log's reader is to do, in order.
    pub fn take_turns(&self) -> Vec<ReaderOrder> {
        std::mem::take(&mut lock(&self.turns))
    }

    /// Shows only `calls` of those that are traced.
    pub fn show(&self, calls: CallSet) {
        *lock(&self.shown) = Some(calls);
    }

    /// The calls that are shown, when not all.
    pub fn shown(&self) -> Option<CallSet> {
        lock(&self.shown).clone()
    }

    /// Says how many tasks are traced, and whether they stop at every call.
    pub fn publish_engine(&self, tracees: usize, stepping: bool) {
        self.tracees.store(tracees, Ordering::Relaxed);
        self.stepping.store(stepping, Ordering::Relaxed);
    }

    /// Says what was written, what could not be, and up to where on the bus.
    pub fn publish_log(&self, events: u64, lost: u64, position: u64) {
        self.events.store(events, Ordering::Relaxed);
        self.events_lost.store(lost, Ordering::Relaxed);
        self.written.store(position, Ordering::Release);
    }

    /// Does a write of the log's reader, which may wait for somebody who takes nothing.
    pub fn writing<T>(&self, write: impl FnOnce() -> T) -> T {
        self.writes.fetch_add(1, Ordering::AcqRel);
        let done = write();
        self.writes.fetch_add(1, Ordering::AcqRel);
        done
    }

    /// The write that the log's reader is in, by a number of its own.
    pub fn write_under_way(&self) -> Option<u64> {
        Some(self.writes.load(Ordering::Acquire)).filter(|write| write % 2 == 1)
    }

    fn tracees(&self) -> usize {
        self.tracees.load(Ordering::Relaxed)
    }

    fn is_stepping(&self) -> bool {
        self.stepping.load(Ordering::Relaxed)
    }

    fn is_collecting(&self) -> bool {
        self.collecting.load(Ordering::Relaxed)
    }

    fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    fn events_lost(&self) -> u64 {
        self.events_lost.load(Ordering::Relaxed)
    }

    fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Records and events a second: over the last second, and over the last ten.
    fn rates(&self) -> ((u64, u64), (u64, u64)) {
        let rates = lock(&self.rates);
        (rates.over(1), rates.over(10))
    }

    fn is_launched(&self) -> bool {
        self.launched.load(Ordering::Acquire)
    }

    /// Ends the command as a SIGTERM to smtrace does.
    fn end_command(&self) {
        match self.root.load(Ordering::Acquire) {
            0 => self.request(KILL),
            root => signals::send(root, libc::SIGTERM),
        }
    }

    /// Takes the requests to the tracing thread.
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
        self.launched.store(true, Ordering::Release);
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
    /// Tracees that signalled a group, which smtrace may be in.
    pub signallers: Signallers,
    /// Seconds after the command's end when what is left is killed.
    pub kill_after: Option<u64>,
    /// What SIGHUP reads again; `None` when there is no file to read.
    pub reload: Option<Arc<Steer>>,
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
            let sample = (self.waker.sent(), self.shared.events());
            lock(&self.shared.rates).sample(clock::monotonic(), sample);
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
        self.shared.request(what);
    }

    /// As [`Signals::request`], also when the tracing thread waits for a reader that is stuck.
    fn request_now(&self, what: u32) {
        self.request(what);
        self.waker.abort();
    }

    fn is_tracee(&self, pid: Pid) -> bool {
        self.signallers.has(pid) || ptrace::tracer(pid) == Some(self.tracer)
    }

    fn take(&self, received: signals::Received, asked: &mut bool) {
        let root = self.shared.root.load(Ordering::Acquire);
        let launched = root != 0 || self.shared.root_gone.load(Ordering::Acquire) != 0;
        match received.signal {
            // What is traced does not steer its tracer.
            libc::SIGUSR1 | libc::SIGUSR2 if received.sent && self.is_tracee(received.sender) => {}
            libc::SIGUSR1 => {
                self.shared.reopen.store(true, Ordering::Release);
                self.waker.wake();
            }
            libc::SIGUSR2 => {
                self.shared.collecting.fetch_xor(true, Ordering::AcqRel);
            }
            libc::SIGWINCH | libc::SIGALRM if root == 0 => {}
            // A hangup that a process sent, not the terminal, with files to read again.
            libc::SIGHUP if received.sent && self.reload.is_some() && !self.is_tracee(received.sender) => {
                if let Some(steer) = self.reload.clone() {
                    // On a thread of its own: this one wakes the tracing thread, which has to answer.
                    let _ = std::thread::Builder::new().name("reload".to_owned()).spawn(move || steer.reload_and_say());
                }
            }
            // nohup and `trap '' HUP` mean smtrace too.
            signal if root == 0 && inherited::was_ignored(signal) => {}
            _ if !launched => self.request_now(DETACH),
            // The terminal sends to its whole foreground group: the command has its own. So has a command that
            // signalled its group, which includes us.
            _ if received.sent && self.is_tracee(received.sender) => {}
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
