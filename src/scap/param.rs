//! A parameter of an event: where its value comes from, and how many bytes it takes.
//!
//! Numbers are always written in their full width, 0 when nothing is known: libsinsp reads them without asking for their
//! length. Only texts, buffers and addresses may be empty.

use super::call::{Call, number};
use super::flags;
use super::sockets::Address;
use crate::model::record::Role;

/// The most bytes of one text or buffer: an event must stay below the 64 KiB that readers hold.
pub(super) const MAX_DATA: usize = 16 * 1024;

/// Where a parameter comes from. The text is the name of the call's argument.
#[derive(Clone, Copy)]
pub(super) enum Param {
    /// The result: 8 bytes.
    Res,
    /// The result: its low 4 bytes.
    Res32,
    /// A C `int`, sign-extended to 8 bytes: descriptors, process ids.
    Int(&'static str),
    /// A signed word, 8 bytes.
    I64(&'static str),
    /// A word, 8 bytes.
    U64(&'static str),
    /// The low 4 bytes of a word.
    U32(&'static str),
    /// The low 2 bytes of a word.
    U16(&'static str),
    /// The low byte of a word.
    U8(&'static str),
    /// A word in libscap's own constants, 4 bytes.
    Flag32(fn(u64) -> u64, &'static str),
    /// As `Flag32`, 2 bytes.
    Flag16(fn(u64) -> u64, &'static str),
    /// As `Flag32`, 1 byte.
    Flag8(fn(u64) -> u64, &'static str),
    /// Text, with its NUL.
    Text(&'static str),
    /// Bytes.
    Data(&'static str),
    /// A socket address.
    Addr(&'static str),
    /// One of two descriptors in memory, 8 bytes.
    Pair(usize),
    /// A time in memory, as nanoseconds.
    Time(&'static str),
    /// One word of a structure rlimit in memory, 8 bytes.
    Limit(&'static str, usize),
    /// A user or group id in memory, 4 bytes.
    Id(&'static str),
    /// One 32-bit word of a structure io_uring_params.
    Ring(usize),
    /// One of three sets of capabilities.
    Caps(usize),
    /// One field of one structure sembuf.
    Sem(usize, usize),
    /// An argument of mmap(2), which i386 takes from memory.
    Map(usize),
    /// The path of the file that was really opened.
    Opened,
    /// So many bytes that are 0: what smtrace does not know.
    Zeros(usize),
    /// Nothing.
    Empty,
    /// What a function of its own says.
    By(fn(&Call<'_>, &mut Vec<u8>)),
}

/// Appends the low `width` bytes of `value`.
pub(super) fn put(value: u64, width: usize, out: &mut Vec<u8>) {
    out.extend(value.to_le_bytes().iter().take(width));
}

/// Appends text and its NUL.
pub(super) fn put_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(text.split(|byte| *byte == 0).next().unwrap_or_default());
    out.push(0);
}

impl Param {
    /// Whether `call` tells it. Of what it does not tell a number is written as 0.
    pub(super) fn is_known(&self, call: &Call<'_>) -> bool {
        match self {
            Param::Zeros(_) | Param::Empty => false,
            Param::Res | Param::Res32 | Param::Pair(_) => call.is_exit(),
            Param::Time(name) | Param::Limit(name, _) | Param::Id(name) => {
                call.is_exit() || call.memory(name).is_some()
            }
            _ => true,
        }
    }

    /// Appends the parameter's value for `call`.
    pub(super) fn put(&self, call: &Call<'_>, out: &mut Vec<u8>) {
        let signed = |value: i64| value.cast_unsigned();
        match *self {
            Param::Res => put(signed(call.returned()), 8, out),
            Param::Res32 => put(signed(call.returned()), 4, out),
            Param::Int(name) => put(signed(call.int(name)), 8, out),
            Param::I64(name) => put(signed(call.long(name)), 8, out),
            Param::U64(name) => put(call.word(name), 8, out),
            Param::U32(name) => put(call.word(name), 4, out),
            Param::U16(name) => put(call.word(name), 2, out),
            Param::U8(name) => put(call.word(name), 1, out),
            Param::Flag32(map, name) => put(map(call.word(name)), 4, out),
            Param::Flag16(map, name) => put(map(call.word(name)), 2, out),
            Param::Flag8(map, name) => put(map(call.word(name)), 1, out),
            Param::Text(name) => {
                if let Some(text) = call.memory(name) {
                    put_text(text, out);
                }
            }
            Param::Data(name) => {
                let bytes = call.memory(name).unwrap_or_default();
                out.extend(bytes.iter().take(MAX_DATA));
            }
            Param::Addr(name) => {
                if let Some(bytes) = call.memory(name) {
                    Address::put_raw(bytes, out);
                }
            }
            Param::Pair(which) => put(signed(pair(call, which).unwrap_or(-1)), 8, out),
            Param::Time(name) => put(time(call, name).unwrap_or(0), 8, out),
            Param::Limit(name, which) => put(limit(call, name, which), 8, out),
            Param::Id(name) => put(id(call, name).unwrap_or(0xffff_ffff), 4, out),
            Param::Ring(at) => {
                put(call.memory("params").and_then(|bytes| number(bytes, at * 4, 4)).unwrap_or(0), 4, out)
            }
            Param::Caps(which) => put(caps(call, which).unwrap_or(0), 8, out),
            Param::Sem(at, field) => put(semaphore(call, at, field).unwrap_or(0), 2, out),
            Param::Map(at) => map(call, at, out),
            Param::Opened => {
                let opened = call.record.piece(Role::Opened).map(|piece| piece.data);
                if let Some(path) = opened.filter(|path| path.starts_with(b"/")) {
                    put_text(path, out);
                }
            }
            Param::Zeros(width) => put(0, width, out),
            Param::Empty => {}
            Param::By(say) => say(call, out),
        }
    }
}

/// The descriptors that pipe(2) and socketpair(2) write.
pub(super) fn pair(call: &Call<'_>, which: usize) -> Option<i64> {
    let bytes = call.memory("fildes").or_else(|| call.memory("usockvec"))?;
    number(bytes, which * 4, 4).map(super::call::int)
}

/// A timespec: two words, except on the ABIs and calls whose time is 64 bits on all.
fn time(call: &Call<'_>, name: &str) -> Option<u64> {
    let bytes = call.memory(name)?;
    let width = bytes.len() / 2;
    let (seconds, nanoseconds) = (number(bytes, 0, width)?, number(bytes, width, width)?);
    seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)
}

fn limit(call: &Call<'_>, name: &str, which: usize) -> u64 {
    let bytes = call.memory(name).unwrap_or_default();
    let width = bytes.len() / 2;
    let none = if width == 4 { 0xffff_ffff } else { u64::MAX };
    // -1 is "no limit", and "not told" too.
    number(bytes, which * width, width).filter(|limit| *limit != none && width > 0).unwrap_or(u64::MAX)
}

fn id(call: &Call<'_>, name: &str) -> Option<u64> {
    let bytes = call.memory(name)?;
    number(bytes, 0, bytes.len().min(4)).filter(|_| bytes.len() >= 2)
}

/// capset(2): version 2 and 3 have two structures of effective, permitted, inheritable, for the low and the high bits.
fn caps(call: &Call<'_>, which: usize) -> Option<u64> {
    let bytes = call.memory("data")?;
    let high = number(bytes, 12 + which * 4, 4).unwrap_or(0);
    Some(number(bytes, which * 4, 4)? | high << 32)
}

/// semop(2): `{ unsigned short sem_num; short sem_op; short sem_flg; }`.
fn semaphore(call: &Call<'_>, at: usize, field: usize) -> Option<u64> {
    let value = number(call.memory("tsops")?, at * 6 + field * 2, 2)?;
    Some(if field == 2 { flags::semop(value) } else { value })
}

fn map(call: &Call<'_>, at: usize, out: &mut Vec<u8>) {
    let struct_of = call.index("arg").is_some();
    let word = match call.memory("arg") {
        Some(bytes) if struct_of => number(bytes, at * 4, 4).unwrap_or(0),
        _ if struct_of => 0,
        _ => call.word_at(at),
    };
    match at {
        2 => put(flags::prot(word), 4, out),
        3 => put(flags::map(word), 4, out),
        4 => put(super::call::int(word).cast_unsigned(), 8, out),
        _ => put(word, 8, out),
    }
}
