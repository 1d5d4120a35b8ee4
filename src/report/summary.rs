//! The audit in Markdown, for the summary of a CI job: what a reviewer reads first, and no more.
//!
//! GitHub refuses a summary of more than 1 MiB, so every list has a bound, and so has the whole.

use super::text::{bytes, duration, markdown, visible};
use super::{Options, story};
use crate::audit::model::{Access, Audit, End, Family, Level, NetworkAct, Peer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Bytes of a summary: below the 1 MiB that GitHub takes of one step, which other commands may have used some of.
pub(super) const MOST: usize = 900 << 10;

const MOST_FINDINGS: usize = 200;
const MOST_PEERS: usize = 50;
const MOST_PROGRAMS: usize = 50;
const MOST_NOTES: usize = 20;
const MOST_CHARS: usize = 400;
const MOST_PATCH: usize = 64 << 10;

/// Writes `summary.md`.
pub(super) fn write(audit: &Audit, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(render(audit).as_bytes())
}

/// The summary.
pub(super) fn render(audit: &Audit) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = head(audit, &mut out);
    let parts = [findings, policy, network, programs, files, coverage];
    for part in parts {
        let mut text = String::new();
        let _ = part(audit, &mut text);
        if out.len() + text.len() > MOST {
            out.push_str("\nMore is in report.html.\n");
            break;
        }
        out.push_str(&text);
    }
    out
}

fn head(audit: &Audit, out: &mut String) -> std::fmt::Result {
    let (verdict, run) = (&audit.verdict, &audit.run);
    let word = match (verdict.failed, audit.coverage.complete) {
        (true, _) => "❌ failed",
        (false, true) => "✅ passed",
        (false, false) => "⚠️ nothing found, but the audit is incomplete",
    };
    // Who reads "passed" below a build that failed would take it for the build's.
    let failed = !matches!(run.end, Some(End::Exit(0)) | None) && !verdict.failed;
    let but = if failed { "; the build itself failed" } else { "" };
    writeln!(out, "## Build audit: {word}{but}\n")?;
    writeln!(out, "{}\n", markdown(&run.command.join(" "), MOST_CHARS))?;
    let end = match run.end {
        Some(End::Exit(status)) => format!("exit status {status}"),
        Some(End::Signal(number)) => format!("ended by signal {number}"),
        None => "end not seen".to_owned(),
    };
    writeln!(out, "| errors | warnings | notes | processes | files | addresses | time | end |")?;
    writeln!(out, "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |")?;
    writeln!(
        out,
        "| {} | {} | {} | {} | {} | {} | {} | {end} |",
        verdict.errors,
        verdict.warnings,
        verdict.notes,
        audit.processes.len(),
        audit.files.len(),
        contacted(audit).len(),
        duration(run.end_us.saturating_sub(run.start_us))
    )
}

/// Says how many of a list were left out.
fn more(out: &mut String, all: usize, most: usize) -> std::fmt::Result {
    if all > most { writeln!(out, "\nand {} more, in report.html", all - most) } else { Ok(()) }
}

fn findings(audit: &Audit, out: &mut String) -> std::fmt::Result {
    if audit.findings.is_empty() {
        return writeln!(out, "\n### Findings\n\nNone.");
    }
    writeln!(out, "\n### Findings\n\n| | rule | what happened | by | times |\n| --- | --- | --- | --- | ---: |")?;
    for finding in audit.findings.iter().take(MOST_FINDINGS) {
        let sign = match finding.level {
            Level::Error => "🛑 error",
            Level::Warning => "⚠️ warning",
            Level::Note => "ℹ️ note",
        };
        let by: Vec<String> =
            story::lineage(audit, finding.process).iter().map(|process| markdown(story::name(process), 40)).collect();
        writeln!(
            out,
            "| {sign} | {} | {} | {} | {} |",
            markdown(&finding.rule, 80),
            markdown(&finding.message, MOST_CHARS),
            by.join(" › "),
            finding.count
        )?;
    }
    more(out, audit.findings.len(), MOST_FINDINGS)
}

fn policy(audit: &Audit, out: &mut String) -> std::fmt::Result {
    if let Some(check) = &audit.policy {
        let word = if check.passed { "nothing was outside it" } else { "to allow what was outside it" };
        writeln!(out, "\n### Policy {}: {word}", markdown(&check.file, MOST_CHARS))?;
        if !check.passed && !check.patch.is_empty() {
            // A fence longer than any run of backticks in the text cannot be closed by it.
            let fence = "`".repeat(longest_run(&check.patch).max(2) + 1);
            let patch: String = check.patch.lines().map(|line| visible(line) + "\n").collect();
            let cut = patch.char_indices().map(|(at, _)| at).find(|at| *at >= MOST_PATCH).unwrap_or(patch.len());
            writeln!(out, "\n{fence}diff\n{}\n{fence}", patch[..cut].trim_end())?;
        }
    }
    let Some(hermetic) = &audit.hermetic else { return Ok(()) };
    writeln!(out, "\n### Hermetic: {}\n", if hermetic.hermetic { "yes, as far as was seen" } else { "no" })?;
    let told = hermetic.told();
    for (kind, detail) in told.iter().take(MOST_NOTES) {
        writeln!(out, "- {}: {}", markdown(kind, 40), markdown(detail, MOST_CHARS))?;
    }
    more(out, told.len(), MOST_NOTES)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// The peers that a reader wants to know of: other machines, and sockets of note on this one.
fn contacted(audit: &Audit) -> Vec<&Peer> {
    let remote = |family: Family| !matches!(family, Family::Unix | Family::Netlink);
    audit.peers.iter().filter(|peer| remote(peer.family) || peer.of_note.is_some()).collect()
}

fn network(audit: &Audit, out: &mut String) -> std::fmt::Result {
    let peers = contacted(audit);
    if peers.is_empty() {
        let what = if audit.peers.is_empty() { "Nothing was" } else { "Only sockets of this machine were" };
        return writeln!(out, "\n### Network\n\n{what} contacted.");
    }
    writeln!(out, "\n### Network\n\n| address | names | acts | sent | received |\n| --- | --- | --- | ---: | ---: |")?;
    for peer in peers.iter().take(MOST_PEERS) {
        let port = peer.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let acts: Vec<&str> = peer.uses.keys().copied().map(NetworkAct::word).collect();
        writeln!(
            out,
            "| {}{port} | {} | {} | {} | {} |",
            markdown(&peer.address, MOST_CHARS),
            markdown(&peer.names.join(" "), MOST_CHARS),
            acts.join(", "),
            bytes(peer.sent),
            bytes(peer.received)
        )?;
    }
    more(out, peers.len(), MOST_PEERS)
}

fn programs(audit: &Audit, out: &mut String) -> std::fmt::Result {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for program in audit.processes.iter().flat_map(|process| &process.programs).filter(|program| !program.inherited) {
        *counts.entry(&program.exe).or_default() += 1;
    }
    let all = counts.len();
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(exe, count)| (std::cmp::Reverse(*count), *exe));
    writeln!(out, "\n<details><summary>Programs ({all})</summary>\n\n| program | runs |\n| --- | ---: |")?;
    for (exe, count) in counts.iter().take(MOST_PROGRAMS) {
        writeln!(out, "| {} | {count} |", markdown(exe, MOST_CHARS))?;
    }
    more(out, all, MOST_PROGRAMS)?;
    writeln!(out, "\n</details>")
}

fn files(audit: &Audit, out: &mut String) -> std::fmt::Result {
    let mut counts: BTreeMap<Access, (u64, u64)> = BTreeMap::new();
    for file in &audit.files {
        let own = story::within(audit, &file.path).is_some();
        for access in file.uses.keys() {
            let (inside, outside) = counts.entry(*access).or_default();
            *if own { inside } else { outside } += 1;
        }
    }
    writeln!(out, "\n<details><summary>Files ({})</summary>\n", audit.files.len())?;
    writeln!(out, "| access | in the workspace | elsewhere |\n| --- | ---: | ---: |")?;
    for (access, (inside, outside)) in counts {
        writeln!(out, "| {} | {inside} | {outside} |", access.word().replace('_', " "))?;
    }
    writeln!(out, "\n</details>")
}

fn coverage(audit: &Audit, out: &mut String) -> std::fmt::Result {
    let coverage = &audit.coverage;
    writeln!(out, "\n### Coverage\n")?;
    let word = if coverage.complete { "Complete" } else { "**Incomplete**" };
    writeln!(
        out,
        "{word}: {} events, {} lost, {} arguments unreadable, {} cut, {} paths not resolved.\n",
        coverage.events, coverage.lost, coverage.unreadable, coverage.cut, coverage.unresolved
    )?;
    let limits = coverage.limits.iter().map(|limit| {
        format!("limit reached: {} {} are listed, {} more are only counted", limit.limit, limit.name, limit.dropped)
    });
    let said = coverage.fallbacks.iter().chain(&coverage.notices).cloned();
    let unseen = coverage.out_of_sight.iter().map(|text| format!("out of sight: {text}"));
    for line in limits.chain(said).chain(unseen).take(MOST_NOTES) {
        writeln!(out, "- {}", markdown(&line, MOST_CHARS))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::{MOST, render};

    #[test]
    fn a_summary_is_bounded_and_nothing_in_it_is_the_builds() {
        let text = render(&sample::hostile());
        for bad in ["<script", "](http", "\u{202e}", "\u{1b}", " @"] {
            assert!(!text.contains(bad), "{bad:?} in {text}");
        }
        assert!(text.starts_with("## Build audit: ❌ failed\n"));
        let large = render(&sample::large(100_000));
        assert!(large.len() <= MOST + 100, "{}", large.len());
    }

    #[test]
    fn a_build_that_failed_is_not_said_to_have_passed() {
        let mut audit = sample::hostile();
        audit.verdict.failed = false;
        audit.coverage.complete = true;
        assert!(render(&audit).starts_with("## Build audit: ✅ passed\n"));
        audit.run.end = Some(crate::audit::model::End::Exit(2));
        assert!(render(&audit).starts_with("## Build audit: ✅ passed; the build itself failed\n"));
    }

    #[test]
    fn a_patch_cannot_close_its_fence() {
        let text = render(&sample::hostile());
        assert!(text.contains("\n`````diff\n") && text.contains("\n+ read: ````\n"), "{text}");
    }
}
