//! What the language asks of fields: their names and types when a condition is compiled, their values afterwards.

use super::{EventSet, Format, Type};
use std::net::IpAddr;

/// A field, as its [`Names`] numbers it.
pub type FieldId = u16;

/// The argument in brackets, or after the last dot of `evt.arg.NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Arg {
    /// None was given.
    #[default]
    None,
    /// A number.
    Index(u32),
    /// A word.
    Key(Box<str>),
}

impl Arg {
    /// The word of a key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Arg::Key(key) => Some(key),
            _ => None,
        }
    }
}

/// How many values a field has, and what that means to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// At most one.
    Single,
    /// A list: `in` tests for a subset, `intersects` for a common member.
    List,
    /// Several, of which one has to pass: all ancestors of a process.
    Any,
    /// Two ends of a connection: one has to pass, but to differ (`!=`) both have to.
    Either,
}

/// What a name in a condition stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The field.
    pub id: FieldId,
    /// Its argument.
    pub arg: Arg,
    /// The type of its values.
    pub kind: Type,
    /// How many there are.
    pub shape: Shape,
    /// How its numbers are printed.
    pub format: Format,
    /// It can be compared with, or be, a field on the right.
    pub right: bool,
    /// A transformer can be applied to it.
    pub transforms: bool,
    /// It can be printed.
    pub prints: bool,
    /// It is the name of the event, by which rules are indexed.
    pub event: bool,
}

/// The names a condition can use.
pub trait Names {
    /// What `name` with the argument `arg` stands for.
    ///
    /// # Errors
    /// Why it stands for nothing, in libsinsp's words.
    fn field(&self, name: &str, arg: Option<&str>) -> Result<Meta, String>;

    /// The longest prefix of `text` that is a field with its argument, for formats, where no blank ends a name; how long
    /// it is and what it stands for.
    ///
    /// # Errors
    /// As [`Names::field`].
    fn prefix(&self, text: &str) -> Result<(usize, Meta), String>;

    /// The events of that name: `None` when no event has it.
    fn events(&self, name: &str) -> Option<EventSet>;

    /// All events.
    fn all_events(&self) -> EventSet;
}

/// A value, borrowed from the event or its account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a text field.
    Text(&'a [u8]),
    /// Of a bytes field.
    Bytes(&'a [u8]),
    /// A signed number.
    Int(i64),
    /// An unsigned number, a port or a time.
    Uint(u64),
    /// A truth value.
    Bool(bool),
    /// An address.
    Ip(IpAddr),
    /// A number with a fraction.
    Double(f64),
}

impl Value<'_> {
    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<i128> {
        match self {
            Value::Int(number) => Some(i128::from(*number)),
            Value::Uint(number) => Some(i128::from(*number)),
            Value::Bool(truth) => Some(i128::from(*truth)),
            _ => None,
        }
    }

    /// The bytes of text or bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Value::Text(bytes) | Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The values of one event.
pub trait Fields {
    /// Calls `each` with every value of the field until it says `false`; whether the field is there at all.
    fn get(&self, field: FieldId, arg: &Arg, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool;
}
