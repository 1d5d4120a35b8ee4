//! Events to facts: one pure fold. The same events give the same facts, live or from a capture.
//!
//! It asks the machine nothing and keeps no more than the limits allow.

mod acts;
mod calls;
mod carried;
mod count;
mod dns;
mod files;
mod flow;
mod foreign;
mod loopback;
mod network;
mod object;
mod process;
mod renown;
mod rights;
mod streams;
mod uring;
mod wanted;
mod swap;

pub use files::{NAMED, Named};
use wanted::CLOCKS;
pub use wanted::{calls, clocks, followed};

use super::findings::{Findings, Said};
use super::limits::{self, Beyond, Mark};
use super::model::{Access, ActKind, Audit, Coverage, Digest, Level, Reason, Run, Slice, Source, Tool, Use, VERSION};
use super::text::text;
use crate::decode::tree::Tree;
use crate::event::{Event, Name, Outcome, Sort};
use crate::model::record::{Kind, Role, State};
use crate::model::{Abi, Pid, Places};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What the fold has to know of the run beforehand.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The command.
    pub command: Vec<String>,
    /// Where it runs; without a workspace, where the first process was.
    pub places: Places,
    /// The machine's name.
    pub host: Option<String>,
    /// The tracer's process, which the build has no business with.
    pub tracer: Pid,
    /// The interface that programs use here.
    pub native: Option<Abi>,
}

/// The facts so far.
#[derive(Debug, Default)]
pub struct Fold {
    context: Context,
    processes: process::Processes,
    files: files::Files,
    network: network::Network,
    loopback: loopback::Loopback,
    names: dns::Names,
    pieces: carried::Pieces,
    acts: acts::Acts,
    rings: uring::Rings,
    pipes: flow::Pipes,
    sources: swap::Sources,
    findings: Findings,
    beyond: Beyond,
    coverage: Coverage,
    calls: Vec<Slice>,
    /// Uses of the clock and of random numbers, by program.
    clocks: BTreeMap<(&'static str, String), Use>,
    start: u64,
    end: u64,
    root: Option<u32>,
    root_end: Option<u64>,
    /// The build was killed: nothing that lived a moment longer chose to.
    killed: bool,
    /// Memory that is used again for each event.
    tree: Tree,
}

impl Fold {
    /// No facts yet.
    #[must_use]
    pub fn new(context: Context) -> Fold {
        Fold { context, ..Fold::default() }
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &Event<'_>) {
        self.coverage.events += 1;
        let us = event.head().time / 1000;
        if self.start == 0 {
            self.start = us;
        }
        self.end = self.end.max(us);
        if let Some(denied) = event.denied() {
            return self.denied(event, denied);
        }
        if event.sort == Sort::Notice {
            return self.notice(event);
        }
        let process = self.processes.of(event, us, &mut self.beyond);
        self.root.get_or_insert(process);
        let by = Mark { process, us };
        match event.head().kind {
            Kind::Fork => {
                let child = event.result().and_then(|child| Pid::try_from(child).ok()).unwrap_or(0);
                self.processes.forked(process, child, us);
            }
            Kind::Exec => self.executed(event, by),
            Kind::End if event.head().tid == event.head().pid => {
                self.processes.ended(event.head().pid, us, event.head().result);
                if self.root == Some(process) {
                    self.root_end = Some(us);
                }
            }
            _ if event.sort == Sort::Call => self.call(event, by),
            _ => {}
        }
    }

    /// How much there is so far, in a few words.
    #[must_use]
    pub fn brief(&self) -> String {
        let (processes, events) = (self.processes.all.len(), self.coverage.events);
        format!("{processes} processes, {events} events, {} findings", self.findings.len())
    }

    /// A rule speaks about `event`.
    pub fn alert(&mut self, event: &Event<'_>, said: Said) {
        let us = event.head().time / 1000;
        let process = self.processes.of(event, us, &mut self.beyond);
        self.say(said, Some(Mark { process, us }));
    }

    /// A call was stopped because the policy does not allow it.
    fn denied(&mut self, event: &Event<'_>, [sentence, deed, subject]: [&[u8]; 3]) {
        self.killed |= event.head().result == 0;
        let said = Said {
            rule: format!("denied-{}", text(deed)),
            about: format!("The policy does not allow what was tried, and it was stopped: {}", text(deed)),
            source: Source::Policy,
            // Many programs try a call that no policy can judge, and do without.
            level: if deed == b"unjudged" { Level::Warning } else { Level::Error },
            message: text(sentence),
            subject: Some(text(subject)),
            ..Said::default()
        };
        self.alert(event, said);
    }

    fn notice(&mut self, event: &Event<'_>) {
        let Some(words) = event.text() else { return };
        let words = text(words.bytes);
        if !self.coverage.notices.contains(&words)
            && self.beyond.room("notices", self.coverage.notices.len(), limits::NOTICES)
        {
            self.coverage.notices.push(words);
        }
    }

    /// Adds a finding, with who did it as the last piece of evidence.
    fn say(&mut self, mut said: Said, by: Option<Mark>) {
        if let Some(by) = by {
            let line: Vec<String> = self
                .processes
                .ancestry(by.process)
                .take(limits::EVIDENCE)
                .map(|process| self.processes.told(process.id))
                .collect();
            said.exe = self.processes.program(by.process).map(|program| program.exe.clone()).unwrap_or_default();
            if !line.is_empty() {
                said.evidence.push(format!("by {}", line.join(" ← ")));
            }
        }
        let temporary = [self.context.places.tmpdir.as_str(), "/tmp", "/var/tmp", "/dev/shm"];
        self.findings.add(said, by, &temporary, &mut self.beyond);
    }

    /// A detector speaks.
    fn detect(&mut self, rule: &str, about: &str, level: Level, message: String, subject: Option<String>, by: Mark) {
        let said = Said {
            rule: rule.to_owned(),
            about: about.to_owned(),
            source: Source::Detector,
            level,
            message,
            subject,
            ..Said::default()
        };
        self.say(said, Some(by));
    }

    fn act(&mut self, kind: ActKind, call: &'static str, detail: String, error: Option<u16>, by: Mark) {
        self.acts.done(kind, call, detail, error, by, &mut self.beyond);
    }

    fn executed(&mut self, event: &Event<'_>, by: Mark) {
        let before = self
            .processes
            .program(by.process)
            .filter(|program| !program.inherited)
            .map(|program| (program.exe.clone(), program.argv.first().cloned().unwrap_or_default()));
        self.network_commands(event, by);
        let places = &self.context.places;
        let own = [places.workspace.as_str(), places.tmpdir.as_str(), "/tmp", "/var/tmp", "/dev/shm"];
        self.processes.executed(by.process, event, by.us, digest(event), &own);
        let exe = event.who.exe().to_vec();
        match object::object(&exe) {
            object::Object::File(path, gone) => {
                self.files.used(path, Access::Executed, by, &mut self.beyond);
                if gone {
                    let shown = text(path);
                    let message = format!("{shown} was executed though it has no name any more");
                    self.detect(
                        "deleted-executed",
                        "A deleted file was executed",
                        Level::Error,
                        message,
                        Some(shown),
                        by,
                    );
                }
                self.executed_download(path, by);
            }
            object::Object::Memfd(name) => {
                let name = text(name);
                self.act(ActKind::FdExec, "execve", format!("memfd:{name}"), None, by);
                let message = format!("a program was executed from memory (memfd `{name}`): no file of it exists");
                let about = "A program that is in no file was executed";
                self.detect("memfd-executed", about, Level::Error, message, Some(format!("memfd:{name}")), by);
            }
            _ => {}
        }
        self.remote_shell(by, before);
    }

    fn call(&mut self, event: &Event<'_>, by: Mark) {
        let Name::Known(name) = event.name else {
            self.coverage.unreadable += 1;
            return;
        };
        if event.outcome == Outcome::Entered {
            self.about_to_send(event, name, by);
            return self.about_to_write(event, name, by);
        }
        if let Some(process) = self.processes.all.get_mut(by.process as usize) {
            process.calls += 1;
        }
        let mut tree = std::mem::take(&mut self.tree);
        event.values(&mut tree);
        if event.refused() {
            let detail = acts::brief(event, &tree);
            self.act(ActKind::Tracer, name, detail.clone(), None, by);
            let message = format!("{name}({detail}) was aimed at the tracer and was refused");
            self.detect("tracer-tampering", "The build acted against its tracer", Level::Error, message, None, by);
        }
        self.foreign(event, by);
        let clock = CLOCKS.iter().find(|(call, _)| *call == name);
        if let Some((_, kind)) = clock.filter(|_| !wanted::is_of_library(name, event.words())) {
            let exe = self.processes.program(by.process).map_or("", |program| program.exe.as_str());
            let key = (*kind, format!("{name} by {exe}"));
            if self.clocks.contains_key(&key) || self.beyond.room("clocks", self.clocks.len(), limits::ACTS) {
                limits::mark(self.clocks.entry(key).or_default(), by, 0);
            }
        }
        let about = self.one(event, name, &tree, by);
        self.tree = tree;
        self.slice(event, name, about, by);
    }

    /// Calls by another interface than the machine's own: old programs, or a way around filters.
    fn foreign(&mut self, event: &Event<'_>, by: Mark) {
        let abi = event.head().abi;
        // One whose arguments could be read is the call that it stands for.
        if event.name == Name::Known("socketcall") {
            self.act(ActKind::ForeignAbi, "socketcall", "its arguments cannot be read".to_owned(), None, by);
        }
        if abi.is_some() && self.context.native.is_some() && abi != self.context.native {
            let name = abi.map_or("unknown", Abi::name);
            self.act(ActKind::ForeignAbi, "*", name.to_owned(), None, by);
        }
    }

    fn slice(&mut self, event: &Event<'_>, name: &'static str, about: Option<Box<str>>, by: Mark) {
        if !self.beyond.room(limits::PICTURE, self.calls.len(), limits::CALLS) {
            return;
        }
        let start = event.entered_at().map_or(by.us, |time| time / 1000);
        self.calls.push(Slice {
            process: by.process,
            tid: event.head().tid,
            name: Cow::Borrowed(name),
            start_us: start,
            duration_us: by.us.saturating_sub(start),
            error: event.error().and_then(crate::decode::errno::name),
            about,
        });
    }

    /// The facts. `coverage` tells what only the tracer knows.
    #[must_use]
    pub fn finish(mut self, coverage: Coverage) -> Audit {
        self.count();
        self.destroyed();
        let outlived = self.outlived();
        let mut processes = self.processes.all;
        for id in outlived {
            if let Some(process) = processes.get_mut(id as usize) {
                process.outlived = true;
            }
        }
        let root = self.root.and_then(|root| processes.get(root as usize));
        let end = root.and_then(|root| root.end);
        // A capture says by its first process what was run, and where.
        let first = root.and_then(|root| root.programs.first());
        if let Some(first) = first.filter(|_| self.context.command.is_empty()) {
            self.context.command.clone_from(&first.argv);
        }
        if let Some(first) = first.filter(|_| self.context.places.workspace.is_empty()) {
            self.context.places.workspace.clone_from(&first.cwd);
        }
        let (files, failures) = self.files.told();
        let out_of_sight = out_of_sight(&coverage, &self.acts, &self.rings);
        let coverage = Coverage {
            events: self.coverage.events,
            unreadable: self.coverage.unreadable,
            cut: self.coverage.cut,
            unresolved: self.coverage.unresolved,
            limits: self.beyond.told(),
            notices: self.coverage.notices,
            out_of_sight,
            ..coverage
        };
        Audit {
            version: VERSION,
            tool: Tool { name: "smtrace".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            run: Run {
                command: super::redact::argv(self.context.command.into_iter()),
                workspace: self.context.places.workspace,
                home: self.context.places.home,
                tmpdir: self.context.places.tmpdir,
                host: self.context.host,
                start_us: self.start,
                end_us: self.end,
                end,
            },
            findings: self.findings.told(),
            processes,
            files,
            failures,
            peers: self.network.told(),
            dns: self.names.told(),
            acts: self.acts.told(),
            coverage,
            clocks: self
                .clocks
                .into_iter()
                .map(|((kind, detail), used)| Reason { kind: kind.to_owned(), detail, used })
                .collect(),
            calls: self.calls,
            ..Audit::default()
        }
    }
}

/// The digest that an exec's record carries, or why it has none; `None` when none was wanted.
fn digest(event: &Event<'_>) -> Option<Result<Digest, String>> {
    let piece = event.piece(Role::Digest)?;
    Some(if piece.state == State::Whole {
        Ok(Digest { sha256: super::findings::hexadecimal(piece.data) })
    } else {
        Err(text(piece.data))
    })
}

/// What this run could have done unseen.
fn out_of_sight(coverage: &Coverage, acts: &acts::Acts, rings: &uring::Rings) -> Vec<String> {
    let mut all = vec![
        "what a program does without a system call: computing, reading the clock through the vDSO, writing to memory \
         that is mapped from a file"
            .to_owned(),
        "environment variables that are read, and files that stat(2) and readlink(2) look at".to_owned(),
        "what daemons outside the build do on its behalf".to_owned(),
    ];
    all.extend(rings.untold());
    if acts.any_call("socketcall") {
        all.push("what i386's socketcall(2) was asked for where its arguments could not be read".to_owned());
    }
    if coverage.engine == "capture" {
        all.push("all that the capture does not hold".to_owned());
    }
    all
}
