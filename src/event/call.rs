//! One call as its records have it, with its arguments by the names of `syscalls-table/`: the words in the registers and
//! the memory behind them.
//!
//! It must not know what a format or a rule calls an argument, and must give an answer for whatever a record holds.

use crate::model::record::{Kind, Record, Role};
use crate::model::{Abi, Pid};
use crate::table::{Arg, Row};

/// A call at its enter or at its exit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Its row; `None` for a call that the table does not have.
    pub(crate) row: Option<&'static Row>,
    /// The record of this event.
    pub(crate) record: &'a Record<'a>,
    /// The record of its enter, seen from its exit.
    pub(crate) entered: Option<&'a Record<'a>>,
    args: &'static [Arg],
    abi: Abi,
}

impl<'a> Call<'a> {
    /// The call that `record` tells of; an enter of another call is not its own.
    pub(crate) fn new(row: Option<&'static Row>, record: &'a Record<'a>, entered: Option<&'a Record<'a>>) -> Call<'a> {
        let same = |enter: &&Record<'_>| (enter.head().nr, enter.head().abi) == (record.head().nr, record.head().abi);
        let abi = record.head().abi.unwrap_or(Abi::X86_64);
        Call { row, record, entered: entered.filter(same), args: row.map_or(&[], |row| row.args(abi)), abi }
    }

    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        self.record.head().pid
    }

    /// What it returned; `None` at enter.
    pub(crate) fn result(&self) -> Option<i64> {
        (self.record.head().kind == Kind::Exit).then(|| self.record.head().result)
    }

    /// Whether it has returned, without an error.
    pub(crate) fn succeeded(&self) -> bool {
        self.result().is_some_and(|result| !(-4095..0).contains(&result))
    }

    /// Bytes of a pointer.
    pub(crate) fn pointer(&self) -> usize {
        self.abi.word()
    }

    /// The place of the argument `name`.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.args.iter().position(|arg| arg.name == name)
    }

    /// The word in register `index`, without the bits that the ABI does not have; 0 when there is none.
    pub(crate) fn word_at(&self, index: usize) -> u64 {
        let own = self.record.args();
        let words = if own.is_empty() { self.entered.map_or(own, Record::args) } else { own };
        let word = words.get(index).copied().unwrap_or(0);
        if self.abi == Abi::I386 { word & 0xffff_ffff } else { word }
    }

    /// The word of the argument `name`, 0 when the call has none on this ABI.
    pub(crate) fn word(&self, name: &str) -> u64 {
        self.index(name).map_or(0, |index| self.word_at(index))
    }

    /// The argument `name` as the kernel's `int`.
    pub(crate) fn int(&self, name: &str) -> i64 {
        int(self.word(name))
    }

    /// The argument `name` as a signed word.
    pub(crate) fn long(&self, name: &str) -> i64 {
        let word = self.word(name);
        if self.abi == Abi::I386 { int(word) } else { word.cast_signed() }
    }

    /// A 64-bit value in two registers whose names differ in their end only.
    pub(crate) fn halves(&self, low: &str, high: &str) -> Option<u64> {
        let low = self.index(low).map(|index| self.word_at(index))?;
        Some(low & 0xffff_ffff | self.word(high) << 32)
    }

    /// The bytes that were read at `address` for argument `index`. Other pieces of the argument are what it leads to,
    /// and lengths that lie in memory.
    pub(crate) fn read(&self, index: usize, address: u64) -> Option<&'a [u8]> {
        let of = |record: &Record<'a>| {
            record.pieces().find(|piece| usize::from(piece.role) == index && piece.address == address)
        };
        of(self.record).or_else(|| self.entered.and_then(of)).map(|piece| piece.data)
    }

    /// The bytes that the argument `name` points to.
    pub(crate) fn memory(&self, name: &str) -> Option<&'a [u8]> {
        let index = self.index(name)?;
        self.read(index, self.word_at(index)).filter(|_| self.word_at(index) != 0)
    }

    /// As [`Call::memory`], up to a NUL.
    pub(crate) fn text(&self, name: &str) -> Option<&'a [u8]> {
        self.memory(name).map(|bytes| bytes.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The texts of an argument that is a list of pointers to them.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let index = self.index(name);
        let list = index.map_or(0, |index| self.word_at(index));
        let is = move |role: u8, address: u64| index.is_some_and(|at| usize::from(role) == at) && address != list;
        let pieces = self.entered.unwrap_or(self.record).pieces();
        pieces.filter(move |piece| is(piece.role, piece.address)).map(|piece| piece.data)
    }

    /// The flags of any call that opens a file, in the kernel's constants.
    pub(crate) fn open_flags(&self) -> u64 {
        match self.row.map(|row| row.name) {
            Some("openat2") => self.how(0),
            // creat(2): O_CREAT, O_WRONLY and O_TRUNC.
            Some("creat") => 0o1101,
            _ => self.word("flags"),
        }
    }

    /// A word of openat2(2)'s structure, 0 when it is not there.
    pub(crate) fn how(&self, at: usize) -> u64 {
        self.memory("how").and_then(|how| number(how, at * 8, 8)).unwrap_or(0)
    }

    /// The other end's address as a call that sends or receives has it: among its arguments, or in its structure msghdr.
    pub(crate) fn peer(&self) -> Option<&'a [u8]> {
        self.memory("addr").or_else(|| self.message_name())
    }

    /// The address in a structure msghdr: its first two fields.
    fn message_name(&self) -> Option<&'a [u8]> {
        let header = self.memory("msg")?;
        let name = number(header, 0, self.pointer()).filter(|name| *name != 0)?;
        let len = usize::try_from(int(number(header, self.pointer(), 4)?)).ok()?;
        let bytes = self.read(self.index("msg")?, name)?;
        Some(bytes.get(..len).unwrap_or(bytes))
    }

    /// The own end of the socket, as the kernel told it when the call returned.
    pub(crate) fn local(&self) -> Option<&'a [u8]> {
        self.record.piece(Role::Local).map(|piece| piece.data)
    }
}

/// The low 32 bits as a signed number.
pub(crate) fn int(word: u64) -> i64 {
    i64::from(u32::try_from(word & 0xffff_ffff).unwrap_or(0).cast_signed())
}

/// The little-endian number of `width` bytes at `at`.
pub(crate) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
