//! What a syscall-stop is about: PTRACE_GET_SYSCALL_INFO, or registers and own parity where the kernel lacks it.

use crate::arch;
use crate::model::{Abi, Pid};
use crate::sys::memory::Memory;
use crate::sys::{Fault, ptrace};

/// A syscall-stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Info {
    /// The call is about to run.
    Enter {
        /// AUDIT_ARCH value.
        arch: u32,
        nr: u32,
        args: [u64; 6],
        /// The stack pointer.
        stack: u64,
        /// SECCOMP_RET_DATA, in a seccomp stop.
        data: Option<u16>,
    },
    /// The call returned this.
    Exit(i64),
    /// No syscall-stop at all.
    None,
}

/// Reads `struct ptrace_syscall_info` as laid out in linux/ptrace.h.
fn parse(bytes: &[u8; ptrace::SYSCALL_INFO]) -> Info {
    let u64_at = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_ne_bytes);
    let u32_at = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
    match bytes[0] {
        // PTRACE_SYSCALL_INFO_ENTRY, PTRACE_SYSCALL_INFO_SECCOMP
        op @ (1 | 3) => {
            let arch = u32_at(4);
            Info::Enter {
                arch,
                nr: u32_at(24),
                args: arch::passed(arch, std::array::from_fn(|i| u64_at(32 + i * 8))),
                stack: u64_at(16),
                data: (op == 3).then(|| u16::try_from(u32_at(80) & 0xffff).unwrap_or(0)),
            }
        }
        // PTRACE_SYSCALL_INFO_EXIT
        2 => Info::Exit(u64_at(24).cast_signed()),
        _ => Info::None,
    }
}

/// Reads what a stopped tracee's syscall-stop is about. `works` is cleared when the kernel has no
/// PTRACE_GET_SYSCALL_INFO; `inside` is our parity for that case: (in a call, its ABI).
pub(super) fn read(
    tid: Pid,
    memory: &mut Memory,
    works: &mut bool,
    seccomp: bool,
    inside: Option<Option<Abi>>,
) -> Result<Info, Fault> {
    if *works {
        let mut bytes = [0; ptrace::SYSCALL_INFO];
        match ptrace::syscall_info(tid, &mut bytes) {
            Ok(_) => return Ok(parse(&bytes)),
            Err(Fault::Gone) => return Err(Fault::Gone),
            Err(Fault::Errno(_)) => *works = false,
        }
    }
    let registers = ptrace::registers(tid)?;
    if let (Some(abi), false) = (inside, seccomp) {
        return Ok(Info::Exit(arch::result_of_registers(abi, &registers)));
    }
    let (arch, nr, args) = arch::call_of_registers(tid, memory, &registers);
    let data = if seccomp { Some(u16::try_from(ptrace::event_message(tid)? & 0xffff).unwrap_or(0)) } else { None };
    Ok(Info::Enter { arch, nr, args, stack: arch::stack_of_registers(&registers), data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_layout() {
        let mut bytes = [0; ptrace::SYSCALL_INFO];
        bytes[0] = 3;
        bytes[4..8].copy_from_slice(&0xc000_003e_u32.to_ne_bytes());
        bytes[16..24].copy_from_slice(&0x7ffe_0008_u64.to_ne_bytes());
        bytes[24..32].copy_from_slice(&257_u64.to_ne_bytes());
        bytes[72..80].copy_from_slice(&6_u64.to_ne_bytes());
        bytes[80..84].copy_from_slice(&0x5a1d_u32.to_ne_bytes());
        let args = [0, 0, 0, 0, 0, 6];
        let enter = Info::Enter { arch: 0xc000_003e, nr: 257, args, stack: 0x7ffe_0008, data: Some(0x5a1d) };
        assert_eq!(parse(&bytes), enter);
        // 64-bit code that enters by `int $0x80` can have anything above bit 31: the kernel takes what is below.
        bytes[4..8].copy_from_slice(&0x4000_0003_u32.to_ne_bytes());
        bytes[32..40].copy_from_slice(&0xdead_beef_0000_1000_u64.to_ne_bytes());
        assert!(matches!(parse(&bytes), Info::Enter { args: [0x1000, ..], .. }));
        bytes[0] = 2;
        bytes[24..32].copy_from_slice(&(-2_i64).to_ne_bytes());
        assert_eq!(parse(&bytes), Info::Exit(-2));
        bytes[0] = 0;
        assert_eq!(parse(&bytes), Info::None);
    }
}
