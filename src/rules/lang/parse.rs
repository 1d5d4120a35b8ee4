//! The grammar of conditions: text to a tree. It knows no field; what a name stands for is the compiler's.

use super::Op;
use super::ast::{Expr, Operand, Pos, Quantity, Right};
use super::lexer::Lexer;
use super::source;

/// The deepest nesting.
const DEEPEST: usize = 200;

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub text: String,
    /// Where the parser stood.
    pub pos: Pos,
}

/// The tree of a condition.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    let parsed = if text.is_empty() { Err("filter input string is empty".to_owned()) } else { parser.or() };
    let parsed = parsed.and_then(|expr| {
        if parser.lexer.at_end() {
            return Ok(expr);
        }
        Err(format!("unexpected token after '{}', expecting 'or', 'and'", parser.lexer.last))
    });
    parsed.map_err(|text| ParseError { text, pos: parser.lexer.pos() })
}

/// What a format of an alert has after its `%`, if a transformer starts there: the transformer and its length.
pub(crate) fn parse_call(text: &str) -> Option<Result<(usize, Operand), ParseError>> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    let call = parser.try_call().map_err(|text| ParseError { text, pos: parser.lexer.pos() });
    let end = parser.lexer.pos().index;
    call.map(|call| call.map(|call| (end, call))).transpose()
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    depth: usize,
}

type Parsed<T> = Result<T, String>;

fn quoted_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

impl Parser<'_> {
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("exceeded max depth limit of {DEEPEST}"));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn or(&mut self) -> Parsed<Expr> {
        self.chain("or", Expr::Or, Self::and)
    }

    fn and(&mut self) -> Parsed<Expr> {
        self.chain("and", Expr::And, Self::not)
    }

    /// `part (word part)*`; a parenthesis may follow the word at once.
    fn chain(&mut self, word: &str, join: fn(Vec<Expr>) -> Expr, part: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        self.lexer.blank();
        let mut parts = vec![self.deeper(part)?];
        self.lexer.blank();
        while self.lexer.word(word) {
            let next = if self.lexer.blank() {
                self.deeper(part)?
            } else if self.lexer.word("(") {
                self.deeper(Self::embedded)?
            } else {
                return Err(format!("expected blank or '(' after '{word}'"));
            };
            parts.push(next);
            self.lexer.blank();
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                Ok(join(parts))
            }
            None => Err("expected a condition".to_owned()),
        }
    }

    fn not(&mut self) -> Parsed<Expr> {
        self.lexer.blank();
        let mut negated = false;
        while self.lexer.word_and_blank("not") {
            negated = !negated;
        }
        let inner = if self.lexer.word("not(") {
            negated = !negated;
            self.deeper(Self::embedded)?
        } else {
            self.check()?
        };
        Ok(if negated { Expr::Not(Box::new(inner)) } else { inner })
    }

    /// What follows an opening parenthesis.
    fn embedded(&mut self) -> Parsed<Expr> {
        let inner = self.or()?;
        self.lexer.blank();
        if self.lexer.word(")") { Ok(inner) } else { Err("expected a ')' token".to_owned()) }
    }

    fn check(&mut self) -> Parsed<Expr> {
        self.lexer.blank();
        let pos = self.lexer.pos();
        if self.lexer.word("(") {
            return self.deeper(Self::embedded);
        }
        if let Some(field) = self.try_field()? {
            return self.condition(field, pos);
        }
        if let Some(call) = self.try_call()? {
            return self.condition(call, pos);
        }
        match self.lexer.identifier() {
            Some(name) => Ok(Expr::Macro(name, pos)),
            None => Err("expected a '(' token, a field check, or an identifier".to_owned()),
        }
    }

    fn try_field(&mut self) -> Parsed<Option<Operand>> {
        let pos = self.lexer.pos();
        let Some(name) = self.lexer.field() else { return Ok(None) };
        if !self.lexer.word("[") {
            return Ok(Some(Operand::Field { name, arg: None, pos }));
        }
        let quoted = self.lexer.quoted_text()?;
        let Some(arg) = quoted.or_else(|| self.lexer.bare_argument()) else {
            return Err("expected a valid field argument: a quoted string or a bare string".to_owned());
        };
        if !self.lexer.word("]") {
            return Err("expected a ']' token".to_owned());
        }
        Ok(Some(Operand::Field { name, arg: Some(arg), pos }))
    }

    fn try_call(&mut self) -> Parsed<Option<Operand>> {
        let pos = self.lexer.pos();
        let called = source::names().find(|name| {
            let rest = self.lexer.rest();
            rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('('))
        });
        let Some(name) = called else { return Ok(None) };
        self.lexer.word(name);
        self.lexer.word("(");
        let args = self.deeper(Self::arguments)?;
        if !self.lexer.word(")") {
            return Err("expected a ')' token closing the transformer".to_owned());
        }
        Ok(Some(Operand::Call { name: name.to_owned(), args, pos }))
    }

    /// The arguments of a transformer, up to its closing parenthesis.
    fn arguments(&mut self) -> Parsed<Vec<Operand>> {
        let mut args = Vec::new();
        loop {
            self.lexer.blank();
            args.push(self.argument()?);
            self.lexer.blank();
            if !self.lexer.word(",") {
                return Ok(args);
            }
        }
    }

    fn argument(&mut self) -> Parsed<Operand> {
        let pos = self.lexer.pos();
        if let Some(call) = self.try_call()? {
            return Ok(call);
        }
        if let Some(field) = self.try_field()? {
            return Ok(field);
        }
        if let Some(text) = self.lexer.quoted_text()? {
            return Ok(Operand::Literal(text, pos));
        }
        if self.lexer.word("(") {
            let items = self.deeper(Self::arguments)?;
            if !self.lexer.word(")") {
                return Err("expected a ')' token".to_owned());
            }
            return Ok(Operand::List(items, pos));
        }
        Err(format!("expected a field or a nested valid transformer: {}", quoted_names(source::names_with_val())))
    }

    fn condition(&mut self, left: Operand, pos: Pos) -> Parsed<Expr> {
        self.lexer.blank();
        let Some(op) = self.operator() else {
            let ops = quoted_names(Op::ALL.iter().map(|op| op.word()));
            return Err(format!("expected a valid check operator: one of {ops}"));
        };
        self.lexer.blank();
        let right = match op {
            Op::Exists => Right::Nothing,
            Op::Lt | Op::Le | Op::Gt | Op::Ge => self.number()?,
            op if op.takes_list() => self.list(None)?,
            _ => self.text()?,
        };
        Ok(Expr::Check { left, op, right, pos })
    }

    fn operator(&mut self) -> Option<Op> {
        if self.lexer.word("==") {
            return Some(Op::Eq);
        }
        Op::ALL.into_iter().find(|op| match op {
            // The words of text operators need a blank after them; the signs, lists and `exists` do not.
            Op::Glob
            | Op::IGlob
            | Op::Regex
            | Op::Contains
            | Op::IContains
            | Op::BContains
            | Op::StartsWith
            | Op::BStartsWith
            | Op::EndsWith => self.lexer.word_and_blank(op.word()),
            _ => self.lexer.word(op.word()),
        })
    }

    /// `val(FIELD)` or a transformer on the right.
    fn try_right_operand(&mut self) -> Parsed<Option<Right>> {
        if self.lexer.word("val(") {
            self.lexer.blank();
            let Some(field) = self.try_field()? else {
                return Err("expected a field within 'val' transformer".to_owned());
            };
            self.lexer.blank();
            if !self.lexer.word(")") {
                return Err("expected a ')' token closing the transformer".to_owned());
            }
            return Ok(Some(Right::Operand(field)));
        }
        Ok(self.try_call()?.map(Right::Operand))
    }

    fn number(&mut self) -> Parsed<Right> {
        if let Some(right) = self.try_right_operand()? {
            return Ok(right);
        }
        let pos = self.lexer.pos();
        match self.lexer.number() {
            Some(number) => Ok(Right::Value(number, pos)),
            None => Err(format!(
                "expected a number value or a field with a valid transformer: {}",
                quoted_names(source::names_with_val())
            )),
        }
    }

    fn text(&mut self) -> Parsed<Right> {
        for quantity in [Quantity::One, Quantity::Any, Quantity::All] {
            if self.lexer.word_before_list(quantity.word()) {
                return self.list(Some(quantity));
            }
        }
        if let Some(right) = self.try_right_operand()? {
            return Ok(right);
        }
        let pos = self.lexer.pos();
        match self.value()? {
            Some(value) => Ok(Right::Value(value, pos)),
            None => Err(format!(
                "expected a string value or a field with a valid transformer: {}",
                quoted_names(source::names_with_val())
            )),
        }
    }

    fn value(&mut self) -> Parsed<Option<String>> {
        Ok(self.lexer.quoted_text()?.or_else(|| self.lexer.bare_text()))
    }

    fn list(&mut self, quantity: Option<Quantity>) -> Parsed<Right> {
        let pos = self.lexer.pos();
        if self.lexer.word("(") {
            let mut values = Vec::new();
            self.lexer.blank();
            if let Some(first) = self.value()? {
                values.push(first);
                self.lexer.blank();
                while self.lexer.word(",") {
                    self.lexer.blank();
                    let Some(next) = self.value()? else { return Err("expected a string value".to_owned()) };
                    values.push(next);
                    self.lexer.blank();
                }
            }
            if !self.lexer.word(")") {
                return Err("expected a ')' token".to_owned());
            }
            return Ok(Right::List(values, quantity, pos));
        }
        if let Some(right) = self.try_right_operand()? {
            return Ok(right);
        }
        match self.lexer.identifier() {
            Some(only) => Ok(Right::List(vec![only], quantity, pos)),
            None => Err(format!(
                "expected a list, an identifier, or a field with a valid transformer: {}",
                quoted_names(source::names_with_val())
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ast::{Expr, Operand, Quantity, Right};
    use super::super::types::Op;
    use super::parse;

    fn check(text: &str) -> (Operand, Op, Right) {
        match parse(text).unwrap() {
            Expr::Check { left, op, right, .. } => (left, op, right),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn words_bind_as_they_should() {
        let Expr::Or(parts) = parse("a and not b or(c and d)").unwrap() else { panic!() };
        assert!(matches!(&parts[0], Expr::And(two) if matches!(two[1], Expr::Not(_))));
        assert!(matches!(&parts[1], Expr::And(_)));
        assert!(matches!(parse("not not a").unwrap(), Expr::Macro(..)));
        assert!(matches!(parse("not(a)").unwrap(), Expr::Not(_)));
    }

    #[test]
    fn operators_and_their_right_sides() {
        assert!(matches!(check("proc.pid >= 0x10"), (_, Op::Ge, Right::Value(v, _)) if v == "0x10"));
        assert!(matches!(check("fd.name startswith\n  /a"), (_, Op::StartsWith, Right::Value(..))));
        assert!(matches!(check("a.b in (x, 'y z')"), (_, Op::In, Right::List(v, None, _)) if v == ["x", "y z"]));
        assert!(matches!(check("a.b in ()"), (_, Op::In, Right::List(v, None, _)) if v.is_empty()));
        assert!(matches!(check("a.b in x"), (_, Op::In, Right::List(v, None, _)) if v == ["x"]));
        assert!(
            matches!(check("a.b contains allof (x,y)"), (_, _, Right::List(v, Some(Quantity::All), _)) if v.len() == 2)
        );
        assert!(matches!(check("a.b = anyof"), (_, Op::Eq, Right::Value(v, _)) if v == "anyof"));
        assert!(matches!(check("a.b=val(c.d[x])"), (_, Op::Eq, Right::Operand(Operand::Field { .. }))));
        assert!(matches!(check("tolower( toupper(a.b) ) = x"), (Operand::Call { .. }, Op::Eq, _)));
        assert!(matches!(check("join(\"-\", (a.b, c.d)) = x"), (Operand::Call { args, .. }, _, _) if args.len() == 2));
        assert!(matches!(check("a.b[\"c d\"] exists"), (Operand::Field { arg: Some(a), .. }, ..) if a == "c d"));
    }

    #[test]
    fn mistakes_have_their_place() {
        let error = parse("proc.name = cat and").unwrap_err();
        assert_eq!(error.text, "expected blank or '(' after 'and'");
        let error = parse("proc.name = cat and\n  proc.pid ~ 3").unwrap_err();
        assert_eq!((error.pos.line, error.pos.column), (2, 12));
        assert!(error.text.starts_with("expected a valid check operator"));
        assert!(parse("a.b = x)").unwrap_err().text.starts_with("unexpected token after 'x'"));
        assert!(parse("").is_err() && parse("(a").is_err() && parse("a.b[").is_err() && parse("a.b in (").is_err());
        assert!(parse(&"(".repeat(100_000)).unwrap_err().text.contains("depth"));
        assert!(parse(&"not(".repeat(100_000)).is_err());
    }
}
