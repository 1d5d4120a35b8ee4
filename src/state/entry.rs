//! What the account keeps of one thread and of one process: small, with texts shared between parent and child.

use crate::model::Pid;
use std::sync::Arc;

/// A task's name in place: the kernel's `TASK_COMM_LEN` is 16 with its NUL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Comm {
    bytes: [u8; 15],
    len: u8,
}

impl Comm {
    /// The name, cut at the first NUL and at 15 bytes.
    pub(super) fn new(name: &[u8]) -> Comm {
        let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
        let mut comm = Comm::default();
        for (to, from) in comm.bytes.iter_mut().zip(name) {
            *to = *from;
            comm.len += 1;
        }
        comm
    }

    /// The name's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// A thread.
#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// Its process.
    pub(super) pid: Pid,
    /// Its name.
    pub(super) comm: Comm,
    /// Its effective user.
    pub(super) uid: u32,
    /// Its effective group.
    pub(super) gid: u32,
    /// Its place in a reader's cache.
    pub(super) slot: usize,
    /// The change that made it what it is.
    pub(super) stamp: u64,
}

/// A process: traced and live when it has threads, else a parent that some live one names.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    /// Its parent, 0 for none.
    pub(super) ppid: Pid,
    /// Its leader's name, also after the leader ended.
    pub(super) comm: Comm,
    /// When it was made, or seen first; 0 for one outside the trace.
    pub(super) started: u64,
    /// What execve gave it.
    pub(super) texts: Texts,
    /// Its live traced threads.
    pub(super) threads: u32,
    /// The entries that name it as parent.
    pub(super) children: u32,
    /// It is outside the trace, and told of once: not to be forgotten with its last child.
    pub(super) outsider: bool,
}

/// The long texts of a process, shared with the children that inherit them.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    /// NUL-separated.
    pub(super) cmdline: Arc<[u8]>,
    /// A limit cut the command line.
    pub(super) cut: bool,
    /// The program's path.
    pub(super) exe: Arc<[u8]>,
    /// The working directory.
    pub(super) cwd: Arc<[u8]>,
}
