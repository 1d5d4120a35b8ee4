//! Requests of input devices (linux/input.h): effects in a union, and buffers whose size is in the request.

use super::super::flat::{put_fields, put_flat, put_seen};
use super::super::tree::{Show, Value};
use super::super::walk::{Walk, low32, walk_items};
use crate::table::sets::{self, Set};
use crate::table::structs::{self, Struct};

/// EVIOCGKEYCODE, EVIOCSKEYCODE: two numbers, the second a key.
pub(super) fn input_keycode(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let layout = &structs::INPUT_KEYCODE_LAYOUT;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (scan, key) = (walk.u32_at(&seen, 0).unwrap_or(0), walk.u32_at(&seen, 4).unwrap_or(0));
    walk.open_list(name);
    walk.put("", Value::Unsigned(u64::from(scan)));
    walk.put("", Value::Constant(&sets::INPUT_KEY, u64::from(key)));
    walk.close();
}

/// `struct ff_effect`.
pub(super) fn ff_effect(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    // The types, and what each makes of the union.
    const EFFECTS: [(u64, &str, &Struct); 4] = [
        (0x50, "rumble", &structs::FF_RUMBLE_EFFECT),
        (0x51, "periodic", &structs::FF_PERIODIC_EFFECT),
        (0x52, "constant", &structs::FF_CONSTANT_EFFECT),
        (0x57, "ramp", &structs::FF_RAMP_EFFECT),
    ];
    let head = &structs::FF_EFFECT_HEAD;
    let at = head.size(walk.abi()).next_multiple_of(walk.abi().word());
    let size = at + structs::FF_PERIODIC_EFFECT.size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    let kind = walk.number(&seen, 0, 2).unwrap_or(0);
    walk.open_struct(name);
    put_fields(walk, head, &seen.part(0, at));
    if let Some((_, member, layout)) = EFFECTS.iter().find(|(known, ..)| *known == kind) {
        let part = seen.part(at, layout.size(walk.abi()));
        walk.show_next(Show::Verbose);
        put_seen(walk, member, layout, &part);
    }
    walk.close();
}

/// A request that a macro makes (`EVIOCGNAME(len)`): what follows from its direction and number.
pub(super) fn input_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let request = low32(walk.word(1));
    let (number, size) = (request & 0xff, (request >> 16 & 0x3fff) as usize);
    let reads = request >> 30 == 2;
    match (reads, number) {
        (true, 0x40..=0x7f) if walk.at_exit() => put_flat(walk, name, &structs::INPUT_ABSINFO, address),
        (false, 0xc0..=0xff) if request >> 30 == 1 => put_flat(walk, name, &structs::INPUT_ABSINFO, address),
        // A name, where it is plugged in, what is unique of it.
        (true, 0x06..=0x08) if walk.at_exit() => {
            let len = walk.success().and_then(|len| usize::try_from(len).ok()).unwrap_or(0);
            walk.buffer(name, address, len.min(size));
        }
        (true, 0x0a) if walk.at_exit() => put_slots(walk, name, address, size),
        (true, 0x09 | 0x18..=0x1b | 0x20..=0x3f) if walk.at_exit() => put_bits(walk, name, address, number, size),
        _ => walk.put(name, Value::Address(address)),
    }
}

/// EVIOCGMTSLOTS: which axis was asked for, and its value in each slot.
fn put_slots(walk: &mut Walk<'_>, name: &'static str, address: u64, size: usize) {
    let Some(seen) = walk.whole(name, address, 4.min(size)) else { return };
    let code = walk.u32_at(&seen, 0).unwrap_or(0);
    walk.open_struct(name);
    walk.put("code", Value::Constant(&sets::INPUT_AXIS, u64::from(code)));
    walk_items(walk, "values", address.wrapping_add(4), (size / 4).saturating_sub(1) as u64, 4, |walk, item| {
        let value = walk.u32_at(&item, 0).unwrap_or(0).cast_signed();
        walk.put("", Value::Signed(i64::from(value)));
    });
    walk.close();
}

/// A bit for each key, axis or event.
fn put_bits(walk: &mut Walk<'_>, name: &'static str, address: u64, number: u32, size: usize) {
    const EVENTS: [(u32, &Set); 3] = [(0x20, &sets::INPUT_EVENT), (0x21, &sets::INPUT_KEY), (0x23, &sets::INPUT_AXIS)];
    let len = walk.success().and_then(|len| usize::try_from(len).ok()).unwrap_or(0).min(size);
    let set = match number {
        0x18 => Some(&sets::INPUT_KEY),
        _ => EVENTS.iter().find(|(known, _)| *known == number).map(|(_, set)| *set),
    };
    let Some(seen) = walk.whole(name, address, len) else { return };
    walk.open(name, Value::Bits);
    for at in 0..len * 8 {
        let byte = walk.number(&seen, at / 8, 1).unwrap_or(0);
        if byte >> (at % 8) & 1 == 1 {
            let bit = at as u64;
            walk.put("", set.map_or(Value::Unsigned(bit), |set| Value::Constant(set, bit)));
        }
    }
    walk.close();
}
