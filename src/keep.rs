//! What `-w` keeps: the records of a run in a capture file, with what a replay must know beside them.

mod events;

pub use events::Events;

use crate::arch;
use crate::decode::secrets::Words;
use crate::decode::walk::Limits;
use crate::model::record::Record;
use crate::model::{Abi, Capture, Places, Plan, Target};
use crate::places;
use crate::state::{Groups, Users};
use crate::store::{self, Captured, Clock, Description, Losses, Table, Writer};
use crate::sys::{clock, probe};
use crate::{sink, table};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use xxhash_rust::xxh3::xxh3_64;

/// A file that is being written.
pub enum Keep {
    /// Our own capture.
    Records(Box<Writer>),
    /// One for libscap.
    Events(Box<Events>),
}

impl Keep {
    /// Takes the next record.
    pub fn take(&mut self, record: &Record<'_>) {
        match self {
            Keep::Records(writer) => writer.take(record),
            Keep::Events(events) => events.take(record),
        }
    }

    /// Writes what has waited long enough; `now` is monotonic time.
    pub fn tick(&mut self, now: u64) {
        match self {
            Keep::Records(writer) => writer.tick(now),
            Keep::Events(events) => events.tick(now),
        }
    }

    /// Ends the file; what could not be written.
    #[must_use]
    pub fn finish(self) -> Option<Losses> {
        match self {
            Keep::Records(writer) => writer.finish(),
            Keep::Events(events) => events.finish(),
        }
    }
}

/// The file of a run, and what is needed to begin another in its place.
pub struct Kept {
    keep: Keep,
    plan: Box<Plan>,
    capture: Capture,
    names: (Users, Groups),
    /// Device and inode of the file.
    place: Option<(u64, u64)>,
    /// What the files before it lost.
    lost: Option<Losses>,
}

impl Kept {
    /// Begins the capture of a run.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    pub fn begin(plan: &Plan, capture: &Capture, users: &Users, groups: &Groups) -> io::Result<Kept> {
        let keep = begin(plan, capture, users, groups)?;
        let (plan, names) = (Box::new(plan.clone()), (users.clone(), groups.clone()));
        Ok(Kept { keep, plan, names, place: place(capture), capture: capture.clone(), lost: None })
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record<'_>) {
        self.keep.take(record);
    }

    /// Writes what has waited long enough; `now` is monotonic time.
    pub fn tick(&mut self, now: u64) {
        self.keep.tick(now);
    }

    /// Ends the file that was moved away, and begins another under the same name with `tasks`, who is who by then. Says
    /// whether it did: a file that is still in its place goes on.
    ///
    /// # Errors
    /// When the new one cannot be opened; the old one goes on then.
    pub fn rotate(&mut self, tasks: &[u8]) -> io::Result<bool> {
        if self.place.is_none() || self.place == place(&self.capture) {
            return Ok(false);
        }
        let mut keep = begin(&self.plan, &self.capture, &self.names.0, &self.names.1)?;
        let mut left = tasks;
        while let Ok((record, len)) = Record::parse(left) {
            keep.take(&record);
            left = left.get(len..).unwrap_or_default();
        }
        let old = std::mem::replace(&mut self.keep, keep);
        self.place = place(&self.capture);
        self.lost = both(self.lost.take(), old.finish());
        Ok(true)
    }

    /// Ends the file; what could not be written, in this one and those before it.
    #[must_use]
    pub fn finish(self) -> Option<Losses> {
        both(self.lost, self.keep.finish())
    }
}

/// What two files lost, one after the other.
fn both(first: Option<Losses>, second: Option<Losses>) -> Option<Losses> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Losses { records: first.records + second.records, ..first }),
        (first, second) => first.or(second),
    }
}

/// What file lies at a capture's name; `None` for stdout and what is no regular file.
fn place(capture: &Capture) -> Option<(u64, u64)> {
    let data = std::fs::metadata(&capture.path).ok().filter(|_| capture.path.as_os_str() != "-")?;
    data.is_file().then(|| (data.dev(), data.ino()))
}

/// Begins a file; its name says which of the two it is.
fn begin(plan: &Plan, capture: &Capture, users: &Users, groups: &Groups) -> io::Result<Keep> {
    if capture.is_scap() {
        return Ok(Keep::Events(Box::new(Events::begin(&capture.path)?)));
    }
    let file = store::create(&capture.path, store::is_capture)?;
    let compress = capture.path.extension().is_some_and(|ending| ending == "zst");
    let names = (users.clone(), groups.clone());
    let writer = Writer::start(file, compress, &describe(plan, capture), names, sink::utc_offset)?;
    Ok(Keep::Records(Box::new(writer)))
}

/// The words of a command, without the secrets in them unless they are to be shown.
fn shown(argv: &[OsString], secrets: bool) -> Vec<String> {
    let mut words = Words::default();
    let word = |word: &OsString| match secrets {
        true => word.to_string_lossy().into_owned(),
        false => String::from_utf8_lossy(&words.hide(word.as_bytes())).into_owned(),
    };
    argv.iter().map(word).collect()
}

/// What a capture of a run says about itself.
#[must_use]
pub fn describe(plan: &Plan, capture: &Capture) -> Description {
    let (release, version) = probe::kernel();
    let realtime_ns = clock::realtime();
    let second = i64::try_from(realtime_ns / 1_000_000_000).unwrap_or(0);
    let name = |index: usize| table::rows().get(index).map_or_else(String::new, |row| row.name.to_owned());
    let launches = matches!(plan.target, Target::Launch(_));
    let (command, pids, places) = match &plan.target {
        Target::Launch(command) => (shown(&command.argv, plan.show_secrets), vec![], places::of(command)),
        Target::Attach { pids, .. } => (vec![], pids.clone(), places::of_process(pids)),
        Target::Replay(_) => (vec![], vec![], Places::default()),
    };
    Description {
        smtrace: env!("CARGO_PKG_VERSION").to_owned(),
        host: hostname(),
        kernel: [release, version],
        machine: arch::HOST.name().to_owned(),
        table: Table { rows: table::rows().len(), sum: format!("{:016x}", table_sum()) },
        clock: Clock {
            base: "CLOCK_REALTIME".to_owned(),
            realtime_ns,
            monotonic_ns: clock::monotonic(),
            utc_offset: sink::utc_offset(second),
        },
        target: store::Target { command, pids, follow: plan.follow, places, session: launches.then(session).flatten() },
        captured: Captured {
            calls: plan.calls.iter().map(name).collect(),
            args: true,
            fds: capture.fds,
            opened: true,
            env: !capture.alone && sink::needs(plan).env,
            probe: true,
            str_max: plan.output.str_max,
            max_items: Limits::of(&plan.output).items,
        },
    }
}

/// Our own session, process group, terminal and login user: those of a command that we launch.
pub(crate) fn session() -> Option<store::Session> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // proc_pid_stat(5): state, ppid, pgrp, session, tty_nr after the name, which can hold anything.
    let mut words = text.rsplit_once(')')?.1.split_whitespace().skip(2);
    let mut next = || words.next()?.parse::<i32>().ok();
    let (pgid, sid, tty) = (next()?, next()?, next()?.cast_unsigned());
    let login = std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse::<u32>().ok());
    let login = login.map(|id| if id == u32::MAX { -1 } else { i64::from(id) });
    Some(store::Session { sid, pgid, tty, login })
}

/// The machine's name.
pub(crate) fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| String::new(), |name| name.trim().to_owned())
}

/// A sum of all that a record needs of the table to be decoded.
fn table_sum() -> u64 {
    let mut text = String::new();
    for row in table::rows() {
        let _ = write!(text, "{} {:?} {:?}", row.name, row.numbers, row.ret);
        for abi in Abi::ALL {
            for arg in row.args(abi) {
                let _ = write!(text, " {} {:?} {:?}", arg.name, arg.kind, arg.phase);
            }
        }
        text.push('\n');
    }
    xxh3_64(text.as_bytes())
}
