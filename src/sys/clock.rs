//! The two clocks, and how long a task has run.

use super::kept::Kept;
use crate::model::Pid;
use std::fs::File;
use std::os::unix::fs::FileExt;

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives across the call; both clocks exist on every kernel.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec)
}

/// Nanoseconds since the epoch (CLOCK_REALTIME).
#[must_use]
pub fn realtime() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Nanoseconds of CLOCK_MONOTONIC.
#[must_use]
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// How long a task has run on a CPU so far, as the scheduler counts it, in nanoseconds. Of one that is stopped the figure
/// stands still. rusage would give system time alone, but by the clock's ticks: of a call that takes microseconds it says
/// nothing.
///
/// Reads /proc/TID/schedstat, which stays open: a look is one pread(2).
#[derive(Debug, Default)]
pub struct CpuTime {
    kept: Kept,
}

impl CpuTime {
    /// The time of `tid`; `None` where the kernel counts none (built without `CONFIG_SCHED_INFO`) or the task is gone.
    pub fn of(&mut self, tid: Pid) -> Option<u64> {
        // A file that was kept can be of the task that had the number before: of one that is gone nothing can be read
        // (ESRCH: fs/proc/base.c, proc_single_show).
        for _ in 0..2 {
            let file = self.kept.get(tid, || File::open(format!("/proc/{tid}/schedstat")))?;
            let mut text = [0; 64];
            match file.read_at(&mut text, 0) {
                Ok(got) => return first_number(text.get(..got)?),
                Err(_) => self.kept.forget(tid),
            }
        }
        None
    }
}

/// The first of the three numbers: time on a CPU, time waiting for one, and how often (proc(5)).
fn first_number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{CpuTime, first_number};

    #[test]
    fn the_first_number_counts() {
        assert_eq!(first_number(b"1234567 89 10\n"), Some(1_234_567));
        assert_eq!(first_number(b"0 0 0\n"), Some(0));
        assert_eq!(first_number(b""), None);
        assert_eq!(first_number(b"x"), None);
    }

    #[test]
    fn it_grows_while_a_task_runs_and_ends_with_it() {
        let mut times = CpuTime::default();
        let me = i32::try_from(std::process::id()).unwrap();
        let Some(before) = times.of(me) else { return eprintln!("SKIPPED: this kernel counts no time") };
        assert!(times.of(me).unwrap() >= before);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let tid = i32::try_from(child.id()).unwrap();
        let _ = times.of(tid);
        child.wait().unwrap();
        assert_eq!(times.of(tid), None);
    }
}
