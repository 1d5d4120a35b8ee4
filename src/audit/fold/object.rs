//! What a descriptor refers to, by the text that /proc gives for it, and values of an event by name.

use crate::audit::model::Family;
use crate::decode::tree::{Node, Tree, Value};
use crate::event::{Event, join};
use std::net::IpAddr;

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object<'a> {
    /// A file with a name; whether the name is gone.
    File(&'a [u8], bool),
    /// A file that never had a name.
    Memfd(&'a [u8]),
    /// A socket by its inode.
    Socket(u64),
    /// A pipe by its inode.
    Pipe(u64),
    /// Something else: an epoll instance, a timer.
    Other(&'a [u8]),
}

/// What the link in /proc/PID/fd with this text refers to.
pub(super) fn object(link: &[u8]) -> Object<'_> {
    let inode = |prefix: &[u8]| {
        let digits = link.strip_prefix(prefix)?.strip_suffix(b"]")?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    if let Some(inode) = inode(b"socket:[") {
        return Object::Socket(inode);
    }
    if let Some(inode) = inode(b"pipe:[") {
        return Object::Pipe(inode);
    }
    if let Some(name) = link.strip_prefix(b"/memfd:") {
        return Object::Memfd(name.strip_suffix(b" (deleted)").unwrap_or(name));
    }
    match link.strip_suffix(b" (deleted)") {
        Some(name) if link.starts_with(b"/") => Object::File(name, true),
        _ if link.starts_with(b"/") => Object::File(link, false),
        _ => Object::Other(link),
    }
}

/// The top value of an event by its argument's name.
pub(super) fn top<'t>(tree: &'t Tree, name: &str) -> Option<(usize, &'t Node)> {
    tree.level(0..tree.len()).find(|(_, node)| node.name == name)
}

/// The value named `name` directly inside the one at `at`.
pub(super) fn field<'t>(tree: &'t Tree, at: usize, name: &str) -> Option<(usize, &'t Node)> {
    tree.inside(at).find(|(_, node)| node.name == name)
}

/// Every value, at any depth, in reading order. Of what the call changed, it is what it changed it to: a message that
/// was sent would be there twice.
pub(super) fn every(tree: &Tree) -> impl Iterator<Item = (usize, &Node)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut node = tree.node(at)?;
        while matches!(node.value, Value::Changed) {
            (at, node) = tree.inside(at).nth(1)?;
        }
        at += 1;
        Some((at - 1, node))
    })
}

/// The number that a value is.
pub(super) fn number(value: Value) -> Option<u64> {
    match value {
        Value::Signed(n) => Some(n.cast_unsigned()),
        Value::Unsigned(n) | Value::Hex(n) | Value::Padded(n, _) | Value::Octal(n) => Some(n),
        Value::Flags(_, n) | Value::Constant(_, n) => Some(n),
        Value::Mode(n) | Value::Uid(n) | Value::Gid(n) => Some(u64::from(n)),
        Value::Fd(n) | Value::Dirfd(n) | Value::Pid(n) | Value::Signal(n) => Some(i64::from(n).cast_unsigned()),
        _ => None,
    }
}

/// A socket address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) family: Family,
    pub(super) text: String,
    pub(super) port: Option<u16>,
    pub(super) ip: Option<IpAddr>,
}

impl Address {
    /// The address in the structure at `at`.
    pub(super) fn of(event: &Event<'_>, tree: &Tree, at: usize) -> Option<Address> {
        let (_, family) = field(tree, at, "sa_family")?;
        let Value::Constant(set, number) = family.value else { return None };
        let mut address = Address { family: Family::Other, text: String::new(), port: None, ip: None };
        let port = |name| {
            let (at, _) = field(tree, at, name)?;
            let (_, inner) = tree.inside(at).next()?;
            self::number(inner.value).and_then(|port| u16::try_from(port).ok())
        };
        match number {
            1 => {
                address.family = Family::Unix;
                if let Some((_, path)) = field(tree, at, "sun_path") {
                    address.text = match path.value {
                        Value::Path(seen) => {
                            let mut path = Vec::new();
                            join(event.who.cwd(), event.bytes(&seen, tree), &mut path);
                            crate::audit::text::text(&path)
                        }
                        Value::Abstract(seen) => {
                            format!("@{}", crate::audit::text::text(event.bytes(&seen, tree)).trim_end_matches('\0'))
                        }
                        _ => String::new(),
                    };
                }
            }
            2 => {
                address.family = Family::Inet;
                address.port = port("sin_port");
                if let Some(Value::Ip4(ip)) = field(tree, at, "sin_addr").map(|(_, node)| node.value) {
                    (address.text, address.ip) = (ip.to_string(), Some(IpAddr::V4(ip)));
                }
            }
            10 => {
                address.family = Family::Inet6;
                address.port = port("sin6_port");
                if let Some(Value::Ip6(ip)) = field(tree, at, "sin6_addr").map(|(_, node)| node.value) {
                    (address.text, address.ip) = (ip.to_string(), Some(IpAddr::V6(ip)));
                }
            }
            16 => address.family = Family::Netlink,
            17 => address.family = Family::Packet,
            40 => address.family = Family::Vsock,
            other => {
                let abi = event.head().abi.unwrap_or(crate::model::Abi::X86_64);
                address.text = set.name_of(other, abi).map_or_else(|| format!("AF_{other}"), str::to_owned);
            }
        }
        Some(address)
    }

    /// `address:port`, for people.
    pub(super) fn told(&self) -> String {
        match (self.family, self.port) {
            (Family::Inet6, Some(port)) => format!("[{}]:{port}", self.text),
            (_, Some(port)) => format!("{}:{port}", self.text),
            (Family::Unix, None) if self.text.is_empty() => "an unnamed unix socket".to_owned(),
            (Family::Netlink, _) => "netlink".to_owned(),
            _ => self.text.clone(),
        }
    }

    /// Whether it is of the internet's families.
    pub(super) fn is_inet(&self) -> bool {
        matches!(self.family, Family::Inet | Family::Inet6)
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, object};

    #[test]
    fn a_link_tells_what_it_refers_to() {
        assert_eq!(object(b"socket:[7]"), Object::Socket(7));
        assert_eq!(object(b"pipe:[8]"), Object::Pipe(8));
        assert_eq!(object(b"/memfd:x (deleted)"), Object::Memfd(b"x"));
        assert_eq!(object(b"/a b (deleted)"), Object::File(b"/a b", true));
        assert_eq!(object(b"/a"), Object::File(b"/a", false));
        assert_eq!(object(b"anon_inode:[eventpoll]"), Object::Other(b"anon_inode:[eventpoll]"));
    }
}
