//! What strace's letters mean: to the rendering of its format, the summary, and filters that all formats share.
//!
//! With `--format strace` what is not said is as in strace too: all calls, strings of 32 bytes, and children only with -f,
//! so that a command line of strace gives what strace gives. `-w` alone is not strace's.

pub(super) mod cli;
mod refused;
mod summary;
mod words;

pub(super) use summary::summary;

use super::cli::id as common;
use super::enable;
use crate::model::{CallSet, Constants, FdDetail, HexStrings, LineClock, Quiet, Rendering, Statuses, Target, Touching};
use clap::ArgMatches;
use cli::id;
use std::ffi::OsString;
use std::path::PathBuf;

/// The format whose defaults are strace's.
pub(super) const FORMAT: &str = "strace";
/// strace's `-s` that nobody chose.
pub(super) const DEFAULT_STR: usize = 32;
/// strace's `-a` that nobody chose, and the most that is taken.
const DEFAULT_COLUMNS: usize = 40;
const MAX_COLUMNS: usize = 1024;
/// The most `-P` and `--trace-fds`.
const MAX_TOUCHING: usize = 256;

/// What `-e` said, by qualifier.
#[derive(Debug, Default)]
pub(super) struct Expressions<'a> {
    /// The calls to trace.
    pub(super) trace: Vec<&'a str>,
    abbrev: Vec<&'a str>,
    verbose: Vec<&'a str>,
    raw: Vec<&'a str>,
    signal: Vec<&'a str>,
    status: Vec<&'a str>,
    quiet: Vec<&'a str>,
    fds: Vec<&'a str>,
}

/// Parts the `-e` expressions by their qualifiers, and adds what the long words say.
pub(super) fn expressions(typed: &ArgMatches) -> Result<Expressions<'_>, String> {
    refused::refuse(typed)?;
    let mut all = Expressions::default();
    for expression in typed.get_many::<String>(common::ENABLE).into_iter().flatten() {
        let (word, value) = expression.split_once('=').unwrap_or(("", expression));
        let to = match word {
            "trace" | "t" => &mut all.trace,
            "abbrev" | "a" => &mut all.abbrev,
            "verbose" | "v" => &mut all.verbose,
            "raw" | "x" => &mut all.raw,
            "signal" | "signals" | "s" => &mut all.signal,
            "status" => &mut all.status,
            "quiet" | "silent" | "silence" | "q" => &mut all.quiet,
            "decode-fd" | "decode-fds" => &mut all.fds,
            _ => {
                if let Some((_, why)) = refused::QUALIFIERS.iter().find(|(refused, _)| *refused == word) {
                    return Err(format!("`-e {word}=` of strace is not supported: {why}"));
                }
                all.trace.push(expression);
                continue;
            }
        };
        to.push(value);
    }
    for (name, to) in [
        (id::ABBREV, &mut all.abbrev),
        (id::VERBOSE, &mut all.verbose),
        (id::RAW, &mut all.raw),
        (id::SIGNAL, &mut all.signal),
        (id::STATUS, &mut all.status),
        (id::QUIET_SET, &mut all.quiet),
        (id::DECODE_FDS, &mut all.fds),
    ] {
        to.extend(typed.get_many::<String>(name).into_iter().flatten().map(String::as_str));
    }
    Ok(all)
}

/// Whether a letter was given.
fn count(typed: &ArgMatches, name: &str) -> u8 {
    typed.get_count(name)
}

/// How the `strace` format writes.
pub(super) fn rendering(typed: &ArgMatches, given: &Expressions<'_>, target: &Target) -> Result<Rendering, String> {
    let columns = match typed.get_one::<String>(id::COLUMNS) {
        Some(word) => words::number(word, "-a", MAX_COLUMNS)?,
        None => DEFAULT_COLUMNS,
    };
    let one = |name: &str| typed.get_one::<String>(name).map(String::as_str);
    let clock = match (one(id::TIMESTAMPS), count(typed, id::TIME)) {
        (Some(_), 1..) => return Err("-t and --timestamps both say how; take one away".to_owned()),
        (Some(word), 0) => words::clock(word)?,
        (None, 0) => None,
        (None, 1) => Some(LineClock { unix: false, decimals: 0 }),
        (None, 2) => Some(LineClock { unix: false, decimals: 6 }),
        (None, _) => Some(LineClock { unix: true, decimals: 6 }),
    };
    let decimals = |letter: &str, long: &str| match (one(long), count(typed, letter)) {
        (Some(word), _) => words::precision(word).map(Some),
        (None, 0) => Ok(None),
        (None, _) => Ok(Some(6)),
    };
    let hex = match (one(id::HEX_STRINGS), count(typed, id::HEX)) {
        (Some(word), _) => words::hex(word)?,
        (None, 0) => HexStrings::None,
        (None, 1) => HexStrings::NonAscii,
        (None, _) => HexStrings::All,
    };
    let constants = match one(id::CONSTANTS) {
        Some("raw") => Constants::Raw,
        Some("verbose") => Constants::Verbose,
        _ => Constants::Abbrev,
    };
    let mut abbrev = calls(&given.abbrev, "abbrev", enable::all)?;
    if count(typed, id::NO_ABBREV) > 0 {
        abbrev = CallSet::default();
    }
    let to_file = typed.get_one::<OsString>(common::OUTPUT).is_some_and(|path| path != "-");
    // In a replay -f waits for more records; whose events they are was decided when they were made.
    let replayed = matches!(target, Target::Replay(_));
    let separate = to_file && ((!replayed && count(typed, common::FOLLOW) > 1) || count(typed, id::SEPARATELY) > 0);
    Ok(Rendering {
        columns,
        clock,
        relative: decimals(id::RELATIVE, id::RELATIVE_TO)?,
        spent: decimals(id::SPENT, id::SPENT_TO)?,
        hex,
        constants,
        numbers: count(typed, id::NUMBER) > 0,
        fds: fd_detail(typed, given)?,
        abbrev,
        verbose: calls(&given.verbose, "verbose", enable::all)?,
        raw: calls(&given.raw, "raw", CallSet::default)?,
        signals: words::signals(&given.signal)?,
        quiet: quiet(typed, given, to_file && !matches!(target, Target::Attach { .. }))?,
        threads: to_file && (replayed || count(typed, common::FOLLOW) > 0),
        separate,
        decode: false,
    })
}

/// A set of calls that strace replaces with each new expression.
fn calls(given: &[&str], word: &str, otherwise: impl Fn() -> CallSet) -> Result<CallSet, String> {
    match given.last() {
        Some(expression) => enable::calls([*expression]).map_err(|what| format!("-e {word}=: {what}")),
        None => Ok(otherwise()),
    }
}

fn fd_detail(typed: &ArgMatches, given: &Expressions<'_>) -> Result<FdDetail, String> {
    let all = FdDetail { path: true, socket: true, device: true, pidfd: true };
    match (given.fds.last(), count(typed, id::FDS)) {
        (Some(words), _) => words::fd_detail(words),
        (None, 0) => Ok(FdDetail::default()),
        (None, 1) => Ok(FdDetail { path: true, ..FdDetail::default() }),
        (None, _) => Ok(all),
    }
}

/// `-q` as often as it is given; a file takes no word about attaching, because strace writes that to stderr.
fn quiet(typed: &ArgMatches, given: &Expressions<'_>, to_file: bool) -> Result<Quiet, String> {
    let times = count(typed, common::QUIET);
    let set = match given.quiet.last() {
        Some(words) => words::quiet(words)?,
        None => Quiet::default(),
    };
    Ok(Quiet {
        attach: set.attach || times > 0 || to_file,
        personality: set.personality || times > 0 || to_file,
        exit: set.exit || times > 1,
        superseded: set.superseded || times > 2,
        cleared: set.cleared || times > 1,
    })
}

/// Which calls are kept by how they ended.
pub(super) fn statuses(typed: &ArgMatches, given: &Expressions<'_>) -> Result<Statuses, String> {
    let (successful, failed) = (count(typed, id::SUCCESSFUL) > 0, count(typed, id::FAILED) > 0);
    match (given.status.last(), successful, failed) {
        (_, true, true) => Err("-z and -Z leave nothing; take one away".to_owned()),
        (_, true, false) => Ok(Statuses { successful: true, ..Statuses::NONE }),
        (_, false, true) => Ok(Statuses { failed: true, ..Statuses::NONE }),
        (Some(words), ..) => words::statuses(words),
        (None, ..) => Ok(Statuses::ALL),
    }
}

/// Which calls are kept by the files they touch.
pub(super) fn touching(typed: &ArgMatches) -> Result<Touching, String> {
    let mut touching = Touching::default();
    for path in typed.get_many::<OsString>(id::PATHS).into_iter().flatten() {
        if path.is_empty() {
            return Err("-P has an empty name; give a path".to_owned());
        }
        let path = PathBuf::from(path);
        // As strace: the path is meant as it is spelled, and as what it leads to.
        if let Ok(real) = path.canonicalize()
            && real != path
        {
            touching.paths.push(real);
        }
        touching.paths.push(path);
    }
    for list in typed.get_many::<String>(id::TRACE_FDS).into_iter().flatten() {
        let (turned, list) = list.strip_prefix('!').map_or((false, list.as_str()), |rest| (true, rest));
        touching.not_fds = turned;
        touching.fds = list
            .split(',')
            .map(|word| {
                let number = word.parse().ok().filter(|number| *number >= 0);
                number.ok_or_else(|| format!("--trace-fds: `{word}` is no file descriptor; give numbers, as in 0,2"))
            })
            .collect::<Result<_, _>>()?;
    }
    if touching.paths.len() > MAX_TOUCHING || touching.fds.len() > MAX_TOUCHING {
        return Err(format!("-P or --trace-fds names too many; give at most {MAX_TOUCHING}"));
    }
    Ok(touching)
}
