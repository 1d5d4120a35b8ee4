//! Deeds of made-up runs, compared.

use super::*;
use crate::model::Abi;
use crate::model::record::{Head, Kind, Record, Role, State, Writer};

const OPENAT: u32 = 257;
const RENAME: u32 = 82;
const CONNECT: u32 = 42;
const CWD: u64 = 0xffff_ff9c;

/// A run of one process.
struct Run(Deeds, i32);

impl Run {
    fn new(pid: i32, folder: &str) -> Run {
        let mut run = Run(Deeds::default(), pid);
        run.record(Kind::Born, 0, 0, &[1, 0, 0, 0], &[(Role::Comm, b"sh"), (Role::Cwd, folder.as_bytes())]);
        run
    }

    fn record(&mut self, kind: Kind, nr: u32, result: i64, args: &[u64], pieces: &[(Role, &[u8])]) {
        let abi = matches!(kind, Kind::Enter | Kind::Exit).then_some(Abi::X86_64);
        let head = Head { kind, abi, time: 0, pid: self.1, tid: self.1, nr, flags: 0, result };
        let mut buffer = vec![0; 4096];
        let mut writer = Writer::new(&mut buffer, &head, args);
        for (role, data) in pieces {
            writer.piece(*role, 0, 1, State::Whole, data);
        }
        let len = writer.finish();
        self.0.take(&Record::parse(&buffer[..len]).unwrap().0).unwrap();
    }

    fn call(&mut self, nr: u32, args: &[u64], result: i64, pieces: &[(Role, &[u8])]) {
        self.record(Kind::Enter, nr, 0, args, pieces);
        self.record(Kind::Exit, nr, result, args, &[]);
    }

    fn open(&mut self, path: &str, flags: u64, result: i64) {
        self.call(OPENAT, &[CWD, 1, flags, 0], result, &[(Role::Arg1, path.as_bytes())]);
    }

    fn exec(&mut self, exe: &str, line: &str) {
        let line = line.replace(' ', "\0");
        let pid = u64::from(self.1.cast_unsigned());
        let comm = exe.rsplit('/').next().unwrap().as_bytes();
        let pieces = [(Role::Comm, comm), (Role::Exe, exe.as_bytes()), (Role::Cmdline, line.as_bytes())];
        self.record(Kind::Exec, 0, 0, &[pid, 0, 0], &pieces);
    }
}

/// What the two runs differ in, as text without its first lines.
fn lines(first: &Run, second: &Run) -> Vec<String> {
    let text = render_text([b"a", b"b"], &compare(&first.0, &second.0, false));
    String::from_utf8(text).unwrap().lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn runs_that_differ_in_changing_names_are_the_same() {
    let run = |pid: i32, folder: &str, random: &str| {
        let mut run = Run::new(pid, folder);
        run.exec("/usr/bin/gcc", &format!("gcc -c {folder}/x.c -o /tmp/cc{random}.o"));
        run.open(&format!("/tmp/cc{random}.o"), 0o101, 3);
        run.open(&format!("conf{pid}.sh"), 0o101, 3);
        run.open("/etc/passwd", 0, 3);
        run
    };
    let (one, two) = (run(1234, "/builds/a", "AbCd12"), run(777, "/builds/b", "xYz987"));
    assert_eq!(lines(&one, &two), [""; 0]);
    let exact = compare(&one.0, &two.0, true);
    assert_eq!((exact.first.len(), exact.second.len(), exact.same), (5, 5, 2));
}

#[test]
fn what_only_one_did_is_told_once() {
    let (mut one, mut two) = (Run::new(10, "/w"), Run::new(11, "/w"));
    one.open("same", 0, 3);
    two.open("same", 0, 4);
    one.open("in", 0, 3);
    one.open("in", 0, 3);
    one.open("missing", 0, -2);
    two.open("out", 0o1102, 3);
    two.call(RENAME, &[1, 1], 0, &[(Role::Arg0, b"out"), (Role::Arg1, b"../done")]);
    two.call(CONNECT, &[3, 1, 16], -115, &[(Role::Arg1, b"\x02\0\0\x50\x01\x02\x03\x04\0\0\0\0\0\0\0\0")]);
    two.exec("/bin/evil", "evil \x1b[31m");
    assert_eq!(
        lines(&one, &two),
        [
            "- read /w/in  [2 times]  [by sh]",
            r"+ ran /bin/evil: evil \x1b[31m",
            "+ executed /bin/evil  [by evil]",
            "+ read /w/out  [by sh]",
            "+ written /w/out  [by sh]",
            "+ created /done  [by sh]",
            "+ created /w/out  [by sh]",
            "+ deleted /w/out  [by sh]",
            "+ connect 1.2.3.4:80  [by sh]",
        ]
    );
    let json = render_json([b"a", b"b"], &compare(&one.0, &two.0, false));
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["first"]["only"][0]["path"], "/w/in");
    assert_eq!(json["second"]["only"][0]["argv"][0], "evil");
    assert_eq!(json["second"]["only"][8 - 1]["address"], "1.2.3.4:80");
    assert_eq!(json["same"], 1);
}

#[test]
fn what_was_really_opened_counts() {
    let mut run = Run::new(10, "/w");
    run.record(Kind::Enter, OPENAT, 0, &[CWD, 1, 0, 0], &[(Role::Arg1, b"link")]);
    run.record(Kind::Exit, OPENAT, 3, &[CWD, 1, 0, 0], &[(Role::Opened, b"/real")]);
    assert_eq!(lines(&run, &Run::new(10, "/w")), ["- read /real  [by sh]"]);
}
