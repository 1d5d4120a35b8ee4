//! What a caller sees of smtrace: the command's own status, and the environment that the command gets from it.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr::{null, null_mut};
use support::{Outcome, Running, Scratch, Tracing, finish, finish_with, guest, smtrace, until};

#[test]
fn exit_codes_are_the_commands_own() {
    for code in ["0", "1", "2", "42", "122", "125", "126", "127", "128", "255"] {
        Tracing::of("getppid").compare(&["exit", code]);
    }
}

#[test]
fn death_by_a_signal_is_repeated() {
    for signal in [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 31, 34, 50, 64] {
        let traced = Tracing::of("getppid").compare(&["die", &signal.to_string()]);
        assert_eq!(traced.outcome.signal, Some(signal));
        traced.assert_count("getppid", 1);
    }
}

fn run(args: &[&str]) -> Outcome {
    let mut command = Command::new(smtrace());
    command.args(args);
    finish(command)
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

#[test]
fn a_command_that_is_not_there_is_127() {
    for name in ["no-such-command-anywhere", "/nonexistent/command"] {
        let outcome = run(&["-e", "getppid", "--", name]);
        assert_eq!(outcome.code, Some(127), "{outcome:?}");
        assert!(outcome.err.contains(name), "{outcome:?}");
    }
}

#[test]
fn a_command_that_cannot_be_executed_is_126() {
    let scratch = Scratch::new();
    let file = scratch.path("not-executable");
    fs::write(&file, "text").unwrap();
    for path in [file.as_path(), Path::new("/")] {
        let path = path.to_str().unwrap();
        let outcome = run(&["-e", "getppid", "--", path]);
        assert_eq!(outcome.code, Some(126), "{outcome:?}");
        assert!(outcome.err.contains(path), "{outcome:?}");
    }
}

#[test]
fn mistakes_are_2_and_start_nothing() {
    let scratch = Scratch::new();
    let made = scratch.path("made");
    let made = made.to_str().unwrap();
    for args in [
        &["--no-such-option", "--", "touch", made][..],
        &["-e", "no_such_call", "--", "touch", made],
        &["-e", "%no_such_class", "--", "touch", made],
        &["-e", "/(/", "--", "touch", made],
        &["--format", "no-such-format", "--", "touch", made],
        &["-s", "many", "--", "touch", made],
        &["--config", "/nonexistent/config", "--", "touch", made],
        &["-p", "one", "--", "touch", made],
        &[],
    ] {
        let outcome = run(args);
        assert_eq!(outcome.code, Some(2), "{args:?}: {outcome:?}");
        assert!(!outcome.err.is_empty(), "{args:?}");
        assert!(!Path::new(made).exists(), "{args:?} ran the command");
    }
}

#[test]
fn an_unknown_call_is_answered_with_the_nearest_one() {
    let outcome = run(&["-e", "openatt", "--", "true"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.err.contains("openat"), "{outcome:?}");
}

#[test]
fn stdin_belongs_to_the_command() {
    let data: Vec<u8> = (0..100_000u32).flat_map(|i| format!("{i}\n").into_bytes()).collect();
    let scratch = Scratch::new();
    let outcome = finish_with(Tracing::of("read").command(&scratch.path("log"), &guest(), &["copy"]), &data);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert_eq!(outcome.out.as_bytes(), data);
}

#[test]
fn stdout_holds_the_commands_output_alone() {
    let mut command = Command::new(smtrace());
    command.args(["-e", "getppid", "--"]).arg(guest()).args(["fork", "3"]);
    let outcome = finish(command);
    assert_eq!(outcome.out, "sum 3\n");
    assert!(outcome.err.contains("getppid"), "the log's default is stderr: {outcome:?}");
}

#[test]
fn the_log_can_go_to_stdout() {
    let mut command = Command::new(smtrace());
    command.args(["-q", "-o", "-", "-e", "getppid", "--"]).arg(guest()).args(["marks", "3"]);
    let outcome = finish(command);
    assert_eq!(support::events(&outcome.out).len(), 6, "{outcome:?}");
}

/// A command line that becomes the guest `inherit`, natively or traced, and writes what it found to a file.
fn inherit(traced: bool, prepare: fn(&mut Command)) -> String {
    let scratch = Scratch::new();
    let found = scratch.path("found");
    let mut command = if traced {
        Tracing::of("getppid,openat").command(&scratch.path("log"), &guest(), &["inherit"])
    } else {
        let mut command = Command::new(guest());
        command.arg("inherit");
        command
    };
    // Another length would move nothing, but the name must be equal in both environments.
    let fixed = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("found-{}", std::process::id()));
    command.env("GUEST_OUT", &fixed);
    prepare(&mut command);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    fs::rename(&fixed, &found).unwrap();
    String::from_utf8(fs::read(&found).unwrap()).unwrap()
}

/// Runs `body` in the child, between fork and exec.
fn in_child(command: &mut Command, body: fn() -> libc::c_int) {
    let body = move || if body() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    unsafe { command.pre_exec(body) };
}

#[test]
fn the_command_inherits_exactly_what_smtrace_did() {
    // One after the other: they share the file that the guests write to.
    type Case = (&'static str, fn(&mut Command));
    let cases: [Case; 10] = [
        ("nothing special", |_| ()),
        ("SIGPIPE default", |command| in_child(command, || disposition(libc::SIGPIPE, libc::SIG_DFL))),
        ("SIGPIPE ignored", |command| in_child(command, || disposition(libc::SIGPIPE, libc::SIG_IGN))),
        ("SIGTERM, SIGHUP, SIGCHLD ignored", |command| {
            in_child(command, || {
                let _ = [libc::SIGTERM, libc::SIGHUP, libc::SIGTSTP, libc::SIGXFSZ]
                    .map(|signal| disposition(signal, libc::SIG_IGN));
                0
            });
        }),
        ("signals blocked", |command| {
            in_child(command, || unsafe {
                let mut set = std::mem::zeroed();
                libc::sigemptyset(&raw mut set);
                let _ = [libc::SIGUSR1, libc::SIGTERM, libc::SIGCHLD, 40]
                    .map(|signal| libc::sigaddset(&raw mut set, signal));
                libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut())
            });
        }),
        ("stdin and stdout closed", |command| {
            in_child(command, || unsafe {
                libc::close(0);
                libc::close(1)
            });
        }),
        ("all three closed", |command| {
            in_child(command, || {
                let _ = [0, 1, 2].map(|fd| unsafe { libc::close(fd) });
                0
            });
        }),
        ("extra descriptors", |command| {
            in_child(command, || {
                let _ = [50, 77, 100].map(|fd| unsafe { libc::dup2(0, fd) });
                0
            });
        }),
        ("umask, limits, nice", |command| {
            in_child(command, || unsafe {
                libc::umask(0o137);
                let limit = libc::rlimit { rlim_cur: 50, rlim_max: 60 };
                libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
                // The lowest priority: whoever runs the tests may go there.
                libc::setpriority(libc::PRIO_PROCESS, 0, 19)
            });
        }),
        ("one CPU", |command| {
            in_child(command, || unsafe {
                let mut set: libc::cpu_set_t = std::mem::zeroed();
                let size = size_of::<libc::cpu_set_t>();
                libc::sched_getaffinity(0, size, &raw mut set);
                // The first that is ours: a container may not have the first of the machine.
                let first = (0..1024).find(|cpu| libc::CPU_ISSET(*cpu, &set)).unwrap_or(0);
                libc::CPU_ZERO(&mut set);
                libc::CPU_SET(first, &mut set);
                libc::sched_setaffinity(0, size, &raw const set)
            });
        }),
    ];
    for (name, prepare) in cases {
        let (native, traced) = (inherit(false, prepare), inherit(true, prepare));
        for (line, (native, traced)) in native.lines().zip(traced.lines()).enumerate() {
            // Linux takes no_new_privs for a filter from a process without privileges; that is said, not hidden.
            if native.starts_with("NoNewPrivs") && unsafe { libc::geteuid() } != 0 {
                continue;
            }
            assert_eq!(native, traced, "{name}, line {line}");
        }
        assert_eq!(native.lines().count(), traced.lines().count(), "{name}\n{native}\n{traced}");
    }
}

fn disposition(signal: libc::c_int, handler: libc::sighandler_t) -> libc::c_int {
    if unsafe { libc::signal(signal, handler) } == libc::SIG_ERR { -1 } else { 0 }
}

#[test]
fn the_affinity_never_changes() {
    Tracing::of("getppid").compare(&["deadline"]);
    let traced = Tracing::of("getppid").compare(&["affinity", "20000"]);
    traced.assert_count("getppid", 25_000);
}

#[test]
fn the_environment_can_be_changed_for_the_command() {
    let scratch = Scratch::new();
    let program = PathBuf::from("/usr/bin/env");
    let tracing = Tracing::of("getppid").option("-E").option("SMTRACE_TEST=one two").option("-E").option("HOME");
    let outcome = finish(tracing.command(&scratch.path("log"), &program, &[]));
    assert!(outcome.out.lines().any(|line| line == "SMTRACE_TEST=one two"), "{outcome:?}");
    assert!(!outcome.out.lines().any(|line| line.starts_with("HOME=")), "{outcome:?}");
    let outcome = finish(Tracing::of("getppid").option("--chdir").option("/usr").command(
        &scratch.path("log"),
        Path::new("/bin/pwd"),
        &[],
    ));
    assert_eq!(outcome.out.trim(), "/usr");
}

#[test]
fn sigterm_and_sighup_reach_the_command_and_the_log_is_finished() {
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        let scratch = Scratch::new();
        let log = scratch.path("log");
        let command = Tracing::of("getppid").command(&log, &guest(), &["await-signal", &signal.to_string()]);
        let mut running = Running::start(command, &scratch.path("err"));
        assert_eq!(running.line(), "ready");
        running.signal(signal);
        assert_eq!(running.line(), "got it");
        assert_eq!(running.wait().code(), Some(43));
        let events = support::events(&fs::read_to_string(&log).unwrap());
        support::assert_paired(&events);
        assert_eq!(events.len(), 2);
    }
}

#[test]
fn processes_that_outlive_the_command_are_followed() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let command = Tracing::json("getppid,openat").command(&log, &guest(), &["daemon"]);
    let mut running = Running::start(command, &scratch.path("err"));
    // The command itself ends at once; its child waits for our pipe.
    until("the remark about the process that lives on", || {
        fs::read_to_string(scratch.path("err")).is_ok_and(|text| !text.is_empty())
    });
    assert_eq!(lines(&fs::read_to_string(scratch.path("err")).unwrap()), 1);
    running.close_stdin();
    assert_eq!(running.wait().code(), Some(0));
    assert!(fs::read_to_string(&log).unwrap().contains("by-the-daemon"));
}

#[test]
fn processes_that_outlive_the_command_can_be_killed() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let command = Tracing::of("getppid").option("--orphans").option("kill").command(&log, &guest(), &["daemon"]);
    let mut running = Running::start(command, &scratch.path("err"));
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn a_proc_of_another_pid_namespace_is_refused() {
    let inside = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--pid", "--fork"]).args(words);
        finish(command)
    };
    if inside(&["true"]).code != Some(0) {
        return support::skip("/proc of another pid namespace", "unshare(1) cannot make one here");
    }
    let smtrace = smtrace().to_str().unwrap();
    let outcome = inside(&[smtrace, "-e", "execve", "--", "echo", "ran"]);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(125), ""), "{outcome:?}");
    assert!(outcome.err.contains("unshare --mount-proc"), "{outcome:?}");
    let outcome = inside(&["--mount-proc", smtrace, "-e", "execve", "--", "echo", "ran"]);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "ran\n"), "{outcome:?}");
    assert!(outcome.err.contains("comm=echo"), "{outcome:?}");
}

#[test]
fn doctor_and_the_lists_answer() {
    for args in [
        &["doctor"][..],
        &["doctor", "--json"],
        &["list", "syscalls"],
        &["list", "classes"],
        &["list", "formats"],
        &["man"],
    ] {
        let outcome = run(args);
        assert_eq!(outcome.code, Some(0), "{args:?}: {outcome:?}");
        assert!(!outcome.out.is_empty(), "{args:?}");
    }
    let outcome = run(&["doctor", "--json"]);
    serde_json::from_str::<serde_json::Value>(&outcome.out).expect("JSON");
}

/// A terminal of its own, with a program whose session it leads.
struct Terminal {
    master: fs::File,
    child: std::process::Child,
    seen: String,
}

impl Terminal {
    fn start(mut command: Command) -> Terminal {
        let (mut master, mut slave) = (-1, -1);
        let opened = unsafe { libc::openpty(&raw mut master, &raw mut slave, null_mut(), null(), null()) };
        assert_eq!(opened, 0);
        let [master, slave] = [master, slave].map(|fd| unsafe { fs::File::from_raw_fd(fd) });
        unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        let copy = || slave.try_clone().unwrap();
        command.stdin(copy()).stdout(copy()).stderr(copy());
        let take = || match unsafe { libc::setsid() } {
            -1 => Err(io::Error::last_os_error()),
            _ if unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } < 0 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        };
        unsafe { command.pre_exec(take) };
        let child = command.spawn().unwrap();
        Terminal { master, child, seen: String::new() }
    }

    fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until `text` was seen `times` times in all.
    fn see(&mut self, text: &str, times: usize) {
        let start = std::time::Instant::now();
        while self.seen.matches(text).count() < times {
            assert!(start.elapsed() < support::DEADLINE, "{times} times {text:?} in {:?}", self.seen);
            let mut poll = libc::pollfd { fd: self.master.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            if unsafe { libc::poll(&raw mut poll, 1, 500) } == 1 {
                let mut part = [0; 1024];
                // EIO when the last program has closed it.
                let n = self.master.read(&mut part).unwrap_or(0);
                self.seen.push_str(&String::from_utf8_lossy(&part[..n]));
                assert!(n > 0, "{times} times {text:?} in {:?}", self.seen);
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_terminal(script: &str, log: &Path) -> Terminal {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(smtrace()).arg(guest()).arg(log).env("PS1", "").env("PS2", "");
    Terminal::start(command)
}

#[test]
fn ctrl_z_stops_the_job_and_fg_goes_on() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let script =
        "set -m; \"$1\" -q -o \"$3\" -e getppid,read -- \"$2\" copy; echo stopped $?; fg >/dev/null; echo ended $?";
    let mut terminal = in_terminal(script, &log);
    // Each line is seen twice: echoed by the terminal, copied by the guest.
    terminal.keys("one\n");
    terminal.see("one", 2);
    terminal.keys("\u{1a}");
    // 148 is SIGTSTP; a tracer that stops itself for its stopped command may show SIGSTOP, 147.
    terminal.see("stopped 14", 1);
    terminal.keys("two\n");
    terminal.see("two", 2);
    terminal.keys("\u{4}");
    terminal.see("ended 0", 1);
    let events = support::events(&fs::read_to_string(&log).unwrap());
    support::assert_paired(&events);
}

#[test]
fn ctrl_c_reaches_the_command_once() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let script = "set -m; \"$1\" -q -o \"$3\" -e getppid -- \"$2\" await-signal 2; echo ended $?";
    let mut terminal = in_terminal(script, &log);
    terminal.see("ready", 1);
    terminal.keys("\u{3}");
    terminal.see("got it", 1);
    terminal.see("ended 43", 1);
    assert_eq!(support::events(&fs::read_to_string(&log).unwrap()).len(), 2);
    // A program that does not handle it dies of it, and the shell sees that.
    // The trap is the shell's own: it would die of the SIGINT with its job.
    let script = "trap : INT; set -m; \"$1\" -q -o \"$3\" -e getppid,read -- \"$2\" copy; echo ended $?";
    let mut terminal = in_terminal(script, &log);
    terminal.keys("one\n");
    terminal.see("one", 2);
    terminal.keys("\u{3}");
    terminal.see("ended 130", 1);
}
