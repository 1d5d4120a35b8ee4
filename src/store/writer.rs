//! Records into a capture file, whole frames at a time. One more consumer on the reader's side of the bus: the tracing
//! thread never waits for the disk because of it, but as for any reader that is slower than the bus is long.

use super::description::Description;
use super::filling::Filling;
use super::frame::{HEAD, Head, Sort};
use super::index::{Entry, Index};
use super::names::Names;
use super::packing::{self, PACKED_MARK, Packing};
use super::{MAGIC, start};
use crate::model::record::Record;
use crate::state::{Groups, Users};
use crate::sys::lock;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// Nanoseconds for which a record waits for its frame to fill.
const WAIT: u64 = 200_000_000;

/// Opens a file to write a capture to, `-` for stdout. What it held is gone only when that was a capture, which `known` says
/// of it, and when nobody else writes it: a program whose name was given by mistake is still there.
///
/// # Errors
/// What open(2) answers; `WouldBlock` when another smtrace writes to it, `AlreadyExists` when it holds something else.
pub fn create(path: &Path, known: fn(File) -> bool) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?));
    }
    let held = path.metadata().is_ok_and(|data| data.is_file() && data.len() > 0);
    if held && !File::open(path).is_ok_and(known) {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it exists and is no capture"));
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    // Where files cannot be locked, a reader that follows cannot know when the writer is gone; that is all.
    match lock::lock(file.as_fd()) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
        _ => {}
    }
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Whether a file begins as a capture of any version, plain or compressed.
#[must_use]
pub fn is_capture(mut file: File) -> bool {
    let mut head = [0; PACKED_MARK.len()];
    file.read_exact(&mut head).is_ok() && (head.starts_with(&MAGIC) || head == PACKED_MARK)
}

/// Writes a capture.
pub struct Writer {
    file: File,
    /// How far a regular file is written; `None` for pipes.
    position: Option<u64>,
    packing: Option<Packing>,
    filling: Filling,
    names: Names,
    index: Index,
    /// The capture's number.
    capture: u64,
    /// Records of the frames so far, with the lost ones.
    before: u64,
    /// Bytes of the frames so far, plain and as they are stored.
    plain: u64,
    stored: u64,
    /// When the last frame was written.
    written: u64,
    lost: u64,
    why: Option<io::Error>,
}

/// What could not be written.
#[derive(Debug)]
pub struct Losses {
    /// Records.
    pub records: u64,
    /// Why the first could not.
    pub why: io::Error,
}

/// Frames that are written together.
#[derive(Default)]
struct Batch {
    plain: u64,
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts a capture in `file`, compressed or not. `zone` says how far local time is from UTC at a second.
    ///
    /// # Errors
    /// When the file cannot be written, or zstd has no memory.
    pub fn start(
        mut file: File,
        compress: bool,
        description: &Description,
        (users, groups): (Users, Groups),
        zone: fn(i64) -> i32,
    ) -> io::Result<Writer> {
        let regular = file.metadata()?.is_file();
        let mut writer = Writer {
            position: if regular { Some(file.stream_position()?) } else { None },
            file,
            packing: if compress { Some(Packing::new()?) } else { None },
            filling: Filling::new(zone),
            names: Names::new(users, groups),
            index: Index::default(),
            capture: RandomState::new().hash_one(description.clock.realtime_ns),
            before: 0,
            plain: 0,
            stored: 0,
            written: 0,
            lost: 0,
            why: None,
        };
        let mut first = Vec::new();
        start(&mut first);
        let head = Head { sort: Sort::Description as u8, capture: writer.capture, ..Head::default() };
        head.write(&description.write(), &mut first);
        let mut batch = Batch::default();
        writer.add(&first, &mut batch)?;
        writer.put(&batch)?;
        Ok(writer)
    }

    /// Takes a record.
    pub fn take(&mut self, record: &Record<'_>) {
        if !self.filling.fits(record) {
            self.flush();
        }
        self.names.note(record);
        if self.filling.push(record) {
            self.flush();
        }
    }

    /// Writes what waits if it has waited long enough; `now` is the monotonic clock.
    pub fn tick(&mut self, now: u64) {
        if now.saturating_sub(self.written) >= WAIT {
            self.written = now;
            self.flush();
        }
    }

    /// Writes the records that wait as a frame.
    fn flush(&mut self) {
        let records = self.filling.records();
        if records == 0 {
            return;
        }
        let mut batch = Batch::default();
        let result = self.add_records(&mut batch).and_then(|entry| self.put(&batch).map(|()| entry));
        match result {
            Ok(entry) => {
                self.index.add(entry);
                self.index.count(self.filling.plain());
                self.names.clear();
            }
            Err(error) => self.fail(u64::from(records), error),
        }
        self.before += u64::from(records);
        self.filling.clear();
    }

    #[cold]
    fn fail(&mut self, records: u64, why: io::Error) {
        self.lost += records;
        self.why.get_or_insert(why);
    }

    fn add_records(&mut self, batch: &mut Batch) -> io::Result<Entry> {
        let blank = Head { capture: self.capture, before: self.before, ..Head::default() };
        if !self.names.next().is_empty() {
            let mut frame = Vec::new();
            Head { sort: Sort::Names as u8, ..blank }.write(self.names.next(), &mut frame);
            self.add(&frame, batch)?;
        }
        let (plain, stored) = (self.plain + batch.plain, self.stored + batch.bytes.len() as u64);
        let head = Head { capture: self.capture, before: self.before, ..self.filling.head() };
        let mut frame = Vec::with_capacity(self.filling.body().len() + HEAD);
        head.write(self.filling.body(), &mut frame);
        self.add(&frame, batch)?;
        let records = u64::from(head.records);
        Ok(Entry { plain, stored, earliest: head.earliest, latest: head.latest, records })
    }

    /// Adds a frame to a batch, in the form of the file.
    fn add(&mut self, frame: &[u8], batch: &mut Batch) -> io::Result<()> {
        batch.plain += frame.len() as u64;
        match &mut self.packing {
            Some(packing) => packing.pack(self.capture, frame, &mut batch.bytes),
            None => {
                batch.bytes.extend_from_slice(frame);
                Ok(())
            }
        }
    }

    /// Writes a batch; of one that cannot be written, nothing stays in a regular file.
    fn put(&mut self, batch: &Batch) -> io::Result<()> {
        let mut left = &batch.bytes[..];
        while !left.is_empty() {
            let error = match self.file.write(left) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(n) => {
                    left = left.get(n..).unwrap_or_default();
                    continue;
                }
                Err(error) => error,
            };
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                // Somebody made the pipe that we share non-blocking.
                io::ErrorKind::WouldBlock => std::thread::sleep(std::time::Duration::from_millis(1)),
                _ => {
                    if let Some(position) = self.position {
                        let _ = self.file.set_len(position);
                        let _ = self.file.seek(SeekFrom::Start(position));
                    }
                    return Err(error);
                }
            }
        }
        let len = batch.bytes.len() as u64;
        self.position = self.position.map(|position| position + len);
        self.plain += batch.plain;
        self.stored += len;
        Ok(())
    }

    /// Ends the capture: what waits, the index, the end. Returns what could not be written.
    #[must_use]
    pub fn finish(mut self) -> Option<Losses> {
        self.flush();
        let mut batch = Batch::default();
        if let Err(error) = self.add_end(&mut batch).and_then(|()| self.put(&batch)) {
            self.fail(0, error);
        }
        let records = self.lost;
        self.why.map(|why| Losses { records, why })
    }

    fn add_end(&mut self, batch: &mut Batch) -> io::Result<()> {
        let blank = Head { capture: self.capture, before: self.before, ..Head::default() };
        let (plain, stored) = (self.plain, self.stored);
        for (sort, body) in [(Sort::Index, self.index.write()), (Sort::End, Vec::new())] {
            let mut frame = Vec::new();
            Head { sort: sort as u8, earliest: plain, ..blank }.write(&body, &mut frame);
            self.add(&frame, batch)?;
        }
        if self.packing.is_some() {
            packing::write_last(self.capture, stored, &mut batch.bytes);
        }
        Ok(())
    }
}
