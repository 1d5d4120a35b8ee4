//! Annotations of GitHub Actions: workflow commands, which the runner reads from a step's output.

use super::{Options, story, text::brief};
use crate::audit::model::{Audit, Level};
use std::fmt::Write as _;

/// Annotations of each level: GitHub shows no more of one step.
const MOST: usize = 10;

const MOST_CHARS: usize = 1000;

/// The commands, one a line; the worst findings of each level.
#[must_use]
pub fn annotations(audit: &Audit, options: &Options) -> String {
    let mut out = String::new();
    for (level, command) in [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Note, "notice")] {
        for finding in audit.findings.iter().filter(|finding| finding.level == level).take(MOST) {
            let mut text = brief(&finding.message, MOST_CHARS);
            if let Some(fact) = finding.evidence.last() {
                text.push('\n');
                text.push_str(&brief(fact, MOST_CHARS));
            }
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "::{command} file={},line=1,title={}::{}",
                property(story::anchor(audit, options, finding)),
                property(&format!("smtrace: {}", brief(&finding.rule, MOST_CHARS))),
                data(&text)
            );
        }
    }
    out
}

/// A command's message: what would end it is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::{Options, sample};
    use super::annotations;
    use crate::audit::model::{Audit, Finding, Level};

    #[test]
    fn annotations_are_few_and_cannot_be_forged() {
        let finding = Finding {
            level: Level::Error,
            message: "100%\n::error::forged".to_owned(),
            rule: "a,b".to_owned(),
            ..Finding::default()
        };
        let audit = Audit { findings: vec![finding; 30], ..Audit::default() };
        let text = annotations(&audit, &Options::default());
        assert_eq!(text.lines().count(), 10);
        let line = "::error file=build,line=1,title=smtrace%3A a%2Cb::100%25\\u{a}::error::forged";
        assert!(text.lines().all(|each| each == line), "{text}");
        let hostile = annotations(&sample::hostile(), &Options::default());
        assert!(hostile.lines().all(|line| line.starts_with("::")), "{hostile}");
    }
}
