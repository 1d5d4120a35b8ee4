//! How many events a second one core renders, by format, from synthetic records: `cargo bench --bench render`.
//!
//! A plain program: it prints one line per format and case. Each number is the best of several rounds, which is what
//! the code can do; the rest is the machine.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]

use smtrace::model::record::{Head, Kind, Record, Role, State, Writer, flag};
use smtrace::model::{Abi, CallSet, Command, Filters, Log, Orphans, Output, Plan, SeccompMode, Target};
use smtrace::pipeline::Pipeline;
use smtrace::state::{Groups, Users};
use std::hint::black_box;
use std::time::{Duration, Instant};

const THREADS: i32 = 8;
const PAIRS: u32 = 20_000;
const ROUNDS: usize = 15;

fn plan(format: &str) -> Plan {
    Plan {
        target: Target::Launch(Command::default()),
        calls: CallSet::default(),
        follow: true,
        seccomp: SeccompMode::Auto,
        probe: false,
        collecting: true,
        orphans: Orphans::Wait(None),
        filters: Filters::default(),
        output: Output { path: None, format: format.to_owned(), str_max: 256, ..Output::default() },
        watching: smtrace::model::Watching { events: true, ..Default::default() },
        capture: None,
        audit: None,
        outside: Default::default(),
        show_secrets: false,
        quiet: false,
        log: Log { level: 1, file: None },
    }
}

fn push(records: &mut Vec<u8>, head: &Head, args: &[u64], pieces: &[(Role, u64, &[u8])]) {
    let mut buffer = [0; 8192];
    let mut writer = Writer::new(&mut buffer, head, args);
    for (role, address, data) in pieces {
        writer.piece(*role, 0, *address, State::Whole, data);
    }
    let len = writer.finish();
    records.extend_from_slice(&buffer[..len]);
}

fn head(kind: Kind, tid: i32, time: u64) -> Head {
    let flags = if tid == 1000 { 0 } else { flag::THREAD };
    Head { kind, abi: Some(Abi::X86_64), time, pid: 1000, tid, nr: 257, flags, result: 3 }
}

/// Births of the threads, then pairs of `openat`; with `args` its path, with `fds` that many descriptors.
fn records(args: bool, fds: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut births, mut calls) = (Vec::new(), Vec::new());
    for tid in 1000..1000 + THREADS {
        let pieces = [(Role::Comm, 0, &b"test.sh"[..]), (Role::Cmdline, 0, b"/bin/bash\0./test.sh\0--all")];
        push(&mut births, &head(Kind::Born, tid, 0), &[1, 0, 0, 0], &pieces);
    }
    let raw = [0xffff_ff9c, 0x7ffe_1234_5678, 0x8_0000, 0];
    let mut fd_pieces: Vec<(Role, u64, &[u8])> = Vec::new();
    fd_pieces.extend((0..fds).map(|fd| (Role::Fd, fd, &b"/dev/null"[..])));
    for pair in 0..PAIRS {
        let tid = 1000 + i32::try_from(pair % 8).unwrap();
        let time = 1_749_730_502_000_000_000 + u64::from(pair) * 14_000;
        let mut pieces = fd_pieces.clone();
        if args {
            pieces.insert(0, (Role::Arg1, raw[1], b"/usr/lib/x86_64-linux-gnu/libc.so.6"));
        }
        push(&mut calls, &head(Kind::Enter, tid, time), &raw, &pieces);
        push(&mut calls, &head(Kind::Exit, tid, time + 7_000), &raw, &fd_pieces);
    }
    (births, calls)
}

fn feed(pipeline: &mut Pipeline, mut bytes: &[u8], out: &mut Vec<u8>) {
    while !bytes.is_empty() {
        let (record, len) = Record::parse(bytes).unwrap();
        pipeline.feed(&record, out);
        if out.len() > 1 << 16 {
            black_box(&out);
            out.clear();
        }
        bytes = &bytes[len..];
    }
}

fn main() {
    for (format, what, args, fds) in [
        ("module", "", false, 0),
        ("ebpf", "without pieces", false, 0),
        ("ebpf", "with the path", true, 0),
        ("ebpf", "with the path and 3 fds", true, 3),
        ("json", "without pieces", false, 0),
        ("json", "with the path", true, 0),
        ("json", "with the path and 3 fds", true, 3),
    ] {
        let (births, calls) = records(args, fds);
        let users = Users::parse(b"root:x:0:0:root:/root:/bin/bash");
        let mut pipeline = Pipeline::new(&plan(format), users, Groups::parse(b"root:x:0:"));
        let mut out = Vec::with_capacity(1 << 17);
        feed(&mut pipeline, &births, &mut out);
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            feed(&mut pipeline, &calls, &mut out);
            best = best.min(start.elapsed());
        }
        let events = f64::from(PAIRS) * 2.0;
        let speed = events / best.as_secs_f64() / 1e6;
        let each = best.as_secs_f64() * 1e9 / events;
        println!("{format:8} {what:26} {speed:6.2} M events/s  {each:6.0} ns each");
    }
}
