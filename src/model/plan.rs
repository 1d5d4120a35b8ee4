//! The plan: what the user meant, validated once by `options`. Nothing after that checks again.

use super::{CallSet, Outside, Pid, Rendering, Statuses, Summary, Touching};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;

/// Everything one run needs to know.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is traced.
    pub target: Target,
    /// The enabled calls.
    pub calls: CallSet,
    /// Whether children and threads of a tracee become tracees (`--no-follow` clears it).
    pub follow: bool,
    /// Whether a seccomp filter decides which calls stop.
    pub seccomp: SeccompMode,
    /// Whether process events are written beside call events (`--probe`).
    pub probe: bool,
    /// Whether events are collected from the start (`--drop-mode` clears it; SIGUSR2 toggles it).
    pub collecting: bool,
    /// What happens to processes that outlive the command.
    pub orphans: Orphans,
    /// Which events are kept.
    pub filters: Filters,
    /// Where and how events are written.
    pub output: Output,
    /// What events are looked at for.
    pub watching: Watching,
    /// The file that the records themselves are kept in (`-w`).
    pub capture: Option<Capture>,
    /// How the run is audited, if it is (`smtrace audit`).
    pub audit: Option<Audit>,
    /// What is offered to others while it runs.
    pub outside: Outside,
    /// What looks like a secret in command lines and environments is recorded as it is (`--show-secrets`).
    pub show_secrets: bool,
    /// No informational lines of our own; errors and losses are still said.
    pub quiet: bool,
    /// Messages of smtrace itself.
    pub log: Log,
}

/// How a run is audited, and what of.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The directory that the reports are written to.
    pub report: Option<PathBuf>,
    /// A finding of at least this level fails the audit; `None` for none does.
    pub fail_on: Option<Severity>,
    /// Whether the files that are read are digested.
    pub hash_inputs: bool,
    /// Whether the files that are written are digested.
    pub hash_outputs: bool,
    /// The policy to check.
    pub policy: Option<PathBuf>,
    /// Whether what the policy does not allow is stopped before it happens.
    pub enforce: bool,
    /// The policy to write.
    pub learn: Option<PathBuf>,
    /// Whether to ask if the build used anything undeclared.
    pub hermetic: bool,
    /// Patterns of the inputs that are declared (`--input`).
    pub inputs: Vec<String>,
    /// The files that the build is to make (`--subject`).
    pub subjects: Vec<PathBuf>,
    /// The build's own directory; `None` for where the build starts.
    pub workspace: Option<PathBuf>,
    /// Rule files beside the built-in ones.
    pub rules: Vec<PathBuf>,
    /// Whether the built-in rules are asked.
    pub default_rules: bool,
    /// Whether a line tells how far the build is.
    pub progress: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Unusual.
    Warning,
    /// Not to be expected, or not allowed.
    Error,
}

/// What is traced.
#[derive(Clone, Debug)]
pub enum Target {
    /// Start a command and trace it.
    Launch(Command),
    /// Attach to processes that exist.
    Attach {
        /// The processes; each with all its threads.
        pids: Vec<Pid>,
        /// Their existing descendants too.
        tree: bool,
    },
    /// Show a capture again.
    Replay(Replay),
}

/// Rules, conditions and alerts.
#[derive(Clone, Debug, Default)]
pub struct Watching {
    /// Files of Falco's rules, and directories of them (`--rules`).
    pub rules: Vec<PathBuf>,
    /// All rules that match an event alert, not the first alone (`--rule-matching`).
    pub all: bool,
    /// Alerts are JSON (`--alerts`).
    pub json: bool,
    /// The file that alerts are written to (`--alerts-file`).
    pub alerts_file: Option<PathBuf>,
    /// The address that alerts are sent to (`--alerts-url`).
    pub alerts_url: Option<String>,
    /// The priority from which an alert makes the run fail (`--fail-on`).
    pub fail_on: Option<String>,
    /// What events have to satisfy to be written (`--where`).
    pub condition: Option<String>,
    /// What is written of an event (`--print`).
    pub print: Option<String>,
    /// The container that the trace stands for (`--container-id`).
    pub container: Option<String>,
    /// Events are written, not alerts alone.
    pub events: bool,
    /// The enabled calls are those that the rules need.
    pub chooses: bool,
    /// What is asked of the kernel for it. Known once rules and conditions are read.
    pub asks: Asks,
}

/// What rules and conditions ask for that costs a question to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// The files that opens really opened.
    pub opened: bool,
    /// Capabilities, and programs' files.
    pub program: bool,
}

impl Watching {
    /// Whether anything is looked for.
    #[must_use]
    pub fn any(&self) -> bool {
        !self.rules.is_empty() || self.condition.is_some() || self.print.is_some()
    }
}

/// A capture to write.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The file, `-` for stdout. Compressed when it ends in `.zst` or `.gz`.
    pub path: PathBuf,
    /// Whether the open files are kept at each event.
    pub fds: bool,
    /// Whether it is all that is written: no text.
    pub alone: bool,
}

impl Capture {
    /// Whether its name asks for libscap's form, which sysdig and Falco open.
    #[must_use]
    pub fn is_scap(&self) -> bool {
        let name = self.path.file_name().map(|name| name.as_encoded_bytes()).unwrap_or_default();
        name.ends_with(b".scap") || name.ends_with(b".scap.gz")
    }
}

/// A capture to show again.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// The file, `-` for stdin.
    pub file: PathBuf,
    /// Whether to say what the capture is, instead of its events.
    pub info: bool,
    /// Whether to go on while the file is still being written.
    pub grows: bool,
    /// The calls to show; `None` for all that were captured.
    pub calls: Option<Box<CallSet>>,
    /// The longest text that was asked for; `None` for the default or what was captured, whichever is less.
    pub str_max: Option<usize>,
    /// Events before it are left out.
    pub since: Option<Moment>,
    /// Events after it are left out.
    pub until: Option<Moment>,
    /// The processes to show; none for all.
    pub pids: Vec<Pid>,
    /// The command names to show; none for all.
    pub comms: Vec<String>,
    /// Patterns of the paths to show; none for all.
    pub paths: Vec<String>,
    /// Whether the capture is of a launched command, and so of one that was not there before.
    pub launched: bool,
    /// How far local time was from UTC, in seconds, where the records that are shown now were made.
    pub utc_offset: Arc<AtomicI32>,
}

/// A time to show events from or to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nanoseconds since the epoch.
    At(u64),
    /// As [`Moment::At`], as if the capture's local time were UTC.
    Local(i64),
    /// Nanoseconds since a midnight of the capture's local time.
    OfDay(u64),
}

/// A command to launch.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// `argv`, never empty. The first is looked up in `PATH` as execvp(3) does.
    pub argv: Vec<OsString>,
    /// Changes to the inherited environment, in order: a value sets, `None` removes.
    pub env: Vec<(OsString, Option<OsString>)>,
    /// The working directory to start in.
    pub chdir: Option<PathBuf>,
    /// The user to run as.
    pub user: Option<String>,
}

/// `--seccomp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeccompMode {
    /// Use a filter where the kernel allows it, else stop at every call and say so.
    Auto,
    /// Stop at every call.
    Off,
}

/// What happens to processes that outlive the command (`--orphans`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// Wait for them; with a number, kill what is left after that many seconds.
    Wait(Option<u64>),
    /// Kill them when the command ends.
    Kill,
}

/// Which of an event pair is written (`--dir`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Only `>`.
    Enter,
    /// Only `<`.
    Exit,
    /// Both.
    #[default]
    Both,
}

/// Which events are kept, beyond the enabled calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Which of an event pair is written.
    pub direction: Direction,
    /// The calls that are written, enter and exit, by how they ended.
    pub statuses: Statuses,
    /// The calls that are written, by the files they touch.
    pub touching: Touching,
    /// Processes whose events are left out.
    pub drop_pids: Vec<Pid>,
    /// Command names (as in /proc/PID/comm) whose events are left out.
    pub drop_comms: Vec<String>,
}

/// Where and how events are written.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// `None` is stderr, `-` is stdout.
    pub path: Option<PathBuf>,
    /// A command for /bin/sh that takes the events instead of a file (`-o '|CMD'`).
    pub pipe: Option<OsString>,
    /// The name of a registered format.
    pub format: String,
    /// The longest text of one argument, in bytes (`-s`).
    pub str_max: usize,
    /// Most items of one list (`--max-items`); `None` for the default.
    pub max_items: Option<usize>,
    /// The file is appended to, not made anew (`-A`).
    pub append: bool,
    /// How the `strace` format writes.
    pub rendering: Rendering,
    /// A summary at the end.
    pub summary: Option<Summary>,
}

/// Messages of smtrace itself (the siblings' `log_level` and `log_file`).
#[derive(Clone, Debug)]
pub struct Log {
    /// 0 errors only, 1 warnings, 2 information.
    pub level: u8,
    /// `None` is stderr.
    pub file: Option<PathBuf>,
}
