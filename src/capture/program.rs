//! What a task may do and what it runs, as the kernel tells it: capabilities, and the program's file.

use super::Wanted;
use crate::engine::{Identity, Task};
use crate::model::record::{PIECE_HEADER, Role, State, Writer};
use crate::sys::statx;

/// Bytes that both take.
pub(super) const ROOM: usize = 2 * (PIECE_HEADER + 24);

/// capabilities(7): each of them lets a task write to any file.
const OVERRIDE: u64 = 1 << 1 | 1 << 3;

fn words(words: [u64; 3]) -> [u8; 24] {
    let mut bytes = [0; 24];
    for (to, word) in bytes.chunks_exact_mut(8).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// Adds both, where `wanted` says so.
pub(super) fn capture_who(writer: &mut Writer<'_>, task: Task, identity: &Identity, wanted: &Wanted) {
    if wanted.program {
        capture_caps(writer, identity);
        capture_file(writer, task, identity);
    }
}

/// Adds the task's capabilities.
pub(super) fn capture_caps(writer: &mut Writer<'_>, identity: &Identity) {
    writer.piece(Role::Caps, 0, 0, State::Whole, &words(identity.caps));
}

/// Adds what the kernel tells of the program's file.
fn capture_file(writer: &mut Writer<'_>, task: Task, identity: &Identity) {
    let Some(file) = statx::status(&format!("/proc/{}/exe", task.tid)) else { return };
    let by_mode = match file.mode {
        mode if file.uid == identity.uid => mode & 0o200,
        mode if file.gid == identity.gid => mode & 0o020,
        mode => mode & 0o002,
    };
    let writable = !file.immutable && (by_mode != 0 || identity.caps[2] & OVERRIDE != 0);
    let bits = u64::from(writable) | u64::from(file.device_major != 0) << 1;
    let facts = words([file.inode, file.changed, file.modified]);
    writer.piece(Role::Program, 0, bits, State::Whole, &facts);
}
