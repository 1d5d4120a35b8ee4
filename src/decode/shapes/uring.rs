//! What io_uring_register(2) takes beyond flat structures (linux/io_uring.h).

use super::super::flat::{put_fields, put_seen};
use super::super::tree::Value;
use super::super::walk::{Walk, walk_items};
use crate::table::{sets, structs};

/// `struct io_uring_probe` and the operations behind it: as many as the kernel says, within the `room` that the program gave.
pub(super) fn io_uring_probe(walk: &mut Walk<'_>, name: &'static str, address: u64, room: u64) {
    let (abi, head) = (walk.abi(), &structs::IO_URING_PROBE_LAYOUT);
    let Some(seen) = walk.whole(name, address, head.size(abi)) else { return };
    let count = walk.number(&seen, 1, 1).unwrap_or(0).min(room);
    walk.open_struct(name);
    put_fields(walk, head, &seen);
    let behind = address.wrapping_add(head.size(abi) as u64);
    let one = &structs::IO_URING_PROBE_OP;
    walk_items(walk, "ops", behind, count, one.size(abi), |walk, item| put_seen(walk, "", one, &item));
    walk.close();
}

/// `struct io_uring_restriction`: the opcode says what the byte behind it is.
pub(super) fn io_uring_restriction(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    const SIZE: usize = 16;
    walk_items(walk, name, address, count, SIZE, |walk, item| {
        let opcode = walk.number(&item, 0, 2).unwrap_or(0);
        let what = walk.number(&item, 2, 1).unwrap_or(0);
        walk.open_struct("");
        walk.put("opcode", Value::Constant(&sets::IO_URING_RESTRICTION, opcode));
        match opcode {
            0 => walk.put("register_op", Value::Constant(&sets::IO_URING_REGISTER, what)),
            1 => walk.put("sqe_op", Value::Constant(&sets::IO_URING_OP, what)),
            2 | 3 => walk.put("sqe_flags", Value::Flags(&sets::IO_URING_SQE_FLAGS, what)),
            _ => {}
        }
        walk.close();
    });
}
