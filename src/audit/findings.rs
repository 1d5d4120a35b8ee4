//! Findings, told once each: the same rule on the same thing by the same program is one finding with a count.

use super::limits::{self, Beyond, Mark};
use super::model::{Finding, Level, Source};
use super::text::generalised;
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// What a rule or a detector says; the fields are those of [`Finding`].
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The stable name of the rule.
    pub rule: String,
    /// What the rule is about.
    pub about: String,
    /// Who found it.
    pub source: Source,
    /// How bad it is.
    pub level: Level,
    /// What happened.
    pub message: String,
    /// The file or address it is about.
    pub subject: Option<String>,
    /// The facts it rests on.
    pub evidence: Vec<String>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The program that did it; the fold knows it.
    pub exe: String,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Finding>,
    index: FxHashMap<String, usize>,
}

/// Adds what was found once all facts were there, and sorts again.
pub fn add_later(facts: &mut super::model::Audit, later: Vec<(Said, u32, u64)>) {
    let mut findings = Findings::default();
    let mut beyond = Beyond::default();
    let tmpdir = facts.run.tmpdir.clone();
    for (mut said, process, us) in later {
        let program = facts.processes.get(process as usize).and_then(super::model::Process::program);
        if let Some(program) = program {
            said.exe.clone_from(&program.exe);
            said.evidence.push(format!("by {}", program.argv.join(" ")));
        }
        findings.add(said, Some(Mark { process, us }), &[tmpdir.as_str(), "/tmp", "/var/tmp"], &mut beyond);
    }
    facts.findings.append(&mut findings.all);
    facts.coverage.limits.extend(beyond.told());
    sort(&mut facts.findings);
}

fn sort(all: &mut [Finding]) {
    all.sort_by(|a, b| b.level.cmp(&a.level).then(a.time_us.cmp(&b.time_us)).then(a.rule.cmp(&b.rule)));
}

/// SHA-256 as hexadecimal digits.
#[must_use]
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

impl Findings {
    /// Something was found.
    pub(super) fn add(&mut self, said: Said, by: Option<Mark>, temporary: &[&str], beyond: &mut Beyond) {
        let subject = said.subject.as_deref().map(|subject| generalised(subject, temporary)).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [said.rule.as_str(), &subject, &generalised(&said.exe, temporary)] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        let fingerprint = hexadecimal(hash.finalize().get(..16).unwrap_or_default());
        if let Some(known) = self.index.get(&fingerprint).and_then(|at| self.all.get_mut(*at)) {
            known.count += 1;
            known.level = known.level.max(said.level);
            for line in said.evidence {
                if known.evidence.len() < limits::EVIDENCE && !known.evidence.contains(&line) {
                    known.evidence.push(line);
                }
            }
            return;
        }
        if !beyond.room("findings", self.all.len(), limits::FINDINGS) {
            return;
        }
        let mut tags = said.tags;
        tags.sort_unstable();
        self.index.insert(fingerprint.clone(), self.all.len());
        self.all.push(Finding {
            rule: said.rule,
            about: said.about,
            source: said.source,
            level: said.level,
            message: said.message,
            subject: said.subject,
            evidence: said.evidence,
            process: by.map(|by| by.process),
            time_us: by.map_or(0, |by| by.us),
            count: 1,
            fingerprint,
            tags,
        });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The findings, worst first, then by time.
    pub(super) fn told(self) -> Vec<Finding> {
        let mut all = self.all;
        sort(&mut all);
        all
    }
}
