//! What goes through an io_uring: it is in no system call but in memory that the program and the kernel share.

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use std::path::PathBuf;
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use support::{Scratch, finish, in_path, skip, smtrace};

/// IORING_SETUP_*, as the guest takes them.
const PLAIN: &str = "0";
const SQPOLL: &str = "2";
const NO_MMAP: &str = "16384";
const NO_SQARRAY: &str = "65536";

/// The guest, and whether the kernel gives it a ring; `None`, with a word, when one of them is missing.
fn build(folder: &Scratch, how: &str) -> Option<PathBuf> {
    let program = folder.path("ring");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/uring/ring.c");
    let built = Command::new("gcc").args(["-w", "-O1", "-o"]).arg(&program).arg(source).output();
    let Ok(built) = built else {
        skip("io_uring", "no gcc");
        return None;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut native = Command::new(&program);
    native.arg(how).current_dir(folder.path(""));
    let outcome = finish(native);
    std::fs::remove_dir_all(folder.path("made")).ok();
    if outcome.code == Some(2) {
        skip("io_uring", "this kernel gives no such ring (kernel.io_uring_disabled, or it is older)");
        return None;
    }
    assert_eq!(outcome.code, Some(0), "the guest by itself: {outcome:?}");
    Some(program)
}

/// What `tracer` writes of io_uring_enter, with the guest's addresses and descriptors named.
fn traced(folder: &Scratch, letters: &[&str], how: &str) -> Option<Vec<String>> {
    let program = build(folder, how)?;
    let mut command = Command::new(smtrace());
    command.args(letters).args(["-e", "io_uring_enter", "-o", "/dev/stdout", "--"]).arg(program).arg(how);
    command.current_dir(folder.path(""));
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    Some(outcome.out.lines().filter(|line| line.contains("io_uring_enter")).map(str::to_owned).collect())
}

/// What is submitted, call by call.
const SUBMITTED: [&str; 6] = [
    r#"[{opcode=IORING_OP_MKDIRAT, args={dfd=AT_FDCWD, pathname="made", mode=0755}, user_data=0x100}]"#,
    concat!(
        r#"[{opcode=IORING_OP_OPENAT, args={dfd=AT_FDCWD, filename="made/new", flags=O_WRONLY|O_CREAT|O_CLOEXEC, mode=0640}, "#,
        r#"user_data=0x100}, {opcode=IORING_OP_OPENAT, flags=IOSQE_ASYNC, args={dfd=AT_FDCWD, filename="nonesuch", "#,
        r#"flags=O_RDONLY}, user_data=0x101}]"#
    ),
    r#"[{opcode=IORING_OP_WRITE, args={fd=FD, buf="content", count=7, pos=0}, user_data=0x100}]"#,
    concat!(
        r#"[{opcode=IORING_OP_RENAMEAT, args={olddfd=FD, oldname="new", newdfd=AT_FDCWD, newname="moved", flags=0}, "#,
        r#"user_data=0x100}]"#
    ),
    r#"[{opcode=IORING_OP_UNLINKAT, args={dfd=AT_FDCWD, pathname="moved", flag=0}, user_data=0x100}]"#,
    concat!(
        r#"[{opcode=IORING_OP_CONNECT, args={fd=FD, uservaddr={sa_family=AF_INET, sin_port=htons(9), "#,
        r#"sin_addr=inet_addr("127.0.0.1")}, addrlen=16}, user_data=0x100}]"#
    ),
];

#[test]
fn each_submission_is_shown_as_the_call_that_it_stands_for() {
    let fds = Regex::new(r"(fd|olddfd)=\d+").unwrap();
    // With SQPOLL what can be seen is a race with the kernel's thread.
    for how in [PLAIN, NO_SQARRAY] {
        let folder = Scratch::new();
        let Some(lines) = traced(&folder, &["--format", "strace"], how) else { continue };
        assert_eq!(lines.len(), SUBMITTED.len(), "{lines:#?}");
        for (line, want) in lines.iter().zip(SUBMITTED) {
            let line = fds.replace_all(line, "$1=FD");
            let told = line.split_once(" (submitted ").map(|(_, told)| told);
            assert!(told.is_some_and(|told| told.starts_with(want)), "{how}: {want}\n{line}");
        }
        let back = &lines[1];
        let came = back.split_once("completed ").map_or("", |(_, came)| came);
        assert!(came.contains("user_data=0x101, res=-2"), "no such file: {back}");
    }
}

#[test]
fn strace_shows_the_same_call() {
    let Some(strace) = in_path("strace") else { return skip("io_uring", "no strace") };
    let folder = Scratch::new();
    let Some(ours) = traced(&folder, &["--format", "strace"], PLAIN) else { return };
    std::fs::remove_dir_all(folder.path("made")).unwrap();
    let mut command = Command::new(strace);
    command.args(["-e", "trace=io_uring_enter", "-o", "/dev/stdout", "--"]).arg(folder.path("ring")).arg(PLAIN);
    command.current_dir(folder.path(""));
    let theirs = finish(command).out;
    let theirs: Vec<&str> = theirs.lines().filter(|line| line.contains("io_uring_enter")).collect();
    let ours: Vec<&str> = ours.iter().map(|line| line.split(" (submitted").next().unwrap()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn what_a_ring_is_told_is_shown_as_strace_shows_it() {
    let Some(strace) = in_path("strace") else { return skip("io_uring", "no strace") };
    let folder = Scratch::new();
    let Some(program) = build(&folder, PLAIN) else { return };
    let lines = |tracer: &std::path::Path, letters: &[&str]| {
        let mut command = Command::new(tracer);
        command.args(letters).args(["-a", "1", "-e", "trace=io_uring_register", "-o", "/dev/stdout", "--"]);
        command.arg(&program).args([PLAIN, "register"]);
        let text = finish(command).out;
        // The last operation that the kernel knows is newer than strace.
        let last = Regex::new("last_op=[^,]*").unwrap();
        let address = Regex::new("0x7ff[0-9a-f]+").unwrap();
        let text = address.replace_all(&text, "ADDRESS").into_owned();
        last.replace_all(&text, "last_op=N").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let theirs = lines(&strace, &[]);
    assert_eq!(theirs.len(), 9, "{theirs:#?}");
    assert_eq!(lines(smtrace(), &["--format", "strace"]), theirs);
}

#[test]
fn submissions_are_typed_values() {
    let folder = Scratch::new();
    let Some(lines) = traced(&folder, &["--format", "json", "--dir", "exit"], PLAIN) else { return };
    let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let schema: Value = serde_json::from_str(include_str!("../docs/event.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for event in &events {
        let errors: Vec<String> = validator.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{event}\n{errors:#?}");
    }
    let value = |event: &Value, name: &str| {
        let args = event["args"].as_array().unwrap();
        args.iter().find(|arg| arg["name"] == name).map_or(Value::Null, |arg| arg["value"].clone())
    };
    let connect = &value(&events[5], "submitted")[0];
    assert_eq!(connect["opcode"]["name"], "IORING_OP_CONNECT");
    assert_eq!(connect["args"]["uservaddr"]["sin_addr"], "127.0.0.1", "{connect}");
    assert_eq!(value(&events[1], "completed")[0]["user_data"], "0x100");
}

#[test]
fn what_is_not_looked_at_is_said() {
    let folder = Scratch::new();
    let Some(lines) = traced(&folder, &["--format", "json", "--dir", "exit"], "many") else { return };
    let event: Value = serde_json::from_str(&lines[0]).unwrap();
    let submitted = &event["args"][6];
    assert_eq!((&submitted["name"], &submitted["cut"]), (&"submitted".into(), &true.into()), "{submitted}");
    let told = submitted["value"].as_array().unwrap().iter().filter(|one| one["opcode"].is_object()).count();
    assert_eq!(told, 64, "{submitted}");
    let folder = Scratch::new();
    let Some(lines) = traced(&folder, &["--format", "strace"], NO_MMAP) else { return };
    assert!(lines.iter().all(|line| line.contains("(submitted not seen, completed [")), "{lines:#?}");
}

/// The facts of an audit of the guest.
fn audited(folder: &Scratch, how: &str) -> Option<Value> {
    let program = build(folder, how)?;
    let mut command = Command::new(smtrace());
    command.arg("audit").arg("--report").arg(folder.path("report")).arg("--").arg(program).arg(how);
    command.current_dir(folder.path(""));
    support::outside_ci(&mut command);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path("report/audit.json")).unwrap()).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../docs/audit.schema.json")).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&facts).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    Some(facts)
}

fn unseen(facts: &Value) -> Vec<&str> {
    let told = facts["coverage"]["out_of_sight"].as_array().unwrap();
    told.iter().filter_map(Value::as_str).filter(|line| line.starts_with("operations of io_uring")).collect()
}

#[test]
fn an_audit_tells_what_was_asked_of_a_ring() {
    let folder = Scratch::new();
    let Some(facts) = audited(&folder, PLAIN) else { return };
    let of = |list: &str, key: &str, end: &str| {
        let found =
            facts[list].as_array().unwrap().iter().find(|one| one[key].as_str().is_some_and(|is| is.ends_with(end)));
        found.cloned().unwrap_or_else(|| panic!("no {end} in {list}: {}", facts[list]))
    };
    assert!(of("files", "path", "/made")["uses"]["created"].is_object());
    let new = of("files", "path", "/made/new");
    assert!(new["uses"]["written"].is_object() && new["uses"]["renamed"].is_object(), "{new}");
    assert!(new["names"].to_string().contains("/moved"), "{new}");
    let moved = of("files", "path", "/moved");
    assert!(moved["uses"]["created"].is_object() && moved["uses"]["deleted"].is_object(), "{moved}");
    let missing = of("failures", "path", "/nonesuch");
    assert_eq!((&missing["error"], &missing["call"]), (&"ENOENT".into(), &"openat".into()));
    let peer = of("peers", "address", "127.0.0.1");
    assert_eq!((&peer["port"], &peer["uses"]["connect"]["count"]), (&9.into(), &1.into()), "{peer}");
    assert!(of("acts", "detail", "connect 127.0.0.1:9")["error"].is_string(), "nobody listens");
    assert_eq!(unseen(&facts).len(), 1, "{:?}", unseen(&facts));
    assert!(
        unseen(&facts)[0].contains("6 calls of io_uring_enter were seen as they were asked"),
        "{:?}",
        unseen(&facts)
    );
}

#[test]
fn an_audit_says_which_rings_it_could_not_look_at() {
    for (how, words) in [(SQPOLL, "IORING_SETUP_SQPOLL"), (NO_MMAP, "6 calls of io_uring_enter could not be looked at")]
    {
        let folder = Scratch::new();
        let Some(facts) = audited(&folder, how) else { continue };
        assert!(unseen(&facts).iter().any(|line| line.contains(words)), "{how}: {:?}", unseen(&facts));
    }
    let folder = Scratch::new();
    let Some(facts) = audited(&folder, "many") else { return };
    assert!(unseen(&facts).iter().any(|line| line.contains("only the first were seen")), "{:?}", unseen(&facts));
}
