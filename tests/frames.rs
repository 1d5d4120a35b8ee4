//! The signal mask that a return from a handler restores: it lies in the frame on the stack, against strace and against the
//! kernel's headers.

#![cfg(target_arch = "x86_64")]
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Scratch, finish, in_path, skip, smtrace};

fn build(folder: &Scratch, width: &str) -> Option<PathBuf> {
    let program = folder.path("signals");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/frames/signals.c");
    let built = Command::new("gcc").args(["-w", "-O1", width, "-o"]).arg(&program).arg(source).output().ok()?;
    let other = width == "-m32" && !built.status.success();
    assert!(other || built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    (!other).then_some(program)
}

/// The lines about calls in `name` that `tracer` writes of `program`.
fn lines(tracer: &Path, letters: &[&str], program: &Path) -> Vec<String> {
    let mut command = Command::new(tracer);
    command.args(letters).args(["-a", "1", "-o", "/dev/stdout", "--"]).arg(program);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.out.lines().filter(|line| line.contains("sigreturn(")).map(str::to_owned).collect()
}

#[test]
fn the_mask_of_a_frame_is_what_strace_shows() {
    let Some(strace) = in_path("strace") else { return skip("frames", "no strace") };
    let folder = Scratch::new();
    for width in ["-m64", "-m32"] {
        let Some(program) = build(&folder, width) else {
            skip("frames", &format!("gcc cannot build with {width}"));
            continue;
        };
        for letters in [&[][..], &["-X", "raw"], &["-e", "raw=all"]] {
            let letters = [&["-e", "trace=rt_sigreturn,sigreturn"], letters].concat();
            let theirs = lines(&strace, &letters, &program);
            assert_eq!(theirs.len(), 9, "{theirs:?}");
            assert_eq!(lines(smtrace(), &[&["--format", "strace"], &letters[..]].concat(), &program), theirs);
        }
        let last = lines(&strace, &["-e", "trace=rt_sigreturn"], &program).pop();
        assert!(last.is_some_and(|last| last.contains("= -1 EINTR (")), "what the interrupted call returns");
        // Both of i386's calls, by how the handler was asked for.
        let calls = lines(&strace, &["-e", "trace=rt_sigreturn,sigreturn"], &program);
        let old = calls.iter().filter(|line| line.starts_with("sigreturn(")).count();
        assert_eq!(old, if width == "-m32" { 4 } else { 0 }, "{calls:?}");
    }
}

#[test]
fn a_frame_is_told_by_meaning_and_has_no_register() {
    let folder = Scratch::new();
    let Some(program) = build(&folder, "-m64") else { return skip("frames", "no gcc") };
    let json = Command::new(smtrace())
        .args(["-e", "rt_sigreturn", "--dir", "enter", "--format", "json", "-o", "/dev/stdout", "--"])
        .arg(&program)
        .output()
        .unwrap()
        .stdout;
    let events: Vec<serde_json::Value> =
        String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let masks: Vec<String> = events.iter().map(|event| event["args"][0]["value"]["mask"].to_string()).collect();
    let want = [r#"[]"#, r#"["SIGUSR2"]"#, r#"["SIGTERM","SIGRT_5"]"#, r#"["SIGHUP","SIGRT_32"]"#].repeat(2);
    let want = [want, vec![r#"["SIGUSR1","SIGUSR2"]"#]].concat();
    assert_eq!(masks, want);
    assert!(events.iter().all(|event| event["args"][0]["raw"].is_null()));
}

/// x32 programs need a kernel that runs them; that the offset is right the headers say: the frame is the return address,
/// which is off the stack by then, and a `struct ucontext`.
#[test]
fn the_mask_lies_where_the_headers_put_it() {
    if in_path("gcc").is_none() {
        return skip("frames", "no gcc");
    }
    for (width, offset) in [("-m64", 296), ("-mx32", 280), ("-m32", 248 - 140)] {
        let source = format!(
            "#include <linux/types.h>\n#include <asm/sigcontext.h>\n#include <asm/signal.h>\n#include <asm/ucontext.h>\n\
             _Static_assert(__builtin_offsetof(struct ucontext, uc_sigmask) == {offset}, \"\");\n"
        );
        let folder = Scratch::new();
        let file = folder.path("frame.c");
        std::fs::write(&file, source).unwrap();
        let checked = Command::new("gcc").args(["-fsyntax-only", width]).arg(&file).output().unwrap();
        assert!(checked.status.success(), "{width}: {}", String::from_utf8_lossy(&checked.stderr));
    }
}
