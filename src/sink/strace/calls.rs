//! Where strace's line of a call is not simply its arguments in order: what is said at once and what after the call
//! returned, and by which files of this folder the odd ones are written.

use super::cloning;
use super::values::{Painter, hex, number};
use crate::decode::tree::{Node, Show, Value};
use crate::event::{Event, Name};
use crate::model::{Abi, HexStrings};
use crate::table::Phase;

/// Which part of a call's arguments is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The first one.
    pub(super) from: usize,
    /// The call was just entered: what the kernel writes is not known.
    pub(super) entering: bool,
    /// Nothing is followed.
    pub(super) plain: bool,
}

/// The arguments shown in base 16 although they are counts.
const HEX: [(&str, usize); 12] = [
    ("mmap", 5),
    ("mmap2", 5),
    ("rseq", 1),
    ("ioperm", 0),
    ("ioperm", 1),
    ("prctl", 1),
    ("prctl", 2),
    ("prctl", 3),
    ("prctl", 4),
    ("mincore", 2),
    ("iopl", 9),
    ("kcmp", 3),
];

/// Calls whose buffer is shown in base 16: nobody means it as text.
const BINARY: [(&str, usize); 3] = [("getrandom", 0), ("init_module", 0), ("add_key", 9)];

/// Calls that say at once what they take, although the kernel writes to the same place; what it wrote stands behind the
/// result.
const AT_ONCE: [&str; 7] = ["poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64"];

/// Calls that say only what is there in the end.
const IN_THE_END: [&str; 4] = ["adjtimex", "clock_adjtime", "clock_adjtime64", "io_uring_setup"];

/// The name of the event's call; empty for an unknown one.
pub(super) fn name<'a>(event: &Event<'a>) -> &'a str {
    match event.name {
        Name::Known(name) => name,
        Name::Unknown(_) => "",
    }
}

/// strace's name for a call of the table.
pub(super) fn shown_name(name: &'static str, _abi: Option<Abi>) -> &'static str {
    name
}

/// Whether the exit of a call tells argument `index`, because the kernel writes it.
fn waits(painter: &Painter<'_, '_>, index: usize) -> bool {
    match painter.event.rows().get(index).map(|arg| arg.phase) {
        None | Some(Phase::In) => false,
        Some(Phase::InOut) => !AT_ONCE.contains(&name(painter.event)),
        Some(Phase::Out) => true,
    }
}

/// Appends the arguments from `place.from` on; returns where it stopped, and whether that was the end.
pub(super) fn arguments(painter: &Painter<'_, '_>, place: Place, out: &mut Vec<u8>) -> (usize, bool) {
    if name(painter.event) == "clone" && !place.plain {
        return cloning::arguments(painter, place, out);
    }
    let mut first = true;
    for (index, (at, node)) in painter.tree.level(0..painter.tree.len()).enumerate() {
        if node.show == Show::Idle || index < place.from {
            continue;
        }
        if index > 0 && !(first && place.from > 0) {
            out.extend_from_slice(b", ");
        }
        first = false;
        if place.entering && waits(painter, index) {
            return (index, false);
        }
        argument(painter, index, at, node, place, out);
    }
    (usize::MAX, true)
}

fn argument(painter: &Painter<'_, '_>, index: usize, at: usize, node: &Node, place: Place, out: &mut Vec<u8>) {
    let event = painter.event;
    let word = event.words().get(index).copied().unwrap_or(0);
    let call = name(event);
    match (call, index) {
        ("execve", 2) | ("execveat", 3) if painter.abbrev && word != 0 => environment(painter, at, node, word, out),
        _ if place.plain && matches!(node.value, Value::Struct | Value::List | Value::Changed) => {
            number(out, format_args!("{word:#x}"));
        }
        _ if HEX.contains(&(call, index)) => hex(word, out),
        _ if BINARY.contains(&(call, index)) => {
            let mut shown = painter.shown.clone();
            shown.hex = HexStrings::All;
            Painter { shown: &shown, ..*painter }.value(at, node, out);
        }
        _ if node.value == Value::Changed && (AT_ONCE.contains(&call) || IN_THE_END.contains(&call)) => {
            let mut sides = painter.tree.inside(at);
            let side = if AT_ONCE.contains(&call) { sides.next() } else { sides.nth(1) };
            if let Some((at, side)) = side {
                painter.value(at, side, out);
            }
        }
        _ => painter.value(at, node, out),
    }
}

/// How many variables a program is given.
fn environment(painter: &Painter<'_, '_>, at: usize, node: &Node, word: u64, out: &mut Vec<u8>) {
    if !matches!(node.value, Value::List) {
        return painter.value(at, node, out);
    }
    let mut count = 0;
    let mut unterminated = node.more;
    for (_, item) in painter.tree.inside(at) {
        match item.value {
            Value::Unreadable(address) if address > word && address - word < 1 << 20 => unterminated = true,
            _ => count += 1,
        }
    }
    let (plural, end) = (if count == 1 { "" } else { "s" }, if unterminated { ", unterminated" } else { "" });
    number(out, format_args!("{word:#x} /* {count} var{plural}{end} */"));
}
