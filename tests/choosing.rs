//! Whose events are written, and when: `--drop-mode`, `--filter-pid`, `--filter-comm`; and as whom a command runs: `-u`.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::io::Write;
use std::process::Command;
use support::outside::Served;
use support::{Running, Scratch, Tracing, events, finish, guest, in_path, skip, smtrace, status_field, until};

#[test]
fn drop_mode_collects_nothing_until_sigusr2() {
    let mut served = Served::start(&["--drop-mode", "-e", "getppid,openat"]);
    served.tell("ooofo");
    served.running.signal(libc::SIGUSR2);
    until("an event", || {
        served.tell("g");
        !events(&served.log()).is_empty()
    });
    assert_eq!(served.end(), Some(0));
    let log = served.log();
    assert!(events(&log).iter().all(|event| event.name == "getppid"), "{log}");
    // Who is who was followed all the time.
    assert!(events(&log).iter().all(|event| event.line.contains(" comm=guest ")), "{log}");
}

#[test]
fn drop_mode_alone_is_an_empty_log_and_the_commands_status() {
    let traced = Tracing::of("getppid").option("--drop-mode").compare(&["exit", "3"]);
    assert_eq!(traced.log, "");
}

#[test]
fn filter_pid_leaves_a_process_out_and_not_its_children() {
    let scratch = Scratch::new();
    let mut command = Command::new(guest());
    command.arg("serve");
    let mut guest = Running::start(command, &scratch.path("guest-err"));
    assert_eq!(guest.line(), "ready");
    let (log, pid) = (scratch.path("log"), guest.pid());
    let mut command = Command::new(smtrace());
    command.args(["-q", "-e", "getppid", "--filter-pid", &format!("1,{pid}"), "-p", &pid.to_string(), "-o"]).arg(&log);
    let mut tracer = Running::start(command, &scratch.path("err"));
    until("the attach", || status_field(pid, "TracerPid").is_some_and(|tracer| tracer != "0"));
    guest.0.stdin.as_mut().unwrap().write_all(b"gfg").unwrap();
    (0..3).for_each(|_| assert_eq!(guest.line(), "ok"));
    guest.close_stdin();
    assert_eq!((guest.wait().code(), tracer.wait().code()), (Some(0), Some(0)));
    let log = fs::read_to_string(&log).unwrap();
    let pids: Vec<i32> = events(&log).iter().map(|event| event.pid).collect();
    assert_eq!(pids.len(), 2, "{log}");
    assert!(!pids.contains(&pid), "{log}");
}

#[test]
fn filter_comm_leaves_a_name_out() {
    let sh = in_path("sh").unwrap();
    let script = format!("{} fork 2", guest().display());
    let by_name = |options: &[&str]| {
        let scratch = Scratch::new();
        let tracing = options.iter().fold(Tracing::of("getppid,exit_group"), |tracing, option| tracing.option(option));
        let outcome = finish(tracing.command(&scratch.path("log"), &sh, &["-c", &format!("{script}; exit 4")]));
        assert_eq!(outcome.code, Some(4), "{outcome:?}");
        let log = fs::read_to_string(scratch.path("log")).unwrap();
        let count = |comm: &str| events(&log).iter().filter(|event| event.line.contains(comm)).count();
        (count(" comm=guest "), count(" comm=sh "))
    };
    let (of_guest, of_sh) = by_name(&[]);
    assert!(of_guest > 0 && of_sh > 0);
    assert_eq!(by_name(&["--filter-comm", "guest"]), (0, of_sh));
    assert_eq!(by_name(&["--filter-comm", "guest", "--filter-comm", "sh"]), (0, 0));
}

#[test]
fn a_command_runs_as_another_user() {
    if unsafe { libc::geteuid() } != 0 {
        return skip("a_command_runs_as_another_user", "only root can");
    }
    let (id, sh) = (in_path("id").unwrap(), in_path("sh").unwrap());
    let ask = |words: &[&str]| {
        let mut command = Command::new(&id);
        command.args(words);
        finish(command).out
    };
    let scratch = Scratch::new();
    let tracing = Tracing::of("execve,openat").option("-u").option("nobody");
    let outcome = finish(tracing.command(&scratch.path("log"), &sh, &["-c", "id -u; id -g; id -G"]));
    let want: String = ["-u", "-g", "-G"].iter().map(|what| ask(&[what, "nobody"])).collect();
    assert_eq!((outcome.code, &outcome.out), (Some(0), &want), "{outcome:?}");
    let log = fs::read_to_string(scratch.path("log")).unwrap();
    let all = events(&log);
    assert!(!all.is_empty() && all.iter().all(|event| event.line.contains(" user=nobody ")), "{log}");

    let unknown = finish(Tracing::of("none").option("-u").option("no-such-user").command(
        &scratch.path("other"),
        &sh,
        &["-c", "echo ran"],
    ));
    assert_ne!(unknown.code, Some(0), "{unknown:?}");
    assert!(unknown.out.is_empty() && unknown.err.contains("no-such-user"), "{unknown:?}");
}
