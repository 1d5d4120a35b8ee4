//! What nearly every JSON event has, written without serde: its keys and numbers are most of a line's bytes, and need no
//! escaping. Measured by `benches/decode.rs`; the types in [`super::wire`] say the rest, and `docs/event.schema.json` all.

use super::wire::{Bytes, hex};
use crate::decode::Raw;
use serde::Serialize;

/// The largest whole number up to which a double holds them all.
pub(super) const SAFE: u64 = 1 << 53;

/// Appends a decimal number.
pub(super) fn decimal(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a word: a number when every reader can hold it, else (and for addresses) `"0x..."`.
pub(super) fn word(raw: Raw, out: &mut Vec<u8>) {
    let bits = match raw {
        Raw::Signed(number) if number.unsigned_abs() <= SAFE => return decimal(number, out),
        Raw::Unsigned(number) if number <= SAFE => return decimal(number, out),
        Raw::Signed(number) => number.cast_unsigned(),
        Raw::Unsigned(number) | Raw::Hex(number) => number,
    };
    out.push(b'"');
    out.extend_from_slice(hex(bits, &mut [0; 18]).as_bytes());
    out.push(b'"');
}

/// Appends words of our own that need no escaping, in quotes.
pub(super) fn name(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.push(b'"');
}

/// Appends bytes of the tracee.
pub(super) fn bytes(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
    } else {
        value(&Bytes(bytes), out);
    }
}

/// Appends what serde makes of `value`.
pub(super) fn value(value: &impl Serialize, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, and the wire types have string keys only.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(out, super::wire::Guarded));
}

#[cfg(test)]
mod tests {
    use super::{Raw, bytes, word};
    use crate::sink::wire::{Bytes, Number};

    #[test]
    fn it_writes_what_the_wire_types_write() {
        for raw in
            [Raw::Signed(-5), Raw::Signed(i64::MIN), Raw::Unsigned(1 << 53), Raw::Unsigned(u64::MAX), Raw::Hex(0)]
        {
            let (mut direct, mut by_serde) = (Vec::new(), Vec::new());
            word(raw, &mut direct);
            super::value(&Number(raw), &mut by_serde);
            assert_eq!(direct, by_serde, "{raw:?}");
        }
        for text in [&b"/etc/passwd"[..], b"", b"a\"b", b"a\\b", b"\n", b"\x7f", b"\xff", "é\u{9b}\u{202e}".as_bytes()]
        {
            let (mut direct, mut by_serde) = (Vec::new(), Vec::new());
            bytes(text, &mut direct);
            super::value(&Bytes(text), &mut by_serde);
            assert_eq!(direct, by_serde, "{text:?}");
        }
    }
}
