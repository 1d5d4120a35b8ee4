//! `--format strace` against strace itself: the lines of real commands, and the letters that form them.
//!
//! What differs from run to run (addresses, pids, times, random bytes) is replaced by words first. Each thread has a file
//! of its own (-ff), so that no two runs differ by who came first. A difference that is meant is in [`MEANT`].

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use regex::Regex;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Outcome, Scratch, finish, guest, in_path, skip, smtrace};

/// The letters of both.
fn run(program: &Path, ours: bool, letters: &[&str], words: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    if ours {
        command.args(["--format", "strace"]);
    }
    command.env("TZ", "UTC").args(letters).arg("--").args(words);
    finish(command)
}

/// What differs from run to run.
fn normal(text: &str) -> String {
    let rules = [
        (r"0x[0-9a-f]{9,16}", "ADDRESS"),
        // What a process calls itself and others.
        (
            r"(si_pid=|kill\(|set_tid_address\(ADDRESS\) += |getpid\(\) += |getppid\(\) += |gettid\(\) += )\d+",
            "${1}PID",
        ),
        // What a return from a handler gives back is the interrupted call's result.
        (r"((?:clone|vfork|fork|wait4|rt_sigreturn)\(.*\) += )\d{2,}", "${1}PID"),
        (r"/proc/\d+", "/proc/PID"),
        // Any bytes, also such as look like the end of the argument.
        (r#"getrandom\("(?:[^"\\]|\\.)*"(?:\.\.\.)?, "#, "getrandom(RANDOM, "),
        // How long it took and how much there is.
        (r"(si_utime|si_stime)=\d+( /\* [0-9.]+ s \*/)?", "${1}=TIME"),
        (r"\{tv_sec=-?\d+, tv_n?u?sec=\d+\}", "MOMENT"),
        (r"(st_(?:ino|dev|[amc]time(?:_nsec)?))=[^,}]+(?:, \d\w*\))?", "${1}=N"),
        (r"/\* \d+ vars \*/", "/* N vars */"),
        (r"smtrace-\d+-\d+", "SCRATCH"),
        (r"pipe:\[\d+\]|socket:\[\d+\]", "NODE"),
        // The column of the result depends on the width of these.
        (r" += ", " = "),
    ];
    let mut text = text.to_owned();
    for (pattern, word) in rules {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text
}

/// Lines that differ, by what they begin with, and why.
const MEANT: [(&str, &str); 1] = [("ioctl(1,", "requests of devices are named as far as the table has them")];

fn is_meant(line: &str) -> bool {
    MEANT.iter().any(|(start, _)| line.starts_with(start))
}

/// The files of one run's threads, without their numbers, in an order that is the same for the same lines: numbers begin
/// anew when the last one was given out, so theirs is not that of their making.
fn threads(dir: &Scratch, name: &str) -> Vec<String> {
    let prefix = format!("{name}.");
    let mut files: Vec<String> = fs::read_dir(dir.path(""))
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let _: i32 = entry.file_name().to_str()?.strip_prefix(&prefix)?.parse().ok()?;
            Some(normal(&fs::read_to_string(entry.path()).unwrap()))
        })
        .collect();
    let without_meant = |text: &String| text.lines().filter(|line| !is_meant(line)).collect::<String>();
    files.sort_by_cached_key(without_meant);
    files
}

fn assert_same_lines(letters: &[&str], words: &[&str]) {
    let Some(strace) = in_path("strace") else { return skip("the strace format", "no strace") };
    let dir = Scratch::new();
    let log = |name: &str| dir.path(name).to_str().unwrap().to_owned();
    let (theirs, ours) = (log("theirs"), log("ours"));
    let theirs_run = run(&strace, false, &[&["-ff", "-o", theirs.as_str()], letters].concat(), words);
    let ours_run = run(smtrace(), true, &[&["-ff", "-o", ours.as_str()], letters].concat(), words);
    assert_eq!(theirs_run.code, ours_run.code, "{ours_run:?}");
    let (theirs, ours) = (threads(&dir, "theirs"), threads(&dir, "ours"));
    assert!(!theirs.is_empty() && theirs[0].lines().count() > 1, "{letters:?}: the truth must not be empty");
    assert_eq!(theirs.len(), ours.len(), "{words:?}: as many threads");
    for (theirs, ours) in theirs.iter().zip(&ours) {
        let (theirs, ours): (Vec<&str>, Vec<&str>) = (theirs.lines().collect(), ours.lines().collect());
        for (want, got) in theirs.iter().zip(&ours).filter(|(want, _)| !is_meant(want)) {
            assert_eq!(got, want, "{letters:?} {words:?}");
        }
        assert_eq!(theirs.len(), ours.len(), "{words:?}: as many lines");
    }
}

#[test]
fn real_commands_give_the_lines_that_strace_gives() {
    assert_same_lines(&[], &["cat", "/etc/hostname"]);
    assert_same_lines(&[], &["sh", "-c", "cat /etc/hostname; exit 3"]);
    assert_same_lines(&["-e", "trace=!ioctl"], &["ls", "/"]);
}

#[test]
fn letters_form_lines_as_in_strace() {
    for letters in [&["-v", "-s", "4"][..], &["-xx", "-a", "10"], &["-X", "raw"], &["-X", "verbose"], &["-x"], &["-n"]]
    {
        assert_same_lines(
            &[letters, &["-e", "trace=openat,read,close,mmap,newfstatat,exit_group"]].concat(),
            &["cat", "/etc/hostname"],
        );
    }
    assert_same_lines(&["-z", "-e", "trace=openat"], &["cat", "/etc/hostname"]);
    assert_same_lines(&["-Z", "-e", "trace=%file"], &["ls", "/nonesuch"]);
    assert_same_lines(&["-e", "raw=openat", "-e", "trace=openat,close"], &["cat", "/etc/hostname"]);
    assert_same_lines(&["-qq", "-e", "signal=none"], &["true"]);
}

#[test]
fn what_is_chosen_is_what_strace_chooses() {
    let guest = guest();
    let guest = guest.to_str().unwrap();
    // By path, as it is spelled, as it is opened and as a descriptor has it.
    assert_same_lines(&["-P", "/etc/hostname"], &["cat", "/etc/hostname"]);
    assert_same_lines(
        &["-y", "-P", "/etc/hostname", "-P", "/dev/null"],
        &["sh", "-c", "cat /etc/hostname > /dev/null"],
    );
    // By how a call ended.
    assert_same_lines(&["-e", "status=successful", "-e", "trace=openat,access"], &["cat", "/etc/hostname"]);
    assert_same_lines(&["-e", "status=failed", "-e", "trace=%file"], &["ls", "/nonesuch"]);
    assert_same_lines(&["-e", "status=!failed,unavailable", "-e", "trace=%file,%process"], &["ls", "/nonesuch"]);
    // By signal.
    for signals in ["signal=USR1", "signal=!USR1", "signal=none", "signal=usr2,SIGCHLD"] {
        assert_same_lines(
            &["-e", signals, "-e", "trace=kill"],
            &["sh", "-c", "trap : USR1 USR2; kill -USR1 $$; kill -USR2 $$"],
        );
    }
    // By ABI.
    for calls in ["trace=open@32", "trace=openat@64,open@32", "trace=openat@64", "trace=?nonesuch@32,close@64"] {
        assert_same_lines(&["-q", "-e", calls, "-e", "signal=none"], &[guest, "int80-open", "/etc/hostname"]);
    }
    // Each thread's file, of several.
    assert_same_lines(&["-e", "trace=%process"], &["sh", "-c", "true; (true; exec true); exec true"]);
}

#[test]
fn a_flag_that_hides_a_child_is_cleared_and_told_unless_hushed() {
    let guest = guest();
    // Each thread has its own file: in one, another's line can break a call's.
    let text = |letters: &[&str]| {
        let dir = Scratch::new();
        let log = dir.path("log");
        let letters = [&["-ff", "-e", "trace=%process", "-o", log.to_str().unwrap()], letters].concat();
        run(smtrace(), true, &letters, &[guest.to_str().unwrap(), "untraced"]);
        threads(&dir, "log").concat()
    };
    let told = text(&["-q"]);
    let whole = "clone3({flags=CLONE_UNTRACED, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 64) = ";
    assert!(told.contains(whole), "what the program wrote: {told}");
    assert_eq!(told.matches("+++ smtrace: clone with CLONE_UNTRACED").count(), 1, "{told}");
    assert_eq!(told.matches("+++ smtrace: clone3 with CLONE_UNTRACED").count(), 1, "{told}");
    let hushed = text(&["-qq"]);
    assert!(hushed.contains(whole) && !hushed.contains("+++"), "{hushed}");
}

/// Calls with odd words, none of which changes anything: what stands before a colon is the call's number on x86_64.
#[cfg(target_arch = "x86_64")]
const ODD_CALLS: &[&str] = &[
    // prctl(2): an unknown option, words that hold several things, a second argument that chooses the third.
    "157:0xffffffff,0xfffffffe,0xfffffffd,0xfffffffc,0xfffffffb",
    "157:50,0x2ea57",
    "157:63,0x10000",
    "157:55,0x57ae57f4,1,2,3",
    "157:62,0,1,2,0",
    "157:62,0,-1,4,0",
    "157:47,2,0xff,0,0",
    "157:33,0xaaaa,0xbbbb,0xcccc,0xdddd",
    "157:22,-1,1,2,3",
    "157:15,@61626300",
    "157:15,@303132333435363738394142434445",
    "157:16,@00000000000000000000000000000000",
    "157:27",
    "157:3",
    // quotactl(2): the command chooses the rest.
    "179:0xbadc0ded,1,0xca7faced,2",
    "179:0x800002ed,@2f646576002f,0xca7faced,1",
    "179:0x80000200,@2f6e6f6e65737400,1,@2f6e6f6e657374312e00",
    "179:0x580100,@2f6e6f6e657374322e00,5,@efc0adde",
    // ioctl(2): requests without a name.
    "16:-1,0xfeed4ced,0xdeadbeefbadc0ded",
    "16:-1,0x3e03,0",
    "16:-1,0x329,0xfacefeedded2ffff",
    "16:-1,0x5416,@ff1fffff",
    // openat2(2): what is behind the fields that are known.
    "437:-1,@7300,@4000000000000000ff0100000000000000000000000000008081828384858687,32",
    "437:-1,@7300,@400000000000000000000000000000000000000000000000,32",
    // shmget(2), msgget(2): flags, a size and permissions.
    "29:0x51ace155,-1,0x2ce1e55",
    "29:0x51ace155,-1,0x56ce1e55",
    // lists that end where nothing can be read, modes, what has no meaning.
    "7:@fbffffff00000000,2,0",
    "116:3,@ffffffff00000000",
    "83:0,0x1ffff",
    "133:0,0x81ff,0x1234",
    "312:-1,-1,1,7,8",
    "169:0,0xffffffffffffffff,0",
    "167:@2f6e6f6e6500,0x802a",
    "103:0,0,0",
];

#[cfg(target_arch = "x86_64")]
#[test]
fn odd_words_are_taken_apart_as_strace_does() {
    let guest = guest();
    let words: Vec<&str> = [guest.to_str().unwrap(), "calls"].into_iter().chain(ODD_CALLS.iter().copied()).collect();
    let traced = "trace=prctl,quotactl,ioctl,openat2,shmget,poll,setgroups,mkdir,mknod,kcmp,reboot,swapon,syslog";
    assert_same_lines(&["-e", traced], &words);
}

#[test]
fn signals_and_ends_are_told() {
    let dir = Scratch::new();
    let log = dir.path("log");
    let run = |script: &str| {
        let letters = ["-f", "-e", "trace=none", "-o", log.to_str().unwrap()];
        let outcome = run(smtrace(), true, &letters, &["sh", "-c", script]);
        (outcome, fs::read_to_string(&log).unwrap())
    };
    let (_, text) = run("kill -USR1 $$");
    assert!(text.contains("--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid="), "{text}");
    assert!(text.contains("+++ killed by SIGUSR1 +++"), "{text}");
    let (outcome, text) = run("(exit 4); exit 5");
    assert_eq!(outcome.code, Some(5));
    assert!(text.contains("+++ exited with 4 +++") && text.contains("--- SIGCHLD {si_signo=SIGCHLD"), "{text}");
    assert!(text.lines().all(|line| line.split(' ').next().is_some_and(|tid| tid.parse::<i32>().is_ok())), "{text}");
}

#[test]
fn a_summary_counts_what_was_called() {
    let outcome = run(smtrace(), true, &["-c", "-e", "trace=openat,close"], &["cat", "/nonesuch"]);
    let head = "% time     seconds  usecs/call     calls    errors syscall\n";
    assert!(outcome.err.contains(head), "{}", outcome.err);
    let row = outcome.err.lines().find(|line| line.ends_with(" openat")).unwrap();
    let words: Vec<&str> = row.split_whitespace().collect();
    assert!(words.len() == 6 && words[4].parse::<u32>().unwrap() >= 1, "{row}");
    let json = run(
        smtrace(),
        true,
        &["--summary=process", "--summary-json", "-f", "-o", "-"],
        &["sh", "-c", "true; true | cat"],
    );
    let lines: Vec<serde_json::Value> = json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{}", json.out);
    for line in &lines {
        let calls = line["syscalls"].as_array().unwrap();
        assert!(calls.iter().all(|call| call["min_ns"].as_u64() <= call["max_ns"].as_u64()));
        assert!(calls.iter().any(|call| call["name"] == "close"), "{line}");
    }
}

/// Much work in the kernel that takes no time to wait for, and a wait that is no work.
const WORK_AND_WAIT: &[&str] = &["sh", "-c", "dd if=/dev/urandom of=/dev/null bs=4M count=6 2>/dev/null; sleep 0.3"];

#[test]
fn a_call_has_a_time_in_the_kernel_and_one_on_the_clock() {
    let outcome = run(smtrace(), true, &["-f", "-c", "--summary-json", "-o", "-"], WORK_AND_WAIT);
    let summary: serde_json::Value = serde_json::from_str(outcome.out.trim()).unwrap();
    let times = |name: &str| {
        let calls = summary["syscalls"].as_array().unwrap();
        let call = calls.iter().find(|call| call["name"] == name).unwrap_or_else(|| panic!("no {name}: {summary}"));
        (call["kernel_ns"].as_u64(), call["total_ns"].as_u64().unwrap())
    };
    let ((Some(read), _), (Some(sleep), wait)) = (times("read"), times("clock_nanosleep")) else {
        return skip("time in the kernel", "this kernel counts none");
    };
    assert!(wait >= 300_000_000 && sleep < wait / 10, "a wait is no work: {summary}");
    assert!(read > 2_000_000 && read > sleep, "24 MiB of random bytes are work: {summary}");
    // strace has the same from the process's rusage.
    let Some(strace) = in_path("strace") else { return skip("time in the kernel", "no strace") };
    let seconds = |program: &Path, ours: bool| -> f64 {
        let table = run(program, ours, &["-f", "-c", "-e", "trace=read"], WORK_AND_WAIT).err;
        let row = table.lines().find(|line| line.ends_with(" read")).unwrap_or_else(|| panic!("{table}"));
        row.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    // What the kernel counts for so little work is rough, and rougher where other machines share the CPU. So once in ten is
    // enough: another quantity would be off each time.
    let mut last = (0.0, 0.0);
    let agree = (0..10).any(|_| {
        let (theirs, ours) = (seconds(&strace, false), seconds(smtrace(), true));
        last = (theirs, ours);
        ours < theirs * 5.0 && theirs < ours * 5.0
    });
    assert!(agree, "strace says {} s, smtrace {} s", last.0, last.1);
}

#[test]
fn a_summary_without_recorded_times_in_the_kernel_says_so() {
    let dir = Scratch::new();
    let capture = dir.path("capture");
    run(smtrace(), true, &["-w", capture.to_str().unwrap()], &["true"]);
    let replayed = |letters: &[&str]| {
        let mut command = Command::new(smtrace());
        finish({
            command.arg("replay").arg(&capture).args(["--format", "strace", "-c", "-o", "-"]).args(letters);
            command
        })
        .out
    };
    let text = replayed(&[]);
    assert!(text.starts_with("Times are from entry to return: ") && text.contains(" execve\n"), "{text}");
    assert!(replayed(&["--summary-wall-clock"]).starts_with("% time"));
}

#[test]
fn a_program_named_to_w_is_not_written_over() {
    let dir = Scratch::new();
    let program = dir.path("program");
    for beginning in ["#!/bin/sh\nexit 0\n", "\x7fELF"] {
        fs::write(&program, beginning).unwrap();
        // strace's -w takes no file.
        let outcome = run(smtrace(), true, &["-c", "-w", program.to_str().unwrap()], &["true"]);
        assert_eq!(outcome.code, Some(125), "{}", outcome.err);
        assert!(
            outcome.err.contains("is no capture") && outcome.err.contains("--summary-wall-clock"),
            "{}",
            outcome.err
        );
        assert_eq!(fs::read_to_string(&program).unwrap(), beginning);
    }
    for name in ["a.scap", "b.scap.gz", "c", "d.zst"] {
        let (file, other) = (dir.path(name), dir.path(&format!("not-{name}")));
        fs::write(&other, "text").unwrap();
        for _ in 0..2 {
            assert_eq!(run(smtrace(), true, &["-w", file.to_str().unwrap()], &["true"]).code, Some(0), "{name}");
        }
        assert_eq!(run(smtrace(), true, &["-w", other.to_str().unwrap()], &["true"]).code, Some(125), "{name}");
    }
}

#[test]
fn output_goes_into_a_command_and_is_appended() {
    let dir = Scratch::new();
    let log = dir.path("log");
    let into = format!("|cat >> {}", log.display());
    for _ in 0..2 {
        assert_eq!(run(smtrace(), true, &["-e", "trace=execve", "-o", &into], &["true"]).code, Some(0));
    }
    run(smtrace(), true, &["-A", "-e", "trace=execve", "-o", log.to_str().unwrap()], &["true"]);
    let text = fs::read_to_string(&log).unwrap();
    assert_eq!(text.matches("+++ exited with 0 +++").count(), 3, "{text}");
}

#[test]
fn a_path_or_a_descriptor_chooses_calls() {
    let letters = ["-P", "/etc/hostname", "-e", "trace=openat,read,close", "-o", "-"];
    let text = run(smtrace(), true, &letters, &["cat", "/etc/hostname"]).out;
    let calls: Vec<&str> = text.lines().filter_map(|line| line.split_once('(').map(|(name, _)| name)).collect();
    assert!(calls.starts_with(&["openat", "read"]) && calls.last() == Some(&"close"), "{text}");
    assert!(!text.contains("libc"), "{text}");
    // strace 6.1 has no --trace-fds to compare with.
    let by_fd = |fds: &str| {
        let letters = ["--trace-fds", fds, "-e", "trace=read,write,close,openat", "-o", "-"];
        run(smtrace(), true, &letters, &["cat", "/etc/hostname"]).out
    };
    let (only, others) = (by_fd("1"), by_fd("!1"));
    assert!(only.contains("write(1, ") && only.contains("close(1)") && !only.contains("read("), "{only}");
    assert!(others.contains("read(3, ") && !others.contains("write(1, ") && !others.contains("close(1)"), "{others}");
}
