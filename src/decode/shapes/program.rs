//! Programs of the seccomp and socket filters: classic BPF (linux/filter.h), an instruction each.

use super::super::tree::Value;
use super::super::walk::{Walk, walk_items};
use crate::table::sets;

/// `struct sock_fprog`: how many instructions, and where.
pub(super) fn sock_fprog(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let (count, filter) = (walk.number(&seen, 0, 2).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    walk.open_struct(name);
    walk.put("len", Value::Unsigned(count));
    walk_items(walk, "filter", filter, count, 8, |walk, item| {
        let code = walk.number(&item, 0, 2).unwrap_or(0);
        let (yes, no) = (walk.number(&item, 2, 1).unwrap_or(0), walk.number(&item, 3, 1).unwrap_or(0));
        let k = walk.number(&item, 4, 4).unwrap_or(0);
        let jump = code & 7 == 5;
        walk.open("", Value::Call(if jump { "BPF_JUMP" } else { "BPF_STMT" }));
        walk.put("", Value::Flags(&sets::BPF_CODE, code));
        walk.put("", Value::Hex(k));
        if jump {
            walk.put("", Value::Hex(yes));
            walk.put("", Value::Hex(no));
        }
        walk.close();
    });
    walk.close();
}
