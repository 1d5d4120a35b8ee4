//! What the attributes of netlink messages hold, by their types.
//!
//! All data comes from `syscalls-table/attributes/` through `build/attributes.rs`, which has checked it; this file only
//! gives it types.

use super::Kind;
use super::sets::{self, Set};
use super::structs::{self, Struct};

/// The attributes behind one header, or inside one attribute.
#[derive(Debug)]
pub struct Attributes {
    /// The names of the types; `None` when the header in front chooses them and no table says how.
    pub names: Option<&'static Set>,
    /// What the types hold; others are bytes.
    known: &'static [(u16, How)],
    /// What any other type holds.
    other: Option<How>,
}

impl Attributes {
    /// What an attribute of type `kind` holds; `None` for bytes that mean nothing known.
    #[must_use]
    pub fn how(&self, kind: u64) -> Option<How> {
        self.known.iter().find(|(known, _)| u64::from(*known) == kind).map(|(_, how)| *how).or(self.other)
    }
}

/// What an attribute holds.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// A number.
    Number {
        /// Its size in bytes.
        width: u8,
        /// Whether it has a sign.
        signed: bool,
        /// How it is shown.
        kind: Kind,
    },
    /// Numbers, one behind the other.
    Array {
        /// The size of each in bytes.
        width: u8,
        /// Whether they have signs.
        signed: bool,
        /// How they are shown.
        kind: Kind,
    },
    /// A number in network order.
    Big {
        /// Its size in bytes.
        width: u8,
        /// How it is shown.
        kind: Kind,
    },
    /// The number of a network interface.
    Interface,
    /// Hundredths of a second (`USER_HZ`), in at most 8 bytes.
    Ticks,
    /// Numbers, each by the name of its place: how wide and whether with a sign.
    Indexed(&'static Set, u8, bool),
    /// Text that ends with its first NUL.
    Text,
    /// Text with a NUL at its end, and maybe before.
    String,
    /// An IPv4 address.
    Inet,
    /// An IPv6 address.
    Inet6,
    /// An address of the message's family.
    Address,
    /// A hardware address.
    Hardware,
    /// A structure, of which older kernels have only so many bytes; 0 for all.
    Struct(&'static Struct, u16),
    /// Structures, one behind the other.
    Structs(&'static Struct),
    /// A structure, and bytes behind it that newer kernels add.
    Leading(&'static Struct),
    /// A structure, and attributes behind it.
    Headed(&'static Struct, &'static Attributes),
    /// Attributes.
    Nested(&'static Attributes),
    /// Attributes that the message's family chooses, and those of any other.
    Family(&'static [(u8, &'static Attributes)], Option<&'static Attributes>),
    /// What the text of another type beside this one chooses.
    Beside(u16, &'static [(&'static str, How)]),
    /// What has a form of its own.
    Own(Own),
}

/// Forms that only one attribute has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// `struct ifla_bridge_id`: two numbers and a hardware address.
    Bridge,
    /// The ways of a route: headers with a length, each with attributes of the route behind it.
    Hops,
    /// `struct rtvia`: a family and an address of it.
    Via,
    /// `struct packet_diag_mclist`, one behind the other: a field says how long the address is.
    Multicast,
    /// A program of classic BPF.
    Filter,
    /// The number of an interface, and attributes of it behind.
    RouterPort,
    /// `struct inet_diag_bc_op`, and what its code compares with.
    Condition,
    /// Socket addresses, each in the room for the longest.
    Sockets,
    /// `struct tcp_diag_md5sig`, one behind the other: a field says how long the key is.
    Signatures,
    /// `struct inet_diag_sockopt`: a bit for each option.
    Options,
    /// A number as wide as the attribute is.
    Word,
}

include!(concat!(env!("OUT_DIR"), "/attributes.rs"));
