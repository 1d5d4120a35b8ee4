//! How many events a second one core decodes and renders, for the mix of calls that a program makes when it starts:
//! openat, read, fstat, mmap, close, each enter and exit with its memory. `cargo bench --bench decode`.
//!
//! A plain program: it prints one line per stage. Each number is the best of several rounds, which is what the code can
//! do; the rest is the machine.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]

use smtrace::decode::tree::Tree;
use smtrace::decode::walk::Limits;
use smtrace::event::Event;
use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Role, State, Writer};
use smtrace::options::{self, Action, Choices};
use smtrace::pipeline::Pipeline;
use smtrace::sink;
use smtrace::state::{Account, Groups, Users};
use std::hint::black_box;
use std::time::{Duration, Instant};

const TURNS: u64 = 8_000;
const ROUNDS: usize = 12;
const AT: u64 = 0x7ffe_1234_5678;

/// A call of the mix: its number, result, arguments, and what its enter and exit read.
type Call<'a> = (u32, i64, &'a [u64], &'a [(Role, &'a [u8])], &'a [(Role, &'a [u8])]);

fn push(records: &mut Vec<u8>, head: &Head, args: &[u64], pieces: &[(Role, &[u8])]) {
    let mut buffer = [0; 8192];
    let mut writer = Writer::new(&mut buffer, head, args);
    for (role, data) in pieces {
        writer.piece(*role, 0, AT, State::Whole, data);
    }
    let len = writer.finish();
    records.extend_from_slice(&buffer[..len]);
}

fn head(kind: Kind, nr: u32, result: i64, time: u64) -> Head {
    let time = 1_749_730_502_000_000_000 + time * 14_000;
    Head { kind, abi: Some(Abi::X86_64), time, pid: 1000, tid: 1000, nr, flags: 0, result }
}

fn mix() -> Vec<u8> {
    let mut stat = [0; 144];
    stat[24..28].copy_from_slice(&0o100_644_u32.to_le_bytes());
    stat[48..56].copy_from_slice(&1_922_136_u64.to_le_bytes());
    let text = [b'x'; 832];
    let calls: [Call<'_>; 5] = [
        (257, 3, &[0xffff_ff9c, AT, 0x8_0000, 0], &[(Role::Arg1, b"/usr/lib/x86_64-linux-gnu/libc.so.6")], &[]),
        (0, 832, &[3, AT, 832], &[], &[(Role::Arg1, &text[..257])]),
        (5, 0, &[3, AT], &[], &[(Role::Arg1, &stat)]),
        (9, 0x7f00_0000_0000, &[0, 8192, 3, 0x22, u64::MAX, 0], &[], &[]),
        (3, 0, &[3], &[], &[]),
    ];
    let mut records = Vec::new();
    for turn in 0..TURNS {
        for (nr, result, args, enter, exit) in &calls {
            push(&mut records, &head(Kind::Enter, *nr, 0, turn), args, enter);
            push(&mut records, &head(Kind::Exit, *nr, *result, turn), args, exit);
        }
    }
    records
}

fn say(what: &str, best: Duration) {
    let events = f64::from(u32::try_from(TURNS * 10).unwrap());
    let (speed, each) = (events / best.as_secs_f64() / 1e6, best.as_secs_f64() * 1e9 / events);
    println!("{what:24} {speed:6.2} M events/s  {each:6.0} ns each");
}

fn best_of(mut round: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..ROUNDS).map(time).min().unwrap()
}

fn main() {
    let records = mix();
    let parsed: Vec<Record<'_>> = {
        let mut rest = &records[..];
        std::iter::from_fn(move || {
            let (record, len) = Record::parse(rest).ok()?;
            rest = &rest[len..];
            Some(record)
        })
        .collect()
    };
    assert_eq!(parsed.len() as u64, TURNS * 10);
    let account = Account::new(Users::default(), Groups::default());
    let mut tree = Tree::default();
    let decode = best_of(|| {
        for pair in parsed.chunks_exact(2) {
            for (record, entered) in [(&pair[0], None), (&pair[1], Some(&pair[0]))] {
                let event =
                    Event::decode(record, entered, account.who(1000, 1000), Limits { str_max: 256, ..Limits::ALL })
                        .unwrap();
                event.values(&mut tree);
                black_box(tree.len());
            }
        }
    });
    say("decode", decode);
    let choices = Choices { formats: sink::CHOICES };
    for format in sink::formats() {
        let args = ["smtrace", "--format", format.name, "true"].map(Into::into);
        let Ok(Action::Trace(plan)) = options::parse(args, &choices) else { panic!("{} is refused", format.name) };
        let mut pipeline = Pipeline::new(&plan, Users::default(), Groups::default());
        let mut out = Vec::with_capacity(1 << 17);
        let time = best_of(|| {
            for record in &parsed {
                pipeline.feed(record, &mut out);
                if out.len() > 1 << 16 {
                    black_box(&out);
                    out.clear();
                }
            }
        });
        say(&format!("decode and {}", format.name), time);
    }
}
