//! What is known of a mapping's pages (mincore(2)).

use super::super::tree::Value;
use super::super::walk::{Walk, walk_items};

/// A byte for each page of the `len` bytes that mincore(2) asks about; only its lowest bit means something.
pub(super) fn residency(walk: &mut Walk<'_>, name: &'static str, address: u64, len: u64) {
    const PAGE: u64 = 4096;
    walk_items(walk, name, address, len.div_ceil(PAGE), 1, |walk, page| {
        let resident = walk.number(&page, 0, 1).unwrap_or(0) & 1;
        walk.put("", Value::Unsigned(resident));
    });
}
