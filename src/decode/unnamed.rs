//! What a call takes that none of its registers names: a signal's return, the frame that the kernel put on the stack.
//!
//! These values stand behind those of the registers, and have no register's word to show.

use super::tree::Value;
use super::walk::Walk;
use crate::model::Abi;
use crate::model::record::PIECE_HEADER;
use crate::table::Row;

/// Whether a call of `row` takes what lies at the stack pointer.
#[must_use]
pub fn takes_stack(row: &Row) -> bool {
    matches!(row.name, "rt_sigreturn" | "sigreturn")
}

/// Most bytes that what [`walk_unnamed`] reads takes in a record.
#[must_use]
pub fn unnamed_room(row: &Row) -> usize {
    if takes_stack(row) { STACK_ROOM } else { 0 }
}

/// Walks over what the call takes beside its arguments, as it was at enter. A record that does not tell where it lay gives
/// nothing.
pub fn walk_unnamed(walk: &mut Walk<'_>) {
    if takes_stack(walk.call.row) && walk.call.stack != 0 {
        sigreturn(walk);
    }
}

/// The stack pointer's piece, and two parts of a mask.
const STACK_ROOM: usize = 3 * PIECE_HEADER + 2 * 8;

/// How far above the stack pointer the mask to restore lies, when a handler has returned to its restorer: the return
/// address is off the stack then.
///
/// `struct rt_sigframe` and its kin up to `uc.uc_sigmask` (arch/x86/include/asm/sigframe.h, asm/sigcontext.h; the frames of
/// the others in arch/arm64/kernel/signal.c and arch/riscv/kernel/signal.c).
const RT_MASK: [(Abi, u64); 5] =
    [(Abi::X86_64, 296), (Abi::I386, 248), (Abi::X32, 280), (Abi::Aarch64, 168), (Abi::Riscv64, 168)];

/// `struct sigframe_ia32`: `sc.oldmask` and `extramask`, of 32 bits each. The restorer takes the signal's number off the
/// stack too.
const OLD_MASK: [u64; 2] = [80, 712];

/// rt_sigreturn(2), sigreturn(2): "restores the process's signal mask" from the frame.
fn sigreturn(walk: &mut Walk<'_>) {
    let (abi, stack) = (walk.abi(), walk.call.stack);
    let above = |offset: u64| {
        let address = stack.wrapping_add(offset);
        if abi == Abi::I386 { address & 0xffff_ffff } else { address }
    };
    walk.begin(0);
    let (parts, width) = match RT_MASK.iter().find(|(of, _)| *of == abi) {
        Some((_, offset)) if walk.call.row.name == "rt_sigreturn" => ([*offset, 0], 8),
        _ => (OLD_MASK, 4),
    };
    let mut mask = 0;
    for (index, offset) in parts.iter().enumerate().take(8 / width) {
        let seen = walk.read(above(*offset), width);
        let Some(part) = walk.number(&seen, 0, width) else {
            return walk.put("frame", Value::Unreadable(above(parts[0])));
        };
        mask |= part << (index * 32);
    }
    walk.open_struct("frame");
    walk.put("mask", Value::Signals(mask));
    walk.close();
}
