//! Requests of PTP hardware clocks (linux/ptp_clock.h). The second form of a request has the number of the first and 9
//! more, and is the one that looks at its reserved words.

use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use crate::table::sets;

/// The numbers of the requests that look at reserved words.
fn is_second(walk: &Walk<'_>) -> bool {
    const FIRST_OF_THEM: u64 = 10;
    walk.word(1) & 0xff >= FIRST_OF_THEM
}

/// Reserved words of a second request, unless all are 0.
fn put_reserved(walk: &mut Walk<'_>, seen: &Seen, at: usize, count: usize) {
    let word = |walk: &Walk<'_>, index: usize| walk.u32_at(seen, at + index * 4).unwrap_or(0);
    if (0..count).all(|index| word(walk, index) == 0) {
        return;
    }
    walk.open_list("rsv");
    for index in 0..count {
        let reserved = word(walk, index);
        walk.put("", Value::Hex(u64::from(reserved)));
    }
    walk.close();
}

/// `struct ptp_clock_time`, 16 bytes.
fn put_time(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, at: usize) {
    let seconds = walk.u64_at(seen, at).unwrap_or(0).cast_signed();
    let (nanoseconds, reserved) = (walk.u32_at(seen, at + 8).unwrap_or(0), walk.u32_at(seen, at + 12).unwrap_or(0));
    walk.open_struct(name);
    walk.put("sec", Value::Signed(seconds));
    walk.put("nsec", Value::Unsigned(u64::from(nanoseconds)));
    if reserved != 0 {
        walk.put("reserved", Value::Hex(u64::from(reserved)));
    }
    walk.close();
}

fn put_unsigned(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, at: usize) -> u32 {
    let number = walk.u32_at(seen, at).unwrap_or(0);
    walk.put(name, Value::Unsigned(u64::from(number)));
    number
}

/// `struct ptp_extts_request`: a channel and what to time stamp.
pub(super) fn ptp_extts_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, 16) else { return };
    let flags = walk.u32_at(&seen, 4).unwrap_or(0);
    walk.open_struct(name);
    put_unsigned(walk, "index", &seen, 0);
    walk.put("flags", Value::Flags(&sets::PTP_EXTTS, u64::from(flags)));
    if is_second(walk) {
        put_reserved(walk, &seen, 8, 2);
    }
    walk.close();
}

/// `struct ptp_perout_request`: the flags say whether it begins at a time or a phase, and whether the pulse's length is
/// given in the place of reserved words.
pub(super) fn ptp_perout_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const DUTY_CYCLE: u32 = 1 << 1;
    const PHASE: u32 = 1 << 2;
    let Some(seen) = walk.whole(name, address, 56) else { return };
    let flags = walk.u32_at(&seen, 36).unwrap_or(0);
    walk.open_struct(name);
    put_time(walk, if flags & PHASE == 0 { "start" } else { "phase" }, &seen, 0);
    put_time(walk, "period", &seen, 16);
    put_unsigned(walk, "index", &seen, 32);
    walk.put("flags", Value::Flags(&sets::PTP_PEROUT, u64::from(flags)));
    if flags & DUTY_CYCLE != 0 {
        put_time(walk, "on", &seen, 40);
    } else if is_second(walk) {
        put_reserved(walk, &seen, 40, 4);
    }
    walk.close();
}

/// `struct ptp_sys_offset` and `ptp_sys_offset_extended`: how many measurements are wanted, then the times of each.
pub(super) fn ptp_sys_offset(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const MOST_SAMPLES: u32 = 25;
    const EXTENDED: [u64; 2] = [9, 18];
    // The request says how long the structure is, which the kernel reads as a whole.
    let size = usize::try_from(walk.word(1) >> 16 & 0x3fff).unwrap_or(0);
    let Some(seen) = walk.whole(name, address, size.max(16)) else { return };
    walk.open_struct(name);
    let samples = put_unsigned(walk, "n_samples", &seen, 0);
    put_reserved(walk, &seen, 4, 3);
    if walk.at_exit() && samples <= MOST_SAMPLES {
        let extended = EXTENDED.contains(&(walk.word(1) & 0xff));
        let times = if extended { samples * 3 } else { samples * 2 + 1 };
        walk.open_list("ts");
        for index in 0..times as usize {
            put_time(walk, "", &seen, 16 + index * 16);
        }
        walk.close();
    }
    walk.close();
}

/// `struct ptp_pin_desc`: a pin's name is the kernel's, its function and channel are set or asked for.
pub(super) fn ptp_pin_desc(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const SET_FUNCTION: [u64; 2] = [7, 16];
    let Some(seen) = walk.whole(name, address, 96) else { return };
    let sets = SET_FUNCTION.contains(&(walk.word(1) & 0xff));
    let function = walk.u32_at(&seen, 68).unwrap_or(0);
    walk.open_struct(name);
    if walk.at_exit() {
        let text = seen.part(0, 64);
        let end = memchr::memchr(0, walk.bytes(&text)).unwrap_or(63);
        walk.put("name", Value::Str(text.part(0, end)));
    }
    put_unsigned(walk, "index", &seen, 64);
    if sets || walk.at_exit() {
        walk.put("func", Value::Constant(&sets::PTP_PIN_FUNCTION, u64::from(function)));
        put_unsigned(walk, "chan", &seen, 72);
    }
    if is_second(walk) {
        put_reserved(walk, &seen, 76, 5);
    }
    walk.close();
}
