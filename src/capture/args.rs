//! The memory that a call's arguments point to: a walk over the stopped tracee that records what it looks at.

use super::descriptor::{capture_descriptor, capture_netlink};
use super::uring::{self, Looks};
use super::{Wanted, proc};
use crate::decode::secrets::{Clean, Words};
use crate::decode::tree::{Seen, Store};
use crate::decode::walk::{self, Limits, Source, Strings, Walk};
use crate::decode::{room as arg_room, takes_stack, unnamed_room, walk_arg, walk_unnamed};
use crate::engine::{Call, Task};
use crate::model::Pid;
use crate::model::record::{Kind as RecordKind, PIECE_HEADER, Role, State, Writer};
use crate::sys::memory::Memory;
use crate::table::{Arg, Kind, Phase};
use std::borrow::Cow;

/// How many bytes the pieces of a call can take.
pub(super) fn room(kind: RecordKind, call: &Call, wanted: &Wanted) -> usize {
    let Some((row, abi)) = call.row.zip(call.abi) else { return 0 };
    let of = |arg: &Arg| match arg.resolve(&call.args) {
        Arg { kind: Kind::Fd | Kind::Dirfd, .. } if !wanted.named => 0,
        arg => arg_room(&arg, abi, kind == RecordKind::Exit, limits(wanted)),
    };
    row.args(abi).iter().map(of).sum::<usize>() + unnamed_room(row, &call.args, kind == RecordKind::Exit)
}

fn limits(wanted: &Wanted) -> Limits {
    Limits { str_max: wanted.str_max, items: wanted.max_items, env: wanted.env }
}

/// Copies what the arguments point to, as far as it is valid at this stop: an exit has a `result`.
pub(super) fn capture_args(
    writer: &mut Writer<'_>,
    memory: &mut Memory,
    task: Task,
    call: &Call,
    result: Option<i64>,
    wanted: &Wanted,
    (clean, looks): (&mut Clean, &mut Looks),
) {
    let Some((row, abi)) = call.row.zip(call.abi) else { return };
    let exit = result.is_some();
    let hiding = (!wanted.secrets).then(|| Hiding { words: Words::default(), clean });
    let mut live = Live { writer, memory, task, named: wanted.named, detail: wanted.detail, hiding, call, exit, looks };
    let seen = walk::Call { row, abi, args: &call.args, stack: call.stack, result };
    // One byte more than is shown, so that a reader can tell that there is more.
    let mut walk = Walk::new(&mut live, None, seen, limits(wanted));
    for (index, arg) in (0..).zip(row.args(abi)) {
        let arg = &arg.resolve(&call.args);
        let due = match arg.kind {
            Kind::Fd | Kind::Dirfd => wanted.named && !exit,
            kind if kind.is_word() => false,
            _ => (arg.phase == Phase::In) <= !exit && (arg.phase == Phase::Out) <= exit,
        };
        if due {
            walk_arg(&mut walk, index, arg);
        }
    }
    walk_unnamed(&mut walk);
    if !exit && takes_stack(row) {
        writer.piece(Role::Stack, 0, call.stack, State::Whole, &[]);
    }
}

/// The stopped tracee as the source of a walk.
struct Live<'l, 'w> {
    writer: &'l mut Writer<'w>,
    memory: &'l mut Memory,
    task: Task,
    named: bool,
    detail: bool,
    /// The words of the command line that is read, when secrets in them are hidden.
    hiding: Option<Hiding<'l>>,
    call: &'l Call,
    exit: bool,
    looks: &'l mut Looks,
}

/// What hides secrets in lists of strings.
struct Hiding<'l> {
    words: Words,
    clean: &'l mut Clean,
}

impl Live<'_, '_> {
    /// Records what `fill` reads into place and says where it is.
    fn piece(
        &mut self,
        arg: u8,
        address: u64,
        len: usize,
        fill: impl FnOnce(&mut Memory, &mut [u8]) -> (usize, State),
    ) -> Seen {
        let Some(role) = Role::arg(usize::from(arg)) else { return Seen::nothing(address) };
        let start = self.writer.written().len() + PIECE_HEADER;
        let mut seen = Seen::nothing(address);
        let memory = &mut *self.memory;
        self.writer.piece_with(role, 0, address, len, |to| {
            let short = to.len() < len;
            let (got, state) = fill(memory, to);
            let state = if short && got == to.len() { State::Cut } else { state };
            seen = Seen::new(address, state, Store::Record, start, got);
            (got, state)
        });
        seen
    }
}

/// How much of a text is read at first: most paths are shorter, and the kernel copies a whole page twice.
const SHORT: usize = 256;

/// The text at `address`: how much of `to` it takes, and whether that is all of it.
fn text(memory: &mut Memory, tid: Pid, address: u64, to: &mut [u8]) -> (usize, State) {
    let ends = |part: &[u8]| memchr::memchr(0, part).is_some();
    let (first, rest) = to.split_at_mut(SHORT.min(to.len()));
    let mut got = memory.read_until(tid, address, first, ends);
    if got == first.len() && !ends(first) {
        got += memory.read_until(tid, address.saturating_add(got as u64), rest, ends);
    }
    text_of(to, got)
}

/// As [`text`], of the `got` bytes that were read.
fn text_of(to: &[u8], got: usize) -> (usize, State) {
    let full = got == to.len();
    let end = to.get(..got).and_then(|read| memchr::memchr(0, read));
    end.map_or((got, if full { State::Cut } else { State::Unreadable }), |end| (end, State::Whole))
}

impl Source for Live<'_, '_> {
    fn read(&mut self, arg: u8, address: u64, len: usize) -> Seen {
        let tid = self.task.tid;
        self.piece(arg, address, len, |memory, to| {
            let got = memory.read(tid, address, to);
            (got, if got < to.len() { State::Unreadable } else { State::Whole })
        })
    }

    fn read_text(&mut self, arg: u8, address: u64, max: usize) -> Seen {
        let tid = self.task.tid;
        self.piece(arg, address, max, |memory, to| text(memory, tid, address, to))
    }

    fn read_item(&mut self, arg: u8, list: Strings, index: usize, address: u64, max: usize) -> Seen {
        let tid = self.task.tid;
        let mut hiding = self.hiding.take();
        if index == 0 {
            self.memory.forget_texts();
            if let Some(hiding) = &mut hiding {
                hiding.words = Words::default();
            }
        }
        let seen = self.piece(arg, address, max, |memory, to| {
            let got = memory.read_near(tid, address, to, |part| memchr::memchr(0, part).is_some());
            let (got, state) = text_of(to, got);
            let Some(Hiding { words, clean }) = &mut hiding else { return (got, state) };
            let read = to.get(..got).unwrap_or(&[]);
            let shown = match list {
                Strings::Words => words.hide(read),
                Strings::Variables => clean.variable(read),
            };
            match shown {
                Cow::Owned(shown) => proc::put_over(to, &shown, state),
                Cow::Borrowed(_) => (got, state),
            }
        });
        self.hiding = hiding;
        seen
    }

    fn read_words(&mut self, arg: u8, address: u64, word: usize, max: usize) -> Seen {
        let tid = self.task.tid;
        let zero = |bytes: &[u8]| bytes.chunks_exact(word.max(1)).position(|word| word.iter().all(|byte| *byte == 0));
        self.piece(arg, address, max, |memory, to| {
            let got = memory.read_until(tid, address, to, |part| zero(part).is_some());
            let full = got == to.len();
            let read = to.get(..got).unwrap_or(&[]);
            let state = if full { State::Cut } else { State::Unreadable };
            zero(read).map_or((got, state), |at| ((at + 1) * word, State::Whole))
        })
    }

    fn before(&mut self, _arg: u8, address: u64, _len: usize) -> Seen {
        Seen::nothing(address)
    }

    fn descriptor(&mut self, number: i32) {
        if self.named && number >= 0 {
            let number = number.cast_unsigned();
            capture_descriptor(self.writer, Role::Named, self.task, number, self.detail);
        }
    }

    fn ring(&mut self) -> Option<Seen> {
        let start = self.writer.written().len() + PIECE_HEADER;
        let (count, state) = match self.exit {
            true => uring::capture_completions(self.writer, self.task, self.call, self.looks)?,
            false => uring::capture_submissions(self.writer, self.task, self.call, self.looks)?,
        };
        let len = self.writer.written().len().saturating_sub(start);
        Some(Seen::new(count, state, Store::Record, start, len))
    }

    fn netlink(&mut self, number: i32) -> Option<u32> {
        capture_netlink(self.writer, self.task, u32::try_from(number).ok()?)
    }

    fn bytes(&self, seen: &Seen) -> &[u8] {
        if seen.store == Store::Record { seen.of(self.writer.written()) } else { &[] }
    }
}
