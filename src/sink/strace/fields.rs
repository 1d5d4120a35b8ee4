//! What strace says of a field beside its value or in its place: moments, times, limits, bytes that no field covers.

use super::quote::quoted;
use super::values::{Painter, number};
use super::{answers, calls, constants, meaning, times};
use crate::decode::tree::{Node, Show, Value};
use crate::event::Name;
use crate::model::{Constants, HexStrings};
use crate::table::sets;

/// Whether `new` is the structure `old` with more at its end.
fn continues(old: &[u8], new: &[u8]) -> bool {
    let rest = old.strip_suffix(b"}").and_then(|begin| new.strip_prefix(begin));
    rest.is_some_and(|rest| rest.starts_with(b", ") || rest.starts_with(b" => "))
}

impl Painter<'_, '_> {
    /// A length that the kernel changed stands in one pair of brackets: `[16 => 8]`.
    pub(super) fn changed(&self, at: usize, out: &mut Vec<u8>) {
        let mut sides = self.tree.inside(at);
        let (Some((first, before)), Some((second, after))) = (sides.next(), sides.next()) else { return };
        let messages = matches!(self.event.name, Name::Known("recvmsg" | "recvmmsg" | "recvmmsg_time64" | "sendmmsg"));
        if messages && matches!(after.value, Value::Struct | Value::List) {
            return self.value(second, after, out);
        }
        let start = out.len();
        self.value(first, before, out);
        let middle = out.len();
        // SG_IO's data both ways.
        if after.name == "dxferp" {
            out.extend_from_slice(b"dxferp=");
        }
        self.value(second, after, out);
        let (old, new) = (out.get(start..middle).unwrap_or(&[]).to_vec(), out.get(middle..).unwrap_or(&[]).to_vec());
        out.truncate(start);
        out.extend_from_slice(&old);
        // GIO_UNIMAP says both sides also when they are the same.
        if old == new && after.name != "entry_ct" {
            return;
        }
        if self.event.name == Name::Known("bpf") {
            out.truncate(start);
            // BPF_PROG_LOAD: what was asked for, without the verifier's words.
            return match self.event.words().first() {
                Some(5) => self.value(first, before, out),
                _ => self.merged(first, second, out),
            };
        }
        if answers::told_together(self.event) && continues(&old, &new) {
            out.truncate(start);
            return out.extend_from_slice(&new);
        }
        let inner = |side: &[u8]| side.strip_prefix(b"[").and_then(|side| side.strip_suffix(b"]")).map(<[u8]>::to_vec);
        match (inner(&old), inner(&new)) {
            (Some(old), Some(new)) if calls::says_lengths(self.event) => {
                out.truncate(start);
                out.push(b'[');
                out.extend_from_slice(&old);
                out.extend_from_slice(b" => ");
                out.extend_from_slice(&new);
                out.push(b']');
            }
            _ => {
                out.extend_from_slice(b" => ");
                out.extend_from_slice(&new);
            }
        }
    }

    /// The bytes of a structure that no field covers: which they are, and each in base 16.
    pub(super) fn unknown(&self, field: &Node, out: &mut Vec<u8>) {
        let (Value::Bytes(seen), Some(note)) = (field.value, &field.note) else {
            return out.extend_from_slice(b"???");
        };
        out.extend_from_slice(b"/* ");
        out.extend_from_slice(self.event.bytes(note, self.tree));
        out.extend_from_slice(b" */ ");
        quoted(self.event.bytes(&seen, self.tree), HexStrings::All, out);
    }

    /// A structure before and after the call, whose fields that changed are told with both values.
    pub(super) fn merged(&self, before: usize, after: usize, out: &mut Vec<u8>) {
        let fields = |at| {
            let shown = move |(_, field): &(usize, &Node)| {
                field.show == Show::Always && !meaning::leaves_field_out(self, at, field)
            };
            self.tree.inside(at).filter(shown)
        };
        out.push(b'{');
        for (index, ((old_at, old), (new_at, new))) in fields(before).zip(fields(after)).enumerate() {
            out.extend_from_slice(if index > 0 { b", " } else { b"" });
            out.extend_from_slice(old.name.as_bytes());
            out.push(b'=');
            if (old.value, new.value) == (Value::Struct, Value::Struct) {
                self.merged(old_at, new_at, out);
                continue;
            }
            let start = out.len();
            self.value(old_at, old, out);
            let mut changed = Vec::new();
            self.value(new_at, new, &mut changed);
            if out.get(start..) != Some(&changed) {
                out.extend_from_slice(b" => ");
                out.extend_from_slice(&changed);
            }
        }
        out.push(b'}');
    }

    /// Whether most of the 32 bits of ICMP's types are in the group, which strace tells by those that are not.
    pub(super) fn turns_around(&self, at: usize) -> bool {
        let mut inside = self.tree.inside(at);
        let is_type = |node: &Node| matches!(node.value, Value::Constant(set, _) if set.name == sets::ICMP_TYPE.name);
        inside.next().is_some_and(|(_, first)| is_type(first)) && inside.count() >= 16
    }

    /// The types that are not in the group.
    pub(super) fn others(&self, at: usize, out: &mut Vec<u8>) {
        let has = |kind: u64| {
            self.tree.inside(at).any(|(_, node)| matches!(node.value, Value::Constant(_, word) if word == kind))
        };
        out.extend_from_slice(b"~[");
        for (index, kind) in (0..32).filter(|kind| !has(*kind)).enumerate() {
            out.extend_from_slice(if index > 0 { b" " } else { b"" });
            constants::one(&sets::ICMP_TYPE, kind, self.abi(), self.shown.constants, out);
        }
        out.push(b']');
    }

    /// A constructor with its arguments; a number in network order by its bytes where names are not wanted.
    pub(super) fn call(&self, name: &'static str, at: usize, node: &Node, out: &mut Vec<u8>) {
        let mut shown = self.shown.clone();
        let number = self.tree.inside(at).next().map_or(0, |(_, inner)| match inner.value {
            Value::Unsigned(word) | Value::Hex(word) => word,
            Value::Constant(_, word) if node.name == "sll_protocol" => word,
            // Other constants are shown in the style that is asked for.
            _ => u64::MAX,
        });
        let width = match name {
            _ if number == u64::MAX => 0,
            "htons" => 2,
            "htonl" => 4,
            "htobe64" => 8,
            _ => 0,
        };
        if width > 0 {
            shown.constants = Constants::Abbrev;
        }
        let inside = Painter { shown: &shown, event: self.event, tree: self.tree, zone: self.zone, ..*self };
        let words = |out: &mut Vec<u8>| {
            out.extend_from_slice(name.as_bytes());
            inside.list(at, node, b"(", b", ", out);
        };
        match number.to_be_bytes().get(8 - width..).filter(|_| width > 0) {
            Some(bytes) => self.ordered(bytes, out, words),
            None => words(out),
        }
    }

    /// What is shown in words, or as its bytes where constants are shown as numbers.
    pub(super) fn ordered(&self, bytes: &[u8], out: &mut Vec<u8>, words: impl FnOnce(&mut Vec<u8>)) {
        if self.shown.constants == Constants::Abbrev {
            return words(out);
        }
        quoted(bytes, HexStrings::All, out);
        if self.shown.constants == Constants::Verbose {
            out.extend_from_slice(b" /* ");
            words(out);
            out.extend_from_slice(b" */");
        }
    }

    /// A fraction as people write it.
    pub(super) fn fraction(&self, at: usize, out: &mut Vec<u8>) {
        for (index, (at, node)) in self.tree.inside(at).enumerate() {
            out.extend_from_slice(if index == 0 { b"" } else { b"/" });
            self.value(at, node, out);
        }
    }

    /// `[NAME]=ITEM`.
    pub(super) fn place(&self, at: usize, out: &mut Vec<u8>) {
        for (index, (at, node)) in self.tree.inside(at).enumerate() {
            out.extend_from_slice(if index == 0 { b"[" } else { b"]=" });
            self.value(at, node, out);
        }
    }

    /// When a pair of seconds and a fraction is, as a comment.
    pub(super) fn moment(&self, at: usize, out: &mut Vec<u8>) {
        if self.shown.constants == Constants::Raw && calls::name(self.event) == "ioctl" {
            return;
        }
        let mut fields = self.tree.inside(at).map(|(_, field)| (field.name, field.value));
        let seconds = match fields.next() {
            Some((_, Value::Signed(seconds))) => Some(seconds),
            Some((_, Value::Unsigned(seconds))) => Some(seconds.cast_signed()),
            _ => None,
        };
        if let (Some(seconds), Some((name, Value::Unsigned(part)))) = (seconds, fields.next()) {
            times::comment(self.zone, seconds, Some((part, if name.ends_with("nsec") { 9 } else { 6 })), out);
        }
    }

    /// utimensat(2): nanoseconds that stand for a moment themselves, whatever the seconds.
    pub(super) fn special_moment(&self, at: usize, out: &mut Vec<u8>) -> bool {
        const NOW: u64 = (1 << 30) - 1;
        const OMIT: u64 = (1 << 30) - 2;
        let verbose = self.shown.constants == Constants::Verbose;
        if self.shown.constants == Constants::Raw || !calls::says_moments(self.event) {
            return false;
        }
        let name = match self.tree.inside(at).nth(1).map(|(_, field)| (field.name, field.value)) {
            Some(("tv_nsec", Value::Unsigned(NOW))) => "UTIME_NOW",
            Some(("tv_nsec", Value::Unsigned(OMIT))) => "UTIME_OMIT",
            _ => return false,
        };
        match self.tree.node(at) {
            Some(node) if verbose => {
                self.value(at, node, out);
                number(out, format_args!(" /* {name} */"));
            }
            _ => out.extend_from_slice(name.as_bytes()),
        }
        true
    }

    /// What a field of a structure says beside its value.
    pub(super) fn aside(&self, field: &Node, out: &mut Vec<u8>) {
        match (field.name, field.value) {
            // perf_event_open(2).
            ("precise_ip", Value::Unsigned(skid)) => {
                let about = match skid {
                    0 => "arbitrary skid",
                    1 => "constant skid",
                    2 => "requested to have 0 skid",
                    _ => "must have 0 skid",
                };
                number(out, format_args!(" /* {about} */"));
            }
            ("actime" | "modtime", Value::Signed(seconds)) => times::comment(self.zone, seconds, None, out),
            ("tms_utime" | "tms_stime" | "tms_cutime" | "tms_cstime" | "si_utime" | "si_stime", value) => {
                let ticks = match value {
                    Value::Signed(ticks) => ticks.cast_unsigned(),
                    Value::Unsigned(ticks) => ticks,
                    _ => 0,
                };
                // The kernel counts these in hundredths (USER_HZ) on every CPU that smtrace knows.
                if ticks != 0 && self.shown.constants != Constants::Raw {
                    number(out, format_args!(" /* {}.{:02} s */", ticks / 100, ticks % 100));
                }
            }
            _ => {}
        }
    }

    /// A resource limit: most are so many kibibytes.
    pub(super) fn limit(&self, limit: u64, out: &mut Vec<u8>) {
        let wide = self.abi().word() == 8 || matches!(self.event.name, Name::Known("prlimit64"));
        let infinite = limit == u64::MAX || (!wide && self.abi().word() == 4 && limit == 0xffff_ffff);
        match self.shown.constants {
            Constants::Raw => number(out, format_args!("{limit}")),
            Constants::Abbrev if infinite => {
                out.extend_from_slice(if wide { b"RLIM64_INFINITY" } else { b"RLIM_INFINITY" })
            }
            Constants::Verbose if infinite => {
                number(out, format_args!("{limit} /* {} */", if wide { "RLIM64_INFINITY" } else { "RLIM_INFINITY" }));
            }
            Constants::Abbrev if limit > 1024 && limit.is_multiple_of(1024) => {
                number(out, format_args!("{}*1024", limit / 1024));
            }
            Constants::Verbose if limit > 1024 && limit.is_multiple_of(1024) => {
                number(out, format_args!("{limit} /* {}*1024 */", limit / 1024));
            }
            _ => number(out, format_args!("{limit}")),
        }
    }
}
