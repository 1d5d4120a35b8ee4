//! rtnetlink(7): the header of each object, and which attributes lie behind it.

use super::super::super::walk::Walk;
use super::{NLMSG_MIN_TYPE, Part, put_binary, put_family, put_headed};
use crate::table::attributes::{self as tables, Attributes};
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// What each group of four types is about: its header, and the attributes behind it.
static BODIES: [(u64, &Struct, Option<&Attributes>); 18] = [
    (16, &structs::IFINFOMSG, Some(&tables::LINK)),
    (20, &structs::IFADDRMSG, Some(&tables::ADDRESS)),
    (24, &structs::RTMSG, Some(&tables::ROUTE)),
    (28, &structs::NDMSG, Some(&tables::NEIGHBOR)),
    (32, &structs::FIB_RULE_HDR, Some(&tables::RULE)),
    (36, &structs::TCMSG, Some(&tables::TRAFFIC)),
    (40, &structs::TCMSG, Some(&tables::TRAFFIC)),
    (44, &structs::TCMSG, Some(&tables::TRAFFIC)),
    (48, &structs::TCAMSG, Some(&tables::ACTION)),
    (56, &structs::IFADDRMSG, Some(&tables::ADDRESS)),
    (60, &structs::IFADDRMSG, Some(&tables::ADDRESS)),
    (64, &structs::NDTMSG, Some(&tables::TABLE)),
    (72, &structs::IFADDRLBLMSG, Some(&tables::LABEL)),
    (76, &structs::DCBMSG, Some(&tables::BRIDGING)),
    (80, &structs::NETCONFMSG, Some(&tables::NETCONF)),
    (84, &structs::BR_PORT_MSG, Some(&tables::MDB)),
    (88, &structs::RTGENMSG, Some(&tables::NAMESPACE)),
    (92, &structs::IF_STATS_MSG, Some(&tables::LINK_STATISTICS)),
];

/// What a report of the multicast cache has behind its header, by its family.
static REPORTS: [(u64, &Attributes); 2] = [(128, &tables::MULTICAST_REPORT), (129, &tables::MULTICAST6_REPORT)];

/// What a message of type `kind` carries.
pub(super) fn put_body(walk: &mut Walk<'_>, body: Part, kind: u64) {
    // RTM_NEWCACHEREPORT, whose header is one byte and its padding.
    const HEADER: usize = 4;
    if kind == 96 {
        let family = walk.number(&body.seen, 0, 1);
        let report = REPORTS.iter().find(|(known, _)| Some(*known) == family).map(|(_, attributes)| *attributes);
        put_headed(walk, body, &structs::RTGENMSG, report);
        if report.is_none() && body.len > HEADER {
            put_binary(walk, "", body.after(HEADER));
        }
        return;
    }
    let known = BODIES.iter().find(|(first, ..)| kind >= NLMSG_MIN_TYPE && *first == kind & !3);
    match known {
        // Not all four of each group exist.
        Some((_, layout, attributes)) if sets::RTNETLINK_MESSAGE.name_of(kind, walk.abi()).is_some() => {
            put_headed(walk, body, layout, *attributes)
        }
        _ => put_family(walk, body),
    }
}
