//! What waits in a stopped tracee's io_uring: what it submits, which no system call names, and what has come back.
//!
//! The kernel tells of a ring in /proc/PID/fdinfo/FD (io_uring/fdinfo.c), all but the submissions' lengths; those lie in
//! the ring's memory, which is mapped here for a moment by a descriptor of our own (io_uring(7), IORING_OFF_SQES).

use super::procfs;
use super::socket::copy_of;
use crate::model::Pid;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;

/// What /proc calls a descriptor of a ring.
pub const NAME: &str = "anon_inode:[io_uring]";

/// Most submissions of one call that are looked at.
pub const MOST_SUBMISSIONS: usize = 64;

/// Most completions that are looked at when a call returns.
pub const MOST_COMPLETIONS: usize = 128;

/// Bytes of a `struct io_uring_sqe` (linux/io_uring.h).
pub const SUBMISSION: usize = 64;

/// Most bytes of an fdinfo that are read: what is told of the ring, of the submissions and of the completions.
const MOST_TOLD: usize = 64 * 1024;

/// A completion, as `struct io_uring_cqe` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the submission was marked with.
    pub user_data: u64,
    /// Its result, `-errno` on failure.
    pub result: i32,
    /// IORING_CQE_F_*.
    pub flags: u32,
}

/// What the kernel tells of a ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// How many submissions wait.
    pub waiting: u32,
    /// Where the first [`MOST_SUBMISSIONS`] of them lie in the ring's array.
    pub places: Vec<u32>,
    /// The entries of the array have twice the size (IORING_SETUP_SQE128).
    pub wide: bool,
    /// A thread of the kernel takes submissions without a call (IORING_SETUP_SQPOLL).
    pub polled: bool,
    /// How many completions were not taken yet.
    pub ready: u32,
    /// The first [`MOST_COMPLETIONS`] of them.
    pub completions: Vec<Completion>,
    mask: u32,
}

/// A ring of a tracee, by a descriptor of our own.
#[derive(Debug)]
pub struct Ring(OwnedFd);

impl Ring {
    /// The ring that descriptor `fd` of process `pid` is; `None` for anything else, and where the kernel does not let us (before
    /// Linux 5.6, or forbidden).
    #[must_use]
    pub fn of(pid: Pid, fd: RawFd) -> Option<Ring> {
        let ring = copy_of(pid, fd)?;
        // Only a ring is mapped: another thread may have put a file there meanwhile. A file's name begins with a slash.
        let link = std::fs::read_link(format!("/proc/self/fd/{}", ring.as_raw_fd())).ok()?;
        (link.as_os_str() == NAME).then_some(Ring(ring))
    }

    /// What the kernel tells of it; `None` where it tells nothing (before Linux 5.13, or while another thread holds the ring's
    /// lock).
    #[must_use]
    pub fn told(&self) -> Option<Told> {
        /// The lock is held while a thread submits or takes completions; the kernel only tries it.
        const TRIES: usize = 8;
        let path = format!("/proc/self/fdinfo/{}", self.0.as_raw_fd());
        (0..TRIES).find_map(|_| parse(&procfs::read_most(&path, MOST_TOLD).ok()?))
    }

    /// Copies the submissions that `told` speaks of to `to`, as many as there is room for; how many, `None` when the ring's
    /// memory is the program's own (IORING_SETUP_NO_MMAP).
    #[must_use]
    pub fn submissions(&self, told: &Told, to: &mut [u8]) -> Option<usize> {
        const SQES: libc::off_t = 0x1000_0000;
        let step = if told.wide { 2 * SUBMISSION } else { SUBMISSION };
        let size = (told.mask as usize + 1) * step;
        // SAFETY: a new mapping at a place of the kernel's choice, read only.
        let map = unsafe { libc::mmap(null_mut(), size, libc::PROT_READ, libc::MAP_SHARED, self.0.as_raw_fd(), SQES) };
        if map == libc::MAP_FAILED {
            return None;
        }
        let mut count = 0;
        for (place, to) in told.places.iter().zip(to.chunks_exact_mut(SUBMISSION)) {
            let start = (place & told.mask) as usize * step;
            for (at, word) in to.chunks_exact_mut(8).enumerate() {
                // SAFETY: `start` is one of `mask + 1` entries of `step` bytes, at a multiple of 8 in the mapping, whose pages
                // the kernel has put in place at once. The tracee may write to them now: each word is read once.
                let read = unsafe { map.cast::<u64>().byte_add(start + at * 8).read_volatile() };
                word.copy_from_slice(&read.to_ne_bytes());
            }
            count += 1;
        }
        // SAFETY: it is what was mapped above, and nothing refers to it any more.
        unsafe { libc::munmap(map, size) };
        Some(count)
    }
}

/// Reads an fdinfo. The kernel's words changed over time; these are there since Linux 5.13.
fn parse(text: &[u8]) -> Option<Told> {
    let mut told = Told::default();
    let (mut head, mut tail, mut mask) = (None, None, None);
    let mut rows = Rows::None;
    for line in text.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let number = value.trim();
        let hex = |digits: &str| u32::from_str_radix(digits.trim_start_matches("0x"), 16).ok();
        match name {
            "SqMask" => mask = hex(number),
            "SqTail" => tail = number.parse::<u32>().ok(),
            "CachedSqHead" => head = number.parse::<u32>().ok(),
            "SqThread" => told.polled = !number.starts_with('-'),
            "SQEs" => rows = Rows::Submissions,
            "CQEs" => {
                rows = Rows::Completions;
                told.ready = number.parse().ok()?;
            }
            _ if !name.starts_with(' ') => rows = Rows::None,
            place => match rows {
                Rows::Submissions if told.places.len() < MOST_SUBMISSIONS => {
                    told.places.push(place.trim().parse().ok()?);
                    told.wide |= value.contains("e0:0x");
                }
                Rows::Completions if told.completions.len() < MOST_COMPLETIONS => {
                    told.completions.extend(completion(value));
                }
                _ => {}
            },
        }
    }
    told.mask = mask.filter(|mask| mask.wrapping_add(1).is_power_of_two() && *mask < 1 << 16)?;
    let head: u32 = head?;
    told.waiting = tail?.wrapping_sub(head).min(told.mask + 1);
    // A ring without an array (IORING_SETUP_NO_SQARRAY) takes its entries in order, and the kernel lists none.
    if told.places.is_empty() {
        let waiting = told.waiting.min(u32::try_from(MOST_SUBMISSIONS).unwrap_or(0));
        told.places = (0..waiting).map(|at| head.wrapping_add(at) & told.mask).collect();
    }
    Some(told)
}

/// Which list the rows of an fdinfo belong to.
#[derive(Clone, Copy)]
enum Rows {
    None,
    Submissions,
    Completions,
}

/// `user_data:119, res:4, flag:0`, the flags in base 16.
fn completion(row: &str) -> Option<Completion> {
    let field = |name: &str| row.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix(':'));
    Some(Completion {
        user_data: field("user_data")?.parse().ok()?,
        result: field("res")?.parse().ok()?,
        flags: u32::from_str_radix(field("flag")?.split_whitespace().next()?, 16).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Completion, MOST_SUBMISSIONS, Ring, parse};

    const TOLD: &str = "pos:\t0\nflags:\t02000002\nSqMask:\t0x7\nSqHead:\t0\nSqTail:\t3\nCachedSqHead:\t1\nCqMask:\t0xf\nCqHead:\t\
        0\nCqTail:\t2\nCachedCqTail:\t2\nSQEs:\t2\n    5: opcode:OPENAT, fd:-100, flags:0, off:0, addr:0x5628, rw_flags:0x0, \
        buf_index:0 user_data:119\n    1: opcode:NOP, fd:0, flags:0, off:0, addr:0x0, rw_flags:0x0, buf_index:0 \
        user_data:120\nCQEs:\t2\n    0: user_data:119, res:-2, flag:0\n    1: user_data:18446744073709551615, res:7, \
        flag:1a, extra1:0, extra2:0\nSqThread:\t-1\nSqThreadCpu:\t-1\nUserFiles:\t0\n    3: /tmp/x\n";

    #[test]
    fn the_kernels_words_are_read() {
        let told = parse(TOLD.as_bytes()).unwrap();
        assert_eq!(
            (told.waiting, &told.places[..], told.polled, told.wide, told.ready),
            (2, &[5, 1][..], false, false, 2)
        );
        let want = [
            Completion { user_data: 119, result: -2, flags: 0 },
            Completion { user_data: u64::MAX, result: 7, flags: 0x1a },
        ];
        assert_eq!(told.completions, want);
        let polled = parse(TOLD.replace("SqThread:\t-1", "SqThread:\t2418").as_bytes()).unwrap();
        assert!(polled.polled);
        let wide = parse(TOLD.replace("user_data:119\n", "user_data:119, e0:0x0, e1:0x0\n").as_bytes()).unwrap();
        assert!(wide.wide);
        // Without an array no row is listed, and places are those from the head on.
        let rows: Vec<&str> = TOLD.lines().filter(|line| !line.contains("opcode:")).collect();
        assert_eq!(parse(rows.join("\n").as_bytes()).unwrap().places, [1, 2]);
    }

    #[test]
    fn what_is_no_ring_or_too_much_is_bounded() {
        assert_eq!(parse(b"pos:\t0\nflags:\t02\nSqHead:\t0\n"), None);
        assert_eq!(parse(TOLD.replace("0x7", "0xffffffff").as_bytes()), None);
        assert_eq!(parse(TOLD.replace("0x7", "0x6").as_bytes()), None);
        let row = "    1: opcode:NOP, fd:0\n";
        let long = parse(TOLD.replace(row.trim_end(), &row.repeat(500)).as_bytes());
        assert!(long.is_none_or(|told| told.places.len() <= MOST_SUBMISSIONS));
        for cut in 0..TOLD.len() {
            let _ = parse(&TOLD.as_bytes()[..cut]);
        }
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(Ring::of(own, 0).is_none() && Ring::of(own, -1).is_none());
    }
}
