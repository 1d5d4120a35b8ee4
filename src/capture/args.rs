//! The memory that a call's arguments point to. The argument's kind says when it is readable and how long it is.

use super::{MAX_BUFFER, MAX_ITEMS, MAX_LIST, MAX_PATH, Wanted};
use crate::engine::Call;
use crate::model::record::{Kind as RecordKind, PIECE_HEADER, Role, State, Writer};
use crate::model::{Abi, Pid};
use crate::sys::memory::Memory;
use crate::table::{Arg, Kind, Len, Phase};

/// The errnos that a result can be: -4095 to -1 (linux/err.h, MAX_ERRNO).
pub(super) fn failed(result: i64) -> bool {
    (-4095..0).contains(&result)
}

fn row_args(call: &Call) -> (&'static [Arg], Abi) {
    match (call.row, call.abi) {
        (Some(row), Some(abi)) => (row.args(abi), abi),
        _ => (&[], Abi::X86_64),
    }
}

fn readable(phase: Phase, kind: RecordKind) -> bool {
    match kind {
        RecordKind::Enter => phase != Phase::Out,
        _ => phase == Phase::Out,
    }
}

fn text_max(wanted: &Wanted) -> usize {
    wanted.str_max.saturating_add(1).min(MAX_BUFFER)
}

/// How many bytes the pieces of a call can take.
pub(super) fn room(kind: RecordKind, call: &Call, wanted: &Wanted) -> usize {
    let of = |arg: &Arg| match arg.kind {
        _ if !readable(arg.phase, kind) => 0,
        Kind::Path => MAX_PATH + PIECE_HEADER,
        Kind::Str | Kind::Bytes(_) => text_max(wanted).next_multiple_of(8) + PIECE_HEADER,
        Kind::Strv => MAX_LIST + MAX_ITEMS * (PIECE_HEADER + 8),
        _ => 0,
    };
    row_args(call).0.iter().map(of).sum()
}

/// Copies what the arguments point to, as far as it is valid at this stop.
pub(super) fn capture_args(
    writer: &mut Writer<'_>,
    kind: RecordKind,
    memory: &mut Memory,
    tid: Pid,
    call: &Call,
    result: i64,
    wanted: &Wanted,
) {
    if kind == RecordKind::Exit && failed(result) {
        return;
    }
    let (args, abi) = row_args(call);
    for (i, arg) in args.iter().enumerate() {
        let (Some(role), Some(address)) = (Role::arg(i), call.args.get(i).copied()) else { continue };
        // The environment holds secrets: its address is all that is kept.
        if address == 0 || arg.name == "envp" || !readable(arg.phase, kind) {
            continue;
        }
        match arg.kind {
            Kind::Path => {
                capture_text(writer, role, 0, memory, tid, address, MAX_PATH);
            }
            Kind::Str => {
                capture_text(writer, role, 0, memory, tid, address, text_max(wanted));
            }
            Kind::Strv => capture_list(writer, role, memory, tid, abi, address, text_max(wanted)),
            Kind::Bytes(len) => {
                let len = bytes_len(len, args, call, result);
                capture_bytes(writer, role, memory, tid, address, len, text_max(wanted));
            }
            _ => {}
        }
    }
}

/// The length of a buffer: an argument or the result, and never more than a size that the program gave.
fn bytes_len(len: Len, args: &[Arg], call: &Call, result: i64) -> usize {
    let size = |i: usize| call.args.get(i).and_then(|size| usize::try_from(*size).ok()).unwrap_or(usize::MAX);
    match len {
        Len::Arg(at) => size(usize::from(at)),
        Len::Ret => {
            let given = args.iter().enumerate().filter(|(_, arg)| arg.kind == Kind::Size).map(|(i, _)| size(i)).min();
            usize::try_from(result).unwrap_or(0).min(given.unwrap_or(usize::MAX))
        }
    }
}

fn capture_text(
    writer: &mut Writer<'_>,
    role: Role,
    index: u16,
    memory: &mut Memory,
    tid: Pid,
    address: u64,
    max: usize,
) -> usize {
    let mut len = 0;
    writer.piece_with(role, index, address, max, |to| {
        let got = memory.read_until(tid, address, to, |part| memchr::memchr(0, part).is_some());
        let full = got == to.len();
        let read = to.get(..got).unwrap_or(&[]);
        let (end, state) = match memchr::memchr(0, read) {
            Some(end) => (end, State::Whole),
            None => (got, if full { State::Cut } else { State::Unreadable }),
        };
        len = end;
        (end, state)
    });
    len
}

fn capture_list(
    writer: &mut Writer<'_>,
    role: Role,
    memory: &mut Memory,
    tid: Pid,
    abi: Abi,
    address: u64,
    max: usize,
) {
    let word = abi.word();
    let mut pointers = [0; MAX_ITEMS * 8];
    let wanted = pointers.get_mut(..MAX_ITEMS * word).unwrap_or(&mut []);
    // Whole words only: the terminating NULL word says that it is enough.
    let got =
        memory.read_until(tid, address, wanted, |part| part.chunks_exact(word).any(|w| w.iter().all(|b| *b == 0)));
    let mut left = MAX_LIST;
    for (i, bytes) in pointers.get(..got).unwrap_or(&[]).chunks_exact(word).enumerate() {
        let item = bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        if item == 0 {
            return;
        }
        let index = u16::try_from(i).unwrap_or(u16::MAX);
        if left == 0 {
            writer.piece(role, index, item, State::Cut, &[]);
            return;
        }
        left -= capture_text(writer, role, index, memory, tid, item, max.min(left)).min(left);
    }
    // No end was seen: the list goes on, or cannot be read.
    let state = if got == MAX_ITEMS * word { State::Cut } else { State::Unreadable };
    writer.piece(role, u16::try_from(got / word).unwrap_or(u16::MAX), address, state, &[]);
}

fn capture_bytes(
    writer: &mut Writer<'_>,
    role: Role,
    memory: &mut Memory,
    tid: Pid,
    address: u64,
    len: usize,
    max: usize,
) {
    let take = len.min(max);
    writer.piece_with(role, 0, address, take, |to| {
        let got = memory.read(tid, address, to);
        let state = match (got < to.len(), to.len() < len) {
            (true, _) => State::Unreadable,
            (false, true) => State::Cut,
            (false, false) => State::Whole,
        };
        (got, state)
    });
}
