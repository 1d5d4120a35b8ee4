//! smtrace on a kernel that is not the host's: Debian's user-mode-linux runs it as its first process's child.
//!
//! That kernel is older and lacks things that the host has, so what smtrace falls back to is run for real.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;
use support::{Scratch, in_path, skip, smtrace, wait_until_done};

/// It boots in a second or two; the rest is for a busy machine.
const BOOT: Duration = Duration::from_secs(180);

#[test]
fn a_foreign_kernel() {
    let Some(kernel) = in_path("linux.uml") else {
        skip("a foreign kernel", "linux.uml is not in PATH (Debian: user-mode-linux)");
        return;
    };
    let scratch = Scratch::new();
    let (script, log) = (scratch.path("init.sh"), scratch.path("log"));
    // Its root is the host's file system, read-only: the log goes to the console, like all else.
    let text = format!(
        "#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nmount -t proc proc /proc\necho KERNEL $(uname -r)\n\
         '{0}' -q -o - --format module -e getppid,openat,execve,exit_group -- /bin/sh -c 'echo hi; /bin/true; exit 7'\n\
         echo STATUS $?\n'{0}' doctor\necho DONE\n\
         echo 2 >/proc/sys/kernel/yama/ptrace_scope\n\
         setpriv --bounding-set -sys_ptrace '{0}' -- /bin/echo untraced\necho CAPABLE $?\n'{0}' -q -- /bin/echo traced\n\
         echo 3 >/proc/sys/kernel/yama/ptrace_scope\n'{0}' -- /bin/echo untraced\necho NOBODY $?\necho o >/proc/sysrq-trigger\nsleep 5\n",
        smtrace().display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let out = fs::File::create(&log).unwrap();
    let mut command = Command::new(kernel);
    command
        .args(["mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=fd:0,fd:1"])
        // The console is ours: of its kernel it shows a panic only, no remark in the middle of a line.
        .arg("loglevel=1")
        .arg(format!("init={}", script.display()))
        // Its own files (a socket, a pid) go to the home directory.
        .env("HOME", scratch.path(""))
        .env("TMPDIR", scratch.path(""))
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .process_group(0);
    let mut child = command.spawn().unwrap();
    wait_until_done(&mut child, BOOT);
    let console = String::from_utf8_lossy(&fs::read(&log).unwrap()).replace('\r', "");
    assert!(console.contains("KERNEL "), "the kernel did not start here:\n{console}");
    assert!(console.lines().any(|line| line == "hi"), "{console}");
    assert!(console.contains("STATUS 7"), "the command's own status:\n{console}");
    let (_, rest) = console.split_once("KERNEL ").unwrap();
    let (lines, doctor) = rest.split_once("STATUS 7\n").unwrap();
    let (doctor, yama) = doctor.split_once("DONE\n").expect("doctor ends");
    let events: Vec<_> = lines.lines().filter_map(support::module_event).collect();
    support::assert_paired(&events);
    let execs = events.iter().filter(|event| event.name == "execve" && event.enter).count();
    // The shell, and /bin/true, which a shell runs in a child.
    assert_eq!(execs, 2, "{console}");
    assert_eq!(events.iter().filter(|event| event.name == "exit_group" && event.enter).count(), 2, "{console}");
    assert!(!doctor.trim().is_empty(), "{console}");

    // What Yama forbids is said with its remedy, and the command is not run untraced. The host has no Yama.
    let says = |words: &str| yama.lines().any(|line| line.starts_with("smtrace: ") && line.contains(words));
    assert!(says("kernel.yama.ptrace_scope is 2") && says("run as root") && says("was not run"), "{yama}");
    assert!(says("kernel.yama.ptrace_scope is 3") && says("reboot"), "{yama}");
    assert!(yama.contains("CAPABLE 125") && yama.contains("NOBODY 125"), "{yama}");
    assert!(yama.lines().any(|line| line == "traced") && !yama.lines().any(|line| line == "untraced"), "{yama}");
}
