//! Flat structures: the fields that the table's layouts give, and nothing that follows a pointer.

use super::args::scalar;
use super::tree::{Seen, Show, Value};
use super::walk::{Limits, MAX_STRUCTS, Walk, low32, walk_items};
use crate::model::Abi;
use crate::model::record::{PIECE_HEADER, State};
use crate::table::Kind;
use crate::table::sets::{Base, Set};
use crate::table::structs::{self, Field, Show as FieldShow, Struct, What};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The structure `layout` at `address`.
pub(super) fn put_flat(walk: &mut Walk<'_>, name: &'static str, layout: &'static Struct, address: u64) {
    let abi = walk.abi();
    // Numbers in a row are told as far as they can be read.
    if let Some(field) = layout.plain(abi).filter(|field| field.count > 1 && matches!(field.what, What::Word(_))) {
        let width = field.width(abi);
        return walk_items(walk, name, address, u64::from(field.count), width, |walk, seen| {
            put_element(walk, "", field, &seen, 0);
        });
    }
    if let Some(seen) = walk.whole(name, address, layout.size(abi)) {
        put_seen(walk, name, layout, &seen);
    }
}

/// An array of `count` structures of `layout` at `address`.
pub(super) fn walk_flat_array(
    walk: &mut Walk<'_>,
    name: &'static str,
    layout: &'static Struct,
    address: u64,
    count: u64,
) {
    let size = layout.size(walk.abi());
    walk_items(walk, name, address, count, size, |walk, seen| put_item(walk, layout, &seen));
}

/// The structure `layout` at `address`, of which the program knows `size` bytes: a newer or older one than ours.
pub(super) fn walk_flat_sized(
    walk: &mut Walk<'_>,
    name: &'static str,
    layout: &'static Struct,
    address: u64,
    size: u64,
) {
    let ours = layout.size(walk.abi());
    let given = usize::try_from(size).unwrap_or(usize::MAX);
    if given < FIRST_SIZES.iter().find(|(first, _)| *first == layout.name).map_or(1, |(_, size)| *size) {
        return walk.put(name, Value::Address(address));
    }
    // setsockopt(2) takes what is too long and refuses what is too short.
    let option = walk.call.row.name == "setsockopt";
    if option && (given < ours || given != ours && layout.name == "tpacket_req") {
        return walk.put(name, Value::Address(address));
    }
    let given = if option { ours } else { given };
    let Some(seen) = walk.whole(name, address, given.min(ours).min(MAX_STRUCTS)) else { return };
    // The kernel takes a longer one of a newer program when what it does not know is zero.
    let after =
        (given > ours).then(|| walk.read(address.wrapping_add(ours as u64), (given - ours).min(MAX_STRUCTS / 2)));
    walk.open_struct(name);
    put_fields(walk, layout, &seen);
    if let Some(after) = after {
        put_unknown(walk, &after, ours, given);
    }
    walk.close();
}

/// The name of the bytes behind the fields of a structure that the program knows to be longer.
pub const UNKNOWN: &str = "unknown";

/// What was seen `after` the first `ours` of the `given` bytes of a structure: said unless all of it is zero.
pub(super) fn put_unknown(walk: &mut Walk<'_>, after: &Seen, ours: usize, given: usize) {
    if after.state == State::Unreadable {
        walk.put(UNKNOWN, Value::Unreadable(after.address));
    } else if walk.bytes(after).iter().any(|byte| *byte != 0) {
        walk.put(UNKNOWN, Value::Bytes(*after));
        walk.note(format_args!("bytes {ours}..{}", given - 1));
    } else if after.len() < given - ours {
        walk.mark_more();
    }
}

/// Structures that grow with the kernel, and the size that the first kernel with them demands (`*_SIZE_VER0`).
const FIRST_SIZES: [(&str, usize); 4] =
    [("open_how", 24), ("clone_args", 64), ("landlock_ruleset_attr", 8), ("mount_attr", 32)];

/// What was seen, as one item of a list.
fn put_item(walk: &mut Walk<'_>, layout: &'static Struct, seen: &Seen) {
    match layout.plain(walk.abi()).filter(|field| !field.array) {
        Some(field) => put_element(walk, "", field, seen, 0),
        None => put_seen(walk, "", layout, seen),
    }
}

/// What was seen, as the structure `layout`. A plain number is a list of one, as a pair is a list of two.
pub(super) fn put_seen(walk: &mut Walk<'_>, name: &'static str, layout: &'static Struct, seen: &Seen) {
    match layout.plain(walk.abi()) {
        Some(field) => {
            walk.open_list(name);
            for index in 0..usize::from(field.count) {
                put_element(walk, "", field, seen, index);
            }
        }
        None => {
            walk.open_struct(name);
            put_fields(walk, layout, seen);
        }
    }
    walk.close();
}

/// The fields of `layout` that lie in what was seen: a program's structure can be older, and smaller, than ours.
pub(super) fn put_fields(walk: &mut Walk<'_>, layout: &'static Struct, seen: &Seen) {
    let list = LISTS.iter().find(|list| list.layout == layout.name);
    for field in layout.fields(walk.abi()) {
        match list.filter(|list| list.field == field.name) {
            Some(list) => put_list(walk, list, (layout, field), seen),
            None => put_field(walk, field, seen),
        }
    }
}

/// A field that is the address of as many numbers as another field, or the call's last argument, says.
struct List {
    layout: &'static str,
    field: &'static str,
    count: Count,
    of: &'static Struct,
    /// The operations of io_uring_register(2) by which it is that; empty: always.
    by: &'static [i32],
}

/// Where the number of items stands.
enum Count {
    Field(&'static str),
    Argument(usize),
}

const LISTS: [List; 4] = [
    List { layout: "clone_args", field: "set_tid", count: Count::Field("set_tid_size"), of: &structs::PID, by: &[] },
    List { layout: "io_uring_files_update", field: "fds", count: Count::Argument(3), of: &structs::FD, by: &[] },
    List { layout: "io_uring_rsrc_register", field: "data", count: Count::Field("nr"), of: &structs::FD, by: &[13] },
    List { layout: "io_uring_rsrc_update2", field: "data", count: Count::Field("nr"), of: &structs::FD, by: &[14] },
];

/// Most bytes that the structure `layout` takes with the list that it leads to.
pub(super) fn room(layout: &Struct, abi: Abi, limits: Limits) -> usize {
    let leads = LISTS.iter().any(|list| list.layout == layout.name);
    layout.size(abi).next_multiple_of(8) + PIECE_HEADER + if leads { limits.structs() + PIECE_HEADER } else { 0 }
}

fn put_list(walk: &mut Walk<'_>, list: &List, (layout, field): (&'static Struct, &Field), seen: &Seen) {
    let abi = walk.abi();
    let word = |field: &Field| field.word(walk.bytes(seen), abi, 0).filter(|_| field.end(abi) <= seen.len());
    let count = match list.count {
        Count::Field(name) => layout.fields(abi).iter().find(|field| field.name == name).and_then(word).unwrap_or(0),
        Count::Argument(at) => u64::from(low32(walk.word(at))),
    };
    let due = list.by.is_empty() || list.by.contains(&walk.int(1));
    match word(field) {
        Some(address) if address != 0 && count != 0 && due => {
            walk_flat_array(walk, field.name, list.of, address, count);
        }
        _ => put_field(walk, field, seen),
    }
}

/// The fields of `layout` called `names`, in their order.
pub(super) fn put_named(walk: &mut Walk<'_>, layout: &'static Struct, seen: &Seen, names: &[&str]) {
    for name in names {
        if let Some(field) = layout.fields(walk.abi()).iter().find(|field| field.name == *name) {
            put_field(walk, field, seen);
        }
    }
}

/// The number in the field of `layout` called `name`; 0 where nothing was read.
pub(super) fn named_word(walk: &Walk<'_>, layout: &'static Struct, seen: &Seen, name: &str) -> u64 {
    let abi = walk.abi();
    let field = layout.fields(abi).iter().find(|field| field.name == name && field.end(abi) <= seen.len());
    field.and_then(|field| field.word(walk.bytes(seen), abi, 0)).unwrap_or(0)
}

/// One field, if it lies in what was seen and is to be shown.
pub(super) fn put_field(walk: &mut Walk<'_>, field: &Field, seen: &Seen) {
    let abi = walk.abi();
    if field.end(abi) > seen.len() {
        // A part of a number is only bytes.
        let start = field.offset(abi);
        if start < seen.len() && field.show != FieldShow::Hidden && walk.call.row.name == "getsockopt" {
            walk.put(field.name, Value::Bytes(seen.part(start, seen.len() - start)));
        }
        return;
    }
    match field.show {
        FieldShow::Hidden => return,
        FieldShow::Answer if !walk.at_exit() => return,
        FieldShow::NonZero if is_zero(walk, field, seen) => return,
        FieldShow::Verbose => walk.show_next(Show::Verbose),
        FieldShow::Always | FieldShow::NonZero | FieldShow::Answer => {}
    }
    put_whole(walk, field, seen);
}

fn is_zero(walk: &Walk<'_>, field: &Field, seen: &Seen) -> bool {
    let (bytes, abi) = (walk.bytes(seen), walk.abi());
    (0..usize::from(field.count)).all(|index| match field.word(bytes, abi, index) {
        Some(word) => word == 0,
        None => field.bytes(bytes, abi).iter().all(|byte| *byte == 0),
    })
}

fn put_whole(walk: &mut Walk<'_>, field: &Field, seen: &Seen) {
    let abi = walk.abi();
    let part = seen.part(field.offset(abi), field.end(abi) - field.offset(abi));
    match field.what {
        What::Text => {
            let end = memchr::memchr(0, walk.bytes(&part));
            // The last byte is the NUL's place.
            let text = end.map_or_else(|| part.part(0, part.len().saturating_sub(1)).cut(), |end| part.part(0, end));
            walk.put(field.name, Value::Str(text));
        }
        What::Bytes => walk.put(field.name, Value::Bytes(part)),
        What::Big(kind) => {
            let width = part.len();
            let word = walk.number(&part, 0, width).unwrap_or(0).swap_bytes() >> (64 - width * 8);
            walk.open(field.name, Value::Call(if width == 2 { "htons" } else { "htonl" }));
            let value = field_value(kind, word, false, abi);
            walk.put("", value);
            walk.close();
        }
        What::Places(set, kind) => {
            walk.open_list(field.name);
            for index in 0..usize::from(field.count) {
                let word = field.word(walk.bytes(seen), abi, index).unwrap_or(0);
                put_place(walk, set, index, field_value(kind, word, field.signed, abi));
            }
            walk.close();
        }
        What::Raw => walk.put(field.name, Value::Binary(part)),
        What::Hardware => walk.put(field.name, Value::Hardware(part)),
        What::Port => {
            let port = walk.number(&part, 0, 2).and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
            walk.open(field.name, Value::Call("htons"));
            walk.put("", Value::Unsigned(u64::from(port.swap_bytes())));
            walk.close();
        }
        What::Inet => {
            let address = walk.u32_at(&part, 0).unwrap_or(0);
            walk.put(field.name, Value::Ip4(Ipv4Addr::from(address.to_le_bytes())));
        }
        What::Inet6 => {
            let address: Option<[u8; 16]> = walk.bytes(&part).try_into().ok();
            walk.put(field.name, Value::Ip6(Ipv6Addr::from(address.unwrap_or_default())));
        }
        What::Word(_) | What::Nested(_) if field.array => {
            walk.open_list(field.name);
            for index in 0..usize::from(field.count) {
                put_element(walk, "", field, seen, index);
            }
            walk.close();
        }
        What::Word(_) | What::Nested(_) => put_element(walk, field.name, field, seen, 0),
    }
}

/// An item of an array whose places have the names of `set`.
pub(super) fn put_place(walk: &mut Walk<'_>, set: &'static Set, index: usize, value: Value) {
    walk.open("", Value::Place);
    walk.put("", Value::Constant(set, index as u64));
    walk.put("", value);
    walk.close();
}

/// One element of a field of the structure that was seen.
fn put_element(walk: &mut Walk<'_>, name: &'static str, field: &Field, seen: &Seen, index: usize) {
    let abi = walk.abi();
    match field.what {
        What::Nested(layout) => {
            let width = field.width(abi);
            let part = seen.part(field.offset(abi) + width * index, width);
            put_seen(walk, name, layout, &part);
        }
        What::Word(kind) => {
            let word = field.word(walk.bytes(seen), abi, index).unwrap_or(0);
            walk.put(name, field_value(kind, word, field.signed, abi));
        }
        What::Text
        | What::Bytes
        | What::Big(_)
        | What::Places(..)
        | What::Hardware
        | What::Raw
        | What::Port
        | What::Inet
        | What::Inet6 => {}
    }
}

/// What a field's whole word means: as an argument's, but as wide as the field is.
pub(super) fn field_value(kind: Kind, word: u64, signed: bool, abi: Abi) -> Value {
    match kind {
        Kind::Int | Kind::Long | Kind::Off | Kind::Uint | Kind::Ulong | Kind::U64 | Kind::Size | Kind::Errno
            if signed =>
        {
            Value::Signed(word.cast_signed())
        }
        Kind::Int | Kind::Long | Kind::Off | Kind::Uint | Kind::Ulong | Kind::U64 | Kind::Size => Value::Unsigned(word),
        Kind::Dev => Value::Device(word),
        // What is wider than a descriptor or a mode is none.
        Kind::Fd if word >> 32 != 0 && !signed => Value::Unsigned(word),
        Kind::Mode if word > 0xffff_ffff => Value::Octal(word),
        // A signal and a constant in base 16 have no sign; what is wider than a signal is none.
        Kind::Sig if word > 0x7fff_ffff && !signed => Value::Unsigned(word),
        Kind::Enum(set) if signed && set.base == Base::Hex && word >> 32 == 0xffff_ffff => {
            Value::Constant(set, word & 0xffff_ffff)
        }
        Kind::Enum(set) => Value::Constant(set, word),
        Kind::Flags(set) => Value::Flags(set, word),
        _ => scalar(kind, word, abi),
    }
}
