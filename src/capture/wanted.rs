//! What the readers of a run need captured, as one value.

use super::Hash;

/// What the output asks for, beyond the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The memory that arguments point to.
    pub args: bool,
    /// The open files of the process.
    pub fds: bool,
    /// The file that an open really opened.
    pub opened: bool,
    /// Working directories, and what is open when the trace begins.
    pub places: bool,
    /// Capabilities, and what the kernel tells of programs' files.
    pub program: bool,
    /// What the file descriptors that a call names refer to.
    pub named: bool,
    /// More of the file descriptors that a call names than their names.
    pub detail: bool,
    /// The environment of new programs, not only how many variables it has.
    pub env: bool,
    /// What looks like a secret in command lines and environments is recorded as it is.
    pub secrets: bool,
    /// Most bytes of one text argument.
    pub str_max: usize,
    /// Most items of one list.
    pub max_items: usize,
    /// Process events.
    pub probe: bool,
    /// Signals with their whole `siginfo_t`, and stops by them, whether process events are wanted or not.
    pub signals: bool,
    /// The exits of calls, each of which is a stop of its own.
    pub exits: bool,
    /// How long the task has run on a CPU, at both ends of a call.
    pub ran: bool,
    /// Digests of files.
    pub hash: Hash,
}

impl Wanted {
    /// What both want.
    #[must_use]
    pub fn and(self, other: Wanted) -> Wanted {
        Wanted {
            args: self.args | other.args,
            fds: self.fds | other.fds,
            opened: self.opened | other.opened,
            places: self.places | other.places,
            program: self.program | other.program,
            named: self.named | other.named,
            detail: self.detail | other.detail,
            env: self.env | other.env,
            // One of them asking for it is enough.
            secrets: self.secrets | other.secrets,
            signals: self.signals | other.signals,
            exits: self.exits | other.exits,
            ran: self.ran | other.ran,
            max_items: self.max_items.max(other.max_items),
            str_max: self.str_max.max(other.str_max),
            probe: self.probe | other.probe,
            hash: Hash {
                inputs: self.hash.inputs | other.hash.inputs,
                outputs: self.hash.outputs | other.hash.outputs,
                programs: self.hash.programs | other.hash.programs,
            },
        }
    }
}
