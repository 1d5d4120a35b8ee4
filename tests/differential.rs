//! Against someone else's truth: the calls and results of real commands, as strace tells them and as smtrace does.
//!
//! Pids differ from run to run, and processes run side by side. So a process is named by its descent: the root is `0`,
//! the second child of its first child `0.1.2`, in the order in which a parent made them. Results that are pids are
//! replaced by these names; then each process's sequence of (call, result) must be equal.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Outcome, Scratch, Tracing, finish, in_path, skip};

/// Calls that make a process; their results name it.
const BIRTHS: &str = "fork,vfork,clone,clone3";

/// One returned call.
struct Call {
    tid: i32,
    name: String,
    /// None where it did not return.
    result: Option<i64>,
}

/// Reads what `strace -f -o FILE` wrote. An interrupted call is `... <unfinished ...>`, and later `<... NAME resumed>`.
fn strace_calls(text: &str) -> Vec<Call> {
    let mut open: HashMap<i32, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((tid, rest)) = line.split_once(char::is_whitespace) else { continue };
        let (Ok(tid), rest) = (tid.parse(), rest.trim_start()) else { continue };
        if rest.starts_with(['+', '-']) {
            // The end of a process, a signal.
            continue;
        }
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            open.insert(tid, start.split('(').next().unwrap_or("").to_owned());
            continue;
        }
        let name = match rest.strip_prefix("<... ") {
            Some(rest) => {
                open.remove(&tid);
                rest.split(' ').next().unwrap_or("").to_owned()
            }
            None => rest.split('(').next().unwrap_or("").to_owned(),
        };
        // The last " = ": arguments may hold others.
        let result = rest.rsplit_once(" = ").map_or("?", |(_, result)| result);
        if result.starts_with("? ERESTART") {
            // A signal came first: the kernel makes the call again, or something else of it.
            continue;
        }
        calls.push(Call { tid, name, result: strace_result(result) });
    }
    let never = open.into_iter().map(|(tid, name)| Call { tid, name, result: None });
    calls.extend(never);
    calls
}

/// `3`, `0x5`, `-1 ENOENT (No such file or directory)`, `?`.
fn strace_result(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let number = words.next()?;
    if number == "-1" {
        return Some(-errno_number(words.next()?)?);
    }
    match number.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => number.parse().ok(),
    }
}

fn errno_number(name: &str) -> Option<i64> {
    let number = match name {
        "EPERM" => libc::EPERM,
        "ENOENT" => libc::ENOENT,
        "EINTR" => libc::EINTR,
        "EBADF" => libc::EBADF,
        "ECHILD" => libc::ECHILD,
        "EAGAIN" => libc::EAGAIN,
        "EACCES" => libc::EACCES,
        "EEXIST" => libc::EEXIST,
        "ENOTDIR" => libc::ENOTDIR,
        "EISDIR" => libc::EISDIR,
        "EINVAL" => libc::EINVAL,
        "ENOTTY" => libc::ENOTTY,
        "ESPIPE" => libc::ESPIPE,
        "EPIPE" => libc::EPIPE,
        "ENODATA" => libc::ENODATA,
        "ENOSYS" => libc::ENOSYS,
        "EOPNOTSUPP" => libc::EOPNOTSUPP,
        "ELOOP" => libc::ELOOP,
        "ENXIO" => libc::ENXIO,
        "ENOEXEC" => libc::ENOEXEC,
        "ERANGE" => libc::ERANGE,
        other => panic!("errno {other} is not in the test's table"),
    };
    Some(i64::from(number))
}

fn smtrace_calls(log: &str) -> Vec<Call> {
    let restarted = |result: Option<i64>| result.is_some_and(|result| (-530..=-512).contains(&result));
    let exits = support::events(log).into_iter().filter(|event| !event.enter && !restarted(event.result));
    exits.map(|event| Call { tid: event.tid, name: event.name, result: event.result }).collect()
}

/// Each process's calls by its name of descent, with the pids in results replaced.
fn by_descent(calls: &[Call]) -> BTreeMap<String, Vec<(String, String)>> {
    let births =
        |call: &&Call| BIRTHS.split(',').any(|name| name == call.name) && call.result.is_some_and(|pid| pid > 0);
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let mut born = std::collections::HashSet::new();
    for call in calls.iter().filter(births) {
        let child = i32::try_from(call.result.unwrap()).unwrap();
        children.entry(call.tid).or_default().push(child);
        born.insert(child);
    }
    let root = calls.iter().map(|call| call.tid).find(|tid| !born.contains(tid)).expect("a first process");
    let mut names = HashMap::from([(root, "0".to_owned())]);
    let mut todo = vec![root];
    while let Some(parent) = todo.pop() {
        for (at, child) in children.get(&parent).into_iter().flatten().enumerate() {
            let name = format!("{}.{}", names[&parent], at + 1);
            names.insert(*child, name);
            todo.push(*child);
        }
    }
    let mut found: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for call in calls {
        let pid = call.result.and_then(|result| i32::try_from(result).ok()).filter(|_| births(&call));
        let result = match (pid, call.result) {
            (Some(pid), _) => names[&pid].clone(),
            (None, Some(result)) => result.to_string(),
            (None, None) => "?".to_owned(),
        };
        let name = names.get(&call.tid).cloned().unwrap_or_else(|| panic!("thread {} has no parent", call.tid));
        found.entry(name).or_default().push((call.name.clone(), result));
    }
    found
}

/// Runs `program` under both and compares the calls of `set`.
fn compare(set: &str, program: &str, words: &[&str]) {
    let (Some(strace), Some(path)) = (in_path("strace"), in_path(program)) else {
        skip(program, "strace or the program is not in PATH");
        return;
    };
    let scratch = Scratch::new();
    let set = format!("{set},{BIRTHS}");
    let prepare = |mut command: Command| {
        command.env("LC_ALL", "C").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    };
    // Once without anybody watching: caches are filled.
    let mut command = Command::new(&path);
    command.args(words);
    let native = finish(prepare(command));
    let truth = scratch.path("strace");
    let mut command = Command::new(strace);
    // Signals are no calls. Every call of the set must be one that strace knows.
    command.args(["-f", "--seccomp-bpf", "-e", "signal=none", "-e"]).arg(format!("trace={set}"));
    command.arg("-o").arg(&truth).arg(&path).args(words);
    let theirs = finish(prepare(command));
    // Not the output: what `ls -l /` prints changes with everything else on the machine.
    let status = |outcome: &Outcome| (outcome.code, outcome.signal);
    assert_eq!(status(&native), status(&theirs), "strace does not run here as it should: {}", theirs.err);
    let log = scratch.path("log");
    let ours = finish(prepare(Tracing::of(&set).option("-q").command(&log, &path, words)));
    assert_eq!(status(&native), status(&ours), "{}", ours.err);
    let theirs = by_descent(&strace_calls(&fs::read_to_string(&truth).unwrap()));
    let ours = by_descent(&smtrace_calls(&fs::read_to_string(&log).unwrap()));
    assert!(theirs.values().map(Vec::len).sum::<usize>() > 10, "the truth must not be empty");
    assert_eq!(theirs.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>(), "other processes");
    for (process, theirs) in &theirs {
        let ours = &ours[process];
        let differs = theirs.iter().zip(ours).position(|(a, b)| a != b);
        let at = differs.unwrap_or(theirs.len().min(ours.len()));
        let around = |calls: &[(String, String)]| {
            format!("{:?}", &calls[at.saturating_sub(3).min(calls.len())..(at + 3).min(calls.len())])
        };
        let same = differs.is_none() && theirs.len() == ours.len();
        assert!(
            same,
            "{program}, process {process}, call {at} of {} and {}:\nstrace  {}\nsmtrace {}",
            theirs.len(),
            ours.len(),
            around(theirs),
            around(ours)
        );
    }
}

/// What a program does to files, without what depends on time (pipes, waits) or is an address.
const FILES: &str = "%file,close,dup,dup2,dup3,fcntl,lseek,exit_group";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn ls() {
    compare(&format!("{FILES},read,write,getdents64,ioctl,prlimit64"), "ls", &["-l", "/usr"]);
    compare(FILES, "ls", &["-l", "/"]);
}

#[test]
fn git() {
    compare(&format!("{FILES},read,write"), "git", &["--version"]);
}

#[test]
fn python() {
    // The program itself: a shim would look for one first.
    let python = ["/usr/bin/python3"].iter().map(PathBuf::from).find(|path| path.exists());
    let program = python.as_deref().map_or("python3", text);
    compare(&format!("{FILES},read,write,rt_sigaction,getuid,geteuid"), program, &["-c", "print(1)"]);
}

#[test]
fn a_shell_script_with_pipes() {
    let scratch = Scratch::new();
    let script = scratch.path("script.sh");
    let lines = "set -e\nx=$(echo one | tr a-z A-Z)\necho \"$x\" | cat | sed s/ONE/two/\nfor i in 1 2 3; do (exit $i) || echo $i; done\ncd /usr && pwd && test -d /nonexistent || echo none\nls /usr | sort | head -n 1 >/dev/null\n";
    fs::write(&script, lines).unwrap();
    compare("%file,close,dup2,fcntl,pipe,pipe2,exit_group", "sh", &[text(&script)]);
    compare("%file,dup2,pipe,pipe2,exit_group", "bash", &[text(&script)]);
}

#[test]
fn gcc_compiles_a_file() {
    let scratch = Scratch::new();
    let (source, object) = (scratch.path("tiny.c"), scratch.path("tiny.o"));
    fs::write(&source, "#include <stddef.h>\nint twice(int x) { return 2 * x; }\n").unwrap();
    compare("%file,close,dup2,read,exit_group", "gcc", &["-c", text(&source), "-o", text(&object)]);
}

#[test]
fn the_readers_themselves() {
    let text = "10 openat(AT_FDCWD, \"a = b\", O_RDONLY) = -1 ENOENT (No such file or directory)\n\
                10 vfork( <unfinished ...>\n11 close(3) = 0\n11 execve(\"/x\", [\"x\"], 0x7ffc /* 9 vars */ <unfinished ...>\n\
                10 <... vfork resumed>)              = 11\n11 <... execve resumed>) = 0\n--- SIGCHLD ---\n\
                11 read(3, \"\", 4) = ? ERESTARTSYS (To be restarted)\n11 exit_group(0) = ?\n11 +++ exited with 0 +++\n";
    let pair = |name: &str, result: &str| (name.to_owned(), result.to_owned());
    let found = by_descent(&strace_calls(text));
    assert_eq!(found["0"], [pair("openat", "-2"), pair("vfork", "0.1")]);
    assert_eq!(found["0.1"], [pair("close", "0"), pair("execve", "0"), pair("exit_group", "?")]);
}
