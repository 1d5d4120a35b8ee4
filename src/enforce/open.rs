//! Opens: judged by the file that the path leads to, and again by the descriptor that the call made.

use super::{Enforcer, Path, Pending, Target, word};
use crate::audit::policy::Sort;
use crate::decode::walk::low32;
use crate::engine::{Call, Denial, Task, Verdict};
use crate::sys::memory::Memory;
use crate::sys::path::Held;

const RESOLVE_IN_ROOT: u64 = 0x10;

/// Whether `flags` ask for all of `bits`; the bits of x86, which its 32-bit calls share.
fn asks(flags: u64, bits: i32) -> bool {
    low32(flags) & bits.cast_unsigned() == bits.cast_unsigned()
}

/// What an open with these flags wants of a file that exists.
fn sorts(flags: u64) -> impl Iterator<Item = Sort> {
    let access = flags & 3;
    let read = (access != 1).then_some(Sort::Read);
    let write = (access != 0 || asks(flags, libc::O_TRUNC)).then_some(Sort::Write);
    read.into_iter().chain(write)
}

impl Enforcer {
    pub(super) fn open(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        let mut in_root = false;
        let (places, flags) = match name {
            "open" => ((None, 0), word(call, 1)),
            "creat" => ((None, 0), u64::from((libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC).cast_unsigned())),
            "openat2" => {
                // struct open_how { u64 flags, mode, resolve; } (linux/openat2.h)
                let mut how = [[0; 8]; 3];
                if memory.read(task.tid, word(call, 2), how.as_flattened_mut()) < 24 {
                    return self.watch(task, Pending::Open { makes: false });
                }
                let [flags, _, resolve] = how.map(u64::from_ne_bytes);
                in_root = resolve & RESOLVE_IN_ROOT != 0;
                ((Some(0), 1), flags)
            }
            _ => ((Some(0), 1), word(call, 2)),
        };
        // Such a descriptor only holds a place; opening it through /proc is judged like any other name. But openat2's
        // flags lie in memory, where they can be changed.
        if asks(flags, libc::O_PATH) && name != "openat2" {
            return Verdict::Pass;
        }
        let exclusive = asks(flags, libc::O_CREAT | libc::O_EXCL);
        let path = Path {
            from: 0,
            bytes: b"",
            follow: !asks(flags, libc::O_NOFOLLOW) && !exclusive,
            create: asks(flags, libc::O_CREAT),
            in_root,
        };
        let makes = match self.find(memory, task, call, places, path) {
            Target::Nowhere => false,
            Target::Missing(new) => {
                if let Some(denial) = self.ask_file(task, Sort::Write, &new) {
                    return Verdict::Deny(denial);
                }
                true
            }
            // It exists, and the kernel will say so.
            Target::Found(_) if exclusive => false,
            Target::Found(held) => {
                let name = match asks(flags, libc::O_TMPFILE) {
                    // A file without a name in this directory; the kernel calls it by its number.
                    true => [&held.name(), &b"/#0"[..]].concat(),
                    false => held.name(),
                };
                if let Some(denial) = sorts(flags).find_map(|sort| self.ask_file(task, sort, &name)) {
                    return Verdict::Deny(denial);
                }
                false
            }
        };
        self.watch(task, Pending::Open { makes })
    }

    pub(super) fn watch(&mut self, task: Task, pending: Pending) -> Verdict {
        self.pending.insert(task.tid, pending);
        Verdict::Watch
    }

    /// Judges the descriptor that an open made, by the flags that the kernel keeps for it.
    pub(super) fn opened(&mut self, task: Task, number: i64, makes: bool) -> Option<Denial> {
        let held = Held::at(&format!("/proc/{}/fd/{number}", task.tid)).ok()?;
        if makes {
            self.remember_made(&held);
        }
        let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{number}", task.tid)).ok()?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
        let flags = u64::from_str_radix(flags.trim(), 8).ok()?;
        if asks(flags, libc::O_PATH) {
            return None;
        }
        let name = held.name();
        sorts(flags & 3).find_map(|sort| self.ask_file(task, sort, &name))
    }
}
