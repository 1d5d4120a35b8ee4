//! The tracer's own words: to stderr, or to the file that the configuration names (`log_file`, `log_level`).

use crate::model::Log;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::OnceLock;

/// `log_level` from which informational lines are written.
const INFORM: u8 = 2;

struct Words {
    level: u8,
    file: Option<File>,
}

static WORDS: OnceLock<Words> = OnceLock::new();

/// Decides where lines go from now on. Lines said before go to stderr.
///
/// # Errors
/// What open(2) answers for the file.
pub fn begin(log: &Log, quiet: bool) -> std::io::Result<()> {
    let open = |path| OpenOptions::new().append(true).create(true).open(path);
    let file = log.file.as_ref().map(open).transpose()?;
    let level = if quiet { log.level.min(INFORM - 1) } else { log.level };
    let _ = WORDS.set(Words { level, file });
    Ok(())
}

/// Says a line that matters: an error, a loss.
pub fn say(text: &str) {
    let line = format!("smtrace: {text}\n");
    // A closed stderr or a full disk is no reason to stop.
    let _ = match WORDS.get().and_then(|words| words.file.as_ref()) {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => std::io::stderr().write_all(line.as_bytes()),
    };
}

/// Says a line that informs.
pub fn inform(text: &str) {
    if WORDS.get().is_none_or(|words| words.level >= INFORM) {
        say(text);
    }
}

/// Says lines that inform and are no message of smtrace: a summary. They end with a newline.
pub fn report(text: &str) {
    if WORDS.get().is_none_or(|words| words.level >= INFORM) {
        let _ = match WORDS.get().and_then(|words| words.file.as_ref()) {
            Some(mut file) => file.write_all(text.as_bytes()),
            None => std::io::stderr().write_all(text.as_bytes()),
        };
    }
}
