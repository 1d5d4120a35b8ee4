//! What a call gives to an io_uring, and what it found there: copies of the ring's entries, which no argument names.

use crate::decode::POLLED;
use crate::decode::walk::low32;
use crate::engine::{Call, Task};
use crate::model::record::{Role, State, Writer};
use crate::sys::uring::{MOST_SUBMISSIONS, NAME as RING, Ring, SUBMISSION, Told};
use std::time::{Duration, Instant};

/// A look at a ring that takes longer than this is slow, and all slow ones together may take no longer than that.
const SLOW: Duration = Duration::from_millis(5);
const MOST_SLOW: Duration = Duration::from_secs(1);

/// How long looks at rings took. The kernel tells of a ring all at once, with every entry, file and buffer that the program
/// has there: 0.4 s for 32,768 entries. So that no program can keep the tracer busy by that, rings are looked at no more
/// when too much time went into it, which is said as of any ring that cannot be looked at.
#[derive(Debug, Default)]
pub(super) struct Looks {
    slow: Duration,
}

impl Looks {
    fn told(&mut self, ring: &Ring) -> Option<Told> {
        if self.slow >= MOST_SLOW {
            return None;
        }
        let start = Instant::now();
        let told = ring.told();
        let took = start.elapsed();
        self.slow += if took > SLOW { took } else { Duration::ZERO };
        told
    }
}

/// The flag of io_uring_enter(2) by which its first argument is no descriptor but a place among those it registered.
const REGISTERED_RING: u64 = 1 << 4;

/// The ring that io_uring_enter(2) is about: `None` when it is about none, `Some(None)` when it cannot be looked at.
fn ring(task: Task, call: &Call) -> Option<Option<Ring>> {
    if call.args[3] & REGISTERED_RING != 0 {
        return Some(None);
    }
    let fd = low32(call.args[0]);
    // Asked before the descriptor is copied: to close a copy of another file can have effects (close(2)).
    let link = std::fs::read_link(format!("/proc/{}/fd/{fd}", task.tid));
    link.is_ok_and(|link| link.as_os_str() == RING).then(|| Ring::of(task.pid, fd.cast_signed()))
}

/// Adds what waits to be submitted: the entries, how many there are in all, or that none could be looked at. `None` when the
/// call is about no ring.
pub(super) fn capture_submissions(
    writer: &mut Writer<'_>,
    task: Task,
    call: &Call,
    looks: &mut Looks,
) -> Option<(u64, State)> {
    let ring = ring(task, call)?;
    let due = low32(call.args[1]);
    let mut bytes = [0; MOST_SUBMISSIONS * SUBMISSION];
    let seen = ring.and_then(|ring| {
        let mut told = looks.told(&ring)?;
        // What a thread takes, it takes whatever the call says.
        let count = if told.polled { told.waiting } else { told.waiting.min(due) };
        told.places.truncate(count as usize);
        let read = ring.submissions(&told, &mut bytes)?;
        Some((count, read, told))
    });
    let Some((count, read, told)) = seen else {
        writer.piece(Role::Ring, 0, u64::from(due), State::Unreadable, &[]);
        return Some((u64::from(due), State::Unreadable));
    };
    let state = if read < count as usize { State::Cut } else { State::Whole };
    let word = u64::from(count) | if told.polled { POLLED } else { 0 };
    writer.piece(Role::Ring, 0, word, state, bytes.get(..read * SUBMISSION).unwrap_or(&[]));
    Some((word, state))
}

/// Adds what has come back and was not taken yet.
pub(super) fn capture_completions(
    writer: &mut Writer<'_>,
    task: Task,
    call: &Call,
    looks: &mut Looks,
) -> Option<(u64, State)> {
    let Told { ready, completions, .. } = looks.told(&ring(task, call)??)?;
    let mut bytes = Vec::with_capacity(completions.len() * 16);
    for completion in &completions {
        bytes.extend_from_slice(&completion.user_data.to_le_bytes());
        bytes.extend_from_slice(&completion.result.to_le_bytes());
        bytes.extend_from_slice(&completion.flags.to_le_bytes());
    }
    let state = if completions.len() < ready as usize { State::Cut } else { State::Whole };
    writer.piece(Role::Ring, 0, u64::from(ready), state, &bytes);
    Some((u64::from(ready), state))
}
