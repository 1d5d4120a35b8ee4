//! Requests of files and of block, random, flash and clock devices whose structures hold another's address, bytes behind them, or a
//! value that another field gives its meaning.

use super::super::flat::{named_word, put_flat, put_named};
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, low32, walk_items};
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

/// `struct rtc_param` (linux/rtc.h): the parameter says what the value is. Who asks gives none.
pub(super) fn rtc_parameter(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const RTC_PARAM_GET: u32 = 0x4018_7013;
    let layout = &structs::RTC_PARAM;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let value = named_word(walk, layout, &seen, "uvalue");
    let asks = low32(walk.word(1)) == RTC_PARAM_GET;
    walk.open_struct(name);
    let parameter = named_word(walk, layout, &seen, "param");
    if !walk.at_exit() {
        put_named(walk, layout, &seen, &["param"]);
    }
    if walk.at_exit() || !asks {
        match parameter {
            0 => walk.put("uvalue", Value::Flags(&sets::RTC_FEATURES, value)),
            1 => walk.put("svalue", Value::Signed(value.cast_signed())),
            2 => walk.put("uvalue", Value::Constant(&sets::RTC_BACKUP_SWITCH_MODE, value)),
            _ => walk.put("uvalue", Value::Hex(value)),
        }
    }
    if !walk.at_exit() {
        put_named(walk, layout, &seen, &["index", "__pad"]);
    }
    walk.close();
}

/// The longest name of a volume (`UBI_MAX_VOLUME_NAME`), for which there is one byte more.
const VOLUME_NAME: usize = 127;

/// A volume's name, as much of it as `len` says.
fn put_volume_name(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, at: usize, len: i16) {
    let len = usize::try_from(len).unwrap_or(0).min(VOLUME_NAME);
    let part = seen.part(at, len);
    let end = memchr::memchr(0, walk.bytes(&seen.part(at, len + 1)));
    walk.put(name, Value::Str(end.map_or_else(|| part.cut(), |end| part.part(0, end))));
}

/// `struct ubi_mkvol_req` (mtd/ubi-user.h).
pub(super) fn ubi_mkvol_req(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const NAME_LEN: usize = 18;
    const NAME: usize = 24;
    let layout = &structs::UBI_MKVOL_LAYOUT;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let len = short(walk, &seen, NAME_LEN);
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["vol_id", "alignment", "bytes", "vol_type", "flags", "name_len"]);
    put_volume_name(walk, "name", &seen, NAME, len);
    walk.close();
}

/// `struct ubi_rnvol_req` (mtd/ubi-user.h): at most `UBI_MAX_RNVOL` volumes.
pub(super) fn ubi_rnvol_req(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const MOST: usize = 32;
    const HEAD: usize = 16;
    const ENTRY: usize = 136;
    let Some(seen) = walk.whole(name, address, HEAD + MOST * ENTRY) else { return };
    let count = walk.u32_at(&seen, 0).unwrap_or(0).cast_signed();
    walk.open_struct(name);
    walk.put("count", Value::Signed(i64::from(count)));
    walk.open_list("ents");
    for index in 0..usize::try_from(count).unwrap_or(0).min(MOST) {
        let at = HEAD + index * ENTRY;
        let volume = walk.u32_at(&seen, at).unwrap_or(0).cast_signed();
        let len = short(walk, &seen, at + 4);
        walk.open_struct("");
        walk.put("vol_id", Value::Signed(i64::from(volume)));
        walk.put("name_len", Value::Signed(i64::from(len)));
        put_volume_name(walk, "name", &seen, at + 8, len);
        walk.close();
    }
    walk.close();
    walk.close();
}

fn short(walk: &Walk<'_>, seen: &Seen, at: usize) -> i16 {
    walk.number(seen, at, 2).and_then(|word| u16::try_from(word).ok()).unwrap_or(0).cast_signed()
}

/// FIDEDUPERANGE (ioctl_fideduperange(2)): a part of this file, and the parts of others that are to be the same.
pub(super) fn file_dedupe(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let layout = &structs::FILE_DEDUPE_RANGE;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    let count = named_word(walk, layout, &seen, "dest_count");
    let (list, item) = (address.wrapping_add(size as u64), &structs::FILE_DEDUPE_RANGE_INFO);
    walk.open_struct(name);
    if !walk.at_exit() {
        put_named(walk, layout, &seen, &["src_offset", "src_length", "dest_count"]);
    }
    let fields: &[&str] = if walk.at_exit() { &["bytes_deduped", "status"] } else { &["dest_fd", "dest_offset"] };
    walk_items(walk, "info", list, count, item.size(walk.abi()), |walk, seen| {
        walk.open_struct("");
        put_named(walk, item, &seen, fields);
        walk.close();
    });
    walk.close();
}
