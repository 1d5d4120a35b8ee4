//! The options of `smtrace audit` to a plan. What is shared with a run means the same and is read by `plan`.

use super::cli::{self, id};
use super::{Choices, Refusal, from_clap, plan};
use crate::model::{Audit, Orphans, Plan, Replay, Severity, Target};
use clap::builder::{OsStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

const FROM: &str = "from";
const REPORT: &str = "report";
const FAIL_ON: &str = "fail-on";
const HASH: &str = "hash";
const POLICY: &str = "policy";
const ENFORCE: &str = "enforce";
const LEARN: &str = "learn";
const HERMETIC: &str = "hermetic";
const INPUT: &str = "input";
const SUBJECT: &str = "subject";
const WORKSPACE: &str = "workspace";
const RULES: &str = "rules";
const NO_DEFAULT_RULES: &str = "no-default-rules";
const PROGRESS: &str = "progress";

/// How long what outlives the build is waited for, in seconds, when nothing else was asked for: a daemon that a build
/// leaves behind must not keep its job from ending.
const GRACE: u64 = 5;

const ABOUT: &str = "Run a build and say what it ran, read, wrote, deleted and contacted, and what of it is suspicious";

const AFTER: &str = "\
Exit status: the build's own, but 3 when a finding at or above --fail-on stands; 122 when the audit is incomplete and \
nothing was found, 125 to 127 and 2 as for a run.";

/// The options of a run that an audit has too.
const SHARED: [&str; 6] = [id::SECCOMP, id::USER, id::ENV, id::CHDIR, id::ORPHANS, id::QUIET];

/// The subcommand.
pub(super) fn command(base: &Command) -> Command {
    let file = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(OsStringValueParser::new())
    };
    let shared = base.get_arguments().filter(|arg| SHARED.contains(&arg.get_id().as_str())).cloned();
    // With -p there is nothing that an audit's options could conflict with.
    let plain = |arg: Arg| if arg.get_id() == id::QUIET { arg.long("quiet") } else { arg };
    let shared: Vec<Arg> = shared.map(|arg| plain(arg.conflicts_with(clap::builder::Resettable::Reset))).collect();
    Command::new("audit")
        .about(ABOUT)
        .after_help(AFTER)
        .override_usage("smtrace audit [OPTIONS] [--] CMD [ARG]...\n       smtrace audit [OPTIONS] --from CAPTURE")
        .arg(
            Arg::new(id::COMMAND)
                .value_name("CMD")
                .required_unless_present(FROM)
                .conflicts_with(FROM)
                .num_args(1..)
                .trailing_var_arg(true)
                .value_parser(OsStringValueParser::new())
                .value_hint(ValueHint::CommandWithArguments)
                .help("The build to run and audit, with its arguments"),
        )
        .arg(
            file(FROM, "FILE")
                .value_hint(ValueHint::FilePath)
                .help("Audit what a capture of `smtrace -w` holds, - for stdin, instead of running a build"),
        )
        .arg(
            file(REPORT, "DIR")
                .value_hint(ValueHint::DirPath)
                .help("Write all reports into DIR, which is made if it is missing"),
        )
        .arg(
            Arg::new(FAIL_ON)
                .long(FAIL_ON)
                .value_name("LEVEL")
                .value_parser(PossibleValuesParser::new(["note", "warning", "error", "never"]))
                .default_value("error")
                .help("Exit with 3 when there is a finding of this level or worse"),
        )
        .arg(file(POLICY, "FILE").value_hint(ValueHint::FilePath).help("Check the build against a policy"))
        .arg(
            Arg::new(ENFORCE)
                .long(ENFORCE)
                .action(ArgAction::SetTrue)
                .requires(POLICY)
                .conflicts_with(FROM)
                .help("Stop what the policy does not allow before it happens"),
        )
        .arg(
            file(LEARN, "FILE")
                .value_hint(ValueHint::FilePath)
                .conflicts_with(POLICY)
                .help("Write the least policy that allows what was seen"),
        )
        .arg(
            Arg::new(HASH)
                .long(HASH)
                .value_name("WHICH[,WHICH]")
                .value_delimiter(',')
                .action(ArgAction::Append)
                .value_parser(PossibleValuesParser::new(["inputs", "outputs"]))
                .help("Take SHA-256 of the files that are read (inputs) or written (outputs); programs always have it"),
        )
        .arg(
            Arg::new(HERMETIC)
                .long(HERMETIC)
                .action(ArgAction::SetTrue)
                .help("Say whether the build used anything undeclared, and what"),
        )
        .arg(
            Arg::new(INPUT)
                .long(INPUT)
                .value_name("GLOB")
                .action(ArgAction::Append)
                .requires(HERMETIC)
                .help("With --hermetic: an input that is declared, beside the workspace and the toolchain"),
        )
        .arg(
            file(SUBJECT, "FILE")
                .action(ArgAction::Append)
                .value_hint(ValueHint::FilePath)
                .help("A file that the build makes, for the attestation"),
        )
        .arg(
            file(WORKSPACE, "DIR")
                .value_hint(ValueHint::DirPath)
                .help("The build's own directory; default: where the CI checked out, else where the build starts"),
        )
        .arg(
            file(RULES, "FILE")
                .action(ArgAction::Append)
                .value_hint(ValueHint::FilePath)
                .help("Rules beside the built-in ones, in Falco's language; they can change those too"),
        )
        .arg(
            Arg::new(NO_DEFAULT_RULES)
                .long(NO_DEFAULT_RULES)
                .action(ArgAction::SetTrue)
                .help("Leave the built-in rules out; detectors stay"),
        )
        .arg(
            Arg::new(PROGRESS)
                .long(PROGRESS)
                .action(ArgAction::SetTrue)
                .help("Show on a terminal, in one line, how far the build is"),
        )
        .args(shared)
}

/// The plan that the options in `typed` mean.
pub(super) fn plan(typed: &ArgMatches, choices: &Choices) -> Result<Plan, Refusal> {
    // What is shared is read by the code that reads it for a run.
    let mut argv: Vec<OsString> = vec!["smtrace".into()];
    let base = cli::command(choices);
    for arg in base.get_arguments().filter(|arg| SHARED.contains(&arg.get_id().as_str())) {
        let name = arg.get_id().as_str();
        if name == id::QUIET {
            argv.extend((0..typed.get_count(name)).map(|_| "-q".into()));
            continue;
        }
        for value in typed.get_raw(name).into_iter().flatten() {
            let mut word = OsString::from(format!("--{name}="));
            word.push(value);
            argv.push(word);
        }
    }
    argv.push("--".into());
    let from = typed.get_one::<OsString>(FROM);
    match from {
        // A run needs a command; the capture then takes its place.
        Some(_) => argv.push("capture".into()),
        None => argv.extend(typed.get_many::<OsString>(id::COMMAND).into_iter().flatten().cloned()),
    }
    let shared = base.try_get_matches_from(argv).map_err(|err| from_clap(&err))?;
    let mut plan = plan::plan(&shared, choices)?;
    if typed.get_one::<String>(id::ORPHANS).is_none() {
        plan.orphans = Orphans::Wait(Some(GRACE));
    }
    if let Some(file) = from {
        plan.target = Target::Replay(Replay { file: plan::named(file, "--from")?.to_owned(), ..Replay::default() });
    }
    Ok(Plan { audit: Some(audit(typed)?), ..plan })
}

fn audit(typed: &ArgMatches) -> Result<Audit, Refusal> {
    let path = |name: &str| -> Result<Option<PathBuf>, Refusal> {
        let given = typed.get_one::<OsString>(name);
        given.map(|path| plan::named(path, &format!("--{name}")).map(ToOwned::to_owned)).transpose()
    };
    let paths = |name: &str| -> Result<Vec<PathBuf>, Refusal> {
        let given = typed.get_many::<OsString>(name).into_iter().flatten();
        given.map(|path| plan::named(path, &format!("--{name}")).map(ToOwned::to_owned)).collect()
    };
    let hashed = |which: &str| typed.get_many::<String>(HASH).into_iter().flatten().any(|word| word == which);
    Ok(Audit {
        report: path(REPORT)?,
        fail_on: match typed.get_one::<String>(FAIL_ON).map(String::as_str) {
            Some("never") => None,
            Some("note") => Some(Severity::Note),
            Some("warning") => Some(Severity::Warning),
            _ => Some(Severity::Error),
        },
        hash_inputs: hashed("inputs"),
        hash_outputs: hashed("outputs"),
        policy: path(POLICY)?,
        enforce: typed.get_flag(ENFORCE),
        learn: path(LEARN)?,
        hermetic: typed.get_flag(HERMETIC),
        inputs: typed.get_many::<String>(INPUT).into_iter().flatten().cloned().collect(),
        subjects: paths(SUBJECT)?,
        workspace: path(WORKSPACE)?,
        rules: paths(RULES)?,
        default_rules: !typed.get_flag(NO_DEFAULT_RULES),
        progress: typed.get_flag(PROGRESS),
    })
}
