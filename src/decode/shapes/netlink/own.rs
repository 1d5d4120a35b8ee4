//! What single attributes hold in a form of their own: a bridge's identity, the ways of a route, a list of addresses.

use super::super::super::flat::put_seen;
use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use super::super::address::MAX_ADDRESS;
use super::super::program::{INSTRUCTION, put_instruction};
use super::attributes::{address, put_items, put_nested};
use super::{Part, socket};
use crate::table::attributes::{self as tables, Attributes, Own};
use crate::table::sets;
use crate::table::structs;

/// The least bytes of each.
pub(super) fn least(own: Own) -> usize {
    match own {
        Own::Bridge | Own::Hops | Own::Filter => 8,
        Own::Via => 2,
        Own::RouterPort => 4,
        Own::Multicast => MULTICAST,
        Own::Condition => socket::CONDITION,
        Own::Sockets => MAX_ADDRESS,
        Own::Signatures => socket::SIGNATURE,
        Own::Options => socket::OPTIONS,
        Own::Word => 1,
    }
}

/// Says what `body` holds, which has at least so many bytes.
pub(super) fn put(walk: &mut Walk<'_>, body: Part, own: Own, family: u8, depth: u8) -> bool {
    match own {
        Own::Bridge => put_bridge(walk, body),
        Own::Hops => put_hops(walk, body, &tables::ROUTE, family, depth),
        Own::Via => put_via(walk, body),
        Own::Multicast => put_multicast(walk, body),
        Own::Condition => socket::put_condition(walk, body),
        Own::Sockets => socket::put_sockets(walk, body),
        Own::Signatures => socket::put_signatures(walk, body),
        Own::Options => socket::put_options(walk, body),
        Own::Word => return socket::put_word(walk, body),
        Own::Filter => put_items(walk, body, INSTRUCTION, |walk, item, _| put_instruction(walk, &item.seen)),
        Own::RouterPort => {
            let index = walk.number(&body.seen, 0, 4).unwrap_or(0);
            walk.put("ifindex", Value::Unsigned(index));
            if body.len > 4 {
                put_nested(walk, body.after(4), &tables::MDB_ROUTER_PORT, family, depth);
            }
        }
    }
    true
}

/// `struct rtvia` (linux/rtnetlink.h).
fn put_via(walk: &mut Walk<'_>, body: Part) {
    let family = walk.number(&body.seen, 0, 2).unwrap_or(0);
    walk.open_struct("");
    walk.put("rtvia_family", Value::Constant(&sets::ADDRESS_FAMILY, family));
    let rest = body.after(2);
    if rest.len > 0 {
        let known = u8::try_from(family).ok().and_then(|family| address(walk, rest, family));
        walk.put("rtvia_addr", known.unwrap_or(Value::Binary(rest.seen)));
    }
    walk.close();
}

/// The size of `struct packet_diag_mclist`.
const MULTICAST: usize = 44;

/// `struct packet_diag_mclist` (linux/packet_diag.h), one behind the other.
fn put_multicast(walk: &mut Walk<'_>, body: Part) {
    const LONGEST: usize = 32;
    put_items(walk, body, MULTICAST, |walk, item, _| {
        let number = |walk: &Walk<'_>, at, width| walk.number(&item.seen, at, width).unwrap_or(0);
        let len = number(walk, 10, 2);
        walk.open_struct("");
        walk.put("pdmc_index", Value::Unsigned(number(walk, 0, 4)));
        walk.put("pdmc_count", Value::Unsigned(number(walk, 4, 4)));
        walk.put("pdmc_type", Value::Unsigned(number(walk, 8, 2)));
        walk.put("pdmc_alen", Value::Unsigned(len));
        let shown = usize::try_from(len).unwrap_or(LONGEST).min(LONGEST);
        walk.put("pdmc_addr", Value::Binary(item.seen.part(12, shown)));
        walk.close();
    });
}

/// `struct ifla_bridge_id`.
fn put_bridge(walk: &mut Walk<'_>, body: Part) {
    const SIZE: usize = 8;
    walk.open_struct("");
    walk.open_list("prio");
    for at in 0..2 {
        let priority = walk.number(&body.seen, at, 1).unwrap_or(0);
        walk.put("", Value::Unsigned(priority));
    }
    walk.close();
    walk.put("addr", Value::Hardware(body.part(2, SIZE - 2).seen));
    walk.close();
}

/// `sizeof(struct rtnexthop)`.
const HOP: usize = 8;

/// `struct rtnexthop`, one after another (rtnetlink(7), RTA_MULTIPATH).
fn put_hops(walk: &mut Walk<'_>, body: Part, attributes: &'static Attributes, family: u8, depth: u8) {
    let own = walk.number(&body.seen, 0, 2).and_then(|own| usize::try_from(own).ok()).unwrap_or(0);
    // One way without attributes is no list.
    if body.len == HOP && own >= HOP {
        return put_seen(walk, "", &structs::RTNEXTHOP, &body.part(0, HOP).seen);
    }
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
