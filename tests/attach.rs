//! `-p`: a running process is traced from the outside, and left exactly as it was.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use support::{Running, Scratch, assert_paired, events, finish, guest, skip, smtrace, status_field, until};

/// A guest that works in five threads, and in a child where `word` is "child".
fn lingering(scratch: &Scratch, word: &str) -> (Running, i32) {
    let mut command = Command::new(guest());
    command.args(["linger", word]);
    let mut running = Running::start(command, &scratch.path("guest-err"));
    let line = running.line();
    let child = line.strip_prefix("ready ").unwrap_or_else(|| panic!("{line:?}")).parse().unwrap();
    (running, child)
}

fn attach(scratch: &Scratch, log: &Path, args: &[&str]) -> Running {
    attach_as("module", scratch, log, args)
}

fn attach_as(format: &str, scratch: &Scratch, log: &Path, args: &[&str]) -> Running {
    let mut command = Command::new(smtrace());
    command.arg("-o").arg(log).args(["--format", format, "-e", "getppid,read"]).args(args);
    Running::start(command, &scratch.path("err"))
}

fn tids_in(log: &Path, name: &str) -> BTreeSet<i32> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    events(whole).iter().filter(|event| event.name == name).map(|event| event.tid).collect()
}

fn tracers(pid: i32) -> BTreeSet<String> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks.filter_map(|task| status_field(task.ok()?.file_name().to_str()?.parse().ok()?, "TracerPid")).collect()
}

/// What an attach and a detach must not change.
fn state(pid: i32) -> Vec<Option<String>> {
    ["SigBlk", "SigIgn", "SigCgt", "Cpus_allowed", "Threads", "NoNewPrivs", "Seccomp"]
        .map(|name| status_field(pid, name))
        .to_vec()
}

fn finish_guest(mut running: Running) {
    running.0.stdin.as_mut().unwrap().write_all(b"q").unwrap();
    assert_eq!(running.line(), "fine");
    assert_eq!(running.wait().code(), Some(7));
}

fn check_log(log: &Path) {
    // A call that was in the kernel at the attach has an exit alone; what ended by the detach may be open or marked.
    let mut seen = events(&fs::read_to_string(log).unwrap());
    let mut started = BTreeSet::new();
    seen.retain(|event| event.enter && started.insert(event.tid) || started.contains(&event.tid));
    let mut last = std::collections::HashMap::new();
    for (at, event) in seen.iter().enumerate() {
        last.insert(event.tid, (at, event.enter));
    }
    let open: BTreeSet<usize> = last.values().filter(|(_, enter)| *enter).map(|(at, _)| *at).collect();
    let whole: Vec<_> =
        seen.into_iter().enumerate().filter(|(at, _)| !open.contains(at)).map(|(_, event)| event).collect();
    assert!(!whole.is_empty());
    assert_paired(&whole);
}

#[test]
fn all_threads_are_traced_until_sigint() {
    let scratch = Scratch::new();
    let (running, _) = lingering(&scratch, "");
    let pid = running.pid();
    let before = state(pid);
    let log = scratch.path("log");
    let mut tracer = attach(&scratch, &log, &["-p", &pid.to_string()]);
    until("events of all threads", || tids_in(&log, "getppid").len() >= 4);
    tracer.signal(libc::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0), "{:?}", fs::read_to_string(scratch.path("err")));
    assert_eq!(tracers(pid), BTreeSet::from(["0".to_owned()]));
    assert_eq!(state(pid), before);
    check_log(&log);
    finish_guest(running);
}

#[test]
fn attaching_and_detaching_again_and_again_does_no_harm() {
    let scratch = Scratch::new();
    let (running, _) = lingering(&scratch, "");
    for round in 0..10 {
        let log = scratch.path(&format!("log{round}"));
        let mut tracer = attach(&scratch, &log, &["-p", &running.pid().to_string()]);
        until("an event", || !tids_in(&log, "getppid").is_empty());
        tracer.signal(if round % 2 == 0 { libc::SIGINT } else { libc::SIGTERM });
        assert_eq!(tracer.wait().code(), Some(0));
    }
    finish_guest(running);
}

#[test]
fn tree_takes_the_existing_descendants_too() {
    for (option, children) in [("--tree", 1), ("-q", 0)] {
        let scratch = Scratch::new();
        let (running, child) = lingering(&scratch, "child");
        let log = scratch.path("log");
        let mut tracer = attach(&scratch, &log, &[option, "-p", &running.pid().to_string()]);
        until("events", || tids_in(&log, "getppid").len() >= 4 + children);
        assert_eq!(tids_in(&log, "getppid").contains(&child), children == 1);
        tracer.signal(libc::SIGINT);
        assert_eq!(tracer.wait().code(), Some(0));
        finish_guest(running);
    }
}

#[test]
fn several_processes_and_their_end() {
    let scratch = Scratch::new();
    let (first, _) = lingering(&scratch, "");
    let (second, _) = lingering(&scratch, "");
    let log = scratch.path("log");
    let list = format!("{},{}", first.pid(), second.pid());
    let mut tracer = attach(&scratch, &log, &["-p", &list]);
    until("events", || tids_in(&log, "getppid").len() >= 8);
    // linger checks at its end that it is not traced, so end these from outside.
    first.signal(libc::SIGTERM);
    second.signal(libc::SIGTERM);
    assert_eq!(tracer.wait().code(), Some(0), "all tracees are gone");
}

#[test]
fn a_killed_tracer_leaves_the_process_running() {
    let scratch = Scratch::new();
    let (running, _) = lingering(&scratch, "");
    let log = scratch.path("log");
    let mut tracer = attach(&scratch, &log, &["-p", &running.pid().to_string()]);
    until("an event", || !tids_in(&log, "getppid").is_empty());
    tracer.signal(libc::SIGKILL);
    tracer.wait();
    finish_guest(running);
}

#[test]
fn a_stopped_process_stays_stopped() {
    let scratch = Scratch::new();
    let (running, _) = lingering(&scratch, "");
    let pid = running.pid();
    running.signal(libc::SIGSTOP);
    // T as before, or t where its tracer has it stand. On the way from one to the other it is R for a moment, but makes no call.
    let stopped = || status_field(pid, "State").is_some_and(|state| state.starts_with(['T', 't']));
    until("the stop", stopped);
    let log = scratch.path("log");
    let mut tracer = attach(&scratch, &log, &["-p", &pid.to_string()]);
    until("the attach", || tracers(pid) == BTreeSet::from([tracer.pid().to_string()]));
    until("it stands still", stopped);
    tracer.signal(libc::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    until("it is stopped as before", || status_field(pid, "State").is_some_and(|state| state.starts_with('T')));
    assert!(tids_in(&log, "getppid").is_empty(), "it went on meanwhile");
    running.signal(libc::SIGCONT);
    finish_guest(running);
}

#[test]
fn what_cannot_be_attached_is_one_clear_line_and_125() {
    let scratch = Scratch::new();
    let (running, _) = lingering(&scratch, "");
    let traced = running.pid().to_string();
    let log = scratch.path("log");
    let mut tracer = attach(&scratch, &log, &["-p", &traced]);
    until("an event", || !tids_in(&log, "getppid").is_empty());
    // One that is not there (the largest pid is 2^22 - 1), and one that has a tracer.
    for pid in ["4194303", traced.as_str()] {
        let mut command = Command::new(smtrace());
        command.args(["-e", "getppid", "-p", pid]);
        let outcome = finish(command);
        assert_eq!(outcome.code, Some(125), "{outcome:?}");
        assert_eq!(outcome.err.lines().filter(|line| line.contains(pid)).count(), 1, "{outcome:?}");
        assert!(outcome.err.lines().count() <= 2, "{outcome:?}");
    }
    tracer.signal(libc::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    finish_guest(running);
    let mut attempts = vec![("exec \"$0\" -p $$", "it is smtrace itself")];
    // In a pid namespace of its own there is no thread of the kernel.
    if std::fs::read("/proc/2/comm").is_ok_and(|comm| comm == b"kthreadd\n") {
        attempts.push(("exec \"$0\" -p 2", "a thread of the kernel"));
    }
    for (script, why) in attempts {
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(smtrace());
        let outcome = finish(command);
        assert_eq!(outcome.code, Some(125), "{outcome:?}");
        assert!(outcome.err.contains(why), "{outcome:?}");
    }
}

fn started(scratch: &Scratch, what: &str) -> Running {
    let mut command = Command::new(guest());
    command.arg(what);
    let mut running = Running::start(command, &scratch.path("guest-err"));
    assert_eq!(running.line(), "ready");
    running
}

#[test]
fn a_process_whose_leader_has_ended_can_be_attached_to() {
    let scratch = Scratch::new();
    let running = started(&scratch, "leaderless");
    let log = scratch.path("log");
    let mut tracer = attach(&scratch, &log, &["-p", &running.pid().to_string()]);
    until("an event", || !tids_in(&log, "getppid").is_empty());
    tracer.signal(libc::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    finish_guest(running);
}

#[test]
fn a_parent_whose_vfork_child_stands_still_is_let_go() {
    let scratch = Scratch::new();
    let mut running = started(&scratch, "vfork-stopped");
    let pid = running.pid();
    let state = |pid: i32| status_field(pid, "State").unwrap_or_default();
    until("the parent waits", || state(pid).starts_with('D'));
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let child: i32 = children.trim().parse().unwrap();
    until("the child stands", || state(child).starts_with('T'));
    let mut tracer = attach(&scratch, &scratch.path("log"), &["-p", &pid.to_string()]);
    until("the parent is traced", || tracers(pid) == [tracer.pid().to_string()].into());
    until("it says so", || fs::read_to_string(scratch.path("err")).is_ok_and(|text| text.contains("attached")));
    tracer.signal(libc::SIGINT);
    assert_eq!(tracer.wait().code(), Some(0));
    assert_eq!((tracers(pid), state(child).starts_with('T')), (["0".to_owned()].into(), true));
    assert_eq!(unsafe { libc::kill(child, libc::SIGCONT) }, 0);
    assert_eq!(running.line(), "fine");
    assert_eq!(running.wait().code(), Some(7));
}

#[test]
fn neither_attach_nor_detach_interrupts_a_call() {
    let scratch = Scratch::new();
    let mut command = Command::new(guest());
    command.arg("relay");
    let mut relay = Running::start(command, &scratch.path("guest-err"));
    assert_eq!(relay.line(), "ready");
    for _ in 0..20 {
        let mut tracer = attach(&scratch, Path::new("/dev/null"), &["-q", "-p", &relay.pid().to_string()]);
        until("the attach", || !tracers(relay.pid()).contains("0"));
        tracer.signal(libc::SIGINT);
        assert_eq!(tracer.wait().code(), Some(0));
    }
    relay.close_stdin();
    assert_eq!(relay.line(), "0 interrupted");
}

#[test]
fn a_file_system_that_does_not_answer_in_a_mount_namespace_of_its_own() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("mount")).unwrap();
    let mut command = Command::new(guest());
    command.args(["fuse", scratch.path("mount").to_str().unwrap(), "wait"]);
    let mut running = Running::start(command, &scratch.path("guest-err"));
    if running.line() != "ready" {
        return skip("a page of FUSE at an attach", "the kernel or this user does not allow it");
    }
    let log = scratch.path("log");
    let pid = running.pid();
    let mut tracer = attach_as("json", &scratch, &log, &["-e", "openat", "-p", &pid.to_string()]);
    until("a tracer", || tracers(pid) == BTreeSet::from([tracer.pid().to_string()]));
    running.0.stdin.as_mut().unwrap().write_all(b"q").unwrap();
    assert_eq!(running.line(), "others go on");
    assert_eq!(running.line(), "the page came to nothing");
    assert_eq!(running.wait().code(), Some(0));
    assert_eq!(tracer.wait().code(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    assert!(events(&text).iter().any(|event| event.name == "openat" && event.result == Some(-14)), "{text}");
}
