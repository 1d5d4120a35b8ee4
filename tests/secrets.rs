//! What looks like a secret is in no output and in no capture unless it is asked for; and lists end where options say.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::fs;
use std::process::Command;
use support::{Scratch, finish, smtrace};

/// What must not be seen: as a variable, as a word, and as the word after an option.
const SECRETS: [&str; 3] = ["hunter2", "swordfish", "opensesame"];

/// All that one run writes.
fn written(letters: &[&str]) -> String {
    let mut command = Command::new(smtrace());
    command.env_clear().env("DB_PASSWORD", SECRETS[0]).env("PLAIN", "plain").args(letters);
    command.args(["--", "/bin/true", &format!("--password={}", SECRETS[1]), "--api-key", SECRETS[2]]);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.out + &outcome.err
}

#[test]
fn secrets_are_shown_only_when_asked_for() {
    for format in ["strace", "json", "module", "ebpf"] {
        let letters = ["--format", format, "-v", "-s", "200", "-e", "execve", "-o", "-"];
        let hidden = written(&letters);
        assert!(hidden.contains("true") && hidden.contains("***"), "{format}: {hidden}");
        for secret in SECRETS {
            assert!(!hidden.contains(secret), "{format}: {hidden}");
        }
        let shown = written(&[&letters[..], &["--show-secrets"]].concat());
        let has_environment = format == "strace";
        assert_eq!(shown.contains(SECRETS[0]), has_environment, "{format}: {shown}");
        assert!(shown.contains(SECRETS[1]) && shown.contains(SECRETS[2]), "{format}: {shown}");
        assert_eq!(hidden.contains("\"PLAIN=plain\""), has_environment, "{hidden}");
    }
}

#[test]
fn a_capture_holds_no_secret_unless_asked_for() {
    let dir = Scratch::new();
    let file = dir.path("run.cap");
    let name = file.to_str().unwrap();
    let holds = |secret: &str| memchr::memmem::find(&fs::read(&file).unwrap(), secret.as_bytes()).is_some();
    let letters = ["-w", name, "--format", "strace", "-v", "-s", "200", "-e", "execve", "-o", "/dev/null"];
    written(&letters);
    assert!(SECRETS.iter().all(|secret| !holds(secret)) && holds("PLAIN=plain"));
    written(&[&letters[..], &["--show-secrets"]].concat());
    assert!(SECRETS.iter().all(|secret| holds(secret)), "the search above could not fail");
}

#[test]
fn a_rule_sees_no_secret_of_an_environment() {
    let print = ["-e", "execve", "--print", "env %proc.env[DB_PASSWORD] %proc.env[PLAIN]", "-o", "-"];
    assert!(written(&print).contains("env *** plain"), "{}", written(&print));
    assert!(written(&[&print[..], &["--show-secrets"]].concat()).contains("env hunter2 plain"));
}

#[test]
fn lists_end_where_an_option_says() {
    let lines = |letters: &[&str]| {
        let mut command = Command::new(smtrace());
        command.args(["--format", "json", "-e", "execve", "--dir", "enter", "-o", "-"]).args(letters);
        command.args(["--", "/bin/true"]).args((0..300).map(|n| n.to_string()));
        let out = finish(command).out;
        let event: serde_json::Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        event["args"][1]["value"].as_array().unwrap().clone()
    };
    // A list that was cut ends with null.
    let (default, most, least) = (lines(&[]), lines(&["--max-items", "200"]), lines(&["--max-items", "1"]));
    assert_eq!((default.len(), default[128].is_null()), (129, true));
    assert_eq!((most.len(), most[199].as_str()), (201, Some("198")));
    assert_eq!((least.len(), least[0].as_str(), least[1].is_null()), (2, Some("/bin/true"), true));
}
