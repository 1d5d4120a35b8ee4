//! What was done with which file.

use super::object::{Object, object};
use crate::audit::limits::{self, Beyond, Mark, mark, more};
use crate::audit::model::{Access, Digest, Failure, File, Use};
use crate::audit::text::text;
use crate::decode::errno;
use crate::event::Event;
use rustc_hash::{FxHashMap, FxHashSet};

/// A way in which attempts on a file failed.
type Attempt = (Box<[u8]>, &'static str, u16);
/// What was wanted, and how often.
type Attempts = (Option<Access>, Use);

/// The files of a build.
#[derive(Debug, Default)]
pub(super) struct Files {
    all: FxHashMap<Box<[u8]>, File>,
    failures: FxHashMap<Attempt, Attempts>,
    /// Names that were looked for and did not exist: an open that may create them then has.
    missing: FxHashSet<Box<[u8]>>,
    /// FIFOs that the build made.
    pub(super) fifos: FxHashSet<Box<[u8]>>,
}

/// A call that does something with a file by its name.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The call.
    pub call: &'static str,
    /// Which argument the name is.
    pub argument: usize,
    /// What is done with the file.
    pub access: Access,
}

const fn named(call: &'static str, argument: usize, access: Access) -> Named {
    Named { call, argument, access }
}

/// What calls do with the files that they name. Opens and execs are not here.
pub const NAMED: &[Named] = &[
    named("mkdir", 0, Access::Created),
    named("mkdirat", 1, Access::Created),
    named("mknod", 0, Access::Created),
    named("mknodat", 1, Access::Created),
    named("symlink", 1, Access::Created),
    named("symlinkat", 2, Access::Created),
    named("link", 0, Access::Linked),
    named("link", 1, Access::Created),
    named("linkat", 1, Access::Linked),
    named("linkat", 3, Access::Created),
    named("rename", 0, Access::Renamed),
    named("rename", 1, Access::Created),
    named("renameat", 1, Access::Renamed),
    named("renameat", 3, Access::Created),
    named("renameat2", 1, Access::Renamed),
    named("renameat2", 3, Access::Created),
    named("unlink", 0, Access::Deleted),
    named("unlinkat", 1, Access::Deleted),
    named("rmdir", 0, Access::Deleted),
    named("chmod", 0, Access::Chmod),
    named("fchmodat", 1, Access::Chmod),
    named("fchmodat2", 1, Access::Chmod),
    named("chown", 0, Access::Chown),
    named("chown32", 0, Access::Chown),
    named("lchown", 0, Access::Chown),
    named("lchown32", 0, Access::Chown),
    named("fchownat", 1, Access::Chown),
    named("truncate", 0, Access::Written),
    named("truncate64", 0, Access::Written),
    named("setxattr", 0, Access::Attributes),
    named("lsetxattr", 0, Access::Attributes),
    named("removexattr", 0, Access::Attributes),
    named("lremovexattr", 0, Access::Attributes),
    named("setxattrat", 1, Access::Attributes),
    named("removexattrat", 1, Access::Attributes),
    named("file_setattr", 1, Access::Attributes),
    named("uselib", 0, Access::Executed),
];

/// What calls do with the file behind a descriptor: the descriptor's argument, and whether the result counts bytes.
pub(super) const THROUGH: &[(&str, usize, Access, bool)] = &[
    ("read", 0, Access::Read, true),
    ("pread64", 0, Access::Read, true),
    ("readv", 0, Access::Read, true),
    ("preadv", 0, Access::Read, true),
    ("preadv2", 0, Access::Read, true),
    ("write", 0, Access::Written, true),
    ("pwrite64", 0, Access::Written, true),
    ("writev", 0, Access::Written, true),
    ("pwritev", 0, Access::Written, true),
    ("pwritev2", 0, Access::Written, true),
    ("sendfile", 1, Access::Read, true),
    ("sendfile", 0, Access::Written, true),
    ("sendfile64", 1, Access::Read, true),
    ("sendfile64", 0, Access::Written, true),
    ("copy_file_range", 0, Access::Read, true),
    ("copy_file_range", 2, Access::Written, true),
    ("splice", 0, Access::Read, true),
    ("splice", 2, Access::Written, true),
    ("ftruncate", 0, Access::Written, false),
    ("ftruncate64", 0, Access::Written, false),
    ("fallocate", 0, Access::Written, false),
    ("fchmod", 0, Access::Chmod, false),
    ("fchown", 0, Access::Chown, false),
    ("fchown32", 0, Access::Chown, false),
    ("fsetxattr", 0, Access::Attributes, false),
    ("fremovexattr", 0, Access::Attributes, false),
];

/// The bits of open(2)'s flags, the same on all architectures of the table but for those that are not used here.
pub(super) mod open {
    pub(in super::super) const ACCESS: u64 = 3;
    pub(in super::super) const WRITE_ONLY: u64 = 1;
    pub(in super::super) const CREATE: u64 = 0o100;
    pub(in super::super) const EXCLUSIVE: u64 = 0o200;
    pub(in super::super) const TRUNCATE: u64 = 0o1000;
    pub(in super::super) const PATH_ONLY: u64 = 0o10_000_000;
    /// `__O_TMPFILE` alone: the flag has O_DIRECTORY in it.
    pub(in super::super) const NAMELESS: u64 = 0o20_000_000;

    /// O_DIRECTORY: arm has it where the others have O_DIRECT.
    pub(in super::super) fn directory(abi: Option<crate::model::Abi>) -> u64 {
        if abi == Some(crate::model::Abi::Aarch64) { 0o40_000 } else { 0o200_000 }
    }
}

impl Files {
    /// The file at `path`; nothing beyond the limit.
    fn at(&mut self, path: &[u8], beyond: &mut Beyond) -> Option<&mut File> {
        if !self.all.contains_key(path) {
            if !beyond.room("files", self.all.len(), limits::FILES) {
                return None;
            }
            let file = File { path: text(path), ..File::default() };
            self.all.insert(path.into(), file);
        }
        self.all.get_mut(path)
    }

    /// The file at `path`, if it was used.
    pub(super) fn known(&self, path: &[u8]) -> Option<&File> {
        self.all.get(path)
    }

    /// All files that were used.
    pub(super) fn all(&self) -> impl Iterator<Item = &File> {
        self.all.values()
    }

    /// Something was done with the file at `path`.
    pub(super) fn used(&mut self, path: &[u8], access: Access, by: Mark, beyond: &mut Beyond) {
        match access {
            Access::Created => drop(self.missing.remove(path)),
            Access::Deleted | Access::Renamed => self.gone(path),
            _ => {}
        }
        if let Some(file) = self.at(path, beyond) {
            file.inherited = false;
            mark(file.uses.entry(access).or_default(), by, 0);
        }
    }

    /// Bytes moved by the descriptor `number` of the file at `path`.
    pub(super) fn moved(
        &mut self,
        path: &[u8],
        (access, number): (Access, i32),
        by: Mark,
        bytes: u64,
        beyond: &mut Beyond,
    ) {
        if let Some(file) = self.at(path, beyond) {
            file.inherited |= file.uses.is_empty() && (0..3).contains(&number);
            more(file.uses.entry(access).or_default(), by, bytes);
        }
    }

    /// The file at `path` was opened with `flags`; whether its name was free before, where that was looked at.
    pub(super) fn opened(
        &mut self,
        path: &[u8],
        flags: u64,
        (directory, free): (bool, Option<bool>),
        by: Mark,
        beyond: &mut Beyond,
    ) {
        if flags & open::PATH_ONLY != 0 {
            return;
        }
        if flags & open::NAMELESS == 0 && directory {
            return self.used(path, Access::Listed, by, beyond);
        }
        let access = flags & open::ACCESS;
        let exclusive = flags & (open::CREATE | open::EXCLUSIVE) == open::CREATE | open::EXCLUSIVE;
        let made = exclusive || (flags & open::CREATE != 0 && free.unwrap_or_else(|| self.missing.contains(path)));
        if made {
            self.used(path, Access::Created, by, beyond);
        }
        if access != open::WRITE_ONLY {
            self.used(path, Access::Read, by, beyond);
        }
        if access != 0 || flags & open::TRUNCATE != 0 {
            self.used(path, Access::Written, by, beyond);
        }
    }

    fn gone(&mut self, path: &[u8]) {
        self.fifos.remove(path);
        self.remember_missing(path);
    }

    fn remember_missing(&mut self, path: &[u8]) {
        if self.missing.len() >= limits::FILES {
            self.missing.clear();
        }
        self.missing.insert(path.into());
    }

    /// An attempt on `path` failed.
    pub(super) fn failed(
        &mut self,
        path: &[u8],
        call: &'static str,
        access: Option<Access>,
        error: u16,
        by: Mark,
        beyond: &mut Beyond,
    ) {
        const ENOENT: u16 = 2;
        if error == ENOENT {
            self.remember_missing(path);
        }
        let key = (Box::from(path), call, error);
        let count = self.failures.len();
        if let Some((_, used)) = self.failures.get_mut(&key) {
            mark(used, by, 0);
        } else if beyond.room("failed attempts", count, limits::FAILURES) {
            let mut used = Use::default();
            mark(&mut used, by, 0);
            self.failures.insert(key, (access, used));
        }
    }

    /// The file `old` is now called `new`, or is so too.
    pub(super) fn renamed(&mut self, old: &[u8], new: &[u8], beyond: &mut Beyond) {
        let (downloaded, output) = match self.at(old, beyond) {
            Some(file) => {
                let name = text(new);
                if !file.names.contains(&name) && file.names.len() < limits::USERS {
                    file.names.push(name);
                }
                (file.downloaded, file.output.clone())
            }
            None => return,
        };
        if let Some(file) = self.at(new, beyond) {
            file.downloaded |= downloaded;
            if output.is_some() {
                file.output = output;
            }
        }
    }

    /// The content of the file came from the network.
    pub(super) fn downloaded(&mut self, path: &[u8], beyond: &mut Beyond) {
        if let Some(file) = self.at(path, beyond) {
            file.downloaded = true;
        }
    }

    /// A digest of the file was taken.
    pub(super) fn digested(&mut self, path: &[u8], input: bool, digest: Digest, beyond: &mut Beyond) {
        let Some(file) = self.at(path, beyond) else { return };
        if !input {
            file.output = Some(digest);
        } else if file.input.is_none() && !file.uses.contains_key(&Access::Written) {
            file.input = Some(digest);
        }
    }

    /// Every file that was opened or tried, with a process that did it, and whether it was refused.
    pub(super) fn tried(&self) -> Vec<(String, u32, bool)> {
        const REFUSED: [u16; 2] = [1, 13];
        let used = self.all.values().flat_map(|file| {
            let reads = [Access::Read, Access::Listed].into_iter().filter_map(|access| file.uses.get(&access));
            reads.flat_map(|used| &used.processes).map(|process| (file.path.clone(), *process, false))
        });
        let failed = self.failures.iter().flat_map(|((path, _, error), (_, used))| {
            used.processes.iter().map(|process| (text(path), *process, REFUSED.contains(error)))
        });
        used.chain(failed).collect()
    }

    /// The lists, sorted by path.
    pub(super) fn told(self) -> (Vec<File>, Vec<Failure>) {
        let mut files: Vec<File> = self.all.into_values().filter(|file| !file.uses.is_empty()).collect();
        for file in &mut files {
            file.names.sort_unstable();
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let of = |((path, call, error), (access, used)): (Attempt, Attempts)| Failure {
            path: text(&path),
            call: call.to_owned(),
            access,
            error: errno::name(error).map_or_else(|| error.to_string(), str::to_owned),
            used,
        };
        let mut failures: Vec<Failure> = self.failures.into_iter().map(of).collect();
        failures.sort_by(|a, b| (&a.path, &a.call, &a.error).cmp(&(&b.path, &b.call, &b.error)));
        (files, failures)
    }
}

/// The path of the file behind descriptor `number`, if it is one with a name.
pub(super) fn behind<'a>(event: &Event<'a>, number: i32) -> Option<&'a [u8]> {
    match object(event.descriptor(number)?.bytes) {
        Object::File(path, _) => Some(path),
        _ => None,
    }
}
