//! sock_diag(7): questions about the sockets of a family, and what is told of each.

use super::super::super::walk::Walk;
use super::{Part, put_family, put_headed};
use crate::table::attributes::{self as tables, Attributes};
use crate::table::structs::{self, Struct};

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
const AF_PACKET: u64 = 17;
const AF_SMC: u64 = 43;

/// One direction of a family: its header, and the attributes behind it.
type Side = (&'static Struct, Option<&'static Attributes>);

/// Each family's question and answer.
static FAMILIES: [(u64, Side, Side); 6] = [
    (AF_UNIX, (&structs::UNIX_DIAG_REQ, None), (&structs::UNIX_DIAG_MSG, Some(&tables::UNIX))),
    (AF_INET, (&structs::INET_DIAG_REQ_V2, Some(&tables::QUESTION)), (&structs::INET_DIAG_MSG, Some(&tables::INET))),
    (
        AF_INET6,
        (&structs::INET_DIAG_REQ_V2_6, Some(&tables::QUESTION)),
        (&structs::INET_DIAG_MSG_6, Some(&tables::INET)),
    ),
    (AF_NETLINK, (&structs::NETLINK_DIAG_REQ, None), (&structs::NETLINK_DIAG_MSG, Some(&tables::NETLINK))),
    (AF_PACKET, (&structs::PACKET_DIAG_REQ, None), (&structs::PACKET_DIAG_MSG, Some(&tables::PACKET))),
    (AF_SMC, (&structs::SMC_DIAG_REQ, None), (&structs::SMC_DIAG_MSG, Some(&tables::SMC))),
];

/// What a message of type `kind` carries: a question if the flags say `request`.
pub(super) fn put_body(walk: &mut Walk<'_>, body: Part, kind: u64, request: bool) {
    const BY_FAMILY: u64 = 20;
    const DESTROY: u64 = 21;
    const TCPDIAG_GETSOCK: u64 = 18;
    const DCCPDIAG_GETSOCK: u64 = 19;
    let family = walk.number(&body.seen, 0, 1);
    let known = FAMILIES.iter().find(|(known, ..)| Some(*known) == family);
    let side = match (kind, known) {
        (BY_FAMILY | DESTROY, Some((_, question, answer))) => Some(if request { question } else { answer }),
        // The first form of inet_diag's question; the answer is the same.
        (TCPDIAG_GETSOCK | DCCPDIAG_GETSOCK, Some((AF_INET, _, answer))) => Some(if request { &FIRST } else { answer }),
        (TCPDIAG_GETSOCK | DCCPDIAG_GETSOCK, Some((AF_INET6, _, answer))) => {
            Some(if request { &FIRST_6 } else { answer })
        }
        _ => None,
    };
    // Of a family alone nothing is known to follow.
    match side.filter(|_| body.len > 1) {
        Some((layout, attributes)) => put_headed(walk, body, layout, *attributes),
        None => put_family(walk, body),
    }
}

static FIRST: Side = (&structs::INET_DIAG_REQ, Some(&tables::QUESTION));
static FIRST_6: Side = (&structs::INET_DIAG_REQ_6, Some(&tables::QUESTION));
