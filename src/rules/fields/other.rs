//! The fields of paths and containers, and the family's own: `fs.path.*`, `container.*`, `k8s.*`, `linux.*`.

use super::row::{Takes, fields, of};
use super::touched::{self, Does};
use super::view::{Each, View, maybe, text};
use crate::model::Abi;
use crate::model::record::Kind as Record;
use crate::rules::lang::{Arg, Type, Value};
use crate::table::{self, Kind};
use Type::{AbsTime, Bool, Int, Text, Uint};
use std::io::Write as _;

fields! {
    /// `fs.path.*`, `container.*`, `k8s.*`, `linux.*`
    Other:
    Path = of("fs.path.name", Text, "the path a call on one file names, made absolute; of calls that succeeded");
    PathRaw = of("fs.path.nameraw", Text, "that path as the call had it");
    Source = of("fs.path.source", Text, "the first path of a call on two, made absolute");
    SourceRaw = of("fs.path.sourceraw", Text, "that path as the call had it");
    Target = of("fs.path.target", Text, "the second path of a call on two, made absolute");
    TargetRaw = of("fs.path.targetraw", Text, "that path as the call had it");
    ContainerId = of("container.id", Text, "host, or what --container-id says");
    ContainerFullId = of("container.full_id", Text, "as container.id, when --container-id is given");
    ContainerName = of("container.name", Text, "as container.id");
    ContainerImage = of("container.image", Text, "the container's image; unknown to smtrace").absent();
    ImageId = of("container.image.id", Text, "the image's id; unknown to smtrace").absent();
    ImageRepository = of("container.image.repository", Text, "the image's repository; unknown to smtrace").absent();
    ImageTag = of("container.image.tag", Text, "the image's tag; unknown to smtrace").absent();
    ImageDigest = of("container.image.digest", Text, "the image's digest; unknown to smtrace").absent();
    ContainerType = of("container.type", Text, "what runs the container; unknown to smtrace").absent();
    Privileged = of("container.privileged", Bool, "whether the container is privileged; unknown to smtrace").absent();
    Mounts = of("container.mounts", Text, "the container's mounts; unknown to smtrace").absent();
    Mount = of("container.mount", Text, "one mount; unknown to smtrace").takes(Takes::Either).absent();
    MountSource = of("container.mount.source", Text, "a mount's source; unknown to smtrace").takes(Takes::Either).absent();
    MountDest = of("container.mount.dest", Text, "a mount's place; unknown to smtrace").takes(Takes::Either).absent();
    MountMode = of("container.mount.mode", Text, "a mount's mode; unknown to smtrace").takes(Takes::Either).absent();
    MountRdwr = of("container.mount.rdwr", Text, "whether a mount can be written to; unknown to smtrace").takes(Takes::Either).absent();
    MountPropagation = of("container.mount.propagation", Text, "a mount's propagation; unknown to smtrace").takes(Takes::Either).absent();
    HealthCheck = of("container.healthcheck", Text, "the container's health check; unknown to smtrace").absent();
    Liveness = of("container.liveness_probe", Text, "the container's liveness probe; unknown to smtrace").absent();
    Readiness = of("container.readiness_probe", Text, "the container's readiness probe; unknown to smtrace").absent();
    StartTs = of("container.start_ts", AbsTime, "when the container began; unknown to smtrace").absent();
    ContainerDuration = of("container.duration", Type::RelTime, "since when it runs; unknown to smtrace").absent();
    ContainerIp = of("container.ip", Text, "the container's address; unknown to smtrace").absent();
    ContainerCni = of("container.cni.json", Text, "the container's network; unknown to smtrace").absent();
    HostPid = of("container.host_pid", Bool, "whether it shares the host's processes; unknown to smtrace").absent();
    HostNetwork = of("container.host_network", Bool, "whether it shares the host's network; unknown to smtrace").absent();
    HostIpc = of("container.host_ipc", Bool, "whether it shares the host's IPC; unknown to smtrace").absent();
    ContainerLabel = of("container.label", Text, "a label; unknown to smtrace").takes(Takes::Member).absent();
    ContainerLabels = of("container.labels", Text, "the labels; unknown to smtrace").absent();
    NsName = of("k8s.ns.name", Text, "the namespace; unknown to smtrace").absent();
    PodName = of("k8s.pod.name", Text, "the pod; unknown to smtrace").absent();
    PodId = of("k8s.pod.id", Text, "the pod's id; unknown to smtrace").absent();
    PodUid = of("k8s.pod.uid", Text, "the pod's uid; unknown to smtrace").absent();
    PodSandbox = of("k8s.pod.sandbox_id", Text, "the pod's sandbox; unknown to smtrace").absent();
    PodFullSandbox = of("k8s.pod.full_sandbox_id", Text, "the pod's sandbox; unknown to smtrace").absent();
    PodLabel = of("k8s.pod.label", Text, "a label of the pod; unknown to smtrace").takes(Takes::Member).absent();
    PodLabels = of("k8s.pod.labels", Text, "the labels of the pod; unknown to smtrace").absent();
    PodIp = of("k8s.pod.ip", Text, "the pod's address; unknown to smtrace").absent();
    PodCni = of("k8s.pod.cni.json", Text, "the pod's network; unknown to smtrace").absent();
    LinuxType = of("linux.type", Text, "the call");
    LinuxUser = of("linux.user", Text, "the effective user's name, or number");
    LinuxGroup = of("linux.group", Text, "the effective group's name, or number");
    LinuxFds = of("linux.fds", Text, "open descriptors as 3(/path); with a key, that one's path; with a path, its numbers").takes(Takes::Either).list();
    LinuxArgs = of("linux.args", Text, "arguments as name(value); with a name, its value").takes(Takes::Either).list();
    LinuxTime = of("linux.time", Uint(64), "when it happened, nanoseconds since 1970");
    LinuxDir = of("linux.dir", Text, "> for enter, < for exit");
    LinuxComm = of("linux.comm", Text, "the thread's name");
    LinuxPid = of("linux.pid", Uint(64), "the process");
    LinuxTid = of("linux.tid", Uint(64), "the thread");
    LinuxParent = of("linux.ppid", Uint(64), "the parent process");
    LinuxCmdLine = of("linux.cmdline", Text, "the command line");
    LinuxPath = of("linux.fullpath", Text, "the path of the program");
    LinuxResult = of("linux.res", Int(64), "what the call returned");
    LinuxReads = of("linux.reads", Text, "the files that the call opens for reading or gives another name, all calls, failed ones too").fixed().asks_opened();
    LinuxWrites = of("linux.writes", Text, "the files that it makes or changes, the Unix sockets that it connects to").fixed().asks_opened();
    LinuxDeletes = of("linux.deletes", Text, "the files whose name it takes away").fixed().asks_opened();
}

/// The arguments of a call that name files: the one, or the first and the second of two, each with the descriptor of
/// the directory it starts from. libsinsp calls the new name of a link its source.
fn paths(view: &View<'_>, field: Other) -> Option<(&'static str, &'static str)> {
    let second = matches!(field, Other::Target | Other::TargetRaw);
    let single = matches!(field, Other::Path | Other::PathRaw);
    match view.event_name() {
        "rename" | "renameat" | "renameat2" if !single => {
            Some(if second { ("newname", "newdfd") } else { ("oldname", "olddfd") })
        }
        "link" | "linkat" if !single => Some(if second { ("oldname", "olddfd") } else { ("newname", "newdfd") }),
        "symlink" | "symlinkat" if !single => Some(if second { ("oldname", "") } else { ("newname", "newdfd") }),
        "mount" if !single => Some(if second { ("dir_name", "") } else { ("dev_name", "") }),
        _ if !single => None,
        "mkdir" | "mkdirat" | "rmdir" | "unlink" | "unlinkat" | "creat" => Some(("pathname", "dfd")),
        "open" | "openat" | "openat2" | "chmod" | "fchmodat" | "chown" | "lchown" | "fchownat" => {
            Some(("filename", "dfd"))
        }
        "quotactl" => Some(("special", "")),
        "umount" | "umount2" => Some(("name", "")),
        _ => None,
    }
}

fn file_path(view: &View<'_>, field: Other, each: Each<'_>) -> bool {
    if view.call.result().is_none_or(|result| result < 0) {
        return false;
    }
    let raw = matches!(field, Other::PathRaw | Other::SourceRaw | Other::TargetRaw);
    if matches!(view.event_name(), "fchmod" | "fchown") && matches!(field, Other::Path | Other::PathRaw) {
        return view.descriptor().is_some_and(|file| text(&file.name, each));
    }
    let Some((name, directory)) = paths(view, field) else { return false };
    let Some(path) = view.call.text(name) else { return false };
    if raw || path.starts_with(b"/") {
        return text(path, each);
    }
    view.made(each, |out| {
        view.files.absolute(&view.call, view.who.cwd(), path, directory, out);
        true
    })
}

/// A number, or what is behind a name: `linux.args`.
fn linux_args(view: &View<'_>, arg: &Arg, each: Each<'_>) -> bool {
    let Some(row) = view.call.row else { return false };
    let abi = view.call.record.head().abi.unwrap_or(Abi::X86_64);
    let value = |arg: &table::Arg, out: &mut Vec<u8>| match view.call.text(arg.name) {
        Some(text) if matches!(arg.kind, Kind::Path | Kind::Str | Kind::Bytes(_)) => out.extend_from_slice(text),
        _ => {
            let word = view.call.word(arg.name);
            let small = matches!(arg.kind, Kind::Int | Kind::Fd | Kind::Dirfd | Kind::Pid | Kind::Tid);
            let _ = if small { write!(out, "{}", view.call.int(arg.name)) } else { write!(out, "{word}") };
        }
    };
    let all = row.args(abi);
    let one = match arg {
        Arg::Key(name) => all.iter().find(|arg| arg.name == &**name),
        Arg::Index(at) => usize::try_from(*at).ok().and_then(|at| all.get(at)),
        Arg::None => {
            for arg in all {
                let mut more = true;
                view.made(
                    &mut |value| {
                        more = each(value);
                        more
                    },
                    |out| {
                        out.extend_from_slice(arg.name.as_bytes());
                        out.push(b'(');
                        value(arg, out);
                        out.push(b')');
                        true
                    },
                );
                if !more {
                    break;
                }
            }
            return true;
        }
    };
    one.is_some_and(|one| {
        view.made(each, |out| {
            value(one, out);
            true
        })
    })
}

/// `linux.fds`.
fn linux_fds(view: &View<'_>, arg: &Arg, each: Each<'_>) -> bool {
    match arg {
        Arg::Index(fd) => {
            let file = view.files.get(view.who.pid, i64::from(*fd));
            file.is_some_and(|file| text(&file.name, each))
        }
        Arg::Key(path) => {
            let mut found = false;
            for (fd, _) in view.files.all(view.who.pid).filter(|(_, file)| *file.name == *path.as_bytes()) {
                found = true;
                view.made(each, |out| write!(out, "{fd}").is_ok());
            }
            found
        }
        Arg::None => {
            for (fd, file) in view.files.all(view.who.pid) {
                let mut more = true;
                view.made(
                    &mut |value| {
                        more = each(value);
                        more
                    },
                    |out| {
                        let _ = write!(out, "{fd}(");
                        out.extend_from_slice(&file.name);
                        out.push(b')');
                        true
                    },
                );
                if !more {
                    break;
                }
            }
            true
        }
    }
}

/// The values of a field.
pub(super) fn get(view: &View<'_>, field: Other, arg: &Arg, each: Each<'_>) -> bool {
    let (who, head) = (&view.who, view.call.record.head());
    let number = |number: i32, each: Each<'_>| maybe(u64::try_from(number).ok().map(Value::Uint), each);
    let named = |name: Option<&str>, id: Option<u32>, each: Each<'_>| match (name, id) {
        (Some(name), _) => text(name.as_bytes(), each),
        (None, Some(id)) => view.made(each, |out| write!(out, "{id}").is_ok()),
        (None, None) => false,
    };
    match field {
        Other::Path | Other::PathRaw | Other::Source | Other::SourceRaw | Other::Target | Other::TargetRaw => {
            file_path(view, field, each)
        }
        Other::ContainerId | Other::ContainerName => {
            text(view.setup.container.as_deref().unwrap_or("host").as_bytes(), each)
        }
        Other::ContainerFullId => text(view.setup.container.as_deref().unwrap_or("").as_bytes(), each),
        Other::LinuxType => text(view.call.row.map_or(view.event_name(), |row| row.name).as_bytes(), each),
        Other::LinuxUser => named(who.user(), who.uid(), each),
        Other::LinuxGroup => named(who.group(), who.gid(), each),
        Other::LinuxFds => linux_fds(view, arg, each),
        Other::LinuxArgs => linux_args(view, arg, each),
        Other::LinuxTime => maybe(Some(Value::Uint(head.time)), each),
        Other::LinuxDir => text(if head.kind == Record::Enter { b">" } else { b"<" }, each),
        Other::LinuxComm => text(who.comm(), each),
        Other::LinuxPid => number(who.pid, each),
        Other::LinuxTid => number(who.tid, each),
        Other::LinuxParent => number(who.ppid(), each),
        Other::LinuxCmdLine => view.made(each, |out| {
            for word in who.argv() {
                if !out.is_empty() {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
            }
            !out.is_empty()
        }),
        Other::LinuxPath => text(who.exe(), each),
        Other::LinuxResult => maybe(view.call.result().map(Value::Int), each),
        Other::LinuxReads => touched::get(view, Does::Read, each),
        Other::LinuxWrites => touched::get(view, Does::Write, each),
        Other::LinuxDeletes => touched::get(view, Does::Delete, each),
        _ => false,
    }
}
