//! Unix sockets beyond the standard library: who is at the other end, descriptors passed along, private files.

use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, getsockopt, recvmsg, sendmsg, sockopt::PeerCredentials,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The process at the other end of a unix socket when it connected.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its process id.
    pub pid: crate::model::Pid,
    /// Its effective user.
    pub uid: u32,
}

/// Who is at the other end (unix(7), SO_PEERCRED).
///
/// # Errors
/// What getsockopt(2) answers.
pub fn peer(socket: &UnixStream) -> io::Result<Peer> {
    let credentials = getsockopt(socket, PeerCredentials)?;
    Ok(Peer { pid: credentials.pid(), uid: credentials.uid() })
}

/// Sends bytes, and a descriptor with them.
///
/// # Errors
/// What sendmsg(2) answers.
pub fn send_fd(socket: &UnixStream, bytes: &[u8], fd: BorrowedFd<'_>) -> io::Result<()> {
    let fds = [fd.as_raw_fd()];
    let parts = [IoSlice::new(bytes)];
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let sent = sendmsg::<()>(socket.as_raw_fd(), &parts, &[ControlMessage::ScmRights(&fds)], flags, None)?;
    if sent == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// Receives bytes, and the descriptor that came with them.
///
/// # Errors
/// What recvmsg(2) answers.
pub fn receive_fd(socket: &UnixStream, to: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = nix::cmsg_space!([RawFd; 1]);
    let mut parts = [IoSliceMut::new(to)];
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut found = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            // SAFETY: the kernel has just made these descriptors for us, and nobody else knows them.
            found = fds.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).next();
        }
    }
    Ok((message.bytes, found))
}

/// Binds a listening socket whose file nobody but its owner could ever open.
///
/// # Errors
/// What bind(2) answers.
pub fn bind_private(path: &Path) -> io::Result<UnixListener> {
    // SAFETY: plain numbers. The mask is the process's; smtrace has one thread when it binds.
    let old = unsafe { libc::umask(0o177) };
    let listener = UnixListener::bind(path);
    // SAFETY: as above.
    unsafe { libc::umask(old) };
    listener
}
