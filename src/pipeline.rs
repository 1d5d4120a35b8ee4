//! The reader's side as one value: records in, lines out. State, decode, rules and sink in their order.
//!
//! It does no I/O and knows no time but the records': fed the same records, live or replayed, it writes the same bytes.

mod watched;

use crate::decode::walk::Limits;
use crate::event::Event;
use crate::model::record::{Kind, Record, flag};
use crate::model::{Pid, Plan};
use crate::rules::Keep;
use crate::sink::{self, Needs, Sink};
use crate::state::{Account, Groups, Users, Who};
use rustc_hash::{FxHashMap, FxHashSet};
use watched::Watched;

/// How many buffers of ended calls are kept for the next ones, and how large each may be.
const MOST_SPARE: usize = 16;
const LARGEST_SPARE: usize = 8 * 1024;

/// Turns records into the lines of one format.
pub struct Pipeline {
    account: Account,
    rules: Keep,
    sink: Box<dyn Sink + Send>,
    needs: Needs,
    probe: bool,
    limits: Limits,
    /// The enter record, with its arguments and open files, of each call in progress. Only when arguments are shown.
    entered: FxHashMap<Pid, Vec<u8>>,
    /// The enter line of each call in progress whose result decides whether it is written.
    held: FxHashMap<Pid, Vec<u8>>,
    /// The threads whose call in progress a condition did not choose at its enter.
    unseen: FxHashSet<Pid>,
    spare: Vec<Vec<u8>>,
    events: u64,
    watched: Watched,
}

impl Pipeline {
    /// A pipeline for one run.
    #[must_use]
    pub fn new(plan: &Plan, users: Users, groups: Groups) -> Pipeline {
        let (needs, sink) = sink::make(plan);
        Pipeline::with_sink(plan, needs, sink, users, groups)
    }

    /// A pipeline that ends in `sink`, whatever format the plan names.
    #[must_use]
    pub fn with_sink(plan: &Plan, needs: Needs, sink: Box<dyn Sink + Send>, users: Users, groups: Groups) -> Pipeline {
        Pipeline {
            account: Account::new(users, groups),
            rules: Keep::new(&plan.filters),
            sink,
            needs,
            probe: plan.probe,
            limits: Limits::of(&plan.output),
            entered: FxHashMap::default(),
            held: FxHashMap::default(),
            unseen: FxHashSet::default(),
            spare: Vec::new(),
            events: 0,
            watched: Watched::default(),
        }
    }

    /// Takes the next record and appends what is to be written to `out`, whole lines; says whether anything was.
    pub fn feed(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> bool {
        let head = record.head();
        let shown = head.flags & flag::QUIET == 0;
        self.watched.apply(record);
        match head.kind {
            Kind::Enter => self.enter(record, shown, out),
            Kind::Exit | Kind::Unfinished => self.leave(record, shown, out),
            Kind::Born => {
                self.account.apply(record);
                let before = out.len();
                if self.watched.shows() {
                    self.sink.born(&self.account.who(head.pid, head.tid), out);
                }
                out.len() > before
            }
            Kind::Comm | Kind::Creds | Kind::Reparent | Kind::Outsider | Kind::Moved => {
                self.account.apply(record);
                false
            }
            Kind::Exec => {
                self.account.apply(record);
                self.follow(record);
                shown && self.watched.shows() && self.tells_processes() && self.write(record, None, out)
            }
            Kind::End => {
                self.recycle(head.tid);
                let released = self.release(head.tid, out);
                let rendered = shown && self.look(record, None, out);
                let written = rendered && self.tells_processes() && self.write(record, None, out);
                self.account.apply(record);
                released || written
            }
            // A stop by a signal is kept in a capture, and no event of the formats that tell of deliveries only.
            Kind::Signal if head.flags & flag::STOPPED != 0 && !self.needs.signals => false,
            Kind::Fork | Kind::Signal => {
                shown && self.look(record, None, out) && self.tells_processes() && self.write(record, None, out)
            }
            Kind::Notice => shown && self.write(record, None, out),
            Kind::Lost => {
                let written = self.write(record, None, out);
                if head.flags & flag::VOID != 0 {
                    self.account.apply(record);
                    // Calls in progress may have ended in what was lost.
                    self.entered.clear();
                    self.held.clear();
                    self.unseen.clear();
                }
                written
            }
        }
    }

    /// Learns from the next record who is who, and writes nothing.
    pub fn learn(&mut self, record: &Record<'_>) -> bool {
        self.account.apply(record);
        false
    }

    /// Learns names of users and groups, as a capture tells them.
    pub fn learn_names(&mut self, users: &[(u32, String)], groups: &[(u32, String)]) {
        self.account.learn_names(users, groups);
    }

    /// Who a thread is now.
    #[must_use]
    pub fn who(&self, pid: Pid, tid: Pid) -> Who<'_> {
        self.account.who(pid, tid)
    }

    /// Appends what is to be written after the last record.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.sink.finish(out);
    }

    fn tells_processes(&self) -> bool {
        self.probe || self.needs.signals
    }

    /// Shows events as `plan` says from here on; who is who stays known.
    pub fn reform(&mut self, plan: &Plan) {
        let (needs, sink) = sink::make(plan);
        (self.needs, self.sink) = (needs, sink);
        self.rules = Keep::new(&plan.filters);
        self.limits = Limits::of(&plan.output);
        // Enters that were held wait for nothing any more, or for other rules.
        self.held.clear();
        if !needs.args {
            self.entered.clear();
        }
    }

    /// Who is who now, as records dated `time`.
    #[must_use]
    pub fn tasks(&self, time: u64) -> Vec<u8> {
        let mut tasks = Vec::new();
        self.account.snapshot(time, &mut tasks);
        tasks
    }

    /// How many events were written.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The live processes of the trace with their comm.
    pub fn alive(&self) -> impl Iterator<Item = (Pid, &[u8])> {
        self.account.alive()
    }

    /// The comm and the NUL-separated command line of a process.
    #[must_use]
    pub fn names(&self, pid: Pid) -> Option<(&[u8], &[u8])> {
        self.account.names(pid)
    }

    fn enter(&mut self, record: &Record<'_>, shown: bool, out: &mut Vec<u8>) -> bool {
        if self.needs.args || self.needs.ran || self.watched.any() || (self.needs.pairs && self.rules.hold_enter()) {
            self.remember(record);
        }
        if !shown {
            return false;
        }
        if !self.look(record, None, out) {
            self.unseen.insert(record.head().tid);
            return false;
        }
        if !self.rules.hold_enter() {
            return self.write(record, None, out);
        }
        if self.needs.pairs {
            return false;
        }
        // The line's fate is the result's; a count that went up goes down until then.
        let mut line = Vec::new();
        if self.write(record, None, &mut line) {
            self.events -= 1;
            self.held.insert(record.head().tid, line);
        }
        false
    }

    fn leave(&mut self, record: &Record<'_>, shown: bool, out: &mut Vec<u8>) -> bool {
        let head = record.head();
        let memory = self.entered.remove(&head.tid);
        let entered = memory.as_deref().and_then(|bytes| Record::parse(bytes).ok()).map(|(record, _)| record);
        let ended = head.kind == Kind::Exit;
        // A call that never returned has nothing more to be asked about than its enter.
        let unseen = self.unseen.remove(&head.tid);
        let seen = |pipeline: &mut Self, out: &mut Vec<u8>| pipeline.look(record, entered.as_ref(), out);
        let shown = shown && if ended { seen(self, out) } else { !unseen } && self.watched.shows();
        let who = self.account.who(head.pid, head.tid);
        let event = Event::decode(record, entered.as_ref(), who, self.limits);
        let failed = event.as_ref().is_some_and(|event| !self.rules.keep_end(event));
        let mut written = false;
        if failed {
            self.held.remove(&head.tid);
        } else {
            written = self.release(head.tid, out);
            if let Some(entered) = entered.as_ref().filter(|_| shown && self.needs.pairs && self.rules.hold_enter()) {
                written |= self.write(entered, None, out);
            }
            if shown {
                written |= self.write(record, entered.as_ref(), out);
            }
        }
        if let Some(bytes) = memory {
            self.keep_spare(bytes);
        }
        written
    }

    /// Renders one event if the rules keep it.
    fn write(&mut self, record: &Record<'_>, entered: Option<&Record<'_>>, out: &mut Vec<u8>) -> bool {
        let head = record.head();
        let who = self.account.who(head.pid, head.tid);
        let Some(event) = Event::decode(record, entered, who, self.limits) else { return false };
        if !self.rules.keep(&event) {
            return false;
        }
        self.sink.render(&event, out);
        for heard in self.watched.take_heard() {
            self.sink.heard(&event, &heard);
        }
        self.events += 1;
        true
    }

    /// Writes the line that was held for `tid`.
    fn release(&mut self, tid: Pid, out: &mut Vec<u8>) -> bool {
        if self.held.is_empty() {
            return false;
        }
        let Some(line) = self.held.remove(&tid) else { return false };
        out.extend_from_slice(&line);
        self.events += 1;
        true
    }

    /// Keeps what an exit must show again.
    fn remember(&mut self, record: &Record<'_>) {
        let tid = record.head().tid;
        let old = self.entered.remove(&tid).or_else(|| self.spare.pop());
        let mut bytes = old.unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(record.bytes());
        self.entered.insert(tid, bytes);
    }

    /// The call in progress of the thread that executes a program goes on under the process's id.
    fn follow(&mut self, record: &Record<'_>) {
        let former = record.args().first().and_then(|tid| Pid::try_from(*tid).ok()).unwrap_or(0);
        let tid = record.head().tid;
        if former == tid || former == 0 {
            return;
        }
        if let Some(bytes) = self.entered.remove(&former) {
            self.entered.insert(tid, bytes);
        }
        if self.unseen.remove(&former) {
            self.unseen.insert(tid);
        }
        if let Some(line) = self.held.remove(&former) {
            self.held.insert(tid, line);
        }
    }

    fn recycle(&mut self, tid: Pid) {
        if let Some(bytes) = self.entered.remove(&tid) {
            self.keep_spare(bytes);
        }
    }

    fn keep_spare(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < MOST_SPARE && bytes.capacity() <= LARGEST_SPARE {
            self.spare.push(bytes);
        }
    }
}

#[cfg(test)]
mod tests;
