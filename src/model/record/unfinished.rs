//! Why a call has no result.

/// Why a call never returned to its caller: the `result` of an [`super::Kind::Unfinished`] record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Unfinished {
    /// The thread ended by exit or exit_group, its own or another thread's.
    Exited = 0,
    /// The thread was killed by a signal.
    Killed = 1,
    /// Another thread of the process executed a new program.
    Exec = 2,
    /// smtrace detached while the call was in the kernel.
    Detached = 3,
    /// The call was disabled while it was in the kernel.
    Disabled = 4,
}

impl Unfinished {
    /// The word for it in output.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Unfinished::Exited => "exited",
            Unfinished::Killed => "killed",
            Unfinished::Exec => "exec",
            Unfinished::Detached => "detached",
            Unfinished::Disabled => "disabled",
        }
    }

    /// The reason stored as `value`; an unknown one (of a newer writer) reads as killed.
    #[must_use]
    pub fn from_result(value: i64) -> Unfinished {
        match value {
            0 => Unfinished::Exited,
            2 => Unfinished::Exec,
            3 => Unfinished::Detached,
            4 => Unfinished::Disabled,
            _ => Unfinished::Killed,
        }
    }
}
