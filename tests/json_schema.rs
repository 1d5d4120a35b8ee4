//! Every kind of line of `--format json` is what `docs/event.schema.json` says, and the schema refuses what is not.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use serde_json::Value;
use smtrace::bus::Tally;
use smtrace::model::record::{Head, Kind, Record, Role, State, Unfinished, Writer, flag};
use smtrace::model::{Abi, CallSet, Command, Filters, Log, Orphans, Output, Plan, SeccompMode, Target};
use smtrace::pipeline::Pipeline;
use smtrace::state::{Groups, Users};
use smtrace::table;

fn plan() -> Plan {
    Plan {
        target: Target::Launch(Command::default()),
        calls: CallSet::default(),
        follow: true,
        seccomp: SeccompMode::Auto,
        probe: true,
        collecting: true,
        orphans: Orphans::Wait(None),
        filters: Filters::default(),
        output: Output { path: None, format: "json".to_owned(), str_max: 32, ..Output::default() },
        watching: smtrace::model::Watching { events: true, ..Default::default() },
        capture: None,
        audit: None,
        outside: Default::default(),
        show_secrets: false,
        quiet: false,
        log: Log { level: 1, file: None },
    }
}

fn validator() -> jsonschema::Validator {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/event.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The pipeline and the lines it wrote.
struct Run {
    pipeline: Pipeline,
    out: Vec<u8>,
}

impl Run {
    fn new() -> Run {
        let (users, groups) = (Users::parse(b"root:x:0:0::/:/bin/sh"), Groups::parse(b"root:x:0:"));
        Run { pipeline: Pipeline::new(&plan(), users, groups), out: Vec::new() }
    }

    fn feed(&mut self, head: Head, args: &[u64], pieces: &[(Role, u16, State, &[u8])]) {
        let mut buffer = [0; 8192];
        let mut writer = Writer::new(&mut buffer, &head, args);
        for (role, index, state, data) in pieces {
            writer.piece(*role, *index, u64::from(*index), *state, data);
        }
        let len = writer.finish();
        self.feed_bytes(&buffer[..len]);
    }

    fn feed_bytes(&mut self, bytes: &[u8]) {
        self.pipeline.feed(&Record::parse(bytes).unwrap().0, &mut self.out);
    }

    fn lines(&self) -> Vec<Value> {
        std::str::from_utf8(&self.out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn head(kind: Kind, nr: u32, result: i64) -> Head {
    Head { kind, abi: Some(Abi::X86_64), time: 1_749_730_502_492_380_090, pid: 10, tid: 10, nr, flags: 0, result }
}

/// One of everything a reader can meet.
fn sample() -> Run {
    let mut run = Run::new();
    // A task nobody told of.
    run.feed(head(Kind::Enter, 39, 0), &[], &[]);
    run.feed(head(Kind::Born, 0, 0), &[2, 0, 0, 0], &[(Role::Comm, 0, State::Whole, b"sm\xfftrace")]);
    let pieces: [(Role, u16, State, &[u8]); 4] = [
        (Role::Comm, 0, State::Whole, b"sh"),
        (Role::Exe, 0, State::Whole, b"/bin/\xff"),
        (Role::Cmdline, 0, State::Cut, b"sh\0\xff\0"),
        (Role::Cwd, 0, State::Whole, "/\u{202e}\u{9b}\u{7f}".as_bytes()),
    ];
    run.feed(head(Kind::Exec, 0, 0), &[10, 0, 4242], &pieces);
    let path: [(Role, u16, State, &[u8]); 3] = [
        (Role::Arg1, 7, State::Whole, b"/etc/\"\\\n\x1b\xff"),
        (Role::Fd, 0, State::Whole, b"/dev/null"),
        (Role::Fd, 1, State::Whole, b"pipe:[\xff]"),
    ];
    run.feed(head(Kind::Enter, 257, 0), &[0xffff_ff9c, 7, 0, 0], &path);
    let exit = head(Kind::Exit, 257, 3);
    let opened: [(Role, u16, State, &[u8]); 1] = [(Role::Opened, 0, State::Whole, b"/etc/x")];
    run.feed(exit, &[0xffff_ff9c, 7, 0, 0], &opened);
    let list: Vec<u8> = [3, 4, 5u64].iter().flat_map(|address| address.to_le_bytes()).collect();
    let words: [(Role, u16, State, &[u8]); 5] = [
        (Role::Arg0, 1, State::Cut, &[b'x'; 100]),
        (Role::Arg1, 2, State::Cut, &list),
        (Role::Arg1, 3, State::Whole, b"a"),
        (Role::Arg1, 4, State::Unreadable, b"\xfe"),
        (Role::Arg1, 5, State::Cut, b""),
    ];
    run.feed(head(Kind::Enter, 59, 0), &[1, 2, u64::MAX], &words);
    run.feed(head(Kind::Exit, 59, -2), &[1, 2, u64::MAX], &[]);
    for result in [-4095, -1, i64::MIN, i64::MAX, -512] {
        let mut exit = head(Kind::Exit, u32::MAX, result);
        exit.flags = flag::REFUSED;
        run.feed(exit, &[1, u64::MAX], &[]);
    }
    let mut losses = Tally::default();
    for (name, n) in [("getppid", 7), ("openat", 2)] {
        losses.add(table::by_name(name).unwrap().index(), n);
    }
    run.feed_bytes(&losses.lost_record(1_749_730_502_492_380_090, false));
    for why in [Unfinished::Exited, Unfinished::Killed, Unfinished::Exec, Unfinished::Detached, Unfinished::Disabled] {
        run.feed(head(Kind::Unfinished, 231, why as i64), &[], &[]);
    }
    let lost: [(Role, u16, State, &[u8]); 1] = [(Role::Arg1, 0, State::Unreadable, b"")];
    run.feed(head(Kind::Enter, 257, 0), &[0, 5, 0, 0], &lost);
    run.feed(head(Kind::Fork, 0, 0), &[11], &[]);
    run.feed(head(Kind::Signal, 0, 64), &[(-6i64).cast_unsigned(), 1], &[]);
    run.feed(head(Kind::Notice, 0, 0), &[], &[(Role::Text, 0, State::Whole, b"a \x1b word")]);
    run.feed(head(Kind::End, 0, 0x8b), &[], &[]);
    run
}

#[test]
fn every_kind_of_line_is_what_the_schema_says() {
    let (validator, run) = (validator(), sample());
    let lines = run.lines();
    assert_eq!(u64::try_from(lines.len()).unwrap(), run.pipeline.events());
    for line in &lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}\n{errors:#?}");
    }
    for sort in ["syscall", "process", "notice"] {
        assert!(lines.iter().any(|line| line["type"] == sort), "{sort}");
    }
    let lost = lines.iter().find(|line| line.get("lost").is_some()).unwrap();
    assert_eq!((&lost["lost"], &lost["lost_calls"]), (&9.into(), &serde_json::json!({"getppid": 7, "openat": 2})));
    let mut bad = lost.clone();
    bad["lost_calls"]["openat"] = "2".into();
    assert!(!validator.is_valid(&bad), "counts are numbers");
}

#[test]
fn every_call_of_every_abi_is_what_the_schema_says() {
    let (validator, mut run) = (validator(), Run::new());
    run.feed(head(Kind::Born, 0, 0), &[2, 0, 0, 0], &[(Role::Comm, 0, State::Whole, b"sh")]);
    for row in table::rows() {
        for abi in Abi::ALL {
            let Some(number) = row.number(abi) else { continue };
            let mut head = head(Kind::Exit, number, -1);
            head.abi = Some(abi);
            run.feed(head, &[u64::MAX; 6][..row.args(abi).len()], &[]);
            let line: Value = serde_json::from_slice(&run.out).unwrap();
            run.out.clear();
            assert_eq!(
                (&line["name"], line["args"].as_array().unwrap().len()),
                (&row.name.into(), row.args(abi).len())
            );
            assert!(validator.is_valid(&line), "{line}");
        }
    }
}

#[test]
fn a_call_through_a_multiplexer_says_so() {
    let (validator, mut run) = (validator(), Run::new());
    run.feed(head(Kind::Born, 0, 0), &[2, 0, 0, 0], &[(Role::Comm, 0, State::Whole, b"sh")]);
    for multiplexer in table::through::multiplexers() {
        let row = multiplexer.row();
        for inner in multiplexer.calls {
            let mut head = head(Kind::Exit, row.number(Abi::I386).unwrap(), -1);
            (head.abi, head.flags) = (Some(Abi::I386), u32::from(inner.sub) << flag::SUB_SHIFT);
            run.feed(head, &[u64::MAX; 6][..inner.args.len()], &[]);
            let line: Value = serde_json::from_slice(&run.out).unwrap();
            run.out.clear();
            assert_eq!((&line["name"], &line["via"]), (&inner.row().name.into(), &row.name.into()));
            assert!(validator.is_valid(&line), "{line}");
        }
    }
}

#[test]
fn nothing_raw_reaches_a_terminal_and_bytes_are_not_lost() {
    let run = sample();
    let text = std::str::from_utf8(&run.out).unwrap();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}')), "{text}");
    let lines = run.lines();
    let open = lines.iter().find(|line| line["name"] == "openat").unwrap();
    assert_eq!(open["args"][1]["value"]["bytes"], "2f6574632f225c0a1bff");
    assert_eq!(open["cwd"], "/\u{202e}\u{9b}\u{7f}");
    assert_eq!(open["argv"][1]["bytes"], "ff");
    assert_eq!((open["argv"].as_array().unwrap().len(), &open["cmdline"]["bytes"]), (3, &"736820ff".into()));
}

#[test]
fn the_schema_refuses_what_is_not_so() {
    let (validator, run) = (validator(), sample());
    let line = run.lines().into_iter().find(|line| line["name"] == "openat").unwrap();
    assert!(validator.is_valid(&line));
    for (field, value) in [
        ("v", Value::from(2)),
        ("type", "process".into()),
        ("time", "yesterday".into()),
        ("time_ns", 5.into()),
        ("dir", "in".into()),
        ("res", "?".into()),
        ("pid", Value::Null),
        ("forged", 1.into()),
    ] {
        let mut bad = line.clone();
        bad[field] = value;
        assert!(!validator.is_valid(&bad), "{field}");
    }
    let mut short = line;
    short.as_object_mut().unwrap().remove("comm");
    assert!(!validator.is_valid(&short));
}
