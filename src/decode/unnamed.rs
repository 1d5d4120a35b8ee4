//! What a call takes or gives that none of its registers names: a signal's return, the frame that the kernel put on the stack;
//! io_uring_enter, what waits in the ring and what came back there.
//!
//! These values stand behind those of the registers, and have no register's word to show.

use super::tree::Value;
use super::uring;
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
pub fn unnamed_room(row: &Row, args: &[u64], exit: bool) -> usize {
    match exit {
        false if takes_stack(row) => STACK_ROOM,
        _ => uring::room(row, args, exit),
    }
}

/// Walks over what the call takes beside its arguments, at enter, or finds, at exit. A record that does not tell of it gives
/// nothing.
pub fn walk_unnamed(walk: &mut Walk<'_>) {
    match walk.at_exit() {
        false if takes_stack(walk.call.row) => sigreturn(walk),
        exit => uring::walk_ring(walk, exit),
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
    if stack == 0 {
        return;
    }
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
