//! Compares the system-call table with other people's truth: libseccomp's numbers and the running kernel's argument
//! names; and with the audit configuration that is made from it. It also shows the build script broken tables.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;

use libseccomp::{ScmpArch, ScmpSyscall};
use smtrace::model::Abi;
use smtrace::table;

#[allow(dead_code)]
#[path = "../build/main.rs"]
mod build;

use build::calls::{self, Names};
use build::sets::{self, Sets};
use build::structs::{self, Structs};
use build::through::Through;
use build::unions::{self, Unions};

const TABLE: &str = include_str!("../syscalls-table/syscalls.tbl");
const THROUGH: &str = include_str!("../syscalls-table/through.tbl");

/// The bit that some callers set in an x32 number.
const X32_BIT: i32 = 0x4000_0000;

fn arch(abi: Abi) -> ScmpArch {
    match abi {
        Abi::X86_64 => ScmpArch::X8664,
        Abi::I386 => ScmpArch::X86,
        Abi::X32 => ScmpArch::X32,
        Abi::Aarch64 => ScmpArch::Aarch64,
        Abi::Riscv64 => ScmpArch::Riscv64,
    }
}

/// libseccomp's number without the x32 bit, or `None` for its made-up, negative numbers: those of calls the ABI lacks,
/// and on i386 of calls that can also go through `socketcall` or `ipc`. The latter are compared by number only.
fn libseccomp_number(name: &str, abi: Abi) -> Option<u32> {
    let number = i32::from(ScmpSyscall::from_name_by_arch(name, arch(abi)).ok()?);
    let number = if abi == Abi::X32 && number >= 0 { number & !X32_BIT } else { number };
    u32::try_from(number).ok()
}

#[test]
fn numbers_agree_with_libseccomp() {
    for abi in Abi::ALL {
        let mut known = BTreeSet::new();
        for number in 0..1024_u32 {
            let raw = i32::try_from(number).unwrap();
            let theirs = ScmpSyscall::from(raw).get_name_by_arch(arch(abi));
            let Ok(theirs) = theirs else { continue };
            let ours = table::by_number(abi, number).map(|row| row.name);
            assert_eq!(ours, Some(theirs.as_str()), "{} number {number}", abi.name());
            known.insert(theirs);
        }
        assert!(known.len() > 300, "libseccomp knows only {} calls of {}", known.len(), abi.name());

        let mut compared = 0;
        for row in table::rows() {
            let Some(theirs) = libseccomp_number(row.name, abi) else { continue };
            assert_eq!(row.number(abi), Some(theirs), "{} on {}", row.name, abi.name());
            compared += 1;
        }
        assert!(compared > 300, "only {compared} names of {} were compared", abi.name());
        println!("{}: {} numbers and {compared} names agree", abi.name(), known.len());
    }
}

/// Tracepoints that are called otherwise than the system call.
const TRACEPOINT_OF: [(&str, &str); 6] = [
    ("stat", "newstat"),
    ("fstat", "newfstat"),
    ("lstat", "newlstat"),
    ("uname", "newuname"),
    ("sendfile", "sendfile64"),
    ("umount2", "umount"),
];

/// The argument names of a tracepoint's format. A field is `field:TYPE NAME; …`, the name its last word.
fn tracepoint_names(format: &str) -> Vec<&str> {
    let fields = format.lines().filter_map(|line| line.trim().strip_prefix("field:"));
    let names = fields.filter_map(|field| field.split(';').next()?.split_whitespace().last());
    names.filter(|name| !name.starts_with("common_") && *name != "__syscall_nr").collect()
}

#[cfg(target_arch = "x86_64")]
#[test]
fn argument_names_agree_with_the_running_kernel() {
    let roots = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
    let Some(events) = roots
        .iter()
        .map(|root| Path::new(root).join("events/syscalls"))
        .find(|events| events.join("sys_enter_read/format").exists())
    else {
        println!("no tracefs is readable here; the kernel's argument names are not compared");
        return;
    };
    let mut compared = 0;
    for row in table::rows().iter().filter(|row| row.number(Abi::X86_64).is_some()) {
        let tracepoint = TRACEPOINT_OF.iter().find(|(name, _)| *name == row.name).map_or(row.name, |(_, other)| other);
        let path = events.join(format!("sys_enter_{tracepoint}/format"));
        let Ok(format) = std::fs::read_to_string(path) else { continue };
        let ours: Vec<&str> = row.args(Abi::X86_64).iter().map(|arg| arg.name).collect();
        assert_eq!(ours, tracepoint_names(&format), "{}", row.name);
        compared += 1;
    }
    assert!(compared > 300, "only {compared} calls were compared");
    println!("the arguments of {compared} calls agree");
}

#[test]
fn the_audit_configuration_has_every_call_of_x86_64() {
    let text = include_str!("../config/interesting_syscalls.json");
    let config: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
    let inner: BTreeSet<&str> = table::rows().iter().flat_map(table::through::calls).map(|row| row.name).collect();
    let mut calls = 0;
    for row in table::rows() {
        // -1: no x86_64 number, but i386 code can make the call, by its number or through another.
        let number = match (row.number(Abi::X86_64), row.number(Abi::I386)) {
            (Some(number), _) => i64::from(number),
            (None, Some(_)) => -1,
            (None, None) if inner.contains(row.name) => -1,
            (None, None) => continue,
        };
        let entry = config.get(row.name).unwrap_or_else(|| panic!("{} is not in the configuration", row.name));
        assert_eq!(entry["syscall_id"], number, "{}", row.name);
        assert!(entry["interesting"] == 0 || entry["interesting"] == 1, "{}", row.name);
        calls += 1;
    }
    assert_eq!(config.len(), calls, "the configuration has calls that x86_64 and i386 lack");
    for name in ["execve", "exit_group", "openat", "close", "connect", "setuid", "ptrace", "socketcall", "setuid32"] {
        assert_eq!(config[name]["interesting"], 1, "{name}");
    }
    for name in ["read", "write", "kill", "prctl"] {
        assert_eq!(config[name]["interesting"], 0, "{name}");
    }
}

#[test]
fn the_table_itself_is_accepted() {
    let code = generate(TABLE, THROUGH).unwrap();
    assert!(code.contains(r#"name: "read""#));
}

/// The source for a table with the constants and structures of the table itself.
fn generate(text: &str, inner: &str) -> Result<String, String> {
    let sets = Sets::read(&build::files(sets::FOLDER, "set").unwrap()).unwrap();
    let shapes = std::fs::read_to_string(structs::SHAPES).unwrap();
    let structs = Structs::read(&build::files(structs::FOLDER, "struct").unwrap(), &shapes, &sets).unwrap();
    let unions = Unions::read(&build::files(unions::FOLDER, "union").unwrap(), &sets).unwrap();
    let through = Through::read(inner, &sets)?;
    calls::generate(text, Names { sets: &sets, structs: &structs, unions: &unions, through: &through })
}

/// A table of two rows, with `line` as its last.
fn with(line: &str) -> Result<String, String> {
    generate(&format!("class desc About.\nread 0 3 0 63 63 desc size fd:fd\n{line}\n"), "")
}

#[test]
fn a_broken_table_is_refused_with_its_line_and_a_remedy() {
    assert!(with("write 1 4 1 64 64 desc size fd:fd buf:bytes(count) count:size").is_ok());
    for (line, why) in [
        ("write 1 4 1 64", "a row has a name, five numbers"),
        ("read 1 4 1 64 64 desc size", "`read` has a row already"),
        ("write 0 4 1 64 64 desc size", "x86_64 number 0 is `read`'s already"),
        ("write one 4 1 64 64 desc size", "`one` is no number for x86_64"),
        ("write - - - - - desc size", "no number on any ABI"),
        ("write 1 4 1 64 64 dsec size", "class `dsec` is not described"),
        ("write 1 4 1 64 64 desc much", "`much` is no kind of result"),
        ("write 1 4 1 64 64 desc size fd", "`fd` is no argument"),
        ("write 1 4 1 64 64 desc size fd:fdd", "`fdd` is no kind"),
        ("write 1 4 1 64 64 desc size fd:fd fd:fd", "`fd` cannot name an argument"),
        ("write 1 4 1 64 64 desc size buf:bytes(count)", "no argument here is called `count`"),
        ("write 1 4 1 64 64 desc size buf:bytes(ret)", "known only at exit"),
        ("write 1 4 1 64 64 desc size fd:fd buf:bytes(fd)", "`fd` is not a length"),
        ("write 1 4 1 64 64 desc size fd:<fd", "`fd` is no address"),
        ("write 1 4 1 64 64 desc size flags:<>flags(open)", "`flags(open)` is no address"),
        ("write 1 4 1 64 64 desc size flags:flags(opne)", "no set is called `opne`"),
        ("write 1 4 1 64 64 desc size flags:enum(open)", "write flags(open)"),
        ("write 1 4 1 64 64 desc size buf:&Stat", "`&Stat` is no kind"),
        ("write 1 4 1 64 64 desc size buf:&sta", "no structure is called `sta`"),
        ("write 1 4 1 64 64 desc size pos_lo:lo", "half a value"),
        ("write 1 4 1 64 64 desc size pos_lo:lo off_hi:hi", "half a value"),
        ("write 1 4 1 64 64 desc size a:int b:int c:int d:int e:int f:int g:int", "at most six"),
        ("@i387 fd:fd", "`i387` is no ABI"),
        ("@i386,i386 fd:fd", "arguments for i386 already"),
        ("class desc Again.", "described twice"),
        ("class file About.", "no row has the class `file`"),
    ] {
        let refusal = with(line).unwrap_err();
        assert!(refusal.contains(why), "{line}: {refusal}");
        assert!(refusal.starts_with("syscalls-table/syscalls.tbl:"), "{refusal}");
    }
    assert!(with("write 1 4").unwrap_err().starts_with("syscalls-table/syscalls.tbl:3: "));
    assert!(generate("@i386 fd:fd", "").unwrap_err().contains("before any row"));
    let lacking = "class desc About.\nread 0 - 0 63 63 desc size fd:fd\n@i386 fd:fd\n";
    assert!(generate(lacking, "").unwrap_err().contains("no number on i386"));
}

#[test]
fn calls_through_others_are_refused_with_their_line_and_a_remedy() {
    let table = "class desc About.\nsocketcall - 102 - - - desc int call:int args:ptr\nsend - - - - - desc size fd:fd len:size\n";
    let with = |line: &str| generate(table, &format!("through socketcall socketcall\n{line}\n"));
    let code = with("SYS_SEND send args[..]").unwrap();
    assert!(code.contains("args: &[Source::Memory(1, 0), Source::Memory(1, 1)]"), "{code}");
    for (line, why) in [
        ("", "`send` has no number on any ABI"),
        ("SYS_SEND sned args[..]\nSYS_RECV send args[..]", "no row is called `sned`"),
        ("SYS_SEDN send args[..]", "`SYS_SEDN` is no constant of `socketcall`"),
        ("SYS_SEND send call", "`send` has 2 arguments, not 1"),
        ("SYS_SEND send call first", "no argument `first`"),
        ("SYS_SEND send call args[9]", "no number of a word"),
        ("SYS_SEND send args[..] = second", "no argument `second`"),
        ("SYS_SEND", "write CONSTANT [VERSION] CALL"),
        ("SYS_SEND send args[..]\nSYS_SEND 1 send args[..]", "is found first"),
    ] {
        let refusal = with(line).unwrap_err();
        assert!(refusal.contains(why), "{line}: {refusal}");
        assert!(refusal.starts_with("syscalls-table/"), "{refusal}");
    }
    assert!(generate(table, "SYS_SEND send args[..]").unwrap_err().contains("begins with `through"));
}
