//! The types that JSON output is made of, version 1: `docs/event.schema.json` describes them, and they change with it.
//!
//! They are own types so that a change inside smtrace never changes what a reader gets.

use super::direct::{self, SAFE};
use super::values::Json;
use crate::decode::tree::{Node, Tree, Value as V};
use crate::decode::{Raw, Text};
use crate::event::{Event, Name};
use crate::model::record::State;
use crate::state::Who;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::io;

/// The version of the schema.
pub(super) const VERSION: u8 = 1;

/// The fields before who did it, of a process event.
#[derive(Serialize)]
pub(super) struct ProcessHead<'a> {
    pub(super) v: u8,
    #[serde(rename = "type")]
    pub(super) sort: &'static str,
    pub(super) time: &'a str,
    pub(super) time_ns: Digits,
    pub(super) name: EventName,
    pub(super) res: Option<Number>,
}

/// The fields before who it is about, of a notice.
#[derive(Serialize)]
pub(super) struct NoticeHead<'a> {
    pub(super) v: u8,
    #[serde(rename = "type")]
    pub(super) sort: &'static str,
    pub(super) time: &'a str,
    pub(super) time_ns: Digits,
    pub(super) text: Bytes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lost_calls: Option<LostCalls<'a>>,
}

/// How many records of which calls were lost, by name.
pub(super) struct LostCalls<'a>(pub(super) Event<'a>);

impl Serialize for LostCalls<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = |bytes| String::from_utf8_lossy(bytes);
        to.collect_map(self.0.missed().map(|(call, n)| (name(call), Number(Raw::Unsigned(n)))))
    }
}

/// Who did it.
#[derive(Serialize)]
pub(super) struct Doer<'a> {
    user: Option<&'a str>,
    uid: Option<u32>,
    group: Option<&'a str>,
    gid: Option<u32>,
    comm: Option<Bytes<'a>>,
    cmdline: Option<Bytes<'a>>,
    argv: Vec<Bytes<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    cmdline_cut: bool,
    exe: Option<Bytes<'a>>,
    cwd: Option<Bytes<'a>>,
    pid: i32,
    tid: i32,
    ppid: Option<i32>,
    parent_comm: Option<Bytes<'a>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl<'a> Doer<'a> {
    /// What the account knows; `joined` is the words of the command line with blanks between them.
    pub(super) fn new(who: &Who<'a>, joined: &'a [u8]) -> Doer<'a> {
        let known = |bytes: &'a [u8]| (!bytes.is_empty()).then_some(Bytes(bytes));
        Doer {
            user: who.user(),
            uid: who.uid(),
            group: who.group(),
            gid: who.gid(),
            comm: who.uid().map(|_| Bytes(who.comm())),
            cmdline: known(if joined.is_empty() { who.comm() } else { joined }),
            argv: who.argv().map(Bytes).collect(),
            cmdline_cut: who.argv_cut(),
            exe: known(who.exe()),
            cwd: known(who.cwd()),
            pid: who.pid,
            tid: who.tid,
            ppid: Some(who.ppid()).filter(|ppid| *ppid != 0),
            parent_comm: known(who.parent_comm()),
        }
    }
}

/// Appends the fields after who did it: arguments and descriptors of `event`, whose values `tree` holds.
pub(super) fn render_tail(event: &Event<'_>, tree: &Tree, path: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"args\":[");
    for (index, (at, node)) in tree.level(0..tree.len()).enumerate() {
        path.clear();
        let known = event.absolute(index, path);
        out.extend_from_slice(if index > 0 { b"," } else { b"" });
        Arg::new(event, tree, index, at, node, known.then_some(path)).render(out);
    }
    out.extend_from_slice(b"],\"fds\":[");
    for (index, (number, target)) in event.fds().enumerate() {
        out.extend_from_slice(if index > 0 { b",{\"fd\":" } else { b"{\"fd\":" });
        direct::decimal(number, out);
        out.extend_from_slice(b",\"path\":");
        direct::bytes(target.bytes, out);
        flag(target.cut, ",\"cut\":true", out);
        out.push(b'}');
    }
    out.push(b']');
    if let Some(opened) = event.opened() {
        out.extend_from_slice(b",\"opened\":");
        direct::bytes(opened.bytes, out);
    }
    flag(event.redirected(), ",\"mismatch\":true", out);
    flag(event.refused(), ",\"refused\":true", out);
}

/// Appends a field that is there when it is true.
fn flag(is: bool, field: &str, out: &mut Vec<u8>) {
    if is {
        out.extend_from_slice(field.as_bytes());
    }
}

/// Bytes of the tracee: a string when they are UTF-8, else `{"bytes":"<base 16>"}`. So nothing is lost.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return to.serialize_str(text);
        }
        let mut map = to.serialize_map(Some(1))?;
        map.serialize_entry("bytes", &hex_of(self.0))?;
        map.end()
    }
}

/// Two digits of base 16 for each byte.
pub(super) fn hex_of(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(HEX[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// A number as a string of digits, because a reader's number type may be a double.
pub(super) struct Digits(pub(super) u64);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(itoa::Buffer::new().format(self.0))
    }
}

/// The name of an event.
pub(super) struct EventName(pub(super) Name);

impl Serialize for EventName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Name::Known(name) => to.serialize_str(name),
            Name::Unknown(number) => to.collect_str(&format_args!("syscall_{number}")),
        }
    }
}

/// A word: a number when every reader can hold it, else (and for addresses) `"0x..."`.
pub(super) struct Number(pub(super) Raw);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Raw::Signed(number) if number.unsigned_abs() <= SAFE => to.serialize_i64(number),
            Raw::Unsigned(number) if number <= SAFE => to.serialize_u64(number),
            Raw::Signed(number) => to.serialize_str(hex(number.cast_unsigned(), &mut [0; 18])),
            Raw::Unsigned(number) | Raw::Hex(number) => to.serialize_str(hex(number, &mut [0; 18])),
        }
    }
}

/// A number in base 16, in `digits`.
pub(super) fn hex(mut number: u64, digits: &mut [u8; 18]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[usize::try_from(number & 15).unwrap_or(0)];
        number >>= 4;
        if number == 0 {
            break;
        }
    }
    digits[at - 2..at].copy_from_slice(b"0x");
    std::str::from_utf8(&digits[at - 2..]).unwrap_or_default()
}

struct Arg<'a, 'e> {
    name: &'static str,
    raw: Option<Raw>,
    value: Option<Shown<'a, 'e>>,
    /// The absolute name of the file that the argument means.
    path: Option<&'a [u8]>,
    cut: bool,
    unreadable: bool,
}

impl<'a, 'e> Arg<'a, 'e> {
    fn new(
        event: &'a Event<'e>,
        tree: &'a Tree,
        index: usize,
        at: usize,
        node: &'a Node,
        path: Option<&'a Vec<u8>>,
    ) -> Arg<'a, 'e> {
        let of = |value: &V| match value {
            V::Path(seen) | V::Str(seen) | V::Bytes(seen) => Some(*seen),
            _ => None,
        };
        let states = tree.inside(at).filter_map(|(_, inside)| of(&inside.value)).map(|seen| seen.state);
        let (mut cut, mut unreadable) = (node.more, matches!(node.value, V::Unreadable(_)));
        let plain = of(&node.value);
        for state in states.filter(|_| node.value == V::List).chain(plain.map(|seen| seen.state)) {
            cut |= state == State::Cut;
            unreadable |= state == State::Unreadable;
        }
        unreadable |=
            node.value == V::List && tree.inside(at).any(|(_, inside)| matches!(inside.value, V::Unreadable(_)));
        let json = Json { event, tree, at, node };
        let value = json.tells().then(|| match plain {
            Some(seen) => Shown::Text(event.text_of(&seen, tree)),
            None => Shown::Value(json),
        });
        // A process event's values were never in registers: what they are is all there is to say.
        let raw = event.raw(index).or(match node.value {
            V::Signed(number) => Some(Raw::Signed(number)),
            _ => None,
        });
        Arg { name: node.name, raw, value, path: path.map(Vec::as_slice), cut, unreadable }
    }

    fn render(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"name\":");
        direct::name(self.name, out);
        if let Some(raw) = self.raw {
            out.extend_from_slice(b",\"raw\":");
            direct::word(raw, out);
        }
        if let Some(value) = &self.value {
            out.extend_from_slice(b",\"value\":");
            match value {
                Shown::Text(text) => direct::bytes(text.bytes, out),
                Shown::Value(value) => direct::value(value, out),
            }
        }
        if let Some(path) = self.path {
            out.extend_from_slice(b",\"path\":");
            direct::bytes(path, out);
        }
        flag(self.cut, ",\"cut\":true", out);
        flag(self.unreadable, ",\"unreadable\":true", out);
        out.push(b'}');
    }
}

/// The value of an argument: a text is said plainly, its state stands beside it.
enum Shown<'a, 'e> {
    Text(Text<'a>),
    Value(Json<'a, 'e>),
}

/// Compact JSON in which nothing raw can steer a terminal: what [`super::escape`] calls unsafe becomes `\uXXXX`.
pub(super) struct Guarded;

impl serde_json::ser::Formatter for Guarded {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut from = 0;
        for (at, character) in
            fragment.char_indices().filter(|(_, character)| super::escape::unsafe_to_show(*character))
        {
            writer.write_all(fragment.get(from..at).unwrap_or_default().as_bytes())?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            from = at + character.len_utf8();
        }
        writer.write_all(fragment.get(from..).unwrap_or_default().as_bytes())
    }
}
