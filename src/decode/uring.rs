//! The entries of an io_uring: each submission is a system call that is made without one, and is decoded as that
//! (io_uring_enter(2), linux/io_uring.h).

use super::args::{scalar, walk_arg};
use super::tree::{Seen, Value};
use super::walk::{Call, Limits, Walk, low32};
use crate::model::Abi;
use crate::model::record::{PIECE_HEADER, State};
use crate::table::sets;
use crate::table::structs;
use crate::table::{self, Kind, Row};
use std::sync::LazyLock;

/// The bit of a ring's word beside the count in its low half: a thread of the kernel takes what is submitted.
pub const POLLED: u64 = 1 << 32;

/// Bytes of a submission, and of a completion.
const SUBMISSION: usize = 64;
const COMPLETION: usize = 16;

/// Most bytes that the submissions of one call take with all that they point to, and the completions.
const ENTER_ROOM: usize = 72 * 1024;
const EXIT_ROOM: usize = PIECE_HEADER + 128 * COMPLETION;

/// Most bytes of one text or buffer of a submission: many may come at once, and a path must find room behind them.
const TEXT: usize = 256;

/// IORING_ENTER_GETEVENTS: the call waits for completions.
const GETEVENTS: u64 = 1;

/// IOSQE_FIXED_FILE: the descriptor is a place among the files that were registered.
const FIXED_FILE: u64 = 1;

/// Most bytes of the ring's pieces.
pub(super) fn room(row: &Row, args: &[u64], exit: bool) -> usize {
    match is_due(row, args, exit) {
        false => 0,
        true if exit => EXIT_ROOM,
        true => ENTER_ROOM,
    }
}

/// Whether a call looks at the ring: it submits something, or waits for completions.
fn is_due(row: &Row, args: &[u64], exit: bool) -> bool {
    let word = |at: usize| args.get(at).map_or(0, |word| u64::from(low32(*word)));
    row.name == "io_uring_enter" && if exit { word(3) & GETEVENTS != 0 } else { word(1) != 0 }
}

/// Walks over what is submitted, or what came back.
pub(super) fn walk_ring(walk: &mut Walk<'_>, exit: bool) {
    if !is_due(walk.call.row, walk.call.args, exit) {
        return;
    }
    let Some(seen) = walk.ring() else { return };
    if exit { put_completions(walk, &seen) } else { put_submissions(walk, &seen) }
}

fn put_completions(walk: &mut Walk<'_>, seen: &Seen) {
    walk.open_list("completed");
    for at in (0..seen.len() / COMPLETION).map(|index| index * COMPLETION) {
        super::flat::put_seen(walk, "", &structs::IO_URING_CQE, &seen.part(at, COMPLETION));
    }
    if seen.state == State::Cut {
        walk.mark_more();
    }
    walk.close();
}

fn put_submissions(walk: &mut Walk<'_>, seen: &Seen) {
    if seen.state == State::Unreadable {
        return walk.put_words("submitted", format_args!("not seen"));
    }
    walk.open_list("submitted");
    for at in (0..seen.len() / SUBMISSION).map(|index| index * SUBMISSION) {
        put_submission(walk, &seen.part(at, SUBMISSION));
    }
    let told = usize::try_from(seen.address & 0xffff_ffff).unwrap_or(usize::MAX);
    if seen.len() / SUBMISSION < told {
        walk.mark_more();
    }
    walk.close();
}

/// Where in a submission an argument of its call lies: the members of `struct io_uring_sqe` by their first names.
#[derive(Clone, Copy)]
enum Place {
    Fd,
    Off,
    Addr,
    Len,
    Flags,
    /// `addr_len`, the low half of the word that is `splice_fd_in` and `file_index` too.
    AddrLen,
    FileIndex,
    Addr3,
    /// The operation has no such argument.
    Lacks,
}

use Place::{Addr, Addr3, AddrLen, Fd, FileIndex, Flags, Lacks, Len, Off};

impl Place {
    /// Offset and width.
    fn at(self) -> Option<(usize, usize)> {
        Some(match self {
            Fd => (4, 4),
            Off => (8, 8),
            Addr => (16, 8),
            Len => (24, 4),
            Flags => (28, 4),
            FileIndex => (44, 4),
            AddrLen => (44, 2),
            Addr3 => (48, 8),
            Lacks => return None,
        })
    }
}

/// An operation: its name, the call it stands for, and where that one's arguments lie, in their order on x86_64
/// (io_uring/opdef.c and the `io_*_prep` functions it names). Those without a line show their members as they are.
const OPERATIONS: &[(&str, &str, &[Place])] = &[
    ("READV", "preadv2", &[Fd, Addr, Len, Off, Lacks, Flags]),
    ("WRITEV", "pwritev2", &[Fd, Addr, Len, Off, Lacks, Flags]),
    ("FSYNC", "fsync", &[Fd]),
    ("READ_FIXED", "pread64", &[Fd, Addr, Len, Off]),
    ("WRITE_FIXED", "pwrite64", &[Fd, Addr, Len, Off]),
    ("SYNC_FILE_RANGE", "sync_file_range", &[Fd, Off, Len, Flags]),
    ("SENDMSG", "sendmsg", &[Fd, Addr, Flags]),
    ("RECVMSG", "recvmsg", &[Fd, Addr, Flags]),
    ("ACCEPT", "accept4", &[Fd, Addr, Off, Flags]),
    ("CONNECT", "connect", &[Fd, Addr, Off]),
    ("FALLOCATE", "fallocate", &[Fd, Len, Off, Addr]),
    ("OPENAT", "openat", &[Fd, Addr, Flags, Len]),
    ("CLOSE", "close", &[Fd]),
    ("STATX", "statx", &[Fd, Addr, Flags, Len, Off]),
    ("READ", "pread64", &[Fd, Addr, Len, Off]),
    ("WRITE", "pwrite64", &[Fd, Addr, Len, Off]),
    ("FADVISE", "fadvise64", &[Fd, Off, Len, Flags]),
    ("MADVISE", "madvise", &[Addr, Len, Flags]),
    ("SEND", "sendto", &[Fd, Addr, Len, Flags, Off, AddrLen]),
    ("RECV", "recvfrom", &[Fd, Addr, Len, Flags]),
    ("OPENAT2", "openat2", &[Fd, Addr, Off, Len]),
    ("EPOLL_CTL", "epoll_ctl", &[Fd, Len, Off, Addr]),
    ("SHUTDOWN", "shutdown", &[Fd, Len]),
    ("RENAMEAT", "renameat2", &[Fd, Addr, Len, Off, Flags]),
    ("UNLINKAT", "unlinkat", &[Fd, Addr, Flags]),
    ("MKDIRAT", "mkdirat", &[Fd, Addr, Len]),
    ("SYMLINKAT", "symlinkat", &[Addr, Fd, Off]),
    ("LINKAT", "linkat", &[Fd, Addr, Len, Off, Flags]),
    ("FSETXATTR", "fsetxattr", &[Fd, Addr, Off, Len, Flags]),
    ("SETXATTR", "setxattr", &[Addr3, Addr, Off, Len, Flags]),
    ("FGETXATTR", "fgetxattr", &[Fd, Addr, Off, Len]),
    ("GETXATTR", "getxattr", &[Addr3, Addr, Off, Len]),
    ("SOCKET", "socket", &[Fd, Off, Len]),
    ("SEND_ZC", "sendto", &[Fd, Addr, Len, Flags, Off, AddrLen]),
    ("SENDMSG_ZC", "sendmsg", &[Fd, Addr, Flags]),
    ("READ_MULTISHOT", "pread64", &[Fd, Addr, Len, Off]),
    ("WAITID", "waitid", &[Len, Fd, Off, FileIndex]),
    ("FUTEX_WAIT", "futex_wait", &[Addr, Off, Addr3, Fd]),
    ("FUTEX_WAKE", "futex_wake", &[Addr, Addr3, Off, Fd]),
    ("FUTEX_WAITV", "futex_waitv", &[Addr, Len]),
    ("FTRUNCATE", "ftruncate", &[Fd, Off]),
    ("BIND", "bind", &[Fd, Addr, Off]),
    ("LISTEN", "listen", &[Fd, Len]),
    ("EPOLL_WAIT", "epoll_wait", &[Fd, Addr, Len]),
    ("PIPE", "pipe2", &[Addr, Flags]),
];

/// The call that an operation stands for, and where its arguments lie.
type Operation = (&'static Row, &'static [Place]);

/// The operations by their number: the tracing thread asks for each submission.
static BY_NUMBER: LazyLock<Vec<Option<Operation>>> = LazyLock::new(|| {
    let of = |number: u8| {
        let name = sets::IO_URING_OP.name_of(u64::from(number), Abi::X86_64)?.strip_prefix("IORING_OP_")?;
        let (_, call, places) = OPERATIONS.iter().find(|(operation, ..)| *operation == name)?;
        Some((table::by_name(call)?, *places))
    };
    (0..=u8::MAX).map(of).collect()
});

/// The system call that an operation of io_uring stands for, if it is one.
#[must_use]
pub fn uring_call(opcode: u64) -> Option<&'static Row> {
    operation(opcode).map(|(row, _)| row)
}

fn operation(opcode: u64) -> Option<Operation> {
    usize::try_from(opcode).ok().and_then(|at| BY_NUMBER.get(at).copied().flatten())
}

fn put_submission(walk: &mut Walk<'_>, seen: &Seen) {
    let word = |walk: &Walk<'_>, at: usize, width: usize| walk.number(seen, at, width).unwrap_or(0);
    let (opcode, flags) = (word(walk, 0, 1), word(walk, 1, 1));
    walk.open_struct("");
    walk.put("opcode", Value::Constant(&sets::IO_URING_OP, opcode));
    if flags != 0 {
        walk.put("flags", Value::Flags(&sets::IO_URING_SQE_FLAGS, flags));
    }
    put_rest(walk, seen, &[("ioprio", 2, 2)]);
    match operation(opcode) {
        Some((row, places)) => put_call(walk, seen, (row, places), flags & FIXED_FILE != 0),
        None => put_rest(
            walk,
            seen,
            &[("fd", 4, 4), ("off", 8, 8), ("addr", 16, 8), ("len", 24, 4), ("op_flags", 28, 4), ("file_index", 44, 4)],
        ),
    }
    put_rest(walk, seen, &[("buf_index", 40, 2), ("personality", 42, 2)]);
    walk.put("user_data", Value::Hex(word(walk, 32, 8)));
    walk.close();
}

/// Members that mean something only when they are not 0.
fn put_rest(walk: &mut Walk<'_>, seen: &Seen, members: &[(&'static str, usize, usize)]) {
    for (name, at, width) in members {
        match walk.number(seen, *at, *width).unwrap_or(0) {
            0 => {}
            word if *name == "fd" => walk.put(name, Value::Signed(i64::from(low32(word).cast_signed()))),
            word if *width < 8 => walk.put(name, Value::Unsigned(word)),
            word => walk.put(name, Value::Hex(word)),
        }
    }
}

/// The arguments of the call that a submission stands for. Its 64-bit words are whole on every ABI.
fn put_call(walk: &mut Walk<'_>, seen: &Seen, (row, places): Operation, fixed: bool) {
    let mut words = [0; 6];
    for (word, place) in words.iter_mut().zip(places) {
        *word = place.at().and_then(|(at, width)| walk.number(seen, at, width)).unwrap_or(0);
    }
    let call = Call { row, abi: walk.abi(), args: &words, stack: 0, result: None };
    let limits = Limits { str_max: walk.limits.str_max.min(TEXT), ..walk.limits };
    walk.open_struct("args");
    walk.inside(call, limits, |walk| {
        for (index, (arg, place)) in (0u8..).zip(row.args(Abi::X86_64).iter().zip(places)) {
            let arg = &arg.resolve(&words);
            let word = walk.call.args.get(usize::from(index)).copied().unwrap_or(0);
            match (arg.kind, place) {
                (_, Lacks) => {}
                (Kind::Fd | Kind::Dirfd, Fd) if fixed => walk.put(arg.name, Value::Unsigned(word)),
                (kind, _) if is_wide(kind) => walk.put(arg.name, scalar(kind, word, Abi::X86_64)),
                _ => walk_arg(walk, index, arg),
            }
        }
    });
    walk.close();
}

/// Whether a word of this kind has 64 bits in a submission.
fn is_wide(kind: Kind) -> bool {
    matches!(kind, Kind::Off | Kind::U64 | Kind::Size | Kind::Ulong)
}

#[cfg(test)]
mod tests {
    use super::{BY_NUMBER, OPERATIONS, Place};
    use crate::model::Abi;

    #[test]
    fn each_operation_and_its_call_are_in_the_table() {
        let known: Vec<_> = BY_NUMBER.iter().flatten().collect();
        assert_eq!(known.len(), OPERATIONS.len());
        for (row, places) in known {
            assert!(row.args(Abi::X86_64).len() >= places.len(), "{}", row.name);
            assert!(places.iter().all(|place| place.at().is_some() || matches!(place, Place::Lacks)));
        }
    }
}
