//! What was done with the network: sockets by their inode, so that a duplicated, inherited or passed descriptor is still
//! the same socket, and the addresses they were used with.

use super::object::Address;
use crate::audit::limits::{self, Beyond, Mark, mark};
use crate::audit::model::{Family, NetworkAct, Peer};
use crate::decode::errno;
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::IpAddr;

/// One socket.
#[derive(Clone, Debug, Default)]
pub(super) struct Socket {
    /// What it is connected to, an index of the addresses.
    pub(super) peer: Option<usize>,
    /// Its own address.
    own: Option<usize>,
    /// Its address family is the internet's.
    pub(super) inet: bool,
}

#[derive(Debug)]
struct Known {
    address: Address,
    peer: Peer,
    /// A connection was begun, and its end was not waited for by connect(2).
    pending: bool,
}

/// The network of a build.
#[derive(Debug, Default)]
pub(super) struct Network {
    known: Vec<Known>,
    index: FxHashMap<Address, usize>,
    sockets: FxHashMap<u64, Socket>,
    /// Names by address, as DNS told them.
    names: FxHashMap<IpAddr, Vec<String>>,
    /// Distinct internet addresses that could not be connected to.
    pub(super) unreachable: FxHashSet<Address>,
}

/// Unix sockets that are a door to more than their own service: by the end of their path.
const OF_NOTE: &[(&str, &str)] = &[
    ("/docker.sock", "docker"),
    ("/podman.sock", "docker"),
    ("/containerd.sock", "containerd"),
    ("/crio.sock", "containerd"),
    ("/buildkitd.sock", "buildkit"),
    ("/system_bus_socket", "dbus"),
    ("/bus", "dbus"),
    ("/S.gpg-agent", "gpg-agent"),
    ("/keyring/ssh", "ssh-agent"),
    ("/keyring/control", "keyring"),
    ("/systemd/private", "systemd"),
    ("/snapd.socket", "snapd"),
    ("/libvirt-sock", "libvirt"),
    ("/.X11-unix/X0", "x11"),
];

fn of_note(path: &str) -> Option<&'static str> {
    let agent = path.contains("/ssh-") && path.contains("/agent.");
    let known = OF_NOTE.iter().find(|(end, _)| path.ends_with(end)).map(|(_, what)| *what);
    known.or(if agent || path.ends_with("ssh-agent.sock") { Some("ssh-agent") } else { None })
}

impl Network {
    /// The socket with this inode.
    pub(super) fn socket(&self, inode: u64) -> Option<&Socket> {
        self.sockets.get(&inode)
    }

    /// A new socket has this inode.
    pub(super) fn born(&mut self, inode: u64, inet: bool) {
        // An inode that is given again is another socket.
        if self.sockets.len() >= limits::SOCKETS {
            self.sockets.clear();
        }
        self.sockets.insert(inode, Socket { inet, ..Socket::default() });
    }

    fn at(&mut self, address: &Address, beyond: &mut Beyond) -> Option<usize> {
        if let Some(index) = self.index.get(address) {
            return Some(*index);
        }
        if !beyond.room("addresses", self.known.len(), limits::PEERS) {
            return None;
        }
        let names = address.ip.and_then(|ip| self.names.get(&ip)).cloned().unwrap_or_default();
        let note = (address.family == Family::Unix).then(|| of_note(&address.text)).flatten();
        let peer = Peer {
            family: address.family,
            address: address.text.clone(),
            port: address.port,
            names,
            of_note: note.map(str::to_owned),
            ..Peer::default()
        };
        self.known.push(Known { address: address.clone(), peer, pending: false });
        self.index.insert(address.clone(), self.known.len() - 1);
        Some(self.known.len() - 1)
    }

    /// `act` was done with `address` by the socket `inode`; `error` if it failed.
    pub(super) fn acted(
        &mut self,
        act: NetworkAct,
        address: &Address,
        inode: Option<u64>,
        error: Option<u16>,
        by: Mark,
        beyond: &mut Beyond,
    ) {
        const EINPROGRESS: u16 = 115;
        let pending = error == Some(EINPROGRESS);
        let error = error.filter(|error| *error != EINPROGRESS);
        let Some(index) = self.at(address, beyond) else { return };
        if let Some(known) = self.known.get_mut(index) {
            mark(known.peer.uses.entry(act).or_default(), by, 0);
            known.pending |= pending;
            if let Some(error) = error {
                let name = errno::name(error).map_or_else(|| error.to_string(), str::to_owned);
                *known.peer.errors.entry(name).or_default() += 1;
            }
        }
        if error.is_some() {
            if act == NetworkAct::Connect && address.is_inet() && self.unreachable.len() < limits::PEERS {
                self.unreachable.insert(address.clone());
            }
            return;
        }
        let Some(inode) = inode else { return };
        if self.sockets.len() >= limits::SOCKETS && !self.sockets.contains_key(&inode) {
            self.sockets.clear();
        }
        let socket = self.sockets.entry(inode).or_default();
        socket.inet |= address.is_inet();
        match act {
            NetworkAct::Connect | NetworkAct::Accept => socket.peer = Some(index),
            NetworkAct::Bind => socket.own = Some(index),
            _ => {}
        }
    }

    /// The socket `inode` waits for connections.
    pub(super) fn listens(&mut self, inode: u64, by: Mark) {
        let own = self.sockets.get(&inode).and_then(|socket| socket.own);
        if let Some(known) = own.and_then(|own| self.known.get_mut(own)) {
            mark(known.peer.uses.entry(NetworkAct::Listen).or_default(), by, 0);
        }
    }

    /// Bytes went through the socket `inode`, to or from `address` if one was given, else its peer.
    pub(super) fn moved(
        &mut self,
        inode: u64,
        address: Option<&Address>,
        sent: bool,
        bytes: u64,
        by: Mark,
        beyond: &mut Beyond,
    ) {
        let named = address.and_then(|address| self.at(address, beyond));
        let index = named.or_else(|| self.sockets.get(&inode).and_then(|socket| socket.peer));
        let Some(known) = index.and_then(|index| self.known.get_mut(index)) else { return };
        let count = if sent { &mut known.peer.sent } else { &mut known.peer.received };
        *count = count.saturating_add(bytes);
        if named.is_some() {
            let act = if sent { NetworkAct::Send } else { NetworkAct::Receive };
            mark(known.peer.uses.entry(act).or_default(), by, bytes);
        }
    }

    /// What the socket `inode` is connected to.
    pub(super) fn peer(&self, inode: u64) -> Option<&Address> {
        let index = self.sockets.get(&inode)?.peer?;
        self.known.get(index).map(|known| &known.address)
    }

    /// DNS told that `name` has `ip`.
    pub(super) fn named(&mut self, ip: IpAddr, name: &str) {
        if self.names.len() >= limits::NAMES && !self.names.contains_key(&ip) {
            return;
        }
        let names = self.names.entry(ip).or_default();
        if names.len() < limits::ANSWERS && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// How many addresses could not be connected to, or were tried without waiting and never spoken with.
    pub(super) fn unanswered(&self) -> usize {
        let silent = |known: &&Known| {
            let peer = &known.peer;
            known.pending && known.address.is_inet() && peer.sent == 0 && peer.received == 0
        };
        let silent = self.known.iter().filter(silent).filter(|known| !self.unreachable.contains(&known.address));
        self.unreachable.len() + silent.count()
    }

    /// The addresses in the order of first sight.
    pub(super) fn told(self) -> Vec<Peer> {
        let mut peers: Vec<Peer> = self.known.into_iter().map(|known| known.peer).collect();
        for peer in &mut peers {
            peer.names.sort_unstable();
        }
        peers
    }
}
