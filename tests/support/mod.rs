//! What the integration tests share: running a guest natively and under smtrace, and reading the log.
//!
//! Every run has a deadline and its own process group, which is killed when the deadline passes: a tracer that hangs
//! fails a test, it does not stop them all. Output goes to files, not pipes, so that a process left behind by a guest
//! cannot keep a reader waiting.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod outside;

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long one run of a guest may take, on a machine that does much else: it ends what hangs, and must not end what is slow.
pub const DEADLINE: Duration = Duration::from_secs(240);

/// The command under test.
pub fn smtrace() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_smtrace"))
}

/// The guest program; cargo builds examples together with the tests.
pub fn guest() -> PathBuf {
    let path = smtrace().parent().expect("the binary lies in a directory").join("examples/guest");
    assert!(path.exists(), "{} is missing: `cargo test` or `cargo build --example guest` makes it", path.display());
    path
}

/// A directory of the test's own that goes away with it.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let name = format!("smtrace-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Scratch(path),
                // Left behind by a test that was killed and had this process's number.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// How a run ended and what it printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Outcome {
    /// What must be the same natively and traced.
    pub fn visible(&self) -> (Option<i32>, Option<i32>, &str) {
        (self.code, self.signal, &self.out)
    }
}

/// Waits for `child` until the deadline, then kills its whole group and fails.
pub fn wait_until_done(child: &mut Child, limit: Duration) -> ExitStatus {
    let group = i32::try_from(child.id()).expect("a pid");
    let start = Instant::now();
    // SAFETY: plain system calls on a child that was not waited for yet, so the number is still its own.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, group, 0) };
    let fd = i32::try_from(fd).expect("a descriptor");
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            // SAFETY: as above.
            unsafe { libc::close(fd) };
            return status;
        }
        if start.elapsed() > limit {
            // SAFETY: as above.
            unsafe { libc::kill(-group, libc::SIGKILL) };
            let _ = child.wait();
            panic!("not done after {limit:?}: killed");
        }
        let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one valid pollfd. It wakes at the child's end; the time is only for the deadline.
        unsafe { libc::poll(&raw mut poll, 1, 1000) };
    }
}

/// Runs `command` in a group of its own with `stdin`, and collects what it prints.
pub fn finish_with(command: Command, stdin: &[u8]) -> Outcome {
    finish_within(command, stdin, DEADLINE)
}

/// As [`finish_with`], with a time after which it is killed: a whole build on a machine that does much else takes long.
pub fn finish_within(mut command: Command, stdin: &[u8], limit: Duration) -> Outcome {
    let scratch = Scratch::new();
    let mut input = File::create_new(scratch.path("in")).expect("a file");
    input.write_all(stdin).expect("written");
    let input = File::open(scratch.path("in")).expect("opened");
    let mut out = read_write(&scratch.path("out"));
    let mut err = read_write(&scratch.path("err"));
    command.stdin(input).stdout(out.try_clone().expect("a copy")).stderr(err.try_clone().expect("a copy"));
    let mut child = command.process_group(0).spawn().expect("started");
    let status = wait_until_done(&mut child, limit);
    outcome(status, &mut out, &mut err)
}

/// As [`finish_with`], with an empty stdin.
pub fn finish(command: Command) -> Outcome {
    finish_with(command, b"")
}

fn read_write(path: &Path) -> File {
    File::options().read(true).append(true).create_new(true).open(path).expect("a file")
}

fn outcome(status: ExitStatus, out: &mut File, err: &mut File) -> Outcome {
    let text = |file: &mut File| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).expect("a file");
        file.read_to_end(&mut bytes).expect("read");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Outcome { code: status.code(), signal: status.signal(), out: text(out), err: text(err) }
}

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    pub enter: bool,
    /// None where the call never returned.
    pub result: Option<i64>,
    pub pid: i32,
    pub tid: i32,
    pub nr: Option<i64>,
    /// The whole line, for what only some formats have.
    pub line: String,
}

/// Reads a module line; None for a line that is no call of it (`--probe`, remarks).
pub fn module_event(line: &str) -> Option<Event> {
    let rest = line.strip_prefix('[')?;
    let (time, rest) = rest.split_once("]: ")?;
    assert_eq!(time.len(), "2025-06-12 14:15:02.492380090".len(), "time of {line:?}");
    let (name, rest) = rest.split_once(' ')?;
    if name == "smtrace_notice"
        || name == "smtrace_lost"
        || name == "signal_deliver"
        || name.starts_with("sched_process_")
    {
        return None;
    }
    let rest = rest.strip_prefix("syscall=")?;
    let (nr, rest) = rest.split_once(' ')?;
    let (dir, rest) = rest.strip_prefix("dir=")?.split_once(' ')?;
    let (result, rest) = rest.strip_prefix("res=")?.split_once(' ')?;
    // From the end: a comm or cmdline may hold anything.
    let number = |key: &str| -> i32 {
        let at = rest.rfind(key).unwrap_or_else(|| panic!("no{key} in {line:?}"));
        let digits: String = rest[at + key.len()..].chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("bad{key} in {line:?}"))
    };
    Some(Event {
        name: name.to_owned(),
        enter: match dir {
            ">" => true,
            "<" => false,
            _ => panic!("direction {dir:?} in {line:?}"),
        },
        result: match result {
            "?" => None,
            number => Some(number.parse().unwrap_or_else(|_| panic!("result in {line:?}"))),
        },
        pid: number(" pid="),
        tid: number(" tid="),
        nr: nr.parse().ok(),
        line: line.to_owned(),
    })
}

/// Reads a JSON line; None for one that is no call.
pub fn json_event(line: &str) -> Option<Event> {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    let dir = value.get("dir")?.as_str()?;
    // A number that a double cannot hold is text there.
    let whole = |value: &serde_json::Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let number = |key: &str| value.get(key).and_then(whole);
    Some(Event {
        name: value.get("name")?.as_str()?.to_owned(),
        enter: dir == ">",
        result: number("result"),
        pid: i32::try_from(number("pid")?).ok()?,
        tid: i32::try_from(number("tid")?).ok()?,
        nr: number("nr"),
        line: line.to_owned(),
    })
}

/// The lines of a log; fails when the last one is not whole.
pub fn whole_lines(log: &str) -> Vec<&str> {
    assert!(log.is_empty() || log.ends_with('\n'), "the last line is cut: {:?}", log.lines().last());
    log.lines().collect()
}

/// The calls in a log of either format.
pub fn events(log: &str) -> Vec<Event> {
    let read = |line: &&str| if line.starts_with('{') { json_event(line) } else { module_event(line) };
    whole_lines(log).iter().filter_map(read).collect()
}

/// Each thread's events are in order: an enter, then its own exit, and nothing left open.
pub fn assert_paired(events: &[Event]) {
    let mut open: std::collections::HashMap<i32, &Event> = std::collections::HashMap::new();
    for event in events {
        if event.enter {
            if let Some(other) = open.insert(event.tid, event) {
                panic!("two enters without an exit between:\n{}\n{}", other.line, event.line);
            }
        } else {
            let enter = open.remove(&event.tid).unwrap_or_else(|| panic!("an exit without its enter:\n{}", event.line));
            assert_eq!(enter.name, event.name, "exit of another call:\n{}\n{}", enter.line, event.line);
            assert_eq!(enter.nr, event.nr, "exit of another call:\n{}\n{}", enter.line, event.line);
        }
    }
    if let Some(event) = open.values().next() {
        panic!("{} enters have no exit, one is\n{}", open.len(), event.line);
    }
}

/// How a run under smtrace is asked for.
#[derive(Debug)]
pub struct Tracing {
    pub options: Vec<String>,
    pub format: &'static str,
    pub environment: Vec<(String, String)>,
}

impl Tracing {
    /// Traces `enabled` in the module's text.
    pub fn of(enabled: &str) -> Tracing {
        Tracing { options: vec!["-e".to_owned(), enabled.to_owned()], format: "module", environment: Vec::new() }
    }

    /// The same in JSON, which has the arguments.
    pub fn json(enabled: &str) -> Tracing {
        Tracing { format: "json", ..Tracing::of(enabled) }
    }

    pub fn option(mut self, option: &str) -> Tracing {
        self.options.push(option.to_owned());
        self
    }

    /// The command line `smtrace -o LOG ... -- PROGRAM WORDS`.
    pub fn command(&self, log: &Path, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(smtrace());
        command.arg("-o").arg(log).args(["--format", self.format]).args(&self.options);
        command.arg("--").arg(program).args(words).envs(self.environment.iter().cloned());
        command
    }

    /// Runs the guest under smtrace alone.
    pub fn run(&self, words: &[&str]) -> Traced {
        let scratch = Scratch::new();
        let path = scratch.path("log");
        let outcome = finish(self.command(&path, &guest(), words));
        let log = fs::read(&path).unwrap_or_default();
        let log = String::from_utf8(log).expect("the log is UTF-8");
        let events = events(&log);
        assert!(!outcome.out.contains("BAD"), "the guest found a difference: {outcome:?}");
        Traced { outcome, log, events }
    }

    /// Runs the guest natively and under smtrace: the same status and output, and a log in order.
    pub fn compare(&self, words: &[&str]) -> Traced {
        let native = native(words);
        let traced = self.run(words);
        assert_eq!(native.visible(), traced.outcome.visible(), "{words:?}; smtrace said {:?}", traced.outcome.err);
        assert_paired(&traced.events);
        traced
    }
}

/// Runs the guest without a tracer.
pub fn native(words: &[&str]) -> Outcome {
    let mut command = Command::new(guest());
    command.args(words);
    let outcome = finish(command);
    assert!(!outcome.out.contains("BAD"), "the guest fails without a tracer: {outcome:?}");
    outcome
}

/// A finished run under smtrace.
#[derive(Debug)]
pub struct Traced {
    pub outcome: Outcome,
    pub log: String,
    pub events: Vec<Event>,
}

impl Traced {
    /// The end of the log, for a message.
    pub fn tail(&self) -> String {
        let lines: Vec<&str> = self.log.lines().collect();
        let cut = lines.len().saturating_sub(40);
        format!("... {cut} lines before ...\n{}", lines[cut..].join("\n"))
    }

    pub fn enters(&self, name: &str) -> usize {
        self.events.iter().filter(|event| event.enter && event.name == name).count()
    }

    /// The exits of `name`.
    pub fn exits<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Event> {
        self.events.iter().filter(move |event| !event.enter && event.name == name)
    }

    /// How many threads made the call.
    pub fn tids(&self, name: &str) -> usize {
        let tids: std::collections::BTreeSet<i32> =
            self.events.iter().filter(|event| event.name == name).map(|event| event.tid).collect();
        tids.len()
    }

    /// Asserts that the call was made `times` times, and returned each time.
    pub fn assert_count(&self, name: &str, times: usize) {
        assert_eq!(self.enters(name), times, "enters of {name} in\n{}", self.tail());
        assert_eq!(self.exits(name).filter(|event| event.result.is_some()).count(), times, "exits of {name}");
    }

    /// Whether the case could not run on this machine (the guest's status 77), which is said.
    pub fn skipped(&self, what: &str) -> bool {
        let skipped = self.outcome.code == Some(77);
        if skipped {
            skip(what, "the kernel or this user does not allow it");
        }
        skipped
    }
}

/// Says that a test does nothing here.
pub fn skip(what: &str, why: &str) {
    tell(&format!("skipped: {what}: {why}"));
}

/// Writes a line past the test harness's capture, for what must be seen in a passing run.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether `program` is in PATH.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// A process in a group of its own that is killed when the test ends early.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Starts `command` with pipes for stdin and stdout; its stderr goes to `err`.
    pub fn start(mut command: Command, err: &Path) -> Running {
        let err = File::create(err).expect("a file");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(err).process_group(0);
        Running(command.spawn().expect("started"))
    }

    /// As [`Running::start`], with stdout to a file.
    pub fn start_into(mut command: Command, out: &Path, err: &Path) -> Running {
        let file = |path| File::create(path).expect("a file");
        command.stdin(Stdio::null()).stdout(file(out)).stderr(file(err)).process_group(0);
        Running(command.spawn().expect("started"))
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a pid")
    }

    /// Reads stdout until the end of a line, at most until the deadline.
    pub fn line(&mut self) -> String {
        use std::os::fd::AsRawFd;
        let stdout = self.0.stdout.as_mut().expect("a pipe");
        let start = Instant::now();
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            let mut poll = libc::pollfd { fd: stdout.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid pollfd.
            unsafe { libc::poll(&raw mut poll, 1, 1000) };
            assert!(start.elapsed() < DEADLINE, "no line; so far {:?}", String::from_utf8_lossy(&line));
            let mut byte = [0];
            if poll.revents != 0 && stdout.read(&mut byte).expect("read") == 0 {
                break;
            }
            if poll.revents != 0 {
                line.push(byte[0]);
            }
        }
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: a plain system call on a child that was not waited for yet.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        drop(self.0.stdin.take());
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_until_done(&mut self.0, DEADLINE)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            // SAFETY: it was not waited for, so its number and group are still its own.
            unsafe { libc::kill(-self.pid(), libc::SIGKILL) };
            let _ = self.0.wait();
        }
    }
}

/// Asks `ready` again and again until it says yes; fails after the deadline.
pub fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < DEADLINE, "{what}: not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A field of /proc/PID/status.
pub fn status_field(pid: i32, name: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(':')))?;
    Some(line[name.len() + 1..].trim().to_owned())
}

/// Takes from the environment of `command` what would lead it past its HOME, to the settings and keys of who runs the tests.
pub fn keep_to_home(command: &mut Command) {
    const NAMES: [&str; 8] = [
        "GIT_CONFIG_GLOBAL",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "PIP_CONFIG_FILE",
        "NPM_CONFIG_USERCONFIG",
        "GNUPGHOME",
        "SSH_AUTH_SOCK",
    ];
    for name in NAMES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
}

/// Takes from the environment of `command` what a CI service says of itself, its workspace and its network: who is told of a
/// finding, what `${WORKSPACE}` is and that loopback is reached directly is the test's choice.
pub fn outside_ci(command: &mut Command) {
    const NAMES: [&str; 8] = [
        "GITHUB_ACTIONS",
        "GITLAB_CI",
        "GITHUB_WORKSPACE",
        "CI_PROJECT_DIR",
        "WORKSPACE",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ];
    for name in NAMES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
}
