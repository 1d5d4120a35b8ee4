//! Structures of the kernel's own facilities whose size or members vary: perf_event_open(2), capabilities, security
//! modules, statmount(2).

use super::super::flat::put_fields;
use super::super::tree::{Show, Value};
use super::super::walk::{MAX_ITEMS, MAX_STRUCTS, Walk};
use super::too_big;
use crate::table::{sets, structs};

/// `struct sched_attr` as sched_setattr(2) takes it: as long as its first word says, 0 for the first version's size. When
/// there is more than the kernel knows, that word is all it answers (E2BIG).
pub(super) fn sched_attr_given(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const FIRST: usize = 48;
    if walk.at_exit() && !too_big(walk) {
        return walk.put(name, Value::Address(address));
    }
    let Some(head) = walk.whole(name, address, 4) else { return };
    let layout = &structs::SCHED_ATTR;
    let ours = layout.size(walk.abi());
    let given = match walk.u32_at(&head, 0).unwrap_or(0) as usize {
        0 => FIRST,
        given => given,
    };
    let seen = if given < FIRST || walk.at_exit() { Some(head) } else { walk.whole(name, address, given.min(ours)) };
    let Some(seen) = seen else { return };
    walk.open_struct(name);
    put_fields(walk, layout, &seen);
    if given > ours && !walk.at_exit() {
        walk.mark_more();
    }
    walk.close();
}

/// capget(2), capset(2): two triples of words in versions 2 and 3, else one; shown as sets of names.
pub(super) fn cap_user_data(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const TWO_WORDS: [u32; 2] = [0x2007_1026, 0x2008_0522];
    let header = walk.word(0);
    let version = walk.read(header, 4);
    let words = if walk.u32_at(&version, 0).is_some_and(|version| TWO_WORDS.contains(&version)) { 2 } else { 1 };
    let Some(seen) = walk.whole(name, address, words * 12) else { return };
    walk.open_struct(name);
    for (at, name) in [(0, "effective"), (4, "permitted"), (8, "inheritable")] {
        let low = u64::from(walk.u32_at(&seen, at).unwrap_or(0));
        let high = u64::from(walk.u32_at(&seen, at + 12).unwrap_or(0));
        walk.put(name, Value::Flags(&sets::CAPABILITIES, high << 32 | low));
    }
    walk.close();
}

/// `struct lsm_ctx` (linux/lsm.h), one after another in `len` bytes: id, flags, length, and a context as text.
pub(super) fn lsm_ctx(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const HEAD: usize = 32;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let seen = walk.read(address, len.min(MAX_STRUCTS));
    if seen.len() < HEAD {
        return walk.put(name, Value::Address(address));
    }
    walk.open_list(name);
    let mut at = 0;
    for _ in 0..MAX_ITEMS {
        let word = |walk: &Walk<'_>, offset| walk.u64_at(&seen, at + offset);
        let (Some(id), Some(flags), Some(whole), Some(text)) =
            (word(walk, 0), word(walk, 8), word(walk, 16), word(walk, 24))
        else {
            break;
        };
        walk.open_struct("");
        walk.put("id", Value::Constant(&sets::LSM_ID, id));
        walk.put("flags", Value::Hex(flags));
        walk.put("len", Value::Unsigned(whole));
        walk.put("ctx_len", Value::Unsigned(text));
        let text = seen.part(at + HEAD, usize::try_from(text).unwrap_or(usize::MAX));
        walk.put("ctx", Value::Bytes(text));
        walk.close();
        let next = usize::try_from(whole).ok().filter(|whole| *whole >= HEAD).and_then(|whole| at.checked_add(whole));
        let Some(next) = next.filter(|next| *next < seen.len()) else { break };
        at = next;
    }
    walk.close();
}

/// `struct statmount` (linux/mount.h): the fixed part, and the texts that lie behind it by the mask's word.
pub(super) fn statmount(walk: &mut Walk<'_>, name: &'static str, address: u64, size: u64) {
    let layout = &structs::STATMOUNT_LAYOUT;
    let fixed = layout.size(walk.abi());
    let len = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_STRUCTS);
    let seen = walk.read(address, len);
    if seen.len() < fixed.min(8) || seen.is_empty() {
        return walk.put(name, Value::Unreadable(address));
    }
    walk.open_struct(name);
    put_fields(walk, layout, &seen);
    if seen.len() > fixed {
        let texts = seen.part(fixed, seen.len() - fixed);
        walk.show_next(Show::Verbose);
        walk.put("str", Value::Bytes(texts));
    }
    walk.close();
}
