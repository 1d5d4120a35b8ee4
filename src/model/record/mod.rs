//! The record: one event in its compact, little-endian binary form.
//!
//! Records are what passes from the tracing thread to the readers, and what a capture file holds. All numbers are
//! little-endian; a record starts and ends at a multiple of 8 bytes:
//!
//! ```text
//!  0  u32  length of the whole record, a multiple of 8
//!  4  u8   kind
//!  5  u8   ABI, 0xff when no call is meant
//!  6  u8   number of raw arguments (0..=6)
//!  7  u8   number of pieces
//!  8  u64  time, nanoseconds since the epoch (CLOCK_REALTIME)
//! 16  i32  pid (tgid)
//! 20  i32  tid
//! 24  u32  call number as the kernel sees it (for x32 with bit 30)
//! 28  u32  flags; bits 16 to 23 are the sub-number of a call that went through a multiplexer
//! 32  i64  result
//! 40  u64  raw arguments, one word each
//!  .  pieces, one after another, each:
//!       u64  address in the tracee (or a number that the role explains)
//!       u32  bytes that follow
//!       u8   role
//!       u8   state: 0 whole, 1 cut, 2 unreadable
//!       u16  index within the role (argv[2])
//!       the bytes, padded with zeros to a multiple of 8
//! ```
//!
//! A reader takes bytes it does not trust: [`Record::parse`] checks every length once, and the accessors cannot fail.

mod detail;
mod unfinished;
mod writer;

pub use detail::{Detail, Ends, MAX_DETAIL};
pub use unfinished::Unfinished;
pub use writer::Writer;

use super::{Abi, Pid};

/// The version of this layout. It changes when an old reader would misread a new record: 2 has calls that went through a
/// multiplexer ([`Head::sub`]).
pub const VERSION: u16 = 2;

/// Bytes before the raw arguments.
pub const HEADER: usize = 40;

/// Bytes of a piece before its data.
pub const PIECE_HEADER: usize = 16;

/// The longest record. A writer stays below it by its own limits, a reader refuses more.
pub const MAX_RECORD: usize = 128 * 1024;

/// The remarks that clone(2)'s and clone3(2)'s flag against tracing was cleared, which a format may hush.
pub const UNTRACED_CLEARED: [&str; 2] = [
    "clone with CLONE_UNTRACED: the flag was cleared, the child is traced",
    "clone3 with CLONE_UNTRACED: the flag was cleared, the child is traced",
];

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A call was entered.
    Enter = 1,
    /// A call returned; `result` is the return value, `-errno` on failure.
    Exit = 2,
    /// A call that was entered never returned to its caller; `result` is an [`Unfinished`] as a number.
    Unfinished = 3,
    /// A task became known: arguments `[ppid, creator tid or 0, uid, gid]`, piece [`Role::Comm`].
    Born = 4,
    /// The tracee's fork-like call made a child: argument `[child tid]`. Only for `--probe`.
    Fork = 5,
    /// A successful execve: arguments `[former tid, uid, gid]`, pieces comm, exe, cmdline, cwd.
    Exec = 6,
    /// A task ended: `result` is its wait status.
    End = 7,
    /// A signal was delivered: `result` is its number, arguments `[si_code, si_pid]`.
    Signal = 8,
    /// The task's name changed: piece [`Role::Comm`].
    Comm = 9,
    /// The task's credentials changed: arguments `[uid, gid]`.
    Creds = 10,
    /// The process has a new parent: argument `[ppid]`.
    Reparent = 11,
    /// A process outside the trace that a tracee's line names (its parent): as [`Kind::Born`], with cmdline.
    Outsider = 12,
    /// A word of the tracer about the trace itself: piece [`Role::Text`].
    Notice = 13,
    /// The process changed its working directory: piece [`Role::Cwd`].
    Moved = 14,
    /// The reader missed records here: `result` is how many, one piece [`Role::Missed`] for each call they were of, and
    /// their sum in words as [`Role::Text`]. What was known of who is who is void with [`flag::VOID`]: the tasks that live
    /// follow as [`Kind::Outsider`] and [`Kind::Born`].
    Lost = 15,
}

impl Kind {
    /// The kind whose discriminant is `byte`.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Kind> {
        const ALL: [Kind; 15] = [
            Kind::Enter,
            Kind::Exit,
            Kind::Unfinished,
            Kind::Born,
            Kind::Fork,
            Kind::Exec,
            Kind::End,
            Kind::Signal,
            Kind::Comm,
            Kind::Creds,
            Kind::Reparent,
            Kind::Outsider,
            Kind::Notice,
            Kind::Moved,
            Kind::Lost,
        ];
        ALL.get(usize::from(byte).wrapping_sub(1)).copied()
    }
}

/// Bits of a record's `flags`.
pub mod flag {
    /// The record feeds the account of who is who; it is not an event to write.
    pub const QUIET: u32 = 1;
    /// The call was refused by smtrace to protect itself.
    pub const REFUSED: u32 = 2;
    /// The task is a thread of an existing process (in [`super::Kind::Born`]).
    pub const THREAD: u32 = 8;
    /// The signal stopped the task, with all of its process (in [`super::Kind::Signal`]).
    pub const STOPPED: u32 = 32;
    /// The open files were listed with this record. An exit without it has those of its enter, with the call's own
    /// effect: one more for a result that is a descriptor, one less for close.
    pub const LISTED: u32 = 16;
    /// A judge stopped a call ([`super::Kind::Notice`]): its errno, 0 for a kill; texts: a sentence, the deed, the subject.
    pub const DENIED: u32 = 64;
    /// The account of who is who starts anew (in [`super::Kind::Lost`]).
    pub const VOID: u32 = 32;

    /// Where the 8 bits of [`super::Head::sub`] begin.
    pub const SUB_SHIFT: u32 = 16;
}

/// What the bytes of a piece are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// What argument 0 points to; the following five are the other arguments. The index counts list items.
    Arg0 = 0,
    /// As [`Role::Arg0`], argument 1.
    Arg1 = 1,
    /// As [`Role::Arg0`], argument 2.
    Arg2 = 2,
    /// As [`Role::Arg0`], argument 3.
    Arg3 = 3,
    /// As [`Role::Arg0`], argument 4.
    Arg4 = 4,
    /// As [`Role::Arg0`], argument 5.
    Arg5 = 5,
    /// The task's name, at most 15 bytes.
    Comm = 16,
    /// The path of the program, from /proc/PID/exe.
    Exe = 17,
    /// The command line, NUL-separated, from /proc/PID/cmdline.
    Cmdline = 18,
    /// The working directory, from /proc/PID/cwd.
    Cwd = 19,
    /// What an open file descriptor refers to; the address is its number.
    Fd = 20,
    /// The object that the call's new file descriptor refers to.
    Opened = 21,
    /// UTF-8 text of the tracer's own.
    Text = 22,
    /// What a file descriptor that the call names refers to; the address is its number.
    Named = 23,
    /// The name of a call of which records were missed; the address is how many.
    Missed = 24,
    /// The whole `siginfo_t` of a signal, as the tracer's kernel lays it out.
    Siginfo = 25,
    /// SHA-256 of the program or file that the record is about, 32 bytes; unreadable: the text says why there is none.
    Digest = 26,
    /// The structure sockaddr of the own end of the socket that connect or accept is about; the address is its number.
    Local = 27,
    /// What the path in the argument with the piece's index leads to, as an absolute name; the address is 1 when that was free.
    Resolved = 28,
    /// More about what a descriptor refers to than its name, as a [`Detail`]; the address is its number.
    Detail = 29,
    /// How long the task had run on a CPU when its call was entered, or returned; the address is that in nanoseconds.
    Ran = 30,
    /// The inheritable, permitted and effective capabilities of the task: three words of 8 bytes.
    Caps = 31,
    /// The file of the program: its inode, and when that and its content changed, in nanoseconds since the epoch: three words
    /// of 8 bytes. The address has bits: 1, the task may write to it; 2, it lies on a device of its own.
    Program = 32,
    /// The stack pointer at a call that takes what lies there; the address is it.
    Stack = 33,
    /// Entries of the ring that io_uring_enter(2) is about: at enter `struct io_uring_sqe`s that wait, at exit `struct
    /// io_uring_cqe`s that came back. The address is how many there are in all, and in bit 32 whether a thread of the kernel
    /// takes them; unreadable: the ring could not be looked at.
    Ring = 34,
}

impl Role {
    /// The role of argument `index`.
    #[must_use]
    pub fn arg(index: usize) -> Option<Role> {
        const ARGS: [Role; 6] = [Role::Arg0, Role::Arg1, Role::Arg2, Role::Arg3, Role::Arg4, Role::Arg5];
        ARGS.get(index).copied()
    }
}

/// How much of what a piece names was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// All of it.
    Whole = 0,
    /// A limit cut it: there was more.
    Cut = 1,
    /// Nothing, or only the bytes given, could be read.
    Unreadable = 2,
}

/// The fixed fields of a record.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// What the record tells.
    pub kind: Kind,
    /// The ABI of the call.
    pub abi: Option<Abi>,
    /// Nanoseconds since the epoch.
    pub time: u64,
    /// The process (tgid).
    pub pid: Pid,
    /// The thread.
    pub tid: Pid,
    /// The call number.
    pub nr: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// The result; its meaning is the kind's.
    pub result: i64,
}

impl Head {
    /// The sub-number of a call that went through a multiplexer (i386's socketcall(2) and ipc(2), whose number `nr` is):
    /// the raw arguments are then those of the inner call. 0 for any other.
    #[must_use]
    pub fn sub(&self) -> u8 {
        (self.flags >> flag::SUB_SHIFT).to_le_bytes()[0]
    }
}

/// A record that was checked, borrowed from the bytes it lies in.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    head: Head,
    args: [u64; 6],
    nargs: usize,
    bytes: &'a [u8],
    pieces: &'a [u8],
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than the record says it has.
    Short,
    /// A length is not a multiple of 8, too small or too large.
    Length,
    /// A kind that this version does not know.
    Kind,
    /// The pieces do not fill the record exactly.
    Pieces,
}

fn word<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

impl<'a> Record<'a> {
    /// Checks and reads the record at the start of `bytes`; also returns its length.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong with it.
    pub fn parse(bytes: &'a [u8]) -> Result<(Record<'a>, usize), Malformed> {
        let len = u32::from_le_bytes(word(bytes, 0).ok_or(Malformed::Short)?) as usize;
        if len < HEADER || !len.is_multiple_of(8) || len > MAX_RECORD {
            return Err(Malformed::Length);
        }
        let all = bytes.get(..len).ok_or(Malformed::Short)?;
        let kind = Kind::from_byte(all[4]).ok_or(Malformed::Kind)?;
        let (nargs, pieces) = (usize::from(all[6]), all[7]);
        let rest = all.get(HEADER + nargs * 8..).filter(|_| nargs <= 6).ok_or(Malformed::Length)?;
        let mut args = [0; 6];
        for (i, arg) in args.iter_mut().take(nargs).enumerate() {
            *arg = u64::from_le_bytes(word(all, HEADER + i * 8).ok_or(Malformed::Short)?);
        }
        let head = Head {
            kind,
            abi: Abi::from_byte(all[5]),
            time: u64::from_le_bytes(word(all, 8).ok_or(Malformed::Short)?),
            pid: i32::from_le_bytes(word(all, 16).ok_or(Malformed::Short)?),
            tid: i32::from_le_bytes(word(all, 20).ok_or(Malformed::Short)?),
            nr: u32::from_le_bytes(word(all, 24).ok_or(Malformed::Short)?),
            flags: u32::from_le_bytes(word(all, 28).ok_or(Malformed::Short)?),
            result: i64::from_le_bytes(word(all, 32).ok_or(Malformed::Short)?),
        };
        let mut left = rest;
        for _ in 0..pieces {
            left = Piece::split(left).ok_or(Malformed::Pieces)?.1;
        }
        if !left.is_empty() {
            return Err(Malformed::Pieces);
        }
        Ok((Record { head, args, nargs, bytes: all, pieces: rest }, len))
    }

    /// The fixed fields.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The raw arguments that the call has.
    #[must_use]
    pub fn args(&self) -> &[u64] {
        self.args.get(..self.nargs).unwrap_or(&[])
    }

    /// The record as it is, whole.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The pieces in the order they were captured.
    pub fn pieces(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let mut left = self.pieces;
        std::iter::from_fn(move || {
            let (piece, rest) = Piece::split(left)?;
            left = rest;
            Some(piece)
        })
    }

    /// How many bytes at the record's end are pieces.
    #[must_use]
    pub fn pieces_len(&self) -> usize {
        self.pieces.len()
    }

    /// The first piece of `role`.
    #[must_use]
    pub fn piece(&self, role: Role) -> Option<Piece<'a>> {
        self.pieces().find(|piece| piece.role == role as u8)
    }
}

/// A piece of memory, or of /proc, that a record carries.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Where it lay in the tracee, or what the role says.
    pub address: u64,
    /// A [`Role`] as a number; unknown ones of a newer writer are skipped by readers.
    pub role: u8,
    /// How much of it was read.
    pub state: State,
    /// The item within the role.
    pub index: u16,
    /// The bytes.
    pub data: &'a [u8],
}

impl<'a> Piece<'a> {
    /// The piece at the start of `bytes`, and the bytes after it.
    #[must_use]
    pub fn split(bytes: &'a [u8]) -> Option<(Piece<'a>, &'a [u8])> {
        let len = u32::from_le_bytes(word(bytes, 8)?) as usize;
        let rest = bytes.get(PIECE_HEADER..)?;
        let data = rest.get(..len)?;
        let after = rest.get(len.next_multiple_of(8)..)?;
        let state = match bytes.get(13)? {
            0 => State::Whole,
            1 => State::Cut,
            _ => State::Unreadable,
        };
        let piece = Piece {
            address: u64::from_le_bytes(word(bytes, 0)?),
            role: *bytes.get(12)?,
            state,
            index: u16::from_le_bytes(word(bytes, 14)?),
            data,
        };
        Some((piece, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            kind: Kind::Exit,
            abi: Some(Abi::I386),
            time: 0x0102_0304_0506_0708,
            pid: 7,
            tid: -8,
            nr: 0x4000_0001,
            flags: flag::QUIET,
            result: -2,
        }
    }

    #[test]
    fn a_written_record_reads_back() {
        let mut buffer = [0xaa; 256];
        let mut writer = Writer::new(&mut buffer, &head(), &[1, u64::MAX, 3]);
        writer.piece(Role::Arg1, 2, 0xdead_beef, State::Cut, b"hello");
        writer.piece(Role::Comm, 0, 0, State::Whole, b"");
        writer.add_flags(flag::REFUSED);
        let len = writer.finish();
        let (record, read) = Record::parse(&buffer).unwrap();
        assert_eq!((len, read), (HEADER + 24 + 16 + 8 + 16, len));
        assert_eq!(record.args(), [1, u64::MAX, 3]);
        let got = record.head();
        assert_eq!((got.kind, got.abi, got.nr), (Kind::Exit, Some(Abi::I386), 0x4000_0001));
        assert_eq!((got.time, got.pid, got.tid, got.result), (0x0102_0304_0506_0708, 7, -8, -2));
        assert_eq!(got.flags, flag::QUIET | flag::REFUSED);
        let pieces: Vec<_> = record.pieces().collect();
        assert_eq!(pieces.len(), 2);
        assert_eq!((pieces[0].data, pieces[0].index, pieces[0].state), (&b"hello"[..], 2, State::Cut));
        assert_eq!(pieces[0].address, 0xdead_beef);
        assert!(record.piece(Role::Comm).unwrap().data.is_empty());
        assert!(record.piece(Role::Exe).is_none());
    }

    #[test]
    fn a_piece_that_does_not_fit_is_cut_and_says_so() {
        let mut buffer = [0; HEADER + PIECE_HEADER + 16];
        let mut writer = Writer::new(&mut buffer, &head(), &[]);
        writer.piece(Role::Exe, 0, 0, State::Whole, &[b'x'; 40]);
        let len = writer.finish();
        let (record, _) = Record::parse(&buffer[..len]).unwrap();
        let piece = record.piece(Role::Exe).unwrap();
        assert_eq!((piece.data.len(), piece.state), (16, State::Cut));
    }

    #[test]
    fn no_damage_makes_a_parse_panic() {
        let mut buffer = [0; 256];
        let mut writer = Writer::new(&mut buffer, &head(), &[1, 2, 3, 4, 5, 6]);
        writer.piece(Role::Arg0, 0, 1, State::Whole, b"0123456789");
        let len = writer.finish();
        for at in 0..len {
            for value in [0, 1, 7, 8, 0x7f, 0x80, 0xff] {
                let mut bad = buffer;
                bad[at] = value;
                if let Ok((record, _)) = Record::parse(&bad) {
                    let _ = record.pieces().count();
                }
                let _ = Record::parse(&bad[..at]);
            }
        }
    }
}
