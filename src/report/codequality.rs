//! The findings for GitLab's merge requests: its code-quality format, a subset of Code Climate's.

use super::{Options, story, text, write::list};
use crate::audit::model::{Audit, Level};
use serde_json::json;
use std::collections::HashSet;
use std::io::{self, Write};

/// Writes `gl-code-quality-report.json`.
pub(super) fn write(audit: &Audit, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    // GitLab shows one of those that share a fingerprint.
    let mut seen = HashSet::new();
    let findings = audit.findings.iter().filter(|finding| seen.insert(finding.fingerprint.as_str()));
    list(
        out,
        findings.map(|finding| {
            let severity = match finding.level {
                Level::Error => "critical",
                Level::Warning => "major",
                Level::Note => "info",
            };
            json!({
                "description": text::visible(&finding.message),
                "check_name": text::visible(&finding.rule),
                "fingerprint": finding.fingerprint,
                "severity": severity,
                // A finding of a run has no line; GitLab demands one.
                "location": { "path": story::anchor(audit, options, finding), "lines": { "begin": 1 } },
            })
        }),
    )?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Options, sample};
    use super::write;

    #[test]
    fn a_finding_is_at_a_file_of_the_workspace() {
        let mut out = Vec::new();
        write(&sample::hostile(), &Options::default(), &mut out).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(list[0]["severity"], "critical");
        for entry in list.as_array().unwrap() {
            let path = entry["location"]["path"].as_str().unwrap();
            assert!(!path.is_empty() && !path.starts_with('/') && !path.contains("../"), "{path}");
        }
    }
}
