//! What the kernel tells of a file without asking whoever serves it.

use std::ffi::CString;

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its inode's number.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// When the inode changed, nanoseconds since the epoch.
    pub changed: u64,
    /// When the content changed, nanoseconds since the epoch.
    pub modified: u64,
    /// Nobody may change it (chattr(1), `i`).
    pub immutable: bool,
    /// The major number of its device: 0 when the file system has none of its own (overlayfs, tmpfs, btrfs).
    pub device_major: u32,
}

/// The status of what `path` leads to, as far as the kernel has it at hand: a file system in user space is not asked, for
/// it may be served by a process that stands still (statx(2), AT_STATX_DONT_SYNC).
#[must_use]
pub fn status(path: &str) -> Option<Status> {
    const BASIC: libc::c_uint = libc::STATX_BASIC_STATS;
    let path = CString::new(path).ok()?;
    // SAFETY: struct statx is made of integers.
    let mut got: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: `path` ends with NUL, and both live across the call.
    let answer = unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), libc::AT_STATX_DONT_SYNC, BASIC, &raw mut got) };
    let nanoseconds = |time: libc::statx_timestamp| {
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(time.tv_nsec))
    };
    (answer == 0).then(|| Status {
        inode: got.stx_ino,
        mode: u32::from(got.stx_mode),
        uid: got.stx_uid,
        gid: got.stx_gid,
        changed: nanoseconds(got.stx_ctime),
        modified: nanoseconds(got.stx_mtime),
        immutable: got.stx_attributes & u64::from(libc::STATX_ATTR_IMMUTABLE.cast_unsigned()) != 0,
        device_major: got.stx_dev_major,
    })
}

#[cfg(test)]
mod tests {
    use super::status;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_what_stat_says() {
        let (got, truth) = (status("/proc/self/exe").unwrap(), std::fs::metadata("/proc/self/exe").unwrap());
        assert_eq!((got.inode, got.mode, got.uid, got.gid), (truth.ino(), truth.mode(), truth.uid(), truth.gid()));
        let changed = truth.ctime().cast_unsigned() * 1_000_000_000 + truth.ctime_nsec().cast_unsigned();
        assert_eq!((got.changed, got.immutable), (changed, false));
        assert!(status("/nonexistent").is_none() && status("a\0b").is_none());
    }
}
