//! Requests of GPIO lines (linux/gpio.h): lists whose length another field says, and attributes chosen by a number.

use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use crate::table::sets;

/// `GPIOHANDLES_MAX`, `GPIO_V2_LINES_MAX`: no request is for more lines.
const LINES: usize = 64;
const NAME: usize = 32;

/// The first `count` numbers of `width` bytes at `at`.
fn put_numbers(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, at: usize, width: usize, count: usize) {
    walk.open_list(name);
    for index in 0..count.min(LINES) {
        let number = walk.number(seen, at + index * width, width).unwrap_or(0);
        walk.put("", Value::Unsigned(number));
    }
    walk.close();
}

fn put_text(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, at: usize) {
    let text = seen.part(at, NAME);
    let end = memchr::memchr(0, walk.bytes(&text));
    walk.put(name, Value::Str(end.map_or_else(|| text.part(0, NAME - 1).cut(), |end| text.part(0, end))));
}

/// Five words of padding, unless all are 0.
fn put_padding(walk: &mut Walk<'_>, seen: &Seen, at: usize) {
    const WORDS: usize = 5;
    let word = |walk: &Walk<'_>, index: usize| walk.u32_at(seen, at + index * 4).unwrap_or(0);
    if (0..WORDS).all(|index| word(walk, index) == 0) {
        return;
    }
    walk.open_list("padding");
    for index in 0..WORDS {
        let padding = word(walk, index);
        walk.put("", Value::Hex(u64::from(padding)));
    }
    walk.close();
}

/// `struct gpiohandle_request`; its descriptor is the kernel's answer.
pub(super) fn gpiohandle_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const SIZE: usize = 364;
    let Some(seen) = walk.whole(name, address, SIZE) else { return };
    walk.open_struct(name);
    if walk.at_exit() {
        let fd = walk.u32_at(&seen, 360).unwrap_or(0).cast_signed();
        walk.put("fd", Value::Fd(fd));
    } else {
        let (flags, lines) = (walk.u32_at(&seen, 256).unwrap_or(0), walk.u32_at(&seen, 356).unwrap_or(0));
        walk.put("lines", Value::Unsigned(u64::from(lines)));
        put_numbers(walk, "lineoffsets", &seen, 0, 4, lines as usize);
        walk.put("flags", Value::Flags(&sets::GPIOHANDLE_REQUEST, u64::from(flags)));
        put_numbers(walk, "default_values", &seen, 260, 1, lines as usize);
        put_text(walk, "consumer_label", &seen, 324);
    }
    walk.close();
}

/// `struct gpiohandle_config`.
pub(super) fn gpiohandle_config(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, 84) else { return };
    let flags = walk.u32_at(&seen, 0).unwrap_or(0);
    walk.open_struct(name);
    walk.put("flags", Value::Flags(&sets::GPIOHANDLE_REQUEST, u64::from(flags)));
    put_numbers(walk, "default_values", &seen, 4, 1, LINES);
    walk.close();
}

/// `struct gpiohandle_data`.
pub(super) fn gpiohandle_data(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, LINES) else { return };
    walk.open_struct(name);
    put_numbers(walk, "values", &seen, 0, 1, LINES);
    walk.close();
}

/// The size of `struct gpio_v2_line_config`.
const CONFIG: usize = 272;

/// `struct gpio_v2_line_config`.
pub(super) fn gpio_v2_line_config(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, CONFIG) else { return };
    put_config(walk, name, &seen);
}

fn put_config(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    const MOST_ATTRIBUTES: u32 = 10;
    let (flags, count) = (walk.u64_at(seen, 0).unwrap_or(0), walk.u32_at(seen, 8).unwrap_or(0));
    walk.open_struct(name);
    walk.put("flags", Value::Flags(&sets::GPIO_V2_LINE, flags));
    walk.put("num_attrs", Value::Unsigned(u64::from(count)));
    put_padding(walk, seen, 12);
    if count > 0 {
        walk.open_list("attrs");
        for index in 0..count.min(MOST_ATTRIBUTES) {
            put_attribute(walk, &seen.part(32 + index as usize * 24, 24));
        }
        walk.close();
    }
    walk.close();
}

/// `struct gpio_v2_line_config_attribute`: a number says what the next 8 bytes are, a mask for which lines.
fn put_attribute(walk: &mut Walk<'_>, seen: &Seen) {
    const FLAGS: u32 = 1;
    const VALUES: u32 = 2;
    const DEBOUNCE: u32 = 3;
    let (id, padding) = (walk.u32_at(seen, 0).unwrap_or(0), walk.u32_at(seen, 4).unwrap_or(0));
    let (data, mask) = (walk.u64_at(seen, 8).unwrap_or(0), walk.u64_at(seen, 16).unwrap_or(0));
    walk.open_struct("");
    match id {
        FLAGS if padding == 0 => walk.put("flags", Value::Flags(&sets::GPIO_V2_LINE, data)),
        VALUES if padding == 0 => walk.put("values", Value::Hex(data)),
        DEBOUNCE if padding == 0 => walk.put("debounce_period_us", Value::Unsigned(data & 0xffff_ffff)),
        _ => {
            walk.open_struct("attr");
            walk.put("id", Value::Unsigned(u64::from(id)));
            if padding != 0 {
                walk.put("padding", Value::Hex(u64::from(padding)));
            }
            walk.put("data", Value::Hex(data));
            walk.close();
        }
    }
    walk.put("mask", Value::Hex(mask));
    walk.close();
}

/// `struct gpio_v2_line_request`; its descriptor is the kernel's answer.
pub(super) fn gpio_v2_line_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const SIZE: usize = 592;
    const CONFIG_AT: usize = 288;
    let Some(seen) = walk.whole(name, address, SIZE) else { return };
    walk.open_struct(name);
    if walk.at_exit() {
        let fd = walk.u32_at(&seen, 588).unwrap_or(0).cast_signed();
        walk.put("fd", Value::Fd(fd));
    } else {
        let (lines, buffer) = (walk.u32_at(&seen, 560).unwrap_or(0), walk.u32_at(&seen, 564).unwrap_or(0));
        walk.put("num_lines", Value::Unsigned(u64::from(lines)));
        put_numbers(walk, "offsets", &seen, 0, 4, lines as usize);
        put_text(walk, "consumer", &seen, 256);
        put_config(walk, "config", &seen.part(CONFIG_AT, CONFIG));
        if buffer != 0 {
            walk.put("event_buffer_size", Value::Unsigned(u64::from(buffer)));
        }
        put_padding(walk, &seen, 568);
    }
    walk.close();
}
