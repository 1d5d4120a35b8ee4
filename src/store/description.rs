//! What a capture says about itself, in its first frame: JSON, so that it can be read without smtrace and can grow. A
//! reader ignores keys that it does not know.

use crate::model::Places;
use serde::{Deserialize, Serialize};

/// The version of the file's form: frames, description, names, index. The records have their own,
/// [`crate::model::record::VERSION`].
pub const VERSION: u16 = 1;

/// The description of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Description {
    /// The version of smtrace that wrote it.
    pub smtrace: String,
    /// The host's name.
    pub host: String,
    /// The kernel's release and version, as uname(2) has them.
    pub kernel: [String; 2],
    /// The machine's native ABI, as in `Abi::name`.
    pub machine: String,
    /// The system-call table.
    pub table: Table,
    /// The clocks at the start.
    pub clock: Clock,
    /// What was traced.
    pub target: Target,
    /// What was captured.
    pub captured: Captured,
}

/// Which system-call table the writer had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Table {
    /// How many rows it had.
    pub rows: usize,
    /// xxh3 of its names, numbers and arguments, base 16.
    pub sum: String,
}

/// What the times of the records mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    /// The clock of the records.
    pub base: String,
    /// CLOCK_REALTIME at the start, nanoseconds.
    pub realtime_ns: u64,
    /// CLOCK_MONOTONIC at the same moment.
    pub monotonic_ns: u64,
    /// Local time less UTC at the start, seconds. Each frame says its own.
    pub utc_offset: i32,
}

/// What was traced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// The command that was launched; bytes that are not UTF-8 are replaced.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The processes that were attached to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<i32>,
    /// Whether children were traced too.
    pub follow: bool,
    /// Where the command ran.
    pub places: Places,
    /// The session that the command began in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// The session that a command begins in, which is its tracer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// The session, by its leader.
    pub sid: i32,
    /// The process group, by its leader.
    pub pgid: i32,
    /// The controlling terminal's device, 0 for none.
    pub tty: u32,
    /// The user who logged in, -1 for nobody; absent when that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<i64>,
}

/// What a replay can show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Captured {
    /// The calls.
    pub calls: Vec<String>,
    /// What arguments point to.
    pub args: bool,
    /// The open files at each event.
    pub fds: bool,
    /// What new descriptors refer to, and working directories.
    pub opened: bool,
    /// The environments of new programs.
    pub env: bool,
    /// Process events.
    pub probe: bool,
    /// Most bytes of the text of one argument.
    pub str_max: usize,
    /// Most items of one list; 0 in files of a version that did not say, which had 128.
    pub max_items: usize,
}

impl Description {
    /// The description as a frame's body.
    pub(super) fn write(&self) -> Vec<u8> {
        // Only maps with keys that are no strings cannot be written, and there are none.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads a frame's body.
    pub(super) fn parse(body: &[u8]) -> Option<Description> {
        serde_json::from_slice(body).ok()
    }
}
