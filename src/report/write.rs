//! All reports into one directory.
//!
//! The build may have been able to write there: a report is made under a name that did not exist and then put in its
//! place, so that no link is followed and no half report is left.

use super::{KINDS, Kind, Options, Subject};
use crate::audit::model::Audit;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

/// Writes every report that is wanted into `dir`, which is made if it is missing.
///
/// # Errors
/// Says which file could not be written and why; the reports before it stand.
pub fn write_all(audit: &Audit, dir: &Path, options: &Options) -> io::Result<()> {
    let named = |path: &Path, error: &io::Error| {
        let text = format!("cannot write {}: {error}; choose another directory with --report", path.display());
        io::Error::new(error.kind(), text)
    };
    fs::create_dir_all(dir).map_err(|error| named(dir, &error))?;
    for kind in KINDS.iter().filter(|kind| (kind.wanted)(&options.place)) {
        one(audit, dir, options, kind).map_err(|error| named(&dir.join(kind.file), &error))?;
    }
    Ok(())
}

fn one(audit: &Audit, dir: &Path, options: &Options, kind: &Kind) -> io::Result<()> {
    put(&dir.join(kind.file), |out| (kind.write)(audit, options, out))
}

/// Puts a file with this content in the place of whatever is at `path`: no link there is followed, and no half file is left.
///
/// # Errors
/// When its directory cannot be written to.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    put(path, |out| out.write_all(content))
}

fn put(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let fresh = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).open(&fresh).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        fill(&mut out)?;
        out.flush()?;
        fs::rename(&fresh, path)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// The model itself, as one line.
pub(super) fn facts(audit: &Audit, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, audit)?;
    out.write_all(b"\n")
}

/// The items as a JSON array, written one by one: there may be very many.
pub(super) fn list<T: serde::Serialize>(out: &mut dyn Write, items: impl Iterator<Item = T>) -> io::Result<()> {
    let mut before: &[u8] = b"[";
    for item in items {
        out.write_all(before)?;
        serde_json::to_writer(&mut *out, &item)?;
        before = b",\n";
    }
    out.write_all(if before == b"[" { b"[]" } else { b"]" })
}

/// Digests what is written to it.
pub(super) struct Digesting(Sha256);

impl Digesting {
    pub(super) fn new() -> Digesting {
        Digesting(Sha256::new())
    }

    pub(super) fn hexadecimal(self) -> String {
        let mut out = String::with_capacity(64);
        for byte in self.0.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
        }
        out
    }
}

impl Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Subject {
    /// The file at `path`, digested.
    ///
    /// # Errors
    /// Says that it cannot be read.
    pub fn of(path: &Path) -> io::Result<Subject> {
        let read = |path: &Path| -> io::Result<String> {
            let file = File::open(path)?;
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("not a regular file"));
            }
            let mut digest = Digesting::new();
            io::copy(&mut file.take(u64::MAX), &mut digest)?;
            Ok(digest.hexadecimal())
        };
        match read(path) {
            Ok(sha256) => Ok(Subject { name: path.to_string_lossy().into_owned(), sha256 }),
            Err(error) => {
                let text = format!("cannot digest {}: {error}; name a file that the build makes", path.display());
                Err(io::Error::new(error.kind(), text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{KINDS, Options, Subject, place, sample};
    use super::write_all;
    use std::fs;

    #[test]
    fn every_report_is_written_and_no_link_is_followed() {
        let dir = std::env::temp_dir().join(format!("smtrace-report-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let bait = dir.join("bait");
        fs::write(&bait, "as it was").unwrap();
        std::os::unix::fs::symlink(&bait, dir.join("report.html")).unwrap();
        let mut options = Options { subjects: vec![Subject::of(&bait).unwrap()], ..Options::default() };
        options.place.service = place::Service::GitLab;
        write_all(&sample::hostile(), &dir, &options).unwrap();
        for kind in KINDS {
            let text = fs::read_to_string(dir.join(kind.file)).unwrap();
            assert!(text.ends_with('\n'), "{}", kind.name);
            if kind.file.ends_with("json") || kind.file.ends_with("sarif") {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
        assert_eq!(fs::read_to_string(&bait).unwrap(), "as it was");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), KINDS.len() + 1);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn an_error_names_the_file_and_the_remedy() {
        let error = write_all(&sample::hostile(), std::path::Path::new("/dev/null/x"), &Options::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("/dev/null/x") && text.contains("--report"), "{text}");
    }
}
