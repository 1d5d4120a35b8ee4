//! Compares the names of constants and their order with strace's: a program makes calls with each value, none of which
//! is carried out.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use smtrace::model::Abi;
use smtrace::table::{self, sets};

/// A call, its arguments with `?` where the value goes and `x` for a text, and the set that names the value.
const CALLS: &[(&str, &str, &str)] = &[
    ("accept4", "0 0 0 ?", "socket_flags"),
    ("bpf", "?", "bpf_cmd"),
    ("clock_gettime", "?", "clockid"),
    ("close_range", "0 0 ?", "close_range"),
    ("delete_module", "x ?", "delete_module"),
    ("dup3", "0 0 ?", "open_flags"),
    ("epoll_create1", "?", "epoll_create"),
    ("epoll_ctl", "0 ?", "epoll_ctl"),
    ("eventfd2", "0 ?", "eventfd"),
    ("execveat", "0 x 0 0 ?", "execveat"),
    ("faccessat2", "0 x 0 ?", "faccessat2"),
    ("fadvise64", "0 0 0 ?", "fadvise"),
    ("fallocate", "0 ?", "fallocate"),
    ("fanotify_init", "?", "fanotify_init"),
    ("fanotify_mark", "0 ? 0 0 x", "fanotify_mark"),
    ("fanotify_mark", "0 0 ? 0 x", "fanotify_mask"),
    ("fcntl", "0 ?", "fcntl"),
    ("finit_module", "0 x ?", "finit_module"),
    ("flock", "0 ?", "flock"),
    ("fsconfig", "0 ?", "fsconfig"),
    ("fsmount", "0 ?", "fsmount"),
    ("fsmount", "0 0 ?", "mount_attr"),
    ("fsopen", "x ?", "fsopen"),
    ("fspick", "0 x ?", "fspick"),
    ("futex", "0 ?", "futex_op"),
    ("get_mempolicy", "0 0 0 0 ?", "get_mempolicy"),
    ("getitimer", "?", "itimer"),
    ("getpriority", "?", "priority_which"),
    ("getrandom", "0 0 ?", "getrandom"),
    ("getrusage", "?", "rusage_who"),
    ("inotify_add_watch", "0 x ?", "inotify_mask"),
    ("inotify_init1", "?", "inotify_init"),
    ("io_uring_enter", "0 0 0 ?", "io_uring_enter"),
    ("io_uring_register", "0 ?", "io_uring_register"),
    ("ioctl", "0 ?", "ioctl"),
    ("ioprio_get", "?", "ioprio_which"),
    ("kcmp", "0 0 ?", "kcmp"),
    ("kexec_file_load", "0 0 0 0 ?", "kexec_file_load"),
    ("kexec_load", "0 0 0 ?", "kexec_load"),
    ("keyctl", "? 1 1 1 1", "keyctl"),
    ("kill", "1 ?", "signal"),
    ("landlock_add_rule", "0 ?", "landlock_rule"),
    ("landlock_create_ruleset", "0 0 ?", "landlock_create"),
    ("madvise", "0 0 ?", "madvise"),
    ("mbind", "0 0 0 0 0 ?", "mbind"),
    ("membarrier", "?", "membarrier"),
    ("membarrier", "0 ?", "membarrier_cpu"),
    ("memfd_create", "x ?", "memfd_create"),
    ("mlock2", "0 0 ?", "mlock2"),
    ("mlockall", "?", "mlockall"),
    ("mount_setattr", "0 x ?", "mount_setattr"),
    ("mount", "x x x ?", "mount"),
    ("move_mount", "0 x 0 x ?", "move_mount"),
    ("move_pages", "0 0 0 0 0 ?", "move_pages"),
    ("mremap", "0 0 0 ?", "mremap"),
    ("msgctl", "0 ?", "msgctl"),
    ("msgget", "0 ?", "msgget"),
    ("msgrcv", "0 0 0 0 ?", "msgrcv"),
    ("msgsnd", "0 0 0 ?", "msgsnd"),
    ("msync", "0 0 ?", "msync"),
    ("name_to_handle_at", "0 x 0 0 ?", "name_to_handle_at"),
    ("open_by_handle_at", "0 0 ?", "open"),
    ("open_tree", "0 x ?", "open_tree"),
    ("perf_event_open", "0 0 0 0 ?", "perf_event_open"),
    ("personality", "?", "personality"),
    ("pidfd_open", "0 ?", "pidfd_open"),
    ("pipe2", "0 ?", "open_flags"),
    ("pkey_alloc", "0 ?", "pkey_access"),
    ("prctl", "?", "prctl"),
    ("preadv2", "0 0 0 0 0 ?", "rwf"),
    ("prlimit64", "0 ?", "rlimit"),
    ("ptrace", "?", "ptrace"),
    ("reboot", "4276215469 672274793 ?", "reboot"),
    ("recvfrom", "0 0 0 ?", "msg"),
    ("renameat2", "0 x 0 x ?", "rename"),
    ("rt_sigprocmask", "?", "sigprocmask_how"),
    ("sched_get_priority_max", "?", "sched_policy"),
    ("seccomp", "?", "seccomp_op"),
    ("seccomp", "1 ?", "seccomp_filter"),
    ("semctl", "0 0 ?", "semctl"),
    ("semget", "0 0 ?", "semget"),
    ("set_mempolicy", "?", "mpol_mode"),
    ("setns", "0 ?", "setns"),
    ("setsockopt", "0 ?", "socket_level"),
    ("setsockopt", "0 0 ?", "sockopt_ip"),
    ("setsockopt", "0 1 ?", "sockopt_socket"),
    ("setsockopt", "0 6 ?", "sockopt_tcp"),
    ("setsockopt", "0 17 ?", "sockopt_udp"),
    ("setsockopt", "0 41 ?", "sockopt_ipv6"),
    ("setxattr", "x x 0 0 ?", "setxattr"),
    ("shmat", "0 0 ?", "shmat"),
    ("shmctl", "0 ?", "shmctl"),
    ("shmget", "0 0 ?", "shmget"),
    ("shutdown", "0 ?", "shutdown"),
    ("signalfd4", "0 0 0 ?", "signalfd"),
    ("socket", "? 1", "socket_domain"),
    ("socket", "0 ?", "socket_type"),
    ("socket", "2 3 ?", "protocol_inet"),
    ("socket", "16 3 ?", "protocol_netlink"),
    ("splice", "0 0 0 0 0 ?", "splice"),
    ("statx", "0 x ?", "statx"),
    ("statx", "0 x 0 ?", "statx_mask"),
    ("sync_file_range", "0 0 0 ?", "sync_file_range"),
    ("timer_settime", "0 ?", "timer_settime"),
    ("timerfd_create", "0 ?", "timerfd_create"),
    ("timerfd_settime", "0 ?", "timerfd_settime"),
    ("umount2", "x ?", "umount"),
    ("unlinkat", "0 x ?", "unlinkat"),
    ("unshare", "?", "unshare"),
    ("userfaultfd", "?", "userfaultfd"),
    ("utimensat", "0 x 0 ?", "at"),
    ("wait4", "0 0 ?", "wait"),
    ("waitid", "?", "waitid_which"),
];

/// Where strace 6.1 does otherwise on purpose: bits that mean more together since, and a query that is no flags.
const OTHERWISE: [(&str, u64); 2] = [("fanotify_mark", 0x110), ("mount", 0xc0ed_0000)];

/// One question: what strace makes of `value`.
struct Question {
    call: &'static str,
    position: usize,
    set: &'static sets::Set,
    value: u64,
}

/// Each constant of each set; of flags also each with the next, and none.
fn questions() -> (Vec<Question>, String) {
    let (mut questions, mut lines) = (Vec::new(), String::new());
    for (call, arguments, set) in CALLS {
        let set = sets::by_name(set).unwrap_or_else(|| panic!("no set is called {set}"));
        let number = table::by_name(call).unwrap().number(Abi::X86_64).unwrap();
        let position = arguments.split(' ').position(|word| word == "?").unwrap();
        let parts = set.parts.iter().flat_map(|part| part.set.constants(Abi::X86_64).take(50));
        let mut values: BTreeSet<u64> = set.constants(Abi::X86_64).chain(parts).map(|(_, value)| value).collect();
        if set.flags {
            let pairs: Vec<u64> = values.iter().zip(values.iter().skip(1)).map(|(one, next)| one | next).collect();
            values.extend(pairs);
            values.insert(0);
        }
        for value in values.into_iter().map(|value| value & 0xffff_ffff) {
            let otherwise = |(name, bits): &(&str, u64)| *name == set.name && set.flags && value & bits == *bits;
            if OTHERWISE.iter().any(otherwise) {
                continue;
            }
            let arguments = arguments.replace('?', &value.to_string());
            let _ = writeln!(lines, "{number} {arguments}");
            questions.push(Question { call, position, set, value });
        }
    }
    (questions, lines)
}

/// The arguments of a line of strace's output.
fn arguments(line: &str) -> Vec<String> {
    let (mut found, mut depth, mut quoted) = (vec![String::new()], 0, false);
    for c in line.split_once('(').unwrap().1.chars() {
        quoted ^= c == '"';
        match c {
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(c);
    }
    found.iter().map(|argument| argument.trim().to_owned()).collect()
}

/// The names in strace's text and the bits that it leaves as a number.
fn names(text: &str) -> (Vec<&str>, u64) {
    let text = text.split(" /*").next().unwrap();
    let (mut names, mut rest) = (Vec::new(), 0);
    for word in text.split('|') {
        match (word, word.strip_prefix("0x")) {
            ("0" | "", _) => {}
            (_, Some(hex)) => rest |= u64::from_str_radix(hex, 16).unwrap(),
            _ => names.push(word),
        }
    }
    (names, rest)
}

/// Whether ours are strace's: all of them in their order, and besides only names of bits that strace cannot name.
fn agree(question: &Question, text: &str) -> bool {
    let Question { set, value, .. } = question;
    if !set.flags {
        let name = set.name_of(*value, Abi::X86_64);
        // strace makes some names from a number, as in MIXER_READ(1).
        let made = text.contains('(');
        return name == Some(text) || text.contains("_??") || made || text.parse() == Ok(*value);
    }
    let (theirs, rest) = names(text);
    let mut split = set.split(*value, Abi::X86_64);
    let ours: Vec<&str> = split.by_ref().flat_map(|name| name.split('|')).collect();
    let known: Vec<&str> = ours.iter().copied().filter(|name| theirs.contains(name)).collect();
    known == theirs && (known.len() == ours.len() && split.rest() == rest || rest & !split.rest() != 0)
}

/// strace's lines for `calls`, or why there are none.
fn trace(folder: &Path, calls: &str) -> Result<Vec<String>, String> {
    let (program, output) = (folder.join("calls"), folder.join("trace"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sets/calls.c");
    let gcc = Command::new("gcc").args(["-w", "-D_GNU_SOURCE", "-o"]).arg(&program).arg(source).output();
    if !gcc.map_err(|err| format!("gcc: {err}"))?.status.success() {
        return Err("gcc cannot build tests/sets/calls.c".to_owned());
    }
    // The loader makes some calls itself before the program starts; these must be carried out.
    let needed = ["mmap", "mprotect"];
    let names: BTreeSet<&str> = CALLS.iter().map(|(call, ..)| *call).filter(|call| !needed.contains(call)).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let mut strace = Command::new("strace");
    strace.arg("-o").arg(&output).arg("-e").arg(format!("trace={},write", names.join(",")));
    strace.arg("-e").arg(format!("inject={}:error=ENOSYS", names.join(","))).arg(&program);
    let mut child =
        strace.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(|err| format!("strace: {err}"))?;
    child.stdin.take().unwrap().write_all(calls.as_bytes()).map_err(|err| format!("strace: {err}"))?;
    child.wait().unwrap();
    let text = std::fs::read_to_string(&output).map_err(|err| format!("strace: {err}"))?;
    let lines = text.lines().skip_while(|line| !line.contains("\"start\"")).skip(1);
    Ok(lines.filter(|line| line.ends_with("(INJECTED)")).map(str::to_owned).collect())
}

#[test]
fn names_and_their_order_agree_with_strace() {
    let folder = std::env::temp_dir().join(format!("smtrace-sets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (questions, calls) = questions();
    let answers = trace(&folder, &calls);
    let _ = std::fs::remove_dir_all(&folder);
    let answers = match answers {
        Ok(answers) if !answers.is_empty() => answers,
        Ok(_) => return eprintln!("SKIPPED: strace traces nothing here; the names are not compared"),
        Err(why) => return eprintln!("SKIPPED: {why}; the names are not compared"),
    };
    assert_eq!(answers.len(), questions.len(), "strace shows each call");
    let (mut different, mut named) = (Vec::new(), 0);
    for (question, line) in questions.iter().zip(&answers) {
        assert!(line.starts_with(question.call), "{line}");
        let arguments = arguments(line);
        // Two registers can be one argument: the last is then nearer.
        let text = arguments.get(question.position).or(arguments.last()).map_or("", String::as_str);
        if agree(question, text) {
            named += usize::from(!text.contains("_??") && !text.starts_with(|c: char| c.is_ascii_digit()));
        } else {
            let split = question.set.split(question.value, Abi::X86_64).collect::<Vec<_>>();
            different.push(format!("{} {:#x}: {text}, not {split:?}", question.set.name, question.value));
        }
    }
    println!("{} of {} values have strace's names", named, questions.len());
    assert!(different.is_empty(), "\n{}\n", different.join("\n"));
    assert!(named > 3000, "strace named only {named} values");
}
