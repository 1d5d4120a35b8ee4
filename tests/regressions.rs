//! Defects that smtrace once had, one test each.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{
    Outcome, Running, Scratch, Tracing, finish, guest, native, skip, smtrace, status_field, until, wait_until_done,
};

/// `sh -c SCRIPT` with the words as $1, $2, ...
fn shell(script: &str, words: &[&Path]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).args(words);
    command
}

#[test]
fn a_child_from_before_the_exec_is_not_waited_for() {
    let script = "sleep 1000 & echo $!; exec \"$1\" -q -e none -o /dev/null -- true";
    let outcome = finish(shell(script, &[smtrace()]));
    let sleeper: i32 = outcome.out.trim().parse().unwrap();
    // It may not have become the sleep yet.
    let alive = status_field(sleeper, "State").is_some_and(|state| !state.starts_with(['Z', 'X']));
    if alive {
        unsafe { libc::kill(sleeper, libc::SIGKILL) };
    }
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(alive, "it is not smtrace's to end");
}

#[test]
fn a_command_that_stops_itself_is_continued_by_its_child() {
    // A tracee is in state t at other stops too, so one SIGCONT may come too early.
    let script = "(until test -e \"$1\"; do grep -q 'State:.[tT]' /proc/$$/status && kill -CONT $$; done) & \
                  kill -TSTP $$; echo back; : > \"$1\"; wait; exit 3";
    let sh = support::in_path("sh").unwrap();
    for enabled in [None, Some("getppid"), Some("kill,execve")] {
        let scratch = Scratch::new();
        let back = scratch.path("back");
        let outcome = finish(match enabled {
            None => shell(script, &[&back]),
            Some(enabled) => {
                let words = ["-c", script, "sh", back.to_str().unwrap()];
                Tracing::of(enabled).command(&scratch.path("log"), &sh, &words)
            }
        });
        assert_eq!(outcome.visible(), (Some(3), None, "back\n"), "{enabled:?}: {outcome:?}");
    }
}

#[test]
fn a_command_that_stops_itself_is_continued_by_a_child_that_has_not_run_yet() {
    Tracing::of("getppid").compare(&["stop-and-continue"]);
}

/// Makes a FIFO and holds it open for both, so that its writer need not wait for a reader.
fn unread_fifo(path: &Path) -> File {
    let name = CString::new(path.to_str().unwrap()).unwrap();
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let fd = unsafe { libc::open(name.as_ptr(), libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC) };
    assert!(fd >= 0);
    unsafe { File::from_raw_fd(fd) }
}

#[test]
fn sigint_ends_an_attached_smtrace_whose_log_nobody_reads() {
    let scratch = Scratch::new();
    fs::write(scratch.path("counter"), [0; 8]).unwrap();
    let counter = File::open(scratch.path("counter")).unwrap();
    let count = || {
        let mut word = [0; 8];
        counter.read_exact_at(&mut word, 0).unwrap();
        u64::from_ne_bytes(word)
    };
    let mut command = Command::new(guest());
    command.arg("count-in").arg(scratch.path("counter"));
    let mut target = Running::start(command, &scratch.path("target-err"));
    assert_eq!(target.line(), "ready");

    let fifo = unread_fifo(&scratch.path("fifo"));
    // As a rule 64 KiB, but less for a user who has many pipes (pipe(7)); a write that no longer fits whole waits.
    let room = unsafe { libc::fcntl(fifo.as_raw_fd(), libc::F_GETPIPE_SZ) };
    let mut command = Command::new(smtrace());
    command.args(["-e", "getppid", "-p", &target.pid().to_string(), "-o"]).arg(scratch.path("fifo"));
    let mut tracer = Running::start(command, &scratch.path("err"));
    until("a full FIFO", || {
        let mut bytes = 0;
        assert_eq!(unsafe { libc::ioctl(fifo.as_raw_fd(), libc::FIONREAD, &raw mut bytes) }, 0);
        bytes > room - 5536
    });
    // Then the memory before it fills, too; the test holds at any moment, but this one is the hardest.
    let (mut last, mut same) = (count(), 0);
    until("the target stands still", || {
        same = if count() == last { same + 1 } else { 0 };
        last = count();
        same == 20
    });
    tracer.signal(libc::SIGINT);
    let code = tracer.wait().code();
    let said = fs::read_to_string(scratch.path("err")).unwrap();
    assert!(matches!(code, Some(0 | 122)), "{code:?}: {said}");
    assert_eq!(status_field(target.pid(), "TracerPid").as_deref(), Some("0"));
    let before = count();
    until("the target goes on", || count() > before + 1000);
}

#[test]
fn orphans_that_fork_all_the_time_are_ended() {
    for how in ["kill", "wait=1"] {
        let scratch = Scratch::new();
        let tracing = Tracing::of("none").option("-q").option("--orphans").option(how);
        let command = tracing.command(&scratch.path("log"), &guest(), &["fork-chain"]);
        let mut running = Running::start(command, &scratch.path("err"));
        let code = running.wait().code();
        // All of them hold the pipe: it is at its end when nobody is left.
        let stdout = running.0.stdout.as_ref().unwrap();
        let mut poll = libc::pollfd { fd: stdout.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        unsafe { libc::poll(&raw mut poll, 1, 0) };
        assert_eq!(poll.revents & libc::POLLHUP, libc::POLLHUP, "{how}: somebody survived");
        assert_eq!(running.line(), "", "{how}");
        assert_eq!(code, Some(0), "{how}: {:?}", fs::read_to_string(scratch.path("err")));
    }
}

fn one_cpu(what: &str) -> bool {
    let one = native(&["cpus"]).out == "1 cpus\n";
    if one {
        skip(what, "there is only one CPU");
    }
    one
}

#[test]
fn a_program_executed_by_a_busy_thread_has_all_cpus() {
    if one_cpu("a_program_executed_by_a_busy_thread_has_all_cpus") {
        return;
    }
    let native = native(&["thread-cpus"]);
    for _ in 0..5 {
        // Not compared in order: the exit of a thread's exec is its leader's.
        let traced = Tracing::of("getppid,execve").run(&["thread-cpus"]);
        assert_eq!(native.visible(), traced.outcome.visible(), "{:?}", traced.outcome);
        traced.assert_count("getppid", 2000);
    }
}

#[test]
fn a_hard_limit_of_file_size_does_not_keep_the_command_from_running() {
    let scratch = Scratch::new();
    let log = scratch.path("log");
    let script = "ulimit -f 1; \"$1\" -q -e all -o \"$2\" -- sh -c 'ulimit -f; exit 4'";
    let outcome = finish(shell(script, &[smtrace(), &log]));
    assert_eq!(outcome.out, "1\n", "{outcome:?}");
    // With CAP_SYS_RESOURCE smtrace raises its own limit; without, the log cannot hold all, and that is said.
    assert!(matches!(outcome.code, Some(4 | 122)), "{outcome:?}");
    assert_eq!(outcome.code == Some(4), fs::metadata(&log).unwrap().len() > 1024, "{outcome:?}");
}

#[test]
fn a_program_that_reads_its_own_status_sees_all_its_cpus() {
    if one_cpu("a_program_that_reads_its_own_status_sees_all_its_cpus") {
        return;
    }
    // The calls between open and read stop as well: each could place it again.
    Tracing::of("getppid,%file,%desc").compare(&["cpus-of-status"]);
}

#[test]
fn no_follow_is_the_same_with_and_without_seccomp() {
    // Own calls: 2000 at first, then 20 times 100 and 10 in a thread.
    for seccomp in ["off", "auto"] {
        let tracing = Tracing::of("getppid").option("--no-follow").option("--seccomp").option(seccomp);
        let traced = tracing.compare(&["children-and-threads"]);
        assert_eq!(traced.outcome.code, Some(5), "{seccomp}");
        traced.assert_count("getppid", 2000 + 20 * 110);
        let pids: BTreeSet<i32> = traced.events.iter().map(|event| event.pid).collect();
        assert_eq!(pids.len(), 1, "{seccomp}: events of a child\n{}", traced.tail());
        assert!(traced.tids("getppid") > 1, "{seccomp}: threads are the command's own");
    }
}

#[test]
fn the_tree_of_its_own_ancestor_can_be_traced() {
    let scratch = Scratch::new();
    // The shell is a tracee then and may not signal smtrace, and it starts background commands with SIGINT ignored: the
    // test itself sends SIGTERM, which detaches too.
    let script = "\"$1\" --tree -e getppid -o \"$2\" -p $$ & echo $!; wait $!; echo ended $?";
    let mut running = Running::start(shell(script, &[smtrace(), &scratch.path("log")]), &scratch.path("err"));
    let tracer = running.line();
    let said = || fs::read_to_string(scratch.path("err")).unwrap();
    until("the attach", || said().contains("attached to"));
    assert_eq!(status_field(running.pid(), "TracerPid").as_ref(), Some(&tracer), "{}", said());
    assert_eq!(unsafe { libc::kill(tracer.parse().unwrap(), libc::SIGTERM) }, 0);
    assert_eq!(running.line(), "ended 0", "{}", said());
    assert_eq!(running.wait().code(), Some(0));
}

#[test]
fn smtrace_cannot_be_made_the_receiver_of_a_descriptors_signals() {
    for seccomp in ["off", "auto"] {
        let traced = Tracing::of("getppid").option("--seccomp").option(seccomp).run(&["owners"]);
        assert_eq!(traced.outcome.code, Some(0));
        assert_eq!(traced.outcome.out.lines().count(), 10);
        for line in traced.outcome.out.lines() {
            let want = if line.starts_with("parent") { "-1" } else { "0" };
            assert_eq!(line.rsplit_once(' ').unwrap().1, want, "{line} with --seccomp {seccomp}");
        }
    }
}

#[test]
fn every_entry_of_the_environment_reaches_the_command() {
    let run = |words: &[&str]| -> Outcome {
        let mut command = Command::new(guest());
        command.arg("odd-environment").args(words);
        finish(command)
    };
    let guest = guest();
    let guest = guest.to_str().unwrap();
    let native = run(&[guest, "environment"]);
    assert!(native.out.contains("[no equals sign]") && native.out.contains("[TWICE=second]"), "{native:?}");
    let smtrace = smtrace().to_str().unwrap();
    let traced = run(&[smtrace, "-q", "-e", "getppid", "-o", "/dev/null", "--", guest, "environment"]);
    assert_eq!(native.visible(), traced.visible(), "{traced:?}");
}

#[test]
fn semget_through_the_i386_ipc_is_seen() {
    let traced = Tracing::json("semget").compare(&["int80-ipc"]);
    traced.assert_count("semget", 2);
    assert!(traced.events.iter().all(|event| event.nr == Some(117)), "{}", traced.tail());
    assert_eq!(traced.log.matches("\"abi\":\"i386\",\"via\":\"ipc\"").count(), 4, "{}", traced.tail());
}

#[test]
fn leak_sanitizer_works_as_without_a_tracer() {
    let scratch = Scratch::new();
    let (source, program) = (scratch.path("leak.c"), scratch.path("leak"));
    // Pointers on the stack and in a register of a waiting thread are found only by stopping it.
    let text = r#"
        #include <pthread.h>
        #include <stdlib.h>
        #include <unistd.h>
        static int up[2];
        static void *wait_with(void *none) {
            (void)none;
            void *volatile held = malloc(8);
            write(up[1], "x", 1);
            pause();
            return held;
        }
        int main(int argc, char **argv) {
            (void)argv;
            pthread_t thread;
            char byte;
            if (pipe(up)) return 9;
            for (int i = 0; i < 3; i++) {
                pthread_create(&thread, 0, wait_with, 0);
                read(up[0], &byte, 1);
            }
            void *volatile lost = argc > 1 ? malloc(10) : 0;
            lost = 0;
            return 0;
        }
    "#;
    fs::write(&source, text).unwrap();
    let mut cc = Command::new("gcc");
    cc.args(["-w", "-fsanitize=address", "-pthread", "-o"]).args([&program, &source]);
    if finish(cc).code != Some(0) {
        return skip("leak_sanitizer_works_as_without_a_tracer", "gcc with AddressSanitizer is missing");
    }
    // Where addresses are random in 32 bits (vm.mmap_rnd_bits) older sanitizers die at their start, now and then.
    let at_fixed_addresses = |mut command: Command| {
        let fix = || {
            // SAFETY: one system call without pointers. A container may refuse it.
            unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) };
            Ok(())
        };
        // SAFETY: it makes that call only.
        unsafe { command.pre_exec(fix) };
        finish(command)
    };
    let found = |outcome: &Outcome| outcome.err.lines().find(|line| line.starts_with("SUMMARY")).map(str::to_owned);
    for words in [&[][..], &["leak"]] {
        let mut plain = Command::new(&program);
        plain.args(words);
        let traced = Tracing::of("openat").command(&scratch.path("log"), &program, words);
        let (plain, traced) = (at_fixed_addresses(plain), at_fixed_addresses(traced));
        assert_eq!(plain.visible(), traced.visible(), "{words:?}: {plain:?}\n{traced:?}");
        assert_eq!(found(&plain), found(&traced), "{words:?}: {traced:?}");
        assert_eq!(plain.code == Some(0), words.is_empty(), "{plain:?}");
    }
}

#[test]
fn who_talks_to_a_command_learns_that_it_does_not_listen() {
    let dir = Scratch::new();
    let fifo = dir.path("fifo");
    let path = CString::new(fifo.to_str().unwrap()).unwrap();
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    // Without stdin and stdout, but alive until somebody opens the fifo.
    let script = format!("exec <&- >&-; : < {}", fifo.display());
    let mut command = Command::new(smtrace());
    command.args(["-q", "-e", "none", "--", "sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let ends = [running.stdin.as_ref().unwrap().as_raw_fd(), running.stdout.as_ref().unwrap().as_raw_fd()];
    let told = ends.map(|fd| {
        let mut poll = libc::pollfd { fd, events: 0, revents: 0 };
        unsafe { libc::poll(&raw mut poll, 1, 20_000) == 1 && poll.revents & (libc::POLLERR | libc::POLLHUP) != 0 }
    });
    drop(File::options().write(true).open(&fifo).unwrap());
    assert_eq!(wait_until_done(&mut running, Duration::from_secs(20)).code(), Some(0));
    assert_eq!(told, [true, true], "stdin and stdout are still open");
}
