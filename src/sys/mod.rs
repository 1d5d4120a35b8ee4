//! The operating system: ptrace, wait, memory, seccomp, fork, signals. The only folder with `unsafe`.
//!
//! Everything here is a thin, safe word for one or few system calls; decisions live elsewhere.

#![allow(unsafe_code)]

pub mod clock;
pub mod fds;
pub mod host;
pub mod inherited;
mod kept;
pub mod limits;
pub mod lock;
pub mod memory;
pub mod path;
pub mod probe;
pub mod procfs;
pub mod ptrace;
pub mod ring;
pub mod sched;
pub mod signals;
pub mod socket;
pub mod sockets;
pub mod spawn;
pub mod statx;
pub mod uring;
pub mod wait;

/// Why a call on a tracee failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `ESRCH`: it died, or is not stopped because it was killed. Its wait status will tell.
    Gone,
    /// Any other errno.
    Errno(i32),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Gone => f.write_str("no such process"),
            Fault::Errno(errno) => write!(f, "{}", std::io::Error::from_raw_os_error(*errno)),
        }
    }
}

/// The calling thread's `errno` after a failed call.
fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn fault() -> Fault {
    match errno() {
        libc::ESRCH => Fault::Gone,
        other => Fault::Errno(other),
    }
}
