//! The short word at the end, for a person at a terminal or in a log.

use crate::audit::limits::PICTURE;
use crate::audit::model::{Access, Audit, End, Family, Level, NetworkAct};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::path::Path;

/// Findings that are shown.
const MOST: usize = 10;

struct Paint(bool);

impl Paint {
    fn put(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Text of the build without what could steer a terminal or forge a line.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn times(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Says the summary on stderr: on a terminal always, else only when the audit failed or is incomplete.
pub(super) fn say(facts: &Audit, report: Option<&Path>) {
    let terminal = std::io::stderr().is_terminal();
    let asked = facts.hermetic.is_some();
    if !terminal && !facts.verdict.failed && !asked && !super::incomplete(facts) {
        return;
    }
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = render(facts, report, colour);
    // A closed stderr is no reason to stop.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn render(facts: &Audit, report: Option<&Path>, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    let with = |access: Access| facts.files.iter().filter(|file| file.uses.contains_key(&access)).count();
    let outside = |family: Family| matches!(family, Family::Inet | Family::Inet6);
    let contacted = facts.peers.iter().filter(|peer| {
        outside(peer.family)
            && (peer.uses.contains_key(&NetworkAct::Connect) || peer.uses.contains_key(&NetworkAct::Send))
    });
    let verdict = match (facts.verdict.failed, facts.verdict.errors + facts.verdict.warnings) {
        (true, _) => paint.put("1;31", "failed"),
        (false, 0) => paint.put("1;32", "nothing suspicious"),
        _ => paint.put("1;33", "passed, with remarks"),
    };
    let ended = match facts.run.end {
        Some(End::Exit(0)) => "the build succeeded".to_owned(),
        Some(End::Exit(status)) => format!("the build ended with {status}"),
        Some(End::Signal(signal)) => format!("the build was killed by signal {signal}"),
        None => "the build's end was not seen".to_owned(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "smtrace audit: {verdict}; {ended}");
    let _ = writeln!(
        out,
        "  {}, {} written, {} read, {} deleted, {} contacted, {} asked for",
        times(facts.processes.len(), "process").replace("processs", "processes"),
        times(with(Access::Written), "file"),
        with(Access::Read),
        with(Access::Deleted),
        times(contacted.count(), "address").replace("addresss", "addresses"),
        times(facts.dns.len(), "name"),
    );
    for finding in facts.findings.iter().filter(|finding| finding.level > Level::Note).take(MOST) {
        let code = if finding.level == Level::Error { "31" } else { "33" };
        let word = paint.put(code, finding.level.word());
        let _ = writeln!(out, "  {word} {}: {}", finding.rule, plain(&finding.message));
        if let Some(by) = finding.evidence.last() {
            let _ = writeln!(out, "        {}", plain(by));
        }
    }
    let more = facts.findings.iter().filter(|finding| finding.level > Level::Note).count().saturating_sub(MOST);
    if more > 0 {
        let _ = writeln!(out, "  and {}", times(more, "more finding"));
    }
    if let Some(hermetic) = &facts.hermetic {
        let word = if hermetic.hermetic { paint.put("32", "yes") } else { paint.put("33", "no") };
        let _ = writeln!(out, "  hermetic: {word}");
        let told = hermetic.told();
        for (kind, detail) in told.iter().take(MOST) {
            let _ = writeln!(out, "    {kind}: {}", plain(detail));
        }
        let more = told.len().saturating_sub(MOST);
        if more > 0 {
            let _ = writeln!(out, "    and {}", times(more, "more reason"));
        }
    }
    if super::incomplete(facts) {
        let _ = writeln!(out, "  {}", paint.put("33", "the audit is incomplete: events were lost"));
    }
    // What the picture of the run leaves out is in the facts.
    for limit in facts.coverage.limits.iter().filter(|limit| limit.name != PICTURE) {
        let _ = writeln!(out, "  beyond the limit of {} {}: {}", limit.limit, limit.name, limit.dropped);
    }
    if let Some(dir) = report {
        let _ = writeln!(out, "  reports: {}", plain(&dir.display().to_string()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::audit::model::{Audit, Finding, Level};

    #[test]
    fn what_the_build_chose_cannot_break_a_line() {
        let finding = Finding {
            level: Level::Error,
            rule: "x".to_owned(),
            message: "a\n\x1b[2Jb".to_owned(),
            ..Finding::default()
        };
        let facts = Audit { findings: vec![finding], ..Audit::default() };
        let text = render(&facts, None, false);
        assert!(!text.contains('\x1b') && text.contains("error x: a\\n\\u{1b}[2Jb\n"), "{text}");
    }
}
