//! The output of rules: text with `%field` in it, to text or to the fields of a JSON alert.

use super::lang::{Fields, Format, Names, Shape, Source, Type, Value, compile_source, parse_call};
use serde_json::Value as Json;
use std::fmt::Write as _;

/// What is printed for a field that is not there.
const ABSENT: &str = "<NA>";

#[derive(Debug)]
enum Piece {
    Text(String),
    /// A field, how it was written, and the width it is given.
    Field(Box<Source>, String, Option<usize>),
}

/// A compiled output.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    /// Without a leading `*`, nothing is printed when a field is not there.
    all: bool,
}

/// One value as text.
fn put(value: Value<'_>, kind: Type, format: Format, out: &mut String) {
    let _ = match value {
        Value::Text(bytes) => {
            out.push_str(&String::from_utf8_lossy(bytes));
            Ok(())
        }
        // As libsinsp shows buffers: what is no letter is a full stop.
        Value::Bytes(bytes) => {
            out.extend(bytes.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }));
            Ok(())
        }
        Value::Int(number) => match format {
            Format::Dec => write!(out, "{number}"),
            Format::Padded => write!(out, "{number:09}"),
            Format::Oct => write!(out, "{:o}", truncated(number.cast_unsigned(), kind)),
            Format::Hex => write!(out, "{:X}", truncated(number.cast_unsigned(), kind)),
        },
        Value::Uint(number) => match format {
            Format::Dec => write!(out, "{number}"),
            Format::Padded => write!(out, "{number:09}"),
            Format::Oct => write!(out, "{number:o}"),
            Format::Hex => write!(out, "{number:X}"),
        },
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Ip(address) => write!(out, "{address}"),
        Value::Double(number) => write!(out, "{number:.1}"),
    };
}

fn truncated(number: u64, kind: Type) -> u64 {
    match kind {
        Type::Int(bits) if bits < 64 => number & ((1 << bits) - 1),
        _ => number,
    }
}

fn json(value: Value<'_>, kind: Type, format: Format) -> Json {
    match value {
        Value::Int(number) if format == Format::Dec => number.into(),
        Value::Uint(number) if format == Format::Dec => number.into(),
        Value::Bool(truth) => truth.into(),
        Value::Double(number) => number.into(),
        other => {
            let mut text = String::new();
            put(other, kind, format, &mut text);
            text.into()
        }
    }
}

impl Template {
    /// Compiles an output.
    ///
    /// # Errors
    /// Why it is none, in libsinsp's words.
    pub fn new(text: &str, names: &dyn Names) -> Result<Template, String> {
        let (all, text) = match text.strip_prefix('*') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        let mut pieces = Vec::new();
        let mut parts = text.split('%');
        let first = parts.next().unwrap_or("");
        if !first.is_empty() {
            pieces.push(Piece::Text(first.to_owned()));
        }
        for part in parts {
            if part.is_empty() {
                return Err("invalid formatting syntax: formatting cannot end with a %".to_owned());
            }
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let width = part.get(..digits).filter(|digits| !digits.is_empty());
            let width = width.map(|digits| digits.parse::<usize>().unwrap_or(usize::MAX).min(1024));
            let part = part.get(digits..).unwrap_or("");
            if part.is_empty() {
                return Err("invalid formatting syntax: formatting cannot end with a number".to_owned());
            }
            let (len, source) = source(part, names)?;
            if !source.prints {
                let name = part.get(..len).unwrap_or("");
                return Err(format!("{name} is filter only and cannot be used as a display field"));
            }
            let (name, rest) = part.split_at(len);
            pieces.push(Piece::Field(Box::new(source), name.to_owned(), width));
            if !rest.is_empty() {
                pieces.push(Piece::Text(rest.to_owned()));
            }
        }
        Ok(Template { pieces, all })
    }

    /// Appends the output for an event; `false`, and nothing appended, when a field is not there and had to be.
    pub fn render(&self, fields: &dyn Fields, out: &mut String) -> bool {
        let start = out.len();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(source, _, width) => {
                    let from = out.len();
                    if !text_of(source, fields, out) {
                        if self.all {
                            out.truncate(start);
                            return false;
                        }
                        out.push_str(ABSENT);
                    }
                    if let Some(width) = width {
                        let given: String = out.get(from..).unwrap_or("").chars().take(*width).collect();
                        out.truncate(from);
                        let _ = write!(out, "{given:width$}");
                    }
                }
            }
        }
        true
    }

    /// The fields with their values, for JSON; absent ones are null.
    pub fn fields(&self, fields: &dyn Fields) -> impl Iterator<Item = (&str, Json)> {
        self.pieces.iter().filter_map(move |piece| match piece {
            Piece::Text(_) => None,
            Piece::Field(source, name, _) => Some((name.as_str(), value_of(source, fields))),
        })
    }

    /// The names of its fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Field(_, name, _) => Some(name.as_str()),
        })
    }

    /// Its fields.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Field(source, ..) => Some(&**source),
        })
    }
}

/// The field or transformer at the start of `text`, and its length.
fn source(text: &str, names: &dyn Names) -> Result<(usize, Source), String> {
    if let Some(call) = parse_call(text) {
        let (len, operand) = call.map_err(|error| error.text)?;
        return Ok((len, compile_source(&operand, names).map_err(|(text, _)| text)?));
    }
    let (len, meta) = names.prefix(text)?;
    Ok((len, Source::field(meta)))
}

fn text_of(source: &Source, fields: &dyn Fields, out: &mut String) -> bool {
    let list = source.shape == Shape::List;
    let start = out.len();
    if list {
        out.push('(');
    }
    let mut first = true;
    let there = source.values(fields, &mut |value| {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        put(value, source.kind, source.format, out);
        list
    });
    if list {
        out.push(')');
    }
    if !there {
        out.truncate(start);
    }
    there
}

fn value_of(source: &Source, fields: &dyn Fields) -> Json {
    let mut values = Vec::new();
    let list = source.shape == Shape::List;
    let there = source.values(fields, &mut |value| {
        values.push(json(value, source.kind, source.format));
        list
    });
    match (there, list) {
        (false, _) => Json::Null,
        (true, true) => values.into(),
        (true, false) => values.pop().unwrap_or(Json::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::rules::fields::Registry;
    use crate::rules::lang::{Arg, FieldId, Fields, Names, Value};
    use serde_json::json;

    /// `proc.name` and `proc.pid` only.
    struct Cat;

    impl Fields for Cat {
        fn get(&self, field: FieldId, _: &Arg, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
            let is = |name: &str| Registry.field(name, None).is_ok_and(|meta| meta.id == field);
            let value = if is("proc.name") {
                Value::Text(b"cat")
            } else if is("proc.pid") {
                Value::Int(7)
            } else {
                return false;
            };
            each(value);
            true
        }
    }

    fn render(text: &str) -> Option<String> {
        let mut out = String::new();
        Template::new(text, &Registry).unwrap().render(&Cat, &mut out).then_some(out)
    }

    #[test]
    fn fields_become_their_values() {
        assert_eq!(render("by %proc.name (%proc.pid)").as_deref(), Some("by cat (7)"));
        assert_eq!(render("*%fd.name by %proc.name.").as_deref(), Some("<NA> by cat."));
        assert_eq!(render("%fd.name by %proc.name"), None);
        assert_eq!(render("%5proc.name|%2proc.name|%toupper(proc.name)|").as_deref(), Some("cat  |ca|CAT|"));
    }

    #[test]
    fn json_has_types_and_nulls() {
        let template = Template::new("*%proc.name %proc.pid %fd.name", &Registry).unwrap();
        let fields: Vec<_> = template.fields(&Cat).collect();
        assert_eq!(fields, [("proc.name", json!("cat")), ("proc.pid", json!(7)), ("fd.name", json!(null))]);
    }

    #[test]
    fn mistakes_are_told() {
        let refused = |text: &str| Template::new(text, &Registry).unwrap_err();
        assert!(refused("x %").contains("cannot end with a %"));
        assert!(refused("%12").contains("cannot end with a number"));
        assert!(refused("%nope.x").contains("unknown filter"));
        assert!(refused("%fd.net").contains("filter only"));
        assert!(refused("%evt.arg.bogus").contains("unknown event argument"));
    }
}
