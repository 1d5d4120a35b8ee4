//! Which calls touch what the user named: a path, as the program spelled it or as a descriptor leads to it, or a
//! descriptor.

use crate::decode::tree::{Node, Tree, Value};
use crate::event::Event;
use crate::model::Touching;
use crate::table::Phase;
use std::os::unix::ffi::OsStrExt;

/// Whether the call of `event` touches one of them. Its enter and its exit get the same answer, because only what the
/// program gave is looked at.
pub(super) fn touches(wanted: &Touching, event: &Event<'_>) -> bool {
    let event = &event.at_enter();
    let mut tree = Tree::default();
    event.values(&mut tree);
    let rows = event.rows();
    tree.level(0..tree.len())
        .enumerate()
        .filter(|(index, _)| rows.get(*index).is_none_or(|arg| arg.phase != Phase::Out))
        .any(|(_, (at, node))| within(wanted, event, &tree, at, node))
}

fn within(wanted: &Touching, event: &Event<'_>, tree: &Tree, at: usize, node: &Node) -> bool {
    let is_path = |bytes: &[u8]| wanted.paths.iter().any(|path| path.as_os_str().as_bytes() == bytes);
    match node.value {
        Value::Path(seen) => is_path(event.bytes(&seen, tree)),
        Value::Fd(fd) | Value::Dirfd(fd) => {
            let named = !wanted.fds.is_empty() && wanted.fds.contains(&fd) != wanted.not_fds && fd >= 0;
            named || (!wanted.paths.is_empty() && event.descriptor(fd).is_some_and(|target| is_path(target.bytes)))
        }
        // What it was when the call was entered comes first.
        Value::Changed => tree.inside(at).next().is_some_and(|(at, node)| within(wanted, event, tree, at, node)),
        _ => tree.inside(at).any(|(at, node)| within(wanted, event, tree, at, node)),
    }
}
