//! What all files say to rules that can be asked: lists and exceptions put in, macros resolved, conditions compiled.
//!
//! A mistake ends its own item only, so that one check tells of all.

use super::collect::{Collector, Draft, Macro};
use super::items::trouble;
use super::report::{Code, Context, Trouble};
use super::{Rule, Rules, resolve};
use crate::rules::format::Template;
use crate::rules::lang::{Compiler, Expr, Macros, Names, Operand, ParseError, Pos, Right, parse};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// More events than this in a condition cost much, says Falco.
const MANY_EVENTS: usize = 100;

/// The field that Falco calls deprecated in conditions, and its reason.
const DIRECTION: &str = "evt.dir";
const NO_ENTERS: &str = "field 'evt.dir': enter events are no more, so that 'evt.dir = <' is always true and 'evt.dir = >' \
                         always false; the condition can go without it";

/// Macros can name macros that deep.
const DEEPEST: usize = 64;

/// Rules, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Built {
    pub(super) rules: Rules,
    pub(super) troubles: Vec<Trouble>,
    /// The files that ask for macros which mistakes elsewhere may have hidden.
    pub(super) unsure: BTreeSet<String>,
}

struct Builder<'a, 'n> {
    names: &'n dyn Names,
    compiler: Compiler<'n>,
    macros: Macros,
    /// Of each macro: its text with lists put in, and where its condition stands.
    texts: FxHashMap<&'a str, (String, &'a Context)>,
    /// Whether all macros are there.
    whole: bool,
    built: Built,
}

fn compile_error(text: &str, context: &Context) -> impl Fn(ParseError) -> Trouble {
    move |error| *trouble(Code::ErrCompileCondition, error.text, &context.condition(text, error.pos))
}

/// Builds the rules of all files; `whole` says whether all of their items could be read.
pub(super) fn build(collector: Collector<'_>, names: &dyn Names, whole: bool) -> Built {
    let mut used = vec![false; collector.lists.len()];
    let lists = resolve::expand(&collector.lists, &mut used);
    let mut builder = Builder {
        names,
        compiler: Compiler::new(names),
        macros: Macros::default(),
        texts: FxHashMap::default(),
        whole,
        built: Built::default(),
    };
    for item in &collector.macros {
        let text = resolve::with_lists(&item.condition, &lists, &mut used);
        match parse(&text).map_err(compile_error(&text, &item.condition_context)) {
            Ok(expr) => {
                builder.macros.insert(item.name.clone(), expr);
            }
            Err(mistake) => {
                builder.built.troubles.push(mistake);
                builder.whole = false;
            }
        }
        builder.built.rules.macros.push((item.name.clone(), text.clone()));
        builder.texts.insert(&item.name, (text, &item.condition_context));
    }
    collector.macros.iter().for_each(|item| builder.check_macro(item, &collector.macros));
    for draft in collector.rules.iter().filter(|draft| draft.source == "syscall") {
        let condition =
            if draft.exceptions.is_empty() { Ok(draft.condition.clone()) } else { resolve::with_exceptions(draft) };
        match condition.map(|text| resolve::with_lists(&text, &lists, &mut used)) {
            Ok(text) => builder.rule(draft, text),
            Err(mistake) => builder.tell(*mistake),
        }
    }
    for item in &collector.macros {
        let elsewhere = builder.macros.values().any(|expr| {
            let mut found = Vec::new();
            named(expr, &mut found);
            found.iter().any(|(name, _)| *name == item.name)
        });
        if !builder.compiler.used.contains(&item.name) && !elsewhere {
            let text = "Macro not referred to by any other rule/macro";
            builder.built.troubles.push(*trouble(Code::UnusedMacro, text, &item.context));
        }
    }
    for (list, _) in collector.lists.iter().zip(&used).filter(|(_, used)| !**used) {
        let text = "List not referred to by any other rule/macro";
        builder.built.troubles.push(*trouble(Code::UnusedList, text, &list.context));
    }
    let Builder { compiler, mut built, .. } = builder;
    built.rules.program = compiler.finish();
    (built.rules.lists, built.rules.engine, built.rules.plugins) = (lists, collector.engine, collector.plugins);
    built
}

impl<'a> Builder<'a, '_> {
    /// Keeps a mistake, once: several rules can name the same macro.
    fn tell(&mut self, mistake: Trouble) {
        if !self.built.troubles.contains(&mistake) {
            self.built.troubles.push(mistake);
        }
    }

    /// A macro that nobody defined; when macros are missing by mistakes elsewhere, that is all that can be said.
    fn undefined(&mut self, mistake: Trouble) {
        if self.whole {
            self.tell(mistake);
        } else {
            self.built.unsure.insert(mistake.context.name().to_owned());
        }
    }

    /// A macro can name those that stand before it.
    fn check_macro(&mut self, item: &Macro, all: &[Macro]) {
        let mut found = Vec::new();
        if let Some(expr) = self.macros.get(&item.name) {
            named(expr, &mut found);
        }
        let unknown = found.into_iter().find(|(name, _)| {
            let visible = all.iter().any(|other| other.name == *name && other.index < item.visibility);
            !visible || *name == item.name
        });
        if let Some((name, pos)) = unknown {
            let text = format!("Undefined macro '{name}' used in filter.");
            let context = item.context.condition(&item.condition, pos);
            self.undefined(*trouble(Code::ErrValidate, text, &context));
        } else if depth(&item.name, &self.macros, 0) > DEEPEST {
            let text = format!("macros are nested deeper than {DEEPEST}, or in a loop");
            self.tell(*trouble(Code::ErrValidate, text, &item.context));
        }
    }

    fn rule(&mut self, draft: &Draft, text: String) {
        let expr = match parse(&text).map_err(compile_error(&text, &draft.condition_context)) {
            Ok(expr) => expr,
            Err(mistake) => return self.tell(mistake),
        };
        unsafe_checks(&expr, draft, &mut self.built.troubles);
        if uses(&expr, &self.macros, DIRECTION, &mut BTreeSet::new()) {
            self.built.troubles.push(*trouble(Code::DeprecatedItem, NO_ENTERS, &draft.condition_context));
        }
        let mut output = draft.output.clone();
        if output.contains("%container.info") {
            let text = "%container.info is deprecated and no more useful";
            self.built.troubles.push(*trouble(Code::DeprecatedItem, text, &draft.context));
            output = output.replace("%container.info", "");
        }
        // Falco prints alerts also when fields are missing.
        let template = Template::new(&format!("*{}", output.trim_start_matches('*')), self.names);
        let template = match template {
            Ok(template) => template,
            Err(why) if draft.skip_unknown && is_unknown(&why) => {
                return self.tell(*trouble(Code::UnknownFilter, why, &draft.output_context));
            }
            Err(why) => return self.tell(*trouble(Code::ErrCompileOutput, why, &draft.output_context)),
        };
        let node = match self.compiler.add(&expr, &self.macros) {
            Ok(node) => node,
            Err(error) => return self.refused(draft, &text, error),
        };
        let events = self.compiler.program().events(node, &self.names.all_events());
        if draft.warn_evttypes && (events.is_empty() || events.len() > MANY_EVENTS) {
            let text = "Rule matches too many evt.type values. This has a significant performance penalty.";
            self.built.troubles.push(*trouble(Code::NoEvtType, text, &draft.context));
        }
        self.built.rules.rules.push(Rule {
            name: draft.name.clone(),
            desc: draft.desc.clone(),
            written: draft.condition.clone(),
            condition: text,
            exceptions: draft.exceptions.iter().map(|exception| exception.described()).collect(),
            output,
            template,
            priority: draft.priority,
            source: draft.source.clone(),
            tags: draft.tags.clone(),
            enabled: draft.enabled,
            node,
            events,
        });
    }

    /// A condition that does not compile: the mistake is its own, or that of a macro.
    fn refused(&mut self, draft: &Draft, text: &str, error: ParseError) {
        let inner = self.compiler.failed_in().and_then(|name| self.texts.get(name));
        let context = match inner {
            Some((text, context)) => context.condition(text, error.pos),
            None => draft.condition_context.condition(text, error.pos),
        };
        if draft.skip_unknown && is_unknown(&error.text) {
            return self.tell(*trouble(Code::UnknownFilter, error.text, &context));
        }
        if error.text.starts_with("Undefined macro") {
            return self.undefined(*trouble(Code::ErrValidate, error.text, &context));
        }
        self.tell(*trouble(Code::ErrCompileCondition, error.text, &context));
    }
}

fn is_unknown(text: &str) -> bool {
    ["nonexistent field", "invalid formatting token", "unknown event type", "unknown filter:"]
        .iter()
        .any(|words| text.contains(words))
}

/// The macros that a condition names, with where.
fn named<'e>(expr: &'e Expr, found: &mut Vec<(&'e str, Pos)>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| named(part, found)),
        Expr::Not(part) => named(part, found),
        Expr::Macro(name, pos) => found.push((name, *pos)),
        Expr::Check { .. } => {}
    }
}

fn depth(name: &str, macros: &Macros, level: usize) -> usize {
    if level > DEEPEST {
        return level;
    }
    let mut found = Vec::new();
    if let Some(expr) = macros.get(name) {
        named(expr, &mut found);
    }
    let mut deepest = level;
    for (name, _) in found {
        deepest = deepest.max(depth(name, macros, level + 1));
        if deepest > DEEPEST {
            break;
        }
    }
    deepest
}

/// Whether a condition, or a macro that it names, compares the field.
fn uses<'e>(expr: &'e Expr, macros: &'e Macros, field: &str, seen: &mut BTreeSet<&'e str>) -> bool {
    fn names(operand: &Operand, field: &str) -> bool {
        match operand {
            Operand::Field { name, .. } => name == field,
            Operand::Call { args: parts, .. } | Operand::List(parts, _) => parts.iter().any(|part| names(part, field)),
            Operand::Literal(..) => false,
        }
    }
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|part| uses(part, macros, field, seen)),
        Expr::Not(part) => uses(part, macros, field, seen),
        Expr::Macro(name, _) => {
            seen.insert(name) && macros.get(name).is_some_and(|body| uses(body, macros, field, seen))
        }
        Expr::Check { left, right, .. } => {
            names(left, field) || matches!(right, Right::Operand(operand) if names(operand, field))
        }
    }
}

/// Comparisons that `<NA>` cannot satisfy as meant.
fn unsafe_checks(expr: &Expr, draft: &Draft, troubles: &mut Vec<Trouble>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| unsafe_checks(part, draft, troubles)),
        Expr::Not(part) => unsafe_checks(part, draft, troubles),
        Expr::Macro(..) => {}
        Expr::Check { left: Operand::Field { name, .. }, right, .. } => {
            let unsafe_field = name.starts_with("ka.") || name.starts_with("jevt.");
            let absent = match right {
                Right::Value(value, _) => value == "<NA>",
                Right::List(values, ..) => values.iter().any(|value| value == "<NA>"),
                _ => false,
            };
            if unsafe_field && absent {
                let text = "comparing a field value with <NA> is unsafe and can lead to unpredictable behavior";
                troubles.push(*trouble(Code::UnsafeNaCheck, text, &draft.condition_context));
            }
        }
        Expr::Check { .. } => {}
    }
}
