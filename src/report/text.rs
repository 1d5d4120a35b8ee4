//! Names that a build chose, made safe to show: for a reader's eye, for Markdown, as a URI.
//!
//! JSON writers leave a name as it is, since JSON escapes it; where a person reads it, it goes through here.

use std::fmt::Write as _;

/// `text` with what cannot be seen, or would reorder what can, as an escape.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether `c` is a control character, reorders text (bidirectional controls), or takes no room.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// At most `most` characters of what [`visible`] shows.
pub(super) fn brief(text: &str, most: usize) -> String {
    let whole = visible(text);
    match whole.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &whole[..at]),
        None => whole,
    }
}

/// `text` in a line of Markdown: what it begins there, and HTML, is escaped; so is `@`, which would notify people.
pub(super) fn markdown(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for c in brief(text, most).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            // A bare address would become a link.
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out.replace("www.", "www&#46;")
}

/// `path` as the path of a URI; `\xNN`, as the model writes odd bytes, becomes that byte again.
pub(super) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let bytes = path.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if let Some(odd) = odd_byte(&bytes[at..]) {
            let _ = write!(out, "%{odd:02X}");
            at += 4;
            continue;
        }
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(byte) {
            out.push(char::from(*byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        at += 1;
    }
    out
}

/// The byte that `\xNN` stands for; only those that can be odd, so that a name with the text `\x41` stays one.
fn odd_byte(bytes: &[u8]) -> Option<u8> {
    let digits = bytes.strip_prefix(b"\\x")?.get(..2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (byte >= 0x80 && digits.iter().all(|digit| digit.is_ascii_hexdigit())).then_some(byte)
}

/// Microseconds since the epoch as RFC 3339 in UTC.
pub(super) fn time(us: u64) -> String {
    let time = i64::try_from(us).ok().and_then(chrono::DateTime::from_timestamp_micros).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A time that passed, for a person.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us / 100 % 10),
        1_000_000..60_000_000 => format!("{}.{:02} s", us / 1_000_000, us / 10_000 % 100),
        _ => format!("{} min {} s", us / 60_000_000, us / 1_000_000 % 60),
    }
}

/// A number of bytes, for a person.
pub(super) fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(size, _)| count >= *size) {
        Some((size, unit)) => format!("{}.{} {unit}", count / size, count % size * 10 / size),
        None => format!("{count} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, duration, markdown, time, uri, visible};

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(visible("a\u{202e}b\u{1b}[31m\nc"), "a\\u{202e}b\\u{1b}[31m\\u{a}c");
        assert_eq!(visible("grün 文"), "grün 文");
    }

    #[test]
    fn markdown_cannot_be_left() {
        let shown = markdown("</td>|`x` [a](http://e) ![i](j) @you www.e.org\n# h", 200);
        for bad in ["<", "](http:", " @", "www.", "\n"] {
            assert!(!shown.contains(bad), "{bad}: {shown}");
        }
        assert!(shown.contains("\\|\\`x\\`"), "{shown}");
        assert_eq!(markdown("abcdef", 3), "abc…");
    }

    #[test]
    fn a_uri_has_the_bytes_of_the_name() {
        assert_eq!(uri("/a b/ü#?%/\\xff\\x41"), "/a%20b/%C3%BC%23%3F%25/%FF%5Cx41");
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(time(1_700_000_000_000_001), "2023-11-14T22:13:20.000001Z");
        assert_eq!(duration(1_234_567), "1.23 s");
        assert_eq!(bytes(1536), "1.5 KiB");
    }
}
