//! The fields of who did it: `proc.*`, `thread.*`, `user.*`, `group.*`.

use super::fd::standard;
use super::row::{Takes, fields, of};
use super::sessions::Session;
use super::view::{Each, View, maybe, text};
use crate::model::{Abi, Pid};
use crate::rules::lang::{Arg, Type, Value};
use crate::state::Kin;
use crate::table::sets;
use Type::{AbsTime, Bool, Double, Int, RelTime, Text, Uint};
use std::io::Write as _;

fields! {
    /// `proc.*`, `thread.*`, `user.*`, `group.*`
    Process:
    Exe = of("proc.exe", Text, "the first word of the command line");
    ParentExe = of("proc.pexe", Text, "proc.exe of the parent");
    AncestorExe = of("proc.aexe", Text, "proc.exe of an ancestor; without an index, of any").ancestors();
    ExePath = of("proc.exepath", Text, "the path of the program");
    ParentExePath = of("proc.pexepath", Text, "proc.exepath of the parent");
    AncestorExePath = of("proc.aexepath", Text, "proc.exepath of an ancestor; without an index, of any").ancestors();
    Name = of("proc.name", Text, "the process's name, at most 15 bytes");
    ParentName = of("proc.pname", Text, "proc.name of the parent");
    AncestorName = of("proc.aname", Text, "proc.name of an ancestor; without an index, of any").ancestors();
    Args = of("proc.args", Text, "the words of the command line after the first");
    CmdLine = of("proc.cmdline", Text, "proc.name and proc.args");
    ParentCmdLine = of("proc.pcmdline", Text, "proc.cmdline of the parent");
    AncestorCmdLine = of("proc.acmdline", Text, "proc.cmdline of an ancestor; without an index, of any").ancestors();
    ArgCount = of("proc.cmdnargs", Uint(64), "how many words proc.args has");
    ArgLength = of("proc.cmdlenargs", Uint(64), "how many bytes these words have together");
    ExeLine = of("proc.exeline", Text, "proc.exe and proc.args");
    Env = of("proc.env", Text, "the environment given to the program, or one variable of it").takes(Takes::Key);
    AncestorEnv = of("proc.aenv", Text, "proc.env; of the ancestor with an index, or the variable of the first ancestor that has it").takes(Takes::Either).fixed();
    Cwd = of("proc.cwd", Text, "the working directory, with a slash at its end");
    LoginShell = of("proc.loginshellid", Int(64), "the oldest shell among the ancestors");
    Tty = of("proc.tty", Uint(32), "the controlling terminal's device, 0 for none; of launched commands");
    Pid = of("proc.pid", Int(64), "the process");
    ParentPid = of("proc.ppid", Int(64), "the parent process");
    AncestorPid = of("proc.apid", Int(64), "proc.pid of an ancestor; without an index, of any").ancestors();
    VPid = of("proc.vpid", Int(64), "the process, as seen from where smtrace runs");
    ParentVPid = of("proc.pvpid", Int(64), "the parent process, as seen from where smtrace runs");
    Sid = of("proc.sid", Int(64), "the session, by its leader; of launched commands, or since setsid");
    SessionName = of("proc.sname", Text, "proc.name of the session's leader, if that is traced or an ancestor");
    SessionExe = of("proc.sid.exe", Text, "proc.exe of the session's leader, as proc.sname");
    SessionPath = of("proc.sid.exepath", Text, "proc.exepath of the session's leader, as proc.sname");
    VPgid = of("proc.vpgid", Int(64), "the process group, by its leader; of launched commands, or since setsid");
    GroupName = of("proc.vpgid.name", Text, "proc.name of the group's leader, if that is traced or an ancestor");
    GroupExe = of("proc.vpgid.exe", Text, "proc.exe of the group's leader, if that is traced or an ancestor");
    GroupPath = of("proc.vpgid.exepath", Text, "proc.exepath of the group's leader, if that is traced or an ancestor");
    PGid = of("proc.pgid", Int(64), "as proc.vpgid");
    PGidName = of("proc.pgid.name", Text, "proc.name of the group's leader, if that is traced or an ancestor");
    PGidExe = of("proc.pgid.exe", Text, "proc.exe of the group's leader, if that is traced or an ancestor");
    PGidPath = of("proc.pgid.exepath", Text, "proc.exepath of the group's leader, if that is traced or an ancestor");
    Duration = of("proc.duration", RelTime, "nanoseconds since the process was made, or the trace began");
    ParentDuration = of("proc.ppid.duration", RelTime, "proc.duration of the parent");
    Started = of("proc.pid.ts", RelTime, "when the process was made, nanoseconds since 1970");
    ParentStarted = of("proc.ppid.ts", RelTime, "proc.pid.ts of the parent");
    IsWritable = of("proc.is_exe_writable", Bool, "whether the user can write to the program").asks_program();
    IsUpper = of("proc.is_exe_upper_layer", Bool, "whether the program is new in its container: no on a device of its own, else unknown").asks_program();
    IsLower = of("proc.is_exe_lower_layer", Bool, "whether the program is in its image: no on a device of its own, else unknown").asks_program();
    IsMemfd = of("proc.is_exe_from_memfd", Bool, "whether the program is in memory only");
    IsSidLeader = of("proc.is_sid_leader", Bool, "whether it leads its session, as proc.sid");
    IsVPgidLeader = of("proc.is_vpgid_leader", Bool, "whether it leads its process group, as proc.vpgid");
    IsPGidLeader = of("proc.is_pgid_leader", Bool, "whether it leads its process group, as proc.vpgid");
    ExeIno = of("proc.exe_ino", Int(64), "the program's inode").asks_program();
    ExeCtime = of("proc.exe_ino.ctime", AbsTime, "when the program's inode changed").asks_program();
    ExeMtime = of("proc.exe_ino.mtime", AbsTime, "when the program was written").asks_program();
    ExeCtimeStart = of("proc.exe_ino.ctime_duration_proc_start", AbsTime, "from its inode's change to the process's start").asks_program();
    ExeCtimeNs = of("proc.exe_ino.ctime_duration_pidns_start", AbsTime, "from its container's start to its change; unknown to smtrace").absent();
    NsStart = of("proc.pidns_init_start_ts", Uint(64), "when its PID namespace began; unknown to smtrace").absent();
    CapPermitted = of("thread.cap_permitted", Text, "permitted capabilities, separated by blanks").asks_program();
    CapInheritable = of("thread.cap_inheritable", Text, "inheritable capabilities, separated by blanks").asks_program();
    CapEffective = of("thread.cap_effective", Text, "effective capabilities, separated by blanks").asks_program();
    IsHealthCheck = of("proc.is_container_healthcheck", Bool, "whether it is a container's health check; no");
    IsLiveness = of("proc.is_container_liveness_probe", Bool, "whether it is a container's liveness probe; no");
    IsReadiness = of("proc.is_container_readiness_probe", Bool, "whether it is a container's readiness probe; no");
    StdinKind = of("proc.stdin.type", Text, "fd.type of descriptor 0");
    StdoutKind = of("proc.stdout.type", Text, "fd.type of descriptor 1");
    StderrKind = of("proc.stderr.type", Text, "fd.type of descriptor 2");
    StdinName = of("proc.stdin.name", Text, "fd.name of descriptor 0");
    StdoutName = of("proc.stdout.name", Text, "fd.name of descriptor 1");
    StderrName = of("proc.stderr.name", Text, "fd.name of descriptor 2");
    FdCount = of("proc.fdopencount", Uint(64), "how many descriptors are open");
    FdLimit = of("proc.fdlimit", Int(64), "how many descriptors may be open; unknown to smtrace").absent();
    FdUsage = of("proc.fdusage", Double, "open descriptors by the limit; unknown to smtrace").absent();
    VmSize = of("proc.vmsize", Uint(64), "memory; unknown to smtrace").absent();
    VmRss = of("proc.vmrss", Uint(64), "resident memory; unknown to smtrace").absent();
    VmSwap = of("proc.vmswap", Uint(64), "swapped memory; unknown to smtrace").absent();
    Major = of("thread.pfmajor", Uint(64), "major page faults; unknown to smtrace").absent();
    Minor = of("thread.pfminor", Uint(64), "minor page faults; unknown to smtrace").absent();
    Tid = of("thread.tid", Int(64), "the thread");
    IsMain = of("thread.ismain", Bool, "whether the thread is its process's first");
    VTid = of("thread.vtid", Int(64), "the thread, as seen from where smtrace runs");
    NameTid = of("thread.nametid", Text, "proc.name and thread.tid");
    ExecTime = of("thread.exectime", RelTime, "CPU time of events of the scheduler; 0 of calls");
    TotalTime = of("thread.totexectime", RelTime, "as thread.exectime");
    CGroups = of("thread.cgroups", Text, "cgroups; unknown to smtrace").absent();
    CGroup = of("thread.cgroup", Text, "one cgroup; unknown to smtrace").takes(Takes::Member).absent();
    Threads = of("proc.nthreads", Uint(64), "how many traced threads the process has");
    Children = of("proc.nchilds", Uint(64), "how many of them are not its first");
    Cpu = of("thread.cpu", Double, "CPU use; unknown to smtrace").absent();
    CpuUser = of("thread.cpu.user", Double, "CPU use; unknown to smtrace").absent();
    CpuSystem = of("thread.cpu.system", Double, "CPU use; unknown to smtrace").absent();
    ThreadVmSize = of("thread.vmsize", Uint(64), "memory; unknown to smtrace").absent();
    ThreadVmRss = of("thread.vmrss", Uint(64), "resident memory; unknown to smtrace").absent();
    Uid = of("user.uid", Uint(32), "the effective user id");
    User = of("user.name", Text, "the effective user's name");
    Home = of("user.homedir", Text, "the user's home; not of captures");
    Shell = of("user.shell", Text, "the user's shell; not of captures");
    LoginUid = of("user.loginuid", Int(64), "the user who logged in, of launched commands; -1 for nobody");
    LoginName = of("user.loginname", Text, "that user's name");
    Gid = of("group.gid", Uint(64), "the effective group id");
    Group = of("group.name", Text, "the effective group's name");
}

/// The deepest line of ancestors that is looked at.
const DEEPEST: usize = 64;

/// Appends `first` and the words after the first of a command line.
fn line(first: &[u8], words: impl Iterator<Item = impl AsRef<[u8]>>, out: &mut Vec<u8>) {
    out.extend_from_slice(first);
    for word in words.skip(1) {
        out.push(b' ');
        out.extend_from_slice(word.as_ref());
    }
}

/// One of `proc.aname` and its like.
fn ancestors(view: &View<'_>, field: Process, arg: &Arg, each: Each<'_>) -> bool {
    let one = |kin: &Kin<'_>, each: Each<'_>| match field {
        Process::AncestorName => text(kin.comm(), each),
        Process::AncestorExe => text(kin.argv().next().unwrap_or_default(), each),
        Process::AncestorExePath => text(kin.exe(), each),
        Process::AncestorPid => maybe(Some(Value::Int(i64::from(kin.pid))), each),
        _ => view.made(each, |out| {
            line(kin.comm(), kin.argv(), out);
            !out.is_empty()
        }),
    };
    match arg {
        // 0 is the process itself.
        Arg::Index(level) => {
            let level = usize::try_from(*level).unwrap_or(usize::MAX);
            view.who.kin().nth(level.min(DEEPEST)).is_some_and(|kin| one(&kin, each))
        }
        _ => {
            let mut any = false;
            for kin in view.who.kin().skip(1).take(DEEPEST) {
                let mut more = true;
                any |= one(&kin, &mut |value| {
                    more = each(value);
                    more
                });
                if !more {
                    break;
                }
            }
            any
        }
    }
}

/// libsinsp takes every name that ends so for a shell's, a script's too.
fn is_shell(name: &[u8]) -> bool {
    name.ends_with(b"sh")
}

/// The leader of the session or the group, by its number. Of one that is not known libsinsp takes the oldest of the
/// ancestors in a row that belong to it, or the process itself.
fn leader<'e>(view: &View<'e>, id: fn(&Session) -> Pid) -> Option<Kin<'e>> {
    let own = view.sessions.get(view.who.pid).as_ref().map(id)?;
    let belongs = |kin: &Kin<'_>| view.sessions.get(kin.pid).as_ref().map(id) == Some(own);
    view.who.of(own).or_else(|| view.who.kin().take(DEEPEST).take_while(belongs).last())
}

/// The values of a field.
pub(super) fn get(view: &View<'_>, field: Process, arg: &Arg, each: Each<'_>) -> bool {
    let who = &view.who;
    let parent = || who.kin().nth(1);
    let int = |number: i32, each: Each<'_>| maybe(Some(Value::Int(i64::from(number))), each);
    let since = |start: Option<u64>, each: Each<'_>| {
        let start = start.filter(|start| *start > 0);
        maybe(start.map(|start| Value::Uint(view.call.record.head().time.saturating_sub(start))), each)
    };
    let session = view.sessions.get(who.pid);
    let leader = |id: fn(&Session) -> Pid| leader(view, id);
    let started = |kin: Option<Kin<'_>>| kin.map(|kin| kin.started()).filter(|start| *start > 0);
    match field {
        Process::Exe => text(who.argv().next().unwrap_or_default(), each),
        Process::ParentExe => text(parent().and_then(|kin| kin.argv().next()).unwrap_or_default(), each),
        Process::ExePath => text(who.exe(), each),
        Process::ParentExePath => text(parent().map_or(&[][..], |kin| kin.exe()), each),
        Process::Name => text(who.comm(), each),
        Process::ParentName => text(who.parent_comm(), each),
        Process::AncestorName
        | Process::AncestorExe
        | Process::AncestorExePath
        | Process::AncestorCmdLine
        | Process::AncestorPid => ancestors(view, field, arg, each),
        Process::Args => view.made(each, |out| {
            for word in who.argv().skip(1) {
                if !out.is_empty() {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
            }
            who.uid().is_some()
        }),
        Process::CmdLine => view.made(each, |out| {
            line(who.comm(), who.argv(), out);
            !out.is_empty()
        }),
        Process::ParentCmdLine => parent().is_some_and(|kin| {
            view.made(each, |out| {
                line(kin.comm(), kin.argv(), out);
                !out.is_empty()
            })
        }),
        // libsinsp puts a blank after the first word, whether others follow or not.
        Process::ExeLine => view.made(each, |out| {
            line(who.argv().next().unwrap_or_default(), who.argv(), out);
            if who.argv().nth(1).is_none() {
                out.push(b' ');
            }
            out.len() > 1
        }),
        Process::ArgCount => maybe(Some(Value::Uint(who.argv().skip(1).count() as u64)), each),
        Process::ArgLength => maybe(Some(Value::Uint(who.argv().skip(1).map(|word| word.len() as u64).sum())), each),
        Process::Env => environment(view, who.pid, arg, each),
        Process::Cwd => view.made(each, |out| {
            out.extend_from_slice(who.cwd());
            if !out.is_empty() && !out.ends_with(b"/") {
                out.push(b'/');
            }
            !out.is_empty()
        }),
        Process::LoginShell => {
            let oldest = who.kin().take(DEEPEST).filter(|kin| is_shell(kin.comm())).last();
            oldest.is_some_and(|kin| int(kin.pid, each))
        }
        Process::Pid | Process::VPid => int(who.pid, each),
        Process::ParentPid | Process::ParentVPid => who.ppid() != 0 && int(who.ppid(), each),
        Process::Duration => since(started(who.kin().next()), each),
        Process::ParentDuration => since(started(parent()), each),
        Process::Started => maybe(started(who.kin().next()).map(Value::Uint), each),
        Process::ParentStarted => maybe(started(parent()).map(Value::Uint), each),
        // memfd_create(2): "/proc/self/fd/ will show /memfd:" and the name.
        Process::IsMemfd => maybe(Some(Value::Bool(who.exe().starts_with(b"/memfd:"))), each),
        Process::IsHealthCheck | Process::IsLiveness | Process::IsReadiness => maybe(Some(Value::Bool(false)), each),
        Process::Tid | Process::VTid => int(who.tid, each),
        Process::IsMain => maybe(Some(Value::Bool(who.tid == who.pid)), each),
        Process::NameTid => view.made(each, |out| {
            out.extend_from_slice(who.comm());
            write!(out, "{}", who.tid).is_ok()
        }),
        Process::Threads => maybe(who.kin().next().map(|kin| Value::Uint(u64::from(kin.threads()))), each),
        Process::Children => {
            maybe(who.kin().next().map(|kin| Value::Uint(u64::from(kin.threads().saturating_sub(1)))), each)
        }
        Process::Sid | Process::VPgid | Process::PGid => {
            session.is_some_and(|session| int(if field == Process::Sid { session.sid } else { session.pgid }, each))
        }
        Process::Tty => maybe(session.map(|session| Value::Uint(u64::from(session.tty))), each),
        Process::IsSidLeader => maybe(session.map(|session| Value::Bool(session.sid == who.pid)), each),
        Process::IsVPgidLeader | Process::IsPGidLeader => {
            maybe(session.map(|session| Value::Bool(session.pgid == who.pid)), each)
        }
        Process::SessionName => text(leader(|all| all.sid).map_or(&[][..], |kin| kin.comm()), each),
        Process::SessionExe => text(leader(|all| all.sid).and_then(|kin| kin.argv().next()).unwrap_or_default(), each),
        Process::SessionPath => text(leader(|all| all.sid).map_or(&[][..], |kin| kin.exe()), each),
        Process::GroupName | Process::PGidName => text(leader(|all| all.pgid).map_or(&[][..], |kin| kin.comm()), each),
        Process::GroupExe | Process::PGidExe => {
            text(leader(|all| all.pgid).and_then(|kin| kin.argv().next()).unwrap_or_default(), each)
        }
        Process::GroupPath | Process::PGidPath => text(leader(|all| all.pgid).map_or(&[][..], |kin| kin.exe()), each),
        Process::Uid => maybe(who.uid().map(|id| Value::Uint(u64::from(id))), each),
        // libsinsp says so of users without a name.
        Process::User => who.uid().is_some() && text(who.user().unwrap_or("<NA>").as_bytes(), each),
        Process::Home | Process::Shell => {
            let entry = who.uid().and_then(|uid| view.setup.homes.of(uid));
            let one = entry.map(|[home, shell]| if field == Process::Home { home } else { shell });
            one.is_some_and(|one| maybe(Some(Value::Text(one)), each))
        }
        Process::LoginUid => maybe(view.setup.login.map(Value::Int), each),
        Process::LoginName => view.setup.login.is_some_and(|id| {
            let name = u32::try_from(id).ok().and_then(|id| who.user_of(id));
            text(name.unwrap_or("<NA>").as_bytes(), each)
        }),
        Process::Gid => maybe(who.gid().map(|id| Value::Uint(u64::from(id))), each),
        Process::Group => who.gid().is_some() && text(who.group().unwrap_or("<NA>").as_bytes(), each),
        Process::IsWritable
        | Process::IsUpper
        | Process::IsLower
        | Process::ExeIno
        | Process::ExeCtime
        | Process::ExeMtime
        | Process::ExeCtimeStart => program_file(view, field, each),
        Process::CapPermitted | Process::CapInheritable | Process::CapEffective => capabilities(view, field, each),
        Process::StdinKind => standard(view, 0, false, each),
        Process::StdoutKind => standard(view, 1, false, each),
        Process::StderrKind => standard(view, 2, false, each),
        Process::StdinName => standard(view, 0, true, each),
        Process::StdoutName => standard(view, 1, true, each),
        Process::StderrName => standard(view, 2, true, each),
        Process::FdCount => maybe(Some(Value::Uint(view.files.all(who.pid).count() as u64)), each),
        Process::ExecTime | Process::TotalTime => maybe(Some(Value::Uint(0)), each),
        Process::AncestorEnv => ancestor_environment(view, arg, each),
        _ => false,
    }
}

/// What is told of the program's file.
fn program_file(view: &View<'_>, field: Process, each: Each<'_>) -> bool {
    let Some(file) = view.programs.get(view.who.tid).file else { return false };
    let time = |time: u64| (time > 0).then_some(Value::Uint(time));
    let value = match field {
        Process::IsWritable => Some(Value::Bool(file.writable)),
        Process::IsUpper | Process::IsLower => file.on_device.then_some(Value::Bool(false)),
        Process::ExeIno => Some(Value::Uint(file.inode)),
        Process::ExeCtime => time(file.changed),
        Process::ExeMtime => time(file.modified),
        _ => {
            let started = view.who.kin().next().map_or(0, |kin| kin.started());
            (file.changed > 0).then(|| started.checked_sub(file.changed)).flatten().and_then(time)
        }
    };
    maybe(value, each)
}

/// The names of capabilities; an empty text for none.
fn capabilities(view: &View<'_>, field: Process, each: Each<'_>) -> bool {
    let Some([inheritable, permitted, effective]) = view.programs.get(view.who.tid).caps else { return false };
    let caps = match field {
        Process::CapInheritable => inheritable,
        Process::CapPermitted => permitted,
        _ => effective,
    };
    view.made(each, |out| {
        for bit in (0..u64::from(u64::BITS)).filter(|bit| caps >> bit & 1 == 1) {
            let Some(name) = sets::CAPABILITY.name_of(bit, Abi::X86_64) else { continue };
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
        true
    })
}

/// `proc.aenv`: with a name, that variable of the first ancestor that has it; with an index, all of that ancestor, 0 being
/// the process itself.
fn ancestor_environment(view: &View<'_>, arg: &Arg, each: Each<'_>) -> bool {
    /// As far as libsinsp looks for a variable.
    const DEEP: usize = 20;
    let level = match arg {
        Arg::Key(name) => {
            let mut found = view.who.kin().skip(1).take(DEEP).filter_map(|kin| variable(view, kin.pid, name));
            let found = found.find(|value| !value.is_empty());
            return maybe(Some(Value::Text(found.unwrap_or_default())), each);
        }
        Arg::Index(level) => usize::try_from(*level).unwrap_or(0),
        Arg::None => 0,
    };
    view.who.kin().nth(level).is_some_and(|kin| environment(view, kin.pid, &Arg::None, each))
}

fn variable<'e>(view: &View<'e>, pid: Pid, name: &str) -> Option<&'e [u8]> {
    let mut all = view.files.environment(pid)?.split(|byte| *byte == 0);
    all.find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

/// `proc.env`: all variables, or one, which is empty when there is none.
fn environment(view: &View<'_>, pid: Pid, arg: &Arg, each: Each<'_>) -> bool {
    let Some(all) = view.files.environment(pid) else { return false };
    if let Arg::Key(name) = arg {
        return maybe(Some(Value::Text(variable(view, pid, name).unwrap_or_default())), each);
    }
    let variables = all.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    view.made(each, |out| {
        for variable in variables {
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(variable);
        }
        true
    })
}
