//! Requests to network interfaces (netdevice(7), arp(7), packet(7)).

use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
use super::address::put_address;
use crate::table::sets;

const NAME: usize = 16;

fn put_interface(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let part = seen.part(0, NAME);
    let end = memchr::memchr(0, walk.bytes(&part));
    walk.put(name, Value::Str(end.map_or_else(|| part.cut(), |end| part.part(0, end))));
}

/// `struct arpreq` (arp(7), linux/if_arp.h): an address of a protocol, one of hardware, flags, a mask and a device.
pub(super) fn arpreq(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const ADDRESS: usize = 16;
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

/// `struct ifreq`: a name, and what the request (argument 1) makes of the union behind it.
pub(super) fn ifreq(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let size = if walk.abi().word() == 4 { 32 } else { 40 };
    let Some(seen) = walk.whole(name, address, size) else { return };
    walk.open_struct(name);
    put_interface(walk, "ifr_name", &seen);
    let rest = seen.part(NAME, size - NAME);
    let int = |walk: &Walk<'_>| i64::from(walk.u32_at(&rest, 0).unwrap_or(0).cast_signed());
    // linux/sockios.h.
    match low32(walk.word(1)) {
        0x8913 | 0x8914 => {
            let flags = walk.number(&rest, 0, 2).unwrap_or(0);
            walk.put("ifr_flags", Value::Flags(&sets::INTERFACE_FLAGS, flags));
        }
        0x8915 | 0x8916 => put_address(walk, "ifr_addr", &rest.part(0, 16)),
        0x8917 | 0x8918 => put_address(walk, "ifr_dstaddr", &rest.part(0, 16)),
        0x8919 | 0x891a => put_address(walk, "ifr_broadaddr", &rest.part(0, 16)),
        0x891b | 0x891c => put_address(walk, "ifr_netmask", &rest.part(0, 16)),
        0x8927 | 0x8924 => put_address(walk, "ifr_hwaddr", &rest.part(0, 16)),
        0x8921 | 0x8922 => {
            let mtu = int(walk);
            walk.put("ifr_mtu", Value::Signed(mtu));
        }
        0x8933 | 0x8910 => {
            let index = int(walk);
            walk.put("ifr_index", Value::Signed(index));
        }
        0x891d | 0x891e => {
            let metric = int(walk);
            walk.put("ifr_metric", Value::Signed(metric));
        }
        0x8942 | 0x8943 => {
            let length = int(walk);
            walk.put("ifr_qlen", Value::Signed(length));
        }
        0x8923 => put_interface(walk, "ifr_newname", &rest),
        _ => walk.put("ifr_data", Value::Bytes(rest)),
    }
    walk.close();
}

/// `struct ifconf`: how many bytes, and the address of so many `ifreq`, each with an address.
pub(super) fn ifconf(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let (len, list) = (walk.u32_at(&seen, 0).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    let size = if word == 4 { 32 } else { 40 };
    walk.open_struct(name);
    walk.put("ifc_len", Value::Unsigned(u64::from(len)));
    if walk.at_exit() && list != 0 {
        walk_items(walk, "ifc_buf", list, u64::from(len) / size, 40, |walk, item| {
            walk.open_struct("");
            put_interface(walk, "ifr_name", &item);
            put_address(walk, "ifr_addr", &item.part(NAME, 16));
            walk.close();
        });
    } else {
        walk.put("ifc_buf", if list == 0 { Value::Null } else { Value::Address(list) });
    }
    walk.close();
}
