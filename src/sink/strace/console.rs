//! Words that virtual consoles take (ioctl_console(2)), as strace tells them: tones by their frequency, keys by their type.

use super::constants::{bits, one};
use super::quote::character;
use super::values::{hex, number};
use crate::model::{Abi, Constants};
use crate::table::sets::{self, Set};

/// The clock of the timer that makes tones, in Hz (`PIT_TICK_RATE`).
const TICKS: u64 = 1_193_182;

/// Appends a word of one of the sets that are here; whether it has.
pub(super) fn render(set: &'static Set, word: u64, abi: Abi, style: Constants, out: &mut Vec<u8>) -> bool {
    let raw = style == Constants::Raw;
    match set.name {
        // The kernel looks at 8 bits.
        "kd_led" | "kd_default_led" => bits(set, word & 0xff, abi, style, out),
        "kd_sound" => {
            number(out, format_args!("{word}"));
            sound(TICKS.checked_div(word), None, raw, out);
        }
        "kd_tone" => {
            let (ticks, count) = (word >> 16 & 0xffff, word & 0xffff);
            if ticks != 0 {
                number(out, format_args!("{ticks}<<16|"));
            }
            number(out, format_args!("{count}"));
            sound(TICKS.checked_div(count).filter(|_| ticks != 0), Some(ticks), raw, out);
        }
        "kd_port" => {
            const FIRST: u64 = 0x3b4;
            const LAST: u64 = 0x3df;
            hex(word, out);
            if (FIRST..=LAST).contains(&word) && !raw {
                number(out, format_args!(" /* GPFIRST + {} */", word - FIRST));
            }
        }
        "kd_unicode" => unicode(word, style, out),
        _ => {
            hex(word, out);
            if !raw {
                key(set, word, abi, out);
            }
        }
    }
    true
}

/// What a tone is, as a comment.
fn sound(frequency: Option<u64>, milliseconds: Option<u64>, raw: bool, out: &mut Vec<u8>) {
    match (frequency.filter(|frequency| *frequency > 0), milliseconds) {
        _ if raw => {}
        (None, _) => number(out, format_args!(" /* off */")),
        (Some(frequency), None) => number(out, format_args!(" /* {frequency} Hz */")),
        (Some(frequency), Some(long)) => number(out, format_args!(" /* {frequency} Hz, {long} ms */")),
    }
}

/// A character of Unicode, some of which stand for places in the font.
fn unicode(word: u64, style: Constants, out: &mut Vec<u8>) {
    const BASE: u64 = 0xf000;
    const MASK: u64 = 0x1ff;
    let direct = word & !MASK == BASE;
    if style != Constants::Abbrev || !direct {
        hex(word, out);
    }
    if direct && style != Constants::Raw {
        let mut place = Vec::new();
        hex(word & MASK, &mut place);
        let place = String::from_utf8_lossy(&place).into_owned();
        match style {
            Constants::Abbrev => number(out, format_args!("UNI_DIRECT_BASE+{place}")),
            _ => number(out, format_args!(" /* UNI_DIRECT_BASE+{place} */")),
        }
    }
}

/// A key by its name, or by its type and the rest, as a comment.
fn key(set: &'static Set, word: u64, abi: Abi, out: &mut Vec<u8>) {
    let (kind, value) = (word >> 8, word & 0xff);
    if let Some(name) = set.name_of(word, abi) {
        return number(out, format_args!(" /* {name} */"));
    }
    out.extend_from_slice(b" /* K(");
    one(&sets::KD_KEY_TYPE, kind, abi, Constants::Abbrev, out);
    out.extend_from_slice(b", ");
    match kind {
        // Letters of Latin, with Meta, of an alphabet, and dead keys of Latin.
        0 | 8 | 11 | 13 => character(u8::try_from(value).unwrap_or(0), true, out),
        _ => hex(value, out),
    }
    out.extend_from_slice(b") */");
}
