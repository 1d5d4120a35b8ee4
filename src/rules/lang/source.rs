//! Where the values of one side of a comparison come from: a field, or transformers applied to fields.

use super::ast::{Operand, Pos};
use super::field::{Arg, FieldId, Fields, Meta, Names, Shape, Value};
use super::types::{Format, Type};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::cell::RefCell;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const NAMES: [&str; 8] = ["tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"];

/// The names of all transformers.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// The names of all transformers, and `val`, which only stands on the right.
pub(super) fn names_with_val() -> impl Iterator<Item = &'static str> {
    std::iter::once("val").chain(names())
}

/// A place for values in the making. Buffers are kept, so that evaluation allocates only until they are large enough.
#[derive(Debug, Default)]
pub(super) struct Scratch(RefCell<Vec<Vec<u8>>>);

impl Scratch {
    pub(super) fn with<T>(&self, fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut buffer = self.0.borrow_mut().pop().unwrap_or_default();
        buffer.clear();
        let result = fill(&mut buffer);
        self.0.borrow_mut().push(buffer);
        result
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Field(FieldId, Arg),
    Literal(Box<str>),
    Lower(Box<Step>),
    Upper(Box<Step>),
    Base64(Box<Step>),
    BaseName(Box<Step>),
    /// Of a text, or of a list.
    Len(Box<Step>, bool),
    Join(Box<Step>, Box<[Step]>),
    Concat(Box<[Step]>),
}

/// One side of a comparison, and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    step: Step,
    /// The type of its values.
    pub kind: Type,
    /// How many there are.
    pub shape: Shape,
    /// How its numbers are printed.
    pub format: Format,
    /// It can be compared with a field, and be one on the right.
    pub right: bool,
    /// It can be printed.
    pub prints: bool,
    /// It is the name of the event, or made of it: what it is compared with has to be the name of one.
    pub event: bool,
}

impl Source {
    /// The values of a field.
    #[must_use]
    pub fn field(meta: Meta) -> Source {
        Source {
            step: Step::Field(meta.id, meta.arg),
            kind: meta.kind,
            shape: meta.shape,
            format: meta.format,
            right: meta.right,
            prints: meta.prints,
            event: meta.event,
        }
    }

    /// What tells it from other sources.
    pub(super) fn key(&self) -> String {
        format!("{:?}", self.step)
    }

    /// The field, if there is no transformer.
    #[must_use]
    pub fn plain(&self) -> Option<(FieldId, &Arg)> {
        match &self.step {
            Step::Field(id, arg) => Some((*id, arg)),
            _ => None,
        }
    }

    /// The fields that its values are made of.
    pub fn fields(&self) -> Vec<FieldId> {
        let mut all = Vec::new();
        self.step.fields(&mut all);
        all
    }

    /// Calls `each` with every value until it says `false`; whether there is any such field.
    pub(super) fn each(&self, fields: &dyn Fields, scratch: &Scratch, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match &self.step {
            Step::Field(id, arg) => fields.get(*id, arg, each),
            step => step.each(fields, scratch, each),
        }
    }

    /// As the comparisons do it, for formats of alerts.
    pub fn values(&self, fields: &dyn Fields, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        self.each(fields, &Scratch::default(), each)
    }
}

fn text(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or(bytes)
}

impl Step {
    fn fields(&self, all: &mut Vec<FieldId>) {
        match self {
            Step::Field(id, _) => all.push(*id),
            Step::Literal(_) => {}
            Step::Lower(inner)
            | Step::Upper(inner)
            | Step::Base64(inner)
            | Step::BaseName(inner)
            | Step::Len(inner, _) => {
                inner.fields(all);
            }
            Step::Join(between, parts) => {
                between.fields(all);
                parts.iter().for_each(|part| part.fields(all));
            }
            Step::Concat(parts) => parts.iter().for_each(|part| part.fields(all)),
        }
    }

    fn each(&self, fields: &dyn Fields, scratch: &Scratch, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match self {
            Step::Field(id, arg) => fields.get(*id, arg, each),
            Step::Literal(literal) => {
                each(Value::Text(literal.as_bytes()));
                true
            }
            Step::Lower(inner) => inner.map(fields, scratch, each, |from, to, _| {
                to.extend(from.iter().map(u8::to_ascii_lowercase));
                true
            }),
            Step::Upper(inner) => inner.map(fields, scratch, each, |from, to, _| {
                to.extend(from.iter().map(u8::to_ascii_uppercase));
                true
            }),
            Step::BaseName(inner) => inner.map(fields, scratch, each, |from, to, _| {
                to.extend_from_slice(from.rsplit(|byte| *byte == b'/').next().unwrap_or(from));
                true
            }),
            Step::Base64(inner) => inner.map(fields, scratch, each, |from, to, buffer| {
                let decoded = BASE64.decode_vec(from, to).is_ok();
                // libsinsp decodes to a text, whose NUL counts where the value is a buffer.
                if buffer {
                    to.push(0);
                }
                decoded
            }),
            Step::Len(inner, false) => inner.each(fields, scratch, &mut |value| {
                let bytes = value.bytes().unwrap_or_default();
                let length = match value {
                    Value::Text(bytes) => memchr::memchr(0, bytes).unwrap_or(bytes.len()),
                    _ => bytes.len(),
                };
                each(Value::Uint(length as u64))
            }),
            Step::Len(inner, true) => {
                let mut count = 0;
                let there = inner.each(fields, scratch, &mut |_| {
                    count += 1;
                    true
                });
                if there {
                    each(Value::Uint(count));
                }
                there
            }
            Step::Join(between, parts) => scratch.with(|between_text| {
                let there = between.each(fields, scratch, &mut |value| {
                    between_text.extend_from_slice(value.bytes().unwrap_or_default());
                    false
                });
                there && joined(parts, between_text, fields, scratch, each)
            }),
            Step::Concat(parts) => joined(parts, b"", fields, scratch, each),
        }
    }

    /// Gives each value as `change` writes it, which is told whether it is a buffer; without any when it cannot.
    fn map(
        &self,
        fields: &dyn Fields,
        scratch: &Scratch,
        each: &mut dyn FnMut(Value<'_>) -> bool,
        change: impl Fn(&[u8], &mut Vec<u8>, bool) -> bool,
    ) -> bool {
        let mut changed = true;
        let there = self.each(fields, scratch, &mut |value| {
            let bytes = text(value.bytes().unwrap_or_default());
            let is_buffer = matches!(value, Value::Bytes(_));
            scratch.with(|buffer| {
                changed = change(bytes, buffer, is_buffer);
                changed && each(if is_buffer { Value::Bytes(buffer) } else { Value::Text(buffer) })
            })
        });
        there && changed
    }
}

/// The values of all parts, one after another; nothing when one part is absent.
fn joined(
    parts: &[Step],
    between: &[u8],
    fields: &dyn Fields,
    scratch: &Scratch,
    each: &mut dyn FnMut(Value<'_>) -> bool,
) -> bool {
    scratch.with(|buffer| {
        let mut first = true;
        let there = parts.iter().all(|part| {
            part.each(fields, scratch, &mut |value| {
                if !std::mem::take(&mut first) {
                    buffer.extend_from_slice(between);
                }
                buffer.extend_from_slice(text(value.bytes().unwrap_or_default()));
                true
            })
        });
        if there {
            each(Value::Text(buffer));
        }
        there
    })
}

/// What an operand means.
///
/// # Errors
/// Why it means nothing, and where.
pub(crate) fn compile(operand: &Operand, names: &dyn Names) -> Result<Source, (String, Pos)> {
    let fail = |what: String| (what, operand.pos());
    match operand {
        Operand::Field { name, arg, .. } => names.field(name, arg.as_deref()).map(Source::field).map_err(fail),
        Operand::Call { name, args, .. } => {
            let compiled = args.iter().map(|arg| argument(arg, names)).collect::<Result<Vec<_>, _>>()?;
            call(name, args, compiled).map_err(fail)
        }
        Operand::Literal(..) | Operand::List(..) => Err(fail("expected a field or a transformer".to_owned())),
    }
}

/// An argument of a transformer: one source, or those of a list.
fn argument(operand: &Operand, names: &dyn Names) -> Result<Vec<Source>, (String, Pos)> {
    match operand {
        Operand::Literal(text, _) => Ok(vec![Source {
            step: Step::Literal(text.as_str().into()),
            kind: Type::Text,
            shape: Shape::Single,
            format: Format::Dec,
            right: true,
            prints: true,
            event: false,
        }]),
        Operand::List(items, _) => items.iter().map(|item| compile_or_literal(item, names)).collect(),
        other => {
            if let Operand::Field { name, arg, pos } = other {
                let meta = names.field(name, arg.as_deref()).map_err(|what| (what, *pos))?;
                if !meta.transforms {
                    return Err((format!("field '{name}' does not support transformers"), *pos));
                }
            }
            Ok(vec![compile(other, names)?])
        }
    }
}

fn compile_or_literal(operand: &Operand, names: &dyn Names) -> Result<Source, (String, Pos)> {
    let mut all = argument(operand, names)?;
    all.pop().filter(|_| all.is_empty()).ok_or_else(|| ("a list within a list".to_owned(), operand.pos()))
}

fn call(name: &str, operands: &[Operand], args: Vec<Vec<Source>>) -> Result<Source, String> {
    let list = matches!(operands, [Operand::List(..)] | [_, Operand::List(..)]);
    if name == "join" || name == "concat" {
        let takes = |source: &Source| source.kind == Type::Text;
        let given = args.len();
        let mut parts = args.into_iter();
        let between = if name == "join" { parts.next() } else { None };
        if name == "join" && (given != 2 || !list || between.as_ref().is_none_or(|between| between.len() != 1)) {
            return Err("transformer 'join' expects a separator and a list of fields".to_owned());
        }
        let parts: Vec<Source> = parts.flatten().collect();
        let between = between.into_iter().flatten().next();
        if parts.is_empty() || !parts.iter().chain(&between).all(takes) {
            return Err(format!("transformer '{name}' takes text only"));
        }
        let steps = parts.into_iter().map(|part| part.step).collect();
        let step = match between {
            Some(between) => Step::Join(Box::new(between.step), steps),
            None => Step::Concat(steps),
        };
        return Ok(derived(step, Type::Text, Shape::Single));
    }
    let mut all: Vec<Source> = args.into_iter().flatten().collect();
    let only = all.pop().filter(|only| all.is_empty() && !list && !matches!(only.step, Step::Literal(_)));
    if name == "getopt" {
        return Err("unknown field transfomer 'getopt'".to_owned());
    }
    let Some(only) = only else { return Err(format!("transformer '{name}' takes one field")) };
    let (kind, shape, is_list) = (only.kind, only.shape, only.shape == Shape::List);
    let fits = match name {
        "len" => is_list || matches!(kind, Type::Text | Type::Bytes),
        "b64" => matches!(kind, Type::Text | Type::Bytes),
        _ => kind == Type::Text,
    };
    if !fits {
        return Err(format!(
            "can't add field transformer: type '{}' is not supported by '{name}' transformer",
            kind.name()
        ));
    }
    let inner = Box::new(only.step);
    let source = match name {
        "tolower" => derived(Step::Lower(inner), kind, shape),
        "toupper" => derived(Step::Upper(inner), kind, shape),
        "b64" => derived(Step::Base64(inner), kind, shape),
        "basename" => derived(Step::BaseName(inner), kind, shape),
        _ => derived(Step::Len(inner, is_list), Type::Uint(64), if is_list { Shape::Single } else { shape }),
    };
    // libsinsp looks up what the event's name is compared with, whatever was made of it.
    Ok(Source { event: only.event, ..source })
}

fn derived(step: Step, kind: Type, shape: Shape) -> Source {
    Source { step, kind, shape, format: Format::Dec, right: true, prints: true, event: false }
}
