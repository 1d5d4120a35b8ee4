//! What is known of a file descriptor beyond the name that /proc gives it, as the bytes of a piece: the ends of a socket, a
//! device's number, a pidfd's process.
//!
//! ```text
//! sort u8: 1 socket, 2 character device, 3 block device, 4 pidfd
//! socket:  u8 length of the own address, u8 of the peer's, u8 of the protocol's name, u32 number of the protocol,
//!          u64 inode of a unix socket's peer, 0 for none; the own address, the peer's, the protocol's name
//! device:  u32 major, u32 minor
//! pidfd:   i32 process
//! ```

/// The longest structure sockaddr, and the longest name of a protocol.
const MAX_ADDRESS: usize = 128;
const MAX_PROTOCOL: usize = 32;

/// The longest detail.
pub const MAX_DETAIL: usize = 16 + 2 * MAX_ADDRESS + MAX_PROTOCOL;

/// What a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail<'a> {
    /// A socket.
    Socket(Ends<'a>),
    /// A device.
    Device {
        /// Whether it is a block device, and not a character device.
        block: bool,
        /// The major number.
        major: u32,
        /// The minor number.
        minor: u32,
    },
    /// A process; -1 for one that was waited for already.
    Pidfd(i32),
}

/// The two ends of a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends<'a> {
    /// What the kernel calls its protocol: `TCP`, `UDPv6`, `UNIX-STREAM`.
    pub protocol: &'a [u8],
    /// The protocol's number (socket(2)).
    pub number: u32,
    /// The structure sockaddr of the own end; empty when unknown.
    pub local: &'a [u8],
    /// The structure sockaddr of the other end; empty when there is none.
    pub peer: &'a [u8],
    /// The inode of the other end of a unix socket, 0 for none.
    pub peer_inode: u64,
}

impl<'a> Detail<'a> {
    /// Reads a piece's bytes; `None` for what no version wrote.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Detail<'a>> {
        let word = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        match *bytes.first()? {
            1 => {
                let lengths = [bytes.get(1)?, bytes.get(2)?, bytes.get(3)?].map(|length| usize::from(*length));
                let inode = u64::from_le_bytes(bytes.get(8..16)?.try_into().ok()?);
                let (local, rest) = bytes.get(16..)?.split_at_checked(lengths[0])?;
                let (peer, rest) = rest.split_at_checked(lengths[1])?;
                let protocol = rest.get(..lengths[2])?;
                Some(Detail::Socket(Ends { protocol, number: word(4)?, local, peer, peer_inode: inode }))
            }
            sort @ (2 | 3) => Some(Detail::Device { block: sort == 3, major: word(4)?, minor: word(8)? }),
            4 => Some(Detail::Pidfd(word(4)?.cast_signed())),
            _ => None,
        }
    }

    /// Writes the bytes to `to`; how many.
    pub fn write(&self, to: &mut [u8; MAX_DETAIL]) -> usize {
        to[..16].fill(0);
        match self {
            Detail::Socket(ends) => {
                to[0] = 1;
                to[4..8].copy_from_slice(&ends.number.to_le_bytes());
                to[8..16].copy_from_slice(&ends.peer_inode.to_le_bytes());
                let mut end = 16;
                let parts = [(ends.local, MAX_ADDRESS), (ends.peer, MAX_ADDRESS), (ends.protocol, MAX_PROTOCOL)];
                for (at, (part, most)) in (1..).zip(parts) {
                    let part = part.get(..most).unwrap_or(part);
                    to[at] = u8::try_from(part.len()).unwrap_or(0);
                    if let Some(to) = to.get_mut(end..end + part.len()) {
                        to.copy_from_slice(part);
                    }
                    end += part.len();
                }
                end
            }
            Detail::Device { block, major, minor } => {
                to[0] = if *block { 3 } else { 2 };
                to[4..8].copy_from_slice(&major.to_le_bytes());
                to[8..12].copy_from_slice(&minor.to_le_bytes());
                12
            }
            Detail::Pidfd(pid) => {
                to[0] = 4;
                to[4..8].copy_from_slice(&pid.to_le_bytes());
                8
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Detail, Ends, MAX_ADDRESS, MAX_DETAIL};

    #[test]
    fn what_is_written_is_read_again() {
        let long = [7; MAX_ADDRESS];
        let ends = Ends { protocol: b"TCP", number: 6, local: &long, peer: b"xy", peer_inode: 1 << 40 };
        for detail in [
            Detail::Socket(ends),
            Detail::Socket(Ends::default()),
            Detail::Device { block: true, major: 8, minor: 1 },
            Detail::Device { block: false, major: 1, minor: u32::MAX },
            Detail::Pidfd(-1),
        ] {
            let mut bytes = [0xff; MAX_DETAIL];
            let len = detail.write(&mut bytes);
            assert_eq!(Detail::parse(&bytes[..len]), Some(detail));
            for cut in 0..len {
                assert_eq!(Detail::parse(&bytes[..cut]), None, "{cut} of {detail:?}");
            }
        }
        assert_eq!(Detail::parse(&[9; 64]), None);
    }
}
