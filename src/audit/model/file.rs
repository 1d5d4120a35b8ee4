//! Files as an audit tells of them.

use super::is_zero;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file by its absolute path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct File {
    /// Its path, links followed where the file was opened.
    pub path: String,
    /// What was done with it.
    pub uses: BTreeMap<Access, Use>,
    /// Its digest when it was first opened for reading (`--hash inputs`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Digest>,
    /// Its digest when it was last closed after writing (`--hash outputs`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Digest>,
    /// The names it was given, or links to it were, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// A process that had received bytes from the network wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub downloaded: bool,
    /// The build never opened it: it was its standard input, output or error from the start.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inherited: bool,
}

/// What can be done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Opened for reading; bytes are those read.
    Read,
    /// A directory was opened.
    Listed,
    /// Opened for writing, truncated, or written through; bytes are those written.
    Written,
    /// Made anew: a file, a directory, a link, a node.
    Created,
    /// Removed.
    Deleted,
    /// Given another name (this is the old one).
    Renamed,
    /// Given a further name (this is the old one).
    Linked,
    /// Its permissions changed.
    Chmod,
    /// Its owner changed.
    Chown,
    /// Its extended attributes changed.
    Attributes,
    /// Run as a program, or as a script.
    Executed,
    /// Mapped so that writes to memory go to the file; how many is not seen.
    MappedWritable,
}

impl Access {
    /// The word for it, as in `audit.json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Access::Read => "read",
            Access::Listed => "listed",
            Access::Written => "written",
            Access::Created => "created",
            Access::Deleted => "deleted",
            Access::Renamed => "renamed",
            Access::Linked => "linked",
            Access::Chmod => "chmod",
            Access::Chown => "chown",
            Access::Attributes => "attributes",
            Access::Executed => "executed",
            Access::MappedWritable => "mapped_writable",
        }
    }
}

/// How often something was done, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Use {
    /// How often.
    pub count: u64,
    /// How many bytes were moved by it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// The first time.
    pub first_us: u64,
    /// The last time.
    pub last_us: u64,
    /// The first processes that did it, in order.
    pub processes: Vec<u32>,
    /// Uses by further processes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_processes: u64,
}

/// A digest of a file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Digest {
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

/// Attempts on a file that failed in one way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// The path, as far as it is known.
    pub path: String,
    /// The call.
    pub call: String,
    /// What was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The name of the error.
    pub error: String,
    /// How often and by whom.
    #[serde(flatten)]
    pub used: Use,
}
