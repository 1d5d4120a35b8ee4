//! The plan as a seccomp program: which calls stop a tracee.
//!
//! libseccomp builds it in the parent, for x86_64 and i386; x32 (the number's bit 30) and unknown ABIs are the
//! "bad architecture" and stop always, so that no call is missed by its ABI. Unknown numbers pass: the kernel answers
//! ENOSYS. Calls that the installed libseccomp has no name for are compared before its program, in a preamble of ours.

mod duty;
mod preamble;

pub use duty::{Duty, Guard, Watch, When, duties};

use crate::model::{CallSet, Pid};
use crate::table::{self, through};
use libseccomp::{ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::sync::OnceLock;

/// SECCOMP_RET_DATA of our TRACE action: another value in a stop is the tracee's own filter speaking.
///
/// Another one in each run, so that no program (an smtrace that it starts itself is one) returns the same. A tracee cannot
/// read it: PTRACE_SECCOMP_GET_FILTER needs a tracer. Never 0, which is what most filters return.
#[must_use]
pub fn cookie() -> u16 {
    static COOKIE: OnceLock<u16> = OnceLock::new();
    *COOKIE.get_or_init(|| {
        // The standard library seeds its hashers from the kernel's random numbers.
        let [low, high, ..] = RandomState::new().hash_one(0).to_ne_bytes();
        u16::from_ne_bytes([low, high]).max(1)
    })
}

/// The most instructions the kernel takes (`BPF_MAXINSNS`, linux/bpf_common.h).
const MAX_INSTRUCTIONS: usize = 4096;

/// Bytes of a `struct sock_filter`.
const INSTRUCTION: usize = 8;

/// Why no program could be built.
#[derive(Debug)]
pub struct BuildError(String);

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot build the seccomp filter: {}", self.0)
    }
}

impl std::error::Error for BuildError {}

impl From<libseccomp::error::SeccompError> for BuildError {
    fn from(error: libseccomp::error::SeccompError) -> BuildError {
        BuildError(error.to_string())
    }
}

impl From<std::io::Error> for BuildError {
    fn from(error: std::io::Error) -> BuildError {
        BuildError(error.to_string())
    }
}

/// Builds the program for the enabled calls and our [`duties`], as `struct sock_filter`s.
///
/// # Errors
/// When libseccomp refuses a rule, or the program is longer than the kernel takes.
pub fn build(calls: &CallSet, own_pid: Pid) -> Result<Vec<u8>, BuildError> {
    let action = ScmpAction::Trace(cookie());
    let mut filter = ScmpFilterContext::new(ScmpAction::Allow)?;
    filter.add_arch(ScmpArch::X8664)?;
    filter.add_arch(ScmpArch::X86)?;
    filter.set_act_badarch(action)?;
    // A binary tree over the numbers instead of a list: an untraced call passes about ten comparisons, not hundreds.
    // Libraries before 2.5 lack it; the list is then slower, not wrong.
    let _ = filter.set_ctl_optimize(2);
    filter.set_ctl_nnp(false)?;
    let mut unnamed = Vec::new();
    for row in table::rows().iter().filter(|row| calls.contains(row.index())) {
        match ScmpSyscall::from_name(row.name) {
            Ok(call) => {
                filter.add_rule(action, call)?;
            }
            Err(_) => unnamed.push(row),
        }
    }
    // libseccomp follows a call through i386's multiplexers, too, but compares the whole first argument of ipc(2), of which
    // the kernel takes 16 bits.
    for multiplexer in through::multiplexers().iter().filter(|all| all.mask != u32::MAX) {
        let call = ScmpSyscall::from_name(multiplexer.row().name)?;
        let has = |row: &table::Row| calls.contains(row.index());
        for inner in multiplexer.calls.iter().filter(|inner| has(inner.row()) && !has(multiplexer.row())) {
            let masked = ScmpCompareOp::MaskedEqual(u64::from(multiplexer.mask));
            filter.add_rule_conditional(action, call, &[ScmpArgCompare::new(0, masked, u64::from(inner.sub))])?;
        }
    }
    for watch in duties(own_pid) {
        let enabled = table::by_name(watch.call).is_some_and(|row| calls.contains(row.index()));
        // An unconditional rule is there already.
        if enabled {
            continue;
        }
        let Ok(call) = ScmpSyscall::from_name(watch.call) else {
            unnamed.extend(table::by_name(watch.call));
            continue;
        };
        match watch.when {
            When::Always => {
                filter.add_rule(action, call)?;
            }
            // The kernel takes these arguments as int or unsigned int: only the low 32 bits may decide.
            When::Masked(arg, mask, value) => {
                let test = ScmpArgCompare::new(arg, ScmpCompareOp::MaskedEqual(u64::from(mask)), u64::from(value));
                filter.add_rule_conditional(action, call, &[test])?;
            }
            // All 64 bits: what is 0 in the low ones alone stops without need, and is never missed.
            When::NotZero(arg) => {
                let test = ScmpArgCompare::new(arg, ScmpCompareOp::NotEqual, 0);
                filter.add_rule_conditional(action, call, &[test])?;
            }
        }
    }
    let mut program = preamble::build(&unnamed)?;
    // Through a pipe: a program of 4096 instructions is 32 KiB and a pipe holds 64; export_bpf_mem needs 2.6.
    let (mut reader, writer) = std::io::pipe()?;
    filter.export_bpf(&writer)?;
    drop(writer);
    reader.read_to_end(&mut program)?;
    let count = program.len() / INSTRUCTION;
    if count > MAX_INSTRUCTIONS {
        return Err(BuildError(format!(
            "{count} instructions, the kernel takes {MAX_INSTRUCTIONS}; enable fewer calls"
        )));
    }
    Ok(program)
}

#[cfg(test)]
mod tests;
