//! What has no meaning in a call: arguments that its flags or command do not look at, fields of a structure that another
//! field rules out. strace leaves them out.

use super::calls::name;
use super::values::Painter;
use crate::decode::tree::{Node, Value};
use crate::decode::walk::low32;
use crate::event::Event;
use crate::model::Abi;

/// Whether a field of the structure at `parent` has no meaning, which strace then leaves out.
pub(super) fn leaves_field_out(painter: &Painter<'_, '_>, parent: usize, field: &Node) -> bool {
    // fcntl(2): only the calls that ask who holds a lock say who does.
    const GETLK: [u64; 3] = [5, 12, 36];
    // openat2(2): the mode counts when a file may be created.
    const CREATES: u64 = 0o100 | 0o20_000_000;
    let command = || painter.event.words().get(1).copied().unwrap_or(0);
    match (name(painter.event), field.name, field.value) {
        ("fcntl" | "fcntl64", "l_pid", _) => !GETLK.contains(&(command() & 0xffff_ffff)),
        ("openat2", "mode", Value::Mode(0)) => {
            let flags = painter.tree.inside(parent).find(|(_, field)| field.name == "flags");
            !matches!(flags, Some((_, Node { value: Value::Flags(_, flags), .. })) if flags & CREATES != 0)
        }
        // What IPC_SET changes (msgctl(2), semctl(2), shmctl(2)).
        ("semctl" | "msgctl" | "shmctl", _, _) if field.value != Value::Struct && sets_ipc(painter.event) => {
            !matches!(field.name, "uid" | "gid" | "mode" | "msg_qbytes")
        }
        // A loop device that is not encrypted has no key.
        ("ioctl", "lo_encrypt_type" | "lo_encrypt_key_size" | "lo_crypt_name" | "lo_encrypt_key", _)
            if painter.abbrev =>
        {
            let kind = painter.tree.inside(parent).find(|(_, field)| field.name == "lo_encrypt_type");
            matches!(kind, Some((_, Node { value: Value::Constant(_, 0), .. })))
        }
        ("clone3", name, _) => is_unasked(painter, parent, name),
        // statx(2): the mask says what was filled in.
        ("statx", name, _) => {
            ANSWERS.iter().any(|(field, bits)| *field == name && answered(painter, parent) & bits == 0)
        }
        // The flags are valid since Linux 2.6.36.
        (_, "f_flags", Value::Flags(_, flags)) => flags & 0x20 == 0,
        // Only with BPF_F_NUMA_NODE.
        ("bpf", "numa_node", _) => {
            let flags = painter.tree.inside(parent).find(|(_, field)| field.name == "map_flags");
            !matches!(flags, Some((_, Node { value: Value::Flags(_, flags), .. })) if flags & 4 != 0)
        }
        ("sched_setattr", _, _) => is_kept(painter, parent, field.name),
        ("timer_create" | "mq_notify", "sigev_value", _) => is_zero_value(painter, parent),
        _ => false,
    }
}

/// Whether no flag asks for a field of clone_args (clone(2)): glibc gives an address for a pidfd that it does not want.
fn is_unasked(painter: &Painter<'_, '_>, parent: usize, field: &str) -> bool {
    let asked = match field {
        "pidfd" => 0x1000,
        "child_tid" => 0x0100_0000 | 0x0020_0000,
        "parent_tid" => 0x0010_0000,
        "tls" => 0x0008_0000,
        _ => return false,
    };
    let flags = painter.tree.inside(parent).find(|(_, field)| field.name == "flags");
    !matches!(flags, Some((_, Node { value: Value::Flags(_, flags), .. })) if flags & asked != 0)
}

/// The fields of a statx(2) answer, and the bits of its mask that say they are one (linux/stat.h).
const ANSWERS: [(&str, u64); 11] = [
    ("stx_mode", 0x3),
    ("stx_nlink", 0x4),
    ("stx_uid", 0x8),
    ("stx_gid", 0x10),
    ("stx_atime", 0x20),
    ("stx_mtime", 0x40),
    ("stx_ctime", 0x80),
    ("stx_ino", 0x100),
    ("stx_size", 0x200),
    ("stx_blocks", 0x400),
    ("stx_btime", 0x800),
];

/// The mask of a statx(2) answer.
fn answered(painter: &Painter<'_, '_>, parent: usize) -> u64 {
    let mask = painter.tree.inside(parent).find(|(_, field)| field.name == "stx_mask");
    if let Some((_, Node { value: Value::Flags(_, mask), .. })) = mask { *mask } else { 0 }
}

/// Whether a field of a scheduling policy is left as it is (sched_setattr(2)), or lies behind the size of the first version.
fn is_kept(painter: &Painter<'_, '_>, parent: usize, field: &str) -> bool {
    const KEEP_POLICY: u64 = 0x8;
    const KEEP_PARAMS: u64 = 0x10;
    let find =
        |name: &str| painter.tree.inside(parent).find(|(_, field)| field.name == name).map(|(_, node)| node.value);
    let flags = if let Some(Value::Flags(_, flags)) = find("sched_flags") { flags } else { 0 };
    match field {
        "sched_policy" => {
            let policy = if let Some(Value::Constant(_, policy)) = find("sched_policy") { low32(policy) } else { 0 };
            flags & (KEEP_POLICY | KEEP_PARAMS) != 0 && policy.cast_signed() >= 0
        }
        "sched_nice" | "sched_priority" | "sched_runtime" | "sched_deadline" | "sched_period" => {
            flags & KEEP_PARAMS != 0
        }
        "sched_util_min" | "sched_util_max" => find("size") == Some(Value::Unsigned(0)),
        _ => false,
    }
}

/// Whether a field that can hold a file descriptor does: mount_setattr(2) looks at its only with MOUNT_ATTR_IDMAP.
pub(super) fn means_descriptor(painter: &Painter<'_, '_>, parent: usize, field: &Node) -> bool {
    const IDMAP: u64 = 0x0010_0000;
    match field.name {
        // Those of another process (kcmp(2), KCMP_EPOLL_TFD).
        "efd" | "tfd" => return false,
        "userns_fd" => {}
        _ => return true,
    }
    let set = painter.tree.inside(parent).find(|(_, field)| field.name == "attr_set");
    matches!(set, Some((_, Node { value: Value::Flags(_, set), .. })) if set & IDMAP != 0)
}

/// Whether the call changes a System V object's attributes.
fn sets_ipc(event: &Event<'_>) -> bool {
    const IPC_SET: u64 = 1;
    let at = if name(event) == "semctl" { 2 } else { 1 };
    event.words().get(at).is_some_and(|command| command & 0xff == IPC_SET)
}

/// Whether the value that a notification carries is 0.
fn is_zero_value(painter: &Painter<'_, '_>, parent: usize) -> bool {
    let value = painter.tree.inside(parent).find(|(_, field)| field.name == "sigev_value");
    value.is_some_and(|(at, _)| painter.tree.inside(at).any(|(_, field)| field.value == Value::Null))
}

/// Whether an argument of the event's call has no meaning, which strace then leaves out.
pub(super) fn left_out(painter: &Painter<'_, '_>, index: usize) -> bool {
    const MOVE_TO: u64 = 1 | 2;
    let word = |index: usize| painter.event.words().get(index).copied().unwrap_or(0);
    match (name(painter.event), index) {
        ("mremap", 4) => word(3) & MOVE_TO != MOVE_TO,
        // MEMBARRIER_CMD_FLAG_CPU.
        ("membarrier", 2) => word(1) & 1 == 0,
        // PTRACE_TRACEME names nobody.
        ("ptrace", 1) => word(0) == 0,
        ("sigsuspend", 0 | 1) => true,
        // One, always.
        ("readdir", 2) => word(2) & 0xffff_ffff == 1,
        // mq_open(3): only a queue that may be created has permissions and attributes.
        ("mq_open", 2 | 3) => word(1) & 0o100 == 0,
        // Only a device has a number.
        ("mknod", 2) => !is_device(word(1)),
        // Most actions take neither a buffer nor a length (syslog(2)).
        ("syslog", 1 | 2) => matches!(low32(word(0)), 0 | 1 | 5..=7 | 9 | 10),
        ("mknodat", 3) => !is_device(word(2)),
        // A 64-bit kernel takes the whole position in the word before.
        ("preadv" | "preadv2" | "pwritev" | "pwritev2", 4) => painter.abi() == Abi::X86_64,
        _ => false,
    }
}

/// Whether the type in a mode is that of a character or block device.
fn is_device(mode: u64) -> bool {
    matches!(mode & 0o170_000, 0o020_000 | 0o060_000)
}

/// Whether a field is the number of a network interface. What netdevice(7) gives and takes is shown as a number, but for
/// the requests to a bridge.
pub(super) fn is_interface(painter: &Painter<'_, '_>, name: &str) -> bool {
    const SIOCBRADDIF: u32 = 0x89a2;
    const SIOCBRDELIF: u32 = 0x89a3;
    if name == "ifr_ifindex" {
        let request = painter.event.words().get(1).map_or(0, |word| low32(*word));
        return matches!(request, SIOCBRADDIF | SIOCBRDELIF);
    }
    matches!(
        name,
        "ifi_index"
            | "ifa_index"
            | "ndm_ifindex"
            | "tcm_ifindex"
            | "ifal_index"
            | "ifindex"
            | "sll_ifindex"
            | "idiag_if"
            | "rtnh_ifindex"
            | "pdi_index"
            | "dev_idx"
            | "sxdp_ifindex"
            | "pdmc_index"
            | "ipv6mr_interface"
            | "gr_interface"
            | "ipi_ifindex"
            | "ipi6_ifindex"
    )
}

/// Whether a field of an IPv6 address is an interface's number: that of an address of one link (ipv6(7), sin6_scope_id).
pub(super) fn is_scope(painter: &Painter<'_, '_>, parent: usize, field: &Node) -> bool {
    let one_link = |node: &Node| match node.value {
        Value::Ip6(address) => {
            let bytes = address.octets();
            bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80 || bytes[0] == 0xff && bytes[1] & 0xf == 2
        }
        _ => false,
    };
    field.name == "sin6_scope_id" && painter.tree.inside(parent).any(|(_, node)| one_link(node))
}
