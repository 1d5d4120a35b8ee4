//! sock_diag(7): questions about the sockets of a family, and what is told of each.

use super::super::super::walk::Walk;
use super::attributes::{Attributes, How};
use super::{Part, put_family, put_headed};
use crate::table::sets;
use crate::table::structs::{self, Struct};

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;
const AF_NETLINK: u64 = 16;
const AF_PACKET: u64 = 17;

/// One direction of a family: its header, and the attributes behind it.
type Side = (&'static Struct, Option<&'static Attributes>);

/// Each family's question and answer.
static FAMILIES: [(u64, Side, Side); 5] = [
    (AF_UNIX, (&structs::UNIX_DIAG_REQ, None), (&structs::UNIX_DIAG_MSG, Some(&UNIX))),
    (AF_INET, (&structs::INET_DIAG_REQ_V2, Some(&QUESTION)), (&structs::INET_DIAG_MSG, Some(&INET))),
    (AF_INET6, (&structs::INET_DIAG_REQ_V2_6, Some(&QUESTION)), (&structs::INET_DIAG_MSG_6, Some(&INET))),
    (AF_NETLINK, (&structs::NETLINK_DIAG_REQ, None), (&structs::NETLINK_DIAG_MSG, Some(&NETLINK))),
    (AF_PACKET, (&structs::PACKET_DIAG_REQ, None), (&structs::PACKET_DIAG_MSG, Some(&PACKET))),
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

static FIRST: Side = (&structs::INET_DIAG_REQ, Some(&QUESTION));
static FIRST_6: Side = (&structs::INET_DIAG_REQ_6, Some(&QUESTION));

/// What narrows a question; the byte code of a filter is bytes.
static QUESTION: Attributes =
    Attributes { names: &sets::INET_DIAG_REQUEST, known: &[(3, How::Enum(&sets::PROTOCOL_INET, 4))] };

static UNIX: Attributes = Attributes {
    names: &sets::UNIX_DIAG_ATTRIBUTE,
    known: &[
        (0, How::Text),                              // UNIX_DIAG_NAME
        (1, How::Struct(&structs::UNIX_DIAG_VFS)),   // UNIX_DIAG_VFS
        (2, How::Unsigned(4)),                       // UNIX_DIAG_PEER
        (3, How::Array(4)),                          // UNIX_DIAG_ICONS
        (4, How::Struct(&structs::UNIX_DIAG_RQLEN)), // UNIX_DIAG_RQLEN
        (5, How::Array(4)),                          // UNIX_DIAG_MEMINFO
        (6, How::Unsigned(1)),                       // UNIX_DIAG_SHUTDOWN
        (7, How::Unsigned(4)),                       // UNIX_DIAG_UID
    ],
};

static INET: Attributes = Attributes {
    names: &sets::INET_DIAG_ATTRIBUTE,
    known: &[
        (1, How::Struct(&structs::INET_DIAG_MEMINFO)), // INET_DIAG_MEMINFO
        (4, How::Text),                                // INET_DIAG_CONG
        (5, How::Unsigned(1)),                         // INET_DIAG_TOS
        (6, How::Unsigned(1)),                         // INET_DIAG_TCLASS
        (7, How::Array(4)),                            // INET_DIAG_SKMEMINFO
        (8, How::Unsigned(1)),                         // INET_DIAG_SHUTDOWN
        (10, How::Enum(&sets::PROTOCOL_INET, 1)),      // INET_DIAG_PROTOCOL
        (11, How::Unsigned(1)),                        // INET_DIAG_SKV6ONLY
        (15, How::Unsigned(4)),                        // INET_DIAG_MARK
        (17, How::Unsigned(4)),                        // INET_DIAG_CLASS_ID
        (21, How::Unsigned(8)),                        // INET_DIAG_CGROUP_ID
    ],
};

static NETLINK: Attributes = Attributes {
    names: &sets::NETLINK_DIAG_ATTRIBUTE,
    known: &[
        (0, How::Array(4)),                            // NETLINK_DIAG_MEMINFO
        (1, How::Masks(8)),                            // NETLINK_DIAG_GROUPS
        (2, How::Struct(&structs::NETLINK_DIAG_RING)), // NETLINK_DIAG_RX_RING
        (3, How::Struct(&structs::NETLINK_DIAG_RING)), // NETLINK_DIAG_TX_RING
        (4, How::Flags(&sets::NETLINK_DIAG_FLAGS, 4)), // NETLINK_DIAG_FLAGS
    ],
};

static PACKET: Attributes = Attributes {
    names: &sets::PACKET_DIAG_ATTRIBUTE,
    known: &[(5, How::Unsigned(4)), (6, How::Array(4))], // PACKET_DIAG_UID, PACKET_DIAG_MEMINFO
};
