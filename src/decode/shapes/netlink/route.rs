//! rtnetlink(7): the header of each object, and the tables of attributes behind it.

use super::super::super::walk::Walk;
use super::attributes::{Attributes, How};
use super::{NLMSG_MIN_TYPE, Part, put_family, put_headed};
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// What each group of four types is about: its header, and the attributes behind it.
static BODIES: [(u64, &Struct, Option<&Attributes>); 18] = [
    (16, &structs::IFINFOMSG, Some(&LINK)),
    (20, &structs::IFADDRMSG, Some(&ADDRESS)),
    (24, &structs::RTMSG, Some(&ROUTE)),
    (28, &structs::NDMSG, Some(&NEIGHBOR)),
    (32, &structs::FIB_RULE_HDR, Some(&RULE)),
    (36, &structs::TCMSG, Some(&TRAFFIC)),
    (40, &structs::TCMSG, Some(&TRAFFIC)),
    (44, &structs::TCMSG, Some(&TRAFFIC)),
    (48, &structs::TCAMSG, None),
    (56, &structs::IFADDRMSG, Some(&ADDRESS)),
    (60, &structs::IFADDRMSG, Some(&ADDRESS)),
    (64, &structs::NDTMSG, Some(&TABLE)),
    (72, &structs::IFADDRLBLMSG, Some(&LABEL)),
    (76, &structs::DCBMSG, None),
    (80, &structs::NETCONFMSG, Some(&NETCONF)),
    (84, &structs::BR_PORT_MSG, Some(&MDB)),
    (88, &structs::RTGENMSG, Some(&NAMESPACE)),
    (92, &structs::IF_STATS_MSG, None),
];

/// What a message of type `kind` carries.
pub(super) fn put_body(walk: &mut Walk<'_>, body: Part, kind: u64) {
    let known = BODIES.iter().find(|(first, ..)| kind >= NLMSG_MIN_TYPE && *first == kind & !3);
    match known {
        // Not all four of each group exist.
        Some((_, layout, attributes)) if sets::RTNETLINK_MESSAGE.name_of(kind, walk.abi()).is_some() => {
            put_headed(walk, body, layout, *attributes)
        }
        _ => put_family(walk, body),
    }
}

static LINK: Attributes = Attributes {
    names: &sets::LINK_ATTRIBUTE,
    known: &[
        (1, How::Hardware),                                 // IFLA_ADDRESS
        (2, How::Hardware),                                 // IFLA_BROADCAST
        (3, How::Text),                                     // IFLA_IFNAME
        (4, How::Unsigned(4)),                              // IFLA_MTU
        (5, How::Interface),                                // IFLA_LINK
        (6, How::Text),                                     // IFLA_QDISC
        (7, How::Grown(&structs::RTNL_LINK_STATS, 92)),     // IFLA_STATS
        (10, How::Interface),                               // IFLA_MASTER
        (12, How::OfFamily(&PROTOCOLS)),                    // IFLA_PROTINFO
        (13, How::Unsigned(4)),                             // IFLA_TXQLEN
        (14, How::Struct(&structs::RTNL_LINK_IFMAP)),       // IFLA_MAP
        (15, How::Unsigned(4)),                             // IFLA_WEIGHT
        (16, How::Unsigned(1)),                             // IFLA_OPERSTATE
        (17, How::Unsigned(1)),                             // IFLA_LINKMODE
        (18, How::Nested(&LINK_INFO)),                      // IFLA_LINKINFO
        (19, How::Unsigned(4)),                             // IFLA_NET_NS_PID
        (20, How::Text),                                    // IFLA_IFALIAS
        (21, How::Unsigned(4)),                             // IFLA_NUM_VF
        (23, How::Grown(&structs::RTNL_LINK_STATS64, 184)), // IFLA_STATS64
        (27, How::Unsigned(4)),                             // IFLA_GROUP
        (28, How::Unsigned(4)),                             // IFLA_NET_NS_FD
        (29, How::Unsigned(4)),                             // IFLA_EXT_MASK
        (30, How::Unsigned(4)),                             // IFLA_PROMISCUITY
        (31, How::Unsigned(4)),                             // IFLA_NUM_TX_QUEUES
        (32, How::Unsigned(4)),                             // IFLA_NUM_RX_QUEUES
        (33, How::Unsigned(1)),                             // IFLA_CARRIER
        (35, How::Unsigned(4)),                             // IFLA_CARRIER_CHANGES
        (37, How::Signed(4)),                               // IFLA_LINK_NETNSID
        (38, How::Text),                                    // IFLA_PHYS_PORT_NAME
        (39, How::Unsigned(1)),                             // IFLA_PROTO_DOWN
        (40, How::Unsigned(4)),                             // IFLA_GSO_MAX_SEGS
        (41, How::Unsigned(4)),                             // IFLA_GSO_MAX_SIZE
        (47, How::Unsigned(4)),                             // IFLA_CARRIER_UP_COUNT
        (48, How::Unsigned(4)),                             // IFLA_CARRIER_DOWN_COUNT
        (49, How::Signed(4)),                               // IFLA_NEW_IFINDEX
        (50, How::Unsigned(4)),                             // IFLA_MIN_MTU
        (51, How::Unsigned(4)),                             // IFLA_MAX_MTU
        (53, How::Text),                                    // IFLA_ALT_IFNAME
        (54, How::Hardware),                                // IFLA_PERM_ADDRESS
    ],
};

/// What a link's protocol knows of it: a bridge, IPv6.
static PROTOCOLS: [(u8, &Attributes); 2] = [(7, &BRIDGE_PORT), (10, &INET6)];

static BRIDGE_PORT: Attributes = Attributes {
    names: &sets::BRIDGE_PORT_ATTRIBUTE,
    known: &[
        (1, How::Unsigned(1)),  // IFLA_BRPORT_STATE
        (2, How::Unsigned(2)),  // IFLA_BRPORT_PRIORITY
        (3, How::Unsigned(4)),  // IFLA_BRPORT_COST
        (4, How::Unsigned(1)),  // IFLA_BRPORT_MODE
        (5, How::Unsigned(1)),  // IFLA_BRPORT_GUARD
        (6, How::Unsigned(1)),  // IFLA_BRPORT_PROTECT
        (7, How::Unsigned(1)),  // IFLA_BRPORT_FAST_LEAVE
        (8, How::Unsigned(1)),  // IFLA_BRPORT_LEARNING
        (9, How::Unsigned(1)),  // IFLA_BRPORT_UNICAST_FLOOD
        (10, How::Unsigned(1)), // IFLA_BRPORT_PROXYARP
        (11, How::Unsigned(1)), // IFLA_BRPORT_LEARNING_SYNC
        (12, How::Unsigned(1)), // IFLA_BRPORT_PROXYARP_WIFI
        (13, How::Bridge),      // IFLA_BRPORT_ROOT_ID
        (14, How::Bridge),      // IFLA_BRPORT_BRIDGE_ID
        (15, How::Unsigned(2)), // IFLA_BRPORT_DESIGNATED_PORT
        (16, How::Unsigned(2)), // IFLA_BRPORT_DESIGNATED_COST
        (17, How::Unsigned(2)), // IFLA_BRPORT_ID
        (18, How::Unsigned(2)), // IFLA_BRPORT_NO
        (19, How::Unsigned(1)), // IFLA_BRPORT_TOPOLOGY_CHANGE_ACK
        (20, How::Unsigned(1)), // IFLA_BRPORT_CONFIG_PENDING
        (21, How::Ticks),       // IFLA_BRPORT_MESSAGE_AGE_TIMER
        (22, How::Ticks),       // IFLA_BRPORT_FORWARD_DELAY_TIMER
        (23, How::Ticks),       // IFLA_BRPORT_HOLD_TIMER
        (25, How::Unsigned(1)), // IFLA_BRPORT_MULTICAST_ROUTER
        (27, How::Unsigned(1)), // IFLA_BRPORT_MCAST_FLOOD
        (28, How::Unsigned(1)), // IFLA_BRPORT_MCAST_TO_UCAST
        (29, How::Unsigned(1)), // IFLA_BRPORT_VLAN_TUNNEL
        (30, How::Unsigned(1)), // IFLA_BRPORT_BCAST_FLOOD
        (31, How::Hex(2)),      // IFLA_BRPORT_GROUP_FWD_MASK
        (32, How::Unsigned(1)), // IFLA_BRPORT_NEIGH_SUPPRESS
        (33, How::Unsigned(1)), // IFLA_BRPORT_ISOLATED
        (34, How::Interface),   // IFLA_BRPORT_BACKUP_PORT
        (35, How::Unsigned(1)), // IFLA_BRPORT_MRP_RING_OPEN
        (36, How::Unsigned(1)), // IFLA_BRPORT_MRP_IN_OPEN
        (37, How::Unsigned(4)), // IFLA_BRPORT_MCAST_EHT_HOSTS_LIMIT
        (38, How::Unsigned(4)), // IFLA_BRPORT_MCAST_EHT_HOSTS_CNT
        (39, How::Unsigned(1)), // IFLA_BRPORT_LOCKED
    ],
};

static INET6: Attributes = Attributes {
    names: &sets::INET6_ATTRIBUTE,
    known: &[
        (1, How::Flags(&sets::INET6_LINK_FLAGS, 4)), // IFLA_INET6_FLAGS
        (7, How::Address),                           // IFLA_INET6_TOKEN
        (8, How::Unsigned(1)),                       // IFLA_INET6_ADDR_GEN_MODE
        (9, How::Unsigned(4)),                       // IFLA_INET6_RA_MTU
    ],
};

static LINK_INFO: Attributes = Attributes {
    names: &sets::LINK_INFO_ATTRIBUTE,
    known: &[(1, How::Text), (4, How::Text)], // IFLA_INFO_KIND, IFLA_INFO_SLAVE_KIND
};

static ADDRESS: Attributes = Attributes {
    names: &sets::ADDRESS_ATTRIBUTE,
    known: &[
        (1, How::Address),                         // IFA_ADDRESS
        (2, How::Address),                         // IFA_LOCAL
        (3, How::Text),                            // IFA_LABEL
        (4, How::Address),                         // IFA_BROADCAST
        (5, How::Address),                         // IFA_ANYCAST
        (6, How::Struct(&structs::IFA_CACHEINFO)), // IFA_CACHEINFO
        (7, How::Address),                         // IFA_MULTICAST
        (8, How::Flags(&sets::ADDRESS_FLAGS, 4)),  // IFA_FLAGS
        (9, How::Unsigned(4)),                     // IFA_RT_PRIORITY
        (10, How::Signed(4)),                      // IFA_TARGET_NETNSID
    ],
};

static ROUTE: Attributes = Attributes {
    names: &sets::ROUTE_ATTRIBUTE,
    known: &[
        (1, How::Address),                          // RTA_DST
        (2, How::Address),                          // RTA_SRC
        (3, How::Interface),                        // RTA_IIF
        (4, How::Interface),                        // RTA_OIF
        (5, How::Address),                          // RTA_GATEWAY
        (6, How::Unsigned(4)),                      // RTA_PRIORITY
        (7, How::Address),                          // RTA_PREFSRC
        (8, How::Nested(&METRICS)),                 // RTA_METRICS
        (9, How::Hops(&ROUTE)),                     // RTA_MULTIPATH
        (11, How::Unsigned(4)),                     // RTA_FLOW
        (12, How::Struct(&structs::RTA_CACHEINFO)), // RTA_CACHEINFO
        (15, How::Enum(&sets::ROUTE_TABLE, 4)),     // RTA_TABLE
        (16, How::Unsigned(4)),                     // RTA_MARK
        (17, How::Struct(&structs::RTA_MFC_STATS)), // RTA_MFC_STATS
        (19, How::Address),                         // RTA_NEWDST
        (23, How::Unsigned(4)),                     // RTA_EXPIRES
        (25, How::Unsigned(4)),                     // RTA_UID
        (26, How::Unsigned(1)),                     // RTA_TTL_PROPAGATE
    ],
};

static METRICS: Attributes = Attributes {
    names: &sets::ROUTE_METRIC,
    known: &[
        (1, How::Unsigned(4)),  // RTAX_LOCK
        (2, How::Unsigned(4)),  // RTAX_MTU
        (3, How::Unsigned(4)),  // RTAX_WINDOW
        (4, How::Unsigned(4)),  // RTAX_RTT
        (5, How::Unsigned(4)),  // RTAX_RTTVAR
        (6, How::Unsigned(4)),  // RTAX_SSTHRESH
        (7, How::Unsigned(4)),  // RTAX_CWND
        (8, How::Unsigned(4)),  // RTAX_ADVMSS
        (9, How::Unsigned(4)),  // RTAX_REORDERING
        (10, How::Unsigned(4)), // RTAX_HOPLIMIT
        (11, How::Unsigned(4)), // RTAX_INITCWND
        (12, How::Hex(4)),      // RTAX_FEATURES
        (13, How::Unsigned(4)), // RTAX_RTO_MIN
        (14, How::Unsigned(4)), // RTAX_INITRWND
        (15, How::Unsigned(4)), // RTAX_QUICKACK
        (16, How::Text),        // RTAX_CC_ALGO
        (17, How::Unsigned(4)), // RTAX_FASTOPEN_NO_COOKIE
    ],
};

/// A table of neighbors, and how it behaves on a device.
static TABLE: Attributes = Attributes {
    names: &sets::NEIGHBOR_TABLE_ATTRIBUTE,
    known: &[
        (1, How::Text),                         // NDTA_NAME
        (2, How::Unsigned(4)),                  // NDTA_THRESH1
        (3, How::Unsigned(4)),                  // NDTA_THRESH2
        (4, How::Unsigned(4)),                  // NDTA_THRESH3
        (5, How::Struct(&structs::NDT_CONFIG)), // NDTA_CONFIG
        (6, How::Nested(&NEIGHBOR_PARAMETERS)), // NDTA_PARMS
        (7, How::Struct(&structs::NDT_STATS)),  // NDTA_STATS
        (8, How::Unsigned(8)),                  // NDTA_GC_INTERVAL
    ],
};

static NEIGHBOR_PARAMETERS: Attributes = Attributes {
    names: &sets::NEIGHBOR_PARAMETER,
    known: &[
        (1, How::Interface),    // NDTPA_IFINDEX
        (2, How::Unsigned(4)),  // NDTPA_REFCNT
        (3, How::Unsigned(8)),  // NDTPA_REACHABLE_TIME
        (4, How::Unsigned(8)),  // NDTPA_BASE_REACHABLE_TIME
        (5, How::Unsigned(8)),  // NDTPA_RETRANS_TIME
        (6, How::Unsigned(8)),  // NDTPA_GC_STALETIME
        (7, How::Unsigned(8)),  // NDTPA_DELAY_PROBE_TIME
        (8, How::Unsigned(4)),  // NDTPA_QUEUE_LEN
        (9, How::Unsigned(4)),  // NDTPA_APP_PROBES
        (10, How::Unsigned(4)), // NDTPA_UCAST_PROBES
        (11, How::Unsigned(4)), // NDTPA_MCAST_PROBES
        (12, How::Unsigned(8)), // NDTPA_ANYCAST_DELAY
        (13, How::Unsigned(8)), // NDTPA_PROXY_DELAY
        (14, How::Unsigned(4)), // NDTPA_PROXY_QLEN
        (15, How::Unsigned(8)), // NDTPA_LOCKTIME
        (16, How::Unsigned(4)), // NDTPA_QUEUE_LENBYTES
        (17, How::Unsigned(4)), // NDTPA_MCAST_REPROBES
    ],
};

static NEIGHBOR: Attributes = Attributes {
    names: &sets::NEIGHBOR_ATTRIBUTE,
    known: &[
        (1, How::Address),                         // NDA_DST
        (2, How::Hardware),                        // NDA_LLADDR
        (3, How::Struct(&structs::NDA_CACHEINFO)), // NDA_CACHEINFO
        (4, How::Unsigned(4)),                     // NDA_PROBES
        (5, How::Unsigned(2)),                     // NDA_VLAN
        (6, How::Big(2)),                          // NDA_PORT
        (7, How::Unsigned(4)),                     // NDA_VNI
        (8, How::Interface),                       // NDA_IFINDEX
        (9, How::Interface),                       // NDA_MASTER
        (10, How::Signed(4)),                      // NDA_LINK_NETNSID
        (11, How::Unsigned(4)),                    // NDA_SRC_VNI
        (12, How::Enum(&sets::ROUTE_PROTOCOL, 1)), // NDA_PROTOCOL
        (13, How::Hex(4)),                         // NDA_NH_ID
    ],
};

static RULE: Attributes = Attributes {
    names: &sets::RULE_ATTRIBUTE,
    known: &[
        (1, How::Address),                                // FRA_DST
        (2, How::Address),                                // FRA_SRC
        (3, How::Text),                                   // FRA_IIFNAME
        (4, How::Unsigned(4)),                            // FRA_GOTO
        (6, How::Unsigned(4)),                            // FRA_PRIORITY
        (10, How::Unsigned(4)),                           // FRA_FWMARK
        (11, How::Unsigned(4)),                           // FRA_FLOW
        (12, How::Big(8)),                                // FRA_TUN_ID
        (13, How::Unsigned(4)),                           // FRA_SUPPRESS_IFGROUP
        (14, How::Unsigned(4)),                           // FRA_SUPPRESS_PREFIXLEN
        (15, How::Enum(&sets::ROUTE_TABLE, 4)),           // FRA_TABLE
        (16, How::Unsigned(4)),                           // FRA_FWMASK
        (17, How::Text),                                  // FRA_OIFNAME
        (19, How::Unsigned(1)),                           // FRA_L3MDEV
        (20, How::Struct(&structs::FIB_RULE_UID_RANGE)),  // FRA_UID_RANGE
        (21, How::Enum(&sets::ROUTE_PROTOCOL, 1)),        // FRA_PROTOCOL
        (22, How::Enum(&sets::PROTOCOL_INET, 1)),         // FRA_IP_PROTO
        (23, How::Struct(&structs::FIB_RULE_PORT_RANGE)), // FRA_SPORT_RANGE
        (24, How::Struct(&structs::FIB_RULE_PORT_RANGE)), // FRA_DPORT_RANGE
    ],
};

static TRAFFIC: Attributes = Attributes {
    names: &sets::TRAFFIC_ATTRIBUTE,
    known: &[
        (1, How::Text),         // TCA_KIND
        (11, How::Unsigned(4)), // TCA_CHAIN
        (12, How::Unsigned(1)), // TCA_HW_OFFLOAD
        (13, How::Unsigned(4)), // TCA_INGRESS_BLOCK
        (14, How::Unsigned(4)), // TCA_EGRESS_BLOCK
    ],
};

static LABEL: Attributes =
    Attributes { names: &sets::ADDRESS_LABEL_ATTRIBUTE, known: &[(1, How::Address), (2, How::Unsigned(4))] };

static MDB: Attributes = Attributes { names: &sets::MDB_ATTRIBUTE, known: &[] };

static NAMESPACE: Attributes = Attributes {
    names: &sets::NETNS_ATTRIBUTE,
    known: &[
        (1, How::Signed(4)),   // NETNSA_NSID
        (2, How::Unsigned(4)), // NETNSA_PID
        (3, How::Unsigned(4)), // NETNSA_FD
        (4, How::Signed(4)),   // NETNSA_TARGET_NSID
        (5, How::Signed(4)),   // NETNSA_CURRENT_NSID
    ],
};

static NETCONF: Attributes = Attributes {
    names: &sets::NETCONF_ATTRIBUTE,
    known: &[
        (1, How::Signed(4)), // NETCONFA_IFINDEX
        (2, How::Signed(4)), // NETCONFA_FORWARDING
        (3, How::Signed(4)), // NETCONFA_RP_FILTER
        (4, How::Signed(4)), // NETCONFA_MC_FORWARDING
        (5, How::Signed(4)), // NETCONFA_PROXY_NEIGH
        (6, How::Signed(4)), // NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN
        (7, How::Signed(4)), // NETCONFA_INPUT
        (8, How::Signed(4)), // NETCONFA_BC_FORWARDING
    ],
};
