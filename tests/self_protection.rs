//! A tracee that wants to end, stop, starve or take over smtrace is refused; what is harmless is not.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::{Running, Scratch, Tracing, guest, skip, smtrace, status_field, until};

#[test]
fn every_attack_is_refused_and_the_log_goes_on() {
    for seccomp in ["auto", "off"] {
        let traced = Tracing::of("getppid,kill").option("--seccomp").option(seccomp).run(&["harm"]);
        assert_eq!(traced.outcome.code, Some(0), "smtrace survives: {:?}", traced.outcome);
        for line in traced.outcome.out.lines() {
            let (name, result) = line.split_once(' ').unwrap();
            let want = if name == "probe" { 0 } else { -libc::EPERM };
            // Affinity and memory: refused by us, or by the kernel for another reason, but never done.
            if matches!(name, "affinity" | "write") {
                assert!(result.starts_with('-'), "{seccomp}: {line}");
            } else {
                assert_eq!(result, want.to_string(), "{seccomp}: {line}");
            }
        }
        assert_eq!(traced.outcome.out.lines().count(), 11, "{:?}", traced.outcome);
        // The attempts are in the log, with what the tracee saw.
        assert_eq!(traced.enters("kill"), 3, "{}", traced.tail());
        assert_eq!(traced.exits("kill").filter(|event| event.result == Some(-1)).count(), 2, "{}", traced.tail());
        // The last call of the guest, after all of them.
        assert_eq!(traced.events.last().map(|event| event.name.as_str()), Some("getppid"));
    }
}

#[test]
fn the_same_calls_on_others_work() {
    Tracing::of("getppid").compare(&["harmless"]);
}

#[test]
fn smtrace_is_not_dumpable() {
    let scratch = Scratch::new();
    let mut command = Command::new(smtrace());
    command.args(["-e", "getppid", "--"]).arg(guest()).args(["await-signal", "15"]);
    let root = unsafe { libc::geteuid() } == 0;
    if root {
        // Root's files are root's anyway: look as somebody else, where the build is open to them.
        let mut probe = Command::new(smtrace());
        if probe.arg("--version").uid(65534).gid(65534).output().is_err() {
            skip("not dumpable", "the build directory is root's alone");
            return;
        }
        command.uid(65534).gid(65534);
    }
    let mut running = Running::start(command, &scratch.path("err"));
    assert_eq!(running.line(), "ready");
    // proc(5): the files of a process that is not dumpable belong to root.
    // With hidepid they are hidden from whoever may not trace it.
    let owner = fs::metadata(format!("/proc/{}/fd", running.pid())).map_or(0, |data| data.uid());
    assert_eq!(owner, 0, "its memory and descriptors are open to its user");
    running.signal(libc::SIGTERM);
    assert_eq!(running.wait().code(), Some(43));
}

#[test]
fn a_killed_tracer_takes_its_tracees_with_it() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let command = Tracing::of("getppid").command(&log, &guest(), &["linger", "child"]);
    let mut running = Running::start(command, &scratch.path("err"));
    let child: i32 = running.line().strip_prefix("ready ").unwrap().parse().unwrap();
    let root: i32 = status_field(child, "PPid").unwrap().parse().unwrap();
    until("events", || fs::metadata(&log).is_ok_and(|data| data.len() > 4096));
    running.signal(libc::SIGKILL);
    running.wait();
    let gone = |pid| status_field(pid, "State").is_none_or(|state| state.starts_with(['Z', 'X']));
    until("the end of the tracees", || gone(child) && gone(root));
    // Whole up to its last line, which the kill may have cut.
    let text = fs::read_to_string(&log).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    assert!(!support::events(whole).is_empty());
}
