//! Plain data that every other folder speaks of: ids, ABIs, the record, the plan.
//!
//! Nothing here does I/O, prints, knows a CPU, or calls the operating system.

mod abi;
mod calls;
mod outside;
mod places;
mod plan;
pub mod record;
mod rendering;

pub use abi::{Abi, Personality};
pub use calls::CallSet;
pub use outside::{Address, CAPTURE_FORMAT, Connect, Outside, Overflow};
pub use places::Places;
pub use plan::{
    Asks, Audit, Capture, Command, Direction, Filters, Log, Moment, Orphans, Output, Plan, Replay, SeccompMode,
    Severity, Target, Watching,
};
pub use rendering::{
    Column, Constants, FdDetail, HexStrings, LineClock, Quiet, Rendering, SignalSet, Statuses, Summary, Touching,
};

/// The id of a task (thread) in the pid namespace of smtrace: what the kernel calls `pid_t`.
///
/// Tids and tgids share one number space, so one type serves both; a name (`pid`, `tid`) says which is meant.
pub type Pid = i32;

/// In place of a directory's descriptor: paths start at the working directory (linux/fcntl.h, open(2)).
pub const AT_FDCWD: i32 = -100;
