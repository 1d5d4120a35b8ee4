//! A tracee that wants to end, stop, starve or take over smtrace is refused; what is harmless is not.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::{Running, Scratch, Tracing, events, finish, guest, skip, smtrace, status_field, until};

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
fn a_group_signal_of_a_tracee_neither_steers_smtrace_nor_comes_twice() {
    let scratch = Scratch::new();
    for (words, out) in
        [(&["group-signal", "12"][..], ""), (&["group-signal", "10"], ""), (&["group-hangups"], "50 hangups\n")]
    {
        let log = scratch.path("log");
        let mut command = Tracing::of("getppid").command(&log, &guest(), words);
        // A group of its own, as a shell gives it: smtrace is in it, and the test is not.
        command.process_group(0);
        let outcome = finish(command);
        assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), out), "{words:?}: {outcome:?}");
        let events = events(&fs::read_to_string(&log).unwrap());
        let marks = if words[0] == "group-signal" { 2000 } else { 500 };
        assert_eq!(events.iter().filter(|event| event.enter).count(), marks, "{words:?}");
    }
}

#[test]
fn a_connection_that_a_tracee_left_behind_steers_nothing() {
    let scratch = Scratch::new();
    let socket = scratch.path("ctl");
    let (log, text) = (scratch.path("log"), socket.to_str().unwrap());
    let tracing = Tracing::of("getppid").option("--control").option(text);
    let outcome = finish(tracing.command(&log, &guest(), &["orphaned-socket", text]));
    assert!(outcome.code == Some(0) && outcome.out.starts_with("-not permitted: "), "{outcome:?}");
    assert_eq!(events(&fs::read_to_string(&log).unwrap()).len(), 2);
}

#[test]
fn no_descriptor_left_and_a_hidden_proc_are_not_silent() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let trace = |script: &str| {
        let mut command = Command::new("unshare");
        // A user namespace of its own: root there may mount, but not raise limits.
        command.args([
            "--user",
            "--map-root-user",
            "--mount",
            "--propagation",
            "private",
            "/bin/sh",
            "-c",
            script,
            "sh",
        ]);
        command.arg(smtrace()).arg(&log).arg(guest());
        let outcome = finish(command);
        let log = fs::read_to_string(&log).unwrap_or_default();
        (outcome, log)
    };
    if trace("exit 0").0.code != Some(0) {
        return skip("a hidden /proc", "no user namespace here");
    }
    let (outcome, text) = trace("ulimit -n 32; exec \"$1\" -q -e getppid -o \"$2\" -- \"$3\" crowd 100");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(events(&text).iter().filter(|event| event.enter).count(), 200, "{outcome:?}");

    let hidden = "mount -t tmpfs none /proc; /bin/echo seen";
    let (outcome, text) =
        trace(&format!("exec \"$1\" -q -e execve -o \"$2\" -- /bin/sh -c '{hidden}; /bin/echo again'"));
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(122), "seen\nagain\n"), "{outcome:?}");
    assert!(outcome.err.contains("out of sight"), "{outcome:?}");
    assert!(text.contains("ALERT: /proc does not show this task"), "{text}");
    // The shell, mount, and both that came after it.
    assert_eq!(events(&text).iter().filter(|event| event.name == "execve" && event.enter).count(), 4, "{text}");
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
