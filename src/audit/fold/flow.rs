//! Where bytes of the network go: into files that are executed, into shells, into the descriptors of shells.
//!
//! No event tells this alone. A process that received bytes from the internet's families has fetched; what it writes
//! into files and pipes is a download, and so is what a program that only passes on (`cat`, `base64`) makes of that.

use super::Fold;
use super::process::Slot;
use crate::audit::limits::{self, Mark};
use crate::audit::model::Level;
use crate::audit::text::{base, text};
use crate::audit::tools::{self, Kind, Source};
use crate::event::Event;
use rustc_hash::FxHashSet;

/// The shortest command that is looked for anywhere in such a text; a shorter one, and one of a single word, has to be a
/// line of it by itself.
const COMMAND: usize = 6;

/// The shortest command that is looked for at all.
const SHORT: usize = 2;

/// The shortest text of a shell that is looked for in what its parent had from the network.
const SAID: usize = 4;

/// The pipes that carry what was fetched.
#[derive(Debug, Default)]
pub(super) struct Pipes {
    carry: FxHashSet<u64>,
    /// The pipes that carry what a program decoded.
    decoded: FxHashSet<u64>,
    /// The files that hold what was text in another form before.
    decoded_files: FxHashSet<Box<[u8]>>,
}

/// Programs that hand a connection to another program.
const RELAYS: &[&[u8]] =
    &[b"nc", b"ncat", b"netcat", b"nc.openbsd", b"nc.traditional", b"socat", b"telnet", b"busybox"];

impl Fold {
    /// Whether a process writes what was hidden before: it decodes, or passes on what another decoded.
    fn uncovers(&self, by: Mark) -> bool {
        self.processes.recall(by.process).is_some_and(|memory| memory.decodes || memory.uncovered)
    }

    fn passes_on(&self, by: Mark) -> bool {
        self.processes
            .recall(by.process)
            .is_some_and(|memory| (memory.fetched && !memory.installs) || (memory.fed && memory.kind == Kind::Copier))
    }

    /// Bytes came from the internet's families.
    pub(super) fn fetched(&mut self, data: &[u8], by: Mark) {
        let Some(memory) = self.processes.memory(by.process) else { return };
        memory.fetched = true;
        if !memory.installs && matches!(memory.kind, Kind::Shell | Kind::Interpreter | Kind::Copier | Kind::Other) {
            memory.tell(data, true);
        }
        if memory.kind == Kind::Shell && memory.from_stdin && matches!(memory.slots[0], Slot::Socket(_)) {
            self.piped("an internet connection", by);
        }
    }

    /// A write begins: before its bytes can be read, what carries them is known.
    pub(super) fn about_to_write(&mut self, event: &Event<'_>, name: &str, by: Mark) {
        if !matches!(name, "write" | "writev" | "sendfile" | "splice" | "tee" | "vmsplice")
            || !(self.passes_on(by) || self.uncovers(by))
        {
            return;
        }
        let at = match name {
            "splice" => 2,
            "tee" => 1,
            _ => 0,
        };
        let number = event.words().get(at).map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
        if let Some(super::object::Object::Pipe(inode)) =
            event.descriptor(number).map(|link| super::object::object(link.bytes))
        {
            self.wrote_pipe(inode, by);
        }
    }

    /// Bytes were written into a pipe.
    pub(super) fn wrote_pipe(&mut self, inode: u64, by: Mark) {
        if self.uncovers(by) {
            if self.pipes.decoded.len() >= limits::SOCKETS {
                self.pipes.decoded.clear();
            }
            self.pipes.decoded.insert(inode);
        }
        if !self.passes_on(by) {
            return;
        }
        if self.pipes.carry.len() >= limits::SOCKETS {
            self.pipes.carry.clear();
        }
        self.pipes.carry.insert(inode);
    }

    /// Bytes were read from a pipe, by the descriptor `number`.
    pub(super) fn read_pipe(&mut self, inode: u64, number: i32, data: &[u8], by: Mark) {
        let (carries, decoded) = (self.pipes.carry.contains(&inode), self.pipes.decoded.contains(&inode));
        if !carries && !decoded {
            return;
        }
        let Some(memory) = self.processes.memory(by.process) else { return };
        memory.fed |= carries;
        memory.uncovered |= decoded && memory.kind == Kind::Copier;
        if matches!(memory.kind, Kind::Shell | Kind::Interpreter) {
            memory.tell(data, carries);
        }
        let operand = &memory.operand;
        let by_name = operand.starts_with(b"/dev/fd/") || operand.starts_with(b"/proc/self/fd/");
        // `source <(curl …)`: the shell opens the pipe by its name and reads it there; `< <(curl …)` would put it on 0.
        let by_name = by_name || (memory.kind == Kind::Shell && memory.opened_pipe == Some(inode) && number > 2);
        let program = (memory.from_stdin && number == 0) || by_name;
        if !matches!(memory.kind, Kind::Shell | Kind::Interpreter) || !program {
            return;
        }
        if carries {
            self.piped("a download", by);
        }
        if decoded {
            let program = self.processes.program(by.process).map(|program| text(base(program.exe.as_bytes())));
            let program = program.unwrap_or_default();
            let message = format!("{program} runs as a program what another program decoded or unpacked for it");
            let about = "Code that was hidden is run by an interpreter without ever being a file";
            self.detect("decoded-piped-to-interpreter", about, Level::Error, message, Some(program), by);
        }
    }

    /// Bytes were read from a socket of this machine, by the descriptor `number`: a shell whose commands come so, and are
    /// what the program that started it had from the network, obeys the network.
    pub(super) fn read_socket(&mut self, number: i32, data: &[u8], by: Mark) {
        let shell = |memory: &&super::process::Memory| memory.kind == Kind::Shell && memory.from_stdin && number == 0;
        if self.processes.recall(by.process).filter(shell).is_none() {
            return;
        }
        let parent = self.processes.ancestry(by.process).nth(1).map(|parent| parent.id);
        let heard = parent.and_then(|parent| self.processes.recall(parent)).filter(|memory| memory.told_from_network);
        let heard = heard.map(|memory| memory.told.clone()).unwrap_or_default();
        let Some(memory) = self.processes.memory(by.process) else { return };
        memory.tell(data, true);
        let said = memory.told.trim_ascii();
        if said.len() >= SAID && memchr::memmem::find(&heard, said).is_some() {
            self.reverse_shell("its input is what the program that started it had from a connection", by);
        }
    }

    /// A shell or an interpreter takes its program from the network.
    fn piped(&mut self, from: &str, by: Mark) {
        let slots = self.processes.recall(by.process).map_or([Slot::Unknown; 3], |memory| memory.slots);
        let through_fifo = !self.files.fifos.is_empty() && matches!(slots[1], Slot::Pipe(_) | Slot::Fifo);
        if through_fifo || self.is_inet(&slots[1]) {
            return self.reverse_shell("its input comes from a connection, and its output goes back", by);
        }
        let program = self.processes.program(by.process).map(|program| text(base(program.exe.as_bytes())));
        let program = program.unwrap_or_default();
        let message = format!("{program} runs as a program what it reads from {from}");
        let about = "What was downloaded is run by an interpreter without ever being a file";
        self.detect("download-piped-to-interpreter", about, Level::Error, message, Some(program), by);
    }

    /// A file was read, by the descriptor `number`.
    pub(super) fn read_file(&mut self, path: &[u8], number: i32, by: Mark) {
        let shell = |memory: &super::process::Memory| {
            memory.kind == Kind::Shell && (number > 2 || (number == 0 && memory.from_stdin))
        };
        if self.pipes.decoded_files.contains(path) && self.processes.recall(by.process).is_some_and(shell) {
            self.ran_decoded(path, by);
        }
        if !self.files.known(path).is_some_and(|file| file.downloaded) {
            return;
        }
        let Some(memory) = self.processes.memory(by.process) else { return };
        memory.fed = true;
        let (kind, from_stdin) = (memory.kind, memory.from_stdin);
        if self.files.fifos.contains(path) && from_stdin && number == 0 {
            return self.piped("a download", by);
        }
        // A shell reads a script by a high descriptor; a redirection puts the file on 0.
        if kind == Kind::Shell && (number > 2 || (number == 0 && from_stdin)) {
            self.ran_download(path, by);
        }
    }

    /// A file was written.
    pub(super) fn wrote_file(&mut self, path: &[u8], by: Mark) {
        let device = path.starts_with(b"/dev/") && !path.starts_with(b"/dev/shm/");
        if device || path.starts_with(b"/proc/") {
            return;
        }
        let deciphers = self.processes.recall(by.process).is_some_and(|memory| memory.deciphers);
        if deciphers && self.pipes.decoded_files.len() < limits::SOCKETS {
            self.pipes.decoded_files.insert(path.into());
        }
        if !self.passes_on(by) {
            return;
        }
        self.files.downloaded(path, &mut self.beyond);
    }

    /// An interpreter opened a file: its program?
    pub(super) fn interpreted(&mut self, path: &[u8], by: Mark) {
        let Some(memory) = self.processes.recall(by.process).filter(|memory| memory.kind == Kind::Interpreter) else {
            return;
        };
        let operand = memory.operand.strip_prefix(b"./").unwrap_or(&memory.operand);
        if !operand.is_empty() && path.ends_with(operand) {
            self.executed_download(path, by);
        }
    }

    /// A file was executed: a download?
    pub(super) fn executed_download(&mut self, path: &[u8], by: Mark) {
        if self.pipes.decoded_files.contains(path) {
            self.ran_decoded(path, by);
        }
        if self.files.known(path).is_some_and(|file| file.downloaded) {
            self.ran_download(path, by);
        }
    }

    /// A file was mapped as code: a download?
    pub(super) fn loaded(&mut self, path: &[u8], by: Mark) {
        if !self.files.known(path).is_some_and(|file| file.downloaded) {
            return;
        }
        let shown = text(path);
        let message = format!("{shown} was downloaded by this build and then loaded as code");
        let about = "A library that the build downloaded is loaded into a program";
        self.detect("downloaded-loaded", about, Level::Warning, message, Some(shown), by);
    }

    fn ran_decoded(&mut self, path: &[u8], by: Mark) {
        let shown = text(path);
        let message = format!("{shown} was decoded by this build and then executed");
        let about = "A file that the build decoded from text is executed";
        self.detect("decoded-executed", about, Level::Error, message, Some(shown), by);
    }

    fn ran_download(&mut self, path: &[u8], by: Mark) {
        let shown = text(path);
        let message = format!("{shown} was downloaded by this build and then executed");
        let about = "A file that the build downloaded is executed";
        self.detect("downloaded-executed", about, Level::Error, message, Some(shown), by);
    }

    /// A program runs whose command line stands in a text that its shell had from the network.
    pub(super) fn network_commands(&mut self, event: &Event<'_>, by: Mark) {
        let Some(memory) = self.processes.recall(by.process).filter(|memory| !memory.told.is_empty()) else { return };
        let plain = |bytes: &[u8]| -> Vec<u8> {
            let quotes = |byte: &u8| !matches!(byte, b'"' | b'\'' | b'\\');
            bytes.iter().copied().filter(quotes).collect()
        };
        let told = plain(&memory.told);
        let words: Vec<&[u8]> = event.who.argv().collect();
        let kind = tools::kind(event.who.exe(), words.first().copied().unwrap_or_default());
        let line = match tools::program_source(kind, &words) {
            Source::Word(word) => word.get(..64).unwrap_or(word).to_vec(),
            _ => words.join(&b' '),
        };
        let line = plain(&line);
        let line = line.trim_ascii();
        let stands = match line.len() {
            0..SHORT => false,
            short if short < COMMAND || words.len() == 1 => {
                told.split(|byte| *byte == b'\n').any(|told| told.trim_ascii() == line)
            }
            _ => memchr::memmem::find(&told, line).is_some(),
        };
        if !stands {
            return;
        }
        let shown = crate::audit::redact::word(&text(line));
        let (rule, about, from) = match memory.told_from_network {
            true => ("network-command", "A command is run that a shell received from the network", "the network"),
            false => ("decoded-command", "A command is run that a shell had decoded", "a text that was decoded"),
        };
        let message = format!("the command `{shown}` came from {from}");
        self.detect(rule, about, Level::Error, message, None, by);
    }

    /// A new program runs: a shell at the end of a connection?
    pub(super) fn remote_shell(&mut self, by: Mark, before: Option<(String, String)>) {
        let Some(memory) = self.processes.recall(by.process).filter(|memory| memory.kind == Kind::Shell) else {
            return;
        };
        if self.on_socket(memory.slots) {
            return self.reverse_shell("its input and output are an internet connection", by);
        }
        let parent = self.processes.ancestry(by.process).nth(1);
        let over = parent.map(|parent| parent.id).and_then(|id| self.processes.recall(id)).map(|memory| memory.slots);
        if over.is_some_and(|slots| self.on_socket(slots)) {
            return self.reverse_shell("the program that started it speaks to an internet connection", by);
        }
        let relay = |(exe, name): &(String, String)| {
            let is = |name: &str| RELAYS.contains(&base(name.as_bytes()));
            (is(exe) && !exe.ends_with("busybox")) || (is(name) && !name.ends_with("busybox"))
        };
        let started = parent
            .and_then(|parent| parent.program())
            .map(|program| (program.exe.clone(), program.argv.first().cloned().unwrap_or_default()));
        if before.as_ref().or(started.as_ref()).is_some_and(relay) {
            self.reverse_shell("a program that relays connections started it", by);
        }
    }

    fn on_socket(&self, slots: [Slot; 3]) -> bool {
        self.is_inet(&slots[0]) || (self.is_inet(&slots[1]) && self.is_inet(&slots[2]))
    }

    fn is_inet(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Socket(inode) => self.network.socket(*inode).is_some_and(|socket| socket.inet),
            _ => false,
        }
    }

    /// A descriptor of 0 to 2 became another: of a running shell, a socket?
    pub(super) fn shell_on_socket(&mut self, by: Mark) {
        let Some(memory) = self.processes.recall(by.process).filter(|memory| memory.kind == Kind::Shell) else {
            return;
        };
        if self.on_socket(memory.slots) {
            self.reverse_shell("its input and output are an internet connection", by);
        }
    }

    fn reverse_shell(&mut self, how: &str, by: Mark) {
        let program = self.processes.program(by.process).map(|program| text(base(program.exe.as_bytes())));
        let program = program.unwrap_or_default();
        let message = format!("{program} obeys the network: {how}");
        let about = "A shell whose input and output are a connection";
        self.detect("reverse-shell", about, Level::Error, message, Some(program), by);
    }
}
