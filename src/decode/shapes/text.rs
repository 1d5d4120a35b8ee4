//! Texts whose length or meaning follows from the call: names of threads (prctl(2)), options of mount(2).

use super::super::tree::Value;
use super::super::walk::{Walk, low32};
use crate::model::record::State;

/// `TASK_COMM_LEN` without its NUL (linux/sched.h): no name is longer.
const COMM: usize = 15;

/// A thread's name. Of one that a program gives the kernel looks at no more bytes than a name can have.
pub(super) fn comm(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let max = COMM.min(walk.limits.str_max);
    if walk.at_exit() {
        return walk.text(name, address, max, Value::Str);
    }
    let seen = walk.read_text(address, max);
    if seen.state == State::Unreadable {
        return walk.put(name, Value::Unreadable(address));
    }
    walk.put(name, Value::Str(seen));
}

/// The type (argument 2) or the options (argument 4) of mount(2): neither is looked at when an existing mount is moved or
/// bound or its propagation changed, nor the type when one is changed.
pub(super) fn mount_text(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const REMOUNT: u32 = 0x20;
    // MS_BIND, MS_MOVE, MS_UNBINDABLE, MS_PRIVATE, MS_SLAVE, MS_SHARED (linux/mount.h).
    const OF_ANOTHER: u32 = 0x1000 | 0x2000 | 0x2_0000 | 0x4_0000 | 0x8_0000 | 0x10_0000;
    const MAGIC_MASK: u32 = 0xffff_0000;
    const MAGIC: u32 = 0xc0ed_0000;
    let flags = low32(walk.word(3));
    // Programs older than Linux 2.4 mark the word, which then has 16 flags.
    let flags = if flags & MAGIC_MASK == MAGIC { flags & !MAGIC_MASK } else { flags };
    let idle = if walk.index() == 2 { OF_ANOTHER | REMOUNT } else { OF_ANOTHER };
    if flags & idle != 0 {
        return walk.put(name, Value::Address(address));
    }
    walk.string(name, address);
}
