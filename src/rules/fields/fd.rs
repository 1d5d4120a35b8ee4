//! The fields of the descriptor that a call makes or uses: `fd.*`, `fdlist.*`.

use super::file::{File, Sort};
use super::path;
use super::row::{Takes, fields, of};
use super::view::{Each, View, maybe, text};
use crate::model::record::Role;
use crate::rules::lang::{Arg, Format, Type, Value};
use Type::{Bool, Int, Ip, Net, Port, Text};
use std::io::Write as _;
use std::net::SocketAddr;

fields! {
    /// `fd.*`
    Fd:
    Num = of("fd.num", Int(64), "the descriptor's number");
    Kind = of("fd.type", Text, "file, directory, ipv4, ipv6, unix, pipe, event, signalfd, eventpoll, inotify, memfd, ...");
    KindChar = of("fd.typechar", Text, "fd.type in one letter: f file, d directory, 4 and 6 sockets, u unix, p pipe, ...");
    Name = of("fd.name", Text, "the absolute path of a file, both ends of a connection");
    Directory = of("fd.directory", Text, "the directory of a file");
    FileName = of("fd.filename", Text, "the last part of a file's path");
    Ip = of("fd.ip", Ip, "the address of either end").ends();
    ClientIp = of("fd.cip", Ip, "the client's address");
    ServerIp = of("fd.sip", Ip, "the server's address");
    LocalIp = of("fd.lip", Ip, "the local address");
    RemoteIp = of("fd.rip", Ip, "the remote address");
    Port = of("fd.port", Port, "the port of either end").ends();
    ClientPort = of("fd.cport", Port, "the client's port");
    ServerPort = of("fd.sport", Port, "the server's port");
    LocalPort = of("fd.lport", Port, "the local port");
    RemotePort = of("fd.rport", Port, "the remote port");
    L4Proto = of("fd.l4proto", Text, "tcp, udp, icmp or raw");
    Family = of("fd.sockfamily", Text, "ip or unix");
    IsServer = of("fd.is_server", Bool, "whether the process is the connection's server");
    Uid = of("fd.uid", Text, "the thread's number and the descriptor's");
    ContainerName = of("fd.containername", Text, "container.id and fd.name");
    ContainerDirectory = of("fd.containerdirectory", Text, "container.id and fd.directory");
    Proto = of("fd.proto", Port, "the port of either end").ends();
    ClientProto = of("fd.cproto", Text, "the client's port, as text; libsinsp can name it");
    ServerProto = of("fd.sproto", Text, "the server's port, as text; libsinsp can name it");
    LocalProto = of("fd.lproto", Text, "the local port, as text; libsinsp can name it");
    RemoteProto = of("fd.rproto", Text, "the remote port, as text; libsinsp can name it");
    Net = of("fd.net", Net, "the network of either end").ends();
    ClientNet = of("fd.cnet", Net, "the client's network").filter_only().fixed();
    ServerNet = of("fd.snet", Net, "the server's network").filter_only().fixed();
    LocalNet = of("fd.lnet", Net, "the local network").filter_only().fixed();
    RemoteNet = of("fd.rnet", Net, "the remote network").filter_only().fixed();
    Connected = of("fd.connected", Bool, "whether a socket is connected");
    NameChanged = of("fd.name_changed", Bool, "whether the call changed fd.name");
    ClientName = of("fd.cip.name", Text, "the domain name of the client; smtrace asks no name server").fixed().absent();
    ServerName = of("fd.sip.name", Text, "the domain name of the server; smtrace asks no name server").fixed().absent();
    LocalName = of("fd.lip.name", Text, "the domain name of the local end; smtrace asks no name server").fixed().absent();
    RemoteName = of("fd.rip.name", Text, "the domain name of the remote end; smtrace asks no name server").fixed().absent();
    Dev = of("fd.dev", Int(32), "the device that has the file; unknown to smtrace").shown(Format::Hex).absent();
    DevMajor = of("fd.dev.major", Int(32), "the device's major number; unknown to smtrace").absent();
    DevMinor = of("fd.dev.minor", Int(32), "the device's minor number; unknown to smtrace").absent();
    Ino = of("fd.ino", Int(64), "the file's inode; unknown to smtrace").absent();
    NameRaw = of("fd.nameraw", Text, "the path of a file as the call had it");
    Kinds = of("fd.types", Text, "fd.type of all descriptors, or of one").takes(Takes::Index).list();
    IsUpper = of("fd.is_upper_layer", Bool, "whether the file is new in its container; unknown to smtrace").absent();
    IsLower = of("fd.is_lower_layer", Bool, "whether the file is in its image; unknown to smtrace").absent();
    ListNums = of("fdlist.nums", Text, "the descriptors of poll; unknown to smtrace").absent();
    ListNames = of("fdlist.names", Text, "the names of poll's descriptors; unknown to smtrace").absent();
    ListCips = of("fdlist.cips", Text, "the clients of poll's descriptors; unknown to smtrace").absent();
    ListSips = of("fdlist.sips", Text, "the servers of poll's descriptors; unknown to smtrace").absent();
    ListCports = of("fdlist.cports", Text, "the client ports of poll's descriptors; unknown to smtrace").absent();
    ListSports = of("fdlist.sports", Text, "the server ports of poll's descriptors; unknown to smtrace").absent();
}

impl<'e> View<'e> {
    /// The number of the descriptor that the call made or used.
    pub(super) fn descriptor_number(&self) -> Option<i64> {
        let known = self.known?;
        // F_DUPFD and F_DUPFD_CLOEXEC make one, too.
        let copies = known.event == "fcntl" && matches!(self.call.word("cmd"), 0 | 1030);
        if known.makes_fd || copies && self.call.result().is_some_and(|fd| fd >= 0) {
            return Some(self.call.result().filter(|fd| *fd >= 0).unwrap_or(-1));
        }
        let name = ["fd", "ufd", "fildes", "dfd", "fd_in", "out_fd"]
            .into_iter()
            .find(|name| self.call.index(name).is_some())?;
        known.uses_fd.then(|| self.call.int(name))
    }

    /// What it refers to.
    pub(super) fn descriptor(&self) -> Option<&'e File> {
        self.files.get(self.who.pid, self.descriptor_number()?)
    }

    /// The path that an open which failed named, if the call is one.
    fn failed_open(&self) -> Option<&'e [u8]> {
        let name = self.call.row?.name;
        let opens = matches!(name, "open" | "openat" | "openat2" | "creat");
        let path = || self.call.text("filename").or_else(|| self.call.text("pathname"));
        if opens && self.call.result().is_some_and(|result| result < 0) { path() } else { None }
    }

    /// What a call that opens by a handle really opened.
    pub(super) fn opened(&self) -> Option<&'e [u8]> {
        self.call.record.piece(Role::Opened).map(|piece| piece.data)
    }
}

/// The values of a field.
pub(super) fn get(view: &View<'_>, field: Fd, arg: &Arg, each: Each<'_>) -> bool {
    if field == Fd::Kinds {
        return kinds(view, arg, each);
    }
    let Some(number) = view.descriptor_number() else { return false };
    let file = view.files.get(view.who.pid, number);
    match (field, file) {
        (Fd::Num, _) => maybe(Some(Value::Int(number)), each),
        (Fd::Uid, _) => view.made(each, |out| write!(out, "{}{number}", view.who.tid).is_ok()),
        // libsinsp has no name of a connection that was not made.
        (Fd::Name | Fd::ContainerName, Some(_)) if unconnected(view) => failed(view, field, each),
        (_, Some(file)) => known(view, field, file, each),
        (_, None) => failed(view, field, each),
    }
}

/// Whether the call is a connect that failed, or has not succeeded yet.
fn unconnected(view: &View<'_>) -> bool {
    view.event_name() == "connect" && view.call.result().is_some_and(|result| result < 0)
}

/// The letter of what a call would have made, had it not failed.
fn would_be(event: &str) -> &'static [u8] {
    match event {
        "open" | "openat" | "openat2" | "creat" => b"f",
        "socket" | "accept" | "accept4" => b"4",
        "pipe" | "pipe2" => b"p",
        "eventfd" | "eventfd2" => b"e",
        "signalfd" | "signalfd4" => b"s",
        "timerfd_create" => b"t",
        "inotify_init" | "inotify_init1" => b"i",
        _ => b"o",
    }
}

/// What can be told without a descriptor: of an open that failed the path, of others an empty name.
fn failed(view: &View<'_>, field: Fd, each: Each<'_>) -> bool {
    let path = view.failed_open();
    let absolute = |out: &mut Vec<u8>| {
        if let Some(path) = path {
            view.files.absolute(&view.call, view.who.cwd(), path, "dfd", out);
        }
    };
    match field {
        Fd::KindChar => text(would_be(view.event_name()), each),
        Fd::NameRaw => maybe(Some(Value::Text(path.unwrap_or_default())), each),
        Fd::Name => view.made(each, |out| {
            absolute(out);
            true
        }),
        Fd::Directory => view.made(each, |out| {
            absolute(out);
            let directory = path::directory(out).len();
            out.resize(directory, b'/');
            true
        }),
        Fd::ContainerName | Fd::ContainerDirectory => view.made(each, |out| {
            let mut name = Vec::new();
            absolute(&mut name);
            in_container(view, if field == Fd::ContainerName { &name } else { path::directory(&name) }, out);
            true
        }),
        _ => false,
    }
}

/// Appends a name with the container's before it.
fn in_container(view: &View<'_>, name: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(view.setup.container.as_deref().unwrap_or("").as_bytes());
    out.push(b':');
    out.extend_from_slice(name);
}

fn known(view: &View<'_>, field: Fd, file: &File, each: Each<'_>) -> bool {
    let (word, letter) = file.sort.words();
    let (client, server) = file.ends();
    let (local, remote) = file.sides();
    let inet = matches!(file.sort, Sort::Socket(2 | 10));
    let is_file = matches!(file.sort, Sort::File | Sort::Directory);
    let truth = |truth: bool, each: Each<'_>| maybe(Some(Value::Bool(truth)), each);
    let ip = |end: Option<SocketAddr>, each: Each<'_>| maybe(end.map(|end| Value::Ip(end.ip())), each);
    let port = |end: Option<SocketAddr>, each: Each<'_>| maybe(end.map(|end| Value::Uint(u64::from(end.port()))), each);
    let number = |end: Option<SocketAddr>, each: Each<'_>| {
        end.is_some_and(|end| view.made(each, |out| write!(out, "{}", end.port()).is_ok()))
    };
    let both = |value: fn(SocketAddr) -> Value<'static>, each: Each<'_>| {
        let mut ends = file.both_ends().into_iter().flatten().peekable();
        let there = ends.peek().is_some();
        let _ = ends.all(|end| each(value(end)));
        there
    };
    match field {
        Fd::Kind => text(word.as_bytes(), each),
        Fd::KindChar => text(letter, each),
        // A socket without a name has an empty one.
        Fd::Name => maybe(Some(Value::Text(&file.name)), each),
        Fd::Directory if file.sort == Sort::Directory => text(&file.name, each),
        Fd::Directory => is_file && text(path::directory(&file.name), each),
        Fd::FileName => file.sort == Sort::File && text(path::file_name(&file.name), each),
        Fd::NameRaw => is_file && text(&file.raw, each),
        Fd::Ip | Fd::Net => both(|end| Value::Ip(end.ip()), each),
        Fd::Port | Fd::Proto => both(|end| Value::Uint(u64::from(end.port())), each),
        Fd::ClientIp | Fd::ClientNet => ip(client, each),
        Fd::ServerIp | Fd::ServerNet => ip(server, each),
        Fd::LocalIp | Fd::LocalNet => ip(local, each),
        Fd::RemoteIp | Fd::RemoteNet => ip(remote, each),
        Fd::ClientPort => port(client, each),
        Fd::ServerPort => port(server, each),
        Fd::LocalPort => port(local, each),
        Fd::RemotePort => port(remote, each),
        Fd::ClientProto => number(client, each),
        Fd::ServerProto => number(server, each),
        Fd::LocalProto => number(local, each),
        Fd::RemoteProto => number(remote, each),
        Fd::L4Proto => text(file.l4().unwrap_or("<NA>").as_bytes(), each),
        Fd::Family if inet => text(b"ip", each),
        Fd::Family => file.sort == Sort::Socket(1) && text(b"unix", each),
        Fd::IsServer => truth(file.serves(), each),
        Fd::Connected => truth(file.connected, each),
        Fd::NameChanged => truth(view.files.renamed, each),
        Fd::ContainerDirectory if !is_file => false,
        Fd::ContainerName | Fd::ContainerDirectory => view.made(each, |out| {
            let directory = field == Fd::ContainerDirectory && file.sort == Sort::File;
            in_container(view, if directory { path::directory(&file.name) } else { &file.name }, out);
            true
        }),
        _ => false,
    }
}

/// The name or the type of one of the standard descriptors, whichever the call is about.
pub(super) fn standard(view: &View<'_>, number: i64, name: bool, each: Each<'_>) -> bool {
    let file = view.files.get(view.who.pid, number);
    file.is_some_and(|file| text(if name { &file.name } else { file.sort.words().0.as_bytes() }, each))
}

/// `fd.types`: each sort once, or that of one descriptor.
fn kinds(view: &View<'_>, arg: &Arg, each: Each<'_>) -> bool {
    if let Arg::Index(fd) = arg {
        let file = view.files.get(view.who.pid, i64::from(*fd));
        return file.is_some_and(|file| text(file.sort.words().0.as_bytes(), each));
    }
    let mut told: [&str; 16] = [""; 16];
    let mut count = 0;
    for (_, file) in view.files.all(view.who.pid) {
        let word = file.sort.words().0;
        if told.contains(&word) {
            continue;
        }
        if let Some(place) = told.get_mut(count) {
            *place = word;
            count += 1;
        }
        if !each(Value::Text(word.as_bytes())) {
            break;
        }
    }
    true
}
