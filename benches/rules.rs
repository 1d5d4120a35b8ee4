//! How many events a second one core holds against Falco's stock rules, from a capture of a real build:
//! `cargo bench --bench rules -- FILE`. `rules.sh` makes the capture, and measures what rules cost the traced build.
//!
//! A plain program: it prints how long the rules take to load, and for each capture what the reader's side of a run with
//! all rules on does with its records. Each number is the best of several rounds, which is what the code can do; the rest
//! is the machine. An event is a call's enter or exit, or a process's end; rules are asked about exits and ends.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints its numbers and may fail loudly")]
#![allow(unsafe_code, reason = "an allocator that counts is one")]

use smtrace::model::record::{Kind, Record};
use smtrace::model::{CallSet, Command, Filters, Log, Orphans, Output, Plan, SeccompMode, Target, Watching};
use smtrace::pipeline::Pipeline;
use smtrace::rules::fields::{Registry, Setup};
use smtrace::rules::load::{self, Rules};
use smtrace::rules::{Asked, Form, Watch};
use smtrace::state::{Groups, Users};
use smtrace::store::{Part, Reader, Told};
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;

#[path = "../tests/support/counting.rs"]
mod counting;

fn stock() -> Vec<PathBuf> {
    let all = [PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/falco"))];
    load::files(&all).unwrap()
}

/// All rules, those too that the files switch off.
fn rules() -> Rules {
    let mut rules = load::load(&stock(), &Registry).0.unwrap();
    rules.rules.iter_mut().for_each(|rule| rule.enabled = true);
    rules
}

fn plan(rules: bool) -> Plan {
    Plan {
        target: Target::Launch(Command::default()),
        calls: CallSet::default(),
        follow: true,
        seccomp: SeccompMode::Auto,
        probe: false,
        collecting: true,
        orphans: Orphans::Wait(None),
        filters: Filters::default(),
        output: Output { path: None, format: "json".to_owned(), str_max: 256, ..Output::default() },
        watching: Watching { events: !rules, ..Default::default() },
        capture: None,
        audit: None,
        outside: Default::default(),
        show_secrets: false,
        quiet: false,
        log: Log { level: 1, file: None },
    }
}

fn watch() -> Watch {
    let setup = Setup { host: "bench".to_owned(), login: Some(-1), ..Setup::default() };
    let asked = Asked { rules: Some(rules()), all: false, form: Form::Text, condition: None, print: None, setup };
    Watch::new(asked).unwrap()
}

/// All records of a capture, and the names of users and groups that it tells.
fn read(file: &Path) -> (Vec<u8>, Vec<Told>) {
    let mut reader = Reader::open(Box::new(File::open(file).unwrap())).unwrap();
    let (mut all, mut names) = (Vec::new(), Vec::new());
    while let Some(part) = reader.part() {
        match part {
            Part::Records(records, _) => all.extend_from_slice(&records),
            Part::Names(told) => names.push(told),
        }
    }
    (all, names)
}

/// How many events the records hold, and how many of them rules are asked about.
fn count(mut records: &[u8]) -> (u32, u32) {
    let (mut events, mut asked) = (0, 0);
    while !records.is_empty() {
        let (record, len) = Record::parse(records).unwrap();
        let kind = record.head().kind;
        asked += u32::from(matches!(kind, Kind::Exit | Kind::End | Kind::Signal));
        events += u32::from(matches!(kind, Kind::Enter | Kind::Exit | Kind::End | Kind::Signal));
        records = &records[len..];
    }
    (events, asked)
}

/// Feeds all records to a run's reader side; the time, the allocations and the alerts.
fn feed(mut records: &[u8], names: &[Told], rules: bool) -> (Duration, u64, u64) {
    let mut pipeline = Pipeline::new(&plan(rules), Users::default(), Groups::default());
    names.iter().for_each(|told| pipeline.learn_names(&told.users, &told.groups));
    if rules {
        pipeline.watch(watch(), false, false);
    }
    let mut out = Vec::with_capacity(1 << 17);
    let allocations = counting::ALLOCATIONS.load(Ordering::Relaxed);
    let start = Instant::now();
    while !records.is_empty() {
        let (record, len) = Record::parse(records).unwrap();
        pipeline.feed(&record, &mut out);
        if out.len() > 1 << 16 {
            black_box(&out);
            out.clear();
        }
        records = &records[len..];
    }
    (start.elapsed(), counting::ALLOCATIONS.load(Ordering::Relaxed) - allocations, pipeline.events())
}

fn main() {
    let load = || {
        let start = Instant::now();
        black_box(rules());
        start.elapsed()
    };
    let first = load();
    let best = (0..ROUNDS).map(|_| load()).min().unwrap();
    let rules = rules();
    println!("{} rules load in {first:.1?} the first time, {best:.1?} at best", rules.rules.len());
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).filter(|word| word.is_file()).collect();
    if files.is_empty() {
        println!("give a capture of a build (`smtrace -w`) to measure with; benches/rules.sh makes one");
    }
    for file in files {
        let (records, names) = read(&file);
        let (events, asked) = count(&records);
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        println!("{name}: {events} events, rules are asked about {asked}");
        for (what, on) in [("all rules", true), ("no rules, JSON", false)] {
            let (mut best, mut allocations, mut written) = (Duration::MAX, 0, 0);
            for _ in 0..ROUNDS {
                let (time, counted, lines) = feed(&records, &names, on);
                best = best.min(time);
                (allocations, written) = (counted, lines);
            }
            let seconds = best.as_secs_f64();
            println!(
                "  {what:15} {:9.0} events/s  {:9.0} asked/s  {:5.0} ns an event  {allocations} allocations  {written} lines",
                f64::from(events) / seconds,
                f64::from(asked) / seconds,
                seconds * 1e9 / f64::from(events),
            );
        }
    }
}
