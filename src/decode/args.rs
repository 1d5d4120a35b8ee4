//! The arguments of a call, each by its kind. What a kind reads and what it means is one function here or one shape.

use super::flat::{put_flat, walk_flat_array, walk_flat_sized};
use super::shapes;
use super::tree::{Seen, Show, Value};
use super::walk::{Limits, MAX_BUFFER, MAX_COUNTED, MAX_PATH, MAX_STRUCTS, MAX_TEXTS, Strings, Walk, failed, low32};
use crate::model::Abi;
use crate::model::record::{MAX_DETAIL, PIECE_HEADER, State};
use crate::table::sets::{self, Base};
use crate::table::structs::Thing;
use crate::table::{Arg, Kind, Len, Phase};

/// Walks over argument `index` at the stage that the walk's call is in: what the program gave at enter, what the kernel
/// wrote at exit. Says exactly one value.
///
/// `arg` is the row's, resolved: see [`Arg::resolve`].
pub fn walk_arg(walk: &mut Walk<'_>, index: u8, arg: &Arg) {
    walk.begin(index);
    let word = walk.word(usize::from(index));
    let follow = match (arg.phase, walk.call.result) {
        (Phase::In | Phase::InOut, None) => true,
        (Phase::Out | Phase::InOut, Some(result)) => !failed(result) || shapes::valid_on_failure(walk, arg.name),
        (Phase::Out, None) | (Phase::In, Some(_)) => false,
    };
    let name = arg.name;
    match arg.kind {
        kind if !kind.is_word() && word == 0 => walk.put(name, Value::Null),
        kind if !kind.is_word() && !follow => walk.put(name, Value::Address(word)),
        Kind::StructArray(_, len) | Kind::Bytes(len) if is_negative(walk, len) => walk.put(name, Value::Address(word)),
        Kind::Path => walk.path(name, word),
        Kind::Str => match MOST_TEXT.iter().find(|(call, _)| *call == walk.call.row.name) {
            Some((_, most)) => walk.string_within(name, word, *most),
            None => walk.string(name, word),
        },
        Kind::Strv => walk_strings(walk, name, word),
        Kind::Bytes(len) => {
            let len = usize::try_from(length(walk, len)).unwrap_or(usize::MAX);
            let refused = |(call, most): &(&str, usize)| *call == walk.call.row.name && len > *most;
            // A query for the size has no room.
            let query = walk.call.row.name.contains("listxattr") && walk.word(usize::from(index) + 1) == 0;
            match query || MOST_BYTES.iter().any(refused) {
                true => walk.put(name, Value::Address(word)),
                false => walk.buffer(name, word, len),
            }
        }
        Kind::Struct(Thing::Flat(layout)) => put_flat(walk, name, layout, word),
        Kind::StructArray(Thing::Flat(layout), len) => {
            let count = length(walk, len);
            match walk.call.row.name == "setgroups" && count > MOST_GROUPS {
                true => walk.put(name, Value::Address(word)),
                false => walk_flat_array(walk, name, layout, word, count),
            }
        }
        Kind::StructSized(Thing::Flat(layout), len) => {
            let size = length(walk, len);
            walk_flat_sized(walk, name, layout, word, size);
        }
        Kind::Struct(Thing::Shape(shape)) => shapes::walk_shape(walk, shape, name, word, 1),
        Kind::StructArray(Thing::Shape(shape), len) | Kind::StructSized(Thing::Shape(shape), len) => {
            let count = length(walk, len);
            shapes::walk_shape(walk, shape, name, word, count);
        }
        Kind::Lo => {
            // _llseek(2) alone takes the high half first.
            let at = usize::from(index);
            let args = walk.call.row.args(walk.abi());
            let follows = args.get(at + 1).is_some_and(|next| next.kind == Kind::Hi);
            let high = walk.word(if follows { at + 1 } else { at.saturating_sub(1) });
            let whole = (high & 0xffff_ffff) << 32 | word & 0xffff_ffff;
            let kind = HALVES.iter().find(|(call, _)| *call == walk.call.row.name).map_or(Kind::Off, |(_, kind)| *kind);
            walk.put(name, scalar(kind, whole, Abi::X86_64));
        }
        Kind::Hi | Kind::None => {
            walk.show_next(Show::Idle);
            walk.put(name, scalar(arg.kind, word, walk.abi()));
        }
        _ => {
            if shapes::idle(walk, arg.name) {
                walk.show_next(Show::Idle);
            }
            // Mostly the kernel takes an `int`: what a program leaves in the upper half of the register means nothing.
            let (call, abi) = (walk.call.row.name, walk.abi());
            let narrow = match arg.kind {
                Kind::Enum(set) | Kind::Flags(set) => {
                    !WIDE.contains(&call)
                        || NARROW.contains(&(call, arg.name))
                        || matches!(
                            set.name,
                            "prctl_tsc"
                                | "prctl_sched_core"
                                | "prctl_sched_core_scope"
                                | "perf_ioc"
                                | "kd_mode"
                                | "kd_keyboard_mode"
                                | "kd_meta"
                        )
                }
                // Reserved flags of the newer calls, and futex's third value.
                Kind::Hex => {
                    matches!(arg.name, "flags" | "val3") && !matches!(call, "set_mempolicy_home_node" | "pkey_alloc")
                }
                _ => false,
            };
            let word = if narrow { u64::from(low32(word)) } else { word };
            match arg.kind {
                // `umode_t`, an unsigned short.
                Kind::Mode => walk.put(name, Value::Mode(low32(word) & 0xffff)),
                // An `unsigned long` that is no signal at all.
                Kind::Sig if word > 0xffff_ffff && WIDE.contains(&call) => walk.put(name, Value::Unsigned(word)),
                Kind::Enum(set) if !narrow => walk.put(name, Value::Constant(set, word)),
                Kind::Uid | Kind::Gid if abi == Abi::I386 && SHORT_IDS.contains(&call) => {
                    let id = if word & 0xffff == 0xffff { u64::MAX } else { word & 0xffff };
                    walk.put(name, scalar(arg.kind, id, abi));
                }
                kind => walk.put(name, scalar(kind, word, abi)),
            }
        }
    }
}

/// The calls whose constants and flags are an `unsigned long` to the kernel (`SYSCALL_DEFINE` of each).
const WIDE: [&str; 20] = [
    "fanotify_mark",
    "ptrace",
    "mmap",
    "mmap2",
    "mprotect",
    "pkey_mprotect",
    "pkey_alloc",
    "remap_file_pages",
    "mremap",
    "mbind",
    "get_mempolicy",
    "mseal",
    "perf_event_open",
    "clone",
    "unshare",
    "mount",
    "kexec_load",
    "kexec_file_load",
    "prctl",
    "ioctl",
];

/// Their arguments that are an `int` all the same.
const NARROW: [(&str, &str); 4] =
    [("mbind", "flags"), ("prctl", "option"), ("ioctl", "cmd"), ("fanotify_mark", "flags")];

/// What two halves are together, when not a place in a file.
const HALVES: [(&str, Kind); 4] = [
    ("truncate64", Kind::U64),
    ("ftruncate64", Kind::U64),
    ("lookup_dcookie", Kind::U64),
    ("fanotify_mark", Kind::Flags(&sets::FANOTIFY_MASK)),
];

/// i386's calls whose ids have 16 bits (`high2lowuid` in linux/highuid.h): their wide twins end in `32`.
const SHORT_IDS: [&str; 11] = [
    "chown",
    "fchown",
    "lchown",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setuid",
];

/// `NGROUPS_MAX` (linux/limits.h): of more groups setgroups(2) looks at none.
const MOST_GROUPS: u64 = 65_536;

/// Calls that do not look at more of a text, which need not end there (`MFD_NAME_MAX_LEN` and the NUL; the buffer of
/// reboot(2); the 256 bytes of fsconfig(2) with the NUL).
const MOST_TEXT: [(&str, usize); 3] = [("memfd_create", 250), ("reboot", 255), ("fsconfig", 255)];

/// Calls that do not look at more bytes (`__NEW_UTS_LEN`, `XATTR_SIZE_MAX`).
const MOST_BYTES: [(&str, usize); 5] =
    [("sethostname", 64), ("setdomainname", 64), ("setxattr", 65_536), ("lsetxattr", 65_536), ("fsetxattr", 65_536)];

/// Most bytes that the pieces of `arg` take in a record, when what it points to is read at the stage of `exit`.
#[must_use]
pub fn room(arg: &Arg, abi: Abi, exit: bool, limits: Limits) -> usize {
    const LINK: usize = 2 * PIECE_HEADER + 256 + MAX_DETAIL;
    let readable = if exit { arg.phase != Phase::In } else { arg.phase != Phase::Out };
    let text = (limits.str_max.saturating_add(1).min(MAX_BUFFER)).next_multiple_of(8) + PIECE_HEADER;
    match arg.kind {
        Kind::Fd | Kind::Dirfd if !exit => LINK,
        _ if !readable => 0,
        Kind::Path => MAX_PATH + PIECE_HEADER,
        Kind::Str | Kind::Bytes(_) => text,
        Kind::Strv => limits.strings() + (MAX_COUNTED + 1) * abi.word() + MAX_TEXTS * (PIECE_HEADER + 8),
        Kind::Struct(Thing::Flat(layout)) => super::flat::room(layout, abi, limits),
        Kind::StructArray(Thing::Flat(_), _) | Kind::StructSized(Thing::Flat(_), _) => {
            limits.structs() + 2 * PIECE_HEADER
        }
        Kind::Struct(Thing::Shape(_)) | Kind::StructArray(..) | Kind::StructSized(..) => {
            limits.structs() + 3 * MAX_STRUCTS + text
        }
        _ => 0,
    }
}

/// The number that says how long another argument is.
pub(super) fn length(walk: &mut Walk<'_>, len: Len) -> u64 {
    let args = walk.call.row.args(walk.abi());
    match len {
        Len::Arg(at) => {
            let at = usize::from(at);
            let word = walk.word(at);
            match args.get(at).map(|arg| arg.kind) {
                Some(Kind::Int) => u64::try_from(walk.int(at)).unwrap_or(0),
                Some(Kind::Uint) => u64::from(low32(word)),
                // The length is itself in memory.
                Some(Kind::Struct(Thing::Flat(layout))) => {
                    let width = layout.size(walk.abi()).min(8);
                    let seen = walk.read(word, width);
                    walk.number(&seen, 0, width).unwrap_or(0)
                }
                _ => word,
            }
        }
        Len::Ret => {
            let is_size = |(_, arg): &(usize, &Arg)| arg.resolve(walk.call.args).kind == Kind::Size;
            let given = args.iter().enumerate().filter(is_size).map(|(at, _)| walk.word(at)).min();
            let result = walk.success().and_then(|result| u64::try_from(result).ok()).unwrap_or(0);
            result.min(given.unwrap_or(u64::MAX))
        }
    }
}

/// Whether the program gave a length below 0, which the calls that have it as an `int` refuse.
fn is_negative(walk: &Walk<'_>, len: Len) -> bool {
    let Len::Arg(at) = len else { return false };
    let kind = walk.call.row.args(walk.abi()).get(usize::from(at)).map(|arg| arg.kind);
    kind == Some(Kind::Int) && walk.int(usize::from(at)) < 0
}

/// What a word means by its kind alone.
pub(super) fn scalar(kind: Kind, word: u64, abi: Abi) -> Value {
    let int = low32(word).cast_signed();
    let narrow = abi.word() == 4;
    match kind {
        Kind::Fd => Value::Fd(int),
        Kind::Dirfd => Value::Dirfd(int),
        Kind::Pid | Kind::Tid => Value::Pid(int),
        Kind::Sig => Value::Signal(int),
        // -1 is "leave as it is" to the calls that set ids.
        Kind::Uid | Kind::Gid if int == -1 => Value::Signed(-1),
        Kind::Uid => Value::Uid(low32(word)),
        Kind::Gid => Value::Gid(low32(word)),
        Kind::Mode => Value::Mode(low32(word)),
        Kind::Dev => Value::Device(word & 0xffff_ffff),
        Kind::Errno if int > 0 => Value::Errno(int),
        Kind::Int => Value::Signed(i64::from(int)),
        Kind::Uint | Kind::Errno => Value::Unsigned(word & 0xffff_ffff),
        Kind::Long | Kind::Off if narrow && abi == Abi::I386 => Value::Signed(i64::from(int)),
        Kind::Long | Kind::Off => Value::Signed(word.cast_signed()),
        Kind::Ulong | Kind::Size | Kind::U64 => Value::Unsigned(word),
        Kind::Enum(set) if matches!(word >> 32, 0 | 0xffff_ffff) && set.base == Base::Hex => {
            Value::Constant(set, word & 0xffff_ffff)
        }
        Kind::Enum(set) if matches!(word >> 32, 0 | 0xffff_ffff) => {
            Value::Constant(set, i64::from(int).cast_unsigned())
        }
        Kind::Enum(set) => Value::Constant(set, word),
        Kind::Flags(set) => Value::Flags(set, word),
        Kind::Ptr if word == 0 => Value::Null,
        Kind::Ptr => Value::Address(word),
        _ => Value::Hex(word),
    }
}

/// Whether the variables of a new program's environment are read, and so were when the call was captured: they hold
/// secrets, so that mostly only their number is kept.
fn has_environment(walk: &mut Walk<'_>, pointers: &Seen) -> bool {
    if !walk.limits.env || !walk.says() {
        return walk.limits.env;
    }
    let first = walk.word_at(pointers, 0).unwrap_or(0);
    first == 0 || !walk.read_text(first, 1).is_empty()
}

/// How many variables an environment has.
fn put_count(walk: &mut Walk<'_>, name: &'static str, address: u64, pointers: &Seen) {
    let word = walk.abi().word();
    let count = (0..pointers.len() / word).take_while(|at| walk.word_at(pointers, at * word) != Some(0)).count();
    walk.put(name, Value::Address(address));
    let plural = if count == 1 { "" } else { "s" };
    match pointers.state {
        State::Whole => walk.note(format_args!("{count} var{plural}")),
        State::Cut => walk.note(format_args!("more than {count} vars")),
        State::Unreadable => walk.note(format_args!("{count} var{plural}, unterminated")),
    }
}

/// A list of pointers to texts that ends with NULL.
fn walk_strings(walk: &mut Walk<'_>, name: &'static str, address: u64) {
    let word = walk.abi().word();
    let list = if name == "envp" { Strings::Variables } else { Strings::Words };
    let items = walk.limits.items.min(MAX_TEXTS);
    let most = if list == Strings::Variables { items.max(MAX_COUNTED) } else { items } + 1;
    let pointers = walk.read_pointers(address, most * word);
    if pointers.len() < word {
        return walk.put(name, Value::Unreadable(address));
    }
    if list == Strings::Variables && !has_environment(walk, &pointers) {
        return put_count(walk, name, address, &pointers);
    }
    walk.open_list(name);
    let mut left = walk.limits.strings();
    let mut ended = false;
    for at in 0..pointers.len() / word {
        let item = walk.word_at(&pointers, at * word).unwrap_or(0);
        ended = item == 0;
        if ended || left == 0 || at == items {
            break;
        }
        let max = walk.limits.str_max.min(left).min(MAX_BUFFER - 1);
        let seen = walk.read_item(list, at, item, max + 1);
        left = left.saturating_sub(seen.len().max(1));
        if seen.state == State::Unreadable && seen.is_empty() {
            walk.put("", Value::Unreadable(item));
        } else {
            let seen = if seen.len() > max { seen.part(0, max).cut() } else { seen };
            walk.put("", Value::Str(seen));
        }
    }
    if !ended {
        walk.mark_more();
    }
    walk.close();
}
