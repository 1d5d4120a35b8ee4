//! Values of socket options (socket(7), ip(7), tcp(7)).

use super::super::tree::Value;
use super::super::walk::Walk;

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
