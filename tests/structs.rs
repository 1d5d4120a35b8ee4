//! Compares the structures' layouts with the C compiler's, and shows the build script broken files.
//!
//! The C compiler is asked by static assertions on the headers' own types, so nothing is linked or run. Which type of
//! which header a structure is stands in [`TRUTH`].

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use smtrace::model::Abi;
use smtrace::table::Kind;
use smtrace::table::structs::{self, Field, Struct, What};

#[allow(dead_code)]
#[path = "../build/main.rs"]
mod build;

/// `<header> …` begins a group, which is one file for the compiler; `@abi,abi` at its end: only there. Then one line for
/// each structure: `name | C type | remarks`. Remarks: `ours=theirs` for a field that is spelled otherwise (`-` for one
/// that C has not by itself), `field~`, or `~` for all, when its sign is not C's on purpose, `>=6.8` for the kernel whose headers have it, `field>=6.8` for a field, `size` when the size may
/// grow with the kernel, `!abi` where the header's `long` is not the kernel's.
const TRUTH: &str = include_str!("structs/truth.txt");

/// A structure in the headers.
struct Known {
    ours: &'static Struct,
    c_type: &'static str,
    remarks: Vec<&'static str>,
}

/// The structures of the same headers.
struct Group {
    headers: Vec<&'static str>,
    abis: Option<Vec<Abi>>,
    known: Vec<Known>,
}

fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for line in TRUTH.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('<') {
            let (headers, abis) = line.split_once('@').map_or((line, None), |(headers, abis)| (headers, Some(abis)));
            let named = |abi: &str| Abi::ALL.into_iter().find(|known| known.name() == abi).unwrap();
            let abis = abis.map(|abis| abis.split(',').map(named).collect());
            groups.push(Group { headers: headers.split_whitespace().collect(), abis, known: Vec::new() });
            continue;
        }
        let parts: Vec<&'static str> = line.split('|').map(str::trim).collect();
        let ours = structs::by_name(parts[0]).unwrap_or_else(|| panic!("no structure is called {}", parts[0]));
        let remarks = parts.get(2).map_or(Vec::new(), |remarks| remarks.split_whitespace().collect());
        groups.last_mut().unwrap().known.push(Known { ours, c_type: parts[1], remarks });
    }
    groups
}

/// The compiler's options for an ABI on this machine.
fn flags(abi: Abi) -> Option<&'static [&'static str]> {
    match (std::env::consts::ARCH, abi) {
        ("x86_64", Abi::X86_64) => Some(&["-m64"]),
        ("x86_64", Abi::I386) => Some(&["-m32"]),
        ("x86_64", Abi::X32) => Some(&["-mx32"]),
        // The generic headers are those of the ABIs that came late.
        ("x86_64", Abi::Aarch64 | Abi::Riscv64) => Some(&["-m64"]),
        (arch, abi) if arch == abi.name() => Some(&[]),
        _ => None,
    }
}

/// What the compiler says against `code`; `None` when there is no compiler.
fn compile(flags: &[&str], code: &str) -> Option<String> {
    let mut gcc = Command::new("gcc")
        .args(flags)
        .args(["-x", "c", "-std=gnu11", "-D_GNU_SOURCE", "-w", "-fsyntax-only", "-fmax-errors=0", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .env("LC_ALL", "C")
        .spawn()
        .ok()?;
    gcc.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let done = gcc.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() || !said.is_empty(), "gcc failed without a word");
    Some(said)
}

fn version(remark: &str) -> Option<(u32, u32)> {
    let (major, minor) = remark.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Known {
    /// What the header calls `field`; `None` when it has no such thing.
    fn theirs(&self, field: &'static Field) -> Option<&'static str> {
        let other = self.remarks.iter().find_map(|remark| remark.strip_prefix(field.name)?.strip_prefix('='));
        other.map_or(Some(field.name), |name| (name != "-").then_some(name))
    }

    /// The assertions, and how many fields they are about.
    fn assertions(&self, abi: Abi) -> (String, usize) {
        let (c, ours) = (self.c_type, self.ours);
        let (mut code, mut count) = (String::new(), 0);
        let mut assert_that = |since: Option<(u32, u32)>, what: &str, want: usize, name: &str| {
            let line = format!("_Static_assert({what} == {want}, \"{}{name}: {what} is not {want}\");", ours.name);
            let _ = match since {
                Some((major, minor)) => {
                    writeln!(code, "#if LINUX_VERSION_CODE >= KERNEL_VERSION({major},{minor},0)\n{line}\n#endif")
                }
                None => writeln!(code, "{line}"),
            };
        };
        let since = self.remarks.iter().find_map(|remark| version(remark.strip_prefix(">=")?));
        if !self.remarks.contains(&"size") {
            assert_that(since, &format!("sizeof({c})"), ours.size(abi), "");
        }
        for field in ours.fields(abi) {
            // Padding has other names in other versions of the headers; a bit field has no address.
            if field.show == structs::Show::Hidden || field.is_bits() || field.name.is_empty() {
                continue;
            }
            let Some(name) = self.theirs(field) else { continue };
            let newer = self.remarks.iter().find_map(|r| version(r.strip_prefix(field.name)?.strip_prefix(">=")?));
            let since = newer.or(since);
            let member = format!("(({c} *)0)->{name}");
            let about = format!(".{}", field.name);
            assert_that(since, &format!("__builtin_offsetof({c}, {name})"), field.offset(abi), &about);
            assert_that(since, &format!("sizeof({member})"), field.end(abi) - field.offset(abi), &about);
            let sign = !self
                .remarks
                .iter()
                .any(|remark| remark.strip_suffix('~').is_some_and(|name| name.is_empty() || name == field.name));
            // A pattern of bits has no sign with us.
            let sign = sign
                && !matches!(field.what, What::Word(Kind::Hex | Kind::Ptr | Kind::Flags(_) | Kind::Mode | Kind::Dev));
            if let (What::Word(_), false, true) = (field.what, field.array, sign) {
                let signed = format!("((__typeof__({member}))-1 < 0)");
                assert_that(since, &signed, usize::from(field.signed), &about);
            }
            count += 1;
        }
        (code, count)
    }
}

#[test]
fn layouts_agree_with_the_c_compilers() {
    if compile(&[], "").is_none() {
        eprintln!(
            "SKIPPED: there is no gcc, so no layout was compared; install gcc (and gcc-multilib for i386 and x32)"
        );
        return;
    }
    let mut refused = Vec::new();
    for abi in Abi::ALL {
        let (mut structs, mut fields) = (BTreeSet::new(), 0);
        let Some(flags) = flags(abi) else { continue };
        for group in groups() {
            let native = !matches!(abi, Abi::Aarch64 | Abi::Riscv64) || std::env::consts::ARCH == abi.name();
            if group.abis.as_ref().map_or(!native, |abis| !abis.contains(&abi)) {
                continue;
            }
            let mut code = "#include <stddef.h>\n#include <linux/types.h>\n#include <linux/version.h>\n".to_owned();
            group.headers.iter().for_each(|header| writeln!(code, "#include {header}").unwrap());
            let headers = code.clone();
            let (mut names, mut count) = (Vec::new(), 0);
            let except = format!("!{}", abi.name());
            for known in group.known.iter().filter(|known| !known.remarks.contains(&except.as_str())) {
                let (more, asserted) = known.assertions(abi);
                code.push_str(&more);
                names.push(known.ours.name);
                count += asserted;
            }
            let said = compile(flags, &code).unwrap();
            let errors: Vec<&str> = said.lines().filter(|line| line.contains("error:")).collect();
            let lacking = if errors.is_empty() { String::new() } else { compile(flags, &headers).unwrap() };
            if let Some(why) = lacking.lines().find(|line| line.contains("error:")) {
                eprintln!("SKIPPED: {} on {}: {why}", group.headers.join(" "), abi.name());
                continue;
            }
            refused.extend(errors.iter().map(|error| format!("{}: {error}", abi.name())));
            structs.extend(names);
            fields += count;
        }
        eprintln!("{}: compared {} structures and {fields} fields", abi.name(), structs.len());
        let least = if std::env::consts::ARCH == abi.name() { 60 } else { 0 };
        assert!(structs.len() >= least, "only {} structures were compared on {}", structs.len(), abi.name());
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// What the build makes of a file of structures.
fn generate(text: &str) -> Result<String, String> {
    let sets = [("some.set".to_owned(), "flags open O_???\n  O_CREAT 0100\n".to_owned())];
    let sets = build::sets::Sets::read(&sets).unwrap();
    let files = [("some.struct".to_owned(), text.to_owned())];
    build::structs::Structs::read(&files, "sockaddr An address.\n", &sets)?.render()
}

/// The sizes, and the offsets of the last field shown, by ABI.
fn layout(text: &str) -> (String, String) {
    let code = generate(text).unwrap();
    let between = |from: &str| {
        let (_, rest) = code.rsplit_once(from).unwrap();
        rest.split_once(']').unwrap().0.trim_end_matches([' ', ',']).to_owned()
    };
    (between("sizes: ["), between("offsets: ["))
}

#[test]
fn layouts_follow_the_rules_of_each_abi() {
    for (text, sizes, offsets) in [
        ("struct x\n a u8\n b u64", "16, 12, 16, 16, 16", "8, 4, 8, 8, 8"),
        ("struct x\n a u8\n b aligned_u64", "16, 16, 16, 16, 16", "8, 8, 8, 8, 8"),
        ("struct x\n a u8\n b long", "16, 8, 16, 16, 16", "8, 4, 8, 8, 8"),
        ("struct x\n a u8\n b ptr", "16, 8, 8, 16, 16", "8, 4, 4, 8, 8"),
        ("struct x\n a u64\n b u8", "16, 12, 16, 16, 16", "8, 8, 8, 8, 8"),
        ("struct x packed\n a u8\n b u64", "9, 9, 9, 9, 9", "1, 1, 1, 1, 1"),
        ("struct x size 40\n a u8\n b u64", "40, 40, 40, 40, 40", "8, 4, 8, 8, 8"),
        ("union x\n a u8\n b u64", "8, 8, 8, 8, 8", "0, 0, 0, 0, 0"),
        ("struct x\n a u8[3]\n b u16[2]", "8, 8, 8, 8, 8", "4, 4, 4, 4, 4"),
        ("struct x\n a u32:31\n b u32:2", "8, 8, 8, 8, 8", "4, 4, 4, 4, 4"),
        ("struct x\n a u32:30\n b u32:2", "4, 4, 4, 4, 4", "0, 0, 0, 0, 0"),
        ("struct y\n l long\nstruct x\n a u8\n b struct y[2]", "24, 12, 24, 24, 24", "8, 4, 8, 8, 8"),
        ("struct x\n a u8\n b u32\n c u64\n order c a b", "16, 16, 16, 16, 16", "4, 4, 4, 4, 4"),
        ("struct x\n a u8\n p port\n b in6_addr", "20, 20, 20, 20, 20", "4, 4, 4, 4, 4"),
    ] {
        assert_eq!(layout(text), (sizes.to_owned(), offsets.to_owned()), "{text}");
    }
    let (sizes, _) = layout("struct x @i386\n a u8\nstruct x\n a u64");
    assert_eq!(sizes, "8, 1, 8, 8, 8");
}

#[test]
fn a_broken_file_is_refused_with_its_line_and_a_remedy() {
    for (text, why) in [
        ("a u8", "before any structure"),
        ("struct X\n a u8", "`X` cannot name a structure"),
        ("struct x tight\n a u8", "`tight` is no option"),
        ("struct x size\n a u8", "`size` is no option"),
        ("struct x size 1\n a u16", "more than 1"),
        ("struct x @i387\n a u8", "`i387` is no ABI"),
        ("struct x @i386\n a u8", "no layout for the other ABIs"),
        ("struct x\n a u8\nstruct x\n a u8", "stands at some.struct:1 already"),
        ("struct x\n a u8\nstruct x @i386\n a u8\nstruct x @x32,i386\n a u8", "stands at some.struct:3 already"),
        ("struct x", "has no field"),
        ("struct x\n a", "`a` has no type"),
        ("struct x\n a u9", "`u9` is no type"),
        ("struct x\n a u8[0]", "`u8[0]` is no type"),
        ("struct x\n a u8[40000]", "`u8[40000]` is no type"),
        ("struct x\n a u64[30000]", "is larger than"),
        ("struct x\n a u8:9", "more than its type"),
        ("struct x\n a long:1", "bits are of a number"),
        ("struct x\n a u8\n a u8", "has a field `a` already"),
        ("struct x\n a-b u8", "`a-b` cannot name a field"),
        ("struct x\n a u8 octal", "`octal` is no kind of a number"),
        ("struct x\n a u8 hex sometimes", "is no kind with"),
        ("struct x\n a u8 flags(opne)", "no set is called `opne`"),
        ("struct x\n a u8 enum(open)", "write flags(open)"),
        ("struct x\n a port hex", "says how it is shown"),
        ("struct x\n a char[3] hex", "text has no kind"),
        ("struct x\n a struct y", "no structure is called `y`"),
        ("struct x\n a struct x", "holds itself"),
        ("struct y\n a u8\nstruct x\n a struct y hex", "a structure has no kind"),
        ("struct x\n a u8\n order b", "no field `b` to order"),
        ("struct sockaddr\n a u8", "`sockaddr` is a structure at some.struct:1"),
    ] {
        let refusal = generate(text).unwrap_err();
        assert!(refusal.contains(why), "{text}: {refusal}");
        assert!(refusal.starts_with("some.struct:") || refusal.starts_with("syscalls-table/shapes.txt:"), "{refusal}");
    }
}
