//! One file per thread, `FILE.TID`, with a bounded number of them open.

use crate::model::Pid;
use rustc_hash::FxHashSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Most files open at once; the one used longest ago is closed for another.
const MOST_OPEN: usize = 64;

/// The files of one run.
#[derive(Debug)]
pub(super) struct Separate {
    base: PathBuf,
    append: bool,
    /// Those that were made: opened again they go on.
    made: FxHashSet<Pid>,
    /// The open ones, the one used last at the end.
    open: Vec<(Pid, File)>,
    current: Option<Pid>,
}

impl Separate {
    pub(super) fn new(base: &Path, append: bool) -> Separate {
        let (made, open) = (FxHashSet::default(), Vec::new());
        Separate { base: base.to_path_buf(), append, made, open, current: None }
    }

    /// The name of the file of `tid`.
    pub(super) fn name(&self, tid: Pid) -> PathBuf {
        let mut name = OsString::from(&self.base);
        name.push(format!(".{tid}"));
        PathBuf::from(name)
    }

    /// The file of `tid`, unless it is the current one already.
    pub(super) fn switch(&mut self, tid: Pid) -> io::Result<Option<File>> {
        if self.current == Some(tid) {
            return Ok(None);
        }
        let file = match self.open.iter().position(|(open, _)| *open == tid) {
            Some(at) => self.open.remove(at).1,
            None => {
                let again = self.append || !self.made.insert(tid);
                let mut options = OpenOptions::new();
                options.create(true).append(again).write(true).truncate(!again);
                options.open(self.name(tid))?
            }
        };
        let copy = file.try_clone()?;
        self.open.push((tid, file));
        if self.open.len() > MOST_OPEN {
            self.open.remove(0);
        }
        self.current = Some(tid);
        Ok(Some(copy))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_OPEN, Separate};
    use std::io::Write;

    #[test]
    fn each_thread_has_its_file_however_many_there_are() {
        let dir = std::env::temp_dir().join(format!("smtrace-separate-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let mut files = Separate::new(&dir.join("log"), false);
        let threads = i32::try_from(MOST_OPEN).unwrap() + 8;
        for round in 0..2 {
            for tid in 1..=threads {
                let mut file = files.switch(tid).unwrap().unwrap();
                writeln!(file, "{round}").unwrap();
                assert!(files.switch(tid).unwrap().is_none());
            }
        }
        for tid in 1..=threads {
            assert_eq!(std::fs::read_to_string(files.name(tid)).unwrap(), "0\n1\n", "{tid}");
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}
