//! Every kind of ptrace stop on real processes: the guest sees what it sees without a tracer, and the log is complete.
//!
//! One test per entry of the catalogue of what breaks ptrace tracers. Each compares the guest's status and output with its
//! native run and checks that each thread's exits follow their own enters.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use support::{Scratch, Tracing};

#[test]
fn children_of_fork() {
    let traced = Tracing::of("getppid").compare(&["fork", "20"]);
    traced.assert_count("getppid", 60);
    assert_eq!(traced.tids("getppid"), 20);
}

#[test]
fn five_hundred_short_processes() {
    let traced = Tracing::of("getppid").compare(&["fork", "500"]);
    traced.assert_count("getppid", 1500);
}

#[test]
fn children_of_vfork() {
    let traced = Tracing::of("getppid").compare(&["vfork"]);
    traced.assert_count("getppid", 5);
}

#[test]
fn children_of_posix_spawn() {
    let traced = Tracing::of("getppid").compare(&["posix-spawn"]);
    traced.assert_count("getppid", 6);
    assert_eq!(traced.tids("getppid"), 3);
}

#[test]
fn threads_are_followed_and_kept_apart() {
    let traced = Tracing::of("getppid").compare(&["threads", "12", "100"]);
    traced.assert_count("getppid", 1200);
    assert_eq!(traced.tids("getppid"), 12);
    let pids: std::collections::BTreeSet<i32> = traced.events.iter().map(|event| event.pid).collect();
    assert_eq!(pids.len(), 1, "threads have the pid of their process");
}

#[test]
fn clone_vm_without_clone_thread() {
    let traced = Tracing::of("getppid").compare(&["clone-vm"]);
    traced.assert_count("getppid", 6);
    assert!(traced.events.iter().all(|event| event.pid == event.tid), "they are processes: {}", traced.tail());
}

#[test]
fn clone_parent() {
    Tracing::of("getppid").compare(&["clone-parent"]).assert_count("getppid", 1);
}

#[test]
fn clone3() {
    Tracing::of("getppid").compare(&["clone3"]).assert_count("getppid", 4);
}

#[test]
fn clone_untraced_does_not_escape() {
    let traced = Tracing::json("getppid,openat").compare(&["untraced"]);
    assert_eq!(traced.enters("getppid"), 2);
    for mark in ["untraced-clone", "from-clone3"] {
        assert!(traced.log.contains(mark), "{mark} in\n{}", traced.tail());
    }
}

#[test]
fn a_helper_that_shares_the_memory_can_stop_the_world() {
    for words in [["inner-tracer"], ["inner-tracer-ends"]] {
        Tracing::of("getppid").compare(&words).assert_count("getppid", 4);
        Tracing::of("getppid,ptrace,wait4,read").option("--seccomp=off").compare(&words).assert_count("getppid", 4);
    }
}

#[test]
fn exec_by_a_thread_that_is_not_the_leader() {
    for _ in 0..5 {
        let traced = Tracing::of("getppid").compare(&["exec-thread"]);
        let pid = traced.events.last().unwrap().pid;
        let after = traced.events.iter().rev().take(200).filter(|event| event.tid == pid && event.pid == pid).count();
        assert_eq!(after, 200, "the new program's calls are its leader's");
    }
}

#[test]
fn the_exec_itself_is_in_the_log() {
    let traced = Tracing::of("execve").run(&["exec-thread"]);
    assert_eq!(traced.outcome.code, Some(23));
    // The first program and the one of the thread.
    assert_eq!(traced.enters("execve"), 2, "{}", traced.tail());
    assert!(traced.exits("execve").count() >= 2, "{}", traced.tail());
}

#[test]
fn racing_execs() {
    for _ in 0..5 {
        let traced = Tracing::of("getppid").compare(&["exec-race"]);
        traced.assert_count("getppid", 100);
    }
}

#[test]
fn the_leader_exits_first() {
    for how in ["group", "each"] {
        let traced = Tracing::of("getppid").compare(&["leader-exits", how]);
        traced.assert_count("getppid", 20);
    }
    Tracing::of("getppid").compare(&["leader-exits", "exec"]).assert_count("getppid", 120);
}

#[test]
fn exit_group_with_many_threads() {
    for _ in 0..5 {
        let traced = Tracing::of("getppid").compare(&["exit-threads"]);
        assert!(traced.enters("getppid") >= 50);
    }
}

#[test]
fn killed_threads_end_their_calls() {
    let traced = Tracing::of("getppid").compare(&["kill-threads"]);
    assert_eq!(traced.tids("getppid"), 70);
}

#[test]
fn group_stops_and_continues_as_the_parent_sees_them() {
    Tracing::of("getppid").compare(&["group-stop", "0"]);
    Tracing::of("getppid").compare(&["group-stop", "4"]);
}

#[test]
fn group_stops_while_every_write_is_traced() {
    Tracing::of("getppid,write,pause").compare(&["group-stop", "2"]);
}

#[test]
fn real_time_signals_arrive_with_their_values() {
    let traced = Tracing::of("getppid,rt_sigreturn,rt_sigqueueinfo").compare(&["rt-signals"]);
    assert_eq!(traced.enters("rt_sigqueueinfo"), 93);
    assert!(traced.outcome.out.contains("93 real-time signals"));
}

#[test]
fn delivered_signals_are_events_when_asked_for() {
    let traced = Tracing::of("getppid").option("--probe").run(&["rt-signals"]);
    assert_eq!(traced.outcome.code, Some(0));
    assert_eq!(traced.log.matches("signal_deliver").count(), 93, "{}", traced.tail());
}

#[test]
fn process_events_when_asked_for() {
    let traced = Tracing::of("getppid").option("--probe").run(&["fork", "4"]);
    let count = |name: &str| traced.log.lines().filter(|line| line.contains(name)).count();
    assert_eq!(count("sched_process_fork"), 4, "{}", traced.tail());
    assert_eq!(count("sched_process_exit"), 5, "{}", traced.tail());
    assert!(count("sched_process_exec") >= 1, "{}", traced.tail());
    let without = Tracing::of("getppid").run(&["fork", "4"]);
    assert!(!without.log.contains("sched_process"), "{}", without.tail());
}

#[test]
fn an_interrupted_read_and_a_restarted_one() {
    let traced = Tracing::of("read,getppid").compare(&["interrupted"]);
    assert!(traced.exits("read").any(|event| event.result == Some(1)), "{}", traced.tail());
    // In the log, as at the kernel's tracepoint, an interrupted call returned ERESTARTSYS; the guest's EINTR was compared.
    assert!(traced.exits("read").any(|event| matches!(event.result, Some(-512 | -4))), "{}", traced.tail());
}

#[test]
fn a_stopped_sleep_goes_on() {
    for enabled in ["getppid", "nanosleep,restart_syscall"] {
        let traced = Tracing::of(enabled).compare(&["sleep-restart"]);
        assert!(traced.outcome.out.contains("sleep ended 0"));
    }
}

#[test]
fn odd_call_numbers() {
    for enabled in ["getppid", "all"] {
        let traced = Tracing::of(enabled).compare(&["odd-numbers"]);
        // x32's getppid may be told as well, under its own ABI; it returned ENOSYS.
        let good = traced.exits("getppid").filter(|event| event.result.is_some_and(|result| result > 0)).count();
        assert_eq!(good, 3, "{}", traced.tail());
    }
}

#[test]
fn i386_calls_of_a_64_bit_program() {
    let traced = Tracing::json("getppid,openat").compare(&["int80"]);
    assert_eq!(traced.enters("getppid"), 20);
    let foreign = traced.events.iter().filter(|event| event.name == "getppid" && event.nr == Some(64)).count();
    assert_eq!(foreign, 20, "enter and exit of ten i386 calls:\n{}", traced.tail());
    assert!(traced.log.matches("by-int80").count() >= 10, "the paths of ten i386 calls:\n{}", traced.tail());
}

#[test]
fn bad_pointers() {
    for format in [Tracing::of("openat"), Tracing::json("openat")] {
        let traced = format.compare(&["bad-pointers"]);
        assert!(traced.exits("openat").filter(|event| event.result == Some(-14)).count() >= 6, "{}", traced.tail());
        assert!(traced.exits("openat").any(|event| event.result == Some(-36)), "{}", traced.tail());
    }
}

#[test]
fn paths_and_names_that_would_forge_a_line() {
    for format in ["module", "ebpf", "json"] {
        let tracing = Tracing { format, ..Tracing::of("openat,getppid") };
        let scratch = support::Scratch::new();
        let log = scratch.path("log");
        let outcome = support::finish(tracing.command(&log, &support::guest(), &["odd-paths"]));
        assert_eq!(outcome.code, Some(0));
        let text = String::from_utf8(std::fs::read(&log).unwrap()).expect("UTF-8");
        let odd = text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
        assert_eq!(odd, None, "{format}: {text}");
        let starts = if format == "json" { "{" } else { "[2" };
        for line in support::whole_lines(&text) {
            assert!(line.starts_with(starts), "{format}: {line:?}");
        }
    }
}

#[test]
fn its_own_seccomp_filter() {
    let traced = Tracing::of("getppid,getpgid").compare(&["own-filter"]);
    let refused = traced.exits("getppid").filter(|event| event.result == Some(-38)).count();
    assert_eq!(refused, 3, "TRACE of the program's own gives ENOSYS:\n{}", traced.tail());
}

#[test]
fn its_own_listener_cannot_hide_calls() {
    let traced = Tracing::of("getppid").run(&["listener"]);
    assert_eq!(traced.outcome.code, Some(0), "{:?}", traced.outcome);
    assert!(traced.outcome.out.starts_with("listener"), "{:?}", traced.outcome);
    // One before the filter, three under it; each in the log, whoever answered.
    assert_eq!(traced.enters("getppid"), 4, "{}\n{}", traced.outcome.out, traced.tail());
}

#[test]
fn a_child_cannot_ask_to_be_traced() {
    let traced = Tracing::of("getppid").run(&["traceme"]);
    assert_eq!(traced.outcome.out.trim(), "traceme -1", "one tracer per task: {:?}", traced.outcome);
    assert_eq!(traced.outcome.code, Some(0));
    traced.assert_count("getppid", 1);
}

#[test]
fn user_namespaces() {
    let traced = Tracing::json("getppid,openat").compare(&["user-namespace"]);
    if !traced.skipped("user namespaces") {
        assert_eq!(traced.enters("getppid"), 1);
        assert!(traced.log.contains("in-user-namespace"), "{}", traced.tail());
    }
}

#[test]
fn pid_namespaces_and_their_init() {
    let traced = Tracing::json("getppid,openat").compare(&["pid-namespace"]);
    if !traced.skipped("pid namespaces") {
        assert_eq!(traced.enters("getppid"), 10);
        assert!(traced.log.contains("in-pid-namespace"), "{}", traced.tail());
    }
}

#[test]
fn a_path_in_a_page_that_does_not_answer() {
    let traced = Tracing::json("getppid,openat").compare(&["userfault"]);
    if !traced.skipped("userfaultfd") {
        assert_eq!(traced.enters("getppid"), 10);
    }
}

#[test]
fn a_path_in_a_page_of_a_file_system_that_does_not_answer() {
    let scratch = Scratch::new();
    let traced = Tracing::json("getppid,openat").compare(&["fuse", scratch.path("").to_str().unwrap()]);
    if !traced.skipped("a path in a page of FUSE") {
        traced.assert_count("getppid", 10);
        let fault = traced.exits("openat").find(|event| event.result == Some(-14));
        assert!(fault.is_some_and(|event| event.line.contains("unreadable")), "{}", traced.tail());
    }
}

#[test]
fn a_call_that_never_returns_says_so() {
    let traced = Tracing::of("exit_group").compare(&["exit", "5"]);
    assert_eq!(traced.enters("exit_group"), 1);
    assert_eq!(traced.exits("exit_group").map(|event| event.result).collect::<Vec<_>>(), [None]);
}

#[test]
fn the_same_without_a_seccomp_filter() {
    for words in [
        &["fork", "20"][..],
        &["threads", "4", "50"],
        &["exec-thread"],
        &["rt-signals"],
        &["odd-numbers"],
        &["own-filter"],
    ] {
        let traced = Tracing::of("getppid").option("--seccomp").option("off").compare(words);
        if words[0] == "fork" {
            traced.assert_count("getppid", 60);
        }
    }
}
