//! Lines out of records, end to end.

use super::Pipeline;
use crate::model::record::{Head, Kind, Record, Role, State, Unfinished, Writer, flag};
use crate::model::{Abi, CallSet, Command, Direction, Filters, Log, Orphans, Output, Pid, Plan, SeccompMode, Target};
use crate::state::{Groups, Users};

const GETPID: u32 = 39;
const OPENAT: u32 = 257;
const EXECVE: u32 = 59;

fn plan(format: &str) -> Plan {
    Plan {
        target: Target::Launch(Command::default()),
        calls: CallSet::default(),
        follow: true,
        seccomp: SeccompMode::Auto,
        probe: false,
        collecting: true,
        orphans: Orphans::Wait(None),
        filters: Filters::default(),
        output: Output { path: None, format: format.to_owned(), str_max: 64, ..Output::default() },
        watching: crate::model::Watching { events: true, ..Default::default() },
        capture: None,
        audit: None,
        outside: Default::default(),
        show_secrets: false,
        quiet: false,
        log: Log { level: 1, file: None },
    }
}

/// A pipeline and what it wrote.
struct Run {
    pipeline: Pipeline,
    out: Vec<u8>,
}

type PieceOf<'a> = (Role, &'a [u8]);

impl Run {
    fn new(plan: &Plan) -> Run {
        let mut run = Run { pipeline: Pipeline::new(plan, Users::default(), Groups::default()), out: Vec::new() };
        run.record(Kind::Born, (10, 10), 0, 0, &[2, 0, 0, 0], &[(Role::Comm, b"sh")]);
        run
    }

    fn feed(&mut self, head: &Head, args: &[u64], pieces: &[PieceOf<'_>]) -> bool {
        let mut buffer = [0; 2048];
        let mut writer = Writer::new(&mut buffer, head, args);
        for (role, data) in pieces {
            writer.piece(*role, 0, 0x1000, State::Whole, data);
        }
        let len = writer.finish();
        let before = self.out.len();
        let wrote = self.pipeline.feed(&Record::parse(&buffer[..len]).unwrap().0, &mut self.out);
        assert_eq!(wrote, self.out.len() > before);
        wrote
    }

    fn record(&mut self, kind: Kind, who: (Pid, Pid), nr: u32, result: i64, args: &[u64], pieces: &[PieceOf<'_>]) {
        let flags = if kind == Kind::Born && who.0 != who.1 { flag::THREAD } else { 0 };
        let head = Head { kind, abi: Some(Abi::X86_64), time: 0, pid: who.0, tid: who.1, nr, flags, result };
        self.feed(&head, args, pieces);
    }

    /// Each line as `name dir res pid tid`.
    fn lines(&self) -> Vec<String> {
        let text = std::str::from_utf8(&self.out).unwrap();
        assert_eq!(u64::try_from(text.lines().count()).unwrap(), self.pipeline.events());
        let brief = |line: &str| {
            let line = line.replace(',', "");
            let field =
                |name: &str| line.split(&format!(" {name}=")).nth(1).unwrap().split(' ').next().unwrap().to_owned();
            let name = line.split("]: ").nth(1).unwrap().split(' ').next().unwrap();
            format!("{name} {} {} {} {}", field("dir"), field("res"), field("pid"), field("tid"))
        };
        text.lines().map(brief).collect()
    }
}

#[test]
fn an_exit_shows_what_its_enter_read() {
    let mut run = Run::new(&plan("ebpf"));
    let pieces = [(Role::Arg1, &b"/etc/passwd"[..]), (Role::Fd, b"/dev/tty")];
    run.record(Kind::Enter, (10, 10), OPENAT, 0, &[0, 0x1000, 2, 3], &pieces);
    run.record(Kind::Exit, (10, 10), OPENAT, 3, &[0, 0x1000, 2, 3], &[]);
    // The next call of the thread does not inherit it.
    run.record(Kind::Exit, (10, 10), OPENAT, 4, &[0, 0x1000, 2, 3], &[]);
    let text = String::from_utf8(run.out.clone()).unwrap();
    assert_eq!(text.matches("filename=/etc/passwd").count(), 2, "{text}");
    assert_eq!(text.matches("(/dev/tty)").count(), 2, "{text}");
    assert!(run.pipeline.entered.is_empty());
}

#[test]
fn an_execve_by_a_thread_returns_under_the_process_id() {
    let mut run = Run::new(&plan("ebpf"));
    run.record(Kind::Born, (10, 11), 0, 0, &[2, 10, 0, 0], &[]);
    run.record(Kind::Enter, (10, 10), GETPID, 0, &[], &[]);
    run.record(Kind::Enter, (10, 11), EXECVE, 0, &[0x1000, 2, 3], &[(Role::Arg0, b"/bin/true")]);
    run.record(Kind::Unfinished, (10, 10), GETPID, Unfinished::Exec as i64, &[], &[]);
    run.record(Kind::Exec, (10, 10), 0, 0, &[11, 0, 0], &[(Role::Comm, b"true")]);
    run.record(Kind::Exit, (10, 10), EXECVE, 0, &[0x1000, 2, 3], &[]);
    let want = ["getpid > 0 10 10", "execve > 0 10 11", "getpid < ? 10 10", "execve < 0 10 10"];
    assert_eq!(run.lines(), want);
    let text = String::from_utf8(run.out.clone()).unwrap();
    assert!(text.lines().last().unwrap().contains("comm=true, cmdline=true, pid=10"), "{text}");
    assert_eq!(text.matches("filename=/bin/true").count(), 2, "{text}");
}

#[test]
fn drop_failed_drops_both_events_of_a_failed_call_only() {
    let mut plan = plan("module");
    plan.filters.statuses.failed = false;
    let mut run = Run::new(&plan);
    run.record(Kind::Enter, (10, 10), OPENAT, 0, &[], &[]);
    run.record(Kind::Exit, (10, 10), OPENAT, -2, &[], &[]);
    assert!(run.lines().is_empty());
    run.record(Kind::Enter, (10, 10), OPENAT, 0, &[], &[]);
    assert!(run.lines().is_empty());
    run.record(Kind::Exit, (10, 10), OPENAT, 3, &[], &[]);
    run.record(Kind::Enter, (10, 10), 231, 0, &[], &[]);
    run.record(Kind::Unfinished, (10, 10), 231, 0, &[], &[]);
    run.record(Kind::Enter, (10, 10), GETPID, 0, &[], &[]);
    run.record(Kind::End, (10, 10), 0, 9, &[], &[]);
    let want =
        ["openat > 0 10 10", "openat < 3 10 10", "exit_group > 0 10 10", "exit_group < ? 10 10", "getpid > 0 10 10"];
    assert_eq!(run.lines(), want);
    assert!(run.pipeline.held.is_empty());
}

#[test]
fn filters_leave_out_by_direction_pid_and_comm() {
    let pair = |plan: &Plan| {
        let mut run = Run::new(plan);
        run.record(Kind::Born, (12, 12), 0, 0, &[10, 10, 0, 0], &[(Role::Comm, b"a-name-of-15-by")]);
        for pid in [10, 12] {
            run.record(Kind::Enter, (pid, pid), GETPID, 0, &[], &[]);
            run.record(Kind::Exit, (pid, pid), GETPID, 1, &[], &[]);
        }
        run.lines()
    };
    let mut by = plan("module");
    by.filters.direction = Direction::Exit;
    assert_eq!(pair(&by), ["getpid < 1 10 10", "getpid < 1 12 12"]);
    by.filters.drop_pids = vec![10];
    assert_eq!(pair(&by), ["getpid < 1 12 12"]);
    by.filters.drop_comms = vec!["a-name-of-15-byt".to_owned()];
    assert!(pair(&by).is_empty());
    by.filters.direction = Direction::Enter;
    by.filters.drop_pids.clear();
    assert_eq!(pair(&by), ["getpid > 0 10 10"]);
}

#[test]
fn process_events_come_with_probe_only_and_quiet_records_never() {
    for probe in [false, true] {
        let mut plan = plan("module");
        plan.probe = probe;
        let mut run = Run::new(&plan);
        run.record(Kind::Fork, (10, 10), 0, 0, &[12], &[]);
        run.record(Kind::Born, (12, 12), 0, 0, &[10, 10, 0, 0], &[]);
        run.record(Kind::Exec, (12, 12), 0, 0, &[12, 0, 0], &[(Role::Comm, b"true")]);
        run.record(Kind::Signal, (12, 12), 0, 15, &[0, 1], &[]);
        run.record(Kind::End, (12, 12), 0, 15, &[], &[]);
        let mut head = Head {
            kind: Kind::Enter,
            abi: Some(Abi::X86_64),
            time: 0,
            pid: 10,
            tid: 10,
            nr: GETPID,
            flags: flag::QUIET,
            result: 0,
        };
        assert!(!run.feed(&head, &[], &[]));
        (head.kind, head.result) = (Kind::End, 0);
        assert!(!run.feed(&head, &[], &[]));
        let want: &[&str] = &[
            "sched_process_fork < 12 10 10",
            "sched_process_exec < 0 12 12",
            "signal_deliver < 15 12 12",
            "sched_process_exit < 15 12 12",
        ];
        assert_eq!(run.lines(), if probe { want } else { &[] });
        assert_eq!(run.pipeline.alive().count(), 0);
    }
}

#[test]
fn a_notice_is_always_written() {
    for format in ["module", "ebpf", "json"] {
        let mut plan = plan(format);
        plan.filters.drop_pids = vec![10];
        let mut run = Run::new(&plan);
        run.record(Kind::Notice, (10, 10), 0, 0, &[], &[(Role::Text, b"a foreign filter pid=1")]);
        let text = String::from_utf8(run.out.clone()).unwrap();
        let want = match format {
            "module" => "text=a foreign filter pid\\x3d1\n",
            "ebpf" => "args=(text=a foreign filter pid=1), fds=[]\n",
            _ => r#""type":"notice""#,
        };
        assert!(text.contains(want), "{text}");
    }
}

#[test]
fn memory_does_not_grow_with_calls() {
    let mut run = Run::new(&plan("ebpf"));
    for _ in 0..1000 {
        run.record(Kind::Enter, (10, 10), OPENAT, 0, &[0, 0x1000, 2, 3], &[(Role::Arg1, &[b'x'; 1000])]);
        run.record(Kind::Exit, (10, 10), OPENAT, 3, &[0, 0x1000, 2, 3], &[]);
    }
    assert!(run.pipeline.entered.is_empty());
    assert_eq!(run.pipeline.spare.len(), 1);
}
