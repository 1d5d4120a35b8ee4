//! `--format strace` against strace itself, for every row of the table: a program makes each call with poison in its six
//! registers, and with addresses of poison, of zeros and of what lies at the end of a mapping.
//!
//! None is carried out: the program's own seccomp filter answers, after the stop in which tracers look at a call
//! (ptrace(2) syscall-enter-stop comes before seccomp since Linux 4.8). So no call can hurt or block, and all end alike:
//! with an error, and in a second run with success, for what the kernel writes.
//!
//! What differs on purpose or is not done yet stands in `poison/differences.txt`, with why.

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use smtrace::model::Abi;
use smtrace::table::{self, Arg, Kind, Len, Row, through};
use support::{Scratch, finish_with, in_path, skip, smtrace};

/// The program's pages: see `poison/calls.c`.
const POISON: u64 = 0x5a00_0000;
const ZEROS: u64 = 0x5a10_0000;
const PAIRS: u64 = 0x5a20_0000;
const PAGE: u64 = 4096;

/// What the filter answers: ENOSYS, and success.
const ANSWERS: [(&str, &str); 2] = [("fails", "38"), ("succeeds", "0")];

/// What stands in the registers.
#[derive(Clone, Copy)]
enum Words {
    /// So much in the first, and one more in each that follows.
    Raw(u64),
    /// The same in all.
    All(u64),
    /// By the argument's kind: an address, a length, and anything else.
    Kinds { address: u64, length: u64, other: u64 },
}

const VARIANTS: [(&str, Words); 9] = [
    ("nothing", Words::All(0)),
    ("ones", Words::All(u64::MAX)),
    ("poison", Words::Raw(0xface_feed_dead_bee0)),
    ("small", Words::Raw(1)),
    ("upper", Words::Raw(0xbadc_0ded_0000_0001)),
    ("page", Words::Kinds { address: POISON, length: 8, other: 1 }),
    ("cut", Words::Kinds { address: POISON + PAGE - 4, length: 8, other: 2 }),
    ("zeros", Words::Kinds { address: ZEROS, length: 128, other: 0 }),
    ("pairs", Words::Kinds { address: PAIRS, length: 2, other: 3 }),
];

/// The words in the registers of a call of `row`.
fn words(row: &Row, abi: Abi, words: Words) -> [u64; 6] {
    let args = row.args(abi);
    let is_length = |at: usize| {
        let measures = |len: Len| matches!(len, Len::Arg(index) if usize::from(index) == at);
        args.iter().any(|arg| match arg.kind {
            Kind::Bytes(len) | Kind::StructArray(_, len) | Kind::StructSized(_, len) => measures(len),
            _ => false,
        })
    };
    let of_kind = |at: usize, arg: &Arg, address, length, other| match arg.kind {
        kind if !kind.is_word() => address,
        Kind::Ptr | Kind::Hex => address,
        Kind::Size => length,
        _ if is_length(at) => length,
        _ => other,
    };
    std::array::from_fn(|at| match (words, args.get(at)) {
        (Words::Raw(first), _) => first + at as u64,
        (Words::All(word), _) => word,
        (Words::Kinds { address, length, other }, Some(arg)) => of_kind(at, arg, address, length, other),
        (Words::Kinds { other, .. }, None) => other,
    })
}

/// Not made: seccomp lets these pass unseen (kernel/seccomp.c), and outside a trampoline of the kernel they kill.
const SKIPPED: [&str; 2] = ["uretprobe", "uprobe"];

/// A call that is made: what the list of differences calls it, its number, which variant, and the words.
struct Made {
    name: String,
    number: u32,
    variant: &'static str,
    words: [u64; 6],
}

/// The calls through a multiplexer, and through numbers that lead nowhere; the words behind its pointer are the page's.
fn inner_calls(multiplexer: &'static through::Multiplexer, abi: Abi) -> Vec<Made> {
    let row = multiplexer.row();
    let Some(number) = row.number(abi) else { return Vec::new() };
    // Of 16 bits some are left for a version.
    let versions = if multiplexer.mask == u32::MAX { 0..1_u32 } else { 0..2 };
    let asked = (0..30_u32).flat_map(|sub| versions.clone().map(move |version| u64::from(sub | version << 16)));
    let made = |first: u64, (variant, with): (&'static str, Words)| {
        let mut words = words(row, abi, with);
        words[0] = first;
        let inner = multiplexer.asked(first).map_or("none", |inner| inner.row().name);
        Made { name: format!("{}.{inner}", row.name), number, variant, words }
    };
    asked.flat_map(|first| VARIANTS.map(|variant| made(first, variant))).collect()
}

/// The calls of `abi`.
fn calls(abi: Abi) -> Vec<Made> {
    let rows = table::rows().iter().filter(|row| row.number(abi).is_some() && !SKIPPED.contains(&row.name));
    // The one call that the filter lets pass ends the program.
    let ends = |row: &Row, words: &[u64; 6]| row.name == "exit_group" && words[0] & 0xffff_ffff == 77;
    let bit = if abi == Abi::X32 { 0x4000_0000 } else { 0 };
    let of = |row: &'static Row, (variant, with): (&'static str, Words)| {
        let words = words(row, abi, with);
        let number = row.number(abi).unwrap() | bit;
        (!ends(row, &words)).then(|| Made { name: row.name.to_owned(), number, variant, words })
    };
    let inner = through::multiplexers().iter().flat_map(|multiplexer| inner_calls(multiplexer, abi));
    rows.flat_map(|row| VARIANTS.into_iter().filter_map(move |variant| of(row, variant))).chain(inner).collect()
}

/// Builds the program for an ABI; x32's calls are made by the 64-bit one.
fn build(folder: &Path, abi: Abi) -> Option<PathBuf> {
    let program = folder.join(format!("calls-{}", abi.name()));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/poison/calls.c");
    let width = if abi == Abi::I386 { "-m32" } else { "-m64" };
    let mut gcc = Command::new("gcc");
    gcc.args(["-w", "-O1", "-no-pie", "-D_GNU_SOURCE", width, "-o"]).arg(&program).arg(source);
    gcc.output().ok()?.status.success().then_some(program)
}

/// The lines that `tracer` writes about the calls that `program` reads from `input`.
fn lines(tracer: &Path, letters: &[&str], log: &Path, program: &Path, answer: &str, input: &str) -> Vec<String> {
    let mut command = Command::new(tracer);
    command.args(letters).arg("-o").arg(log).arg("--").arg(program).arg(answer).env("TZ", "UTC");
    let outcome = finish_with(command, input.as_bytes());
    assert_eq!(outcome.code, Some(77), "{} {outcome:?}", tracer.display());
    let text = String::from_utf8_lossy(&fs::read(log).unwrap()).into_owned();
    let after = text.lines().skip_while(|line| !line.contains("PR_SET_SECCOMP")).skip(1);
    // What tracers say about themselves; the last call is the program's own.
    let mut lines: Vec<String> =
        after.filter(|line| !line.starts_with(['[', '+', '-', '<'])).map(str::to_owned).collect();
    assert!(lines.pop().is_some_and(|last| last.starts_with("exit_group(77)")), "{lines:?}");
    lines
}

/// A difference: the call, the ABI, and the case as `fails:page`.
type Case = (String, String, String);

/// A line of the list of differences.
struct Listed {
    call: String,
    abis: String,
    cases: String,
}

impl Listed {
    fn all() -> Vec<Listed> {
        let text = include_str!("poison/differences.txt");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| {
                let mut words = line.split_whitespace().map(str::to_owned);
                let mut word = || words.next().unwrap_or_else(|| panic!("{line:?}: call, ABIs, cases, and why"));
                let listed = Listed { call: word(), abis: word(), cases: word() };
                assert!(words.next().is_some(), "{line:?} says why");
                listed
            })
            .collect()
    }

    /// The cases it names, each of which has to differ in at least one way; `*` is all ways.
    fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        self.abis.split(',').flat_map(|abi| self.cases.split(',').map(move |case| (abi, case)))
    }

    fn covers(&self, (call, abi, case): &Case, (an_abi, a_case): (&str, &str)) -> bool {
        let variant = case.split_once(':').map_or("", |(_, variant)| variant);
        *call == self.call && (an_abi == "*" || an_abi == abi) && (a_case == "*" || a_case == case || a_case == variant)
    }
}

/// What differs, with both lines.
fn differences(strace: &Path, abi: Abi, found: &mut BTreeMap<Case, String>) -> bool {
    let folder = Scratch::new();
    let Some(program) = build(&folder.path(""), abi) else {
        skip("poison", &format!("gcc cannot build for {}", abi.name()));
        return false;
    };
    let calls = calls(abi);
    let mut input = String::new();
    for Made { number, words, .. } in &calls {
        let _ = write!(input, "{number:x}");
        words.iter().for_each(|word| _ = write!(input, " {word:x}"));
        input.push('\n');
    }
    for (how, answer) in ANSWERS {
        let theirs = lines(strace, &[], &folder.path("theirs"), &program, answer, &input);
        let letters = ["--format", "strace", "--seccomp", "off"];
        let ours = lines(smtrace(), &letters, &folder.path("ours"), &program, answer, &input);
        assert_eq!(theirs.len(), calls.len(), "strace tells each call");
        assert_eq!(ours.len(), calls.len(), "smtrace tells each call");
        for ((Made { name, variant, .. }, want), got) in calls.iter().zip(&theirs).zip(&ours) {
            if want != got {
                let case = (name.clone(), abi.name().to_owned(), format!("{how}:{variant}"));
                found.insert(case, format!("  strace:  {want}\n  smtrace: {got}"));
            }
        }
    }
    true
}

#[test]
fn every_call_of_the_table_is_shown_as_strace_shows_it() {
    let Some(strace) = in_path("strace") else { return skip("poison", "no strace") };
    let version = Command::new(&strace).arg("-V").output().unwrap().stdout;
    if !String::from_utf8_lossy(&version).contains("version 6.1\n") {
        return skip("poison", "the list of differences is of strace 6.1");
    }
    let mut found = BTreeMap::new();
    let compared: Vec<&str> = [Abi::X86_64, Abi::I386]
        .into_iter()
        .filter(|abi| differences(&strace, *abi, &mut found))
        .map(Abi::name)
        .collect();
    let listed = Listed::all();
    let mut covered = BTreeSet::new();
    let mut gone = Vec::new();
    for entry in &listed {
        for (abi, case) in entry.named().filter(|(abi, _)| *abi == "*" || compared.contains(abi)) {
            let matching: Vec<&Case> = found.keys().filter(|case_| entry.covers(case_, (abi, case))).collect();
            if matching.is_empty() {
                gone.push(format!("{} {abi} {case}", entry.call));
            }
            covered.extend(matching);
        }
    }
    let missing: Vec<String> = found
        .iter()
        .filter(|(case, _)| !covered.contains(case))
        .map(|((call, abi, case), lines)| format!("{call} {abi} {case}\n{lines}"))
        .collect();
    assert!(missing.is_empty(), "{} differ and are not listed:\n{}", missing.len(), missing.join("\n"));
    assert!(gone.is_empty(), "these differ no longer; take them off the list: {gone:?}");
}
