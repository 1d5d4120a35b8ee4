//! The account as records: what a reader that starts late, or that missed some, has to know; and what it forgets then.

use super::entry::Process;
use super::{Account, Thread};
use crate::model::Pid;
use crate::model::record::{HEADER, Head, Kind, PIECE_HEADER, Role, State, Writer, flag};

/// Bytes of a record besides its texts: the arguments, four pieces, and their padding.
const FIXED: usize = HEADER + 48 + 4 * (PIECE_HEADER + 16);

impl Account {
    /// Forgets every task. Stamps go on, so that nobody takes a later task for one of these.
    pub(super) fn void(&mut self) {
        self.threads.clear();
        self.processes.clear();
        self.free.clear();
        (self.slots, self.outsiders) = (0, 0);
        self.epoch = self.change();
    }

    /// Appends records that make an empty account know what this one knows, dated `time`.
    pub fn snapshot(&self, time: u64, out: &mut Vec<u8>) {
        let outsiders = self.processes.iter().filter(|(_, process)| process.threads == 0);
        for (pid, process) in outsiders {
            let head = head(Kind::Outsider, time, *pid, *pid, 0);
            put(out, &head, &[0, 0, 0, 0], process.comm.bytes(), Some(process));
        }
        let mut threads: Vec<(&Pid, &Thread)> = self.threads.iter().collect();
        // The first of a process makes the process; its leader does it best.
        threads.sort_unstable_by_key(|(tid, thread)| (thread.pid, **tid != thread.pid, **tid));
        let mut last = None;
        for (tid, thread) in threads {
            let process = self.processes.get(&thread.pid);
            let first = last.replace(thread.pid) != Some(thread.pid);
            let kind = if *tid == thread.pid { 0 } else { flag::THREAD };
            let head = head(Kind::Born, time, thread.pid, *tid, kind);
            let ppid = process.map_or(0, |process| process.ppid);
            let args = [u64::from(ppid.cast_unsigned()), 0, u64::from(thread.uid), u64::from(thread.gid)];
            put(out, &head, &args, thread.comm.bytes(), process.filter(|_| first));
        }
    }
}

fn head(kind: Kind, time: u64, pid: Pid, tid: Pid, flags: u32) -> Head {
    Head { kind, abi: None, time, pid, tid, nr: 0, flags: flags | flag::QUIET, result: 0 }
}

fn put(out: &mut Vec<u8>, head: &Head, args: &[u64], comm: &[u8], process: Option<&Process>) {
    let texts = process.map(|process| &process.texts);
    let long = texts.map_or(0, |texts| texts.cmdline.len() + texts.exe.len() + texts.cwd.len());
    let start = out.len();
    out.resize(start + FIXED + long, 0);
    let mut writer = Writer::new(out.get_mut(start..).unwrap_or_default(), head, args);
    writer.piece(Role::Comm, 0, 0, State::Whole, comm);
    if let Some(texts) = texts {
        writer.piece(Role::Exe, 0, 0, State::Whole, &texts.exe);
        writer.piece(Role::Cmdline, 0, 0, if texts.cut { State::Cut } else { State::Whole }, &texts.cmdline);
        writer.piece(Role::Cwd, 0, 0, State::Whole, &texts.cwd);
    }
    let len = writer.finish();
    out.truncate(start + len);
}
