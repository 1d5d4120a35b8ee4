//! The formats, byte for byte.

use super::{CHOICES, Sink, by_name, ebpf::Ebpf, formats, json::Json, module::Module};
use crate::decode::walk::Limits;
use crate::event::Event;
use crate::model::record::{Head, Kind, Record, Role, State, Unfinished, Writer, flag};
use crate::model::{Abi, Pid};
use crate::state::{Account, Groups, Users};
use chrono::FixedOffset;

/// 2025-06-12 14:15:02.492380090 +02:00
const TIME: u64 = 1_749_730_502_492_380_090;
const PATH: u64 = 0x7ffe_0000_1000;
const LIST: u64 = 0x7ffe_0000_2000;

fn zone(_: i64) -> FixedOffset {
    FixedOffset::east_opt(7200).unwrap()
}

type PieceOf<'a> = (Role, u16, u64, State, &'a [u8]);

fn head(kind: Kind, pid: Pid, nr: u32, result: i64) -> Head {
    Head { kind, abi: Some(Abi::X86_64), time: TIME, pid, tid: pid, nr, flags: 0, result }
}

fn bytes(head: &Head, args: &[u64], pieces: &[PieceOf<'_>]) -> Vec<u8> {
    let mut buffer = vec![0; 64 * 1024];
    let mut writer = Writer::new(&mut buffer, head, args);
    for (role, index, address, state, data) in pieces {
        writer.piece(*role, *index, *address, *state, data);
    }
    let len = writer.finish();
    buffer.truncate(len);
    buffer
}

/// An account of one process with the given names, child of 2524(bash).
fn account(pid: Pid, ppid: Pid, parent: &[u8], comm: &[u8], cmdline: &[u8]) -> Account {
    let mut account = Account::new(Users::parse(b"root:x:0:0::/:/bin/sh"), Groups::parse(b"root:x:0:"));
    let mut feed = |head: Head, args: &[u64], pieces: &[PieceOf<'_>]| {
        let bytes = bytes(&head, args, pieces);
        account.apply(&Record::parse(&bytes).unwrap().0);
    };
    feed(head(Kind::Outsider, ppid, 0, 0), &[1, 0, 0, 0], &[(Role::Comm, 0, 0, State::Whole, parent)]);
    let pieces = [
        (Role::Comm, 0, 0, State::Whole, comm),
        (Role::Cmdline, 0, 0, State::Whole, cmdline),
        (Role::Exe, 0, 0, State::Whole, &b"/bin/bash"[..]),
        (Role::Cwd, 0, 0, State::Whole, &b"/root"[..]),
    ];
    feed(head(Kind::Born, pid, 0, 0), &[u64::try_from(ppid).unwrap(), 0, 0, 0], &pieces);
    account
}

fn line(sink: &mut dyn Sink, account: &Account, record: &[u8], entered: Option<&[u8]>) -> String {
    let record = Record::parse(record).unwrap().0;
    let entered = entered.map(|bytes| Record::parse(bytes).unwrap().0);
    let who = account.who(record.head().pid, record.head().tid);
    let mut out = Vec::new();
    // Twice: the second is rendered from what was kept.
    for _ in 0..2 {
        out.clear();
        sink.render(
            &Event::decode(&record, entered.as_ref(), who, Limits { str_max: 32, ..Limits::ALL }).unwrap(),
            &mut out,
        );
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn module_is_the_sample_to_the_byte() {
    let account = account(3391, 2524, b"bash", b"test.sh", b"/bin/bash\0./test.sh");
    let record = bytes(&head(Kind::Enter, 3391, 257, 0), &[0, 0, 0, 0], &[]);
    assert_eq!(
        line(&mut Module::new(zone), &account, &record, None),
        "[2025-06-12 14:15:02.492380090]: openat syscall=257 dir=> res=0 user=root comm=test.sh \
         cmdline=/bin/bash ./test.sh pid=3391 tid=3391 ppid=2524(bash)\n"
    );
}

#[test]
fn ebpf_is_the_sample_to_the_byte() {
    let account = account(6295, 1, b"systemd", b"(sd-rmrf)", b"");
    let args = [0xffff_ff9c, PATH, 512];
    let enter = bytes(&head(Kind::Enter, 6295, 263, 0), &args, &[(Role::Arg1, 0, PATH, State::Whole, b"/var/tmp/x")]);
    let mut exit = head(Kind::Exit, 6295, 263, 0);
    exit.time = 1_749_727_090_347_507_525;
    exit.flags = flag::LISTED;
    let fds = [0, 1, 2].map(|fd| (Role::Fd, 0, fd, State::Whole, &b"/dev/null"[..]));
    let exit = bytes(&exit, &args, &fds);
    assert_eq!(
        line(&mut Ebpf::new(zone), &account, &exit, Some(&enter)),
        "[2025-06-12 13:18:10.347507525]: unlinkat, syscall_id=263, dir=<, res=0, user=root, comm=(sd-rmrf), \
         cmdline=(sd-rmrf), pid=6295, tid=6295, ppid=1(systemd), args=(dfd=-100, pathname=/var/tmp/x, flag=512), \
         fds=[0(/dev/null), 1(/dev/null), 2(/dev/null)]\n"
    );
}

#[test]
fn arguments_show_what_was_read() {
    let account = account(7, 1, b"init", b"sh", b"");
    let mut ebpf = Ebpf::new(zone);
    let args = |line: String| line.split_once("args=").unwrap().1.split_once(", fds=").unwrap().0.to_owned();
    // read: the buffer is an address until the call has filled it.
    let enter = bytes(&head(Kind::Enter, 7, 0, 0), &[3, PATH, 100], &[]);
    assert_eq!(args(line(&mut ebpf, &account, &enter, None)), "(fd=3, buf=0x7ffe00001000, count=100)");
    let exit = bytes(&head(Kind::Exit, 7, 0, 100), &[3, PATH, 100], &[(Role::Arg1, 0, PATH, State::Cut, b"a\nb")]);
    assert_eq!(args(line(&mut ebpf, &account, &exit, Some(&enter))), r"(fd=3, buf=a\nb..., count=100)");
    // execve: lists, NULL, a text longer than the limit, a path longer than it, and a list whose end was not seen.
    let list: Vec<u8> = [LIST + 8, LIST + 16].iter().flat_map(|address: &u64| address.to_le_bytes()).collect();
    let pieces = [
        (Role::Arg0, 0, PATH, State::Whole, &[b'x'; 40][..]),
        (Role::Arg1, 0, LIST, State::Unreadable, &list),
        (Role::Arg1, 0, LIST + 8, State::Whole, b"a, b"),
        (Role::Arg1, 0, LIST + 16, State::Whole, &[b'y'; 40][..]),
    ];
    let enter = bytes(&head(Kind::Enter, 7, 59, 0), &[PATH, LIST, 0], &pieces);
    let want = format!(r"(filename={}, argv=[a\x2c b, {}..., ...], envp=0x0)", "x".repeat(40), "y".repeat(32));
    assert_eq!(args(line(&mut ebpf, &account, &enter, None)), want);
    let lost = bytes(&head(Kind::Enter, 7, 59, 0), &[1, PATH, 0], &[(Role::Arg1, 0, PATH, State::Unreadable, b"")]);
    assert_eq!(args(line(&mut ebpf, &account, &lost, None)), "(filename=0x1, argv=0x7ffe00001000, envp=0x0)");
    // An unreadable path is its address; a foreign enter is not taken for one's own.
    let pieces = [(Role::Arg1, 0, 5, State::Unreadable, &b""[..])];
    let bad = bytes(&head(Kind::Enter, 7, 257, 0), &[0xffff_ff9c, 5, 0, 0], &pieces);
    assert_eq!(args(line(&mut ebpf, &account, &bad, None)), "(dfd=-100, filename=0x5, flags=0, mode=0)");
    let exit = bytes(&head(Kind::Exit, 7, 257, -14), &[0xffff_ff9c, PATH, 0, 0], &[]);
    assert!(line(&mut ebpf, &account, &exit, Some(&enter)).contains("filename=0x7ffe00001000"));
    // A call that no row has.
    let unknown = bytes(&head(Kind::Enter, 7, 9999, 0), &[1, 2], &[]);
    let unknown = line(&mut ebpf, &account, &unknown, None);
    assert!(unknown.contains("]: syscall_9999, syscall_id=9999, "), "{unknown}");
    assert_eq!(args(unknown), "(arg0=0x1, arg1=0x2)");
}

#[test]
fn an_exit_without_a_list_has_its_enters_with_what_the_call_changed() {
    let account = account(7, 1, b"init", b"sh", b"");
    let list = |fds: &[u64]| fds.iter().map(|fd| (Role::Fd, 0, *fd, State::Whole, &b"/x"[..])).collect::<Vec<_>>();
    let opened = |fd| vec![(Role::Opened, 0, fd, State::Whole, &b"/new"[..])];
    for (nr, arg, result, pieces, want) in [
        (257, 0, 1, opened(1), "0(/x), 1(/new), 2(/x)"),
        (257, 0, 2, opened(2), "0(/x), 2(/new)"),
        (257, 0, 9, opened(9), "0(/x), 2(/x), 9(/new)"),
        (257, 0, -2, vec![], "0(/x), 2(/x)"),
        (3, 2, 0, vec![], "0(/x)"),
        (3, 2, -9, vec![], "0(/x), 2(/x)"),
    ] {
        let enter = bytes(&head(Kind::Enter, 7, nr, 0), &[arg], &list(&[0, 2]));
        let exit = bytes(&head(Kind::Exit, 7, nr, result), &[arg], &pieces);
        let shown = line(&mut Ebpf::new(zone), &account, &exit, Some(&enter));
        assert!(shown.contains(&format!(", fds=[{want}]")), "{shown}");
        let mut listed = head(Kind::Exit, 7, nr, result);
        listed.flags = flag::LISTED;
        let exit = bytes(&listed, &[arg], &[]);
        assert!(line(&mut Ebpf::new(zone), &account, &exit, Some(&enter)).contains(", fds=[]"));
    }
}

#[test]
fn another_file_than_asked_for_is_marked() {
    let account = account(7, 1, b"init", b"sh", b"");
    for (opened, end) in
        [("/usr/lib/x", ", fds=[3(/usr/lib/x)], opened=/usr/lib/x\n"), ("/lib/x", ", fds=[3(/lib/x)]\n")]
    {
        let args = [0, PATH, 0, 0];
        let enter = bytes(&head(Kind::Enter, 7, 257, 0), &args, &[(Role::Arg1, 0, PATH, State::Whole, b"/lib/x")]);
        let pieces = [(Role::Opened, 0, 3, State::Whole, opened.as_bytes())];
        let exit = bytes(&head(Kind::Exit, 7, 257, 3), &args, &pieces);
        let line = line(&mut Ebpf::new(zone), &account, &exit, Some(&enter));
        assert!(line.ends_with(end), "{line}");
    }
}

#[test]
fn x32_numbers_find_their_row_and_stay_as_the_kernel_sees_them() {
    let account = account(7, 1, b"init", b"sh", b"");
    let mut enter = head(Kind::Enter, 7, 0x4000_0000 | 520, 0);
    enter.abi = Some(Abi::X32);
    let line = line(&mut Module::new(zone), &account, &bytes(&enter, &[], &[]), None);
    assert!(line.contains("]: execve syscall=1073742344 "), "{line}");
}

#[test]
fn what_never_returned_and_what_was_refused_say_so() {
    let account = account(7, 1, b"init", b"sh", b"");
    let mut head = head(Kind::Unfinished, 7, 231, Unfinished::Killed as i64);
    head.flags = flag::REFUSED;
    let record = bytes(&head, &[0], &[]);
    let module = line(&mut Module::new(zone), &account, &record, None);
    assert!(module.contains(" dir=< res=? ") && module.ends_with(" ppid=1(init) refused=1\n"), "{module}");
    let ebpf = line(&mut Ebpf::new(zone), &account, &record, None);
    assert!(ebpf.contains(", res=?, ") && ebpf.ends_with(", refused=1\n"), "{ebpf}");
    let json = line(&mut Json::new(zone), &account, &record, None);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["unfinished"], &json["result"], &json["res"]), (&"killed".into(), &().into(), &().into()));
}

/// Case l07_forge: newlines, terminal escapes, quotes and field names in path, comm, command line and parent's comm.
#[test]
fn a_tracee_can_neither_break_nor_forge_a_line() {
    let comm = b" pid=1 x, y=\n\x1b[";
    let account =
        account(7, 2, b") pid=3 tid=4", comm, b"a\0 user=root\0\n[2025] cmdline=x\0\x1b]0;pwn\x07\xc2\x9b\xff, args=(");
    let path = b"/x\", \"pid\":1,\"forged\":\"\n99999 execve(\"/bin/FORGED\"), fds=[0(/y)]\xff\xe2\x80\xa8\x7f";
    let enter = bytes(&head(Kind::Enter, 7, 257, 0), &[0, PATH, 0, 0], &[(Role::Arg1, 0, PATH, State::Whole, path)]);
    let count = |line: &str, what: &str| line.matches(what).count();
    for (mut sink, is_json) in [
        (Box::new(Module::new(zone)) as Box<dyn Sink>, false),
        (Box::new(Ebpf::new(zone)), false),
        (Box::new(Json::new(zone)), true),
    ] {
        let line = line(sink.as_mut(), &account, &enter, None);
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        assert!(!line.trim_end().chars().any(super::escape::unsafe_to_show), "{line}");
        if is_json {
            let json: serde_json::Value = serde_json::from_str(&line).unwrap();
            assert_eq!((json["pid"].as_i64(), json["forged"].is_null()), (Some(7), true));
            assert_eq!(json["comm"], " pid=1 x, y=\n\u{1b}[");
            assert!(json["argv"][3]["bytes"].as_str().unwrap().ends_with("c29bff2c20617267733d28"));
            continue;
        }
        for field in [" user=", " comm=", " cmdline=", " pid=", " tid=", " ppid="] {
            assert_eq!(count(&line, field), 1, "{field} in {line}");
        }
        assert!(count(&line, ", args=") <= 1 && count(&line, ", fds=") <= 1, "{line}");
    }
}

#[test]
fn json_tells_bytes_words_and_errors_losslessly() {
    let account = account(7, 2, b"bash", b"sh", b"/bin/sh\0-c\0a b");
    let pieces = [(Role::Arg1, 0, PATH, State::Whole, &b"/\xff\n"[..])];
    let enter = bytes(&head(Kind::Enter, 7, 257, 0), &[0xffff_ff9c, PATH, 0, 0], &pieces);
    let mut exit = head(Kind::Exit, 7, 257, -2);
    exit.flags = flag::LISTED;
    let opened = [(Role::Opened, 0, 3, State::Whole, &b"/etc/x"[..]), (Role::Fd, 0, 0, State::Whole, &b"/dev/tty"[..])];
    let exit = bytes(&exit, &[0xffff_ff9c, PATH, 0, u64::MAX], &opened);
    let line = line(&mut Json::new(zone), &account, &exit, Some(&enter));
    assert_eq!(
        line,
        concat!(
            r#"{"v":1,"type":"syscall","time":"2025-06-12T14:15:02.492380090+02:00","time_ns":"1749730502492380090","#,
            r#""name":"openat","nr":257,"abi":"x86_64","dir":"<","res":-2,"result":-2,"errno":"ENOENT","#,
            r#""user":"root","uid":0,"group":"root","gid":0,"comm":"sh","cmdline":"/bin/sh -c a b","#,
            r#""argv":["/bin/sh","-c","a b"],"exe":"/bin/bash","cwd":"/root","pid":7,"tid":7,"ppid":2,"#,
            r#""parent_comm":"bash","args":[{"name":"dfd","raw":-100,"value":{"fd":-100,"name":"AT_FDCWD"}},"#,
            r#"{"name":"filename","raw":"0x7ffe00001000","value":{"bytes":"2fff0a"},"path":{"bytes":"2fff0a"}},"#,
            r#"{"name":"flags","raw":0,"value":{"flags":["O_RDONLY"],"raw":0}},"#,
            r#"{"name":"mode","raw":4294967295}],"fds":[{"fd":0,"path":"/dev/tty"}],"opened":"/etc/x","mismatch":true}"#,
            "\n"
        )
    );
}

#[test]
fn the_registry_is_what_options_offers() {
    let registered: Vec<_> = formats().iter().map(|format| (format.name, format.about)).collect();
    assert_eq!(registered, CHOICES);
    for name in ["module", "ebpf", "json"] {
        assert_eq!(by_name(name).unwrap().name, name);
    }
    assert!(by_name("xml").is_none());
}

#[test]
fn ebpf_says_arguments_by_meaning_when_asked_to() {
    let account = account(7, 1, b"init", b"sh", b"");
    let choices = crate::options::Choices { formats: CHOICES };
    let typed = ["smtrace", "--format", "ebpf", "--decode", "true"].map(Into::into);
    let Ok(crate::options::Action::Trace(plan)) = crate::options::parse(typed, &choices) else { panic!("refused") };
    let (_, mut sink) = super::make(&plan);
    let pieces = [(Role::Arg1, 0, PATH, State::Whole, &b"/a\"), fds=[9(forged)]"[..])];
    let enter = bytes(&head(Kind::Enter, 7, 257, 0), &[0xffff_ff9c, PATH, 0o100, 0o644], &pieces);
    let line = line(sink.as_mut(), &account, &enter, None);
    let want = r#"args=(dfd=AT_FDCWD, filename="/a\"), fds=[9(forged)]", flags=O_RDONLY|O_CREAT, mode=0644), fds=[]"#;
    assert!(line.contains(want), "{line}");
}
