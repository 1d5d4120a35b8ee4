//! A `.scap` file being written: libscap's events of a run or a replay, in order, compressed when the name ends in `.gz`.
//!
//! What cannot be written is counted and told at the end; the events before it are readable.

use crate::model::record::Record;
use crate::scap;
use crate::store::{self, Losses};
use crate::sys::host::Host;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Bytes collected before they are written.
const ENOUGH: usize = 64 * 1024;

/// Nanoseconds after which what was collected is written all the same.
const WAIT: u64 = 200_000_000;

/// Writes libscap's events.
pub struct Events {
    capture: scap::Capture,
    to: To,
    bytes: Vec<u8>,
    /// Records whose events wait in `bytes`.
    waiting: u64,
    written: u64,
    lost: u64,
    why: Option<io::Error>,
}

enum To {
    Plain(File),
    Packed(GzEncoder<File>),
}

impl To {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            To::Plain(file) => file.write_all(bytes),
            // Flushed, so that a file which is cut short is readable up to here.
            To::Packed(packer) => packer.write_all(bytes).and_then(|()| packer.flush()),
        }
    }
}

/// Whether bytes begin as libscap's.
fn begins(mut bytes: impl Read) -> bool {
    let mut head = [0; scap::BEGINNING.len()];
    bytes.read_exact(&mut head).is_ok() && head == scap::BEGINNING
}

impl Events {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn begin(path: &Path) -> io::Result<Events> {
        let packed = path.extension().is_some_and(|ending| ending == "gz");
        let file = store::create(path, if packed { |file| begins(GzDecoder::new(file)) } else { |file| begins(file) })?;
        let to = if packed { To::Packed(GzEncoder::new(file, Compression::fast())) } else { To::Plain(file) };
        let capture = scap::Capture::new(Host::ask());
        Ok(Events { capture, to, bytes: Vec::new(), waiting: 0, written: 0, lost: 0, why: None })
    }

    /// Takes the next record.
    pub fn take(&mut self, record: &Record<'_>) {
        self.capture.feed(record, &mut self.bytes);
        self.waiting += 1;
        if self.bytes.len() >= ENOUGH {
            self.flush();
        }
    }

    /// Writes what has waited long enough; `now` is monotonic time.
    pub fn tick(&mut self, now: u64) {
        if now.saturating_sub(self.written) >= WAIT {
            self.written = now;
            self.flush();
        }
    }

    fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if self.why.is_some() {
            self.lost += waiting;
        } else if !self.bytes.is_empty()
            && let Err(error) = self.to.put(&self.bytes)
        {
            self.why = Some(error);
            self.lost += waiting;
        }
        self.bytes.clear();
    }

    /// Ends the file; what could not be written.
    #[must_use]
    pub fn finish(mut self) -> Option<Losses> {
        self.capture.finish(&mut self.bytes);
        self.flush();
        if let To::Packed(packer) = self.to
            && let Err(error) = packer.finish()
        {
            self.why.get_or_insert(error);
        }
        let records = self.lost;
        self.why.map(|why| Losses { records, why })
    }
}
