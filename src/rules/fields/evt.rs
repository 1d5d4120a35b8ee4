//! The fields of the event itself: `evt.*`, `syscall.type`.

use super::arguments;
use super::file::Sort;
use super::raw::{Raw, raw};
use super::row::{Takes, fields, of};
use super::view::{Each, View, maybe, text};
use crate::decode::errno;
use crate::model::record::Kind;
use crate::rules::lang::{Arg, Format, Type, Value};
use Type::{AbsTime, Bool, Bytes, Int, RelTime, Text, Uint};
use chrono::{DateTime, Local, Utc};
use std::io::Write as _;

fields! {
    /// `evt.*`
    Evt:
    Num = of("evt.num", Uint(64), "the number of the event in this run");
    Time = of("evt.time", Text, "when it happened, hours to nanoseconds, local time");
    TimeS = of("evt.time.s", Text, "when it happened, hours to seconds, local time");
    TimeIso = of("evt.time.iso8601", Text, "when it happened, ISO 8601, UTC");
    DateTime = of("evt.datetime", Text, "when it happened, with the date, local time");
    DateTimeS = of("evt.datetime.s", Text, "when it happened, with the date, to seconds, local time");
    RawTime = of("evt.rawtime", AbsTime, "when it happened, nanoseconds since 1970");
    RawTimeS = of("evt.rawtime.s", AbsTime, "when it happened, whole seconds since 1970");
    RawTimeNs = of("evt.rawtime.ns", AbsTime, "the nanoseconds of evt.rawtime beyond whole seconds");
    RelTimeNs = of("evt.reltime", RelTime, "nanoseconds since the first event");
    RelTimeS = of("evt.reltime.s", RelTime, "whole seconds since the first event");
    RelTimeRest = of("evt.reltime.ns", RelTime, "the nanoseconds of evt.reltime beyond whole seconds");
    PluginName = of("evt.pluginname", Text, "the plugin that made the event; smtrace has none").absent();
    PluginInfo = of("evt.plugininfo", Text, "what the plugin says of the event; smtrace has none").absent();
    SourceName = of("evt.source", Text, "where events come from: syscall");
    IsAsync = of("evt.is_async", Bool, "whether it is no system call but was put between them");
    AsyncType = of("evt.asynctype", Text, "the name of such an event").absent();
    HostName = of("evt.hostname", Text, "the name of this machine");
    Latency = of("evt.latency", RelTime, "0: since enter events were dropped there is no difference to tell").old();
    LatencyS = of("evt.latency.s", RelTime, "as evt.latency").old();
    LatencyNs = of("evt.latency.ns", RelTime, "as evt.latency").shown(Format::Padded).old();
    LatencyQ = of("evt.latency.quantized", Uint(64), "as evt.latency").old();
    LatencyHuman = of("evt.latency.human", Text, "as evt.latency").old();
    Delta = of("evt.deltatime", RelTime, "nanoseconds since the event before");
    DeltaS = of("evt.deltatime.s", RelTime, "whole seconds since the event before");
    DeltaNs = of("evt.deltatime.ns", RelTime, "the nanoseconds of evt.deltatime beyond whole seconds").shown(Format::Padded);
    OutputTime = of("evt.outputtime", Text, "as evt.time");
    Dir = of("evt.dir", Text, "> for enter, < for exit").old();
    Name = of("evt.type", Text, "libscap's name of the event, mostly the call's");
    TypeIs = of("evt.type.is", Uint(32), "1 for events of the type after the last dot; 0 where libscap has an older event of that name").takes(Takes::Member);
    SyscallType = of("syscall.type", Text, "as evt.type, for system calls only");
    Category = of("evt.category", Text, "file, net, process, memory, signal, ... by what the call is about");
    Cpu = of("evt.cpu", Int(16), "the CPU; unknown to a tracer").absent();
    Args = of("evt.args", Text, "all arguments, as NAME=VALUE");
    Argument = of("evt.arg", Text, "one argument by name or place, as text").takes(Takes::Member);
    RawArgument = of("evt.rawarg", Text, "one argument by name, as it is").takes(Takes::Member).fixed();
    Info = of("evt.info", Text, "as evt.args");
    Buffer = of("evt.buffer", Bytes, "the data read or written");
    BufferLength = of("evt.buflen", Uint(64), "how many bytes were read or written");
    Result = of("evt.res", Text, "SUCCESS, or the error's name");
    RawResult = of("evt.rawres", Int(64), "what the call returned");
    Failed = of("evt.failed", Bool, "whether the call failed");
    IsIo = of("evt.is_io", Bool, "whether the call reads or writes data");
    IsRead = of("evt.is_io_read", Bool, "whether the call reads data");
    IsWrite = of("evt.is_io_write", Bool, "whether the call writes data");
    IoDir = of("evt.io_dir", Text, "read or write, for calls that move data");
    IsWait = of("evt.is_wait", Bool, "whether the call waits: nanosleep, select, poll");
    WaitLatency = of("evt.wait_latency", RelTime, "as evt.latency").old();
    IsSyslog = of("evt.is_syslog", Bool, "whether the call writes to /dev/log");
    Count = of("evt.count", Uint(32), "1");
    CountError = of("evt.count.error", Uint(32), "1 for calls that failed");
    CountErrorFile = of("evt.count.error.file", Uint(32), "as evt.count.error, on files only");
    CountErrorNet = of("evt.count.error.net", Uint(32), "as evt.count.error, on sockets only");
    CountErrorMemory = of("evt.count.error.memory", Uint(32), "as evt.count.error, on memory only");
    CountErrorOther = of("evt.count.error.other", Uint(32), "as evt.count.error, of what is none of these");
    CountExit = of("evt.count.exit", Uint(32), "1 for exits");
    Around = of("evt.around", Uint(64), "events around a time; needs two passes").takes(Takes::Number).fixed().filter_only().absent();
    AbsPath = of("evt.abspath", Text, "the path of calls that take a directory's descriptor, made absolute");
    AbsPathSrc = of("evt.abspath.src", Text, "the first of two paths, made absolute");
    AbsPathDst = of("evt.abspath.dst", Text, "the second of two paths, made absolute");
    IsOpenRead = of("evt.is_open_read", Bool, "whether a file was opened for reading");
    IsOpenWrite = of("evt.is_open_write", Bool, "whether a file was opened for writing");
    IsOpenExec = of("evt.is_open_exec", Bool, "whether a file was created that can be executed");
    IsOpenCreate = of("evt.is_open_create", Bool, "whether a file was created, as far as the call's flags tell");
}

const SECOND: u64 = 1_000_000_000;

/// Seconds since 1970 in this place's time.
fn local(time: u64) -> DateTime<Local> {
    moment(time).with_timezone(&Local)
}

fn moment(time: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(i64::try_from(time).unwrap_or(i64::MAX))
}

/// `evt.time` of a time.
pub(crate) fn time_of_day(time: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "{}", local(time).format("%H:%M:%S.%f"));
}

/// As RFC 3339 has it, UTC, with nanoseconds.
pub(crate) fn iso(time: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "{}", moment(time).format("%Y-%m-%dT%H:%M:%S.%fZ"));
}

/// What libscap calls the sort of an event.
fn category(view: &View<'_>) -> &'static str {
    let by_name = match view.event_name() {
        "procexit" => "process",
        "signaldeliver" => "signal",
        _ => "other",
    };
    let descriptor = || match view.descriptor().map(|file| file.sort) {
        Some(Sort::Socket(2 | 10)) => "net",
        Some(Sort::File | Sort::Directory) => "file",
        // eventfd, signalfd, inotify, userfaultfd
        Some(Sort::Socket(1) | Sort::Pipe | Sort::Other(_, b'e' | b's' | b'i' | b'u')) => "ipc",
        _ => "unknown",
    };
    match view.known.map(|call| call.category) {
        Some("io") => descriptor(),
        known => known.unwrap_or(by_name),
    }
}

/// 1 when the call failed, 0 when it did not; libsinsp has nothing to tell of calls of another sort than is asked for.
fn failures(view: &View<'_>, wanted: Option<&str>, each: Each<'_>) -> bool {
    let Some(result) = returned(view) else { return false };
    let file = view.descriptor().map(|file| file.sort);
    let sort = match file {
        Some(Sort::File | Sort::Directory) => "file",
        Some(Sort::Socket(2 | 10 | 1)) => "net",
        None if opens(view).is_some() || view.event_name() == "creat" => "file",
        None if matches!(view.event_name(), "accept" | "accept4" | "connect") => "net",
        _ if category(view) == "memory" => "memory",
        _ => "other",
    };
    wanted.is_none_or(|wanted| wanted == sort) && maybe(Some(Value::Uint(u64::from(result < 0))), each)
}

/// What the call returned: to libsinsp the first argument of its event, which is the user of `getuid`. An event without
/// arguments (`getsockname`) has no result.
fn returned(view: &View<'_>) -> Option<i64> {
    let result = view.call.result()?;
    let Some(known) = view.known else { return Some(result) };
    let first = known.params.first()?;
    view.buffer(|buffer| match raw(view, first, buffer) {
        Some(Raw::Number(number)) => Some(number),
        _ => Some(result),
    })
}

/// What open asked for, in the kernel's constants, if the call opens a file.
fn opens(view: &View<'_>) -> Option<u64> {
    let name = view.call.row?.name;
    matches!(name, "open" | "openat" | "openat2" | "open_by_handle_at").then(|| view.call.open_flags())
}

fn creates_program(view: &View<'_>) -> bool {
    const CREATES: u64 = 0o100 | 0o20_000_000;
    let mode = match view.call.row.map(|row| row.name) {
        Some("openat2") => view.call.how(1),
        Some("open_by_handle_at") => 0,
        _ => view.call.word("mode"),
    };
    let creates = opens(view).map(|flags| flags & CREATES != 0);
    creates.unwrap_or_else(|| view.event_name() == "creat") && mode & 0o111 != 0
}

fn absolute(view: &View<'_>, second: bool, each: Each<'_>) -> bool {
    let call = &view.call;
    let (directory, path) = match (view.event_name(), second) {
        ("renameat" | "renameat2" | "linkat", false) => ("olddfd", "oldname"),
        ("renameat" | "renameat2" | "linkat", true) | ("symlinkat", _) => ("newdfd", "newname"),
        ("openat" | "openat2" | "fchmodat" | "fchownat", _) => ("dfd", "filename"),
        ("unlinkat" | "mkdirat", _) => ("dfd", "pathname"),
        ("open_by_handle_at", _) => return view.opened().is_some_and(|path| text(path, each)),
        _ => return false,
    };
    let Some(text) = call.text(path).filter(|path| !path.is_empty()) else { return false };
    view.made(each, |out| {
        view.files.absolute(call, view.who.cwd(), text, directory, out);
        true
    })
}

/// The data that the call moved.
fn data(view: &View<'_>, each: Each<'_>) -> bool {
    let Some(param) = arguments::named(view, "data") else { return false };
    view.buffer(|buffer| match raw(view, param, buffer) {
        Some(Raw::Text(bytes)) => maybe(Some(Value::Bytes(bytes)), each),
        _ => false,
    })
}

/// The values of a field.
pub(super) fn get(view: &View<'_>, field: Evt, arg: &Arg, each: Each<'_>) -> bool {
    let head = view.call.record.head();
    let (time, times) = (head.time, view.times);
    let number = |number: u64, each: Each<'_>| maybe(Some(Value::Uint(number)), each);
    let truth = |truth: bool, each: Each<'_>| maybe(Some(Value::Bool(truth)), each);
    let known = |test: fn(&super::catalog::Call) -> bool| view.known.is_some_and(test);
    let result = returned(view);
    let since_first = time.saturating_sub(times.first);
    let since_last = if times.before == 0 { 0 } else { time.saturating_sub(times.before) };
    match field {
        Evt::Num => number(times.number, each),
        Evt::Time | Evt::OutputTime => view.made(each, |out| {
            time_of_day(time, out);
            true
        }),
        Evt::TimeS | Evt::DateTime | Evt::DateTimeS | Evt::TimeIso => {
            let form = match field {
                Evt::TimeS => "%H:%M:%S",
                Evt::DateTime => "%Y-%m-%d %H:%M:%S.%f",
                _ => "%Y-%m-%d %H:%M:%S",
            };
            view.made(each, |out| {
                if field == Evt::TimeIso {
                    iso(time, out);
                    return true;
                }
                write!(out, "{}", local(time).format(form)).is_ok()
            })
        }
        Evt::RawTime => number(time, each),
        Evt::RawTimeS => number(time / SECOND, each),
        Evt::RawTimeNs => number(time % SECOND, each),
        Evt::RelTimeNs => number(since_first, each),
        Evt::RelTimeS => number(since_first / SECOND, each),
        Evt::RelTimeRest => number(since_first % SECOND, each),
        Evt::SourceName => text(b"syscall", each),
        Evt::IsAsync => truth(false, each),
        Evt::HostName => text(view.setup.host.as_bytes(), each),
        Evt::Latency | Evt::LatencyS | Evt::LatencyNs | Evt::LatencyQ | Evt::WaitLatency => number(0, each),
        Evt::LatencyHuman => text(b"0ns", each),
        Evt::Delta => number(since_last, each),
        Evt::DeltaS => number(since_last / SECOND, each),
        Evt::DeltaNs => number(since_last % SECOND, each),
        Evt::Dir => text(if head.kind == Kind::Enter { b">" } else { b"<" }, each),
        Evt::Name => text(view.event_name().as_bytes(), each),
        Evt::TypeIs => {
            let first = view.known.is_none_or(|call| !call.again);
            number(u64::from(first && arg.key() == Some(view.event_name())), each)
        }
        Evt::SyscallType => view.is_call() && text(view.event_name().as_bytes(), each),
        Evt::Category => text(category(view).as_bytes(), each),
        Evt::Args | Evt::Info => arguments::all(view, each),
        Evt::Argument => match arg {
            Arg::Key(name) => arguments::named(view, name).is_some_and(|param| arguments::text(view, param, each)),
            Arg::Index(at) => {
                let at = usize::try_from(*at).unwrap_or(usize::MAX);
                let param = view.known.and_then(|call| call.params.get(at));
                param.is_some_and(|param| arguments::text(view, param, each))
            }
            Arg::None => false,
        },
        Evt::RawArgument => {
            let param = arg.key().and_then(|name| arguments::named(view, name));
            param.is_some_and(|param| arguments::bare(view, param, each))
        }
        Evt::Buffer => data(view, each),
        Evt::BufferLength => {
            let moved = result.filter(|_| known(|call| call.category == "io") && view.descriptor().is_some());
            maybe(moved.and_then(|moved| u64::try_from(moved).ok()).map(Value::Uint), each)
        }
        Evt::Result => match result {
            None => false,
            Some(result) if result >= 0 => text(b"SUCCESS", each),
            Some(result) => match errno::of_result(result).and_then(errno::name) {
                Some(name) => text(name.as_bytes(), each),
                None => view.made(each, |out| write!(out, "{result}").is_ok()),
            },
        },
        Evt::RawResult => maybe(result.map(Value::Int), each),
        Evt::Failed => maybe(result.map(|result| Value::Bool(result < 0)), each),
        Evt::IsIo => truth(known(|call| call.reads || call.writes), each),
        Evt::IsRead => truth(known(|call| call.reads), each),
        Evt::IsWrite => truth(known(|call| call.writes), each),
        Evt::IoDir if known(|call| call.writes) => text(b"write", each),
        Evt::IoDir => known(|call| call.reads) && text(b"read", each),
        Evt::IsWait => truth(known(|call| call.waits), each),
        Evt::IsSyslog => {
            let log = view.descriptor().is_some_and(|file| file.name.ends_with(b"/dev/log"));
            truth(log && known(|call| call.writes), each)
        }
        Evt::Count => number(1, each),
        Evt::CountError => failures(view, None, each),
        Evt::CountErrorFile => failures(view, Some("file"), each),
        Evt::CountErrorNet => failures(view, Some("net"), each),
        Evt::CountErrorMemory => failures(view, Some("memory"), each),
        Evt::CountErrorOther => failures(view, Some("other"), each),
        Evt::CountExit => head.kind != Kind::Enter && number(1, each),
        Evt::AbsPath | Evt::AbsPathSrc => absolute(view, false, each),
        Evt::AbsPathDst => absolute(view, true, each),
        // open(2): the access mode is a number of two bits.
        Evt::IsOpenRead => truth(opens(view).is_some_and(|flags| matches!(flags & 3, 0 | 2)), each),
        Evt::IsOpenWrite => truth(opens(view).is_some_and(|flags| matches!(flags & 3, 1 | 2)), each),
        Evt::IsOpenExec => truth(creates_program(view), each),
        // Whether O_CREAT made a new file, or found one, the call does not tell; O_EXCL does.
        Evt::IsOpenCreate => {
            let made = opens(view).is_some_and(|flags| flags & 0o300 == 0o300 || flags & 0o20_000_000 != 0);
            truth(made && result.is_some_and(|result| result >= 0), each)
        }
        Evt::PluginName | Evt::PluginInfo | Evt::AsyncType | Evt::Cpu | Evt::Around => false,
    }
}
