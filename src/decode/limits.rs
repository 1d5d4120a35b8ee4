//! How much of a tracee one event may show: named bounds, so that no tracee can make one event cost more than a fixed
//! amount of memory and time. Options raise and lower [`Limits`] within the others.

use crate::model::Output;

/// Most items of a list that a walk follows, unless [`Limits::items`] says otherwise: what every list of structures or
/// pointers is bounded by.
pub const MAX_ITEMS: usize = 128;

/// The largest [`Limits::items`].
pub const MOST_ITEMS: usize = 2048;

/// Most bytes that one argument's structures may take, whatever lengths a tracee gives; a list that may have more items
/// than [`MAX_ITEMS`] may take as much more, up to `MOST_STRUCTS`.
pub const MAX_STRUCTS: usize = 8 * 1024;
/// As [`MAX_STRUCTS`], for the longest lists.
const MOST_STRUCTS: usize = 32 * 1024;

/// Most bytes of the entries of a directory that one call gives: as many as the C library asks for.
pub const MAX_LISTING: usize = 32 * 1024;

/// The longest path the kernel takes (`PATH_MAX`, with its NUL).
pub const MAX_PATH: usize = 4096;

/// Most bytes of one buffer argument, whatever `-s` says.
pub const MAX_BUFFER: usize = 16 * 1024;

/// Most bytes of all strings of one argv or envp; more for longer lists, up to [`MOST_STRINGS`].
const MAX_STRINGS: usize = 32 * 1024;
/// As [`MAX_STRINGS`], for the longest lists.
const MOST_STRINGS: usize = 64 * 1024;

/// Most strings of one list whatever [`Limits::items`] says: each is a piece, which a record counts in one byte.
pub const MAX_TEXTS: usize = 240;

/// Most variables of an environment that are counted.
pub const MAX_COUNTED: usize = 1024;

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one text.
    pub str_max: usize,
    /// Most items of one list, at most [`MOST_ITEMS`].
    pub items: usize,
    /// Whether the environment of a new program is read too.
    pub env: bool,
}

impl Limits {
    /// All that was captured.
    pub const ALL: Limits = Limits { str_max: usize::MAX, items: MOST_ITEMS, env: true };

    /// As much as `output` shows.
    #[must_use]
    pub fn of(output: &Output) -> Limits {
        Limits { str_max: output.str_max, items: output.max_items.unwrap_or(MAX_ITEMS), env: true }
    }

    /// Most bytes of the items of one list.
    #[must_use]
    pub fn structs(&self) -> usize {
        (MAX_STRUCTS / MAX_ITEMS * self.items).clamp(MAX_STRUCTS, MOST_STRUCTS)
    }

    /// Most bytes of the strings of one list.
    #[must_use]
    pub fn strings(&self) -> usize {
        (MAX_STRINGS / MAX_ITEMS * self.items).clamp(MAX_STRINGS, MOST_STRINGS)
    }
}
