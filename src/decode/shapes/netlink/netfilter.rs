//! Messages of netfilter (linux/netfilter/nfnetlink.h): a subsystem and its own message in the type, one header for all,
//! and attributes.

use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use super::attributes::put_attributes;
use super::{Part, put_binary};
use crate::table::attributes as tables;
use crate::table::sets::{self, Set};

/// The messages of each subsystem.
static SUBSYSTEMS: [(u64, &Set); 11] = [
    (1, &sets::NETFILTER_CONNTRACK),
    (2, &sets::NETFILTER_EXPECT),
    (3, &sets::NETFILTER_QUEUE),
    (4, &sets::NETFILTER_LOG),
    (5, &sets::NETFILTER_OSF),
    (6, &sets::NETFILTER_IPSET),
    (7, &sets::NETFILTER_ACCT),
    (8, &sets::NETFILTER_TIMEOUT),
    (9, &sets::NETFILTER_HELPER),
    (10, &sets::NETFILTER_TABLES),
    (11, &sets::NETFILTER_COMPAT),
];

/// `NFNL_SUBSYS_NFTABLES`.
const TABLES: u64 = 10;

/// `NFNL_MSG_BATCH_BEGIN`, `NFNL_MSG_BATCH_END`: of all subsystems together.
const fn is_batch(kind: u64) -> bool {
    matches!(kind, 16 | 17)
}

/// The names of the messages of the subsystem of `kind`.
pub(super) fn messages(kind: u64) -> Option<&'static Set> {
    SUBSYSTEMS.iter().find(|(subsystem, _)| *subsystem == kind >> 8).map(|(_, messages)| *messages)
}

/// Says the type `kind`: `NFNL_SUBSYS_NFTABLES<<8|NFT_MSG_NEWTABLE`.
pub(super) fn put_type(walk: &mut Walk<'_>, name: &'static str, kind: u64) {
    if is_batch(kind) {
        return walk.put(name, Value::Constant(&sets::NETFILTER_BATCH, kind));
    }
    walk.open(name, Value::Shifted(8));
    walk.put("", Value::Constant(&sets::NETFILTER_SUBSYSTEM, kind >> 8));
    let message = kind & 0xff;
    walk.put("", messages(kind).map_or(Value::Hex(message), |messages| Value::Constant(messages, message)));
    walk.close();
}

/// `struct nfgenmsg`, and what follows it in a message of type `kind`.
pub(super) fn put_body(walk: &mut Walk<'_>, body: Part, kind: u64) {
    const HEADER: usize = 4;
    if body.len < HEADER || body.lacks(HEADER) {
        return put_binary(walk, "", body);
    }
    let number = |walk: &Walk<'_>, at, width| walk.number(&body.seen, at, width).unwrap_or(0);
    let (family, version, resource) = (number(walk, 0, 1), number(walk, 1, 1), number(walk, 2, 2));
    let ordered = resource.swap_bytes() >> 48;
    let tables = kind >> 8 == TABLES;
    walk.open_struct("");
    walk.put("nfgen_family", Value::Constant(&sets::ADDRESS_FAMILY, family));
    walk.put("version", Value::Constant(&sets::NETFILTER_VERSION, version));
    if tables && resource == TABLES {
        // The number of the subsystem, in the wrong order.
        walk.put("res_id", Value::Constant(&sets::NETFILTER_SUBSYSTEM, resource));
    } else {
        walk.open("res_id", Value::Call("htons"));
        walk.put(
            "",
            if tables && ordered == TABLES {
                Value::Constant(&sets::NETFILTER_SUBSYSTEM, ordered)
            } else {
                Value::Unsigned(ordered)
            },
        );
        walk.close();
    }
    walk.close();
    let rest = body.after(HEADER);
    if rest.len == 0 {
        return;
    }
    match is_batch(kind) {
        true => put_binary(walk, "", rest),
        false => put_attributes(walk, rest, &tables::NETFILTER, 0),
    }
}
