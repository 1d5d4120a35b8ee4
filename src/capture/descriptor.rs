//! What a descriptor of a stopped task refers to, beyond the name in /proc: asked of the kernel through the task's own
//! descriptor, so that network namespaces make no difference.

use super::proc::capture_link;
use crate::engine::Task;
use crate::model::record::{Detail, Ends, MAX_DETAIL, Role, State, Writer};
use crate::sys::socket::{self, Shared};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// Adds the name of what descriptor `number` refers to as `role`, and with `detail` what the name does not say.
pub(super) fn capture_descriptor(writer: &mut Writer<'_>, role: Role, task: Task, number: u32, detail: bool) {
    let path = format!("/proc/{}/fd/{number}", task.tid);
    let Some(target) = capture_link(writer, role, u64::from(number), &path).filter(|_| detail) else { return };
    let target = target.as_os_str().as_encoded_bytes();
    let mut bytes = [0; MAX_DETAIL];
    let len = match target {
        b"anon_inode:[pidfd]" | b"pidfd:[" => process(task, number).map(|pid| Detail::Pidfd(pid).write(&mut bytes)),
        _ if target.starts_with(b"socket:[") => ends(task, number, inode(target), &mut bytes),
        _ if target.starts_with(b"/dev/") => device(&path).map(|device| device.write(&mut bytes)),
        _ => None,
    };
    if let Some(detail) = len.and_then(|len| bytes.get(..len)) {
        writer.piece(Role::Detail, 0, u64::from(number), State::Whole, detail);
    }
}

/// The protocol of the netlink socket `number`, which is added; nothing for any other descriptor.
pub(super) fn capture_netlink(writer: &mut Writer<'_>, task: Task, number: u32) -> Option<u32> {
    let mut name = [0; 8];
    let len = socket::protocol_name(task.tid, number, &mut name)?;
    let protocol = name.get(..len).filter(|name| *name == b"NETLINK")?;
    let number_of = Shared::of(task.pid, i32::try_from(number).ok()?)?.protocol()?;
    let mut bytes = [0; MAX_DETAIL];
    let len = Detail::Socket(Ends { protocol, number: number_of, ..Ends::default() }).write(&mut bytes);
    writer.piece(Role::Detail, 0, u64::from(number), State::Whole, bytes.get(..len)?);
    Some(number_of)
}

/// The inode in a name like `socket:[N]`.
fn inode(target: &[u8]) -> u32 {
    let digits = target.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0u32, |inode, digit| inode.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
}

/// Writes the two ends of a socket; how many bytes.
fn ends(task: Task, number: u32, inode: u32, to: &mut [u8; MAX_DETAIL]) -> Option<usize> {
    let mut name = [0; 32];
    let protocol = socket::protocol_name(task.tid, number, &mut name).and_then(|len| name.get(..len))?;
    let own = i32::try_from(number).ok().and_then(|fd| Shared::of(task.pid, fd));
    let local = own.as_ref().and_then(Shared::local).unwrap_or_default();
    let peer = own.as_ref().and_then(Shared::peer).unwrap_or_default();
    let unix = protocol.starts_with(b"UNIX") && !peer.is_empty();
    let peer_inode = if unix { u64::from(socket::unix_peer(inode).unwrap_or(0)) } else { 0 };
    let number = own.as_ref().and_then(Shared::protocol).unwrap_or(0);
    Some(Detail::Socket(Ends { protocol, number, local: &local, peer: &peer, peer_inode }).write(to))
}

/// The process of a pidfd (pidfd_open(2), /proc/PID/fdinfo).
fn process(task: Task, number: u32) -> Option<i32> {
    let info = fs::read_to_string(format!("/proc/{}/fdinfo/{number}", task.tid)).ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

fn device(path: &str) -> Option<Detail<'static>> {
    let data = fs::metadata(path).ok()?;
    let kind = data.file_type();
    let number = data.rdev();
    let (major, minor) = (libc::major(number), libc::minor(number));
    (kind.is_char_device() || kind.is_block_device()).then(|| Detail::Device {
        block: kind.is_block_device(),
        major,
        minor,
    })
}
