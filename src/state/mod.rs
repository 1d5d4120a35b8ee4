//! The account of who is who: comm, command line, user and parent of every task, kept from records alone.
//!
//! Seeded by what capture wrote about tasks that existed before, it never asks /proc: a process whose event is written
//! may be gone already. It must not know formats; a sink sees it through [`Who`].

mod entry;
mod kin;
mod names;
mod snapshot;

pub use kin::Kin;
pub use names::{Groups, Users};

use crate::model::Pid;
use crate::model::record::{Head, Kind, Record, Role, State, flag};
use entry::{Comm, Process, Texts, Thread};
use rustc_hash::FxHashMap;

/// How many processes outside the trace are remembered though no live process has them as parent.
const MOST_IDLE_OUTSIDERS: usize = 1024;

/// Who is who, by thread and by process.
#[derive(Debug, Default)]
pub struct Account {
    threads: FxHashMap<Pid, Thread>,
    processes: FxHashMap<Pid, Process>,
    users: Users,
    groups: Groups,
    /// Slots of ended threads, to be given again.
    free: Vec<usize>,
    slots: usize,
    /// Counts changes, so that each has a number of its own.
    changes: u64,
    /// The last change that several threads' lines show.
    epoch: u64,
    outsiders: usize,
}

impl Account {
    /// An account that knows no task yet.
    #[must_use]
    pub fn new(users: Users, groups: Groups) -> Account {
        Account { users, groups, ..Account::default() }
    }

    /// Learns from a record; kinds that tell nothing about who is who are ignored.
    pub fn apply(&mut self, record: &Record<'_>) {
        let head = record.head();
        match head.kind {
            Kind::Born => self.born(head, record),
            Kind::Exec => self.exec(head, record),
            Kind::End => self.forget(head.tid),
            Kind::Comm => self.renamed(head, record),
            Kind::Creds => self.creds(head.tid, id(record, 0), id(record, 1)),
            Kind::Reparent => self.reparent(head.pid, pid(record, 0)),
            Kind::Outsider => self.outsider(head.pid, record),
            Kind::Moved => self.moved(head, record),
            Kind::Lost if head.flags & flag::VOID != 0 => self.void(),
            Kind::Enter | Kind::Exit | Kind::Unfinished | Kind::Fork | Kind::Signal | Kind::Notice | Kind::Lost => {}
        }
    }

    /// Who thread `tid` of process `pid` is; an unknown one has only its numbers.
    #[must_use]
    pub fn who(&self, pid: Pid, tid: Pid) -> Who<'_> {
        Who { account: self, thread: self.threads.get(&tid), pid, tid }
    }

    /// The traced processes that have a live thread, with their comm.
    pub fn alive(&self) -> impl Iterator<Item = (Pid, &[u8])> {
        let live = self.processes.iter().filter(|(_, process)| process.threads > 0);
        live.map(|(pid, process)| (*pid, process.comm.bytes()))
    }

    /// The comm and the NUL-separated command line of a process, also of an ended one that children still name.
    #[must_use]
    pub fn names(&self, pid: Pid) -> Option<(&[u8], &[u8])> {
        let process = self.processes.get(&pid)?;
        Some((process.comm.bytes(), &process.texts.cmdline))
    }

    /// How many threads and processes are remembered.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.threads.len(), self.processes.len())
    }

    fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    fn born(&mut self, head: &Head, record: &Record<'_>) {
        let (ppid, creator) = (pid(record, 0), pid(record, 1));
        self.forget(head.tid);
        // What a child inherits is its creator's, which is not its parent after CLONE_PARENT.
        let maker = self.threads.get(&creator).map(|thread| (thread.pid, thread.comm));
        let comm = comm_piece(record).or(maker.map(|(_, comm)| comm)).unwrap_or_default();
        let joins = self.processes.get(&head.pid).is_some_and(|process| process.threads > 0);
        if !joins {
            let made_by = maker.map_or(ppid, |(pid, _)| pid);
            let known = self.processes.get(&made_by).filter(|process| process.threads > 0);
            let texts = known.map(|process| process.texts.clone());
            let process = self.processes.entry(head.pid).or_default();
            process.texts = texts.unwrap_or_default();
            process.comm = comm;
            process.started = head.time;
            if std::mem::take(&mut process.outsider) {
                self.outsiders = self.outsiders.saturating_sub(1);
            }
            self.link(head.pid, ppid);
        }
        let leads = head.tid == head.pid && head.flags & flag::THREAD == 0;
        if let Some(process) = self.processes.get_mut(&head.pid) {
            if leads {
                process.comm = comm;
            }
            process.threads += 1;
            learn(&mut process.texts, record);
        }
        self.seat(head, comm, id(record, 2), id(record, 3));
        if joins && leads {
            self.epoch = self.change();
        }
    }

    /// Gives a thread its entry and a slot.
    fn seat(&mut self, head: &Head, comm: Comm, uid: u32, gid: u32) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        let stamp = self.change();
        self.threads.insert(head.tid, Thread { pid: head.pid, comm, uid, gid, slot, stamp });
    }

    /// execve(2): "All threads other than the calling thread are destroyed"; ptrace(2), "execve(2) under ptrace": the
    /// caller's thread id becomes the process id.
    fn exec(&mut self, head: &Head, record: &Record<'_>) {
        let former = pid(record, 0);
        let old = self.threads.get(&former).or_else(|| self.threads.get(&head.tid)).map(|thread| thread.comm);
        let comm = comm_piece(record).or(old).unwrap_or_default();
        let crowded = self.processes.get(&head.pid).is_some_and(|process| process.threads > 1);
        if crowded || former != head.tid {
            let gone: Vec<Pid> =
                self.threads.iter().filter(|(_, thread)| thread.pid == head.pid).map(|(tid, _)| *tid).collect();
            for tid in gone {
                self.unseat(tid);
            }
        } else {
            self.unseat(head.tid);
        }
        let process = self.processes.entry(head.pid).or_default();
        process.comm = comm;
        process.threads = 1;
        learn(&mut process.texts, record);
        let parent_of_some = process.children > 0;
        self.seat(head, comm, id(record, 1), id(record, 2));
        if parent_of_some {
            self.epoch = self.change();
        }
    }

    /// Takes a thread out and gives its slot back.
    fn unseat(&mut self, tid: Pid) -> Option<Pid> {
        let thread = self.threads.remove(&tid)?;
        self.free.push(thread.slot);
        Some(thread.pid)
    }

    /// Takes a thread out, and its process with it when it was the last.
    fn forget(&mut self, tid: Pid) {
        let Some(pid) = self.unseat(tid) else { return };
        let Some(process) = self.processes.get_mut(&pid) else { return };
        process.threads = process.threads.saturating_sub(1);
        if process.threads > 0 {
            return;
        }
        // Children name it as their parent until their Reparent comes: only its comm stays.
        process.texts = Texts::default();
        let childless = process.children == 0;
        self.link(pid, 0);
        if childless {
            self.processes.remove(&pid);
        }
    }

    /// Makes `ppid` the parent of `pid`; 0 is none.
    fn link(&mut self, pid: Pid, ppid: Pid) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        let former = std::mem::replace(&mut process.ppid, ppid);
        if former == ppid {
            return;
        }
        if ppid != 0 {
            self.processes.entry(ppid).or_default().children += 1;
        }
        let Some(parent) = self.processes.get_mut(&former) else { return };
        parent.children = parent.children.saturating_sub(1);
        if parent.children == 0 && parent.threads == 0 && !parent.outsider {
            self.processes.remove(&former);
        }
    }

    fn renamed(&mut self, head: &Head, record: &Record<'_>) {
        let Some(comm) = comm_piece(record) else { return };
        let change = self.change();
        if let Some(thread) = self.threads.get_mut(&head.tid) {
            (thread.comm, thread.stamp) = (comm, change);
        }
        if head.tid == head.pid
            && let Some(process) = self.processes.get_mut(&head.pid)
        {
            process.comm = comm;
            if process.children > 0 {
                self.epoch = change;
            }
        }
    }

    fn creds(&mut self, tid: Pid, uid: u32, gid: u32) {
        let change = self.change();
        if let Some(thread) = self.threads.get_mut(&tid) {
            (thread.uid, thread.gid, thread.stamp) = (uid, gid, change);
        }
    }

    fn reparent(&mut self, pid: Pid, ppid: Pid) {
        self.link(pid, ppid);
        self.epoch = self.change();
    }

    fn moved(&mut self, head: &Head, record: &Record<'_>) {
        let change = self.change();
        let Some(process) = self.processes.get_mut(&head.pid) else { return };
        learn(&mut process.texts, record);
        if process.threads > 1 {
            self.epoch = change;
        } else if let Some(thread) = self.threads.get_mut(&head.tid) {
            thread.stamp = change;
        }
    }

    fn outsider(&mut self, pid: Pid, record: &Record<'_>) {
        let process = self.processes.entry(pid).or_default();
        if process.threads > 0 {
            return;
        }
        if !process.outsider {
            process.outsider = true;
            self.outsiders += 1;
        }
        if let Some(comm) = comm_piece(record) {
            process.comm = comm;
        }
        learn(&mut process.texts, record);
        self.epoch = self.change();
        if self.outsiders > MOST_IDLE_OUTSIDERS {
            self.processes.retain(|known, process| {
                !process.outsider || process.children > 0 || process.threads > 0 || *known == pid
            });
            self.outsiders = self.processes.values().filter(|process| process.outsider).count();
        }
    }
}

/// Who a thread is, as the account knows it now.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    account: &'a Account,
    thread: Option<&'a Thread>,
    /// The process.
    pub pid: Pid,
    /// The thread.
    pub tid: Pid,
}

impl<'a> Who<'a> {
    /// Where a reader can keep what it made of this thread: a small number, and a stamp that is another one as soon as
    /// anything that [`Who`] tells has changed. Numbers of ended threads are given again, stamps are not.
    #[must_use]
    pub fn place(&self) -> Option<(usize, u64)> {
        self.thread.map(|thread| (thread.slot, thread.stamp.max(self.account.epoch)))
    }

    /// How many threads are traced now.
    #[must_use]
    pub fn tracees(&self) -> usize {
        self.account.threads.len()
    }

    /// The effective user id.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        self.thread.map(|thread| thread.uid)
    }

    /// The effective group id.
    #[must_use]
    pub fn gid(&self) -> Option<u32> {
        self.thread.map(|thread| thread.gid)
    }

    /// The name of the effective user, if it has one.
    #[must_use]
    pub fn user(&self) -> Option<&'a str> {
        self.account.users.name(self.uid()?)
    }

    /// The name of the effective group, if it has one.
    #[must_use]
    pub fn group(&self) -> Option<&'a str> {
        self.account.groups.name(self.gid()?)
    }

    /// The thread's comm; empty when unknown.
    #[must_use]
    pub fn comm(&self) -> &'a [u8] {
        self.thread.map_or(&[], |thread| thread.comm.bytes())
    }

    fn process(&self) -> Option<&'a Process> {
        self.account.processes.get(&self.thread.map_or(self.pid, |thread| thread.pid))
    }

    /// The words of the command line; none when the process has cleared it. A record separates them by NUL, without
    /// one at the end.
    pub fn argv(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let line = self.process().map_or(&[][..], |process| &process.texts.cmdline);
        let words = (!line.is_empty()).then(|| line.split(|byte| *byte == 0));
        words.into_iter().flatten()
    }

    /// Whether a limit cut the command line.
    #[must_use]
    pub fn argv_cut(&self) -> bool {
        self.process().is_some_and(|process| process.texts.cut)
    }

    /// The path of the program; empty when unknown.
    #[must_use]
    pub fn exe(&self) -> &'a [u8] {
        self.process().map_or(&[], |process| &process.texts.exe)
    }

    /// The working directory; empty when unknown.
    #[must_use]
    pub fn cwd(&self) -> &'a [u8] {
        self.process().map_or(&[], |process| &process.texts.cwd)
    }

    /// The parent process; 0 when unknown.
    #[must_use]
    pub fn ppid(&self) -> Pid {
        self.process().map_or(0, |process| process.ppid)
    }

    /// The parent's comm; empty when unknown.
    #[must_use]
    pub fn parent_comm(&self) -> &'a [u8] {
        self.account.processes.get(&self.ppid()).map_or(&[], |parent| parent.comm.bytes())
    }
}

fn pid(record: &Record<'_>, index: usize) -> Pid {
    record.args().get(index).and_then(|arg| Pid::try_from(*arg).ok()).unwrap_or(0)
}

fn id(record: &Record<'_>, index: usize) -> u32 {
    record.args().get(index).and_then(|arg| u32::try_from(*arg & 0xffff_ffff).ok()).unwrap_or(0)
}

fn comm_piece(record: &Record<'_>) -> Option<Comm> {
    record.piece(Role::Comm).filter(|piece| piece.state != State::Unreadable).map(|piece| Comm::new(piece.data))
}

/// Takes over what the record tells of the process's texts.
fn learn(texts: &mut Texts, record: &Record<'_>) {
    for piece in record.pieces().filter(|piece| piece.state != State::Unreadable) {
        match piece.role {
            role if role == Role::Cmdline as u8 => {
                texts.cmdline = piece.data.into();
                texts.cut = piece.state == State::Cut;
            }
            role if role == Role::Exe as u8 => texts.exe = piece.data.into(),
            role if role == Role::Cwd as u8 => texts.cwd = piece.data.into(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
