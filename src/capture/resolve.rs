//! Where a path of a stopped task leads, found as the kernel would find it for that task: from its root, its working
//! directory or its descriptor, through links.
//!
//! Nothing is opened, only held. The usual path is one openat2(2); what that cannot do for another task (a changed root,
//! /proc/self, the links of /proc/PID that jump) is walked part by part.

use crate::engine::{Call, Task};
use crate::sys::memory::Memory;
use crate::sys::path::{Held, Status};
use std::fs;
use std::os::unix::fs::MetadataExt;

/// The most links on one way (path_resolution(7)).
const LINKS: usize = 40;

/// The number of the root directory of every procfs (PROC_ROOT_INO, linux/proc_fs.h).
const PROC_ROOT: u64 = 1;

/// Where a path leads.
#[derive(Debug)]
pub enum Target {
    /// To a file that exists.
    Found(Held),
    /// To a name that is free in a directory that exists, as an absolute path.
    Missing(Vec<u8>),
    /// Nowhere, and why: the error number that the kernel has for it.
    Nowhere(i32),
}

impl Target {
    /// The absolute name, if there is one.
    #[must_use]
    pub fn name(&self) -> Option<Vec<u8>> {
        match self {
            Target::Found(held) => Some(held.name()),
            Target::Missing(name) => Some(name.clone()),
            Target::Nowhere(_) => None,
        }
    }
}

/// A path and how it is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// The directory that it starts in, AT_FDCWD for the working directory.
    pub from: i32,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether a link at its end is followed.
    pub follow: bool,
    /// Whether the name has to be known even where nothing has it yet.
    pub create: bool,
    /// The starting directory is the root for this path (openat2(2), RESOLVE_IN_ROOT).
    pub in_root: bool,
}

/// The NUL-terminated string at `address`; `None` when the kernel could not read it as a path either.
#[must_use]
pub fn string(memory: &mut Memory, task: Task, address: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; libc::PATH_MAX as usize];
    let got = memory.read_until(task.tid, address, &mut bytes, |part| part.contains(&0));
    bytes.truncate(got);
    let end = bytes.iter().position(|byte| *byte == 0)?;
    bytes.truncate(end);
    Some(bytes)
}

/// How a call that changes a file takes the name in one of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// A link at the end is followed.
    pub follow: bool,
    /// An empty name means the descriptor's own file.
    pub empty: bool,
}

/// How `call`, whose name is `name`, takes its argument number `argument`.
#[must_use]
pub fn way(name: &str, argument: usize, call: &Call) -> Way {
    const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
    const AT_SYMLINK_FOLLOW: u32 = 0x400;
    const AT_EMPTY_PATH: u32 = 0x1000;
    let word = |at: usize| call.args.get(at).map_or(0, |word| crate::decode::walk::low32(*word));
    let flags = match name {
        "fchownat" | "linkat" => word(4),
        "fchmodat2" => word(3),
        "setxattrat" | "removexattrat" => word(2),
        "file_setattr" => word(4),
        _ => 0,
    };
    let follow = match name {
        "linkat" => argument == 1 && flags & AT_SYMLINK_FOLLOW != 0,
        "fchownat" | "fchmodat2" | "setxattrat" | "removexattrat" | "file_setattr" => flags & AT_SYMLINK_NOFOLLOW == 0,
        "chmod" | "fchmodat" | "chown" | "chown32" | "truncate" | "truncate64" | "setxattr" | "removexattr"
        | "uselib" => true,
        _ => false,
    };
    Way { follow, empty: flags & AT_EMPTY_PATH != 0 }
}

/// Our own root, to tell whether a task has the same.
#[derive(Debug)]
pub struct Root {
    place: (u64, u64),
    namespace: u64,
}

fn place(path: &str) -> (u64, u64) {
    fs::metadata(path).map_or((0, 0), |data| (data.dev(), data.ino()))
}

impl Root {
    /// Ours.
    #[must_use]
    pub fn own() -> Root {
        Root { place: place("/"), namespace: place("/proc/self/ns/mnt").1 }
    }

    fn is_of(&self, task: Task) -> bool {
        place(&format!("/proc/{}/root/", task.tid)) == self.place
            && place(&format!("/proc/{}/ns/mnt", task.tid)).1 == self.namespace
    }

    /// Where `path` leads for `task`.
    #[must_use]
    pub fn resolve(&self, task: Task, path: Path<'_>) -> Target {
        let absolute = path.bytes.first() == Some(&b'/');
        let start = match (absolute && !path.in_root, path.from) {
            (true, _) => format!("/proc/{}/root", task.tid),
            (false, libc::AT_FDCWD) => format!("/proc/{}/cwd", task.tid),
            (false, number) => format!("/proc/{}/fd/{number}", task.tid),
        };
        let start = match Held::at(&start) {
            Ok(start) => start,
            // Of a descriptor that is not open /proc has no entry.
            Err(libc::ENOENT) if path.from != libc::AT_FDCWD => return Target::Nowhere(libc::EBADF),
            Err(errno) => return Target::Nowhere(errno),
        };
        if path.bytes.is_empty() {
            return Target::Nowhere(libc::ENOENT);
        }
        if !path.in_root && self.is_of(task) {
            match start.descend(path.bytes, path.follow) {
                // Below /proc the way can have gone through our own /proc/self.
                Ok(held) if !held.in_proc() => return Target::Found(held),
                // Most names that are looked for are nowhere; an open that succeeds all the same is judged by its file.
                Err(errno @ (libc::ENOENT | libc::ENOTDIR)) if !path.create => return Target::Nowhere(errno),
                _ => {}
            }
        }
        walk(task, start, path).unwrap_or_else(Target::Nowhere)
    }
}

/// The parts of a path in reverse, so that the next is popped.
fn parts(path: &[u8], onto: &mut Vec<Vec<u8>>) {
    onto.extend(path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
}

/// Walks the path part by part; the error number where it leads nowhere.
fn walk(task: Task, start: Held, path: Path<'_>) -> Result<Target, i32> {
    let root = if path.in_root { start.again()? } else { Held::at(&format!("/proc/{}/root", task.tid))? };
    let top = status(&root)?.identity();
    let mut at = start;
    let mut todo = Vec::new();
    parts(path.bytes, &mut todo);
    let mut links = 0;
    while let Some(part) = todo.pop() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                if status(&at)?.identity() != top {
                    at = at.entry(b"..", true)?;
                }
                continue;
            }
            _ => {}
        }
        let last = todo.iter().all(|part| part.is_empty() || part == b".");
        // A slash at the end asks for a directory, through a link too.
        let follow = !last || path.follow || !todo.is_empty();
        let next = match at.entry(&part, false) {
            Ok(next) => next,
            Err(libc::ENOENT) if last && path.create => {
                let dir = at.name();
                let dir = dir.strip_suffix(b"/").unwrap_or(&dir);
                return Ok(Target::Missing([dir, b"/", &part].concat()));
            }
            Err(errno) => return Err(errno),
        };
        if !status(&next)?.is_link() || !follow {
            at = next;
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(libc::ELOOP);
        }
        if next.in_proc() {
            at = proc_link(task, &at, &part, &next, &mut todo)?;
            continue;
        }
        let text = next.link()?;
        if text.first() == Some(&b'/') {
            at = root.again()?;
        }
        parts(&text, &mut todo);
    }
    Ok(Target::Found(at))
}

fn status(held: &Held) -> Result<Status, i32> {
    held.status().ok_or(libc::EACCES)
}

/// What a link of a procfs leads to: the task's own directory, further parts, or a jump that only the kernel can make.
fn proc_link(task: Task, dir: &Held, part: &[u8], link: &Held, todo: &mut Vec<Vec<u8>>) -> Result<Held, i32> {
    if status(dir)?.inode != PROC_ROOT {
        return dir.entry(part, true);
    }
    match part {
        b"self" => Held::at(&format!("/proc/{}", task.pid)),
        b"thread-self" => Held::at(&format!("/proc/{}/task/{}", task.pid, task.tid)),
        _ => {
            parts(&link.link()?, todo);
            dir.again()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Task {
        let pid = i32::try_from(std::process::id()).unwrap();
        Task { pid, tid: pid }
    }

    fn find(bytes: &str, follow: bool) -> Target {
        let path = Path { from: libc::AT_FDCWD, bytes: bytes.as_bytes(), follow, create: true, in_root: false };
        Root::own().resolve(own(), path)
    }

    fn name(bytes: &str, follow: bool) -> String {
        String::from_utf8(find(bytes, follow).name().unwrap_or_default()).unwrap()
    }

    #[test]
    fn a_path_leads_where_the_kernel_would_go() {
        let dir = std::env::temp_dir().join(format!("smtrace-resolve-{}", std::process::id()));
        fs::create_dir_all(dir.join("sub")).unwrap();
        let dir = fs::canonicalize(&dir).unwrap();
        fs::write(dir.join("file"), "x").unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, dir.join(name)).unwrap();
        link("file", "to-file");
        link("sub/new", "to-nothing");
        link("loop", "loop");
        link("/proc/self/root", "to-root");
        let dir = dir.to_str().unwrap().to_owned();
        for (path, follow, want) in [
            ("file", true, "file"),
            ("sub/../to-file", true, "file"),
            ("to-file", false, "to-file"),
            ("to-nothing", true, "sub/new"),
            ("sub//./new", true, "sub/new"),
        ] {
            assert_eq!(name(&format!("{dir}/{path}"), follow), format!("{dir}/{want}"), "{path}");
        }
        assert_eq!(name(&format!("{dir}/to-root{dir}/file"), true), format!("{dir}/file"));
        assert_eq!(
            name(&format!("/proc/thread-self/cwd/../../../../../../../../..{dir}/file"), true),
            name(&format!("{dir}/file"), true)
        );
        assert!(matches!(find(&format!("{dir}/loop"), true), Target::Nowhere(libc::ELOOP)));
        assert!(matches!(find(&format!("{dir}/none/new"), true), Target::Nowhere(libc::ENOENT)));
        assert!(matches!(find(&format!("{dir}/file/new"), true), Target::Nowhere(libc::ENOTDIR)));
        let pid = std::process::id();
        assert_eq!(name("/proc/self/status", true), format!("/proc/{pid}/status"));
        assert_eq!(name("/proc/mounts", true), format!("/proc/{pid}/mounts"));
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_root_of_its_own_keeps_a_path_inside() {
        let dir = std::env::temp_dir().join(format!("smtrace-inside-{}", std::process::id()));
        fs::create_dir_all(dir.join("etc")).unwrap();
        let dir = fs::canonicalize(&dir).unwrap();
        std::os::unix::fs::symlink("/etc/new", dir.join("l")).unwrap();
        let start = Held::at(dir.to_str().unwrap()).unwrap();
        let path = Path { from: 0, bytes: b"../../l", follow: true, create: true, in_root: true };
        let found = walk(own(), start, path).unwrap().name().unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), dir.join("etc/new").to_str().unwrap());
        fs::remove_dir_all(&dir).unwrap();
    }
}
