//! What `-yy` says of file descriptors: the lines of strace itself, and the same as typed values in JSON.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use regex::Regex;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Scratch, finish, guest, in_path, skip, smtrace};

const CALLS: &str = "trace=socketpair,listen,connect,accept4,sendto,recvfrom,read,write,fchdir,splice";

/// What a guest's run writes with `letters`, without what differs from run to run.
fn written(program: &Path, dir: &Scratch, name: &str, letters: &[&str]) -> String {
    // The same for all, because a call tells how long a path is.
    let (log, work) = (dir.path(name), dir.path("work"));
    fs::create_dir(&work).unwrap();
    let mut command = Command::new(program);
    command.args(letters).args(["-e", CALLS, "-o"]).arg(&log).arg("--").arg(guest()).arg("descriptors").arg(&work);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    fs::remove_dir_all(&work).unwrap();
    fs::read_to_string(&log).unwrap().replace(work.to_str().unwrap(), "/DIR")
}

/// Numbers that the kernel gives out, replaced by their order of appearance.
fn normal(text: &str) -> Vec<String> {
    // The guest's own is the only one that can be short.
    let own = Regex::new(r"(ROUTE:|pid:)[0-9]+").unwrap().replace_all(text, "${1}PID");
    let numbers = Regex::new(r"\b(?:[0-9]{4,}|0x[0-9a-f]{5,})\b").unwrap();
    let mut seen: Vec<String> = Vec::new();
    let named = numbers.replace_all(&own, |found: &regex::Captures<'_>| {
        let number = found[0].to_owned();
        let at = seen.iter().position(|old| *old == number).unwrap_or_else(|| {
            seen.push(number);
            seen.len() - 1
        });
        format!("N{at}")
    });
    // The column of the result depends on the width of these.
    let spaces = Regex::new(" += ").unwrap();
    let lines = named.lines().map(|line| spaces.replace_all(line, " = ").into_owned());
    // What the loader opens is not of interest.
    lines.skip_while(|line| !line.starts_with("listen(")).collect()
}

/// The lines of strace with `letter`, and ours.
///
/// Again where they differ: a port can have the number of another or of a socket, by chance, and then the names do.
fn both(strace: &Path, letter: &str) -> (Vec<String>, Vec<String>) {
    let once = || {
        let dir = Scratch::new();
        let theirs = normal(&written(strace, &dir, "theirs", &[letter]));
        (theirs, normal(&written(smtrace(), &dir, "ours", &["--format", "strace", letter])))
    };
    (0..2).map(|_| once()).find(|(theirs, ours)| theirs == ours).unwrap_or_else(once)
}

#[test]
fn descriptors_are_said_as_strace_says_them() {
    let Some(strace) = in_path("strace") else { return skip("what -yy says", "no strace") };
    let (theirs, ours) = both(&strace, "-yy");
    assert!(theirs.len() > 30, "the truth must not be empty: {theirs:#?}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    let text = ours.join("\n");
    for what in
        ["<TCP:[127.0.0.1:N", "->127.0.0.1:N", "<TCPv6:[[::1]:N", "<UDP:[127.0.0.1", "<UNIX-STREAM:[N", "<char 1:3>>"]
    {
        assert!(text.contains(what), "{what}: {text}");
    }
}

#[test]
fn the_words_of_decode_fds_choose_what_is_said() {
    let Some(strace) = in_path("strace") else { return skip("what --decode-fds says", "no strace") };
    for words in ["socket", "dev", "pidfd", "path", "socket,dev"] {
        let (theirs, ours) = both(&strace, &format!("--decode-fds={words}"));
        assert_eq!(ours, theirs, "{words}");
    }
}

#[test]
fn json_has_the_ends_of_sockets_as_values() {
    let dir = Scratch::new();
    let text = written(smtrace(), &dir, "log", &["--format", "json", "-yy"]);
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let values = || events.iter().flat_map(|event| event["args"].as_array().unwrap()).map(|arg| &arg["value"]);
    let sockets: Vec<&Value> = values().map(|value| &value["socket"]).filter(|socket| socket.is_object()).collect();
    let has = |test: &dyn Fn(&Value) -> bool| assert!(sockets.iter().any(|socket| test(socket)), "{sockets:#?}");
    has(&|socket| {
        socket["protocol"] == "TCP" && socket["local"]["port"].is_u64() && socket["peer"]["address"] == "127.0.0.1"
    });
    has(&|socket| socket["protocol"] == "TCPv6" && socket["peer"]["address"] == "::1");
    has(&|socket| socket["protocol"] == "UNIX-STREAM" && socket["local"]["path"] == "/DIR/a \"socket\"");
    has(&|socket| socket["protocol"] == "NETLINK" && socket["local"]["pid"].is_u64());
    assert!(values().any(|value| value["device"]["minor"] == 3 && value["device"]["type"] == "char"));
    assert!(values().any(|value| value["pidfd"].is_u64()));
}
