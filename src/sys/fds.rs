//! The open files of a stopped task: one directory opened, its links read relative to it, nothing allocated.
//!
//! Resolving /proc/TID/fd/N anew for each descriptor costs twice as much: every component is looked up and its
//! permissions are checked again.

use crate::model::Pid;
use std::ffi::CStr;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The longest target of a link that is read.
const LINK: usize = 4096;

/// Bytes of directory entries read at once.
const ENTRIES: usize = 4096;

/// Calls `each` with the number and the target of every open descriptor of `tid`, in ascending order, until it
/// returns false.
pub fn list(tid: Pid, mut each: impl FnMut(u64, &[u8]) -> bool) {
    let mut path = [0u8; 32];
    if write!(&mut path[..31], "/proc/{tid}/fd").is_err() {
        return;
    }
    // SAFETY: the path is NUL-terminated, because its last byte is never written; the descriptor is owned at once.
    let directory = unsafe {
        match libc::open(path.as_ptr().cast(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) {
            fd if fd >= 0 => OwnedFd::from_raw_fd(fd),
            _ => return,
        }
    };
    let mut entries = [0u8; ENTRIES];
    loop {
        // SAFETY: the buffer is writable for its length.
        let got =
            unsafe { libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), entries.as_mut_ptr(), entries.len()) };
        let Some(mut left) = usize::try_from(got).ok().and_then(|got| entries.get(..got)) else { return };
        if left.is_empty() {
            return;
        }
        // struct linux_dirent64 { u64 ino; s64 off; u16 reclen; u8 type; char name[]; } (getdents(2)); proc lists
        // descriptors in ascending order (fs/proc/fd.c, proc_readfd_common).
        while let Some(length) = left.get(16..18).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes) {
            let Some((entry, rest)) = left.split_at_checked(usize::from(length)) else { return };
            left = rest;
            let Some(name) = entry.get(19..).and_then(|name| CStr::from_bytes_until_nul(name).ok()) else { continue };
            let Some(number) = name.to_str().ok().and_then(|name| name.parse().ok()) else { continue };
            let mut target = [0u8; LINK];
            // SAFETY: the name is NUL-terminated and the buffer writable for its length.
            let read = unsafe {
                libc::readlinkat(directory.as_raw_fd(), name.as_ptr(), target.as_mut_ptr().cast(), target.len())
            };
            if let Some(target) = usize::try_from(read).ok().and_then(|read| target.get(..read))
                && !each(number, target)
            {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn our_own_stdin_is_listed_in_order() {
        let mut numbers = Vec::new();
        super::list(i32::try_from(std::process::id()).unwrap(), |number, target| {
            assert!(!target.is_empty());
            numbers.push(number);
            true
        });
        assert!(numbers.contains(&0) && numbers.is_sorted(), "{numbers:?}");
    }
}
