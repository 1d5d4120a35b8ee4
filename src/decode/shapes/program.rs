//! Programs of the seccomp and socket filters: classic BPF (linux/filter.h), an instruction each.

use super::super::tree::{Seen, Value};
use super::super::walk::{Walk, walk_items};
use crate::table::sets::{self, Set};

/// `struct sock_fprog`: how many instructions, and where. An option (setsockopt(2)) says how long it is itself.
pub(super) fn sock_fprog(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    let word = walk.abi().word();
    if walk.call.row.name == "setsockopt" && len < word as u64 * 2 {
        return walk.put(name, Value::Address(address));
    }
    let Some(seen) = walk.whole(name, address, word * 2) else { return };
    let (count, filter) = (walk.number(&seen, 0, 2).unwrap_or(0), walk.word_at(&seen, word).unwrap_or(0));
    walk.open_struct(name);
    walk.put("len", Value::Unsigned(count));
    sock_filter(walk, "filter", filter, count);
    walk.close();
}

/// The instructions themselves.
pub(super) fn sock_filter(walk: &mut Walk<'_>, name: &'static str, address: u64, count: u64) {
    walk_items(walk, name, address, count, INSTRUCTION, |walk, item| put_instruction(walk, &item));
}

/// The size of `struct sock_filter`.
pub(super) const INSTRUCTION: usize = 8;

/// One instruction.
pub(super) fn put_instruction(walk: &mut Walk<'_>, item: &Seen) {
    let code = walk.number(item, 0, 2).unwrap_or(0);
    let (yes, no) = (walk.number(item, 2, 1).unwrap_or(0), walk.number(item, 3, 1).unwrap_or(0));
    let k = walk.number(item, 4, 4).unwrap_or(0);
    // The macro without jumps is for all but a conditional one.
    let jump = code & CLASS == JMP && code & OPERATION != 0;
    walk.open("", Value::Call(if jump { "BPF_JUMP" } else { "BPF_STMT" }));
    walk.put("", Value::Flags(codes(code), code));
    put_operand(walk, code, k);
    if jump {
        walk.put("", Value::Hex(yes));
        walk.put("", Value::Hex(no));
    }
    walk.close();
}

const CLASS: u64 = 0x7;
const OPERATION: u64 = 0xf0;
const LD: u64 = 0;
const JMP: u64 = 5;
const RET: u64 = 6;

/// What the bits of an instruction beside its class mean.
fn codes(code: u64) -> &'static Set {
    match code & CLASS {
        LD | 1 => &sets::BPF_CODE_LOAD,
        4 => &sets::BPF_CODE_ALU,
        JMP => &sets::BPF_CODE_JMP,
        RET => &sets::BPF_CODE_RET,
        7 => &sets::BPF_CODE_MISC,
        _ => &sets::BPF_CODE,
    }
}

/// The constant of an instruction: what a seccomp filter returns, or where a socket's filter looks when it is not into
/// the packet (linux/filter.h, `SKF_*`).
fn put_operand(walk: &mut Walk<'_>, code: u64, k: u64) {
    const ABS: u64 = 0x20;
    const MODE: u64 = 0xe0;
    const AD_OFF: u64 = 0xffff_f000;
    const NET_OFF: u64 = 0xfff0_0000;
    const LL_OFF: u64 = 0xffe0_0000;
    let seccomp = matches!(walk.call.row.name, "seccomp" | "prctl" | "ptrace");
    match code & CLASS {
        RET if seccomp && code & 0x18 == 0 => walk.put("", Value::Flags(&sets::SECCOMP_RETURN, k)),
        LD if !seccomp && code & MODE == ABS && k >= LL_OFF => {
            let base = match k {
                AD_OFF.. => AD_OFF,
                NET_OFF.. => NET_OFF,
                _ => LL_OFF,
            };
            let offset = k - base;
            let ancillary = base == AD_OFF && sets::SKF_AD.name_of(offset, walk.abi()).is_some();
            walk.open("", Value::Sum);
            walk.put("", Value::Constant(&sets::SKF_OFFSET, base));
            walk.put("", if ancillary { Value::Constant(&sets::SKF_AD, offset) } else { Value::Unsigned(offset) });
            walk.close();
        }
        _ => walk.put("", Value::Hex(k)),
    }
}
