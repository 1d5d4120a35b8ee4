//! Conditions are evaluated without allocation: all stock rules are asked about calls that teach nothing, and the
//! allocator is not called. The one test of its program, as the count is everybody's.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::cast_possible_truncation)]

use smtrace::model::Abi;
use smtrace::model::record::{Head, Kind, Record, Role, State, Writer};
use smtrace::rules::fields::{Registry, Setup};
use smtrace::rules::{Asked, Form, Watch, load};
use smtrace::state::{Account, Groups, Users};
use smtrace::table;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

#[path = "support/counting.rs"]
mod counting;

const PID: i32 = 1000;

fn record(kind: Kind, call: &str, args: &[u64], result: i64, pieces: &[(Role, &[u8])]) -> Vec<u8> {
    let nr = table::by_name(call).map_or(0, |row| row.number(Abi::X86_64).unwrap());
    let abi = matches!(kind, Kind::Enter | Kind::Exit).then_some(Abi::X86_64);
    let head = Head { kind, abi, time: 1_700_000_000_000_000_000, pid: PID, tid: PID, nr, flags: 0, result };
    let mut buffer = [0; 4096];
    let mut writer = Writer::new(&mut buffer, &head, args);
    pieces.iter().for_each(|(role, data)| writer.piece(*role, 0, 0x1000, State::Whole, data));
    let len = writer.finish();
    buffer[..len].to_vec()
}

/// Calls that open, change and remove files, connect and execute. None of them succeeds in what would be learned.
fn calls() -> Vec<Vec<u8>> {
    let path = |call: &str, at: usize, path: &[u8], result| {
        let mut args = [0xffff_ff9c, 0, 0x241, 0o644, 0, 0];
        args[at] = 0x1000;
        record(Kind::Exit, call, &args, result, &[(Role::arg(at).unwrap(), path)])
    };
    let address: &[u8] = &[2, 0, 0, 80, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 0];
    vec![
        path("openat", 1, b"/etc/ssl/openssl.cnf", -2),
        path("openat", 1, b"../lib/../share/x", -13),
        path("open", 0, b"/dev/shm/.x", -2),
        path("unlinkat", 1, b"/tmp/conftest.c", 0),
        path("mkdirat", 1, b"build", 0),
        path("renameat2", 1, b"/tmp/a", 0),
        path("chmod", 0, b"/tmp/a", 0),
        path("fchmodat", 1, b"a.out", 0),
        path("symlinkat", 0, b"a.out", 0),
        path("execve", 0, b"/usr/bin/gcc", -2),
        record(Kind::Exit, "connect", &[3, 0x1000, 16], -111, &[(Role::arg(1).unwrap(), address)]),
        record(Kind::Exit, "ptrace", &[7, 1, 0, 0], -1, &[]),
        record(Kind::Exit, "setuid", &[0], 0, &[]),
        record(Kind::Exit, "kill", &[1, 9], -1, &[]),
    ]
}

#[test]
fn conditions_are_evaluated_without_allocation() {
    let stock = [PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/falco"))];
    let mut rules = load::load(&load::files(&stock).unwrap(), &Registry).0.unwrap();
    rules.rules.iter_mut().for_each(|rule| rule.enabled = true);
    assert!(rules.rules.len() >= 93);
    let setup = Setup { host: "host".to_owned(), login: Some(-1), ..Setup::default() };
    let asked = Asked { rules: Some(rules), all: true, form: Form::Text, condition: None, print: None, setup };
    let mut watch = Watch::new(asked).unwrap();
    let mut account = Account::new(Users::parse(b"root:x:0:"), Groups::parse(b"root:x:0:"));
    let texts: [(Role, &[u8]); 4] =
        [(Role::Comm, b"make"), (Role::Exe, b"/usr/bin/make"), (Role::Cmdline, b"make\0-j2\0all"), (Role::Cwd, b"/w")];
    let born = record(Kind::Born, "", &[1, 0, 0, 0], 0, &texts);
    account.apply(&Record::parse(&born).unwrap().0);
    let calls = calls();
    let (mut alerts, mut lines) = (Vec::new(), Vec::new());
    let mut round = || {
        let before = counting::ALLOCATIONS.load(Ordering::Relaxed);
        for call in &calls {
            let (record, _) = Record::parse(call).unwrap();
            watch.see(&record, None, account.who(PID, PID), &mut alerts, &mut lines);
        }
        counting::ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    // The first round makes the buffers that are kept.
    assert!(round() > 0, "nothing is counted");
    let later: u64 = (0..100).map(|_| round()).sum();
    assert!(alerts.is_empty(), "an alert allocates: {}", String::from_utf8_lossy(&alerts));
    assert_eq!(later, 0);
}
