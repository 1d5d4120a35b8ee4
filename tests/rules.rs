//! Falco's rules in real runs: an alert fires, its benign twin does not, and mistakes are told where they are.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use support::{Outcome, Scratch, finish, smtrace};

const RULES: &str = r#"
- macro: reads
  condition: (evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.num >= 0)
- list: secrets
  items: [secret.txt, "other secret"]
- rule: Secret read
  desc: A file that is secret was read
  condition: reads and fd.filename in (secrets)
  output: secret %fd.filename by %proc.name parent=%proc.pname flags=%evt.arg.flags res=%evt.res rip=%fd.rip
  priority: WARNING
  tags: [b, a]
  exceptions:
    - name: known
      fields: [proc.name, fd.filename]
      comps: [=, endswith]
      values:
        - [head, secret.txt]
- rule: Program started
  desc: Any program
  condition: evt.type = execve and evt.rawres = 0 and proc.name = cat
  output: started %proc.cmdline
  priority: INFO
"#;

struct Place {
    scratch: Scratch,
}

impl Place {
    fn new(rules: &str) -> Place {
        let scratch = Scratch::new();
        fs::write(scratch.path("rules.yaml"), rules).unwrap();
        fs::write(scratch.path("secret.txt"), "x").unwrap();
        fs::write(scratch.path("plain.txt"), "x").unwrap();
        Place { scratch }
    }

    /// smtrace with the rules, `options`, and a command that the shell runs in the place.
    fn run(&self, options: &[&str], command: &str) -> Outcome {
        let mut smtrace = Command::new(smtrace());
        smtrace.arg("--rules").arg(self.scratch.path("rules.yaml")).args(options);
        smtrace.args(["--", "sh", "-c", command]).current_dir(self.scratch.path("."));
        finish(smtrace)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path(name)).unwrap()
    }
}

#[test]
fn an_alert_fires_and_its_benign_twin_does_not() {
    let place = Place::new(RULES);
    let outcome =
        place.run(&["-q", "-o", "log"], "cat secret.txt plain.txt >/dev/null; head -c1 secret.txt >/dev/null");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let log = place.text("log");
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].ends_with(": Informational started cat secret.txt plain.txt"), "{log}");
    let want = ": Warning secret secret.txt by cat parent=sh flags=O_RDONLY res=SUCCESS rip=<NA>";
    assert!(lines[1].ends_with(want), "{log}");
}

#[test]
fn json_has_falcos_shape() {
    let place = Place::new(RULES);
    let outcome = place.run(&["-q", "--alerts", "json", "--alerts-file", "alerts"], "cat secret.txt");
    assert_eq!((outcome.code, outcome.out.as_str(), outcome.err.as_str()), (Some(0), "x", ""), "{outcome:?}");
    let alerts = place.text("alerts");
    let alert: serde_json::Value = serde_json::from_str(alerts.lines().nth(1).unwrap()).unwrap();
    let keys: Vec<_> = alert.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"]);
    assert_eq!(alert["rule"], "Secret read");
    assert_eq!(alert["tags"], serde_json::json!(["a", "b"]));
    let fields = &alert["output_fields"];
    assert!(fields["fd.rip"].is_null() && fields["evt.time"].is_u64() && fields["proc.name"] == "cat", "{alert}");
}

#[test]
fn fail_on_looks_at_the_priority() {
    let place = Place::new(RULES);
    let run = |priority: &str, command: &str| place.run(&["-q", "-o", "log", "--fail-on", priority], command).code;
    assert_eq!(run("warning", "cat secret.txt; exit 7"), Some(3));
    assert_eq!(run("error", "cat secret.txt; exit 7"), Some(7));
    assert_eq!(run("info", "cat plain.txt"), Some(3));
    assert_eq!(run("debug", "true"), Some(0));
}

#[test]
fn the_end_has_a_summary() {
    let outcome = Place::new(RULES).run(&["-o", "log"], "cat secret.txt");
    let want = "Events detected: 2\nRule counts by severity:\n   WARNING: 1\n   INFORMATIONAL: 1\nTriggered rules by rule \
                name:\n   Program started: 1\n   Secret read: 1\n";
    assert!(outcome.err.contains(want), "{outcome:?}");
}

#[test]
fn all_rules_or_the_first() {
    let twice =
        RULES.to_owned() + &RULES.replace("- macro: reads", "- macro: unused").replace("rule: Secret", "rule: Same");
    let twice = twice.replace("- rule: Program", "- rule: A program");
    let place = Place::new(&twice);
    let count = |options: &[&str]| {
        place.run(&[&["-q", "-o", "log"], options].concat(), "cat secret.txt");
        place.text("log").lines().filter(|line| line.contains("Warning")).count()
    };
    assert_eq!((count(&[]), count(&["--rule-matching", "all"])), (1, 2));
}

#[test]
fn mistakes_are_told_with_code_line_and_column() {
    let place = Place::new(
        "- rule: r\n  desc: d\n  condition: evt.type = open and proc.nam = x\n  output: o\n  priority: INFO\n",
    );
    let outcome = place.run(&[], "true");
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert!(outcome.err.contains("LOAD_ERR_COMPILE_CONDITION (Error compiling condition): "), "{outcome:?}");
    assert!(
        outcome.err.contains(":3:34)") && outcome.err.contains("proc.nam = x\n                    ^"),
        "{outcome:?}"
    );
    let check = |options: &[&str]| {
        let mut command = Command::new(smtrace());
        command.args(["rules", "check"]).args(options).arg(place.scratch.path("rules.yaml"));
        finish(command)
    };
    let outcome = check(&["--json"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    assert_eq!(outcome.code, Some(1));
    assert_eq!(report["falco_load_results"][0]["errors"][0]["code"], "LOAD_ERR_COMPILE_CONDITION");
}

#[test]
fn the_stock_rules_are_fine_and_name_a_stolen_file() {
    let stock = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/falco");
    let mut command = Command::new(smtrace());
    command.args(["rules", "show", "--json"]).arg(&stock);
    let outcome = finish(command);
    let shown: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
    let rules = shown["rules"].as_array().unwrap();
    assert!(rules.len() >= 93);
    let read = rules.iter().find(|rule| rule["info"]["name"] == "Read sensitive file untrusted").unwrap();
    let details = &read["details"];
    assert_eq!(details["events"], serde_json::json!(["open", "openat", "openat2"]));
    assert!(details["condition_compiled"].as_str().unwrap().contains("fd.name in (/etc/shadow"), "{details}");
    assert!(shown["calls"].as_array().unwrap().iter().any(|call| call == "execve"));
    if fs::File::open("/etc/shadow").is_err() {
        return support::skip("a stolen file", "this user may not read it");
    }
    let place = Place::new(RULES);
    let mut command = Command::new(smtrace());
    command.arg("--rules").arg(&stock).args(["-q", "--", "sh", "-c", "cat /etc/shadow >/dev/null; true"]);
    let outcome = finish(command);
    assert!(outcome.err.contains("Warning Sensitive file opened for reading by non-trusted program"), "{outcome:?}");
    drop(place);
}

#[test]
fn where_and_print_need_no_rules() {
    let place = Place::new(RULES);
    let mut command = Command::new(smtrace());
    command.args(["-q", "-e", "openat", "--where", "fd.filename = plain.txt and evt.res = SUCCESS", "--"]);
    command.args(["cat", "plain.txt"]).current_dir(place.scratch.path("."));
    let outcome = finish(command);
    assert!(outcome.err.lines().all(|line| line.contains("openat")) && outcome.err.lines().count() == 1, "{outcome:?}");
    let mut command = Command::new(smtrace());
    command.args([
        "-q",
        "-e",
        "openat",
        "--print",
        "*%proc.name %evt.arg.name",
        "--where",
        "fd.filename = plain.txt",
        "--",
    ]);
    command.args(["cat", "plain.txt"]).current_dir(place.scratch.path("."));
    let outcome = finish(command);
    assert!(outcome.err.starts_with("cat /") && outcome.err.ends_with("/plain.txt\n"), "{outcome:?}");
    let mut command = Command::new(smtrace());
    command.args(["--where", "proc.nam = x", "true"]);
    let outcome = finish(command);
    assert_eq!((outcome.code, outcome.err.contains("nonexistent field proc.nam")), (Some(2), true), "{outcome:?}");
}

#[test]
fn a_program_that_starts_has_its_users_name() {
    let rules = "- rule: Starts\n  desc: d\n  condition: evt.type = execve and evt.arg.uid exists and evt.arg.uid = \
                 val(user.name)\n  output: user %evt.arg.uid of %evt.arg[30]|\n  priority: NOTICE\n";
    let outcome = Place::new(rules).run(&["-q"], "/bin/true; :");
    assert!(outcome.err.contains(" of /bin/true|"), "{outcome:?}");
}

/// What `--print` says of the exit of the openat of /etc/hostname by cat, or that nothing satisfied `condition`.
fn printed(condition: &str, format: &str) -> String {
    let mut run = Command::new(smtrace());
    run.args(["-q", "--where", &format!("evt.type=openat and evt.dir=< and fd.name=/etc/hostname and ({condition})")]);
    run.args(["--print", &format!("*@{format}@"), "--", "sh", "-c", "cat /etc/hostname; :"]);
    let out = finish(run);
    assert_eq!(out.code, Some(0), "{out:?}");
    out.err.split('@').nth(1).unwrap_or("nothing").to_owned()
}

#[test]
fn programs_have_their_file_and_their_capabilities() {
    let cat = fs::metadata("/bin/cat").unwrap();
    let changed = cat.ctime() * 1_000_000_000 + cat.ctime_nsec();
    assert_eq!(printed("evt.num > 0", "%proc.exe_ino %proc.exe_ino.ctime"), format!("{} {changed}", cat.ino()));
    assert_ne!(printed("proc.is_exe_writable in (true, false)", "x"), "nothing");
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let bits = |key: &str| {
        let mask = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap()
    };
    let caps = printed("thread.cap_permitted exists", "%thread.cap_effective");
    assert_eq!(caps.split_whitespace().count(), bits("CapEff:").count_ones() as usize, "{caps}");
    assert_eq!(caps.contains("CAP_SYS_ADMIN"), bits("CapEff:") >> 21 & 1 == 1);
    // A session without a leader that is known has the oldest of those that are.
    assert_ne!(printed("proc.sname exists and proc.vpgid.name exists", "x"), "nothing");
    for (condition, holds) in [
        ("evt.category = file and evt.count.error = 0 and evt.count.error.file = 0", true),
        ("evt.count.error.net exists or evt.count.error.other exists", false),
        // libscap's first event of that name is an older one.
        ("evt.type.is.openat = 0 and evt.type.is.open = 0", true),
        ("evt.abspath = /etc/hostname", true),
        ("proc.env[NO_SUCH_NAME] = \"\"", true),
        ("proc.aenv[PATH] contains / and proc.aenv[NO_SUCH_NAME] = \"\"", true),
        ("user.homedir startswith / and user.shell exists", true),
        ("proc.stdin.type = file and proc.stdin.name endswith /in and proc.stdout.name endswith /out", true),
        ("proc.stderr.type = pipe", false),
        ("thread.totexectime = 0 and proc.fdopencount > 0", true),
    ] {
        assert_eq!(printed(condition, "x") == "x", holds, "{condition}");
    }
}

#[test]
fn an_environment_is_its_variables_and_not_the_list_of_pointers_to_them() {
    let scratch = Scratch::new();
    let asked = ["--where", "proc.name = true", "--print", "*%evt.type[%proc.env]%proc.env[NO_SUCH_NAME]", "-o", "-"];
    let program = ["--", "env", "-i", "CI=true", "B=c", "true"];
    let told = |run: Command| {
        let out = finish(run);
        assert_eq!(out.code, Some(0), "{out:?}");
        out.out.lines().find(|line| line.starts_with("execve")).unwrap_or("nothing").to_owned()
    };
    let mut live = Command::new(smtrace());
    live.args(["-q", "-e", "execve"]).args(asked).args(program);
    assert_eq!(told(live), "execve[CI=true B=c]");
    let mut write = Command::new(smtrace());
    write.args(["-q", "-e", "execve", "-w"]).arg(scratch.path("e.smt")).args(program);
    assert_eq!(finish(write).code, Some(0));
    // Nobody asked for the environment: the record has the pointers alone.
    let mut replay = Command::new(smtrace());
    replay.arg("replay").arg(scratch.path("e.smt")).args(asked);
    assert_eq!(told(replay), "execve[<NA>]<NA>");
}

#[test]
fn a_command_has_the_descriptors_that_the_kernel_leaves_over_an_exec() {
    let scratch = Scratch::new();
    // A shell holds its script by a descriptor that is closed on exec, as smtrace holds its files.
    fs::write(scratch.path("held.sh"), "exec 7</etc/passwd\nexec /bin/true\n").unwrap();
    let mut write = Command::new(smtrace());
    write.current_dir(scratch.path(".")).args(["-q", "-e", "all", "--fds", "-w", "own.smt", "-o", "own.log"]);
    write.args(["--", "sh", "held.sh"]);
    assert_eq!(finish(write).code, Some(0));
    let replayed = |options: &[&str]| {
        let mut replay = Command::new(smtrace());
        replay.current_dir(scratch.path(".")).args(["replay", "own.smt"]).args(options);
        let out = finish(replay);
        assert_eq!(out.code, Some(0), "{out:?}");
        out.out
    };
    let lists: Vec<Vec<(u64, String)>> = replayed(&["-e", "execve", "--format", "json", "-o", "-"])
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let of = |fd: &serde_json::Value| (fd["fd"].as_u64().unwrap(), fd["path"].as_str().unwrap().to_owned());
            event["fds"].as_array().unwrap().iter().map(of).collect()
        })
        .collect();
    let has = |list: &[(u64, String)], end: &str| list.iter().any(|(_, path)| path.ends_with(end));
    let [first, started, .., before, after] = &lists[..] else { panic!("{lists:?}") };
    assert_eq!(first, started, "what smtrace holds is not the command's");
    assert!(first.len() >= 3 && has(before, "held.sh") && !has(after, "held.sh"), "{lists:?}");
    assert!(after.contains(&(7, "/etc/passwd".to_owned())), "{after:?}");
    let count = ["--where", "proc.name = true and evt.type = execve", "--print", "%proc.fdopencount", "-o", "-"];
    assert_eq!(replayed(&count).trim(), after.len().to_string());
    replayed(&["-w", "own.scap"]);
    let held = format!("{}/own.", fs::canonicalize(scratch.path(".")).unwrap().display());
    let scap = fs::read(scratch.path("own.scap")).unwrap();
    assert!(!scap.windows(held.len()).any(|window| window == held.as_bytes()), "{held}");
}

#[test]
fn a_call_that_never_returns_is_shown_only_if_its_enter_is() {
    let shown = |condition: &str| {
        let mut run = Command::new(smtrace());
        run.args(["-q", "-e", "exit_group,openat", "--where", condition, "-o", "-", "--", "true"]);
        let out = finish(run);
        assert_eq!(out.code, Some(0), "{out:?}");
        out.out
    };
    assert_eq!(shown("fd.name = /never"), "");
    let left = shown("evt.type = exit_group");
    assert_eq!(left.lines().count(), 2, "an enter and what became of it: {left}");
    assert!(left.lines().all(|line| line.contains("exit_group")), "{left}");
}

#[test]
fn rules_are_given_the_calls_that_say_what_descriptors_are() {
    let scratch = Scratch::new();
    let rule = "- rule: kinds\n  desc: d\n  condition: evt.type in (write, sendto) and fd.num > 9\n  output: \"<%fd.type>\"\n  \
                priority: INFO\n";
    fs::write(scratch.path("kinds.yaml"), rule).unwrap();
    let Some(python) = support::in_path("python3") else { return support::skip("kinds of descriptors", "no python3") };
    let script = "import os, socket\n\
                  for fd, kind in ((os.memfd_create('q'), 1), (socket.socketpair()[0].detach(), 0)):\n  \
                  other = os.dup2(fd, 40 + kind)\n  os.write(other, b'x')\n";
    let mut run = Command::new(smtrace());
    run.args(["-q", "--rules"]).arg(scratch.path("kinds.yaml")).arg("-o").arg(scratch.path("alerts")).arg("--");
    run.arg(python).args(["-I", "-S", "-c", script]);
    assert_eq!(finish(run).code.map(|code| code & !1), Some(0));
    let alerts = fs::read_to_string(scratch.path("alerts")).unwrap();
    for kind in ["<memfd>", "<unix>"] {
        assert!(alerts.contains(kind), "{kind} in {alerts:?}");
    }
}

#[test]
fn a_capture_keeps_the_session_that_its_command_began_in() {
    let scratch = Scratch::new();
    let mut run = Command::new(smtrace());
    run.args(["-q", "-e", "execve", "-w"]).arg(scratch.path("s.smt")).args(["--", "sh", "-c", "/bin/true; :"]);
    assert_eq!(finish(run).code, Some(0));
    let mut replay = Command::new(smtrace());
    replay
        .arg("replay")
        .arg(scratch.path("s.smt"))
        .args(["--where", "evt.dir=< and proc.exe=/bin/true and proc.vpgid > 0"]);
    // The process group is that of the run, which is not ours.
    replay.args(["--print", "%proc.sid %proc.tty %evt.hostname"]);
    let told = finish(replay);
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let own: Vec<&str> = own.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    // proc_pid_stat(5): state, ppid, pgrp, session, tty_nr.
    let want = format!("{} {} {}", own[3], own[4], host.trim());
    assert!(told.err.lines().any(|line| line == want), "{want}: {told:?}");
}

#[test]
fn alerts_are_posted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"\"}") {
            let got = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..got]);
            if got == 0 {
                break;
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let outcome =
        Place::new(RULES).run(&["-q", "-o", "log", "--alerts-url", &url], "head -c1 plain.txt; cat plain.txt");
    let request = server.join().unwrap();
    assert!(request.starts_with("POST / HTTP/1.1\r\n") && request.contains("application/json"), "{request}");
    let alert: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!((&alert["rule"], outcome.code), (&"Program started".into(), Some(0)));
}

#[test]
fn a_connection_has_its_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let rules = "- rule: Connects\n  desc: d\n  condition: evt.type = connect and fd.sip = 127.0.0.1 and fd.net = \
                 127.0.0.0/8 and fd.l4proto = tcp\n  output: to %fd.rport %fd.type %fd.name\n  priority: NOTICE\n";
    let outcome = Place::new(rules).run(&["-q"], &format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"));
    assert!(outcome.err.contains(&format!("Notice to {port} ipv4 ")), "{outcome:?}");
    assert!(outcome.err.contains(&format!("->127.0.0.1:{port}")), "{outcome:?}");
}
