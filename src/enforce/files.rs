//! Calls that do something to the files that they name: remove, rename, link, make, change mode or owner.
//!
//! A new name must not open what the old one kept shut: a file that the build did not make itself may get only names by
//! which no more is allowed than by the name it has.

use super::{Enforcer, Path, Pending, Target, int, raced, text, word};
use crate::audit::fold::{NAMED, Named};
use crate::audit::model::Access;
use crate::audit::policy::{Action, Sort};
use crate::capture::resolve::{Way, way};
use crate::engine::{Call, Denial, Task, Verdict};
use crate::sys::memory::Memory;
use crate::sys::path::Held;
use crate::table::Kind;
use std::fs;
use std::os::unix::ffi::OsStrExt;

/// The most entries that a directory may hold, at any depth, to be renamed by a build that did not make it.
const ENTRIES: usize = 10_000;

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
            let Some(name) = target.name() else { continue };
            // A name that is taken cannot be made, and one that is free cannot be removed: the kernel says so itself.
            let replaces = named.call.starts_with("rename");
            match (named.access, &target) {
                (Access::Created, Target::Found(_)) if !replaces => return Verdict::Pass,
                (Access::Created, _) | (_, Target::Found(_)) => {}
                _ => return Verdict::Pass,
            }
            if let Some(denial) = sort_of(named.access).and_then(|sort| self.ask_file(task, sort, &name)) {
                return Verdict::Deny(denial);
            }
            sides.push(Side { named: *named, target, name });
        }
        if let [Side { target: Target::Found(old), .. }, Side { name: new, .. }] = sides.as_slice()
            && let Some(denial) = self.opened_by_name(task, old, new)
        {
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
            let mut first = [0];
            if memory.read(task.tid, word(call, named.argument), &mut first) == 1 && first == [0] {
                let held = Held::at(&format!("/proc/{}/fd/{}", task.tid, int(call, from)));
                return held.map_or(Target::Nowhere, Target::Found);
            }
        }
        let create = named.access == Access::Created;
        let path = Path { from: 0, bytes: b"", follow, create, in_root: false };
        self.find(memory, task, call, (from, named.argument), path)
    }

    /// What has to be looked at when the call returned.
    fn consequence(&mut self, task: Task, call: &Call, mut sides: Vec<Side>) -> Verdict {
        const RENAME_EXCHANGE: i32 = 2;
        let second = (sides.len() > 1).then(|| sides.pop()).flatten();
        let Some(Side { named, target, name }) = sides.pop() else { return Verdict::Pass };
        match (named.access, target, second) {
            (Access::Deleted, Target::Found(held), _) => {
                let links = held.status().map_or(0, |status| status.nlink);
                self.watch(task, Pending::Remove(held, links))
            }
            (Access::Renamed, Target::Found(held), Some(new)) => {
                // Two names of one file: rename(2) does nothing. Exchanged names are each judged as both.
                let same = matches!(&new.target, Target::Found(there)
                    if there.status().map(|s| s.identity()) == held.status().map(|s| s.identity()));
                let exchanged = named.call == "renameat2" && int(call, 4) & RENAME_EXCHANGE != 0;
                match same || exchanged {
                    true => Verdict::Pass,
                    false => self.watch(task, Pending::Rename(held, new.name)),
                }
            }
            (Access::Created, _, None) => self.watch(task, Pending::Make(name)),
            _ => Verdict::Pass,
        }
    }

    /// Whether giving the file `old` the name `new` allows what its present name does not.
    fn opened_by_name(&self, task: Task, old: &Held, new: &[u8]) -> Option<Denial> {
        let status = old.status()?;
        if self.made.contains(&status.identity()) {
            return None;
        }
        let was = old.name();
        if status.is_directory() {
            let mut left = ENTRIES;
            let inside = self.inside(task, &was, &was, new, &mut left);
            return inside.or_else(|| (left == 0).then(|| self.shut(task, &was, new)));
        }
        self.more_allowed(task, &was, new).then(|| self.shut(task, &was, new))
    }

    fn more_allowed(&self, task: Task, was: &[u8], new: &[u8]) -> bool {
        [Sort::Read, Sort::Write, Sort::Exec]
            .into_iter()
            .any(|sort| self.ask_file(task, sort, new).is_none() && self.ask_file(task, sort, was).is_some())
    }

    fn shut(&self, task: Task, was: &[u8], new: &[u8]) -> Denial {
        let subject = format!("{} as {}", text(was), text(new));
        let action = self.rules.action(Sort::Delete, &self.program(task));
        super::denial("rename", subject, "would allow more than its name does", action)
    }

    /// Looks for a file below `dir` that would be allowed more as a file below `new`.
    fn inside(&self, task: Task, top: &[u8], dir: &[u8], new: &[u8], left: &mut usize) -> Option<Denial> {
        let entries = fs::read_dir(std::ffi::OsStr::from_bytes(dir)).ok()?;
        for entry in entries.flatten() {
            *left = left.checked_sub(1)?;
            let path = entry.path();
            let was = path.as_os_str().as_bytes();
            let moved = [new, was.strip_prefix(top).unwrap_or(was)].concat();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if let Some(denial) = self.inside(task, top, was, new, left) {
                    return Some(denial);
                }
            } else if self.more_allowed(task, was, &moved) {
                return Some(self.shut(task, was, &moved));
            }
        }
        None
    }

    /// Judges a change of mode, owner or attributes by descriptor.
    pub(super) fn behind(&self, task: Task, call: &Call) -> Verdict {
        let held = Held::at(&format!("/proc/{}/fd/{}", task.tid, int(call, 0)));
        let denial = held.ok().and_then(|held| self.ask_file(task, Sort::Write, &held.name()));
        denial.map_or(Verdict::Pass, Verdict::Deny)
    }
}

/// Whether something else was removed than the file that was judged, which had `links` names.
pub(super) fn removed(held: &Held, links: u64) -> Option<Denial> {
    let gone = held.status().is_none_or(|status| status.nlink < links || status.nlink == 0);
    (!gone).then(|| raced(super::denial("delete", text(&held.name()), "", Action::Kill)))
}

/// Whether something else was renamed than the file that was judged, or to another name.
pub(super) fn renamed(held: &Held, name: &[u8]) -> Option<Denial> {
    let is = held.name();
    (is != name).then(|| raced(super::denial("rename", text(&is), "", Action::Kill)))
}
