//! Rule files to a set of rules that can be asked, with a report for each file.

mod build;
mod collect;
mod details;
mod drafts;
mod items;
mod report;
mod resolve;
mod variables;
mod yaml;

pub use collect::ENGINE;
pub use details::{Details, details};
pub use report::{Code, Context, Location, Report, Trouble};
pub use variables::{Variables, pattern};
pub use yaml::Place;

use super::format::Template;
use super::lang::{EventSet, Names, NodeId, Program};
use super::priority::Priority;
use build::Built;
use collect::Collector;
use items::trouble;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The largest rule file.
const LARGEST: u64 = 32 << 20;

/// A rule that can be asked.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub desc: String,
    /// Its condition as it was written.
    pub written: String,
    /// The same, with lists and exceptions put in.
    pub condition: String,
    /// Its exceptions.
    pub exceptions: Vec<Excepted>,
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

/// An exception of a rule, as it was written.
#[derive(Clone, Debug, Default)]
pub struct Excepted {
    /// Its name.
    pub name: String,
    /// Its fields.
    pub fields: Vec<String>,
    /// How each of them is compared.
    pub comps: Vec<String>,
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
        self.reports.push(Report {
            name: name.to_owned(),
            content: String::new(),
            troubles: vec![*trouble],
            unsure: false,
        });
    }

    /// Takes a file's text.
    pub fn add(&mut self, name: &str, text: &str) {
        let context = Context::file(name);
        let mut report = Report { name: name.to_owned(), content: text.to_owned(), ..Report::default() };
        let wrong = match yaml::parse(text) {
            Ok(documents) => {
                documents.iter().flat_map(|document| self.collector.document(document, &context)).collect()
            }
            Err((why, place)) => vec![*trouble(Code::ErrYamlParse, why, &context.within("value for", "", place))],
        };
        report.troubles.append(&mut self.collector.warnings);
        report.troubles.extend(wrong);
        self.reports.push(report);
    }

    /// Puts all files together. A file with a mistake keeps none of the others from being checked.
    #[must_use]
    pub fn finish(mut self) -> (Option<Rules>, Vec<Report>) {
        let whole = self.reports.iter().all(Report::successful);
        let Built { rules, troubles, unsure } = build::build(self.collector, self.names, whole);
        for trouble in troubles {
            let name = trouble.context.name();
            if let Some(report) = self.reports.iter_mut().rev().find(|report| report.name == name) {
                report.troubles.push(trouble);
            }
        }
        for report in self.reports.iter_mut().filter(|report| unsure.contains(&report.name)) {
            report.unsure = true;
        }
        let fine = self.reports.iter().all(Report::successful);
        (Some(rules).filter(|_| fine), self.reports)
    }
}

#[cfg(test)]
mod tests;
