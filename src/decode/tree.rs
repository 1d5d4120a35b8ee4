//! The values of one event as a tree: nodes in reading order, each knowing where its own part ends.
//!
//! A tree is filled again for every event and keeps its memory, so that decoding allocates nothing once it is warm. Bytes
//! of the tracee stay where they are, in the record: a node says where. Nothing here knows a call or a format.

use crate::model::record::State;
use crate::table::sets::Set;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Where bytes that a walk looked at lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In the event's record.
    Record,
    /// In the record of the call's enter event.
    Entered,
    /// In the tree itself: words of our own.
    Own,
}

/// Bytes that a walk looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Their address in the tracee.
    pub address: u64,
    /// Whether these are all that was asked for.
    pub state: State,
    /// Whose bytes they are.
    pub store: Store,
    start: u32,
    len: u32,
}

impl Seen {
    /// Bytes `start..start + len` of `store`.
    #[must_use]
    pub fn new(address: u64, state: State, store: Store, start: usize, len: usize) -> Seen {
        let word = |n: usize| u32::try_from(n).unwrap_or(0);
        Seen { address, state, store, start: word(start), len: word(len) }
    }

    /// Nothing could be read at `address`.
    #[must_use]
    pub fn nothing(address: u64) -> Seen {
        Seen::new(address, State::Unreadable, Store::Own, 0, 0)
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is not a single byte.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in `store`, which is [`Seen::store`]'s.
    #[must_use]
    pub fn of<'a>(&self, store: &'a [u8]) -> &'a [u8] {
        let start = self.start as usize;
        store.get(start..start + self.len()).unwrap_or(&[])
    }

    /// The part `from..from + len`, as far as it was read.
    #[must_use]
    pub fn part(&self, from: usize, len: usize) -> Seen {
        let from = from.min(self.len());
        let there = self.len() - from;
        let state = if len <= there { State::Whole } else { self.state };
        let start = self.start as usize + from;
        Seen::new(self.address.wrapping_add(from as u64), state, self.store, start, len.min(there))
    }

    /// The same bytes marked as cut.
    #[must_use]
    pub fn cut(self) -> Seen {
        Seen { state: State::Cut, ..self }
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A signed number.
    Signed(i64),
    /// An unsigned number.
    Unsigned(u64),
    /// A word that is best shown in base 16.
    Hex(u64),
    /// As [`Value::Hex`], at least so many characters wide with its `0x`, which 0 is without.
    Padded(u64, u8),
    /// A word that is best shown in base 8.
    Octal(u64),
    /// A NULL pointer.
    Null,
    /// An address that is not followed, or not yet.
    Address(u64),
    /// An address that was followed and could not be read.
    Unreadable(u64),
    /// NUL-terminated text that names a file.
    Path(Seen),
    /// Other NUL-terminated text.
    Str(Seen),
    /// So many bytes.
    Bytes(Seen),
    /// Bytes that nobody means as text.
    Binary(Seen),
    /// A unix socket's name without a path: the bytes after its leading NUL.
    Abstract(Seen),
    /// Words of our own, shown as they are.
    Words(Seen),
    /// Bits of a set of constants.
    Flags(&'static Set, u64),
    /// One of a set of constants.
    Constant(&'static Set, u64),
    /// An error number.
    Errno(i32),
    /// A file descriptor.
    Fd(i32),
    /// A directory's file descriptor or `AT_FDCWD`.
    Dirfd(i32),
    /// A process.
    Pid(i32),
    /// A user id; -1 as [`Value::Signed`].
    Uid(u32),
    /// A group id.
    Gid(u32),
    /// A signal.
    Signal(i32),
    /// File type and permission bits.
    Mode(u32),
    /// A device number as the kernel's `new_encode_dev` or `huge_encode_dev` gives it.
    Device(u64),
    /// A set of signals: bit N-1 stands for signal N; the bytes of the set.
    Signals(u64),
    /// How a process ended or stopped, as wait(2) tells it.
    WaitStatus(i32),
    /// An IPv4 address.
    Ip4(Ipv4Addr),
    /// An IPv6 address.
    Ip6(Ipv6Addr),
    /// A hardware address: its bytes as they lie in memory.
    Hardware(Seen),
    /// A byte that stands for a character.
    Character(u8),
    /// Hundredths of a second (`USER_HZ`).
    Ticks(u64),
    /// A time of day in seconds since the epoch.
    Time(i64),
    /// A structure: its fields follow.
    Struct,
    /// A list: its items follow.
    List,
    /// Unlike things that belong together: a header and what it carries.
    Parts,
    /// An item of an array whose places have names: the place's constant and the item follow.
    Place,
    /// A sum, in order.
    Sum,
    /// A number in two parts, the first so many bits further left: both follow.
    Shifted(u8),
    /// A list of bits by number, as a CPU set or the descriptors of an fd_set: its items follow.
    Bits,
    /// A value before and after the call, both follow.
    Changed,
    /// A constructor-like rendering with its arguments, as `htons(80)` and `makedev(8, 1)`: they follow.
    Call(&'static str),
}

/// The major and minor number of a device as system calls encode it (linux/kdev_t.h, `new_encode_dev`; the wider form of
/// glibc's `makedev` agrees with it where both have bits).
#[must_use]
pub fn device(number: u64) -> (u64, u64) {
    let major = number >> 8 & 0xfff | number >> 32 & 0xffff_f000;
    let minor = number & 0xff | number >> 12 & 0xffff_ff00;
    (major, minor)
}

/// A hardware address as people write it: its bytes in base 16, with colons between.
#[must_use]
pub fn hardware(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// How much a node matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// Always shown.
    #[default]
    Always,
    /// Left out of an abbreviated rendering; the structure then says that there is more.
    Verbose,
    /// As [`Show::Verbose`], but the structure does not say that there is more: what is left out goes without saying, or is
    /// told by a [`Show::Brief`] beside it.
    Full,
    /// Shown in an abbreviated rendering only, in the place of a [`Show::Full`].
    Brief,
    /// Known to be without meaning for this call: shown only where all is shown.
    Idle,
}

/// One value with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The field's name; empty for an item of a list.
    pub name: &'static str,
    /// What it is.
    pub value: Value,
    /// How much it matters.
    pub show: Show,
    /// There is more than the nodes inside show: a limit cut it, or the rest could not be read.
    pub more: bool,
    /// The index after the last node inside this one.
    end: u32,
    /// A remark: shown by formats for people, as a comment.
    pub note: Option<Seen>,
}

/// The values of one event.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    open: Vec<u32>,
    own: Vec<u8>,
    show: Show,
}

/// Most nodes of one event, whatever a tracee passes.
pub const MAX_NODES: usize = 8192;

impl Tree {
    /// Empties the tree and keeps its memory.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.open.clear();
        self.own.clear();
        self.show = Show::Always;
    }

    /// Adds a value. Those after the limit are left out and the groups around them say that there is more.
    pub fn put(&mut self, name: &'static str, value: Value) {
        if self.nodes.len() >= MAX_NODES {
            self.mark_more();
            return;
        }
        let end = u32::try_from(self.nodes.len() + 1).unwrap_or(u32::MAX);
        self.nodes.push(Node { name, value, show: self.show, more: false, end, note: None });
        self.show = Show::Always;
    }

    /// The next value is shown so.
    pub fn show_next(&mut self, show: Show) {
        self.show = show;
    }

    /// Opens a group that the following values belong to, until [`Tree::close`].
    pub fn open(&mut self, name: &'static str, group: Value) {
        let at = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.put(name, group);
        // A group that found no place is closed like any other, and takes nothing.
        self.open.push(if self.nodes.len() > at as usize { at } else { u32::MAX });
    }

    /// Closes the group opened last.
    pub fn close(&mut self) {
        let Some(at) = self.open.pop() else { return };
        let end = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.end = end;
        }
    }

    /// Closes a [`Value::Changed`]. When one of its two sides is only an address, or both are the same word, the other
    /// side takes the group's place: nothing that a reader could see has changed.
    pub fn close_changed(&mut self) {
        let Some(at) = self.open.last().map(|at| *at as usize) else { return };
        self.close();
        let before = at + 1;
        let Some(after) = self.nodes.get(before).map(|node| node.end as usize) else { return };
        let Some((first, second)) = self.nodes.get(before).zip(self.nodes.get(after)) else { return };
        let untold = |value: Value| matches!(value, Value::Address(_) | Value::Unreadable(_) | Value::Null);
        if untold(second.value) || (first.value == second.value && !self.is_group(before)) {
            self.nodes.truncate(after);
            self.remove(at);
        } else if untold(first.value) {
            self.nodes.drain(before..after);
            let moved = u32::try_from(after - before).unwrap_or(0);
            for node in self.nodes.iter_mut().skip(before) {
                node.end -= moved;
            }
            self.remove(at);
        }
    }

    fn is_group(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(|node| {
            matches!(
                node.value,
                Value::Struct
                    | Value::List
                    | Value::Parts
                    | Value::Place
                    | Value::Shifted(_)
                    | Value::Bits
                    | Value::Sum
                    | Value::Changed
                    | Value::Call(_)
            )
        })
    }

    /// Takes away the group node at `at`; what was inside moves up.
    fn remove(&mut self, at: usize) {
        if at < self.nodes.len() {
            self.nodes.remove(at);
        }
        for node in self.nodes.iter_mut().skip(at) {
            node.end = node.end.saturating_sub(1);
        }
    }

    /// Says that the group opened last has more than it shows.
    pub fn mark_more(&mut self) {
        if let Some(node) = self.open.last().and_then(|at| self.nodes.get_mut(*at as usize)) {
            node.more = true;
        }
    }

    /// Keeps words of our own.
    pub fn own(&mut self, words: std::fmt::Arguments<'_>) -> Seen {
        use std::io::Write as _;
        let start = self.own.len();
        // Writing to a Vec cannot fail.
        let _ = self.own.write_fmt(words);
        Seen::new(0, State::Whole, Store::Own, start, self.own.len() - start)
    }

    /// Adds a remark to the value put last.
    pub fn note(&mut self, words: std::fmt::Arguments<'_>) {
        let seen = self.own(words);
        if let Some(node) = self.nodes.last_mut() {
            node.note = Some(seen);
        }
    }

    /// The words of our own.
    #[must_use]
    pub fn words(&self) -> &[u8] {
        &self.own
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node at `at`.
    #[must_use]
    pub fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// The nodes of `range` that are inside no other node of it, with their indices.
    pub fn level(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = (usize, &Node)> {
        let mut at = range.start;
        std::iter::from_fn(move || {
            let node = self.nodes.get(at).filter(|_| at < range.end)?;
            let here = at;
            at = (node.end as usize).max(at + 1);
            Some((here, node))
        })
    }

    /// The nodes directly inside the node at `at`.
    pub fn inside(&self, at: usize) -> impl Iterator<Item = (usize, &Node)> {
        let end = self.nodes.get(at).map_or(at + 1, |node| node.end as usize);
        self.level(at + 1..end)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_NODES, Tree, Value};

    #[test]
    fn groups_hold_what_was_put_while_they_were_open() {
        let mut tree = Tree::default();
        tree.put("a", Value::Signed(1));
        tree.open("s", Value::Struct);
        tree.put("b", Value::Signed(2));
        tree.open("l", Value::List);
        tree.put("", Value::Signed(3));
        tree.mark_more();
        tree.close();
        tree.close();
        tree.put("c", Value::Null);
        let names = |level: Vec<&str>| level.join(" ");
        assert_eq!(names(tree.level(0..tree.len()).map(|(_, node)| node.name).collect()), "a s c");
        assert_eq!(names(tree.inside(1).map(|(_, node)| node.name).collect()), "b l");
        assert_eq!(tree.inside(3).count(), 1);
        assert!(tree.node(3).unwrap().more && !tree.node(1).unwrap().more);
        assert_eq!(tree.inside(0).count(), 0);
    }

    #[test]
    fn a_tree_has_an_end() {
        let mut tree = Tree::default();
        tree.open("l", Value::List);
        for _ in 0..MAX_NODES * 2 {
            tree.open("", Value::Struct);
            tree.put("x", Value::Null);
            tree.close();
        }
        tree.close();
        assert_eq!(tree.len(), MAX_NODES);
        assert!(tree.node(0).unwrap().more);
        tree.clear();
        assert!(tree.is_empty());
    }
}
