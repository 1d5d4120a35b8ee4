//! The command line as clap knows it, for parsing, help, completions and the manual page. It must not give a value its
//! meaning: `plan` does. No letter means anything else than in strace, but `-w`, which is tcpdump's.

use super::{Choices, captures, outside, strace, watching};
use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgGroup, Command, ValueHint, value_parser};

/// Names of arguments, as [`command`] defines them and `plan` asks for them.
pub(super) mod id {
    pub(in super::super) const COMMAND: &str = "command";
    pub(in super::super) const ATTACH: &str = "attach";
    pub(in super::super) const TREE: &str = "tree";
    pub(in super::super) const ENABLE: &str = "enable";
    pub(in super::super) const INTEREST: &str = "interest";
    pub(in super::super) const OUTPUT: &str = "output";
    pub(in super::super) const FORMAT: &str = "format";
    pub(in super::super) const STR_MAX: &str = "str-max";
    pub(in super::super) const MAX_ITEMS: &str = "max-items";
    pub(in super::super) const SHOW_SECRETS: &str = "show-secrets";
    pub(in super::super) const DECODE: &str = "decode";
    pub(in super::super) const DIR: &str = "dir";
    pub(in super::super) const PROBE: &str = "probe";
    pub(in super::super) const FOLLOW: &str = "follow";
    pub(in super::super) const NO_FOLLOW: &str = "no-follow";
    pub(in super::super) const DROP_FAILED: &str = "drop-failed";
    pub(in super::super) const DROP_MODE: &str = "drop-mode";
    pub(in super::super) const FILTER_PID: &str = "filter-pid";
    pub(in super::super) const FILTER_COMM: &str = "filter-comm";
    pub(in super::super) const CONFIG: &str = "config";
    pub(in super::super) const SECCOMP: &str = "seccomp";
    pub(in super::super) const SECCOMP_BPF: &str = "seccomp-bpf";
    pub(in super::super) const USER: &str = "user";
    pub(in super::super) const ENV: &str = "env";
    pub(in super::super) const CHDIR: &str = "chdir";
    pub(in super::super) const ORPHANS: &str = "orphans";
    pub(in super::super) const QUIET: &str = "quiet";
    pub(in super::super) const JSON: &str = "json";
    pub(in super::super) const WHAT: &str = "what";
    pub(in super::super) const SHELL: &str = "shell";
    pub(in super::super) const WRITE: &str = "write";
    pub(in super::super) const FDS: &str = "fds";
    pub(in super::super) const FILE: &str = "file";
    pub(in super::super) const OTHER: &str = "other";
    pub(in super::super) const EXACT: &str = "exact";
    pub(in super::super) const INFO: &str = "info";
    pub(in super::super) const SINCE: &str = "since";
    pub(in super::super) const UNTIL: &str = "until";
    pub(in super::super) const PID: &str = "pid";
    pub(in super::super) const COMM: &str = "comm";
    pub(in super::super) const PATH: &str = "path";
}

const USAGE: &str = "smtrace [OPTIONS] [--] CMD [ARG]...
       smtrace [OPTIONS] -p PID[,PID]...
       smtrace replay [OPTIONS] FILE
       smtrace diff [--json] [--exact] FILE OTHER
       smtrace audit [OPTIONS] [--] CMD [ARG]...
       smtrace rules check|show FILE... [--json]
       smtrace list syscalls|classes|formats|fields [--json]
       smtrace ctl PATH COMMAND
       smtrace connect ADDR:PORT|unix:PATH [OPTIONS]
       smtrace attach-ring NAME [OPTIONS]
       smtrace doctor [--json]
       smtrace completions SHELL
       smtrace man";

const AFTER: &str = "\
To trace a command that is called audit, replay, rules, diff, list, doctor, completions, man or help, put -- before it.

Exit status: the command's own (death by a signal is repeated); 122 the log is incomplete, 125 smtrace itself failed, \
126 the command could not be executed, 127 it was not found, 2 usage, 3 an alert that --fail-on \
names was written. With -p: 0 when all are gone or were let go.";

/// The whole command line.
pub(super) fn command(choices: &Choices) -> Command {
    let base = base(choices);
    let audit = super::audit::command(&base);
    base.subcommand(audit)
}

fn base(choices: &Choices) -> Command {
    Command::new("smtrace")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Trace and audit what programs ask of the Linux kernel, without loading anything into it")
        .override_usage(USAGE)
        .after_help(AFTER)
        .subcommands(subcommands())
        .subcommand(captures::replay(choices))
        .subcommands(outside::subcommands(choices))
        .subcommand(watching::command())
        .subcommand_help_heading("Other commands")
        .disable_version_flag(true)
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print the version"))
        .args(targets())
        .args(selection())
        .args(strace::cli::filters())
        .args(output(choices))
        .args(strace::cli::output())
        .args(strace::cli::format())
        .args(strace::cli::summary())
        .args(strace::cli::refusals())
        .args(watching::options())
        .args(running())
        .args(outside::args())
        .group(ArgGroup::new("target").args([id::ATTACH, id::COMMAND]))
}

fn subcommands() -> [Command; 5] {
    let json = || Arg::new(id::JSON).long("json").action(ArgAction::SetTrue).help("Write JSON instead of text");
    [
        Command::new("list")
            .about("List the system calls, classes, formats or fields that smtrace knows")
            .arg(
                Arg::new(id::WHAT)
                    .value_name("WHAT")
                    .required(true)
                    .value_parser(PossibleValuesParser::new(["syscalls", "classes", "formats", "fields"]))
                    .help("What to list"),
            )
            .arg(json()),
        captures::diff().arg(json()),
        Command::new("doctor").about("Say what this kernel, container and user allow, and what that means").arg(json()),
        Command::new("completions").about("Write a completion script for a shell to stdout").arg(
            Arg::new(id::SHELL)
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell))
                .help("The shell"),
        ),
        Command::new("man").about("Write the manual page (roff) to stdout"),
    ]
}

pub(super) fn targets() -> [Arg; 3] {
    [
        Arg::new(id::COMMAND)
            .value_name("CMD")
            .num_args(1..)
            .trailing_var_arg(true)
            .value_parser(OsStringValueParser::new())
            .value_hint(ValueHint::CommandWithArguments)
            .help("The command to start and trace, with its arguments"),
        Arg::new(id::ATTACH)
            .short('p')
            .long("attach")
            .value_name("PID[,PID]")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .help("Attach to processes, with all their threads"),
        Arg::new(id::TREE)
            .long("tree")
            .action(ArgAction::SetTrue)
            .requires(id::ATTACH)
            .help("With -p: also the descendants that exist already"),
    ]
}

pub(super) fn selection() -> [Arg; 9] {
    const HEADING: &str = "What is traced";
    [
        Arg::new(id::ENABLE)
            .short('e')
            .long("enable")
            .alias("trace")
            .value_name("EXPR")
            .action(ArgAction::Append)
            .help("Calls to trace: names, %class, /regex/, all, none; ! takes away, ? allows unknown names")
            .long_help(
                "Calls to trace: a comma list of names, %class, /regex/, all or none. A leading ! turns the list around: \
                 all but these, or, after an earlier -e, these taken away from it; ! before one item takes only that \
                 away. ? before an item allows that nothing matches it. strace's `trace=` may stand in front. Default: \
                 the set of --interest",
            ),
        Arg::new(id::INTEREST)
            .long("interest")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(OsStringValueParser::new())
            .help("A JSON file of the calls to trace, used when there is no -e; default is built in"),
        switch(id::PROBE, "Write process events too: sched_process_fork, _exec, _exit, signal_deliver"),
        Arg::new(id::FOLLOW)
            .short('f')
            .long("follow")
            .alias("follow-forks")
            .action(ArgAction::Count)
            .overrides_with(id::NO_FOLLOW)
            .help("Trace children and threads too; on by default, but for the strace format")
            .long_help(
                "Trace children and threads too; on by default, but for the strace format. -ff: with -o FILE, each \
                 thread into a file of its own, FILE.TID",
            ),
        Arg::new(id::NO_FOLLOW)
            .long("no-follow")
            .action(ArgAction::SetTrue)
            .overrides_with_all([id::FOLLOW, id::NO_FOLLOW])
            .help("Trace only the command or the processes of -p"),
        switch(id::DROP_FAILED, "Leave out calls that failed"),
        switch(id::DROP_MODE, "Start with collection off; SIGUSR2 switches it"),
        Arg::new(id::FILTER_PID)
            .long("filter-pid")
            .value_name("PID[,PID]")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .help("Leave out the events of these processes, at most 64"),
        Arg::new(id::FILTER_COMM)
            .long("filter-comm")
            .value_name("NAME")
            .action(ArgAction::Append)
            .help("Leave out the events of processes with this name, at most 16"),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

pub(super) fn output(choices: &Choices) -> [Arg; 10] {
    const HEADING: &str = "How it is written";
    let formats: Vec<_> = choices.formats.iter().map(|(name, about)| PossibleValue::new(*name).help(*about)).collect();
    [
        Arg::new(id::OUTPUT)
            .short('o')
            .overrides_with(id::OUTPUT)
            .long("output")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(OsStringValueParser::new())
            .help("Write events to FILE, - for stdout, `|CMD` into a command; default stderr"),
        Arg::new(id::FORMAT)
            .long("format")
            .value_name("FORMAT")
            .value_parser(PossibleValuesParser::new(formats))
            .help("The form of an event; default module"),
        Arg::new(id::WRITE)
            .short('w')
            .long("write")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(OsStringValueParser::new())
            .help("Keep the records in FILE for `smtrace replay`; with .scap at its end for sysdig and Falco")
            .long_help(
                "Keep the records in FILE, - for stdout, from which `smtrace replay` writes every format again. \
                 Compressed when its name ends in .zst. A name that ends in .scap or .scap.gz gives libscap's form \
                 instead, which sysdig, Falco and Stratoshark open; `smtrace replay` writes only that form. Without -o or \
                 --format nothing else is written",
            ),
        switch(id::FDS, "With -w: whether the open files are kept at each event; default true"),
        Arg::new(id::STR_MAX)
            .short('s')
            .overrides_with(id::STR_MAX)
            .long("str-max")
            .alias("string-limit")
            .value_name("N")
            .allow_hyphen_values(true)
            .help("Cut the text of an argument at N bytes; default 256, for the strace format 32"),
        Arg::new(id::MAX_ITEMS)
            .long("max-items")
            .value_name("N")
            .overrides_with(id::MAX_ITEMS)
            .allow_hyphen_values(true)
            .help("Cut lists (argv, iovec, ...) after N items; default 128, at most 2048"),
        switch(
            id::SHOW_SECRETS,
            "Record what looks like a secret in command lines and environments, not *** for it; default false",
        ),
        switch(id::DECODE, "With --format ebpf: arguments by meaning, as strace writes them, not raw; default false"),
        Arg::new(id::DIR)
            .long("dir")
            .value_name("WHICH")
            .value_parser(PossibleValuesParser::new(["enter", "exit", "both"]))
            .help("Which events of a call are written; default both"),
        Arg::new(id::QUIET)
            .short('q')
            .action(ArgAction::Count)
            .help("No informational lines of smtrace's own; errors and losses are still said")
            .long_help(
                "No informational lines of smtrace's own; errors and losses are still said. For the strace format: -q \
                 leaves out that processes are attached, -qq how they exit, -qqq all such lines",
            ),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

pub(super) fn running() -> [Arg; 7] {
    const HEADING: &str = "How it is run";
    [
        Arg::new(id::CONFIG)
            .long("config")
            .value_name("FILE")
            .value_hint(ValueHint::FilePath)
            .value_parser(OsStringValueParser::new())
            .help("A JSON configuration file; options beat it"),
        Arg::new(id::SECCOMP)
            .long("seccomp")
            .value_name("WHEN")
            .value_parser(PossibleValuesParser::new(["auto", "off"]))
            .help("Stop only at traced calls by a seccomp filter (auto, the default), or at every call (off)"),
        Arg::new(id::SECCOMP_BPF)
            .long("seccomp-bpf")
            .action(ArgAction::SetTrue)
            .overrides_with_all([id::SECCOMP, id::SECCOMP_BPF])
            .hide(true)
            .help("strace's word for --seccomp auto"),
        Arg::new(id::USER)
            .short('u')
            .long("user")
            .value_name("NAME")
            .conflicts_with(id::ATTACH)
            .help("Run the command as this user"),
        Arg::new(id::ENV)
            .short('E')
            .long("env")
            .value_name("NAME[=VALUE]")
            .action(ArgAction::Append)
            .value_parser(OsStringValueParser::new())
            .conflicts_with(id::ATTACH)
            .help("Set a variable of the command's environment, or remove it"),
        Arg::new(id::CHDIR)
            .long("chdir")
            .value_name("DIR")
            .value_hint(ValueHint::DirPath)
            .value_parser(OsStringValueParser::new())
            .conflicts_with(id::ATTACH)
            .help("Start the command in DIR"),
        Arg::new(id::ORPHANS)
            .long("orphans")
            .value_name("wait[=SECS]|kill")
            .conflicts_with(id::ATTACH)
            .help("Wait for processes that outlive the command (default), or kill them"),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

/// An option that is a word alone, but can also be `=false` to beat a configuration file.
fn switch(name: &'static str, about: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .hide_possible_values(true)
        .value_parser(value_parser!(bool))
        .help(about)
}
