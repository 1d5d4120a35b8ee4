//! What a capture costs, on the reader's side of the bus and on the tracing thread's, and its bytes per event: `cargo bench --bench capture`, or with a
//! capture of a real build `cargo bench --bench capture -- FILE`.
//!
//! A plain program: it writes the same records again, plain and compressed, to a file, and reads them back. Each number
//! is the best of several rounds, which is what the code can do; the rest is the machine.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]

use smtrace::bus::{self, Pace};
use smtrace::capture::Records;
use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Role, State, Writer as RecordWriter, flag};
use smtrace::state::{Groups, Users};
use smtrace::store::{self, Description, Part, Reader, Writer};
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const PAIRS: u64 = 50_000;

/// Pairs of `openat` of 200 different files by 8 threads with 5 open files.
fn synthetic() -> Vec<u8> {
    let mut records = Vec::new();
    let mut buffer = [0; 8192];
    let raw = [0xffff_ff9c, 0x7ffe_1234_5678, 0x8_0000, 0];
    for pair in 0..PAIRS {
        let tid = 1000 + i32::try_from(pair % 8).unwrap();
        let time = 1_749_730_502_000_000_000 + pair * 14_321;
        let path = format!("/usr/include/x86_64-linux-gnu/bits/types/file{}.h", pair * 7 % 200);
        let fds = |writer: &mut RecordWriter<'_>| {
            (0..5).for_each(|fd| writer.piece(Role::Fd, 0, fd, State::Whole, b"/dev/null"));
        };
        for kind in [Kind::Enter, Kind::Exit] {
            let (time, result) = if kind == Kind::Enter { (time, 0) } else { (time + 7_000, 5) };
            let flags = if kind == Kind::Enter { flag::LISTED } else { 0 };
            let head = Head { kind, abi: Some(Abi::X86_64), time, pid: 1000, tid, nr: 257, flags, result };
            let mut writer = RecordWriter::new(&mut buffer, &head, &raw);
            if kind == Kind::Enter {
                writer.piece(Role::Arg1, 0, raw[1], State::Whole, path.as_bytes());
                fds(&mut writer);
            } else {
                writer.piece(Role::Opened, 0, 5, State::Whole, path.as_bytes());
            }
            let len = writer.finish();
            records.extend_from_slice(&buffer[..len]);
        }
    }
    records
}

fn read(file: &Path) -> Vec<u8> {
    let mut reader = Reader::open(Box::new(File::open(file).unwrap())).unwrap();
    let mut all = Vec::new();
    while let Some(part) = reader.part() {
        if let Part::Records(records, _) = part {
            all.extend_from_slice(&records);
        }
    }
    all
}

/// Writes the records to `file` and returns how many.
fn write(records: &[u8], file: &Path, compress: bool) -> u32 {
    let names = (Users::default(), Groups::default());
    let file = store::create(file, store::is_capture).unwrap();
    let mut writer = Writer::start(file, compress, &Description::default(), names, |_| 0).unwrap();
    let (mut left, mut count) = (records, 0);
    while !left.is_empty() {
        let (record, len) = Record::parse(left).unwrap();
        writer.take(&record);
        left = &left[len..];
        count += 1;
    }
    assert!(writer.finish().is_none());
    count
}

/// Sends the records over a bus as fast as they are taken, to a reader that writes them to `file`. Returns how long the
/// sender was at it, which waits for the reader as the tracing thread does: its waits are in it.
fn send(records: &[u8], file: Option<(&Path, bool)>) -> Duration {
    let (mut sender, mut receivers) = bus::bus(1 << 20, &[Pace::Kept]).unwrap();
    let mut receiver = receivers.remove(0);
    thread::scope(|scope| {
        scope.spawn(move || {
            let names = (Users::default(), Groups::default());
            let mut writer = file.map(|(file, compress)| {
                let file = store::create(file, store::is_capture).unwrap();
                Writer::start(file, compress, &Description::default(), names, |_| 0).unwrap()
            });
            receiver.enter();
            loop {
                let closed = receiver.closed();
                let (waiting, mut read) = (receiver.peek(), 0);
                while let Some(rest) = waiting.get(read..).filter(|rest| !rest.is_empty()) {
                    let (record, len) = Record::parse(rest).unwrap();
                    match &mut writer {
                        Some(writer) => writer.take(&record),
                        None => _ = black_box(record.head().tid),
                    }
                    read += len;
                }
                receiver.release(read);
                if closed && receiver.is_empty() {
                    break;
                }
                receiver.wait(read > 0);
            }
            assert!(writer.and_then(Writer::finish).is_none());
        });
        sender.enter();
        let (mut left, start) = (records, Instant::now());
        while let Ok((record, len)) = Record::parse(left) {
            sender.send(len, |to| {
                to[..len].copy_from_slice(record.bytes());
                len
            });
            left = &left[len..];
        }
        let took = start.elapsed();
        sender.close();
        took
    })
}

fn best(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap()
}

fn main() {
    let given = std::env::args_os().skip(1).map(PathBuf::from).find(|word| word.is_file());
    let records = given.as_deref().map_or_else(synthetic, read);
    let file = std::env::temp_dir().join(format!("smtrace-bench-{}", std::process::id()));
    let mut count = 0;
    for (form, compress) in [("plain", false), ("zstd", true)] {
        let written = best(|| count = write(&records, &file, compress));
        let size = std::fs::metadata(&file).unwrap().len();
        let shown = best(|| assert_eq!(black_box(read(&file)).len(), records.len()));
        let number = f64::from(count);
        let each = |time: Duration| time.as_secs_f64() * 1e9 / number;
        let bytes = f64::from(u32::try_from(size).unwrap()) / number;
        let plain = f64::from(u32::try_from(records.len()).unwrap()) / number;
        println!(
            "{form:6} {bytes:6.1} bytes a record of {plain:.0}   write {:5.0} ns   read {:5.0} ns   ({count} records)",
            each(written),
            each(shown)
        );
    }
    // From one thread to another, at the rate of a flood: a real trace leaves the reader time.
    for (form, to) in [("none", None), ("plain", Some((&*file, false))), ("zstd", Some((&*file, true)))] {
        let took = (0..ROUNDS).map(|_| send(&records, to)).min().unwrap();
        println!("{form:6} the tracing thread: {:5.0} ns a record", took.as_secs_f64() * 1e9 / f64::from(count));
    }
    std::fs::remove_file(&file).unwrap();
}
