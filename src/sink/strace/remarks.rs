//! What strace says in brackets behind a result: what the number means, and what is ready.

use super::Strace;
use super::calls::name;
use super::constants;
use super::values::{Painter, number};
use crate::decode::tree::{Node, Value};
use crate::decode::walk::low32;
use crate::event::Outcome;
use crate::model::Constants;
use crate::table::sets;

/// Whether a call may have a remark.
pub(super) fn has(call: &str) -> bool {
    const CALLS: [&str; 26] = [
        "io_uring_enter",
        "recvmmsg",
        "recvmmsg_time64",
        "set_thread_area",
        "sgetmask",
        "ssetmask",
        "signal",
        "ioprio_get",
        "rt_sigtimedwait",
        "poll",
        "ppoll",
        "ppoll_time64",
        "select",
        "_newselect",
        "pselect6",
        "pselect6_time64",
        "sched_getscheduler",
        "time",
        "adjtimex",
        "clock_adjtime",
        "clock_adjtime64",
        "personality",
        "prctl",
        "ioctl",
        "fcntl",
        "fcntl64",
    ];
    CALLS.contains(&call)
}

/// Appends the remark of a call that returned.
pub(super) fn remark(painter: &Painter<'_, '_>, out: &mut Vec<u8>) {
    let Outcome::Returned(result) = painter.event.outcome else { return };
    if result < 0 {
        return;
    }
    match name(painter.event) {
        "io_uring_enter" => rung(painter, out),
        "poll" | "ppoll" | "ppoll_time64" => polled(painter, result, out),
        "select" | "_newselect" | "pselect6" | "pselect6_time64" => selected(painter, result, out),
        "sched_getscheduler" => named(painter, &sets::SCHED_POLICY, result, out),
        "recvmmsg" | "recvmmsg_time64" if result == 0 => out.extend_from_slice(b" (Timeout)"),
        "recvmmsg" | "recvmmsg_time64" if Strace::in_set(painter.event, &painter.shown.verbose) => {
            let (start, mut any) = (out.len(), false);
            out.extend_from_slice(b" (");
            left(painter, 4, &mut any, out);
            match any {
                true => out.push(b')'),
                false => out.truncate(start),
            }
        }
        "set_thread_area" => thread_area(painter, out),
        call @ ("sgetmask" | "ssetmask") => {
            out.extend_from_slice(if call == "sgetmask" { b" (mask " } else { b" (old mask " });
            painter.signals(result.cast_unsigned() & 0xffff_ffff, 32, out);
            out.push(b')');
        }
        "signal" => named(painter, &sets::SA_HANDLER, result, out),
        "time" if result > 0 => {
            out.extend_from_slice(b" (");
            super::times::local(painter.zone, result, None, out);
            out.push(b')');
        }
        "ioprio_get" if painter.shown.constants != Constants::Raw => {
            out.extend_from_slice(b" (");
            class_and_data(painter, result.cast_unsigned(), out);
            out.push(b')');
        }
        "rt_sigtimedwait" if result > 0 => {
            out.extend_from_slice(b" (");
            constants::signal(i32::try_from(result).unwrap_or(0), painter.shown.constants, out);
            out.push(b')');
        }
        "personality" => flagged(painter, &sets::PERSONALITY, "", result.cast_unsigned(), out),
        "prctl" => option(painter, result, out),
        "fcntl" | "fcntl64" => file_control(painter, result.cast_unsigned(), out),
        "ioctl" if painter.event.words().get(1).map(|word| word & 0xffff_ffff) == Some(NS_GET_NSTYPE) => {
            flagged(painter, &sets::CLONE, "", result.cast_unsigned(), out);
        }
        "adjtimex" | "clock_adjtime" | "clock_adjtime64" if is_told(painter) => {
            named(painter, &sets::ADJTIMEX_RESULT, result, out)
        }
        _ => {}
    }
}

/// What stands behind the arguments because no register names it, and is said here.
const RING: [&str; 2] = ["submitted", "completed"];

/// Whether a value of this name is said in the remark.
pub(super) fn tells(value: &str) -> bool {
    RING.contains(&value)
}

/// What a call gave to an io_uring, and what it found there. strace shows neither.
fn rung(painter: &Painter<'_, '_>, out: &mut Vec<u8>) {
    let mut between: &[u8] = b" (";
    for (at, node) in painter.tree.level(0..painter.tree.len()).filter(|(_, node)| tells(node.name)) {
        if matches!(node.value, Value::List) && painter.tree.inside(at).next().is_none() {
            continue;
        }
        out.extend_from_slice(between);
        out.extend_from_slice(node.name.as_bytes());
        out.push(b' ');
        painter.value(at, node, out);
        between = b", ";
    }
    if between == b", " {
        out.push(b')');
    }
}

/// `_IO(0xb7, 3)` (linux/nsfs.h).
const NS_GET_NSTYPE: u64 = 0xb703;

/// What a prctl(2) option gives.
fn option(painter: &Painter<'_, '_>, result: i64, out: &mut Vec<u8>) {
    const GET_DUMPABLE: u64 = 3;
    const GET_SECUREBITS: u64 = 27;
    const MCE_KILL_GET: u64 = 34;
    match painter.event.words().first().map(|word| word & 0xffff_ffff) {
        Some(GET_DUMPABLE) => named(painter, &sets::PRCTL_DUMPABLE, result, out),
        Some(MCE_KILL_GET) => named(painter, &sets::PRCTL_MCE_KILL_POLICY, result, out),
        Some(GET_SECUREBITS) if result != 0 => {
            flagged(painter, &sets::SECUREBITS, "", result.cast_unsigned(), out);
        }
        _ => {}
    }
}

/// What a fcntl(2) command gives.
fn file_control(painter: &Painter<'_, '_>, result: u64, out: &mut Vec<u8>) {
    const GETFD: u64 = 1;
    const GETFL: u64 = 3;
    const GETSIG: u64 = 11;
    const GETLEASE: u64 = 1025;
    const GET_SEALS: u64 = 1034;
    match painter.event.words().get(1).map(|word| word & 0xffff_ffff) {
        Some(GETFD) if result != 0 => flagged(painter, &sets::FD_FLAGS, "flags ", result, out),
        Some(GETFL) => flagged(painter, &sets::OPEN, "flags ", result, out),
        Some(GET_SEALS) if result != 0 => flagged(painter, &sets::SEALS, "seals ", result, out),
        Some(GETLEASE) => named(painter, &sets::LOCK_TYPE, result.cast_signed(), out),
        Some(GETSIG) if result != 0 => {
            out.extend_from_slice(b" (");
            constants::signal(i32::try_from(result).unwrap_or(0), Constants::Abbrev, out);
            out.push(b')');
        }
        _ => {}
    }
}

/// The bits of a result, after a word that says what they are.
fn flagged(painter: &Painter<'_, '_>, set: &'static sets::Set, word: &str, result: u64, out: &mut Vec<u8>) {
    if painter.shown.constants != Constants::Raw {
        number(out, format_args!(" ({word}"));
        constants::flags(set, result, painter.abi(), Constants::Abbrev, out);
        out.push(b')');
    }
}

/// A class and a number within it (linux/ioprio.h).
pub(super) fn io_priority(painter: &Painter<'_, '_>, word: u64, out: &mut Vec<u8>) {
    let style = painter.shown.constants;
    if style != Constants::Abbrev {
        number(out, format_args!("{}", low32(word).cast_signed()));
    }
    if style == Constants::Raw {
        return;
    }
    out.extend_from_slice(if style == Constants::Verbose { b" /* " } else { b"" });
    class_and_data(painter, word, out);
    out.extend_from_slice(if style == Constants::Verbose { b" */" } else { b"" });
}

fn class_and_data(painter: &Painter<'_, '_>, word: u64, out: &mut Vec<u8>) {
    let (class, data) = ((word & 0xffff_ffff) >> 13, word & 0x1fff);
    out.extend_from_slice(b"IOPRIO_PRIO_VALUE(");
    constants::one(&sets::IOPRIO_CLASS, class, painter.abi(), painter.shown.constants, out);
    number(out, format_args!(", {data})"));
}

fn named(painter: &Painter<'_, '_>, set: &'static sets::Set, result: i64, out: &mut Vec<u8>) {
    if let Some(name) = set.name_of(result.cast_unsigned(), painter.abi()) {
        number(out, format_args!(" ({name})"));
    }
}

/// Whether what a pointer leads to could be read.
fn is_told(painter: &Painter<'_, '_>) -> bool {
    painter.tree.level(0..painter.tree.len()).any(|(_, node)| matches!(node.value, Value::Struct | Value::Changed))
}

/// Which entry the kernel chose.
fn thread_area(painter: &Painter<'_, '_>, out: &mut Vec<u8>) {
    let entry = |at| painter.tree.inside(at).find(|(_, field)| field.name == "entry_number");
    let area = painter.tree.level(0..painter.tree.len()).next();
    let area = area
        .map(|(at, node)| if node.value == Value::Changed { after(painter, 0).map_or(at, |(at, _)| at) } else { at });
    if let Some((_, field)) = area.and_then(entry)
        && let Value::Signed(number_) = field.value
    {
        number(out, format_args!(" (entry_number={number_})"));
    }
}

/// The value of argument `index` after the call, where it changed.
fn after<'p>(painter: &'p Painter<'_, '_>, index: usize) -> Option<(usize, &'p Node)> {
    let (at, node) = painter.tree.level(0..painter.tree.len()).nth(index)?;
    if node.value != Value::Changed {
        return None;
    }
    painter.tree.inside(at).nth(1)
}

/// The descriptors that have something, and the time that is left.
fn polled(painter: &Painter<'_, '_>, result: i64, out: &mut Vec<u8>) {
    if result == 0 {
        return out.extend_from_slice(b" (Timeout)");
    }
    out.extend_from_slice(b" (");
    if let Some((at, node)) = after(painter, 0) {
        painter.value(at, node, out);
    }
    left(painter, 2, &mut true, out);
    out.push(b')');
}

fn left(painter: &Painter<'_, '_>, index: usize, any: &mut bool, out: &mut Vec<u8>) {
    if let Some((at, node)) = after(painter, index)
        && node.value == Value::Struct
    {
        out.extend_from_slice(if *any { b", left " } else { b"left " });
        *any = true;
        painter.value(at, node, out);
    }
}

fn selected(painter: &Painter<'_, '_>, result: i64, out: &mut Vec<u8>) {
    if result == 0 {
        return out.extend_from_slice(b" (Timeout)");
    }
    let mut text = Vec::new();
    let mut any = false;
    for (index, word) in [(1, "in"), (2, "out"), (3, "except")] {
        let Some((at, node)) = after(painter, index) else { continue };
        if painter.tree.inside(at).next().is_none() {
            continue;
        }
        number(&mut text, format_args!("{}{word} ", if any { ", " } else { "" }));
        any = true;
        painter.value(at, node, &mut text);
    }
    left(painter, 4, &mut any, &mut text);
    out.extend_from_slice(b" (");
    out.extend_from_slice(&text);
    out.push(b')');
}
