//! The one place where a tracee's bytes become text of a line: no control byte, no terminal escape, no invalid UTF-8,
//! and nothing that reads as a field of ours. `docs/formats.md` states the rules for readers.

use std::io::Write as _;

/// What must not stand in a text as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A field that runs up to the next ` word=`: comm, cmdline.
    Field,
    /// A value between `, ` and inside brackets: arguments.
    Value,
    /// As [`Place::Value`], where an own closing bracket follows each text: fds.
    Element,
}

/// The names that start a field of a line.
const FIELDS: [&[u8]; 16] = [
    b"syscall",
    b"syscall_id",
    b"dir",
    b"res",
    b"user",
    b"comm",
    b"cmdline",
    b"pid",
    b"tid",
    b"ppid",
    b"args",
    b"fds",
    b"opened",
    b"refused",
    b"unfinished",
    b"text",
];

/// Bytes that no rule speaks of.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        plain[byte] = true;
        byte += 1;
    }
    plain[b'\\' as usize] = false;
    plain[b'"' as usize] = false;
    plain
};

/// Appends `text` with everything escaped that could break or forge a line.
pub(super) fn render_text(text: &[u8], place: Place, out: &mut Vec<u8>) {
    let marked = match place {
        Place::Field => memchr::memchr(b'=', text).is_some(),
        Place::Value => text.iter().any(|byte| matches!(byte, b',' | b'(' | b')' | b'[' | b']')),
        Place::Element => memchr::memchr(b',', text).is_some(),
    };
    if !marked {
        return render_safe(text, out);
    }
    let mut from = 0;
    for at in marks(text, place) {
        render_safe(text.get(from..at).unwrap_or_default(), out);
        render_byte(text.get(at).copied().unwrap_or_default(), out);
        from = at + 1;
    }
    render_safe(text.get(from..).unwrap_or_default(), out);
}

/// The places, ascending, of the printable bytes that would read as ours.
fn marks(text: &[u8], place: Place) -> Vec<usize> {
    let mut marks = Vec::new();
    let mut open: Vec<(usize, u8)> = Vec::new();
    for (at, byte) in text.iter().copied().enumerate() {
        match (byte, place) {
            (b'=', Place::Field) if names_field(text.get(..at).unwrap_or_default()) => marks.push(at),
            (b',', Place::Value | Place::Element) if text.get(at + 1) == Some(&b' ') => marks.push(at),
            (b'(', Place::Value) => open.push((at, b')')),
            (b'[', Place::Value) => open.push((at, b']')),
            (b')' | b']', Place::Value) if open.last().is_some_and(|(_, close)| *close == byte) => {
                open.pop();
            }
            (b')' | b']', Place::Value) => marks.push(at),
            _ => {}
        }
    }
    marks.extend(open.iter().map(|(at, _)| *at));
    marks.sort_unstable();
    marks
}

/// Whether `before` ends in a blank and the name of a field.
fn names_field(before: &[u8]) -> bool {
    let start = memchr::memrchr(b' ', before);
    start.and_then(|start| before.get(start + 1..)).is_some_and(|word| FIELDS.contains(&word))
}

/// Escapes what is unsafe anywhere.
pub(crate) fn render_safe(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let plain = text.iter().position(|byte| !PLAIN[usize::from(*byte)]).unwrap_or(text.len());
        let (safe, rest) = text.split_at(plain);
        out.extend_from_slice(safe);
        let Some(first) = rest.first().copied() else { return };
        let taken = if first < 0x80 { 0 } else { render_character(rest, out) };
        if taken == 0 {
            render_byte(first, out);
        }
        text = rest.get(taken.max(1)..).unwrap_or_default();
    }
}

/// Renders the character at the start of `text` and returns its length, 0 when it is not UTF-8.
fn render_character(text: &[u8], out: &mut Vec<u8>) -> usize {
    let head = text.get(..4).unwrap_or(text);
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(err) => std::str::from_utf8(head.get(..err.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    let Some(character) = valid.chars().next() else { return 0 };
    if unsafe_to_show(character) {
        let _ = write!(out, "\\u{{{:04x}}}", u32::from(character));
    } else {
        out.extend_from_slice(head.get(..character.len_utf8()).unwrap_or_default());
    }
    character.len_utf8()
}

fn render_byte(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'\\' => out.extend_from_slice(b"\\\\"),
        // No field of ours is quoted; but a line that a reader puts into JSON must not become more than one text there.
        b'"' => out.extend_from_slice(b"\\\""),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => out.extend_from_slice(&[b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
    }
}

/// Characters that steer a terminal, reorder or hide text, or end a line for some reader.
pub(super) fn unsafe_to_show(character: char) -> bool {
    matches!(character,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{Place, render_text};

    fn shown(text: &[u8], place: Place) -> String {
        let mut out = Vec::new();
        render_text(text, place, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in ["/etc/passwd", "a b", "dir (copy)", "[x]", "x=1,y=2", "schön", "日本", "--pid=3", "CC=gcc -O2", ""]
        {
            for place in [Place::Field, Place::Value, Place::Element] {
                assert_eq!(shown(text.as_bytes(), place), text);
            }
        }
        assert_eq!(shown(b"make CC=gcc", Place::Field), "make CC=gcc");
    }

    #[test]
    fn nothing_steers_a_terminal_or_ends_a_line() {
        let hostile = "\u{1b}[2J\r\n\t\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}\\";
        let want = r"\x1b[2J\x0d\n\t\x7f\u{009b}\u{202e}\u{2028}\u{200b}\u{feff}\u{e0041}\\";
        assert_eq!(shown(hostile.as_bytes(), Place::Field), want);
        assert_eq!(shown(b"\xc2\x9b", Place::Value), r"\u{009b}");
        assert_eq!(shown(b"a\xff\xe2\x82z\xf0\x9f", Place::Field), r"a\xff\xe2\x82z\xf0\x9f");
        assert_eq!(shown(b"\xed\xa0\x80\xc0\xaf", Place::Field), r"\xed\xa0\x80\xc0\xaf");
    }

    #[test]
    fn every_byte_makes_a_line_of_valid_text_that_reads_back() {
        for byte in 0..=255u8 {
            let text = shown(&[b'f', byte, b'\\', 0xff, byte], Place::Value);
            assert!(!text.chars().any(super::unsafe_to_show), "{byte:#x} {text:?}");
        }
    }

    #[test]
    fn a_field_is_not_forged() {
        assert_eq!(shown(b"x pid=1 tid=1 ppid=1(init)", Place::Field), r"x pid\x3d1 tid\x3d1 ppid\x3d1(init)");
        assert_eq!(shown(b"a, args=(b), fds=[", Place::Field), r"a, args\x3d(b), fds\x3d[");
    }

    #[test]
    fn a_value_is_not_forged() {
        assert_eq!(shown(br#"x","pid":1,"forged":"x"#, Place::Value), r#"x\",\"pid\":1,\"forged\":\"x"#);
        assert_eq!(shown(b"x, flag=0", Place::Value), r"x\x2c flag=0");
        assert_eq!(shown(b"x), fds=[0(y)", Place::Value), r"x\x29\x2c fds=\x5b0(y)");
        assert_eq!(shown(b"([)]", Place::Value), r"\x28[\x29]");
        assert_eq!(shown(b"/tmp/x (deleted)", Place::Element), "/tmp/x (deleted)");
        assert_eq!(shown(b"x), 1(y", Place::Element), r"x)\x2c 1(y");
    }
}
