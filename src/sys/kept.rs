//! Files of /proc/PID that stay open from one stop to the next, so that a look at a tracee need not resolve its path anew.

use super::limits;
use crate::model::Pid;
use std::fs::File;
use std::io;
use std::sync::OnceLock;

/// At most this many at once: a build with thousands of processes needs no descriptor for each, and the usual soft limit
/// of 1,024 leaves room for several of these. Under a smaller limit a sixteenth of it.
const MOST: usize = 64;

fn most() -> usize {
    static FOUND: OnceLock<usize> = OnceLock::new();
    *FOUND.get_or_init(|| usize::try_from(limits::files() / 16).unwrap_or(MOST).clamp(1, MOST))
}

/// An open file for each of the tasks that were looked at last.
#[derive(Debug, Default)]
pub(super) struct Kept {
    open: Vec<(Pid, File)>,
    next: usize,
}

impl Kept {
    /// The file of `tid`, opened by `open` if there is none yet.
    pub(super) fn get(&mut self, tid: Pid, open: impl FnOnce() -> io::Result<File>) -> Option<&File> {
        let at = match self.open.iter().position(|(owner, _)| *owner == tid) {
            Some(at) => at,
            None => {
                let file = open().ok()?;
                let most = most();
                if self.open.len() < most {
                    self.open.push((tid, file));
                    self.open.len() - 1
                } else {
                    self.next = (self.next + 1) % most;
                    self.open[self.next] = (tid, file);
                    self.next
                }
            }
        };
        self.open.get(at).map(|(_, file)| file)
    }

    /// Closes the file of `tid`.
    pub(super) fn forget(&mut self, tid: Pid) {
        self.open.retain(|(owner, _)| *owner != tid);
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Kept, MOST};
    use std::fs::File;

    #[test]
    fn each_task_has_its_own_file_and_they_are_bounded() {
        let mut kept = Kept::default();
        let most = i32::try_from(MOST).unwrap();
        for tid in 0..most * 3 {
            assert!(kept.get(tid, || File::open("/dev/null")).is_some());
        }
        assert_eq!(kept.open.len(), MOST);
        assert!(kept.get(most * 3 - 1, || panic!("it is open")).is_some());
        kept.forget(most * 3 - 1);
        assert!(kept.get(most * 3 - 1, || Err(std::io::ErrorKind::NotFound.into())).is_none());
    }
}
