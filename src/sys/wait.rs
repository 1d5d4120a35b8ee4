//! waitpid(2), with the raw status word.
//!
//! nix's `waitpid` answers `EINVAL` for a stop by a real-time signal and has then consumed the status, so the word is
//! decoded by `engine` instead.

use super::errno;
use crate::model::Pid;

/// The answer of one wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The task and its status word.
    Status(Pid, i32),
    /// Nothing waits to be told (only without blocking).
    Nothing,
    /// A signal to smtrace interrupted the wait.
    Interrupted,
    /// There is no child or tracee left.
    NoChild,
}

/// Waits for any child or tracee, of whatever clone type.
#[must_use]
pub fn any(block: bool) -> Waited {
    let mut status = 0;
    let flags = libc::__WALL | if block { 0 } else { libc::WNOHANG };
    // SAFETY: `status` outlives the call.
    match unsafe { libc::waitpid(-1, &raw mut status, flags) } {
        0 => Waited::Nothing,
        pid if pid > 0 => Waited::Status(pid, status),
        _ if errno() == libc::EINTR => Waited::Interrupted,
        _ => Waited::NoChild,
    }
}
