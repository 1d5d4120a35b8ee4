//! The blocks of a .scap file, format 1.2: those before the events, which say where and among whom they happened, and
//! the one around each event.
//!
//! A block is `u32 type, u32 length of all, body, padding to 4, u32 length of all`.

use super::life::Subject;
use super::param::put;
use crate::model::Pid;
use crate::sys::host::{Host, Interface};

const SECTION: u32 = 0x0a0d_0d0a;

/// What a file begins with.
pub const BEGINNING: [u8; 4] = SECTION.to_le_bytes();
const MACHINE: u32 = 0x201;
const PROCESSES: u32 = 0x215;
const EVENT: u32 = 0x216;
const FILES: u32 = 0x218;
const INTERFACES: u32 = 0x219;
const USERS: u32 = 0x220;

/// The most bytes of a text in a list: its length has 16 bits.
const MAX_TEXT: usize = 16 * 1024;

/// The most bytes of the body of a list. Readers take a list block whole.
const MAX_LIST: usize = 16 << 20;

fn block(sort: u32, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&sort.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    body(out);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    let len = u32::try_from(out.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(at) = out.get_mut(start + 4..start + 8) {
        at.copy_from_slice(&len);
    }
    out.extend_from_slice(&len);
}

/// Text with its length in front.
fn text(text: &[u8], out: &mut Vec<u8>) {
    let text = text.get(..MAX_TEXT).unwrap_or(text);
    put(u64::try_from(text.len()).unwrap_or(0), 2, out);
    out.extend_from_slice(text);
}

/// An entry of a list, with the length of all of it in front.
fn entry(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out);
    let len = u32::try_from(out.len() - start).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(at) = out.get_mut(start..start + 4) {
        at.copy_from_slice(&len);
    }
}

/// The first block: byte order, version, and that the length of the section is not known.
pub(super) fn section(out: &mut Vec<u8>) {
    block(SECTION, out, |out| {
        put(0x1a2b_3c4d, 4, out);
        put(1, 2, out);
        put(2, 2, out);
        put(u64::MAX, 8, out);
    });
}

/// The machine.
pub(super) fn machine(host: &Host, out: &mut Vec<u8>) {
    block(MACHINE, out, |out| {
        put(u64::from(host.cpus), 4, out);
        put(host.memory, 8, out);
        put(host.max_pid, 8, out);
        let name = host.name.as_bytes();
        let mut field = [0; 128];
        for (to, from) in field.iter_mut().take(127).zip(name) {
            *to = *from;
        }
        out.extend_from_slice(&field);
        put(host.boot, 8, out);
        out.extend_from_slice(&[0; 24]);
    });
}

/// The interfaces. A reader tells the local end of a connection by them.
pub(super) fn interfaces(host: &Host, out: &mut Vec<u8>) {
    block(INTERFACES, out, |out| {
        for Interface { name, address, mask, broadcast } in &host.interfaces {
            let sort = if address.len() == 4 { 1 } else { 2 };
            let len = 4 + 3 * address.len() + 8 + name.len();
            put(u64::try_from(len).unwrap_or(0), 4, out);
            put(sort, 2, out);
            put(u64::try_from(name.len()).unwrap_or(0), 2, out);
            for part in [address, mask, broadcast] {
                out.extend_from_slice(part);
            }
            put(0, 8, out);
            out.extend_from_slice(name.as_bytes());
        }
    });
}

/// The users and groups.
pub(super) fn users(host: &Host, out: &mut Vec<u8>) {
    block(USERS, out, |out| {
        for fields in names(&host.passwd, 7) {
            let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { continue };
            let (Some(uid), Some(gid)) = (id(uid), id(gid)) else { continue };
            entry(out, |out| {
                put(0, 1, out);
                put(uid, 4, out);
                put(gid, 4, out);
                for part in [name, home, shell] {
                    text(part, out);
                }
            });
        }
        for fields in names(&host.group, 4) {
            let [name, _, gid, _] = fields.as_slice() else { continue };
            let Some(gid) = id(gid) else { continue };
            entry(out, |out| {
                put(1, 1, out);
                put(gid, 4, out);
                text(name, out);
            });
        }
    });
}

/// The lines of passwd(5) or group(5) that have `fields` fields.
fn names(text: &[u8], fields: usize) -> impl Iterator<Item = Vec<&[u8]>> {
    let lines = text.split(|byte| *byte == b'\n');
    lines.map(|line| line.split(|byte| *byte == b':').collect::<Vec<_>>()).filter(move |line| line.len() == fields)
}

fn id(text: &[u8]) -> Option<u64> {
    let id: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(u64::from(id))
}

/// The processes that exist when the first event happens.
pub(super) fn processes<'a>(list: impl Iterator<Item = (Pid, Pid, Subject<'a>)>, out: &mut Vec<u8>) {
    let start = out.len();
    block(PROCESSES, out, |out| {
        for (pid, tid, subject) in list {
            if out.len() - start > MAX_LIST {
                break;
            }
            entry(out, |out| process(pid, tid, &subject, out));
        }
    });
}

fn process(pid: Pid, tid: Pid, subject: &Subject<'_>, out: &mut Vec<u8>) {
    let number = |pid: Pid| u64::from(pid.cast_unsigned());
    for id in [tid, pid, subject.ppid(), 0, 0] {
        put(number(id), 8, out);
    }
    let mut args = Vec::new();
    subject.put_args(&mut args);
    let mut cwd = subject.cwd().to_vec();
    if !cwd.ends_with(b"/") {
        cwd.push(b'/');
    }
    for part in [subject.comm(), subject.first_word(), subject.program(), &args, &cwd] {
        text(part, out);
    }
    // The limit of descriptors; flags, of which only "is a thread" is known.
    put(0, 8, out);
    put(if tid == pid { 0 } else { super::flags::clone(super::flags::PTHREAD) }, 4, out);
    put(u64::from(subject.uid()), 4, out);
    put(u64::from(subject.gid()), 4, out);
    // Memory sizes; page faults.
    out.extend_from_slice(&[0; 12 + 16]);
    // Environment.
    text(b"", out);
    put(number(tid), 8, out);
    put(number(pid), 8, out);
    // Control groups; root.
    text(b"", out);
    text(b"/", out);
    // The start of its namespace; terminal; login user (none); the program can be written.
    put(0, 8, out);
    put(0, 4, out);
    put(u64::from(u32::MAX), 4, out);
    put(0, 1, out);
    // Capabilities; upper layer; inode of the program and its times; in memory only; lower layer; process group.
    out.extend_from_slice(&[0; 24 + 1 + 24 + 1 + 1 + 8]);
}

/// The open files of a thread: number and what its link in /proc says.
pub(super) fn files(tid: Pid, list: &[(u64, Vec<u8>)], out: &mut Vec<u8>) {
    const FIFO: u64 = 7;
    const FILE: u64 = 16;
    block(FILES, out, |out| {
        put(u64::from(tid.cast_unsigned()), 8, out);
        for (number, link) in list {
            let inode = link.strip_prefix(b"pipe:[").and_then(|rest| rest.strip_suffix(b"]")).and_then(id);
            if inode.is_none() && !link.starts_with(b"/") {
                continue;
            }
            entry(out, |out| {
                put(*number, 8, out);
                put(inode.unwrap_or(0), 8, out);
                put(if inode.is_some() { FIFO } else { FILE }, 1, out);
                if inode.is_none() {
                    put(0, 4, out);
                }
                text(link, out);
                if inode.is_none() {
                    put(0, 4, out);
                }
            });
        }
    });
}

/// An event; all happen on CPU 0, as smtrace does not ask.
pub(super) fn event(bytes: &[u8], out: &mut Vec<u8>) {
    block(EVENT, out, |out| {
        put(0, 2, out);
        out.extend_from_slice(bytes);
    });
}
