//! Capture files that somebody made up, read as `replay` reads them and shown in every format: nothing may panic, hang or
//! take memory without bound.
//!
//! ```sh
//! cargo +nightly fuzz run capture -- -max_len=65536 -timeout=10 -rss_limit_mb=1024
//! ```
//!
//! A sum keeps random bytes out of everything behind it, and who makes a file can make the sum. So the first byte of an
//! input chooses: the rest is a file as it is, or the body of a frame of records, of names or of the index, whose heads
//! are right. The form is written down here a second time, from `docs/capture.md`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smtrace::model::Plan;
use smtrace::model::record::Record;
use smtrace::options::{Action, Choices, parse};
use smtrace::pipeline::Pipeline;
use smtrace::scap::Converter;
use smtrace::sink;
use smtrace::state::{Groups, Users};
use smtrace::store::{Bounds, Index, Part, Reader};
use std::cell::RefCell;
use std::io::Cursor;
use xxhash_rust::xxh3::xxh3_64;

const FORMATS: [&str; 4] = ["module", "ebpf", "json", "strace"];

thread_local! {
    static PLANS: RefCell<Vec<Plan>> = RefCell::new(FORMATS.iter().map(|format| plan(format)).collect());
}

fn plan(format: &str) -> Plan {
    let words = ["smtrace", "-e", "all", "--probe", "--format", format, "--", "x"];
    match parse(words.map(Into::into), &Choices { formats: sink::CHOICES }) {
        Ok(Action::Trace(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

/// A frame with a right head. `records` and `expanded` are what it says of its body.
fn frame(sort: u8, records: u32, expanded: u32, body: &[u8], out: &mut Vec<u8>) {
    let mut head = b"\xf5smt".to_vec();
    head.extend_from_slice(&[sort, 1, 0, 0]);
    head.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
    head.extend_from_slice(&expanded.to_le_bytes());
    head.extend_from_slice(&records.to_le_bytes());
    head.extend_from_slice(&[0; 4 + 8 + 8 + 8]);
    head.extend_from_slice(&7u64.to_le_bytes());
    head.extend_from_slice(&xxh3_64(body).to_le_bytes());
    let sum = xxh3_64(&head);
    head.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(body);
}

/// The file that an input stands for.
fn file(input: &[u8]) -> Option<Vec<u8>> {
    let (how, rest) = input.split_first()?;
    let mut out = b"\x89smtcap\n\x01\0\x01\0\0\0\0\0".to_vec();
    frame(1, 0, 0, br#"{"captured":{"str_max":256}}"#, &mut out);
    match how % 4 {
        0 => return Some(rest.to_vec()),
        1 => {
            let (numbers, body) = rest.split_at_checked(8)?;
            let number = |at: usize| u32::from_le_bytes(numbers[at..at + 4].try_into().unwrap());
            frame(3, number(0), number(4), body, &mut out);
        }
        2 => frame(2, 0, 0, rest, &mut out),
        _ => frame(4, 0, 0, rest, &mut out),
    }
    frame(5, 0, 0, &[], &mut out);
    Some(out)
}

fn show(file: Vec<u8>) {
    let Ok(mut reader) = Reader::open(Box::new(Cursor::new(file))) else { return };
    let (mut bounds, mut index, mut converter) = (Bounds::default(), Index::default(), Converter::live());
    let mut pipelines: Vec<Pipeline> = PLANS.with_borrow(|plans| {
        plans.iter().map(|plan| Pipeline::new(plan, Users::default(), Groups::default())).collect()
    });
    let mut lines = Vec::new();
    while let Some(part) = reader.part() {
        index.learn(&part);
        let records = match part {
            Part::Names(told) => {
                pipelines.iter_mut().for_each(|pipeline| pipeline.learn_names(&told.users, &told.groups));
                continue;
            }
            Part::Records(records, _) => records,
        };
        let mut left = &records[..];
        while let Ok((record, len)) = Record::parse(left) {
            if !bounds.allow(&record) {
                return;
            }
            for pipeline in &mut pipelines {
                pipeline.feed(&record, &mut lines);
                lines.clear();
            }
            converter.feed(&record, &mut |event| assert!(!event.is_empty()));
            left = &left[len..];
        }
    }
    let latest = reader.latest();
    let _ = smtrace::replay::tell(&reader.missing(), latest);
}

fuzz_target!(|input: &[u8]| {
    if let Some(file) = file(input) {
        show(file);
    }
});
