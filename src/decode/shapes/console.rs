//! Requests of virtual consoles (linux/kd.h, ioctl_console(2)): keys and the strings and accents on them, fonts.

use super::super::flat::{named_word, put_named, walk_flat_array};
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
use crate::model::record::State;
use crate::table::sets;
use crate::table::structs;

/// A request of a console.
pub(super) fn console_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    match low32(walk.word(1)) {
        // GIO_SCRNMAP, GIO_FONT, GIO_CMAP and what sets them.
        0x4b40 | 0x4b41 => walk.binary(name, address, 256),
        0x4b60 | 0x4b61 => walk.binary(name, address, 8192),
        0x4b70 | 0x4b71 => walk.binary(name, address, 48),
        0x4b46 => entry(walk, name, address, true),
        0x4b47 => entry(walk, name, address, false),
        0x4b48 => string(walk, name, address, true),
        0x4b49 => string(walk, name, address, false),
        0x4b4a | 0x4b4b => accents(walk, name, address),
        0x4bfa | 0x4bfb => unicode_accents(walk, name, address),
        0x4b66 => characters(walk, name, address, true),
        0x4b67 => characters(walk, name, address, false),
        0x4b6b => font(walk, name, address, true),
        0x4b6c => font(walk, name, address, false),
        0x4b72 => font_operation(walk, name, address),
        _ => walk.put(name, Value::Address(address)),
    }
}

/// Whether what the kernel writes is told although the call failed: GIO_UNIMAP, how many characters there are.
pub(super) fn told_on_failure(request: u64) -> bool {
    low32(request) == 0x4b66
}

/// `struct kbentry`: a table, the place in it and the key there.
fn entry(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    let Some(seen) = walk.whole(name, address, 2) else { return };
    let (table, index) = (walk.number(&seen, 0, 1).unwrap_or(0), walk.number(&seen, 1, 1).unwrap_or(0));
    walk.open_struct(name);
    let table = match table {
        0..=3 => Value::Constant(&sets::KD_KEY_TABLE, table),
        _ => Value::Flags(&sets::KD_KEYMAP, table),
    };
    walk.put("kb_table", table);
    walk.put("kb_index", Value::Unsigned(index));
    if !asks || walk.at_exit() {
        let key = walk.read(address.wrapping_add(2), 2);
        match walk.number(&key, 0, 2) {
            Some(key) => walk.put("kb_value", Value::Constant(&sets::KD_KEY, key)),
            None => walk.put_words("kb_value", format_args!("???")),
        }
    }
    walk.close();
}

/// `struct kbsentry`: a function key and its string.
fn string(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    const MOST: usize = 512;
    let Some(seen) = walk.whole(name, address, 1) else { return };
    let function = walk.number(&seen, 0, 1).unwrap_or(0);
    walk.open_struct(name);
    walk.put("kb_func", Value::Constant(&sets::KD_FUNCTION, function));
    if !asks || walk.at_exit() {
        let text = walk.read_text(address.wrapping_add(1), MOST);
        let max = walk.limits.str_max;
        match text.state {
            State::Unreadable => walk.put_words("kb_string", format_args!("???")),
            // The NUL has to find room too.
            _ if text.len() >= max => walk.put("kb_string", Value::Str(text.part(0, max).cut())),
            _ => walk.put("kb_string", Value::Str(text)),
        }
    }
    walk.close();
}

/// The most accents that there are (`MAX_DIACR`).
const ACCENTS: u64 = 256;

/// `struct kbdiacrs`: an accent, a letter and what both are together.
fn accents(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const NAMES: [&str; 3] = ["diacr", "base", "result"];
    let Some(seen) = walk.whole(name, address, 4) else { return };
    let count = u64::from(walk.u32_at(&seen, 0).unwrap_or(0));
    walk.open_struct(name);
    walk.put("kb_cnt", Value::Unsigned(count));
    walk_items(walk, "kbdiacr", address.wrapping_add(4), count.min(ACCENTS), 3, |walk, item| {
        walk.open_struct("");
        for (at, name) in NAMES.into_iter().enumerate() {
            put_character(walk, name, &item, at);
        }
        walk.close();
    });
    walk.close();
}

/// A byte as C writes it.
fn put_character(walk: &mut Walk<'_>, name: &'static str, item: &Seen, at: usize) {
    let byte = walk.number(item, at, 1).and_then(|byte| u8::try_from(byte).ok()).unwrap_or(0);
    walk.put(name, Value::Character(byte));
}

/// `struct kbdiacrsuc`: as [`accents`], in Unicode.
fn unicode_accents(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let Some(seen) = walk.whole(name, address, 4) else { return };
    let count = u64::from(walk.u32_at(&seen, 0).unwrap_or(0));
    walk.open_struct(name);
    walk.put("kb_cnt", Value::Unsigned(count));
    let list = address.wrapping_add(4);
    walk_flat_array(walk, "kbdiacruc", &structs::KBDIACRUC, list, count.min(ACCENTS));
    walk.close();
}

/// `struct unimapdesc`: which character of the font each one of Unicode is.
fn characters(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    let layout = &structs::UNIMAPDESC;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (count, list) = (named_word(walk, layout, &seen, "entry_ct"), named_word(walk, layout, &seen, "entries"));
    let old = walk.before(walk.index(), address, 2);
    let old = walk.number(&old, 0, 2).unwrap_or(count);
    walk.open_struct(name);
    if walk.at_exit() {
        walk.open("entry_ct", Value::Changed);
        walk.put("", Value::Unsigned(old));
        walk.put("entry_ct", Value::Unsigned(count));
        walk.close();
    } else {
        walk.put("entry_ct", Value::Unsigned(count));
    }
    let failed = walk.at_exit() && walk.success().is_none();
    if failed {
        walk.put("entries", if list == 0 { Value::Null } else { Value::Address(list) });
    } else if !asks || walk.at_exit() {
        walk_flat_array(walk, "entries", &structs::UNIPAIR, list, count.min(old));
    }
    walk.close();
}

/// The most characters of a font, and the bytes of one that is 8 wide and as high as can be.
const CHARACTERS: u64 = 512;
const CHARACTER: u64 = 32;

fn put_font(walk: &mut Walk<'_>, name: &'static str, address: u64, characters: u64, across: u64) {
    let len = across * CHARACTER * characters.min(CHARACTERS);
    walk.binary(name, address, usize::try_from(len).unwrap_or(0));
}

/// `struct consolefontdesc`.
fn font(walk: &mut Walk<'_>, name: &'static str, address: u64, asks: bool) {
    let layout = &structs::CONSOLEFONTDESC;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (count, data) = (named_word(walk, layout, &seen, "charcount"), named_word(walk, layout, &seen, "chardata"));
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["charcount", "charheight"]);
    match asks && !walk.at_exit() {
        true => put_named(walk, layout, &seen, &["chardata"]),
        false => put_font(walk, "chardata", data, count, 1),
    }
    walk.close();
}

/// A font's name, which has its end within 32 bytes.
fn put_font_name(walk: &mut Walk<'_>, address: u64) {
    const ROOM: usize = 32;
    let max = walk.limits.str_max.min(ROOM - 1);
    let text = walk.read_text(address, ROOM);
    match text.state {
        _ if address == 0 => walk.put("data", Value::Null),
        State::Unreadable => walk.put("data", Value::Unreadable(address)),
        _ if text.len() > max => walk.put("data", Value::Str(text.part(0, max).cut())),
        _ => walk.put("data", Value::Str(text)),
    }
}

/// `struct console_font_op`: the operation says what else counts.
fn font_operation(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const SET: u64 = 0;
    const GET: u64 = 1;
    const SET_DEFAULT: u64 = 2;
    const COPY: u64 = 3;
    let layout = &structs::CONSOLE_FONT_OP;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let operation = named_word(walk, layout, &seen, "op");
    let exit = walk.at_exit();
    if exit && matches!(operation, SET | COPY) {
        return walk.put(name, Value::Address(address));
    }
    walk.open_struct(name);
    if !exit {
        put_named(walk, layout, &seen, &["op"]);
        if !matches!(operation, SET_DEFAULT | COPY) {
            put_named(walk, layout, &seen, &["flags"]);
        }
    }
    put_named(walk, layout, &seen, if operation == COPY { &["height"] } else { &["width", "height"] });
    if !matches!(operation, SET_DEFAULT | COPY) {
        put_named(walk, layout, &seen, &["charcount"]);
    }
    let data = named_word(walk, layout, &seen, "data");
    let across = named_word(walk, layout, &seen, "width").min(32).div_ceil(8);
    let count = named_word(walk, layout, &seen, "charcount");
    match operation {
        SET => put_font(walk, "data", data, count, across),
        GET if exit => put_font(walk, "data", data, count, across),
        SET_DEFAULT if !exit => put_font_name(walk, data),
        SET_DEFAULT | COPY => {}
        _ => put_named(walk, layout, &seen, &["data"]),
    }
    walk.close();
}
