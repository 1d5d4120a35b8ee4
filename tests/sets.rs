//! Compares the sets of constants with the kernel's own headers, which the C compiler reads, and shows the build script
//! broken sets.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeSet, HashSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use smtrace::model::Abi;
use smtrace::table::sets::{self, Set};

#[allow(dead_code)]
#[path = "../build/main.rs"]
mod build;

use build::sets::Sets;

/// The kernel's headers that define our constants. One that is not there is passed over, and an error inside one does no
/// harm: only what the compiler says of a constant counts.
const HEADERS: &str = include_str!("sets/headers");
/// What some of them take from the C library.
const TYPES: &str = "typedef __SIZE_TYPE__ size_t;\ntypedef __INT32_TYPE__ int32_t;\ntypedef __INT64_TYPE__ int64_t;\n\
    typedef __UINT8_TYPE__ uint8_t;\ntypedef __UINT16_TYPE__ uint16_t;\ntypedef __UINT32_TYPE__ uint32_t;\n\
    typedef __UINT64_TYPE__ uint64_t;\n#define bool _Bool\n";
/// The C library's, for what the kernel does not tell programs: socket families, types and message flags. It has its own
/// idea of `F_GETLK64` on 64-bit machines, where the kernel takes the number all the same.
const LIBRARY: &str = "#define _GNU_SOURCE\n#include <sys/socket.h>\n#include <netinet/in.h>\n#include <netinet/tcp.h>\n\
    #include <sys/epoll.h>\n#include <sys/eventfd.h>\n#include <sys/signalfd.h>\n#include <sys/timerfd.h>\n\
    #include <sys/poll.h>\n#include <sys/mount.h>\n#include <sys/swap.h>\n#include <sys/statvfs.h>\n\
    #include <sys/personality.h>\n#include <sys/wait.h>\n#include <dirent.h>\n#include <signal.h>\n\
    #undef F_GETLK64\n#undef F_SETLK64\n#undef F_SETLKW64\n";

/// What a C compiler says of the constants of one ABI.
#[derive(Default)]
struct Compared {
    known: BTreeSet<&'static str>,
    different: Vec<String>,
}

/// The name and value of each constant, once. A set of capabilities has bits where the headers have their numbers.
fn constants(abi: Abi) -> Vec<(&'static str, u64, &'static Set)> {
    let named = |set: &&'static Set| {
        let set: &'static Set = set;
        set.constants(abi).flat_map(move |(names, value)| names.split(" or ").map(move |name| (name, value, set)))
    };
    let identifier = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let all = sets::all().iter().filter(|set| set.name != "capabilities").flat_map(named);
    let mut all: Vec<_> = all.filter(|(name, ..)| identifier(name)).collect();
    all.sort_by_key(|(name, value, _)| (*name, *value));
    all.dedup_by_key(|(name, value, _)| (*name, *value));
    all
}

/// What the compiler given `flag` and `arguments` answers to `program`: its output and its errors.
fn ask(flag: &str, arguments: &[&str], program: String) -> (String, String) {
    let mut gcc = Command::new("gcc");
    gcc.args([flag, "-w", "-x", "c", "-"]).args(arguments);
    let mut child = gcc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(program.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("fatal error"), "{said}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), said)
}

/// Has the compiler check each constant that `headers` define; an error on a constant's line tells which and why.
fn compare(flag: &str, headers: &str, constants: &[(&'static str, u64, &'static Set)], into: &mut Compared) {
    // A name that stands nowhere in the headers need not be tried: the compiler takes long to guess what was meant.
    let (text, _) = ask(flag, &["-E", "-dD"], headers.to_owned());
    let words: HashSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let constants: Vec<_> = constants.iter().filter(|(name, ..)| words.contains(name)).collect();
    let mut program = format!("{headers}\n#line 1 \"constants\"\n");
    for (name, value, _) in &constants {
        // Many are ints: one that differs by the sign extension of its low half is the same to the kernel.
        program += &format!(
            "_Static_assert((unsigned long long)({name}) == {value}ull || ((unsigned)({name}) == {}u && \
             ({value}ull >> 31 == 1 || {value}ull >> 31 == 0x1ffffffffull)), \"differs\");\n",
            value & 0xffff_ffff
        );
    }
    let (_, said) = ask(flag, &["-fsyntax-only", "-fmax-errors=0", "-ftrack-macro-expansion=0"], program);

    let mut unknown = BTreeSet::new();
    for line in said.lines() {
        let Some((at, why)) = line.strip_prefix("constants:").and_then(|line| line.split_once(": error: ")) else {
            continue;
        };
        let at: usize = at.split(':').next().unwrap().parse().unwrap();
        let (name, value, set) = *constants[at - 1];
        unknown.insert(name);
        if why.contains("static assertion failed") {
            into.different.push(format!("{name} of {} is not {value:#x}", set.name));
        }
    }
    into.known.extend(constants.iter().map(|(name, ..)| *name).filter(|name| !unknown.contains(name)));
}

fn has_compiler(flag: &str) -> bool {
    let gcc =
        Command::new("gcc").args([flag, "-fsyntax-only", "-x", "c", "-include", "sys/socket.h", "/dev/null"]).output();
    gcc.is_ok_and(|output| output.status.success())
}

#[cfg(target_arch = "x86_64")]
#[test]
fn constants_agree_with_the_headers() {
    let kernel = HEADERS.lines().fold(TYPES.to_owned(), |program, header| {
        program + &format!("#if __has_include(<{header}>)\n#include <{header}>\n#endif\n")
    });
    for (abi, flag) in [(Abi::X86_64, "-m64"), (Abi::I386, "-m32"), (Abi::X32, "-mx32")] {
        if !has_compiler(flag) {
            eprintln!("SKIPPED: no gcc {flag} with headers here; the constants of {} are not compared", abi.name());
            continue;
        }
        let constants = constants(abi);
        let mut compared = Compared::default();
        compare(flag, &kernel, &constants, &mut compared);
        let rest: Vec<_> = constants.iter().copied().filter(|(name, ..)| !compared.known.contains(name)).collect();
        compare(flag, LIBRARY, &rest, &mut compared);
        assert_eq!(compared.different, [""; 0], "{}", abi.name());
        println!("{}: {} of {} constants agree", abi.name(), compared.known.len(), constants.len());
        assert!(
            compared.known.len() > 1500,
            "only {} constants of {} are in the headers",
            compared.known.len(),
            abi.name()
        );
    }
}

/// The headers whose ioctl commands must have names: terminals, files and file systems, block and loop devices, network
/// interfaces, namespaces, and the devices that people trace most.
const IOCTL_HEADERS: &str = include_str!("sets/ioctl_headers");

/// What is written like a command there and is none, or is another CPU's.
fn is_no_ioctl(name: &str) -> bool {
    // Commands of other machines' virtual machines; their numbers are those of x86's.
    const OTHER_CPUS: [&str; 4] = ["KVM_S390_", "KVM_PPC_", "KVM_ARM_", "__KVM_DEPRECATED_"];
    // Another spelling: of the form that a command has or had, or of its number alone; and not in any kernel since 2.6.
    const ALIASES: [&str; 13] = [
        "DMA_BUF_SET_NAME",
        "SIOCGSTAMP",
        "SIOCGSTAMPNS",
        "SIOCDEVPRIVATE",
        "SIOGIFINDEX",
        "SIOCPROTOPRIVATE",
        "KVM_ALLOCATE_RMA",
        "KVM_CREATE_SPAPR_TCE",
        "KVM_CREATE_SPAPR_TCE_64",
        "TIOCINQ",
        "SIOCINQ",
        "SIOCOUTQ",
        "PPPIOCGIDLE",
    ];
    // The forms that 32-bit programs use have structures that the headers do not show.
    ALIASES.contains(&name) || name.ends_with("32") || OTHER_CPUS.iter().any(|prefix| name.starts_with(prefix))
}

/// The commands that `headers` define: by `_IO` and its kin, or as a plain number where the family is older than those.
fn ioctls(headers: &str) -> BTreeSet<String> {
    const OLD: [&str; 11] = ["TIOC", "TC", "FIO", "SIOC", "LOOP_", "HDIO_", "KD", "GIO_", "PIO_", "BLK", "FS_IOC"];
    let program: String =
        headers.lines().map(|header| format!("#if __has_include(<{header}>)\n#include <{header}>\n#endif\n")).collect();
    let (text, _) = ask("-m64", &["-E", "-dD"], TYPES.to_owned() + &program);
    let plain = |name: &str, body: &str| {
        let number = body.strip_prefix("0x").is_some_and(|digits| digits.len() == 4);
        number && OLD.iter().any(|prefix| name.starts_with(prefix))
    };
    let defined = |line: &str| {
        let (name, body) = line.strip_prefix("#define ")?.split_once(char::is_whitespace)?;
        let body = body.trim().trim_start_matches('(');
        let made = ["_IO(", "_IOR(", "_IOW(", "_IOWR(", "_IOC("].iter().any(|start| body.starts_with(start));
        let name_only = !name.contains('(') && !name.starts_with("_IO") && !name.starts_with("VT_EVENT");
        (name_only && (made || plain(name, body))).then(|| name.to_owned())
    };
    text.lines().filter_map(defined).collect()
}

#[test]
fn every_ioctl_of_the_headers_has_a_name() {
    let known: HashSet<&str> = sets::IOCTL.constants(Abi::X86_64).flat_map(|(names, _)| names.split(" or ")).collect();
    let wanted = ioctls(IOCTL_HEADERS);
    assert!(wanted.len() > 900, "only {} commands are in the headers", wanted.len());
    let missing: Vec<_> = wanted.iter().filter(|name| !known.contains(name.as_str()) && !is_no_ioctl(name)).collect();
    assert!(missing.is_empty(), "commands without a name in sets/ioctl.set: {missing:?}");
}

/// A file of the two sets `open` and `access` with `lines` after them.
fn with(lines: &str) -> Result<Sets, String> {
    let text = format!("flags open O_???\n  part 3 access\n  O_CREAT 0100\nenum access O_???\n  O_RDWR 2\n{lines}\n");
    Sets::read(&[("a.set".to_owned(), text)])
}

#[test]
fn broken_sets_are_refused_with_their_line_and_a_remedy() {
    assert!(with("flags more -\n include open # too\n @i386,x32 O_EXCL 1<<7\n @i386 O_EXCL -").is_ok());
    for (lines, line, why) in [
        ("enum open O_???", 6, "`open` stands at a.set:1 already"),
        ("enum Open O_???", 6, "`Open` cannot name a set"),
        ("enum more", 6, "a set begins with"),
        ("flags more - joined", 6, "a set begins with"),
        ("  O_RDWR 3", 6, "`O_RDWR` is there already"),
        ("  O_EXCL 0x", 6, "`0x` is no number"),
        ("  O_EXCL 08", 6, "`08` is no number"),
        ("  O_EXCL +8", 6, "`+8` is no number"),
        ("  O_EXCL 3<<63", 6, "`3<<63` is no number"),
        ("  O_EXCL", 6, "is no line of a set"),
        ("  part 1 access", 6, "is no line of a set"),
        ("  @i387 O_EXCL 1", 6, "`i387` is no ABI"),
        ("  include nonesuch", 6, "no set is called `nonesuch`"),
        ("flags more -\n  part 1 nonesuch", 7, "no set is called `nonesuch`"),
        ("flags more -\n  part 3 open", 7, "`open` is flags; a part is an enum"),
        ("flags more -\n  part 1 access", 7, "`O_RDWR` has bits outside"),
        ("flags more -\n  part 3 access\n  part 6 access last", 8, "two parts share bits"),
        ("flags more -\n  part 3 access\n  A 1", 6, "more: `A` has bits of a part"),
        ("enum more -", 6, "`more` has no constants"),
        ("flags more -\n  A -1", 6, "more: `A` is a negative number"),
        ("flags more -\n  A 1\n  B 3", 6, "more: `B` is never shown, for `A` before it"),
        ("flags more -\n  part 3 access first", 7, "is no line of a set"),
        ("enum more -\n  include other\nenum other -\n  include more", 7, "includes itself"),
        ("  O_EXCL 1\n  include more\nenum more -\n  O_EXCL 2", 4, "`O_EXCL` is there twice"),
        ("  each 2 1 %d", 6, "correct its numbers"),
        ("  each 0 5000 %d", 6, "correct its numbers"),
        ("  each 1 2 %d shift 63", 6, "correct its numbers"),
        ("  each 1 2 name", 6, "gives all the same name"),
    ] {
        let refusal = with(lines).err().unwrap_or_else(|| panic!("accepted: {lines}"));
        assert!(refusal.starts_with(&format!("a.set:{line}: ")) && refusal.contains(why), "{lines}: {refusal}");
    }
    let orphan = Sets::read(&[("a.set".to_owned(), "  A 1".to_owned())]);
    assert!(orphan.err().unwrap().contains("a constant stands before any set"));
}

#[test]
fn names_of_one_value_are_joined_only_where_asked() {
    let text = "enum one -\n  B 1\n  A 1\nenum all - joined\n  B 1\n  A 1\n  C 2\n";
    let code = Sets::read(&[("a.set".to_owned(), text.to_owned())]).unwrap().render();
    assert!(code.contains(r#"ONE_0: &[(&str, u64)] = &[("B", 0x1), ]"#), "{code}");
    assert!(code.contains(r#"ALL_0: &[(&str, u64)] = &[("A or B", 0x1), ("C", 0x2), ]"#), "{code}");
}
