//! Steering while a trace runs, and what must not change for the traced.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::outside::Served;
use support::{Running, Scratch, assert_paired, events, guest, smtrace, until};

const CONTROL: [&str; 2] = ["--control", "{}/ctl"];

fn count(log: &str, name: &str) -> usize {
    events(log).iter().filter(|event| event.name == name).count()
}

#[test]
fn a_call_that_the_filter_does_not_trap_is_enabled_and_disabled_while_it_runs() {
    for options in [&["-e", "getppid"][..], &["-e", "getppid", "--seccomp", "off"]] {
        let mut served = Served::start(&[options, &CONTROL].concat());
        served.tell("goft");
        assert_eq!(count(&served.log(), "openat"), 0);
        let answer = served.ctl_ok(&["enable", "openat"]);
        assert!(answer.starts_with("2 calls are enabled"), "{answer}");
        served.tell("goft");
        served.tell("o");
        // When it is acknowledged, everything from before is written, and nothing more comes.
        served.ctl_ok(&["disable", "openat"]);
        let then = count(&served.log(), "openat");
        assert!(then >= 4, "{then}");
        served.tell("gofto");
        assert_eq!(count(&served.log(), "openat"), then);
        served.ctl_ok(&["enable", "openat"]);
        served.tell("o");
        assert_eq!(served.end(), Some(0));
        let log = served.log();
        assert_eq!(count(&log, "openat"), then + 2);
        assert_eq!(count(&log, "getppid"), 18, "{options:?}");
        assert_paired(&events(&log));
    }
}

#[test]
fn a_call_under_way_ends_as_unfinished_when_it_is_disabled() {
    let mut served = Served::start(&[&["-e", "read", "--format", "json"][..], &CONTROL].concat());
    // It waits in read(2) for what to do. Other reads, of its loader, can be the last in the log for a moment.
    let waits = |line: &str| line.contains(r#""dir":">""#) && line.contains(r#""args":[{"name":"fd","raw":0,"#);
    until("the read", || served.log().lines().last().is_some_and(waits));
    served.ctl_ok(&["disable", "read"]);
    let log = served.log();
    assert!(log.lines().last().unwrap().contains(r#""unfinished":"disabled""#), "{log}");
    served.tell("g");
    assert_eq!(served.end(), Some(0));
    assert_eq!(served.log(), log);
}

#[test]
fn waiting_calls_do_not_notice_that_every_call_stops_now() {
    let guest = guest();
    let mut served = Served::of(&[&["-e", "getppid"][..], &CONTROL].concat(), &[guest.to_str().unwrap(), "waits"]);
    served.ctl_ok(&["enable", "openat,read,futex"]);
    served.ctl_ok(&["disable", "openat,read,futex"]);
    served.ctl_ok(&["enable", "%network"]);
    std::io::Write::write_all(served.running.0.stdin.as_mut().unwrap(), b"x").unwrap();
    for _ in 0..3 {
        assert_eq!(served.running.line(), "1 0");
    }
    assert_eq!(served.end(), Some(0));
}

#[test]
fn calls_that_begin_while_every_call_is_made_to_stop_are_not_interrupted() {
    let guest = guest();
    let options = [&["-q", "-e", "epoll_wait", "--dir", "enter"][..], &CONTROL].concat();
    let mut served = Served::of(&options, &[guest.to_str().unwrap(), "relay"]);
    // Each change interrupts all that run: some of them stand in a stop that was not served yet, before their wait.
    for _ in 0..20 {
        served.ctl_ok(&["enable", "getppid"]);
        served.ctl_ok(&["disable", "getppid"]);
    }
    served.running.close_stdin();
    assert_eq!(served.running.line(), "0 interrupted");
    assert_eq!(served.end(), Some(0));
}

#[test]
fn status_test_set_rotate_and_drop_mode() {
    let mut served = Served::start(&[&["-e", "getppid", "--listen", "unix:{}/sock"][..], &CONTROL].concat());
    let mut client = served.unix("sock").begun();
    served.tell("gg");
    let status: serde_json::Value = serde_json::from_str(&served.ctl_ok(&["status", "--json"])).unwrap();
    for (key, value) in [("tracees", 1), ("clients", 1), ("records_lost", 0), ("calls_enabled", 1)] {
        assert_eq!(status[key], value, "{status}");
    }
    assert!(status["memory_bytes"].as_u64().unwrap() > 0 && status["collecting"] == true, "{status}");
    assert!(served.ctl_ok(&["status"]).contains("events per second"));
    (0..4).for_each(|_| assert!(client.line().contains("getppid")));

    assert!(served.ctl_ok(&["test"]).contains("1 clients"));
    assert!(served.log().lines().last().unwrap().contains("test record 1"));
    assert!(client.line().contains("test record 1"));

    served.ctl_ok(&["drop-mode", "on"]);
    served.tell("ggg");
    served.ctl_ok(&["drop-mode", "off"]);
    served.ctl_ok(&["set", "format", "json"]);
    served.tell("g");
    served.ctl_ok(&["test"]);
    assert!(served.log().lines().last().unwrap().starts_with('{'));
    served.ctl_ok(&["set", "filter", "openat"]);
    served.tell("g");
    served.ctl_ok(&["set", "filter", "all"]);
    std::fs::rename(served.scratch.path("log"), served.scratch.path("old")).unwrap();
    served.ctl_ok(&["rotate"]);
    served.ctl_ok(&["set", "dir", "exit"]);
    served.tell("g");
    for wrong in [&["set", "format", "jsn"][..], &["enable", "opnat"], &["frobnicate"], &["set", "str-max", "-1"]] {
        let refused = served.ctl(wrong);
        assert!(refused.status.code() == Some(1) && !refused.stderr.is_empty(), "{wrong:?}");
    }
    assert_eq!(served.end(), Some(0));
    let old = std::fs::read_to_string(served.scratch.path("old")).unwrap();
    assert_eq!((events(&old).len(), events(&served.log()).len()), (6, 1), "{old}");
    // Whatever the log showed, the client had chosen for itself.
    assert_eq!(events(&client.rest()).len(), 6);
}

#[test]
fn a_capture_that_was_moved_away_is_begun_anew_and_both_can_be_read() {
    let mut served =
        Served::start(&[&["-e", "getppid,openat", "-w", "{}/live.cap", "--format", "module"][..], &CONTROL].concat());
    served.tell("gogo");
    assert!(served.ctl_ok(&["rotate"]).contains("not moved away"));
    let (live, old) = (served.scratch.path("live.cap"), served.scratch.path("old.cap"));
    std::fs::rename(&live, &old).unwrap();
    assert!(served.ctl_ok(&["rotate"]).contains("the capture was begun anew"));
    served.tell("gogog");
    assert_eq!(served.end(), Some(0));
    let shown = |file: &std::path::Path| {
        let mut replay = Command::new(smtrace());
        replay.args(["replay", "--format", "module", "-o", "-"]).arg(file);
        let outcome = support::finish(replay);
        assert_eq!((outcome.code, outcome.err.as_str()), (Some(0), ""), "it is whole");
        outcome.out
    };
    let (old, live) = (shown(&old), shown(&live));
    assert_eq!((count(&live, "getppid"), count(&live, "openat")), (6, 4), "{live}");
    assert!(events(&live).iter().all(|event| event.line.contains("comm=guest")), "it knows who is who");
    assert_eq!(served.log(), old + &live, "the two are the whole");
}

#[test]
fn calls_stop_at_their_exit_only_while_somebody_shows_exits() {
    let mut served =
        Served::start(&[&["-e", "getppid", "--dir", "enter", "--listen", "unix:{}/sock"][..], &CONTROL].concat());
    let records = |served: &Served| {
        let status: serde_json::Value = serde_json::from_str(&served.ctl_ok(&["status", "--json"])).unwrap();
        status["records"].as_u64().unwrap()
    };
    let each = |served: &mut Served| {
        let before = records(served);
        served.tell("m");
        records(served) - before
    };
    assert_eq!(each(&mut served), 1000);
    let mut client = served.unix("sock");
    client.say("dir=both\n");
    let client = client.begun();
    until("the client's exits", || each(&mut served) == 2000);
    drop(client);
    until("its end", || each(&mut served) == 1000);
    served.ctl_ok(&["set", "dir", "exit"]);
    assert_eq!(each(&mut served), 2000);
    assert_eq!(served.end(), Some(0));
}

#[test]
fn only_the_owner_steers_and_no_tracee() {
    let smtrace_path = smtrace().to_str().unwrap().to_owned();
    let scratch = Scratch::new();
    let socket = scratch.path("ctl");
    let socket = socket.to_str().unwrap();
    // A tracee that tries to blind its tracer.
    let output = Command::new(smtrace())
        .args(["-q", "-e", "getppid", "-o"])
        .arg(scratch.path("log"))
        .args(["--control", socket, "--", &smtrace_path, "ctl", socket, "disable", "all"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot steer"), "{output:?}");
    assert!(!std::path::Path::new(socket).exists(), "the socket goes away with its smtrace");

    let mut served = Served::start(&[&["-e", "getppid"][..], &CONTROL].concat());
    let mode = std::fs::metadata(served.scratch.path("ctl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Half a command, and none: others are served all the same.
    let half = std::os::unix::net::UnixStream::connect(served.scratch.path("ctl")).unwrap();
    std::io::Write::write_all(&mut &half, b"enab").unwrap();
    let none = std::os::unix::net::UnixStream::connect(served.scratch.path("ctl")).unwrap();
    served.ctl_ok(&["status"]);
    drop((half, none));
    assert_eq!(served.end(), Some(0));
}

#[test]
fn sighup_reads_the_configuration_again_and_a_mistake_changes_nothing() {
    let scratch = Scratch::new();
    let config = scratch.path("config");
    let write = |text: &str| std::fs::write(&config, text).unwrap();
    write(r#"{"smtrace": {"enable": "getppid"}}"#);
    let mut served = Served::start(&["--config", config.to_str().unwrap()]);
    served.tell("go");
    assert_eq!(count(&served.log(), "openat"), 0);
    write(r#"{"smtrace": {"enable": "openat", "format": "json"}}"#);
    served.running.signal(libc::SIGHUP);
    until("the new configuration", || served.err().contains("was read again"));
    served.tell("go");
    write(r#"{"smtrace": {"enable": "opnat"}}"#);
    served.running.signal(libc::SIGHUP);
    until("the refusal", || served.err().contains("what was in force stays"));
    assert!(served.err().contains("did you mean `openat`"), "{}", served.err());
    served.tell("go");
    assert_eq!(served.end(), Some(0));
    let log = served.log();
    assert_eq!((count(&log, "getppid"), count(&log, "openat")), (2, 4), "{log}");
}

#[test]
fn processes_come_and_go_while_it_runs() {
    let scratch = Scratch::new();
    let mut command = Command::new(guest());
    command.arg("serve");
    let mut other = Running::start(command, &scratch.path("err"));
    assert_eq!(other.line(), "ready");
    let number = other.pid();
    let mut tell_other = |what: &str| {
        std::io::Write::write_all(other.0.stdin.as_mut().unwrap(), what.as_bytes()).unwrap();
        what.bytes().for_each(|_| assert_eq!(other.line(), "ok"));
    };
    let mut served = Served::start(&[&["-e", "getppid"][..], &CONTROL].concat());
    let pid = served.running.pid();
    tell_other("g");
    let refused = served.ctl(&["attach", "1999999999"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no such process"), "{refused:?}");
    assert_eq!(count(&served.log(), "getppid"), 0);
    served.ctl_ok(&["attach", &number.to_string()]);
    until("the attach", || support::status_field(number, "TracerPid").is_some_and(|by| by == pid.to_string()));
    tell_other("gft");
    served.ctl_ok(&["detach", &number.to_string()]);
    until("the detach", || support::status_field(number, "TracerPid").is_some_and(|by| by == "0"));
    tell_other("g");
    served.tell("g");
    served.ctl_ok(&["test"]);
    let log = served.log();
    assert_eq!(count(&log, "getppid"), 8, "{log}");
    // What has the filter cannot be let go; attached again, the guest is let go at the command's end.
    let own = events(&log).last().unwrap().pid.to_string();
    assert!(String::from_utf8_lossy(&served.ctl(&["detach", &own]).stderr).contains("ENOSYS"));
    served.ctl_ok(&["attach", &number.to_string()]);
    assert_eq!(served.end(), Some(0));
    tell_other("g");
    other.close_stdin();
    assert_eq!(other.wait().code(), Some(0));
}

#[test]
fn stop_ends_an_attached_trace_and_leaves_the_process() {
    let scratch = Scratch::new();
    let mut command = Command::new(guest());
    command.arg("serve");
    let mut other = Running::start(command, &scratch.path("err"));
    assert_eq!(other.line(), "ready");
    let socket = scratch.path("ctl");
    let mut command = Command::new(smtrace());
    command.args(["-e", "getppid", "-o"]).arg(scratch.path("log")).arg("--control").arg(&socket);
    command.args(["-p", &other.pid().to_string()]);
    let mut tracer = Running::start(command, &scratch.path("tracer-err"));
    until("the attach", || support::status_field(other.pid(), "TracerPid").is_some_and(|by| by != "0"));
    let stopped = Command::new(smtrace()).arg("ctl").arg(&socket).arg("stop").output().unwrap();
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(tracer.wait().code(), Some(0));
    assert_eq!(support::status_field(other.pid(), "TracerPid").as_deref(), Some("0"));
    other.close_stdin();
    assert_eq!(other.wait().code(), Some(0));
}
