//! What arguments mean, as data: raw words and pieces of memory to a tree of named values. Pure: the same bytes always
//! decode the same.
//!
//! Nothing here formats, and nothing here knows how a value was read: a walk asks a source, which is the stopped tracee
//! while capturing and a record afterwards.

pub mod ends;
pub mod errno;
pub mod secrets;
pub mod tree;
pub mod walk;
mod args;
mod bytes;
mod flat;
mod limits;
mod pieces;
mod result;
mod shapes;
mod unnamed;
mod uring;
mod value;

pub use args::{room, walk_arg};
pub use flat::UNKNOWN;
pub use result::result_kind;
pub use unnamed::{takes_stack, unnamed_room, walk_unnamed};
pub use uring::{POLLED, uring_call};
pub use value::{Raw, Text, decode_raw};

use crate::model::Abi;
use crate::model::record::{Kind, Record, Role};
use crate::table::{self, Phase, Row};
use pieces::Pieces;
use tree::{Tree, Value};
use walk::{Call, Limits, Walk};

/// Fills `tree` with the arguments of the call that `record` tells of, one value each, in the registers' order.
///
/// At exit the input arguments come from the `entered` record. What a call changes is a [`Value::Changed`] when both
/// sides are known.
pub fn decode_call(
    tree: &mut Tree,
    record: &Record<'_>,
    entered: Option<&Record<'_>>,
    row: &'static Row,
    limits: Limits,
) {
    let head = record.head();
    let abi = head.abi.unwrap_or(Abi::X86_64);
    let words = if record.args().is_empty() { entered.map_or(&[][..], Record::args) } else { record.args() };
    let stack = entered.unwrap_or(record).piece(Role::Stack).map_or(0, |piece| piece.address);
    let at_enter = Call { row, abi, args: words, stack, result: None };
    let at_exit = Call { result: Some(head.result), ..at_enter };
    let mut now = Pieces::new(record, entered);
    let mut old = entered.map(Pieces::entered);
    for (index, arg) in row.args(abi).iter().enumerate().take(words.len()) {
        let arg = &arg.resolve(words);
        let index_of = u8::try_from(index).unwrap_or(0);
        let enter_side = head.kind != Kind::Exit || arg.phase == Phase::In || arg.kind.is_word();
        let failed = walk::failed(head.result)
            && !shapes::valid_on_failure(&Walk::new(&mut now, None, at_exit, limits), arg.name);
        match (&mut old, head.kind) {
            (_, Kind::Enter) => walk_arg(&mut Walk::new(&mut now, Some(tree), at_enter, limits), index_of, arg),
            (Some(old), _) if enter_side || (arg.phase == Phase::InOut && failed) => {
                walk_arg(&mut Walk::new(old, Some(tree), at_enter, limits), index_of, arg);
            }
            (Some(old), _) if arg.phase == Phase::InOut && words.get(index).is_some_and(|word| *word != 0) => {
                tree.open(arg.name, Value::Changed);
                walk_arg(&mut Walk::new(old, Some(tree), at_enter, limits), index_of, arg);
                walk_arg(&mut Walk::new(&mut now, Some(tree), at_exit, limits), index_of, arg);
                tree.close_changed();
            }
            // A call that never returned wrote nothing that can be known.
            (None, Kind::Unfinished) => {
                walk_arg(&mut Walk::new(&mut now, Some(tree), at_enter, limits), index_of, arg);
            }
            _ => walk_arg(&mut Walk::new(&mut now, Some(tree), at_exit, limits), index_of, arg),
        }
    }
    walk_unnamed(&mut Walk::new(old.as_mut().unwrap_or(&mut now), Some(tree), at_enter, limits));
    if head.kind == Kind::Exit {
        walk_unnamed(&mut Walk::new(&mut now, Some(tree), at_exit, limits));
    }
}

/// Fills `tree` with what the record of a process event tells.
pub fn decode_process(tree: &mut Tree, record: &Record<'_>) {
    let head = record.head();
    let mut pieces = Pieces::new(record, None);
    let number = |index: usize| Value::Signed(record.args().get(index).map_or(0, |arg| arg.cast_signed()));
    match head.kind {
        Kind::Fork => tree.put("child_tid", number(0)),
        Kind::Exec => {
            tree.put("filename", Value::Path(pieces.role(Role::Exe)));
            tree.put("former_tid", number(0));
        }
        Kind::End => {
            let (signal, code) = (head.result & 0x7f, head.result >> 8 & 0xff);
            tree.put("exit_code", Value::Signed(if signal == 0 { code } else { 0 }));
            tree.put("sig", Value::Signed(signal));
            tree.put("core", Value::Signed(head.result >> 7 & 1));
        }
        Kind::Signal => {
            tree.put("sig", Value::Signed(head.result));
            tree.put("si_code", number(0));
            tree.put("si_pid", number(1));
            let info = pieces.role(Role::Siginfo);
            // A walk belongs to a call; this is the one that a program gives a siginfo_t to.
            if let (false, Some(row)) = (info.is_empty(), table::by_name("rt_sigqueueinfo")) {
                let call = Call { row, abi: Abi::X86_64, args: &[], stack: 0, result: None };
                let limits = Limits { str_max: 0, items: 0, env: false };
                shapes::put_siginfo(&mut Walk::new(&mut pieces, Some(tree), call, limits), "info", &info);
            }
        }
        _ => {}
    }
}
