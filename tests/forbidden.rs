//! smtrace in a sandbox that forbids what it would use: it does without, or says in one line what is missing and what to
//! do, and never runs the command untraced.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use std::fs;
use std::process::Command;
use support::{Outcome, Scratch, events, finish, guest, smtrace};

/// Runs `sh -c 'echo ran'` traced where `call` fails with `errno`; the outcome and how many programs the log has.
fn trace_without(call: libc::c_long, errno: i32, options: &[&str]) -> (Outcome, usize) {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let mut command = Command::new(guest());
    command.args(["without", &call.to_string(), &errno.to_string()]).arg(smtrace()).args(options);
    command.args(["-e", "execve", "-o"]).arg(&log).args(["--", "/bin/sh", "-c", "echo ran"]);
    let outcome = finish(command);
    let found = fs::read_to_string(&log).map_or(0, |log| events(&log).len());
    (outcome, found)
}

#[test]
fn a_command_is_not_run_untraced() {
    for (call, says) in [
        (libc::SYS_ptrace, "--cap-add SYS_PTRACE"),
        (libc::SYS_memfd_create, "memfd_create: "),
        (libc::SYS_pipe2, "cannot fork: "),
    ] {
        let (outcome, found) = trace_without(call, libc::EPERM, &["-q"]);
        assert_eq!((outcome.code, outcome.out.as_str(), found), (Some(125), "", 0), "{outcome:?}");
        assert!(outcome.err.lines().last().is_some_and(|line| line.contains(says)), "{outcome:?}");
    }
}

#[test]
fn what_can_be_done_without_is() {
    for call in [
        libc::SYS_seccomp,
        libc::SYS_process_vm_readv,
        libc::SYS_statx,
        libc::SYS_clone3,
        libc::SYS_close_range,
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_getaffinity,
        libc::SYS_prlimit64,
        libc::SYS_pidfd_open,
        libc::SYS_prctl,
        libc::SYS_getrandom,
        libc::SYS_setpgid,
    ] {
        // pthread_create(3) itself does not do without clone3(2) where that is EPERM.
        let errnos = if call == libc::SYS_clone3 { &[libc::ENOSYS][..] } else { &[libc::EPERM, libc::ENOSYS] };
        for &errno in errnos {
            let (outcome, found) = trace_without(call, errno, &[]);
            assert_eq!((outcome.code, outcome.out.as_str(), found), (Some(0), "ran\n", 2), "{call}: {outcome:?}");
            let slow = outcome.err.lines().filter(|line| line.contains("every call stops")).count();
            assert_eq!(slow, usize::from(call == libc::SYS_seccomp), "{call}: {outcome:?}");
        }
    }
}
