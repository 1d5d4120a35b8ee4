//! When somebody is slow: nothing is lost that is not counted, by call; who is slow harms nobody else.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use support::outside::{Served, losses};
use support::{DEADLINE, Event, Running, Scratch, events, guest, smtrace, status_field, until, wait_until_done};

/// Each thread's exits follow its own enters, as far as nothing was lost.
fn in_order(text: &str) -> Vec<Event> {
    let all = events(text);
    if losses(text, "getppid").0 == 0 {
        support::assert_paired(&all);
    }
    all
}

#[test]
fn with_drop_nobody_waits_for_a_log_that_takes_nothing() {
    let scratch = Scratch::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(smtrace());
    command.args(["-q", "-e", "getppid", "--filter-comm", "sh", "--on-overflow", "drop", "--"]);
    command.args(["sh", "-c", "\"$0\" marks 30000; echo done"]).arg(guest());
    command.stdin(Stdio::null()).stderr(writer).stdout(File::create(scratch.path("out")).unwrap());
    let mut child = { command }.spawn().unwrap();
    // The guest ends though nobody reads.
    until("the guest's end", || std::fs::read_to_string(scratch.path("out")).unwrap() == "done\n");
    assert!(child.try_wait().unwrap().is_none(), "it waits for its log");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(wait_until_done(&mut child, DEADLINE).code(), Some(122));
    let (text, said) = text.split_at(text.rfind("smtrace: ").unwrap());
    let (lost, of_call) = losses(text, "getppid");
    // Beside the calls, the records of both ends may be among them.
    assert!(lost > 0 && lost - of_call <= 2, "{lost} {of_call}");
    assert_eq!(in_order(text).len() as u64 + of_call, 60_000);
    assert!(said.contains(&format!("lost {lost} records: getppid {of_call}")), "{said}");
}

#[test]
fn four_producers_and_eight_readers_of_which_two_are_slow_and_two_die() {
    for overflow in ["wait", "drop"] {
        let guest = guest().display().to_string();
        let script = format!(
            "echo ready; read go; for i in 1 2 3 4; do {guest} marks 4000 & done; wait; echo ok; read end; exit 0"
        );
        let options = ["-e", "getppid", "--listen", "unix:{}/sock", "--on-overflow", overflow, "--ring", "stress-"];
        let name = format!("stress-{overflow}-{}", std::process::id());
        let options = options.map(|option| if option == "stress-" { name.as_str() } else { option });
        let mut served = Served::of(&options, &["sh", "-c", &script]);
        // The log is one reader; these are seven more.
        let good: Vec<_> = (0..2)
            .map(|_| {
                let client = served.unix("sock").begun();
                std::thread::spawn(move || client.rest())
            })
            .collect();
        let slow: Vec<_> = (0..2).map(|_| served.unix("sock").begun()).collect();
        let dying: Vec<_> = (0..2).map(|_| served.unix("sock").begun()).collect();
        let mut command = Command::new(smtrace());
        command.args(["attach-ring", &name, "-o"]).arg(served.scratch.path("ring"));
        let mut ring = Running::start(command, &served.scratch.path("ring-err"));
        until("the ring's reader", || served.scratch.path("ring").exists());
        let kill = std::thread::spawn(move || {
            for mut client in dying {
                // In the middle of the stream.
                assert!(client.line().contains("getppid"));
                drop(client);
            }
        });
        std::io::Write::write_all(served.running.0.stdin.as_mut().unwrap(), b"go\n").unwrap();
        assert_eq!(served.running.line(), "ok");
        kill.join().unwrap();
        // Nobody else may look at it where /proc hides processes (proc(5), hidepid).
        let peak = status_field(served.running.pid(), "VmHWM").unwrap_or_default();
        let peak: u64 = peak.trim_end_matches(" kB").parse().unwrap_or(0);
        assert!(peak < 48 * 1024, "memory stays bounded: {peak} KiB");
        served.running.close_stdin();
        let slow: Vec<_> = slow.into_iter().map(|client| std::thread::spawn(move || client.rest())).collect();
        let status = served.running.wait().code();
        let all = 4 * 4000 * 2;
        // The shell and what it starts make a few calls of their own.
        let log = served.log();
        let own = in_order(&log).iter().filter(|event| event.line.contains("comm=guest")).count() as u64;
        let (lost, _) = losses(&log, "getppid");
        if overflow == "wait" {
            assert_eq!((own, lost, status), (all, 0, Some(0)));
        } else {
            assert!(own + lost >= all && own <= all, "{own} {lost}");
        }
        for text in good.into_iter().chain(slow).map(|reader| reader.join().unwrap()) {
            let own = in_order(&text).iter().filter(|event| event.line.contains("comm=guest")).count() as u64;
            let (lost, _) = losses(&text, "getppid");
            assert!(own + lost >= all, "{overflow}: {own} {lost}");
        }
        let ended = ring.wait().code();
        let text = std::fs::read_to_string(served.scratch.path("ring")).unwrap();
        let (lost, _) = losses(&text, "getppid");
        let own = in_order(&text).iter().filter(|event| event.line.contains("comm=guest")).count() as u64;
        assert!(own + lost >= all && own <= all, "{overflow}: the ring's reader got {own} and lost {lost}");
        assert_eq!(ended, Some(if lost == 0 { 0 } else { 122 }));
    }
}

/// A reader of `served`'s ring that stands still since it saw the first call.
fn standing_still(served: &mut Served, name: &str) -> Running {
    let mut command = Command::new(smtrace());
    command.args(["attach-ring", name, "-o"]).arg(served.scratch.path("ring"));
    let ring = Running::start(command, &served.scratch.path("ring-err"));
    let text = served.scratch.path("ring");
    until("the ring's reader", || text.exists());
    served.tell("g");
    until("the first call", || std::fs::read_to_string(&text).unwrap().lines().count() == 2);
    ring.signal(libc::SIGSTOP);
    until("its stop", || status_field(ring.pid(), "State").is_some_and(|state| state.starts_with('T')));
    ring
}

#[test]
fn a_reader_of_the_ring_that_stands_still_harms_nobody_and_is_told_what_it_missed() {
    let name = format!("still-{}", std::process::id());
    let mut served = Served::start(&["-e", "getppid", "--ring", &name]);
    let mut ring = standing_still(&mut served, &name);
    // Twice what the ring holds.
    served.tell(&"m".repeat(14));
    ring.signal(libc::SIGCONT);
    until("the news of its losses", || {
        let text = std::fs::read_to_string(served.scratch.path("ring")).unwrap();
        text.contains("]: smtrace_lost ")
    });
    served.tell("gg");
    assert_eq!(served.end(), Some(0));
    assert_eq!(ring.wait().code(), Some(122));
    let text = std::fs::read_to_string(served.scratch.path("ring")).unwrap();
    let (lost, of_call) = losses(&text, "getppid");
    assert_eq!(lost, of_call);
    assert_eq!(events(&text).len() as u64 + lost, 2 * 14_003);
    assert!(text.lines().last().unwrap().contains("comm=guest"), "it knows who is who again");
    assert_eq!(events(&served.log()).len(), 2 * 14_003, "the log has all");
}

#[test]
fn a_reader_that_missed_something_is_told_so_though_the_tracer_is_dead() {
    let name = format!("late-{}", std::process::id());
    let mut served = Served::start(&["-e", "getppid", "--ring", &name]);
    let mut ring = standing_still(&mut served, &name);
    served.tell(&"m".repeat(14));
    until("all calls", || served.log().lines().count() == 2 * 14_001);
    served.running.signal(libc::SIGKILL);
    assert_eq!(served.running.wait().signal(), Some(libc::SIGKILL));
    ring.signal(libc::SIGCONT);
    assert_eq!(ring.wait().code(), Some(122));
    let said = std::fs::read_to_string(served.scratch.path("ring-err")).unwrap();
    assert!(said.contains("bytes of records were missed: the tracer ended"), "{said}");
}

#[test]
fn the_death_of_the_tracer_ends_a_reader_of_its_ring() {
    let name = format!("death-{}", std::process::id());
    let served = Served::start(&["-e", "getppid", "--ring", &name]);
    let mut command = Command::new(smtrace());
    command.args(["attach-ring", &name, "-o"]).arg(served.scratch.path("ring"));
    let mut ring = Running::start(command, &served.scratch.path("ring-err"));
    until("the ring's reader", || served.scratch.path("ring").exists());
    served.running.signal(libc::SIGKILL);
    assert_eq!(ring.wait().code(), Some(0));
    let nobody = Command::new(smtrace()).args(["attach-ring", &name]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("no smtrace runs with --ring"));
}
