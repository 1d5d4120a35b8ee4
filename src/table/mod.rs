//! The system-call table: for each call its numbers on all ABIs, its classes, its result and its arguments.
//!
//! All data comes from `syscalls-table/` through `build/`, which has checked it; this file only gives it
//! types and finds rows. It must not say how a value is read or shown: capture and decode do, by the argument's kind.

pub mod attributes;
pub mod sets;
pub mod signals;
pub mod structs;
pub mod through;

use crate::arch;
use crate::model::Abi;
use crate::model::record::Head;
use sets::Set;
use structs::Thing;
use through::{Inner, Multiplexer, Source};

/// A system call.
#[derive(Debug)]
pub struct Row {
    /// The name, as libseccomp and strace use it.
    pub name: &'static str,
    /// The number on each ABI, in [`Abi::ALL`]'s order; x32 without its bit 30.
    pub numbers: [Option<u32>; 5],
    /// The classes it is in, as [`classes`] names them.
    pub classes: &'static [&'static str],
    /// What it returns when it does not fail.
    pub ret: Ret,
    index: usize,
    args: &'static [Arg],
    variants: &'static [(&'static [Abi], &'static [Arg])],
}

impl Row {
    /// The number on `abi`, if the ABI has the call; on x32 without bit 30.
    #[must_use]
    pub fn number(&self, abi: Abi) -> Option<u32> {
        self.numbers[abi as usize]
    }

    /// The arguments on `abi`, one for each register used, in the registers' order.
    ///
    /// Where a 64-bit value takes two registers, both are arguments: see [`Kind::Lo`].
    #[must_use]
    pub fn args(&self, abi: Abi) -> &'static [Arg] {
        let variant = self.variants.iter().find(|(abis, _)| abis.contains(&abi));
        variant.map_or(self.args, |(_, args)| args)
    }

    /// The row's place in [`rows`].
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }
}

/// An argument of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    /// The kernel's name for it.
    pub name: &'static str,
    /// What its register means.
    pub kind: Kind,
    /// When what it points to is valid.
    pub phase: Phase,
}

/// When an argument's value, or what it points to, can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// At enter.
    In,
    /// At exit, when the call did not fail.
    Out,
    /// At enter, and changed at exit.
    InOut,
}

/// What an argument's register means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A signed number in the low 32 bits.
    Int,
    /// An unsigned number in the low 32 bits.
    Uint,
    /// A signed number of the ABI's word size.
    Long,
    /// An unsigned number of the ABI's word size.
    Ulong,
    /// An unsigned 64-bit number, in one register.
    U64,
    /// A word that is best shown in base 16: a key, a mask, or an argument whose meaning another one chooses.
    Hex,
    /// A file descriptor, -1 for none.
    Fd,
    /// A file descriptor of a directory, or `AT_FDCWD`.
    Dirfd,
    /// A process, or what a call's manual page says of 0 and negative numbers.
    Pid,
    /// A thread.
    Tid,
    /// A user id; 16 bits in i386's calls whose name has a twin that ends in `32`.
    Uid,
    /// A group id; 16 bits as [`Kind::Uid`].
    Gid,
    /// A signal number.
    Sig,
    /// File permission bits.
    Mode,
    /// A length in bytes of the ABI's word size.
    Size,
    /// A signed position in a file.
    Off,
    /// A device number.
    Dev,
    /// An error number.
    Errno,
    /// An address that is never followed.
    Ptr,
    /// The address of a NUL-terminated path.
    Path,
    /// The address of NUL-terminated text that is no path.
    Str,
    /// The address of a NULL-terminated array of addresses of NUL-terminated texts.
    Strv,
    /// The address of so many bytes.
    Bytes(Len),
    /// A word of flags, bits of the set.
    Flags(&'static Set),
    /// One constant of the set.
    Enum(&'static Set),
    /// The address of a structure.
    Struct(Thing),
    /// The address of an array of a structure; the length counts elements.
    StructArray(Thing, Len),
    /// The address of a structure whose size varies; the length is in the structure's own unit, mostly bytes.
    StructSized(Thing, Len),
    /// The low half of a 64-bit value in two registers. The neighbour [`Kind::Hi`] has the same name but for its end:
    /// `pos_lo`, `pos_hi`.
    Lo,
    /// The high half of a 64-bit value in two registers.
    Hi,
    /// A word whose meaning another argument chooses.
    Union(&'static Union),
    /// A word without a meaning.
    None,
}

/// An argument whose meaning another argument of the call chooses.
#[derive(Debug)]
pub struct Union {
    /// The name in the data files.
    pub name: &'static str,
    by: u8,
    mask: u32,
    /// By the chooser's value, ascending.
    cases: &'static [(u32, (Phase, Kind))],
    other: (Phase, Kind),
}

impl PartialEq for Union {
    fn eq(&self, other: &Union) -> bool {
        self.name == other.name
    }
}

impl Eq for Union {}

impl Union {
    fn choose(&self, words: &[u64]) -> (Phase, Kind) {
        let word = words.get(usize::from(self.by)).copied().unwrap_or(0);
        let value = u32::try_from(word & 0xffff_ffff).unwrap_or(0) & self.mask;
        let at = self.cases.binary_search_by_key(&value, |(value, _)| *value).ok();
        at.and_then(|at| self.cases.get(at)).map_or(self.other, |(_, case)| *case)
    }
}

impl Arg {
    /// What the argument is in a call whose registers hold `words`: a union's case, which can be a union again.
    #[must_use]
    pub fn resolve(self, words: &[u64]) -> Arg {
        let mut arg = self;
        while let Kind::Union(union) = arg.kind {
            (arg.phase, arg.kind) = union.choose(words);
        }
        arg
    }
}

impl Kind {
    /// Whether the register is all there is: nothing that it points to is read.
    #[must_use]
    pub fn is_word(self) -> bool {
        !matches!(
            self,
            Kind::Path
                | Kind::Str
                | Kind::Strv
                | Kind::Bytes(_)
                | Kind::Struct(_)
                | Kind::StructArray(..)
                | Kind::StructSized(..)
                | Kind::Union(_)
        )
    }
}

/// Where a length comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Len {
    /// The argument with this index on the same ABI: a number, or the address of a number.
    Arg(u8),
    /// The call's result. It can be more than was written (`MSG_TRUNC`; a size 0 that asks for the length), so a
    /// reader also bounds it by the size the program gave.
    Ret,
}

/// What a call returns when it does not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// A signed 32-bit number.
    Int,
    /// An unsigned 32-bit number.
    Uint,
    /// A signed number of the ABI's word size.
    Long,
    /// A word that is best shown in base 16.
    Hex,
    /// A new file descriptor, or one the call names.
    Fd,
    /// A count of bytes or elements.
    Size,
    /// A process or thread id.
    Pid,
    /// A user id.
    Uid,
    /// A group id.
    Gid,
    /// An address.
    Ptr,
    /// A position in a file.
    Off,
    /// File permission bits.
    Mode,
    /// Nothing: the call never returns.
    None,
}

include!(concat!(env!("OUT_DIR"), "/syscalls.rs"));

/// All rows, in the table's order.
#[must_use]
pub fn rows() -> &'static [Row] {
    &ROWS
}

/// The row with exactly this name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Row> {
    let at = BY_NAME.binary_search_by_key(&name, |(name, _)| name).ok()?;
    BY_NAME.get(at).and_then(|(_, index)| ROWS.get(usize::from(*index)))
}

/// The row with the number `nr` on `abi`; on x32 without bit 30. One look-up: the tracing loop asks at every stop.
#[must_use]
pub fn by_number(abi: Abi, nr: u32) -> Option<&'static Row> {
    let index = BY_NUMBER[abi as usize].get(usize::try_from(nr).ok()?)?;
    ROWS.get(usize::from(*index))
}

/// The row of the call that a record tells of: the inner one where it went through a multiplexer.
#[must_use]
pub fn row_of(head: &Head) -> Option<&'static Row> {
    numbered(head.abi?, head.nr, head.sub())
}

/// The row of a call with the number `nr` as the kernel sees it, and the sub-number `sub` of a multiplexer, 0 for none.
#[must_use]
pub fn numbered(abi: Abi, nr: u32, sub: u8) -> Option<&'static Row> {
    let row = by_number(abi, arch::table_number(abi, nr))?;
    Some(if sub == 0 { row } else { through::inner(row, sub) })
}

/// The names of all classes, in the table's order.
pub fn classes() -> impl Iterator<Item = &'static str> {
    CLASSES.iter().map(|(name, _)| *name)
}

/// The line that `smtrace list classes` shows for a class; empty for a name that is no class.
#[must_use]
pub fn class_about(name: &str) -> &'static str {
    CLASSES.iter().find(|(class, _)| *class == name).map_or("", |(_, about)| about)
}

#[cfg(test)]
mod tests {
    use super::structs::Thing;
    use super::structs::shapes::POLLFD;
    use super::structs::shapes::SOCKADDR;
    use super::{Kind, Len, Phase, Ret, by_name, by_number, class_about, classes, rows};
    use crate::model::{Abi, CallSet};

    #[test]
    fn every_row_is_found_by_its_name_and_by_each_number() {
        for (index, row) in rows().iter().enumerate() {
            assert_eq!(row.index(), index);
            assert_eq!(by_name(row.name).map(|found| found.index()), Some(index));
            for abi in Abi::ALL {
                if let Some(number) = row.number(abi) {
                    assert_eq!(by_number(abi, number).map(|found| found.name), Some(row.name), "{}", abi.name());
                }
            }
        }
        assert!(rows().len() <= CallSet::CAPACITY);
    }

    #[test]
    fn what_no_row_has_is_none() {
        assert!(by_name("nonesuch").is_none());
        assert!(by_name("").is_none());
        assert!(by_name("Read").is_none());
        for abi in Abi::ALL {
            assert!(by_number(abi, u32::MAX).is_none());
            assert!(by_number(abi, 0x4000_0000).is_none());
        }
        assert!(by_number(Abi::X86_64, 400).is_none());
    }

    #[test]
    fn numbers_differ_by_abi() {
        let row = by_name("openat").unwrap();
        assert_eq!(Abi::ALL.map(|abi| row.number(abi)), [Some(257), Some(295), Some(257), Some(56), Some(56)]);
        let row = by_name("open").unwrap();
        assert_eq!(Abi::ALL.map(|abi| row.number(abi)), [Some(2), Some(5), Some(2), None, None]);
        assert_eq!(by_number(Abi::I386, 0).unwrap().name, "restart_syscall");
        assert_eq!(by_number(Abi::X32, 520).unwrap().name, "execve");
    }

    #[test]
    fn a_length_is_the_index_of_its_argument() {
        let write = by_name("write").unwrap().args(Abi::X86_64);
        assert_eq!((write[1].kind, write[1].phase), (Kind::Bytes(Len::Arg(2)), Phase::In));
        let read = by_name("read").unwrap();
        assert_eq!(read.args(Abi::X86_64)[1].kind, Kind::Bytes(Len::Ret));
        assert_eq!(read.args(Abi::X86_64)[1].phase, Phase::Out);
        assert_eq!(read.ret, Ret::Size);
        assert_eq!(
            by_name("poll").unwrap().args(Abi::I386)[0].kind,
            Kind::StructArray(Thing::Shape(POLLFD), Len::Arg(1))
        );
        assert_eq!(
            by_name("bind").unwrap().args(Abi::I386)[1].kind,
            Kind::StructSized(Thing::Shape(SOCKADDR), Len::Arg(2))
        );
    }

    #[test]
    fn arguments_differ_by_abi() {
        let names = |name, abi| by_name(name).unwrap().args(abi).iter().map(|arg| arg.name).collect::<Vec<_>>();
        let clone = ["clone_flags", "newsp", "parent_tidptr", "child_tidptr", "tls"];
        assert_eq!(names("clone", Abi::X86_64), clone);
        assert_eq!(names("clone", Abi::X32), clone);
        for abi in [Abi::I386, Abi::Aarch64, Abi::Riscv64] {
            assert_eq!(names("clone", abi), ["clone_flags", "newsp", "parent_tidptr", "tls", "child_tidptr"]);
        }
        assert_eq!(names("mmap", Abi::I386), ["arg"]);
        assert_eq!(names("pread64", Abi::I386), ["fd", "buf", "count", "pos_lo", "pos_hi"]);
    }

    #[test]
    fn classes_have_a_description_and_calls() {
        assert!(classes().count() >= 17);
        for class in classes() {
            assert!(!class_about(class).is_empty(), "{class}");
            assert!(rows().iter().any(|row| row.classes.contains(&class)), "{class}");
        }
        assert_eq!(class_about("nonesuch"), "");
        assert_eq!(by_name("openat").unwrap().classes, ["file", "desc"]);
    }
}
