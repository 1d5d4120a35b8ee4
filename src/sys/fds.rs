//! The open files of a stopped task: its directory, and links read relative to it.
//!
//! Resolving /proc/TID/fd/N anew for each descriptor costs twice as much: every component is looked up and its
//! permissions are checked again.

use super::kept::Kept;
use super::procfs;
use crate::model::Pid;
use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::Seek;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

/// The longest target of a link that is read.
const LINK: usize = 4096;

/// Bytes of directory entries read at once.
const ENTRIES: usize = 4096;

/// Lists the open files of tasks, with a few of their directories kept open: that saves a fifth of a short list's time.
#[derive(Debug, Default)]
pub struct Fds {
    kept: Kept,
}

impl Fds {
    /// Calls `each` with the number and the target of every open descriptor of `tid`, in ascending order, until it
    /// returns false.
    pub fn list(&mut self, tid: Pid, mut each: impl FnMut(u64, &[u8]) -> bool) {
        // A directory that was kept belongs to the task that had the number then. When that is gone nothing can be read
        // from it (ENOENT: fs/proc/fd.c, proc_readfd_common), and the number may be another's by now.
        for _ in 0..2 {
            let open = || {
                let path = format!("/proc/{tid}/fd");
                OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)
            };
            let Some(directory) = self.kept.get(tid, open) else { return };
            if read(directory, &mut each) {
                return;
            }
            self.kept.forget(tid);
        }
    }
}

/// Whether an exec closes the descriptor `number` of `tid`. Costs more than to list it: the flags are in a file of their own.
#[must_use]
pub fn closes_on_exec(tid: Pid, number: u64) -> bool {
    // proc_pid_fdinfo(5): "flags: This is an octal number that displays the file access mode and file status flags (see
    // open(2)). If the close-on-exec file descriptor flag is set, then flags will also include the value O_CLOEXEC."
    let info = procfs::read(&format!("/proc/{tid}/fdinfo/{number}")).unwrap_or_default();
    let flags = info.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"flags:"));
    let flags = flags.and_then(|flags| std::str::from_utf8(flags).ok());
    flags.and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & libc::O_CLOEXEC != 0)
}

/// Reads a directory of /proc from its beginning, and the link of each of its entries; false if it cannot be read.
fn read(directory: &File, each: &mut impl FnMut(u64, &[u8]) -> bool) -> bool {
    if (&*directory).rewind().is_err() {
        return false;
    }
    let mut target = [0u8; LINK];
    let mut entries = [0u8; ENTRIES];
    loop {
        // SAFETY: the buffer is writable for its length.
        let got =
            unsafe { libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), entries.as_mut_ptr(), entries.len()) };
        let Some(mut left) = usize::try_from(got).ok().and_then(|got| entries.get(..got)) else { return false };
        if left.is_empty() {
            return true;
        }
        // struct linux_dirent64 { u64 ino; s64 off; u16 reclen; u8 type; char name[]; } (getdents(2)); proc lists
        // descriptors in ascending order (fs/proc/fd.c, proc_readfd_common).
        while let Some(length) = left.get(16..18).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes) {
            let Some((entry, rest)) = left.split_at_checked(usize::from(length)) else { return true };
            left = rest;
            let Some(name) = entry.get(19..).and_then(|name| CStr::from_bytes_until_nul(name).ok()) else { continue };
            let Some(number) = name.to_str().ok().and_then(|name| name.parse().ok()) else { continue };
            // SAFETY: the name is NUL-terminated and the buffer writable for its length.
            let read = unsafe {
                libc::readlinkat(directory.as_raw_fd(), name.as_ptr(), target.as_mut_ptr().cast(), target.len())
            };
            if let Some(target) = usize::try_from(read).ok().and_then(|read| target.get(..read))
                && !each(number, target)
            {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fds, closes_on_exec};
    use std::fs::File;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_list_is_of_now_and_in_order() {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut fds = Fds::default();
        let mut list = || {
            let mut numbers = Vec::new();
            fds.list(me, |number, target| {
                assert!(!target.is_empty());
                numbers.push(number);
                true
            });
            assert!(numbers.is_sorted(), "{numbers:?}");
            numbers
        };
        assert!(list().contains(&0));
        let file = File::open("/dev/null").unwrap();
        assert!(list().contains(&u64::try_from(file.as_raw_fd()).unwrap()), "the directory is read from its beginning");
    }

    #[test]
    fn what_an_exec_closes_is_known() {
        let me = i32::try_from(std::process::id()).unwrap();
        let number = |file: &File| u64::try_from(file.as_raw_fd()).unwrap();
        let file = File::open("/dev/null").unwrap();
        assert!(closes_on_exec(me, number(&file)), "the standard library opens files so");
        // SAFETY: fcntl on a descriptor of our own.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) };
        assert!(!closes_on_exec(me, number(&file)));
        assert!(!closes_on_exec(me, 1 << 40));
    }

    #[test]
    fn a_task_that_is_gone_has_no_files() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let tid = i32::try_from(child.id()).unwrap();
        let mut fds = Fds::default();
        let count = |fds: &mut Fds| {
            let mut count = 0;
            fds.list(tid, |_, _| {
                count += 1;
                true
            });
            count
        };
        assert!(count(&mut fds) >= 3);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(count(&mut fds), 0);
    }
}
