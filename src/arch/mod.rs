//! What differs per CPU: audit architectures, registers, how a call is skipped. The only `cfg(target_arch)`.

use crate::model::Abi;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::{
    HOST, call_of_registers, interrupted_call, replace_call, restart_unless_handled, restore_call, result_of_registers,
    set_first_argument, skip_call, stack_of_registers,
};

#[cfg(not(target_arch = "x86_64"))]
compile_error!("smtrace has no file in src/arch for this CPU yet: see CONTRIBUTING.md, \"a CPU\"");

/// The bit that marks an x32 call in its number (`__X32_SYSCALL_BIT`, arch/x86/include/uapi/asm/unistd.h).
pub const X32_BIT: u32 = 0x4000_0000;

/// The ABI of a call by its AUDIT_ARCH value (linux/audit.h) and number.
#[must_use]
pub fn abi_of(audit_arch: u32, nr: u32) -> Option<Abi> {
    match audit_arch {
        // -1 has the bit too, but is the number of no call.
        0xc000_003e if nr & X32_BIT != 0 && nr != u32::MAX => Some(Abi::X32),
        0xc000_003e => Some(Abi::X86_64),
        0x4000_0003 => Some(Abi::I386),
        0xc000_00b7 => Some(Abi::Aarch64),
        0xc000_00f3 => Some(Abi::Riscv64),
        _ => None,
    }
}

/// The arguments of a call as the kernel takes them: of an i386 call what is below bit 32, whatever 64-bit code that enters by
/// `int $0x80` has above (`SC_IA32_REGS_TO_ARGS`, arch/x86/include/asm/syscall_wrapper.h).
#[must_use]
pub fn passed(audit_arch: u32, args: [u64; 6]) -> [u64; 6] {
    match abi_of(audit_arch, 0) {
        Some(Abi::I386) => args.map(|arg| arg & 0xffff_ffff),
        _ => args,
    }
}

/// The number in the table's column: without the x32 bit.
#[must_use]
pub fn table_number(abi: Abi, nr: u32) -> u32 {
    if abi == Abi::X32 { nr & !X32_BIT } else { nr }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_x32_bit_makes_an_x32_call_but_minus_one_is_none() {
        assert_eq!(abi_of(0xc000_003e, 1), Some(Abi::X86_64));
        assert_eq!(abi_of(0xc000_003e, X32_BIT | 1), Some(Abi::X32));
        assert_eq!(abi_of(0xc000_003e, u32::MAX), Some(Abi::X86_64));
        assert_eq!(abi_of(0x4000_0003, 1), Some(Abi::I386));
        assert_eq!(abi_of(0x4000_0028, 1), None);
        assert_eq!(table_number(Abi::X32, X32_BIT | 257), 257);
    }
}
