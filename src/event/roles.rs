//! What a call that succeeded has done to the files it names: one line for each call that is told of.

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It ran as a program.
    Executed,
    /// It was opened for reading.
    Read,
    /// It was opened for writing, or cut to a length.
    Written,
    /// It was made, or opened so that it would have been.
    Created,
    /// It was removed, or moved away.
    Deleted,
    /// Its owner, mode, times or attributes were set.
    Changed,
    /// It became a working or root directory.
    Entered,
    /// It was mounted on, or unmounted.
    Mounted,
    /// It was looked at: its attributes, its target, whether it is there.
    Seen,
}

impl Access {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Access::Executed => "executed",
            Access::Read => "read",
            Access::Written => "written",
            Access::Created => "created",
            Access::Deleted => "deleted",
            Access::Changed => "changed",
            Access::Entered => "entered",
            Access::Mounted => "mounted",
            Access::Seen => "seen",
        }
    }
}

/// What a call does to the paths among its arguments, in their order; the last goes for all further ones.
const ROLES: &[(&str, &[Access])] = &[
    ("access", &[Access::Seen]),
    ("acct", &[Access::Written]),
    ("chdir", &[Access::Entered]),
    ("chmod", &[Access::Changed]),
    ("chown", &[Access::Changed]),
    ("chown32", &[Access::Changed]),
    ("chroot", &[Access::Entered]),
    ("faccessat", &[Access::Seen]),
    ("faccessat2", &[Access::Seen]),
    ("fchmodat", &[Access::Changed]),
    ("fchmodat2", &[Access::Changed]),
    ("fchownat", &[Access::Changed]),
    ("fstatat64", &[Access::Seen]),
    ("futimesat", &[Access::Changed]),
    ("getxattr", &[Access::Seen]),
    ("lchown", &[Access::Changed]),
    ("lchown32", &[Access::Changed]),
    ("lgetxattr", &[Access::Seen]),
    ("link", &[Access::Seen, Access::Created]),
    ("linkat", &[Access::Seen, Access::Created]),
    ("listxattr", &[Access::Seen]),
    ("llistxattr", &[Access::Seen]),
    ("lremovexattr", &[Access::Changed]),
    ("lsetxattr", &[Access::Changed]),
    ("lstat", &[Access::Seen]),
    ("lstat64", &[Access::Seen]),
    ("mkdir", &[Access::Created]),
    ("mkdirat", &[Access::Created]),
    ("mknod", &[Access::Created]),
    ("mknodat", &[Access::Created]),
    ("mount", &[Access::Mounted]),
    ("move_mount", &[Access::Mounted]),
    ("newfstatat", &[Access::Seen]),
    ("oldlstat", &[Access::Seen]),
    ("oldstat", &[Access::Seen]),
    ("pivot_root", &[Access::Mounted]),
    ("readlink", &[Access::Seen]),
    ("readlinkat", &[Access::Seen]),
    ("removexattr", &[Access::Changed]),
    ("rename", &[Access::Deleted, Access::Created]),
    ("renameat", &[Access::Deleted, Access::Created]),
    ("renameat2", &[Access::Deleted, Access::Created]),
    ("rmdir", &[Access::Deleted]),
    ("setxattr", &[Access::Changed]),
    ("stat", &[Access::Seen]),
    ("stat64", &[Access::Seen]),
    ("statfs", &[Access::Seen]),
    ("statfs64", &[Access::Seen]),
    ("statx", &[Access::Seen]),
    ("swapoff", &[Access::Changed]),
    ("swapon", &[Access::Changed]),
    ("symlink", &[Access::Created]),
    ("symlinkat", &[Access::Created]),
    ("truncate", &[Access::Written]),
    ("truncate64", &[Access::Written]),
    ("umount", &[Access::Mounted]),
    ("umount2", &[Access::Mounted]),
    ("unlink", &[Access::Deleted]),
    ("unlinkat", &[Access::Deleted]),
    ("uselib", &[Access::Read]),
    ("utime", &[Access::Changed]),
    ("utimensat", &[Access::Changed]),
    ("utimensat_time64", &[Access::Changed]),
    ("utimes", &[Access::Changed]),
];

/// What `call` does to its `nth` path.
pub(crate) fn of_path(call: &str, nth: usize) -> Option<Access> {
    let at = ROLES.binary_search_by_key(&call, |(name, _)| name).ok()?;
    let (_, roles) = ROLES.get(at)?;
    roles.get(nth).or(roles.last()).copied()
}

/// The flags of an open: asm-generic/fcntl.h, which x86, arm64 and riscv share for these.
const O_ACCMODE: u64 = 0o3;
const O_WRONLY: u64 = 0o1;
const O_CREAT: u64 = 0o100;
const O_TRUNC: u64 = 0o1000;
const O_PATH: u64 = 0o1000_0000;
const O_TMPFILE: u64 = 0o2000_0000;

/// Where the flags of an open are among the arguments; `None` for a call that opens nothing.
pub(crate) fn open_flags(call: &str, args: &[u64], how: Option<&[u8]>) -> Option<u64> {
    match call {
        "open" => args.get(1).copied(),
        "openat" => args.get(2).copied(),
        // struct open_how starts with them.
        "openat2" => {
            Some(how.and_then(|how| Some(u64::from_le_bytes(how.get(..8)?.try_into().ok()?))).unwrap_or(O_PATH))
        }
        "creat" => Some(O_CREAT | O_WRONLY | O_TRUNC),
        _ => None,
    }
}

/// What an open with these flags does to its file.
pub(crate) fn of_open(flags: u64) -> impl Iterator<Item = Access> {
    let is = |bits: u64| flags & bits != 0;
    let looks = is(O_PATH);
    let mode = flags & O_ACCMODE;
    // A file without a name is not made under the folder's.
    let creates = is(O_CREAT) && !is(O_TMPFILE);
    [
        (Access::Seen, looks),
        (Access::Created, !looks && creates),
        (Access::Read, !looks && mode != O_WRONLY),
        (Access::Written, !looks && (mode != 0 || is(O_TRUNC))),
    ]
    .into_iter()
    .filter_map(|(access, does)| does.then_some(access))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{self, Kind};

    #[test]
    fn each_call_is_in_the_table_and_names_files() {
        assert!(ROLES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _) in ROLES {
            let row = table::by_name(name).unwrap_or_else(|| panic!("{name} is no call"));
            let abi = crate::model::Abi::ALL.into_iter().find(|abi| row.number(*abi).is_some()).unwrap();
            assert!(row.args(abi).iter().any(|arg| arg.kind == Kind::Path), "{name} names no file");
        }
    }

    #[test]
    fn flags_say_what_an_open_does() {
        let of = |flags| of_open(flags).map(Access::word).collect::<Vec<_>>().join(" ");
        assert_eq!(of(0o0), "read");
        assert_eq!(of(0o2), "read written");
        assert_eq!(of(0o1101), "created written");
        assert_eq!(of(0o1000_0000), "seen");
        assert_eq!(of(0o2020_0001), "written");
        assert_eq!(open_flags("openat", &[0, 0, 7], None), Some(7));
        assert_eq!(open_flags("openat2", &[0, 0, 7], Some(&2u64.to_le_bytes())), Some(2));
        assert_eq!(of_path("rename", 1), Some(Access::Created));
        assert_eq!(of_path("read", 0), None);
    }
}
