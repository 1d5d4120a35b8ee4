//! Requests to network interfaces (netdevice(7), arp(7), packet(7)).

use super::super::flat::put_seen;
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
use super::address::put_address;
use crate::table::structs;
use crate::table::{Phase, sets};

const NAME: usize = 16;
/// `struct sockaddr`.
const ADDRESS: usize = 16;

fn put_interface(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let part = seen.part(0, NAME);
    let end = memchr::memchr(0, walk.bytes(&part));
    // The last byte is the NUL's place.
    walk.put(name, Value::Str(end.map_or_else(|| part.part(0, NAME - 1).cut(), |end| part.part(0, end))));
}

/// `struct arpreq` (arp(7), linux/if_arp.h): an address of a protocol, one of hardware, flags, a mask and a device.
pub(super) fn arpreq(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(seen) = walk.whole(name, address, 3 * ADDRESS + 4 + NAME) else { return };
    let flags = u64::from(walk.u32_at(&seen, 2 * ADDRESS).unwrap_or(0));
    walk.open_struct(name);
    put_address(walk, "arp_pa", &seen.part(0, ADDRESS));
    walk.open_struct("arp_ha");
    let hardware = seen.part(ADDRESS, ADDRESS);
    let family = walk.number(&hardware, 0, 2).unwrap_or(0);
    walk.put("sa_family", Value::Constant(&sets::ARP_HARDWARE, family));
    walk.put("sa_data", Value::Binary(hardware.part(2, ADDRESS - 2)));
    walk.close();
    walk.put("arp_flags", Value::Flags(&sets::ARP_FLAGS, flags));
    put_address(walk, "arp_netmask", &seen.part(2 * ADDRESS + 4, ADDRESS));
    put_interface(walk, "arp_dev", &seen.part(3 * ADDRESS + 4, NAME));
    walk.close();
}

/// What a request to an interface makes of the union behind the name.
#[derive(Clone, Copy)]
enum Member {
    /// An address of a protocol.
    Address,
    /// A hardware address, whose family is a type of hardware.
    Hardware,
    Flags,
    Int,
    /// Another interface's name.
    Name,
    /// `struct ifmap`.
    Map,
}

/// The requests (linux/sockios.h), and the member of `struct ifreq` that each is about.
static MEMBERS: [(&[u32], &str, Member); 13] = [
    (&[0x8913, 0x8914], "ifr_flags", Member::Flags),
    (&[0x8915, 0x8916], "ifr_addr", Member::Address),
    (&[0x8917, 0x8918], "ifr_dstaddr", Member::Address),
    (&[0x8919, 0x891a], "ifr_broadaddr", Member::Address),
    (&[0x891b, 0x891c], "ifr_netmask", Member::Address),
    (&[0x8924, 0x8927, 0x8931, 0x8932, 0x8937], "ifr_hwaddr", Member::Hardware),
    (&[0x8921, 0x8922], "ifr_mtu", Member::Int),
    (&[SIOCGIFNAME, 0x8933, SIOCBRADDIF, SIOCBRDELIF], "ifr_ifindex", Member::Int),
    (&[0x891d, 0x891e], "ifr_metric", Member::Int),
    (&[0x8942, 0x8943], "ifr_qlen", Member::Int),
    (&[0x8923], "ifr_newname", Member::Name),
    (&[0x8929, 0x8930], "ifr_slave", Member::Name),
    (&[0x8970, 0x8971], "ifr_map", Member::Map),
];

const SIOCGIFNAME: u32 = 0x8910;
const SIOCBRADDIF: u32 = 0x89a2;
const SIOCBRDELIF: u32 = 0x89a3;

/// `struct ifreq`: a name, and what the request (argument 1) makes of the union behind it. A request that asks gives the
/// name alone; one that asks for a name, or is to a bridge, an interface's number.
pub(super) fn ifreq(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let size = if walk.abi().word() == 4 { 32 } else { 40 };
    let request = low32(walk.word(1));
    let Some(seen) = walk.whole(name, address, size) else { return };
    let numbered = matches!(request, SIOCGIFNAME | SIOCBRADDIF | SIOCBRDELIF);
    let asks = walk.call.row.args(walk.abi()).get(walk.index()).map(|arg| arg.resolve(walk.call.args).phase);
    let answered = walk.at_exit() || asks == Some(Phase::In);
    walk.open_struct(name);
    if !numbered {
        put_interface(walk, "ifr_name", &seen);
    }
    if numbered || answered {
        put_member(walk, request, &seen.part(NAME, size - NAME));
    }
    if request == SIOCGIFNAME && answered {
        put_interface(walk, "ifr_name", &seen);
    }
    walk.close();
}

fn put_member(walk: &mut Walk<'_>, request: u32, rest: &Seen) {
    let Some((_, name, member)) = MEMBERS.iter().find(|(requests, ..)| requests.contains(&request)) else {
        return walk.put("ifr_data", Value::Bytes(*rest));
    };
    match member {
        Member::Address => put_address(walk, name, &rest.part(0, ADDRESS)),
        Member::Hardware => put_hardware(walk, name, &rest.part(0, ADDRESS)),
        Member::Flags => {
            let flags = walk.number(rest, 0, 2).unwrap_or(0);
            walk.put(name, Value::Flags(&sets::INTERFACE_FLAGS, flags));
        }
        Member::Int => {
            let int = walk.u32_at(rest, 0).unwrap_or(0).cast_signed();
            walk.put(name, Value::Signed(i64::from(int)));
        }
        Member::Name => put_interface(walk, name, rest),
        Member::Map => put_seen(walk, name, &structs::IFMAP, rest),
    }
}

/// `struct sockaddr` of a hardware address: an Ethernet address has 6 bytes.
fn put_hardware(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    const ETHER: u64 = 1;
    const ETHER_LEN: usize = 6;
    let family = walk.number(seen, 0, 2).unwrap_or(0);
    let len = if family == ETHER { ETHER_LEN } else { ADDRESS - 2 };
    walk.open_struct(name);
    walk.put("sa_family", Value::Constant(&sets::ARP_HARDWARE, family));
    walk.put("sa_data", Value::Hardware(seen.part(2, len)));
    walk.close();
}

/// A name of an interface, of which a bridge's requests take 16 bytes.
pub(super) fn interface_name(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    walk.string_within(name, address, NAME);
}

/// `struct ifconf`: how many bytes, and the address of so many `ifreq`, each with an address. A program that gives no
/// buffer asks for the length.
pub(super) fn ifconf(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let (len, list) = (walk.u32_at(&seen, 0).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    let before = walk.before(walk.index(), address, 4);
    let given = walk.u32_at(&before, 0).filter(|given| walk.at_exit() && list != 0 && *given != len);
    let size = if word == 4 { 32 } else { 40 };
    walk.open_struct(name);
    if let Some(given) = given {
        walk.open("ifc_len", Value::Changed);
        put_length(walk, "", given, size);
        put_length(walk, "", len, size);
        walk.close();
    } else {
        put_length(walk, "ifc_len", len, size);
    }
    if walk.at_exit() && list != 0 {
        walk_items(walk, "ifc_buf", list, u64::from(len) / size, usize::try_from(size).unwrap_or(0), |walk, item| {
            walk.open_struct("");
            put_interface(walk, "ifr_name", &item);
            put_address(walk, "ifr_addr", &item.part(NAME, ADDRESS));
            walk.close();
        });
    } else {
        walk.put("ifc_buf", if list == 0 { Value::Null } else { Value::Address(list) });
    }
    walk.close();
}

/// A length in bytes, with the number of structures that it is.
fn put_length(walk: &mut Walk<'_>, name: &'static str, len: u32, size: u64) {
    let bytes = u64::from(len);
    walk.put(name, Value::Signed(i64::from(len.cast_signed())));
    if len.cast_signed() > 0 && bytes.is_multiple_of(size) {
        walk.note(format_args!("{} * sizeof(struct ifreq)", bytes / size));
    }
}
