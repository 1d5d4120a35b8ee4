//! What libscap tells of each call, from `calls.tbl` and `flags.tbl`: names of events and arguments, and their types. It
//! knows no event; `raw` reads values by it.

use crate::rules::lang::{EventSet, Format, Type};
use crate::scap::flags;
use crate::table;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

const CALLS: &str = include_str!("calls.tbl");
const FLAGS: &str = include_str!("flags.tbl");

/// Events that are no calls, after all rows of the table.
pub(crate) const PROC_EXIT: usize = 0;
/// As [`PROC_EXIT`].
pub(crate) const SIGNAL: usize = 1;
/// As [`PROC_EXIT`]: a call that no row has.
pub(crate) const UNKNOWN: usize = 2;
const OTHERS: [&str; 3] = ["procexit", "signaldeliver", "syscall"];

/// Events of libscap that smtrace never has, and names of arguments that only these have.
const NEVER: [&str; 20] = [
    "NA",
    "asyncevent",
    "container",
    "cpu_hotplug",
    "drop",
    "groupadded",
    "groupdeleted",
    "infra",
    "k8s",
    "mesos",
    "notification",
    "page_fault",
    "pluginevent",
    "procinfo",
    "scapevent",
    "switch",
    "tracer",
    "useradded",
    "userdeleted",
    "mlockall",
];
const NEVER_ARGUMENTS: [&str; 30] = [
    "ID",
    "action",
    "container_id",
    "core",
    "cpu",
    "cpu_sys",
    "cpu_usr",
    "desc",
    "description",
    "dpid",
    "error",
    "event_data",
    "event_type",
    "home",
    "image",
    "ip",
    "json",
    "nativeID",
    "next",
    "pidns_init_start_ts",
    "plugin_id",
    "ratio",
    "reaper_tid",
    "res_or_fd",
    "ret",
    "scope",
    "shell",
    "spid",
    "status",
    "tags",
];

/// What an argument is to libscap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Fd,
    Pid,
    Errno,
    Text,
    /// A path from the working directory.
    Path,
    /// A path from the directory that the argument before it names.
    RelPath,
    Bytes,
    Uid,
    Gid,
    Mode,
    Int(u8),
    Uint(u8),
    Flags(u8),
    /// One constant of a set.
    Enum(u8),
    Time,
    /// Both ends of a connection.
    Tuple,
    /// A structure sockaddr.
    Addr,
    /// What is shown as nothing, by libscap's name of its type.
    Other(&'static str),
}

impl Kind {
    fn parse(word: &str) -> Kind {
        let bits = |word: &str, prefix: &str| word.strip_prefix(prefix).and_then(|bits| bits.parse().ok());
        match word {
            "fd" => Kind::Fd,
            "pid" => Kind::Pid,
            "errno" => Kind::Errno,
            "text" => Kind::Text,
            "path" => Kind::Path,
            "relpath" => Kind::RelPath,
            "bytes" => Kind::Bytes,
            "uid" => Kind::Uid,
            "gid" => Kind::Gid,
            "mode" => Kind::Mode,
            "sig" => Kind::Uint(8),
            "time" => Kind::Time,
            "tuple" => Kind::Tuple,
            "addr" => Kind::Addr,
            _ => bits(word, "int")
                .map(Kind::Int)
                .or_else(|| bits(word, "uint").map(Kind::Uint))
                .or_else(|| bits(word, "flags").map(Kind::Flags))
                .or_else(|| bits(word, "enum").map(Kind::Enum))
                .unwrap_or(Kind::Other(match word {
                    "fdlist" => "FDLIST",
                    "sigset" => "SIGSET",
                    _ => "DYN",
                })),
        }
    }

    /// The bits of its numbers; `None` of what is none.
    pub(super) fn bits(self) -> Option<u8> {
        match self {
            Kind::Fd | Kind::Pid | Kind::Errno | Kind::Time => Some(64),
            Kind::Uid | Kind::Gid | Kind::Mode => Some(32),
            Kind::Int(bits) | Kind::Uint(bits) | Kind::Flags(bits) | Kind::Enum(bits) => Some(bits),
            Kind::Text | Kind::Path | Kind::RelPath | Kind::Bytes | Kind::Tuple | Kind::Addr | Kind::Other(_) => None,
        }
    }

    /// Whether its numbers have a sign.
    pub(super) fn is_signed(self) -> bool {
        matches!(self, Kind::Int(_) | Kind::Fd | Kind::Pid | Kind::Errno)
    }

    /// The type of `evt.rawarg` for it.
    fn raw(self) -> Type {
        match self {
            Kind::Fd | Kind::Pid | Kind::Errno => Type::Int(64),
            Kind::Int(bits) => Type::Int(bits),
            Kind::Text | Kind::Path | Kind::RelPath => Type::Text,
            Kind::Bytes => Type::Bytes,
            Kind::Tuple => Type::Opaque("SOCKTUPLE"),
            Kind::Addr => Type::Opaque("SOCKADDR"),
            Kind::Other(name) => Type::Opaque(name),
            Kind::Uid | Kind::Gid | Kind::Mode => Type::Uint(32),
            Kind::Uint(bits) | Kind::Flags(bits) | Kind::Enum(bits) => Type::Uint(bits),
            Kind::Time => Type::RelTime,
        }
    }
}

/// Where an argument's value comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// smtrace does not know it.
    Nothing,
    /// What `scap` writes at this place of the call's exit.
    Event(usize),
    /// The call's argument with this name.
    Argument(&'static str),
    /// The same, in libscap's constants.
    Converted(fn(u64) -> u64, &'static str),
    /// Something else, by its word in the table.
    Special(&'static str),
}

impl From {
    fn parse(word: &'static str) -> From {
        if word == "-" {
            return From::Nothing;
        }
        if let Some(special) = word.strip_prefix('@') {
            return From::Special(special);
        }
        let Some((convert, rest)) = word.split_once('(') else { return From::Argument(word) };
        let name = rest.trim_end_matches(')');
        let convert: fn(u64) -> u64 = match convert {
            "clone" => flags::clone,
            "execveat" => flags::execveat,
            _ => return From::Argument(name),
        };
        From::Converted(convert, name)
    }
}

/// An argument as libscap has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) set: Option<&'static [(&'static str, u64)]>,
    pub(super) format: Format,
    pub(super) from: From,
}

/// A call as libscap has it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) event: &'static str,
    pub(super) makes_fd: bool,
    pub(super) uses_fd: bool,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) waits: bool,
    /// libscap has an older event of the name.
    pub(super) again: bool,
    /// What it is about; `io` when its descriptor says that.
    pub(super) category: &'static str,
    pub(super) params: Vec<Param>,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Catalog {
    calls: Vec<Call>,
    by_row: Vec<Option<usize>>,
    events: FxHashMap<&'static str, EventSet>,
    arguments: FxHashMap<&'static str, (Type, Format)>,
}

/// The catalog.
pub(crate) fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::read);
    &CATALOG
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

type Set = Vec<(&'static str, u64)>;

fn sets() -> &'static FxHashMap<&'static str, Set> {
    static SETS: LazyLock<FxHashMap<&'static str, Set>> = LazyLock::new(|| {
        let constant = |word: &'static str| {
            let (name, value) = word.split_once("=0x")?;
            Some((name, u64::from_str_radix(value, 16).ok()?))
        };
        let set = |line: &'static str| {
            let (name, constants) = line.split_once(' ')?;
            Some((name, constants.split(' ').filter_map(constant).collect()))
        };
        lines(FLAGS).filter_map(set).collect()
    });
    &SETS
}

fn param(at: usize, word: &'static str) -> Option<Param> {
    let (name, rest) = word.split_once(':')?;
    let (kind, from) = rest.split_once('=').map_or((rest, From::Event(at)), |(kind, from)| (kind, From::parse(from)));
    let (kind, set) = kind.split_once('.').map_or((kind, None), |(kind, set)| (kind, Some(set)));
    let format = match set {
        Some("hex") => Format::Hex,
        Some("oct") => Format::Oct,
        _ if kind == "mode" => Format::Oct,
        _ => Format::Dec,
    };
    let set = set.and_then(|set| sets().get(set)).map(Vec::as_slice);
    Some(Param { name, kind: Kind::parse(kind), set, format, from })
}

impl Catalog {
    fn read() -> Catalog {
        let count = table::rows().len();
        let mut catalog = Catalog {
            calls: Vec::new(),
            by_row: vec![None; count],
            events: FxHashMap::default(),
            arguments: FxHashMap::default(),
        };
        for line in lines(CALLS) {
            let mut words = line.split(' ');
            let (Some(names), Some(signs), Some(category)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let params: Vec<Param> = words.enumerate().filter_map(|(at, word)| param(at, word)).collect();
            for param in &params {
                catalog.arguments.entry(param.name).or_insert((param.kind.raw(), param.format));
            }
            let has = |sign| signs.contains(sign);
            let event = names.split(',').next().unwrap_or(names);
            for row in names.split(',').filter_map(table::by_name) {
                catalog.name(event, row.index());
                if let Some(place) = catalog.by_row.get_mut(row.index()) {
                    *place = Some(catalog.calls.len());
                }
            }
            catalog.calls.push(Call {
                event,
                makes_fd: has('c'),
                uses_fd: has('u') || has('d'),
                reads: has('r'),
                writes: has('w'),
                waits: has('z'),
                again: has('o'),
                category,
                params,
            });
        }
        for row in table::rows() {
            // The call's own name too, where libscap's differs.
            catalog.name(row.name, row.index());
        }
        for (at, name) in OTHERS.into_iter().enumerate() {
            catalog.name(name, count + at);
        }
        for name in NEVER {
            catalog.events.entry(name).or_default();
        }
        for name in NEVER_ARGUMENTS {
            catalog.arguments.entry(name).or_insert((Type::Text, Format::Dec));
        }
        catalog
    }

    fn name(&mut self, name: &'static str, event: usize) {
        self.events.entry(name).or_default().insert(event);
    }

    /// The call that a row is to libscap; `None` for those it calls generic.
    pub(super) fn call(&self, row: usize) -> Option<&Call> {
        self.calls.get((*self.by_row.get(row)?)?)
    }

    /// libscap's name of an event.
    pub(crate) fn event_name(&self, event: usize) -> Option<&'static str> {
        match table::rows().get(event) {
            Some(row) => Some(self.call(event).map_or(row.name, |call| call.event)),
            None => OTHERS.get(event.checked_sub(table::rows().len())?).copied(),
        }
    }

    /// The events with a name, which is libscap's or the table's.
    pub(super) fn events(&self, name: &str) -> Option<&EventSet> {
        self.events.get(name)
    }

    /// All events.
    pub(crate) fn all(&self) -> EventSet {
        EventSet::below(self.by_row.len() + OTHERS.len())
    }

    /// The type of an argument's bare value, by its name alone.
    pub(super) fn argument(&self, name: &str) -> Option<(Type, Format)> {
        self.arguments.get(name).copied()
    }

    /// The longest name of an argument that `text` starts with.
    pub(super) fn longest_argument(&self, text: &str) -> Option<&'static str> {
        self.arguments.keys().filter(|name| text.starts_with(**name)).max_by_key(|name| name.len()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{CALLS, From, Kind, catalog, lines, sets};
    use crate::scap::ask;
    use crate::table;

    #[test]
    fn every_line_is_understood() {
        // Calls that other machines have.
        const NO_ROWS: [&str; 4] = ["fstat64", "lstat64", "stat64", "umount"];
        for line in lines(CALLS) {
            let names = line.split(' ').next().unwrap();
            let row = names.split(',').find_map(table::by_name);
            let Some(row) = row else {
                assert!(NO_ROWS.contains(&names), "{names} is no call");
                continue;
            };
            let call = catalog().call(row.index()).unwrap();
            assert_eq!(call.params.len(), line.split(' ').count() - 3, "{line}");
            for param in &call.params {
                let mut all = names.split(',').filter_map(table::by_name);
                match param.from {
                    From::Event(at) => {
                        assert!(all.all(|row| ask::count(row).is_some_and(|count| at < count)), "{names}: no {at}");
                    }
                    From::Argument(name) => {
                        let mut known = all.flat_map(|row| crate::model::Abi::ALL.map(|abi| row.args(abi))).flatten();
                        assert!(known.any(|arg| arg.name == name), "{names}: no argument {name}");
                    }
                    _ => {}
                }
            }
        }
        assert!(sets().values().all(|set| !set.is_empty()));
    }

    #[test]
    fn names_are_libscaps() {
        let openat = table::by_name("openat").unwrap();
        let params = &catalog().call(openat.index()).unwrap().params;
        let names: Vec<_> = params.iter().map(|param| param.name).collect();
        assert_eq!(names, ["fd", "dirfd", "name", "flags", "mode", "dev", "ino"]);
        assert_eq!((params[0].kind, params[2].kind), (Kind::Fd, Kind::RelPath));
        // By place, and by the type that gives an id its name.
        let execve = table::by_name("execve").unwrap();
        let params = &catalog().call(execve.index()).unwrap().params;
        assert_eq!((params[17].name, params[28].name, params[30].name), ("vpgid", "pgid", "filename"));
        assert_eq!((params[18].kind, params[26].kind, params[29].kind), (Kind::Uid, Kind::Uid, Kind::Gid));
        assert!(catalog().events("pread").is_some_and(|events| !events.is_empty()));
        assert!(catalog().events("switch").is_some_and(|events| events.is_empty()));
        assert!(catalog().events("opeat").is_none());
        assert_eq!(catalog().longest_argument("flags and"), Some("flags"));
        assert!(catalog().argument("bogus").is_none());
    }
}
