//! What strace says of a field beside its value or in its place: moments, times, limits, bytes that no field covers.

use super::quote::quoted;
use super::values::{Painter, number};
use super::{calls, times};
use crate::decode::tree::{Node, Seen, Value};
use crate::event::Name;
use crate::model::{Constants, HexStrings};

impl Painter<'_, '_> {
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

    /// An address of a network device: as text, as bytes, or both.
    pub(super) fn hardware_address(&self, seen: &Seen, out: &mut Vec<u8>) {
        let bytes = self.event.bytes(seen, self.tree);
        let style = self.shown.constants;
        if style != Constants::Abbrev {
            quoted(bytes, HexStrings::All, out);
        }
        if style == Constants::Raw {
            return;
        }
        out.extend_from_slice(if style == Constants::Verbose { b" /* " } else { b"" });
        for (at, byte) in bytes.iter().enumerate() {
            number(out, format_args!("{}{byte:02x}", if at > 0 { ":" } else { "" }));
        }
        out.extend_from_slice(if style == Constants::Verbose { b" */" } else { b"" });
    }

    /// When a pair of seconds and a fraction is, as a comment.
    pub(super) fn moment(&self, at: usize, out: &mut Vec<u8>) {
        let mut fields = self.tree.inside(at).map(|(_, field)| (field.name, field.value));
        if let (Some((_, Value::Signed(seconds))), Some((name, Value::Unsigned(part)))) = (fields.next(), fields.next())
        {
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
