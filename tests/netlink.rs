//! `--format strace` against strace itself, for the attributes of netlink messages: a program asks rtnetlink with made-up
//! attributes of each type, in several lengths.
//!
//! Lines in which strace has no name for something are passed over: it can be older than the names here. What differs on
//! purpose stands in [`DIFFERENT`].

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::{Scratch, finish_with, in_path, skip, smtrace};

/// Attributes that are shown in another way, and why.
const DIFFERENT: [(&str, &str); 11] = [
    ("IFLA_ADDRESS", "strace cuts it at what the link's type makes of it"),
    ("IFLA_BROADCAST", "strace cuts it at what the link's type makes of it"),
    ("IFLA_PERM_ADDRESS", "strace cuts it at what the link's type makes of it"),
    ("IFLA_EXT_MASK", "strace shows bytes when it is longer than 8, and knows fewer bits"),
    ("FRA_IP_PROTO", "strace takes all bytes for the number"),
    ("NDA_PROTOCOL", "strace takes it for a protocol of IP"),
    ("NDA_FLAGS_EXT", "strace shows bytes when it is longer than 8"),
    ("NDA_NDM_STATE_MASK", "strace shows bytes when it is longer than 8"),
    ("RTA_SPORT", "a port in network order (net/ipv4/route.c), which strace shows as it is"),
    ("INET_DIAG_REQ_PROTOCOL", "a number with bytes behind it, which the kernel passes over; strace shows bytes"),
    ("RTA_DPORT", "a port in network order (net/ipv4/route.c), which strace shows as it is"),
];

/// The lines that `tracer` writes about what `program` sends.
fn lines(tracer: &Path, letters: &[&str], log: &Path, program: &Path) -> Vec<String> {
    let mut command = Command::new(tracer);
    command.args(letters).args(["-e", "trace=sendto", "-o"]).arg(log).arg("--").arg(program);
    let outcome = finish_with(command, b"");
    assert_eq!(outcome.code, Some(0), "{} {outcome:?}", tracer.display());
    let text = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
    text.lines().filter(|line| line.starts_with("sendto(")).map(str::to_owned).collect()
}

#[test]
fn attributes_are_shown_as_strace_shows_them() {
    let (Some(strace), Some(_)) = (in_path("strace"), in_path("gcc")) else {
        return skip("netlink attributes", "strace or gcc is missing");
    };
    let scratch = Scratch::new();
    let program = scratch.path("messages");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/netlink/messages.c");
    let built = Command::new("gcc").args(["-w", "-O1", "-o"]).arg(&program).arg(source).status().unwrap();
    if !built.success() {
        return skip("netlink attributes", "no headers of the C library here");
    }
    let theirs = lines(&strace, &[], &scratch.path("theirs"), &program);
    let ours = lines(smtrace(), &["--format", "strace"], &scratch.path("ours"), &program);
    assert_eq!(theirs.len(), ours.len());
    assert!(theirs.len() > 2000, "only {} messages were sent", theirs.len());

    let named = |line: &str| DIFFERENT.into_iter().find(|(name, _)| line.contains(&format!("nla_type={name}}}")));
    let (mut compared, mut excused, mut different) = (0, BTreeSet::new(), Vec::new());
    for (theirs, ours) in theirs.iter().zip(&ours).filter(|(theirs, _)| !theirs.contains("???")) {
        compared += 1;
        match named(theirs) {
            _ if theirs == ours => {}
            Some((name, _)) => {
                excused.insert(name);
            }
            None => different.push(format!("strace:  {theirs}\nsmtrace: {ours}")),
        }
    }
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
    assert!(compared > 1500, "only {compared} lines could be compared");
    let idle: Vec<_> = DIFFERENT.iter().filter(|(name, _)| !excused.contains(name)).collect();
    assert!(idle.is_empty(), "these differ no longer: {idle:?}");
}
