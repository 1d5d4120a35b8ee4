//! Policies on facts made by hand.

use super::{check, learn, read};
use crate::audit::model::{Access, Audit, Digest, Dns, Family, File, NetworkAct, Peer, Process, Program, Use};
use crate::model::Places;

fn used() -> Use {
    Use { count: 1, processes: vec![0], ..Use::default() }
}

fn file(path: &str, accesses: &[Access]) -> File {
    File { path: path.to_owned(), uses: accesses.iter().map(|access| (*access, used())).collect(), ..File::default() }
}

fn facts() -> Audit {
    let program = Program {
        exe: "/usr/bin/cc".to_owned(),
        digest: Some(Digest { sha256: "ab".repeat(32) }),
        ..Program::default()
    };
    Audit {
        processes: vec![Process { programs: vec![program], ..Process::default() }],
        files: vec![
            file("/usr/bin/cc", &[Access::Executed]),
            file("/w/src/a.c", &[Access::Read]),
            file("/w/out/a.o", &[Access::Written, Access::Created]),
            file("/tmp/ccAb12Cd.s", &[Access::Written, Access::Deleted]),
            file("/home/u/.cache/x", &[Access::Read]),
        ],
        peers: vec![Peer {
            family: Family::Inet,
            address: "192.0.2.7".to_owned(),
            port: Some(443),
            names: vec!["example.org".to_owned()],
            uses: [(NetworkAct::Connect, used())].into(),
            ..Peer::default()
        }],
        dns: vec![Dns { name: "example.org".to_owned(), used: used(), ..Dns::default() }],
        ..Audit::default()
    }
}

fn places() -> Places {
    Places { workspace: "/w".to_owned(), home: "/home/u".to_owned(), tmpdir: "/tmp".to_owned() }
}

#[test]
fn what_was_learned_allows_what_was_seen_and_is_the_same_again() {
    let text = learn(&facts(), &places());
    let policy = read(&text).unwrap();
    let (result, findings) = check(&policy, &text, "p.yaml", &places(), &facts()).unwrap();
    assert!(result.passed && findings.is_empty() && result.patch.is_empty(), "{text}\n{findings:#?}");
    let mut again = facts();
    again.files[3].path = "/tmp/ccZz98Yy.s".to_owned();
    assert_eq!(learn(&again, &places()), text);
    assert!(text.contains("  - \"${TMPDIR}/cc*.s\"\n") && text.contains("\"example.org:443\""), "{text}");
}

#[test]
fn what_failed_at_the_file_itself_is_learned_as_tried() {
    let failure = |path: &str, error: &str| crate::audit::model::Failure {
        path: path.to_owned(),
        call: "openat".to_owned(),
        access: Some(Access::Written),
        error: error.to_owned(),
        used: used(),
    };
    let facts =
        Audit { failures: vec![failure("/dev/tty", "ENXIO"), failure("/etc/no", "ENOENT")], ..Audit::default() };
    let text = learn(&facts, &places());
    assert_eq!((text.matches("/dev/tty").count(), text.matches("/etc/no").count()), (2, 0), "{text}");
}

#[test]
fn what_is_not_allowed_is_found_and_a_patch_allows_it() {
    let text = "version: 1\nexec:\n  - /usr/bin/*\nread:\n  - ${WORKSPACE}/**\nwrite: [\"${WORKSPACE}/**\"]\n";
    let policy = read(text).unwrap();
    let (result, findings) = check(&policy, text, "p.yaml", &places(), &facts()).unwrap();
    let rules: Vec<&str> = findings.iter().map(|(said, ..)| said.rule.as_str()).collect();
    assert_eq!(rules, ["policy-write", "policy-delete", "policy-read", "policy-connect", "policy-dns"]);
    assert!(!result.passed);
    assert!(result.patch.contains("+  - \"${HOME}/.cache/x\"\n"), "{}", result.patch);
    assert!(result.patch.starts_with("--- a/p.yaml\n+++ b/p.yaml\n"), "{}", result.patch);
}

#[test]
fn deny_wins_and_sections_add_and_digests_bind() {
    let all =
        "version: 1\nexec: ['/**']\nread: ['/**']\nwrite: ['/**']\ndelete: ['/**']\nconnect: ['**']\ndns: ['**']\n";
    let rules = |more: &str| {
        let text = format!("{all}{more}");
        let policy = read(&text).unwrap();
        let (_, findings) = check(&policy, &text, "p", &places(), &facts()).unwrap();
        findings.into_iter().map(|(said, ..)| said.rule).collect::<Vec<_>>()
    };
    assert!(rules("").is_empty());
    assert_eq!(rules("deny:\n  read: ['${HOME}/**']\n"), ["policy-read"]);
    assert_eq!(rules("commands:\n  - command: /usr/bin/cc\n    deny: {connect: ['*:443']}\n"), ["policy-connect"]);
    assert!(rules("commands:\n  - command: /usr/bin/other\n    deny: {connect: ['*:443']}\n").is_empty());
    let only = "version: 1\nexec: [{path: /usr/bin/cc, sha256: [cd], reason: pinned}]\nread: ['/**']\nwrite: ['/**']\n\
                delete: ['/**']\ncommands: [{command: /usr/bin/c*, connect: ['example.org:443'], dns: [example.org]}]\n";
    let policy = read(only).unwrap();
    let (_, findings) = check(&policy, only, "p", &places(), &facts()).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].0.rule, "policy-exec");
}

#[test]
fn a_policy_that_is_wrong_says_why() {
    for (text, why) in
        [("version: 2\n", "version 2"), ("version: 1\nexce: []\n", "exce"), ("version: 1\nread: {}\n", "")]
    {
        assert!(read(text).unwrap_err().contains(why), "{text}");
    }
    let policy = read("version: 1\nread: ['${NOPE}/x']\n").unwrap();
    let error = check(&policy, "", "p", &places(), &facts()).unwrap_err();
    assert!(error.contains("${NOPE}"), "{error}");
}

#[test]
fn the_published_schema_is_the_policys() {
    let mut schema = schemars::schema_for!(super::Policy).to_value();
    schema["title"] = "smtrace policy, version 1".into();
    let made = format!("{schema:#}\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.schema.json");
    if std::env::var_os("SMTRACE_WRITE_SCHEMA").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert!(made == std::fs::read_to_string(path).unwrap_or_default(), "stale: run with SMTRACE_WRITE_SCHEMA=1");
}
