//! A stopped tracee's socket as its tracer's own descriptor, to ask it what the tracee's call did not say.

use crate::model::Pid;
use std::io::Write;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The longest structure sockaddr.
pub const MAX_ADDRESS: usize = 128;

fn own(number: libc::c_long) -> Option<OwnedFd> {
    let number = RawFd::try_from(number).ok().filter(|number| *number >= 0)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}

/// A descriptor of our own for what descriptor `fd` is in the process or thread that `flags` say `pid` is.
fn copy_by(pid: Pid, flags: libc::c_uint, fd: RawFd) -> Result<OwnedFd, i32> {
    // SAFETY: pidfd_open(2) takes two numbers.
    let process = own(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) }).ok_or_else(super::errno)?;
    // SAFETY: pidfd_getfd(2) takes three numbers; the first is an open pidfd.
    own(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) }).ok_or_else(super::errno)
}

/// A descriptor of our own for what descriptor `fd` of process `pid` is; `None` where the kernel does not let us (before Linux
/// 5.6, or forbidden).
pub(super) fn copy_of(pid: Pid, fd: RawFd) -> Option<OwnedFd> {
    copy_by(pid, 0, fd).ok()
}

/// Whether two tasks have one table of descriptors (kcmp(2), KCMP_FILES).
fn share_files(one: Pid, other: Pid) -> bool {
    const KCMP_FILES: libc::c_int = 2;
    // SAFETY: kcmp(2) takes five numbers.
    unsafe { libc::syscall(libc::SYS_kcmp, one, other, KCMP_FILES, 0, 0) == 0 }
}

/// A tracee's socket, shared: what is done to it is done to the tracee's.
#[derive(Debug)]
pub struct Shared(OwnedFd);

impl Shared {
    /// Descriptor `fd` of process `pid`; `None` where the kernel does not let us (before Linux 5.6, or forbidden).
    #[must_use]
    pub fn of(pid: Pid, fd: RawFd) -> Option<Shared> {
        copy_of(pid, fd).map(Shared)
    }

    /// Descriptor `fd` of the thread `tid` of process `pid`, which need not have its process's table of descriptors, nor a
    /// leader that is still alive.
    ///
    /// # Errors
    /// EBADF where there is no such descriptor; another number where the kernel does not let us look, which no one may take
    /// for that (before Linux 5.6, or forbidden).
    pub fn of_thread(pid: Pid, tid: Pid, fd: RawFd) -> Result<Shared, i32> {
        // PIDFD_THREAD (linux/pidfd.h), since Linux 6.9.
        const THREAD: libc::c_uint = libc::O_EXCL.cast_unsigned();
        if pid == tid {
            return copy_by(pid, 0, fd).map(Shared);
        }
        match copy_by(tid, THREAD, fd) {
            Err(libc::EINVAL) if share_files(pid, tid) => copy_by(pid, 0, fd).map(Shared),
            got => got.map(Shared),
        }
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

    /// The number of its protocol (socket(7), SO_PROTOCOL).
    #[must_use]
    pub fn protocol(&self) -> Option<u32> {
        let (mut number, mut len) = (0u32, libc::socklen_t::try_from(size_of::<u32>()).unwrap_or(0));
        // SAFETY: the option is an int, `number` has its size, and both live across the call.
        let got = unsafe {
            let to = (&raw mut number).cast();
            libc::getsockopt(self.0.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PROTOCOL, to, &raw mut len)
        };
        (got == 0).then_some(number)
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

/// Writes what the kernel calls the protocol of socket `fd` of task `tid`, as in the first column of /proc/net/protocols;
/// how long that is, `None` for what is no socket or does not fit. It is an extended attribute of every socket
/// (net/socket.c, sockfs_xattr_handlers).
pub fn protocol_name(tid: Pid, fd: u32, to: &mut [u8]) -> Option<usize> {
    let mut path = [0u8; 40];
    write!(&mut path[..39], "/proc/{tid}/fd/{fd}").ok()?;
    // SAFETY: both names end with NUL, as the last byte of `path` is never written, and `to` is writable for its length.
    let got = unsafe {
        libc::getxattr(path.as_ptr().cast(), c"system.sockprotoname".as_ptr(), to.as_mut_ptr().cast(), to.len())
    };
    let read = to.get(..usize::try_from(got).ok()?)?;
    Some(read.iter().position(|byte| *byte == 0).unwrap_or(read.len()))
}

/// The inode of the other end of the unix socket `inode` of our network namespace (sock_diag(7), UDIAG_SHOW_PEER).
#[must_use]
pub fn unix_peer(inode: u32) -> Option<u32> {
    const NETLINK_SOCK_DIAG: libc::c_int = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const UDIAG_SHOW_PEER: u32 = 4;
    const UNIX_DIAG_PEER: u16 = 2;
    const REQUEST: usize = 40;
    // SAFETY: socket(2) takes three numbers.
    let netlink = own(libc::c_long::from(unsafe {
        libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    }))?;
    // struct nlmsghdr { len, type, flags, seq, pid } and struct unix_diag_req { family, protocol, pad, states, inode, show,
    // cookie[2] } (linux/netlink.h, linux/unix_diag.h); the cookie that is all ones stands for any.
    let mut request = [0u8; REQUEST];
    request[0..4].copy_from_slice(&40u32.to_ne_bytes());
    request[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&1u16.to_ne_bytes());
    request[16] = 1;
    request[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
    request[24..28].copy_from_slice(&inode.to_ne_bytes());
    request[28..32].copy_from_slice(&UDIAG_SHOW_PEER.to_ne_bytes());
    request[32..40].fill(0xff);
    let mut answer = [0u8; 512];
    // SAFETY: both buffers are valid for their lengths; an answer to a request that names one socket is there at once.
    let got = unsafe {
        let fd = netlink.as_raw_fd();
        if libc::send(fd, request.as_ptr().cast(), request.len(), 0) < 0 {
            return None;
        }
        libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), libc::MSG_DONTWAIT)
    };
    let answer = answer.get(..usize::try_from(got).ok()?)?;
    let half = |bytes: &[u8], at: usize| bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes);
    // The header, and struct unix_diag_msg { family, type, state, pad, inode, cookie[2] }; attributes follow.
    let mut rest = answer.get(32..).filter(|_| half(answer, 4) == Some(SOCK_DIAG_BY_FAMILY))?;
    while let (Some(len), Some(sort)) = (half(rest, 0), half(rest, 2)) {
        if sort == UNIX_DIAG_PEER {
            return rest.get(4..8)?.try_into().ok().map(u32::from_ne_bytes);
        }
        rest = rest.get(usize::from(len).max(4).next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_socket_has_two_ends_and_a_file_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let at = listener.local_addr().unwrap();
        let stream = TcpStream::connect(at).unwrap();
        // Where pidfd_getfd(2) is forbidden there is nothing to compare.
        let Some(socket) = Shared::of(own, listener.as_raw_fd()) else { return };
        let want = [&at.port().to_be_bytes()[..], &[127, 0, 0, 1]].concat();
        assert_eq!(socket.local().map(|local| local[2..8].to_vec()).as_ref(), Some(&want));
        assert_eq!(socket.peer(), None);
        let socket = Shared::of(own, stream.as_raw_fd()).unwrap();
        assert_eq!(socket.peer().map(|peer| peer[2..8].to_vec()), Some(want));
        assert_eq!(socket.protocol(), Some(6));
        let mut name = [0; 32];
        let len = protocol_name(own, stream.as_raw_fd().cast_unsigned(), &mut name);
        assert_eq!(len.map(|len| &name[..len]), Some(&b"TCP"[..]));
        let file = Shared::of(own, std::fs::File::open("/").unwrap().as_raw_fd()).unwrap();
        assert_eq!((file.local(), file.protocol()), (None, None));
        assert!(Shared::of(own, -1).is_none());
    }

    #[test]
    fn a_unix_socket_knows_the_inode_of_its_peer() {
        let (one, other) = UnixStream::pair().unwrap();
        let inode = |socket: &UnixStream| {
            let path = format!("/proc/self/fd/{}", socket.as_raw_fd());
            u32::try_from(std::fs::metadata(path).unwrap().ino()).unwrap()
        };
        // A kernel without CONFIG_UNIX_DIAG answers nothing.
        if let Some(peer) = unix_peer(inode(&one)) {
            assert_eq!(peer, inode(&other));
        }
        assert_eq!(unix_peer(0), None);
    }
}
