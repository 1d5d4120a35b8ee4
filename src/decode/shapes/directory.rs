//! Directory entries of varying length (getdents(2), readdir(2)) and file handles (open_by_handle_at(2)).

use super::super::tree::{Seen, Value};
use super::super::walk::{MAX_LISTING, Walk};
use crate::table::sets;

/// Where the fields of one entry lie.
#[derive(Clone, Copy)]
struct Layout {
    word: usize,
    /// The name's offset.
    name: usize,
    /// The type's offset; `None`: it is the entry's last byte.
    kind: Option<usize>,
}

/// `struct linux_dirent64`: the same on every ABI.
pub(super) fn linux_dirent64(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    put_entries(walk, name, address, len, Layout { word: 8, name: 19, kind: Some(18) });
}

/// `struct linux_dirent`: two words, the length, the name; the type is the last byte.
pub(super) fn linux_dirent(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let word = walk.abi().word();
    put_entries(walk, name, address, len, Layout { word, name: word * 2 + 2, kind: None });
}

fn put_entries(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64, layout: Layout) {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let seen = walk.read(address, len.min(MAX_LISTING));
    if seen.is_empty() && len > 0 {
        return walk.put(name, Value::Unreadable(address));
    }
    let next = |walk: &Walk<'_>, at: usize| {
        let size = walk.number(&seen, at + layout.word * 2, 2).and_then(|size| usize::try_from(size).ok())?;
        (size > layout.name && seen.len() - at >= size).then_some(at + size)
    };
    let ends = || std::iter::successors(next(walk, 0), |at| next(walk, *at));
    let (count, end) = (ends().count(), ends().last().unwrap_or(0));
    walk.open_list(name);
    // How many there are is of interest where not all are shown.
    let more = end < len || count > walk.limits.items;
    if more {
        walk.mark_more();
        walk.note(format_args!("{}{count} entries", if end < len { "more than " } else { "" }));
    }
    let mut at = 0;
    for _ in 0..count.min(walk.limits.items) {
        let Some(end) = next(walk, at) else { break };
        put_entry(walk, &seen.part(at, end - at), layout);
        at = end;
    }
    walk.close();
}

fn put_entry(walk: &mut Walk<'_>, entry: &Seen, layout: Layout) {
    let number = |walk: &Walk<'_>, at, width| walk.number(entry, at, width).unwrap_or(0);
    let (inode, next) = (number(walk, 0, layout.word), number(walk, layout.word, layout.word));
    let kind = number(walk, layout.kind.unwrap_or(entry.len() - 1), 1);
    walk.open_struct("");
    walk.put("d_ino", Value::Unsigned(inode));
    walk.put("d_off", Value::Signed(next.cast_signed()));
    walk.put("d_reclen", Value::Unsigned(entry.len() as u64));
    if layout.kind.is_some() {
        walk.put("d_type", Value::Constant(&sets::DIRENT_TYPE, kind));
    }
    let rest = entry.part(layout.name, entry.len() - layout.name);
    let end = memchr::memchr(0, walk.bytes(&rest)).unwrap_or(rest.len());
    walk.put("d_name", Value::Str(rest.part(0, end)));
    if layout.kind.is_none() {
        walk.put("d_type", Value::Constant(&sets::DIRENT_TYPE, kind));
    }
    walk.close();
}

/// The one entry that i386's readdir gives.
pub(super) fn old_linux_dirent(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2 + 2) else { return };
    let (inode, offset) = (walk.word_at(&seen, 0).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    let len = walk.number(&seen, word * 2, 2).unwrap_or(0);
    walk.open_struct(name);
    walk.put("d_ino", Value::Unsigned(inode));
    walk.put("d_off", Value::Unsigned(offset));
    walk.put("d_reclen", Value::Unsigned(len));
    walk.text("d_name", address.wrapping_add((word * 2 + 2) as u64), 255, Value::Str);
    walk.close();
}

/// `MAX_HANDLE_SZ` (linux/exportfs.h).
const MAX_HANDLE: usize = 128;

/// `struct file_handle`: its size, its type and so many bytes. Before name_to_handle_at(2) only the size is known.
pub(super) fn file_handle(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(head) = walk.whole(name, address, 8) else { return };
    let (size, kind) = (walk.u32_at(&head, 0).unwrap_or(0), walk.u32_at(&head, 4).unwrap_or(0));
    let asked = walk.call.row.name == "name_to_handle_at" && !walk.at_exit();
    walk.open_struct(name);
    walk.put("handle_bytes", Value::Unsigned(u64::from(size)));
    if !asked {
        walk.put("handle_type", Value::Signed(i64::from(kind.cast_signed())));
        let bytes = walk.read(address.wrapping_add(8), (size as usize).min(MAX_HANDLE));
        walk.put("f_handle", Value::Binary(bytes));
    }
    walk.close();
}
