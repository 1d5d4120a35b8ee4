//! The plugin's own messages, as `log_level` and `log_file` of `init_config` say: to Falco's log, and to a file beside it.

use smtrace::model::Log;
use std::fs::File;
use std::io::Write;

/// Where messages go.
#[derive(Debug)]
pub struct Journal {
    level: u8,
    file: Option<File>,
}

impl Journal {
    /// A journal as `log` says; its file goes on where it ended.
    ///
    /// # Errors
    /// One line: why the file cannot be opened.
    pub fn open(log: &Log) -> Result<Journal, String> {
        let open = |path: &std::path::PathBuf| {
            let file = File::options().create(true).append(true).open(path);
            file.map_err(|error| {
                format!("smtrace: init_config: cannot open {}: {error}; choose another log_file", path.display())
            })
        };
        Ok(Journal { level: log.level, file: log.file.as_ref().map(open).transpose()? })
    }

    /// Tells of something that ended the source.
    pub fn error(&mut self, text: &str) {
        self.say(0, log::Level::Error, text);
    }

    /// Tells of events that are missing.
    pub fn warn(&mut self, text: &str) {
        self.say(1, log::Level::Warn, text);
    }

    /// Tells what is done.
    pub fn info(&mut self, text: &str) {
        self.say(2, log::Level::Info, text);
    }

    fn say(&mut self, least: u8, level: log::Level, text: &str) {
        if self.level < least {
            return;
        }
        let text = text.strip_prefix("smtrace: ").unwrap_or(text);
        log::log!(level, "{text}");
        if let Some(file) = &mut self.file {
            // A full disk must not stop Falco.
            let _ = writeln!(file, "smtrace: {}: {text}", level.as_str().to_ascii_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Journal, Log};

    #[test]
    fn the_level_says_what_is_written() {
        let path = std::env::temp_dir().join(format!("smtrace-journal-{}", std::process::id()));
        for (level, want) in [(0, "e"), (1, "ew"), (2, "ewi"), (8, "ewi")] {
            let _ = std::fs::remove_file(&path);
            let mut journal = Journal::open(&Log { level, file: Some(path.clone()) }).unwrap();
            journal.error("smtrace: one");
            journal.warn("two");
            journal.info("three");
            let text = std::fs::read_to_string(&path).unwrap();
            let told: String = text.lines().filter_map(|line| line.strip_prefix("smtrace: ")?.chars().next()).collect();
            assert_eq!(told, want, "{text}");
            assert!(text.starts_with("smtrace: error: one\n"));
        }
        std::fs::remove_file(&path).unwrap();
        let log = Log { level: 2, file: Some("/nonesuch/file".into()) };
        assert!(Journal::open(&log).unwrap_err().contains("choose another log_file"));
    }
}
