//! Requests of ioctl(2) that a macro makes of a number or of the size of a buffer: `EVIOCGNAME(64)`, `MIXER_READ(3)`.
//!
//! The headers define no constant for these, so no set of `syscalls-table/` can hold them.

use super::constants::one;
use super::values::number;
use crate::model::{Abi, Constants};
use crate::table::sets::{self, Set};

/// Directions of a request (asm-generic/ioctl.h).
const WRITE: u8 = 1;
const READ: u8 = 2;
const BOTH: u8 = 3;

/// What stands between the macro's parentheses.
#[derive(Clone, Copy)]
enum Of {
    /// The size of the buffer.
    Size,
    /// The request's number.
    Number,
    /// How many structures of so many bytes the buffer has.
    Count(u64),
    /// The request's number beyond the first, a constant.
    Constant(&'static Set),
    /// As [`Of::Constant`], and the size.
    ConstantAndSize(&'static Set),
}

/// A macro: the direction, the type, the first and last number, its name.
type Macro = (u8, u8, u8, u8, &'static str, Of);

/// linux/input.h, linux/uinput.h, linux/hidraw.h, linux/hiddev.h, linux/joystick.h, linux/soundcard.h, linux/spi/spidev.h.
static MACROS: [Macro; 23] = [
    (READ, b'E', 0x06, 0x06, "EVIOCGNAME", Of::Size),
    (READ, b'E', 0x07, 0x07, "EVIOCGPHYS", Of::Size),
    (READ, b'E', 0x08, 0x08, "EVIOCGUNIQ", Of::Size),
    (READ, b'E', 0x09, 0x09, "EVIOCGPROP", Of::Size),
    (READ, b'E', 0x0a, 0x0a, "EVIOCGMTSLOTS", Of::Size),
    (READ, b'E', 0x18, 0x18, "EVIOCGKEY", Of::Size),
    (READ, b'E', 0x19, 0x19, "EVIOCGLED", Of::Size),
    (READ, b'E', 0x1a, 0x1a, "EVIOCGSND", Of::Size),
    (READ, b'E', 0x1b, 0x1b, "EVIOCGSW", Of::Size),
    (READ, b'E', 0x20, 0x3f, "EVIOCGBIT", Of::ConstantAndSize(&sets::INPUT_EVENT)),
    (READ, b'E', 0x40, 0x7f, "EVIOCGABS", Of::Constant(&sets::INPUT_AXIS)),
    (WRITE, b'E', 0xc0, 0xff, "EVIOCSABS", Of::Constant(&sets::INPUT_AXIS)),
    (READ, b'U', 44, 44, "UI_GET_SYSNAME", Of::Size),
    (READ, b'H', 0x04, 0x04, "HIDIOCGRAWNAME", Of::Size),
    (READ, b'H', 0x05, 0x05, "HIDIOCGRAWPHYS", Of::Size),
    (READ, b'H', 0x08, 0x08, "HIDIOCGRAWUNIQ", Of::Size),
    (READ, b'H', 0x12, 0x12, "HIDIOCGPHYS", Of::Size),
    (BOTH, b'H', 0x06, 0x06, "HIDIOCSFEATURE", Of::Size),
    (BOTH, b'H', 0x07, 0x07, "HIDIOCGFEATURE", Of::Size),
    (READ, b'j', 0x13, 0x13, "JSIOCGNAME", Of::Size),
    (READ, b'M', 0x00, 0xff, "MIXER_READ", Of::Number),
    (WRITE, b'M', 0x00, 0xff, "MIXER_WRITE", Of::Number),
    (WRITE, b'k', 0x00, 0x00, "SPI_IOC_MESSAGE", Of::Count(32)),
];

/// A request that a macro makes, and what it was given.
#[derive(Clone, Copy)]
pub(super) struct Made {
    name: &'static str,
    of: Of,
    /// The request's number beyond the macro's first.
    beyond: u64,
    size: u64,
}

/// The macro that makes `word`, if there is one.
pub(super) fn made(word: u64) -> Option<Made> {
    let (direction, size) = (word >> 30 & 3, word >> 16 & 0x3fff);
    let (kind, request) = (word >> 8 & 0xff, word & 0xff);
    let found = MACROS.iter().find(|(way, of, first, last, ..)| {
        let numbers = u64::from(*first)..=u64::from(*last);
        u64::from(*way) == direction && u64::from(*of) == kind && numbers.contains(&request)
    });
    let (_, _, first, _, name, of) = *found?;
    let whole = !matches!(of, Of::Count(each) if size % each != 0 || size == 0);
    whole.then(|| Made { name, of, beyond: request - u64::from(first), size })
}

impl Made {
    /// Appends the macro with what it was given; inside a comment, which can hold none.
    pub(super) fn render(self, abi: Abi, inside: bool, out: &mut Vec<u8>) {
        let constant = |set: &'static Set, out: &mut Vec<u8>| match set.name_of(self.beyond, abi) {
            None if inside => number(out, format_args!("{:#x}", self.beyond)),
            _ => one(set, self.beyond, abi, Constants::Abbrev, out),
        };
        let Made { name, of, beyond, size } = self;
        number(out, format_args!("{name}("));
        match of {
            Of::Size => number(out, format_args!("{size}")),
            Of::Number => number(out, format_args!("{beyond}")),
            Of::Count(each) => number(out, format_args!("{}", size / each)),
            Of::Constant(set) => constant(set, out),
            // EVIOCGBIT(0) asks for the types of events, and 0 is no EV_SYN there.
            Of::ConstantAndSize(_) if beyond == 0 => number(out, format_args!("0, {size}")),
            Of::ConstantAndSize(set) => {
                constant(set, out);
                number(out, format_args!(", {size}"));
            }
        }
        out.push(b')');
    }
}

#[cfg(test)]
mod tests {
    use super::made;
    use crate::model::Abi;

    #[test]
    fn a_macro_is_told_with_what_it_was_given() {
        let cases = [
            (0x8040_4506, "EVIOCGNAME(64)"),
            (0x8018_4540, "EVIOCGABS(ABS_X)"),
            (0x4018_45cb, "EVIOCSABS(0xb /* ABS_??? */)"),
            (0x8002_4523, "EVIOCGBIT(EV_ABS, 2)"),
            (0x8004_4520, "EVIOCGBIT(0, 4)"),
            (0x8004_4d03, "MIXER_READ(3)"),
            (0x4040_6b00, "SPI_IOC_MESSAGE(2)"),
        ];
        for (word, want) in cases {
            let mut out = Vec::new();
            made(word).unwrap().render(Abi::X86_64, false, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), want);
        }
        assert!(made(0x5413).is_none());
        assert!(made(0x4021_6b00).is_none(), "not a multiple of a structure");
    }
}
