//! Who ran what: the processes of the build with their programs, and what the detectors must remember of each.

use crate::audit::limits::{self, Beyond};
use crate::audit::model::{Digest, End, Process, Program};
use crate::audit::text::{base, text, within};
use crate::audit::{redact, tools};
use crate::event::Event;
use crate::model::Pid;
use crate::state::Who;
use rustc_hash::FxHashMap;

/// What one of the descriptors 0, 1 and 2 refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Slot {
    /// Not known: it was open before the trace.
    #[default]
    Unknown,
    /// A file, or something that is of no interest.
    Other,
    /// The pipe with this inode.
    Pipe(u64),
    /// A FIFO that has a name.
    Fifo,
    /// The socket with this inode.
    Socket(u64),
}

/// What the fold remembers of a process beside the facts.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// What 0, 1 and 2 are.
    pub(super) slots: [Slot; 3],
    /// It received bytes from an internet address.
    pub(super) fetched: bool,
    /// It read what a process that fetched has written.
    pub(super) fed: bool,
    /// Its program decodes or unpacks.
    pub(super) decodes: bool,
    /// Its program makes text of another form what it was.
    pub(super) deciphers: bool,
    /// The pipe that it opened by a name in /dev/fd.
    pub(super) opened_pipe: Option<u64>,
    /// It read what such a program has written, and passes it on.
    pub(super) uncovered: bool,
    /// Part of that text came from the network.
    pub(super) told_from_network: bool,
    /// The text that it read from such a process, its start.
    pub(super) told: Vec<u8>,
    /// What its program is good for.
    pub(super) kind: tools::Kind,
    /// Its program gets and installs packages, and checks them by its own rules.
    pub(super) installs: bool,
    /// Its program is read from its standard input.
    pub(super) from_stdin: bool,
    /// The file that its program is read from, an absolute path.
    pub(super) operand: Vec<u8>,
    /// The root that chroot(2) gave it.
    pub(super) root: Vec<u8>,
}

/// How much of a text from the network is remembered.
const TOLD: usize = 4096;

impl Memory {
    /// Keeps the start of a text that was read.
    pub(super) fn tell(&mut self, data: &[u8], from_network: bool) {
        let room = TOLD.saturating_sub(self.told.len());
        self.told.extend_from_slice(data.get(..room).unwrap_or(data));
        self.told_from_network |= from_network && room > 0;
    }
}

/// The processes.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) all: Vec<Process>,
    pub(super) memory: Vec<Memory>,
    live: FxHashMap<Pid, u32>,
    /// Children that were told of but not seen: what they are born with.
    unborn: FxHashMap<Pid, (u32, u64, [Slot; 3])>,
    /// Where what finds no place is put.
    rest: u32,
    /// What programs are good for, by their digests: a copy under another name is the same program.
    kinds: FxHashMap<String, tools::Kind>,
}

impl Processes {
    /// The number of the process that did `event`, made when it is new.
    pub(super) fn of(&mut self, event: &Event<'_>, us: u64, beyond: &mut Beyond) -> u32 {
        let pid = event.who.pid;
        if let Some(id) = self.live.get(&pid) {
            return *id;
        }
        let known = self.unborn.remove(&pid);
        let parent = known.map(|(parent, ..)| parent).or_else(|| self.live.get(&event.who.ppid()).copied());
        if !beyond.room("processes", self.all.len(), limits::PROCESSES) {
            self.live.insert(pid, self.rest);
            return self.rest;
        }
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let start = known.map_or(us, |(_, born, _)| born);
        let inherited = parent.and_then(|parent| self.memory.get(parent as usize)).cloned().unwrap_or_default();
        let mut program = program(&event.who, start);
        program.inherited = parent.is_some();
        self.all.push(Process {
            id,
            pid,
            parent,
            uid: event.who.uid().unwrap_or(0),
            user: event.who.user().map(str::to_owned),
            start_us: start,
            // What the first process was before its exec is the tracer's own child.
            programs: if program.exe.is_empty() || parent.is_none() { Vec::new() } else { vec![program] },
            ..Process::default()
        });
        self.memory.push(Memory {
            slots: known.map_or(inherited.slots, |(.., slots)| slots),
            fetched: false,
            fed: false,
            ..inherited
        });
        self.live.insert(pid, id);
        id
    }

    /// The number of a process that lives now.
    pub(super) fn alive(&self, pid: Pid) -> Option<u32> {
        self.live.get(&pid).copied()
    }

    /// Whether a process of this number is or was of the build.
    pub(super) fn seen(&self, pid: Pid) -> bool {
        self.unborn.contains_key(&pid) || self.all.iter().any(|process| process.pid == pid)
    }

    /// `child` was made by `parent`. It may be a thread; then nothing asks for it.
    pub(super) fn forked(&mut self, parent: u32, child: Pid, us: u64) {
        if self.live.contains_key(&child) || self.unborn.len() >= limits::PROCESSES {
            return;
        }
        let slots = self.memory.get(parent as usize).map_or([Slot::Unknown; 3], |memory| memory.slots);
        self.unborn.insert(child, (parent, us, slots));
    }

    /// A new program runs.
    pub(super) fn executed(
        &mut self,
        id: u32,
        event: &Event<'_>,
        us: u64,
        digest: Option<Result<Digest, String>>,
        own: &[&str],
    ) {
        let mut program = program(&event.who, us);
        match digest {
            Some(Ok(digest)) => program.digest = Some(digest),
            Some(Err(why)) => program.undigested = Some(why),
            None => {}
        }
        let words: Vec<&[u8]> = event.who.argv().collect();
        let name = words.first().copied().unwrap_or_default();
        let kind = self.kind(event.who.exe(), name, program.digest.as_ref());
        let decodes = tools::decodes(event.who.exe(), name);
        let deciphers = tools::deciphers(event.who.exe(), name);
        if let Some(memory) = self.memory.get_mut(id as usize) {
            let source = tools::program_source(kind, &words);
            memory.from_stdin = source == tools::Source::Stdin;
            memory.operand.clear();
            if let tools::Source::File(path) = source {
                memory.operand.extend_from_slice(path);
            }
            memory.kind = kind;
            memory.installs = tools::installs(kind, &words, event.who.cwd(), |path| {
                own.iter().any(|dir| within(path, dir.as_bytes()))
            });
            (memory.fetched, memory.fed) = (false, false);
            (memory.decodes, memory.uncovered) = (decodes, false);
            memory.deciphers = deciphers;
            memory.opened_pipe = None;
            memory.told.clear();
            memory.told_from_network = false;
        }
        let Some(process) = self.all.get_mut(id as usize) else { return };
        if process.programs.len() < limits::PROGRAMS {
            process.programs.push(program);
        } else {
            process.more_programs += 1;
            process.programs.truncate(limits::PROGRAMS - 1);
            process.programs.push(program);
        }
    }

    /// What a program is good for: by its name, else by the digest of one that was seen under its own name.
    fn kind(&mut self, exe: &[u8], name: &[u8], digest: Option<&Digest>) -> tools::Kind {
        let kind = tools::kind(exe, name);
        let Some(digest) = digest else { return kind };
        if kind == tools::Kind::Other {
            return self.kinds.get(&digest.sha256).copied().unwrap_or_default();
        }
        // A program of many names is none of them by its digest.
        if tools::kind(exe, exe) == kind && self.kinds.len() < limits::NAMES {
            self.kinds.insert(digest.sha256.clone(), kind);
        }
        kind
    }

    /// The process ended. Its number is not given again.
    pub(super) fn ended(&mut self, pid: Pid, us: u64, status: i64) {
        self.unborn.remove(&pid);
        let Some(id) = self.live.remove(&pid) else { return };
        let Some(process) = self.all.get_mut(id as usize) else { return };
        let low = |word: i64| i32::try_from(word).unwrap_or(0);
        let end = if status & 0x7f == 0 { End::Exit(low(status >> 8 & 0xff)) } else { End::Signal(low(status & 0x7f)) };
        (process.end_us, process.end) = (Some(us), Some(end));
    }

    /// What is remembered of a process.
    pub(super) fn memory(&mut self, id: u32) -> Option<&mut Memory> {
        self.memory.get_mut(id as usize)
    }

    /// What is remembered of a process.
    pub(super) fn recall(&self, id: u32) -> Option<&Memory> {
        self.memory.get(id as usize)
    }

    /// The program that a process runs.
    pub(super) fn program(&self, id: u32) -> Option<&Program> {
        self.all.get(id as usize).and_then(Process::program)
    }

    /// The program that a process runs, to be completed.
    pub(super) fn program_mut(&mut self, id: u32) -> Option<&mut Program> {
        self.all.get_mut(id as usize).and_then(|process| process.programs.last_mut())
    }

    /// `name(pid)` and the command line, for people.
    pub(super) fn told(&self, id: u32) -> String {
        let Some(process) = self.all.get(id as usize) else { return "unknown".to_owned() };
        match process.program() {
            Some(program) => {
                let line: String = program.argv.join(" ").chars().take(160).collect();
                format!("{}: {line}", text(base(program.exe.as_bytes())))
            }
            None => format!("process {}", process.pid),
        }
    }

    /// A process and those that made it, from itself upwards.
    pub(super) fn ancestry(&self, id: u32) -> impl Iterator<Item = &Process> {
        let mut next = Some(id);
        // A parent is always older, so that this ends.
        std::iter::from_fn(move || {
            let process = self.all.get(next? as usize)?;
            next = process.parent.filter(|parent| *parent < process.id);
            Some(process)
        })
    }
}

/// The program that a process runs, as the account of who is who has it.
fn program(who: &Who<'_>, us: u64) -> Program {
    let words = who.argv().take(limits::ARGV).map(|word| text(word.get(..limits::WORD).unwrap_or(word)));
    Program {
        start_us: us,
        exe: text(who.exe()),
        argv: redact::argv(words),
        argv_cut: who.argv_cut() || who.argv().nth(limits::ARGV).is_some(),
        cwd: text(who.cwd()),
        ..Program::default()
    }
}
