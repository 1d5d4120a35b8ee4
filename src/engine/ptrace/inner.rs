//! A tracee that traces: what LeakSanitizer asks of ptrace, done for it.
//!
//! A task has one tracer, and that is smtrace. But every program built with LeakSanitizer (so with AddressSanitizer, too)
//! stops its own threads at its end, by a helper that it clones with CLONE_VM, looks at their registers, lets them go, and
//! fails when it cannot. So such a helper's PTRACE_ATTACH makes smtrace hold the target, the requests that look at it are
//! answered, and its wait4(2) is told of the stop.
//!
//! Only for a target that shares the memory of the caller: that one can make it do anything already, so nothing is allowed
//! here that the kernel would have to be asked about. For all others the kernel answers, with EPERM.
//!
//! Promise: who holds, or waits for, a task that ends, is replaced by an exec or is let go, is let go too.

use super::classify::Stop;
use super::guard::{self, low};
use super::{Engine, identity};
use crate::arch;
use crate::engine::Call;
use crate::model::{Abi, Pid};
use crate::sys::ptrace::{self, shares_memory};
use crate::sys::signals;
use rustc_hash::FxHashMap;

const EPERM: i64 = 1;
const ESRCH: i64 = 3;
const EIO: i64 = 5;
const ECHILD: i64 = 10;
const EFAULT: i64 = 14;

/// Registers of a regset that are handed on at most; XSAVE with AMX needs 11 KiB.
const REGSET: usize = 64 << 10;

/// elf.h: general and floating-point registers.
const NT_PRSTATUS: u64 = 1;
const NT_PRFPREG: u64 = 2;

/// A target, as its tracer names it: the tracer's tid, and the target's number in the tracer's pid namespace.
pub(super) type Key = (Pid, Pid);

/// The tasks that tracees trace.
#[derive(Debug, Default)]
pub(super) struct Inner {
    held: FxHashMap<Key, Held>,
    /// Inner tracers that stand at the start of a wait4: the number that each waits for, or -1, and where its status goes.
    waiting: FxHashMap<Pid, Wait>,
}

#[derive(Debug)]
struct Held {
    tid: Pid,
    at: At,
}

#[derive(Clone, Copy, Debug)]
enum At {
    /// It was asked to stop.
    Asked,
    /// It stands. `untold` is the status word that wait4 has not given yet, `signal` what it still has to take.
    Stands { untold: Option<i32>, signal: i32, group: bool },
    /// Its tracer let it run on (PTRACE_CONT).
    Runs,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    number: Pid,
    status: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The kernel does it.
    Kernel,
    /// It is skipped, with this result.
    Done(i64),
    /// It cannot be answered yet: the caller stands.
    Later,
}

impl Engine {
    /// Answers a ptrace or wait call of a tracee, if it is one that concerns a target of its own.
    pub(super) fn serve_inner(&mut self, tid: Pid, call: &Call) {
        let traces = self.tracees.get(&tid).is_some_and(|tracee| tracee.targets > 0);
        let answer = match call.row.map(|row| row.name) {
            Some("ptrace") if low(call.args[0]) == libc::PTRACE_ATTACH.cast_signed() => self.inner_attach(tid, call),
            Some("ptrace") if traces => self.inner_request(tid, call),
            Some("wait4" | "waitpid") if traces => self.inner_wait(tid, call),
            _ => Answer::Kernel,
        };
        if let Answer::Done(result) = answer {
            let _ = arch::skip_call(tid, result);
        }
    }

    fn inner_attach(&mut self, tid: Pid, call: &Call) -> Answer {
        let number = low(call.args[1]);
        let Some(target) = self.numbered(tid, number) else { return Answer::Kernel };
        let (Some(caller), Some(tracee)) = (self.tracees.get(&tid), self.tracees.get(&target)) else {
            return Answer::Kernel;
        };
        // "attempted to attach to a thread of its own process" and the like are the kernel's to refuse.
        if caller.pid == tracee.pid || !shares_memory(tid, target) {
            return Answer::Kernel;
        }
        if tracee.held.is_some() {
            return Answer::Done(-EPERM);
        }
        let key = (tid, number);
        self.inner.held.insert(key, Held { tid: target, at: At::Asked });
        self.tracees.entry(target).and_modify(|tracee| tracee.held = Some(key));
        self.tracees.entry(tid).and_modify(|tracee| tracee.targets += 1);
        self.interrupt(target);
        Answer::Done(0)
    }

    /// Our number of the task that `caller` calls `number`.
    fn numbered(&self, caller: Pid, number: Pid) -> Option<Pid> {
        let namespace = |tid: Pid| guard::namespace_of(&tid.to_string());
        let its = namespace(caller);
        if its == self.us.namespace() {
            return Some(number).filter(|tid| self.tracees.contains_key(tid));
        }
        let is_it = |tid: &Pid| identity::inner_number(*tid) == Some(number) && namespace(*tid) == its;
        self.tracees.keys().copied().find(is_it)
    }

    fn inner_request(&mut self, tid: Pid, call: &Call) -> Answer {
        let [request, number, address, data, ..] = call.args;
        let key = (tid, low(number));
        let Some(Held { tid: target, at }) = self.inner.held.get(&key) else { return Answer::Kernel };
        let (target, at) = (*target, *at);
        if low(request) == libc::PTRACE_KILL.cast_signed() {
            signals::send(target, libc::SIGKILL);
            return Answer::Done(0);
        }
        // "ESRCH: ... or is not stopped (for requests that require a stopped tracee)" (ptrace(2)).
        if !matches!(at, At::Stands { .. }) {
            return Answer::Done(-ESRCH);
        }
        let wide = call.abi != Some(Abi::I386);
        let result = match low(request).cast_unsigned() {
            libc::PTRACE_CONT => {
                self.let_run(key, At::Runs, low(data));
                Some(0)
            }
            libc::PTRACE_DETACH => {
                self.let_run(key, At::Runs, low(data));
                self.release(key);
                Some(0)
            }
            libc::PTRACE_PEEKTEXT | libc::PTRACE_PEEKDATA => {
                let mut word = [0; 8];
                let word = if wide { &mut word[..] } else { &mut word[..4] };
                let whole = self.memory.read(target, address, word) == word.len();
                (whole && self.memory.write(tid, data, word)).then_some(0)
            }
            libc::PTRACE_GETREGS => self.registers_to(tid, target, NT_PRSTATUS, data, REGSET).map(|_| 0),
            libc::PTRACE_GETFPREGS => self.registers_to(tid, target, NT_PRFPREG, data, REGSET).map(|_| 0),
            libc::PTRACE_GETREGSET => self.regset_to(tid, target, address, data, if wide { 8 } else { 4 }),
            _ => None,
        };
        Answer::Done(result.unwrap_or(-EIO))
    }

    /// Writes a regset of `target`, at most `room` bytes of it, to `to` in `tid`; returns how many.
    fn registers_to(&mut self, tid: Pid, target: Pid, note: u64, to: u64, room: usize) -> Option<usize> {
        let mut registers = vec![0; room.min(REGSET)];
        let got = ptrace::regset(target, note, &mut registers).ok()?;
        self.memory.write(tid, to, registers.get(..got)?).then_some(got)
    }

    /// PTRACE_GETREGSET: `at` is a `struct iovec` of two words, whose length becomes that of what was written.
    fn regset_to(&mut self, tid: Pid, target: Pid, note: u64, at: u64, word: usize) -> Option<i64> {
        let mut iovec = [0; 16];
        if self.memory.read(tid, at, &mut iovec[..2 * word]) < 2 * word {
            return Some(-EFAULT);
        }
        let field = |from: usize| {
            let mut bytes = [0; 8];
            bytes[..word].copy_from_slice(&iovec[from..from + word]);
            u64::from_le_bytes(bytes)
        };
        let room = usize::try_from(field(word)).unwrap_or(usize::MAX);
        let got = self.registers_to(tid, target, note, field(0), room)?;
        let written = self.memory.write(tid, at + word as u64, &got.to_le_bytes()[..word]);
        Some(if written { 0 } else { -EFAULT })
    }

    fn inner_wait(&mut self, tid: Pid, call: &Call) -> Answer {
        let wait = Wait { number: low(call.args[0]), status: call.args[1] };
        if wait.number != -1 && !self.inner.held.contains_key(&(tid, wait.number)) {
            return Answer::Kernel;
        }
        match self.untold(tid, wait) {
            Some(number) => Answer::Done(self.tell(tid, number, wait)),
            // Its children may have something to tell too; a target that was asked to stop will soon.
            None if wait.number == -1 && !self.any_asked(tid) => Answer::Kernel,
            None if low(call.args[2]) & libc::WNOHANG != 0 => Answer::Done(0),
            None => {
                self.inner.waiting.insert(tid, wait);
                Answer::Later
            }
        }
    }

    fn any_asked(&self, tid: Pid) -> bool {
        self.inner.held.iter().any(|((by, _), held)| *by == tid && matches!(held.at, At::Asked))
    }

    /// The number of a target that `wait` of `tid` can be told of.
    fn untold(&self, tid: Pid, wait: Wait) -> Option<Pid> {
        let told = |held: &Held| !matches!(held.at, At::Stands { untold: Some(_), .. });
        match wait.number {
            -1 => {
                self.inner.held.iter().find(|((by, _), held)| *by == tid && !told(held)).map(|((_, number), _)| *number)
            }
            number => self.inner.held.get(&(tid, number)).filter(|held| !told(held)).map(|_| number),
        }
    }

    /// Gives the status of a target to its tracer; returns the result of the wait.
    fn tell(&mut self, tid: Pid, number: Pid, wait: Wait) -> i64 {
        let Some(Held { at: At::Stands { untold, .. }, .. }) = self.inner.held.get_mut(&(tid, number)) else {
            return -ECHILD;
        };
        let status = untold.take().unwrap_or(0);
        match wait.status == 0 || self.memory.write(tid, wait.status, &status.to_le_bytes()) {
            true => i64::from(number),
            false => -EFAULT,
        }
    }

    /// Whether a tracee that has been served must not be resumed: it stands for its tracer, or for an answer.
    pub(super) fn stands(&mut self, tid: Pid, stop: Stop, signal: i32) -> bool {
        if self.inner.held.is_empty() {
            return false;
        }
        if self.inner.waiting.contains_key(&tid) {
            return true;
        }
        let Some(key) = self.tracees.get(&tid).and_then(|tracee| tracee.held) else { return false };
        let Some(held) = self.inner.held.get_mut(&key) else { return false };
        let stop_word = |signal: i32| Some(signal << 8 | 0x7f);
        let group = matches!(stop, Stop::Group(_));
        held.at = match (held.at, stop) {
            // The SIGSTOP that PTRACE_ATTACH sends.
            (At::Asked, _) => At::Stands { untold: stop_word(libc::SIGSTOP), signal, group },
            // What to do about a signal is its tracer's to say.
            (At::Runs, Stop::Signal(number)) => At::Stands { untold: stop_word(number), signal: 0, group },
            (At::Runs, _) => return false,
            (At::Stands { .. }, _) => return true,
        };
        self.wake(key.0);
        true
    }

    /// Completes the wait of an inner tracer, if it can be completed now.
    fn wake(&mut self, tid: Pid) {
        let Some(wait) = self.inner.waiting.get(&tid).copied() else { return };
        let result = match self.untold(tid, wait) {
            Some(number) => self.tell(tid, number, wait),
            None if wait.number != -1 && !self.inner.held.contains_key(&(tid, wait.number)) => -ECHILD,
            None if self.tracees.get(&tid).is_some_and(|tracee| tracee.targets > 0) => return,
            None => -ECHILD,
        };
        self.inner.waiting.remove(&tid);
        let _ = arch::skip_call(tid, result);
        self.resume(tid, 0);
    }

    /// Resumes a target that stands, with `signal` unless it has one of its own to take.
    fn let_run(&mut self, key: Key, next: At, signal: i32) {
        let Some(held) = self.inner.held.get_mut(&key) else { return };
        let At::Stands { signal: own, group, .. } = std::mem::replace(&mut held.at, next) else { return };
        let tid = held.tid;
        match if own == 0 { signal } else { own } {
            0 if group => _ = ptrace::listen(tid),
            signal => self.resume(tid, signal),
        }
    }

    /// Ends what is between a target and its tracer.
    fn release(&mut self, key: Key) {
        self.let_run(key, At::Runs, 0);
        if let Some(held) = self.inner.held.remove(&key) {
            self.tracees.entry(held.tid).and_modify(|tracee| tracee.held = None);
            self.tracees.entry(key.0).and_modify(|tracee| tracee.targets -= 1);
            self.wake(key.0);
        }
    }

    /// Ends all that `tid` has to do with inner tracing: as a target, and as a tracer.
    pub(super) fn leave_inner(&mut self, tid: Pid) {
        if self.inner.held.is_empty() {
            return;
        }
        let its = |(key, held): (&Key, &Held)| (key.0 == tid || held.tid == tid).then_some(*key);
        for key in self.inner.held.iter().filter_map(its).collect::<Vec<_>>() {
            self.release(key);
        }
        self.inner.waiting.remove(&tid);
    }
}
