//! One call as records have it: its words and what they point to, by the names that `syscalls-table/` gives them.

use crate::model::record::{Kind, Record, Role, State};
use crate::model::{Abi, Pid};
use crate::table::{Phase, Row};

/// A call that was entered, or returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'e> {
    pub(super) row: Option<&'static Row>,
    record: &'e Record<'e>,
    entered: Option<&'e Record<'e>>,
}

impl<'e> Call<'e> {
    pub(super) fn new(row: Option<&'static Row>, record: &'e Record<'e>, entered: Option<&'e Record<'e>>) -> Call<'e> {
        let same = |enter: &&Record<'_>| (enter.head().nr, enter.head().abi) == (record.head().nr, record.head().abi);
        Call { row, record, entered: entered.filter(same) }
    }

    pub(super) fn pid(&self) -> Pid {
        self.record.head().pid
    }

    /// What it returned.
    pub(super) fn result(&self) -> Option<i64> {
        (self.record.head().kind == Kind::Exit).then(|| self.record.head().result)
    }

    fn abi(&self) -> Abi {
        self.record.head().abi.unwrap_or(Abi::X86_64)
    }

    /// The place of an argument.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.row?.args(self.abi()).iter().position(|arg| arg.name == name)
    }

    /// The argument's register.
    pub(super) fn word(&self, name: &str) -> u64 {
        let words = if self.record.args().is_empty() {
            self.entered.map(|entered| entered.args())
        } else {
            Some(self.record.args())
        };
        self.index(name).and_then(|at| words?.get(at)).copied().unwrap_or(0)
    }

    /// The register as a C int.
    pub(super) fn int(&self, name: &str) -> i64 {
        i64::from(u32::try_from(self.word(name) & 0xffff_ffff).unwrap_or(0).cast_signed())
    }

    /// What the argument points to.
    pub(super) fn memory(&self, name: &str) -> Option<&'e [u8]> {
        let at = self.index(name)?;
        let (role, phase) = (Role::arg(at)?, self.row?.args(self.abi()).get(at)?.phase);
        let own = self.record.piece(role).filter(|piece| piece.state != State::Unreadable || !piece.data.is_empty());
        let old = || self.entered.filter(|_| phase != Phase::Out).and_then(|entered| entered.piece(role));
        own.or_else(old).map(|piece| piece.data)
    }

    /// As [`Call::memory`], up to a NUL.
    pub(super) fn text(&self, name: &str) -> Option<&'e [u8]> {
        self.memory(name).map(|bytes| bytes.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The flags of any call that opens a file, in the kernel's constants.
    pub(super) fn open_flags(&self) -> u64 {
        match self.row.map(|row| row.name) {
            Some("openat2") => self.how(0),
            // creat(2): O_CREAT, O_WRONLY and O_TRUNC.
            Some("creat") => 0o1101,
            _ => self.word("flags"),
        }
    }

    /// A word of openat2(2)'s structure.
    pub(super) fn how(&self, at: usize) -> u64 {
        let bytes = self.memory("how").and_then(|how| how.get(at * 8..at * 8 + 8));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
    }

    /// The texts of an argument that is a list.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &'e [u8]> + use<'e> {
        let role = self.index(name).and_then(Role::arg);
        let source = self.entered.unwrap_or(self.record);
        source.pieces().filter(move |piece| role.is_some_and(|role| piece.role == role as u8)).map(|piece| piece.data)
    }

    pub(super) fn record(&self) -> &'e Record<'e> {
        self.record
    }
}
