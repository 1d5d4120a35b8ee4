//! The file that events go to: whole lines, and an honest count of what could not be written.

mod separate;

use crate::model::{self, Pid};
use separate::Separate;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A write to a file ends at a page boundary when SIGKILL comes (mm/filemap.c, generic_perform_write looks for it before
/// each page), so lines are written in portions that lie within one; then the last line is whole but for a kill in the
/// very write of a line that crosses a boundary.
const PAGE: u64 = 4096;

/// How many bytes of `lines` to write at once at `position` of a file.
fn portion(lines: &[u8], position: u64) -> usize {
    let in_page = usize::try_from(PAGE - position % PAGE).unwrap_or(lines.len());
    let within = lines.get(..in_page.min(lines.len())).and_then(|page| memchr::memrchr(b'\n', page));
    let first = || memchr::memchr(b'\n', lines);
    within.or_else(first).map_or(lines.len(), |end| end + 1)
}

/// Where events are written.
#[derive(Debug)]
pub struct Output {
    file: File,
    /// How far a regular file is written; `None` for pipes and terminals.
    position: Option<u64>,
    path: Option<PathBuf>,
    /// The files, when each thread has its own.
    separate: Option<Separate>,
    /// The command that takes the lines.
    command: Option<Child>,
    /// Events that could not be written.
    lost: u64,
    /// Why the first could not.
    why: Option<io::Error>,
}

impl Output {
    /// Opens what the plan names: a file, stderr for none, stdout for `-`, a command, or a file per thread, which is
    /// opened when its first line comes.
    ///
    /// # Errors
    /// What open(2), pipe(2) or fork(2) answers.
    pub fn open(plan: &model::Output) -> io::Result<Output> {
        let path = plan.path.as_deref().filter(|path| *path != Path::new("-"));
        let separate = path.filter(|_| plan.rendering.separate).map(|path| Separate::new(path, plan.append));
        let (file, command) = match (&plan.pipe, &plan.path, path) {
            (Some(command), ..) => {
                let mut child = Command::new("/bin/sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn()?;
                let input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
                (File::from(OwnedFd::from(input)), Some(child))
            }
            (None, None, _) => (File::from(io::stderr().as_fd().try_clone_to_owned()?), None),
            (None, Some(_), None) => (File::from(io::stdout().as_fd().try_clone_to_owned()?), None),
            (None, Some(_), Some(_)) if separate.is_some() => (File::open("/dev/null")?, None),
            (None, Some(_), Some(path)) => {
                let mut options = OpenOptions::new();
                options.create(true).append(plan.append).write(true).truncate(!plan.append);
                let mut file = options.open(path)?;
                if plan.append {
                    // So that the position is known; a pipe has none.
                    file.seek(SeekFrom::End(0)).ok();
                }
                (file, None)
            }
        };
        let path = path.filter(|_| separate.is_none()).map(Path::to_path_buf);
        let mut output = Output { file, position: None, path, separate, command, lost: 0, why: None };
        output.find_position();
        Ok(output)
    }

    /// Whether each thread has its own file, which [`Output::select`] opens.
    #[must_use]
    pub fn is_separate(&self) -> bool {
        self.separate.is_some()
    }

    /// Lines written from now on are those of thread `tid`.
    pub fn select(&mut self, tid: Pid) {
        let Some(separate) = &mut self.separate else { return };
        match separate.switch(tid) {
            Ok(None) => {}
            Ok(Some(file)) => {
                self.file = file;
                self.find_position();
            }
            Err(error) => {
                self.lost += 1;
                self.why.get_or_insert(error);
            }
        }
    }

    /// Ends the output: a command sees the end of its input and is waited for.
    pub fn finish(self) {
        drop(self.file);
        if let Some(mut command) = self.command {
            // It may have been waited for with the tracees; then it is gone, which is all that is asked.
            let _ = command.wait();
        }
    }

    fn find_position(&mut self) {
        let regular = self.file.metadata().is_ok_and(|data| data.is_file());
        self.position = if regular { self.file.stream_position().ok() } else { None };
    }

    /// Writes `lines`, which hold `events` events. What cannot be written is counted as lost; the next lines are tried
    /// again, since a full disk can get room.
    pub fn write(&mut self, lines: &[u8], events: u64) {
        let mut left = lines;
        while !left.is_empty() {
            let most = self.position.map_or(left.len(), |position| portion(left, position));
            match self.file.write(left.get(..most).unwrap_or(left)) {
                Ok(0) => return self.fail(left, lines, events, io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    left = left.get(n..).unwrap_or(&[]);
                    self.position = self.position.map(|position| position + n as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Somebody made the terminal or pipe we share non-blocking.
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                Err(error) => return self.fail(left, lines, events, error),
            }
        }
    }

    #[cold]
    fn fail(&mut self, left: &[u8], lines: &[u8], events: u64, error: io::Error) {
        let written = lines.get(..lines.len() - left.len()).unwrap_or(&[]);
        let whole = memchr::memrchr(b'\n', written).map_or(0, |at| at + 1);
        // Half a line in a file is taken back; in a pipe it is ended, so that the next one is whole.
        let half = written.len() - whole;
        if half > 0 && !self.cut(half) {
            let _ = self.file.write_all(b"\n");
        }
        let kept = written.get(..whole).map_or(0, |kept| memchr::memchr_iter(b'\n', kept).count() as u64);
        self.find_position();
        self.lost += events.saturating_sub(kept);
        self.why.get_or_insert(error);
    }

    fn cut(&mut self, half: usize) -> bool {
        let Ok(data) = self.file.metadata() else { return false };
        if !data.is_file() {
            return false;
        }
        let Ok(at) = self.file.stream_position() else { return false };
        let whole = at.saturating_sub(half as u64);
        self.file.set_len(whole).is_ok() && self.file.seek(SeekFrom::Start(whole)).is_ok()
    }

    /// Opens the file again under its name, after a log rotation moved it.
    ///
    /// # Errors
    /// What open(2) answers; the old file stays in use then.
    pub fn reopen(&mut self) -> io::Result<()> {
        if let Some(path) = &self.path {
            self.file = OpenOptions::new().append(true).create(true).open(path)?;
            self.file.seek(SeekFrom::End(0)).ok();
            self.find_position();
        }
        Ok(())
    }

    /// How many events were lost, and why, if any were.
    #[must_use]
    pub fn losses(&self) -> Option<(u64, &io::Error)> {
        self.why.as_ref().map(|why| (self.lost, why))
    }
}

#[cfg(test)]
mod tests {
    use super::portion;

    #[test]
    fn a_portion_is_whole_lines_within_a_page() {
        assert_eq!(portion(b"one\ntwo\n", 0), 8);
        assert_eq!(portion(b"one\ntwo\n", 4096 - 5), 4);
        // The first line crosses the boundary: it is written alone.
        assert_eq!(portion(b"one\ntwo\n", 4096 - 2), 4);
        assert_eq!(portion(b"no end", 0), 6);
    }
}
