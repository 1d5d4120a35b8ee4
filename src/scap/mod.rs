//! Captures that sysdig, Falco and Stratoshark open: records as the events of libscap, format 1.2.
//!
//! [`Converter`] makes events of records, [`Capture`] a file of them. Both take records and give bytes; neither does
//! I/O, and a capture written live is the one that the same records give later. Both enter and exit events are written,
//! and the exit has all parameters: old readers want the enter, new ones drop it.

pub(crate) mod ask;
mod block;
mod call;
mod convert;
mod event;
pub(crate) mod flags;
mod life;
mod param;
mod shapes;
mod sockets;
mod table;

pub use block::BEGINNING;
pub use convert::{Converter, Events};

use crate::model::Pid;
use crate::model::record::{Kind, Record, Role};
use crate::sys::host::Host;
use life::Subject;

/// The most processes that the list at the head of a file can name.
const MOST_LISTED: usize = 1 << 16;

/// Open files: numbers, and what the links in /proc say.
type Open = Vec<(u64, Vec<u8>)>;

/// A capture in the making.
#[derive(Debug)]
pub struct Capture {
    host: Host,
    converter: Converter,
    /// The threads told of before the first event: what the list of processes will say.
    listed: Vec<(Pid, Pid)>,
    /// The open files of those.
    files: Vec<(Pid, Open)>,
}

impl Capture {
    /// A capture of what happens on `host`.
    #[must_use]
    pub fn new(host: Host) -> Capture {
        Capture { host, converter: Converter::file(), listed: Vec::new(), files: Vec::new() }
    }

    /// Takes the next record and appends the blocks that it makes.
    ///
    /// The head comes with the first event: it lists the processes that exist by then.
    pub fn feed(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let head = record.head();
        let list = matches!(head.kind, Kind::Born | Kind::Outsider) && self.listed.len() < MOST_LISTED;
        let quiet = matches!(head.kind, Kind::Comm | Kind::Creds | Kind::Moved | Kind::Reparent | Kind::Notice);
        if !self.converter.begun {
            if list {
                self.list(record);
            } else if !quiet {
                self.begin(out);
            }
        }
        self.converter.feed(record, &mut |event| block::event(event, out));
    }

    /// Completes the file: a run without an event still has a head.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.converter.begun {
            self.begin(out);
        }
    }

    fn list(&mut self, record: &Record<'_>) {
        let head = record.head();
        self.listed.retain(|(_, tid)| *tid != head.tid);
        self.listed.push((head.pid, head.tid));
        let open = record.pieces().filter(|piece| piece.role == Role::Fd as u8);
        let open: Open = open.map(|piece| (piece.address, piece.data.to_vec())).collect();
        if !open.is_empty() {
            self.files.push((head.tid, open));
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        self.converter.begun = true;
        block::section(out);
        block::machine(&self.host, out);
        block::interfaces(&self.host, out);
        block::users(&self.host, out);
        let account = &self.converter.account;
        let subjects = self.listed.iter().map(|(pid, tid)| (*pid, *tid, Subject::new(account, *pid, *tid)));
        block::processes(subjects, out);
        for (_, tid) in &self.listed {
            let files = self.files.iter().find(|(of, _)| of == tid).map_or(&[][..], |(_, files)| files);
            block::files(*tid, files, out);
        }
        (self.listed, self.files) = (Vec::new(), Vec::new());
    }
}

#[cfg(test)]
mod tests;
