//! clone(2): the stack first, every argument with its name, and only those that the flags give a meaning.

use super::calls::Place;
use super::values::{Painter, number};
use crate::decode::tree::Node;

const SETTLS: u64 = 0x0008_0000;
const PARENT_SETTID: u64 = 0x0010_0000;
const CHILD_CLEARTID: u64 = 0x0020_0000;
const CHILD_SETTID: u64 = 0x0100_0000;
const PIDFD: u64 = 0x0000_1000;

/// Appends what is known: the stack and the flags when the call is entered, the rest when it returned.
pub(super) fn arguments(painter: &Painter<'_, '_>, place: Place, out: &mut Vec<u8>) -> (usize, bool) {
    let flags = painter.event.words().first().copied().unwrap_or(0);
    let nodes: Vec<(usize, &Node)> = painter.tree.level(0..painter.tree.len()).collect();
    let rows = painter.event.rows();
    let find = |name: &str| rows.iter().position(|arg| arg.name == name).and_then(|index| nodes.get(index).copied());
    let put = |label: &str, name: &str, out: &mut Vec<u8>| {
        if let Some((at, node)) = find(name) {
            number(out, format_args!("{label}="));
            painter.value(at, node, out);
        }
    };
    if place.from == 0 {
        put("child_stack", "newsp", out);
        out.extend_from_slice(b", ");
        put("flags", "clone_flags", out);
    }
    if flags & (PARENT_SETTID | PIDFD | CHILD_SETTID | CHILD_CLEARTID | SETTLS) == 0 {
        return (usize::MAX, true);
    }
    if place.entering {
        return (2, false);
    }
    if flags & (PARENT_SETTID | PIDFD) != 0 {
        put(", parent_tid", "parent_tidptr", out);
    }
    if flags & SETTLS != 0 {
        put(", tls", "tls", out);
    }
    if flags & (CHILD_SETTID | CHILD_CLEARTID) != 0 {
        put(", child_tidptr", "child_tidptr", out);
    }
    (usize::MAX, true)
}
