//! Where strace's line of a call is not simply its arguments in order: what is said at once and what after the call
//! returned, and by which files of this folder the odd ones are written.

use super::values::{Painter, hex, number};
use super::{answers, cloning, constants, meaning, remarks};
use crate::decode::tree::{Node, Show, Value};
use crate::decode::walk::low32;
use crate::event::{Event, Name, Outcome};
use crate::model::{Abi, HexStrings};
use crate::table::Phase;

/// Which part of a call's arguments is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The first one.
    pub(super) from: usize,
    /// The call was just entered: what the kernel writes is not known.
    pub(super) entering: bool,
    /// Nothing is followed.
    pub(super) plain: bool,
}

/// The arguments shown in base 16 although they are counts.
const HEX: [(&str, usize); 4] = [("mmap", 5), ("set_tid_address", 0), ("ioperm", 0), ("ioperm", 1)];

/// Calls whose buffer is shown in base 16: nobody means it as text.
const BINARY: [(&str, usize); 3] = [("getrandom", 0), ("init_module", 0), ("add_key", 9)];

/// Lengths and sizes that the kernel has as signed numbers and nobody means so.
const UNSIGNED: [(&str, usize); 6] =
    [("truncate", 1), ("ftruncate", 1), ("readlink", 2), ("readlinkat", 3), ("sethostname", 1), ("setdomainname", 1)];

/// Calls whose arguments strace 6.1 does not take apart.
const RAW: [&str; 21] = [
    "afs_syscall",
    "bdflush",
    "create_module",
    "epoll_ctl_old",
    "epoll_wait_old",
    "get_kernel_syms",
    "getpmsg",
    "gtty",
    "nfsservctl",
    "olduname",
    "oldolduname",
    "profil",
    "putpmsg",
    "query_module",
    "rseq",
    "security",
    "stty",
    "tuxcall",
    "ulimit",
    "vm86old",
    "vserver",
];

/// Whether strace shows the arguments of the event's call as they are.
pub(super) fn is_raw(event: &Event<'_>) -> bool {
    RAW.contains(&name(event))
}

/// Calls that say at once what they take, although the kernel writes to the same place; what it wrote stands behind the
/// result.
const AT_ONCE: [&str; 8] =
    ["poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64", "set_thread_area"];

/// What a call takes and is looked at only when it has returned, and not when it failed.
const AFTERWARDS: [(&str, usize); 10] = [
    ("adjtimex", 0),
    ("clock_adjtime", 1),
    ("clock_adjtime64", 1),
    ("epoll_pwait", 4),
    ("epoll_pwait2", 3),
    ("epoll_pwait2", 4),
    ("io_setup", 1),
    ("recvmmsg", 1),
    ("recvmmsg_time64", 1),
    ("stime", 0),
];

/// Calls that say only what is there in the end.
const IN_THE_END: [&str; 8] = [
    "adjtimex",
    "clock_adjtime",
    "clock_adjtime64",
    "io_setup",
    "io_uring_setup",
    "fcntl",
    "fcntl64",
    "perf_event_open",
];

/// Whether what a call says in the end holds what it took.
fn tells_all_in_the_end(event: &Event<'_>) -> bool {
    IN_THE_END.contains(&name(event)) || answers::told_whole(event)
}

/// Whether the pairs of numbers that a call takes are moments.
pub(super) fn says_moments(event: &Event<'_>) -> bool {
    matches!(name(event), "utimes" | "futimesat" | "utimensat" | "statx")
}

/// Whether the structure in a field is a moment.
pub(super) fn is_moment(event: &Event<'_>, field: &str) -> bool {
    says_moments(event) || (name(event) == "ioctl" && matches!(field, "start" | "sys_realtime" | "stime" | "rtime"))
}

/// Whether the items of an argument's list are addresses that are followed: one that cannot be read is not the list's end.
pub(super) fn lists_pointers(argument: &str) -> bool {
    matches!(argument, "argv" | "envp")
}

/// Whether a length that the call takes and changes is meant: `[16 => 8]` and not `[16] => [8]`.
pub(super) fn says_lengths(event: &Event<'_>) -> bool {
    matches!(name(event), "accept" | "accept4" | "getsockname" | "getpeername" | "recvfrom" | "getsockopt")
}

/// Whether bytes of this name are text whose NUL is not shown.
pub(super) fn ends_with_nul(event: &Event<'_>, argument: &str) -> bool {
    const DESCRIBE: u64 = 6;
    const GET_SECURITY: u64 = 17;
    match (name(event), argument) {
        ("keyctl", "arg3") => {
            matches!(event.words().first().map(|word| word & 0xffff_ffff), Some(DESCRIBE | GET_SECURITY))
        }
        (name, argument) => argument == "value" && name.contains("setxattr"),
    }
}

/// Whether a call returned without having written to argument `index`.
fn untouched(event: &Event<'_>, index: usize) -> bool {
    let index = match name(event) {
        "nanosleep" => index == 1,
        "clock_nanosleep" | "clock_nanosleep_time64" => index == 3,
        "wait4" => index == 1 || index == 3,
        "readdir" => index == 1,
        _ => false,
    };
    index && event.outcome == Outcome::Returned(0)
}

/// The name of the event's call; empty for an unknown one.
pub(super) fn name(event: &Event<'_>) -> &'static str {
    match event.name {
        Name::Known(name) => name,
        Name::Unknown(_) => "",
    }
}

/// strace's name for a call of the table.
pub(super) fn shown_name(name: &'static str, _abi: Option<Abi>) -> &'static str {
    name
}

/// Whether the exit of a call tells argument `index`, because the kernel writes it.
fn waits(painter: &Painter<'_, '_>, index: usize) -> bool {
    match painter.event.rows().get(index).map(|arg| arg.resolve(painter.event.words()).phase) {
        None => false,
        Some(Phase::In) => AFTERWARDS.contains(&(name(painter.event), index)),
        Some(Phase::InOut) => !AT_ONCE.contains(&name(painter.event)),
        Some(Phase::Out) => true,
    }
}

/// Appends the arguments from `place.from` on; returns where it stopped, and whether that was the end.
pub(super) fn arguments(painter: &Painter<'_, '_>, place: Place, out: &mut Vec<u8>) -> (usize, bool) {
    if name(painter.event) == "clone" && !place.plain {
        return cloning::arguments(painter, place, out);
    }
    let mut first = true;
    for (index, (at, node)) in painter.tree.level(0..painter.tree.len()).enumerate() {
        // What no register names is nothing that could be shown raw.
        let unnamed = index >= painter.event.words().len();
        if node.show == Show::Idle
            || index < place.from
            || meaning::left_out(painter, index)
            || unnamed && (place.plain || remarks::tells(node.name))
        {
            continue;
        }
        if !first {
            out.extend_from_slice(b", ");
        }
        first = false;
        if place.entering && waits(painter, index) {
            return (index, false);
        }
        argument(painter, index, at, node, place, out);
    }
    (usize::MAX, true)
}

fn argument(painter: &Painter<'_, '_>, index: usize, at: usize, node: &Node, place: Place, out: &mut Vec<u8>) {
    let event = painter.event;
    let word = event.words().get(index).copied().unwrap_or(0);
    let call = name(event);
    match (call, index) {
        ("execve", 2) | ("execveat", 3) if painter.abbrev && word != 0 => environment(painter, at, node, word, out),
        ("execve", 1 | 2) | ("execveat", 2 | 3) if node.value == Value::List => strings(painter, at, node, word, out),
        _ if AFTERWARDS.contains(&(call, index)) && event.error().is_some() && word != 0 => {
            number(out, format_args!("{word:#x}"));
        }
        ("select" | "_newselect" | "pselect6" | "pselect6_time64", 1..=3) if negative(event, 0) && word != 0 => {
            number(out, format_args!("{word:#x}"));
        }
        _ if place.plain && matches!(node.value, Value::Struct | Value::List | Value::Changed) => {
            number(out, format_args!("{word:#x}"));
        }
        ("getdents" | "getdents64", 1)
            if painter.abbrev
                && (node.value == Value::List || node.value == Value::Null && event.error().is_none()) =>
        {
            address(word, out);
            match &node.note {
                Some(note) => {
                    out.extend_from_slice(b" /* ");
                    out.extend_from_slice(event.bytes(note, painter.tree));
                    out.extend_from_slice(b" */");
                }
                None => {
                    let count = painter.tree.inside(at).count();
                    number(out, format_args!(" /* {count} entr{} */", if count == 1 { "y" } else { "ies" }));
                }
            }
        }
        ("time" | "stime", 0) => moment(painter, at, node, out),
        ("process_vm_readv" | "process_vm_writev", 5) => number(out, format_args!("{word}")),
        ("ssetmask", 0) | ("sigsuspend", 2) => painter.signals(word, 32, out),
        // Without a message only the room for the sender's address is known.
        ("recvmsg", 1) if event.error().is_some() => received_nothing(painter, at, node, out),
        ("mmap", 0) if node.value == Value::Struct => spread(painter, at, out),
        ("ioprio_set", 2) => remarks::io_priority(painter, word, out),
        ("move_pages", 4) => page_states(painter, at, node, out),
        _ if untouched(event, index) && word != 0 => number(out, format_args!("{word:#x}")),
        _ if HEX.contains(&(call, index)) => hex(word, out),
        _ if UNSIGNED.contains(&(call, index)) => {
            // An `int`, or a `long`.
            let narrow = painter.abi() == Abi::I386 || call.ends_with("name");
            number(out, format_args!("{}", if narrow { word & 0xffff_ffff } else { word }));
        }
        ("mmap2", 5) => hex((word & 0xffff_ffff) << 12, out),
        // FSCONFIG_SET_BINARY.
        ("fsconfig", 3) if event.words().get(1) == Some(&2) => binary(painter, at, node, out),
        _ if BINARY.contains(&(call, index)) => binary(painter, at, node, out),
        // personality(2): only asks.
        ("personality", 0) if low32(word) == u32::MAX => number(out, format_args!("0xffffffff")),
        ("mknod", 1) | ("mknodat", 2) => constants::mode(low32(word) & 0xffff, painter.shown.constants, out),
        ("getsockopt", 3) if is_short(node) => binary(painter, at, node, out),
        // RTC_PARAM_GET: where the answer would be.
        ("ioctl", 2) if event.error().is_some() && node.value == Value::Struct && answers::asks_a_clock(event) => {
            painter.value(at, node, out);
            number(out, format_args!(" => {word:#x}"));
        }
        // What is left of the time stands behind the result.
        ("recvmmsg" | "recvmmsg_time64", 4) if node.value == Value::Changed => {
            if let Some((at, side)) = painter.tree.inside(at).next() {
                painter.value(at, side, out);
            }
        }
        _ if node.value == Value::Changed && (AT_ONCE.contains(&call) || tells_all_in_the_end(event)) => {
            let mut sides = painter.tree.inside(at);
            let side = if AT_ONCE.contains(&call) { sides.next() } else { sides.nth(1) };
            if let Some((at, side)) = side {
                painter.value(at, side, out);
            }
        }
        _ => painter.value(at, node, out),
    }
}

/// The fields of the structure that holds a call's arguments, as arguments.
fn spread(painter: &Painter<'_, '_>, at: usize, out: &mut Vec<u8>) {
    for (index, (at, field)) in painter.tree.inside(at).enumerate() {
        out.extend_from_slice(if index > 0 { b", " } else { b"" });
        painter.value(at, field, out);
    }
}

/// A message that was not received.
fn received_nothing(painter: &Painter<'_, '_>, at: usize, node: &Node, out: &mut Vec<u8>) {
    match painter.tree.inside(at).find(|(_, field)| field.name == "msg_namelen") {
        Some((at, field)) => {
            out.extend_from_slice(b"{msg_namelen=");
            painter.value(at, field, out);
            out.push(b'}');
        }
        None => painter.value(at, node, out),
    }
}

fn address(word: u64, out: &mut Vec<u8>) {
    match word {
        0 => out.extend_from_slice(b"NULL"),
        _ => hex(word, out),
    }
}

/// Whether the kernel gave less than the number or the structure that an option is.
fn is_short(node: &Node) -> bool {
    match node.value {
        Value::Bytes(seen) => seen.len() < 4,
        Value::Struct => true,
        _ => false,
    }
}

/// Bytes that nobody means as text.
fn binary(painter: &Painter<'_, '_>, at: usize, node: &Node, out: &mut Vec<u8>) {
    let mut shown = painter.shown.clone();
    shown.hex = HexStrings::All;
    Painter { shown: &shown, ..*painter }.value(at, node, out);
}

/// The node of each page, or why it has none.
fn page_states(painter: &Painter<'_, '_>, at: usize, node: &Node, out: &mut Vec<u8>) {
    if node.value != Value::List {
        return painter.value(at, node, out);
    }
    out.push(b'[');
    for (index, (at, item)) in painter.tree.inside(at).enumerate() {
        out.extend_from_slice(if index > 0 { b", " } else { b"" });
        if index >= painter.most && painter.abbrev {
            out.extend_from_slice(b"...");
            break;
        }
        match item.value {
            Value::Unreadable(end) if index > 0 => number(out, format_args!("... /* {end:#x} */")),
            Value::Signed(error) if error < 0 => {
                constants::negated_errno(i32::try_from(-error).unwrap_or(0), painter.shown.constants, out);
            }
            _ => painter.value(at, item, out),
        }
    }
    out.push(b']');
}

/// The one number behind a pointer, which is a moment.
fn moment(painter: &Painter<'_, '_>, at: usize, node: &Node, out: &mut Vec<u8>) {
    let (Value::List, Some((_, item))) = (node.value, painter.tree.inside(at).next()) else {
        return painter.value(at, node, out);
    };
    if let Value::Signed(seconds) | Value::Time(seconds) = item.value {
        number(out, format_args!("[{seconds}"));
        super::times::comment(painter.zone, seconds, None, out);
        out.push(b']');
    }
}

/// Whether argument `index` is a negative `int`.
fn negative(event: &Event<'_>, index: usize) -> bool {
    event.words().get(index).is_some_and(|word| word & 0x8000_0000 != 0)
}

/// A list of strings; where it ends without an end, the address that could not be read.
fn strings(painter: &Painter<'_, '_>, at: usize, node: &Node, word: u64, out: &mut Vec<u8>) {
    painter.value(at, node, out);
    let count = painter.tree.inside(at).count();
    let items = painter.event.limits().items;
    let limit = if painter.abbrev { painter.most.min(items) } else { items };
    if node.more && count < limit && out.pop() == Some(b']') {
        let end = word.wrapping_add(count as u64 * painter.abi().word() as u64);
        number(out, format_args!(" /* {end:#x} */]"));
    }
}

/// How many variables a program is given.
fn environment(painter: &Painter<'_, '_>, at: usize, node: &Node, word: u64, out: &mut Vec<u8>) {
    if !matches!(node.value, Value::List) {
        return painter.value(at, node, out);
    }
    let mut count = 0;
    let mut unterminated = node.more;
    for (_, item) in painter.tree.inside(at) {
        match item.value {
            Value::Unreadable(address) if address > word && address - word < 1 << 20 => unterminated = true,
            _ => count += 1,
        }
    }
    let (plural, end) = (if count == 1 { "" } else { "s" }, if unterminated { ", unterminated" } else { "" });
    number(out, format_args!("{word:#x} /* {count} var{plural}{end} */"));
}
