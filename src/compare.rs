//! `smtrace diff`: two captures read, folded to what they did, and compared.

use crate::diff::{self, Deeds};
use crate::launch::FAILED;
use crate::model::record::Record;
use crate::replay;
use crate::run::INCOMPLETE;
use crate::say::say;
use crate::store::{Bounds, Captured, Part};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Exit status when the runs differ, as of diff(1).
const DIFFERENT: u8 = 1;

/// One side.
struct Side {
    deeds: Deeds,
    captured: Captured,
    whole: bool,
}

/// Compares two captures and writes the answer to stdout; returns the exit status.
#[must_use]
pub fn run(files: &[PathBuf; 2], json: bool, exact: bool) -> u8 {
    let [first, second] = files.each_ref().map(|file| read(file));
    let (first, second) = match (first, second) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(text), _) | (_, Err(text)) => {
            say(&text);
            return FAILED;
        }
    };
    if first.captured.calls != second.captured.calls {
        say("the two captures are of different calls (-e): what only one could hold is told as a difference");
    }
    let found = diff::compare(&first.deeds, &second.deeds, exact);
    let names = files.each_ref().map(|file| file.as_os_str().as_bytes());
    let text = if json { diff::render_json(names, &found) } else { diff::render_text(names, &found) };
    let mut out = io::stdout();
    match out.write_all(&text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            say(&format!("cannot write to stdout: {error}"));
            FAILED
        }
        _ if !found.none() => DIFFERENT,
        // That nothing differs is not known of what is not there.
        _ if !(first.whole && second.whole) => INCOMPLETE,
        _ => 0,
    }
}

fn read(file: &Path) -> Result<Side, String> {
    let name = file.display();
    let mut reader = replay::open(file, false)?;
    let captured = reader.description().captured.clone();
    let (mut deeds, mut bounds) = (Deeds::default(), Bounds::default());
    while let Some(part) = reader.part() {
        let Part::Records(records, _) = part else { continue };
        let mut left = &records[..];
        while !left.is_empty() {
            let Ok((record, len)) = Record::parse(left) else { return Err(format!("{name}: a record is malformed")) };
            if !bounds.allow(&record) || deeds.take(&record).is_err() {
                return Err(format!("{name} holds more than can be compared in memory; trace less with -e"));
            }
            left = left.get(len..).unwrap_or_default();
        }
    }
    let latest = reader.latest();
    let missing = reader.missing();
    if missing.any() {
        say(&format!("{name} is incomplete: {}", replay::tell(&missing, latest)));
    }
    Ok(Side { deeds, captured, whole: !missing.any() })
}
