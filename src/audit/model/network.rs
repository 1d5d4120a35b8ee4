//! The network as an audit tells of it.

use super::Use;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The family of an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// A unix socket: of the same machine.
    Unix,
    /// The kernel itself.
    Netlink,
    /// Packets below IP.
    Packet,
    /// Between a virtual machine and its host.
    Vsock,
    /// Another one; the address tells which.
    #[default]
    Other,
}

/// An address, at the other end of a socket or at ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Peer {
    /// The family.
    pub family: Family,
    /// The address: of IP without port, of a unix socket its path (an abstract one begins with `@`), else as text.
    pub address: String,
    /// The port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The names that DNS answered this address for before, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What was done with it.
    pub uses: BTreeMap<NetworkAct, Use>,
    /// Bytes that went there.
    pub sent: u64,
    /// Bytes that came from there.
    pub received: u64,
    /// The errors of the attempts that failed, with how often each came.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
    /// Why a unix socket deserves a look: `docker`, `dbus`, `ssh-agent`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of_note: Option<String>,
}

/// What can be done with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NetworkAct {
    /// A socket was connected to it.
    Connect,
    /// A socket was given it as its own.
    Bind,
    /// Connections to it were waited for.
    Listen,
    /// A connection from it was taken.
    Accept,
    /// A message was sent to it without a connection.
    Send,
    /// A message from it was received without a connection.
    Receive,
}

impl NetworkAct {
    /// The word for it, as in `audit.json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            NetworkAct::Connect => "connect",
            NetworkAct::Bind => "bind",
            NetworkAct::Listen => "listen",
            NetworkAct::Accept => "accept",
            NetworkAct::Send => "send",
            NetworkAct::Receive => "receive",
        }
    }
}

/// A name that was asked for, with what was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dns {
    /// The name, in lower case, without the last dot.
    pub name: String,
    /// The kinds of record that were asked for, sorted: `A`, `AAAA`, `TXT`, …
    pub kinds: Vec<String>,
    /// The addresses and names that were answered, sorted.
    pub answers: Vec<String>,
    /// The servers that were asked, sorted.
    pub servers: Vec<String>,
    /// How often and by whom.
    #[serde(flatten)]
    pub used: Use,
}
