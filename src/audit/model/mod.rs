//! The facts of one audit as plain data: what `audit.json` holds, and all that a report is written from.
//!
//! These are wire types with a version of their own; no type of the tracer is serialised. Times are microseconds since
//! the epoch, so that every number fits a JSON reader's. A name that is not UTF-8 has `\xNN` for the odd bytes. Lists are
//! in the order of first sight, or sorted where the field says so. Nothing here computes.

mod file;
mod network;
mod verdict;

pub use file::{Access, Digest, Failure, File, Use};
pub use network::{Dns, Family, NetworkAct, Peer};
pub use verdict::{Act, ActKind, Coverage, Finding, Hermetic, Level, Limit, PolicyCheck, Reason, Source, Verdict};

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The version of the model. A new field keeps it; it changes when a reader of the old one would be misled.
pub const VERSION: u32 = 1;

/// Everything an audit found out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Audit {
    /// The version of this model.
    pub version: u32,
    /// What made it.
    pub tool: Tool,
    /// What was run, and how it ended.
    pub run: Run,
    /// What is thought of it.
    pub verdict: Verdict,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// The processes; `id` is the index.
    pub processes: Vec<Process>,
    /// The files that were used, sorted by path.
    pub files: Vec<File>,
    /// Attempts on files that failed, sorted by path.
    pub failures: Vec<Failure>,
    /// The addresses that sockets were used with.
    pub peers: Vec<Peer>,
    /// The names that were asked for on port 53.
    pub dns: Vec<Dns>,
    /// Privileged and evasive acts.
    pub acts: Vec<Act>,
    /// How the run compares to the policy that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyCheck>,
    /// What a hermetic build would not have used; only when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hermetic: Option<Hermetic>,
    /// How far all this can be trusted.
    pub coverage: Coverage,
    /// Uses of the clock and of random numbers, when they were asked for; told by `hermetic`.
    #[serde(skip)]
    pub clocks: Vec<Reason>,
    /// The calls in the order of their ends, for a picture of the run; not part of `audit.json`.
    #[serde(skip)]
    pub calls: Vec<Slice>,
}

/// The program that made an audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The run that was audited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// The command, its secrets redacted.
    pub command: Vec<String>,
    /// The directory that counts as the build's own.
    pub workspace: String,
    /// The home directory that was assumed.
    pub home: String,
    /// The directory for temporary files that was assumed.
    pub tmpdir: String,
    /// The machine's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The time of the first event.
    pub start_us: u64,
    /// The time of the last event.
    pub end_us: u64,
    /// How the command ended; nothing if that was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With this exit status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
}

/// A process, from fork to end. A process id that is used again is another process here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Process {
    /// Its place in `processes`, by which all else names it.
    pub id: u32,
    /// Its process id.
    pub pid: i32,
    /// The process that made it; nothing for the command itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// The effective user at its start.
    pub uid: u32,
    /// That user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it was first seen.
    pub start_us: u64,
    /// When it ended; nothing if it was not seen to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_us: Option<u64>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// It was still running when the command had ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outlived: bool,
    /// The programs it ran, one after another. The first is its parent's when it was forked.
    pub programs: Vec<Program>,
    /// How many programs it ran beyond those listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_programs: u64,
    /// How many of its calls were seen.
    pub calls: u64,
}

impl Process {
    /// The last program that it ran itself, else the one it has from its parent.
    #[must_use]
    pub fn program(&self) -> Option<&Program> {
        self.programs.last()
    }
}

/// A program that a process ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Program {
    /// Since when.
    pub start_us: u64,
    /// It was not executed by this process, but is what its parent ran at the fork.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
    /// The file that runs; of a script, its interpreter's.
    pub exe: String,
    /// The digest of that file, taken while the process was stopped in exec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Why there is no digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undigested: Option<String>,
    /// The script that was executed, when `exe` is only its interpreter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The command line, its secrets redacted.
    pub argv: Vec<String>,
    /// The command line was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub argv_cut: bool,
    /// The working directory at its start.
    pub cwd: String,
}

/// One system call in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The process.
    pub process: u32,
    /// The thread.
    pub tid: i32,
    /// The call.
    pub name: Cow<'static, str>,
    /// When it was entered.
    pub start_us: u64,
    /// How long it took.
    pub duration_us: u64,
    /// The name of the error, if it failed.
    pub error: Option<&'static str>,
    /// The file or address it was about, if one is known.
    pub about: Option<Box<str>>,
}

/// Whether a count need not be told.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod schema_tests;
