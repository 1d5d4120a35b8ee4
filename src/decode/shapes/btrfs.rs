//! Requests of btrfs (linux/btrfs.h): structures in which the program says what it asks for and the kernel answers, some
//! with lists behind them or elsewhere.

use super::super::flat::{named_word, put_fields, put_named, put_seen, walk_flat_array};
use super::super::tree::{Seen, Show, Value};
use super::super::walk::{Walk, low32, walk_items};
use super::tee::put_uuid;
use crate::table::sets;
use crate::table::structs::{self, Struct};

/// A request whose fields lie at fixed places: what the program fills in, and what is the answer. A `-` before a name: a
/// UUID, told unless it is 0.
struct Request {
    number: u32,
    layout: &'static Struct,
    given: &'static [&'static str],
    answered: &'static [&'static str],
}

static REQUESTS: [Request; 6] = [
    Request {
        number: 27,
        layout: &structs::BTRFS_IOCTL_SCRUB_ARGS,
        given: &["devid", "start", "end", "flags"],
        answered: &["progress"],
    },
    Request { number: 29, layout: &structs::BTRFS_IOCTL_SCRUB_ARGS, given: &["devid"], answered: &["progress"] },
    Request {
        number: 30,
        layout: &structs::BTRFS_IOCTL_DEV_INFO_ARGS,
        given: &["devid", "-uuid"],
        answered: &["-uuid", "bytes_used", "total_bytes", "path"],
    },
    Request {
        number: 35,
        layout: &structs::BTRFS_IOCTL_INO_PATH_ARGS,
        given: &["inum", "size", "fspath"],
        answered: &["fspath"],
    },
    Request {
        number: 36,
        layout: &structs::BTRFS_IOCTL_LOGICAL_INO_ARGS,
        given: &["logical", "size", "reserved", "flags", "inodes"],
        answered: &["inodes"],
    },
    Request {
        number: 37,
        layout: &structs::BTRFS_IOCTL_RECEIVED_SUBVOL_ARGS,
        given: &["-uuid", "stransid", "stime", "flags"],
        answered: &["rtransid", "rtime"],
    },
];

/// Any request of btrfs that is not one flat structure.
pub(super) fn btrfs_request(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    let request = low32(walk.word(1));
    match request & 0xff {
        17 => search(walk, name, address, request >> 16 & 0x3fff == 112),
        18 => lookup(walk, name, address),
        20 => spaces(walk, name, address),
        23 | 24 => volume(walk, name, address),
        25 | 26 => {
            let Some(seen) = walk.whole(name, address, 8) else { return };
            let flags = walk.u64_at(&seen, 0).unwrap_or(0);
            walk.put(name, Value::Flags(&sets::BTRFS_SUBVOLUME, flags));
        }
        31 => file_system(walk, name, address),
        32 | 34 => balance(walk, name, address),
        38 => send(walk, name, address),
        52 => statistics(walk, name, address),
        53 => replace(walk, name, address),
        57 => features(walk, name, address),
        number => {
            // The second version of a request has another number and the same fields.
            let number = if number == 59 { 36 } else { number };
            match REQUESTS.iter().find(|request| request.number == number) {
                Some(request) => plain(walk, name, address, request),
                None => walk.put(name, Value::Address(address)),
            }
        }
    }
}

fn plain(walk: &mut Walk<'_>, name: &'static str, address: u64, request: &Request) {
    let layout = request.layout;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    walk.open_struct(name);
    let fields = if walk.at_exit() { request.answered } else { request.given };
    for field in fields {
        match field.strip_prefix('-') {
            Some(uuid) => put_id(walk, layout, &seen, uuid),
            None => put_named(walk, layout, &seen, &[field]),
        }
    }
    walk.close();
}

/// A UUID, unless it is 0.
fn put_id(walk: &mut Walk<'_>, layout: &'static Struct, seen: &Seen, name: &str) {
    let abi = walk.abi();
    let Some(field) = layout.fields(abi).iter().find(|field| field.name == name) else { return };
    let part = seen.part(field.offset(abi), 16);
    if walk.bytes(&part).iter().any(|byte| *byte != 0) {
        put_uuid(walk, field.name, &part);
    }
}

/// A search in a tree: its key, and of what was found how much it is.
fn search(walk: &mut Walk<'_>, name: &'static str, address: u64, sized: bool) {
    const WHOLE: [(&str, u64); 2] = [("min_objectid", 256), ("max_objectid", 0xffff_ffff_ffff_ff00)];
    const RANGES: [&str; 10] = [
        "tree_id",
        "min_objectid",
        "max_objectid",
        "min_offset",
        "max_offset",
        "min_transid",
        "max_transid",
        "min_type",
        "max_type",
        "nr_items",
    ];
    let layout = &structs::BTRFS_IOCTL_SEARCH_KEY;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, if sized { size + 8 } else { size }) else { return };
    walk.open_struct(name);
    walk.open_struct("key");
    if walk.at_exit() {
        put_named(walk, layout, &seen, &["nr_items"]);
    } else {
        for name in RANGES {
            // The range of all numbers that programs use is what nobody restricts.
            if WHOLE.contains(&(name, named_word(walk, layout, &seen, name))) {
                walk.show_next(Show::Full);
            }
            put_named(walk, layout, &seen, &[name]);
        }
    }
    walk.close();
    if sized {
        let room = walk.u64_at(&seen, size).unwrap_or(0);
        walk.put("buf_size", Value::Unsigned(room));
    }
    if walk.at_exit() {
        walk.mark_more();
    }
    walk.close();
}

/// The path of an object: the tree and its number, then its name.
fn lookup(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const NAME: usize = 4080;
    let layout = &structs::BTRFS_LOOKUP_HEAD;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    walk.open_struct(name);
    put_named(walk, layout, &seen, if walk.at_exit() { &["treeid"] } else { &["treeid", "objectid"] });
    if walk.at_exit() {
        let text = address.wrapping_add(size as u64);
        walk.text("name", text, NAME - 1, Value::Str);
    }
    walk.close();
}

/// How space is used: as many entries as there is room for.
fn spaces(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let layout = &structs::BTRFS_SPACE_HEAD;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    let (slots, total) =
        (named_word(walk, layout, &seen, "space_slots"), named_word(walk, layout, &seen, "total_spaces"));
    walk.open_struct(name);
    if walk.at_exit() {
        put_named(walk, layout, &seen, &["total_spaces"]);
        if slots > 0 {
            walk.show_next(Show::Verbose);
            let list = address.wrapping_add(size as u64);
            walk_flat_array(walk, "spaces", &structs::BTRFS_IOCTL_SPACE_INFO, list, total.min(slots));
        }
    } else {
        put_named(walk, layout, &seen, &["space_slots"]);
    }
    walk.close();
}

/// A new subvolume, with the groups of quotas that it belongs to.
fn volume(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const INHERITS: u64 = 4;
    let layout = &structs::BTRFS_IOCTL_VOL_ARGS_V2;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    walk.open_struct(name);
    if walk.at_exit() {
        put_named(walk, layout, &seen, &["transid"]);
    } else {
        put_named(walk, layout, &seen, &["fd", "flags"]);
        if named_word(walk, layout, &seen, "flags") & INHERITS != 0 {
            put_named(walk, layout, &seen, &["size"]);
            let inherit = named_word(walk, layout, &seen, "qgroup_inherit");
            put_inherited(walk, inherit);
        }
        put_named(walk, layout, &seen, &["name"]);
    }
    walk.close();
}

fn put_inherited(walk: &mut Walk<'_>, address: u64) {
    let layout = &structs::BTRFS_QGROUP_INHERIT;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole("qgroup_inherit", address, size) else { return };
    let count = named_word(walk, layout, &seen, "num_qgroups");
    walk.open_struct("qgroup_inherit");
    put_fields(walk, layout, &seen);
    walk.show_next(Show::Verbose);
    walk_flat_array(walk, "qgroups", &structs::U64, address.wrapping_add(size as u64), count);
    walk.close();
}

/// What a file system is.
fn file_system(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let layout = &structs::BTRFS_IOCTL_FS_INFO_ARGS;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let flags = named_word(walk, layout, &seen, "flags");
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["max_id", "num_devices"]);
    put_id(walk, layout, &seen, "fsid");
    put_named(walk, layout, &seen, &["nodesize", "sectorsize", "clone_alignment"]);
    if flags & 1 != 0 {
        put_named(walk, layout, &seen, &["csum_type", "csum_size"]);
    }
    put_named(walk, layout, &seen, &["flags"]);
    if flags & 2 != 0 {
        put_named(walk, layout, &seen, &["generation"]);
    }
    if flags & 4 != 0 {
        put_id(walk, layout, &seen, "metadata_uuid");
    }
    walk.close();
}

/// Which chunks are balanced, by what they hold.
fn balance(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const KINDS: [(u64, &str); 3] = [(1, "data"), (4, "meta"), (2, "sys")];
    let layout = &structs::BTRFS_IOCTL_BALANCE_ARGS;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let flags = named_word(walk, layout, &seen, "flags");
    walk.open_struct(name);
    put_named(walk, layout, &seen, if walk.at_exit() { &["flags", "state"] } else { &["flags"] });
    for (flag, kind) in KINDS {
        if flags & flag != 0 {
            put_named(walk, layout, &seen, &[kind]);
        }
    }
    walk.close();
}

/// A snapshot that is sent, and those that it may refer to.
fn send(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let layout = &structs::BTRFS_IOCTL_SEND_ARGS;
    let Some(seen) = walk.whole(name, address, layout.size(walk.abi())) else { return };
    let (list, count) =
        (named_word(walk, layout, &seen, "clone_sources"), named_word(walk, layout, &seen, "clone_sources_count"));
    walk.open_struct(name);
    put_named(walk, layout, &seen, &["send_fd", "clone_sources_count"]);
    walk.show_next(Show::Brief);
    walk.put("clone_sources", if list == 0 { Value::Null } else { Value::Address(list) });
    walk.show_next(Show::Full);
    walk_flat_array(walk, "clone_sources", &structs::BTRFS_OBJECT_NUMBER, list, count);
    put_named(walk, layout, &seen, &["parent_root", "flags"]);
    walk.close();
}

/// Errors of a device, so many kinds as the kernel counts.
fn statistics(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const MOST: u64 = 126;
    let layout = &structs::BTRFS_DEV_STATS_HEAD;
    let size = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, size) else { return };
    let count = named_word(walk, layout, &seen, "nr_items").min(MOST);
    walk.open_struct(name);
    if !walk.at_exit() {
        put_named(walk, layout, &seen, &["devid"]);
    }
    put_named(walk, layout, &seen, &["nr_items", "flags"]);
    if walk.at_exit() {
        let mut index = 0;
        walk_items(walk, "values", address.wrapping_add(size as u64), count, 8, |walk, item| {
            let errors = walk.u64_at(&item, 0).unwrap_or(0);
            super::super::flat::put_place(walk, &sets::BTRFS_DEVICE_STATISTIC, index, Value::Unsigned(errors));
            index += 1;
        });
    }
    walk.close();
}

/// A device that takes another's place.
fn replace(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const START: u64 = 0;
    const STATUS: u64 = 1;
    let (layout, start) = (&structs::BTRFS_REPLACE_HEAD, &structs::BTRFS_REPLACE_START);
    let head = layout.size(walk.abi());
    let Some(seen) = walk.whole(name, address, head + start.size(walk.abi())) else { return };
    let command = named_word(walk, layout, &seen, "cmd");
    walk.open_struct(name);
    if walk.at_exit() {
        put_named(walk, layout, &seen, &["result"]);
        if command == STATUS {
            let status = &structs::BTRFS_REPLACE_STATUS;
            let part = seen.part(head, status.size(walk.abi()));
            put_seen(walk, "status", status, &part);
        }
    } else {
        put_named(walk, layout, &seen, &["cmd"]);
        if command == START {
            let part = seen.part(head, start.size(walk.abi()));
            put_seen(walk, "start", start, &part);
        }
    }
    walk.close();
}

/// What a file system can and may: two sets of flags that are set, or the three that are answered.
fn features(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    const ANSWERS: [&str; 3] = ["supported", "safe to set", "safe to clear"];
    let layout = &structs::BTRFS_IOCTL_FEATURE_FLAGS;
    let size = layout.size(walk.abi());
    let count = if walk.at_exit() { ANSWERS.len() } else { 2 };
    if low32(walk.word(1)) >> 16 & 0x3fff == 24 {
        // The flags that are set, without those that may be.
        let Some(seen) = walk.whole(name, address, size) else { return };
        return put_features(walk, name, &seen);
    }
    let Some(seen) = walk.whole(name, address, size * count) else { return };
    walk.open_list(name);
    for (index, meaning) in ANSWERS.iter().enumerate().take(count) {
        put_features(walk, "", &seen.part(index * size, size));
        if walk.at_exit() {
            walk.note(format_args!("{meaning}"));
        }
    }
    walk.close();
}

/// The kernel has no compatible features, but for reading.
fn put_features(walk: &mut Walk<'_>, name: &'static str, seen: &Seen) {
    let layout = &structs::BTRFS_IOCTL_FEATURE_FLAGS;
    walk.open_struct(name);
    put_named(walk, layout, seen, &["compat_flags"]);
    if named_word(walk, layout, seen, "compat_flags") != 0 {
        walk.note(format_args!("BTRFS_FEATURE_COMPAT_???"));
    }
    put_named(walk, layout, seen, &["compat_ro_flags", "incompat_flags"]);
    walk.close();
}
