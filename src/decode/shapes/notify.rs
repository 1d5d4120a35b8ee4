//! How to notify and what is queued: sigevent(3type), message queues, asynchronous I/O (io_submit(2)).

use super::super::flat::put_field;
use super::super::tree::Value;
use super::super::walk::{Walk, walk_items};
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

/// `struct iocb` (linux/aio_abi.h): what its buffer is follows from the command.
pub(super) fn iocb(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    const PWRITE: u64 = 1;
    let layout = &structs::IOCB_LAYOUT;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (command, buffer) = (walk.number(&seen, 16, 2).unwrap_or(0), walk.u64_at(&seen, 24).unwrap_or(0));
    let size = walk.u64_at(&seen, 32).unwrap_or(0);
    walk.open_struct(name);
    for field in layout.fields(walk.abi()) {
        if field.name == "aio_buf" && command == PWRITE {
            walk.buffer("aio_buf", buffer, usize::try_from(size).unwrap_or(usize::MAX));
        } else {
            put_field(walk, field, &seen);
        }
    }
    walk.close();
}
