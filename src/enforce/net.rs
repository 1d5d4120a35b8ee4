//! Addresses: a connection is made here, with the address that was judged, so that nobody can change it afterwards.
//!
//! A message with an address of its own cannot be sent so, because its bytes would have to be copied too; it is judged by
//! what stands in memory when the call is entered.

use super::names::{Buffer, inode};
use super::{Enforcer, Path, Pending, Target, denial, int, raced, text, word};
use crate::audit::dns;
use crate::audit::policy::Sort;
use crate::decode::walk::low32;
use crate::engine::{Call, Denial, Task, Verdict};
use crate::model::Abi;
use crate::sys::memory::Memory;
use crate::sys::socket::{MAX_ADDRESS, Shared};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const DNS: u16 = 53;

/// The most messages of one sendmmsg(2) and pieces of one message that are looked at; more are refused (UIO_MAXIOV is 1024).
const MESSAGES: u64 = 1024;

/// The longest question to a name server that is read.
const QUESTION: usize = 4096;

/// A socket address that was read once.
enum Address {
    /// AF_UNSPEC, netlink, an unnamed unix socket: nothing that a policy names.
    Free,
    Inet(IpAddr, u16),
    /// An abstract unix socket.
    Abstract(Vec<u8>),
    /// The path of a unix socket.
    Path(Vec<u8>),
    /// A family that has no addresses a policy could name.
    Unnamed,
}

/// Reads a structure sockaddr.
fn address(bytes: &[u8]) -> Address {
    let Some(family) = bytes.get(..2).and_then(|b| b.try_into().ok()).map(u16::from_ne_bytes) else {
        return Address::Free;
    };
    let port = || bytes.get(2..4).and_then(|b| b.try_into().ok()).map(u16::from_be_bytes);
    match family {
        0 | 16 | 38 => Address::Free,
        1 => {
            let path = bytes.get(2..).unwrap_or_default();
            match path.first() {
                None => Address::Free,
                Some(0) => Address::Abstract(path.get(1..).unwrap_or_default().to_vec()),
                Some(_) => Address::Path(path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()),
            }
        }
        2 => {
            let ip = bytes.get(4..8).and_then(|b| <[u8; 4]>::try_from(b).ok());
            ip.zip(port()).map_or(Address::Free, |(ip, port)| Address::Inet(IpAddr::V4(Ipv4Addr::from(ip)), port))
        }
        10 => {
            let ip = bytes.get(8..24).and_then(|b| <[u8; 16]>::try_from(b).ok()).map(Ipv6Addr::from);
            // An IPv4 address in IPv6's clothes is judged as what it is.
            let ip = ip.map(|ip| ip.to_ipv4_mapped().map_or(IpAddr::V6(ip), IpAddr::V4));
            ip.zip(port()).map_or(Address::Free, |(ip, port)| Address::Inet(ip, port))
        }
        _ => Address::Unnamed,
    }
}

/// The address that a message is sent to. udp_sendmsg (net/ipv4/udp.c) takes an address without a family, if it is long
/// enough, for one of IPv4.
fn receiver(bytes: &[u8]) -> Address {
    match bytes.get(..16) {
        Some([0, 0, rest @ ..]) => address(&[&libc::AF_INET.to_ne_bytes()[..2], rest].concat()),
        _ => address(bytes),
    }
}

/// What else an address means as one that something goes to: the kernel takes no address (0.0.0.0, ::) for the socket's own, and
/// where it has none for localhost (ip_route_output_key_hash_rcu, net/ipv4/route.c), whichever of them a policy says.
fn also(to: &Address, own: Option<&Address>) -> Vec<Address> {
    let Address::Inet(ip, port) = *to else { return Vec::new() };
    let own = match own {
        Some(Address::Inet(own, _)) => Some(*own),
        _ => None,
    };
    let none = match ip {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let local = match own.unwrap_or(ip) {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    let bound = own.filter(|own| !own.is_unspecified());
    let others = match ip {
        _ if ip == none => [bound, Some(local)],
        _ if ip == local || Some(ip) == bound => [Some(none), None],
        _ => [None, None],
    };
    others.into_iter().flatten().map(|ip| Address::Inet(ip, port)).collect()
}

/// What is said where the kernel does not let us look at a descriptor: nobody can say what it is.
fn unseen(call: &str) -> Denial {
    super::unseen(call, "its descriptor cannot be looked at")
}

fn copied(memory: &mut Memory, task: Task, at: u64, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0).min(MAX_ADDRESS)];
    let got = if at == 0 { 0 } else { memory.read(task.tid, at, &mut bytes) };
    bytes.truncate(got);
    bytes
}

/// A structure of pointers and lengths in memory, whose words are those of the program.
struct Words {
    wide: bool,
}

impl Words {
    fn of(call: &Call) -> Words {
        Words { wide: call.abi == Some(Abi::X86_64) }
    }

    /// Word number `index` of the structure at `at`.
    fn get(&self, memory: &mut Memory, task: Task, at: u64, index: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let size = if self.wide { 8 } else { 4 };
        let into = bytes.get_mut(..size)?;
        let address = at.checked_add(index * size as u64)?;
        (memory.read(task.tid, address, into) == size).then(|| u64::from_le_bytes(bytes))
    }

    /// Bytes of a struct mmsghdr: a msghdr of 7 words, a length, and what aligns them.
    fn message(&self) -> u64 {
        if self.wide { 64 } else { 32 }
    }
}

/// A message that is sent: where to, and its first bytes.
struct Message {
    to: Vec<u8>,
    bytes: Vec<u8>,
}

/// Reads a struct msghdr { name, namelen, iov, iovlen, ... } (recvmsg(2)).
fn message(memory: &mut Memory, task: Task, words: &Words, at: u64) -> Option<Message> {
    let [name, length, iov, count] = [0, 1, 2, 3].map(|index| words.get(memory, task, at, index));
    let to = copied(memory, task, name?, u64::from(low32(length?)));
    let bytes = pieces(memory, task, words, iov?, count?)?;
    Some(Message { to, bytes })
}

/// The first bytes of what an array of `count` structs iovec says.
fn pieces(memory: &mut Memory, task: Task, words: &Words, iov: u64, count: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for piece in 0..count.min(MESSAGES) {
        let [base, length] = [0, 1].map(|index| words.get(memory, task, iov, 2 * piece + index));
        bytes.extend(part(memory, task, base?, length?, QUESTION - bytes.len()));
        if bytes.len() >= QUESTION {
            break;
        }
    }
    Some(bytes)
}

fn part(memory: &mut Memory, task: Task, at: u64, length: u64, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(most).min(most)];
    let got = memory.read(task.tid, at, &mut bytes);
    bytes.truncate(got);
    bytes
}

impl Enforcer {
    pub(super) fn network(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        let number = int(call, 0);
        match name {
            "connect" => {
                let length = u64::from(low32(word(call, 2)));
                // Such a length is an error whatever stands there (move_addr_to_kernel, net/socket.c).
                if length > MAX_ADDRESS as u64 {
                    return Verdict::Pass;
                }
                let bytes = copied(memory, task, word(call, 1), length);
                match Shared::of_thread(task.pid, task.tid, number) {
                    // The kernel looks at the descriptor first.
                    Err(libc::EBADF) => Verdict::Done(-i64::from(libc::EBADF)),
                    // What cannot be read here, the kernel may not read either (connect(2)).
                    _ if (bytes.len() as u64) < length => Verdict::Done(-i64::from(libc::EFAULT)),
                    Ok(socket) => self.connect(task, number, &socket, &bytes),
                    Err(_) => Verdict::Deny(unseen("connect")),
                }
            }
            "listen" => self.listen(task, number),
            // Hardly any write is to a name server, and each is asked.
            "write" => {
                if !self.names.is_server(task.tid, number) {
                    return Verdict::Pass;
                }
                let bytes = part(memory, task, word(call, 1), word(call, 2), QUESTION);
                self.send(task, number, &Message { to: Vec::new(), bytes })
            }
            "writev" => {
                if !self.names.is_server(task.tid, number) {
                    return Verdict::Pass;
                }
                let bytes = pieces(memory, task, &Words::of(call), word(call, 1), word(call, 2));
                bytes.map_or(Verdict::Pass, |bytes| self.send(task, number, &Message { to: Vec::new(), bytes }))
            }
            "send" | "sendto" => {
                // What send(2) does not have is 0.
                let to = copied(memory, task, word(call, 4), u64::from(low32(word(call, 5))));
                let bytes = part(memory, task, word(call, 1), word(call, 2), QUESTION);
                self.send(task, number, &Message { to, bytes })
            }
            "sendmsg" => {
                let sent = message(memory, task, &Words::of(call), word(call, 1));
                sent.map_or(Verdict::Pass, |sent| self.send(task, number, &sent))
            }
            _ => self.send_many(memory, task, call),
        }
    }

    fn send_many(&mut self, memory: &mut Memory, task: Task, call: &Call) -> Verdict {
        let words = Words::of(call);
        for index in 0..u64::from(low32(word(call, 2))).min(MESSAGES) {
            let at = word(call, 1).saturating_add(index * words.message());
            let Some(sent) = message(memory, task, &words, at) else { break };
            let verdict = self.send(task, int(call, 0), &sent);
            if !matches!(verdict, Verdict::Pass) {
                return verdict;
            }
        }
        Verdict::Pass
    }

    /// The names of an address, for a policy.
    fn names_of(&self, task: Task, address: &Address) -> Option<Vec<String>> {
        Some(match address {
            Address::Free | Address::Unnamed => return None,
            Address::Inet(ip, port) => {
                let own = if ip.is_ipv4() { format!("{ip}:{port}") } else { format!("[{ip}]:{port}") };
                let names = self.names.of(*ip).iter().map(|name| format!("{name}:{port}"));
                std::iter::once(own).chain(names).collect()
            }
            Address::Abstract(name) => vec![format!("unix:@{}", text(name).trim_end_matches('\0'))],
            Address::Path(bytes) => {
                let path = Path { from: libc::AT_FDCWD, bytes, follow: true, create: false, in_root: false };
                match self.root.resolve(task, path) {
                    Target::Found(held) => vec![format!("unix:{}", text(&held.name()))],
                    // Nobody listens there.
                    _ => return None,
                }
            }
        })
    }

    /// Judges an address that something goes to by a socket whose own end has the address `own`.
    fn ask_address(&self, task: Task, to: &Address, own: Option<&Address>) -> Option<Denial> {
        if matches!(to, Address::Unnamed) {
            let action = self.rules.action(Sort::Connect, &self.program(task));
            return Some(denial("connect", "an address".to_owned(), "of this family cannot be allowed", action));
        }
        let mut names = self.names_of(task, to)?;
        for other in also(to, own) {
            names.extend(self.names_of(task, &other).into_iter().flatten());
        }
        self.ask(task, Sort::Connect, &names)
    }

    fn connect(&mut self, task: Task, number: i32, socket: &Shared, bytes: &[u8]) -> Verdict {
        let to = address(bytes);
        let own = socket.local().map(|own| address(&own));
        if let Some(denial) = self.ask_address(task, &to, own.as_ref()) {
            return Verdict::Deny(denial);
        }
        // An internet socket is connected by us, or loses its peer (AF_UNSPEC): the kernel would read the address again, and
        // another thread could have put another there. What a unix socket is connected to is asked again when it is.
        let inet = |address: &Address| matches!(address, Address::Inet(..));
        let leaves = matches!(to, Address::Free) && own.as_ref().is_some_and(inet);
        if !inet(&to) && !leaves {
            return self.watch(task, Pending::Connect(number));
        }
        if matches!(to, Address::Inet(_, DNS))
            && let Some(inode) = inode(task.tid, number)
        {
            self.names.serves(inode);
        }
        let blocks = socket.blocks();
        match socket.connect(bytes) {
            Ok(()) => Verdict::Done(0),
            // It is under way, to where we said: the task's own call only waits for it (inet_stream_connect, net/ipv4).
            Err(libc::EINPROGRESS | libc::EALREADY) if blocks => self.watch(task, Pending::Connect(number)),
            Err(errno) => Verdict::Done(-i64::from(errno)),
        }
    }

    /// Judges what a socket is connected to.
    pub(super) fn connected(&self, task: Task, number: i32, result: i64) -> Option<Denial> {
        if result < 0 && result != -i64::from(libc::EINPROGRESS) {
            return None;
        }
        let Ok(socket) = Shared::of_thread(task.pid, task.tid, number) else {
            return super::stands(task).then(|| raced(unseen("connect")));
        };
        match address(&socket.peer()?) {
            // A server that was bound by a relative name says that name; it means nothing here.
            Address::Path(name) if name.first() != Some(&b'/') => None,
            other => self.ask_address(task, &other, socket.local().map(|own| address(&own)).as_ref()).map(raced),
        }
    }

    fn listen(&mut self, task: Task, number: i32) -> Verdict {
        let own = match Shared::of_thread(task.pid, task.tid, number) {
            Ok(socket) => socket.local(),
            Err(libc::EBADF) => return Verdict::Done(-i64::from(libc::EBADF)),
            Err(_) => return Verdict::Deny(unseen("listen")),
        };
        let own = own.map_or(Address::Free, |bytes| address(&bytes));
        let names = match &own {
            // The file can have been removed since it was bound.
            Address::Path(name) => self.names_of(task, &own).or_else(|| Some(vec![format!("unix:{}", text(name))])),
            other => self.names_of(task, other),
        };
        let denial = names.and_then(|names| self.ask(task, Sort::Listen, &names));
        denial.map_or(Verdict::Pass, Verdict::Deny)
    }

    /// Judges the file that a unix socket's name makes, which a policy allows as a file or as where may be listened.
    pub(super) fn bind(&mut self, memory: &mut Memory, task: Task, call: &Call) -> Verdict {
        let bytes = copied(memory, task, word(call, 1), u64::from(low32(word(call, 2))));
        let Address::Path(path) = address(&bytes) else { return Verdict::Pass };
        let path = Path { from: libc::AT_FDCWD, bytes: &path, follow: false, create: true, in_root: false };
        match self.root.resolve(task, path) {
            Target::Missing(name) => {
                let listens = self.ask(task, Sort::Listen, &[format!("unix:{}", text(&name))]).is_none();
                let denial = self.ask_file(task, Sort::Write, &name).filter(|_| !listens);
                denial.map_or(Verdict::Pass, Verdict::Deny)
            }
            // What is there already cannot be made.
            Target::Found(_) => Verdict::Pass,
            Target::Nowhere(errno) => Verdict::Done(-i64::from(errno)),
        }
    }

    /// Judges a message by its address and, when it goes to a name server, by what it asks for.
    fn send(&mut self, task: Task, number: i32, sent: &Message) -> Verdict {
        let to = receiver(&sent.to);
        // Only there does it depend on the socket what an address means.
        let own = || Shared::of_thread(task.pid, task.tid, number).ok()?.local().map(|own| address(&own));
        let own = matches!(to, Address::Inet(ip, _) if ip.is_unspecified()).then(own).flatten();
        if let Some(denial) = self.ask_address(task, &to, own.as_ref()) {
            return Verdict::Deny(denial);
        }
        let asks = match to {
            Address::Inet(_, port) => port == DNS,
            Address::Free => self.names.is_server(task.tid, number),
            _ => false,
        };
        if !asks {
            return Verdict::Pass;
        }
        if let Some(inode) = inode(task.tid, number) {
            self.names.serves(inode);
        }
        let Some(question) = dns::read(&sent.bytes).filter(|message| !message.response) else { return Verdict::Pass };
        match self.ask(task, Sort::Dns, std::slice::from_ref(&question.name)) {
            Some(denial) => Verdict::Deny(denial),
            None => {
                self.names.ask(&question.name);
                Verdict::Pass
            }
        }
    }

    /// A call that may receive what a name server answers.
    pub(super) fn receive(&mut self, memory: &mut Memory, task: Task, call: &Call, name: &str) -> Verdict {
        if !self.names.is_server(task.tid, int(call, 0)) {
            return Verdict::Pass;
        }
        let buffer = match name {
            "recvmsg" => {
                let words = Words::of(call);
                let iov = words.get(memory, task, word(call, 1), 2);
                let [base, length] = [0, 1].map(|index| words.get(memory, task, iov.unwrap_or(0), index));
                base.zip(length).map(|(address, length)| Buffer { address, length })
            }
            _ => Some(Buffer { address: word(call, 1), length: word(call, 2) }),
        };
        buffer.map_or(Verdict::Pass, |buffer| self.watch(task, Pending::Answer(buffer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_means_the_own_one() {
        let inet = |text: &str| Address::Inet(text.parse().unwrap(), 7);
        let means = |to: &str, own: Option<&str>| {
            let others = also(&inet(to), own.map(inet).as_ref());
            let ip = |one| if let Address::Inet(ip, 7) = one { ip.to_string() } else { String::new() };
            others.into_iter().map(ip).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(means("0.0.0.0", None), "127.0.0.1");
        assert_eq!(means("0.0.0.0", Some("0.0.0.0")), "127.0.0.1");
        assert_eq!(means("0.0.0.0", Some("10.0.0.1")), "10.0.0.1 127.0.0.1");
        assert_eq!(means("::", Some("::")), "::1");
        assert_eq!(means("::", Some("10.0.0.1")), "10.0.0.1 127.0.0.1");
        assert_eq!(means("127.0.0.1", None), "0.0.0.0");
        assert_eq!(means("10.0.0.1", Some("10.0.0.1")), "0.0.0.0");
        assert_eq!(means("10.0.0.2", Some("10.0.0.1")), "");
    }

    #[test]
    fn an_address_is_what_it_means() {
        let four = [2, 0, 1, 187, 192, 0, 2, 1, 0, 0];
        assert!(matches!(address(&four), Address::Inet(IpAddr::V4(ip), 443) if ip == Ipv4Addr::new(192, 0, 2, 1)));
        let mut mapped = [0; 28];
        mapped[0] = 10;
        mapped[3] = 80;
        mapped[18..24].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
        assert!(matches!(address(&mapped), Address::Inet(IpAddr::V4(_), 80)));
        assert!(matches!(address(b"\x01\0/run/x\0junk"), Address::Path(path) if path == b"/run/x"));
        assert!(matches!(address(b"\x01\0\0name"), Address::Abstract(name) if name == b"name"));
        assert!(matches!(address(b"\x01\0"), Address::Free));
        assert!(matches!(address(&[]), Address::Free));
        assert!(matches!(address(&[17, 0, 1, 1]), Address::Unnamed));
    }
}
