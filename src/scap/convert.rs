//! Records to libscap's events.
//!
//! It keeps its own account of who is who and of sockets, so that it gives the same events for the same records whether
//! they come live, from a file or in a plugin. It must not do I/O.

use super::call::Call;
use super::event::Builder;
use super::flags;
use super::life::{self, Maker, Program, Subject};
use super::sockets::{Sockets, lesson};
use super::table::{GENERIC, Index};
use crate::model::Pid;
use crate::model::record::{Head, Kind, Record, Role, flag};
use crate::state::{Account, Groups, Users};
use crate::table::Row;
use crate::table::row_of;
use rustc_hash::{FxHashMap, FxHashSet};

/// The calls whose exit tells a reader of new ids by itself: setuid, setgid, setresuid, setresgid.
const TELL_IDS: [u16; 4] = [198, 200, 192, 194];
/// As [`TELL_IDS`], of a new working directory: chdir, fchdir.
const TELL_CWD: [u16; 2] = [94, 96];

/// The highest number of a call that every reader knows: sysdig 0.29, which Debian 12 has, looks a higher one up behind
/// its table and dies. In a file such a call is "unknown", with the kernel's number.
pub(super) const KNOWN_TO_ALL: u16 = 328;

/// Where events go, each whole.
pub type Events<'a> = &'a mut dyn FnMut(&[u8]);

/// Turns records into events.
pub struct Converter {
    pub(super) account: Account,
    index: &'static Index,
    /// The highest number of a call that is told.
    highest: u16,
    sockets: Sockets,
    /// The enter record of each call in progress.
    entered: FxHashMap<Pid, Vec<u8>>,
    /// The threads whose execve was told when it happened: its exit says nothing new.
    told: FxHashSet<Pid>,
    /// Whether who exists already was told, by a list or by nobody.
    pub(super) begun: bool,
    build: Builder,
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Converter")
            .field("begun", &self.begun)
            .field("calls", &self.entered.len())
            .finish_non_exhaustive()
    }
}

impl Default for Converter {
    fn default() -> Converter {
        Converter::live()
    }
}

impl Converter {
    /// A converter for a reader of today that has no list of processes: those that exist are told as if they were just
    /// made.
    #[must_use]
    pub fn live() -> Converter {
        Converter::new(true, u16::MAX)
    }

    /// A converter for a file, whose head lists the processes.
    pub(super) fn file() -> Converter {
        Converter::new(false, KNOWN_TO_ALL)
    }

    fn new(begun: bool, highest: u16) -> Converter {
        Converter {
            account: Account::new(Users::default(), Groups::default()),
            index: Index::get(),
            highest,
            sockets: Sockets::default(),
            entered: FxHashMap::default(),
            told: FxHashSet::default(),
            begun,
            build: Builder::default(),
        }
    }

    /// Takes the next record and gives the events that it makes.
    pub fn feed(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        // A call that is not to be shown still teaches what the calls after it need.
        let mut nowhere = |_: &[u8]| ();
        let call = matches!(head.kind, Kind::Enter | Kind::Exit | Kind::Signal);
        let events: Events<'_> = if call && head.flags & flag::QUIET != 0 { &mut nowhere } else { events };
        match head.kind {
            Kind::Enter => self.enter(record, events),
            Kind::Exit => self.exit(record, events),
            Kind::Unfinished => drop(self.entered.remove(&head.tid)),
            Kind::Born => self.born(record, events),
            Kind::Exec => self.exec(record, events),
            Kind::End => {
                events(life::ended(&mut self.build, head));
                self.entered.remove(&head.tid);
                self.told.remove(&head.tid);
                if head.tid == head.pid {
                    self.sockets.forget(head.pid);
                }
                self.account.apply(record);
            }
            Kind::Signal => {
                let sender = record.args().get(1).map_or(0, |sender| sender.cast_signed());
                events(life::signalled(&mut self.build, head, sender));
            }
            Kind::Outsider => {
                self.account.apply(record);
                if self.begun {
                    self.introduce(head, Maker::Clone, 0, events);
                }
            }
            Kind::Creds => self.creds(record, events),
            Kind::Moved => {
                self.account.apply(record);
                if self.begun && !self.tells(head.tid, &TELL_CWD) {
                    let who = self.account.who(head.pid, head.tid);
                    events(life::moved(&mut self.build, head, who.cwd()));
                }
            }
            Kind::Comm | Kind::Reparent => self.account.apply(record),
            Kind::Lost => {
                // A capture has no event for it; the calls in progress may have ended in what was lost.
                self.entered.clear();
                self.account.apply(record);
            }
            Kind::Fork | Kind::Notice => {}
        }
    }

    /// The name of a thread; empty when unknown.
    #[must_use]
    pub fn comm(&self, pid: Pid, tid: Pid) -> &[u8] {
        self.account.who(pid, tid).comm()
    }

    /// Whether the call in progress of `tid` has one of these events.
    fn tells(&self, tid: Pid, numbers: &[u16]) -> bool {
        let pending = self.entered.get(&tid).and_then(|bytes| Record::parse(bytes).ok());
        let row = pending.and_then(|(record, _)| row_of(record.head()));
        let event = row.and_then(|row| self.index.event(row));
        event.is_some_and(|event| numbers.contains(&event.number))
    }

    fn enter(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        let mut bytes = self.entered.remove(&head.tid).unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(record.bytes());
        self.entered.insert(head.tid, bytes);
        self.told.remove(&head.tid);
        let row = row_of(head);
        if let Some(row) = row {
            if let Some(maker) = Maker::of(row.name) {
                return events(self.build.begin(head.time, head.tid, maker.number()).finish());
            }
            let call = Call::new(row, record, None, &self.sockets);
            if let Some(program) = Program::of(row.name) {
                self.build.begin(head.time, head.tid, program.number());
                if program == Program::Execveat {
                    self.build.i64(call.int("fd"));
                }
                self.build.text(call.memory("filename").unwrap_or_default());
                if program == Program::Execveat {
                    self.build.number(flags::execveat(call.word("flags")), 4);
                }
                return events(self.build.finish());
            }
            if let Some(event) = self.index.event(row) {
                self.build.begin(head.time, head.tid, event.number);
                for param in event.enter {
                    self.build.with(|to| param.put(&call, to));
                }
                return events(self.build.finish());
            }
        }
        self.generic(head, row, events);
    }

    /// A call without an event of its own.
    fn generic(&mut self, head: &Head, row: Option<&Row>, events: Events<'_>) {
        let code = row.map(|row| self.index.code(row)).filter(|code| *code <= self.highest).unwrap_or(0);
        let exit = u16::from(head.kind == Kind::Exit);
        self.build.begin(head.time, head.tid, GENERIC + exit).number(u64::from(code), 2);
        events(self.build.number(u64::from(head.nr), 2).finish());
    }

    fn exit(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        let memory = self.entered.remove(&head.tid);
        let entered = memory.as_deref().and_then(|bytes| Record::parse(bytes).ok()).map(|(record, _)| record);
        let entered = entered.filter(|entered| (entered.head().nr, entered.head().abi) == (head.nr, head.abi));
        let Some(row) = row_of(head) else { return self.generic(head, None, events) };
        if let Some(maker) = Maker::of(row.name) {
            let flags = entered.as_ref().map_or(0, |entered| clone_flags(row, entered));
            let subject = Subject::new(&self.account, head.pid, head.tid);
            return events(life::cloned(&mut self.build, head, &subject, maker, flags, head.result));
        }
        if let Some(program) = Program::of(row.name) {
            if self.told.remove(&head.tid) && head.result == 0 {
                return;
            }
            let call = Call::new(row, record, entered.as_ref(), &self.sockets);
            let asked = call.memory("filename").unwrap_or_default();
            let subject = Subject::new(&self.account, head.pid, head.tid);
            return events(life::executed(&mut self.build, head, &subject, program, head.result, asked, &[]));
        }
        let call = Call::new(row, record, entered.as_ref(), &self.sockets);
        match self.index.event(row) {
            Some(event) => {
                self.build.begin(head.time, head.tid, event.number + 1);
                for param in event.exit {
                    self.build.with(|to| param.put(&call, to));
                }
                events(self.build.finish());
                let lesson = lesson(&call);
                self.sockets.learn(lesson);
            }
            None => self.generic(head, Some(row), events),
        }
    }

    fn born(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        self.account.apply(record);
        let creator = record.args().get(1).and_then(|tid| Pid::try_from(*tid).ok()).unwrap_or(0);
        let thread = head.flags & flag::THREAD != 0;
        if !thread {
            let parent = record.args().first().and_then(|pid| Pid::try_from(*pid).ok()).unwrap_or(0);
            self.sockets.inherit(parent, head.pid);
        }
        if !self.begun {
            return;
        }
        let pending = self.entered.get(&creator).and_then(|bytes| Record::parse(bytes).ok()).map(|(record, _)| record);
        let made = pending.and_then(|record| {
            let row = row_of(record.head())?;
            Some((Maker::of(row.name)?, clone_flags(row, &record)))
        });
        let (maker, flags) = made.unwrap_or((Maker::Clone, if thread { flags::PTHREAD } else { 0 }));
        self.introduce(head, maker, flags, events);
    }

    /// Tells of a thread as its maker's call does when it returns in the new thread.
    fn introduce(&mut self, head: &Head, maker: Maker, flags: u64, events: Events<'_>) {
        let subject = Subject::new(&self.account, head.pid, head.tid);
        events(life::cloned(&mut self.build, head, &subject, maker, flags, 0));
    }

    fn exec(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        self.account.apply(record);
        let former = record.args().first().and_then(|tid| Pid::try_from(*tid).ok()).unwrap_or(head.tid);
        let pending = self.entered.remove(&former).or_else(|| self.entered.remove(&head.tid));
        let entered = pending.as_deref().and_then(|bytes| Record::parse(bytes).ok()).map(|(record, _)| record);
        let call = entered.as_ref().and_then(|entered| {
            let row = row_of(entered.head())?;
            Some((Program::of(row.name)?, Call::new(row, entered, None, &self.sockets)))
        });
        let program = call.as_ref().map_or(Program::Execve, |(program, _)| *program);
        let path = record.piece(Role::Exe).map_or(&[][..], |piece| piece.data);
        let asked = call.as_ref().and_then(|(_, call)| call.memory("filename")).unwrap_or(path);
        let mut env = Vec::new();
        if let Some((_, call)) = &call {
            environment(call, &mut env);
            self.told.insert(head.tid);
        } else {
            // The call itself is not enabled; readers look for the path in the enter.
            events(self.build.begin(head.time, head.tid, program.number()).text(asked).finish());
        }
        let subject = Subject::new(&self.account, head.pid, head.tid);
        events(life::executed(&mut self.build, head, &subject, program, 0, asked, &env));
        if let Some(bytes) = pending {
            self.entered.insert(head.tid, bytes);
        }
    }

    fn creds(&mut self, record: &Record<'_>, events: Events<'_>) {
        let head = record.head();
        let ids = |who: crate::state::Who<'_>| (who.uid(), who.gid());
        let old = ids(self.account.who(head.pid, head.tid));
        self.account.apply(record);
        let new = ids(self.account.who(head.pid, head.tid));
        if !self.begun || self.tells(head.tid, &TELL_IDS) {
            return;
        }
        for (old, new, group) in [(old.0, new.0, false), (old.1, new.1, true)] {
            if let Some(id) = new.filter(|_| old != new) {
                events(life::became(&mut self.build, head, id, group, false));
                events(life::became(&mut self.build, head, id, group, true));
            }
        }
    }
}

/// The flags of the call that makes a process, as clone(2) has them.
fn clone_flags(row: &'static Row, entered: &Record<'_>) -> u64 {
    let sockets = Sockets::default();
    let call = Call::new(row, entered, None, &sockets);
    match Maker::of(row.name) {
        Some(Maker::Clone) => call.word("clone_flags"),
        Some(Maker::Clone3) => call.memory("uargs").and_then(|args| super::call::number(args, 0, 8)).unwrap_or(0),
        Some(Maker::Vfork) => flags::VFORKED,
        _ => 0,
    }
}

/// The environment of a new program, where it was captured: each text with its NUL.
fn environment(call: &Call<'_>, out: &mut Vec<u8>) {
    for text in call.texts("envp") {
        super::param::put_text(text, out);
    }
}
