//! What a call's result is where its row alone does not say it.

use crate::table::{Ret, Row};

/// What `row` gives when it was called with `words`: some commands of a call make a descriptor (bpf(2)).
#[must_use]
pub fn result_kind(row: &Row, words: &[u64]) -> Ret {
    // BPF_MAP_CREATE, BPF_PROG_LOAD, BPF_OBJ_GET, BPF_*_GET_FD_BY_ID, BPF_RAW_TRACEPOINT_OPEN, BPF_BTF_LOAD,
    // BPF_LINK_CREATE, BPF_ENABLE_STATS, BPF_ITER_CREATE, BPF_TOKEN_CREATE.
    const MAKES: [u64; 13] = [0, 5, 7, 13, 14, 17, 18, 19, 28, 30, 32, 33, 36];
    match (row.name, words.first()) {
        ("bpf", Some(command)) if MAKES.contains(&(command & 0xffff_ffff)) => Ret::Fd,
        _ => row.ret,
    }
}
