//! One end of a socket: a structure sockaddr of the families whose ends have names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where one end of a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<'a> {
    /// An address and a port.
    Inet(IpAddr, u16),
    /// A unix socket's path.
    Path(&'a [u8]),
    /// A unix socket's name without a path, after its leading NUL.
    Abstract(&'a [u8]),
    /// A netlink socket's port: mostly the process id.
    Netlink(u32),
}

impl<'a> End<'a> {
    /// The end that the structure says (`ip(7)`, `ipv6(7)`, `unix(7)`, `netlink(7)`); `None` for one that is not bound, and
    /// for other families.
    #[must_use]
    pub fn parse(sockaddr: &'a [u8]) -> Option<End<'a>> {
        let family = u16::from_ne_bytes(sockaddr.get(..2)?.try_into().ok()?);
        let port = || Some(u16::from_be_bytes(sockaddr.get(2..4)?.try_into().ok()?)).filter(|port| *port != 0);
        match family {
            1 => match sockaddr.get(2..)? {
                [] => None,
                [0, name @ ..] => Some(End::Abstract(name)),
                path => path.split(|byte| *byte == 0).next().map(End::Path),
            },
            2 => {
                let address: [u8; 4] = sockaddr.get(4..8)?.try_into().ok()?;
                Some(End::Inet(Ipv4Addr::from(address).into(), port()?))
            }
            10 => {
                let address: [u8; 16] = sockaddr.get(8..24)?.try_into().ok()?;
                Some(End::Inet(Ipv6Addr::from(address).into(), port()?))
            }
            16 => {
                let port = u32::from_ne_bytes(sockaddr.get(4..8)?.try_into().ok()?);
                (port != 0).then_some(End::Netlink(port))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::End;
    use std::net::{IpAddr, Ipv4Addr};

    #[test]
    fn an_end_is_what_the_family_says() {
        let inet = End::Inet(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)), 258);
        for (sockaddr, want) in [
            (&b"\x02\0\x01\x02\x7f\0\0\x01\0\0\0\0\0\0\0\0"[..], Some(inet)),
            (b"\x02\0\0\0\x7f\0\0\x01", None),
            (b"\x01\0/run/x\0junk", Some(End::Path(b"/run/x"))),
            (b"\x01\0\0ab\0c", Some(End::Abstract(b"ab\0c"))),
            (b"\x01\0", None),
            (b"\x10\0\0\0\x07\0\0\0\0\0\0\0", Some(End::Netlink(7))),
            (b"\x0a\0\x01\x02", None),
            (b"\x11\0aaaaaaaaaaaa", None),
            (b"\x01", None),
        ] {
            assert_eq!(End::parse(sockaddr), want, "{sockaddr:?}");
        }
    }
}
