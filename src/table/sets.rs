//! Sets of constants: the names of flags and of enumerated values, by ABI.
//!
//! All data comes from `syscalls-table/sets/` through `build/sets.rs`, which has checked it; this file only finds
//! names. It must not say how a value is shown: what no name covers is given back as a number.

use std::fmt;

use crate::model::Abi;

/// A set of named constants: the bits of a word of flags, or the values of an enumeration.
pub struct Set {
    /// The name in the data files.
    pub name: &'static str,
    /// What strace writes in the comment beside a value without a name (`O_???`); empty when it writes none.
    pub unknown: &'static str,
    /// Its constants are bits, which can be together, not values.
    pub flags: bool,
    /// The base in which a value without a name is shown.
    pub base: Base,
    /// Groups of bits that are one number.
    pub parts: &'static [Part],
    /// The names and values on each ABI: flags in the order in which they are shown, an enumeration sorted by value.
    constants: [&'static [(&'static str, u64)]; 5],
}

/// The base of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// 16.
    Hex,
    /// 10.
    Dec,
    /// 8.
    Oct,
}

/// Bits of a word of flags that hold one value of an enumeration.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The bits, which are not shifted before they are looked up.
    pub mask: u64,
    /// The enumeration.
    pub set: &'static Set,
    /// Its name comes after those of the flags, not before.
    pub last: bool,
}

impl Set {
    /// The name of `value` as a whole.
    ///
    /// The kernel takes most of these words as a C `int`, so a value that differs only by the sign extension of its low
    /// half has the same name.
    #[must_use]
    pub fn name_of(&self, value: u64, abi: Abi) -> Option<&'static str> {
        const HIGH: u64 = 0xffff_ffff_0000_0000;
        let twin = match (value >> 32, value & 0x8000_0000) {
            (0, 0x8000_0000) => value | HIGH,
            (0xffff_ffff, 0x8000_0000) => value & !HIGH,
            _ => value,
        };
        let constants = self.constants[abi as usize];
        let find = |value: u64| match self.flags {
            true => constants.iter().find(|(_, known)| *known == value),
            false => constants.binary_search_by_key(&value, |(_, known)| *known).ok().and_then(|at| constants.get(at)),
        };
        find(value).or_else(|| find(twin)).map(|(name, _)| *name)
    }

    /// The names of the bits of `value`, then [`Split::rest`].
    ///
    /// A constant that is 0 is named only when nothing else can be: the value is 0 without its parts, and no part has a
    /// name.
    #[must_use]
    pub fn split(&'static self, value: u64, abi: Abi) -> Split {
        let parts = self.parts.iter().fold(0, |mask, part| mask | part.mask);
        let constants = self.constants[abi as usize];
        Split { set: self, constants, abi, rest: value, at: 0, zero: value & !parts == 0 }
    }

    /// All names with their values, in no order that means anything.
    pub fn constants(&self, abi: Abi) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        self.constants[abi as usize].iter().copied()
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Set) -> bool {
        self.name == other.name
    }
}

impl Eq for Set {}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The names of the bits of one word, in the order in which they are shown.
#[derive(Clone, Debug)]
pub struct Split {
    set: &'static Set,
    constants: &'static [(&'static str, u64)],
    abi: Abi,
    /// The bits without a name so far.
    rest: u64,
    /// The next step: the parts, the constants, the parts again.
    at: usize,
    /// A constant 0 may be named.
    zero: bool,
}

impl Split {
    /// The bits that no name covers, once all names were taken.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.rest
    }

    fn name_part(&mut self, part: &Part, last: bool) -> Option<&'static str> {
        if part.last != last {
            return None;
        }
        let name = part.set.name_of(self.rest & part.mask, self.abi)?;
        self.rest &= !part.mask;
        Some(name)
    }

    fn name_flag(&mut self, value: u64) -> bool {
        let named = if value == 0 { self.zero } else { self.rest & value == value };
        self.rest &= if named { !value } else { u64::MAX };
        named
    }
}

impl Iterator for Split {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let (parts, constants) = (self.set.parts, self.constants);
        loop {
            let name = if let Some(part) = parts.get(self.at) {
                self.name_part(part, false)
            } else if let Some((name, value)) = constants.get(self.at - parts.len()) {
                self.name_flag(*value).then_some(*name)
            } else {
                let part = parts.get(self.at - parts.len() - constants.len())?;
                self.name_part(part, true)
            };
            self.at += 1;
            if name.is_some() {
                self.zero = false;
                return name;
            }
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/sets.rs"));

/// The set with exactly this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Set> {
    let at = BY_NAME.binary_search_by_key(&name, |set| set.name).ok()?;
    BY_NAME.get(at).copied()
}

/// All sets, by name.
#[must_use]
pub fn all() -> &'static [&'static Set] {
    &BY_NAME
}

#[cfg(test)]
mod tests {
    use super::{
        CLONE, FUTEX_OP, MMAP, MMAP_PROT, OPEN, OPEN_ACCESS, OPEN_FLAGS, SEEK, SHMGET, SIGNAL, STATX, Set, all, by_name,
    };
    use crate::model::Abi;

    fn split(set: &'static Set, value: u64, abi: Abi) -> (Vec<&'static str>, u64) {
        let mut split = set.split(value, abi);
        let names = split.by_ref().collect();
        assert_eq!(split.next(), None, "the end stays the end");
        (names, split.rest())
    }

    #[test]
    fn every_set_is_found_by_its_name() {
        assert!(all().len() > 100);
        for set in all() {
            assert_eq!(by_name(set.name), Some(*set));
        }
        assert_eq!(by_name("nonesuch"), None);
        assert_ne!(by_name("open"), by_name("seek"));
    }

    #[test]
    fn a_value_is_named_as_a_whole() {
        assert_eq!(SEEK.name_of(2, Abi::X86_64), Some("SEEK_END"));
        assert_eq!(SIGNAL.name_of(34, Abi::X86_64), Some("SIGRT_2"));
        assert_eq!(by_name("dirfd").unwrap().name_of(0xffff_ff9c, Abi::X86_64), Some("AT_FDCWD"));
        assert_eq!(by_name("dirfd").unwrap().name_of((-100_i64).cast_unsigned(), Abi::X86_64), Some("AT_FDCWD"));
        assert_eq!(SEEK.name_of(99, Abi::X86_64), None);
        assert_eq!(SEEK.name_of(1 << 32, Abi::X86_64), None);
        assert_eq!(OPEN.name_of(0o100, Abi::X86_64), Some("O_CREAT"));
        assert_eq!(OPEN.name_of(0o300, Abi::X86_64), None);
    }

    #[test]
    fn bits_are_named_and_the_rest_is_given_back() {
        assert_eq!(split(&OPEN, 0o1101, Abi::X86_64), (vec!["O_WRONLY", "O_CREAT", "O_TRUNC"], 0));
        assert_eq!(split(&OPEN, 0, Abi::X86_64), (vec!["O_RDONLY"], 0));
        assert_eq!(split(&OPEN, 1 << 40 | 0o100, Abi::X86_64), (vec!["O_RDONLY", "O_CREAT"], 1 << 40));
        assert_eq!(split(&CLONE, 0x1_0100, Abi::I386), (vec!["CLONE_VM", "CLONE_THREAD"], 0));
        assert_eq!(split(&OPEN_FLAGS, 0o2004000, Abi::X32), (vec!["O_NONBLOCK", "O_CLOEXEC"], 0));
    }

    #[test]
    fn each_capability_has_its_bit() {
        let numbers: Vec<_> = super::CAPABILITY.constants(Abi::X86_64).collect();
        assert!(numbers.len() > 40);
        for (name, number) in numbers {
            assert_eq!(super::CAPABILITIES.name_of(1 << number, Abi::X86_64), Some(name));
        }
    }

    #[test]
    fn a_constant_of_several_bits_takes_them_all() {
        assert_eq!(split(&OPEN, 0o4010000, Abi::X86_64), (vec!["O_RDONLY", "O_SYNC"], 0));
        assert_eq!(split(&OPEN, 0o10000, Abi::X86_64), (vec!["O_RDONLY", "O_DSYNC"], 0));
        assert_eq!(split(&OPEN, 0o4000000, Abi::X86_64), (vec!["O_RDONLY", "__O_SYNC"], 0));
    }

    #[test]
    fn parts_are_values_first_or_last() {
        let names = |set, value| split(set, value, Abi::X86_64);
        assert_eq!(names(&CLONE, 0x111), (vec!["CLONE_VM", "SIGCHLD"], 0));
        assert_eq!(names(&CLONE, 0x1ff), (vec!["CLONE_VM", "255"], 0));
        assert_eq!(names(&FUTEX_OP, 0x189), (vec!["FUTEX_WAIT_BITSET_PRIVATE", "FUTEX_CLOCK_REALTIME"], 0));
        assert_eq!(names(&FUTEX_OP, 0x17f), (vec!["FUTEX_CLOCK_REALTIME"], 0x7f));
        let huge = ["MAP_PRIVATE", "MAP_ANONYMOUS", "MAP_HUGETLB", "21<<MAP_HUGE_SHIFT"];
        assert_eq!(names(&MMAP, 0x5404_0022), (huge.to_vec(), 0));
        assert_eq!(names(&MMAP, 0), (vec!["MAP_FILE"], 0));
        assert_eq!(names(&SHMGET, 0o1600), (vec!["IPC_CREAT", "0600"], 0));
        assert_eq!(names(&SHMGET, 0), (vec!["000"], 0));
        assert_eq!(names(&STATX, 0x100), (vec!["AT_STATX_SYNC_AS_STAT", "AT_SYMLINK_NOFOLLOW"], 0));
    }

    #[test]
    fn zero_is_named_when_it_is_the_whole() {
        assert_eq!(split(&MMAP_PROT, 0, Abi::X86_64), (vec!["PROT_NONE"], 0));
        assert_eq!(split(&MMAP_PROT, 3, Abi::X86_64), (vec!["PROT_READ", "PROT_WRITE"], 0));
        assert_eq!(split(&MMAP_PROT, 0x100, Abi::X86_64), (vec![], 0x100));
        assert_eq!(split(&CLONE, 0, Abi::X86_64), (vec![], 0));
    }

    #[test]
    fn values_differ_by_abi() {
        assert_eq!(split(&OPEN, 0o200000, Abi::X86_64).0, ["O_RDONLY", "O_DIRECTORY"]);
        assert_eq!(split(&OPEN, 0o200000, Abi::Aarch64).0, ["O_RDONLY", "O_DIRECT"]);
        let ptrace = |abi| by_name("ptrace").and_then(|set| set.name_of(0x21, abi));
        assert_eq!(ptrace(Abi::X32), Some("PTRACE_SINGLEBLOCK"));
        assert_eq!(ptrace(Abi::Aarch64), Some("PTRACE_PEEKMTETAGS"));
        assert_eq!(OPEN_ACCESS.name_of(2, Abi::Riscv64), Some("O_RDWR"));
        assert!(OPEN.constants(Abi::I386).any(|constant| constant == ("O_CREAT", 0o100)));
    }
}
