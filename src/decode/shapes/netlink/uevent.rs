//! What udev sends to its own group of the kernel's events about devices: a header, and properties as text.

use super::super::super::flat::put_seen;
use super::super::super::tree::Value;
use super::super::super::walk::Walk;
use crate::table::structs;

/// The payload of a `NETLINK_KOBJECT_UEVENT` socket; the kernel's own messages are text.
pub(super) fn put_payload(walk: &mut Walk<'_>, name: &'static str, address: u64, len: usize) {
    const PREFIX: &[u8] = b"libudev\0";
    let layout = &structs::UDEV_MONITOR_HEADER;
    let size = layout.size(walk.abi());
    if len < size {
        return walk.buffer(name, address, len);
    }
    let seen = walk.read(address, size);
    if seen.len() < size || !walk.bytes(&seen).starts_with(PREFIX) {
        return walk.buffer(name, address, len);
    }
    if len > size {
        walk.open(name, Value::Parts);
    }
    put_seen(walk, if len > size { "" } else { name }, layout, &seen);
    if len > size {
        walk.buffer("", address.wrapping_add(size as u64), len - size);
        walk.close();
    }
}
