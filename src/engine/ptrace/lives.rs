//! How tasks begin, become another program, and end.

use super::classify::Stop;
use super::tracee::{self, Tracee};
use super::{Engine, identity};
use crate::engine::{Identity, Observer, Task};
use crate::model::Pid;
use crate::model::record::Unfinished;
use crate::sys::{limits, ptrace, signals};

impl Engine {
    /// Makes a tracee of a task that stops for the first time. Its parent's event may come later, or never.
    pub(super) fn adopt(&mut self, observer: &mut dyn Observer, tid: Pid, attached: bool) {
        let creator = self.creators.remove(&tid).unwrap_or(0);
        let (identity, hidden) = match identity::read(tid) {
            Some(identity) => (Identity { creator, ..identity }, false),
            // Killed between its stop and now: its end will be told.
            None if ptrace::event_message(tid).is_err() => return,
            None => (self.hidden(tid, creator), true),
        };
        let mut tracee = Tracee::new(identity.pid, tid, identity.ppid);
        tracee.silent =
            (self.root.is_some() && !self.started) || (!self.mode.follow && !self.named.contains(&identity.pid));
        tracee.guest = if attached { self.guests } else { self.comes_from_guest(identity.pid, identity.ppid, creator) };
        observer.born(tracee.task(), &identity, attached);
        self.judge_born(tracee.pid, creator, identity.ppid);
        if !attached && !self.placement.is_placed(tid) {
            self.placement.free_child(tid);
        }
        let task = tracee.task();
        self.tracees.insert(tid, tracee);
        if hidden {
            self.lost_sight = true;
            observer.notice(task, "ALERT: /proc does not show this task; what it is and where is not known");
            // What cannot be looked at cannot be judged.
            if self.judge.is_some() {
                signals::send(tid, libc::SIGKILL);
            }
        }
    }

    /// What can be said of a task that is there but that /proc does not show: another file system lies over it, it hides what
    /// made itself undumpable (hidepid, proc(5)), or smtrace has no descriptor left.
    fn hidden(&self, tid: Pid, creator: Pid) -> Identity {
        let maker = self.tracees.get(&creator);
        // "pidfd_open(2) ... EINVAL: pid is not the thread-group leader".
        let pid = if limits::is_process(tid) { tid } else { maker.map_or(tid, |maker| maker.pid) };
        let ppid = maker.map_or(0, |maker| if maker.pid == pid { maker.ppid } else { maker.pid });
        Identity { ppid, pid, uid: u32::MAX, gid: u32::MAX, comm: Vec::new(), creator, caps: [0; 3] }
    }

    pub(super) fn ask_for_parent(&mut self, observer: &mut dyn Observer, tid: Pid) {
        let Some(tracee) = self.tracees.get_mut(&tid).filter(|tracee| tracee.orphaned) else { return };
        tracee.orphaned = false;
        let Some(identity) = identity::read(tid) else { return };
        if identity.ppid == tracee.ppid {
            return;
        }
        let pid = tracee.pid;
        observer.reparented(tracee.task(), identity.ppid);
        for thread in self.tracees.values_mut().filter(|thread| thread.pid == pid) {
            (thread.ppid, thread.orphaned) = (identity.ppid, false);
        }
    }

    pub(super) fn forked(&mut self, observer: &mut dyn Observer, tid: Pid, stop: Stop) {
        let Ok(child) = ptrace::event_message(tid).map(|child| Pid::try_from(child).unwrap_or(0)) else { return };
        // A child that stopped already is known; one that ended and was waited for will not come.
        let known = self.tracees.get(&child).map(|child| child.pid);
        if known.is_none() && limits::group_of(child).is_some() {
            self.creators.insert(child, tid);
        }
        let Some(tracee) = self.tracees.get_mut(&tid) else { return };
        let parent = tracee.pid;
        tracee.made_child = true;
        if !tracee.silent {
            observer.fork(tracee.task(), child);
        }
        if let Some(child) = known {
            self.judge_born(child, parent, parent);
        }
        // A process works while its parent waits for it, more often than not. One that stopped already is free again.
        if stop == Stop::Fork && self.placement.is_placed(tid) && known.is_none() {
            self.placement.pass_to(child);
        } else {
            self.placement.free_child(child);
            self.placement.release();
        }
    }

    pub(super) fn execed(&mut self, observer: &mut dyn Observer, tid: Pid) {
        self.memory.forget(tid);
        self.leave_inner(tid);
        let former = ptrace::event_message(tid).map_or(tid, |former| Pid::try_from(former).unwrap_or(tid));
        // "all other threads except the thread group leader report death ... the thread which called execve is
        // reported under the leader's tid" (ptrace(2), "execve(2) under ptrace").
        if former != tid {
            self.memory.forget(former);
            self.leave_inner(former);
            self.placement.renumber(former, tid);
            let was_leader = self.tracees.remove(&tid);
            if let Some(open) = was_leader.as_ref().and_then(|leader| leader.open) {
                self.abandon(observer, Task { pid: tid, tid }, &open, Unfinished::Exec);
            }
            if let Some(mut caller) = self.tracees.remove(&former) {
                caller.tid = tid;
                self.tracees.insert(tid, caller);
            }
        }
        let others: Vec<Pid> = self.tracees.values().filter(|t| t.pid == tid && t.tid != tid).map(|t| t.tid).collect();
        for other in others {
            self.forget(observer, other, Unfinished::Exec);
        }
        if Some(tid) == self.root {
            self.started = true;
        }
        if let Some(tracee) = self.tracees.get_mut(&tid) {
            tracee.silent &= Some(tid) != self.root;
            // Unreadable: killed meanwhile, and its end will be told.
            if let Some(identity) = identity::read(tid) {
                observer.exec(tracee.task(), former, &identity);
            }
        }
        self.judge_executed(observer, tid, former);
    }

    /// Tells that a call under way will not return to its caller.
    fn abandon(&mut self, observer: &mut dyn Observer, task: Task, open: &tracee::Open, why: Unfinished) {
        if open.after == tracee::After::Affinity {
            self.placement.unhold();
        }
        if open.call.enabled {
            observer.unfinished(task, &open.call, why);
        }
    }

    pub(super) fn forget(&mut self, observer: &mut dyn Observer, tid: Pid, why: Unfinished) {
        self.memory.forget(tid);
        self.leave_inner(tid);
        if self.placement.is_placed(tid) {
            self.placement.release();
        }
        let Some(tracee) = self.tracees.remove(&tid) else { return };
        if let Some(open) = &tracee.open {
            self.abandon(observer, tracee.task(), open, why);
        }
        if let Some(judge) = &mut self.judge {
            judge.gone(tracee.task());
        }
    }

    pub(super) fn ended(&mut self, observer: &mut dyn Observer, tid: Pid, status: i32) {
        if Some(tid) == self.root {
            self.root_status = Some(status);
        }
        self.creators.remove(&tid);
        let Some(tracee) = self.tracees.get(&tid) else { return };
        let task = tracee.task();
        let killed = status & 0x7f != 0;
        let parent = self.tracees.get(&tracee.ppid).filter(|parent| !parent.guest).map(|parent| parent.tid);
        if let Some(parent) = parent.filter(|_| task.tid == task.pid && self.placement.is_placed(tid)) {
            self.placement.pass_back(parent);
        }
        self.forget(observer, tid, if killed { Unfinished::Killed } else { Unfinished::Exited });
        observer.end(task, status);
        // The leader is told last: the process is gone, and its children have a new parent.
        if task.tid == task.pid {
            for child in self.tracees.values_mut().filter(|child| child.ppid == task.pid) {
                child.orphaned = true;
            }
        }
    }
}
