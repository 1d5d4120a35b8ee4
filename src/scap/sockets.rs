//! The account of sockets: the family and the two ends of each, by process and descriptor, learned from calls alone.
//!
//! An event about a connection carries both its ends, and a call says one at most. It is bounded, forgets what it does
//! not see closed when the number is given again, and must never ask the machine.

use super::call::{Call, number};
use super::param::{pair, put, put_text};
use crate::model::Pid;
use crate::table::Ret;
use rustc_hash::FxHashMap;

/// The most sockets of one process that are remembered.
const MOST: usize = 1024;

const AF_UNIX: u64 = 1;
const AF_INET: u64 = 2;
const AF_INET6: u64 = 10;

/// connect(2) on a descriptor that does not block.
const EINPROGRESS: i64 = -115;

/// One end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// IPv4: address, port.
    V4([u8; 4], u16),
    /// IPv6: address, port.
    V6([u8; 16], u16),
    /// A path, or an abstract name.
    Unix(Box<[u8]>),
}

impl Address {
    /// The address in a structure sockaddr, of a family that libscap gives ends for.
    pub(super) fn parse(bytes: &[u8]) -> Option<Address> {
        let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
        match number(bytes, 0, 2)? {
            AF_UNIX => {
                let path = bytes.get(2..)?;
                // unix(7): an abstract name starts with a NUL.
                let path = path.strip_prefix(&[0]).unwrap_or(path);
                Some(Address::Unix(path.split(|byte| *byte == 0).next().unwrap_or_default().into()))
            }
            AF_INET => Some(Address::V4(bytes.get(4..8)?.try_into().ok()?, port()?)),
            AF_INET6 => Some(Address::V6(bytes.get(8..24)?.try_into().ok()?, port()?)),
            _ => None,
        }
    }

    /// Appends a structure sockaddr as libscap has it: family, address, port in the machine's order.
    pub(super) fn put_raw(bytes: &[u8], out: &mut Vec<u8>) {
        let Some(family) = number(bytes, 0, 2).filter(|family| *family <= 0xff) else { return };
        let address = Address::parse(bytes);
        // What was cut is left out, so that no reader looks behind its end.
        if address.is_none() && Address::none(family).is_some() {
            return;
        }
        put(family, 1, out);
        match address {
            Some(Address::Unix(path)) => put_text(&path, out),
            Some(address) => address.put_end(out),
            None => {}
        }
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        match self {
            Address::V4(address, port) => {
                out.extend_from_slice(address);
                put(u64::from(*port), 2, out);
            }
            Address::V6(address, port) => {
                out.extend_from_slice(address);
                put(u64::from(*port), 2, out);
            }
            Address::Unix(_) => {}
        }
    }

    fn family(&self) -> u64 {
        match self {
            Address::V4(..) => AF_INET,
            Address::V6(..) => AF_INET6,
            Address::Unix(_) => AF_UNIX,
        }
    }

    /// The end of this family that nothing is known of.
    fn none(family: u64) -> Option<Address> {
        match family {
            AF_UNIX => Some(Address::Unix(Box::default())),
            AF_INET => Some(Address::V4([0; 4], 0)),
            AF_INET6 => Some(Address::V6([0; 16], 0)),
            _ => None,
        }
    }
}

/// What is known of one socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Socket {
    family: u64,
    local: Option<Address>,
    remote: Option<Address>,
}

/// Appends both ends of a connection; nothing for a family that has none.
pub(super) fn put_tuple(from: Option<&Address>, to: Option<&Address>, out: &mut Vec<u8>) {
    let Some(family) = from.or(to).map(Address::family) else { return };
    let Some(none) = Address::none(family) else { return };
    let of = |end: Option<&Address>| end.filter(|end| end.family() == family).unwrap_or(&none).clone();
    put(family, 1, out);
    match (of(from), of(to)) {
        (Address::Unix(from), Address::Unix(to)) => {
            // The kernel's addresses of the two ends, which nobody outside it knows.
            put(0, 8, out);
            put(0, 8, out);
            put_text(if to.is_empty() { &from } else { &to }, out);
        }
        (from, to) => {
            from.put_end(out);
            to.put_end(out);
        }
    }
}

/// The sockets of all processes.
#[derive(Debug, Default)]
pub(super) struct Sockets(FxHashMap<Pid, FxHashMap<i64, Socket>>);

impl Sockets {
    /// What is known of a descriptor.
    pub(super) fn get(&self, pid: Pid, fd: i64) -> Option<&Socket> {
        self.0.get(&pid)?.get(&fd)
    }

    /// A child has its parent's.
    pub(super) fn inherit(&mut self, parent: Pid, child: Pid) {
        let of = self.0.get(&parent).filter(|table| !table.is_empty()).cloned();
        match of {
            Some(table) => drop(self.0.insert(child, table)),
            None => drop(self.0.remove(&child)),
        }
    }

    /// A process is gone.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.0.remove(&pid);
    }

    fn set(&mut self, pid: Pid, fd: i64, socket: Socket) {
        let table = self.0.entry(pid).or_default();
        if table.len() < MOST || table.contains_key(&fd) {
            table.insert(fd, socket);
        }
    }

    fn change(&mut self, pid: Pid, fd: i64, change: impl FnOnce(&mut Socket)) {
        if let Some(socket) = self.0.get_mut(&pid).and_then(|table| table.get_mut(&fd)) {
            change(socket);
        }
    }

    fn remove(&mut self, pid: Pid, fd: i64) {
        if let Some(table) = self.0.get_mut(&pid) {
            table.remove(&fd);
        }
    }

    fn copy(&mut self, pid: Pid, from: i64, to: i64) {
        match self.get(pid, from).cloned() {
            Some(socket) => self.set(pid, to, socket),
            None => self.remove(pid, to),
        }
    }

    /// What a call that returned changes.
    pub(super) fn learn(&mut self, lesson: Lesson) {
        let Lesson { pid, what } = lesson;
        match what {
            What::Nothing => {}
            What::Made(fd, socket) => self.set(pid, fd, socket),
            What::Pair(first, second, family) => {
                for fd in [first, second] {
                    self.set(pid, fd, Socket { family, ..Socket::default() });
                }
            }
            What::Local(fd, local) => self.change(pid, fd, |socket| socket.local = Some(local)),
            What::Connected(fd, local, remote) => {
                self.learn(Lesson { pid, what: What::Remote(fd, remote) });
                if local.is_some() {
                    self.change(pid, fd, |socket| socket.local = local);
                }
            }
            What::Remote(fd, remote) => {
                if self.get(pid, fd).is_none() {
                    // A socket from before the trace.
                    self.set(pid, fd, Socket { family: remote.family(), ..Socket::default() });
                }
                self.change(pid, fd, |socket| socket.remote = Some(remote));
            }
            What::Copied(from, to) => self.copy(pid, from, to),
            What::Gone(fd) => self.remove(pid, fd),
        }
    }
}

/// What a call teaches, taken from it before the account changes.
pub(super) struct Lesson {
    pid: Pid,
    what: What,
}

enum What {
    Nothing,
    Made(i64, Socket),
    Pair(i64, i64, u64),
    Local(i64, Address),
    Remote(i64, Address),
    Connected(i64, Option<Address>, Address),
    Copied(i64, i64),
    Gone(i64),
}

/// What the exit of a call teaches about sockets.
pub(super) fn lesson(call: &Call<'_>) -> Lesson {
    let (fd, result) = (call.int("fd"), call.returned());
    let connected = call.row.name == "connect" && result == EINPROGRESS;
    let what = if call.succeeded() || connected { taught(call, fd, result) } else { What::Nothing };
    Lesson { pid: call.pid(), what }
}

fn taught(call: &Call<'_>, fd: i64, result: i64) -> What {
    let address = |name| call.memory(name).and_then(Address::parse);
    match call.row.name {
        "socket" => What::Made(result, Socket { family: call.word("family"), ..Socket::default() }),
        "socketpair" => match (pair(call, 0), pair(call, 1)) {
            (Some(first), Some(second)) => What::Pair(first, second, call.word("family")),
            _ => What::Nothing,
        },
        "accept" | "accept4" => {
            let listener = call.sockets.get(call.pid(), fd);
            let remote = address("upeer_sockaddr");
            let family = listener.map_or(0, |listener| listener.family);
            let local = told_local(call).or_else(|| listener.and_then(|listener| listener.local.clone()));
            What::Made(result, Socket { family, local, remote })
        }
        "bind" => address("umyaddr").map_or(What::Nothing, |local| What::Local(fd, local)),
        "getsockname" => address("usockaddr").map_or(What::Nothing, |local| What::Local(fd, local)),
        "connect" => address("uservaddr").map_or(What::Nothing, |remote| What::Connected(fd, told_local(call), remote)),
        "getpeername" => address("usockaddr").map_or(What::Nothing, |remote| What::Remote(fd, remote)),
        "dup" => What::Copied(call.int("fildes"), result),
        "dup2" | "dup3" => What::Copied(call.int("oldfd"), result),
        // F_DUPFD and F_DUPFD_CLOEXEC.
        "fcntl" | "fcntl64" if matches!(call.word("cmd"), 0 | 1030) => What::Copied(fd, result),
        "close" => What::Gone(fd),
        _ if call.row.ret == Ret::Fd => What::Gone(result),
        _ => What::Nothing,
    }
}

fn socket<'a>(call: &Call<'a>) -> Option<&'a Socket> {
    call.sockets.get(call.pid(), call.int("fd"))
}

/// The own end, as the kernel told it when the call returned.
fn told_local(call: &Call<'_>) -> Option<Address> {
    call.local().and_then(Address::parse)
}

/// Both ends after connect(2).
pub(super) fn connect_tuple(call: &Call<'_>, out: &mut Vec<u8>) {
    if call.returned() != 0 && call.returned() != EINPROGRESS {
        return;
    }
    let to = call.memory("uservaddr").and_then(Address::parse);
    let told = told_local(call);
    let from = told.as_ref().or_else(|| socket(call).and_then(|socket| socket.local.as_ref()));
    put_tuple(from, to.as_ref(), out);
}

/// Both ends of what accept(2) returned.
pub(super) fn accept_tuple(call: &Call<'_>, out: &mut Vec<u8>) {
    if call.succeeded() {
        let from = call.memory("upeer_sockaddr").and_then(Address::parse);
        let told = told_local(call);
        let to = told.as_ref().or_else(|| socket(call).and_then(|socket| socket.local.as_ref()));
        put_tuple(from.as_ref(), to, out);
    }
}

/// Both ends of what is sent: to the address given, or to the peer.
pub(super) fn sent_tuple(call: &Call<'_>, out: &mut Vec<u8>) {
    let given = call.peer().and_then(Address::parse);
    let socket = socket(call);
    let to = given.as_ref().or_else(|| socket.and_then(|socket| socket.remote.as_ref()));
    put_tuple(socket.and_then(|socket| socket.local.as_ref()), to, out);
}

/// Both ends of what was received: from the address told, or from the peer.
pub(super) fn received_tuple(call: &Call<'_>, out: &mut Vec<u8>) {
    if !call.succeeded() {
        return;
    }
    let told = call.peer().and_then(Address::parse);
    let socket = socket(call);
    let from = told.as_ref().or_else(|| socket.and_then(|socket| socket.remote.as_ref()));
    put_tuple(from, socket.and_then(|socket| socket.local.as_ref()), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [u8; 16] = [2, 0, 0x11, 0x5c, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn an_address_has_its_port_in_the_machines_order() {
        let mut out = Vec::new();
        Address::put_raw(&V4, &mut out);
        assert_eq!(out, [2, 198, 51, 100, 7, 0x5c, 0x11]);
        out.clear();
        Address::put_raw(b"\x01\0/run/x\0junk", &mut out);
        assert_eq!(out, b"\x01/run/x\0");
        out.clear();
        Address::put_raw(b"\x01\0\0abstract", &mut out);
        assert_eq!(out, b"\x01abstract\0");
        out.clear();
        // Netlink, and what a tracee cut short.
        Address::put_raw(&[16, 0, 1, 2, 3], &mut out);
        Address::put_raw(&V4[..6], &mut out);
        Address::put_raw(&[2], &mut out);
        assert_eq!(out, [16]);
    }

    #[test]
    fn a_tuple_has_both_ends_of_one_family() {
        let v4 = Address::parse(&V4);
        let mut out = Vec::new();
        put_tuple(None, v4.as_ref(), &mut out);
        assert_eq!(out, [2, 0, 0, 0, 0, 0, 0, 198, 51, 100, 7, 0x5c, 0x11]);
        out.clear();
        let unix = Address::Unix(b"/x"[..].into());
        put_tuple(Some(&unix), v4.as_ref(), &mut out);
        assert_eq!(out.len(), 1 + 16 + 3);
        out.clear();
        put_tuple(None, None, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_table_is_bounded_and_inherited() {
        let mut sockets = Sockets::default();
        for fd in 0..5000 {
            sockets.learn(Lesson { pid: 7, what: What::Made(fd, Socket::default()) });
        }
        assert_eq!(sockets.0[&7].len(), MOST);
        sockets.inherit(7, 8);
        sockets.learn(Lesson { pid: 8, what: What::Gone(3) });
        assert!(sockets.get(7, 3).is_some() && sockets.get(8, 3).is_none());
        sockets.learn(Lesson { pid: 8, what: What::Copied(3, 4) });
        assert!(sockets.get(8, 4).is_none(), "a copy of what is no socket is none");
        sockets.inherit(9, 8);
        assert!(sockets.get(8, 5).is_none());
    }
}
