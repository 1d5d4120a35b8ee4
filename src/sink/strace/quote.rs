//! Strings between quotes, as C writes them: what a tracee chose cannot end its string or break the line.

use super::values::number;
use crate::model::HexStrings;

/// Whether the text of a path in brackets escapes the signs that end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// Between quotes.
    Quotes,
    /// Between `<` and `>`.
    Angles,
}

/// Appends `bytes` with quotes around them.
pub(super) fn quoted(bytes: &[u8], hex: HexStrings, out: &mut Vec<u8>) {
    out.push(b'"');
    escaped(bytes, hex, Within::Quotes, out);
    out.push(b'"');
}

/// Appends `bytes` escaped.
pub(super) fn escaped(bytes: &[u8], hex: HexStrings, within: Within, out: &mut Vec<u8>) {
    // Tab, line feed, vertical tab, form feed and carriage return have names, and are text.
    let text = |byte: &u8| matches!(byte, b' '..=b'~' | 9..=13);
    if hex == HexStrings::All || (hex == HexStrings::NonAscii && !bytes.iter().all(text)) {
        for byte in bytes {
            hex_byte(*byte, out);
        }
        return;
    }
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x0b => out.extend_from_slice(b"\\v"),
            0x0c => out.extend_from_slice(b"\\f"),
            b' '..=b'~' if within == Within::Quotes || !matches!(byte, b'<' | b'>') => out.push(*byte),
            _ if hex == HexStrings::NonAsciiChars => hex_byte(*byte, out),
            _ => octal(*byte, bytes.get(at + 1).is_some_and(|next| matches!(next, b'0'..=b'7')), out),
        }
    }
}

fn hex_byte(byte: u8, out: &mut Vec<u8>) {
    number(out, format_args!("\\x{byte:02x}"));
}

/// As few digits as tell it apart from what follows.
fn octal(byte: u8, digit_follows: bool, out: &mut Vec<u8>) {
    if digit_follows {
        number(out, format_args!("\\{byte:03o}"));
    } else {
        number(out, format_args!("\\{byte:o}"));
    }
}

/// A byte as a character constant of C; white space by its letter where that is asked for.
pub(super) fn character(byte: u8, spaces: bool, out: &mut Vec<u8>) {
    const LETTERS: [(u8, u8); 5] = [(b'\t', b't'), (b'\n', b'n'), (0x0b, b'v'), (0x0c, b'f'), (b'\r', b'r')];
    out.push(b'\'');
    let letter = LETTERS.iter().find(|(space, _)| spaces && *space == byte).map(|(_, letter)| *letter);
    match (byte, letter) {
        (_, Some(letter)) => out.extend_from_slice(&[b'\\', letter]),
        (b'\'' | b'\\', _) => out.extend_from_slice(&[b'\\', byte]),
        (b' '..=b'~', _) => out.push(byte),
        _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::{Within, escaped, quoted};
    use crate::model::HexStrings;

    fn shown(bytes: &[u8], hex: HexStrings) -> String {
        let mut out = Vec::new();
        quoted(bytes, hex, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_string_cannot_end_itself() {
        assert_eq!(
            shown(b"a\"b\\\n\t\x0b\x0c\r\x00\x017\x7f\xff", HexStrings::None),
            r#""a\"b\\\n\t\v\f\r\0\0017\177\377""#
        );
        assert_eq!(shown(b"\x1b8", HexStrings::None), r#""\338""#);
        assert_eq!(shown("é".as_bytes(), HexStrings::NonAsciiChars), r#""\xc3\xa9""#);
        assert_eq!(shown("aé".as_bytes(), HexStrings::NonAscii), r#""\x61\xc3\xa9""#);
        assert_eq!(shown(b"a\n", HexStrings::NonAscii), r#""a\n""#);
        assert_eq!(shown(b"a", HexStrings::All), r#""\x61""#);
    }

    #[test]
    fn a_path_in_brackets_cannot_end_itself() {
        let mut out = Vec::new();
        escaped(b"/a>b", HexStrings::None, Within::Angles, &mut out);
        assert_eq!(out, br"/a\76b");
    }
}
