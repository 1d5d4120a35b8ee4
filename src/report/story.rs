//! What several reports say of one process, and where in the workspace a finding is shown.

use super::Options;
use crate::audit::model::{Audit, Finding, Process};

/// Ancestors of a process that are named.
const MOST_ANCESTORS: usize = 32;

/// The last part of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The short name of what a process runs: the script, else the program.
pub(super) fn name(process: &Process) -> &str {
    let program = process.program();
    let file = program.map_or("", |program| program.script.as_deref().unwrap_or(&program.exe));
    if file.is_empty() { "?" } else { base(file) }
}

/// The process, when the model has it.
pub(super) fn process(audit: &Audit, id: Option<u32>) -> Option<&Process> {
    audit.processes.get(usize::try_from(id?).ok()?)
}

/// The process and its ancestors, the command first. A cycle, which a damaged file may hold, ends at the bound.
pub(super) fn lineage(audit: &Audit, id: Option<u32>) -> Vec<&Process> {
    let mut found = Vec::new();
    let mut next = process(audit, id);
    while let Some(process) = next {
        if found.len() == MOST_ANCESTORS {
            break;
        }
        found.push(process);
        next = self::process(audit, process.parent);
    }
    found.reverse();
    found
}

/// `path` relative to the workspace, when it lies in it.
pub(super) fn within<'a>(audit: &Audit, path: &'a str) -> Option<&'a str> {
    let workspace = audit.run.workspace.trim_end_matches('/');
    let rest = path.strip_prefix(workspace)?.strip_prefix('/')?;
    let plain = !rest.is_empty() && rest.split('/').all(|part| !matches!(part, "" | "." | ".."));
    (!workspace.is_empty() && plain).then_some(rest)
}

/// The file of the workspace that a finding is shown at: its subject, else the script that did it, else the definition
/// of the job.
pub(super) fn anchor<'a>(audit: &'a Audit, options: &'a Options, finding: &'a Finding) -> &'a str {
    if let Some(own) = finding.subject.as_deref().and_then(|subject| within(audit, subject)) {
        return own;
    }
    let scripts = lineage(audit, finding.process).into_iter().rev().filter_map(|process| process.program());
    if let Some(own) = scripts.filter_map(|program| within(audit, program.script.as_deref()?)).next() {
        return own;
    }
    if options.place.definition.is_empty() { "build" } else { &options.place.definition }
}
