//! strace's letters and long words for what its format shows, as clap knows them. What they mean is said beside it.

use super::refused;
use clap::builder::{OsStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, ValueHint};

/// Names of arguments.
pub(in super::super) mod id {
    pub(in super::super::super) const COLUMNS: &str = "columns";
    pub(in super::super::super) const TIMESTAMPS: &str = "timestamps";
    pub(in super::super::super) const TIME: &str = "time";
    pub(in super::super::super) const RELATIVE: &str = "relative";
    pub(in super::super::super) const RELATIVE_TO: &str = "relative-timestamps";
    pub(in super::super::super) const SPENT: &str = "spent";
    pub(in super::super::super) const SPENT_TO: &str = "syscall-times";
    pub(in super::super::super) const NO_ABBREV: &str = "no-abbrev";
    pub(in super::super::super) const HEX: &str = "hex";
    pub(in super::super::super) const HEX_STRINGS: &str = "strings-in-hex";
    pub(in super::super::super) const CONSTANTS: &str = "const-print-style";
    pub(in super::super::super) const NUMBER: &str = "syscall-number";
    pub(in super::super::super) const FDS: &str = "fds-letter";
    pub(in super::super::super) const DECODE_FDS: &str = "decode-fds";
    pub(in super::super::super) const ABBREV: &str = "abbrev";
    pub(in super::super::super) const VERBOSE: &str = "verbose";
    pub(in super::super::super) const RAW: &str = "raw";
    pub(in super::super::super) const SIGNAL: &str = "signal";
    pub(in super::super::super) const QUIET_SET: &str = "quiet-set";
    pub(in super::super::super) const SEPARATELY: &str = "output-separately";
    pub(in super::super::super) const APPEND: &str = "output-append-mode";
    pub(in super::super::super) const STATUS: &str = "status";
    pub(in super::super::super) const SUCCESSFUL: &str = "successful-only";
    pub(in super::super::super) const FAILED: &str = "failed-only";
    pub(in super::super::super) const PATHS: &str = "trace-path";
    pub(in super::super::super) const TRACE_FDS: &str = "trace-fds";
    pub(in super::super::super) const SUMMARY: &str = "summary";
    pub(in super::super::super) const SUMMARY_ONLY: &str = "summary-only";
    pub(in super::super::super) const SUMMARY_TOO: &str = "summary-too";
    pub(in super::super::super) const SUMMARY_JSON: &str = "summary-json";
    pub(in super::super::super) const SORT: &str = "summary-sort-by";
    pub(in super::super::super) const SUMMARY_COLUMNS: &str = "summary-columns";
    pub(in super::super::super) const WALL_CLOCK: &str = "summary-wall-clock";
    pub(in super::super::super) const OVERHEAD: &str = "summary-syscall-overhead";
}

/// A letter that may be repeated.
fn letter(name: &'static str, short: char, about: &'static str) -> Arg {
    Arg::new(name).short(short).action(ArgAction::Count).help(about)
}

/// A long word with or without `=VALUE`; the last one counts.
fn word(name: &'static str, value: &'static str, missing: &'static str, about: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value(missing)
        .overrides_with(name)
        .help(about)
}

/// A long word whose value is what `-e WORD=` takes.
fn set(name: &'static str, about: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("SET").action(ArgAction::Append).hide_short_help(true).help(about)
}

/// A word alone.
fn flag(name: &'static str, short: char, about: &'static str) -> Arg {
    Arg::new(name).short(short).long(name).action(ArgAction::Count).help(about)
}

/// The letters of the `strace` format.
pub(in super::super) fn format() -> Vec<Arg> {
    const HEADING: &str = "The strace format (letters as in strace)";
    [
        Arg::new(id::COLUMNS)
            .short('a')
            .long("columns")
            .value_name("COLUMN")
            .overrides_with(id::COLUMNS)
            .help("Align results in this column; default 40"),
        letter(id::TIME, 't', "The time of day before a line; -tt to the microsecond, -ttt since the epoch"),
        word(id::TIMESTAMPS, "FORMAT", "", "As -t: format:none|time|unix and precision:s|ms|us|ns")
            .alias("absolute-timestamps")
            .hide_short_help(true),
        letter(id::RELATIVE, 'r', "The time since the line before"),
        word(id::RELATIVE_TO, "PRECISION", "us", "As -r, in s, ms, us or ns").hide_short_help(true),
        letter(id::SPENT, 'T', "The time spent in each call"),
        word(id::SPENT_TO, "PRECISION", "us", "As -T, in s, ms, us or ns").hide_short_help(true),
        flag(id::NO_ABBREV, 'v', "Structures with all their fields"),
        letter(id::HEX, 'x', "Strings that are not ASCII in base 16; -xx: all strings"),
        word(id::HEX_STRINGS, "WHICH", "all", "As -x: none, non-ascii-chars, non-ascii or all").hide_short_help(true),
        Arg::new(id::CONSTANTS)
            .short('X')
            .long(id::CONSTANTS)
            .value_name("STYLE")
            .overrides_with(id::CONSTANTS)
            .value_parser(PossibleValuesParser::new(["raw", "abbrev", "verbose"]))
            .help("Constants as numbers, by name (default), or both"),
        flag(id::NUMBER, 'n', "The call's number before its name"),
        letter(id::FDS, 'y', "The paths of file descriptors; -yy: also sockets, devices, pidfds"),
        word(id::DECODE_FDS, "WHAT", "path", "As -y: path, socket, dev, pidfd, all or none").hide_short_help(true),
        set(id::ABBREV, "Calls whose structures are cut short; -e abbrev="),
        set(id::VERBOSE, "Calls whose structures are followed; -e verbose="),
        set(id::RAW, "Calls whose arguments are shown as numbers; -e raw="),
        set(id::SIGNAL, "Signals to tell; -e signal="),
    ]
    .map(|arg| arg.help_heading(HEADING))
    .into()
}

/// What is left out, and where it goes: for all formats.
pub(in super::super) fn filters() -> Vec<Arg> {
    const HEADING: &str = "What is traced";
    [
        flag(id::SUCCESSFUL, 'z', "Only calls that succeeded"),
        flag(id::FAILED, 'Z', "Only calls that failed"),
        set(id::STATUS, "Calls that ended so: successful, failed, unfinished, unavailable, detached; -e status="),
        Arg::new(id::PATHS)
            .short('P')
            .long("trace-path")
            .value_name("PATH")
            .action(ArgAction::Append)
            .value_hint(ValueHint::AnyPath)
            .value_parser(OsStringValueParser::new())
            .help("Only calls that touch this path, by name or by file descriptor"),
        Arg::new(id::TRACE_FDS)
            .long("trace-fds")
            .alias("trace-fd")
            .value_name("FDS")
            .action(ArgAction::Append)
            .help("Only calls that touch these file descriptors; ! turns the list around"),
    ]
    .map(|arg| arg.help_heading(HEADING))
    .into()
}

/// How the output is laid out.
pub(in super::super) fn output() -> Vec<Arg> {
    const HEADING: &str = "How it is written";
    [
        Arg::new(id::QUIET_SET)
            .long("quiet")
            .aliases(["silent", "silence"])
            .value_name("WHAT")
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("attach,personality")
            .action(ArgAction::Append)
            .help("As -q, or without: attach, exit, path-resolution, personality, superseded, all"),
        Arg::new(id::SEPARATELY)
            .long(id::SEPARATELY)
            .action(ArgAction::Count)
            .help("With -o FILE: each thread into a file of its own, FILE.TID (-ff: -f and this)"),
        flag(id::APPEND, 'A', "Append to the file of -o"),
    ]
    .map(|arg| arg.help_heading(HEADING))
    .into()
}

/// The summary.
pub(in super::super) fn summary() -> Vec<Arg> {
    const HEADING: &str = "Summary";
    [
        Arg::new(id::SUMMARY_ONLY)
            .short('c')
            .long(id::SUMMARY_ONLY)
            .action(ArgAction::Count)
            .help("Count calls, errors and time, and write a table of them at the end instead of the events"),
        word(id::SUMMARY, "BY", "syscall", "As -c; by syscall (default), or by process and syscall")
            .value_parser(PossibleValuesParser::new(["syscall", "process"])),
        Arg::new(id::SUMMARY_TOO).short('C').action(ArgAction::Count).help("As -c, and write the events too"),
        Arg::new(id::SUMMARY_JSON).long(id::SUMMARY_JSON).action(ArgAction::Count).help("As -c, written as JSON"),
        Arg::new(id::SORT)
            .short('S')
            .long(id::SORT)
            .value_name("COLUMN")
            .overrides_with(id::SORT)
            .help("Order by: time (default), min-time, median, p99, max-time, avg-time, calls, errors, name, nothing"),
        Arg::new(id::SUMMARY_COLUMNS)
            .short('U')
            .long(id::SUMMARY_COLUMNS)
            .value_name("COLUMNS")
            .overrides_with(id::SUMMARY_COLUMNS)
            .help(
                "Columns, a comma list: time-percent, total-time, kernel-time, wall-time, min-time, median, p99, \
                   max-time, avg-time, calls, errors, name",
            ),
        Arg::new(id::OVERHEAD)
            .short('O')
            .long(id::OVERHEAD)
            .value_name("TIME")
            .overrides_with(id::OVERHEAD)
            .hide_short_help(true)
            .help("Take this off each call; a number of microseconds, or with s, ms, us or ns"),
        Arg::new(id::WALL_CLOCK)
            .long(id::WALL_CLOCK)
            .action(ArgAction::Count)
            .help("Times are from a call's entry to its return (strace's -w), not those it ran on a CPU"),
    ]
    .map(|arg| arg.help_heading(HEADING))
    .into()
}

/// strace's letters that smtrace knows of and refuses, so that the refusal can say why.
pub(in super::super) fn refusals() -> impl Iterator<Item = Arg> {
    refused::LETTERS.iter().map(|refused| {
        let arg = Arg::new(refused.word).long(refused.word).hide(true);
        let arg = if refused.letter == '\0' { arg } else { arg.short(refused.letter) };
        if refused.value { arg.action(ArgAction::Append).num_args(1) } else { arg.action(ArgAction::Count).num_args(0) }
    })
}
