//! A row of the tables of fields: name, type, and what can be done with it.

use crate::model::Asks;
use crate::rules::lang::{Format, Shape, Type};

/// Which arguments a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// A number in brackets, or none.
    Index,
    /// A word in brackets, or none.
    Key,
    /// A number or a word in brackets, or none.
    Either,
    /// A number in brackets, always.
    Number,
    /// After a dot, or a number in brackets, always.
    Member,
}

impl Takes {
    /// The word for it in lists.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Takes::Nothing => None,
            Takes::Index => Some("[index]"),
            Takes::Key => Some("[key]"),
            Takes::Either => Some("[index|key]"),
            Takes::Number => Some("index"),
            Takes::Member => Some("name|index"),
        }
    }
}

/// A field.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Type,
    /// How many there are.
    pub shape: Shape,
    /// Which arguments it takes.
    pub takes: Takes,
    /// How its numbers are printed.
    pub format: Format,
    /// It can be compared with a field on the right, or be one.
    pub right: bool,
    /// Transformers can be applied.
    pub transforms: bool,
    /// It can be printed.
    pub prints: bool,
    /// smtrace has values for it.
    pub known: bool,
    /// What the kernel has to be asked for its values.
    pub asks: Asks,
    /// Falco calls it deprecated.
    pub deprecated: bool,
    /// What it is.
    pub about: &'static str,
}

/// A field of one value.
pub(super) const fn of(name: &'static str, kind: Type, about: &'static str) -> Row {
    Row {
        name,
        kind,
        shape: Shape::Single,
        takes: Takes::Nothing,
        format: Format::Dec,
        right: true,
        transforms: true,
        prints: true,
        known: true,
        asks: Asks { opened: false, program: false },
        deprecated: false,
        about,
    }
}

impl Row {
    /// It takes such arguments.
    pub(super) const fn takes(mut self, takes: Takes) -> Row {
        self.takes = takes;
        self
    }

    /// One of all ancestors, or with an index the one.
    pub(super) const fn ancestors(mut self) -> Row {
        self.takes = Takes::Index;
        self.shape = Shape::Any;
        self.fixed()
    }

    /// Only constants can be compared with it, and no transformer be applied.
    pub(super) const fn fixed(mut self) -> Row {
        self.right = false;
        self.transforms = false;
        self
    }

    /// It has both ends of a connection, and cannot be printed.
    pub(super) const fn ends(mut self) -> Row {
        self.shape = Shape::Either;
        self.prints = false;
        self.fixed()
    }

    /// It can be compared only.
    pub(super) const fn filter_only(mut self) -> Row {
        self.prints = false;
        self
    }

    /// It is a list.
    pub(super) const fn list(mut self) -> Row {
        self.shape = Shape::List;
        self
    }

    /// Its numbers are printed so.
    pub(super) const fn shown(mut self, format: Format) -> Row {
        self.format = format;
        self
    }

    /// smtrace has no values for it: comparisons are false.
    pub(super) const fn absent(mut self) -> Row {
        self.known = false;
        self
    }

    /// The kernel has to be asked what an open opened.
    pub(super) const fn asks_opened(mut self) -> Row {
        self.asks.opened = true;
        self
    }

    /// The kernel has to be asked what a process may do, and of its program's file.
    pub(super) const fn asks_program(mut self) -> Row {
        self.asks.program = true;
        self
    }

    /// Falco calls it deprecated.
    pub(super) const fn old(mut self) -> Row {
        self.deprecated = true;
        self
    }
}

/// A table of fields and the enumeration that names its rows.
macro_rules! fields {
    ($(#[$doc:meta])* $name:ident: $($variant:ident = $row:expr;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant),* }

        impl $name {
            /// The rows, in the order of the variants.
            pub(super) const ROWS: &'static [$crate::rules::fields::row::Row] = &[$($row),*];
            const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The field with this place in the table.
            pub(super) fn at(index: usize) -> Option<$name> {
                Self::ALL.get(index).copied()
            }
        }
    };
}
pub(super) use fields;
