//! A process and its ancestors, as far as the account knows them.

use super::entry::Process;
use super::{Account, Who};
use crate::model::Pid;

/// A process, itself or an ancestor.
#[derive(Clone, Copy, Debug)]
pub struct Kin<'a> {
    /// The process.
    pub pid: Pid,
    process: &'a Process,
}

impl<'a> Kin<'a> {
    /// Its name; empty when unknown.
    #[must_use]
    pub fn comm(&self) -> &'a [u8] {
        self.process.comm.bytes()
    }

    /// The words of its command line.
    pub fn argv(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let line: &[u8] = &self.process.texts.cmdline;
        (!line.is_empty()).then(|| line.split(|byte| *byte == 0)).into_iter().flatten()
    }

    /// The path of its program; empty when unknown.
    #[must_use]
    pub fn exe(&self) -> &'a [u8] {
        &self.process.texts.exe
    }

    /// When it was made or seen first, nanoseconds since the epoch; 0 when unknown.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.process.started
    }

    /// Its live traced threads.
    #[must_use]
    pub fn threads(&self) -> u32 {
        self.process.threads
    }
}

impl Account {
    fn kin(&self, pid: Pid) -> Option<Kin<'_>> {
        self.processes.get(&pid).map(|process| Kin { pid, process })
    }
}

impl<'a> Who<'a> {
    /// The process, its parent, its parent's parent, as far as they are known.
    pub fn kin(&self) -> impl Iterator<Item = Kin<'a>> + use<'a> {
        let account = self.account;
        let first = account.kin(self.thread.map_or(self.pid, |thread| thread.pid));
        std::iter::successors(first, move |kin| {
            // What a tracee tells cannot make a ring, but a reader of damaged files must not hang either.
            let parent = kin.process.ppid;
            if parent == 0 || parent == kin.pid { None } else { account.kin(parent) }
        })
    }

    /// Another process.
    #[must_use]
    pub fn of(&self, pid: Pid) -> Option<Kin<'a>> {
        self.account.kin(pid)
    }

    /// The name of a user.
    #[must_use]
    pub fn user_of(&self, id: u32) -> Option<&'a str> {
        self.account.users.name(id)
    }

    /// The name of a group.
    #[must_use]
    pub fn group_of(&self, id: u32) -> Option<&'a str> {
        self.account.groups.name(id)
    }
}
