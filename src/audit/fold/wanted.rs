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

/// Whether a call of [`CLOCKS`] is the C library's own: since 2.36 glibc takes eight bytes for the heap of every program
/// (malloc/malloc.c, `tcache_key_initialize`), and the same for names of temporary files (misc/getrandom_nocancel.h).
pub(super) fn is_of_library(name: &str, words: &[u64]) -> bool {
    const GRND_NONBLOCK: u64 = 1;
    name == "getrandom" && words.get(1..3) == Some(&[8, GRND_NONBLOCK])
}

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
