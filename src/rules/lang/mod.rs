//! The condition language of Falco's rules: text to a program, and a program asked about an event.
//!
//! The answer to every condition is libsinsp's. The language knows no event: fields are named by a [`Names`] and their
//! values come from a [`Fields`], so that a table in a test does as well as a traced call.

mod ast;
mod compare;
mod compile;
mod eventset;
mod field;
mod glob;
mod lexer;
mod literal;
mod parse;
mod paths;
mod posix;
mod program;
mod source;
mod types;

pub use ast::{Expr, Operand, Pos, Quantity, Right};
pub use compile::{Compiler, Macros};
pub use eventset::EventSet;
pub use field::{Arg, FieldId, Fields, Meta, Names, Shape, Value};
pub(crate) use parse::parse_call;
pub use parse::{ParseError, parse};
pub use program::{Memo, NodeId, Program};
pub use source::{Source, names as transformers};
pub use types::{Format, Op, Type};

pub(crate) use source::compile as compile_source;

#[cfg(test)]
mod tests;
