//! Attributes of netlink messages: a length, a type, and what the type makes of the rest.

use super::super::super::flat::{put_fields, put_seen};
use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use super::{ATTRIBUTE, Part, put_binary, put_chain};
use crate::table::sets::Set;
use crate::table::structs::{self, Struct};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The bits of a type that are none of it (linux/netlink.h).
const NESTED: u64 = 0x8000;
const NET_BYTEORDER: u64 = 0x4000;

/// Attributes inside attributes are followed so deep: a limit for a tracee that makes them up.
const DEEPEST: u8 = 6;

/// The attributes of one header, or inside one attribute.
#[derive(Debug)]
pub(super) struct Attributes {
    /// The names of the types.
    pub(super) names: &'static Set,
    /// What the types hold; others are bytes.
    pub(super) known: &'static [(u16, How)],
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// A number of so many bytes.
    Unsigned(u8),
    /// As [`How::Unsigned`], with a sign.
    Signed(u8),
    /// As [`How::Unsigned`], shown in base 16.
    Hex(u8),
    /// A number in network order.
    Big(u8),
    /// The number of a network interface.
    Interface,
    /// `struct ifla_bridge_id`: two numbers and a hardware address.
    Bridge,
    /// Hundredths of a second (USER_HZ), in at most 8 bytes.
    Ticks,
    /// One constant, in so many bytes.
    Enum(&'static Set, u8),
    /// Bits, in so many bytes.
    Flags(&'static Set, u8),
    /// Numbers of so many bytes.
    Array(u8),
    /// As [`How::Array`], shown in base 16.
    Masks(u8),
    /// Text that ends with a NUL.
    Text,
    /// An address of the message's family.
    Address,
    /// A hardware address.
    Hardware,
    /// A structure.
    Struct(&'static Struct),
    /// A structure of which older kernels have only so many bytes.
    Grown(&'static Struct, usize),
    /// Attributes.
    Nested(&'static Attributes),
    /// Attributes that the message's family chooses.
    OfFamily(&'static [(u8, &'static Attributes)]),
    /// The ways of a route: headers with a length, each with attributes of the route behind it.
    Hops(&'static Attributes),
}

/// The attributes in `part`, of a message of `family`.
pub(super) fn put_attributes(walk: &mut Walk<'_>, part: Part, attributes: &'static Attributes, family: u8) {
    put_nested(walk, part, attributes, family, 0);
}

fn put_nested(walk: &mut Walk<'_>, part: Part, attributes: &'static Attributes, family: u8, depth: u8) {
    put_chain(walk, "", part, ATTRIBUTE, |walk, _, one| put_attribute(walk, one, attributes, family, depth));
}

fn put_attribute(walk: &mut Walk<'_>, one: Part, attributes: &'static Attributes, family: u8, depth: u8) {
    let len = walk.number(&one.seen, 0, 2).unwrap_or(0);
    let word = walk.number(&one.seen, 2, 2).unwrap_or(0);
    let kind = word & !(NESTED | NET_BYTEORDER);
    let carries = len > ATTRIBUTE as u64 && one.len > ATTRIBUTE;
    if carries {
        walk.open("", Value::Parts);
    }
    walk.open_struct("");
    walk.put("nla_len", Value::Unsigned(len));
    let named = if kind == word { None } else { attributes.names.name_of(kind, walk.abi()) };
    let nested = if word & NESTED == 0 { "" } else { "NLA_F_NESTED|" };
    let order = if word & NET_BYTEORDER == 0 { "" } else { "NLA_F_NET_BYTEORDER|" };
    match named {
        _ if kind == word => walk.put("nla_type", Value::Constant(attributes.names, kind)),
        Some(name) => walk.put_words("nla_type", format_args!("{nested}{order}{name}")),
        None => walk.put_words("nla_type", format_args!("{nested}{order}{kind:#x} /* {} */", attributes.names.unknown)),
    }
    walk.close();
    if carries {
        let body = one.after(ATTRIBUTE);
        let how = attributes.known.iter().find(|(known, _)| u64::from(*known) == kind).map(|(_, how)| *how);
        match how {
            Some(how) if put_body(walk, body, how, family, depth) => {}
            _ => put_binary(walk, "", body),
        }
        walk.close();
    }
}

/// Says what `body` holds; nothing, and false, when it is too short for that.
fn put_body(walk: &mut Walk<'_>, body: Part, how: How, family: u8, depth: u8) -> bool {
    let number = |walk: &Walk<'_>, width: u8| {
        let whole = body.len >= usize::from(width);
        if whole { walk.number(&body.seen, 0, usize::from(width)) } else { None }
    };
    let value = match how {
        How::Unsigned(width) => number(walk, width).map(Value::Unsigned),
        How::Signed(width) => number(walk, width).map(|word| {
            let unused = 64 - u32::from(width) * 8;
            Value::Signed((word << unused).cast_signed() >> unused)
        }),
        How::Hex(width) => number(walk, width).map(Value::Hex),
        How::Big(width) => {
            if let Some(word) = number(walk, width) {
                walk.open(
                    "",
                    Value::Call(match width {
                        2 => "htons",
                        4 => "htonl",
                        _ => "htobe64",
                    }),
                );
                walk.put("", Value::Unsigned(word.swap_bytes() >> (64 - u32::from(width) * 8)));
                walk.close();
                return true;
            }
            None
        }
        How::Interface => {
            let Some(index) = number(walk, 4) else { return false };
            walk.put("ifindex", Value::Unsigned(index));
            return true;
        }
        How::Bridge => {
            const SIZE: usize = 8;
            if body.len < SIZE || body.lacks(SIZE) {
                return false;
            }
            walk.open_struct("");
            walk.open_list("prio");
            for at in 0..2 {
                let priority = walk.number(&body.seen, at, 1).unwrap_or(0);
                walk.put("", Value::Unsigned(priority));
            }
            walk.close();
            put_hardware(walk, "addr", body.part(2, SIZE - 2));
            walk.close();
            return true;
        }
        How::Ticks => {
            if body.len > 8 || body.lacks(body.len) {
                return false;
            }
            let ticks = walk.number(&body.seen, 0, body.len).unwrap_or(0);
            walk.put("", Value::Unsigned(ticks));
            if ticks != 0 {
                walk.note(format_args!("{}.{:02} s", ticks / 100, ticks % 100));
            }
            return true;
        }
        How::Enum(set, width) => number(walk, width).map(|word| Value::Constant(set, word)),
        How::Flags(set, width) => number(walk, width).map(|word| Value::Flags(set, word)),
        How::Array(width) | How::Masks(width) => {
            let width = usize::from(width);
            if body.len < width || body.lacks(width) {
                return false;
            }
            let there = body.seen.len().min(body.len) / width;
            walk.open_list("");
            for at in 0..there.min(walk.limits.items) {
                let word = walk.number(&body.seen, at * width, width).unwrap_or(0);
                walk.put("", if matches!(how, How::Masks(_)) { Value::Hex(word) } else { Value::Unsigned(word) });
            }
            if there < body.len / width && there < walk.limits.items {
                walk.put("", Value::Unreadable(body.seen.address.wrapping_add((there * width) as u64)));
            }
            walk.close();
            return true;
        }
        How::Text => {
            let end = memchr::memchr(0, walk.bytes(&body.seen)).unwrap_or(body.seen.len());
            let most = walk.limits.str_max;
            let text = body.seen.part(0, end.min(most));
            let cut = end > most || (end == body.len && body.len > 0);
            Some(Value::Str(if cut { text.cut() } else { text }))
        }
        How::Address => address(walk, body, family),
        How::Hardware => {
            put_hardware(walk, "", body);
            return true;
        }
        How::Struct(layout) => {
            let size = layout.size(walk.abi());
            if body.len < size || body.lacks(size) {
                return false;
            }
            put_seen(walk, "", layout, &body.part(0, size).seen);
            return true;
        }
        How::Grown(layout, least) => {
            let size = layout.size(walk.abi());
            let len = body.len.min(size);
            if len < least || body.lacks(len) {
                return false;
            }
            walk.open_struct("");
            put_fields(walk, layout, &body.part(0, len).seen);
            walk.close();
            return true;
        }
        How::Nested(attributes) if depth < DEEPEST => {
            put_nested(walk, body, attributes, family, depth + 1);
            return true;
        }
        How::OfFamily(families) if depth < DEEPEST => {
            let Some((_, attributes)) = families.iter().find(|(known, _)| *known == family) else { return false };
            put_nested(walk, body, attributes, family, depth + 1);
            return true;
        }
        How::Hops(_) if body.len < HOP || body.lacks(HOP) => return false,
        How::Hops(attributes) if depth < DEEPEST => {
            put_hops(walk, body, attributes, family, depth + 1);
            return true;
        }
        How::Nested(_) | How::OfFamily(_) | How::Hops(_) => None,
    };
    let Some(value) = value else { return false };
    walk.put("", value);
    true
}

/// A hardware address, byte by byte.
fn put_hardware(walk: &mut Walk<'_>, name: &'static str, body: Part) {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (at, byte) in walk.bytes(&body.seen).iter().take(32).enumerate() {
        let _ = write!(text, "{}{byte:02x}", if at > 0 { ":" } else { "" });
    }
    walk.put_words(name, format_args!("{text}"));
}

/// `sizeof(struct rtnexthop)`.
const HOP: usize = 8;

/// `struct rtnexthop`, one after another (rtnetlink(7), RTA_MULTIPATH).
fn put_hops(walk: &mut Walk<'_>, body: Part, attributes: &'static Attributes, family: u8, depth: u8) {
    walk.open_list("");
    let (mut rest, mut several) = (body, false);
    for _ in 0..walk.limits.items {
        if rest.len < HOP || rest.lacks(HOP) {
            break;
        }
        let own = walk.number(&rest.seen, 0, 2).and_then(|own| usize::try_from(own).ok()).unwrap_or(0);
        let hop = rest.part(0, own.max(HOP));
        let step = own.next_multiple_of(4);
        let next = own >= HOP && step < rest.len;
        several |= next;
        let (carries, apart) = (hop.len > HOP, several && hop.len > HOP);
        if apart {
            walk.open("", Value::Parts);
        }
        put_seen(walk, "", &structs::RTNEXTHOP, &hop.part(0, HOP).seen);
        if carries {
            put_nested(walk, hop.after(HOP), attributes, family, depth);
        }
        if apart {
            walk.close();
        }
        if !next {
            break;
        }
        rest = rest.after(step);
    }
    walk.close();
}

fn address(walk: &Walk<'_>, body: Part, family: u8) -> Option<Value> {
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
