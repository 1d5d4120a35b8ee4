//! What perf_event_open(2) takes: a structure as long as it says itself, whose type chooses between the members of its
//! unions and says what its configuration means.

use super::super::flat::put_field;
use super::super::tree::{Seen, Show, Value};
use super::super::walk::Walk;
use super::too_big;
use crate::table::sets;
use crate::table::structs::{self, Field, Show as FieldShow};

/// The size of the first version (`PERF_ATTR_SIZE_VER0`).
const FIRST: usize = 64;
/// Where `size` and the flags stand.
const SIZE: usize = 4;
const FLAGS: usize = 40;

/// The types (`PERF_TYPE_*`) that decide what other fields mean.
mod kind {
    pub(super) const HARDWARE: u32 = 0;
    pub(super) const SOFTWARE: u32 = 1;
    pub(super) const TRACEPOINT: u32 = 2;
    pub(super) const HW_CACHE: u32 = 3;
    pub(super) const BREAKPOINT: u32 = 5;
}

/// What the flags and the types of samples say of other fields.
struct Choice {
    kind: u32,
    freq: bool,
    watermark: bool,
    clockid: bool,
    branches: bool,
    stack: bool,
}

impl Choice {
    fn of(walk: &Walk<'_>, seen: &Seen) -> Choice {
        let (flags, samples) = (walk.u64_at(seen, FLAGS).unwrap_or(0), walk.u64_at(seen, 24).unwrap_or(0));
        Choice {
            kind: walk.u32_at(seen, 0).unwrap_or(0),
            freq: flags >> 10 & 1 == 1,
            watermark: flags >> 14 & 1 == 1,
            clockid: flags >> 25 & 1 == 1,
            branches: samples >> 11 & 1 == 1,
            stack: samples >> 13 & 1 == 1,
        }
    }
}

/// `struct perf_event_attr`. Of one that says that it is longer than what can be read, that much is told. When it is longer
/// than the kernel's, the kernel writes its own size into it (E2BIG).
pub(super) fn perf_event_attr(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let answered = walk.at_exit();
    if answered && !too_big(walk) {
        return walk.put(name, Value::Address(address));
    }
    let head = if answered { walk.before(walk.index(), address, SIZE + 4) } else { walk.read(address, SIZE + 4) };
    if head.len() < SIZE + 4 && (walk.says() || !answered) {
        return walk.put(name, Value::Unreadable(address));
    }
    let size = walk.u32_at(&head, SIZE).unwrap_or(0);
    let layout = &structs::PERF_EVENT_ATTR_LAYOUT;
    let ours = layout.size(walk.abi());
    let given = if size == 0 { FIRST } else { size as usize };
    if given < FIRST {
        return walk.put(name, Value::Address(address));
    }
    let seen = walk.read(address, given.min(ours));
    if seen.len() < FIRST {
        return walk.put(name, Value::Unreadable(address));
    }
    let choice = Choice::of(walk, &seen);
    walk.open_struct(name);
    for field in layout.fields(walk.abi()) {
        match field.name {
            "size" if answered => {
                let now = u64::from(walk.u32_at(&seen, SIZE).unwrap_or(0));
                walk.open("size", Value::Changed);
                walk.put("", Value::Constant(&sets::PERF_ATTR_SIZE, u64::from(size)));
                walk.put("", Value::Constant(&sets::PERF_ATTR_SIZE, now));
                walk.close();
            }
            _ => put_attribute(walk, field, &seen, &choice),
        }
    }
    if given > seen.len() {
        walk.mark_more();
    }
    walk.close();
}

fn put_attribute(walk: &mut Walk<'_>, field: &Field, seen: &Seen, choice: &Choice) {
    let abi = walk.abi();
    if field.end(abi) > seen.len() {
        return;
    }
    let word = field.word(walk.bytes(seen), abi, 0).unwrap_or(0);
    let breakpoint = choice.kind == kind::BREAKPOINT;
    match field.name {
        "config" => put_config(walk, choice.kind, word),
        "sample_period" if choice.freq => walk.put("sample_freq", Value::Unsigned(word)),
        "wakeup_events" if choice.watermark => walk.put_verbose("wakeup_watermark", Value::Unsigned(word)),
        "bp_type" if breakpoint => walk.put_verbose("bp_type", Value::Constant(&sets::PERF_BREAKPOINT, word)),
        "config1" if breakpoint => walk.put_verbose("bp_addr", Value::Hex(word)),
        "config2" if breakpoint => walk.put_verbose("bp_len", Value::Unsigned(word)),
        "branch_sample_type" if !choice.branches => {}
        "sample_stack_user" if !choice.stack => {}
        "sample_stack_user" => walk.put_verbose("sample_stack_user", Value::Hex(word)),
        "clockid" if !choice.clockid => {}
        "__reserved_1" if word != 0 => {
            walk.put("__reserved_1", Value::Hex(word));
            walk.note(format_args!("Bits 63..38"));
        }
        "__reserved_2" if word != 0 => walk.note(format_args!("bytes 110..111: {word:#x}")),
        "__reserved_3" if word != 0 => walk.note(format_args!("bytes 116..119: {word:#x}")),
        name if field.show == FieldShow::NonZero && word == 0 => {
            walk.show_next(Show::Verbose);
            walk.put(name, Value::Unsigned(0));
        }
        _ => put_field(walk, field, seen),
    }
}

/// What is counted. The upper half says which of several units of that type.
fn put_config(walk: &mut Walk<'_>, kind: u32, word: u64) {
    let (unit, low) = (word >> 32, word & 0xffff_ffff);
    let extended = unit != 0 && matches!(kind, kind::HARDWARE | kind::HW_CACHE);
    let mut name = "config";
    if extended {
        walk.open(name, Value::Shifted(32));
        walk.put("", Value::Hex(unit));
        name = "";
    }
    match kind {
        kind::HARDWARE => walk.put(name, Value::Constant(&sets::PERF_HW_ID, low)),
        kind::SOFTWARE => walk.put(name, Value::Constant(&sets::PERF_SW_ID, word)),
        kind::TRACEPOINT => walk.put(name, Value::Unsigned(word)),
        kind::HW_CACHE => put_cache(walk, name, low),
        _ => walk.put(name, Value::Hex(word)),
    }
    if extended {
        walk.close();
    }
}

/// A cache's event: its result, its operation and the cache, a byte each; and what is above them, which is nothing.
fn put_cache(walk: &mut Walk<'_>, name: &'static str, config: u64) {
    let (beyond, result, operation, cache) = (config >> 24, config >> 16 & 0xff, config >> 8 & 0xff, config & 0xff);
    let mut name = name;
    if beyond != 0 {
        walk.open(name, Value::Shifted(24));
        walk.put("", Value::Hex(beyond));
        name = "";
    }
    walk.open(name, Value::Shifted(16));
    walk.put("", Value::Constant(&sets::PERF_CACHE_RESULT, result));
    walk.open("", Value::Shifted(8));
    walk.put("", Value::Constant(&sets::PERF_CACHE_OP, operation));
    walk.put("", Value::Constant(&sets::PERF_CACHE, cache));
    walk.close();
    walk.close();
    if beyond != 0 {
        walk.close();
    }
}
