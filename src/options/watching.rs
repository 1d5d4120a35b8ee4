//! The options of rules, conditions and alerts: as the command line knows them, and what they mean.

use super::Refusal;
use super::plan::{mistake, named};
use crate::model::{Asks, Watching};
use clap::builder::{OsStringValueParser, PossibleValuesParser};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

mod id {
    pub(super) const RULES: &str = "rules";
    pub(super) const MATCHING: &str = "rule-matching";
    pub(super) const ALERTS: &str = "alerts";
    pub(super) const ALERTS_FILE: &str = "alerts-file";
    pub(super) const ALERTS_URL: &str = "alerts-url";
    pub(super) const FAIL_ON: &str = "fail-on";
    pub(super) const WHERE: &str = "where";
    pub(super) const PRINT: &str = "print";
    pub(super) const CONTAINER: &str = "container-id";
    pub(super) const FILES: &str = "files";
    pub(super) const JSON: &str = "json";
}

const PRIORITIES: [&str; 9] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "info", "informational", "debug"];

/// What `smtrace rules` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspect {
    /// Check files.
    Check,
    /// Show what files say.
    Show,
}

/// The options of a run and of a replay.
pub(super) fn options() -> [Arg; 9] {
    const HEADING: &str = "What is looked for";
    let path = |name: &'static str, value: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_hint(ValueHint::AnyPath)
            .value_parser(OsStringValueParser::new())
    };
    [
        path(id::RULES, "FILE|DIR")
            .action(ArgAction::Append)
            .help("Write alerts by the Falco rules of FILE, or of the YAML files in DIR; can be repeated"),
        Arg::new(id::MATCHING)
            .long(id::MATCHING)
            .value_name("WHICH")
            .value_parser(PossibleValuesParser::new(["first", "all"]))
            .help("Alert by the first rule that matches an event (default), or by all"),
        Arg::new(id::ALERTS)
            .long(id::ALERTS)
            .value_name("FORM")
            .value_parser(PossibleValuesParser::new(["text", "json"]))
            .help("The form of an alert; default text"),
        path(id::ALERTS_FILE, "FILE").help("Write alerts to FILE; default where events go"),
        Arg::new(id::ALERTS_URL)
            .long(id::ALERTS_URL)
            .value_name("URL")
            .value_hint(ValueHint::Url)
            .help("POST each alert as JSON to URL, as falcosidekick takes it"),
        Arg::new(id::FAIL_ON)
            .long(id::FAIL_ON)
            .value_name("PRIORITY")
            .ignore_case(true)
            .value_parser(PossibleValuesParser::new(PRIORITIES))
            .help("Exit with 3 when an alert of this priority or a graver one was written"),
        Arg::new(id::WHERE)
            .long(id::WHERE)
            .value_name("CONDITION")
            .help("Write only events that satisfy a condition of Falco's language"),
        Arg::new(id::PRINT)
            .long(id::PRINT)
            .value_name("FORMAT")
            .help("Write of each event what FORMAT says, as '%evt.time %proc.name %evt.type'"),
        Arg::new(id::CONTAINER)
            .long(id::CONTAINER)
            .value_name("ID")
            .help("Take what is traced for the container ID: rules see it as container.id"),
    ]
    .map(|arg| arg.help_heading(HEADING))
}

/// `smtrace rules`.
pub(super) fn command() -> Command {
    let files = |needed: bool| {
        Arg::new(id::FILES)
            .value_name("FILE|DIR")
            .num_args(1..)
            .required(needed)
            .value_hint(ValueHint::AnyPath)
            .value_parser(OsStringValueParser::new())
            .help("Rule files, or directories of them")
    };
    let json = || Arg::new(id::JSON).long("json").action(ArgAction::SetTrue).help("Write JSON instead of text");
    Command::new("rules")
        .about("Check Falco rules, or show what they say")
        .subcommand_required(true)
        .subcommand(Command::new("check").about("Say what is wrong with rule files").arg(files(true)).arg(json()))
        .subcommand(Command::new("show").about("Show rules, macros and lists").arg(files(true)).arg(json()))
}

/// What `smtrace rules` was asked: what to do, with which files, and whether as JSON.
pub(super) fn inspect(typed: &ArgMatches) -> Result<(Inspect, Vec<PathBuf>, bool), Refusal> {
    let Some((name, typed)) = typed.subcommand() else {
        return Err(mistake("rules needs a command; give check or show"));
    };
    let what = if name == "show" { Inspect::Show } else { Inspect::Check };
    Ok((what, paths(typed, id::FILES)?, typed.get_flag(id::JSON)))
}

fn paths(typed: &ArgMatches, name: &str) -> Result<Vec<PathBuf>, Refusal> {
    let all = typed.get_many::<OsString>(name).into_iter().flatten();
    all.map(|path| named(path, name).map(std::path::Path::to_owned)).collect()
}

/// What the options mean; `format` says whether the form of events was asked for, `chosen` whether the calls were.
pub(super) fn watching(typed: &ArgMatches, format: bool, chosen: bool) -> Result<Watching, Refusal> {
    let word = |name: &str| typed.get_one::<String>(name).cloned();
    let rules = paths(typed, id::RULES)?;
    let needs_rules = [id::MATCHING, id::ALERTS, id::ALERTS_FILE, id::ALERTS_URL, id::FAIL_ON];
    if rules.is_empty()
        && let Some(name) = needs_rules.into_iter().find(|name| typed.contains_id(name))
    {
        return Err(mistake(&format!("--{name} goes with --rules only; give rules or take it away")));
    }
    let alerts_file = match typed.get_one::<OsString>(id::ALERTS_FILE) {
        Some(path) => Some(named(path, "--alerts-file")?.to_owned()),
        None => None,
    };
    let alerts_url = word(id::ALERTS_URL);
    if let Some(url) = alerts_url.as_ref().filter(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(mistake(&format!(
            "--alerts-url `{url}` is no address; give one that starts with http:// or https://"
        )));
    }
    let (condition, print) = (word(id::WHERE), word(id::PRINT));
    let elsewhere = alerts_file.is_some() || alerts_url.is_some();
    let events = rules.is_empty() || condition.is_some() || print.is_some() || format && elsewhere;
    Ok(Watching {
        all: word(id::MATCHING).is_some_and(|which| which == "all"),
        json: word(id::ALERTS).is_some_and(|form| form == "json"),
        alerts_file,
        alerts_url,
        fail_on: word(id::FAIL_ON),
        condition,
        print,
        container: word(id::CONTAINER),
        events,
        chooses: !rules.is_empty() && !chosen,
        asks: Asks::default(),
        rules,
    })
}
