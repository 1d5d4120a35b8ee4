//! Structures inside structures: control messages, the parameters of keyctl(2), lists that clone3(2) points to, line by line
//! against strace; and what came to Linux after strace 6.1, against the headers.

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use support::{Scratch, finish, in_path, skip, smtrace};

fn build(folder: &Scratch, width: &str) -> Option<PathBuf> {
    let program = folder.path("nested");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nested/nested.c");
    let built =
        Command::new("gcc").args(["-w", "-O1", "-no-pie", width, "-o"]).arg(&program).arg(source).output().ok()?;
    let other = width == "-m32" && !built.status.success();
    assert!(other || built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    (!other).then_some(program)
}

/// The calls of `program` that `tracer` writes, with addresses on the stack named.
fn lines(tracer: &Path, letters: &[&str], program: &Path, which: &str) -> Vec<String> {
    let calls = "trace=sendmsg,sendmmsg,recvmsg,keyctl,clone3,ioctl";
    let mut command = Command::new(tracer);
    command.args(letters).args(["-a", "1", "-e", calls, "-o", "/dev/stdout", "--"]).arg(program).arg(which);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let stack = Regex::new("0x(7ff|ff)[0-9a-f]{5,9}").unwrap();
    outcome
        .out
        .lines()
        .map(|line| stack.replace_all(line, "ADDRESS").into_owned())
        .filter(|l| !l.starts_with('['))
        .collect()
}

#[test]
fn nested_structures_are_shown_as_strace_shows_them() {
    let Some(strace) = in_path("strace") else { return skip("nested", "no strace") };
    if in_path("gcc").is_none() {
        return skip("nested", "no gcc");
    }
    let folder = Scratch::new();
    for width in ["-m64", "-m32"] {
        let Some(program) = build(&folder, width) else {
            skip("nested", &format!("gcc cannot build with {width}"));
            continue;
        };
        let theirs = lines(&strace, &[], &program, "known");
        assert!(theirs.len() > 28, "the truth must not be empty: {theirs:?}");
        let ours = lines(smtrace(), &["--format", "strace"], &program, "known");
        for (want, got) in theirs.iter().zip(&ours) {
            assert_eq!(got, want, "{width}");
        }
        assert_eq!(ours.len(), theirs.len(), "{width}");
    }
}

#[test]
fn what_is_newer_than_strace_is_shown_alike() {
    if in_path("gcc").is_none() {
        return skip("nested", "no gcc");
    }
    let folder = Scratch::new();
    let program = build(&folder, "-m64").unwrap();
    let ours = lines(smtrace(), &["--format", "strace"], &program, "newer");
    let range = "{range={start=0x1000, len=0x2000}";
    let wants = [
        r#"cmsg_type=IPV6_PKTINFO, cmsg_data={inet_pton(AF_INET6, "::1", &ipi6_addr), ipi6_ifindex=if_nametoindex("lo")}}]"#.to_owned(),
        "cmsg_type=IPV6_HOPLIMIT, cmsg_data=[64]}]".to_owned(),
        "cmsg_type=IPV6_RECVERR, cmsg_data={ee_errno=111, ee_origin=2, ".to_owned(),
        "cmsg_type=SCM_PIDFD, cmsg_data=[-7]}]".to_owned(),
        format!("UFFDIO_WRITEPROTECT, {range}, mode=UFFDIO_WRITEPROTECT_MODE_WP}})"),
        format!("UFFDIO_CONTINUE, {range}, mode=UFFDIO_CONTINUE_MODE_DONTWAKE}})"),
        format!("UFFDIO_POISON, {range}, mode=UFFDIO_POISON_MODE_DONTWAKE}})"),
        "UFFDIO_MOVE, {dst=0x1000, src=0x2000, len=0x1, mode=UFFDIO_MOVE_MODE_DONTWAKE})".to_owned(),
        concat!(
            r#"SIOCSARP, {arp_pa={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("10.0.0.1")}, "#,
            r#"arp_ha={sa_family=ARPHRD_ETHER, sa_data="\x01\x02\x03\x04\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00"}, "#,
            r#"arp_flags=ATF_COM|ATF_PERM, arp_netmask={sa_family=AF_UNSPEC, "#
        )
        .to_owned(),
    ];
    let calls: Vec<&String> = ours.iter().filter(|line| !line.starts_with('+')).collect();
    assert_eq!(calls.len(), wants.len(), "{ours:#?}");
    for (line, want) in calls.iter().zip(&wants) {
        assert!(line.contains(want), "{want}\n{line}");
    }
}
