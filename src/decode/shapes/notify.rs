//! How to notify and what is queued: sigevent(3type), message queues, asynchronous I/O (io_submit(2)).

use super::super::flat::put_field;
use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, walk_items};
use super::message::{Buffers, put_iovec};
use crate::table::sets;
use crate::table::structs;

/// `struct sigevent`: value, signal, how; then the thread, or a function and its attributes.
pub(super) fn sigevent(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const SIGEV_SIGNAL: i32 = 0;
    const SIGEV_THREAD: i32 = 2;
    const SIGEV_THREAD_ID: i32 = 4;
    let word = walk.abi().word();
    let Some(seen) = walk.whole(name, address, word + 8 + word * 2) else { return };
    let int = |walk: &Walk<'_>, at| walk.u32_at(&seen, at).unwrap_or(0).cast_signed();
    let (number, pointer) = (int(walk, 0), walk.word_at(&seen, 0).unwrap_or(0));
    let (signal, how) = (int(walk, word), int(walk, word + 4));
    walk.open_struct(name);
    walk.open_struct("sigev_value");
    walk.put("sival_int", Value::Signed(i64::from(number)));
    walk.put("sival_ptr", if pointer == 0 { Value::Null } else { Value::Address(pointer) });
    walk.close();
    // Only who sends one says which, or has a library's thread wait for it.
    let sends = matches!(how, SIGEV_SIGNAL | SIGEV_THREAD | SIGEV_THREAD_ID);
    walk.put(
        "sigev_signo",
        if sends { Value::Signal(signal) } else { Value::Unsigned(u64::from(signal.cast_unsigned())) },
    );
    walk.put("sigev_notify", Value::Constant(&sets::SIGEV_NOTIFY, i64::from(how).cast_unsigned()));
    match how {
        SIGEV_THREAD_ID => {
            let thread = int(walk, word + 8);
            walk.put("sigev_notify_thread_id", Value::Pid(thread));
        }
        SIGEV_THREAD => {
            for (name, at) in [("sigev_notify_function", word + 8), ("sigev_notify_attributes", word * 2 + 8)] {
                let pointer = walk.word_at(&seen, at).unwrap_or(0);
                walk.put(name, if pointer == 0 { Value::Null } else { Value::Address(pointer) });
            }
        }
        _ => {}
    }
    walk.close();
}

/// msgsnd(2), msgrcv(2): the type, a word, and the text of `len` bytes.
pub(super) fn msgbuf(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let word = walk.abi().word();
    // The type, and room for the first byte of the text.
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let kind = walk.word_at(&seen, 0).unwrap_or(0);
    let kind = if word == 4 { i64::from(crate::decode::walk::low32(kind).cast_signed()) } else { kind.cast_signed() };
    walk.open_struct(name);
    walk.put("mtype", Value::Signed(kind));
    walk.buffer("mtext", address.wrapping_add(word as u64), usize::try_from(len).unwrap_or(usize::MAX));
    walk.close();
}

/// A list of `count` addresses of control blocks.
pub(super) fn iocb_ptr(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    let word = walk.abi().word();
    // io_submit(2) refuses a number below 0.
    if count.cast_signed() < 0 {
        return walk.put(name, Value::Address(address));
    }
    walk_items(walk, name, address, count, word, |walk, item| {
        let block = walk.word_at(&item, 0).unwrap_or(0);
        iocb(walk, "", block, 1);
    });
}

/// What the middle of a control block is, by its command.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// A buffer.
    Buffer,
    /// Many buffers.
    Vector,
    /// The events of poll(2).
    Poll,
    /// Nothing.
    Bare,
}

/// `struct iocb` (linux/aio_abi.h): what its buffer is follows from the command. To cancel one only its head counts.
pub(super) fn iocb(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const PRIORITY: u32 = 2;
    let layout = &structs::IOCB_LAYOUT;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let block = match walk.number(&seen, 16, 2) {
        _ if walk.call.row.name == "io_cancel" => Block::Bare,
        Some(0 | 1) => Block::Buffer,
        Some(7 | 8) => Block::Vector,
        Some(5) => Block::Poll,
        _ => Block::Bare,
    };
    let has_priority = walk.u32_at(&seen, 56).unwrap_or(0) & PRIORITY != 0;
    walk.open_struct(name);
    for field in layout.fields(walk.abi()) {
        match (field.name, block) {
            ("aio_reqprio", _) if has_priority => put_priority(walk, field.name, &seen),
            ("aio_data" | "aio_key" | "aio_rw_flags" | "aio_lio_opcode" | "aio_reqprio" | "aio_fildes", _)
            | ("aio_flags" | "aio_resfd", Block::Buffer | Block::Vector | Block::Poll)
            | ("aio_offset", Block::Buffer | Block::Vector) => put_field(walk, field, &seen),
            ("aio_buf", Block::Buffer | Block::Vector | Block::Poll) => put_buffer(walk, block, &seen),
            ("aio_nbytes", Block::Buffer) => put_field(walk, field, &seen),
            // An array says how long it is itself.
            ("aio_nbytes", Block::Vector) if !is_valid(walk, &seen) => put_field(walk, field, &seen),
            _ => {}
        }
    }
    walk.close();
}

/// Where the buffer and its length lie.
const BUFFER: usize = 24;
const LENGTH: usize = 32;

/// Whether the length is one that the kernel takes.
fn is_valid(walk: &Walk<'_>, seen: &Seen) -> bool {
    let word = |at| walk.u64_at(seen, at).unwrap_or(0);
    let most = if walk.abi().word() == 4 { u64::from(u32::MAX) } else { u64::MAX };
    word(BUFFER) <= most && word(LENGTH) <= most / 2
}

fn put_buffer(walk: &mut Walk<'_>, block: Block, seen: &Seen) {
    const NAME: &str = "aio_buf";
    let word = |walk: &Walk<'_>, at| walk.u64_at(seen, at).unwrap_or(0);
    let (buffer, len) = (word(walk, BUFFER), word(walk, LENGTH));
    let writes = matches!(walk.number(seen, 16, 2), Some(1 | 8));
    match block {
        Block::Poll => walk.put(NAME, Value::Flags(&sets::POLL, buffer)),
        _ if !is_valid(walk, seen) || block == Block::Buffer && !writes => {
            walk.put(NAME, if buffer == 0 { Value::Hex(0) } else { Value::Address(buffer) });
        }
        Block::Vector => {
            put_iovec(walk, NAME, buffer, len, if writes { Buffers::All } else { Buffers::Addresses });
        }
        _ => walk.buffer(NAME, buffer, usize::try_from(len).unwrap_or(usize::MAX)),
    }
}

/// A priority as ioprio_set(2) makes it: a class, and a number.
fn put_priority(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    const SHIFT: u64 = 13;
    let priority = walk.number(seen, 18, 2).unwrap_or(0);
    walk.open(name, Value::Call("IOPRIO_PRIO_VALUE"));
    walk.put("", Value::Constant(&sets::IOPRIO_CLASS, priority >> SHIFT));
    walk.put("", Value::Unsigned(priority & ((1 << SHIFT) - 1)));
    walk.close();
}
