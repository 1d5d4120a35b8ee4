//! CPU affinity and where a thread runs.

use super::{Fault, fault};
use crate::model::Pid;

/// A set of CPUs, as large as glibc's `cpu_set_t` (1024).
#[derive(Clone, Copy)]
pub struct Cpus(libc::cpu_set_t);

impl std::fmt::Debug for Cpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((0..1024).filter(|cpu| self.has(*cpu))).finish()
    }
}

impl Cpus {
    /// The set of one CPU.
    #[must_use]
    pub fn one(cpu: usize) -> Cpus {
        // SAFETY: cpu_set_t is an array of integers; CPU_SET checks the bound.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        if cpu < 1024 {
            // SAFETY: the index is below the size of the set.
            unsafe { libc::CPU_SET(cpu, &mut set) };
        }
        Cpus(set)
    }

    /// Whether `cpu` is in the set.
    #[must_use]
    pub fn has(&self, cpu: usize) -> bool {
        // SAFETY: the index is below the size of the set.
        cpu < 1024 && unsafe { libc::CPU_ISSET(cpu, &self.0) }
    }

    /// How many CPUs are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        // SAFETY: the set is only read.
        usize::try_from(unsafe { libc::CPU_COUNT(&self.0) }).unwrap_or(0)
    }
}

/// The CPUs that `tid` (0: the caller) may run on.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn affinity(tid: Pid) -> Result<Cpus, Fault> {
    // SAFETY: cpu_set_t is an array of integers.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the size is that of `set`.
    match unsafe { libc::sched_getaffinity(tid, size_of::<libc::cpu_set_t>(), &raw mut set) } {
        0 => Ok(Cpus(set)),
        _ => Err(fault()),
    }
}

/// Sets the CPUs that `tid` (0: the caller) may run on.
///
/// # Errors
/// `EPERM` for another user's task, `EINVAL` when none of the CPUs is allowed.
pub fn set_affinity(tid: Pid, cpus: &Cpus) -> Result<(), Fault> {
    // SAFETY: the size is that of the set.
    match unsafe { libc::sched_setaffinity(tid, size_of::<libc::cpu_set_t>(), &raw const cpus.0) } {
        0 => Ok(()),
        _ => Err(fault()),
    }
}

/// The CPU on which the calling thread runs now.
#[must_use]
pub fn current_cpu() -> Option<usize> {
    // SAFETY: the call takes nothing and touches no memory of ours.
    usize::try_from(unsafe { libc::sched_getcpu() }).ok()
}
