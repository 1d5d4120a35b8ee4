//! Named constants, in the three styles of `-X`: `O_RDONLY`, `0`, `0 /* O_RDONLY */`.

use super::composed;
use super::values::{hex, number};
use crate::decode::errno as errnos;
use crate::model::{Abi, Constants};
use crate::table::sets::{Base, Part, Set};
use crate::table::signals;
use std::borrow::Cow;

fn raw(word: u64, base: Base, out: &mut Vec<u8>) {
    match base {
        Base::Hex => hex(word, out),
        Base::Dec => number(out, format_args!("{}", word.cast_signed())),
        Base::Oct if word == 0 => out.push(b'0'),
        Base::Oct => number(out, format_args!("0{word:o}")),
    }
}

fn comment(text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        number(out, format_args!(" /* {text} */"));
    }
}

/// The sets whose words strace names only as a whole.
const ONE_WORD: [&str; 2] = ["futex_op", "sched_setscheduler"];

/// The sets in which a number without a name is what the flags leave over.
const LEFT_OVER: [&str; 2] = ["mpol_mode", "socket_type"];

/// The sets whose constants strace shows as numbers, with the name as a comment.
const COMMENTED: [&str; 13] = [
    "smc_decline",
    "prctl_sched_core_scope",
    "xfeature",
    "xfeature_mask",
    "syslog",
    "log_level",
    "socket_shut_down",
    "rxrpc_service",
    "crypto_algorithm",
    "nfc_access_point",
    "ieee802154_address",
    "ieee802154_network",
    "ieee802154_short_address",
];

/// The style in which the constants of `set` are shown.
fn style_of(set: &'static Set, style: Constants) -> Constants {
    if style == Constants::Abbrev && COMMENTED.contains(&set.name) { Constants::Verbose } else { style }
}

/// One constant of `set`.
pub(super) fn one(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) {
    if composed::render(set, word, abi, style, out) {
        return;
    }
    let style = style_of(set, style);
    let name = set.name_of(word, abi);
    match (style, name) {
        (Constants::Raw, _) => raw(word, set.base, out),
        (Constants::Abbrev, Some(name)) => out.extend_from_slice(name.as_bytes()),
        (_, name) => {
            raw(word, set.base, out);
            comment(name.unwrap_or(set.unknown), out);
        }
    }
}

/// The bits of `word`.
pub(super) fn flags(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) {
    if !composed::render(set, word, abi, style, out) {
        bits(set, word, abi, style_of(set, style), out);
    }
}

/// The bits without a name.
fn left_over(set: &'static Set, word: u64, abi: Abi) -> u64 {
    let mut split = set.split(word, abi);
    split.by_ref().for_each(drop);
    split.rest()
}

/// The bits of `word`, each by its name.
pub(super) fn bits(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) {
    if style == Constants::Raw {
        return raw(word, set.base, out);
    }
    let nameless = |part: &Part| word & part.mask != 0 && part.set.name_of(word & part.mask, abi).is_none();
    if ONE_WORD.contains(&set.name) && (set.parts.iter().any(nameless) || left_over(set, word, abi) != 0) {
        raw(word, set.base, out);
        return comment(set.unknown, out);
    }
    let start = out.len();
    if !names(set, word, abi, out) {
        raw(word, set.base, out);
        if word != 0 {
            comment(set.unknown, out);
        }
        return;
    }
    if style == Constants::Verbose {
        let shown = out.split_off(start);
        raw(word, set.base, out);
        out.extend_from_slice(b" /* ");
        out.extend_from_slice(&shown);
        out.extend_from_slice(b" */");
    }
}

/// Appends the names of the bits and what is left, with bars between; whether any bit has a name.
fn names(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) -> bool {
    // A value without a name in bits that are one number stands first, with strace's comment of that number's set.
    let number_of = |part: &Part| word & part.mask;
    let unnamed = |part: &&Part| {
        let value = number_of(part);
        !part.last && value != 0 && !part.set.unknown.is_empty() && part.set.name_of(value, abi).is_none()
    };
    let odd = set.parts.iter().find(unnamed).filter(|part| number_of(part) != word);
    let number = odd.map_or(0, number_of);
    let leftover = LEFT_OVER.contains(&set.name);
    let mut any = false;
    let bar = |any: &mut bool, out: &mut Vec<u8>| {
        out.extend_from_slice(if std::mem::replace(any, true) { b"|" } else { b"" });
    };
    if let Some(part) = odd.filter(|_| !leftover) {
        bar(&mut any, out);
        raw(number, set.base, out);
        comment(part.set.unknown, out);
    }
    // What is left of that number is no value of it.
    let zero = odd.and_then(|part| part.set.name_of(0, abi));
    let mut split = set.split(word & !number, abi);
    // The size of huge pages stands behind what has no name.
    let mut size = None;
    for name in split.by_ref().filter(|name| Some(*name) != zero) {
        if name.ends_with("_HUGE_SHIFT") {
            size = Some(name);
            continue;
        }
        bar(&mut any, out);
        out.extend_from_slice(name.as_bytes());
    }
    let rest = split.rest() | if leftover { number } else { 0 };
    if rest != 0 && (any || size.is_some()) {
        bar(&mut any, out);
        raw(rest, set.base, out);
    }
    if let Some(size) = size {
        bar(&mut any, out);
        out.extend_from_slice(size.as_bytes());
    }
    any
}

/// Appends a number by its style, with its name if it has one.
fn named(word: i64, name: Option<&str>, style: Constants, out: &mut Vec<u8>) {
    match (style, name) {
        (Constants::Abbrev, Some(name)) => out.extend_from_slice(name.as_bytes()),
        (Constants::Verbose, Some(name)) => number(out, format_args!("{word} /* {name} */")),
        _ => number(out, format_args!("{word}")),
    }
}

/// The name of a signal, real-time ones counted from the first.
pub(super) fn signal_name(signal: i32) -> Option<Cow<'static, str>> {
    let counted = || match signal.checked_sub(signals::RT_MIN) {
        Some(0) => Some(Cow::Borrowed("SIGRTMIN")),
        Some(after) if (1..=signals::RT_MAX - signals::RT_MIN).contains(&after) => {
            Some(format!("SIGRT_{after}").into())
        }
        _ => None,
    };
    signals::name(signal).map(Cow::Borrowed).or_else(counted)
}

/// A signal.
pub(super) fn signal(signal: i32, style: Constants, out: &mut Vec<u8>) {
    named(i64::from(signal), signal_name(signal).as_deref(), style, out);
}

/// An error number.
pub(super) fn errno(errno: i32, style: Constants, out: &mut Vec<u8>) {
    named(i64::from(errno), u16::try_from(errno).ok().and_then(errnos::name), style, out);
}

/// An error number as the kernel returns it, below 0.
pub(super) fn negated_errno(error: i32, style: Constants, out: &mut Vec<u8>) {
    match (style, u16::try_from(error).ok().and_then(errnos::name)) {
        (Constants::Abbrev, Some(name)) => number(out, format_args!("-{name}")),
        (Constants::Verbose, Some(name)) => number(out, format_args!("-{error} /* -{name} */")),
        _ => number(out, format_args!("-{error}")),
    }
}

/// The number of the loopback interface.
pub(super) fn loopback(style: Constants, out: &mut Vec<u8>) {
    out.extend_from_slice(match style {
        Constants::Raw => b"1",
        Constants::Abbrev => b"if_nametoindex(\"lo\")",
        Constants::Verbose => b"1 /* if_nametoindex(\"lo\") */",
    });
}

/// Permission bits, at least three digits.
pub(super) fn octal(mode: u32, out: &mut Vec<u8>) {
    match mode {
        0..=0o77 => number(out, format_args!("{mode:03o}")),
        _ => number(out, format_args!("0{mode:o}")),
    }
}

/// File type and permission bits, by name what has one.
pub(super) fn mode(mode: u32, style: Constants, out: &mut Vec<u8>) {
    const TYPE: u32 = 0o170_000;
    const NAMED: [(u32, &str); 3] = [(0o4000, "S_ISUID|"), (0o2000, "S_ISGID|"), (0o1000, "S_ISVTX|")];
    let kind = match (mode & TYPE) >> 12 {
        0 => Some(""),
        1 => Some("S_IFIFO|"),
        2 => Some("S_IFCHR|"),
        4 => Some("S_IFDIR|"),
        6 => Some("S_IFBLK|"),
        8 => Some("S_IFREG|"),
        10 => Some("S_IFLNK|"),
        12 => Some("S_IFSOCK|"),
        _ => None,
    };
    let names = |out: &mut Vec<u8>, kind: &str| {
        out.extend_from_slice(kind.as_bytes());
        let mut rest = mode & !TYPE;
        for (bit, name) in NAMED {
            if rest & bit != 0 {
                out.extend_from_slice(name.as_bytes());
                rest &= !bit;
            }
        }
        octal(rest, out);
    };
    match (style, kind) {
        (Constants::Abbrev, Some(kind)) => names(out, kind),
        (Constants::Verbose, Some(kind)) => {
            octal(mode, out);
            out.extend_from_slice(b" /* ");
            names(out, kind);
            out.extend_from_slice(b" */");
        }
        _ => octal(mode, out),
    }
}

/// A device number.
pub(super) fn device(major: u64, minor: u64, whole: u64, style: Constants, out: &mut Vec<u8>) {
    if style == Constants::Raw {
        return hex(whole, out);
    }
    if style == Constants::Verbose {
        hex(whole, out);
        out.extend_from_slice(b" /* ");
    }
    out.extend_from_slice(b"makedev(");
    hex(major, out);
    out.extend_from_slice(b", ");
    hex(minor, out);
    out.push(b')');
    if style == Constants::Verbose {
        out.extend_from_slice(b" */");
    }
}

/// How a process ended or stopped, in the words of wait(2)'s macros.
pub(super) fn wait_status(status: i32, style: Constants, out: &mut Vec<u8>) {
    out.push(b'{');
    let event = match (status & 0xff, status >> 8 & 0xff) {
        (0, code) => {
            number(out, format_args!("WIFEXITED(s) && WEXITSTATUS(s) == {code}"));
            status & !0xff00
        }
        (0x7f, stop) => {
            out.extend_from_slice(b"WIFSTOPPED(s) && WSTOPSIG(s) == ");
            signal(stop & 0x7f, style, out);
            if stop & 0x80 != 0 {
                out.extend_from_slice(b" | 0x80");
            }
            status & !0xffff
        }
        (0xff, 0xff) => {
            out.extend_from_slice(b"WIFCONTINUED(s)");
            status & !0xffff
        }
        (low, _) => {
            out.extend_from_slice(b"WIFSIGNALED(s) && WTERMSIG(s) == ");
            signal(low & 0x7f, style, out);
            if low & 0x80 != 0 {
                out.extend_from_slice(b" && WCOREDUMP(s)");
            }
            status & !0xff
        }
    };
    out.push(b'}');
    if event != 0 {
        number(out, format_args!(" | {:#x}", event));
    }
}
