//! Sets of file descriptors and of other small numbers: poll(2), select(2), sched_setaffinity(2), set_mempolicy(2).

use super::super::tree::{Seen, Value};
use super::super::walk::{MAX_STRUCTS, Walk, walk_items};
use crate::table::sets;

/// `struct pollfd`: what is asked at enter; at exit the descriptors that something happened on.
pub(super) fn pollfd(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    let exit = walk.at_exit();
    walk_items(walk, name, address, count, 8, |walk, item| {
        let fd = walk.u32_at(&item, 0).unwrap_or(0).cast_signed();
        let events = walk.number(&item, 4, 2).unwrap_or(0);
        let happened = walk.number(&item, 6, 2).unwrap_or(0);
        if exit && happened == 0 {
            return;
        }
        walk.open_struct("");
        walk.put("fd", Value::Fd(fd));
        if exit {
            walk.put("revents", Value::Flags(&sets::POLL, happened));
        } else if fd >= 0 {
            walk.put("events", Value::Flags(&sets::POLL, events));
        }
        walk.close();
    });
}

/// A bit for each descriptor below `count` (select(2)'s nfds).
pub(super) fn fd_set(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    put_bits(walk, name, address, count, |number| Value::Fd(number.cast_signed()));
}

/// A bit for each of `bits` numbers, in words of the ABI.
pub(super) fn put_bits(walk: &mut Walk<'_>, name: &'static str, address: u64, bits: u64, item: fn(u32) -> Value) {
    if address == 0 {
        return walk.put(name, Value::Null);
    }
    // select(2) on Linux takes more than FD_SETSIZE; a program rarely has so many.
    let words = usize::try_from(bits.min(MAX_STRUCTS as u64)).unwrap_or(0).div_ceil(walk.abi().word() * 8);
    let len = words * walk.abi().word();
    let Some(seen) = walk.whole(name, address, len) else { return };
    walk.open(name, Value::Bits);
    for number in 0..u32::try_from(bits.min(MAX_STRUCTS as u64)).unwrap_or(0) {
        if bit(walk, &seen, number) {
            walk.put("", item(number));
        }
    }
    walk.close();
}

fn bit(walk: &Walk<'_>, seen: &Seen, number: u32) -> bool {
    let byte = walk.bytes(seen).get(number as usize / 8).copied().unwrap_or(0);
    byte >> (number % 8) & 1 == 1
}

/// CPUs by number: `count` bytes, and at exit of a call that fills them as many as its result.
pub(super) fn cpumask(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    let bytes =
        walk.success().and_then(|result| u64::try_from(result).ok()).filter(|_| walk.at_exit()).unwrap_or(count);
    put_bits(walk, name, address, bytes.min(count).saturating_mul(8), |number| Value::Unsigned(u64::from(number)));
}

/// NUMA nodes: words in base 16, as set_mempolicy(2) takes them.
pub(super) fn nodemask(walk: &mut Walk<'_>, name: &'static str, address: u64, bits: u64) {
    let word = walk.abi().word();
    // Of `maxnode` bits the kernel takes one less (mm/mempolicy.c, `get_nodes`).
    let count = usize::try_from(bits.saturating_sub(1)).unwrap_or(usize::MAX).div_ceil(word * 8);
    if count == 0 && bits > 0 {
        return walk.put(name, Value::Address(address));
    }
    let width = if word == 4 { 8 } else { 16 };
    walk_items(walk, name, address, count as u64, word, |walk, item| {
        let mask = walk.word_at(&item, 0).unwrap_or(0);
        walk.put("", Value::Padded(mask, width));
    });
}
