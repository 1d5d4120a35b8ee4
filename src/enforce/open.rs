//! Opens: judged by the file that the path leads to, and again by the descriptor that the call made.

use super::{Enforcer, Path, Pending, Target, word};
use crate::audit::policy::{Action, Sort};
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

/// What an open asked for when it was judged.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The name that was judged.
    name: Option<Vec<u8>>,
    /// Nothing had that name.
    makes: bool,
    /// Its flags.
    flags: u64,
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
                    return self.watch(task, Pending::Open(Asked::default()));
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
        let (makes, name) = match self.find(memory, task, call, places, path) {
            Target::Nowhere(_) => (false, None),
            Target::Missing(new) => {
                if let Some(denial) = self.ask_file(task, Sort::Write, &new) {
                    return Verdict::Deny(denial);
                }
                (true, Some(new))
            }
            // It exists, and the kernel will say so.
            Target::Found(_) if exclusive => (false, None),
            Target::Found(held) => {
                let name = match asks(flags, libc::O_TMPFILE) {
                    // A file without a name in this directory; the kernel calls it by its number.
                    true => [&held.name(), &b"/#0"[..]].concat(),
                    false => held.name(),
                };
                if let Some(denial) = sorts(flags).find_map(|sort| self.ask_file(task, sort, &name)) {
                    return Verdict::Deny(denial);
                }
                (false, Some(name))
            }
        };
        self.watch(task, Pending::Open(Asked { name, makes, flags }))
    }

    pub(super) fn watch(&mut self, task: Task, pending: Pending) -> Verdict {
        self.pending.insert(task.tid, pending);
        Verdict::Watch
    }

    /// Judges the descriptor that an open made, by the flags that the kernel keeps for it, and by those that it does not keep.
    pub(super) fn opened(&mut self, task: Task, number: i64, asked: &Asked) -> Option<Denial> {
        let Some((held, flags)) = behind(task, number) else {
            // Another thread took it away before it could be looked at.
            let gone = || super::denial("read", format!("descriptor {number}"), "", Action::Kill);
            return super::stands(task).then(gone);
        };
        if asked.makes {
            self.remember_made(&held);
        }
        if asks(flags, libc::O_PATH) {
            return None;
        }
        let name = held.name();
        // It was emptied, or perhaps made, though this was asked of another file.
        let other = asked.name.as_ref() != Some(&name);
        let changed = other && (asks(asked.flags, libc::O_TRUNC) || asks(asked.flags, libc::O_CREAT));
        sorts(flags & 3).chain(changed.then_some(Sort::Write)).find_map(|sort| self.ask_file(task, sort, &name))
    }
}

/// What is behind a descriptor, and its flags.
fn behind(task: Task, number: i64) -> Option<(Held, u64)> {
    let held = Held::at(&format!("/proc/{}/fd/{number}", task.tid)).ok()?;
    let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/{number}", task.tid)).ok()?;
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
    Some((held, u64::from_str_radix(flags.trim(), 8).ok()?))
}
