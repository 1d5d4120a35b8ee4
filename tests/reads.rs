//! How often a call's capture reads the tracee: once for each pointer of the common shapes.
//!
//! The same walk that capture makes runs over memory that counts. While it captures a walk says nothing, so neither does
//! this one.

#![allow(missing_docs, clippy::unwrap_used)]

use smtrace::decode::tree::{Seen, Store};
use smtrace::decode::walk::{Call, Limits, Source, Walk};
use smtrace::decode::walk_arg;
use smtrace::model::Abi;
use smtrace::model::record::State;
use smtrace::table::{self, Kind, Phase};

/// Memory from `START` on, and how often it was read.
struct Counting {
    bytes: Vec<u8>,
    read: Vec<u8>,
    reads: Vec<(u64, usize)>,
}

const START: u64 = 0x10_0000;

impl Counting {
    fn take(&mut self, address: u64, len: usize) -> Seen {
        self.reads.push((address, len));
        let from = usize::try_from(address.saturating_sub(START)).unwrap().min(self.bytes.len());
        let part = self.bytes[from..].iter().take(len);
        let start = self.read.len();
        self.read.extend(part);
        let got = self.read.len() - start;
        Seen::new(address, if got < len { State::Unreadable } else { State::Whole }, Store::Record, start, got)
    }
}

impl Source for Counting {
    fn read(&mut self, _: u8, address: u64, len: usize) -> Seen {
        self.take(address, len)
    }

    fn read_text(&mut self, _: u8, address: u64, max: usize) -> Seen {
        let seen = self.take(address, max);
        let end = seen.of(&self.read).iter().position(|byte| *byte == 0);
        end.map_or(seen, |end| seen.part(0, end))
    }

    fn read_words(&mut self, _: u8, address: u64, word: usize, max: usize) -> Seen {
        let seen = self.take(address, max);
        let zero = seen.of(&self.read).chunks_exact(word).position(|word| word.iter().all(|byte| *byte == 0));
        zero.map_or(seen, |at| seen.part(0, (at + 1) * word))
    }

    fn before(&mut self, _: u8, address: u64, _: usize) -> Seen {
        Seen::nothing(address)
    }

    fn descriptor(&mut self, _: i32) {}

    fn ring(&mut self) -> Option<Seen> {
        None
    }

    fn netlink(&mut self, _: i32) -> Option<u32> {
        None
    }

    fn bytes(&self, seen: &Seen) -> &[u8] {
        seen.of(&self.read)
    }
}

/// The reads of one stop of a call: its entry, or with a result its return.
fn reads(name: &str, args: &[u64], result: Option<i64>, memory: &[u64]) -> usize {
    let row = table::by_name(name).unwrap();
    let bytes = memory.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut source = Counting { bytes, read: Vec::new(), reads: Vec::new() };
    let call = Call { row, abi: Abi::X86_64, args, stack: 0, result };
    let limits = Limits { str_max: 32, items: 128, env: false };
    let mut walk = Walk::new(&mut source, None, call, limits);
    for (index, arg) in (0..).zip(row.args(Abi::X86_64)) {
        let arg = arg.resolve(args);
        let phase = if result.is_some() { Phase::In } else { Phase::Out };
        let word = arg.kind.is_word() && !matches!(arg.kind, Kind::Union(_));
        if !word && arg.phase != phase {
            walk_arg(&mut walk, index, &arg);
        }
    }
    source.reads.len()
}

/// The call, its words, its result or none at the entry, the memory, and the pointers that lead to something.
type Case<'a> = (&'a str, &'a [u64], Option<i64>, &'a [u64], usize);

#[test]
fn each_pointer_of_a_common_call_is_read_once() {
    const AT_FDCWD: u64 = 0xffff_ff9c;
    /// `/etc`, with its NUL.
    const PATH: u64 = 0x6374_652f;
    let at = |word: u64| START + word * 8;
    let cases: &[Case] = &[
        ("openat", &[AT_FDCWD, at(0), 0, 0], None, &[PATH], 1),
        ("access", &[at(0), 0], None, &[PATH], 1),
        ("renameat2", &[AT_FDCWD, at(0), AT_FDCWD, at(1), 0], None, &[PATH, PATH], 2),
        ("read", &[3, at(0), 16], Some(16), &[1, 2], 1),
        ("write", &[1, at(0), 16], None, &[1, 2], 1),
        ("close", &[3], None, &[], 0),
        ("mmap", &[0, 4096, 3, 34, u64::MAX, 0], None, &[], 0),
        ("newfstatat", &[AT_FDCWD, at(0), at(1), 0], Some(0), &[PATH; 40], 1),
        ("statx", &[AT_FDCWD, at(0), 0, 0xfff, at(1)], Some(0), &[PATH; 40], 1),
        ("readlink", &[at(0), at(1), 64], Some(4), &[PATH, PATH], 1),
        ("getdents64", &[3, at(0), 1024], Some(24), &[1, 1, 24 << 16], 1),
        ("pipe2", &[at(0), 0], Some(0), &[0], 1),
        ("rt_sigaction", &[2, at(0), at(4), 8], None, &[0; 8], 1),
        ("rt_sigaction", &[2, at(0), at(4), 8], Some(0), &[0; 8], 1),
        ("rt_sigprocmask", &[0, at(0), 0, 8], None, &[0], 1),
        ("nanosleep", &[at(0), 0], None, &[0; 2], 1),
        ("futex", &[at(0), 0, 1, at(1), 0, 0], None, &[0; 3], 1),
        ("wait4", &[u64::MAX, at(0), 0, 0], Some(7), &[0], 1),
        ("poll", &[at(0), 2, 100], None, &[3, 4], 1),
        ("poll", &[at(0), 2, 100], Some(1), &[3, 4], 1),
        ("epoll_wait", &[3, at(0), 8, 0], Some(2), &[0; 3], 1),
        ("connect", &[3, at(0), 16], None, &[2, 0], 1),
        ("clone3", &[at(0), 88], None, &[0; 11], 1),
        ("prlimit64", &[0, 3, at(0), 0], None, &[0; 2], 1),
        ("fcntl", &[3, 5, at(0)], None, &[0; 4], 1),
        ("ioctl", &[1, 0x5401, at(0)], Some(0), &[0; 8], 1),
        // A list and what its items lead to: two texts, two buffers, a message's name and buffer.
        ("execve", &[at(0), at(1), 0], None, &[PATH, at(0), at(0), 0], 4),
        ("writev", &[1, at(0), 2], None, &[at(4), 8, at(4), 8, 1], 3),
        ("readv", &[3, at(0), 2], Some(16), &[at(4), 8, at(4), 8, 1], 3),
        ("sendmsg", &[3, at(0), 0], None, &[at(7), 16, at(9), 1, 0, 0, 0, 2, 0, at(11), 8, 1], 4),
        // Where a length lies in memory it is read for the bytes, too.
        ("getsockname", &[3, at(0), at(2)], Some(0), &[2, 0, 16], 3),
    ];
    for (name, args, result, memory, want) in cases {
        let got = reads(name, args, *result, memory);
        assert_eq!(
            got,
            *want,
            "reads of {name} {}",
            if result.is_some() { "when it returned" } else { "when entered" }
        );
    }
}
