//! One call of a record, with its arguments by name and the memory behind them: what an event's parameters are made of.
//!
//! It must not know what a parameter looks like, and must give an answer for whatever a record holds.

use super::sockets::Sockets;
use crate::model::record::{Kind, Record};
use crate::model::{Abi, Pid};
use crate::table::{Arg, Row};

/// A call at its enter or at its exit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// Its row.
    pub(super) row: &'static Row,
    /// The record of this event.
    pub(super) record: &'a Record<'a>,
    /// The record of its enter, seen from its exit.
    pub(super) entered: Option<&'a Record<'a>>,
    /// What is known of the sockets.
    pub(super) sockets: &'a Sockets,
    args: &'static [Arg],
    abi: Abi,
}

impl<'a> Call<'a> {
    /// The call that `record` tells of.
    pub(super) fn new(
        row: &'static Row,
        record: &'a Record<'a>,
        entered: Option<&'a Record<'a>>,
        sockets: &'a Sockets,
    ) -> Call<'a> {
        let abi = record.head().abi.unwrap_or(Abi::X86_64);
        Call { row, record, entered, sockets, args: row.args(abi), abi }
    }

    /// The process.
    pub(super) fn pid(&self) -> Pid {
        self.record.head().pid
    }

    /// What it returned; 0 at enter.
    pub(super) fn result(&self) -> i64 {
        self.record.head().result
    }

    /// Whether it has returned.
    pub(super) fn is_exit(&self) -> bool {
        self.record.head().kind == Kind::Exit
    }

    /// Whether it has returned, without an error.
    pub(super) fn succeeded(&self) -> bool {
        self.is_exit() && !(-4095..0).contains(&self.result())
    }

    /// Bytes of a pointer.
    pub(super) fn pointer(&self) -> usize {
        self.abi.word()
    }

    /// The place of the argument `name`.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.args.iter().position(|arg| arg.name == name)
    }

    /// The word in register `index`, without the bits that the ABI does not have; 0 when there is none.
    pub(super) fn word_at(&self, index: usize) -> u64 {
        let own = self.record.args();
        let words = if own.is_empty() { self.entered.map_or(own, Record::args) } else { own };
        let word = words.get(index).copied().unwrap_or(0);
        if self.abi == Abi::I386 { word & 0xffff_ffff } else { word }
    }

    /// The word of the argument `name`, 0 when the call has none on this ABI.
    pub(super) fn word(&self, name: &str) -> u64 {
        self.index(name).map_or(0, |index| self.word_at(index))
    }

    /// The argument `name` as the kernel's `int`.
    pub(super) fn int(&self, name: &str) -> i64 {
        int(self.word(name))
    }

    /// The argument `name` as a signed word.
    pub(super) fn long(&self, name: &str) -> i64 {
        let word = self.word(name);
        if self.abi == Abi::I386 { int(word) } else { word.cast_signed() }
    }

    /// A 64-bit value in two registers whose names differ in their end only.
    pub(super) fn halves(&self, low: &str, high: &str) -> Option<u64> {
        let low = self.index(low).map(|index| self.word_at(index))?;
        Some(low & 0xffff_ffff | self.word(high) << 32)
    }

    /// The bytes that were read at `address` for argument `index`.
    pub(super) fn read(&self, index: usize, address: u64) -> Option<&'a [u8]> {
        let of = |record: &Record<'a>| {
            record.pieces().find(|piece| usize::from(piece.role) == index && piece.address == address)
        };
        of(self.record).or_else(|| self.entered.and_then(of)).map(|piece| piece.data)
    }

    /// The bytes that the argument `name` points to.
    pub(super) fn memory(&self, name: &str) -> Option<&'a [u8]> {
        let index = self.index(name)?;
        self.read(index, self.word_at(index)).filter(|_| self.word_at(index) != 0)
    }
}

/// The low 32 bits as a signed number.
pub(super) fn int(word: u64) -> i64 {
    i64::from(u32::try_from(word & 0xffff_ffff).unwrap_or(0).cast_signed())
}

/// The little-endian number of `width` bytes at `at`.
pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
