//! What one descriptor refers to: a file, a socket with its two ends, or something without a name.
//!
//! What libsinsp says of a socket's ends and parts, which is not always what they are, is said here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    File,
    Directory,
    /// A socket, by its family.
    Socket(u64),
    Pipe,
    /// Something else: libsinsp's word and letter for it.
    Other(&'static str, u8),
}

impl Sort {
    /// libsinsp's word for it, and its letter.
    pub(super) fn words(self) -> (&'static str, &'static [u8]) {
        match self {
            Sort::File => ("file", b"f"),
            Sort::Directory => ("directory", b"d"),
            Sort::Socket(2) => ("ipv4", b"4"),
            Sort::Socket(10) => ("ipv6", b"6"),
            Sort::Socket(1) => ("unix", b"u"),
            Sort::Socket(16) => ("netlink", b"n"),
            Sort::Socket(_) => ("unknown", b"o"),
            Sort::Pipe => ("pipe", b"p"),
            Sort::Other(word, letter) => {
                const LETTERS: &[u8] = b"eslitbrmPuo";
                let at = LETTERS.iter().position(|known| *known == letter).unwrap_or(LETTERS.len() - 1);
                (word, LETTERS.get(at..=at).unwrap_or(b"o"))
            }
        }
    }
}

/// An open descriptor.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) sort: Sort,
    /// An absolute path, or both ends of a connection.
    pub(super) name: Box<[u8]>,
    /// The path as the call had it.
    pub(super) raw: Box<[u8]>,
    /// tcp, udp, icmp, raw.
    pub(super) protocol: Option<&'static str>,
    pub(super) local: Option<SocketAddr>,
    pub(super) remote: Option<SocketAddr>,
    /// What the process is of the connection, as far as calls told.
    pub(super) role: Option<Part>,
    pub(super) connected: bool,
}

/// What a process is of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Client,
    Server,
}

impl File {
    pub(super) fn new(sort: Sort, name: &[u8]) -> File {
        File {
            sort,
            name: name.into(),
            raw: name.into(),
            protocol: None,
            local: None,
            remote: None,
            role: None,
            connected: false,
        }
    }

    /// What a link in /proc/PID/fd says.
    pub(super) fn listed(target: &[u8]) -> File {
        let sort = match target {
            [b'/', b'm', b'e', b'm', b'f', b'd', b':', ..] => Sort::Other("memfd", b'm'),
            [b'/', ..] => Sort::File,
            _ if target.starts_with(b"pipe:") => Sort::Pipe,
            _ if target.starts_with(b"socket:") => Sort::Socket(0),
            _ => anonymous(target),
        };
        File::new(sort, target)
    }

    /// The client's end and the server's. One that is bound to an address alone has none, to libsinsp.
    pub(super) fn ends(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        match self.role {
            Some(Part::Server) => (self.remote, self.local),
            Some(Part::Client) => (self.local, self.remote),
            None => (None, self.remote),
        }
    }

    /// The ends that comparisons with either look at: that of a socket which is bound, else both, of which an unknown one
    /// is zero, as libsinsp has it.
    pub(super) fn both_ends(&self) -> [Option<SocketAddr>; 2] {
        let Some(none) = self.no_end() else { return [None, None] };
        let (client, server) = self.ends();
        if self.remote.is_none() && self.role == Some(Part::Server) {
            return [server, None];
        }
        [client, server].map(|end| Some(end.unwrap_or(none)))
    }

    /// The end of this family that nothing is known of.
    fn no_end(&self) -> Option<SocketAddr> {
        match self.sort {
            Sort::Socket(2) => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0)),
            Sort::Socket(10) => Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)),
            _ => None,
        }
    }

    /// The local end and the remote one. libsinsp takes the client's end for the local one when that address is this
    /// machine's, on both sides of a connection within it.
    pub(super) fn sides(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let (client, server) = self.ends();
        if self.remote.is_none() {
            return (server.filter(|_| self.role.is_some()), None);
        }
        let own = |end: SocketAddr| is_loopback(end.ip()) || self.local.is_some_and(|local| local.ip() == end.ip());
        if client.is_none_or(own) { (client, server) } else { (server, client) }
    }

    /// tcp, udp, icmp or raw; libsinsp knows it once it knows the process's part in the connection.
    pub(super) fn l4(&self) -> Option<&'static str> {
        self.protocol.filter(|protocol| *protocol == "raw" || self.role.is_some())
    }

    /// Whether the process serves, or the server is on this machine.
    pub(super) fn serves(&self) -> bool {
        let bound = self.remote.is_none() && self.role == Some(Part::Server);
        let (_, server) = self.ends();
        let here = |end: SocketAddr| is_loopback(end.ip()) || (self.role == Some(Part::Server));
        matches!(self.sort, Sort::Socket(2 | 10)) && (bound || self.remote.is_some() && server.is_some_and(here))
    }

    pub(super) fn rename(&mut self) {
        let Some(none) = self.no_end() else { return };
        let (client, server) = self.ends();
        let text = |end: SocketAddr| format!("{}:{}", end.ip(), end.port());
        let name = match (self.remote, self.local) {
            // A socket that listens has one end.
            (None, Some(local)) => text(local),
            (None, None) => return,
            _ => format!("{}->{}", text(client.unwrap_or(none)), text(server.unwrap_or(none))),
        };
        self.name = name.into_bytes().into();
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn anonymous(target: &[u8]) -> Sort {
    let known: [(&[u8], Sort); 7] = [
        (b"anon_inode:[eventfd]", Sort::Other("event", b'e')),
        (b"anon_inode:[signalfd]", Sort::Other("signalfd", b's')),
        (b"anon_inode:[eventpoll]", Sort::Other("eventpoll", b'l')),
        (b"anon_inode:[timerfd]", Sort::Other("timerfd", b't')),
        (b"anon_inode:inotify", Sort::Other("inotify", b'i')),
        (b"anon_inode:bpf", Sort::Other("bpf", b'b')),
        (b"anon_inode:[pidfd]", Sort::Other("pidfd", b'P')),
    ];
    known
        .into_iter()
        .find(|(start, _)| target.starts_with(start))
        .map_or(Sort::Other("unknown", b'o'), |(_, sort)| sort)
}

/// An address in memory, and the path of a socket that has one.
pub(super) fn address(bytes: &[u8]) -> (u64, Option<SocketAddr>, &[u8]) {
    let family = bytes.get(..2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes);
    let port = bytes.get(2..4).and_then(|two| two.try_into().ok()).map_or(0, u16::from_be_bytes);
    let ip = match family {
        2 => bytes.get(4..8).and_then(|four| <[u8; 4]>::try_from(four).ok()).map(IpAddr::from),
        10 => bytes.get(8..24).and_then(|all| <[u8; 16]>::try_from(all).ok()).map(IpAddr::from),
        _ => None,
    };
    let path: &[u8] = if family == 1 { bytes.get(2..).unwrap_or_default() } else { b"" };
    let path = path.strip_prefix(&[0]).unwrap_or(path).split(|byte| *byte == 0).next().unwrap_or_default();
    (u64::from(family), ip.map(|ip| SocketAddr::new(ip, port)), path)
}

/// What calls without a name make.
pub(super) fn made(call: &str) -> Option<Sort> {
    Some(match call {
        "eventfd" | "eventfd2" => Sort::Other("event", b'e'),
        "signalfd" | "signalfd4" => Sort::Other("signalfd", b's'),
        "timerfd_create" => Sort::Other("timerfd", b't'),
        "inotify_init" | "inotify_init1" => Sort::Other("inotify", b'i'),
        "epoll_create" | "epoll_create1" => Sort::Other("eventpoll", b'l'),
        "bpf" => Sort::Other("bpf", b'b'),
        "userfaultfd" => Sort::Other("userfaultfd", b'u'),
        "io_uring_setup" => Sort::Other("io_uring", b'r'),
        "memfd_create" => Sort::Other("memfd", b'm'),
        "pidfd_open" => Sort::Other("pidfd", b'P'),
        _ => return None,
    })
}

pub(super) fn l4(family: u64, kind: u64, protocol: u64) -> Option<&'static str> {
    if !matches!(family, 2 | 10) {
        return None;
    }
    // The low bits of the type; the others are SOCK_NONBLOCK and SOCK_CLOEXEC.
    match (kind & 0xf, protocol) {
        (1, _) => Some("tcp"),
        (2, 1 | 58) | (3, 1 | 58) => Some("icmp"),
        (2, _) => Some("udp"),
        (3, _) => Some("raw"),
        _ => None,
    }
}
