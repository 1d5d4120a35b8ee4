//! Requests of block and random devices whose structures hold another's address or bytes behind them.

use super::super::flat::put_flat;
use super::super::tree::Value;
use super::super::walk::Walk;
use crate::table::{sets, structs};

/// `struct blkpg_ioctl_arg` (linux/blkpg.h): what to do with which partition.
pub(super) fn blkpg_arg(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const DATA: usize = 16;
    let word = walk.abi().word();
    let at = if word == 4 { 12 } else { DATA };
    let Some(seen) = walk.whole(name, address, at + word) else { return };
    let int = |walk: &Walk<'_>, at| walk.u32_at(&seen, at).unwrap_or(0).cast_signed();
    let (operation, flags, len) = (int(walk, 0), int(walk, 4), int(walk, 8));
    let data = walk.word_at(&seen, at).unwrap_or(0);
    walk.open_struct(name);
    walk.put("op", Value::Constant(&sets::BLKPG_OPERATION, u64::from(operation.cast_unsigned())));
    walk.put("flags", Value::Signed(i64::from(flags)));
    walk.put("datalen", Value::Signed(i64::from(len)));
    put_flat(walk, "data", &structs::BLKPG_PARTITION, data);
    walk.close();
}

/// `struct rand_pool_info` (linux/random.h): two numbers, then so many bytes.
pub(super) fn rand_pool(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const HEAD: usize = 8;
    let Some(seen) = walk.whole(name, address, HEAD) else { return };
    let int = |walk: &Walk<'_>, at| walk.u32_at(&seen, at).unwrap_or(0).cast_signed();
    let (count, size) = (int(walk, 0), int(walk, 4));
    walk.open_struct(name);
    walk.put("entropy_count", Value::Signed(i64::from(count)));
    walk.put("buf_size", Value::Signed(i64::from(size)));
    walk.buffer("buf", address.wrapping_add(HEAD as u64), usize::try_from(size).unwrap_or(0));
    walk.close();
}
