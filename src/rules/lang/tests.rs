//! libsinsp's answers to conditions, on the two events that the sample describes, given by a table.

use super::{Arg, Compiler, FieldId, Fields, Macros, Memo, Names, Value, parse};
use crate::rules::fields::Registry;
use std::net::{IpAddr, Ipv4Addr};

/// An event that is a table.
#[derive(Default)]
struct Table(Vec<(FieldId, Arg, Vec<Value<'static>>)>);

impl Table {
    fn set(&mut self, name: &str, arg: Option<&str>, values: &[Value<'static>]) {
        let meta = Registry.field(name, arg).unwrap();
        self.0.push((meta.id, meta.arg, values.to_vec()));
    }

    fn texts(&mut self, all: &[(&str, &'static str)]) {
        for (name, text) in all {
            self.set(name, None, &[Value::Text(text.as_bytes())]);
        }
    }
}

impl Fields for Table {
    fn get(&self, field: FieldId, arg: &Arg, each: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let Some((.., values)) = self.0.iter().find(|(id, key, _)| *id == field && key == arg) else { return false };
        let _ = values.iter().all(|value| each(*value));
        true
    }
}

fn common() -> Table {
    let mut table = Table::default();
    table.texts(&[
        ("proc.pname", "bash"),
        ("proc.cwd", "/work/"),
        ("user.name", "root"),
        ("group.name", "root"),
        ("proc.sname", "bash"),
        ("evt.hostname", "ci-runner"),
        ("evt.source", "syscall"),
        ("evt.res", "SUCCESS"),
    ]);
    table.set("proc.aname", None, &[Value::Text(b"bash")]);
    table.set("proc.aname", Some("1"), &[Value::Text(b"bash")]);
    table.set("evt.num", None, &[Value::Uint(7)]);
    table.set("proc.env", Some("CI"), &[Value::Text(b"true")]);
    table.set("user.uid", None, &[Value::Uint(0)]);
    table.set("user.loginuid", None, &[Value::Int(-1)]);
    table
}

fn openat() -> Table {
    let mut table = common();
    table.texts(&[
        ("evt.type", "openat"),
        ("proc.name", "cat"),
        ("proc.exe", "cat"),
        ("proc.exepath", "/usr/bin/cat"),
        ("proc.args", "/etc/shadow"),
        ("proc.cmdline", "cat /etc/shadow"),
        ("fd.name", "/etc/shadow"),
        ("fd.directory", "/etc"),
        ("fd.filename", "shadow"),
        ("fd.type", "file"),
        ("fd.typechar", "f"),
        ("evt.arg.name", "/etc/shadow"),
        ("evt.arg.flags", "O_RDONLY"),
        ("evt.args", "fd=3(<f>/etc/shadow) dirfd=-100(AT_FDCWD) name=/etc/shadow flags=1(O_RDONLY) mode=0"),
    ]);
    table.set("evt.arg", Some("2"), &[Value::Text(b"/etc/shadow")]);
    table.set("evt.rawarg.flags", None, &[Value::Uint(1)]);
    table.set("evt.rawres", None, &[Value::Int(3)]);
    table.set("evt.buffer", None, &[Value::Bytes(b"aGVsbG8=")]);
    table.set("evt.is_open_read", None, &[Value::Bool(true)]);
    table.set("evt.is_open_write", None, &[Value::Bool(false)]);
    for name in ["proc.pid", "proc.vpid", "thread.tid"] {
        table.set(name, None, &[Value::Int(1001)]);
    }
    table.set("fd.num", None, &[Value::Int(3)]);
    table.set("fd.dev", None, &[Value::Int(0x801)]);
    table
}

fn connect() -> Table {
    let mut table = common();
    let (client, server) = (Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(198, 51, 100, 7));
    let (client, server) = (Value::Ip(IpAddr::V4(client)), Value::Ip(IpAddr::V4(server)));
    table.texts(&[
        ("evt.type", "connect"),
        ("proc.name", "nc"),
        ("fd.name", "10.0.0.2:40000->198.51.100.7:4444"),
        ("fd.l4proto", "tcp"),
        ("fd.typechar", "4"),
        ("fd.type", "ipv4"),
    ]);
    for name in ["fd.ip", "fd.net"] {
        table.set(name, None, &[client, server]);
    }
    for name in ["fd.cip", "fd.lip", "fd.cnet", "fd.lnet"] {
        table.set(name, None, &[client]);
    }
    for name in ["fd.sip", "fd.rip", "fd.snet", "fd.rnet"] {
        table.set(name, None, &[server]);
    }
    table.set("fd.port", None, &[Value::Uint(40000), Value::Uint(4444)]);
    table.set("fd.sport", None, &[Value::Uint(4444)]);
    table.set("fd.connected", None, &[Value::Bool(true)]);
    table
}

/// `true`, `false` or `error`.
fn answer(condition: &str, event: &Table) -> String {
    let Ok(expr) = parse(condition) else { return "error".to_owned() };
    let mut compiler = Compiler::new(&Registry);
    let Ok(node) = compiler.add(&expr, &Macros::default()) else { return "error".to_owned() };
    let (program, mut memo) = (compiler.finish(), Memo::default());
    memo.next(&program);
    program.holds(node, event, &mut memo).to_string()
}

fn check(rows: &[(&Table, &str, &str)]) {
    let wrong = |(event, condition, want): &(&Table, &str, &str)| {
        let got = answer(condition, event);
        (got != *want).then(|| format!("{condition}: {got}, libsinsp says {want}"))
    };
    let wrong: Vec<_> = rows.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_sample_has_libsinsps_answers() {
    let (openat, connect) = (openat(), connect());
    let sample = include_str!("../../../tests/falco/semantics-sample.tsv");
    let mut rows = Vec::new();
    for line in sample.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.split('\t');
        let event = if columns.next() == Some("openat") { &openat } else { &connect };
        rows.push((event, columns.next().unwrap(), columns.next().unwrap()));
    }
    assert!(rows.len() > 50);
    check(&rows);
}

#[test]
fn what_was_measured_beside_the_sample() {
    let (o, c) = (&openat(), &connect());
    check(&[
        (o, "fd.rip != 1.2.3.4", "false"),
        (o, "not fd.rip = 1.2.3.4", "true"),
        (o, "fd.rip exists", "false"),
        (o, "fd.name regex etc", "false"),
        (o, "fd.name pmatch (/etc)", "true"),
        (o, "fd.name pmatch (/e*)", "true"),
        (o, "evt.arg.flags = O_RDONLY", "true"),
        (o, "evt.arg.flags = 1", "false"),
        (o, "evt.res = SUCCESS", "true"),
        (o, "evt.res = 0", "false"),
        (o, "proc.cwd=/work/", "true"),
        (o, "proc.cwd=/work", "false"),
        (o, "evt.is_open_read=1", "error"),
        (o, "user.loginuid=-1", "true"),
        (o, "evt.type=opeat", "error"),
        (o, "foo.bar=1", "error"),
        (o, "proc.name in cat", "true"),
        (c, "fd.ip != 1.2.3.4", "true"),
        (c, "fd.net != 10.0.0.0/8", "false"),
        (c, "fd.port in (1, 40000)", "true"),
        (c, "fd.port < 5000", "true"),
        (c, "fd.rip in (1.1.1.1, 198.51.100.7)", "true"),
        (c, "fd.ip contains 1", "error"),
        (c, "fd.sip = x", "error"),
        (c, "fd.snet = val(fd.sip)", "error"),
    ]);
}

#[test]
fn transformers_and_fields_on_the_right() {
    let o = &openat();
    check(&[
        (o, "toupper(proc.name) = CAT", "true"),
        (o, "tolower(toupper(proc.name)) = cat", "true"),
        (o, "basename(fd.name) = shadow", "true"),
        (o, "len(fd.name) = 11", "true"),
        (o, "len(proc.name) > 3", "false"),
        (o, "b64(proc.name) exists", "true"),
        (o, "proc.name = val(proc.exe)", "true"),
        (o, "proc.name = val(proc.pname)", "false"),
        (o, "fd.filename = basename(fd.name)", "true"),
        (o, "fd.name startswith val(fd.directory)", "true"),
        (o, "proc.pid >= val(thread.tid)", "true"),
        (o, "proc.pid = val(proc.name)", "error"),
        (o, "proc.name = val(proc.aname)", "error"),
        (o, "proc.name in val(proc.exe)", "true"),
        (o, "proc.name pmatch val(proc.exe)", "error"),
        (o, "join(\"-\", (proc.name, proc.exe)) = cat-cat", "true"),
        (o, "concat(proc.name, \":\", proc.pname) = cat:bash", "true"),
        (o, "concat(proc.name, fd.rip) = x", "error"),
        (o, "toupper(proc.pid) = 1", "error"),
        (o, "b64(evt.buffer) contains hello", "true"),
        (o, "b64(evt.buffer) startswith hello", "true"),
        (o, "b64(evt.buffer) = hello or b64(evt.buffer) endswith hello or b64(evt.buffer) in (hello)", "false"),
        (o, "len(b64(evt.buffer)) = 6", "true"),
        (o, "evt.rawarg.tuple = x or evt.rawarg.addr contains x", "error"),
        (o, "evt.rawarg.fds = 1 or evt.rawarg.fds in (1)", "error"),
        (o, "evt.rawarg.addr exists or evt.rawarg.tuple exists", "false"),
        (o, "tolower(evt.type) = openat", "true"),
        (o, "toupper(evt.type) = OPENAT", "error"),
        (o, "len(evt.type) = 6", "error"),
        (o, "toupper(fd.l4proto) = TCP", "false"),
        (o, "proc.name = val(fd.l4proto)", "false"),
    ]);
}

#[test]
fn lists_are_subsets_or_meet() {
    let mut table = openat();
    table.set("fd.types", None, &[Value::Text(b"file"), Value::Text(b"pipe")]);
    let t = &table;
    check(&[
        (t, "fd.types in (file, pipe, unix)", "true"),
        (t, "fd.types in (file)", "false"),
        (t, "fd.types intersects (unix, pipe)", "true"),
        (t, "fd.types intersects (unix)", "false"),
        (t, "fd.types exists", "true"),
        (t, "fd.types = file", "error"),
        (t, "len(fd.types) = 2", "true"),
        (t, "proc.name in ()", "false"),
        (t, "proc.name startswith oneof (c, ca)", "false"),
        (t, "proc.name startswith oneof (c, x)", "true"),
        (t, "proc.name != allof (a, b)", "true"),
        (t, "proc.name == anyof (a, cat)", "true"),
    ]);
}

#[test]
fn equal_parts_are_asked_once_and_events_are_known() {
    let mut compiler = Compiler::new(&Registry);
    let mut macros = Macros::default();
    macros.insert("opened".to_owned(), parse("evt.type in (open, openat) and proc.name = cat").unwrap());
    let all = Registry.all_events();
    let events = |compiler: &mut Compiler<'_>, text: &str| {
        let node = compiler.add(&parse(text).unwrap(), &macros).unwrap();
        compiler.program().events(node, &all)
    };
    assert_eq!(events(&mut compiler, "opened and fd.name = x").len(), 2);
    let before = compiler.program().size();
    assert_eq!(events(&mut compiler, "opened and fd.name = x").len(), 2);
    assert_eq!(compiler.program().size(), before);
    assert_eq!(events(&mut compiler, "proc.name = x").len(), all.len());
    assert_eq!(events(&mut compiler, "not evt.type = openat").len(), all.len() - 1);
    assert_eq!(events(&mut compiler, "evt.type != openat or opened").len(), all.len());
    assert_eq!(events(&mut compiler, "not (not evt.type = openat or proc.name = x)").len(), 1);
    assert_eq!(events(&mut compiler, "evt.type = open and evt.type = openat").len(), 0);
    let missing = compiler.add(&parse("nope").unwrap(), &macros).unwrap_err();
    assert_eq!(missing.text, "Undefined macro 'nope' used in filter.");
}
