//! The reports on an audit: each a pure function from the model to bytes, listed in one table.
//!
//! A report's reader may be a browser or a service with rights of its own, and the names in the model are chosen by the
//! build that was audited: every writer escapes for its own format. Nothing here looks at the environment or judges.

mod attestation;
mod codequality;
mod github;
mod html;
mod perfetto;
mod place;
#[cfg(test)]
mod sample;
mod sarif;
mod story;
mod summary;
mod text;
mod write;

pub use github::annotations;
pub use place::Place;
pub use write::{replace, write_all};

use crate::audit::model::Audit;
use std::io::{self, Write};

/// What the reports say beside the facts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the build made, for the attestation.
    pub subjects: Vec<Subject>,
    /// Where the build ran.
    pub place: Place,
}

/// A file that the build made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digest, 64 hexadecimal digits.
    pub sha256: String,
}

/// Writes one report.
pub type Writer = fn(&Audit, &Options, &mut dyn Write) -> io::Result<()>;

/// A kind of report.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// Its file in the directory of the reports.
    pub file: &'static str,
    /// Whether it is wanted at such a place.
    pub wanted: fn(&Place) -> bool,
    /// What writes it.
    pub write: Writer,
}

/// All kinds of report.
pub const KINDS: [Kind; 7] = [
    Kind { name: "facts", file: "audit.json", wanted: |_| true, write: write::facts },
    Kind { name: "page", file: "report.html", wanted: |_| true, write: html::write },
    Kind { name: "SARIF", file: "results.sarif", wanted: |_| true, write: sarif::write },
    Kind { name: "summary", file: "summary.md", wanted: |_| true, write: summary::write },
    Kind { name: "attestation", file: "attestation.json", wanted: |_| true, write: attestation::write },
    Kind { name: "trace", file: "trace.perfetto.json", wanted: |_| true, write: perfetto::write },
    Kind {
        name: "code quality",
        file: "gl-code-quality-report.json",
        wanted: |place| place.service == place::Service::GitLab,
        write: codequality::write,
    },
];

/// The Markdown for a job summary, below GitHub's limit of 1 MiB.
#[must_use]
pub fn job_summary(audit: &Audit) -> String {
    summary::render(audit)
}
