//! Raw words and pieces of memory to named values, by the argument's kind.

use crate::model::Abi;
use crate::model::record::{Kind as RecordKind, Piece, Record, Role, State};
use crate::table::{Arg, Kind, Phase, Row};

/// The names of the arguments of a call that no row has.
const UNNAMED: [&str; 6] = ["arg0", "arg1", "arg2", "arg3", "arg4", "arg5"];

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
    pub(crate) fn whole(bytes: &'a [u8]) -> Text<'a> {
        Text { bytes, cut: false, unreadable: false }
    }

    /// The text of `piece`, of at most `max` bytes; a cut leaves no half of a UTF-8 character.
    pub(crate) fn of(piece: &Piece<'a>, max: usize) -> Text<'a> {
        let long = piece.data.len() > max;
        let cut = long || piece.state == State::Cut;
        let bytes = piece.data.get(..max).unwrap_or(piece.data);
        let bytes = if cut { without_half_character(bytes) } else { bytes };
        Text { bytes, cut, unreadable: piece.state == State::Unreadable && !long }
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

/// A list of texts, one piece each.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    record: &'a Record<'a>,
    role: u8,
    max: usize,
}

impl<'a> List<'a> {
    /// The texts in order.
    pub fn items(&self) -> impl Iterator<Item = Text<'a>> + use<'a> {
        let (role, max) = (self.role, self.max);
        self.record.pieces().filter(move |piece| piece.role == role).map(move |piece| Text::of(&piece, max))
    }
}

/// What lies behind an argument.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Nothing that was read: the register is all.
    None,
    /// An address that could not be read.
    Unreadable,
    /// A text.
    Text(Text<'a>),
    /// A list of texts.
    List(List<'a>),
}

/// A named argument.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a> {
    /// The kernel's name for it.
    pub name: &'static str,
    /// The register; `None` for what never was in one.
    pub raw: Option<Raw>,
    /// What lies behind it.
    pub content: Content<'a>,
    /// It names a file.
    pub is_path: bool,
}

/// The arguments of one event, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arguments<'a> {
    all: [Option<Argument<'a>>; 6],
    len: usize,
}

impl<'a> Arguments<'a> {
    fn push(&mut self, name: &'static str, raw: Option<Raw>, content: Content<'a>) {
        self.push_argument(Argument { name, raw, content, is_path: false });
    }

    fn push_argument(&mut self, argument: Argument<'a>) {
        if let Some(to) = self.all.get_mut(self.len) {
            *to = Some(argument);
            self.len += 1;
        }
    }

    /// The arguments in order.
    pub fn iter(&self) -> impl Iterator<Item = &Argument<'a>> {
        self.all.iter().flatten()
    }
}

/// The pieces of the arguments of one record: the first of each argument.
fn first_pieces<'a>(record: &Record<'a>) -> [Option<Piece<'a>>; 6] {
    let mut firsts = [None; 6];
    for piece in record.pieces() {
        if let Some(first @ None) = firsts.get_mut(usize::from(piece.role)) {
            *first = Some(piece);
        }
    }
    firsts
}

/// The arguments of a call's event.
pub(crate) fn decode_call<'a>(
    record: &'a Record<'a>,
    entered: Option<&'a Record<'a>>,
    row: Option<&'static Row>,
    exit: bool,
    max: usize,
) -> Arguments<'a> {
    let abi = record.head().abi.unwrap_or(Abi::X86_64);
    let row_args: &[Arg] = row.map_or(&[], |row| row.args(abi));
    let raws = if record.args().is_empty() { entered.map_or(&[][..], |entered| entered.args()) } else { record.args() };
    let now = first_pieces(record);
    let before = entered.map(first_pieces).unwrap_or_default();
    let mut arguments = Arguments::default();
    for (index, raw) in raws.iter().enumerate() {
        let Some(arg) = row_args.get(index) else {
            if row.is_none() {
                arguments.push(UNNAMED.get(index).copied().unwrap_or("arg"), Some(Raw::Hex(*raw)), Content::None);
            }
            continue;
        };
        // What the kernel writes is valid at exit only, what it reads was read at enter.
        let own = now.get(index).copied().flatten().filter(|_| exit || arg.phase != Phase::Out);
        let old = before.get(index).copied().flatten().filter(|_| arg.phase != Phase::Out);
        let found = own.map(|piece| (piece, record)).or_else(|| old.zip(entered));
        let content = found.map_or(Content::None, |(piece, source)| content(arg.kind, *raw, &piece, source, max));
        let raw = Some(decode_raw(arg.kind, *raw, abi));
        arguments.push_argument(Argument { name: arg.name, raw, content, is_path: arg.kind == Kind::Path });
    }
    arguments
}

fn content<'a>(kind: Kind, raw: u64, piece: &Piece<'a>, source: &'a Record<'a>, max: usize) -> Content<'a> {
    let lost = piece.state == State::Unreadable && piece.data.is_empty();
    match kind {
        Kind::Path | Kind::Str | Kind::Bytes(_) if lost => Content::Unreadable,
        // strace(1), -s: "filenames are not considered strings and are always printed in full".
        Kind::Path => Content::Text(Text::of(piece, usize::MAX)),
        Kind::Str | Kind::Bytes(_) => Content::Text(Text::of(piece, max)),
        // The list itself, not its first text: the piece that ends a list has the list's address.
        Kind::Strv if lost && piece.index == 0 && piece.address == raw => Content::Unreadable,
        Kind::Strv => Content::List(List { record: source, role: piece.role, max }),
        _ => Content::None,
    }
}

/// What a register means by its kind.
#[must_use]
pub(crate) fn decode_raw(kind: Kind, raw: u64, abi: Abi) -> Raw {
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

/// The arguments of a process event.
pub(crate) fn decode_process<'a>(record: &'a Record<'a>) -> Arguments<'a> {
    let head = record.head();
    let mut arguments = Arguments::default();
    let number = |index: usize| Some(Raw::Signed(record.args().get(index).map_or(0, |arg| arg.cast_signed())));
    match head.kind {
        RecordKind::Fork => arguments.push("child_tid", number(0), Content::None),
        RecordKind::Exec => {
            let exe = record.piece(Role::Exe).map_or(Text::whole(b""), |piece| Text::of(&piece, usize::MAX));
            arguments.push("filename", None, Content::Text(exe));
            arguments.push("former_tid", number(0), Content::None);
        }
        RecordKind::End => {
            let (signal, code) = (head.result & 0x7f, head.result >> 8 & 0xff);
            arguments.push("exit_code", Some(Raw::Signed(if signal == 0 { code } else { 0 })), Content::None);
            arguments.push("sig", Some(Raw::Signed(signal)), Content::None);
            arguments.push("core", Some(Raw::Signed(head.result >> 7 & 1)), Content::None);
        }
        RecordKind::Signal => {
            arguments.push("sig", Some(Raw::Signed(head.result)), Content::None);
            arguments.push("si_code", number(0), Content::None);
            arguments.push("si_pid", number(1), Content::None);
        }
        _ => {}
    }
    arguments
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
