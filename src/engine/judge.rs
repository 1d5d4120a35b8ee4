//! The question whether a call may happen, asked of a judge that lives above the engine.
//!
//! The engine asks at the syscall-enter-stop, where a call can still be kept from happening; at the syscall-exit-stop,
//! because memory and names can change between the two; and at the exec stop, before the first instruction of the new
//! program. It carries out what the judge says and knows nothing of why.

use super::{Call, Task};
use crate::model::Pid;
use crate::sys::memory::Memory;

/// What is done about a call that may not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punishment {
    /// It is skipped and fails with this error number.
    Errno(u16),
    /// Every process of the trace is killed.
    Kill,
}

/// A call that may not happen, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What kind of deed it is, in one word.
    pub deed: &'static str,
    /// The file or address that it is about.
    pub subject: Vec<u8>,
    /// What happened, in a sentence.
    pub message: String,
    /// What is done about it.
    pub punishment: Punishment,
}

/// What a judge says of a call that was entered.
#[derive(Debug)]
pub enum Verdict {
    /// It may happen.
    Pass,
    /// It may happen, and the judge wants to see its result.
    Watch,
    /// The judge has made it happen; this is its result.
    Done(i64),
    /// It may not.
    Deny(Denial),
}

/// Says which calls may happen. Every method is called while the task is stopped, and must not block.
pub trait Judge {
    /// A call was entered.
    fn entered(&mut self, memory: &mut Memory, task: Task, call: &Call) -> Verdict;
    /// Whether the verdict about a call depends on its arguments, so that it must be made with those that were judged.
    fn weighs(&self, call: &Call) -> bool;
    /// A call that is watched returned; it can be punished by [`Punishment::Kill`] alone.
    fn returned(&mut self, memory: &mut Memory, task: Task, call: &Call, result: i64) -> Option<Denial>;
    /// A new program is about to run; `former` is the tid that made the call. As for [`Judge::returned`].
    fn executed(&mut self, memory: &mut Memory, task: Task, former: Pid) -> Option<Denial>;
    /// `parent` made the process `child`.
    fn born(&mut self, child: Pid, parent: Pid);
    /// A task is gone.
    fn gone(&mut self, task: Task);
}
