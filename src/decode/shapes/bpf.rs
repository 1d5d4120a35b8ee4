//! bpf(2): which member of `union bpf_attr` a command takes (linux/bpf.h), and the few of its fields that are followed.

use super::super::flat::{put_field, put_unknown};
use super::super::tree::{Seen, Show, Value};
use super::super::walk::{MAX_BUFFER, Walk, low32};
use crate::table::structs::{self, Field, Struct};

/// The commands, the member of each and the name of that member, where it has one.
static MEMBERS: [(&[u32], &Struct, &str); 29] = [
    (&[0], &structs::BPF_MAP_CREATE, ""),
    (&[1, 21], &structs::BPF_MAP_ELEM, ""),
    (&[2], &structs::BPF_MAP_UPDATE, ""),
    (&[3], &structs::BPF_MAP_DELETE, ""),
    (&[4], &structs::BPF_MAP_NEXT, ""),
    (&[22], &structs::BPF_MAP_ONLY, ""),
    (&[5], &structs::BPF_PROG_LOAD, ""),
    (&[6, 7], &structs::BPF_OBJ, ""),
    (&[8], &structs::BPF_PROG_ATTACH, ""),
    (&[9], &structs::BPF_PROG_DETACH, ""),
    (&[10], &structs::BPF_TEST, "test"),
    (&[11, 12, 23, 31], &structs::BPF_NEXT_ID, ""),
    (&[13], &structs::BPF_PROG_ID, ""),
    (&[14], &structs::BPF_MAP_ID, ""),
    (&[19], &structs::BPF_BTF_ID, ""),
    (&[30], &structs::BPF_LINK_ID, ""),
    (&[15], &structs::BPF_INFO, "info"),
    (&[16], &structs::BPF_QUERY, "query"),
    (&[17], &structs::BPF_RAW_TRACEPOINT, "raw_tracepoint"),
    (&[18], &structs::BPF_BTF_LOAD, ""),
    (&[20], &structs::BPF_TASK_FD_QUERY, "task_fd_query"),
    (&[24, 25, 26, 27], &structs::BPF_BATCH, "batch"),
    (&[28], &structs::BPF_LINK_CREATE, "link_create"),
    (&[29], &structs::BPF_LINK_UPDATE, "link_update"),
    (&[32], &structs::BPF_ENABLE_STATS, "enable_stats"),
    (&[33], &structs::BPF_ITER_CREATE, "iter_create"),
    (&[34], &structs::BPF_LINK_ONLY, "link_detach"),
    (&[35], &structs::BPF_BIND_MAP, "prog_bind_map"),
    (&[36], &structs::BPF_TOKEN_CREATE, "token_create"),
];

/// `union bpf_attr` by the command, argument 0. A program gives as much as it knows; the kernel takes the rest for 0.
pub(super) fn bpf_attr(walk: &mut Walk<'_>, name: &'static str, address: u64, size: u64) {
    const PAGE: usize = 4096;
    let command = low32(walk.word(0));
    let member = MEMBERS.iter().find(|(commands, ..)| commands.contains(&command));
    let given = usize::try_from(size).unwrap_or(usize::MAX);
    // What is larger than a page the kernel refuses (bpf_check_uarg_tail_zero).
    let Some((_, layout, group)) = member.filter(|_| given > 0 && given <= PAGE) else {
        return walk.put(name, Value::Address(address));
    };
    let ours = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, given.min(ours)) else { return };
    let after = (given > ours).then(|| walk.read(address.wrapping_add(ours as u64), given - ours));
    if after.is_some_and(|after| after.len() < given - ours) {
        return walk.put(name, Value::Address(address));
    }
    walk.open_struct(name);
    if !group.is_empty() {
        walk.open_struct(group);
    }
    for field in layout.fields(walk.abi()) {
        put(walk, field, &seen);
    }
    if !group.is_empty() {
        walk.close();
    }
    if let Some(after) = after {
        walk.show_next(Show::Verbose);
        put_unknown(walk, &after, ours, given);
        walk.show_next(Show::Always);
    }
    walk.close();
}

/// Where `log_size` of `BPF_PROG_LOAD` lies.
const LOG_SIZE: usize = 28;

/// A field: an address is followed where the kernel reads text there.
fn put(walk: &mut Walk<'_>, field: &Field, seen: &Seen) {
    let abi = walk.abi();
    let there = field.end(abi) <= seen.len();
    let word = field.word(walk.bytes(seen), abi, 0).filter(|_| there).unwrap_or(0);
    match field.name {
        "license" | "name" if there => walk.string(field.name, word),
        // What the verifier says, as much as there is room for.
        "log_buf" if there => {
            let room = walk.u32_at(seen, LOG_SIZE).and_then(|room| usize::try_from(room).ok()).unwrap_or(0);
            let most = room.min(walk.limits.str_max).min(MAX_BUFFER - 1);
            walk.text(field.name, word, most, Value::Str);
        }
        "pathname" if there => walk.path(field.name, word),
        "kern_version" if there => {
            walk.open(field.name, Value::Call("KERNEL_VERSION"));
            for part in [word >> 16, word >> 8 & 0xff, word & 0xff] {
                walk.put("", Value::Unsigned(part));
            }
            walk.close();
        }
        _ => put_field(walk, field, seen),
    }
}
