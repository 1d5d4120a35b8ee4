//! The findings as SARIF 2.1.0 (OASIS), as far as GitHub's code scanning reads it.
//!
//! A finding of a run has no line. It is shown at the file of the workspace that it is about, else at the script or the
//! job's definition, line 1, and keeps its own fingerprint, so that it stays the same alert from run to run.

use super::text::{self, visible};
use super::{Options, story};
use crate::audit::model::{Audit, End, Finding, Level};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Results in one file: GitHub refuses a run with more.
const MOST_RESULTS: usize = 25_000;

/// Tags of one rule: GitHub refuses more.
const MOST_TAGS: usize = 20;

/// The published schema.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes `results.sarif`.
pub(super) fn write(audit: &Audit, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let findings = &audit.findings[..audit.findings.len().min(MOST_RESULTS)];
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rules: Vec<&Finding> = Vec::new();
    for finding in findings {
        places.entry(&finding.rule).or_insert_with(|| {
            rules.push(finding);
            rules.len() - 1
        });
    }
    let worst = |rule: &str| findings.iter().filter(|other| other.rule == rule).map(|other| other.level).max();
    let rules: Vec<Value> = rules.iter().map(|first| rule(first, worst(&first.rule).unwrap_or(first.level))).collect();
    let results: Vec<Value> =
        findings.iter().map(|finding| result(audit, options, finding, places[finding.rule.as_str()])).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": audit.tool.name,
                "version": audit.tool.version,
                "semanticVersion": audit.tool.version,
                "rules": rules,
            }},
            "automationDetails": { "id": "smtrace/audit/" },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "The build's workspace." } } },
            "invocations": [invocation(audit)],
            "results": results,
        }],
    });
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")
}

/// Text as a SARIF message (3.11): brackets would make links, braces are placeholders.
fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '[' | ']' | '\\' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            _ => out.push(c),
        }
    }
    out
}

fn sentence(text: &str) -> String {
    let text = message(text);
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

/// `credential-read` as `CredentialRead`, as SARIF wants a name.
fn pascal(id: &str) -> String {
    let words = id.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.flat_map(|word| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1))).collect()
}

fn rule(finding: &Finding, worst: Level) -> Value {
    let severity = match worst {
        Level::Error => "8.0",
        Level::Warning => "5.0",
        Level::Note => "2.0",
    };
    let mut tags: Vec<String> = vec!["security".to_owned()];
    tags.extend(finding.tags.iter().filter(|tag| *tag != "security").take(MOST_TAGS - 1).map(|tag| visible(tag)));
    let about = sentence(if finding.about.is_empty() { &finding.rule } else { &finding.about });
    json!({
        "id": visible(&finding.rule),
        "name": pascal(&finding.rule),
        "shortDescription": { "text": about },
        "fullDescription": { "text": about },
        "help": { "text": format!("{about} See report.html of this run for the processes, files and addresses.") },
        "defaultConfiguration": { "level": worst.word() },
        "properties": { "tags": tags, "security-severity": severity },
    })
}

fn result(audit: &Audit, options: &Options, finding: &Finding, rule: usize) -> Value {
    let lineage = story::lineage(audit, finding.process);
    let names: Vec<String> = lineage.iter().map(|process| visible(story::name(process))).collect();
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": {
                "uri": text::uri(story::anchor(audit, options, finding)),
                "uriBaseId": "%SRCROOT%",
            },
            "region": { "startLine": 1 },
        },
    });
    let mut properties = json!({
        "evidence": finding.evidence,
        "count": finding.count,
        "firstSeen": text::time(finding.time_us),
    });
    if let Some(process) = lineage.last() {
        location["logicalLocations"] = json!([{
            "name": names.last(),
            "fullyQualifiedName": names.join(" > "),
            "kind": "process",
        }]);
        properties["pid"] = json!(process.pid);
        properties["command"] = json!(process.program().map(|program| &program.argv));
    }
    if let Some(subject) = &finding.subject {
        properties["subject"] = json!(subject);
    }
    let mut what = sentence(&finding.message);
    if finding.count > 1 {
        what.push_str(&format!(" Seen {} times.", finding.count));
    }
    json!({
        "ruleId": visible(&finding.rule),
        "ruleIndex": rule,
        "level": finding.level.word(),
        "message": { "text": what },
        "locations": [location],
        // GitHub tells alerts apart by the first, others by any.
        "partialFingerprints": {
            "primaryLocationLineHash": format!("{}:1", finding.fingerprint),
            "smtraceFinding/v1": finding.fingerprint,
        },
        "properties": properties,
    })
}

fn invocation(audit: &Audit) -> Value {
    let coverage = &audit.coverage;
    let mut notes: Vec<Value> = Vec::new();
    let mut note =
        |level: &str, text: &str| notes.push(json!({ "level": level, "message": { "text": sentence(text) } }));
    if !coverage.complete {
        note("error", &format!("The audit is incomplete: {} events were lost", coverage.lost));
    }
    coverage.fallbacks.iter().for_each(|text| note("warning", text));
    coverage.notices.iter().chain(&coverage.out_of_sight).for_each(|text| note("note", text));
    if audit.findings.len() > MOST_RESULTS {
        note("warning", &format!("{} findings are only in audit.json", audit.findings.len() - MOST_RESULTS));
    }
    let mut said = json!({
        // Of the tool, not of the build.
        "executionSuccessful": coverage.complete,
        "commandLine": visible(&audit.run.command.join(" ")),
        "startTimeUtc": text::time(audit.run.start_us),
        "endTimeUtc": text::time(audit.run.end_us),
        "toolExecutionNotifications": notes,
    });
    match audit.run.end {
        Some(End::Exit(status)) => said["exitCode"] = json!(status),
        Some(End::Signal(number)) => said["exitSignalNumber"] = json!(number),
        None => {}
    }
    said
}

#[cfg(test)]
mod tests {
    use super::super::{Options, sample};
    use super::{message, pascal, write};
    use serde_json::Value;

    #[test]
    fn results_have_what_code_scanning_demands() {
        let mut out = Vec::new();
        let facts = sample::hostile();
        write(&facts, &Options::default(), &mut out).unwrap();
        let log: Value = serde_json::from_slice(&out).unwrap();
        let run = &log["runs"][0];
        assert_eq!(run["results"].as_array().unwrap().len(), facts.findings.len());
        for (result, finding) in run["results"].as_array().unwrap().iter().zip(&facts.findings) {
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["region"]["startLine"], 1);
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && uri.is_ascii() && !uri.contains(' '), "{uri}");
            assert_eq!(result["partialFingerprints"]["smtraceFinding/v1"], finding.fingerprint.as_str());
        }
    }

    #[test]
    fn a_message_makes_no_link() {
        assert_eq!(message("[x](http://e) {0}"), "\\[x\\](http://e) {{0}}");
        assert_eq!(pascal("credential-read"), "CredentialRead");
    }
}
