//! Socket addresses of every family (linux/socket.h and the header of each family; socket(2) and the pages it names).

use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use super::families;
use crate::table::sets;
use std::net::{Ipv4Addr, Ipv6Addr};

/// `struct sockaddr_storage`: no address is longer.
pub(super) const MAX_ADDRESS: usize = 128;

/// A path of unix(7) is not longer (linux/un.h).
const UNIX_PATH_MAX: usize = 108;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
const AF_BLUETOOTH: u16 = 31;

/// An address of `len` bytes. What a call writes is no longer than the room that the program gave.
pub(super) fn sockaddr(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let len = given_room(walk).map_or(len, |given| len.min(given)).min(MAX_ADDRESS);
    if len == 0 || address == 0 {
        return walk.put(name, if address == 0 { Value::Null } else { Value::Address(address) });
    }
    let Some(seen) = walk.whole(name, address, len) else { return };
    put_address(walk, name, &seen);
}

/// The room that the program gave for an address which the kernel writes: what the length was at enter.
fn given_room(walk: &mut Walk<'_>) -> Option<usize> {
    if !walk.at_exit() {
        return None;
    }
    let at = walk.index() + 1;
    let pointer = walk.word(at);
    let seen = walk.before(at, pointer, 4);
    walk.u32_at(&seen, 0).and_then(|given| usize::try_from(given).ok())
}

/// The address in `seen`.
pub(super) fn put_address(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let Some(family) = short(walk, seen, 0) else {
        return walk.put(name, Value::Bytes(*seen));
    };
    walk.open_struct(name);
    walk.put("sa_family", Value::Constant(&sets::SOCKET_DOMAIN, u64::from(family)));
    let whole = match family {
        AF_UNIX => put_unix(walk, seen),
        AF_INET => put_inet(walk, seen),
        AF_INET6 => put_inet6(walk, seen),
        AF_NETLINK => put_netlink(walk, seen),
        AF_PACKET => put_packet(walk, seen),
        AF_BLUETOOTH => put_bluetooth(walk, seen),
        family => families::put(walk, seen, family),
    };
    if whole.is_none() && seen.len() > 2 {
        walk.put("sa_data", Value::Bytes(seen.part(2, seen.len() - 2)));
    }
    walk.close();
}

pub(super) fn short(walk: &Walk<'_>, seen: &Seen, at: usize) -> Option<u16> {
    walk.number(seen, at, 2).and_then(|word| u16::try_from(word).ok())
}

fn put_port(walk: &mut Walk<'_>, name: &'static str, port: u16) {
    walk.open(name, Value::Call("htons"));
    walk.put("", Value::Unsigned(u64::from(port.swap_bytes())));
    walk.close();
}

/// unix(7): a path, or after a leading NUL an abstract name of exactly the bytes that the length says.
fn put_unix(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let path = seen.part(2, seen.len().saturating_sub(2).min(UNIX_PATH_MAX));
    let bytes = walk.bytes(&path);
    if bytes.is_empty() {
        return Some(());
    }
    if bytes.first() == Some(&0) {
        let abstract_name = path.part(1, path.len() - 1);
        walk.put("sun_path", Value::Abstract(abstract_name));
        return Some(());
    }
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let text = path.part(0, end);
    walk.put("sun_path", Value::Path(text));
    Some(())
}

pub(super) fn put_inet(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    // The kernel takes none that is shorter (ip(7)).
    const SIZE: usize = 16;
    if seen.len() < SIZE {
        return None;
    }
    let port = short(walk, seen, 2)?;
    let host = walk.u32_at(seen, 4)?;
    put_port(walk, "sin_port", port);
    walk.put("sin_addr", Value::Ip4(Ipv4Addr::from(host.to_le_bytes())));
    Some(())
}

pub(super) fn put_inet6(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let port = short(walk, seen, 2)?;
    let flow = walk.u32_at(seen, 4)?;
    let host: [u8; 16] = walk.bytes(seen).get(8..24)?.try_into().ok()?;
    put_port(walk, "sin6_port", port);
    walk.open("sin6_flowinfo", Value::Call("htonl"));
    walk.put("", Value::Unsigned(u64::from(flow.swap_bytes())));
    walk.close();
    walk.put("sin6_addr", Value::Ip6(Ipv6Addr::from(host)));
    if let Some(scope) = walk.u32_at(seen, 24) {
        walk.put("sin6_scope_id", Value::Unsigned(u64::from(scope)));
    }
    Some(())
}

fn put_netlink(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let (pad, pid, groups) = (short(walk, seen, 2)?, walk.u32_at(seen, 4)?, walk.u32_at(seen, 8)?);
    if pad != 0 {
        walk.put("nl_pad", Value::Hex(u64::from(pad)));
    }
    walk.put("nl_pid", Value::Unsigned(u64::from(pid)));
    walk.put("nl_groups", Value::Padded(u64::from(groups), 8));
    Some(())
}

fn put_packet(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let (protocol, index) = (short(walk, seen, 2)?, walk.u32_at(seen, 4)?);
    let hardware = short(walk, seen, 8)?;
    let (kind, len) = (walk.number(seen, 10, 1)?, walk.number(seen, 11, 1)?);
    walk.open("sll_protocol", Value::Call("htons"));
    walk.put("", Value::Constant(&sets::ETHERTYPE, u64::from(protocol.swap_bytes())));
    walk.close();
    walk.put("sll_ifindex", Value::Unsigned(u64::from(index)));
    walk.put("sll_hatype", Value::Constant(&sets::ARP_HARDWARE, u64::from(hardware)));
    walk.put("sll_pkttype", Value::Constant(&sets::PACKET_TYPE, kind));
    walk.put("sll_halen", Value::Unsigned(len));
    if len > 0 {
        walk.open_list("sll_addr");
        let len = usize::try_from(len).unwrap_or(0);
        let shown = len.min(seen.len().saturating_sub(12));
        for at in 0..shown {
            let byte = walk.number(seen, 12 + at, 1).unwrap_or(0);
            walk.put("", Value::Hex(byte));
        }
        if shown < len {
            walk.mark_more();
        }
        walk.close();
    }
    Some(())
}

/// The families of Bluetooth share a number; their addresses are told apart by their lengths.
fn put_bluetooth(walk: &mut Walk<'_>, seen: &Seen) -> Option<()> {
    let put_device = |walk: &mut Walk<'_>, name: &'static str, at: usize| {
        let address = seen.part(at, 6);
        walk.put(name, Value::Hardware(address));
        (address.len() == 6).then_some(())
    };
    let word = |walk: &Walk<'_>, at| short(walk, seen, at).map(u64::from);
    match seen.len() {
        4 | 6 => {
            let device = word(walk, 2)?;
            walk.open("hci_dev", Value::Call("htobs"));
            walk.put("", Value::Unsigned(device));
            walk.close();
            if let Some(channel) = word(walk, 4) {
                walk.put("hci_channel", Value::Constant(&sets::HCI_CHANNEL, channel));
            }
        }
        8 => {
            put_device(walk, "sco_bdaddr", 2)?;
        }
        10 => {
            put_device(walk, "rc_bdaddr", 2)?;
            let channel = walk.number(seen, 8, 1)?;
            walk.put("rc_channel", Value::Unsigned(channel));
        }
        12..=14 => {
            let psm = word(walk, 2)?;
            walk.open("l2_psm", Value::Call("htobs"));
            walk.put("", Value::Constant(&sets::L2CAP_PSM, psm));
            walk.close();
            put_device(walk, "l2_bdaddr", 4)?;
            let cid = word(walk, 10)?;
            walk.open("l2_cid", Value::Call("htobs"));
            walk.put("", Value::Constant(&sets::L2CAP_CID, cid));
            walk.close();
            if let Some(kind) = walk.number(seen, 12, 1).filter(|_| seen.len() > 12) {
                walk.put("l2_bdaddr_type", Value::Constant(&sets::BDADDR_TYPE, kind));
            }
        }
        _ => return None,
    }
    Some(())
}

/// A packet socket's membership (packet(7)): an interface, what to receive, and an address as long as a field says.
pub(super) fn packet_mreq(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const SIZE: usize = 16;
    const MOST: usize = 8;
    if len != SIZE as u64 {
        return walk.put(name, Value::Address(address));
    }
    let Some(seen) = walk.whole(name, address, SIZE) else { return };
    let (index, kind) = (walk.u32_at(&seen, 0).unwrap_or(0), short(walk, &seen, 4).unwrap_or(0));
    let given = short(walk, &seen, 6).unwrap_or(0);
    walk.open_struct(name);
    walk.put("mr_ifindex", Value::Unsigned(u64::from(index)));
    walk.put("mr_type", Value::Constant(&sets::PACKET_MEMBERSHIP, u64::from(kind)));
    walk.put("mr_alen", Value::Unsigned(u64::from(given)));
    walk.put("mr_address", Value::Hardware(seen.part(8, usize::from(given).min(MOST))));
    walk.close();
}

/// `struct group_req` (linux/in.h): an interface, and an address in the room for any.
pub(super) fn group_req(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let at = walk.abi().word();
    let size = at + MAX_ADDRESS;
    if len < size as u64 {
        return walk.put(name, Value::Address(address));
    }
    let Some(seen) = walk.whole(name, address, size) else { return };
    let interface = walk.u32_at(&seen, 0).unwrap_or(0);
    walk.open_struct(name);
    walk.put("gr_interface", Value::Unsigned(u64::from(interface)));
    put_address(walk, "gr_group", &seen.part(at, MAX_ADDRESS));
    walk.close();
}
