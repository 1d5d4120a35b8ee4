//! What a register holds by its argument's kind alone, and texts as formats show them.

use super::tree::Seen;
use crate::model::Abi;
use crate::model::record::{Piece, State};
use crate::table::Kind;

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// A signed number.
    Signed(i64),
    /// An unsigned number.
    Unsigned(u64),
    /// An address, or a word that is best shown in base 16.
    Hex(u64),
}

/// Bytes of the tracee that are text to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// There was more.
    pub cut: bool,
    /// The rest could not be read.
    pub unreadable: bool,
}

impl<'a> Text<'a> {
    /// A text that is all there.
    #[must_use]
    pub fn whole(bytes: &'a [u8]) -> Text<'a> {
        Text { bytes, cut: false, unreadable: false }
    }

    /// The text of `piece`, of at most `max` bytes; a cut leaves no half of a UTF-8 character.
    pub fn of(piece: &Piece<'a>, max: usize) -> Text<'a> {
        let long = piece.data.len() > max;
        let cut = long || piece.state == State::Cut;
        let bytes = piece.data.get(..max).unwrap_or(piece.data);
        let bytes = if cut { without_half_character(bytes) } else { bytes };
        Text { bytes, cut, unreadable: piece.state == State::Unreadable && !long }
    }

    /// The text whose bytes a walk saw.
    #[must_use]
    pub fn seen(seen: &Seen, bytes: &'a [u8]) -> Text<'a> {
        let cut = seen.state == State::Cut;
        let bytes = if cut { without_half_character(bytes) } else { bytes };
        Text { bytes, cut, unreadable: seen.state == State::Unreadable }
    }
}

fn without_half_character(bytes: &[u8]) -> &[u8] {
    let tail = bytes.iter().rev().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let start = bytes.len().saturating_sub(tail + 1);
    let needs = match bytes.get(start) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 0,
    };
    if tail + 1 < needs { bytes.get(..start).unwrap_or(bytes) } else { bytes }
}

/// What a register means by its kind.
#[must_use]
pub fn decode_raw(kind: Kind, raw: u64, abi: Abi) -> Raw {
    let low = raw & 0xffff_ffff;
    let int = i64::from(u32::try_from(low).unwrap_or(0).cast_signed());
    let narrow = abi.word() == 4;
    let word = if narrow { low } else { raw };
    match kind {
        Kind::Int | Kind::Fd | Kind::Dirfd | Kind::Pid | Kind::Tid | Kind::Sig | Kind::Errno => Raw::Signed(int),
        // -1 is "leave as it is" to the calls that set ids.
        Kind::Uid | Kind::Gid if low == 0xffff_ffff => Raw::Signed(-1),
        Kind::Uint | Kind::Uid | Kind::Gid | Kind::Mode | Kind::Dev | Kind::Lo | Kind::Hi => Raw::Unsigned(low),
        // Most are ints to the kernel, whatever the register's upper half: it is shown only when it tells something.
        Kind::Enum(_) if narrow || matches!(raw >> 32, 0 | 0xffff_ffff) => Raw::Signed(int),
        Kind::Flags(_) if narrow || raw >> 32 == 0xffff_ffff => Raw::Unsigned(low),
        Kind::Enum(_) | Kind::Flags(_) | Kind::U64 => Raw::Unsigned(raw),
        Kind::Long if narrow => Raw::Signed(int),
        Kind::Off if abi == Abi::I386 => Raw::Signed(int),
        Kind::Long | Kind::Off => Raw::Signed(raw.cast_signed()),
        Kind::Ulong | Kind::Size => Raw::Unsigned(word),
        Kind::Hex
        | Kind::None
        | Kind::Union(_)
        | Kind::Ptr
        | Kind::Path
        | Kind::Str
        | Kind::Strv
        | Kind::Bytes(_)
        | Kind::Struct(_)
        | Kind::StructArray(..)
        | Kind::StructSized(..) => Raw::Hex(word),
    }
}

#[cfg(test)]
mod tests {
    use super::{Raw, Text, decode_raw, without_half_character};
    use crate::model::Abi;
    use crate::model::record::{Piece, State};
    use crate::table::{Kind, sets};

    #[test]
    fn a_register_is_what_its_kind_says() {
        let cases = [
            (Kind::Dirfd, 0xffff_ff9c, Abi::X86_64, Raw::Signed(-100)),
            (Kind::Int, u64::MAX, Abi::X86_64, Raw::Signed(-1)),
            (Kind::Uint, u64::MAX, Abi::X86_64, Raw::Unsigned(0xffff_ffff)),
            (Kind::Uid, 0xffff_ffff, Abi::X86_64, Raw::Signed(-1)),
            (Kind::Long, u64::MAX, Abi::X86_64, Raw::Signed(-1)),
            (Kind::Long, 0xffff_ffff, Abi::I386, Raw::Signed(-1)),
            (Kind::Off, 1 << 40, Abi::X32, Raw::Signed(1 << 40)),
            (Kind::Size, 0xdead_0000_0001, Abi::I386, Raw::Unsigned(1)),
            (Kind::Ptr, 0, Abi::X86_64, Raw::Hex(0)),
            (Kind::Flags(&sets::OPEN), 512, Abi::X86_64, Raw::Unsigned(512)),
            (Kind::Flags(&sets::CLONE), 1 << 33, Abi::X86_64, Raw::Unsigned(1 << 33)),
            (Kind::Enum(&sets::SEEK), u64::MAX, Abi::X86_64, Raw::Signed(-1)),
        ];
        for (kind, raw, abi, want) in cases {
            assert_eq!(decode_raw(kind, raw, abi), want, "{kind:?} {raw:#x}");
        }
    }

    #[test]
    fn a_cut_leaves_no_half_character_and_touches_nothing_else() {
        assert_eq!(without_half_character("aé".as_bytes()), "aé".as_bytes());
        assert_eq!(without_half_character(b"a\xc3"), b"a");
        assert_eq!(without_half_character(b"a\xe2\x82"), b"a");
        assert_eq!(without_half_character("a€".as_bytes()), "a€".as_bytes());
        assert_eq!(without_half_character(b"a\x80\x80\x80\x80"), b"a\x80\x80\x80\x80");
        assert_eq!(without_half_character(b""), b"");
        let piece = Piece { address: 1, role: 0, state: State::Whole, index: 0, data: "aé".as_bytes() };
        assert_eq!(Text::of(&piece, 2), Text { bytes: b"a", cut: true, unreadable: false });
        assert_eq!(Text::of(&piece, 3), Text { bytes: "aé".as_bytes(), cut: false, unreadable: false });
    }
}
