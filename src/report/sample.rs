//! Models for the tests of the writers: one whose names attack their reader, one of any size.

use crate::audit::model::*;
use std::borrow::Cow;

const START: u64 = 1_700_000_000_000_000;

/// Names that break out of what shows them, if it lets them.
pub(super) const NAMES: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\"onmouseover=\"alert(1)' x=`y`",
    "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}",
    "a\u{1b}[2J\r\n::error::forged\u{0}\u{7f}",
    "[x](http://e.example) ![i](http://e.example/p) @someone #1",
    "odd\\xff\\xfe and \\x41 and \u{2028}\u{2029} | {0}",
    "````\n# no heading",
];

fn used(process: u32, at: u64) -> Use {
    Use {
        count: 2,
        bytes: 4096,
        first_us: START + at,
        last_us: START + at + 5,
        processes: vec![process],
        ..Use::default()
    }
}

fn digest(digit: &str) -> Option<Digest> {
    Some(Digest { sha256: digit.repeat(64) })
}

fn process(id: u32, parent: Option<u32>, start: u64, length: u64, exe: &str, argv: &[&str]) -> Process {
    let program = |inherited: bool, start_us: u64, exe: &str| Program {
        start_us,
        inherited,
        exe: exe.to_owned(),
        digest: digest("c"),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: "/w".to_owned(),
        ..Program::default()
    };
    Process {
        id,
        pid: 100 + i32::try_from(id).unwrap(),
        parent,
        start_us: START + start,
        end_us: Some(START + start + length),
        end: Some(End::Exit(i32::from(id % 7 == 3))),
        programs: vec![program(true, START + start, "/bin/sh"), program(false, START + start + length / 10, exe)],
        calls: 1234,
        ..Process::default()
    }
}

/// A model whose every text is hostile.
pub(super) fn hostile() -> Audit {
    let mut audit = Audit { version: VERSION, ..Audit::default() };
    audit.tool = Tool { name: "smtrace".to_owned(), version: "0.1.0".to_owned() };
    audit.run = Run {
        command: vec!["./build.sh".to_owned(), NAMES[0].to_owned()],
        workspace: "/w".to_owned(),
        home: "/home/u".to_owned(),
        tmpdir: "/tmp".to_owned(),
        host: Some(NAMES[1].to_owned()),
        start_us: START,
        end_us: START + 2_000_000,
        end: Some(End::Exit(0)),
    };
    audit.verdict = Verdict { failed: true, fail_on: Some(Level::Error), errors: 3, warnings: 3, notes: 2 };
    audit.processes.push(process(0, None, 0, 2_000_000, "/bin/sh", &["sh", "./build.sh"]));
    for (id, name) in (1u32..).zip(NAMES) {
        let start = u64::from(id) * 100_000;
        audit.processes.push(process(id, Some(id / 2), start, 150_000, &format!("/usr/bin/{name}"), &[name, name]));
    }
    // A process id that was used again.
    audit.processes[5].pid = audit.processes[4].pid;
    audit.processes[1].outlived = true;
    for (place, name) in NAMES.iter().enumerate() {
        let level = [Level::Error, Level::Warning, Level::Note][place / 3];
        audit.findings.push(Finding {
            rule: if place == 0 { "credential-read".to_owned() } else { format!("rule {name}") },
            about: format!("About {name}"),
            level,
            message: format!("{name} was read by sh"),
            subject: Some(format!("{}/{name}", if place % 2 == 0 { "/w" } else { "/home/u" })),
            evidence: vec![name.to_string(), "pid 7".to_owned()],
            process: u32::try_from(place).ok(),
            time_us: START + 500_000,
            count: 3,
            fingerprint: format!("{place:032x}"),
            tags: vec![name.to_string(), "ci".to_owned()],
            ..Finding::default()
        });
        audit.files.push(File {
            path: format!("/w/{name}"),
            uses: [(Access::Read, used(1, 3)), (Access::Executed, used(2, 9))].into(),
            downloaded: place == 2,
            names: vec![name.to_string()],
            ..File::default()
        });
        audit.failures.push(Failure {
            path: format!("/home/u/{name}"),
            call: "openat".to_owned(),
            access: Some(Access::Read),
            error: "ENOENT".to_owned(),
            used: used(1, 30),
        });
        audit.peers.push(Peer {
            family: if place == 1 { Family::Unix } else { Family::Inet },
            address: if place == 0 { "192.0.2.1".to_owned() } else { name.to_string() },
            port: (place == 0).then_some(443),
            names: vec![name.to_string()],
            uses: [(NetworkAct::Connect, used(3, 60))].into(),
            sent: 5_000,
            received: 7_000_000,
            of_note: Some("docker".to_owned()),
            ..Peer::default()
        });
        audit.acts.push(Act {
            kind: ActKind::Ptrace,
            call: "ptrace".to_owned(),
            detail: name.to_string(),
            error: None,
            used: used(4, 70),
        });
    }
    let uses = [(Access::Read, used(1, 3)), (Access::Written, used(2, 9))].into();
    let changed =
        File { path: "/w/changed".to_owned(), uses, input: digest("a"), output: digest("b"), ..File::default() };
    audit.files.push(changed);
    audit.policy =
        Some(PolicyCheck { file: NAMES[0].to_owned(), passed: false, patch: format!("+ read: {}", NAMES[7]) });
    let reason = Reason { kind: "network".to_owned(), detail: NAMES[0].to_owned(), used: used(1, 2) };
    audit.hermetic = Some(Hermetic { hermetic: false, reasons: vec![reason], unseen: vec![NAMES[1].to_owned()] });
    audit.coverage = Coverage {
        engine: "ptrace".to_owned(),
        calls: vec!["openat".to_owned()],
        lost: 3,
        notices: vec![NAMES[0].to_owned()],
        out_of_sight: vec![NAMES[4].to_owned()],
        limits: vec![Limit { name: "files".to_owned(), limit: 1, dropped: 2 }],
        ..Coverage::default()
    };
    audit.calls.push(Slice {
        process: 5,
        tid: audit.processes[5].pid,
        name: Cow::Borrowed("openat"),
        start_us: START + 10,
        duration_us: 7,
        error: Some("ENOENT"),
        about: Some(NAMES[3].into()),
    });
    audit
}

/// A model with `count` facts, in the shape of a large build.
pub(super) fn large(count: u32) -> Audit {
    let mut audit = hostile();
    let step = 2_000_000 / u64::from(count.max(1));
    audit.processes.truncate(1);
    for id in 1..count / 10 {
        let parent = if id % 9 == 1 { 0 } else { (id - 1) / 9 * 9 + 1 };
        let start = u64::from(id) * step * 10;
        let name = ["cc1", "as", "ld", "make", "sh", "git"][id as usize % 6];
        audit.processes.push(process(
            id,
            Some(parent),
            start,
            40_000,
            &format!("/usr/bin/{name}"),
            &[name, "-O2", "x.c"],
        ));
    }
    for n in 0..count * 8 / 10 {
        let access = [Access::Read, Access::Written, Access::Created, Access::Deleted][n as usize % 4];
        audit.files.push(File {
            path: format!("/w/src/module{}/part{}/file{n}.c", n % 97, n % 11),
            uses: [(access, used(n % (count / 10), 50))].into(),
            ..File::default()
        });
    }
    audit.files.sort_by(|a, b| a.path.cmp(&b.path));
    for n in 0..count / 10 {
        audit.findings.push(Finding {
            rule: format!("rule-{}", n % 40),
            level: Level::Note,
            message: format!("something worth a note, number {n}"),
            count: 1,
            fingerprint: format!("{:032x}", n + 1000),
            process: Some(n % (count / 10)),
            ..Finding::default()
        });
    }
    audit
}
