//! The system-call ABIs of the table's columns.

/// A system-call ABI: which numbers, argument registers and structure layouts a call uses.
///
/// One process can mix them (`int $0x80` from 64-bit code), so it is a property of the call, never of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Abi {
    /// 64-bit x86, `syscall` instruction.
    X86_64 = 0,
    /// 32-bit x86: `int $0x80`, `sysenter`, 32-bit `syscall`.
    I386 = 1,
    /// 64-bit x86 with 32-bit pointers: x86_64 numbers with bit 30 set (`__X32_SYSCALL_BIT`).
    X32 = 2,
    /// 64-bit ARM.
    Aarch64 = 3,
    /// 64-bit RISC-V.
    Riscv64 = 4,
}

impl Abi {
    /// All ABIs in the order of the table's columns.
    pub const ALL: [Abi; 5] = [Abi::X86_64, Abi::I386, Abi::X32, Abi::Aarch64, Abi::Riscv64];

    /// The name in the table's heading and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Abi::X86_64 => "x86_64",
            Abi::I386 => "i386",
            Abi::X32 => "x32",
            Abi::Aarch64 => "aarch64",
            Abi::Riscv64 => "riscv64",
        }
    }

    /// The ABI whose discriminant is `byte`, as a record stores it.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Abi> {
        Abi::ALL.get(usize::from(byte)).copied()
    }

    /// The size of a pointer and a `long` in memory, in bytes.
    #[must_use]
    pub fn word(self) -> usize {
        match self {
            Abi::I386 | Abi::X32 => 4,
            Abi::X86_64 | Abi::Aarch64 | Abi::Riscv64 => 8,
        }
    }
}

/// The ABIs by the width of their calls, as strace names them behind an `@`: a machine has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Personality {
    /// Calls of the machine's 64-bit ABI.
    Bits64 = 0,
    /// i386's calls.
    Bits32 = 1,
    /// x32's calls.
    X32 = 2,
}

impl Personality {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Personality; 3] = [Personality::Bits64, Personality::Bits32, Personality::X32];

    /// The one that calls of `abi` have.
    #[must_use]
    pub fn of(abi: Abi) -> Personality {
        match abi {
            Abi::X86_64 | Abi::Aarch64 | Abi::Riscv64 => Personality::Bits64,
            Abi::I386 => Personality::Bits32,
            Abi::X32 => Personality::X32,
        }
    }

    /// The one that stands behind an `@` (strace(1), `-e trace`).
    #[must_use]
    pub fn named(word: &str) -> Option<Personality> {
        match word {
            "64" => Some(Personality::Bits64),
            "32" => Some(Personality::Bits32),
            "x32" => Some(Personality::X32),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Abi;

    #[test]
    fn a_byte_is_the_column() {
        for (i, abi) in Abi::ALL.into_iter().enumerate() {
            assert_eq!(abi as usize, i);
            assert_eq!(Abi::from_byte(u8::try_from(i).unwrap()), Some(abi));
        }
        assert_eq!(Abi::from_byte(5), None);
    }
}
