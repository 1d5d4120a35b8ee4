//! What the CI that runs the build is told in its own language: annotations and the job summary of GitHub Actions, the
//! code-quality file of GitLab.

use crate::audit::model::{Audit, Finding, Level};
use std::fmt::Write as _;
use std::io::Write as _;

/// Annotations of each level: GitHub shows no more of one step.
const MOST: usize = 10;

/// Whether GitLab runs the build.
pub(super) fn is_gitlab() -> bool {
    std::env::var_os("GITLAB_CI").is_some_and(|value| value == "true")
}

/// In GitHub Actions, annotations and the job summary.
pub(super) fn annotate(facts: &Audit) {
    if std::env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return;
    }
    let text = annotations(facts);
    // The runner reads commands from both streams; stdout is the build's.
    let _ = std::io::stderr().write_all(text.as_bytes());
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(brief(facts).as_bytes())) {
        crate::say::say(&format!("cannot write the job summary to {}: {error}", path.display()));
    }
}

/// The workflow commands (docs.github.com, "Workflow commands for GitHub Actions").
fn annotations(facts: &Audit) -> String {
    let mut out = String::new();
    for (level, command) in [(Level::Error, "error"), (Level::Warning, "warning")] {
        for finding in facts.findings.iter().filter(|finding| finding.level == level).take(MOST) {
            let message = match finding.evidence.last() {
                Some(by) => format!("{}\n{by}", finding.message),
                None => finding.message.clone(),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "::{command} title=smtrace%3A {}::{}", property(&finding.rule), data(&message));
        }
    }
    out
}

/// A workflow command's message: the characters that would end it are escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text that Markdown shows as it is.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::summary::plain(text).chars() {
        if "\\`*_{}[]<>()#+-.!|~&@:".contains(c) && !"-.:".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The job summary.
fn brief(facts: &Audit) -> String {
    let verdict = &facts.verdict;
    let mut out = String::from("## smtrace audit\n\n");
    let word = if verdict.failed { "❌ failed" } else { "✅ passed" };
    let _ = writeln!(
        out,
        "{word}: {} errors, {} warnings, {} notes; {} processes, {} files, {} addresses\n",
        verdict.errors,
        verdict.warnings,
        verdict.notes,
        facts.processes.len(),
        facts.files.len(),
        facts.peers.len()
    );
    let serious: Vec<&Finding> =
        facts.findings.iter().filter(|finding| finding.level > Level::Note).take(100).collect();
    if !serious.is_empty() {
        out.push_str("| level | rule | what happened |\n| --- | --- | --- |\n");
    }
    for finding in serious {
        let message: String = finding.message.chars().take(500).collect();
        let _ = writeln!(out, "| {} | {} | {} |", finding.level.word(), markdown(&finding.rule), markdown(&message));
    }
    if !facts.coverage.complete {
        out.push_str("\n⚠️ The audit is incomplete: events were lost.\n");
    }
    out.push('\n');
    out
}

/// GitLab's code-quality report (docs.gitlab.com, "Code Quality", "Code Quality report format").
pub(super) fn code_quality(facts: &Audit) -> String {
    let of = |finding: &Finding| {
        let severity = match finding.level {
            Level::Error => "critical",
            Level::Warning => "major",
            Level::Note => "info",
        };
        let workspace = format!("{}/", facts.run.workspace.trim_end_matches('/'));
        let within = finding.subject.as_deref().and_then(|subject| subject.strip_prefix(&workspace));
        serde_json::json!({
            "description": finding.message,
            "check_name": finding.rule,
            "fingerprint": finding.fingerprint,
            "severity": severity,
            // A finding of a run has no line; GitLab demands one.
            "location": { "path": within.unwrap_or(".gitlab-ci.yml"), "lines": { "begin": 1 } },
        })
    };
    let all: Vec<serde_json::Value> = facts.findings.iter().map(of).collect();
    format!("{:#}\n", serde_json::Value::Array(all))
}

#[cfg(test)]
mod tests {
    use super::{annotations, code_quality, markdown};
    use crate::audit::model::{Audit, Finding, Level};

    fn facts(count: usize) -> Audit {
        let finding = |n: usize| Finding {
            level: Level::Error,
            rule: format!("r{n}"),
            message: "a%\n::error::forged".to_owned(),
            subject: Some("/w/x".to_owned()),
            fingerprint: n.to_string(),
            ..Finding::default()
        };
        let mut facts = Audit { findings: (0..count).map(finding).collect(), ..Audit::default() };
        facts.run.workspace = "/w".to_owned();
        facts
    }

    #[test]
    fn annotations_are_few_and_cannot_be_forged() {
        let text = annotations(&facts(30));
        assert_eq!(text.lines().count(), 10);
        assert!(text.lines().all(|line| line.starts_with("::error title=smtrace%3A r")), "{text}");
        assert!(text.contains("::a%25%0A::error::forged\n"), "{text}");
    }

    #[test]
    fn markdown_shows_what_it_is_given() {
        assert_eq!(markdown("a|b<script>\n"), "a\\|b\\<script\\>\\\\n");
    }

    #[test]
    fn code_quality_names_files_of_the_workspace() {
        let list: serde_json::Value = serde_json::from_str(&code_quality(&facts(1))).unwrap();
        assert_eq!(list[0]["location"]["path"], "x");
        assert_eq!(list[0]["severity"], "critical");
    }
}
