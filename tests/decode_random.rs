//! Every call of the table on every ABI, fed bytes that no sane program would pass: no panic, bounded output, and JSON
//! that the schema accepts. Deterministic: the generator is seeded.

#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::Value;
use smtrace::decode::tree::{MAX_NODES, Tree};
use smtrace::decode::walk::Limits;
use smtrace::event::Event;
use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Role, State, Writer, flag};
use smtrace::options::{self, Action, Choices};
use smtrace::sink;
use smtrace::state::{Account, Groups, Users};
use smtrace::table;

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Words that a decoder may take for pointers: those of the pool lead to bytes of the record.
const POOL: u64 = 8;
const BASE: u64 = 0x1000;

fn word(random: &mut Random) -> u64 {
    match random.below(8) {
        0..=3 => BASE + random.below(POOL) * 0x100,
        4 => random.below(64),
        5 => u64::MAX - random.below(200),
        6 => 1 << random.below(64),
        _ => random.next(),
    }
}

fn record(random: &mut Random, head: &Head, args: &[u64], abi: Abi) -> Vec<u8> {
    let mut buffer = vec![0; 16 * 1024];
    let mut writer = Writer::new(&mut buffer, head, args);
    for index in 0..6 {
        for at in 0..POOL {
            let mut data: Vec<u8> = Vec::new();
            for _ in 0..random.below(24) {
                let word = word(random);
                data.extend_from_slice(&word.to_le_bytes()[..abi.word()]);
            }
            let state = [State::Whole, State::Cut, State::Unreadable][usize::try_from(random.below(3)).unwrap()];
            writer.piece(Role::arg(index).unwrap(), 0, BASE + at * 0x100, state, &data);
        }
    }
    // What no argument names: a stack, and entries of a ring, whose first byte is an operation.
    writer.piece(Role::Stack, 0, BASE.wrapping_sub(random.below(400)), State::Whole, &[]);
    let mut ring: Vec<u8> = (0..random.below(40)).flat_map(|_| word(random).to_le_bytes()).collect();
    ring.iter_mut().step_by(64).for_each(|operation| *operation = u8::try_from(random.below(70)).unwrap());
    writer.piece(Role::Ring, 0, random.below(80), State::Whole, &ring);
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

/// The number of a call, and the flags of its record: one without a number goes through a multiplexer.
fn made(row: &table::Row, abi: Abi) -> Option<(u32, u32)> {
    if let Some(nr) = row.number(abi) {
        return Some((if abi == Abi::X32 { nr | 0x4000_0000 } else { nr }, 0));
    }
    table::through::multiplexers().iter().find_map(|multiplexer| {
        let inner = multiplexer.calls.iter().find(|inner| inner.row().index() == row.index())?;
        Some((multiplexer.row().number(abi)?, u32::from(inner.sub) << flag::SUB_SHIFT))
    })
}

#[test]
fn no_bytes_make_a_decoder_panic_or_write_without_end() {
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/event.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let account = Account::new(Users::default(), Groups::default());
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut sinks, mut out) = (sinks(), Vec::new());
    let (mut tree, mut lines, mut structures, mut found) = (Tree::default(), 0, 0, 0);
    for row in table::rows() {
        for abi in Abi::ALL {
            let Some((nr, flags)) = made(row, abi) else { continue };
            for round in 0..6 {
                let args: Vec<u64> = row.args(abi).iter().map(|_| word(&mut random)).collect();
                let result = if round % 3 == 0 { -1 } else { i64::try_from(random.below(300)).unwrap() };
                let head = Head { kind: Kind::Enter, abi: Some(abi), time: 1, pid: 7, tid: 7, nr, flags, result: 0 };
                let enter = record(&mut random, &head, &args, abi);
                let exit = record(&mut random, &Head { kind: Kind::Exit, result, ..head }, &args, abi);
                let (enter, exit) = (Record::parse(&enter).unwrap().0, Record::parse(&exit).unwrap().0);
                for (now, before) in [(&enter, None), (&exit, Some(&enter)), (&exit, None)] {
                    let event =
                        Event::decode(now, before, account.who(7, 7), Limits { str_max: 32, ..Limits::ALL }).unwrap();
                    event.values(&mut tree);
                    assert!(tree.len() <= MAX_NODES);
                    let beside = tree.level(0..tree.len()).count() - args.len();
                    let may = matches!(row.name, "rt_sigreturn" | "sigreturn" | "io_uring_enter");
                    assert!(beside <= if may { 2 } else { 0 }, "{} {} {beside}", row.name, abi.name());
                    found += beside;
                    structures += tree.len() - args.len();
                    for (format, sink) in &mut sinks {
                        out.clear();
                        sink.render(&event, &mut out);
                        assert!(out.len() < 1 << 20, "{format} {} bytes", out.len());
                        lines += 1;
                        if *format == "json" && round == 1 && before.is_some() && abi != Abi::X32 {
                            let line: Value = serde_json::from_slice(&out).unwrap();
                            assert!(validator.is_valid(&line), "{line}");
                        }
                    }
                }
            }
        }
    }
    assert!(found > 50, "{found} values beside the registers");
    assert!(lines > 20_000 && structures > 20_000, "{lines} lines, {structures} nodes: the truth must not be empty");
}

/// A sink of every format.
fn sinks() -> Vec<(&'static str, Box<dyn sink::Sink + Send>)> {
    let choices = Choices { formats: sink::CHOICES };
    let plan = |format: &str| match options::parse(["smtrace", "--format", format, "true"].map(Into::into), &choices) {
        Ok(Action::Trace(plan)) => plan,
        _ => panic!("{format} is refused"),
    };
    sink::formats().iter().map(|format| (format.name, sink::make(&plan(format.name)).1)).collect()
}
