//! The differences as text and as JSON.

use super::{Difference, Differences, Sort};
use crate::sink::render_safe;
use serde::Serialize;

/// The version of the JSON form.
const VERSION: u8 = 1;

/// The differences as lines: `-` for what only the first did, `+` for what only the second did.
#[must_use]
pub fn render_text(names: [&[u8]; 2], found: &Differences) -> Vec<u8> {
    let mut out = Vec::new();
    if found.none() {
        return out;
    }
    for (sign, name) in [("--- ", names[0]), ("+++ ", names[1])] {
        out.extend_from_slice(sign.as_bytes());
        render_safe(name, &mut out);
        out.push(b'\n');
    }
    for (sign, side) in [(b'-', &found.first), (b'+', &found.second)] {
        for difference in side {
            out.push(sign);
            out.push(b' ');
            render_line(difference, &mut out);
        }
    }
    out
}

/// The word that stands before a deed.
fn word(sort: Sort) -> &'static str {
    match sort {
        Sort::Process => "ran",
        Sort::File(access) => access.word(),
        Sort::Network(call) => call,
    }
}

fn render_line(difference: &Difference, out: &mut Vec<u8>) {
    out.extend_from_slice(word(difference.deed.sort).as_bytes());
    for (i, word) in difference.deed.words.iter().enumerate() {
        out.extend_from_slice(if i == 1 { b": " } else { b" " });
        render_safe(word, out);
    }
    if difference.times > 1 {
        out.extend_from_slice(format!("  [{} times]", difference.times).as_bytes());
    }
    if !difference.by.is_empty() && difference.deed.sort != Sort::Process {
        out.extend_from_slice(b"  [by ");
        render_safe(&difference.by, out);
        out.push(b']');
    }
    out.push(b'\n');
}

/// Bytes of a traced program: a string when they are UTF-8, else their base 16.
#[derive(Serialize)]
#[serde(untagged)]
enum Bytes<'a> {
    Text(&'a str),
    Raw { bytes: String },
}

impl<'a> Bytes<'a> {
    fn new(bytes: &'a [u8]) -> Bytes<'a> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text),
            Err(_) => Bytes::Raw { bytes: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    v: u8,
    first: Side<'a>,
    second: Side<'a>,
    same: u64,
}

#[derive(Serialize)]
struct Side<'a> {
    file: Bytes<'a>,
    only: Vec<Item<'a>>,
}

impl<'a> Side<'a> {
    fn new(name: &'a [u8], only: &'a [Difference]) -> Side<'a> {
        Side { file: Bytes::new(name), only: only.iter().map(Item::new).collect() }
    }
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    sort: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exe: Option<Bytes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    argv: Option<Vec<Bytes<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Bytes<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Bytes<'a>>,
    times: u64,
    by: Bytes<'a>,
}

impl<'a> Item<'a> {
    fn new(difference: &'a Difference) -> Item<'a> {
        let words = &difference.deed.words;
        let first = || words.first().map(|word| Bytes::new(word));
        let mut item = Item {
            sort: "process",
            access: None,
            call: None,
            exe: None,
            argv: None,
            path: None,
            address: None,
            times: difference.times,
            by: Bytes::new(&difference.by),
        };
        match difference.deed.sort {
            Sort::Process => {
                item.exe = first();
                item.argv = Some(words.iter().skip(1).map(|word| Bytes::new(word)).collect());
            }
            Sort::File(access) => (item.sort, item.access, item.path) = ("file", Some(access.word()), first()),
            Sort::Network(call) => (item.sort, item.call, item.address) = ("network", Some(call), first()),
        }
        item
    }
}

/// The differences as one JSON object, docs/capture.md.
#[must_use]
pub fn render_json(names: [&[u8]; 2], found: &Differences) -> Vec<u8> {
    let whole = Whole {
        v: VERSION,
        first: Side::new(names[0], &found.first),
        second: Side::new(names[1], &found.second),
        same: found.same,
    };
    let mut out = serde_json::to_vec(&whole).unwrap_or_default();
    out.push(b'\n');
    out
}
