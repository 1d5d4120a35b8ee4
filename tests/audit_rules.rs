//! `smtrace audit` with its built-in rules: what fires, what is changed by a file of the user's, and captures.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use serde_json::Value;
use std::fs;
use std::process::Command;
use support::{Outcome, Scratch, finish, finish_with, smtrace};

/// An audit of `script` in a workspace of its own, with a home in which `.ssh/id_rsa` is.
struct Build {
    scratch: Scratch,
}

impl Build {
    fn new(script: &str) -> Build {
        let scratch = Scratch::new();
        for dir in ["work", "home/.ssh", "tmp"] {
            fs::create_dir_all(scratch.path(dir)).unwrap();
        }
        for dir in ["home/actions-runner", "work/.github/workflows"] {
            fs::create_dir_all(scratch.path(dir)).unwrap();
        }
        let baits =
            [".ssh/id_rsa", ".ssh/id_rsa.pub", ".netrc", ".bash_history", ".bashrc", "actions-runner/.credentials"];
        for name in baits {
            fs::write(scratch.path("home").join(name), "bait\n").unwrap();
        }
        fs::write(scratch.path("work/.github/workflows/ci.yml"), "on: push\n").unwrap();
        fs::write(scratch.path("work/build.sh"), script).unwrap();
        Build { scratch }
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(smtrace());
        command.args(options).current_dir(self.scratch.path("work"));
        command.env("HOME", self.scratch.path("home")).env("TMPDIR", self.scratch.path("tmp"));
        support::keep_to_home(&mut command);
        support::outside_ci(&mut command);
        command
    }

    fn audit(&self, options: &[&str]) -> (Outcome, Value) {
        self.audit_of(options, b"")
    }

    fn audit_of(&self, options: &[&str], stdin: &[u8]) -> (Outcome, Value) {
        let mut command = self.command(&["audit", "--report"]);
        command.arg(self.scratch.path("report")).args(options);
        if !options.contains(&"--from") {
            command.args(["--", "bash", "build.sh"]);
        }
        let outcome = finish_with(command, stdin);
        let text = fs::read_to_string(self.scratch.path("report/audit.json")).unwrap_or_else(|_| "null".to_owned());
        (outcome, serde_json::from_str(&text).unwrap())
    }
}

fn rules(facts: &Value) -> Vec<&str> {
    facts["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect()
}

const THEFT: &str = "cat ~/.ssh/id_rsa ~/.ssh/id_rsa ~/.ssh/id_rsa.pub > copy";

#[test]
fn a_rule_that_fires_is_a_finding_in_every_report() {
    let build = Build::new(THEFT);
    let (outcome, facts) = build.audit(&[]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.err);
    assert_eq!(rules(&facts), ["credential-read"]);
    let finding = &facts["findings"][0];
    assert_eq!((finding["source"].as_str(), finding["level"].as_str()), (Some("rule"), Some("error")));
    assert_eq!(finding["count"], 2);
    let bait = build.scratch.path("home/.ssh/id_rsa").canonicalize().unwrap();
    assert_eq!(finding["subject"].as_str().unwrap(), bait.to_str().unwrap());
    assert!(finding["tags"].as_array().unwrap().contains(&"credentials".into()), "{finding}");
    for file in ["report.html", "results.sarif", "summary.md"] {
        let text = fs::read_to_string(build.scratch.path("report").join(file)).unwrap();
        assert!(text.contains("credential-read"), "{file}");
    }
    let sarif: Value =
        serde_json::from_str(&fs::read_to_string(build.scratch.path("report/results.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"][0]["id"], "credential-read");
    assert!(outcome.err.contains("error credential-read"), "{}", outcome.err);
}

#[test]
fn links_and_detours_lead_to_the_same_rule() {
    for script in [
        "ln -s ~/.ssh/id_rsa x; cat x",
        "ln ~/.ssh/id_rsa x; cat x",
        "cat /proc/self/root/$HOME/.ssh/id_rsa",
        "cd ~/.ssh/../.ssh; cat ./id_rsa",
        "mv ~/.ssh/id_rsa x",
    ] {
        let (outcome, facts) = Build::new(script).audit(&[]);
        assert_eq!(outcome.code, Some(3), "{script}: {}", outcome.err);
        assert!(rules(&facts).contains(&"credential-read"), "{script}: {:?}", rules(&facts));
    }
}

#[test]
fn a_file_of_the_user_adds_to_the_rules_and_changes_them() {
    let build = Build::new("cat ~/.ssh/id_rsa > /dev/null; echo x > marked");
    let file = build.scratch.path("more.yaml");
    let more = "
- rule: credential-read
  enabled: false
  override: {enabled: replace}
- list: marks
  items: ['${WORKSPACE}/marked']
- rule: Marked file written
  desc: The marked file is written
  condition: writes and linux.writes pmatch (marks)
  output: '%linux.writes by %proc.name'
  priority: WARNING
";
    fs::write(&file, more).unwrap();
    let (outcome, facts) = build.audit(&["--rules", file.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert_eq!(rules(&facts), ["Marked file written"]);
    assert!(facts["findings"][0]["message"].as_str().unwrap().ends_with("/work/marked by bash"));
    fs::write(&file, "- rule: x\n  nothing: y\n").unwrap();
    let (outcome, _) = build.audit(&["--rules", file.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(125));
    assert!(outcome.err.contains("LOAD_ERR_"), "{}", outcome.err);
}

#[test]
fn without_the_default_rules_none_fires() {
    let (outcome, facts) = Build::new(THEFT).audit(&["--no-default-rules"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert!(rules(&facts).is_empty());
}

#[test]
fn a_capture_is_judged_as_the_run_was() {
    let build = Build::new(THEFT);
    let capture = build.scratch.path("c.smt");
    let mut command = build.command(&["-e", "all", "-w"]);
    command.arg(&capture).args(["--", "sh", "build.sh"]);
    assert_eq!(finish(command).code, Some(0));
    // What a stream says of itself can be read once only.
    for (from, stdin) in [(capture.to_str().unwrap(), vec![]), ("-", fs::read(&capture).unwrap())] {
        let (outcome, facts) = build.audit_of(&["--from", from], &stdin);
        assert_eq!(outcome.code, Some(3), "{}", outcome.err);
        assert_eq!(rules(&facts), ["credential-read"]);
        assert_eq!(facts["run"]["command"][0], "sh");
    }
}

/// A rule with a script that it fires for, and one that is alike and honest.
fn twins() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/rules.txt")).unwrap();
    let sections = text.split("\n== ").skip(1);
    let read = |section: &str| {
        let (rule, scripts) = section.split_once('\n').unwrap();
        let (fires, twin) = scripts.split_once("\n--\n").unwrap();
        (rule.to_owned(), fires.to_owned(), twin.to_owned())
    };
    sections.map(read).collect()
}

#[test]
fn each_rule_fires_for_its_case_and_not_for_its_twin() {
    let all = twins();
    let mut named: Vec<String> = all.iter().map(|(rule, ..)| rule.clone()).collect();
    named.sort();
    let mut there: Vec<String> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/config/rules/ci"))
        .unwrap()
        .flat_map(|file| {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let rules: Vec<String> =
                text.lines().filter_map(|line| line.strip_prefix("- rule: ")).map(str::to_owned).collect();
            rules
        })
        .collect();
    there.sort();
    assert_eq!(named, there, "each rule has its case");
    let next = std::sync::atomic::AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    let work = || {
        while let Some((rule, fires, twin)) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            for (script, expected) in [(fires, true), (twin, false)] {
                // A script whose program is missing can fire for nothing.
                let tool =
                    ["python3", "git", "curl", "node"].into_iter().find(|tool| script.contains(&format!("{tool} ")));
                let missing = |tool: &str| {
                    let path = std::env::var_os("PATH").unwrap_or_default();
                    !std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
                };
                if tool.is_some_and(missing) {
                    println!("{rule}: left out, there is no {}", tool.unwrap_or_default());
                    continue;
                }
                let (outcome, facts) = Build::new(script).audit(&["--quiet"]);
                if facts.is_null() || rules(&facts).contains(&rule.as_str()) != expected {
                    let told = if facts.is_null() { Vec::new() } else { rules(&facts) };
                    wrong.lock().unwrap().push(format!("{rule}, {script}: {told:?}\n{}{}", outcome.out, outcome.err));
                }
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
