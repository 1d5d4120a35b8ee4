//! Shell patterns as fnmatch(3) without flags has them: `*` takes slashes and leading dots too.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    parts: Box<[Part]>,
    fold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `*`
    Many,
    /// `?`
    One,
    Byte(u8),
    Set {
        not: bool,
        ranges: Box<[(u8, u8)]>,
    },
}

/// Whether a pattern has any sign of its own.
pub(super) fn is_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'?' | b'*' | b'['))
}

fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alpha" => u8::is_ascii_alphabetic,
        b"digit" => u8::is_ascii_digit,
        b"alnum" => u8::is_ascii_alphanumeric,
        b"upper" => u8::is_ascii_uppercase,
        b"lower" => u8::is_ascii_lowercase,
        b"punct" => u8::is_ascii_punctuation,
        b"xdigit" => u8::is_ascii_hexdigit,
        b"cntrl" => u8::is_ascii_control,
        b"graph" => u8::is_ascii_graphic,
        b"print" => |byte| (b' '..=b'~').contains(byte),
        b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        _ => return None,
    })
}

/// The set that starts after `[`, and how many bytes it takes with its `]`; `None` when nothing ends it.
fn set(text: &[u8]) -> Option<(Part, usize)> {
    let not = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(not);
    let start = at;
    let mut ranges = Vec::new();
    loop {
        let mut byte = *text.get(at)?;
        if byte == b']' && at > start {
            return Some((Part::Set { not, ranges: ranges.into() }, at + 1));
        }
        if byte == b'[' && text.get(at + 1) == Some(&b':') {
            let rest = text.get(at + 2..)?;
            let end = rest.windows(2).position(|two| two == b":]")?;
            let members = class(rest.get(..end)?)?;
            ranges.extend((0..=u8::MAX).filter(members).map(|byte| (byte, byte)));
            at += end + 4;
            continue;
        }
        if byte == b'\\' {
            at += 1;
            byte = *text.get(at)?;
        }
        at += 1;
        let last = text.get(at + 1).filter(|last| text.get(at) == Some(&b'-') && **last != b']');
        let mut to = byte;
        if let Some(last) = last {
            to = *last;
            at += 2;
            if to == b'\\' {
                to = *text.get(at)?;
                at += 1;
            }
        }
        ranges.push((byte, to));
    }
}

impl Glob {
    /// The pattern `text`; `fold` makes ASCII letters of both cases equal.
    pub(super) fn new(text: &[u8], fold: bool) -> Glob {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            at += 1;
            let part = match byte {
                b'*' if parts.last() == Some(&Part::Many) => continue,
                b'*' => Part::Many,
                b'?' => Part::One,
                b'[' => match set(text.get(at..).unwrap_or_default()) {
                    Some((part, len)) => {
                        at += len;
                        part
                    }
                    None => Part::Byte(b'['),
                },
                b'\\' => {
                    let escaped = text.get(at).copied();
                    at += 1;
                    Part::Byte(escaped.unwrap_or(b'\\'))
                }
                byte => Part::Byte(*byte),
            };
            parts.push(part);
        }
        Glob { parts: parts.into(), fold }
    }

    fn takes(&self, part: &Part, byte: u8) -> bool {
        let either = |test: &dyn Fn(u8) -> bool| {
            test(byte) || self.fold && (test(byte.to_ascii_lowercase()) || test(byte.to_ascii_uppercase()))
        };
        match part {
            Part::Many => false,
            Part::One => true,
            Part::Byte(wanted) => either(&|byte| byte == *wanted),
            Part::Set { not, ranges } => {
                either(&|byte| ranges.iter().any(|(from, to)| (*from..=*to).contains(&byte))) != *not
            }
        }
    }

    /// Whether it takes all of `text`. Time is bounded by the product of both lengths.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (mut at, mut part) = (0, 0);
        // Where to go on after the last `*` took one byte more.
        let mut again = None;
        loop {
            match (self.parts.get(part), text.get(at)) {
                (Some(Part::Many), _) => {
                    part += 1;
                    again = Some((part, at));
                }
                (Some(wanted), Some(byte)) if self.takes(wanted, *byte) => {
                    part += 1;
                    at += 1;
                }
                (None, None) => return true,
                _ => {
                    let Some((after, from)) = again.filter(|(_, from)| *from < text.len()) else { return false };
                    part = after;
                    at = from + 1;
                    again = Some((after, at));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn as_fnmatch() {
        let cases = [
            ("/etc/*", "/etc/shadow", true),
            ("/etc/*", "/etc/a/b", true),
            ("*", "", true),
            ("?", "", false),
            ("/et?/sh*", "/etc/shadow", true),
            ("/etc/[rs]hadow", "/etc/shadow", true),
            ("/etc/[!rs]hadow", "/etc/shadow", false),
            ("[a-c]x", "bx", true),
            ("[]]", "]", true),
            ("[[:digit:]]*", "7a", true),
            ("[[:digit:]]*", "a", false),
            ("[abc", "[abc", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("a**b", "ab", true),
            ("ABC", "abc", false),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(Glob::new(pattern.as_bytes(), false).matches(text.as_bytes()), want, "{pattern} {text}");
        }
        assert!(Glob::new(b"A[B-D]*", true).matches(b"acx"));
        assert!(!Glob::new("*a".repeat(50).as_bytes(), false).matches("a".repeat(49).as_bytes()));
    }
}
