//! Buffers in many pieces and the messages of sockets: iovec, msghdr, mmsghdr and control messages (readv(2), recvmsg(2),
//! cmsg(3)).

use super::super::flat::{put_fields, put_seen};
use super::super::tree::{Seen, Show, Value};
use super::super::walk::{MAX_ITEMS, MAX_STRUCTS, Walk, walk_items};
use super::address::{MAX_ADDRESS, put_address};
use super::netlink::put_payload;
use crate::model::Abi;
use crate::table::sets::{self, Set};
use crate::table::structs::{self, Struct};

/// What becomes of the buffers of an iovec.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Buffers {
    /// They are read: all of each.
    All,
    /// The kernel filled so many bytes of them, in order.
    Filled(usize),
    /// They are another process's, or not valid now: addresses.
    Addresses,
}

/// An iovec whose buffers the call reads (at enter) or has filled (at exit).
pub(super) fn iovec(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    let buffers = match walk.success() {
        Some(filled) => Buffers::Filled(usize::try_from(filled).unwrap_or(0)),
        None if walk.at_exit() => Buffers::Addresses,
        None => Buffers::All,
    };
    put_iovec(walk, name, address, count, buffers);
}

/// An iovec of another process.
pub(super) fn iovec_remote(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    put_iovec(walk, name, address, count, Buffers::Addresses);
}

pub(super) fn put_iovec(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64, buffers: Buffers) {
    let word = walk.abi().word();
    // Of readv(2) and its like nobody expects a message.
    let message = name == "msg_iov";
    let mut left = if let Buffers::Filled(filled) = buffers { filled } else { usize::MAX };
    walk_items(walk, name, address, count, word * 2, |walk, item| {
        let base = walk.word_at(&item, 0).unwrap_or(0);
        let len = walk.word_at(&item, word).unwrap_or(0);
        let size = usize::try_from(len).unwrap_or(usize::MAX).min(left);
        left -= if buffers == Buffers::All { 0 } else { size };
        walk.open_struct("");
        match buffers {
            Buffers::Addresses => {
                walk.put("iov_base", if base == 0 { Value::Null } else { Value::Address(base) });
            }
            Buffers::All | Buffers::Filled(_) if message => put_payload(walk, "iov_base", base, size),
            Buffers::All | Buffers::Filled(_) => walk.buffer("iov_base", base, size),
        }
        walk.put("iov_len", Value::Unsigned(len));
        walk.close();
    });
}

/// The words of a `struct msghdr`, as far as they matter.
struct Header {
    name: u64,
    name_len: u32,
    iov: u64,
    iov_len: u64,
    control: u64,
    control_len: u64,
    flags: u32,
}

/// The size of `struct user_msghdr` (linux/socket.h), and of the compat one.
fn header_size(abi: Abi) -> usize {
    if abi.word() == 4 { 28 } else { 56 }
}

fn read_header(walk: &Walk<'_>, seen: &Seen) -> Option<Header> {
    let word = walk.abi().word();
    Some(Header {
        name: walk.word_at(seen, 0)?,
        name_len: walk.u32_at(seen, word)?,
        iov: walk.word_at(seen, word * 2)?,
        iov_len: walk.word_at(seen, word * 3)?,
        control: walk.word_at(seen, word * 4)?,
        control_len: walk.word_at(seen, word * 5)?,
        flags: walk.u32_at(seen, word * 6)?,
    })
}

/// A message that is sent (at enter) or was received (at exit). Of one that will be received, the lengths are known.
pub(super) fn msghdr(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let size = header_size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    let received = walk.call.row.name.starts_with("recv");
    let buffers = match (received, walk.success()) {
        (true, None) => Buffers::Addresses,
        (true, Some(filled)) => Buffers::Filled(usize::try_from(filled).unwrap_or(0)),
        (false, _) => Buffers::All,
    };
    let room = room(walk, address, 0);
    put_message(walk, name, &seen, buffers, room);
}

/// The room for the sender's address that the program gave, once a message was received: in the header that lies `at`
/// bytes behind `address`, where the argument points.
fn room(walk: &mut Walk<'_>, address: u64, at: usize) -> Option<i32> {
    walk.success()?;
    let (word, arg) = (walk.abi().word(), walk.index());
    let before = walk.before(arg, address, at + word + 4);
    walk.u32_at(&before, at + word).map(u32::cast_signed)
}

fn put_message(walk: &mut Walk<'_>, name: &'static str, seen: &Seen, buffers: Buffers, room: Option<i32>) {
    let Some(header) = read_header(walk, seen) else { return };
    walk.open_struct(name);
    let given = header.name_len.cast_signed().min(room.unwrap_or(i32::MAX));
    let len = usize::try_from(given).unwrap_or(0).min(MAX_ADDRESS);
    let named_now = buffers != Buffers::Addresses && header.name != 0 && len > 0;
    let peer = if named_now { walk.read(header.name, len) } else { Seen::nothing(header.name) };
    match header.name {
        0 => walk.put("msg_name", Value::Null),
        address if peer.len() < 2 => walk.put("msg_name", Value::Address(address)),
        _ => put_address(walk, "msg_name", &peer),
    }
    let len = Value::Signed(i64::from(header.name_len.cast_signed()));
    match room.filter(|room| *room != header.name_len.cast_signed()) {
        Some(room) => {
            walk.open("msg_namelen", Value::Changed);
            walk.put("", Value::Signed(i64::from(room)));
            walk.put("", len);
            walk.close();
        }
        None => walk.put("msg_namelen", len),
    }
    put_iovec(walk, "msg_iov", header.iov, header.iov_len, buffers);
    walk.put("msg_iovlen", Value::Unsigned(header.iov_len));
    if header.control_len > 0 && header.control != 0 {
        if buffers == Buffers::Addresses {
            walk.put("msg_control", Value::Address(header.control));
        } else {
            put_controls(walk, header.control, header.control_len);
        }
    }
    walk.put("msg_controllen", Value::Unsigned(header.control_len));
    walk.put("msg_flags", Value::Flags(&sets::MSG, u64::from(header.flags)));
    walk.close();
}

/// Several messages: at exit of a call that receives, as many as its result says.
pub(super) fn mmsghdr(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    let (word, size) = (walk.abi().word(), header_size(walk.abi()));
    let received = walk.call.row.name.starts_with("recv");
    let count = match walk.success() {
        Some(done) => count.min(u64::try_from(done).unwrap_or(0)),
        None => count,
    };
    let stride = (size + 4).next_multiple_of(word);
    let mut at = 0;
    walk_items(walk, name, address, count, stride, |walk, item| {
        let room = if received { room(walk, address, at) } else { None };
        at += stride;
        let len = walk.u32_at(&item, size).unwrap_or(0);
        let buffers = match (received, walk.at_exit()) {
            (true, false) => Buffers::Addresses,
            (true, true) => Buffers::Filled(usize::try_from(len).unwrap_or(0)),
            (false, _) => Buffers::All,
        };
        walk.open_struct("");
        put_message(walk, "msg_hdr", &item, buffers, room);
        if walk.at_exit() {
            walk.put("msg_len", Value::Unsigned(u64::from(len)));
        }
        walk.close();
    });
}

/// The control messages in `len` bytes at `address` (cmsg(3): each starts at a multiple of the word size).
fn put_controls(walk: &mut Walk<'_>, address: u64, len: u64) {
    let word = walk.abi().word();
    let head = word + 8;
    let take = usize::try_from(len).unwrap_or(usize::MAX).min(MAX_STRUCTS / 2);
    let seen = walk.read(address, take);
    if seen.len() < head {
        return walk.put("msg_control", Value::Address(address));
    }
    walk.open_list("msg_control");
    let mut at = 0;
    for _ in 0..MAX_ITEMS {
        let Some(size) = walk.word_at(&seen, at) else { break };
        let (Some(level), Some(kind)) = (walk.u32_at(&seen, at + word), walk.u32_at(&seen, at + word + 4)) else {
            break;
        };
        let whole = usize::try_from(size).unwrap_or(usize::MAX);
        walk.open_struct("");
        walk.put("cmsg_len", Value::Unsigned(size));
        walk.put("cmsg_level", Value::Constant(&sets::SOCKET_LEVEL, u64::from(level)));
        match types(level) {
            Some(types) => walk.put("cmsg_type", Value::Constant(types, u64::from(kind))),
            None => walk.put("cmsg_type", Value::Hex(u64::from(kind))),
        }
        let data = seen.part(at + head, whole.saturating_sub(head));
        if !data.is_empty() {
            put_control(walk, level, kind, &data);
        }
        walk.close();
        let next = at.checked_add(whole.max(head)).and_then(|end| end.checked_next_multiple_of(word));
        let Some(next) = next.filter(|next| *next < seen.len()) else { break };
        // No message can begin where no header has room, nor after one that is shorter than its own.
        if whole < head || seen.len() - next < head {
            walk.put("", Value::Unreadable(address.wrapping_add(next as u64)));
            break;
        }
        at = next;
    }
    if (take as u64) < len {
        walk.mark_more();
    }
    walk.close();
}

const SOL_IP: u32 = 0;
const SOL_SOCKET: u32 = 1;
/// The first of the messages that say when (asm-generic/socket.h).
const SO_TIMESTAMP_OLD: u32 = 29;
const SOL_IPV6: u32 = 41;

/// The names of a level's types.
fn types(level: u32) -> Option<&'static Set> {
    match level {
        SOL_SOCKET => Some(&sets::SCM),
        SOL_IP => Some(&sets::CMSG_IP),
        SOL_IPV6 => Some(&sets::SOCKOPT_IPV6),
        _ => None,
    }
}

/// What a control message carries.
#[derive(Clone, Copy)]
enum Carried {
    /// File descriptors.
    Descriptors,
    /// Text or other bytes.
    Text,
    /// Bytes, each in base 16.
    Octets,
    /// One structure.
    One(&'static Struct),
    /// So many structures.
    Several(&'static Struct, usize),
    /// A socket's address.
    Address,
    /// An error and the address that it is from.
    Error,
}

/// By level and type: unix(7), socket(7), ip(7), ipv6(7), asm-generic/socket.h.
static CONTROLS: [(u32, u32, Carried); 24] = [
    (SOL_SOCKET, 1, Carried::Descriptors),
    (SOL_SOCKET, 2, Carried::One(&structs::UCRED)),
    (SOL_SOCKET, 3, Carried::Text),
    // SCM_PIDFD
    (SOL_SOCKET, 4, Carried::Descriptors),
    (SOL_SOCKET, 29, Carried::One(&structs::TIMEVAL)),
    (SOL_SOCKET, 35, Carried::One(&structs::TIMESPEC)),
    (SOL_SOCKET, 37, Carried::Several(&structs::TIMESPEC, 3)),
    (SOL_SOCKET, 63, Carried::One(&structs::TIMEVAL64)),
    (SOL_SOCKET, 64, Carried::One(&structs::TIMESPEC64)),
    (SOL_SOCKET, 65, Carried::Several(&structs::TIMESPEC64, 3)),
    (SOL_IP, 1, Carried::Octets),
    (SOL_IP, 2, Carried::One(&structs::UINT)),
    (SOL_IP, 6, Carried::Octets),
    (SOL_IP, 7, Carried::Octets),
    (SOL_IP, 8, Carried::One(&structs::IN_PKTINFO)),
    (SOL_IP, 11, Carried::Error),
    (SOL_IP, 3, Carried::Text),
    (SOL_IP, 20, Carried::Address),
    (SOL_IP, 23, Carried::One(&structs::UINT)),
    // IPV6_RECVERR, IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS, IPV6_ORIGDSTADDR (ipv6(7), linux/in6.h)
    (SOL_IPV6, 25, Carried::Error),
    (SOL_IPV6, 50, Carried::One(&structs::IN6_PKTINFO)),
    (SOL_IPV6, 52, Carried::One(&structs::INT)),
    (SOL_IPV6, 67, Carried::One(&structs::INT)),
    (SOL_IPV6, 74, Carried::Address),
];

fn put_control(walk: &mut Walk<'_>, level: u32, kind: u32, data: &Seen) {
    const NAME: &str = "cmsg_data";
    let known = CONTROLS.iter().find(|(of, number, _)| (*of, *number) == (level, kind)).map(|(_, _, carried)| *carried);
    let least = match known {
        Some(Carried::Descriptors) => 4,
        Some(Carried::One(layout)) => layout.size(walk.abi()),
        Some(Carried::Several(layout, count)) => layout.size(walk.abi()) * count,
        Some(Carried::Address) => 16,
        Some(Carried::Error) => structs::SOCK_EXTENDED_ERR.size(walk.abi()) + 16,
        Some(Carried::Text | Carried::Octets) | None => 0,
    };
    if data.len() < least {
        // Of those that are too short strace tells only moments to be so.
        let moment = level == SOL_SOCKET && kind >= SO_TIMESTAMP_OLD;
        return if moment { walk.put_words(NAME, format_args!("???")) } else { put_idle(walk, data) };
    }
    match known {
        Some(Carried::Descriptors) => put_each(walk, data, 4, |walk, item| {
            let number = walk.u32_at(item, 0).unwrap_or(0);
            walk.put("", Value::Fd(number.cast_signed()));
        }),
        Some(Carried::Octets) => put_each(walk, data, 1, |walk, item| {
            let byte = walk.number(item, 0, 1).unwrap_or(0);
            walk.put("", Value::Hex(byte));
        }),
        Some(Carried::One(layout)) => put_seen(walk, NAME, layout, &data.part(0, least)),
        Some(Carried::Several(layout, _)) => {
            let size = layout.size(walk.abi());
            put_each(walk, &data.part(0, least), size, |walk, item| put_seen(walk, "", layout, item));
        }
        Some(Carried::Address) => put_address(walk, NAME, data),
        Some(Carried::Error) => {
            let size = structs::SOCK_EXTENDED_ERR.size(walk.abi());
            walk.open_struct(NAME);
            put_fields(walk, &structs::SOCK_EXTENDED_ERR, &data.part(0, size));
            put_address(walk, "offender", &data.part(size, data.len() - size));
            walk.close();
        }
        Some(Carried::Text) => walk.put(NAME, Value::Bytes(*data)),
        None => put_idle(walk, data),
    }
}

/// The data of a control message that no line of the table describes: strace shows none of it.
fn put_idle(walk: &mut Walk<'_>, data: &Seen) {
    walk.show_next(Show::Idle);
    walk.put("cmsg_data", Value::Bytes(*data));
}

/// A list of what lies in `data`, `size` bytes each.
fn put_each(walk: &mut Walk<'_>, data: &Seen, size: usize, mut one: impl FnMut(&mut Walk<'_>, &Seen)) {
    let count = data.len() / size;
    walk.open_list("cmsg_data");
    for at in 0..count.min(MAX_ITEMS) {
        one(walk, &data.part(at * size, size));
    }
    if count > MAX_ITEMS {
        walk.mark_more();
    }
    walk.close();
}
