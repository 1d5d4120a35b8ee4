//! What a rule comes to, for `smtrace rules show`: its condition with all macros in their places, and what it names.

use super::{Rule, Rules};
use crate::rules::lang::{Expr, Macros, Operand, Right, parse};
use std::collections::BTreeSet;

/// What a rule names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Its condition with macros, lists and exceptions put in. As Falco shows it, without quotes.
    pub compiled: String,
    /// The fields of that condition.
    pub fields: BTreeSet<String>,
    /// Its operators.
    pub operators: BTreeSet<&'static str>,
    /// The macros that the condition itself names.
    pub macros: BTreeSet<String>,
    /// The lists that the condition itself names.
    pub lists: BTreeSet<String>,
}

/// What each rule names, in their order.
#[must_use]
pub fn details(rules: &Rules) -> Vec<Details> {
    let parsed = |(name, text): &(String, String)| Some((name.clone(), parse(text).ok()?));
    let macros: Macros = rules.macros.iter().filter_map(parsed).collect();
    rules.rules.iter().map(|rule| of(rule, rules, &macros)).collect()
}

fn of(rule: &Rule, rules: &Rules, macros: &Macros) -> Details {
    let mut details = Details::default();
    // What was loaded can be parsed.
    if let Ok(expr) = parse(&rule.condition) {
        let mut text = String::new();
        details.show(&expr, macros, &mut text);
        details.compiled = text;
        details.named(&expr);
    }
    if let Ok(expr) = parse(&rule.written) {
        let mut words = BTreeSet::new();
        listed(&expr, &mut words);
        let lists = rules.lists.iter().map(|(name, _)| name).filter(|name| words.contains(name.as_str()));
        details.lists = lists.cloned().collect();
    }
    details
}

/// The members of lists in a condition: some are names of lists.
fn listed<'e>(expr: &'e Expr, words: &mut BTreeSet<&'e str>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| listed(part, words)),
        Expr::Not(part) => listed(part, words),
        Expr::Check { right: Right::List(items, ..), .. } => words.extend(items.iter().map(String::as_str)),
        Expr::Macro(..) | Expr::Check { .. } => {}
    }
}

impl Details {
    fn named(&mut self, expr: &Expr) {
        match expr {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| self.named(part)),
            Expr::Not(part) => self.named(part),
            Expr::Macro(name, _) => {
                self.macros.insert(name.clone());
            }
            Expr::Check { .. } => {}
        }
    }

    fn show(&mut self, expr: &Expr, macros: &Macros, out: &mut String) {
        match expr {
            Expr::And(parts) => self.chain(" and ", parts, macros, out),
            Expr::Or(parts) => self.chain(" or ", parts, macros, out),
            Expr::Not(part) => {
                out.push_str("not ");
                self.show(part, macros, out);
            }
            Expr::Macro(name, _) => match macros.get(name) {
                Some(body) => self.show(body, macros, out),
                None => out.push_str(name),
            },
            Expr::Check { left, op, right, .. } => {
                self.operand(left, out);
                self.operators.insert(op.word());
                out.push(' ');
                out.push_str(op.word());
                match right {
                    Right::Nothing => {}
                    Right::Value(value, _) => {
                        out.push(' ');
                        out.push_str(value);
                    }
                    Right::List(values, quantity, _) => {
                        let word = quantity.map_or("", |quantity| quantity.word());
                        out.push_str(&format!(
                            "{}{word} ({})",
                            if word.is_empty() { "" } else { " " },
                            values.join(", ")
                        ));
                    }
                    Right::Operand(operand @ Operand::Field { .. }) => {
                        out.push_str(" val(");
                        self.operand(operand, out);
                        out.push(')');
                    }
                    Right::Operand(operand) => {
                        out.push(' ');
                        self.operand(operand, out);
                    }
                }
            }
        }
    }

    fn chain(&mut self, word: &str, parts: &[Expr], macros: &Macros, out: &mut String) {
        out.push('(');
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                out.push_str(word);
            }
            self.show(part, macros, out);
        }
        out.push(')');
    }

    fn operand(&mut self, operand: &Operand, out: &mut String) {
        match operand {
            Operand::Field { name, arg, .. } => {
                let start = out.len();
                out.push_str(name);
                if let Some(arg) = arg {
                    out.push_str(&format!("[{arg}]"));
                }
                self.fields.insert(out.get(start..).unwrap_or_default().to_owned());
            }
            Operand::Call { name, args, .. } => {
                out.push_str(name);
                self.operands(args, out);
            }
            Operand::Literal(text, _) => out.push_str(text),
            Operand::List(items, _) => self.operands(items, out),
        }
    }

    fn operands(&mut self, all: &[Operand], out: &mut String) {
        out.push('(');
        for (at, operand) in all.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.operand(operand, out);
        }
        out.push(')');
    }
}
