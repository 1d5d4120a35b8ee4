//! Netlink messages (netlink(7)): headers by the socket's protocol, errors with the message they are about, and the
//! attributes behind a family's header.
//!
//! A message carries its length, so does an attribute; both start at multiples of 4. What is too short for its header,
//! or of a family that no table knows, is bytes.

mod attributes;
mod diag;
mod netfilter;
mod own;
mod route;
mod socket;
mod uevent;

use super::super::flat::{put_field, put_seen};
use super::super::tree::{Seen, Value};
use super::super::walk::{MAX_STRUCTS, Walk};
use crate::model::Abi;
use crate::model::record::State;
use crate::table::attributes::{self as tables, Attributes};
use crate::table::sets::{self, Set};
use crate::table::structs::{self, Struct};
use attributes::put_attributes;

/// Protocols (linux/netlink.h).
mod protocol {
    pub(super) const ROUTE: u32 = 0;
    pub(super) const SOCK_DIAG: u32 = 4;
    pub(super) const XFRM: u32 = 6;
    pub(super) const SELINUX: u32 = 7;
    pub(super) const AUDIT: u32 = 9;
    pub(super) const NETFILTER: u32 = 12;
    pub(super) const KOBJECT_UEVENT: u32 = 15;
    pub(super) const GENERIC: u32 = 16;
    pub(super) const CRYPTO: u32 = 21;
}

/// `struct nlmsghdr`, and `struct nlattr`.
const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;

/// `NLM_F_REQUEST`: the message asks (linux/netlink.h).
const REQUEST: u64 = 1;

/// Types below it mean the same in every protocol.
const NLMSG_ERROR: u64 = 2;
const NLMSG_DONE: u64 = 3;
const NLMSG_MIN_TYPE: u64 = 16;

/// `NLM_F_CAPPED`: the error's message is without what it carried.
const CAPPED: u64 = 0x100;

/// Messages inside errors inside errors are not followed further.
const DEEPEST: u32 = 2;

/// Part of a buffer: what was read of it, and how long it is.
#[derive(Clone, Copy, Debug)]
struct Part {
    seen: Seen,
    len: usize,
}

impl Part {
    /// The bytes from `from` on, at most `len`.
    fn part(self, from: usize, len: usize) -> Part {
        let len = len.min(self.len.saturating_sub(from));
        Part { seen: self.seen.part(from, len), len }
    }

    fn after(self, from: usize) -> Part {
        self.part(from, usize::MAX)
    }

    /// Whether not all of its first `len` bytes could be read.
    fn lacks(self, len: usize) -> bool {
        self.seen.len() < len
    }
}

/// The bytes of a socket call: of a netlink socket its messages, else as they are.
pub(super) fn payload(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    put_payload(walk, name, address, len);
}

/// As [`payload`].
pub(super) fn put_payload(walk: &mut Walk<'_>, name: &'static str, address: u64, len: usize) {
    let socket = walk.int(0);
    let protocol = if address == 0 || len == 0 { None } else { walk.netlink(socket) };
    match protocol {
        Some(protocol::KOBJECT_UEVENT) => uevent::put_payload(walk, name, address, len),
        Some(protocol) => put_messages(walk, name, address, len, protocol),
        None => walk.buffer(name, address, len),
    }
}

fn put_messages(walk: &mut Walk<'_>, name: &'static str, address: u64, len: usize, protocol: u32) {
    let seen = walk.read(address, len.min(MAX_STRUCTS));
    let all = Part { seen, len };
    put_chain(walk, name, all, HEADER, |walk, name, message| put_message(walk, name, message, protocol, 0));
}

/// Pieces with a length of their own, one after another: as a list when there are several.
fn put_chain(
    walk: &mut Walk<'_>,
    name: &'static str,
    all: Part,
    header: usize,
    mut one: impl FnMut(&mut Walk<'_>, &'static str, Part),
) {
    let width = if header == HEADER { 4 } else { 2 };
    let (mut rest, mut list, mut count) = (all, false, 0);
    loop {
        let name = if list { "" } else { name };
        if rest.len < header {
            put_binary(walk, name, rest);
            break;
        }
        if rest.lacks(header) {
            walk.put(name, Value::Unreadable(rest.seen.address));
            break;
        }
        let own = walk.number(&rest.seen, 0, width).and_then(|own| usize::try_from(own).ok()).unwrap_or(0);
        let step = own.next_multiple_of(4);
        let next = (own >= header && step < rest.len).then_some(step);
        if next.is_some() && !list {
            walk.open_list(name);
            list = true;
        }
        one(walk, if list { "" } else { name }, rest.part(0, own.max(header)));
        count += 1;
        let Some(step) = next else { break };
        rest = rest.after(step);
        if count == walk.limits.items {
            walk.mark_more();
            break;
        }
    }
    if list {
        walk.close();
    }
}

/// Bytes that mean nothing we know.
fn put_binary(walk: &mut Walk<'_>, name: &'static str, part: Part) {
    if part.lacks(part.len) && part.seen.state != State::Cut && part.len <= MAX_STRUCTS {
        return walk.put(name, Value::Unreadable(part.seen.address));
    }
    let most = walk.limits.str_max;
    let seen = if part.len > most { part.seen.part(0, most).cut() } else { part.seen };
    walk.put(name, Value::Binary(seen));
}

/// The names of a protocol's message types.
fn types(protocol: u32, kind: u64) -> &'static Set {
    match protocol {
        _ if kind < NLMSG_MIN_TYPE => &sets::NETLINK_MESSAGE,
        protocol::ROUTE => &sets::RTNETLINK_MESSAGE,
        protocol::SOCK_DIAG => &sets::SOCK_DIAG_MESSAGE,
        protocol::SELINUX => &sets::SELINUX_MESSAGE,
        protocol::AUDIT => &sets::AUDIT_MESSAGE,
        protocol::CRYPTO => &sets::CRYPTO_MESSAGE,
        protocol::XFRM => &sets::XFRM_MESSAGE,
        protocol::GENERIC => &sets::GENERIC_MESSAGE,
        _ => &sets::NETLINK_MESSAGE,
    }
}

/// The names of a message's flags, whose upper byte depends on what is asked for.
fn flags(protocol: u32, kind: u64, abi: Abi) -> &'static Set {
    const RTM_DELACTION: u64 = 49;
    match (protocol, kind) {
        (_, NLMSG_ERROR) => &sets::NETLINK_ACK_FLAGS,
        (_, kind) if kind < NLMSG_MIN_TYPE => &sets::NETLINK_FLAGS,
        (protocol::ROUTE, RTM_DELACTION) => &sets::NETLINK_GET_FLAGS,
        // Each object has four types: new, delete, get, set (linux/rtnetlink.h).
        (protocol::ROUTE, kind) => match kind & 3 {
            0 => &sets::NETLINK_NEW_FLAGS,
            1 => &sets::NETLINK_DELETE_FLAGS,
            2 => &sets::NETLINK_GET_FLAGS,
            _ => &sets::NETLINK_FLAGS,
        },
        (protocol::SOCK_DIAG, _) => &sets::NETLINK_GET_FLAGS,
        (protocol::CRYPTO | protocol::XFRM, kind) => by_name(types(protocol, kind).name_of(kind, abi)),
        (protocol::NETFILTER, kind) => {
            by_name(netfilter::messages(kind).and_then(|messages| messages.name_of(kind & 0xff, abi)))
        }
        _ => &sets::NETLINK_FLAGS,
    }
}

/// The flags of a message whose name says what is asked for.
fn by_name(name: Option<&str>) -> &'static Set {
    const WHAT: [(&str, &Set); 3] =
        [("_NEW", &sets::NETLINK_NEW_FLAGS), ("_GET", &sets::NETLINK_GET_FLAGS), ("_DEL", &sets::NETLINK_DELETE_FLAGS)];
    let what = name.and_then(|name| WHAT.iter().find(|(word, _)| name.contains(word)));
    what.map_or(&sets::NETLINK_FLAGS, |(_, flags)| flags)
}

fn put_message(walk: &mut Walk<'_>, name: &'static str, message: Part, protocol: u32, depth: u32) {
    let number = |walk: &Walk<'_>, at, width| walk.number(&message.seen, at, width).unwrap_or(0);
    let (kind, bits) = (number(walk, 4, 2), number(walk, 6, 2));
    let carries = message.len > HEADER && number(walk, 0, 4) > HEADER as u64;
    if carries {
        walk.open(name, Value::Parts);
    }
    walk.open_struct(if carries { "" } else { name });
    walk.put("nlmsg_len", Value::Unsigned(number(walk, 0, 4)));
    if protocol == protocol::NETFILTER && kind >= NLMSG_MIN_TYPE {
        netfilter::put_type(walk, "nlmsg_type", kind);
    } else {
        walk.put("nlmsg_type", Value::Constant(types(protocol, kind), kind));
    }
    walk.put("nlmsg_flags", Value::Flags(flags(protocol, kind, walk.abi()), bits));
    walk.put("nlmsg_seq", Value::Unsigned(number(walk, 8, 4)));
    walk.put("nlmsg_pid", Value::Pid(i32::try_from(number(walk, 12, 4).cast_signed()).unwrap_or(-1)));
    walk.close();
    if carries {
        let body = message.after(HEADER);
        match kind {
            NLMSG_ERROR if depth < DEEPEST => put_error(walk, body, protocol, bits & CAPPED != 0, depth),
            NLMSG_DONE if body.len == 4 && !body.lacks(4) => {
                let word = walk.u32_at(&body.seen, 0).unwrap_or(0);
                walk.put("", Value::Signed(i64::from(word.cast_signed())));
            }
            kind if protocol == protocol::ROUTE && kind >= NLMSG_MIN_TYPE => route::put_body(walk, body, kind),
            kind if protocol == protocol::SOCK_DIAG && kind >= NLMSG_MIN_TYPE => {
                diag::put_body(walk, body, kind, bits & REQUEST != 0);
            }
            kind if protocol == protocol::NETFILTER && kind >= NLMSG_MIN_TYPE => netfilter::put_body(walk, body, kind),
            kind if protocol == protocol::SELINUX => put_selinux(walk, body, kind),
            _ => put_binary(walk, "", body),
        }
        walk.close();
    }
}

/// linux/selinux_netlink.h: one number.
fn put_selinux(walk: &mut Walk<'_>, body: Part, kind: u64) {
    let layout = match kind {
        16 => &structs::SELNL_MSG_SETENFORCE,
        17 => &structs::SELNL_MSG_POLICYLOAD,
        _ => return put_binary(walk, "", body),
    };
    if body.len < 4 || body.lacks(4) {
        return put_binary(walk, "", body);
    }
    put_seen(walk, "", layout, &body.part(0, 4).seen);
}

/// `struct nlmsgerr`: an error number, the message that it is about, and attributes about the error.
fn put_error(walk: &mut Walk<'_>, body: Part, protocol: u32, capped: bool, depth: u32) {
    if body.len < 4 + HEADER {
        return put_binary(walk, "", body);
    }
    if body.lacks(4 + HEADER) {
        return walk.put("", Value::Unreadable(body.seen.address));
    }
    let message = body.after(4);
    let own = walk.number(&message.seen, 0, 4).and_then(|own| usize::try_from(own).ok()).unwrap_or(0);
    let held = if capped { HEADER } else { own.max(HEADER) }.min(message.len);
    let more = message.len > held;
    if more {
        walk.open("", Value::Parts);
    }
    walk.open_struct("");
    let error = walk.u32_at(&body.seen, 0).unwrap_or(0).cast_signed();
    walk.put("error", Value::Signed(i64::from(error)));
    put_message(walk, "msg", message.part(0, held), protocol, depth + 1);
    walk.close();
    if more {
        put_attributes(walk, message.after(held), &tables::ERROR, 0);
        walk.close();
    }
}

/// A family's header and the attributes behind it; a body that is shorter has its first field only.
fn put_headed(walk: &mut Walk<'_>, body: Part, layout: &'static Struct, attributes: Option<&'static Attributes>) {
    let size = layout.size(walk.abi());
    let family = walk.number(&body.seen, 0, 1).and_then(|family| u8::try_from(family).ok()).unwrap_or(0);
    if body.len >= size && !body.lacks(size) {
        put_seen(walk, "", layout, &body.part(0, size).seen);
    } else {
        walk.open_struct("");
        if let Some(first) = layout.fields(walk.abi()).first() {
            put_field(walk, first, &body.seen);
        }
        if body.len < size {
            walk.mark_more();
        } else {
            walk.put("", Value::Unreadable(body.seen.address.wrapping_add(1)));
        }
        return walk.close();
    }
    let rest = body.after(size.next_multiple_of(4));
    if let Some(attributes) = attributes.filter(|_| rest.len > 0) {
        put_attributes(walk, rest, attributes, family);
    }
}

/// What no header is known for: a family and bytes.
fn put_family(walk: &mut Walk<'_>, body: Part) {
    let Some(family) = walk.number(&body.seen, 0, 1) else {
        return walk.put("", Value::Unreadable(body.seen.address));
    };
    walk.open_struct("");
    walk.put("family", Value::Constant(&sets::ADDRESS_FAMILY, family));
    if body.len > 1 {
        put_binary(walk, "data", body.after(1));
    }
    walk.close();
}
