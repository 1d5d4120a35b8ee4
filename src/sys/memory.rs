//! Reads a stopped tracee's memory.
//!
//! `pread` on /proc/PID/mem comes first: it does not hang on a userfaultfd page, reads PROT_NONE pages, and with the
//! file kept open costs 0.7 us against 1.1 us of process_vm_readv. Then process_vm_readv, then PTRACE_PEEKDATA.

//!
//! A page of a file on FUSE is served by a process, perhaps by a stopped tracee, and a read of it can wait for ever, deaf
//! to signals. Where such a file system is mounted, a page that is not resident and belongs to one is never touched.

use super::kept::Kept;
use super::ptrace;
use crate::model::Pid;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;

/// The page size assumed for splitting reads; larger real pages only make reads smaller than they could be.
const PAGE: u64 = 4096;

/// Reads of tracee memory, with a few files kept open.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Kept,
    /// Whether a FUSE file system was seen, so that pages have to be looked at before they are read.
    careful: bool,
    held: Held,
}

/// The end of a page that was read for one text, for others that lie there.
#[derive(Debug, Default)]
struct Held {
    tid: Pid,
    address: u64,
    bytes: Vec<u8>,
}

impl Memory {
    /// Forgets the file of `tid`: after an exec it would still show the old image ("mem" holds the mm it was opened on).
    pub fn forget(&mut self, tid: Pid) {
        self.kept.forget(tid);
    }

    /// Reads up to `to.len()` bytes at `address`; stops before the first unreadable page. Returns how many were read.
    pub fn read(&mut self, tid: Pid, address: u64, to: &mut [u8]) -> usize {
        self.read_until(tid, address, to, |_| false)
    }

    /// As [`Memory::read`], page by page, until `enough` says so of the bytes last read.
    ///
    /// By page, so that a string at the end of a mapping is read whole, and a short one costs one small read.
    pub fn read_until(&mut self, tid: Pid, address: u64, to: &mut [u8], enough: impl Fn(&[u8]) -> bool) -> usize {
        self.by_page(tid, address, to, enough, Memory::read_part)
    }

    /// As [`Memory::read_until`], for one of many texts that lie close to each other, as the kernel lays out arguments and
    /// variables: a page is read to its end, and the texts that follow are taken from that. What was read is good until
    /// [`Memory::forget_texts`], which has to come before the first text of each stop.
    pub fn read_near(&mut self, tid: Pid, address: u64, to: &mut [u8], enough: impl Fn(&[u8]) -> bool) -> usize {
        self.by_page(tid, address, to, enough, Memory::read_held)
    }

    /// Ends what [`Memory::read_near`] remembers: the tracee ran since.
    pub fn forget_texts(&mut self) {
        self.held.bytes.clear();
    }

    fn read_held(&mut self, tid: Pid, address: u64, to: &mut [u8]) -> usize {
        let offset = |held: &Held| usize::try_from(address.checked_sub(held.address)?).ok();
        let known = offset(&self.held).filter(|at| self.held.tid == tid && *at < self.held.bytes.len());
        if known.is_none() {
            let mut bytes = std::mem::take(&mut self.held.bytes);
            bytes.resize(usize::try_from(PAGE - address % PAGE).unwrap_or(1), 0);
            let got = self.read_part(tid, address, &mut bytes);
            bytes.truncate(got);
            self.held = Held { tid, address, bytes };
        }
        let rest = self.held.bytes.get(known.unwrap_or(0)..).unwrap_or(&[]);
        let n = rest.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        n
    }

    fn by_page(
        &mut self,
        tid: Pid,
        address: u64,
        to: &mut [u8],
        enough: impl Fn(&[u8]) -> bool,
        read: impl Fn(&mut Memory, Pid, u64, &mut [u8]) -> usize,
    ) -> usize {
        let mut got = 0;
        while got < to.len() {
            let Some(at) = address.checked_add(got as u64) else { break };
            let in_page = usize::try_from(PAGE - at % PAGE).unwrap_or(1);
            let end = to.len().min(got + in_page);
            let Some(part) = to.get_mut(got..end) else { break };
            let n = read(self, tid, at, part);
            let done = part.get(..n).is_none_or(&enough) || n < part.len();
            got += n;
            if done {
                break;
            }
        }
        got
    }

    /// Looks for FUSE file systems among the mounts of `process` ("self", or a tid) and is careful from now on if there
    /// is one.
    pub fn look_for_fuse(&mut self, process: &str) {
        self.careful = self.careful || count_fuse(process) > 0;
    }

    /// Is careful from now on.
    pub fn be_careful(&mut self) {
        self.careful = true;
    }

    fn read_part(&mut self, tid: Pid, address: u64, to: &mut [u8]) -> usize {
        // Offsets above i64::MAX are kernel addresses: pread refuses them, and nothing there is readable.
        if i64::try_from(address).is_err() || (self.careful && may_hang(tid, address)) {
            return 0;
        }
        match self.kept.get(tid, || File::open(format!("/proc/{tid}/mem"))) {
            Some(file) => file.read_at(to, address).unwrap_or(0),
            None => match vm_read(tid, address, to) {
                0 => peek_words(tid, address, to),
                n => n,
            },
        }
    }

    /// Writes `bytes` at `address`, through protections as a debugger does. Returns whether all were written.
    pub fn write(&mut self, tid: Pid, address: u64, bytes: &[u8]) -> bool {
        let Ok(file) = OpenOptions::new().write(true).open(format!("/proc/{tid}/mem")) else { return false };
        i64::try_from(address).is_ok() && file.write_at(bytes, address).is_ok_and(|n| n == bytes.len())
    }
}

/// The devices ("major:minor") of the file systems that `process` sees, and whether each is FUSE (proc_pid_mountinfo(5)).
fn devices(process: &str) -> Vec<(String, bool)> {
    let Ok(file) = File::open(format!("/proc/{process}/mountinfo")) else { return Vec::new() };
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    lines
        .filter_map(|line| {
            let (mount, system) = line.split_once(" - ")?;
            let kind = system.split(' ').next()?;
            // fuse, fuseblk, fuse.sshfs; fusectl is an ordinary one.
            let fuse = kind == "fuse" || kind == "fuseblk" || kind.starts_with("fuse.");
            Some((mount.split(' ').nth(2)?.to_owned(), fuse))
        })
        .collect()
}

/// How many FUSE file systems `process` ("self", or a tid) sees.
#[must_use]
pub fn count_fuse(process: &str) -> usize {
    devices(process).iter().filter(|(_, fuse)| *fuse).count()
}

/// Whether the page at `address` is not resident and belongs to a file on FUSE, or on a file system that no mount in sight
/// shows: one that is not attached (fsmount(2)) may be FUSE. Memory without a file has the device 0:0.
fn may_hang(tid: Pid, address: u64) -> bool {
    // proc_pid_pagemap(5): bit 63 is set when the page is in RAM.
    let mut entry = [0; 8];
    let resident = File::open(format!("/proc/{tid}/pagemap"))
        .and_then(|file| file.read_exact_at(&mut entry, address / PAGE * 8))
        .is_ok_and(|()| u64::from_le_bytes(entry) >> 63 == 1);
    if resident {
        return false;
    }
    let Ok(maps) = File::open(format!("/proc/{tid}/maps")) else { return true };
    let device = BufReader::new(maps).lines().map_while(Result::ok).find_map(|line| device_at(&line, address));
    let Some(device) = device.filter(|device| device != "0:0") else { return false };
    devices(&tid.to_string()).iter().find(|(seen, _)| *seen == device).is_none_or(|(_, fuse)| *fuse)
}

/// The device of a line of /proc/PID/maps if it covers `address`, as mountinfo writes it: decimal, without zeros.
fn device_at(line: &str, address: u64) -> Option<String> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    if !(hex(start)?..hex(end)?).contains(&address) {
        return None;
    }
    let (major, minor) = fields.nth(2)?.split_once(':')?;
    Some(format!("{}:{}", hex(major)?, hex(minor)?))
}

fn vm_read(tid: Pid, address: u64, to: &mut [u8]) -> usize {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: to.len() };
    // SAFETY: `local` describes `to`, which is writable for its length; `remote` is only looked at in the tracee.
    let got = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(got).unwrap_or(0)
}

fn peek_words(tid: Pid, address: u64, to: &mut [u8]) -> usize {
    let mut got = 0;
    for chunk in to.chunks_mut(8) {
        let Ok(word) = ptrace::peek(tid, address + got as u64) else { break };
        chunk.copy_from_slice(&word[..chunk.len()]);
        got += chunk.len();
    }
    got
}

#[cfg(test)]
mod tests {
    use super::{Memory, PAGE, device_at};

    #[test]
    fn a_mapping_names_its_device_as_mountinfo_does() {
        let line = "7f00-8f00 r--p 00000000 00:3a 42   /mnt/x";
        assert_eq!(device_at(line, 0x7f10).as_deref(), Some("0:58"));
        assert_eq!(device_at(line, 0x8f00), None);
        assert_eq!(device_at("", 0), None);
    }

    #[test]
    fn a_read_of_our_own_memory_stops_when_enough() {
        let me = i32::try_from(std::process::id()).unwrap();
        let text = b"hello\0world".to_vec();
        let mut to = [0; 11];
        let mut memory = Memory::default();
        assert_eq!(memory.read(me, text.as_ptr() as u64, &mut to), 11);
        assert_eq!(&to, &text[..]);
        memory.forget(me);
        assert_eq!(memory.read(me, 0, &mut to), 0);
        assert_eq!(memory.read(me, u64::MAX - 3, &mut to), 0);
    }

    #[test]
    fn texts_that_lie_close_are_read_once_a_stop() {
        let me = i32::try_from(std::process::id()).unwrap();
        // Two pages, the texts across their border.
        let size = 2 * usize::try_from(PAGE).unwrap();
        let mut pages = vec![b'.'; 2 * size];
        let start = size - pages.as_ptr() as usize % usize::try_from(PAGE).unwrap() - 8;
        pages[start..start + 16].copy_from_slice(b"one\0twothree\0end");
        let at = |offset: usize| (pages.as_ptr() as usize + start + offset) as u64;
        let mut memory = Memory::default();
        let near = |memory: &mut Memory, offset: usize| {
            let mut to = [0; 9];
            let got = memory.read_near(me, at(offset), &mut to, |part| part.contains(&0));
            to[..got].split(|byte| *byte == 0).next().unwrap().to_vec()
        };
        memory.forget_texts();
        assert_eq!(
            [near(&mut memory, 0), near(&mut memory, 4), near(&mut memory, 7)],
            [&b"one"[..], b"twothree", b"three"]
        );
        assert_eq!(memory.read_near(me, 1, &mut [0; 4], |_| false), 0, "an unreadable page");
        assert_eq!(near(&mut memory, 0), b"one");
        // What is there now is seen at the next stop.
        assert!(memory.write(me, at(0), b"new"));
        assert_eq!(near(&mut memory, 0), b"one");
        memory.forget_texts();
        assert_eq!(near(&mut memory, 0), b"new");
    }
}
