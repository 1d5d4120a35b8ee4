//! One event as conditions see it. Values are borrowed from the record and the accounts, or written into a buffer that
//! is kept.

use super::catalog::{self, PROC_EXIT, SIGNAL, UNKNOWN, catalog};
use super::evt::Evt;
use super::fd::Fd;
use super::files::Files;
use super::other::Other;
use super::process::Process;
use super::programs::Programs;
use super::sessions::{Session, Sessions};
use super::{evt, fd, other, place, process};
use crate::event::call::Call;
use crate::model::record::{Kind, Record};
use crate::rules::lang::{Arg, FieldId, Fields, Value};
use crate::state::Who;
use crate::table;
use crate::table::row_of;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// What is the same for all events of a run.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The name of this machine.
    pub host: String,
    /// What `container.id` is; `None` outside containers.
    pub container: Option<String>,
    /// The user who logged in, -1 for nobody; `None` when that is not known.
    pub login: Option<i64>,
    /// The session of the command that is launched; `None` when that is not known.
    pub session: Option<Session>,
    /// The homes and shells of this machine's users, by their ids.
    pub homes: Homes,
}

/// Homes and shells of users.
#[derive(Clone, Debug, Default)]
pub struct Homes(FxHashMap<u32, [Box<[u8]>; 2]>);

impl Homes {
    /// Reads the text of /etc/passwd, passwd(5): name, password, user, group, comment, home, shell. The first of an id counts.
    #[must_use]
    pub fn parse(text: &[u8]) -> Homes {
        let mut all = FxHashMap::default();
        for line in text.split(|byte| *byte == b'\n') {
            let fields: Vec<_> = line.split(|byte| *byte == b':').collect();
            let [_, _, id, _, _, home, shell] = fields[..] else { continue };
            if let Some(id) = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok()) {
                all.entry(id).or_insert_with(|| [home.into(), shell.into()]);
            }
        }
        Homes(all)
    }

    /// Home and shell of a user.
    pub(super) fn of(&self, uid: u32) -> Option<&[Box<[u8]>; 2]> {
        self.0.get(&uid)
    }
}

/// What is learned from records beside who is who.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    /// What descriptors refer to.
    pub(crate) files: Files,
    /// Sessions and process groups.
    pub(crate) sessions: Sessions,
    /// Capabilities and programs' files.
    pub(crate) programs: Programs,
    /// Buffers of values, kept.
    pub(crate) buffers: Buffers,
}

impl Learned {
    /// Learns from what is no call.
    pub(crate) fn apply(&mut self, record: &Record<'_>, setup: &Setup) {
        self.files.apply(record);
        self.sessions.apply(record, setup.session);
        self.programs.apply(record);
    }

    /// Learns from a call that returned, before conditions are asked about it.
    pub(crate) fn learn_exit(&mut self, record: &Record<'_>, entered: Option<&Record<'_>>, cwd: &[u8]) {
        self.files.learn_exit(record, entered, cwd);
        self.sessions.learn_exit(record, entered);
    }
}

/// When events came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// How many came, this one too.
    pub number: u64,
    /// The first's time.
    pub first: u64,
    /// The time of the one before.
    pub before: u64,
}

/// Takes each value; says whether it wants more.
pub(super) type Each<'f> = &'f mut dyn FnMut(Value<'_>) -> bool;

/// Buffers for values that have to be written. They are kept from event to event, so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct Buffers(RefCell<Vec<Vec<u8>>>);

/// One event.
pub(crate) struct View<'e> {
    pub(super) call: Call<'e>,
    /// What the call is to libscap, unless it is generic.
    pub(super) known: Option<&'static catalog::Call>,
    pub(super) who: Who<'e>,
    pub(super) files: &'e Files,
    pub(super) sessions: &'e Sessions,
    pub(super) programs: &'e Programs,
    pub(super) setup: &'e Setup,
    pub(super) times: Times,
    buffers: &'e Buffers,
}

/// The number of an event in sets of them; `None` for records that are no event to conditions.
pub(crate) fn event_of(record: &Record<'_>) -> Option<usize> {
    let rows = table::rows().len();
    match record.head().kind {
        Kind::Enter | Kind::Exit => Some(row_of(record.head()).map_or(rows + UNKNOWN, table::Row::index)),
        Kind::End => Some(rows + PROC_EXIT),
        Kind::Signal => Some(rows + SIGNAL),
        _ => None,
    }
}

impl<'e> View<'e> {
    pub(crate) fn new(
        record: &'e Record<'e>,
        entered: Option<&'e Record<'e>>,
        who: Who<'e>,
        learned: &'e Learned,
        setup: &'e Setup,
        times: Times,
    ) -> View<'e> {
        let row = if matches!(record.head().kind, Kind::Enter | Kind::Exit) { row_of(record.head()) } else { None };
        let known = row.and_then(|row| catalog().call(row.index()));
        let call = Call::new(row, record, entered);
        let Learned { files, sessions, programs, buffers } = learned;
        View { call, known, who, files, sessions, programs, setup, times, buffers }
    }

    /// libscap's name of the event.
    pub(super) fn event_name(&self) -> &'static str {
        match self.call.record.head().kind {
            Kind::End => "procexit",
            Kind::Signal => "signaldeliver",
            _ => self.known.map(|call| call.event).or(self.call.row.map(|row| row.name)).unwrap_or("syscall"),
        }
    }

    pub(super) fn is_call(&self) -> bool {
        matches!(self.call.record.head().kind, Kind::Enter | Kind::Exit)
    }

    /// Gives a text that `write` makes; nothing when it says `false`.
    pub(super) fn made(&self, each: Each<'_>, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        self.buffer(|buffer| {
            let there = write(buffer);
            if there {
                each(Value::Text(buffer));
            }
            there
        })
    }

    /// Lends an empty buffer.
    pub(super) fn buffer<T>(&self, fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut buffer = self.buffers.0.borrow_mut().pop().unwrap_or_default();
        buffer.clear();
        let result = fill(&mut buffer);
        self.buffers.0.borrow_mut().push(buffer);
        result
    }
}

/// Gives a value that may be absent.
pub(super) fn maybe(value: Option<Value<'_>>, each: Each<'_>) -> bool {
    match value {
        Some(value) => {
            each(value);
            true
        }
        None => false,
    }
}

/// Gives a text; an empty one is absent.
pub(super) fn text(bytes: &[u8], each: Each<'_>) -> bool {
    maybe((!bytes.is_empty()).then_some(Value::Text(bytes)), each)
}

impl Fields for View<'_> {
    fn get(&self, field: FieldId, arg: &Arg, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let (family, index) = place(field);
        match family {
            0 => Evt::at(index).is_some_and(|field| evt::get(self, field, arg, each)),
            1 => Process::at(index).is_some_and(|field| process::get(self, field, arg, each)),
            2 => Fd::at(index).is_some_and(|field| fd::get(self, field, arg, each)),
            _ => Other::at(index).is_some_and(|field| other::get(self, field, arg, each)),
        }
    }
}
