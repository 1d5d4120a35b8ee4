//! How the `strace` format writes, and what the summary counts: the meaning of strace's option letters.

use super::CallSet;
use std::path::PathBuf;

/// What strace's letters say about its format. The default is strace's own.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// Where the result stands (`-a`).
    pub columns: usize,
    /// The time of day before a line (`-t`, `-tt`, `-ttt`).
    pub clock: Option<LineClock>,
    /// The time since the line before, with so many decimals (`-r`).
    pub relative: Option<u8>,
    /// The time a call took, with so many decimals (`-T`).
    pub spent: Option<u8>,
    /// When strings are written in base 16 (`-x`, `-xx`).
    pub hex: HexStrings,
    /// How named constants are written (`-X`).
    pub constants: Constants,
    /// The number of the call before its name (`-n`).
    pub numbers: bool,
    /// What is said of a file descriptor (`-y`, `-yy`).
    pub fds: FdDetail,
    /// The calls whose structures are cut short (`-e abbrev=`; `-v` is none).
    pub abbrev: CallSet,
    /// The calls whose structures are followed (`-e verbose=`).
    pub verbose: CallSet,
    /// The calls whose arguments are bare numbers (`-e raw=`).
    pub raw: CallSet,
    /// The signals that are told (`-e signal=`).
    pub signals: SignalSet,
    /// What is left out (`-q`, `-e quiet=`).
    pub quiet: Quiet,
    /// `-f` was given: each line of a file starts with its thread.
    pub threads: bool,
    /// Each thread has a file of its own (`-ff` with `-o`).
    pub separate: bool,
    /// The `ebpf` format writes arguments by meaning (`--decode`).
    pub decode: bool,
}

impl Default for Rendering {
    fn default() -> Rendering {
        Rendering {
            columns: 40,
            clock: None,
            relative: None,
            spent: None,
            hex: HexStrings::None,
            constants: Constants::Abbrev,
            numbers: false,
            fds: FdDetail::default(),
            abbrev: CallSet::full(),
            verbose: CallSet::full(),
            raw: CallSet::default(),
            signals: SignalSet::ALL,
            quiet: Quiet::default(),
            threads: false,
            separate: false,
            decode: false,
        }
    }
}

/// The form of the time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineClock {
    /// Seconds since the epoch instead of hours, minutes and seconds.
    pub unix: bool,
    /// Decimals.
    pub decimals: u8,
}

/// `-x`, `-xx`, `--strings-in-hex`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HexStrings {
    /// Never: other bytes are octal escapes.
    #[default]
    None,
    /// The bytes that are no ASCII.
    NonAsciiChars,
    /// Strings with a byte that is no ASCII.
    NonAscii,
    /// All strings.
    All,
}

/// `-X`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Constants {
    /// Numbers.
    Raw,
    /// Names.
    #[default]
    Abbrev,
    /// Numbers, with the names as a comment.
    Verbose,
}

/// `-y`, `--decode-fds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdDetail {
    /// The path.
    pub path: bool,
    /// The addresses of sockets.
    pub socket: bool,
    /// The numbers of devices.
    pub device: bool,
    /// The process of a pidfd.
    pub pidfd: bool,
}

impl FdDetail {
    /// Whether anything is said.
    #[must_use]
    pub fn any(self) -> bool {
        self.path || self.socket || self.device || self.pidfd
    }
}

/// `-q`, `-e quiet=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// That a process was attached.
    pub attach: bool,
    /// How a process exited.
    pub exit: bool,
    /// That a process runs in another mode of the CPU.
    pub personality: bool,
    /// That a thread went away by another one's execve.
    pub superseded: bool,
    /// That a flag which hides a child was cleared, which strace does without a word.
    pub cleared: bool,
}

/// A set of signals, 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Every signal.
    pub const ALL: SignalSet = SignalSet(u64::MAX);
    /// No signal.
    pub const NONE: SignalSet = SignalSet(0);

    /// Whether `signal` is in the set.
    #[must_use]
    pub fn contains(self, signal: i64) -> bool {
        u32::try_from(signal - 1).ok().and_then(|bit| self.0.checked_shr(bit)).is_some_and(|bits| bits & 1 == 1)
    }

    /// The set with `signal`; numbers that are none change nothing.
    #[must_use]
    pub fn with(self, signal: i32) -> SignalSet {
        let bit = u32::try_from(signal - 1).ok().and_then(|bit| 1u64.checked_shl(bit)).unwrap_or(0);
        SignalSet(self.0 | bit)
    }

    /// All the others.
    #[must_use]
    pub fn inverted(self) -> SignalSet {
        SignalSet(!self.0)
    }
}

/// How a call ended, for `-e status=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// It returned no error.
    pub successful: bool,
    /// It returned an error.
    pub failed: bool,
    /// It never returned.
    pub unfinished: bool,
    /// It returned, but what cannot be told.
    pub unavailable: bool,
    /// It was under way when smtrace let go.
    pub detached: bool,
}

impl Default for Statuses {
    fn default() -> Statuses {
        Statuses::ALL
    }
}

impl Statuses {
    /// However it ended.
    pub const ALL: Statuses =
        Statuses { successful: true, failed: true, unfinished: true, unavailable: true, detached: true };
    /// None of them.
    pub const NONE: Statuses =
        Statuses { successful: false, failed: false, unfinished: false, unavailable: false, detached: false };
}

/// Which calls are kept because of the files they touch (`-P`, `--trace-fds`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touching {
    /// Paths as given, and what they resolve to.
    pub paths: Vec<PathBuf>,
    /// Descriptors; with `not_fds` all but these.
    pub fds: Vec<i32>,
    /// Turns `fds` around.
    pub not_fds: bool,
}

impl Touching {
    /// Whether any call is kept, whatever it touches.
    #[must_use]
    pub fn anything(&self) -> bool {
        self.paths.is_empty() && self.fds.is_empty()
    }
}

/// A table of what was called how often and how long (`-c`).
#[derive(Clone, Debug)]
pub struct Summary {
    /// The events are written too (`-C`).
    pub events_too: bool,
    /// One table per process.
    pub by_process: bool,
    /// As JSON.
    pub json: bool,
    /// The column it is ordered by (`-S`).
    pub sort: Column,
    /// The columns (`-U`).
    pub columns: Vec<Column>,
    /// Nanoseconds taken off each call (`-O`).
    pub overhead: u64,
    /// Times are from a call's entry to its return, not on a CPU (`--summary-wall-clock`).
    pub wall_clock: bool,
}

impl Summary {
    /// Whether it says how long calls ran on a CPU.
    #[must_use]
    pub fn needs_kernel_time(&self) -> bool {
        let shown = |column: &Column| *column == Column::Kernel;
        !self.wall_clock || self.json || shown(&self.sort) || self.columns.iter().any(shown)
    }
}

/// A column of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The share of all time.
    Percent,
    /// All time.
    Total,
    /// All time on a CPU.
    Kernel,
    /// All time from entries to returns.
    Wall,
    /// The shortest.
    Min,
    /// Half took at most this.
    Median,
    /// 99 of 100 took at most this.
    P99,
    /// The longest.
    Max,
    /// The mean.
    Average,
    /// How many.
    Calls,
    /// How many failed.
    Errors,
    /// The name.
    Name,
    /// As it comes.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::SignalSet;

    #[test]
    fn a_set_of_signals_holds_1_to_64() {
        let set = SignalSet::NONE.with(1).with(64).with(0).with(65).with(-3);
        assert!(set.contains(1) && set.contains(64));
        assert!(!set.contains(2) && !set.contains(0) && !set.contains(65) && !set.contains(i64::MIN + 1));
        assert!(!set.inverted().contains(64) && set.inverted().contains(2));
        assert!(SignalSet::ALL.contains(33));
    }
}
