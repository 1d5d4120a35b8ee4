//! Two captures of real runs compared: the same work is the same, other work is told.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Outcome, Scratch, finish, smtrace};

/// What every build does: temporary names, process ids in names, a folder of its own.
const BUILD: &str = "t=$(mktemp); echo x > $t; cp $t conf$$.c; cat conf$$.c > out; rm $t conf$$.c; mkdir d; rmdir d";

fn capture(scratch: &Scratch, name: &str, script: &str) -> PathBuf {
    let (file, folder) = (scratch.path(name), scratch.path(&format!("{name}.d")));
    fs::create_dir(&folder).unwrap();
    let mut command = Command::new(smtrace());
    command.args(["-q", "-w"]).arg(&file).args(["--", "sh", "-c", script]).current_dir(folder);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    file
}

fn diff(options: &[&str], first: &Path, second: &Path) -> Outcome {
    let mut command = Command::new(smtrace());
    command.arg("diff").args(options).args([first, second]);
    finish(command)
}

#[test]
fn the_same_work_is_the_same() {
    let scratch = Scratch::new();
    let (one, two) = (capture(&scratch, "a.zst", BUILD), capture(&scratch, "b", BUILD));
    let same = diff(&[], &one, &two);
    // Which of two processes the scheduler lets run first changes nothing that is told.
    assert_eq!((same.code, same.out.as_str(), same.err.as_str()), (Some(0), "", ""));
    assert_eq!(diff(&["--exact"], &one, &two).code, Some(1));
    assert_eq!(diff(&["--exact"], &one, &one).code, Some(0));
}

#[test]
fn other_work_is_told() {
    let scratch = Scratch::new();
    let one = capture(&scratch, "a", &format!("{BUILD}; cat /etc/hostname > kept"));
    let two = capture(&scratch, "b", &format!("{BUILD}; chmod 600 out; mv out moved; exec true --evil"));
    let found = diff(&[], &one, &two);
    assert_eq!((found.code, found.err.as_str()), (Some(1), ""));
    let line = |wanted: &str| found.out.lines().any(|line| line.starts_with(wanted));
    for wanted in ["- read /etc/hostname  [by cat]", "+ ran "] {
        assert!(line(wanted), "{wanted} in\n{}", found.out);
    }
    for (sign, access, name) in
        [('-', "created", "kept"), ('+', "changed", "out"), ('+', "created", "moved"), ('+', "deleted", "out")]
    {
        let start = format!("{sign} {access} /");
        let is = |line: &str| line.starts_with(&start) && line.contains(&format!("/{name}  ["));
        assert!(found.out.lines().any(is), "{start}.../{name} in\n{}", found.out);
    }
    assert!(found.out.contains("true --evil"), "{}", found.out);
    // The shell's own command line is the script, which differs.
    let others = || found.out.lines().filter(|line| !line.contains(" -c "));
    assert!(others().all(|line| !line.contains("tmp.") && !line.contains("conf")), "{}", found.out);

    let json: serde_json::Value = serde_json::from_str(&diff(&["--json"], &one, &two).out).unwrap();
    let only = json["second"]["only"].as_array().unwrap();
    let argv = serde_json::json!(["true", "--evil"]);
    assert!(only.iter().any(|item| item["type"] == "process" && item["argv"] == argv));
    assert!(only.iter().any(|item| item["access"] == "changed" && item["by"] == "chmod"));
    assert!(json["same"].as_u64().unwrap() > 10);
}

#[test]
fn what_cannot_be_compared_is_refused_or_said() {
    let scratch = Scratch::new();
    let one = capture(&scratch, "a", BUILD);
    let outcome = diff(&[], &one, Path::new("/nonexistent"));
    assert_eq!((outcome.code, outcome.err.lines().count()), (Some(125), 1), "{outcome:?}");
    assert_eq!(diff(&[], &one, smtrace()).code, Some(125));
    assert_eq!(
        finish({
            let mut command = Command::new(smtrace());
            command.arg("diff").arg(&one);
            command
        })
        .code,
        Some(2)
    );
    let whole = fs::read(&one).unwrap();
    let cut = scratch.path("cut");
    // Without its end: nothing is known to be missing, and nothing is known to be the same.
    fs::write(&cut, &whole[..whole.len() - 20]).unwrap();
    let outcome = diff(&[], &one, &cut);
    assert!(outcome.code == Some(122) && outcome.err.contains("its end is missing"), "{outcome:?}");
}
