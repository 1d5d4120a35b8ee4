//! Attributes of netlink messages: a length, a type, and what the type makes of the rest.

use super::super::super::flat::{field_value, put_fields, put_place, put_seen};
use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use super::{ATTRIBUTE, Part, own, put_binary, put_chain};
use crate::table::Kind;
use crate::table::attributes::{Attributes, How};
use crate::table::sets::Set;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The bits of a type that are none of it (linux/netlink.h).
const NESTED: u64 = 0x8000;
const NET_BYTEORDER: u64 = 0x4000;

/// `MAX_ADDR_LEN` (linux/netdevice.h).
const MAX_HARDWARE: usize = 32;

/// Attributes inside attributes are followed so deep: a limit for a tracee that makes them up.
const DEEPEST: u8 = 8;

/// The attributes in `part`, of a message of `family`.
pub(super) fn put_attributes(walk: &mut Walk<'_>, part: Part, attributes: &'static Attributes, family: u8) {
    put_nested(walk, part, attributes, family, 0);
}

pub(super) fn put_nested(walk: &mut Walk<'_>, part: Part, attributes: &'static Attributes, family: u8, depth: u8) {
    let inside = Inside { attributes, family, depth, all: part };
    put_chain(walk, "", part, ATTRIBUTE, |walk, _, one| put_attribute(walk, one, inside));
}

/// Where an attribute lies.
#[derive(Clone, Copy)]
struct Inside {
    attributes: &'static Attributes,
    family: u8,
    depth: u8,
    /// The attribute and those beside it.
    all: Part,
}

fn put_attribute(walk: &mut Walk<'_>, one: Part, inside: Inside) {
    let len = walk.number(&one.seen, 0, 2).unwrap_or(0);
    let word = walk.number(&one.seen, 2, 2).unwrap_or(0);
    let kind = word & !(NESTED | NET_BYTEORDER);
    let names = inside.attributes.names;
    let carries = len > ATTRIBUTE as u64 && one.len > ATTRIBUTE;
    if carries {
        walk.open("", Value::Parts);
    }
    walk.open_struct("");
    walk.put("nla_len", Value::Unsigned(len));
    put_kind(walk, names, kind, word);
    walk.close();
    if carries {
        let body = one.after(ATTRIBUTE);
        match inside.attributes.how(kind) {
            Some(how) if put_body(walk, body, how, inside) => {}
            _ => put_binary(walk, "", body),
        }
        walk.close();
    }
}

/// Says the type of an attribute; `word` has the bits beside it.
fn put_kind(walk: &mut Walk<'_>, names: Option<&'static Set>, kind: u64, word: u64) {
    let Some(names) = names else { return walk.put("nla_type", Value::Hex(word)) };
    if kind == word {
        return walk.put("nla_type", Value::Constant(names, kind));
    }
    let nested = if word & NESTED == 0 { "" } else { "NLA_F_NESTED|" };
    let order = if word & NET_BYTEORDER == 0 { "" } else { "NLA_F_NET_BYTEORDER|" };
    match names.name_of(kind, walk.abi()) {
        Some(name) => walk.put_words("nla_type", format_args!("{nested}{order}{name}")),
        None => walk.put_words("nla_type", format_args!("{nested}{order}{kind:#x} /* {} */", names.unknown)),
    }
}

/// The least bytes that an attribute has that holds this.
fn least(how: How, walk: &Walk<'_>) -> usize {
    match how {
        How::Number { width, .. } | How::Array { width, .. } => usize::from(width),
        How::Indexed(_, width, _) => usize::from(width),
        How::Big { width, .. } => usize::from(width),
        How::Interface | How::Inet => 4,
        How::Inet6 => 16,
        How::Struct(layout, 0) | How::Leading(layout) | How::Structs(layout) | How::Headed(layout, _) => {
            layout.size(walk.abi())
        }
        How::Struct(_, least) => usize::from(least),
        How::Own(own) => own::least(own),
        _ => 0,
    }
}

/// Says what `body` holds; nothing, and false, when it is too short for that.
fn put_body(walk: &mut Walk<'_>, body: Part, how: How, inside: Inside) -> bool {
    let Inside { family, depth, .. } = inside;
    let least = least(how, walk);
    if body.len < least || body.lacks(least) || least == 0 && body.lacks(body.len) && !is_chain(how) {
        return false;
    }
    let number = |walk: &Walk<'_>| walk.number(&body.seen, 0, least).unwrap_or(0);
    match how {
        How::Hardware if body.len > MAX_HARDWARE => return false,
        How::Number { width, signed, kind } => {
            let word = extend(number(walk), width, signed);
            let value = field_value(kind, word, signed, walk.abi());
            walk.put("", value);
        }
        How::Big { width, kind } => {
            let word = number(walk).swap_bytes() >> (64 - u32::from(width) * 8);
            walk.open(
                "",
                Value::Call(if width == 2 {
                    "htons"
                } else if width == 4 {
                    "htonl"
                } else {
                    "htobe64"
                }),
            );
            let value = field_value(kind, word, false, walk.abi());
            walk.put("", value);
            walk.close();
        }
        How::Interface => {
            let index = number(walk);
            walk.put("ifindex", Value::Unsigned(index));
        }
        How::Array { width, signed, kind } => {
            put_items(walk, body, usize::from(width), |walk, item, _| {
                let word = walk.number(&item.seen, 0, usize::from(width)).unwrap_or(0);
                let value = field_value(kind, extend(word, width, signed), signed, walk.abi());
                walk.put("", value);
            });
        }
        How::Indexed(set, width, signed) => put_items(walk, body, usize::from(width), |walk, item, at| {
            let word = walk.number(&item.seen, 0, usize::from(width)).unwrap_or(0);
            put_place(walk, set, at, field_value(Kind::U64, extend(word, width, signed), signed, walk.abi()));
        }),
        How::Structs(layout) => {
            put_items(walk, body, layout.size(walk.abi()), |walk, item, _| put_seen(walk, "", layout, &item.seen));
        }
        How::Ticks => {
            if body.len > 8 {
                return false;
            }
            let ticks = walk.number(&body.seen, 0, body.len).unwrap_or(0);
            walk.put("", Value::Ticks(ticks));
        }
        How::Text => {
            let end = memchr::memchr(0, walk.bytes(&body.seen)).unwrap_or(body.seen.len());
            let most = walk.limits.str_max;
            let text = body.seen.part(0, end.min(most));
            let cut = end > most || (end == body.len && body.len > 0);
            walk.put("", Value::Str(if cut { text.cut() } else { text }));
        }
        How::String => {
            let most = walk.limits.str_max;
            let ended = walk.bytes(&body.seen).last() == Some(&0);
            let text = body.seen.part(0, if ended { body.len - 1 } else { body.len });
            let text = if text.len() > most { text.part(0, most).cut() } else { text };
            walk.put("", Value::Str(if ended { text } else { text.cut() }));
        }
        How::Inet | How::Inet6 => {
            let Some(address) = address(walk, body, if least == 4 { 2 } else { 10 }) else { return false };
            walk.put("", address);
        }
        How::Address => {
            let Some(address) = address(walk, body, family) else { return false };
            walk.put("", address);
        }
        How::Hardware => walk.put("", Value::Hardware(body.seen)),
        How::Struct(layout, 0) => put_seen(walk, "", layout, &body.part(0, least).seen),
        How::Struct(layout, _) => {
            let len = body.len.min(layout.size(walk.abi()));
            if body.lacks(len) {
                return false;
            }
            walk.open_struct("");
            put_fields(walk, layout, &body.part(0, len).seen);
            walk.close();
        }
        How::Leading(layout) => {
            put_seen(walk, "", layout, &body.part(0, least).seen);
            if body.len > least {
                put_binary(walk, "", body.after(least));
            }
        }
        How::Headed(layout, attributes) => {
            let rest = body.after(least.next_multiple_of(4));
            put_seen(walk, "", layout, &body.part(0, least).seen);
            if rest.len > 0 && depth < DEEPEST {
                put_nested(walk, rest, attributes, family, depth + 1);
            }
        }
        How::Own(own) => return depth < DEEPEST && own::put(walk, body, own, family, depth + 1),
        How::Beside(kind, cases) => {
            let Some(how) = beside(walk, inside.all, kind).and_then(|text| chosen(walk, text, cases)) else {
                return false;
            };
            return put_body(walk, body, how, inside);
        }
        How::Nested(attributes) => return put_inside(walk, body, Some(attributes), inside),
        How::Family(cases, other) => {
            let known = cases.iter().find(|(family, _)| *family == inside.family).map(|(_, attributes)| *attributes);
            return put_inside(walk, body, known.or(other), inside);
        }
    }
    true
}

/// The attributes inside one; false when nothing is known of them, or they lie too deep.
fn put_inside(walk: &mut Walk<'_>, body: Part, attributes: Option<&'static Attributes>, inside: Inside) -> bool {
    let attributes = attributes.filter(|_| inside.depth < DEEPEST);
    if let Some(attributes) = attributes {
        put_nested(walk, body, attributes, inside.family, inside.depth + 1);
    }
    attributes.is_some()
}

/// Whether what it holds is told as far as it can be read.
fn is_chain(how: How) -> bool {
    matches!(how, How::Nested(_) | How::Family(..) | How::Beside(..))
}

/// What `text` chooses of `cases`.
fn chosen(walk: &Walk<'_>, text: Part, cases: &[(&str, How)]) -> Option<How> {
    let text = walk.bytes(&text.seen).split(|byte| *byte == 0).next().unwrap_or_default();
    cases.iter().find(|(known, _)| known.as_bytes() == text).map(|(_, how)| *how)
}

/// What the attribute of type `kind` among `all` carries.
fn beside(walk: &Walk<'_>, all: Part, kind: u16) -> Option<Part> {
    let mut rest = all;
    for _ in 0..walk.limits.items {
        let own = usize::try_from(walk.number(&rest.seen, 0, 2)?).ok().filter(|own| *own >= ATTRIBUTE)?;
        if walk.number(&rest.seen, 2, 2)? == u64::from(kind) {
            return Some(rest.part(ATTRIBUTE, own - ATTRIBUTE));
        }
        rest = rest.after(own.next_multiple_of(4));
    }
    None
}

fn extend(word: u64, width: u8, signed: bool) -> u64 {
    let unused = 64 - u32::from(width) * 8;
    if signed { ((word << unused).cast_signed() >> unused).cast_unsigned() } else { word }
}

/// Things of `size` bytes each, one behind the other, as many as are whole.
pub(super) fn put_items(walk: &mut Walk<'_>, body: Part, size: usize, mut one: impl FnMut(&mut Walk<'_>, Part, usize)) {
    let there = body.seen.len().min(body.len) / size;
    walk.open_list("");
    for at in 0..there.min(walk.limits.items) {
        one(walk, body.part(at * size, size), at);
    }
    if there < body.len / size && there < walk.limits.items {
        walk.put("", Value::Unreadable(body.seen.address.wrapping_add((there * size) as u64)));
    }
    walk.close();
}

/// An address of `family`.
pub(super) fn address(walk: &Walk<'_>, body: Part, family: u8) -> Option<Value> {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    let bytes = walk.bytes(&body.seen);
    match family {
        AF_INET => {
            bytes.get(..4).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(|four| Value::Ip4(Ipv4Addr::from(four)))
        }
        AF_INET6 => {
            let address = bytes.get(..16).and_then(|all| <[u8; 16]>::try_from(all).ok());
            address.map(|all| Value::Ip6(Ipv6Addr::from(all)))
        }
        _ => None,
    }
}
