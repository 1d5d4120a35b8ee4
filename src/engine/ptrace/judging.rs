//! What the judge says is done here: a call is skipped, or the whole tree is killed.

use super::Engine;
use crate::arch;
use crate::engine::through::direct_number;
use crate::engine::{Call, Denial, Judge, Observer, Punishment, Task, Verdict};
use crate::model::Pid;
use crate::sys::ptrace::Registers;

impl Engine {
    /// Asks `judge` from here on; without one every call may happen.
    pub fn judge_by(&mut self, judge: Option<Box<dyn Judge>>) {
        self.judge = judge;
    }

    /// Asks about a call that was entered: whether the judge wants to see its result, and the registers as they were where
    /// another call is made in its place.
    pub(super) fn judge_entered(
        &mut self,
        observer: &mut dyn Observer,
        task: Task,
        call: &Call,
    ) -> (bool, Option<Registers>) {
        let Some(judge) = &mut self.judge else { return (false, None) };
        match judge.entered(&mut self.memory, task, call) {
            Verdict::Pass => (false, self.bind(task.tid, call)),
            Verdict::Watch => (true, self.bind(task.tid, call)),
            Verdict::Done(result) => {
                self.skip(task.tid, result);
                (false, None)
            }
            Verdict::Deny(denial) => {
                let errno = match denial.punishment {
                    Punishment::Errno(errno) => i64::from(errno),
                    // It dies before it sees a result; the call must not happen either way.
                    Punishment::Kill => i64::from(libc::EPERM),
                };
                self.skip(task.tid, -errno);
                self.deny(observer, task, &denial);
                (false, None)
            }
        }
    }

    /// Shows the judge the result of a call.
    pub(super) fn judge_returned(&mut self, observer: &mut dyn Observer, task: Task, call: &Call, result: i64) {
        let Some(judge) = &mut self.judge else { return };
        if let Some(denial) = judge.returned(&mut self.memory, task, call, result) {
            self.deny(observer, task, &denial);
            self.kill_all();
        }
    }

    /// Asks about a program that is about to run.
    pub(super) fn judge_executed(&mut self, observer: &mut dyn Observer, tid: Pid, former: Pid) {
        let (Some(judge), Some(tracee)) = (&mut self.judge, self.tracees.get(&tid)) else { return };
        let task = tracee.task();
        if let Some(denial) = judge.executed(&mut self.memory, task, former) {
            self.deny(observer, task, &denial);
            self.kill_all();
        }
    }

    /// Tells the judge of a new process. Whoever made it is the tid `creator`, or else `parent` is the best guess.
    pub(super) fn judge_born(&mut self, child: Pid, creator: Pid, parent: Pid) {
        let made_by = self.tracees.get(&creator).map_or(parent, |tracee| tracee.pid);
        if let Some(judge) = &mut self.judge {
            judge.born(child, made_by);
        }
    }

    /// Has a call whose arguments lie in memory made with those that were judged: by its own number, which takes them in
    /// registers. Through its multiplexer the kernel would read them again, after another thread changed them.
    fn bind(&self, tid: Pid, call: &Call) -> Option<Registers> {
        if call.sub == 0 || !self.judge.as_ref().is_some_and(|judge| judge.weighs(call)) {
            return None;
        }
        let number = direct_number(call)?;
        match arch::replace_call(tid, number, &call.args) {
            Ok(saved) => Some(saved),
            Err(_) => {
                crate::sys::signals::send(tid, libc::SIGKILL);
                None
            }
        }
    }

    /// A call that cannot be skipped would happen: a tracee of which that is not certain is killed.
    fn skip(&mut self, tid: Pid, result: i64) {
        if arch::skip_call(tid, result).is_err() {
            crate::sys::signals::send(tid, libc::SIGKILL);
        }
    }

    fn deny(&mut self, observer: &mut dyn Observer, task: Task, denial: &Denial) {
        observer.denied(task, denial);
        if denial.punishment == Punishment::Kill {
            self.kill_all();
        }
    }
}
