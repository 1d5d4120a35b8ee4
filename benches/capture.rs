//! What a capture costs on the reader's side of the bus, and its bytes per event: `cargo bench --bench capture`, or with a
//! capture of a real build `cargo bench --bench capture -- FILE`.
//!
//! A plain program: it writes the same records again, plain and compressed, to a file, and reads them back. Each number
//! is the best of several rounds, which is what the code can do; the rest is the machine.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]

use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Role, State, Writer as RecordWriter, flag};
use smtrace::state::{Groups, Users};
use smtrace::store::{self, Description, Part, Reader, Writer};
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
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
fn write(records: &[u8], file: &Path, compress: bool) -> u64 {
    let names = (Users::default(), Groups::default());
    let file = store::create(file).unwrap();
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
    for (form, compress) in [("plain", false), ("zstd", true)] {
        let mut count = 0;
        let written = best(|| count = write(&records, &file, compress));
        let size = std::fs::metadata(&file).unwrap().len();
        let shown = best(|| assert_eq!(black_box(read(&file)).len(), records.len()));
        let count = f64::from(u32::try_from(count).unwrap());
        let each = |time: Duration| time.as_secs_f64() * 1e9 / count;
        let bytes = f64::from(u32::try_from(size).unwrap()) / count;
        let plain = f64::from(u32::try_from(records.len()).unwrap()) / count;
        println!(
            "{form:6} {bytes:6.1} bytes a record of {plain:.0}   write {:5.0} ns   read {:5.0} ns   ({count} records)",
            each(written),
            each(shown)
        );
    }
    std::fs::remove_file(&file).unwrap();
}
