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

/// A tracee's socket, shared: what is done to it is done to the tracee's.
#[derive(Debug)]
pub struct Shared(OwnedFd);

impl Shared {
    /// Descriptor `fd` of process `pid`; `None` where the kernel does not let us (before Linux 5.6, or forbidden).
    #[must_use]
    pub fn of(pid: Pid, fd: RawFd) -> Option<Shared> {
        // SAFETY: pidfd_open(2) takes two numbers.
        let process = own(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        // SAFETY: pidfd_getfd(2) takes three numbers; the first is an open pidfd.
        own(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) }).map(Shared)
    }

    /// The structure sockaddr of its own end; `None` of what is no socket.
    #[must_use]
    pub fn local(&self) -> Option<Vec<u8>> {
        self.name(libc::getsockname)
    }

    /// The structure sockaddr of the other end; `None` while there is none.
    #[must_use]
    pub fn peer(&self) -> Option<Vec<u8>> {
        self.name(libc::getpeername)
    }

    fn name(
        &self,
        ask: unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int,
    ) -> Option<Vec<u8>> {
        let mut to = vec![0; MAX_ADDRESS];
        let mut len = libc::socklen_t::try_from(to.len()).unwrap_or(0);
        // SAFETY: `to` has `len` bytes, and both live across the call.
        let got = unsafe { ask(self.0.as_raw_fd(), to.as_mut_ptr().cast(), &raw mut len) };
        to.truncate(usize::try_from(len).ok()?);
        (got == 0).then_some(to)
    }

    /// Whether its calls wait.
    #[must_use]
    pub fn blocks(&self) -> bool {
        // SAFETY: F_GETFL takes no argument.
        unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_GETFL) & libc::O_NONBLOCK == 0 }
    }

    fn set_blocks(&self, blocks: bool) {
        // SAFETY: F_GETFL takes no argument, F_SETFL a number.
        unsafe {
            let flags = libc::fcntl(self.0.as_raw_fd(), libc::F_GETFL) & !libc::O_NONBLOCK;
            libc::fcntl(self.0.as_raw_fd(), libc::F_SETFL, flags | if blocks { 0 } else { libc::O_NONBLOCK });
        }
    }

    /// connect(2) to this structure sockaddr without waiting; the error number, EINPROGRESS when it takes time.
    ///
    /// # Errors
    /// As connect(2).
    pub fn connect(&self, address: &[u8]) -> Result<(), i32> {
        let blocks = self.blocks();
        if blocks {
            self.set_blocks(false);
        }
        let len = libc::socklen_t::try_from(address.len()).unwrap_or(0);
        // SAFETY: `address` has `len` bytes and lives across the call.
        let got = unsafe { libc::connect(self.0.as_raw_fd(), address.as_ptr().cast(), len) };
        let errno = super::errno();
        if blocks {
            self.set_blocks(true);
        }
        if got == 0 { Ok(()) } else { Err(errno) }
    }
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
