//! Captures for libscap: what a run writes with `-w FILE.scap`, decoded block by block, and read by sysdig where it is
//! installed. The unit tests of `src/scap` hold every event against the schema; `benches/scap.sh` compares a real build.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::cast_possible_truncation)]

mod support;

use falco_event::events::{Event, RawEvent};
use falco_event_schema::events::AnyEvent;
use std::path::Path;
use std::process::Command;
use support::{Scratch, finish, smtrace};

const SCRIPT: &str = "cat /etc/hostname >/dev/null; cd /usr; ls | head -n 1 >/dev/null; exit 3";

fn run(args: &[&str]) -> support::Outcome {
    let mut command = Command::new(smtrace());
    command.args(args);
    finish(command)
}

/// The block types of a file, and its events as the schema's decoder shows them.
fn decoded(file: &[u8]) -> (Vec<u32>, Vec<String>) {
    let (mut sorts, mut events) = (Vec::new(), Vec::new());
    let mut rest = file;
    while !rest.is_empty() {
        let word = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let (sort, len) = (word(0), word(4) as usize);
        assert_eq!((word(len - 4) as usize, len % 4), (len, 0), "block {sort:#x}");
        if sort == 0x216 {
            let event = RawEvent::from(&rest[10..10 + word(26) as usize]).unwrap();
            let event: Event<AnyEvent<'_>> = Event::try_from(&event).unwrap();
            events.push(format!("{:?}", event.params));
        } else {
            sorts.push(sort);
        }
        rest = &rest[len..];
    }
    (sorts, events)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_run_writes_what_the_schema_says() {
    let scratch = Scratch::new();
    let file = scratch.path("run.scap");
    let ended = run(&["-e", "%file,%desc,%process", "-w", text(&file), "--", "sh", "-c", SCRIPT]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let (sorts, events) = decoded(&std::fs::read(&file).unwrap());
    assert_eq!(sorts[..5], [0x0a0d_0d0a, 0x201, 0x219, 0x220, 0x215]);
    for start in ["> execve filename=", "< execve res=0 exe=cat args=/etc/hostname.", "< chdir res=0 path=/usr"] {
        assert!(events.iter().any(|event| event.starts_with(start)), "{start}\n{}", events.join("\n"));
    }
    assert!(events.iter().any(|event| event.starts_with("< openat fd=") && event.contains("/etc/hostname")));
    let last = events.last().unwrap();
    assert!(last.starts_with("> procexit status=768 ret=3 sig=0 core=0"), "{last}");
}

#[test]
fn a_reader_knows_the_processes_when_no_call_of_theirs_is_enabled() {
    let scratch = Scratch::new();
    let file = scratch.path("few.scap");
    run(&["-e", "getpid", "-w", text(&file), "--", "sh", "-c", SCRIPT]);
    let (_, events) = decoded(&std::fs::read(&file).unwrap());
    let count = |start: &str| events.iter().filter(|event| event.starts_with(start)).count();
    assert_eq!(count("< execve res=0"), 4, "{}", events.join("\n"));
    assert_eq!(count("> procexit"), 4);
    assert_eq!(events.iter().filter(|event| event.starts_with("< ") && event.contains("res=0 exe=sh")).count(), 4);
    assert_eq!(count("< chdir res=0 path=/usr"), 1);
}

#[test]
fn replay_writes_the_same_events_plain_and_compressed() {
    let scratch = Scratch::new();
    let [kept, plain, packed] = ["r.smt", "r.scap", "r.scap.gz"].map(|name| scratch.path(name));
    run(&["-e", "all", "-w", text(&kept), "--", "sh", "-c", SCRIPT]);
    for to in [&plain, &packed] {
        assert_eq!(run(&["replay", text(&kept), "-w", text(to)]).code, Some(0));
    }
    let plain = std::fs::read(&plain).unwrap();
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&std::fs::read(&packed).unwrap()[..]), &mut unpacked)
        .unwrap();
    assert!(plain == unpacked, "compression changes nothing");
    assert!(decoded(&plain).1.len() > 400);
    let refused = run(&["replay", text(&kept), "-w", text(&scratch.path("r.zst"))]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains(".scap"), "{refused:?}");
}

/// A build of 30 C files, each through three programs.
const BUILD: &str = "for i in $(seq 30); do printf '#include <stdio.h>\\n#include <stdlib.h>\\nint f%d(void) { return \
                     puts(getenv(\"HOME\")); }\\n' $i >f$i.c; gcc -c f$i.c || exit 1; done; ar rcs lib.a f*.o";

#[test]
fn sysdig_reads_of_a_real_build_what_we_say() {
    let installed = |name: &str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    if ["sysdig", "python3", "gcc", "ar"].iter().any(|name| !installed(name)) {
        eprintln!("skipped: sysdig, python3 or gcc is not installed");
        return;
    }
    let scratch = Scratch::new();
    let [kept, capture, lines] = ["s.smt", "s.scap", "s.json"].map(|name| scratch.path(name));
    let mut build = Command::new(smtrace());
    build.args(["-q", "-e", "all", "-w", text(&kept), "--", "sh", "-c", BUILD]).current_dir(scratch.path("."));
    let ended = finish(build);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    run(&["replay", text(&kept), "-w", text(&capture)]);
    run(&["replay", text(&kept), "--format", "json", "-o", text(&lines)]);
    let events = std::fs::read(&lines).unwrap().iter().filter(|byte| **byte == b'\n').count();
    assert!(events >= 100_000, "{events} events");
    let mut compare = Command::new("python3");
    compare.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scap_compare.py")).args([&lines, &capture]);
    let ended = finish(compare);
    assert_eq!(ended.code, Some(0), "{}", ended.out);
}
