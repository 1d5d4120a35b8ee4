//! A walk over one argument: what to read of the tracee and what it means, said once for both sides.
//!
//! While the tracee is stopped a walk runs over its memory and the [`Source`] records what it looks at; nothing is said.
//! On the reader's side the same walk runs over the recorded pieces and fills a [`Tree`]. So a kind's capture and its
//! decoding cannot drift apart, and every decoder is tested with bytes alone. A walk must read within its
//! limits, decide only by what it read and by the call's words, and never remember anything.

pub use super::limits::{
    Limits, MAX_BUFFER, MAX_COUNTED, MAX_ITEMS, MAX_LISTING, MAX_PATH, MAX_STRUCTS, MAX_TEXTS, MOST_ITEMS,
};
use super::tree::{Seen, Show, Tree, Value};
use crate::model::Abi;
use crate::table::Row;

/// The two lists of strings that a new program is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strings {
    /// argv, or another list of texts.
    Words,
    /// envp: each is `NAME=value`.
    Variables,
}

/// Where bytes of the tracee come from.
pub trait Source {
    /// The bytes at `address`, as far as they can be had: at most `len`.
    fn read(&mut self, arg: u8, address: u64, len: usize) -> Seen;

    /// As [`Source::read`], up to and without the first NUL byte. [`State::Cut`](crate::model::record::State::Cut) when there is none in `max` bytes.
    fn read_text(&mut self, arg: u8, address: u64, max: usize) -> Seen;

    /// As [`Source::read_text`], item `index` of a list of strings, in which secrets may be hidden.
    fn read_item(&mut self, arg: u8, _list: Strings, _index: usize, address: u64, max: usize) -> Seen {
        self.read_text(arg, address, max)
    }

    /// As [`Source::read`], whole words of `word` bytes up to and with the first that is 0.
    fn read_words(&mut self, arg: u8, address: u64, word: usize, max: usize) -> Seen;

    /// The bytes at `address` as they were when the call was entered; nothing while capturing.
    fn before(&mut self, arg: u8, address: u64, len: usize) -> Seen;

    /// Looks at what the file descriptor `number` refers to.
    fn descriptor(&mut self, number: i32);

    /// What the call gives to, or finds in, the ring that it is about.
    fn ring(&mut self) -> Option<Seen>;

    /// The protocol of the netlink socket that descriptor `number` refers to; `None` for any other.
    fn netlink(&mut self, number: i32) -> Option<u32>;

    /// The bytes of what was seen.
    fn bytes(&self, seen: &Seen) -> &[u8];
}

/// The call that arguments belong to.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its row; a call that none has has no arguments to walk.
    pub row: &'static Row,
    /// Its ABI.
    pub abi: Abi,
    /// The words in the argument registers.
    pub args: &'a [u64],
    /// The stack pointer, for a call that takes what lies there; else 0.
    pub stack: u64,
    /// What it returned; `None` at enter.
    pub result: Option<i64>,
}

/// The errnos that a result can be: -4095 to -1 (linux/err.h, MAX_ERRNO).
#[must_use]
pub fn failed(result: i64) -> bool {
    (-4095..0).contains(&result)
}

/// A walk in progress.
pub struct Walk<'w> {
    source: &'w mut dyn Source,
    tree: Option<&'w mut Tree>,
    /// The call.
    pub call: Call<'w>,
    /// What is asked for.
    pub limits: Limits,
    arg: u8,
}

impl<'w> Walk<'w> {
    /// A walk over what `source` gives; what it finds is said to `tree`, if there is one.
    pub fn new(source: &'w mut dyn Source, tree: Option<&'w mut Tree>, call: Call<'w>, limits: Limits) -> Walk<'w> {
        Walk { source, tree, call, limits, arg: 0 }
    }

    /// The argument that is walked over.
    #[must_use]
    pub fn index(&self) -> usize {
        usize::from(self.arg)
    }

    pub(super) fn begin(&mut self, arg: u8) {
        self.arg = arg;
    }

    /// Whether values are wanted; while capturing they are not.
    #[must_use]
    pub fn says(&self) -> bool {
        self.tree.is_some()
    }

    /// The call's ABI.
    #[must_use]
    pub fn abi(&self) -> Abi {
        self.call.abi
    }

    /// The word of argument `index`, 0 when there is none; without the bits that the ABI does not have.
    #[must_use]
    pub fn word(&self, index: usize) -> u64 {
        let word = self.call.args.get(index).copied().unwrap_or(0);
        if self.call.abi == Abi::I386 { word & 0xffff_ffff } else { word }
    }

    /// The low 32 bits of argument `index` as the kernel's `int`.
    #[must_use]
    pub fn int(&self, index: usize) -> i32 {
        low32(self.word(index)).cast_signed()
    }

    /// What the call returned, if it has and did not fail.
    #[must_use]
    pub fn success(&self) -> Option<i64> {
        self.call.result.filter(|result| !failed(*result))
    }

    /// Whether the call has returned.
    #[must_use]
    pub fn at_exit(&self) -> bool {
        self.call.result.is_some()
    }

    // What is read.

    /// Up to `len` bytes at `address`.
    pub fn read(&mut self, address: u64, len: usize) -> Seen {
        self.source.read(self.arg, address, len)
    }

    /// What was at `address` when the call was entered, as argument `arg` showed it. Nothing while capturing.
    pub fn before(&mut self, arg: usize, address: u64, len: usize) -> Seen {
        u8::try_from(arg).map_or(Seen::nothing(address), |arg| self.source.before(arg, address, len))
    }

    /// Text at `address` that ends with a NUL.
    pub fn read_text(&mut self, address: u64, max: usize) -> Seen {
        self.source.read_text(self.arg, address, max)
    }

    /// Item `index` of a list of strings.
    pub fn read_item(&mut self, list: Strings, index: usize, address: u64, max: usize) -> Seen {
        self.source.read_item(self.arg, list, index, address, max)
    }

    /// Pointers at `address` up to the NULL that ends them, at most `max` bytes.
    pub fn read_pointers(&mut self, address: u64, max: usize) -> Seen {
        let word = self.abi().word();
        self.source.read_words(self.arg, address, word, max)
    }

    /// The protocol of the netlink socket that descriptor `number` refers to; `None` for any other.
    pub fn netlink(&mut self, number: i32) -> Option<u32> {
        self.source.netlink(number)
    }

    /// What the call gives to, or finds in, the ring that it is about; the address is that of [`crate::model::record::Role::Ring`].
    pub fn ring(&mut self) -> Option<Seen> {
        self.source.ring()
    }

    /// Walks with `walk` over another call that this one asks for.
    pub fn inside(&mut self, call: Call<'_>, limits: Limits, walk: impl FnOnce(&mut Walk<'_>)) {
        let mut inner = Walk { source: &mut *self.source, tree: self.tree.as_deref_mut(), call, limits, arg: 0 };
        walk(&mut inner);
    }

    /// The bytes of what was seen.
    #[must_use]
    pub fn bytes(&self, seen: &Seen) -> &[u8] {
        match (&self.tree, seen.store) {
            (Some(tree), super::tree::Store::Own) => seen.of(tree.words()),
            _ => self.source.bytes(seen),
        }
    }

    /// The little-endian number of `width` bytes at `at`; `None` where nothing was read.
    #[must_use]
    pub fn number(&self, seen: &Seen, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes(seen).get(at..at.checked_add(width)?)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// As [`Walk::number`] of 4 bytes.
    #[must_use]
    pub fn u32_at(&self, seen: &Seen, at: usize) -> Option<u32> {
        self.number(seen, at, 4).map(low32)
    }

    /// As [`Walk::number`] of 8 bytes.
    #[must_use]
    pub fn u64_at(&self, seen: &Seen, at: usize) -> Option<u64> {
        self.number(seen, at, 8)
    }

    /// As [`Walk::number`] of the ABI's word.
    #[must_use]
    pub fn word_at(&self, seen: &Seen, at: usize) -> Option<u64> {
        self.number(seen, at, self.abi().word())
    }

    // What is said.

    /// Says a value.
    pub fn put(&mut self, name: &'static str, value: Value) {
        if let Value::Fd(number) | Value::Dirfd(number) = value {
            self.source.descriptor(number);
        }
        if let Some(tree) = &mut self.tree {
            tree.put(name, value);
        }
    }

    /// Says how the next value is shown.
    pub fn show_next(&mut self, show: Show) {
        if let Some(tree) = &mut self.tree {
            tree.show_next(show);
        }
    }

    /// Says a value that an abbreviated rendering leaves out.
    pub fn put_verbose(&mut self, name: &'static str, value: Value) {
        self.show_next(Show::Verbose);
        self.put(name, value);
    }

    /// Opens a structure.
    pub fn open_struct(&mut self, name: &'static str) {
        self.open(name, Value::Struct);
    }

    /// Opens a list.
    pub fn open_list(&mut self, name: &'static str) {
        self.open(name, Value::List);
    }

    /// Opens a group of another sort.
    pub fn open(&mut self, name: &'static str, group: Value) {
        if let Some(tree) = &mut self.tree {
            tree.open(name, group);
        }
    }

    /// Closes the group opened last.
    pub fn close(&mut self) {
        if let Some(tree) = &mut self.tree {
            tree.close();
        }
    }

    /// Says that the group opened last goes on.
    pub fn mark_more(&mut self) {
        if let Some(tree) = &mut self.tree {
            tree.mark_more();
        }
    }

    /// Says words of our own, which a format shows as they are. They must hold no bytes of the tracee unescaped.
    pub fn put_words(&mut self, name: &'static str, words: std::fmt::Arguments<'_>) {
        if let Some(tree) = &mut self.tree {
            let seen = tree.own(words);
            tree.put(name, Value::Words(seen));
        }
    }

    /// Adds a remark to the value said last.
    pub fn note(&mut self, words: std::fmt::Arguments<'_>) {
        if let Some(tree) = &mut self.tree {
            tree.note(words);
        }
    }

    /// Reads the structure of `len` bytes at `address`. `None`, with the address said, when not all of it could be read.
    pub fn whole(&mut self, name: &'static str, address: u64, len: usize) -> Option<Seen> {
        if address == 0 {
            self.put(name, Value::Null);
            return None;
        }
        let seen = self.read(address, len);
        if seen.len() < len {
            self.put(name, Value::Unreadable(address));
            return None;
        }
        Some(seen)
    }
}

/// The low 32 bits.
#[must_use]
pub fn low32(word: u64) -> u32 {
    u32::try_from(word & 0xffff_ffff).unwrap_or(0)
}

/// A list of `count` items of `size` bytes each at `address`: reads them, and calls `item` for each that was read.
///
/// What a limit leaves out, or cannot be read, is said as "there is more".
pub fn walk_items(
    walk: &mut Walk<'_>,
    name: &'static str,
    address: u64,
    count: u64,
    size: usize,
    mut item: impl FnMut(&mut Walk<'_>, Seen),
) {
    if address == 0 {
        return walk.put(name, Value::Null);
    }
    let most = walk.limits.items.min(walk.limits.structs() / size.max(1));
    let take = usize::try_from(count).unwrap_or(usize::MAX).min(most);
    if take == 0 {
        walk.open_list(name);
        return walk.close();
    }
    let seen = walk.read(address, take * size);
    let got = seen.len() / size.max(1);
    if got == 0 {
        return walk.put(name, Value::Unreadable(address));
    }
    walk.open_list(name);
    for index in 0..got.min(take) {
        item(walk, seen.part(index * size, size));
    }
    if got < take {
        walk.put("", Value::Unreadable(address.wrapping_add((got * size) as u64)));
    } else if (take as u64) < count {
        walk.mark_more();
    }
    walk.close();
}
