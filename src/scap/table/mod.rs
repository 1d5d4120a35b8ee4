//! libscap's events: for each its number, the calls it stands for, and the parameters of its enter and its exit.
//!
//! Numbers and the order of parameters are libscap's and never change; new parameters come at the end. An exit has first
//! the parameters of the schema 3, then those that the schema 4 added, which are mostly the enter's: readers of the
//! former ignore what they do not know, readers of the latter ignore the enter. The rows in the folders' files are in the order of
//! the numbers. What clone, fork and execve write is in `life`, as most of it comes from the account of who is who.

mod descriptors;
mod files;
mod memory;
mod network;
mod process;

use super::param::Param;
use crate::table::{self, Row};
use std::sync::LazyLock;

/// The event of a call that has none of its own: enter, and one more for exit.
pub(super) const GENERIC: u16 = 0;

/// An event of libscap.
pub(super) struct Event {
    /// libscap's name of it, which is mostly the call's.
    pub(super) name: &'static str,
    /// The number of its enter; its exit is one more.
    pub(super) number: u16,
    /// Other calls it stands for, as `syscalls-table/` names them.
    pub(super) calls: &'static [&'static str],
    /// The parameters of its enter.
    pub(super) enter: &'static [Param],
    /// The parameters of its exit.
    pub(super) exit: &'static [Param],
}

const fn of(
    name: &'static str,
    number: u16,
    calls: &'static [&'static str],
    enter: &'static [Param],
    exit: &'static [Param],
) -> Event {
    Event { name, number, calls, enter, exit }
}

/// All events of calls but those in `life`.
pub(super) fn events() -> impl Iterator<Item = &'static Event> {
    [files::EVENTS, descriptors::EVENTS, network::EVENTS, process::EVENTS, memory::EVENTS].into_iter().flatten()
}

/// The event of each call, by the row's place in the system-call table.
pub(super) struct Index {
    events: Vec<Option<&'static Event>>,
    codes: Vec<u16>,
}

/// libscap's numbers of all calls, also of those without an event of their own.
const CODES: &str = include_str!("codes.txt");

impl Index {
    /// The index of our table, made once.
    pub(super) fn get() -> &'static Index {
        static INDEX: LazyLock<Index> = LazyLock::new(Index::new);
        &INDEX
    }

    fn new() -> Index {
        let rows = table::rows();
        let mut index = Index { events: vec![None; rows.len()], codes: vec![0; rows.len()] };
        for event in events() {
            for row in [event.name].iter().chain(event.calls).filter_map(|name| table::by_name(name)) {
                if let Some(of) = index.events.get_mut(row.index()) {
                    *of = Some(event);
                }
            }
        }
        let codes: rustc_hash::FxHashMap<&str, u16> = CODES.lines().filter_map(code).collect();
        for (row, to) in rows.iter().zip(&mut index.codes) {
            *to = spellings(row.name).find_map(|name| codes.get(name)).copied().unwrap_or(0);
        }
        index
    }

    /// The event of a call.
    pub(super) fn event(&self, row: &Row) -> Option<&'static Event> {
        self.events.get(row.index()).copied().flatten()
    }

    /// libscap's number of a call; 0 when it has none.
    pub(super) fn code(&self, row: &Row) -> u16 {
        self.codes.get(row.index()).copied().unwrap_or(0)
    }
}

fn code(line: &'static str) -> Option<(&'static str, u16)> {
    let (name, code) = line.split_once(' ')?;
    Some((name, code.parse().ok()?))
}

/// What libscap may call a call: 32-bit twins are one call to it.
fn spellings(name: &str) -> impl Iterator<Item = &str> {
    let endings = ["", "_time64", "64", "32", "_64", "64_64"];
    endings.into_iter().filter_map(|ending| name.strip_suffix(ending))
}
