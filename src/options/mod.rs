//! argv and configuration files to a plan. Everything the user can get wrong is refused here, before anything starts.
//!
//! `cli` says what can be typed, `config` and `interest` what files can say, `plan` what it means. Nothing here looks
//! at a process, opens the log or prints; a refusal is text for `run`.

mod amend;
mod audit;
mod captures;
mod cli;
mod config;
mod document;
mod enable;
mod interest;
mod nearest;
mod outside;
mod plan;
mod replay;
mod sibling;
mod strace;
mod watching;
mod words;

pub use amend::{MAX_LINE, amend, set};
pub use sibling::{Sibling, sibling};
pub use watching::Inspect;

use crate::model::{CallSet, Connect, Plan};
use clap::ArgMatches;
use clap::error::ErrorKind;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Debug)]
pub enum Action {
    /// Trace, or show a capture again, as the plan says.
    Trace(Box<Plan>),
    /// List what smtrace knows.
    List {
        /// What is listed.
        what: Listing,
        /// As JSON instead of text.
        json: bool,
    },
    /// Say what one capture holds that another does not.
    Diff {
        /// The two captures.
        files: [PathBuf; 2],
        /// As JSON instead of text.
        json: bool,
        /// Without making equal what differs between any two runs.
        exact: bool,
    },
    /// Check or show rules.
    Rules {
        /// Which of the two.
        what: Inspect,
        /// Of which files.
        files: Vec<PathBuf>,
        /// As JSON instead of text.
        json: bool,
    },
    /// Say what this machine allows.
    Doctor {
        /// As JSON instead of text.
        json: bool,
    },
    /// Send a command to a running smtrace.
    Ctl {
        /// Its socket.
        path: std::path::PathBuf,
        /// The command.
        words: Vec<String>,
    },
    /// Show what a running smtrace streams.
    Connect(Box<Connect>),
    /// Show what lies in the ring of a running smtrace.
    AttachRing {
        /// The ring's name.
        name: String,
        /// What is shown, and where.
        plan: Box<Plan>,
    },
    /// Write a shell's completion script, from [`command`].
    Completions(clap_complete::Shell),
    /// Write the manual page, from [`command`].
    Man,
}

/// What `smtrace list` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The system calls.
    Syscalls,
    /// The classes of system calls.
    Classes,
    /// The output formats.
    Formats,
    /// The fields of conditions and alerts.
    Fields,
}

/// What later folders offer to choose from; `run` brings it, so that nothing here knows them.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// The name of each format and what it is.
    pub formats: &'static [(&'static str, &'static str)],
}

/// Why there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// All there is to say, with its last newline: to stderr, but to stdout when the status is 0.
    pub text: String,
    /// 2 for a mistake, 0 where help or the version was asked for.
    pub status: u8,
}

impl Refusal {
    /// A mistake, told in one line: what the user typed cannot break it.
    fn mistake(what: &str) -> Refusal {
        let mut text = String::from("smtrace: ");
        for character in what.chars() {
            if character.is_control() {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        text.push('\n');
        Refusal { text, status: 2 }
    }
}

/// Reads argv, whose first word is the program's own name, and the files it names.
///
/// # Errors
/// A mistake, or a wish for help or the version, is a [`Refusal`].
pub fn parse(args: impl IntoIterator<Item = OsString>, choices: &Choices) -> Result<Action, Refusal> {
    let typed = cli::command(choices).try_get_matches_from(args).map_err(|err| from_clap(&err))?;
    let Some((name, sub)) = typed.subcommand() else {
        return Ok(Action::Trace(Box::new(plan::plan(&typed, choices)?)));
    };
    if typed.args_present() {
        return Err(Refusal::mistake(&format!(
            "`smtrace {name}` takes no options before it; to trace a command of that name: smtrace [OPTIONS] -- {name}"
        )));
    }
    if name == "audit" {
        return Ok(Action::Trace(Box::new(audit::plan(sub, choices)?)));
    }
    subcommand(name, sub, choices)
}

/// The calls that `expressions` mean together, as `-e` takes them.
///
/// # Errors
/// What is wrong with them, and a remedy.
pub fn calls(expressions: &[&str]) -> Result<CallSet, String> {
    enable::calls(expressions.iter().copied())
}

/// The command line, for completions and the manual page.
#[must_use]
pub fn command(choices: &Choices) -> clap::Command {
    cli::command(choices)
}

fn subcommand(name: &str, sub: &ArgMatches, choices: &Choices) -> Result<Action, Refusal> {
    match name {
        "replay" => Ok(Action::Trace(Box::new(replay::plan(sub, choices)?))),
        "list" => {
            let what = match sub.get_one::<String>(cli::id::WHAT).map(String::as_str) {
                Some("classes") => Listing::Classes,
                Some("formats") => Listing::Formats,
                Some("fields") => Listing::Fields,
                _ => Listing::Syscalls,
            };
            Ok(Action::List { what, json: sub.get_flag(cli::id::JSON) })
        }
        "diff" => {
            let file = |id| {
                let path = sub.get_one::<OsString>(id).cloned().unwrap_or_default();
                plan::named(&path, "diff").map(Path::to_owned)
            };
            let files = [file(cli::id::FILE)?, file(cli::id::OTHER)?];
            Ok(Action::Diff { files, json: sub.get_flag(cli::id::JSON), exact: sub.get_flag(cli::id::EXACT) })
        }
        "ctl" => outside::ctl(sub).map(|(path, words)| Action::Ctl { path, words }),
        "connect" => outside::connect(sub, choices).map(|connect| Action::Connect(Box::new(connect))),
        "attach-ring" => {
            outside::attach_ring(sub, choices).map(|(name, plan)| Action::AttachRing { name, plan: Box::new(plan) })
        }
        "rules" => {
            let (what, files, json) = watching::inspect(sub)?;
            Ok(Action::Rules { what, files, json })
        }
        "doctor" => Ok(Action::Doctor { json: sub.get_flag(cli::id::JSON) }),
        "man" => Ok(Action::Man),
        "completions" => match sub.get_one(cli::id::SHELL) {
            Some(shell) => Ok(Action::Completions(*shell)),
            None => Err(Refusal::mistake("completions needs a shell; give one, as in `smtrace completions bash`")),
        },
        _ => Err(Refusal::mistake(&format!("unknown command `{name}`; see smtrace --help"))),
    }
}

/// clap's words for a mistake, in our one line; its help as it is.
fn from_clap(err: &clap::Error) -> Refusal {
    let text = err.render().to_string();
    if matches!(err.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Refusal { text, status: 0 };
    }
    let remedy = match err.kind() {
        ErrorKind::ArgumentConflict => "take one away",
        _ => "see smtrace --help",
    };
    let mut told = String::new();
    for line in text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")) {
        let line = line.trim_start_matches("error: ").trim_start_matches("tip: ");
        // Its advice to put `--` before the word would make the word the command.
        if line.is_empty() || line.starts_with("For more information") || line.contains("as a value, use") {
            continue;
        }
        if !told.is_empty() {
            told += if told.ends_with(':') { " " } else { "; " };
        }
        told += line;
    }
    Refusal::mistake(&format!("{told}; {remedy}"))
}

#[cfg(test)]
mod tests;
