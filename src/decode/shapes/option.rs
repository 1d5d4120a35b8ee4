//! Values of socket options (socket(7), ip(7), tcp(7)).

use super::super::tree::Value;
use super::super::walk::{Walk, walk_items};
use crate::table::sets;

/// An option of `len` bytes that no case of the table knows: most are an int.
pub(super) fn int_or_bytes(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const OPTLEN: usize = 4;
    if !walk.at_exit() && walk.int(OPTLEN) < 0 {
        return walk.put(name, Value::Address(address));
    }
    if len == 0 && walk.at_exit() {
        return walk.put(name, Value::Address(address));
    }
    if len != 4 {
        return walk.buffer(name, address, usize::try_from(len).unwrap_or(usize::MAX));
    }
    let Some(seen) = walk.whole(name, address, 4) else { return };
    let number = walk.u32_at(&seen, 0).unwrap_or(0).cast_signed();
    walk.open_list(name);
    walk.put("", Value::Signed(i64::from(number)));
    walk.close();
}

/// An option that is an int: as much of it as the kernel gave, and never from less than one.
pub(super) fn int_option(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    put_int(walk, name, address, len, |number| Value::Signed(i64::from(number)));
}

fn put_int(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64, value: fn(i32) -> Value) {
    if len < 4 && (len == 0 || !walk.at_exit()) {
        return walk.put(name, Value::Address(address));
    }
    if len < 4 {
        return walk.buffer(name, address, usize::try_from(len).unwrap_or(usize::MAX));
    }
    let Some(seen) = walk.whole(name, address, 4) else { return };
    let number = walk.u32_at(&seen, 0).unwrap_or(0).cast_signed();
    walk.open_list(name);
    walk.put("", value(number));
    walk.close();
}

/// `SO_ERROR`: the pending error.
pub(super) fn socket_error(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    put_int(walk, name, address, len, |number| if number == 0 { Value::Signed(0) } else { Value::Errno(number) });
}

/// `ICMP_FILTER` (raw(7)): a set bit keeps messages of its type away.
pub(super) fn icmp_filter(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    if len == 0 || !walk.at_exit() && walk.int(4) < 0 {
        return walk.put(name, Value::Address(address));
    }
    let size = usize::try_from(len).unwrap_or(4).min(4);
    let Some(seen) = walk.whole(name, address, size) else { return };
    let bits = walk.number(&seen, 0, size).unwrap_or(0);
    walk.open(name, Value::Bits);
    for kind in (0..32).filter(|kind| bits >> kind & 1 == 1) {
        walk.put("", Value::Constant(&sets::ICMP_TYPE, kind));
    }
    walk.close();
}

/// `NETLINK_LIST_MEMBERSHIPS` (netlink(7)): the kernel says how many bytes there are, and writes as many as there is room for.
pub(super) fn memberships(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const OPTLEN: usize = 4;
    let pointer = walk.word(OPTLEN);
    let before = walk.before(OPTLEN, pointer, 4);
    let given = walk.u32_at(&before, 0).map_or(len, u64::from);
    walk_items(walk, name, address, len.min(given) / 4, 4, |walk, item| {
        let group = walk.u32_at(&item, 0).unwrap_or(0);
        walk.put("", Value::Unsigned(u64::from(group)));
    });
}
