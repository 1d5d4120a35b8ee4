//! What an audit thinks of the facts, and how far they can be trusted.

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    #[default]
    Note,
    /// Unusual for a build.
    Warning,
    /// Not to be expected of an honest build, or not allowed.
    Error,
}

impl Level {
    /// The word for it, as in `audit.json` and SARIF.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// Who found something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A rule, on one event.
    #[default]
    Rule,
    /// A detector, on the facts together.
    Detector,
    /// The policy.
    Policy,
    /// The question for a hermetic build.
    Hermetic,
}

/// Something that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The stable name of the rule, as `credential-read`.
    pub rule: String,
    /// What the rule is about, in a sentence.
    pub about: String,
    /// Who found it.
    pub source: Source,
    /// How bad it is.
    pub level: Level,
    /// What happened, in a sentence.
    pub message: String,
    /// The file or address it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The facts it rests on, in words.
    pub evidence: Vec<String>,
    /// The process that did it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// The first time.
    pub time_us: u64,
    /// How often it was found.
    pub count: u64,
    /// The same for the same finding of another run of the same build: no process id, time or temporary name is in it.
    pub fingerprint: String,
    /// The rule's tags, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verdict {
    /// A finding at or above `fail_on` stands.
    pub failed: bool,
    /// The level from which a finding fails the audit; nothing with `--fail-on never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_on: Option<Level>,
    /// How many findings are errors.
    pub errors: u64,
    /// How many are warnings.
    pub warnings: u64,
    /// How many are notes.
    pub notes: u64,
}

/// The kinds of privileged and evasive acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    /// Became another user or group.
    Identity,
    /// Changed its capabilities.
    Capabilities,
    /// Traced another process.
    Ptrace,
    /// Read or wrote another process's memory.
    ForeignMemory,
    /// Read another process's environment, command line or descriptors.
    ForeignProcess,
    /// Mounted, unmounted, changed root.
    Mount,
    /// Made or entered a namespace.
    Namespace,
    /// Loaded or removed a kernel module, or another kernel.
    Module,
    /// Loaded a BPF program or made a map.
    Bpf,
    /// Used the kernel's keys.
    Keys,
    /// Set up an io_uring, or asked for something through one: the detail says what, and whether how it ended was seen.
    IoUring,
    /// Made a file that has no name.
    Memfd,
    /// Executed a file by its descriptor.
    FdExec,
    /// Made calls by another CPU interface than its program's.
    ForeignAbi,
    /// Changed how the kernel treats the process.
    Personality,
    /// Set what the dynamic loader loads into other programs.
    Preload,
    /// Sent a signal to a process outside the build.
    SignalOutside,
    /// Lived longer than the build.
    Outlived,
    /// Passed or received an open file by a socket, or took one from another process.
    PassedDescriptor,
    /// Moved bytes between files where no buffer shows them.
    HiddenCopy,
    /// Changed a setting of the kernel or the clock.
    System,
    /// Was refused something, to protect the tracer.
    Refused,
    /// Did something to the tracer, or looked for it.
    Tracer,
}

/// A privileged or evasive act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Act {
    /// What kind.
    pub kind: ActKind,
    /// The call.
    pub call: String,
    /// What exactly.
    pub detail: String,
    /// The name of the error, if it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How often and by whom.
    #[serde(flatten)]
    pub used: super::Use,
}

/// How the run compares to a policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PolicyCheck {
    /// The file.
    pub file: String,
    /// Nothing was outside it.
    pub passed: bool,
    /// What would have to change in the policy to allow what was seen: a unified diff.
    pub patch: String,
}

/// Whether the build used only what was declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Hermetic {
    /// It did, as far as was seen.
    pub hermetic: bool,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What of the question cannot be answered by tracing calls.
    pub unseen: Vec<String>,
}

impl Hermetic {
    /// The reasons for people, each as its kind and what exactly; the variables of the environment, which are many, are one.
    #[must_use]
    pub fn told(&self) -> Vec<(&str, String)> {
        let (variables, others): (Vec<&Reason>, Vec<&Reason>) =
            self.reasons.iter().partition(|reason| reason.kind == "environment");
        let names: Vec<&str> = variables.iter().map(|reason| reason.detail.as_str()).collect();
        let mut told: Vec<(&str, String)> =
            others.iter().map(|reason| (reason.kind.as_str(), reason.detail.clone())).collect();
        if !names.is_empty() {
            told.push(("environment", names.join(", ")));
        }
        told
    }
}

/// Why a build is not hermetic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reason {
    /// `network`, `file`, `time`, `randomness`, `environment`.
    pub kind: String,
    /// What exactly.
    pub detail: String,
    /// How often and by whom.
    #[serde(flatten)]
    pub used: super::Use,
}

/// How far the facts can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Coverage {
    /// Nothing that was to be seen was lost.
    pub complete: bool,
    /// The engine: `ptrace`, or `capture` for a file.
    pub engine: String,
    /// A seccomp filter chose the calls, so that the others ran at full speed.
    pub filter: bool,
    /// What did not work as planned, and what was done instead.
    pub fallbacks: Vec<String>,
    /// The names of the calls that were traced, sorted.
    pub calls: Vec<String>,
    /// How many events were folded.
    pub events: u64,
    /// How many events were lost.
    pub lost: u64,
    /// Arguments that could not be read.
    pub unreadable: u64,
    /// Arguments that were longer than was kept.
    pub cut: u64,
    /// Paths whose directory was not known.
    pub unresolved: u64,
    /// Limits of the audit that were reached: what is beyond them is counted but not listed.
    pub limits: Vec<Limit>,
    /// What the tracer said about the trace.
    pub notices: Vec<String>,
    /// What tracing calls cannot show, as far as it mattered for this run.
    pub out_of_sight: Vec<String>,
}

/// A limit that was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limit {
    /// Of what.
    pub name: String,
    /// How many are kept.
    pub limit: u64,
    /// How many were not.
    pub dropped: u64,
}
