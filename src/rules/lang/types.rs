//! The types of fields, the operators, and which operator takes which type.

/// What a field's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Text.
    Text,
    /// Bytes that need not be text.
    Bytes,
    /// A signed number of so many bits.
    Int(u8),
    /// An unsigned number of so many bits.
    Uint(u8),
    /// A truth value.
    Bool,
    /// An IPv4 or IPv6 address.
    Ip,
    /// An address that is compared with networks.
    Net,
    /// A TCP or UDP port; a service's name can stand for it.
    Port,
    /// Nanoseconds between two moments.
    RelTime,
    /// Nanoseconds since 1970.
    AbsTime,
    /// A number with a fraction.
    Double,
    /// A type of libscap's, by its name, that has no comparison: whether it is there is all that can be asked.
    Opaque(&'static str),
}

impl Type {
    /// Falco's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Type::Text => "CHARBUF",
            Type::Bytes => "BYTEBUF",
            Type::Int(8) => "INT8",
            Type::Int(16) => "INT16",
            Type::Int(32) => "INT32",
            Type::Int(_) => "INT64",
            Type::Uint(8) => "UINT8",
            Type::Uint(16) => "UINT16",
            Type::Uint(32) => "UINT32",
            Type::Uint(_) => "UINT64",
            Type::Bool => "BOOL",
            Type::Ip => "IPADDR",
            Type::Net => "IPNET",
            Type::Port => "PORT",
            Type::RelTime => "RELTIME",
            Type::AbsTime => "ABSTIME",
            Type::Double => "DOUBLE",
            Type::Opaque(name) => name,
        }
    }

    /// Whether lists of it can be compared.
    fn may_be_list(self) -> bool {
        matches!(self, Type::Text | Type::Uint(64) | Type::RelTime | Type::AbsTime | Type::Bool | Type::Ip | Type::Net)
    }
}

/// How a number is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// In base 10.
    #[default]
    Dec,
    /// In base 8.
    Oct,
    /// In base 16, capitals.
    Hex,
    /// In base 10 with nine digits.
    Padded,
}

/// An operator between a field and what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `=`, `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `contains`
    Contains,
    /// `icontains`
    IContains,
    /// `bcontains`
    BContains,
    /// `startswith`
    StartsWith,
    /// `bstartswith`
    BStartsWith,
    /// `endswith`
    EndsWith,
    /// `glob`
    Glob,
    /// `iglob`
    IGlob,
    /// `regex`
    Regex,
    /// `in`
    In,
    /// `intersects`
    Intersects,
    /// `pmatch`
    PMatch,
    /// `exists`
    Exists,
}

impl Op {
    /// All, in the order in which messages name them.
    pub const ALL: [Op; 19] = [
        Op::Exists,
        Op::Le,
        Op::Lt,
        Op::Ge,
        Op::Gt,
        Op::Eq,
        Op::Ne,
        Op::Glob,
        Op::IGlob,
        Op::Regex,
        Op::Contains,
        Op::IContains,
        Op::BContains,
        Op::StartsWith,
        Op::BStartsWith,
        Op::EndsWith,
        Op::Intersects,
        Op::In,
        Op::PMatch,
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Ne => "!=",
            Op::Lt => "<",
            Op::Le => "<=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Contains => "contains",
            Op::IContains => "icontains",
            Op::BContains => "bcontains",
            Op::StartsWith => "startswith",
            Op::BStartsWith => "bstartswith",
            Op::EndsWith => "endswith",
            Op::Glob => "glob",
            Op::IGlob => "iglob",
            Op::Regex => "regex",
            Op::In => "in",
            Op::Intersects => "intersects",
            Op::PMatch => "pmatch",
            Op::Exists => "exists",
        }
    }

    /// The operator that a word in an exception or a rule is.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Op> {
        if word == "==" { Some(Op::Eq) } else { Op::ALL.into_iter().find(|op| op.word() == word) }
    }

    /// Whether a list stands on its right.
    #[must_use]
    pub fn takes_list(self) -> bool {
        matches!(self, Op::In | Op::Intersects | Op::PMatch)
    }

    fn is_equality(self) -> bool {
        matches!(self, Op::Eq | Op::Ne | Op::In | Op::Intersects | Op::Exists)
    }

    fn is_order(self) -> bool {
        matches!(self, Op::Lt | Op::Le | Op::Gt | Op::Ge)
    }

    /// Why values of this type cannot be compared so, if they cannot.
    ///
    /// # Errors
    /// libsinsp's words for it.
    pub fn check(self, kind: Type, list: bool) -> Result<(), String> {
        if self == Op::Exists {
            return Ok(());
        }
        if list {
            if !kind.may_be_list() {
                return Err(format!("list filters are not supported for type '{}'", kind.name()));
            }
            let known = matches!(self, Op::In | Op::Intersects);
            return if known { Ok(()) } else { Err(format!("'{}' operator not supported list filters", self.word())) };
        }
        let (fits, what) = match kind {
            Type::Int(_) | Type::Uint(_) | Type::Port | Type::RelTime | Type::AbsTime | Type::Double => {
                (self.is_equality() || self.is_order(), "numeric")
            }
            Type::Bool => (self.is_equality(), "numeric"),
            Type::Opaque(name) => (false, name),
            Type::Ip | Type::Net => (self.is_equality(), "ip address and network"),
            Type::Text => (!matches!(self, Op::BContains | Op::BStartsWith), "string"),
            Type::Bytes => (
                self.is_equality()
                    || matches!(self, Op::Contains | Op::StartsWith | Op::EndsWith | Op::BContains | Op::BStartsWith),
                "buffer",
            ),
        };
        if fits { Ok(()) } else { Err(format!("'{}' operator not supported for {what} filters", self.word())) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Op, Type};

    #[test]
    fn each_type_takes_its_operators() {
        let can = |kind: Type, op: Op| op.check(kind, false).is_ok();
        assert!(can(Type::Text, Op::Glob) && !can(Type::Text, Op::BContains));
        assert!(can(Type::Bytes, Op::BContains) && !can(Type::Bytes, Op::Glob));
        assert!(can(Type::Uint(32), Op::Ge) && !can(Type::Uint(32), Op::Contains));
        assert!(can(Type::Opaque("SOCKADDR"), Op::Exists) && !can(Type::Opaque("SOCKADDR"), Op::Eq));
        assert!(can(Type::Bool, Op::Ne) && !can(Type::Bool, Op::Lt));
        assert!(can(Type::Net, Op::In) && !can(Type::Ip, Op::Lt));
        assert!(Op::In.check(Type::Text, true).is_ok() && Op::Eq.check(Type::Text, true).is_err());
        assert!(Op::In.check(Type::Int(64), true).is_err());
        assert_eq!(
            Op::Contains.check(Type::Int(64), false),
            Err("'contains' operator not supported for numeric filters".to_owned())
        );
    }
}
