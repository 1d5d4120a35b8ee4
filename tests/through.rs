//! i386's socketcall(2) and ipc(2): a program that uses sockets and System V IPC by them alone is shown, chosen, counted and
//! replayed by the calls that they stand for.

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use support::{Scratch, finish, in_path, skip, smtrace};

/// The program, and where the logs of its runs lie.
struct Program {
    folder: Scratch,
    path: PathBuf,
}

impl Program {
    /// Builds it; says why a test is left out where it cannot run.
    fn build(test: &str) -> Option<Program> {
        let folder = Scratch::new();
        let path = folder.path("calls");
        let mut gcc = Command::new("gcc");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/through/calls.c");
        gcc.args(["-w", "-O1", "-m32", "-D_GNU_SOURCE", "-o"]).arg(&path).arg(source);
        if finish(gcc).code != Some(0) {
            skip(test, "gcc cannot build for i386");
            return None;
        }
        let program = Program { folder, path };
        let mut native = Command::new(&program.path);
        native.arg(program.name("native"));
        match finish(native).code {
            Some(0) => Some(program),
            code => {
                skip(test, &format!("this kernel does not run it: {code:?}"));
                None
            }
        }
    }

    /// An abstract socket of this run.
    fn name(&self, run: &str) -> String {
        let folder = self.folder.path("").components().next_back().unwrap().as_os_str().to_owned();
        format!("{}-{run}", folder.display())
    }

    /// What `tracer` writes about a run.
    fn log(&self, tracer: &std::path::Path, letters: &[&str]) -> String {
        let log = self.folder.path("log");
        let mut command = Command::new(tracer);
        command.args(letters).arg("-o").arg(&log).arg("--").arg(&self.path).arg(self.name("traced"));
        let outcome = finish(command);
        assert_eq!(outcome.code, Some(0), "{letters:?}: {}", outcome.err);
        fs::read_to_string(log).unwrap()
    }

    /// The events of a run by name, as JSON.
    fn events(&self, letters: &[&str]) -> Vec<Value> {
        let log = self.log(smtrace(), &[&["--format", "json", "--dir", "exit"], letters].concat());
        let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.filter(|event| event["type"] == "syscall").collect()
    }
}

/// How many events there are of each name; those that came through a multiplexer.
fn names(events: &[Value]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for event in events {
        *names.entry(event["name"].as_str().unwrap()).or_default() += 1;
    }
    names
}

/// What differs from run to run: addresses, and the identifiers of what the kernel made.
fn normal(log: &str) -> Vec<String> {
    let address = Regex::new(r"0x[0-9a-f]{6,}").unwrap();
    // On a machine that made none yet they begin with 0.
    let id = Regex::new(r"^((?:sem|msg|shm)(?:get\(.* = |\w+\())\d+").unwrap();
    // The column of the result depends on the width of these.
    let spaces = Regex::new(" += ").unwrap();
    // strace shows that the fourth lies in memory, and to a call that nobody knows no kinds.
    let is_meant = |line: &&str| !line.starts_with("semctl(") && !line.starts_with("ipc(");
    let lines = log.lines().filter(is_meant).map(|line| address.replace_all(line, "ADDRESS").into_owned());
    lines.map(|line| spaces.replace(&id.replace(&line, "${1}ID"), " = ").into_owned()).collect()
}

#[test]
fn a_call_is_shown_as_strace_shows_it() {
    let test = "a_call_is_shown_as_strace_shows_it";
    let (Some(program), Some(strace)) = (Program::build(test), in_path("strace")) else { return };
    let chosen = "%network,%ipc,socketcall,set_thread_area";
    let theirs = normal(&program.log(&strace, &["-qq", "-e", &format!("trace={chosen}")]));
    let ours = normal(&program.log(smtrace(), &["--format", "strace", "-qq", "-e", chosen]));
    assert!(theirs.len() > 35, "{theirs:?}");
    assert_eq!(theirs, ours);
}

#[test]
fn a_call_is_chosen_by_its_own_name_whatever_it_goes_through() {
    let Some(program) = Program::build("a_call_is_chosen_by_its_own_name") else { return };
    for letters in [&[][..], &["--seccomp", "off"]] {
        let of = |expression: &str| program.events(&[&["-e", expression], letters].concat());
        let connects = of("connect");
        // The second is the one whose words cannot be read: that it is a connect is known all the same.
        assert_eq!(names(&connects), [("connect", 1), ("socketcall", 1)].into(), "{letters:?}");
        assert_eq!((&connects[0]["nr"], &connects[0]["via"]), (&102.into(), &"socketcall".into()));
        assert_eq!(connects[0]["args"][1]["value"]["sun_path"]["abstract"], program.name("traced"));
        assert_eq!((&connects[1]["nr"], connects[1].get("via")), (&102.into(), None));
        assert_eq!(names(&of("send,recv,msgrcv")), [("msgrcv", 2), ("recv", 1), ("send", 1)].into());
        let all = of("socketcall");
        assert_eq!((names(&all).len(), names(&all)["socketcall"], all.len()), (21, 2, 23));
        let without = of("socketcall,!connect");
        assert_eq!((names(&without).get("connect"), without.len()), (None, all.len() - 1));
        assert_eq!(names(&of("%ipc")).len(), 12 + 1);
        assert_eq!(names(&of("/^sem/")), [("semctl", 3), ("semget", 1), ("semop", 1), ("semtimedop", 1)].into());
        assert!(of("shmat")[0]["result"].as_u64().unwrap() > 4096);
    }
}

#[test]
fn a_capture_gives_the_same_and_counts_by_name() {
    let Some(program) = Program::build("a_capture_gives_the_same") else { return };
    let capture = program.folder.path("capture");
    let capture = capture.to_str().unwrap();
    let live = program.log(smtrace(), &["--format", "json", "-e", "socketcall,ipc", "-w", capture]);
    let replay = |words: &[&str]| {
        let mut command = Command::new(smtrace());
        command.arg("replay").args(words).arg(capture);
        let outcome = finish(command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
        // Events go to stderr, what --info says to stdout.
        outcome.out + &outcome.err
    };
    assert_eq!(replay(&["--format", "json"]), live);
    assert!(live.contains("\"via\":\"ipc\""), "{live}");
    let connects = replay(&["--format", "module", "-e", "connect"]);
    assert_eq!(connects.lines().count(), 4, "{connects}");
    let info: Value = serde_json::from_str(&replay(&["--info"])).unwrap();
    let calls = info["calls"].as_array().unwrap();
    let count = |name: &str| calls.iter().find(|call| call["name"] == name).unwrap()["exits"].clone();
    assert_eq!(["connect", "accept", "msgsnd", "socketcall"].map(count), [1, 1, 2, 2].map(Value::from));
    let table = program.log(smtrace(), &["-c", "-e", "socketcall,ipc"]);
    assert!(["recvmmsg", "shmdt", "semtimedop"].iter().all(|name| table.contains(name)), "{table}");
}

#[test]
fn what_a_descriptor_is_and_how_rules_know_the_call() {
    let Some(program) = Program::build("what_a_descriptor_is") else { return };
    let lines = program.log(smtrace(), &["--format", "strace", "-qq", "-y", "-e", "listen,send"]);
    let descriptors = Regex::new(r"(?m)^(listen|send)\(\d<socket:\[\d+\]>, ").unwrap();
    assert_eq!(descriptors.find_iter(&lines).count(), 2, "{lines}");
    let rules = program.folder.path("rules.yaml");
    let text = "- rule: peer\n  desc: a peer\n  condition: evt.type = connect and evt.dir = < and evt.rawres >= 0\n  \
                output: to %fd.name as %evt.type\n  priority: INFO\n";
    fs::write(&rules, text).unwrap();
    let mut command = Command::new(smtrace());
    let log = program.folder.path("alerts");
    command.arg("--rules").args([&rules]).arg("-o").arg(&log).arg("--").arg(&program.path).arg(program.name("rules"));
    let outcome = finish(command);
    let alerts = fs::read_to_string(&log).unwrap_or_default();
    assert!(alerts.contains("as connect") && alerts.contains(&program.name("rules")), "{alerts} {outcome:?}");
}
