//! SG_IO: a SCSI command, its data and what the device answered, in the two versions of scsi/sg.h and linux/bsg.h.

use super::super::flat::{named_word, put_named};
use super::super::tree::{Seen, Value};
use super::super::walk::Walk;
use super::message::{Buffers, put_iovec};
use crate::table::structs::{self, Struct};

/// `SG_DXFER_TO_DEV`, `SG_DXFER_FROM_DEV`, `SG_DXFER_TO_FROM_DEV`.
const TO_DEVICE: i32 = -2;
const FROM_DEVICE: i32 = -3;
const BOTH_WAYS: i32 = -4;

/// A request, and once the call returned the answer with it.
pub(super) fn sg_io(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let Some(head) = walk.whole(name, address, 4) else { return };
    let version = walk.u32_at(&head, 0).unwrap_or(0);
    let (mark, letter, layout): (_, _, &Struct) = match version {
        0x53 => ("interface_id", 'S', &structs::SG_IO_V3),
        0x51 => ("guard", 'Q', &structs::SG_IO_V4),
        _ => {
            walk.open_list(name);
            walk.put("", Value::Unsigned(u64::from(version)));
            return walk.close();
        }
    };
    let size = layout.size(walk.abi());
    let seen = walk.read(address, size);
    walk.open_struct(name);
    walk.put_words(mark, format_args!("'{letter}'"));
    if seen.len() < size {
        walk.put("", Value::Address(address.wrapping_add(4)));
    } else if letter == 'S' {
        put_third(walk, &seen);
    } else {
        put_fourth(walk, &seen);
    }
    walk.close();
}

/// Data in one buffer, or in as many as an array says; `len` bytes of all.
fn put_data(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64, vectors: u64) {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    match vectors {
        0 => walk.binary(name, address, len),
        count => put_iovec(walk, name, address, count, Buffers::Filled(len)),
    }
}

/// How much of `len` bytes was transferred, when `left` of them were not.
fn transferred(len: u64, left: u64) -> u64 {
    let left = i64::from(super::super::walk::low32(left).cast_signed());
    match u64::try_from(left) {
        Ok(left) if left <= len => len - left,
        _ => len,
    }
}

fn put_third(walk: &mut Walk<'_>, seen: &Seen) {
    let layout = &structs::SG_IO_V3;
    let word = |walk: &Walk<'_>, name| named_word(walk, layout, seen, name);
    let way = super::super::walk::low32(word(walk, "dxfer_direction")).cast_signed();
    let (data, len, vectors) = (word(walk, "dxferp"), word(walk, "dxfer_len"), word(walk, "iovec_count"));
    put_named(walk, layout, seen, &["dxfer_direction", "cmd_len"]);
    let (command, size) = (word(walk, "cmdp"), word(walk, "cmd_len"));
    put_data(walk, "cmdp", command, size, 0);
    put_named(walk, layout, seen, &["mx_sb_len", "iovec_count", "dxfer_len", "timeout", "flags"]);
    let read = transferred(len, word(walk, "resid"));
    let answered = walk.at_exit();
    match way {
        BOTH_WAYS if answered && read > 0 => {
            walk.open("dxferp", Value::Changed);
            put_data(walk, "", data, len, vectors);
            put_data(walk, "dxferp", data, read, vectors);
            walk.close();
        }
        TO_DEVICE | BOTH_WAYS => put_data(walk, "dxferp", data, len, vectors),
        FROM_DEVICE if answered => put_data(walk, "dxferp", data, read, vectors),
        _ => {}
    }
    if answered {
        put_named(walk, layout, seen, &["status", "masked_status", "msg_status", "sb_len_wr"]);
        let (sense, size) = (word(walk, "sbp"), word(walk, "sb_len_wr"));
        put_data(walk, "sbp", sense, size, 0);
        put_named(walk, layout, seen, &["host_status", "driver_status", "resid", "duration", "info"]);
    }
}

fn put_fourth(walk: &mut Walk<'_>, seen: &Seen) {
    let layout = &structs::SG_IO_V4;
    let word = |walk: &Walk<'_>, name| named_word(walk, layout, seen, name);
    put_named(walk, layout, seen, &["protocol", "subprotocol", "request_len"]);
    let (request, len) = (word(walk, "request"), word(walk, "request_len"));
    put_data(walk, "request", request, len, 0);
    put_named(walk, layout, seen, &["request_tag", "request_attr", "request_priority", "request_extra"]);
    put_named(walk, layout, seen, &["max_response_len", "dout_iovec_count", "dout_xfer_len", "din_iovec_count"]);
    put_named(walk, layout, seen, &["din_xfer_len"]);
    let (out, len, vectors) = (word(walk, "dout_xferp"), word(walk, "dout_xfer_len"), word(walk, "dout_iovec_count"));
    put_data(walk, "dout_xferp", out, len, vectors);
    put_named(walk, layout, seen, &["timeout", "flags", "usr_ptr"]);
    if !walk.at_exit() {
        return;
    }
    put_named(walk, layout, seen, &["response_len"]);
    let (response, len) = (word(walk, "response"), word(walk, "response_len"));
    put_data(walk, "response", response, len, 0);
    let (input, vectors) = (word(walk, "din_xferp"), word(walk, "din_iovec_count"));
    let read = transferred(word(walk, "din_xfer_len"), word(walk, "din_resid"));
    put_data(walk, "din_xferp", input, read, vectors);
    put_named(walk, layout, seen, &["driver_status", "transport_status", "device_status", "retry_delay", "info"]);
    put_named(walk, layout, seen, &["duration", "din_resid", "dout_resid", "generated_tag"]);
}
