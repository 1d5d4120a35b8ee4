//! Descriptors of all sorts, each used by a call or two, so that a trace says what it is.

use crate::{errno, leave, say};
use libc::c_int;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::ptr::null_mut;

fn owned(fd: c_int) -> OwnedFd {
    check!(fd >= 0);
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// A call that takes a descriptor alone; of all these only fails.
fn look(fd: &impl AsRawFd) {
    unsafe { libc::fchdir(fd.as_raw_fd()) };
}

fn open(path: &std::ffi::CStr, flags: c_int) -> OwnedFd {
    owned(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC, 0o600) })
}

/// Makes them in `directory`.
pub(crate) fn descriptors(directory: &str) -> c_int {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let server = TcpListener::bind(address).unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let (mut accepted, _) = server.accept().unwrap();
        check!(client.write(b"hi").is_ok() && accepted.read(&mut [0; 2]).is_ok());
        look(&server);
    }
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let bound = UdpSocket::bind(address).unwrap();
        check!(bound.send_to(b"x", bound.local_addr().unwrap()).is_ok());
        check!(bound.recv_from(&mut [0; 2]).is_ok());
    }
    let path = format!("{directory}/a \"socket\"");
    let server = UnixListener::bind(&path).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    let (mut accepted, _) = server.accept().unwrap();
    check!(client.write(b"hi").is_ok() && accepted.read(&mut [0; 2]).is_ok());
    look(&server);
    let (one, other) = UnixDatagram::pair().unwrap();
    check!(one.send(b"x").is_ok() && other.recv(&mut [0; 2]).is_ok());
    let netlink = owned(unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE) });
    let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as u16;
    let size = size_of::<libc::sockaddr_nl>() as u32;
    check!(unsafe { libc::bind(netlink.as_raw_fd(), (&raw const address).cast(), size) } == 0);
    look(&netlink);
    look(&open(c"/dev/null", libc::O_RDWR));
    look(&open(c"/dev/zero", libc::O_RDONLY));
    unsafe {
        look(&owned(libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) as c_int));
        look(&owned(libc::eventfd(5, 0)));
        look(&owned(libc::epoll_create1(0)));
        look(&owned(libc::timerfd_create(libc::CLOCK_MONOTONIC, 0)));
        look(&owned(libc::inotify_init1(0)));
        look(&owned(libc::memfd_create(c"mem <ory>".as_ptr(), 0)));
        let mut pipe = [0; 2];
        check!(libc::pipe2(pipe.as_mut_ptr(), 0) == 0);
        let pipe = pipe.map(owned);
        check!(libc::write(pipe[1].as_raw_fd(), c"x".as_ptr().cast(), 1) == 1);
        check!(libc::splice(pipe[0].as_raw_fd(), null_mut(), -1, null_mut(), 1, 0) == -1);
    }
    let path = std::ffi::CString::new(format!("{directory}/a file")).unwrap();
    let file = open(&path, libc::O_RDWR | libc::O_CREAT);
    look(&file);
    unsafe { libc::unlink(path.as_ptr()) };
    look(&file);
    0
}
