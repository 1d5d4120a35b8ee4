//! What sock_diag(7)'s attributes hold in forms of their own: conditions on sockets, addresses, keys, options.

use super::super::super::flat::{UNKNOWN, put_seen};
use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use super::super::address::{MAX_ADDRESS, put_address};
use super::attributes::{address, put_items};
use super::{Part, put_binary};
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// The size of `struct inet_diag_bc_op`, and of `struct inet_diag_hostcond` without its address.
pub(super) const CONDITION: usize = 4;
const HOST: usize = 8;

/// `struct inet_diag_bc_op` (linux/inet_diag.h), and behind it what its code compares with.
pub(super) fn put_condition(walk: &mut Walk<'_>, body: Part) {
    let code = walk.number(&body.seen, 0, 1).unwrap_or(0);
    put_seen(walk, "", &structs::INET_DIAG_BC_OP, &body.part(0, CONDITION).seen);
    let rest = body.after(CONDITION);
    if rest.len == 0 {
        return;
    }
    match code {
        // S_GE, S_LE, D_GE, D_LE: the operation behind has the port.
        2..=5 => put_whole(walk, rest, &structs::INET_DIAG_BC_OP),
        // S_COND, D_COND
        7 | 8 if rest.len >= HOST && !rest.lacks(HOST) => put_host(walk, rest),
        // DEV_COND
        9 if rest.len >= 4 && !rest.lacks(4) => {
            let index = walk.number(&rest.seen, 0, 4).unwrap_or(0);
            walk.put("ifindex", Value::Unsigned(index));
        }
        // MARK_COND
        10 => put_whole(walk, rest, &structs::INET_DIAG_MARKCOND),
        _ => put_binary(walk, "", rest),
    }
}

/// The structure that `part` begins with; bytes when it is too short for one.
fn put_whole(walk: &mut Walk<'_>, part: Part, layout: &'static Struct) {
    let size = layout.size(walk.abi());
    if part.len < size || part.lacks(size) {
        return put_binary(walk, "", part);
    }
    put_seen(walk, "", layout, &part.part(0, size).seen);
}

/// `struct inet_diag_hostcond`, with an address of its family behind.
fn put_host(walk: &mut Walk<'_>, part: Part) {
    let number = |walk: &Walk<'_>, at, width| walk.number(&part.seen, at, width).unwrap_or(0);
    let (family, prefix, port) = (number(walk, 0, 1), number(walk, 1, 1), number(walk, 4, 4));
    walk.open_struct("");
    walk.put("family", Value::Constant(&sets::ADDRESS_FAMILY, family));
    walk.put("prefix_len", Value::Unsigned(prefix));
    walk.put("port", Value::Unsigned(port));
    if part.len > HOST {
        put_host_address(walk, "addr", part.after(HOST), family);
    }
    walk.close();
}

/// An address of `family`; bytes when it is of another than the internet's two, or too short.
fn put_host_address(walk: &mut Walk<'_>, name: &'static str, part: Part, family: u64) {
    let known = u8::try_from(family).ok().and_then(|family| address(walk, part, family));
    match known {
        Some(address) => walk.put(name, address),
        None => put_binary(walk, name, part),
    }
}

/// Socket addresses, each in the room for the longest.
pub(super) fn put_sockets(walk: &mut Walk<'_>, body: Part) {
    put_items(walk, body, MAX_ADDRESS, |walk, item, _| put_address(walk, "", &item.seen));
}

/// The size of `struct tcp_diag_md5sig`.
pub(super) const SIGNATURE: usize = 100;

/// `struct tcp_diag_md5sig` (linux/tcp.h), one behind the other: a field says how long the key is.
pub(super) fn put_signatures(walk: &mut Walk<'_>, body: Part) {
    const ADDRESS: (usize, usize) = (4, 16);
    const KEY: (usize, usize) = (20, 80);
    put_items(walk, body, SIGNATURE, |walk, item, _| {
        let number = |walk: &Walk<'_>, at, width| walk.number(&item.seen, at, width).unwrap_or(0);
        let (family, len) = (number(walk, 0, 1), number(walk, 2, 2));
        walk.open_struct("");
        walk.put("tcpm_family", Value::Constant(&sets::ADDRESS_FAMILY, family));
        walk.put("tcpm_prefixlen", Value::Unsigned(number(walk, 1, 1)));
        walk.put("tcpm_keylen", Value::Unsigned(len));
        let address = item.part(ADDRESS.0, ADDRESS.1);
        put_host_address(walk, "tcpm_addr", address, family);
        let shown = usize::try_from(len).unwrap_or(KEY.1).min(KEY.1);
        walk.put("tcpm_key", Value::Binary(item.part(KEY.0, shown).seen));
        walk.close();
    });
}

/// The size of `struct inet_diag_sockopt`.
pub(super) const OPTIONS: usize = 2;

/// `struct inet_diag_sockopt` (linux/inet_diag.h), a bit for each option; strace tells those that are set.
pub(super) fn put_options(walk: &mut Walk<'_>, body: Part) {
    const NAMES: [&str; 11] = [
        "recverr",
        "is_icsk",
        "freebind",
        "hdrincl",
        "mc_loop",
        "transparent",
        "mc_all",
        "nodefrag",
        "bind_address_no_port",
        "recverr_rfc4884",
        "defer_connect",
    ];
    let bits = walk.number(&body.seen, 0, OPTIONS).unwrap_or(0);
    walk.open_struct("");
    for (_, name) in NAMES.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1) {
        walk.put(name, Value::Unsigned(1));
    }
    let unused = bits >> NAMES.len();
    if unused != 0 {
        walk.put("unused", Value::Hex(unused));
        walk.note(format_args!("bits 3..8"));
    }
    walk.close();
    let rest = body.after(OPTIONS);
    if walk.bytes(&rest.seen).iter().any(|byte| *byte != 0) {
        walk.put(UNKNOWN, Value::Bytes(rest.seen));
        walk.note(format_args!("bytes {OPTIONS}..{}", body.len - 1));
    }
}

/// A number as wide as the attribute is; false when no number is.
pub(super) fn put_word(walk: &mut Walk<'_>, body: Part) -> bool {
    let whole = matches!(body.len, 1 | 2 | 4 | 8) && !body.lacks(body.len);
    if let Some(word) = walk.number(&body.seen, 0, body.len).filter(|_| whole) {
        walk.put("", Value::Hex(word));
    }
    whole
}
