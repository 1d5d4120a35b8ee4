//! Falco's fields: their registry, and their values from an event of smtrace.
//!
//! One table a family names them; `view` asks the family's file for values. A field that smtrace has no values for is
//! in its table all the same, so that rules that name it load: comparisons with it are false.

mod arguments;
mod catalog;
mod evt;
mod fd;
mod file;
mod files;
mod other;
mod path;
mod process;
mod programs;
mod raw;
mod row;
mod sessions;
mod touched;
mod view;

pub(crate) use catalog::catalog;
pub(crate) use evt::{iso, time_of_day};
pub(crate) use files::teaches;
pub use row::{Row, Takes};
pub use sessions::Session;
pub use view::{Homes, Setup, Times};
pub(crate) use view::{Learned, View, event_of};

use super::lang::{Arg, EventSet, FieldId, Meta, Names, Shape};
use crate::model::Asks;
use rustc_hash::FxHashMap;
use std::sync::LazyLock;

/// The families, by the high byte of a field's number.
const FAMILIES: [&[Row]; 4] = [evt::Evt::ROWS, process::Process::ROWS, fd::Fd::ROWS, other::Other::ROWS];

/// All fields.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    FAMILIES.into_iter().flatten()
}

/// libscap's name of an event in a set of events.
#[must_use]
pub fn event_name(event: usize) -> Option<&'static str> {
    catalog().event_name(event)
}

/// The family of a field and its place there.
fn place(field: FieldId) -> (usize, usize) {
    (usize::from(field >> 8), usize::from(field & 0xff))
}

/// The table's row of a field.
fn row_of(field: FieldId) -> Option<&'static Row> {
    let (family, index) = place(field);
    FAMILIES.get(family)?.get(index)
}

/// What the kernel has to be asked for these fields.
pub(super) fn asks(fields: impl Iterator<Item = FieldId>) -> Asks {
    let both =
        |all: Asks, row: &Row| Asks { opened: all.opened | row.asks.opened, program: all.program | row.asks.program };
    fields.filter_map(row_of).fold(Asks::default(), both)
}

fn by_name() -> &'static FxHashMap<&'static str, (FieldId, &'static Row)> {
    static BY_NAME: LazyLock<FxHashMap<&'static str, (FieldId, &'static Row)>> = LazyLock::new(|| {
        let mut all = FxHashMap::default();
        for (family, rows) in (0u16..).zip(FAMILIES) {
            for (index, row) in (0u16..).zip(rows) {
                all.insert(row.name, (family << 8 | index, row));
            }
        }
        all
    });
    &BY_NAME
}

/// The names of Falco's fields, as conditions and formats use them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registry;

fn unknown(name: &str) -> String {
    format!("filter_check called with nonexistent field {name}")
}

/// A field whose name stands in `text` before a dot, with what follows the dot.
fn member(name: &str) -> Option<(FieldId, &'static Row, &str)> {
    let mut dots = name.match_indices('.').rev();
    dots.find_map(|(dot, _)| {
        let (id, row) = by_name().get(name.get(..dot)?)?;
        (row.takes == Takes::Member).then_some((*id, *row, name.get(dot + 1..)?))
    })
}

fn meta(id: FieldId, row: &Row, arg: Arg) -> Meta {
    // With an index it is the one ancestor.
    let shape = if row.shape == Shape::Any && arg != Arg::None { Shape::Single } else { row.shape };
    let mut meta = Meta {
        id,
        arg,
        kind: row.kind,
        shape,
        format: row.format,
        right: row.right,
        transforms: row.transforms,
        prints: row.prints && shape != Shape::Any,
        event: row.name == "evt.type",
    };
    if row.name == "evt.rawarg"
        && let Some((kind, format)) = meta.arg.key().and_then(|name| catalog().argument(name))
    {
        (meta.kind, meta.format) = (kind, format);
    }
    meta
}

fn bracketed(id: FieldId, row: &Row, arg: Option<&str>) -> Result<Meta, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a valid number"));
    let arg = match (row.takes, arg) {
        (Takes::Number | Takes::Member, None) => return Err(format!("filter syntax error: {}", row.name)),
        (Takes::Nothing, Some(arg)) => return Err(unknown(&format!("{}[{arg}]", row.name))),
        (_, None) => Arg::None,
        (Takes::Index | Takes::Number, Some(arg)) => Arg::Index(number(arg)?),
        (Takes::Member, Some(_)) if row.name == "evt.rawarg" => {
            return Err("evt.arg fields must be expressed explicitly".to_owned());
        }
        (Takes::Member, Some(arg)) if row.name == "evt.arg" => Arg::Index(number(arg)?),
        (Takes::Either, Some(arg)) => arg.parse().map_or_else(|_| Arg::Key(arg.into()), Arg::Index),
        (Takes::Key | Takes::Member, Some(arg)) => Arg::Key(arg.into()),
    };
    Ok(meta(id, row, arg))
}

impl Names for Registry {
    fn field(&self, name: &str, arg: Option<&str>) -> Result<Meta, String> {
        if let Some((id, row)) = by_name().get(name) {
            return bracketed(*id, row, arg);
        }
        let Some((id, row, rest)) = member(name) else { return Err(unknown(name)) };
        if arg.is_some() {
            return Err(unknown(name));
        }
        match row.name {
            "evt.arg" | "evt.rawarg" if catalog().argument(rest).is_none() => {
                return Err(format!("unknown event argument {rest}"));
            }
            "evt.type.is" if catalog().events(rest).is_none() => return Err(unknown(name)),
            _ => {}
        }
        Ok(meta(id, row, Arg::Key(rest.into())))
    }

    fn prefix(&self, text: &str) -> Result<(usize, Meta), String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
        let word = text.get(..end).unwrap_or(text);
        if let Some((id, row, rest)) = member(word).filter(|_| !by_name().contains_key(word)) {
            let name = match row.name {
                "evt.arg" | "evt.rawarg" => {
                    catalog().longest_argument(rest).ok_or_else(|| format!("unknown event argument {rest}"))?
                }
                _ => rest.trim_end_matches('.'),
            };
            return Ok((row.name.len() + 1 + name.len(), meta(id, row, Arg::Key(name.into()))));
        }
        // The longest name counts: a full stop after it is the sentence's.
        let lengths = (1..=word.len()).rev();
        let found = lengths.filter_map(|len| Some((len, by_name().get(word.get(..len)?)?))).next();
        let Some((len, (id, row))) = found else { return Err(format!("unknown filter: {word}")) };
        let rest = text.get(len..).unwrap_or("");
        let arg = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(arg, _)| arg);
        let arg = arg.filter(|_| row.takes != Takes::Nothing);
        let taken = len + arg.map_or(0, |arg| arg.len() + 2);
        Ok((taken, bracketed(*id, row, arg)?))
    }

    fn events(&self, name: &str) -> Option<EventSet> {
        catalog().events(name).cloned()
    }

    fn all_events(&self) -> EventSet {
        catalog().all()
    }
}

#[cfg(test)]
mod tests {
    use super::{Registry, rows};
    use crate::rules::lang::{Arg, Names, Shape, Type};

    #[test]
    fn names_are_unique_and_described() {
        let mut names: Vec<_> = rows().map(|row| row.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(rows().all(|row| !row.about.is_empty()));
    }

    #[test]
    fn arguments_are_parsed_as_the_field_takes_them() {
        let field = |name: &str, arg: Option<&str>| Registry.field(name, arg);
        let aname = field("proc.aname", Some("2")).unwrap();
        assert_eq!((aname.arg, aname.shape), (Arg::Index(2), Shape::Single));
        assert_eq!(field("proc.aname", None).unwrap().shape, Shape::Any);
        assert_eq!(field("evt.arg.flags", None).unwrap().arg, Arg::Key("flags".into()));
        assert_eq!(field("evt.arg", Some("2")).unwrap().arg, Arg::Index(2));
        assert_eq!(field("evt.rawarg.flags", None).unwrap().kind, Type::Uint(32));
        assert_eq!(field("proc.env", Some("CI")).unwrap().arg, Arg::Key("CI".into()));
        assert_eq!(field("evt.arg.bogus", None).unwrap_err(), "unknown event argument bogus");
        assert_eq!(field("evt.type.is.open", None).unwrap().arg, Arg::Key("open".into()));
        assert!(field("evt.type.is.opeat", None).unwrap_err().contains("nonexistent field"));
        assert_eq!(field("foo.bar", None).unwrap_err(), "filter_check called with nonexistent field foo.bar");
        assert!(field("proc.name", Some("1")).is_err() && field("evt.arg", None).is_err());
        assert!(field("proc.aname", Some("x")).is_err());
    }

    #[test]
    fn a_format_ends_a_name_at_the_longest_field() {
        let prefix = |text: &'static str| Registry.prefix(text).map(|(len, _)| &text[..len]);
        assert_eq!(prefix("proc.name. Then"), Ok("proc.name"));
        assert_eq!(prefix("proc.aname[2]|x"), Ok("proc.aname[2]"));
        assert_eq!(prefix("evt.arg.flags)"), Ok("evt.arg.flags"));
        assert_eq!(prefix("proc.exepath"), Ok("proc.exepath"));
        assert_eq!(prefix("proc.name[0]"), Ok("proc.name"));
        assert_eq!(prefix("nope.x"), Err("unknown filter: nope.x".to_owned()));
    }
}
