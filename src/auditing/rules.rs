//! The rules of an audit: the built-in ones, those of the user after them, and what their alerts are as findings.

use crate::audit::Said;
use crate::audit::fold::Context;
use crate::audit::model::{Level, Source};
use crate::audit::redact;
use crate::model::{Audit, Plan, Target};
use crate::places::{self, text};
use crate::rules::fields::{Registry, Setup};
use crate::rules::load::{self, Loader, Report, Rules, Variables, pattern};
use crate::rules::{Asked, Form, Heard, Priority, Watch};
use std::path::Path;

/// The built-in rules, in the order of their names.
const BUILT_IN: &[(&str, &str)] = &[
    ("base.yaml", include_str!("../../config/rules/ci/base.yaml")),
    ("credentials.yaml", include_str!("../../config/rules/ci/credentials.yaml")),
    ("escapes.yaml", include_str!("../../config/rules/ci/escapes.yaml")),
    ("execution.yaml", include_str!("../../config/rules/ci/execution.yaml")),
    ("network.yaml", include_str!("../../config/rules/ci/network.yaml")),
    ("persistence.yaml", include_str!("../../config/rules/ci/persistence.yaml")),
];

/// The longest message of a finding that a rule makes, in characters: a tracee chooses the paths in it.
const MESSAGE: usize = 1000;

/// The rules that `audit` asks, with the places of this run in place of variables.
///
/// # Errors
/// What is wrong with a rule file, as lines of text.
pub(super) fn load(audit: &Audit, plan: &Plan, context: &Context) -> Result<Rules, String> {
    let mut loader = Loader::new(&Registry);
    loader.set(variables(plan, context, audit.report.as_deref()));
    for (name, text) in BUILT_IN.iter().filter(|_| audit.default_rules) {
        loader.add(name, text);
    }
    let files = load::files(&audit.rules).map_err(|why| format!("smtrace: {why}\n"))?;
    files.iter().for_each(|file| loader.add_file(file));
    let (rules, reports) = loader.finish();
    rules.ok_or_else(|| reports.iter().filter(|report| !report.successful()).map(Report::text).collect())
}

/// The places of the run by the names that rules have for them. `HOMES` are all that are likely: a build that is given
/// another home directory can still look into the user's own.
fn variables(plan: &Plan, context: &Context, report: Option<&Path>) -> Variables {
    let command = if let Target::Launch(command) = &plan.target { Some(command) } else { None };
    // A path argument is text: it can have the name that the build was told, not the real one.
    let told = |name: &str| {
        let path = command.and_then(|command| places::variable(command, name));
        path.filter(|path| path.is_absolute()).as_deref().map(text).unwrap_or_default()
    };
    let both = |real: &str, name: &str| [pattern(real), pattern(&told(name))];
    let mut variables = Variables::default();
    let others = ["/root".to_owned(), "/home/*".to_owned()];
    variables.set("HOMES", both(&context.places.home, "HOME").into_iter().chain(others));
    variables.set("HOME", both(&context.places.home, "HOME"));
    variables.set("TMPDIR", both(&context.places.tmpdir, "TMPDIR"));
    variables.set("WORKSPACE", [pattern(&context.places.workspace)]);
    // What the build is told of by its environment, where it is told.
    for name in ["GITHUB_ENV", "RUNNER_TOOL_CACHE", "SSH_AUTH_SOCK"] {
        variables.set(name, [pattern(&told(name))]);
    }
    let report = report.map(|dir| text(&places::real(dir))).unwrap_or_default();
    variables.set("REPORT", [pattern(&report)]);
    variables
}

/// A watch for `rules` that tells of every rule that an event satisfies.
///
/// # Errors
/// Why there can be none.
pub(super) fn watch(rules: Rules) -> Result<Watch, String> {
    let host = crate::keep::hostname();
    let setup = Setup { host, ..Setup::default() };
    Watch::new(Asked { rules: Some(rules), all: true, form: Form::Text, condition: None, print: None, setup })
}

/// An alert as what a finding is made of.
pub(super) fn said(heard: &Heard) -> Said {
    let message: String = heard.message.chars().take(MESSAGE).collect();
    Said {
        rule: heard.rule.clone(),
        about: heard.desc.split_whitespace().collect::<Vec<_>>().join(" "),
        source: Source::Rule,
        level: level(heard.priority),
        message: redact::word(&message),
        subject: heard.subject.clone(),
        tags: heard.tags.clone(),
        ..Said::default()
    }
}

fn level(priority: Priority) -> Level {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical | Priority::Error => Level::Error,
        Priority::Warning => Level::Warning,
        Priority::Notice | Priority::Informational | Priority::Debug => Level::Note,
    }
}

#[cfg(test)]
mod tests {
    use super::BUILT_IN;
    use crate::rules::fields::Registry;
    use crate::rules::load::Loader;

    #[test]
    fn every_rule_file_is_built_in_and_loads() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/config/rules/ci");
        let mut files: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
        let mut loader = Loader::new(&Registry);
        BUILT_IN.iter().for_each(|(name, text)| loader.add(name, text));
        let (rules, reports) = loader.finish();
        let rules =
            rules.unwrap_or_else(|| panic!("{}", reports.iter().map(|report| report.text()).collect::<String>()));
        assert!(rules.rules.iter().all(|rule| rule.events.len() < 100 && !rule.tags.is_empty()));
    }
}
