//! `smtrace audit` on small builds: the facts, the form of audit.json, the exit status and what CI is told.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Outcome, Scratch, finish, guest, smtrace};

/// Audits a shell script in a workspace of its own; the outcome and audit.json.
fn audit(scratch: &Scratch, script: &str, options: &[&str]) -> (Outcome, Value) {
    let work = scratch.path("work");
    let home = scratch.path("home");
    fs::create_dir_all(&work).unwrap();
    fs::create_dir_all(&home).unwrap();
    fs::write(work.join("build.sh"), script).unwrap();
    let report = scratch.path("report");
    let mut command = Command::new(smtrace());
    command.arg("audit").arg("--report").arg(&report).args(options).args(["--", "sh", "build.sh"]);
    command.current_dir(&work).env("HOME", &home).env("TMPDIR", scratch.path("tmp"));
    support::outside_ci(&mut command);
    fs::create_dir_all(scratch.path("tmp")).unwrap();
    let outcome = finish(command);
    (outcome, read(&report))
}

fn read(report: &Path) -> Value {
    let text = fs::read_to_string(report.join("audit.json")).unwrap_or_else(|_| "null".to_owned());
    serde_json::from_str(&text).unwrap()
}

fn valid(facts: &Value) {
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(facts).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn file<'a>(facts: &'a Value, end: &str) -> &'a Value {
    let files = facts["files"].as_array().unwrap();
    let found = files.iter().find(|file| file["path"].as_str().is_some_and(|path| path.ends_with(end)));
    found.unwrap_or_else(|| panic!("no {end}"))
}

#[test]
fn a_file_system_that_the_build_serves_is_not_waited_for() {
    let scratch = Scratch::new();
    let script = format!("mkdir m && exec '{}' fuse \"$PWD/m\" names", guest().display());
    let (outcome, facts) = audit(&scratch, &script, &["--hash", "inputs", "--fail-on", "never"]);
    if outcome.code == Some(77) {
        return support::skip("a served file system", "the kernel or this user does not allow it");
    }
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "failed -2\n"), "{outcome:?}");
    let notices = facts["coverage"]["notices"].as_array().unwrap();
    assert!(notices.iter().any(|notice| notice.as_str().is_some_and(|text| text.contains("may serve"))), "{notices:?}");
}

#[test]
fn files_are_told_by_what_was_done_with_them() {
    let scratch = Scratch::new();
    let script = "echo hello > a; cat a; cp a b; mv b c; ln c d; chmod 600 d; rm d; mkdir e; cat missing; exit 0";
    let (outcome, facts) = audit(&scratch, script, &["--hash", "inputs,outputs"]);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "hello\n"));
    valid(&facts);
    let a = file(&facts, "/work/a");
    assert_eq!(a["uses"]["written"]["bytes"], 6);
    assert_eq!(a["uses"]["read"]["bytes"].as_u64().unwrap() % 6, 0);
    // sha256 of "hello\n"
    let digest = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    assert_eq!(file(&facts, "/work/c")["output"]["sha256"], digest);
    assert!(file(&facts, "/work/b")["uses"]["renamed"].is_object());
    assert!(file(&facts, "/work/c")["uses"]["linked"].is_object());
    assert!(file(&facts, "/work/d")["uses"]["chmod"].is_object());
    assert!(file(&facts, "/work/d")["uses"]["deleted"].is_object());
    assert!(file(&facts, "/work/e")["uses"]["created"].is_object());
    let failures = facts["failures"].as_array().unwrap();
    let missing = failures.iter().find(|one| one["path"].as_str().unwrap().ends_with("/work/missing")).unwrap();
    assert_eq!((missing["error"].as_str(), missing["access"].as_str()), (Some("ENOENT"), Some("read")));
    assert_eq!(facts["coverage"]["complete"], true);
}

#[test]
fn processes_are_a_tree_with_digests_and_without_secrets() {
    let scratch = Scratch::new();
    let script =
        "printf '#!/bin/sh\\nexit 7\\n' > tool; chmod +x tool; ./tool; env --unset=X MY_TOKEN=hunter2 true; exit 4";
    let (outcome, facts) = audit(&scratch, script, &[]);
    assert_eq!(outcome.code, Some(4));
    valid(&facts);
    assert_eq!(facts["run"]["end"]["exit"], 4);
    let programs: Vec<(&Value, &Value)> = facts["processes"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|process| process["programs"].as_array().unwrap().iter().map(move |program| (process, program)))
        .filter(|(_, program)| program["inherited"] != true)
        .collect();
    let (root, first) = programs[0];
    assert_eq!((root["id"].as_u64(), root["parent"].as_u64()), (Some(0), None));
    let exe = first["exe"].as_str().unwrap();
    let sum = Command::new("sha256sum").arg(exe).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert_eq!(first["digest"]["sha256"].as_str(), sum.split(' ').next());
    let (tool, program) = programs.iter().find(|(_, program)| program["script"].is_string()).unwrap();
    assert!(program["script"].as_str().unwrap().ends_with("/work/tool"), "{program}");
    assert_eq!((tool["end"]["exit"].as_i64(), tool["parent"].as_u64()), (Some(7), Some(0)));
    let text = facts.to_string();
    assert!(!text.contains("hunter2") && text.contains("MY_TOKEN=***"));
}

#[test]
fn a_capture_tells_the_same_as_the_run() {
    let scratch = Scratch::new();
    fs::write(scratch.path("b.sh"), "echo x > y; cat y; rm y; true | cat").unwrap();
    let capture = scratch.path("c.smt");
    let mut command = Command::new(smtrace());
    command.arg("-e").arg("all").arg("-w").arg(&capture).args(["--", "sh", "b.sh"]).current_dir(scratch.path(""));
    assert_eq!(finish(command).code, Some(0));
    let report = scratch.path("report");
    let mut command = Command::new(smtrace());
    command.arg("audit").arg("--report").arg(&report).arg("--from").arg(&capture);
    let outcome = finish(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    let facts = read(&report);
    valid(&facts);
    assert_eq!(facts["coverage"]["engine"], "capture");
    assert_eq!(file(&facts, "/y")["uses"]["written"]["bytes"], 2);
    assert!(file(&facts, "/y")["uses"]["deleted"].is_object());
    assert_eq!(facts["run"]["command"], serde_json::json!(["sh", "b.sh"]));
}

#[test]
fn what_cannot_be_run_is_no_audit() {
    let scratch = Scratch::new();
    let mut command = Command::new(smtrace());
    command.arg("audit").arg("--report").arg(scratch.path("r")).args(["--", "/nowhere/at/all"]);
    assert_eq!(finish(command).code, Some(127));
    assert!(!scratch.path("r/audit.json").exists());
}

#[test]
fn bytes_are_counted_by_peer_and_names_by_answer() {
    let scratch = Scratch::new();
    // A name server of the test's own answers the one question; the connection then goes to what it answered.
    let script = r#"exec /usr/bin/python3 - <<'P'
import socket, threading, struct
server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen()
def serve():
    s, _ = server.accept(); s.recv(100); s.sendall(b"x" * 1000); s.close()
t = threading.Thread(target=serve); t.start()
c = socket.create_connection(server.getsockname()); c.sendall(b"hello"); n = 0
while True:
    d = c.recv(300)
    if not d: break
    n += len(d)
t.join(); print(n)
P
"#;
    let (outcome, facts) = audit(&scratch, script, &[]);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "1000\n"), "{}", outcome.err);
    valid(&facts);
    let peers = facts["peers"].as_array().unwrap();
    let peer = peers.iter().find(|peer| peer["uses"]["connect"].is_object()).unwrap();
    assert_eq!((peer["sent"].as_u64(), peer["received"].as_u64()), (Some(5), Some(1000)), "{peer}");
    assert!(peers.iter().any(|peer| peer["uses"]["accept"].is_object() && peer["received"] == 5), "{peers:#?}");
}

#[test]
fn a_finding_decides_the_exit_status() {
    let script = "exec /usr/bin/python3 -c \"import os
fd = os.memfd_create('x', 0)
os.write(fd, open('/bin/true','rb').read())
os.execve(fd, ['true'], {})\"";
    for (options, code) in [(&[][..], 3), (&["--fail-on", "never"][..], 0), (&["--fail-on", "warning"][..], 3)] {
        let scratch = Scratch::new();
        let (outcome, facts) = audit(&scratch, script, options);
        assert_eq!(outcome.code, Some(code), "{options:?} {}", outcome.err);
        valid(&facts);
        assert_eq!(facts["findings"][0]["rule"], "memfd-executed");
        assert_eq!(facts["verdict"]["errors"], 1);
        assert_eq!(outcome.err.contains("error memfd-executed"), code == 3, "{}", outcome.err);
    }
}

#[test]
fn github_is_told_by_annotations_and_a_summary() {
    let scratch = Scratch::new();
    fs::write(scratch.path("b.py"), "import os\nfd = os.memfd_create('x', 0)\nos.write(fd, open('/bin/true','rb').read())\nos.execve(fd, ['true'], {})\n").unwrap();
    let summary = scratch.path("summary.md");
    let mut command = Command::new(smtrace());
    command.args(["audit", "--quiet", "--", "/usr/bin/python3", "b.py"]).current_dir(scratch.path(""));
    support::outside_ci(&mut command);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
    let outcome = finish(command);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(3), ""));
    assert!(outcome.err.starts_with("::error file=build,line=1,title=smtrace%3A memfd-executed::"), "{}", outcome.err);
    assert!(fs::read_to_string(&summary).unwrap().contains("error | memfd-executed |"));
}

#[test]
fn a_policy_is_learned_the_same_again_and_holds_what_is_new() {
    let build = "mkdir -p out; t=$(mktemp); echo 1 > $t; cp $t out/a; rm $t; cat out/a > /dev/null";
    let learn = |name: &str| {
        let scratch = Scratch::new();
        let policy = scratch.path(name);
        let (outcome, _) = audit(&scratch, build, &["--learn", policy.to_str().unwrap()]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
        fs::read_to_string(policy).unwrap()
    };
    let text = learn("a.yaml");
    assert_eq!(text, learn("b.yaml"));
    let scratch = Scratch::new();
    let policy = scratch.path("p.yaml");
    fs::write(&policy, &text).unwrap();
    let options = ["--policy", policy.to_str().unwrap()];
    let (outcome, facts) = audit(&scratch, build, &options);
    assert_eq!(outcome.code, Some(0), "{}\n{text}", outcome.err);
    assert_eq!(facts["policy"]["passed"], true);
    let more = format!("{build}; echo x > out/b; rm -f out/b");
    let (outcome, facts) = audit(&scratch, &more, &options);
    assert_eq!(outcome.code, Some(3), "{}", outcome.err);
    valid(&facts);
    let rules: Vec<&str> =
        facts["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["policy-write", "policy-delete"], "{}", facts["findings"]);
    // The patch makes the policy allow it.
    fs::write(scratch.path("patch"), fs::read(scratch.path("report/policy.patch")).unwrap()).unwrap();
    let mut patch = Command::new("patch");
    patch.arg(&policy).arg(scratch.path("patch"));
    assert!(patch.output().unwrap().status.success());
    let (outcome, _) = audit(&scratch, &more, &options);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
}

#[test]
fn where_the_output_of_a_build_goes_is_not_the_builds_choice() {
    let learn = |log: &str| {
        let scratch = Scratch::new();
        let (policy, work) = (scratch.path("p.yaml"), scratch.path("work"));
        fs::create_dir_all(&work).unwrap();
        fs::write(scratch.path("given"), "given\n").unwrap();
        let mut command = Command::new(smtrace());
        command.args(["audit", "--learn"]).arg(&policy).arg("--report").arg(scratch.path("report"));
        command.args(["--", "sh", "-c", "cat; echo own > own; cat own >&2"]).current_dir(&work);
        support::outside_ci(&mut command);
        command.stdin(fs::File::open(scratch.path("given")).unwrap());
        command.stdout(fs::File::create(scratch.path(log)).unwrap());
        command.stderr(fs::File::create(scratch.path("second")).unwrap());
        assert!(command.status().unwrap().success());
        assert_eq!(fs::read_to_string(scratch.path(log)).unwrap(), "given\n");
        let facts = read(&scratch.path("report"));
        valid(&facts);
        assert_eq!(
            (&file(&facts, log)["inherited"], &file(&facts, "/given")["inherited"]),
            (&true.into(), &true.into())
        );
        assert!(file(&facts, "/work/own")["inherited"].is_null());
        fs::read_to_string(policy).unwrap()
    };
    let text = learn("monday.log");
    assert!(!text.contains("monday") && !text.contains("given") && !text.contains("second"), "{text}");
    assert_eq!(text, learn("other-name.txt"));
}

#[test]
fn a_policy_that_cannot_be_read_stops_before_the_build() {
    let scratch = Scratch::new();
    fs::write(scratch.path("p.yaml"), "version: 1\nraed: []\n").unwrap();
    let policy = scratch.path("p.yaml");
    let (outcome, _) = audit(&scratch, "echo ran", &["--policy", policy.to_str().unwrap()]);
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(125), ""));
    assert!(outcome.err.contains("raed"), "{}", outcome.err);
}

#[test]
fn what_is_not_declared_is_why_a_build_is_not_hermetic() {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("home")).unwrap();
    fs::write(scratch.path("home/setting"), "x").unwrap();
    let script =
        "cat \"$HOME/setting\"; head -c1 /dev/urandom > /dev/null; /usr/bin/python3 -c 'import os; os.getrandom(32)'";
    let reasons = |facts: &Value| -> Vec<String> {
        let all = facts["hermetic"]["reasons"].as_array().unwrap();
        all.iter().map(|reason| format!("{} {}", reason["kind"], reason["detail"]).replace('"', "")).collect()
    };
    let (outcome, facts) = audit(&scratch, script, &["--hermetic"]);
    assert_eq!(outcome.code, Some(0));
    valid(&facts);
    let told = reasons(&facts);
    assert!(told.iter().any(|line| line.starts_with("file ") && line.ends_with("/home/setting")), "{told:?}");
    assert!(told.contains(&"randomness /dev/urandom".to_owned()), "{told:?}");
    let asked =
        |program: &str| told.iter().any(|line| line.starts_with("randomness getrandom by ") && line.contains(program));
    // What the C library takes for the heap of every program is no reason.
    assert!(asked("/python3") && !asked("/cat") && !asked("/head"), "{told:?}");
    let kinds: Vec<&str> = told.iter().filter_map(|line| line.split(' ').next()).collect();
    let order = ["network", "file", "time", "randomness", "environment"];
    assert!(kinds.is_sorted_by_key(|kind| order.iter().position(|one| one == kind)), "{told:?}");
    assert_eq!(outcome.err.matches("    environment: ").count(), 1, "{}", outcome.err);
    let (_, facts) = audit(&scratch, script, &["--hermetic", "--input", "${HOME}/*"]);
    assert!(!reasons(&facts).iter().any(|line| line.ends_with("/home/setting")));
}

#[test]
fn files_have_the_names_that_links_lead_to_and_are_made_once() {
    let scratch = Scratch::new();
    let script = r#"exec /usr/bin/python3 - <<'P'
import os, socket
os.makedirs("real"); os.symlink("real", "link")
def touch(path, flags=0): os.close(os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644))
touch("link/a"); touch("link/a"); touch("b")
os.rename("link/a", "link/c"); os.chmod("link/c", 0o600); os.unlink("link/c")
os.symlink("d", "to-d"); touch("to-d")
open("before", "a").close()
server = socket.socket(socket.AF_UNIX); server.bind("door"); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect("./door")
P
"#;
    fs::create_dir_all(scratch.path("work")).unwrap();
    fs::write(scratch.path("work/before"), "").unwrap();
    let (outcome, facts) = audit(&scratch, script, &[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    valid(&facts);
    let made = |name: &str| file(&facts, name)["uses"]["created"]["count"].as_u64();
    assert_eq!(
        (made("/work/real/a"), made("/work/b"), made("/work/d"), made("/work/before")),
        (Some(1), Some(1), Some(1), None)
    );
    assert!(file(&facts, "/work/real/a")["uses"]["renamed"].is_object());
    let c = &file(&facts, "/work/real/c")["uses"];
    assert!(c["chmod"].is_object() && c["deleted"].is_object() && c["created"].is_object(), "{c}");
    assert!(!facts.to_string().contains("/work/link/"), "a link on the way was not followed");
    let peers = facts["peers"].as_array().unwrap();
    let door = peers.iter().find(|peer| peer["family"] == "unix" && peer["uses"]["connect"].is_object()).unwrap();
    assert!(door["address"].as_str().unwrap().ends_with("/work/door") && door["uses"]["listen"].is_object(), "{door}");
}

#[test]
fn a_learned_policy_and_its_patch_are_put_in_the_place_of_links() {
    let scratch = Scratch::new();
    let (bait, policy) = (scratch.path("bait"), scratch.path("policy.yaml"));
    fs::write(&bait, "as it was").unwrap();
    std::os::unix::fs::symlink(&bait, &policy).unwrap();
    let (outcome, _) = audit(&scratch, "echo x > a", &["--learn", policy.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.err);
    assert!(fs::read_to_string(&policy).unwrap().contains("version: 1"));
    std::os::unix::fs::symlink(&bait, scratch.path("report/policy.patch")).unwrap();
    let (outcome, _) = audit(&scratch, "echo x > other", &["--policy", policy.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(3), "{}", outcome.err);
    assert!(fs::read_to_string(scratch.path("report/policy.patch")).unwrap().starts_with("--- a/"));
    assert_eq!(fs::read_to_string(&bait).unwrap(), "as it was");
}

#[test]
fn names_are_heard_in_each_way_that_they_are_asked_for() {
    let scratch = Scratch::new();
    let (outcome, facts) = audit(&scratch, &format!("exec {} names", guest().display()), &[]);
    if outcome.code == Some(77) {
        return support::skip("names", "nobody may serve on port 53 here");
    }
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(0), "asked\n"), "{}", outcome.err);
    let expected =
        [("sendto", 11), ("one0", 12), ("one1", 12), ("many0", 13), ("many1", 13), ("whole", 14), ("apart", 15)];
    let dns = facts["dns"].as_array().unwrap();
    let told: Vec<_> =
        dns.iter().map(|name| (&name["name"], &name["answers"], &name["servers"], &name["count"])).collect();
    let asked: Vec<Value> = expected.iter().map(|(name, _)| format!("{name}.example.test").into()).collect();
    assert_eq!(dns.iter().map(|name| name["name"].clone()).collect::<Vec<_>>(), asked, "{told:?}");
    for ((_, last), name) in expected.iter().zip(dns) {
        assert_eq!(name["answers"], serde_json::json!([format!("127.0.0.{last}")]), "{name}");
        assert_eq!((&name["servers"], &name["count"]), (&serde_json::json!(["127.0.0.1:53"]), &1.into()), "{name}");
    }
    let names = |last: u8| {
        let at = |peer: &&Value| peer["address"] == format!("127.0.0.{last}") && peer["port"] == 9;
        facts["peers"].as_array().unwrap().iter().find(at).map(|peer| peer["names"].clone())
    };
    assert_eq!(names(13), Some(serde_json::json!(["many0.example.test", "many1.example.test"])));
    assert_eq!(names(15), Some(serde_json::json!(["apart.example.test"])));
}

#[test]
fn what_socketcall_connects_to_is_a_peer_and_what_cannot_be_read_is_said() {
    for (words, hidden) in [("socketcall 9", false), ("socketcall-hidden", true)] {
        let scratch = Scratch::new();
        let (outcome, facts) = audit(&scratch, &format!("exec {} {words}", guest().display()), &[]);
        if outcome.code == Some(77) {
            return support::skip("socketcall", "this kernel has no i386 calls");
        }
        assert_eq!(outcome.code, Some(0), "{}", outcome.err);
        let peers: Vec<(&Value, &Value)> =
            facts["peers"].as_array().unwrap().iter().map(|peer| (&peer["address"], &peer["port"])).collect();
        let expected = [(&Value::from("127.0.0.1"), &Value::from(9))];
        assert_eq!(peers, expected[usize::from(hidden)..]);
        let unseen = facts["coverage"]["out_of_sight"].as_array().unwrap();
        assert_eq!(unseen.iter().any(|line| line.as_str().unwrap().contains("socketcall(2)")), hidden, "{unseen:?}");
        let rules: Vec<&Value> = facts["findings"].as_array().unwrap().iter().map(|finding| &finding["rule"]).collect();
        assert_eq!(rules, &["network-by-foreign-calls"][usize::from(!hidden)..]);
    }
}
