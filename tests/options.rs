//! The real binary, for everything that needs no tracing: mistakes, lists, doctor, completions, the manual page.

#![allow(missing_docs, clippy::unwrap_used)]

use serde_json::Value;
use std::process::{Command, Output};

fn smtrace(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smtrace")).args(words).output().unwrap()
}

/// The one line that a mistake is answered with.
fn mistake(words: &[&str]) -> String {
    let output = smtrace(words);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words:?}: {line}");
    assert!(output.stdout.is_empty(), "{words:?}");
    assert!(line.starts_with("smtrace: ") && line.ends_with('\n') && line.matches('\n').count() == 1, "{line:?}");
    line
}

fn answer(words: &[&str]) -> String {
    let output = smtrace(words);
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{words:?}: {err}");
    assert!(err.is_empty(), "{words:?}: {err}");
    out
}

fn json(words: &[&str]) -> Value {
    serde_json::from_str(&answer(words)).unwrap()
}

/// A file that is removed when the test ends.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, bytes: impl AsRef<[u8]>) -> File {
        let path = std::env::temp_dir().join(format!("smtrace-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        File(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_bad_option_is_one_line_and_status_2() {
    assert!(mistake(&[]).contains("smtrace -- CMD"));
    assert!(mistake(&["-e", "opnat", "true"]).contains("did you mean `openat`?"));
    assert!(mistake(&["-e", "%nonesuch", "true"]).contains("%nonesuch"));
    assert!(mistake(&["--fromat", "json", "true"]).contains("--format"));
    assert!(mistake(&["--format", "nonesuch", "true"]).contains("json"));
    assert!(mistake(&["-p", "1", "--", "true"]).contains("take one away"));
    assert!(mistake(&["-p", "4194304"]).contains("from 1 to 4194303"));
    assert!(mistake(&["-s", "many", "true"]).contains("from 0 to 65536"));
    assert!(mistake(&["completions", "nonesuch"]).contains("bash"));
    assert!(mistake(&["-q", "list", "classes"]).contains("-- list"));
}

#[test]
fn a_bad_file_is_one_line_with_file_and_line_before_anything_starts() {
    let ran = std::env::temp_dir().join(format!("smtrace-{}-ran", std::process::id()));
    let refused = |option: &str, name: &str, bytes: &[u8], part: &str| {
        let file = File::new(name, bytes);
        let line = mistake(&[option, file.name(), "--", "touch", ran.to_str().unwrap()]);
        assert!(line.contains(part) && line.contains(file.name()), "{line}");
        assert!(!ran.exists(), "{line}");
    };
    refused("--config", "key", b"{\n\"init_config\": {\n\"formt\": 1}}", ":3: unknown key `formt`");
    refused("--config", "syntax", b"{\n\n\"a\" 1}", ":3: bad JSON");
    refused("--config", "utf8", b"{\n\"\xff\": 1}", ":2: is not UTF-8");
    refused("--config", "empty", b"", ":1: the file is empty");
    refused("--config", "long", &vec![b' '; (4 << 20) + 1], "is longer than 4 MiB");
    refused("--config", "twice", b"{\"smtrace\": {},\n\"smtrace\": {}}", ":2: key `smtrace` is given twice");
    refused(
        "--interest",
        "id",
        b"{\"read\":\n{\"syscall_id\": 1, \"interesting\": 1}}",
        ":2: syscall_id of `read` is 1",
    );
    refused("--interest", "name", b"{\n\"raed\": {\"syscall_id\": 0, \"interesting\": 1}}", "did you mean `read`?");
    assert!(mistake(&["--config", "/nonesuch/file", "true"]).contains("/nonesuch/file: cannot be read"));
    assert!(mistake(&["--config", "/", "true"]).contains("cannot be read"));
    let inner = File::new("inner", b"{\"raed\": 1}");
    let text = format!("{{\"open_params\":\n{{\"interest_syscall_file\": \"{}\"}}}}", inner.name());
    refused_names(&File::new("outer", text), inner.name());
}

fn refused_names(outer: &File, inner: &str) {
    let line = mistake(&["--config", outer.name(), "true"]);
    assert!(line.contains(&format!("{inner}:1: unknown call `raed`")), "{line}");
}

#[test]
fn lists_are_text_and_json() {
    assert!(answer(&["list", "syscalls"]).lines().any(|line| line.starts_with("openat ")));
    assert!(answer(&["list", "classes"]).lines().any(|line| line.starts_with("%file ")));
    let calls = json(&["list", "syscalls", "--json"]);
    assert!(calls["syscalls"].as_array().unwrap().len() > 400);
    assert!(!json(&["list", "classes", "--json"])["classes"].as_array().unwrap().is_empty());
    let formats = json(&["list", "formats", "--json"]);
    let names: Vec<_> = formats["formats"].as_array().unwrap().iter().map(|format| &format["name"]).collect();
    for name in ["module", "ebpf", "json"] {
        assert!(names.contains(&&Value::from(name)), "{names:?}");
    }
}

#[test]
fn doctor_says_what_it_found_and_the_mode() {
    let json = serde_json::from_slice::<Value>(&smtrace(&["doctor", "--json"]).stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(findings.len() > 8);
    for finding in findings {
        assert!(["ok", "limited", "missing"].contains(&finding["state"].as_str().unwrap()), "{finding}");
    }
    let text = String::from_utf8(smtrace(&["doctor"]).stdout).unwrap();
    let last = text.lines().last().unwrap();
    assert!(last.starts_with(&format!("mode     {}: ", json["mode"]["name"].as_str().unwrap())), "{text}");
}

#[test]
fn completions_and_the_manual_page_name_the_options() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(answer(&["completions", shell]).contains("drop-failed"), "{shell}");
    }
    let page = answer(&["man"]);
    assert!(page.contains(".TH smtrace 1") && page.contains(r"\-\-orphans"));
}

#[test]
fn help_and_version_go_to_stdout() {
    assert!(answer(&["--help"]).contains("--filter-comm"));
    assert!(answer(&["-V"]).starts_with("smtrace "));
}
