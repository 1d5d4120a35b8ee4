//! Calls that do something to the files that they name: remove, rename, link, make, change mode or owner.
//!
//! A new name must not open what the old one kept shut: a file that the build did not make itself may get only names by
//! which no more is allowed than by the name it has.

use super::{Enforcer, Path, Pending, Target, int, raced, text, word};
use crate::audit::fold::{NAMED, Named};
use crate::audit::model::Access;
use crate::audit::policy::{Action, Sort};
use crate::capture::resolve::{Way, way};
use crate::decode::walk::low32;
use crate::engine::{Call, Denial, Task, Verdict};
use crate::sys::memory::Memory;
use crate::sys::path::Held;
use crate::table::Kind;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

/// The most entries that a directory may hold, at any depth, to be renamed.
const ENTRIES: usize = 100_000;

/// Requests of ioctl(2) that change a file's attributes: FS_IOC_SETFLAGS, FS_IOC_SETVERSION (each of two sizes), FS_IOC_FSSETXATTR
/// (linux/fs.h), FS_IOC_ENABLE_VERITY (linux/fsverity.h), FS_IOC_SET_ENCRYPTION_POLICY (linux/fscrypt.h).
const CHANGES: &[u32] = &[0x4008_6602, 0x4004_6602, 0x4008_7602, 0x4004_7602, 0x401c_5820, 0x4080_6685, 0x800c_6613];

/// The type of btrfs's requests, and those that make or remove subvolumes (linux/btrfs.h).
const BTRFS: u32 = 0x94;
const SUBVOLUMES: &[u32] = &[1, 14, 15, 23, 24, 63];

/// renameat2(2): each file gets the other's name.
const RENAME_EXCHANGE: i32 = 2;

/// A file that gets a name.
#[derive(Debug)]
pub(super) struct Move {
    held: Held,
    was: Vec<u8>,
    new: Vec<u8>,
}

fn sort_of(access: Access) -> Option<Sort> {
    match access {
        Access::Executed => Some(Sort::Exec),
        _ => [Sort::Read, Sort::Write, Sort::Delete].into_iter().find(|sort| sort.of(access)),
    }
}

/// A name that a call gives, and what it leads to.
struct Side {
    named: Named,
    target: Target,
    name: Vec<u8>,
}

impl Enforcer {
    /// Judges every name that a call gives.
    pub(super) fn named(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        let mut sides = Vec::new();
        for named in NAMED.iter().filter(|named| named.call == name) {
            let target = self.side(memory, task, call, *named);
            let name = match &target {
                Target::Found(held) => held.name(),
                Target::Missing(name) => name.clone(),
                // A name that cannot be read now can be soon, by another thread.
                Target::Nowhere(libc::EFAULT) => return self.watch(task, Pending::Nothing(named.call)),
                // It is said here, so that nobody can put a file there before the kernel looks.
                Target::Nowhere(errno) => return Verdict::Done(-i64::from(*errno)),
            };
            let replaces = named.call.starts_with("rename");
            match (named.access, &target) {
                // A name that is taken cannot be made, unless it becomes free meanwhile.
                (Access::Created, Target::Found(_)) if !replaces => {
                    return match self.ask_file(task, Sort::Write, &name) {
                        Some(_) => self.watch(task, Pending::Nothing(named.call)),
                        None => Verdict::Pass,
                    };
                }
                (Access::Created, _) | (_, Target::Found(_)) => {}
                _ => return Verdict::Done(-i64::from(libc::ENOENT)),
            }
            if let Some(denial) = sort_of(named.access).and_then(|sort| self.ask_file(task, sort, &name)) {
                return Verdict::Deny(denial);
            }
            sides.push(Side { named: *named, target, name });
        }
        let denial = match sides.as_slice() {
            [old, new] if exchanges(call, name) => self.exchanged(task, old, new),
            [Side { target: Target::Found(old), .. }, Side { name: new, .. }] => self.opened_by_name(task, old, new),
            _ => None,
        };
        if let Some(denial) = denial {
            return Verdict::Deny(denial);
        }
        self.consequence(task, call, sides)
    }

    fn side(&self, memory: &mut Memory, task: Task, call: &Call, named: Named) -> Target {
        let Way { follow, empty } = way(named.call, named.argument, call);
        let args = call.row.zip(call.abi).map(|(row, abi)| row.args(abi)).unwrap_or_default();
        let is_directory = |at: &usize| args.get(*at).is_some_and(|arg| arg.kind == Kind::Dirfd);
        let from = named.argument.checked_sub(1).filter(is_directory);
        if let Some(from) = from.filter(|_| empty) {
            let (at, mut first) = (word(call, named.argument), [0]);
            if at == 0 || memory.read(task.tid, at, &mut first) == 1 && first == [0] {
                let place = match int(call, from) {
                    libc::AT_FDCWD => format!("/proc/{}/cwd", task.tid),
                    number => format!("/proc/{}/fd/{number}", task.tid),
                };
                return Held::at(&place).map_or_else(Target::Nowhere, Target::Found);
            }
        }
        // The quick way takes our own /proc/self for the task's: only a walk can say that something is missing.
        let path = Path { from: 0, bytes: b"", follow, create: true, in_root: false };
        self.find(memory, task, call, (from, named.argument), path)
    }

    /// Judges what an exchange does beyond a rename: the second file loses its name and gets the first one's.
    fn exchanged(&self, task: Task, old: &Side, new: &Side) -> Option<Denial> {
        let (Target::Found(one), Target::Found(other)) = (&old.target, &new.target) else { return None };
        self.ask_file(task, Sort::Delete, &new.name)
            .or_else(|| self.ask_file(task, Sort::Write, &old.name))
            .or_else(|| self.opened_by_name(task, one, &new.name))
            .or_else(|| self.opened_by_name(task, other, &old.name))
    }

    /// What has to be looked at when the call returned.
    fn consequence(&mut self, task: Task, call: &Call, mut sides: Vec<Side>) -> Verdict {
        let second = (sides.len() > 1).then(|| sides.pop()).flatten();
        let Some(Side { named, target, name }) = sides.pop() else { return Verdict::Pass };
        match (named.access, target, second) {
            (Access::Deleted, Target::Found(held), _) => {
                let links = held.status().map_or(0, |status| status.nlink);
                self.watch(task, Pending::Remove(held, links))
            }
            (Access::Renamed, Target::Found(held), Some(new)) => {
                let there = match new.target {
                    Target::Found(there) => Some(there),
                    _ => None,
                };
                // Two names of one file: rename(2) does nothing.
                let identity = |held: &Held| held.status().map(|status| status.identity());
                if there.as_ref().is_some_and(|there| identity(there) == identity(&held)) {
                    return self.watch(task, Pending::Same(held, new.name));
                }
                let mut moves = vec![Move { held, was: name.clone(), new: new.name.clone() }];
                if let Some(held) = there.filter(|_| exchanges(call, named.call)) {
                    moves.push(Move { held, was: new.name, new: name });
                }
                self.watch(task, Pending::Rename(moves))
            }
            (Access::Created, _, None) => self.watch(task, Pending::Make(name)),
            _ => Verdict::Pass,
        }
    }

    /// Whether giving the file `old` the name `new` allows what its present name does not.
    fn opened_by_name(&self, task: Task, old: &Held, new: &[u8]) -> Option<Denial> {
        self.opened_by_move(task, old, &old.name(), new)
    }

    /// Whether the file that was called `was` may be called `new`; of a directory, all in it.
    fn opened_by_move(&self, task: Task, held: &Held, was: &[u8], new: &[u8]) -> Option<Denial> {
        let Some(status) = held.status() else { return Some(self.shut(task, was, new)) };
        if status.is_directory() {
            let top = held.own_link();
            return self.inside(task, (&top, was, new), b"", &mut 0);
        }
        let opened = !self.made.contains(&status.identity()) && self.more_allowed(task, was, new);
        opened.then(|| self.shut(task, was, new))
    }

    fn more_allowed(&self, task: Task, was: &[u8], new: &[u8]) -> bool {
        [Sort::Read, Sort::Write, Sort::Exec]
            .into_iter()
            .any(|sort| self.ask_file(task, sort, was).is_some() && self.ask_file(task, sort, new).is_none())
    }

    fn shut(&self, task: Task, was: &[u8], new: &[u8]) -> Denial {
        let subject = format!("{} as {}", text(was), text(new));
        let action = self.rules.action(Sort::Delete, &self.program(task));
        super::denial("rename", subject, "would allow more than its name does", action)
    }

    /// Looks below the directory at `top`, which was called `was`, for a file that would be allowed more when it is called
    /// `new`. What cannot be looked at is shut, and so is what has too many entries; `seen` are those so far.
    fn inside(&self, task: Task, place: (&str, &[u8], &[u8]), below: &[u8], seen: &mut usize) -> Option<Denial> {
        let (top, was, new) = place;
        let [was_here, new_here] = [was, new].map(|dir| [dir, below].concat());
        let here = [top.as_bytes(), below].concat();
        let Ok(entries) = fs::read_dir(OsStr::from_bytes(&here)) else {
            return Some(self.shut(task, &was_here, &new_here));
        };
        for entry in entries {
            *seen += 1;
            let Some(entry) = entry.ok().filter(|_| *seen <= ENTRIES) else {
                return Some(self.shut(task, &was_here, &new_here));
            };
            let name = entry.file_name();
            let [was, moved] = [&was_here, &new_here].map(|dir| [dir.as_slice(), b"/", name.as_bytes()].concat());
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let below = [below, b"/", name.as_bytes()].concat();
                if let Some(denial) = self.inside(task, place, &below, seen) {
                    return Some(denial);
                }
            } else if self.more_allowed(task, &was, &moved)
                && !entry.metadata().is_ok_and(|data| self.made.contains(&(data.dev(), data.ino())))
            {
                return Some(self.shut(task, &was, &moved));
            }
        }
        None
    }

    /// Whether something else was renamed than the file that was judged, or to another name; or a directory into which
    /// something was moved meanwhile that may not have its new name.
    pub(super) fn renamed(&self, task: Task, Move { held, was, new }: &Move) -> Option<Denial> {
        let is = held.name();
        if is != *new {
            return Some(raced(super::denial("rename", text(&is), "", Action::Kill)));
        }
        let directory = held.status().is_some_and(|status| status.is_directory());
        directory.then(|| self.opened_by_move(task, held, was, new)).flatten().map(raced)
    }

    /// Judges a change of mode, owner or attributes by descriptor.
    pub(super) fn behind(&self, task: Task, call: &Call) -> Verdict {
        match Held::at(&format!("/proc/{}/fd/{}", task.tid, int(call, 0))) {
            Ok(held) => self.ask_file(task, Sort::Write, &held.name()).map_or(Verdict::Pass, Verdict::Deny),
            // Of a descriptor that is not open /proc has no entry.
            Err(_) => Verdict::Done(-i64::from(libc::EBADF)),
        }
    }

    /// Judges ioctl(2), as far as it changes a file or makes one whatever its descriptor was opened for.
    pub(super) fn control(&self, task: Task, call: &Call) -> Verdict {
        let request = low32(word(call, 1));
        match request {
            _ if CHANGES.contains(&request) => self.behind(task, call),
            _ if request >> 8 & 0xff == BTRFS && SUBVOLUMES.contains(&(request & 0xff)) => {
                Verdict::Deny(super::unseen("ioctl", "a policy cannot judge subvolumes of btrfs"))
            }
            _ => Verdict::Pass,
        }
    }
}

/// Whether something else was removed than the file that was judged, which had `links` names.
pub(super) fn removed(held: &Held, links: u64) -> Option<Denial> {
    let gone = held.status().is_none_or(|status| status.nlink < links || status.nlink == 0);
    (!gone).then(|| raced(super::denial("delete", text(&held.name()), "", Action::Kill)))
}

/// Whether a call exchanges the names of two files.
fn exchanges(call: &Call, name: &str) -> bool {
    name == "renameat2" && int(call, 4) & RENAME_EXCHANGE != 0
}

/// Whether another file has the name now that a file had besides the one that it was to lose.
pub(super) fn kept(held: &Held, name: &[u8]) -> Option<Denial> {
    let identity = |held: &Held| held.status().map(|status| status.identity());
    let same = Held::itself(name).is_ok_and(|there| identity(&there) == identity(held));
    (!same).then(|| raced(super::denial("rename", text(name), "", Action::Kill)))
}
