//! A log that cannot be written: the tracee does not notice, and smtrace says so once and exits with 122.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{DEADLINE, Running, Scratch, Tracing, events, finish, guest, smtrace, until, wait_until_done};

#[test]
fn a_full_disk() {
    let outcome = finish(Tracing::of("getppid").command(Path::new("/dev/full"), &guest(), &["fork", "200"]));
    assert_eq!(outcome.code, Some(122), "{outcome:?}");
    assert_eq!(outcome.out, "sum 4900\n", "the tracee is undisturbed");
    assert!(outcome.err.lines().count() <= 2, "said once: {:?}", outcome.err);
    assert!(outcome.err.contains("No space left") || outcome.err.contains("ENOSPC"), "{:?}", outcome.err);
    // Three calls in each of 200 children, an enter and an exit each.
    assert!(outcome.err.contains("1200"), "how many events were lost: {:?}", outcome.err);
}

#[test]
fn the_commands_death_does_not_hide_that_the_log_is_incomplete() {
    let outcome = finish(Tracing::of("getppid").command(Path::new("/dev/full"), &guest(), &["die", "15"]));
    assert!(outcome.code == Some(122) || outcome.signal == Some(15), "{outcome:?}");
    assert!(!outcome.err.is_empty());
}

#[test]
fn a_closed_pipe() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(smtrace());
    command.args(["-e", "getppid", "--"]).arg(guest()).args(["fork", "200"]);
    let (mut out, stdout) = std::io::pipe().unwrap();
    command.stdin(Stdio::null()).stdout(stdout).stderr(writer).process_group(0);
    let mut child = command.spawn().unwrap();
    drop(command);
    assert_eq!(wait_until_done(&mut child, DEADLINE).code(), Some(122));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut out, &mut text).unwrap();
    assert_eq!(text, "sum 4900\n");
}

#[test]
fn a_file_that_grows_past_its_limit() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let mut command = Tracing::of("getppid").command(&log, &guest(), &["fork", "100"]);
    let limit = || {
        let limit = libc::rlimit { rlim_cur: 8192, rlim_max: libc::RLIM_INFINITY };
        match unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    };
    unsafe { command.pre_exec(limit) };
    let outcome = finish(command);
    assert_eq!(outcome.out, "sum 2450\n");
    // smtrace may lift its own soft limit; else it has to say what it lost.
    let whole = fs::read_to_string(&log).unwrap();
    match outcome.code {
        Some(0) => assert_eq!(events(&whole).len(), 600),
        Some(122) => assert!(!outcome.err.is_empty()),
        _ => panic!("{outcome:?}"),
    }
}

#[test]
fn a_path_that_cannot_be_written_stops_before_the_command() {
    let scratch = Scratch::new();
    let made = scratch.path("made");
    for log in ["/nonexistent/dir/log", "/"] {
        let outcome =
            finish(Tracing::of("getppid").command(Path::new(log), Path::new("touch"), &[made.to_str().unwrap()]));
        assert_eq!(outcome.code, Some(125), "{outcome:?}");
        assert!(outcome.err.contains(log), "{outcome:?}");
        assert_eq!(outcome.err.lines().count(), 1, "{outcome:?}");
        assert!(!made.exists(), "the command ran untraced");
    }
}

#[test]
fn sigusr1_reopens_the_file() {
    let scratch = Scratch::new();
    let (log, old) = (scratch.path("log"), scratch.path("log.1"));
    let command = Tracing::of("getppid").command(&log, &guest(), &["linger"]);
    let mut running = Running::start(command, &scratch.path("err"));
    assert!(running.line().starts_with("ready"));
    until("the log", || fs::metadata(&log).is_ok_and(|data| data.len() > 4096));
    fs::rename(&log, &old).unwrap();
    running.signal(libc::SIGUSR1);
    until("the new log", || fs::metadata(&log).is_ok_and(|data| data.len() > 4096));
    // Traced to its end, the guest finds a TracerPid and says BAD: end it here.
    running.signal(libc::SIGTERM);
    running.wait();
    let (first, second) = (fs::read_to_string(&old).unwrap(), fs::read_to_string(&log).unwrap());
    let mut all = events(&first);
    all.extend(events(&second));
    support::assert_paired(&all);
}

#[test]
fn a_slow_reader_loses_nothing() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    // The smallest pipe that there is.
    unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, 4096) };
    let mut command = Command::new(smtrace());
    command.args(["-q", "-e", "getppid", "--"]).arg(guest()).args(["fork", "300"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).process_group(0);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut log = Vec::new();
    let mut part = [0; 512];
    loop {
        let n = std::io::Read::read(&mut reader, &mut part).unwrap();
        if n == 0 {
            break;
        }
        log.extend_from_slice(&part[..n]);
        std::thread::yield_now();
    }
    assert_eq!(wait_until_done(&mut child, DEADLINE).code(), Some(0));
    let events = events(std::str::from_utf8(&log).unwrap());
    support::assert_paired(&events);
    assert_eq!(events.len(), 1800);
}
