//! Which calls the facts need.

use super::calls::traced;
use super::files::NAMED;

/// Calls by which a build is not the same twice: only a hermetic one is asked for them.
pub(super) const CLOCKS: &[(&str, &str)] = &[
    ("getrandom", "randomness"),
    ("gettimeofday", "time"),
    ("clock_gettime", "time"),
    ("clock_gettime64", "time"),
    ("time", "time"),
];

/// The names of the calls that only the question for a hermetic build needs.
pub fn clocks() -> impl Iterator<Item = &'static str> {
    CLOCKS.iter().map(|(call, _)| *call)
}

/// The names of the calls that the facts are made of.
pub fn calls() -> impl Iterator<Item = &'static str> {
    traced()
}

/// The names of the calls whose paths are best followed while the task is stopped.
pub fn followed() -> impl Iterator<Item = &'static str> {
    NAMED.iter().map(|named| named.call).chain(["open", "openat", "creat"])
}
