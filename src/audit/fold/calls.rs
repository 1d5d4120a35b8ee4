//! Calls one by one: which fact each tells.

use super::files::{self, NAMED, Named, open};
use super::object::{Address, Object, field, number, object, top};
use super::process::Slot;
use super::{Fold, acts};
use crate::audit::limits::Mark;
use crate::audit::model::{Access, ActKind, Digest, NetworkAct};
use crate::audit::text::text;
use crate::decode::tree::{Tree, Value};
use crate::event::Event;
use crate::model::record::{Role, State};

/// Opens.
const OPENS: &[&str] = &["open", "openat", "openat2", "creat", "open_by_handle_at"];
/// What changes where 0, 1 and 2 point.
const DUPLICATES: &[&str] = &["dup", "dup2", "dup3", "fcntl", "fcntl64", "close"];
/// Sockets.
const SOCKETS: &[&str] = &["socket", "connect", "bind", "listen", "accept", "accept4"];
/// Messages.
pub(super) const MESSAGES: &[&str] =
    &["send", "sendto", "sendmsg", "sendmmsg", "recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64"];
/// Signals: the call and the argument that names the process.
const SIGNALS: &[(&str, usize, usize)] =
    &[("kill", 0, 1), ("tkill", 0, 1), ("tgkill", 0, 2), ("rt_sigqueueinfo", 0, 1), ("rt_tgsigqueueinfo", 0, 2)];
/// The rest.
const OTHERS: &[&str] = &[
    "execve",
    "execveat",
    "io_uring_enter",
    "mmap",
    "mmap2",
    "clone",
    "clone3",
    "chdir",
    "fchdir",
    "prctl",
    "socketcall",
];

/// The names of all calls that facts are made of.
pub(super) fn traced() -> impl Iterator<Item = &'static str> {
    let lists = [OPENS, DUPLICATES, SOCKETS, MESSAGES, OTHERS].into_iter().flatten().copied();
    let named = NAMED.iter().map(|named| named.call);
    let through = files::THROUGH.iter().map(|(call, ..)| *call);
    lists.chain(named).chain(through).chain(SIGNALS.iter().map(|(call, ..)| *call)).chain(acts::calls())
}

impl Fold {
    /// Takes a call that ended; what it was about, in a few words.
    pub(super) fn one(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        match name {
            _ if OPENS.contains(&name) => self.open(event, name, tree, by),
            "execve" | "execveat" => self.exec(event, name, tree, by),
            _ if DUPLICATES.contains(&name) => {
                self.duplicate(event, name, by);
                self.closing(event, name);
                None
            }
            _ if SOCKETS.contains(&name) => self.socket(event, name, tree, by),
            _ if MESSAGES.contains(&name) => self.message(event, name, tree, by),
            "mmap" | "mmap2" => self.map(event, by),
            "io_uring_enter" => {
                self.rung(event, tree, by);
                None
            }
            "clone" | "clone3" => {
                self.namespaces(event, name, tree, by);
                None
            }
            _ => {
                self.right_given(event, name, by);
                if SIGNALS.iter().any(|(call, ..)| *call == name) {
                    self.signal(event, name, by);
                }
                self.foreign_call(event, name, by);
                if let Some(kind) = acts::of_call(name).filter(|_| !acts::harmless(event, name)) {
                    self.act(kind, name, acts::brief(event, tree), event.error(), by);
                    if name == "io_uring_setup" {
                        self.ring_made(event, tree);
                    }
                    if name == "chroot" && event.error().is_none() {
                        self.chrooted(event, by);
                    }
                }
                self.named(event, name, by).or_else(|| self.through(event, name, tree, by))
            }
        }
    }

    /// The absolute name of a path argument, in the tracer's eyes.
    pub(super) fn resolve(&mut self, event: &Event<'_>, argument: usize, by: Mark) -> Option<Vec<u8>> {
        if let Some((resolved, _)) = event.resolved(argument) {
            return Some(resolved.to_vec());
        }
        let mut path = Vec::new();
        if !event.absolute(argument, &mut path) {
            let given = event.path(argument);
            match given {
                Some(given) if given.cut => self.coverage.cut += 1,
                // The empty name of a descriptor's own file (AT_EMPTY_PATH) is no name.
                Some(given) if given.bytes.is_empty() => return None,
                Some(_) => self.coverage.unresolved += 1,
                None if event.words().get(argument).is_some_and(|word| *word != 0) => self.coverage.unreadable += 1,
                None => {}
            }
            return None;
        }
        let absolute = event.path(argument).is_some_and(|given| given.bytes.starts_with(b"/"));
        let root = self.processes.recall(by.process).map_or(&[][..], |memory| &memory.root);
        if absolute && !root.is_empty() {
            path = [root, &path].concat();
        }
        Some(path)
    }

    fn chrooted(&mut self, event: &Event<'_>, by: Mark) {
        let Some(root) = self.resolve(event, 0, by) else { return };
        if let Some(memory) = self.processes.memory(by.process) {
            memory.root = root;
        }
    }

    fn open(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        let word = |index: usize| event.words().get(index).copied().unwrap_or(0);
        let (argument, flags) = match name {
            "open" => (0, word(1)),
            "creat" => (0, open::CREATE | open::WRITE_ONLY | open::TRUNCATE),
            "openat2" => {
                let flags = top(tree, "how").and_then(|(at, _)| field(tree, at, "flags"));
                (1, flags.and_then(|(_, node)| number(node.value)).unwrap_or(0))
            }
            "open_by_handle_at" => (usize::MAX, word(2)),
            _ => (1, word(2)),
        };
        if name == "open_by_handle_at" {
            self.act(ActKind::System, name, "a file by its handle".to_owned(), event.error(), by);
        }
        if let Some(error) = event.error() {
            let path = self.resolve(event, argument, by)?;
            let access = if flags & open::ACCESS == 0 { Access::Read } else { Access::Written };
            self.files.failed(&path, name, Some(access), error, by, &mut self.beyond);
            self.foreign_file(&path, event, by);
            return Some(text(&path).into());
        }
        let descriptor = event.result().and_then(|fd| i32::try_from(fd).ok())?;
        let opened = event.opened().or_else(|| event.descriptor(descriptor));
        let opened = opened.map(|opened| opened.bytes.to_vec()).or_else(|| self.resolve(event, argument, by))?;
        self.seat(by, descriptor, Some(&opened));
        if let (Object::Pipe(inode), Some(memory)) = (object(&opened), self.processes.memory(by.process)) {
            memory.opened_pipe = Some(inode);
        }
        let Object::File(path, _) = object(&opened) else { return Some(text(&opened).into()) };
        let directory = flags & open::directory(event.head().abi) != 0;
        let free = event.resolved(argument).map(|(_, free)| free);
        self.files.opened(path, flags, (directory, free), by, &mut self.beyond);
        self.digest(event, path, true);
        if path == b"/etc/ld.so.preload" && flags & open::ACCESS != 0 {
            self.act(ActKind::Preload, "open", text(path), None, by);
        }
        self.foreign_file(path, event, by);
        if flags & open::ACCESS == 0 {
            self.source_read(path, by);
        } else {
            self.source_written(path, by);
        }
        self.interpreted(path, by);
        Some(text(path).into())
    }

    fn exec(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        let argument = usize::from(name == "execveat");
        let path = self.resolve(event, argument, by);
        if let Some(error) = event.error() {
            let path = path?;
            self.files.failed(&path, name, Some(Access::Executed), error, by, &mut self.beyond);
            return Some(text(&path).into());
        }
        for preload in acts::preloads(event, tree) {
            self.preloaded(&preload, by);
        }
        if name == "execveat" && path.is_none() {
            let exe = text(event.who.exe());
            self.act(ActKind::FdExec, name, exe, None, by);
        }
        let path = path?;
        let given = event.path(argument).map_or(&[][..], |given| given.bytes);
        let words = |index| event.who.argv().nth(index);
        // execve(2): "interpreter [optional-arg] pathname arg...": the kernel puts the script's path there.
        let given_words = top(tree, "argv").map_or(0, |(at, _)| tree.inside(at).count());
        let is_script = event.who.argv().count() > given_words && (words(1) == Some(given) || words(2) == Some(given));
        if is_script {
            self.files.used(&path, Access::Executed, by, &mut self.beyond);
            if let Some(program) = self.processes.program_mut(by.process) {
                program.script = Some(text(&path));
            }
            self.executed_download(&path, by);
        }
        Some(text(&path).into())
    }

    fn preloaded(&mut self, setting: &str, by: Mark) {
        let loads = ["LD_PRELOAD=", "LD_AUDIT="].iter().any(|name| setting.starts_with(name));
        // What the build was started with, it did not set.
        if loads {
            self.act(ActKind::Preload, "execve", setting.to_owned(), None, by);
        }
    }

    fn named(&mut self, event: &Event<'_>, name: &'static str, by: Mark) -> Option<Box<str>> {
        let mut paths = Vec::new();
        for named in NAMED.iter().filter(|named| named.call == name) {
            let Some(path) = self.resolve(event, named.argument, by) else { continue };
            if event.error().is_none() {
                self.fifo(event, name, &path);
            }
            paths.push((named, path));
        }
        self.used_by_name(&paths, event.error(), by);
        paths.first().map(|(_, path)| text(path).into())
    }

    /// A call did what it does to the files that it names, or failed with this error.
    pub(super) fn used_by_name(&mut self, paths: &[(&'static Named, Vec<u8>)], error: Option<u16>, by: Mark) {
        let Some((first, old)) = paths.first() else { return };
        if let Some(error) = error {
            return self.files.failed(old, first.call, Some(first.access), error, by, &mut self.beyond);
        }
        for (at, (named, path)) in paths.iter().enumerate() {
            self.files.used(path, named.access, by, &mut self.beyond);
            match named.access {
                Access::Renamed | Access::Linked => self.source_read(path, by),
                Access::Created | Access::Written => self.source_written(path, by),
                _ => {}
            }
            if at > 0 {
                self.files.renamed(old, path, &mut self.beyond);
            }
        }
    }

    fn fifo(&mut self, event: &Event<'_>, name: &str, path: &[u8]) {
        let mode = match name {
            "mknod" => event.words().get(1),
            "mknodat" => event.words().get(2),
            _ => return,
        };
        if mode.is_some_and(|mode| mode & 0o170_000 == 0o010_000) && self.files.fifos.len() < 1024 {
            self.files.fifos.insert(path.into());
        }
    }

    /// dup(2) and its like: where 0, 1 and 2 point.
    fn duplicate(&mut self, event: &Event<'_>, name: &str, by: Mark) {
        let old = event.words().first().map(|word| crate::decode::walk::low32(*word).cast_signed()).unwrap_or(-1);
        let Some(result) = event.result().filter(|result| (0..3).contains(result)) else { return };
        if name == "close" {
            return self.seat(by, old, None);
        }
        let command = event.words().get(1).copied().unwrap_or(0);
        // F_DUPFD, F_DUPFD_CLOEXEC
        if name.starts_with("fcntl") && !matches!(command, 0 | 1030) {
            return;
        }
        let target = event.descriptor(old).map(|text| text.bytes.to_vec());
        let number = i32::try_from(result).unwrap_or(-1);
        match target {
            Some(target) => self.seat(by, number, Some(&target)),
            None => self.seat(by, number, None),
        }
        self.shell_on_socket(by);
    }

    /// Descriptor `number` of a process refers to `link` now.
    fn seat(&mut self, by: Mark, number: i32, link: Option<&[u8]>) {
        let Ok(at) = usize::try_from(number) else { return };
        let slot = match link.map(object) {
            Some(Object::Pipe(inode)) => Slot::Pipe(inode),
            Some(Object::Socket(inode)) => Slot::Socket(inode),
            Some(Object::File(path, _)) if self.files.fifos.contains(path) => Slot::Fifo,
            _ => Slot::Other,
        };
        if let Some(place) = self.processes.memory(by.process).and_then(|memory| memory.slots.get_mut(at)) {
            *place = slot;
        }
    }

    fn map(&mut self, event: &Event<'_>, by: Mark) -> Option<Box<str>> {
        const PROT_WRITE: u64 = 2;
        const PROT_EXEC: u64 = 4;
        const MAP_SHARED: u64 = 1;
        let word = |index: usize| event.words().get(index).copied().unwrap_or(0);
        let (writes, executes) = (word(2) & PROT_WRITE != 0 && word(3) & MAP_SHARED != 0, word(2) & PROT_EXEC != 0);
        if event.error().is_some() || !(writes || executes) {
            return None;
        }
        let path = files::behind(event, crate::decode::walk::low32(word(4)).cast_signed())?;
        if executes {
            self.loaded(path, by);
        }
        if !writes {
            return None;
        }
        self.files.used(path, Access::MappedWritable, by, &mut self.beyond);
        Some(text(path).into())
    }

    fn namespaces(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) {
        // CLONE_NEWTIME to CLONE_NEWNET (linux/sched.h)
        const NEW: u64 = 0x7e02_0080;
        let nested = super::object::every(tree).find(|(_, node)| matches!(node.name, "flags" | "clone_flags"));
        let flags = nested.and_then(|(_, node)| number(node.value)).unwrap_or(0);
        if flags & NEW & !0x80 != 0 {
            self.act(ActKind::Namespace, name, format!("flags={:#x}", flags & NEW), event.error(), by);
        }
    }

    fn signal(&mut self, event: &Event<'_>, name: &'static str, by: Mark) {
        let Some((_, pid, signal)) = SIGNALS.iter().find(|(call, ..)| *call == name) else { return };
        let word =
            |index: usize| event.words().get(index).map_or(0, |word| crate::decode::walk::low32(*word).cast_signed());
        let (target, signal) = (word(*pid), word(*signal));
        if target <= 0 || signal == 0 || self.processes.alive(target).is_some() || name == "tkill" {
            return;
        }
        const ESRCH: u16 = 3;
        if event.error() == Some(ESRCH) || target == event.who.pid {
            return;
        }
        self.act(ActKind::SignalOutside, name, format!("signal {signal}"), event.error(), by);
        self.struck(target, signal, by);
    }

    fn socket(&mut self, event: &Event<'_>, name: &'static str, tree: &Tree, by: Mark) -> Option<Box<str>> {
        let number = event.words().first().map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
        let inode = |link: Option<crate::decode::Text<'_>>| match link.map(|link| object(link.bytes)) {
            Some(Object::Socket(inode)) => Some(inode),
            _ => None,
        };
        let new = inode(event.opened());
        if name == "socket" {
            self.network.born(new?, matches!(number, 2 | 10));
            return None;
        }
        let named = tree.level(0..tree.len()).find(|(_, node)| matches!(node.value, Value::Struct));
        let address = named.and_then(|(at, _)| Address::of(event, tree, at));
        let old = inode(event.descriptor(number));
        match (name, &address) {
            ("connect", Some(address)) => {
                self.spoken_to(address, by);
                self.network.acted(NetworkAct::Connect, address, old, event.error(), by, &mut self.beyond);
                if let Some(socket) = old {
                    self.loopback.connected(socket, address, event);
                }
            }
            ("bind", Some(address)) => {
                self.network.acted(NetworkAct::Bind, address, old, event.error(), by, &mut self.beyond);
            }
            ("listen", _) if event.error().is_none() => self.network.listens(old?, by),
            ("accept" | "accept4", address) if event.error().is_none() => {
                let inet = old.and_then(|old| self.network.socket(old)).is_some_and(|socket| socket.inet);
                self.network.born(new?, inet);
                self.loopback.accepted(new?, address.as_ref(), event);
                if let Some(address) = address {
                    self.network.acted(NetworkAct::Accept, address, new, None, by, &mut self.beyond);
                }
            }
            _ => {}
        }
        address.map(|address| address.told().into())
    }

    /// A digest that was taken when a file was closed.
    fn closing(&mut self, event: &Event<'_>, name: &str) {
        if name != "close" {
            return;
        }
        let number = event.words().first().map_or(-1, |word| crate::decode::walk::low32(*word).cast_signed());
        let Some(path) = files::behind(event, number).map(<[u8]>::to_vec) else { return };
        self.digest(event, &path, false);
    }

    fn digest(&mut self, event: &Event<'_>, path: &[u8], input: bool) {
        let Some(piece) = event.piece(Role::Digest).filter(|piece| piece.state == State::Whole) else { return };
        let digest = Digest { sha256: crate::audit::findings::hexadecimal(piece.data) };
        self.files.digested(path, input, digest, &mut self.beyond);
    }
}
