//! The command lines of `replay` and `diff` as clap knows them. What they mean is `replay`'s.

use super::cli::{id, output, running, selection, targets};
use super::{Choices, strace, watching};
use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command, ValueHint};

/// Options of a run that a replay has no use for: known, so that they are refused by name.
pub(super) const NOT_IN_REPLAY: [&str; 12] = [
    id::INTEREST,
    id::NO_FOLLOW,
    id::DROP_MODE,
    id::SECCOMP,
    id::SECCOMP_BPF,
    id::USER,
    id::ENV,
    id::CHDIR,
    id::ORPHANS,
    id::FDS,
    id::SHOW_SECRETS,
    id::ATTACH,
];

/// `smtrace replay`: what chooses and forms events as in a run, and what only a kept record can be asked.
pub(super) fn replay(choices: &Choices) -> Command {
    let [_, attach, _] = targets();
    let all =
        selection().into_iter().chain(output(choices)).chain(watching::options()).chain(running()).chain([attach]);
    let shared = all.filter(|arg| arg.get_id() != id::FOLLOW).map(|arg| {
        let refused = NOT_IN_REPLAY.contains(&arg.get_id().as_str());
        arg.hide(refused)
    });
    Command::new("replay")
        .about("Write the events of a capture of -w again, as the run would have")
        .override_usage("smtrace replay [OPTIONS] FILE")
        .arg(
            Arg::new(id::FILE)
                .value_name("FILE")
                .required(true)
                .value_hint(ValueHint::FilePath)
                .value_parser(OsStringValueParser::new())
                .help("The capture, - for stdin"),
        )
        .args(shared)
        .args(strace::cli::filters())
        .args(strace::cli::output())
        .args(strace::cli::format())
        .args(strace::cli::summary())
        .args(strace::cli::refusals())
        .args(chosen_again())
}

fn chosen_again() -> [Arg; 7] {
    const HEADING: &str = "What is shown";
    let moment = |name: &'static str, about: &'static str| {
        Arg::new(name).long(name).value_name("TIME").allow_hyphen_values(true).help(about)
    };
    [
        Arg::new(id::FOLLOW)
            .short('f')
            .long("follow")
            .action(ArgAction::Count)
            .help("Go on while the file is still being written"),
        Arg::new(id::INFO)
            .long("info")
            .action(ArgAction::SetTrue)
            .help("Say what the capture is, as JSON, instead of its events"),
        moment(id::SINCE, "Leave out events before TIME: seconds since 1970, 2025-06-12T14:15:02+02:00, or 14:15:02"),
        moment(id::UNTIL, "Leave out events after TIME"),
        Arg::new(id::PID)
            .long("pid")
            .value_name("PID[,PID]")
            .action(ArgAction::Append)
            .allow_hyphen_values(true)
            .help("Only the events of these processes"),
        Arg::new(id::COMM)
            .long("comm")
            .value_name("NAME")
            .action(ArgAction::Append)
            .help("Only the events of processes with this name"),
        Arg::new(id::PATH)
            .long("path")
            .value_name("GLOB")
            .action(ArgAction::Append)
            .help("Only calls that name or open a path like GLOB: * within a folder, ** through folders"),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

/// `smtrace diff`, but for its `--json`.
pub(super) fn diff() -> Command {
    Command::new("diff")
        .about("Say what one capture holds that another does not: programs, files, peers")
        .override_usage("smtrace diff [--json] [--exact] FILE OTHER")
        .args([(id::FILE, "FILE", "A capture of -w"), (id::OTHER, "OTHER", "Another one")].map(|(id, name, help)| {
            Arg::new(id)
                .value_name(name)
                .required(true)
                .value_hint(ValueHint::FilePath)
                .value_parser(OsStringValueParser::new())
                .help(help)
        }))
        .arg(
            Arg::new(id::EXACT)
                .long("exact")
                .action(ArgAction::SetTrue)
                .help("Tell also of process ids, temporary names, hashes and folders that differ between any two runs"),
        )
}
