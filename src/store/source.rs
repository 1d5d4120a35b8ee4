//! Where a capture's bytes come from: a file, stdin, or a file that is still being written.

use crate::sys::lock;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

/// How often a file is looked at that did not grow.
const NAP: Duration = Duration::from_millis(20);

/// Reads a file as it grows; its end is the writer's.
#[derive(Debug)]
pub struct Follow(File);

impl Follow {
    /// Follows `file`.
    #[must_use]
    pub fn new(file: File) -> Follow {
        Follow(file)
    }
}

impl Read for Follow {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            // Asked before the read, so that what a writer wrote last is not missed. Where it cannot be asked, the
            // capture's own end is the only one.
            let alive = lock::is_locked(self.0.as_fd()).unwrap_or(true);
            match self.0.read(to)? {
                0 if alive => std::thread::sleep(NAP),
                n => return Ok(n),
            }
        }
    }
}
