//! The account of what tasks may do and what they run: capabilities, and facts of the program's file, by thread.
//!
//! Children have their creator's, as the kernel gives them. What no record told is unknown.

use crate::model::Pid;
use crate::model::record::{Kind, Record, Role};
use rustc_hash::FxHashMap;

/// The file of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Its inode's number.
    pub(super) inode: u64,
    /// When the inode changed, nanoseconds since the epoch.
    pub(super) changed: u64,
    /// When the content changed, nanoseconds since the epoch.
    pub(super) modified: u64,
    /// The user may write to it.
    pub(super) writable: bool,
    /// It lies on a device of its own, so on no overlay.
    pub(super) on_device: bool,
}

/// What is known of a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    /// Inheritable, permitted and effective capabilities.
    pub(super) caps: Option<[u64; 3]>,
    pub(super) file: Option<File>,
}

/// What is known of all threads.
#[derive(Debug, Default)]
pub(crate) struct Programs(FxHashMap<Pid, Program>);

impl Programs {
    /// That of a thread.
    pub(super) fn get(&self, tid: Pid) -> Program {
        self.0.get(&tid).copied().unwrap_or_default()
    }

    /// Learns from what is no call.
    pub(crate) fn apply(&mut self, record: &Record<'_>) {
        let head = record.head();
        let arg = |at: usize| record.args().get(at).and_then(|arg| Pid::try_from(*arg).ok()).unwrap_or(0);
        let before = match head.kind {
            Kind::Born => self.get(arg(1)),
            Kind::Exec | Kind::Creds => self.get(head.tid),
            Kind::End => {
                self.0.remove(&head.tid);
                return;
            }
            _ => return,
        };
        let now = Program {
            caps: words(record, Role::Caps).map(|(_, caps)| caps).or(before.caps),
            file: words(record, Role::Program).map(file).or(before.file),
        };
        if now != Program::default() {
            self.0.insert(head.tid, now);
        }
    }
}

fn file((bits, [inode, changed, modified]): (u64, [u64; 3])) -> File {
    File { inode, changed, modified, writable: bits & 1 != 0, on_device: bits & 2 != 0 }
}

/// The address and the three words of a piece.
fn words(record: &Record<'_>, role: Role) -> Option<(u64, [u64; 3])> {
    let piece = record.piece(role)?;
    let word = |at: usize| piece.data.get(at * 8..at * 8 + 8)?.try_into().ok().map(u64::from_le_bytes);
    Some((piece.address, [word(0)?, word(1)?, word(2)?]))
}
