//! What the reports and the CI that runs the build are told beside the facts: where the build ran, what it made, and in
//! GitHub Actions the annotations and the job's summary.

use crate::audit::model;
use crate::model::Audit;
use crate::report::{self, Options, Place, Subject};
use std::io::{Error, Write as _};

/// What the reports say beside the facts; and the errors of the subjects that could not be read.
pub(super) fn options(audit: &Audit) -> (Options, Vec<Error>) {
    let place = Place::of(|name| std::env::var(name).ok());
    let (mut subjects, mut errors) = (Vec::new(), Vec::new());
    for path in &audit.subjects {
        match Subject::of(path) {
            Ok(subject) => subjects.push(subject),
            Err(error) => errors.push(error),
        }
    }
    (Options { subjects, place }, errors)
}

/// In GitHub Actions, annotations and the job summary.
pub(super) fn annotate(facts: &model::Audit, options: &Options) {
    if !options.place.is_github() {
        return;
    }
    // The runner reads commands from both streams; stdout is the build's.
    let _ = std::io::stderr().write_all(report::annotations(facts, options).as_bytes());
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(report::job_summary(facts).as_bytes())) {
        crate::say::say(&format!("cannot write the job summary to {}: {error}", path.display()));
    }
}
