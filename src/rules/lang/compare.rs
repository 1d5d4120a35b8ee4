//! One comparison: what a value has to be, and whether values of an event pass.

use super::ast::Quantity;
use super::field::{Fields, Shape, Value};
use super::glob::Glob;
use super::literal::{Literal, Net, parse};
use super::paths::Paths;
use super::posix;
use super::source::{Scratch, Source};
use super::{Op, Type};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use rustc_hash::FxHashSet;
use std::cmp::Ordering;
use std::net::IpAddr;

/// The largest program that a regular expression may need, in bytes.
const LARGEST_REGEX: usize = 1 << 20;

/// What a value has to be.
#[derive(Debug)]
enum Test {
    Number(Op, i128),
    Numbers(FxHashSet<i128>),
    Order(Op, Box<[u8]>),
    Texts(FxHashSet<Box<[u8]>>),
    Contains(Box<Finder<'static>>),
    /// The text, in lower case.
    IContains(Box<[u8]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    Glob(Glob),
    Regex(Box<Regex>),
    Paths(Paths),
    Ip(Op, Box<[IpAddr]>),
    Net(Op, Box<[Net]>),
    Quantity(Quantity, Box<[Test]>),
}

#[derive(Debug)]
enum Against {
    Nothing,
    Constant(Test),
    Source(Source),
}

/// A comparison.
#[derive(Debug)]
pub(super) struct Check {
    left: Source,
    op: Op,
    against: Against,
}

impl Test {
    fn new(op: Op, kind: Type, values: &[String]) -> Result<Test, String> {
        let literals = values.iter().map(|value| parse(value, kind)).collect::<Result<Vec<_>, _>>()?;
        let first = literals.first();
        Ok(match (kind, first) {
            (Type::Ip, _) => {
                let ip = |literal: &Literal| if let Literal::Ip(ip) = literal { Some(*ip) } else { None };
                Test::Ip(op, literals.iter().filter_map(ip).collect())
            }
            (Type::Net, _) => {
                let net = |literal: &Literal| if let Literal::Net(net) = literal { Some(*net) } else { None };
                Test::Net(op, literals.iter().filter_map(net).collect())
            }
            (Type::Text | Type::Bytes, _) => Test::text(op, literals)?,
            (_, Some(Literal::Number(number))) if !op.takes_list() => Test::Number(op, *number),
            _ => {
                let number = |literal| if let Literal::Number(number) = literal { Some(number) } else { None };
                Test::Numbers(literals.into_iter().filter_map(number).collect())
            }
        })
    }

    fn text(op: Op, literals: Vec<Literal>) -> Result<Test, String> {
        let text = |literal| if let Literal::Text(text) = literal { Some(text) } else { None };
        let mut texts = literals.into_iter().filter_map(text);
        if op == Op::PMatch {
            let mut paths = Paths::default();
            texts.for_each(|path| paths.insert(&path));
            return Ok(Test::Paths(paths));
        }
        if op.takes_list() {
            return Ok(Test::Texts(texts.collect()));
        }
        let text = texts.next().unwrap_or_default();
        Ok(match op {
            Op::Contains => Test::Contains(Box::new(Finder::new(&text).into_owned())),
            Op::BContains => Test::Contains(Box::new(Finder::new(&bytes_of_hex(&text)?).into_owned())),
            Op::BStartsWith => Test::StartsWith(bytes_of_hex(&text)?),
            Op::IContains => Test::IContains(text.to_ascii_lowercase().into()),
            Op::StartsWith => Test::StartsWith(text),
            Op::EndsWith => Test::EndsWith(text),
            Op::Glob | Op::IGlob => Test::Glob(Glob::new(&text, op == Op::IGlob)),
            Op::Regex => Test::Regex(Box::new(regex(&text)?)),
            _ => Test::Order(op, text),
        })
    }

    fn pass(&self, value: Value<'_>, scratch: &Scratch) -> bool {
        match self {
            Test::Number(op, number) => value.number().is_some_and(|value| ordered(*op, value.cmp(number))),
            Test::Numbers(numbers) => value.number().is_some_and(|value| numbers.contains(&value)),
            Test::Ip(op, all) => {
                let Value::Ip(ip) = value else { return false };
                all.contains(&ip) != (*op == Op::Ne)
            }
            Test::Net(op, all) => {
                let Value::Ip(ip) = value else { return false };
                all.iter().any(|net| net.contains(ip)) != (*op == Op::Ne)
            }
            Test::Quantity(quantity, tests) => {
                let mut passed = tests.iter().filter(|test| test.pass(value, scratch));
                match quantity {
                    Quantity::One => passed.next().is_some() && passed.next().is_none(),
                    Quantity::Any => passed.next().is_some(),
                    Quantity::All => !tests.is_empty() && tests.iter().all(|test| test.pass(value, scratch)),
                }
            }
            _ => {
                let Some(bytes) = value.bytes() else { return false };
                self.pass_bytes(bytes, scratch)
            }
        }
    }

    fn pass_bytes(&self, bytes: &[u8], scratch: &Scratch) -> bool {
        match self {
            Test::Order(op, text) => ordered(*op, bytes.cmp(text)),
            Test::Texts(texts) => texts.contains(bytes),
            Test::Contains(finder) => finder.find(bytes).is_some(),
            Test::IContains(text) => {
                text.is_empty() || bytes.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
            }
            Test::StartsWith(text) => bytes.starts_with(text),
            Test::EndsWith(text) => bytes.ends_with(text),
            Test::Glob(glob) => glob.matches(bytes),
            Test::Regex(regex) => matches(regex, bytes, scratch),
            Test::Paths(paths) => paths.matches(bytes),
            _ => false,
        }
    }
}

fn ordered(op: Op, order: Ordering) -> bool {
    match op {
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
        _ => order.is_eq(),
    }
}

/// The bytes that `bcontains` and `bstartswith` write as pairs of digits in base 16.
fn bytes_of_hex(text: &[u8]) -> Result<Box<[u8]>, String> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.chunks(2).map(pair).collect();
    let refusal = || format!("'{}' is not a valid string of hexadecimal digits", String::from_utf8_lossy(text));
    bytes.map(Vec::into_boxed_slice).ok_or_else(refusal)
}

/// libsinsp's expressions match the whole text, and `^` and `$` at each line, as RE2 has it in its POSIX mode.
fn regex(text: &[u8]) -> Result<Regex, String> {
    let refused = |why: &str| format!("invalid regex pattern: {why}");
    let pattern = posix::translate(&String::from_utf8_lossy(text)).map_err(|why| refused(&why))?;
    let mut builder = RegexBuilder::new(&format!("\\A(?:{pattern})\\z"));
    builder.multi_line(true).size_limit(LARGEST_REGEX).dfa_size_limit(LARGEST_REGEX);
    builder.build().map_err(|error| refused(error.to_string().lines().last().unwrap_or("").trim()))
}

/// Whether a value matches. What is no UTF-8 in it is U+FFFD, as in all text that libsinsp shows.
fn matches(regex: &Regex, value: &[u8], scratch: &Scratch) -> bool {
    if let Ok(text) = std::str::from_utf8(value) {
        return regex.is_match(text);
    }
    scratch.with(|buffer| {
        for chunk in value.utf8_chunks() {
            buffer.extend_from_slice(chunk.valid().as_bytes());
            if !chunk.invalid().is_empty() {
                buffer.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
        std::str::from_utf8(buffer).is_ok_and(|text| regex.is_match(text))
    })
}

impl Check {
    /// Both sides, as far as they are fields.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let right = if let Against::Source(right) = &self.against { Some(right) } else { None };
        std::iter::once(&self.left).chain(right)
    }

    /// Whether the field is there at all.
    pub(super) fn exists(left: Source) -> Check {
        Check { left, op: Op::Exists, against: Against::Nothing }
    }

    /// A comparison with constants.
    pub(super) fn constant(
        left: Source,
        op: Op,
        values: &[String],
        quantity: Option<Quantity>,
    ) -> Result<Check, String> {
        op.check(left.kind, left.shape == Shape::List)?;
        let test = match quantity {
            None => Test::new(op, left.kind, values)?,
            Some(quantity) => {
                let each = values.iter().map(|value| Test::new(op, left.kind, std::slice::from_ref(value)));
                Test::Quantity(quantity, each.collect::<Result<_, _>>()?)
            }
        };
        Ok(Check { left, op, against: Against::Constant(test) })
    }

    /// A comparison with another field.
    pub(super) fn field(left: Source, op: Op, right: Source) -> Result<Check, String> {
        op.check(left.kind, left.shape == Shape::List)?;
        if matches!(op, Op::PMatch | Op::Regex) {
            return Err(format!("operator '{}' doesn't support right-hand side fields", op.word()));
        }
        if left.kind == Type::Net {
            return Err("field type 'IPNET' doesn't support right-hand side fields".to_owned());
        }
        if !left.right {
            return Err("the field doesn't support right-hand side fields".to_owned());
        }
        if !right.right {
            return Err("the field can't be used as a right-hand side field".to_owned());
        }
        let lists = (left.shape == Shape::List, right.shape == Shape::List);
        if left.kind != right.kind || lists.0 != lists.1 {
            let word = |source: &Source, list| format!("{}{}", source.kind.name(), if list { " (list)" } else { "" });
            return Err(format!(
                "the field has type '{}' while the right-hand side field has incompatible type '{}'",
                word(&left, lists.0),
                word(&right, lists.1)
            ));
        }
        Ok(Check { left, op, against: Against::Source(right) })
    }

    /// Whether the event passes.
    pub(super) fn pass(&self, fields: &dyn Fields, scratch: &Scratch) -> bool {
        let one = |value: Value<'_>| match &self.against {
            Against::Nothing => true,
            Against::Constant(test) => test.pass(value, scratch),
            Against::Source(right) => {
                let mut found = false;
                let there = right.each(fields, scratch, &mut |other| {
                    found = between(self.op, value, other);
                    !found
                });
                there && found
            }
        };
        // What one value decides, and what is true when none decided.
        let (decisive, otherwise) = match self.left.shape {
            Shape::Single | Shape::Any => (true, false),
            Shape::List => (self.op != Op::In, self.op == Op::In || self.op == Op::Exists),
            Shape::Either => (self.op != Op::Ne, self.op == Op::Ne),
        };
        let mut result = otherwise;
        let there = self.left.each(fields, scratch, &mut |value| {
            if one(value) == decisive {
                result = decisive;
            }
            result != decisive
        });
        there && result
    }
}

/// Compares the values of two fields of one type.
fn between(op: Op, left: Value<'_>, right: Value<'_>) -> bool {
    let order = match (left, right) {
        (Value::Ip(left), Value::Ip(right)) => left.cmp(&right),
        (Value::Double(left), Value::Double(right)) => left.total_cmp(&right),
        _ => match (left.number(), right.number(), left.bytes(), right.bytes()) {
            (Some(left), Some(right), ..) => left.cmp(&right),
            (_, _, Some(left), Some(right)) => {
                return match op {
                    Op::Contains | Op::BContains => memchr::memmem::find(left, right).is_some(),
                    Op::IContains => {
                        right.is_empty() || left.windows(right.len()).any(|part| part.eq_ignore_ascii_case(right))
                    }
                    Op::StartsWith | Op::BStartsWith => left.starts_with(right),
                    Op::EndsWith => left.ends_with(right),
                    Op::Glob | Op::IGlob => Glob::new(right, op == Op::IGlob).matches(left),
                    _ => ordered(op, left.cmp(right)),
                };
            }
            _ => return false,
        },
    };
    ordered(op, order)
}
