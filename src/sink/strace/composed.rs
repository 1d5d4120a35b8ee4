//! Words that hold several things, which strace takes apart in its own way: a vector length with flags, the control of
//! tagged addresses, a command with a type, an ioctl request without a name.

use super::constants::{bits, octal, one};
use super::quote::character;
use super::values::{hex, number};
use super::{console, requests};
use crate::decode::walk::low32;
use crate::model::{Abi, Constants};
use crate::table::sets::{self, Base, Set};
use std::borrow::Cow;

/// Appends `word` when it is of a set whose words are composed, and says whether it is.
pub(super) fn render(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    let compose: fn(&'static Set, u64, Abi, &mut Vec<u8>) = match set.name {
        "ioctl" if style == Constants::Verbose && requests::made(word).is_some() => commented_request,
        "prctl_sve" | "prctl_sme" => vector_length,
        "prctl_tagged_addr" => tagged_address,
        "quotactl" => quota_command,
        "ide_nice" => spaced,
        "l2cap_psm" | "l2cap_cid" if dynamic(word, set, abi).is_some() => counted,
        "capabilities" => shifted,
        "swapon" => return swap_flags(set, word, abi, style, out),
        "futex_op" if impossible_futex(word) => return unnamed(set, word, style, out),
        "futex_wake_word" => wake_operation,
        "v4l2_pixel_format" | "v4l2_sdr_format" | "v4l2_meta_format" if style != Constants::Raw => {
            return four_characters(set, word, abi, out);
        }
        "v4l2_control" | "v4l2_query" if style != Constants::Raw => return control(set, word, abi, style, out),
        "btrfs_object" | "btrfs_key" | "uint64_limit" => return unsigned(set, word, abi, style, out),
        "kd_led" | "kd_default_led" | "kd_sound" | "kd_tone" | "kd_port" | "kd_unicode" | "kd_key" => {
            return console::render(set, word, abi, style, out);
        }
        "mount" if style != Constants::Abbrev => return old_mount(set, word, abi, style, out),
        name if name.starts_with("bpf_code") && style != Constants::Abbrev => {
            return filter_code(set, word, abi, style, out);
        }
        "shmget" | "semget" | "msgget" => return creation(set, word, abi, style, out),
        "ioctl" if requests::made(word).is_some() || set.name_of(word, abi).is_none() => request,
        _ => return false,
    };
    let raw = |out: &mut Vec<u8>| match set.base {
        Base::Dec => number(out, format_args!("{word}")),
        Base::Hex | Base::Oct => hex(word, out),
    };
    match style {
        Constants::Raw => raw(out),
        Constants::Abbrev => compose(set, word, abi, out),
        Constants::Verbose => {
            let start = out.len();
            raw(out);
            let middle = out.len();
            compose(set, word, abi, out);
            let composed = out.split_off(middle);
            if out.get(start..) != Some(&composed) {
                out.extend_from_slice(b" /* ");
                out.extend_from_slice(&composed);
                out.extend_from_slice(b" */");
            }
        }
    }
    true
}

/// PR_SVE_SET_VL, PR_SME_SET_VL: flags, and in the low 16 bits a length (linux/prctl.h).
fn vector_length(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let mut split = set.split(word & !0xffff, abi);
    for name in split.by_ref() {
        out.extend_from_slice(name.as_bytes());
        out.push(b'|');
    }
    if split.rest() != 0 {
        number(out, format_args!("{:#x}|", split.rest()));
    }
    hex(word & 0xffff, out);
}

/// PR_SET_TAGGED_ADDR_CTRL: whether at all, how tag faults are told, and the tags that may be generated.
fn tagged_address(_: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    const ENABLE: u64 = 1;
    const FAULTS: u64 = 6;
    const TAG_SHIFT: u32 = 3;
    const TAGS: u64 = 0xffff << TAG_SHIFT;
    out.extend_from_slice(if word & ENABLE == 0 { b"!PR_TAGGED_ADDR_ENABLE|" } else { b"PR_TAGGED_ADDR_ENABLE|" });
    one(&sets::PRCTL_MTE, word & FAULTS, abi, Constants::Abbrev, out);
    if word & TAGS != 0 {
        number(out, format_args!("|{:#x}<<PR_MTE_TAG_SHIFT", (word & TAGS) >> TAG_SHIFT));
    }
    let rest = word & !(ENABLE | FAULTS | TAGS);
    if rest != 0 {
        number(out, format_args!("|{rest:#x}"));
    }
}

/// quotactl(2): `QCMD(command, type)`.
fn quota_command(_: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    out.extend_from_slice(b"QCMD(");
    one(&sets::QUOTA_COMMAND, (word & 0xffff_ffff) >> 8, abi, Constants::Abbrev, out);
    out.extend_from_slice(b", ");
    one(&sets::QUOTA_TYPE, word & 0xff, abi, Constants::Abbrev, out);
    out.push(b')');
}

/// The beginning of the numbers of Bluetooth's that are given out as they are needed, if `word` is one of them.
fn dynamic(word: u64, set: &'static Set, abi: Abi) -> Option<u64> {
    if set.name_of(word, abi).is_some() {
        return None;
    }
    match (set.name, word) {
        ("l2cap_psm", 0x80..=0xff) => Some(0x80),
        ("l2cap_psm", 0x1001..) => Some(0x1001),
        ("l2cap_cid", 0x40..) => Some(0x40),
        _ => None,
    }
}

/// Such a number, counted from the first.
fn counted(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let first = dynamic(word, set, abi).unwrap_or(0);
    number(out, format_args!("{}+{}", set.name_of(first, abi).unwrap_or_default(), word - first));
}

/// The code of a filter's instruction: each part of it in the style that is asked for, and what belongs to none.
fn filter_code(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    let mut rest = word;
    for (index, part) in set.parts.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b"|" } else { b"" });
        one(part.set, word & part.mask, abi, style, out);
        rest &= !part.mask;
    }
    if rest != 0 {
        out.push(b'|');
        hex(rest, out);
    }
    true
}

/// swapon(2): flags in the style that is asked for, and in the low 15 bits a priority.
fn swap_flags(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    const PRIORITY: u64 = 0x7fff;
    if word & !PRIORITY != 0 {
        bits(set, word & !PRIORITY, abi, style, out);
        out.push(b'|');
    }
    number(out, format_args!("{}", word & PRIORITY));
    true
}

/// A format of pictures: four characters, and its name in a comment (linux/videodev2.h, `v4l2_fourcc`).
fn four_characters(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(b"v4l2_fourcc(");
    for (index, byte) in low32(word).to_le_bytes().into_iter().enumerate() {
        out.extend_from_slice(if index > 0 { b", " } else { b"" });
        character(byte, false, out);
    }
    out.push(b')');
    if let Some(name) = set.name_of(word, abi) {
        number(out, format_args!(" /* {name} */"));
    }
    true
}

/// A control of a video device: one without a name by its class. A query asks for the next one with flags.
fn control(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    const NEXT: u64 = 0xc000_0000;
    const IN_A_CLASS: u64 = 0x1_0000;
    let flags = if set.name == "v4l2_query" { word & NEXT } else { 0 };
    if flags != 0 {
        bits(&sets::V4L2_CONTROL_NEXT, flags, abi, style, out);
        out.push(b'|');
    }
    let id = word & !flags;
    let named = || {
        let class = id & !(IN_A_CLASS - 1);
        let class_name = sets::V4L2_CONTROL_CLASS.name_of(class, abi)?;
        let within = id - class;
        let within = if within == 0 { "0".to_owned() } else { format!("{within:#x}") };
        Some(Cow::Owned(format!("{class_name}+{within}")))
    };
    match set.name_of(id, abi).map(Cow::Borrowed).or_else(named) {
        Some(name) if style == Constants::Abbrev => out.extend_from_slice(name.as_bytes()),
        Some(name) => number(out, format_args!("{id:#x} /* {name} */")),
        None => return unnamed(set, id, style, out),
    }
    true
}

/// A number in base 10 without a sign, some of which have names.
fn unsigned(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    match (style, set.name_of(word, abi)) {
        (Constants::Abbrev, Some(name)) => out.extend_from_slice(name.as_bytes()),
        (Constants::Verbose, Some(name)) => number(out, format_args!("{word} /* {name} */")),
        _ => number(out, format_args!("{word}")),
    }
    true
}

/// mount(2): the mark of programs older than Linux 2.4, and their 16 flags.
fn old_mount(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    const MAGIC_MASK: u64 = 0xffff_0000;
    const MAGIC: u64 = 0xc0ed_0000;
    let marked = word & MAGIC_MASK == MAGIC;
    if marked {
        out.extend_from_slice(if style == Constants::Raw { b"0xc0ed0000" } else { b"0xc0ed0000 /* MS_MGC_VAL */" });
        if word & !MAGIC_MASK != 0 {
            out.push(b'|');
            bits(set, word & !MAGIC_MASK, abi, style, out);
        }
    }
    marked
}

/// shmget(2), semget(2), msgget(2): flags, the size of huge pages and permissions, each in the style that is asked for.
fn creation(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    const MODE: u64 = 0o777;
    const HUGE_SHIFT: u32 = 26;
    let huge = if set.name == "shmget" { word & 0x3f << HUGE_SHIFT } else { 0 };
    let rest = word & !(MODE | huge);
    // Permissions of 0 have a name too, which is said at the end.
    let mut split = set.split(rest, abi);
    let mut names: Vec<Cow<'_, str>> =
        split.by_ref().filter(|name| name.starts_with(char::is_alphabetic)).map(Cow::Borrowed).collect();
    if !names.is_empty() && split.rest() != 0 {
        names.push(format!("{:#x}", split.rest()).into());
    }
    if rest != 0 {
        match style {
            Constants::Abbrev if !names.is_empty() => number(out, format_args!("{}|", names.join("|"))),
            Constants::Verbose if !names.is_empty() => {
                number(out, format_args!("{rest:#x} /* {} */|", names.join("|")));
            }
            _ => number(out, format_args!("{rest:#x}|")),
        }
    }
    if huge != 0 {
        number(out, format_args!("{}<<", huge >> HUGE_SHIFT));
        match style {
            Constants::Abbrev => out.extend_from_slice(b"SHM_HUGE_SHIFT"),
            Constants::Raw => number(out, format_args!("{HUGE_SHIFT}")),
            Constants::Verbose => number(out, format_args!("{HUGE_SHIFT} /* SHM_HUGE_SHIFT */")),
        }
        out.push(b'|');
    }
    octal(u32::try_from(word & MODE).unwrap_or(0), out);
    true
}

/// futex(2): a clock is chosen only by the commands that wait until a moment; of others the kernel takes the whole word
/// for a command that there is not.
fn impossible_futex(word: u64) -> bool {
    const CLOCK_REALTIME: u64 = 0x100;
    const COMMAND: u64 = 0x7f;
    // FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2.
    word & CLOCK_REALTIME != 0 && !matches!(word & COMMAND, 0 | 9 | 11 | 13)
}

/// A word that as a whole has no name.
fn unnamed(set: &'static Set, word: u64, style: Constants, out: &mut Vec<u8>) -> bool {
    hex(word, out);
    if style != Constants::Raw {
        number(out, format_args!(" /* {} */", set.unknown));
    }
    true
}

/// FUTEX_WAKE_OP (futex(2)): an operation on the second word with its argument, and a comparison with its own.
fn wake_operation(_: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let part = |set: &'static Set, value: u64, shift: u32, out: &mut Vec<u8>| match set.name_of(value, abi) {
        Some(name) => number(out, format_args!("{name}<<{shift}|")),
        None => number(out, format_args!("{value:#x}<<{shift} /* {} */|", set.unknown)),
    };
    let (operation, argument) = (word >> 28 & 0x7, word >> 12 & 0xfff);
    if word >> 31 & 1 == 1 {
        number(out, format_args!("FUTEX_OP_OPARG_SHIFT<<28|"));
    }
    part(&sets::FUTEX_WAKE_OP, operation, 28, out);
    hex(argument, out);
    number(out, format_args!("<<12|"));
    part(&sets::FUTEX_WAKE_COMPARE, word >> 24 & 0xf, 24, out);
    hex(word & 0xfff, out);
}

/// capset(2): a bit by the number of its capability, and none known in a half as that half.
fn shifted(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let mut split = set.split(word, abi);
    let mut any = false;
    for name in split.by_ref().filter(|_| word != 0) {
        number(out, format_args!("{}1<<{name}", if any { "|" } else { "" }));
        any = true;
    }
    match split.rest() {
        0 if any => {}
        rest if any => number(out, format_args!("|{rest:#x}")),
        rest => hex(rest, out),
    }
}

/// HDIO_SET_NICE: bits by the number that shifts them, with spaces around the shift.
fn spaced(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let mut split = set.split(word, abi);
    let mut any = false;
    for name in split.by_ref() {
        number(out, format_args!("{}{}", if any { "|" } else { "" }, name.replace("<<", " << ")));
        any = true;
    }
    match split.rest() {
        0 if any => {}
        rest if any => number(out, format_args!("|{rest:#x}")),
        rest => hex(rest, out),
    }
}

/// ioctl(2): the direction, type, number and size that a request is made of (asm-generic/ioctl.h).
///
/// When a macro and a constant make the same request, both are told.
fn request(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    if requests::made(word).is_some() {
        return made_request(set, word, abi, false, out);
    }
    let direction = match (word & 0xffff_ffff) >> 30 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    };
    number(out, format_args!("_IOC({direction}, "));
    hex(word >> 8 & 0xff, out);
    out.extend_from_slice(b", ");
    hex(word & 0xff, out);
    out.extend_from_slice(b", ");
    hex(word >> 16 & 0x3fff, out);
    out.push(b')');
}

/// As [`request`], inside a comment.
fn commented_request(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    made_request(set, word, abi, true, out);
}

fn made_request(set: &'static Set, word: u64, abi: Abi, inside: bool, out: &mut Vec<u8>) {
    if let Some(made) = requests::made(word) {
        made.render(abi, inside, out);
    }
    if let Some(name) = set.name_of(word, abi) {
        number(out, format_args!(" or {name}"));
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::model::{Abi, Constants};
    use crate::table::sets::{self, Set};

    fn shown(set: &'static Set, word: u64, style: Constants) -> String {
        let mut out = Vec::new();
        assert!(render(set, word, Abi::X86_64, style, &mut out), "{set:?} is composed");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_word_is_taken_apart_in_its_own_way() {
        let cases = [
            (&sets::PRCTL_SVE, 0xdead, "0xdead"),
            (&sets::PRCTL_SVE, 0x2_ea57, "PR_SVE_VL_INHERIT|0xea57"),
            (&sets::PRCTL_SME, 0x1_0000, "0x10000|0"),
            (&sets::PRCTL_TAGGED_ADDR, 0xd, "PR_TAGGED_ADDR_ENABLE|PR_MTE_TCF_ASYNC|0x1<<PR_MTE_TAG_SHIFT"),
            (&sets::QUOTACTL, 0x8000_02ed, "QCMD(Q_QUOTAON, 0xed /* ???QUOTA */)"),
            (&sets::SWAPON, 42, "42"),
            (&sets::SWAPON, 0x8000, "SWAP_FLAG_PREFER|0"),
            (&sets::MSGGET, 0o125, "0125"),
            (
                &sets::SHMGET,
                0x56ce_1e55,
                "IPC_CREAT|IPC_EXCL|SHM_HUGETLB|SHM_NORESERVE|0x2ce0000|21<<SHM_HUGE_SHIFT|0125",
            ),
            (&sets::IOCTL, 0xfeed_4ced, "_IOC(_IOC_READ|_IOC_WRITE, 0x4c, 0xed, 0x3eed)"),
        ];
        for (set, word, want) in cases {
            assert_eq!(shown(set, word, Constants::Abbrev), want);
        }
        assert_eq!(shown(&sets::PRCTL_SVE, 0xdead, Constants::Verbose), "0xdead");
        assert_eq!(shown(&sets::PRCTL_SME, 0x1_0000, Constants::Verbose), "0x10000 /* 0x10000|0 */");
        assert_eq!(shown(&sets::QUOTACTL, 0x8000_0100, Constants::Raw), "2147483904");
    }

    #[test]
    fn other_words_are_left_to_their_names() {
        let mut out = Vec::new();
        assert!(!render(&sets::OPEN, 0o100, Abi::X86_64, Constants::Abbrev, &mut out));
        assert!(!render(&sets::IOCTL, 0x5413, Abi::X86_64, Constants::Abbrev, &mut out), "TIOCGWINSZ has a name");
        assert!(out.is_empty());
    }
}
