//! How far the build is, in one line of a terminal that is wiped at the end (`--progress`).

use crate::audit::fold::Fold;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the line is written again.
const EVERY: Duration = Duration::from_millis(500);

/// The line; dropping it wipes it.
pub(super) struct Progress {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows how `fold` grows.
    pub(super) fn start(fold: Arc<Mutex<Fold>>) -> Progress {
        let done = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&done);
        let show = move || {
            let start = Instant::now();
            while !ended.load(Ordering::Relaxed) {
                let text = fold.lock().unwrap_or_else(PoisonError::into_inner).brief();
                let line = format!("\r\x1b[Ksmtrace: {}s, {text}", start.elapsed().as_secs());
                let _ = std::io::stderr().write_all(line.as_bytes());
                std::thread::park_timeout(EVERY);
            }
            let _ = std::io::stderr().write_all(b"\r\x1b[K");
        };
        // Without a thread there is no line.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(show).ok();
        Progress { done, thread }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
