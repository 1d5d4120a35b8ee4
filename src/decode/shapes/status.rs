//! What a file is and how a process ended: the stat family and wait statuses (stat(2), wait(2)).

use super::super::tree::Value;
use super::super::walk::{Walk, low32};
use crate::table::structs::{self, Struct};

/// How a process ended or stopped: a list of one, as a pointer to a number is.
pub(super) fn wait_status(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    // wait4(2) with WNOHANG returns 0 and writes nothing.
    if walk.success() == Some(0) {
        return walk.put(name, Value::Address(address));
    }
    let Some(seen) = walk.whole(name, address, 4) else { return };
    let status = walk.u32_at(&seen, 0).unwrap_or(0);
    walk.open_list(name);
    walk.put("", Value::WaitStatus(status.cast_signed()));
    walk.close();
}

/// `struct stat` of the call's ABI.
pub(super) fn stat(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    put_stat(walk, name, address, &structs::STAT_LAYOUT);
}

/// The kernel's `struct stat64` of 32-bit ABIs.
pub(super) fn stat64(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    put_stat(walk, name, address, &structs::STAT64_LAYOUT);
}

/// `struct __old_kernel_stat`.
pub(super) fn old_stat(walk: &mut Walk<'_>, name: &'static str, address: u64, _: u64) {
    put_stat(walk, name, address, &structs::OLD_STAT_LAYOUT);
}

const S_IFMT: u64 = 0o170_000;
const S_IFCHR: u64 = 0o020_000;
const S_IFBLK: u64 = 0o060_000;

/// The fields in the order in which people read them: a device's number stands where a file's size does.
fn put_stat(walk: &mut Walk<'_>, name: &'static str, address: u64, layout: &'static Struct) {
    let abi = walk.abi();
    let Some(seen) = walk.whole(name, address, layout.size(abi)) else { return };
    if !walk.says() {
        return;
    }
    let field = |walk: &Walk<'_>, name: &str| -> Option<u64> {
        let field = layout.fields(abi).iter().find(|field| field.name == name)?;
        field.word(walk.bytes(&seen), abi, 0)
    };
    let get = |walk: &Walk<'_>, name: &str| field(walk, name).unwrap_or(0);
    let mode = get(walk, "st_mode");
    walk.open_struct(name);
    let device = get(walk, "st_dev");
    walk.put_verbose("st_dev", Value::Device(device));
    let inode = get(walk, "st_ino");
    walk.put_verbose("st_ino", Value::Unsigned(inode));
    walk.put("st_mode", Value::Mode(low32(mode)));
    let links = get(walk, "st_nlink");
    walk.put_verbose("st_nlink", Value::Unsigned(links));
    let (user, group) = (get(walk, "st_uid"), get(walk, "st_gid"));
    walk.put_verbose("st_uid", Value::Uid(low32(user)));
    walk.put_verbose("st_gid", Value::Gid(low32(group)));
    for name in ["st_blksize", "st_blocks"] {
        if let Some(value) = field(walk, name) {
            walk.put_verbose(name, Value::Unsigned(value));
        }
    }
    if matches!(mode & S_IFMT, S_IFCHR | S_IFBLK) {
        let device = get(walk, "st_rdev");
        walk.put("st_rdev", Value::Device(device));
    } else {
        let size = get(walk, "st_size");
        walk.put("st_size", Value::Signed(size.cast_signed()));
    }
    for (seconds, fraction) in
        [("st_atime", "st_atime_nsec"), ("st_mtime", "st_mtime_nsec"), ("st_ctime", "st_ctime_nsec")]
    {
        let time = get(walk, seconds);
        walk.put_verbose(seconds, Value::Time(time.cast_signed()));
        if let Some(nanoseconds) = field(walk, fraction) {
            walk.put_verbose(fraction, Value::Unsigned(nanoseconds));
        }
    }
    walk.close();
}
