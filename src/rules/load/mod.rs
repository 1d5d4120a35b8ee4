//! Rule files to a set of rules that can be asked, with a report for each file.

mod collect;
mod drafts;
mod items;
mod report;
mod resolve;
mod variables;
mod yaml;

pub use collect::ENGINE;
pub use report::{Code, Context, Location, Report, Trouble};
pub use variables::{Variables, pattern};
pub use yaml::Place;

use super::format::Template;
use super::lang::{Compiler, EventSet, Expr, Macros, Names, NodeId, Operand, ParseError, Program, Right, parse};
use super::priority::Priority;
use collect::{Collector, Draft, Macro};
use items::{Read, trouble};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The largest rule file.
const LARGEST: u64 = 32 << 20;

/// More events than this in a condition cost much, says Falco.
const MANY_EVENTS: usize = 100;

/// Macros can name macros that deep.
const DEEPEST: usize = 64;

/// A rule that can be asked.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub desc: String,
    /// Its condition as it was written, with lists and exceptions put in.
    pub condition: String,
    /// Its output as it was written.
    pub output: String,
    /// Its output, compiled.
    pub template: Template,
    /// How grave it is.
    pub priority: Priority,
    /// Its source of events.
    pub source: String,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Whether it is asked at all.
    pub enabled: bool,
    /// Its condition in the program.
    pub node: NodeId,
    /// The events that it can be about.
    pub events: EventSet,
}

/// All rules of all files.
#[derive(Debug, Default)]
pub struct Rules {
    /// In the order of the files.
    pub rules: Vec<Rule>,
    /// Their conditions.
    pub program: Program,
    /// The lists, with their items.
    pub lists: Vec<(String, Vec<String>)>,
    /// The macros, with their conditions.
    pub macros: Vec<(String, String)>,
    /// The engine version that the files ask for.
    pub engine: Option<(u64, u64, u64)>,
    /// The plugins that the files ask for.
    pub plugins: Vec<(String, String)>,
}

/// The rule files that paths name: a directory stands for the `.yaml` and `.yml` files in it, in the order of their
/// names.
///
/// # Errors
/// A directory that cannot be read, with its name.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let is_rules =
            |path: &PathBuf| path.is_file() && path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(is_rules).collect();
        found.sort();
        files.extend(found);
    }
    Ok(files)
}

/// Loads rule files, later ones after earlier ones; `None` in place of rules when one has an error.
pub fn load(paths: &[PathBuf], names: &dyn Names) -> (Option<Rules>, Vec<Report>) {
    let mut loader = Loader::new(names);
    paths.iter().for_each(|path| loader.add_file(path));
    loader.finish()
}

fn read(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST {
        return Err(format!("it is larger than {LARGEST} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Takes the texts of files, one after another.
pub struct Loader<'n> {
    names: &'n dyn Names,
    collector: Collector<'n>,
    reports: Vec<Report>,
}

impl std::fmt::Debug for Loader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loader").field("reports", &self.reports).finish_non_exhaustive()
    }
}

impl<'n> Loader<'n> {
    /// A loader that has seen no file.
    #[must_use]
    pub fn new(names: &'n dyn Names) -> Loader<'n> {
        Loader { names, collector: Collector::new(names), reports: Vec::new() }
    }

    /// Items of lists can name these from now on.
    pub fn set(&mut self, variables: Variables) {
        self.collector.variables = variables;
    }

    /// Takes a file; one that cannot be read is an error of its report.
    pub fn add_file(&mut self, path: &Path) {
        match read(path) {
            Ok(text) => self.add(&path.display().to_string(), &text),
            Err(why) => self.unreadable(&path.display().to_string(), &why),
        }
    }

    fn unreadable(&mut self, name: &str, why: &str) {
        let trouble = trouble(Code::ErrFileRead, why, &Context::file(name));
        self.reports.push(Report { name: name.to_owned(), content: String::new(), troubles: vec![*trouble] });
    }

    /// Takes a file's text.
    pub fn add(&mut self, name: &str, text: &str) {
        let context = Context::file(name);
        let mut report = Report { name: name.to_owned(), content: text.to_owned(), troubles: Vec::new() };
        let read = match yaml::parse(text) {
            Ok(documents) => documents.iter().try_for_each(|document| self.collector.document(document, &context)),
            Err((why, place)) => Err(trouble(Code::ErrYamlParse, why, &context.within("value for", "", place))),
        };
        report.troubles.append(&mut self.collector.warnings);
        report.troubles.extend(read.err().map(|trouble| *trouble));
        self.reports.push(report);
    }

    /// Puts all files together.
    #[must_use]
    pub fn finish(mut self) -> (Option<Rules>, Vec<Report>) {
        if !self.reports.iter().all(Report::successful) {
            return (None, self.reports);
        }
        let mut troubles = Vec::new();
        let rules = compile(self.collector, self.names, &mut troubles);
        let rules = rules.map_err(|trouble| troubles.push(*trouble)).ok();
        for trouble in troubles {
            let name = trouble.context.name();
            if let Some(report) = self.reports.iter_mut().rev().find(|report| report.name == name) {
                report.troubles.push(trouble);
            }
        }
        (rules, self.reports)
    }
}

/// The macros that a condition names, with where.
fn named<'e>(expr: &'e Expr, found: &mut Vec<(&'e str, crate::rules::lang::Pos)>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| named(part, found)),
        Expr::Not(part) => named(part, found),
        Expr::Macro(name, pos) => found.push((name, *pos)),
        Expr::Check { .. } => {}
    }
}

fn compile(collector: Collector<'_>, names: &dyn Names, troubles: &mut Vec<Trouble>) -> Read<Rules> {
    let mut used = vec![false; collector.lists.len()];
    let lists = resolve::expand(&collector.lists, &mut used);
    let parsed = |text: &str, context: &Context| {
        let mistake =
            |error: ParseError| trouble(Code::ErrCompileCondition, error.text, &context.condition(text, error.pos));
        parse(text).map_err(mistake)
    };
    let mut macros = Macros::default();
    let mut texts = Vec::new();
    for item in &collector.macros {
        let text = resolve::with_lists(&item.condition, &lists, &mut used);
        macros.insert(item.name.clone(), parsed(&text, &item.condition_context)?);
        texts.push((item.name.clone(), text));
    }
    check_macros(&collector.macros, &macros)?;
    let mut compiler = Compiler::new(names);
    let mut rules = Vec::new();
    for draft in &collector.rules {
        if draft.source != "syscall" {
            continue;
        }
        let text = if draft.exceptions.is_empty() { draft.condition.clone() } else { resolve::with_exceptions(draft)? };
        let text = resolve::with_lists(&text, &lists, &mut used);
        let expr = parsed(&text, &draft.condition_context)?;
        unsafe_checks(&expr, draft, troubles);
        if let Some(rule) = rule(draft, text, &expr, &macros, &mut compiler, names, troubles)? {
            rules.push(rule);
        }
    }
    for item in &collector.macros {
        let elsewhere = macros.values().any(|expr| {
            let mut found = Vec::new();
            named(expr, &mut found);
            found.iter().any(|(name, _)| *name == item.name)
        });
        if !compiler.used.contains(&item.name) && !elsewhere {
            let text = "Macro not referred to by any other rule/macro";
            troubles.push(*trouble(Code::UnusedMacro, text, &item.context));
        }
    }
    for (list, _) in collector.lists.iter().zip(&used).filter(|(_, used)| !**used) {
        let text = "List not referred to by any other rule/macro";
        troubles.push(*trouble(Code::UnusedList, text, &list.context));
    }
    let (engine, plugins) = (collector.engine, collector.plugins);
    Ok(Rules { rules, program: compiler.finish(), lists, macros: texts, engine, plugins })
}

/// A macro can name those that stand before it.
fn check_macros(items: &[Macro], macros: &Macros) -> Read<()> {
    for item in items {
        let mut found = Vec::new();
        if let Some(expr) = macros.get(&item.name) {
            named(expr, &mut found);
        }
        for (name, pos) in found {
            let visible = items.iter().any(|other| other.name == name && other.index < item.visibility);
            if !visible || name == item.name {
                let text = format!("Undefined macro '{name}' used in filter.");
                return Err(trouble(Code::ErrValidate, text, &item.context.condition(&item.condition, pos)));
            }
        }
        if depth(&item.name, macros, 0) > DEEPEST {
            let text = format!("macros are nested deeper than {DEEPEST}, or in a loop");
            return Err(trouble(Code::ErrValidate, text, &item.context));
        }
    }
    Ok(())
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

fn rule(
    draft: &Draft,
    text: String,
    expr: &Expr,
    macros: &Macros,
    compiler: &mut Compiler<'_>,
    names: &dyn Names,
    troubles: &mut Vec<Trouble>,
) -> Read<Option<Rule>> {
    let mut output = draft.output.clone();
    if output.contains("%container.info") {
        let text = "%container.info is deprecated and no more useful";
        troubles.push(*trouble(Code::DeprecatedItem, text, &draft.context));
        output = output.replace("%container.info", "");
    }
    let is_unknown = |text: &str| {
        ["nonexistent field", "invalid formatting token", "unknown event type", "unknown filter:"]
            .iter()
            .any(|words| text.contains(words))
    };
    // Falco prints alerts also when fields are missing.
    let template = match Template::new(&format!("*{}", output.trim_start_matches('*')), names) {
        Ok(template) => template,
        Err(why) if draft.skip_unknown && is_unknown(&why) => {
            troubles.push(*trouble(Code::UnknownFilter, why, &draft.output_context));
            return Ok(None);
        }
        Err(why) => return Err(trouble(Code::ErrCompileOutput, why, &draft.output_context)),
    };
    let node = match compiler.add(expr, macros) {
        Ok(node) => node,
        Err(error) => {
            let undefined = error.text.starts_with("Undefined macro");
            let context = draft.condition_context.condition(&text, error.pos);
            if draft.skip_unknown && is_unknown(&error.text) {
                troubles.push(*trouble(Code::UnknownFilter, error.text, &context));
                return Ok(None);
            }
            let code = if undefined { Code::ErrValidate } else { Code::ErrCompileCondition };
            return Err(trouble(code, error.text, &context));
        }
    };
    let all = names.all_events();
    let events = compiler.program().events(node, &all);
    if draft.warn_evttypes && (events.is_empty() || events.len() > MANY_EVENTS) {
        let text = "Rule matches too many evt.type values. This has a significant performance penalty.";
        troubles.push(*trouble(Code::NoEvtType, text, &draft.context));
    }
    Ok(Some(Rule {
        name: draft.name.clone(),
        desc: draft.desc.clone(),
        condition: text,
        output,
        template,
        priority: draft.priority,
        source: draft.source.clone(),
        tags: draft.tags.clone(),
        enabled: draft.enabled,
        node,
        events,
    }))
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

#[cfg(test)]
mod tests;
