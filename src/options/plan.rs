//! What was typed, and what the file says, to the plan. Whatever the user can get wrong is refused here.

use super::cli::id;
use super::config::{self, Settings};
use super::strace::{self, Expressions};
use super::{Choices, Refusal, enable, interest, watching, words};
use crate::model::{
    CallSet, Capture, Command, Direction, Filters, Log, Orphans, Output, Pid, Plan, SeccompMode, Target, Watching,
};
use clap::ArgMatches;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The plan that the options in `typed` mean.
pub(super) fn plan(typed: &ArgMatches, choices: &Choices) -> Result<Plan, Refusal> {
    // What is refused is refused first, whatever else is missing.
    strace::expressions(typed).map_err(|what| mistake(&what))?;
    settle(target(typed)?, typed, choices)
}

/// The plan for `target` that the other options mean.
pub(super) fn settle(target: Target, typed: &ArgMatches, choices: &Choices) -> Result<Plan, Refusal> {
    let given = strace::expressions(typed).map_err(|what| mistake(&what))?;
    let file = match typed.get_one::<OsString>(id::CONFIG) {
        Some(path) => config::read(named(path, "--config")?, choices)?,
        None => Settings::default(),
    };
    let filters = filters(typed, &file, &given)?;
    let format = typed.get_one::<String>(id::FORMAT).cloned().or(file.format.clone());
    let chosen = typed.contains_id(id::ENABLE) || typed.contains_id(id::INTEREST);
    let chosen = chosen || file.enable.is_some() || file.interest.is_some();
    let watching = watching::watching(typed, format.is_some(), chosen)?;
    let format = format.unwrap_or_else(|| words::default_format(choices));
    let as_strace = format == strace::FORMAT;
    let calls = calls(typed, &file, &given, as_strace)?;
    let str_max = option(typed, id::STR_MAX, words::str_max)?.or(file.str_max);
    let mut rendering = strace::rendering(typed, &given, &target).map_err(|what| mistake(&what))?;
    rendering.decode = switch(typed, id::DECODE).unwrap_or(false);
    if rendering.decode && format != "ebpf" {
        return Err(mistake("--decode is for --format ebpf; json and strace always decode, module has no arguments"));
    }
    if as_strace && filters.direction != Direction::Both {
        return Err(mistake("--dir is not for --format strace, whose line is the whole call; leave it out"));
    }
    let (path, pipe) = destination(typed)?;
    if pipe.is_some() && rendering.separate {
        return Err(mistake("-ff writes files, and a command takes one stream; give -o FILE"));
    }
    let output = Output {
        path: if pipe.is_some() { None } else { path.or(file.output) },
        pipe,
        append: typed.get_count("output-append-mode") > 0,
        str_max: str_max.unwrap_or(if as_strace { strace::DEFAULT_STR } else { words::DEFAULT_STR }),
        max_items: option(typed, id::MAX_ITEMS, words::max_items)?,
        summary: strace::summary(typed).map_err(|what| mistake(&what))?,
        rendering,
        format,
    };
    let capture = capture(typed, &output, &watching)?;
    let orphans = option(typed, id::ORPHANS, words::orphans)?.or(file.orphans);
    Ok(Plan {
        target,
        calls,
        follow: follow(typed).or(file.follow).unwrap_or(!as_strace),
        seccomp: seccomp(typed)?.or(file.seccomp).unwrap_or(SeccompMode::Auto),
        probe: switch(typed, id::PROBE).or(file.probe).unwrap_or(false),
        collecting: !switch(typed, id::DROP_MODE).or(file.drop_mode).unwrap_or(false),
        orphans: orphans.unwrap_or(Orphans::Wait(None)),
        filters,
        output,
        watching,
        capture,
        audit: None,
        outside: super::outside::outside(typed)?,
        show_secrets: switch(typed, id::SHOW_SECRETS).unwrap_or(false),
        quiet: typed.get_count(id::QUIET) > 0 || file.quiet.unwrap_or(false),
        log: Log { level: file.log_level.unwrap_or(2), file: file.log_file },
    })
}

/// `-w`.
fn capture(typed: &ArgMatches, output: &Output, watching: &Watching) -> Result<Option<Capture>, Refusal> {
    let Some(path) = typed.get_one::<OsString>(id::WRITE) else {
        return match switch(typed, id::FDS) {
            Some(_) => Err(mistake("--fds goes with -w only; give -w FILE")),
            None => Ok(None),
        };
    };
    let path = named(path, "-w")?.to_owned();
    if output.path.as_ref() == Some(&path) {
        return Err(mistake("-o and -w name the same file; give each its own"));
    }
    let alone = output.path.is_none() && typed.get_one::<String>(id::FORMAT).is_none() && !watching.any();
    let fds = switch(typed, id::FDS);
    let capture = Capture { path, fds: fds.unwrap_or(true), alone };
    if !capture.is_scap() {
        return Ok(Some(capture));
    }
    match fds {
        // Its readers keep their own account of open files.
        Some(true) => Err(mistake("--fds has no meaning for a .scap file; take it away")),
        _ => Ok(Some(Capture { fds: false, ..capture })),
    }
}

pub(super) fn mistake(what: &str) -> Refusal {
    Refusal::mistake(what)
}

pub(super) fn switch(typed: &ArgMatches, name: &str) -> Option<bool> {
    typed.get_one::<bool>(name).copied()
}

pub(super) fn option<T>(
    typed: &ArgMatches,
    name: &str,
    meaning: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, Refusal> {
    typed.get_one::<String>(name).map(|word| meaning(word)).transpose().map_err(|what| mistake(&what))
}

/// A path that is not empty.
pub(super) fn named<'a>(path: &'a OsStr, option: &str) -> Result<&'a Path, Refusal> {
    if path.is_empty() {
        return Err(mistake(&format!("{option} has an empty name; give a path")));
    }
    Ok(Path::new(path))
}

fn target(typed: &ArgMatches) -> Result<Target, Refusal> {
    if let Some(lists) = typed.get_many::<String>(id::ATTACH) {
        let pids = pids(lists, 1)?;
        if pids.is_empty() {
            return Err(mistake("-p has no process id; give one, as in -p 3391"));
        }
        return Ok(Target::Attach { pids, tree: typed.get_flag(id::TREE) });
    }
    if typed.get_flag(id::TREE) {
        return Err(mistake("--tree goes with -p only; a launched command is followed by itself"));
    }
    let argv: Vec<OsString> = typed.get_many(id::COMMAND).into_iter().flatten().cloned().collect();
    if argv.is_empty() {
        return Err(mistake("nothing to trace; give a command, `smtrace -- CMD`, or a process, `smtrace -p PID`"));
    }
    let chdir = match typed.get_one::<OsString>(id::CHDIR) {
        Some(path) => Some(named(path, "--chdir")?.to_owned()),
        None => None,
    };
    let user = typed.get_one::<String>(id::USER).cloned();
    if user.as_ref().is_some_and(String::is_empty) {
        return Err(mistake("-u has an empty name; give a user"));
    }
    Ok(Target::Launch(Command { argv, env: env(typed)?, chdir, user }))
}

/// As strace: `NAME=VALUE` sets, `NAME` alone removes.
fn env(typed: &ArgMatches) -> Result<Vec<(OsString, Option<OsString>)>, Refusal> {
    let words = typed.get_many::<OsString>(id::ENV).into_iter().flatten();
    words
        .map(|word| {
            let bytes = word.as_bytes();
            let equals = bytes.iter().position(|byte| *byte == b'=');
            let (name, value) = match equals {
                Some(at) => (bytes.get(..at), bytes.get(at + 1..)),
                None => (Some(bytes), None),
            };
            let name = name.filter(|name| !name.is_empty());
            let name = name.ok_or_else(|| mistake("-E has an empty name; give NAME=VALUE, or NAME to remove it"))?;
            Ok((OsStr::from_bytes(name).to_owned(), value.map(|value| OsStr::from_bytes(value).to_owned())))
        })
        .collect()
}

/// The process ids in lists separated by commas or spaces, as strace takes them; each once.
pub(super) fn pids<'a>(lists: impl Iterator<Item = &'a String>, least: Pid) -> Result<Vec<Pid>, Refusal> {
    let mut pids = Vec::new();
    for word in lists.flat_map(|list| list.split([',', ' ', '\t', '\n'])).filter(|word| !word.is_empty()) {
        let pid = words::pid(word, least).map_err(|what| mistake(&what))?;
        if !pids.contains(&pid) {
            pids.push(pid);
        }
    }
    Ok(pids)
}

fn calls(typed: &ArgMatches, file: &Settings, given: &Expressions<'_>, as_strace: bool) -> Result<CallSet, Refusal> {
    let interest = match typed.get_one::<OsString>(id::INTEREST) {
        Some(path) => Some(interest::read(named(path, "--interest")?)?),
        None => None,
    };
    if !given.trace.is_empty() {
        return enable::calls(given.trace.iter().copied()).map_err(|what| mistake(&what));
    }
    match interest.as_ref().or(file.enable.as_ref()).or(file.interest.as_ref()) {
        Some(set) => Ok(set.clone()),
        None if as_strace => Ok(enable::all()),
        None => interest::default_calls(),
    }
}

fn filters(typed: &ArgMatches, file: &Settings, given: &Expressions<'_>) -> Result<Filters, Refusal> {
    let drop_pids = match typed.get_many::<String>(id::FILTER_PID) {
        Some(lists) => pids(lists, 0)?,
        None => file.drop_pids.clone().unwrap_or_default(),
    };
    let mut drop_comms = match typed.get_many::<String>(id::FILTER_COMM) {
        Some(names) => names.map(|name| words::comm(name).map_err(|what| mistake(&what))).collect::<Result<_, _>>()?,
        None => file.drop_comms.clone().unwrap_or_default(),
    };
    if drop_pids.len() > words::MAX_PIDS {
        return Err(mistake(&format!(
            "--filter-pid has {} processes; give at most {}",
            drop_pids.len(),
            words::MAX_PIDS
        )));
    }
    if drop_comms.len() > words::MAX_COMMS {
        let len = drop_comms.len();
        return Err(mistake(&format!("--filter-comm is given {len} times; give at most {}", words::MAX_COMMS)));
    }
    if file.drop_falco {
        drop_comms.push("falco".to_owned());
    }
    let mut statuses = strace::statuses(typed, given).map_err(|what| mistake(&what))?;
    if switch(typed, id::DROP_FAILED).or(file.drop_failed).unwrap_or(false) {
        statuses.failed = false;
    }
    Ok(Filters {
        direction: option(typed, id::DIR, words::direction)?.or(file.direction).unwrap_or(Direction::Both),
        statuses,
        touching: strace::touching(typed).map_err(|what| mistake(&what))?,
        drop_pids,
        drop_comms,
    })
}

fn follow(typed: &ArgMatches) -> Option<bool> {
    let stay = typed.get_flag(id::NO_FOLLOW).then_some(false);
    stay.or((typed.get_count(id::FOLLOW) > 0).then_some(true))
}

fn seccomp(typed: &ArgMatches) -> Result<Option<SeccompMode>, Refusal> {
    let word = option(typed, id::SECCOMP, words::seccomp)?;
    Ok(word.or(typed.get_flag(id::SECCOMP_BPF).then_some(SeccompMode::Auto)))
}

/// The file, or the command, that the events go to.
fn destination(typed: &ArgMatches) -> Result<(Option<PathBuf>, Option<OsString>), Refusal> {
    let Some(path) = typed.get_one::<OsString>(id::OUTPUT) else { return Ok((None, None)) };
    match path.as_bytes().split_first() {
        Some((b'|' | b'!', [])) => Err(mistake("-o has no command after `|`; give one, as in -o '|gzip > log.gz'")),
        Some((b'|' | b'!', command)) => Ok((None, Some(OsStr::from_bytes(command).to_owned()))),
        _ => named(path, "-o").map(|path| (Some(path.to_owned()), None)),
    }
}
