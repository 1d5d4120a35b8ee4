//! Whether somebody writes a file: a lock of its open file description, which ends with the writer however that ends.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

fn whole(kind: libc::c_int) -> libc::flock {
    let short = |number: libc::c_int| libc::c_short::try_from(number).unwrap_or(0);
    libc::flock { l_type: short(kind), l_whence: short(libc::SEEK_SET), l_start: 0, l_len: 0, l_pid: 0 }
}

/// Locks the whole file for writing, until its description is closed.
///
/// # Errors
/// `WouldBlock` when somebody else holds it; what fcntl(2) answers where a file cannot be locked.
pub fn lock(file: BorrowedFd<'_>) -> io::Result<()> {
    let lock = whole(libc::F_WRLCK);
    // SAFETY: the descriptor is open, and `lock` lives across the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether another description holds the lock. Asking disturbs nobody.
///
/// # Errors
/// What fcntl(2) answers where that cannot be known.
pub fn is_locked(file: BorrowedFd<'_>) -> io::Result<bool> {
    let mut lock = whole(libc::F_RDLCK);
    // SAFETY: the descriptor is open, and `lock` lives across the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) } {
        0 => Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn a_lock_is_seen_from_outside_and_ends_with_its_description() {
        let path = std::env::temp_dir().join(format!("smtrace-lock-{}", std::process::id()));
        let (writer, reader) = (File::create(&path).unwrap(), File::open(&path).unwrap());
        assert!(!is_locked(reader.as_fd()).unwrap());
        lock(writer.as_fd()).unwrap();
        assert!(is_locked(reader.as_fd()).unwrap());
        let other = File::options().write(true).open(&path).unwrap();
        assert_eq!(lock(other.as_fd()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(writer);
        assert!(!is_locked(reader.as_fd()).unwrap());
        std::fs::remove_file(&path).unwrap();
    }
}
