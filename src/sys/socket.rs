//! A stopped tracee's socket as its tracer's own descriptor, to ask it what the tracee's call did not say.

use crate::model::Pid;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The longest structure sockaddr.
pub const MAX_ADDRESS: usize = 128;

fn own(number: libc::c_long) -> Option<OwnedFd> {
    let number = RawFd::try_from(number).ok().filter(|number| *number >= 0)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Writes the structure sockaddr of the own end of socket `fd` of process `pid`; how long it is. `None` where the kernel
/// does not let us (before Linux 5.6, or forbidden) or the descriptor is no socket.
pub fn local_address(pid: Pid, fd: RawFd, to: &mut [u8; MAX_ADDRESS]) -> Option<usize> {
    // SAFETY: pidfd_open(2) takes two numbers.
    let process = own(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: pidfd_getfd(2) takes three numbers; the first is an open pidfd.
    let socket = own(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })?;
    let mut len = libc::socklen_t::try_from(to.len()).unwrap_or(0);
    // SAFETY: `to` has `len` bytes, and both live across the call.
    let got = unsafe { libc::getsockname(socket.as_raw_fd(), to.as_mut_ptr().cast(), &raw mut len) };
    let len = usize::try_from(len).ok()?;
    (got == 0).then_some(len.min(to.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_socket_has_its_own_address_and_a_file_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = i32::try_from(std::process::id()).unwrap();
        let mut to = [0; MAX_ADDRESS];
        // Where pidfd_getfd(2) is forbidden there is nothing to compare.
        if let Some(len) = local_address(own, listener.as_raw_fd(), &mut to) {
            assert_eq!((len, &to[2..8]), (16, &[&port.to_be_bytes()[..], &[127, 0, 0, 1]].concat()[..]));
        }
        assert_eq!(local_address(own, std::fs::File::open("/").unwrap().as_raw_fd(), &mut to), None);
        assert_eq!(local_address(own, -1, &mut to), None);
    }
}
