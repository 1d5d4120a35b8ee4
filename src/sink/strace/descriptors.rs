//! What is said of a file descriptor in angle brackets: `</etc/passwd>`, `<TCP:[127.0.0.1:80->127.0.0.1:4242]>`,
//! `</dev/null<char 1:3>>`, `<pid:7>`.

use super::quote::{Within, escaped, quoted};
use super::values::{Painter, number};
use crate::decode::ends::End;
use crate::model::record::{Detail, Ends};
use crate::table::sets;

/// The protocols whose ends are told (with and without `v6`); other sockets have their inode.
const INET: [&[u8]; 8] = [b"TCP", b"UDP", b"UDPLITE", b"DCCP", b"SCTP", b"L2TP/IP", b"PING", b"RAW"];
const OTHERS: [&[u8]; 3] = [b"UNIX", b"UNIX-STREAM", b"NETLINK"];

/// Appends what descriptor `fd` refers to, as far as the letters ask for it.
pub(super) fn target(painter: &Painter<'_, '_>, fd: i32, out: &mut Vec<u8>) {
    let fds = painter.shown.fds;
    let Some(name) = painter.event.descriptor(fd) else { return };
    match painter.event.detail(fd) {
        Some(Detail::Socket(ends)) if fds.socket && is_known(ends.protocol) => socket(painter, &ends, name.bytes, out),
        Some(Detail::Device { block, major, minor }) if fds.device => {
            out.push(b'<');
            escaped(name.bytes, painter.shown.hex, Within::Angles, out);
            number(out, format_args!("<{} {major}:{minor}>>", if block { "block" } else { "char" }));
        }
        Some(Detail::Pidfd(pid)) if fds.pidfd => number(out, format_args!("<pid:{pid}>")),
        _ if fds.path => path(painter, name.bytes, out),
        _ => {}
    }
}

/// Appends a path, and behind it that the file was deleted.
pub(super) fn path(painter: &Painter<'_, '_>, path: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    let deleted = path.strip_suffix(b" (deleted)");
    escaped(deleted.unwrap_or(path), painter.shown.hex, Within::Angles, out);
    out.extend_from_slice(if deleted.is_some() { b">(deleted)" } else { b">" });
}

fn is_known(protocol: &[u8]) -> bool {
    INET.contains(&protocol.strip_suffix(b"v6").unwrap_or(protocol)) || OTHERS.contains(&protocol)
}

fn socket(painter: &Painter<'_, '_>, ends: &Ends<'_>, name: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend_from_slice(ends.protocol);
    out.extend_from_slice(b":[");
    let inode = name.strip_prefix(b"socket:[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name);
    let (local, peer) = (End::parse(ends.local), End::parse(ends.peer));
    match local {
        Some(End::Netlink(port)) => {
            match sets::PROTOCOL_NETLINK.name_of(u64::from(ends.number), painter.abi()) {
                Some(protocol) => {
                    out.extend_from_slice(protocol.strip_prefix("NETLINK_").unwrap_or(protocol).as_bytes());
                }
                None => number(out, format_args!("{}", ends.number)),
            }
            number(out, format_args!(":{port}"));
        }
        Some(local @ End::Inet(..)) => {
            inet(local, out);
            if let Some(peer) = peer {
                out.extend_from_slice(b"->");
                inet(peer, out);
            }
        }
        local => {
            out.extend_from_slice(inode);
            if ends.peer_inode != 0 {
                number(out, format_args!("->{}", ends.peer_inode));
            }
            unix_name(painter, local, out);
        }
    }
    out.extend_from_slice(b"]>");
}

fn inet(end: End<'_>, out: &mut Vec<u8>) {
    match end {
        End::Inet(std::net::IpAddr::V4(address), port) => number(out, format_args!("{address}:{port}")),
        End::Inet(std::net::IpAddr::V6(address), port) => number(out, format_args!("[{address}]:{port}")),
        _ => {}
    }
}

fn unix_name(painter: &Painter<'_, '_>, end: Option<End<'_>>, out: &mut Vec<u8>) {
    let (sign, name): (&[u8], &[u8]) = match end {
        Some(End::Path(path)) => (b",", path),
        Some(End::Abstract(name)) => (b",@", name),
        _ => return,
    };
    out.extend_from_slice(sign);
    quoted(name, painter.shown.hex, out);
}
