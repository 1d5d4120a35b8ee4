//! The tree that a condition is parsed to.

use super::Op;

/// A place in a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pos {
    /// In bytes from its start.
    pub index: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

/// What stands on one side of an operator and is asked of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A field, with its argument.
    Field {
        /// Its name with all dots.
        name: String,
        /// What stood in brackets.
        arg: Option<String>,
        /// Where it stands.
        pos: Pos,
    },
    /// A transformer and what it is applied to.
    Call {
        /// Its name.
        name: String,
        /// Its arguments.
        args: Vec<Operand>,
        /// Where it stands.
        pos: Pos,
    },
    /// A text, as an argument of a transformer.
    Literal(String, Pos),
    /// A list, as an argument of a transformer.
    List(Vec<Operand>, Pos),
}

impl Operand {
    /// Where it stands.
    #[must_use]
    pub fn pos(&self) -> Pos {
        match self {
            Operand::Field { pos, .. }
            | Operand::Call { pos, .. }
            | Operand::Literal(_, pos)
            | Operand::List(_, pos) => *pos,
        }
    }
}

/// How the members of a list pass together (`startswith anyof (a, b)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// `oneof`: exactly one.
    One,
    /// `anyof`: at least one.
    Any,
    /// `allof`: every one.
    All,
}

impl Quantity {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Quantity::One => "oneof",
            Quantity::Any => "anyof",
            Quantity::All => "allof",
        }
    }
}

/// What stands on the right of an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Right {
    /// Nothing: `exists`.
    Nothing,
    /// A value.
    Value(String, Pos),
    /// A list of values, with the quantity that stood before it.
    List(Vec<String>, Option<Quantity>, Pos),
    /// A field or a transformer.
    Operand(Operand),
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All of them.
    And(Vec<Expr>),
    /// One of them.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A macro.
    Macro(String, Pos),
    /// A comparison.
    Check {
        /// What is asked of the event.
        left: Operand,
        /// How it is compared.
        op: Op,
        /// With what.
        right: Right,
        /// Where it stands.
        pos: Pos,
    },
}
