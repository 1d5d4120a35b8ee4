//! Regular expressions of conditions, in the syntax of the crate that matches them.
//!
//! libsinsp compiles them with RE2 in its POSIX mode, on UTF-8: no `\w`, `\d`, `\b`, `(?...)`, no `\A`, `\z`, `\Q`, and a
//! repetition of a repetition where others have a lazy one (`a+?` matches the empty text). What it refuses is refused, in
//! its words. Not covered is how large a program RE2 allows: the bound of `compare` counts instead, and the crate's own of
//! how deep groups may lie in each other (250).

use std::fmt::Write as _;

/// The most repetitions, those of nested ones multiplied.
const MOST_REPEATED: u32 = 1000;

/// The names in `[[:NAME:]]`.
const NAMED: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// What stands before a repetition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Atom,
    Repetition,
}

struct Translator {
    pattern: Vec<char>,
    at: usize,
    out: String,
    before: Before,
    /// How often the last atom is repeated at most.
    repeated: u32,
    /// As `repeated`, the most of any atom in each open group, outermost first.
    groups: Vec<u32>,
}

/// A pattern of RE2's POSIX mode in the syntax of the `regex` crate, for multi-line Unicode mode.
///
/// # Errors
/// RE2's words for what is wrong.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        pattern: pattern.chars().collect(),
        at: 0,
        out: String::new(),
        before: Before::Nothing,
        repeated: 1,
        groups: vec![1],
    };
    while let Some(next) = translator.take() {
        translator.one(next)?;
    }
    if translator.groups.len() > 1 {
        return Err(format!("missing ): {pattern}"));
    }
    Ok(translator.out)
}

impl Translator {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek(0)?;
        self.at += 1;
        Some(next)
    }

    /// What was read since `start`.
    fn since(&self, start: usize) -> String {
        self.pattern.get(start..self.at).unwrap_or_default().iter().collect()
    }

    fn one(&mut self, next: char) -> Result<(), String> {
        match next {
            '(' => {
                self.out.push_str("(?:");
                self.groups.push(1);
                self.before = Before::Nothing;
            }
            ')' => {
                let inner = self.groups.pop().filter(|_| !self.groups.is_empty());
                self.out.push(')');
                self.atom(inner.ok_or_else(|| format!("unexpected ): {}", self.pattern.iter().collect::<String>()))?);
            }
            '|' => {
                self.out.push('|');
                self.before = Before::Nothing;
            }
            '^' | '$' | '.' => {
                self.out.push(next);
                self.atom(1);
            }
            '*' | '+' | '?' => {
                self.repeats(&next.to_string())?;
                // After a repetition the crate would take it for the sign of a lazy one.
                let again = next == '?' && self.before == Before::Repetition;
                if again {
                    self.out.push_str("{0,1}");
                } else {
                    self.out.push(next);
                }
                self.before = Before::Repetition;
            }
            '{' => match self.bounds() {
                Some((least, most)) => self.repeat(least, most)?,
                None => self.literal('{'.into()),
            },
            '[' => {
                self.class()?;
                self.atom(1);
            }
            '\\' => {
                let code = self.escape()?;
                self.literal(code);
            }
            other => self.literal(other.into()),
        }
        Ok(())
    }

    fn atom(&mut self, repeated: u32) {
        self.before = Before::Atom;
        self.repeated = repeated;
        self.note();
    }

    /// The group has an atom that is repeated so often.
    fn note(&mut self) {
        let repeated = self.repeated;
        if let Some(most) = self.groups.last_mut() {
            *most = repeated.max(*most);
        }
    }

    fn repeats(&self, operator: &str) -> Result<(), String> {
        let nothing = self.before == Before::Nothing;
        if nothing { Err(format!("no argument for repetition operator: {operator}")) } else { Ok(()) }
    }

    fn repeat(&mut self, least: u32, most: Option<u32>) -> Result<(), String> {
        let operator = match most {
            Some(most) if most == least => format!("{{{least}}}"),
            Some(most) => format!("{{{least},{most}}}"),
            None => format!("{{{least},}}"),
        };
        self.repeats(&operator)?;
        let count = most.unwrap_or(least);
        let all = self.repeated.saturating_mul(count.max(1));
        let nested = least >= 2 || count >= 2;
        if least > MOST_REPEATED || count > MOST_REPEATED || count < least || nested && all > MOST_REPEATED {
            return Err(format!("invalid repetition size: {operator}"));
        }
        self.out.push_str(&operator);
        self.before = Before::Repetition;
        self.repeated = all;
        self.note();
        Ok(())
    }

    /// The bounds of a repetition, after its brace; without, nothing is taken and the brace is itself.
    fn bounds(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.at;
        let bounds = self.number().and_then(|least| {
            let most = match self.peek(0)? {
                ',' => {
                    self.at += 1;
                    if self.peek(0) == Some('}') { None } else { Some(self.number()?) }
                }
                _ => Some(least),
            };
            (self.take() == Some('}')).then_some((least, most))
        });
        if bounds.is_none() {
            self.at = start;
        }
        bounds
    }

    /// A number without zeros before it, of at most nine digits.
    fn number(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek(0).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.since(start);
        let plain = digits.len() <= 9 && (digits == "0" || !digits.starts_with('0'));
        digits.parse().ok().filter(|_| plain)
    }

    /// A character after a backslash that was taken.
    fn escape(&mut self) -> Result<u32, String> {
        let start = self.at - 1;
        let Some(next) = self.take() else { return Err("trailing \\".to_owned()) };
        let code = match next {
            'a' => Some(0x07),
            'f' => Some(0x0c),
            'n' => Some(0x0a),
            'r' => Some(0x0d),
            't' => Some(0x09),
            'v' => Some(0x0b),
            'x' => self.hex(),
            // One digit alone would be a group that was matched before.
            '1'..='7' if !self.peek(0).is_some_and(|next| next.is_digit(8)) => None,
            '0'..='7' => {
                let digits = (0..2).take_while(|ahead| self.peek(*ahead).is_some_and(|next| next.is_digit(8))).count();
                self.at += digits;
                u32::from_str_radix(&self.since(self.at - digits - 1), 8).ok()
            }
            other => (other.is_ascii() && !other.is_ascii_alphanumeric()).then_some(other.into()),
        };
        code.ok_or_else(|| format!("invalid escape sequence: {}", self.since(start)))
    }

    /// Two digits, or any number of them in braces.
    fn hex(&mut self) -> Option<u32> {
        let start = self.at;
        if self.take()? != '{' {
            let second = self.take()?;
            let digits = self.since(start);
            return u32::from_str_radix(&digits, 16).ok().filter(|_| second != '+' && !digits.starts_with('+'));
        }
        let digits = self.at;
        while self.peek(0).is_some_and(|next| next.is_ascii_hexdigit()) {
            self.at += 1;
        }
        let code = u32::from_str_radix(self.since(digits).trim_start_matches('0'), 16);
        let code =
            if self.at > digits { Some(code.unwrap_or(if self.zeros(digits) { 0 } else { u32::MAX })) } else { None };
        (self.take() == Some('}')).then_some(code?).filter(|code| *code <= u32::from(char::MAX))
    }

    fn zeros(&self, start: usize) -> bool {
        self.since(start).bytes().all(|digit| digit == b'0')
    }

    fn literal(&mut self, code: u32) {
        match char::from_u32(code) {
            Some(letter) if letter.is_ascii_alphanumeric() => self.out.push(letter),
            Some(_) => drop(write!(self.out, "\\x{{{code:x}}}")),
            // A surrogate, which no text in UTF-8 has.
            None => self.out.push_str(NO_LETTER),
        }
        self.atom(1);
    }

    /// A set of characters, after its bracket.
    fn class(&mut self) -> Result<(), String> {
        let start = self.at - 1;
        let negated = self.peek(0) == Some('^');
        self.at += usize::from(negated);
        let all: String = self.pattern.get(start..).unwrap_or_default().iter().collect();
        let missing = || format!("missing ]: {all}");
        let mut members = String::new();
        let mut first = true;
        loop {
            let next = self.peek(0).ok_or_else(missing)?;
            if next == ']' && !first {
                self.at += 1;
                break;
            }
            // Only at the ends of the set it is itself.
            if next == '-' && !first && self.peek(1) != Some(']') {
                let wrong = self.pattern.iter().skip(self.at).take(2).collect::<String>();
                return Err(format!("invalid character class range: {wrong}"));
            }
            first = false;
            if let Some(name) = self.named()? {
                members.push_str(&name);
                continue;
            }
            let from = self.at;
            let low = self.member().ok_or_else(missing)??;
            let range = self.peek(0) == Some('-') && self.peek(1).is_some_and(|next| next != ']');
            self.at += usize::from(range);
            let high = if range { self.member().ok_or_else(missing)?? } else { low };
            if high < low {
                return Err(format!("invalid character class range: {}", self.since(from)));
            }
            put_range(low, high, &mut members);
        }
        match (members.is_empty(), negated) {
            (true, false) => self.out.push_str(NO_LETTER),
            (true, true) => self.out.push_str(ANY_LETTER),
            (false, _) => drop(write!(self.out, "[{}{members}]", if negated { "^" } else { "" })),
        }
        Ok(())
    }

    fn member(&mut self) -> Option<Result<u32, String>> {
        Some(match self.take()? {
            '\\' => self.escape(),
            other => Ok(other.into()),
        })
    }

    /// A set with a name, as `[:alpha:]`, if one is next.
    fn named(&mut self) -> Result<Option<String>, String> {
        if (self.peek(0), self.peek(1)) != (Some('['), Some(':')) {
            return Ok(None);
        }
        let rest = self.pattern.get(self.at + 2..).unwrap_or_default();
        let Some(len) = rest.windows(2).position(|two| two == [':', ']']) else { return Ok(None) };
        let start = self.at;
        self.at += len + 4;
        let whole = self.since(start);
        let name = whole.trim_start_matches("[:").trim_end_matches(":]");
        let known = NAMED.contains(&name.strip_prefix('^').unwrap_or(name));
        if known { Ok(Some(whole)) } else { Err(format!("invalid character class range: {whole}")) }
    }
}

const NO_LETTER: &str = "[^\\x00-\\x{10FFFF}]";
const ANY_LETTER: &str = "[\\x00-\\x{10FFFF}]";

/// Appends a range of a set, without surrogates.
fn put_range(low: u32, high: u32, out: &mut String) {
    const SURROGATES: std::ops::RangeInclusive<u32> = 0xd800..=0xdfff;
    let low = if SURROGATES.contains(&low) { 0xe000 } else { low };
    let high = if SURROGATES.contains(&high) { 0xd7ff } else { high };
    if low <= high {
        let _ = write!(out, "\\x{{{low:x}}}-\\x{{{high:x}}}");
    }
}
