//! What stands behind the closing bracket: the result by its kind, errors with their text.

use super::descriptors;
use super::values::{Painter, number};
use crate::decode::walk::low32;
use crate::decode::{errno, result_kind};
use crate::event::{Event, Name, Outcome};
use crate::model::Abi;
use crate::table::{self, Ret};

/// Appends the result of a call.
pub(super) fn result(painter: &Painter<'_, '_>, raw: bool, out: &mut Vec<u8>) {
    let event = painter.event;
    out.extend_from_slice(b"= ");
    let Outcome::Returned(result) = event.outcome else { return out.push(b'?') };
    let kind = kind_of(event);
    if let Some(error) = event.error() {
        return failure(error, out);
    }
    let narrow = event.head().abi.is_some_and(|abi| abi == Abi::I386);
    let unsigned = if narrow { result.cast_unsigned() & 0xffff_ffff } else { result.cast_unsigned() };
    match kind {
        _ if raw => super::values::hex(unsigned, out),
        // Flags, leases and seals of fcntl(2), and prctl(2)'s secure bits.
        Ret::Int if let Some(old) = duplicated(event) => {
            number(out, format_args!("{result}"));
            if painter.shown.fds.any() {
                descriptors::target(painter, old, out);
            }
        }
        Ret::Int if is_bits(event) => super::values::hex(unsigned, out),
        Ret::Hex | Ret::Ptr => super::values::hex(unsigned, out),
        Ret::Mode => super::constants::octal(u32::try_from(unsigned).unwrap_or(u32::MAX), out),
        Ret::Uint | Ret::Uid | Ret::Gid => number(out, format_args!("{unsigned}")),
        Ret::Fd => match i32::try_from(result) {
            Ok(fd) => painter.descriptor(fd, out),
            Err(_) => number(out, format_args!("{result}")),
        },
        Ret::None | Ret::Int | Ret::Long | Ret::Size | Ret::Pid | Ret::Off => number(out, format_args!("{result}")),
    }
}

/// Whether the result of a call with commands is a word of bits.
fn is_bits(event: &Event<'_>) -> bool {
    let word = |index: usize| event.words().get(index).map(|word| word & 0xffff_ffff);
    match event.name {
        // F_GETFD, F_GETFL, F_GETLEASE, F_GET_SEALS (linux/fcntl.h).
        Name::Known("fcntl" | "fcntl64") => matches!(word(1), Some(1 | 3 | 1025 | 1034)),
        Name::Known("personality") => true,
        // PR_GET_SECUREBITS (linux/prctl.h).
        Name::Known("prctl") => word(0) == Some(27),
        _ => false,
    }
}

fn kind_of(event: &Event<'_>) -> Ret {
    let row = match event.name {
        Name::Known(name) => table::by_name(name),
        Name::Unknown(_) => None,
    };
    row.map_or(Ret::Long, |row| result_kind(row, event.words()))
}

/// What a fcntl(2) that duplicates a descriptor duplicated.
fn duplicated(event: &Event<'_>) -> Option<i32> {
    // F_DUPFD, F_DUPFD_CLOEXEC (linux/fcntl.h).
    let (Name::Known("fcntl" | "fcntl64"), [old, command, ..]) = (event.name, event.words()) else { return None };
    matches!(low32(*command), 0 | 1030).then(|| low32(*old).cast_signed())
}

fn failure(error: u16, out: &mut Vec<u8>) {
    let restart = match error {
        512 => Some("To be restarted if SA_RESTART is set"),
        513 => Some("To be restarted"),
        514 => Some("To be restarted if no handler"),
        516 => Some("Interrupted by signal"),
        _ => None,
    };
    match (restart, errno::name(error)) {
        (Some(text), Some(name)) => number(out, format_args!("? {name} ({text})")),
        (None, Some(name)) => {
            number(out, format_args!("-1 {name} ("));
            match errno::text(error) {
                Some(text) => out.extend_from_slice(text.as_bytes()),
                None => number(out, format_args!("Unknown error {error}")),
            }
            out.push(b')');
        }
        (_, None) => number(out, format_args!("-1 (errno {error})")),
    }
}
