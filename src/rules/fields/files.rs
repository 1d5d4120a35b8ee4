//! The account of open descriptors: what each refers to, by process, learned from calls alone.
//!
//! It is bounded, and what was open before the trace is known only as far as records list it. It must not ask /proc.

use super::file::{File, Part, Sort, address, l4, made};
use super::path;
use crate::event::call::Call;
use crate::model::record::{Kind, Record, Role, State, flag};
use crate::model::{AT_FDCWD, Pid};
use crate::table::Ret;
use crate::table::row_of;
use rustc_hash::{FxHashMap, FxHashSet};
use std::net::SocketAddr;
use std::sync::Arc;

/// The most descriptors of one process that are remembered.
const MOST: usize = 4096;

/// connect(2) on a descriptor that does not block.
const EINPROGRESS: i64 = -115;

/// The own end of a socket, as the kernel told it when the call returned.
fn told_local(call: &Call<'_>) -> Option<SocketAddr> {
    address(call.local()?).1
}

/// What a call teaches about descriptors.
#[derive(Clone, Copy, Debug)]
enum Lesson {
    /// A path was opened.
    Opened,
    /// A file was opened that the call does not name.
    Handle,
    /// A program got its environment.
    Program,
    Closed,
    /// The descriptor in this argument was copied.
    Copied(&'static str),
    Socket,
    /// A socket's own end is in the argument `name`.
    Local {
        name: &'static str,
        binds: bool,
    },
    Connected,
    /// A message was sent or received; the part is that of who begins so.
    Exchanged(Part),
    Accepted,
    Pipes,
    Sockets,
    /// A descriptor without a name was made.
    Made(Sort),
}

/// What the call of this name teaches, if it does.
fn lesson(call: &str) -> Option<Lesson> {
    Some(match call {
        "open" | "openat" | "openat2" | "creat" => Lesson::Opened,
        "open_by_handle_at" => Lesson::Handle,
        "execve" | "execveat" => Lesson::Program,
        "close" => Lesson::Closed,
        "dup" => Lesson::Copied("fildes"),
        "dup2" | "dup3" => Lesson::Copied("oldfd"),
        "fcntl" | "fcntl64" => Lesson::Copied("fd"),
        "socket" => Lesson::Socket,
        "bind" => Lesson::Local { name: "umyaddr", binds: true },
        "getsockname" => Lesson::Local { name: "usockaddr", binds: false },
        "connect" => Lesson::Connected,
        "sendto" | "sendmsg" => Lesson::Exchanged(Part::Client),
        "recvfrom" | "recvmsg" => Lesson::Exchanged(Part::Server),
        "accept" | "accept4" => Lesson::Accepted,
        "pipe" | "pipe2" => Lesson::Pipes,
        "socketpair" => Lesson::Sockets,
        name => Lesson::Made(made(name)?),
    })
}

/// Whether rules need the call of this name for what they ask of later ones. Messages are not worth it: there are too
/// many, and each tells its own ends.
pub(crate) fn teaches(call: &str) -> bool {
    lesson(call).is_some_and(|lesson| !matches!(lesson, Lesson::Exchanged(_)))
}

type Table = FxHashMap<i64, File>;

/// The descriptors of all processes.
#[derive(Debug, Default)]
pub(crate) struct Files {
    tables: FxHashMap<Pid, Arc<Table>>,
    /// The environments of programs that started during the trace, NUL-separated.
    environments: FxHashMap<Pid, Arc<[u8]>>,
    /// What the last call closed: to be forgotten when the next one comes.
    closed: Option<(Pid, i64)>,
    /// Whether the last call changed the name of its descriptor.
    pub(super) renamed: bool,
}

impl Files {
    /// What a descriptor refers to.
    pub(super) fn get(&self, pid: Pid, fd: i64) -> Option<&File> {
        self.tables.get(&pid)?.get(&fd)
    }

    /// All descriptors of a process.
    pub(super) fn all(&self, pid: Pid) -> impl Iterator<Item = (i64, &File)> {
        self.tables.get(&pid).into_iter().flat_map(|table| table.iter().map(|(fd, file)| (*fd, file)))
    }

    /// The environment that the program was given.
    pub(super) fn environment(&self, pid: Pid) -> Option<&[u8]> {
        self.environments.get(&pid).map(|all| &**all)
    }

    fn set(&mut self, pid: Pid, fd: i64, file: File) {
        let table = Arc::make_mut(self.tables.entry(pid).or_default());
        if table.len() < MOST || table.contains_key(&fd) {
            table.insert(fd, file);
        }
    }

    fn change(&mut self, pid: Pid, fd: i64, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.tables.get_mut(&pid).map(Arc::make_mut).and_then(|table| table.get_mut(&fd)) {
            change(file);
        }
    }

    fn remove(&mut self, pid: Pid, fd: i64) {
        if let Some(table) = self.tables.get_mut(&pid)
            && table.contains_key(&fd)
        {
            Arc::make_mut(table).remove(&fd);
        }
    }

    /// Learns from what is no call: children have their parents' descriptors, ends close all.
    pub(crate) fn apply(&mut self, record: &Record<'_>) {
        let head = record.head();
        let arg = |at: usize| record.args().get(at).and_then(|arg| Pid::try_from(*arg).ok()).unwrap_or(0);
        match head.kind {
            Kind::Born if head.pid == head.tid => {
                let (parent, creator) = (arg(0), arg(1));
                let table = self.tables.get(&creator).or_else(|| self.tables.get(&parent)).cloned();
                self.tables.insert(head.pid, table.unwrap_or_default());
                let given = self.environments.get(&creator).or_else(|| self.environments.get(&parent)).cloned();
                if let Some(given) = given {
                    self.environments.insert(head.pid, given);
                }
            }
            Kind::End if head.pid == head.tid => {
                self.tables.remove(&head.pid);
                self.environments.remove(&head.pid);
            }
            // Its list is whole: what is not in it the exec has closed.
            Kind::Exec if head.flags & flag::LISTED != 0 => self.keep(head.pid, record),
            _ => {}
        }
        let listed = record.pieces().filter(|piece| piece.role == Role::Fd as u8);
        for piece in listed.filter(|piece| piece.state != State::Cut) {
            let fd = i64::try_from(piece.address).unwrap_or(-1);
            // What calls told is known better.
            if self.get(head.pid, fd).is_none() {
                self.set(head.pid, fd, File::listed(piece.data));
            }
        }
    }

    /// Forgets the descriptors that are not in a record's list, as far as that goes.
    fn keep(&mut self, pid: Pid, record: &Record<'_>) {
        let Some(table) = self.tables.get_mut(&pid) else { return };
        let listed = || record.pieces().filter(|piece| piece.role == Role::Fd as u8);
        let end = listed().find(|piece| piece.state == State::Cut).map_or(u64::MAX, |piece| piece.address);
        let open: FxHashSet<u64> = listed().map(|piece| piece.address).collect();
        let is_open = |fd: &i64| u64::try_from(*fd).is_ok_and(|fd| fd >= end || open.contains(&fd));
        if !table.keys().all(is_open) {
            Arc::make_mut(table).retain(|fd, _| is_open(fd));
        }
    }

    /// As `learn`, from the records of a call.
    pub(crate) fn learn_exit(&mut self, record: &Record<'_>, entered: Option<&Record<'_>>, cwd: &[u8]) {
        self.learn(&Call::new(row_of(record.head()), record, entered), cwd);
    }

    /// Learns from a call that returned, before conditions are asked about it.
    pub(super) fn learn(&mut self, call: &Call<'_>, cwd: &[u8]) {
        if let Some((pid, fd)) = self.closed.take() {
            self.remove(pid, fd);
        }
        self.renamed = false;
        let Some(row) = call.row else { return };
        let (pid, result) = (call.pid(), call.result().unwrap_or(-1));
        if result < 0 && !(row.name == "connect" && result == EINPROGRESS) {
            return;
        }
        // libsinsp compares names before and after; of a new descriptor there was none.
        let (makes, fd) = (row.ret == Ret::Fd, call.int("fd"));
        let before = if makes { None } else { self.get(pid, fd).map(|file| file.name.clone()) };
        if let Some(lesson) = lesson(row.name) {
            self.take(lesson, call, cwd);
        }
        let after = self.get(pid, if makes { result } else { fd }).map(|file| &file.name);
        self.renamed = after.is_some_and(|after| **after != *before.unwrap_or_default());
    }

    fn take(&mut self, lesson: Lesson, call: &Call<'_>, cwd: &[u8]) {
        let (pid, result) = (call.pid(), call.result().unwrap_or(-1));
        match lesson {
            Lesson::Opened => {
                let mut name = Vec::new();
                let (path, flags) = (call.text("filename").or_else(|| call.text("pathname")), call.open_flags());
                self.absolute(call, cwd, path.unwrap_or_default(), "dfd", &mut name);
                let sort = if flags & 0o200_000 == 0 { Sort::File } else { Sort::Directory };
                let file = File { raw: path.unwrap_or_default().into(), ..File::new(sort, &name) };
                self.set(pid, result, file);
            }
            // The call names nothing; the kernel was asked.
            Lesson::Handle => {
                let opened = call.record.piece(Role::Opened).map_or(&b""[..], |piece| piece.data);
                self.set(pid, result, File::listed(opened));
            }
            Lesson::Program => {
                let mut all = Vec::new();
                for variable in call.texts("envp") {
                    all.extend_from_slice(variable);
                    all.push(0);
                }
                // Without `--env` a record has the list's pointers only.
                if all.is_empty() {
                    self.environments.remove(&pid);
                } else {
                    self.environments.insert(pid, all.into());
                }
            }
            Lesson::Closed => self.closed = Some((pid, call.int("fd"))),
            // fcntl(2): F_DUPFD and F_DUPFD_CLOEXEC.
            Lesson::Copied("fd") if !matches!(call.word("cmd"), 0 | 1030) => {}
            Lesson::Copied(from) => self.copy(pid, call.int(from), result),
            Lesson::Socket => {
                let (family, kind, protocol) = (call.word("family"), call.word("type"), call.word("protocol"));
                let file = File { protocol: l4(family, kind, protocol), ..File::new(Sort::Socket(family), b"") };
                self.set(pid, result, file);
            }
            Lesson::Local { name, binds } => self.local(call, name, binds),
            Lesson::Connected => self.connected(call),
            Lesson::Exchanged(part) => self.exchanged(call, part),
            Lesson::Accepted => self.accepted(call, result),
            Lesson::Pipes => self.pair(call, "fildes", &File::new(Sort::Pipe, b"")),
            Lesson::Sockets => self.pair(call, "usockvec", &File::new(Sort::Socket(call.word("family")), b"")),
            // Of the commands of bpf(2), most return no descriptor: BPF_MAP_CREATE, BPF_PROG_LOAD, BPF_OBJ_GET do.
            Lesson::Made(Sort::Other("bpf", _)) if !matches!(call.word("cmd"), 0 | 5 | 7) => {}
            Lesson::Made(sort) => self.set(pid, result, File::new(sort, call.text("uname").unwrap_or_default())),
        }
    }

    fn accepted(&mut self, call: &Call<'_>, fd: i64) {
        let listener = self.get(call.pid(), call.int("fd")).cloned();
        let mut file = listener.unwrap_or_else(|| File::new(Sort::Socket(0), b""));
        let (family, remote, path) = address(call.memory("upeer_sockaddr").unwrap_or_default());
        if file.sort == Sort::Socket(0) {
            file.sort = Sort::Socket(family);
        }
        (file.remote, file.role, file.connected) = (remote, Some(Part::Server), true);
        file.local = told_local(call).or(file.local);
        if !path.is_empty() {
            file.name = path.into();
        }
        file.rename();
        self.set(call.pid(), fd, file);
    }

    fn copy(&mut self, pid: Pid, from: i64, to: i64) {
        match self.get(pid, from).cloned() {
            Some(file) => self.set(pid, to, file),
            None => self.remove(pid, to),
        }
    }

    fn pair(&mut self, call: &Call<'_>, name: &str, file: &File) {
        let both = call.memory(name).unwrap_or_default();
        for fd in both.chunks_exact(4).take(2) {
            let fd = <[u8; 4]>::try_from(fd).map_or(-1, i32::from_le_bytes);
            self.set(call.pid(), i64::from(fd), file.clone());
        }
    }

    /// A socket that was open before the trace becomes known by the first address.
    fn socket(&mut self, pid: Pid, fd: i64, family: u64) {
        if self.get(pid, fd).is_none_or(|file| file.sort == Sort::Socket(0)) {
            self.set(pid, fd, File::new(Sort::Socket(family), b""));
        }
    }

    fn local(&mut self, call: &Call<'_>, name: &str, binds: bool) {
        let (family, local, path) = address(call.memory(name).unwrap_or_default());
        self.socket(call.pid(), call.int("fd"), family);
        self.change(call.pid(), call.int("fd"), |file| {
            file.local = local.or(file.local);
            // A socket with a port of its own choice serves, to libsinsp.
            if binds && local.is_some_and(|local| local.port() > 0) {
                file.role = Some(Part::Server);
            }
            if !path.is_empty() {
                file.name = path.into();
            }
            file.rename();
        });
    }

    fn connected(&mut self, call: &Call<'_>) {
        let Some(to) = call.memory("uservaddr").filter(|to| to.len() > 2) else { return };
        let local = told_local(call);
        self.remote(call, to, |file| {
            file.local = local.or(file.local);
            file.connected = true;
            file.role = Some(Part::Client);
        });
    }

    /// Data went to an address or came from one. The ends of a TCP connection are known; of other sockets each message
    /// tells them anew, and libsinsp takes who sends first for the client, who receives first for the server, and both
    /// for connected.
    fn exchanged(&mut self, call: &Call<'_>, part: Part) {
        let Some(peer) = call.peer().filter(|peer| peer.len() > 2) else { return };
        let known = |file: &File| file.protocol == Some("tcp") && !file.name.is_empty();
        if !self.get(call.pid(), call.int("fd")).is_some_and(known) {
            self.remote(call, peer, |file| {
                file.connected = true;
                file.role = file.role.or(Some(part));
            });
        }
    }

    /// The other end of a call's socket is the structure sockaddr `peer`.
    fn remote(&mut self, call: &Call<'_>, peer: &[u8], also: impl FnOnce(&mut File)) {
        let (pid, fd) = (call.pid(), call.int("fd"));
        let (family, remote, path) = address(peer);
        self.socket(pid, fd, family);
        self.change(pid, fd, |file| {
            file.remote = remote.or(file.remote);
            also(file);
            if !path.is_empty() {
                file.name = path.into();
            }
            file.rename();
        });
    }

    /// Appends a path of a call as an absolute one; `directory` is the argument with the descriptor it starts from.
    pub(super) fn absolute(&self, call: &Call<'_>, cwd: &[u8], path: &[u8], directory: &str, out: &mut Vec<u8>) {
        let given = call.index(directory).map(|_| call.int(directory)).filter(|fd| *fd != i64::from(AT_FDCWD));
        let base = given.and_then(|fd| self.get(call.pid(), fd)).map_or(cwd, |file| &file.name);
        path::join(base, path, out);
    }
}
