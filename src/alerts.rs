//! Where alerts go when they do not go where events go: a file, an address on the network.
//!
//! A reader must never wait for the network: alerts are handed to a thread through a bounded queue, and what does not
//! get through is counted.

use crate::model;
use crate::output::Output;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Alerts that wait to be sent at most.
const WAITING: usize = 1024;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// After so many failures in a row the rest is not tried.
const GIVE_UP: u32 = 3;

/// Sends alerts to an address.
#[derive(Debug)]
struct Poster {
    queue: SyncSender<String>,
    thread: JoinHandle<()>,
    lost: Arc<AtomicU64>,
    why: Arc<Mutex<Option<String>>>,
}

impl Poster {
    fn start(url: String) -> io::Result<Poster> {
        let (queue, waiting) = sync_channel::<String>(WAITING);
        let (lost, why) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let (failures, reason) = (Arc::clone(&lost), Arc::clone(&why));
        let send = move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
            let mut in_a_row = 0;
            for alert in waiting {
                if in_a_row < GIVE_UP {
                    match agent.post(&url).header("Content-Type", "application/json").send(alert) {
                        Ok(_) => {
                            in_a_row = 0;
                            continue;
                        }
                        Err(error) => {
                            in_a_row += 1;
                            let mut reason = reason.lock().unwrap_or_else(PoisonError::into_inner);
                            reason.get_or_insert_with(|| error.to_string());
                        }
                    }
                }
                failures.fetch_add(1, Ordering::Relaxed);
            }
        };
        let thread = thread::Builder::new().name("alerts".to_owned()).spawn(send)?;
        Ok(Poster { queue, thread, lost, why })
    }

    fn send(&self, alert: String) {
        match self.queue.try_send(alert) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Where alerts go.
#[derive(Debug)]
pub struct Alerts {
    output: Option<Output>,
    poster: Option<Poster>,
}

impl Alerts {
    /// Opens a file, and starts to send to an address.
    ///
    /// # Errors
    /// What cannot be opened, with the remedy.
    pub fn open(file: Option<&Path>, url: Option<&str>) -> Result<Alerts, String> {
        let open = |path: &Path| {
            let refusal =
                |error| format!("cannot open {}: {error}; choose another file with --alerts-file", path.display());
            let output = model::Output { path: Some(path.to_owned()), ..model::Output::default() };
            Output::open(&output).map_err(refusal)
        };
        let output = file.map(open).transpose()?;
        let poster = url.map(|url| Poster::start(url.to_owned())).transpose();
        let poster = poster.map_err(|error| format!("cannot start a thread for --alerts-url: {error}"))?;
        Ok(Alerts { output, poster })
    }

    /// Whether alerts are written to a file of their own.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.output.is_some()
    }

    /// Whether alerts are sent.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.poster.is_some()
    }

    /// Writes lines of alerts, and sends copies.
    pub fn write(&mut self, lines: &[u8], copies: Vec<String>) {
        if let Some(output) = &mut self.output
            && !lines.is_empty()
        {
            let count = memchr::memchr_iter(b'\n', lines).count();
            output.write(lines, count as u64);
        }
        if let Some(poster) = &self.poster {
            copies.into_iter().for_each(|copy| poster.send(copy));
        }
    }

    /// Waits until what can be sent was; what was lost, in words.
    #[must_use]
    pub fn finish(self) -> Vec<String> {
        let mut words = Vec::new();
        if let Some((lost, why)) = self.output.as_ref().and_then(Output::losses) {
            words.push(format!("{lost} alerts could not be written: {why}"));
        }
        if let Some(Poster { queue, thread, lost, why }) = self.poster {
            drop(queue);
            let _ = thread.join();
            let lost = lost.load(Ordering::Relaxed);
            let why = why.lock().unwrap_or_else(PoisonError::into_inner).take();
            if lost > 0 {
                let why = why.unwrap_or_else(|| "the receiver is too slow".to_owned());
                words.push(format!("{lost} alerts could not be sent: {why}"));
            }
        }
        words
    }
}
