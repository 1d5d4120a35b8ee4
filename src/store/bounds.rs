//! How much a capture can make its reader remember. Live, the kernel bounds the number of tasks; a made-up file has no
//! such bound, and its coding can name a long text in a few bytes.

use crate::model::Pid;
use crate::model::record::{Kind, Record, flag};
use rustc_hash::FxHashMap;

/// The most bytes of records that the live tasks may have: a hundred thousand of them with long command lines.
const MOST: usize = 256 << 20;

/// Counts what is remembered of each task: its description, its working directory, the call it is in.
#[derive(Debug, Default)]
pub struct Bounds {
    tasks: FxHashMap<Pid, [usize; 3]>,
    total: usize,
}

impl Bounds {
    /// Whether `record` can be taken.
    #[must_use]
    pub fn allow(&mut self, record: &Record<'_>) -> bool {
        let (head, len) = (record.head(), record.bytes().len());
        if head.kind == Kind::Lost && head.flags & flag::VOID != 0 {
            *self = Bounds::default();
        }
        let old = self.tasks.get(&head.tid).copied().unwrap_or_default();
        let new = match head.kind {
            Kind::Born | Kind::Exec | Kind::Outsider => [len, 0, old[2]],
            Kind::Moved => [old[0], len, old[2]],
            Kind::Enter => [old[0], old[1], len],
            Kind::Exit | Kind::Unfinished => [old[0], old[1], 0],
            Kind::End => [0; 3],
            _ => return true,
        };
        let sum = |of: [usize; 3]| of.into_iter().sum::<usize>();
        self.total = (self.total + sum(new)).saturating_sub(sum(old));
        if sum(new) == 0 {
            self.tasks.remove(&head.tid);
        } else {
            self.tasks.insert(head.tid, new);
        }
        self.total <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{Head, Role, State, Writer};

    #[test]
    fn births_without_ends_are_bounded_and_ended_tasks_cost_nothing() {
        let text = vec![b'x'; 60_000];
        let mut buffer = vec![0; 1 << 17];
        let mut record = |kind, tid: usize| {
            let tid = Pid::try_from(tid).unwrap();
            let head = Head { kind, abi: None, time: 0, pid: tid, tid, nr: 0, flags: 0, result: 0 };
            let mut writer = Writer::new(&mut buffer, &head, &[]);
            writer.piece(Role::Cmdline, 0, 0, State::Whole, &text);
            let len = writer.finish();
            buffer[..len].to_vec()
        };
        let mut bounds = Bounds::default();
        let mut allow = |bytes: &[u8]| bounds.allow(&Record::parse(bytes).unwrap().0);
        for tid in 1..20_000 {
            assert!(
                allow(&record(Kind::Born, tid)) && allow(&record(Kind::Enter, tid)) && allow(&record(Kind::End, tid))
            );
        }
        assert!((1..20_000).any(|tid| !allow(&record(Kind::Born, tid))));
    }
}
