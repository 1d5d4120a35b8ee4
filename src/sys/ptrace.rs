//! ptrace(2), one function per request that we use.

use super::{Fault, fault};
use crate::model::Pid;
use std::ptr::null_mut;

/// How a stopped tracee is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// PTRACE_CONT: until the next seccomp stop, event or signal.
    Cont,
    /// PTRACE_SYSCALL: until the next syscall-enter-stop or syscall-exit-stop too.
    Syscall,
}

/// The registers of a tracee.
pub type Registers = libc::user_regs_struct;

/// Bytes of `struct ptrace_syscall_info` (ptrace(2), "PTRACE_GET_SYSCALL_INFO").
pub const SYSCALL_INFO: usize = 88;

fn request(request: libc::c_uint, tid: Pid, addr: usize, data: usize) -> Result<libc::c_long, Fault> {
    // SAFETY: callers pass requests whose `addr` and `data` are plain numbers or point to live, large enough buffers.
    let got = unsafe { libc::ptrace(request, tid, addr as *mut libc::c_void, data as *mut libc::c_void) };
    if got < 0 { Err(fault()) } else { Ok(got) }
}

/// Attaches to `tid` without stopping it.
///
/// # Errors
/// `EPERM` when the kernel, Yama or another tracer is in the way.
pub fn seize(tid: Pid, options: i32) -> Result<(), Fault> {
    request(libc::PTRACE_SEIZE, tid, 0, usize::try_from(options).unwrap_or(0)).map(drop)
}

/// Sets the options of a stopped tracee.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn set_options(tid: Pid, options: i32) -> Result<(), Fault> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, usize::try_from(options).unwrap_or(0)).map(drop)
}

/// Resumes a stopped tracee, injecting `signal` unless it is 0.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn resume(tid: Pid, how: Resume, signal: i32) -> Result<(), Fault> {
    let how = match how {
        Resume::Cont => libc::PTRACE_CONT,
        Resume::Syscall => libc::PTRACE_SYSCALL,
    };
    request(how, tid, 0, usize::try_from(signal).unwrap_or(0)).map(drop)
}

/// Leaves a tracee in group-stop but lets it report the SIGCONT that ends it.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn listen(tid: Pid) -> Result<(), Fault> {
    request(libc::PTRACE_LISTEN, tid, 0, 0).map(drop)
}

/// Makes a running tracee stop.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn interrupt(tid: Pid) -> Result<(), Fault> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0).map(drop)
}

/// Lets a stopped tracee go, injecting `signal` unless it is 0.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn detach(tid: Pid, signal: i32) -> Result<(), Fault> {
    request(libc::PTRACE_DETACH, tid, 0, usize::try_from(signal).unwrap_or(0)).map(drop)
}

/// The message of the current ptrace event: a new child's tid, or the former tid after an exec.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn event_message(tid: Pid) -> Result<u64, Fault> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, &raw mut message as usize)?;
    Ok(message)
}

/// What a tracee's signal-delivery-stop delivers.
#[derive(Clone, Copy, Debug)]
pub struct SignalInfo {
    /// The signal's number.
    pub signal: i32,
    /// `si_code`: where it comes from.
    pub code: i32,
    /// The sender, for signals sent by a process; 0 otherwise.
    pub sender: Pid,
    /// The whole `siginfo_t`.
    pub raw: [u8; SIGINFO],
}

/// Bytes of a `siginfo_t` (asm-generic/siginfo.h, `SI_MAX_SIZE`).
pub const SIGINFO: usize = 128;

/// Reads the `siginfo_t` of a signal-delivery-stop.
///
/// # Errors
/// [`Fault::Gone`] when it died; `EINVAL` in a group-stop.
pub fn signal_info(tid: Pid) -> Result<SignalInfo, Fault> {
    // SAFETY: siginfo_t is plain data for which all zeros are valid.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETSIGINFO, tid, 0, &raw mut info as usize)?;
    // SAFETY: the kernel filled the structure; si_pid is read only for the codes that have it (sigaction(2)).
    let sender = if info.si_code <= 0 || info.si_signo == libc::SIGCHLD { unsafe { info.si_pid() } } else { 0 };
    // SAFETY: a siginfo_t is SIGINFO bytes, all of them initialised.
    let raw = unsafe { std::mem::transmute::<libc::siginfo_t, [u8; SIGINFO]>(info) };
    Ok(SignalInfo { signal: info.si_signo, code: info.si_code, sender, raw })
}

/// Reads `struct ptrace_syscall_info`; returns how many bytes the kernel had.
///
/// # Errors
/// `EIO` or `EINVAL` on kernels before 5.3 and on gVisor.
pub fn syscall_info(tid: Pid, info: &mut [u8; SYSCALL_INFO]) -> Result<usize, Fault> {
    let got = request(libc::PTRACE_GET_SYSCALL_INFO, tid, SYSCALL_INFO, info.as_mut_ptr() as usize)?;
    Ok(usize::try_from(got).unwrap_or(0))
}

/// Reads the general registers. The length tells a 32-bit task on old kernels, which is why NT_PRSTATUS is used.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn registers(tid: Pid) -> Result<Registers, Fault> {
    // SAFETY: the register structure is plain integers.
    let mut registers: Registers = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETREGS, tid, 0, &raw mut registers as usize)?;
    Ok(registers)
}

/// Writes the general registers.
///
/// # Errors
/// [`Fault::Gone`] when it died.
pub fn set_registers(tid: Pid, registers: &Registers) -> Result<(), Fault> {
    request(libc::PTRACE_SETREGS, tid, 0, std::ptr::from_ref(registers) as usize).map(drop)
}

/// Reads a register set, as elf.h's NT_ number `note` names it; returns its length.
///
/// # Errors
/// `EINVAL` or `ENODEV` when this CPU has no such set; [`Fault::Gone`] when the tracee died.
pub fn regset(tid: Pid, note: u64, to: &mut [u8]) -> Result<usize, Fault> {
    let mut iovec = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    request(libc::PTRACE_GETREGSET, tid, usize::try_from(note).unwrap_or(usize::MAX), &raw mut iovec as usize)?;
    Ok(iovec.iov_len.min(to.len()))
}

/// Whether two tasks have one memory (CLONE_VM; kcmp(2), KCMP_VM). `false` where the kernel cannot tell.
#[must_use]
pub fn shares_memory(one: Pid, other: Pid) -> bool {
    const KCMP_VM: libc::c_int = 1;
    // SAFETY: takes plain numbers.
    unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_VM, 0_u64, 0_u64) == 0 }
}

/// Reads one word of memory.
///
/// # Errors
/// `EIO` or `EFAULT` when the address is not readable.
pub(super) fn peek(tid: Pid, address: u64) -> Result<[u8; 8], Fault> {
    let mut word: libc::c_long = 0;
    // The system call stores the word at `data`; glibc's wrapper returns it instead, and -1 is then ambiguous.
    // SAFETY: `word` lives across the call; the address is only looked at in the tracee.
    let got = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::c_long::from(libc::PTRACE_PEEKDATA),
            libc::c_long::from(tid),
            address,
            &raw mut word,
            null_mut::<libc::c_void>(),
        )
    };
    if got < 0 { Err(fault()) } else { Ok(word.to_ne_bytes()) }
}
