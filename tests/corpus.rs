//! The corpus: hostile builds that must be told of, and honest ones that must not, each audited with the default rules.
//!
//! A hostile script in `corpus/hostile/` names in its head the incident that it follows and the findings it must raise; a
//! script in `corpus/benign/` must raise none at or above error. Nothing leaves the machine and nothing of it is changed:
//! what is stolen are baits in a home directory of the test's own, it is sent to a listener of the test on loopback, and
//! files of the system are named by paths that cannot exist. A script whose tools are missing is left out, and said.

#![allow(unsafe_code, missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use support::{Scratch, finish_within, smtrace};

/// What one build may take, on a machine that does much else.
const LIMIT: Duration = Duration::from_secs(240);

/// Audits that run at one time.
const AT_ONCE: usize = 2;

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

/// A script with what its head says.
struct Case {
    name: String,
    path: PathBuf,
    findings: Vec<String>,
    needs: Vec<String>,
}

fn cases(kind: &str) -> Vec<Case> {
    let mut paths: Vec<PathBuf> = fs::read_dir(corpus(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let words = |key: &str| -> Vec<String> {
            let line = text.lines().take_while(|line| line.starts_with('#')).find_map(|line| line.strip_prefix(key));
            line.unwrap_or("").split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Case { name, findings: words("# finding: "), needs: words("# needs: "), path }
    };
    paths.into_iter().map(read).collect()
}

fn installed(tool: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(tool).is_file()))
}

/// What is of worth in a home directory, and in a repository.
const BAITS: &[(&str, &str)] = &[
    ("home/.ssh/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nbait\n"),
    ("home/.ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\nbait\n"),
    ("home/.ssh/known_hosts", "example.test ssh-ed25519 AAAA\n"),
    ("home/.aws/credentials", "[default]\naws_secret_access_key = bait\n"),
    ("home/.config/gcloud/application_default_credentials.json", "{}\n"),
    ("home/.npmrc", "//registry.example.test/:_authToken=bait\n"),
    ("home/.netrc", "machine example.test login me password bait\n"),
    ("home/.pypirc", "[pypi]\npassword = bait\n"),
    ("home/.git-credentials", "https://me:bait@example.test\n"),
    ("home/.cargo/credentials.toml", "[registry]\ntoken = \"bait\"\n"),
    ("home/.docker/config.json", "{\"auths\": {}}\n"),
    ("home/.kube/config", "users: []\n"),
    ("home/.gnupg/private-keys-v1.d/0.key", "bait\n"),
    ("home/.config/solana/id.json", "[1]\n"),
    ("home/.electrum/wallets/default_wallet", "{}\n"),
    ("home/.mozilla/firefox/x.default/logins.json", "{}\n"),
    ("home/actions-runner/.credentials", "{}\n"),
    ("home/.bash_history", "mysql -pbait\n"),
    ("home/.zsh_history", "mysql -pbait\n"),
    ("home/.bashrc", "# start\n"),
    ("home/.profile", "# start\n"),
    ("work/.github/workflows/ci.yml", "on: push\njobs: {}\n"),
    ("work/src/inventory.c", "#include <stdio.h>\n\nint main(void) {\n    return puts(\"manager\") < 0;\n}\n"),
];

fn lay_out(scratch: &Scratch, case: &Case) {
    let put = |name: &str, text: &str| {
        let path = scratch.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    BAITS.iter().for_each(|(name, text)| put(name, text));
    (0..30).for_each(|letter| put(&format!("home/Documents/letter{letter}.txt"), "dear\n"));
    fs::create_dir_all(scratch.path("tmp")).unwrap();
    fs::copy(&case.path, scratch.path("work/build.sh")).unwrap();
}

/// Where what is stolen goes, and downloads come from: the files of `corpus/served/`, and "ok" for all else.
fn drop_site() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(stream: TcpStream) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        length = lower.strip_prefix("content-length:").and_then(|rest| rest.trim().parse().ok()).unwrap_or(length);
        if lower.starts_with("expect:") {
            (&stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
    }
    let _ = reader.by_ref().take(length).read_to_end(&mut Vec::new());
    let path = first.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
    let plain = path.split(['?', '&']).next().filter(|path| !path.contains("..")).unwrap_or("");
    let body = fs::read(corpus("served").join(plain)).unwrap_or_else(|_| b"ok".to_vec());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    (&stream).write_all(&[head.as_bytes(), &body].concat()).ok()
}

/// The other end of reverse shells: it asks for two things and leaves.
fn operator() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
                let _ = stream.write_all(b"id; uname -a\nexit\n");
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    port
}

/// A process outside the builds whose memory and environment are of worth.
struct Victim(Child);

impl Victim {
    fn start() -> Victim {
        let mut command = Command::new("sleep");
        command.arg("100000").env("RUNNER_TOKEN", "bait").stdin(Stdio::null()).stdout(Stdio::null());
        Victim(command.spawn().unwrap())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Stage {
    drop: u16,
    operator: u16,
    victim: Victim,
}

impl Stage {
    fn set() -> Stage {
        Stage { drop: drop_site(), operator: operator(), victim: Victim::start() }
    }

    /// The findings of an audit of `case`, each as its level and its rule, and what the build said.
    fn audit(&self, case: &Case) -> (Vec<(String, String, String)>, String) {
        let scratch = Scratch::new();
        lay_out(&scratch, case);
        let mut command = Command::new(smtrace());
        command.args(["audit", "--quiet", "--report"]).arg(scratch.path("report"));
        command.args(["--", "bash", "build.sh"]).current_dir(scratch.path("work"));
        command.env("HOME", scratch.path("home")).env("TMPDIR", scratch.path("tmp"));
        command.env("DROP", format!("127.0.0.1:{}", self.drop)).env("DROP_PORT", self.drop.to_string());
        command.env("SHELL_PORT", self.operator.to_string()).env("VICTIM", self.victim.0.id().to_string());
        support::keep_to_home(&mut command);
        // The toolchains are the machine's own, not the bait home's.
        for (name, dir) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if let Some(home) = std::env::var_os("HOME").filter(|_| std::env::var_os(name).is_none()) {
                command.env(name, Path::new(&home).join(dir));
            }
        }
        support::outside_ci(&mut command);
        for name in
            std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("CARGO_PKG_") || name == "CARGO")
        {
            command.env_remove(name);
        }
        let outcome = finish_within(command, b"", LIMIT);
        let said = format!("status {:?}\n{}{}", outcome.code, outcome.out, outcome.err);
        let Ok(text) = fs::read_to_string(scratch.path("report/audit.json")) else { return (Vec::new(), said) };
        let facts: Value = serde_json::from_str(&text).unwrap();
        let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("").to_owned();
        let told = |finding: &Value| (word(finding, "level"), word(finding, "rule"), word(finding, "message"));
        let mut findings: Vec<_> = facts["findings"].as_array().unwrap().iter().map(told).collect();
        if facts["coverage"]["complete"] != true {
            findings.push(("error".to_owned(), "incomplete".to_owned(), facts["coverage"]["notices"].to_string()));
        }
        // A build that did not work shows nothing.
        findings.push((facts["run"]["end"].to_string(), "end".to_owned(), String::new()));
        (findings, said)
    }
}

/// Audits all of a kind; what `judge` says of those that are not as they should be, and how many ran.
fn run(
    kind: &str,
    judge: impl Fn(&Case, &[(String, String, String)]) -> Option<String> + Sync,
) -> (Vec<String>, usize) {
    let wanted = std::env::var("CORPUS").ok();
    let all = cases(kind);
    let stage = Stage::set();
    let (next, ran, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            if wanted.as_ref().is_some_and(|wanted| !case.name.contains(wanted)) {
                continue;
            }
            if let Some(tool) = case.needs.iter().find(|tool| !installed(tool)) {
                support::skip(&format!("{kind}/{}", case.name), &format!("there is no {tool}"));
                continue;
            }
            ran.fetch_add(1, Ordering::Relaxed);
            let (findings, said) = stage.audit(case);
            if let Some(why) = judge(case, &findings) {
                wrong.lock().unwrap().push(format!("{kind}/{}: {why}\n{said}", case.name));
            }
        }
    };
    thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    (wrong.into_inner().unwrap(), ran.into_inner())
}

#[test]
fn hostile_builds_are_told_of() {
    assert!(cases("hostile").len() >= 40);
    let (missed, ran) = run("hostile", |case, findings| {
        assert!(!case.findings.is_empty(), "{} names no finding", case.name);
        let raised = |rule: &String| findings.iter().any(|(_, raised, _)| raised == rule);
        let missing: Vec<&String> = case.findings.iter().filter(|rule| !raised(rule)).collect();
        (!missing.is_empty()).then(|| format!("not raised: {missing:?}; raised: {findings:#?}"))
    });
    support::tell(&format!("recall: {} of {ran} hostile builds", ran - missed.len()));
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn honest_builds_are_let_be() {
    assert!(cases("benign").len() >= 15);
    let (wrong, ran) = run("benign", |_, findings| {
        let ended_well = findings.iter().any(|(end, rule, _)| rule == "end" && end.contains("\"exit\":0"));
        let errors: Vec<_> = findings.iter().filter(|(level, ..)| level == "error").collect();
        match (errors.is_empty(), ended_well) {
            (true, true) => None,
            (true, false) => Some("the build itself failed, which proves nothing".to_owned()),
            _ => Some(format!("{errors:#?}")),
        }
    });
    support::tell(&format!("false alarms: {} of {ran} honest builds", wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
