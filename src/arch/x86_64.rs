//! x86_64 kernels: 64-bit, x32 and 32-bit calls.

use crate::model::{Abi, Pid};
use crate::sys::Fault;
use crate::sys::memory::Memory;
use crate::sys::ptrace::{self, Registers};

/// The ABI of smtrace itself.
pub const HOST: Abi = Abi::X86_64;

/// `__USER32_CS`, the code segment of 32-bit code (arch/x86/include/asm/segment.h).
const USER32_CS: u64 = 0x23;

/// The call that a tracee in a syscall-enter-stop makes, from its registers: (AUDIT_ARCH, number, arguments).
///
/// For kernels without PTRACE_GET_SYSCALL_INFO. Whether 64-bit code entered by `int $0x80` is told only by the
/// instruction before the program counter, as strace did before Linux 5.3.
#[must_use]
pub fn call_of_registers(tid: Pid, memory: &mut Memory, regs: &Registers) -> (u32, u32, [u64; 6]) {
    let mut code = [0; 2];
    let before = regs.rip.wrapping_sub(2);
    let int80 = memory.read(tid, before, &mut code) == 2 && code == [0xcd, 0x80];
    let nr = low(regs.orig_rax);
    if regs.cs == USER32_CS || int80 {
        let args = [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp];
        (0x4000_0003, nr, super::passed(0x4000_0003, args))
    } else {
        (0xc000_003e, nr, [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9])
    }
}

/// The stack pointer.
#[must_use]
pub fn stack_of_registers(regs: &Registers) -> u64 {
    regs.rsp
}

/// The result of a tracee in a syscall-exit-stop.
#[must_use]
pub fn result_of_registers(abi: Option<Abi>, regs: &Registers) -> i64 {
    let value = regs.rax.cast_signed();
    // A 32-bit task's rax holds the sign-extended or the zero-extended 32 bits, by kernel version.
    match abi {
        Some(Abi::I386) => {
            let small = i64::from(low(regs.rax).cast_signed());
            if (-4095..0).contains(&small) { small } else { i64::from(low(regs.rax)) }
        }
        _ => value,
    }
}

/// Makes the call of a stopped tracee not happen: its result becomes `result`.
///
/// seccomp(2): "The tracer can skip the system call by changing the system call number to -1"; the return register
/// keeps what the tracer puts there.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn skip_call(tid: Pid, result: i64) -> Result<(), Fault> {
    let mut regs = ptrace::registers(tid)?;
    regs.orig_rax = u64::MAX;
    regs.rax = result.cast_unsigned();
    ptrace::set_registers(tid, &regs)
}

/// The call that ended with EINTR just before a tracee stopped, as (ABI, number); `None` when none did.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn interrupted_call(tid: Pid, memory: &mut Memory) -> Result<Option<(Option<Abi>, u32)>, Fault> {
    let regs = ptrace::registers(tid)?;
    let ended = low(regs.rax).cast_signed() == -libc::EINTR && low(regs.orig_rax).cast_signed() >= 0;
    if !ended {
        return Ok(None);
    }
    let (arch, nr, _) = call_of_registers(tid, memory, &regs);
    Ok(Some((super::abi_of(arch, nr), nr)))
}

/// Makes the kernel repeat the call that a stopped tracee has just left, unless a signal handler runs first: then it fails
/// with EINTR (ERESTARTNOHAND, include/linux/errno.h).
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn restart_unless_handled(tid: Pid) -> Result<(), Fault> {
    const ERESTARTNOHAND: i64 = 514;
    let mut regs = ptrace::registers(tid)?;
    regs.rax = (-ERESTARTNOHAND).cast_unsigned();
    ptrace::set_registers(tid, &regs)
}

/// Changes the first argument of the call of a stopped tracee.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn set_first_argument(tid: Pid, abi: Option<Abi>, value: u64) -> Result<(), Fault> {
    let mut regs = ptrace::registers(tid)?;
    match abi {
        Some(Abi::I386) => regs.rbx = value,
        _ => regs.rdi = value,
    }
    ptrace::set_registers(tid, &regs)
}

/// Lets a tracee in a syscall-enter-stop make the i386 call `nr` with `args` in the place of its own, and returns its registers
/// as they were. A seccomp filter of the tracee's sees the call that is made: filters run again after the stop (ptrace(2),
/// PTRACE_EVENT_SECCOMP).
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn replace_call(tid: Pid, nr: u32, args: &[u64; 6]) -> Result<Registers, Fault> {
    let saved = ptrace::registers(tid)?;
    let mut regs = saved;
    regs.orig_rax = u64::from(nr);
    [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp] = *args;
    ptrace::set_registers(tid, &regs)?;
    Ok(saved)
}

/// Gives a tracee in a syscall-exit-stop back what it had in its registers before [`replace_call`], but for the result. The kernel
/// restarts a call by its number and arguments there, so that it is the tracee's own that is made again.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn restore_call(tid: Pid, saved: &Registers) -> Result<(), Fault> {
    let mut regs = ptrace::registers(tid)?;
    regs.orig_rax = saved.orig_rax;
    (regs.rbx, regs.rcx, regs.rdx) = (saved.rbx, saved.rcx, saved.rdx);
    (regs.rsi, regs.rdi, regs.rbp) = (saved.rsi, saved.rdi, saved.rbp);
    ptrace::set_registers(tid, &regs)
}

#[allow(clippy::cast_possible_truncation, reason = "the kernel looks at the low 32 bits only")]
fn low(register: u64) -> u32 {
    register as u32
}
