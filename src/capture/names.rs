//! Where the paths of a call lead, found when it is entered: afterwards a removed file has no name to ask for, and whether an
//! open made its file cannot be told.

use super::resolve::{Path, Root, Target, string, way};
use super::{MAX_PATH, PIECE_HEADER};
use crate::decode::walk::low32;
use crate::engine::{Call, Task};
use crate::model::CallSet;
use crate::model::record::{Role, State, Writer};
use crate::sys::memory::Memory;
use crate::table::{Kind, Phase};

/// Bytes that the names of one call can take: two paths.
pub(super) const ROOM: usize = 2 * (PIECE_HEADER + MAX_PATH);

/// Calls that open a file, which they can also make: the argument of their flags.
const OPENS: &[(&str, usize)] = &[("open", 1), ("openat", 2)];

/// Calls whose paths are followed.
#[derive(Debug)]
pub(super) struct Names {
    calls: CallSet,
    root: Root,
}

/// Whether an open may make the file, and whether it would follow a link to it; `None` for what is no open.
fn opens(name: &str, call: &Call) -> Option<(bool, bool)> {
    let has = |flags: u64, bit: i32| low32(flags) & bit.cast_unsigned() != 0;
    if name == "creat" {
        return Some((true, true));
    }
    let (_, at) = OPENS.iter().find(|(open, _)| *open == name)?;
    let flags = call.args.get(*at).copied().unwrap_or(0);
    // With O_EXCL it makes the file or fails.
    let makes = has(flags, libc::O_CREAT) && !has(flags, libc::O_EXCL);
    Some((makes, !has(flags, libc::O_NOFOLLOW)))
}

impl Names {
    pub(super) fn new(calls: CallSet) -> Names {
        Names { calls, root: Root::own() }
    }

    /// Whether the paths of `call` are followed.
    pub(super) fn follows(&self, call: &Call) -> bool {
        call.row
            .is_some_and(|row| self.calls.contains(row.index()) && opens(row.name, call).is_none_or(|(makes, _)| makes))
    }

    /// Adds where each path of the call leads.
    pub(super) fn capture(&self, writer: &mut Writer<'_>, memory: &mut Memory, task: Task, call: &Call) {
        let Some((row, abi)) = call.row.zip(call.abi) else { return };
        let args = row.args(abi);
        let paths = (0usize..).zip(args).filter(|(_, arg)| arg.kind == Kind::Path && arg.phase == Phase::In);
        for (at, _) in paths {
            let Some(bytes) = string(memory, task, call.args.get(at).copied().unwrap_or(0)) else { continue };
            let directory = at.checked_sub(1).filter(|at| args.get(*at).is_some_and(|arg| arg.kind == Kind::Dirfd));
            let from =
                directory.and_then(|at| call.args.get(at)).map_or(libc::AT_FDCWD, |word| low32(*word).cast_signed());
            let follow = opens(row.name, call).map_or_else(|| way(row.name, at, call).follow, |(_, follow)| follow);
            let path = Path { from, bytes: &bytes, follow, create: true, in_root: false };
            let (name, free) = match self.root.resolve(task, path) {
                Target::Found(held) => (held.name(), 0),
                Target::Missing(name) => (name, 1),
                Target::Nowhere(_) => continue,
            };
            let cut = name.get(..MAX_PATH).unwrap_or(&name);
            writer.piece(Role::Resolved, u16::try_from(at).unwrap_or(0), free, State::Whole, cut);
        }
    }
}
