//! Asks a name server of its own on loopback in each way that resolvers have, and then goes to what it was told.

use crate::{errno, leave, say};
use libc::{c_int, c_void, iovec, mmsghdr, msghdr, sockaddr, sockaddr_in};
use std::io::{Read, Write};
use std::mem::{size_of, zeroed};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr::null_mut;

/// A question for the address of `name`; with `answer`, what says that it is 127.0.0.`answer`.
fn message(name: &str, answer: Option<u8>) -> Vec<u8> {
    let count = u8::from(answer.is_some());
    let mut all = vec![0x12, 0x34, 0x01 | (count << 7), 0, 0, 1, 0, count, 0, 0, 0, 0];
    for label in name.split('.') {
        all.push(label.len() as u8);
        all.extend(label.as_bytes());
    }
    all.extend([0, 0, 1, 0, 1]);
    if let Some(last) = answer {
        // RFC 1035, 4.1: the name as a pointer to the question's, A, IN, a time to live, four bytes.
        all.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, last]);
    }
    all
}

fn server_address() -> sockaddr_in {
    let mut address: sockaddr_in = unsafe { zeroed() };
    address.sin_family = libc::AF_INET as u16;
    address.sin_port = 53u16.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    address
}

/// A network of this process alone, in which it may serve on port 53.
fn own_network() -> bool {
    // ifreq of netdevice(7): a name and flags.
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&((libc::IFF_UP | libc::IFF_RUNNING) as u16).to_ne_bytes());
    unsafe {
        libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) == 0 && {
            let socket = libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0);
            libc::ioctl(socket, libc::SIOCSIFFLAGS as _, request.as_mut_ptr()) == 0
        }
    }
}

/// One message header over `parts`, to or from `address`.
fn header(parts: &mut [iovec], address: &mut sockaddr_in) -> msghdr {
    let mut header: msghdr = unsafe { zeroed() };
    header.msg_name = (&raw mut *address).cast::<c_void>();
    header.msg_namelen = size_of::<sockaddr_in>() as u32;
    header.msg_iov = parts.as_mut_ptr();
    header.msg_iovlen = parts.len();
    header
}

fn part(bytes: &mut [u8]) -> iovec {
    iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

/// Asks by messages, `many` at a time or one: the names are `name`0, `name`1.
fn by_messages(server: &UdpSocket, name: &str, many: bool, answer: u8) {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut address = server_address();
    let names: Vec<String> = (0..2).map(|n| format!("{name}{n}.example.test")).collect();
    let mut questions: Vec<Vec<u8>> = names.iter().map(|name| message(name, None)).collect();
    let mut pieces: Vec<[iovec; 1]> = questions.iter_mut().map(|question| [part(question)]).collect();
    let mut headers: Vec<mmsghdr> =
        pieces.iter_mut().map(|part| mmsghdr { msg_hdr: header(part, &mut address), msg_len: 0 }).collect();
    if many {
        check!(unsafe { libc::sendmmsg(client.as_raw_fd(), headers.as_mut_ptr(), 2, 0) } == 2);
    } else {
        headers.iter().for_each(|one| check!(unsafe { libc::sendmsg(client.as_raw_fd(), &one.msg_hdr, 0) } > 0));
    }
    for name in &names {
        let (_, from) = server.recv_from(&mut [0; 512]).unwrap();
        server.send_to(&message(name, Some(answer)), from).unwrap();
    }
    let mut room = [[0u8; 512]; 2];
    let mut from: [sockaddr_in; 2] = unsafe { zeroed() };
    let mut pieces: Vec<[iovec; 1]> = room.iter_mut().map(|room| [part(room)]).collect();
    let mut headers: Vec<mmsghdr> = pieces
        .iter_mut()
        .zip(&mut from)
        .map(|(part, from)| mmsghdr { msg_hdr: header(part, from), msg_len: 0 })
        .collect();
    if many {
        check!(unsafe { libc::recvmmsg(client.as_raw_fd(), headers.as_mut_ptr(), 2, 0, null_mut()) } == 2);
    } else {
        let one = |one: &mut mmsghdr| check!(unsafe { libc::recvmsg(client.as_raw_fd(), &mut one.msg_hdr, 0) } > 0);
        headers.iter_mut().for_each(one);
    }
}

/// Asks over TCP; the length stands before each message, as `apart` in a write of its own.
fn by_stream(server: &TcpListener, name: &str, apart: bool, answer: u8) {
    let mut client = TcpStream::connect("127.0.0.1:53").unwrap();
    let (mut accepted, _) = server.accept().unwrap();
    let question = message(name, None);
    let length = (question.len() as u16).to_be_bytes();
    if apart {
        client.write_all(&length).unwrap();
        client.write_all(&question).unwrap();
    } else {
        client.write_all(&[&length, question.as_slice()].concat()).unwrap();
    }
    accepted.read_exact(&mut vec![0; question.len() + 2]).unwrap();
    let told = message(name, Some(answer));
    accepted.write_all(&[&(told.len() as u16).to_be_bytes(), told.as_slice()].concat()).unwrap();
    let mut length = [0; 2];
    client.read_exact(&mut length).unwrap();
    client.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))]).unwrap();
}

/// Asks in all ways.
pub(crate) fn names() -> c_int {
    let bound = UdpSocket::bind("127.0.0.1:53");
    let bound = if bound.is_err() && own_network() { UdpSocket::bind("127.0.0.1:53") } else { bound };
    let (Ok(server), Ok(stream)) = (bound, TcpListener::bind("127.0.0.1:53")) else { return 77 };
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(&message("sendto.example.test", None), "127.0.0.1:53").unwrap();
    let (_, from) = server.recv_from(&mut [0; 512]).unwrap();
    server.send_to(&message("sendto.example.test", Some(11)), from).unwrap();
    client.recv_from(&mut [0; 512]).unwrap();
    by_messages(&server, "one", false, 12);
    by_messages(&server, "many", true, 13);
    by_stream(&stream, "whole.example.test", false, 14);
    by_stream(&stream, "apart.example.test", true, 15);
    for last in 11..16u8 {
        let mut address = server_address();
        address.sin_port = 9u16.to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, last]);
        let place = (&raw const address).cast::<sockaddr>();
        check!(unsafe { libc::connect(client.as_raw_fd(), place, size_of::<sockaddr_in>() as u32) } == 0);
    }
    say("asked");
    0
}
