//! Connections of the build with itself: a test's client and the test's server.
//!
//! What comes over such a connection is no download, unless its other end hands one on. Both ends have to be seen as the
//! build's: a server on loopback that somebody else started is a stranger.

use super::Fold;
use super::object::{Address, Object, object};
use crate::audit::limits::{self, Mark};
use crate::event::Event;
use crate::model::record::Role;
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Calls by which bytes leave through a socket; the descriptor is their first argument.
const SENDS: &[&str] =
    &["write", "writev", "pwritev2", "send", "sendto", "sendmsg", "sendmmsg", "sendfile", "sendfile64"];

/// One end of a connection on loopback.
#[derive(Clone, Copy, Debug)]
struct End {
    /// The server's port.
    server: u16,
    /// The client's port, where the call told it.
    client: Option<u16>,
    /// It is the server's end.
    accepted: bool,
}

/// What is known of such connections.
#[derive(Debug, Default)]
pub(super) struct Loopback {
    /// By the socket's inode.
    ends: FxHashMap<u64, End>,
    /// The servers' ports at which the build accepted, and to which it connected.
    accepted: FxHashSet<u16>,
    called: FxHashSet<u16>,
    /// The ports from which it connected.
    from: FxHashSet<u16>,
    /// The servers' ports over which something from the network was handed on.
    carry: FxHashSet<u16>,
}

impl Loopback {
    fn add(&mut self, inode: u64, end: End) {
        if self.ends.len() >= limits::SOCKETS {
            self.ends.clear();
        }
        self.ends.insert(inode, end);
    }

    /// The socket `inode` was connected to `peer`.
    pub(super) fn connected(&mut self, inode: u64, peer: &Address, event: &Event<'_>) {
        let (Some(server), true) = (peer.port, is_loopback(peer.ip)) else { return };
        let client = local(event).map(|(_, port)| port);
        self.called.insert(server);
        self.from.extend(client);
        self.add(inode, End { server, client, accepted: false });
    }

    /// The socket `inode` was accepted, from `peer` if the call told it.
    pub(super) fn accepted(&mut self, inode: u64, peer: Option<&Address>, event: &Event<'_>) {
        let Some((_, server)) = local(event).filter(|(ip, _)| is_loopback(Some(*ip))) else { return };
        self.accepted.insert(server);
        self.add(inode, End { server, client: peer.and_then(|peer| peer.port), accepted: true });
    }

    /// Whether what the socket `inode` brings is the build's own.
    pub(super) fn is_own(&self, inode: u64) -> bool {
        self.ends.get(&inode).is_some_and(|end| {
            let known = match end.accepted {
                true => self.called.contains(&end.server) && end.client.is_none_or(|port| self.from.contains(&port)),
                false => self.accepted.contains(&end.server),
            };
            known && !self.carry.contains(&end.server)
        })
    }
}

impl Fold {
    /// A call that sends begins: what its process had from the network goes on over its connection.
    pub(super) fn about_to_send(&mut self, event: &Event<'_>, name: &str, by: Mark) {
        if !SENDS.contains(&name) || self.loopback.ends.is_empty() {
            return;
        }
        if !self.processes.recall(by.process).is_some_and(|memory| memory.fetched || memory.fed) {
            return;
        }
        let number = event.words().first().map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
        let link = event.descriptor(number).map(|link| object(link.bytes));
        if let Some(Object::Socket(inode)) = link
            && let Some(end) = self.loopback.ends.get(&inode)
        {
            self.loopback.carry.insert(end.server);
        }
    }
}

fn is_loopback(ip: Option<IpAddr>) -> bool {
    ip.is_some_and(|ip| ip.to_canonical().is_loopback())
}

/// The own end of the connection that was made, which the kernel told when the call returned.
fn local(event: &Event<'_>) -> Option<(IpAddr, u16)> {
    own_end(event.piece(Role::Local)?.data)
}

/// Address and port of a sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)).
fn own_end(bytes: &[u8]) -> Option<(IpAddr, u16)> {
    let (family, rest) = bytes.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let ip = match u16::from_le_bytes(*family) {
        2 => IpAddr::V4(Ipv4Addr::from(*rest.first_chunk::<4>()?)),
        // sin6_flowinfo stands before the address.
        10 => IpAddr::V6(Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?)),
        _ => return None,
    };
    Some((ip, u16::from_be_bytes(*port)))
}

#[cfg(test)]
mod tests {
    use super::{End, Loopback, own_end};

    #[test]
    fn an_own_end_is_read() {
        assert_eq!(own_end(&[2, 0, 0x1f, 0x90, 127, 0, 0, 1]), Some(([127, 0, 0, 1].into(), 8080)));
        let mut six = vec![10, 0, 0, 80, 0, 0, 0, 0];
        six.extend([0; 15]);
        assert_eq!(own_end(&six), None);
        six.push(1);
        assert_eq!(own_end(&six), Some(("::1".parse().unwrap(), 80)));
        assert_eq!(own_end(&[1, 0, b'/']), None);
    }

    #[test]
    fn both_ends_have_to_be_the_builds() {
        let mut known = Loopback::default();
        known.add(1, End { server: 80, client: Some(5000), accepted: false });
        known.called.insert(80);
        known.from.insert(5000);
        assert!(!known.is_own(1), "nobody of the build accepted there");
        known.add(2, End { server: 80, client: Some(5000), accepted: true });
        known.add(3, End { server: 80, client: Some(5001), accepted: true });
        known.accepted.insert(80);
        assert!(known.is_own(1) && known.is_own(2));
        assert!(!known.is_own(3), "from a port that nobody of the build had");
        known.carry.insert(80);
        assert!(!known.is_own(1) && !known.is_own(2));
    }
}
