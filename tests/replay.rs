//! What `-w` keeps, `replay` shows: the same bytes as the run's own output in every format, and of a damaged or hostile
//! file a part that says so, or a refusal.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use smtrace::model::record::Record;
use smtrace::state::{Groups, Users};
use smtrace::store::{self, Part, Reader};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Event, Outcome, Running, Scratch, events, finish, finish_with, guest, in_path, skip, smtrace, until};

/// The formats that are there, from the command's own answer.
fn formats() -> Vec<String> {
    let output = Command::new(smtrace()).args(["list", "formats"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    assert!(names.len() >= 3, "{text}");
    names
}

/// Forks, threads, signals, failures, an exec out of a thread, odd bytes, foreign calls, notices.
fn script() -> String {
    let guest = guest().display().to_string();
    [
        "fork 3",
        "threads 3 5",
        "die 15",
        "exec-thread",
        "rt-signals",
        "odd-paths",
        "bad-pointers",
        "int80",
        "untraced",
        "exit 3",
    ]
    .map(|words| format!("{guest} {words}"))
    .join("; ")
}

/// `smtrace OPTIONS -- sh -c SCRIPT`
fn trace(options: &[&str], script: &str) -> Command {
    let mut command = Command::new(smtrace());
    let quiet = format!("exec 2>/dev/null; {script}");
    command.arg("-q").args(options).args(["--", "sh", "-c", &quiet]);
    command
}

fn replay(file: &Path, options: &[&str]) -> Outcome {
    let mut command = Command::new(smtrace());
    command.args(["replay", "-q", "-o", "-"]).args(options).arg(file);
    finish(command)
}

/// A replay of a file with nothing missing.
fn replayed(file: &Path, options: &[&str]) -> String {
    let outcome = replay(file, options);
    assert_eq!((outcome.code, outcome.err.as_str()), (Some(0), ""), "{options:?}");
    outcome.out
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A capture of the whole script, alone.
fn captured(scratch: &Scratch, name: &str) -> PathBuf {
    let file = scratch.path(name);
    let outcome = finish(trace(&["-w", text(&file)], &script()));
    assert_eq!((outcome.code, outcome.err.as_str()), (Some(3), ""), "nothing is printed beside a capture");
    file
}

fn assert_same(live: &Path, again: &str, what: &str) {
    let live = fs::read_to_string(live).unwrap();
    assert!(!live.is_empty(), "{what}");
    if live != again {
        let at = live.lines().zip(again.lines()).position(|(a, b)| a != b);
        let line = |text: &str| at.and_then(|at| text.lines().nth(at)).unwrap_or("(the end)").to_owned();
        panic!("{what}: line {at:?} was\n{}\nand is\n{}", line(&live), line(again));
    }
}

#[test]
fn every_format_comes_out_as_it_was() {
    let scratch = Scratch::new();
    for (i, format) in formats().iter().enumerate() {
        let (live, file) = (scratch.path("live"), scratch.path(["c.cap", "c.zst"][i % 2]));
        let mut command = trace(&["-w", text(&file), "-o", text(&live), "--format", format, "--probe"], &script());
        // The capture knows its own local time.
        command.env("TZ", "Asia/Kathmandu");
        assert_eq!(finish(command).code, Some(3));
        assert_same(&live, &replayed(&file, &["--format", format, "--probe"]), format);
    }
}

#[test]
fn options_of_a_run_mean_the_same_in_a_replay() {
    let scratch = Scratch::new();
    for options in [
        &["--format", "json", "-s", "7", "--drop-failed"][..],
        &["--format", "ebpf", "--dir", "enter", "--filter-comm", "guest"],
        &["--dir", "exit", "--drop-failed", "--probe"],
        &["-e", "%file,write"],
    ] {
        let (live, file) = (scratch.path("live"), scratch.path("cap"));
        let all: Vec<_> = ["-w", text(&file), "-o", text(&live)].iter().chain(options).copied().collect();
        assert_eq!(finish(trace(&all, &script())).code, Some(3));
        assert_same(&live, &replayed(&file, options), &format!("{options:?}"));
    }
}

#[test]
fn a_capture_alone_has_all_that_any_format_shows() {
    let scratch = Scratch::new();
    let file = captured(&scratch, "cap.zst");
    for format in formats() {
        assert!(!replay(&file, &["--format", &format]).out.is_empty(), "{format}");
    }
    let json = replayed(&file, &["--format", "json", "--probe"]);
    for what in ["\"fds\":[{", "\"opened\":", "\"cwd\":\"/", "sched_process_fork", "\"type\":\"notice\"", "\"value\":"]
    {
        assert!(json.contains(what), "{what}");
    }
    let file = scratch.path("few");
    finish(trace(&["-w", text(&file), "--fds=false", "-s", "8"], "cat /etc/hostname"));
    let outcome = replay(&file, &["--format", "json", "-s", "100"]);
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.err.contains("--fds=false") && outcome.err.contains("-s 8"), "{}", outcome.err);
}

#[test]
fn a_capture_says_what_it_is() {
    let scratch = Scratch::new();
    for name in ["cap", "cap.zst"] {
        let file = captured(&scratch, name);
        let info = |options: &[&str], file: &Path| -> serde_json::Value {
            let outcome = replay(file, &[options, &["--info"]].concat());
            assert_eq!((outcome.code, outcome.err.as_str()), (Some(0), ""));
            serde_json::from_str(&outcome.out).unwrap()
        };
        let whole = info(&[], &file);
        assert_eq!((&whole["complete"], &whole["v"]), (&true.into(), &1.into()));
        assert_eq!(whole["description"]["machine"], "x86_64");
        assert_eq!(whole["description"]["target"]["command"][0], "sh");
        let shown = events(&replayed(&file, &["-e", "execve", "--dir", "enter"])).len();
        let of = |info: &serde_json::Value| {
            let calls = info["calls"].as_array().unwrap().iter();
            calls.filter(|call| call["name"] == "execve").map(|call| call["enters"].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(of(&whole), u64::try_from(shown).unwrap());
        // Without its end all that is there is counted.
        let bytes = fs::read(&file).unwrap();
        let cut = scratch.path("cut");
        fs::write(&cut, &bytes[..bytes.len() - 60]).unwrap();
        let part = info(&[], &cut);
        assert_eq!((&part["complete"], &part["records"]), (&false.into(), &whole["records"]));
        assert_eq!(of(&part), of(&whole));
    }
}

#[test]
fn what_follows_the_end_of_a_capture_is_told_of() {
    let scratch = Scratch::new();
    let one = captured(&scratch, "one.smt");
    assert_eq!(replay(&one, &["-o", "-"]).code, Some(0));
    let mut both = fs::read(&one).unwrap();
    both.extend_from_within(..);
    fs::write(scratch.path("two.smt"), both).unwrap();
    let out = replay(&scratch.path("two.smt"), &["-o", "-"]);
    assert_eq!(out.code, Some(122), "{out:?}");
    assert!(out.err.contains("something follows its end"), "{out:?}");
}

#[test]
fn zstd_makes_the_plain_capture_of_a_compressed_one() {
    let scratch = Scratch::new();
    let file = captured(&scratch, "c.zst");
    let whole = replayed(&file, &[]);
    let Some(zstd) = in_path("zstd") else { return skip("zstd -d", "zstd is not installed") };
    let plain = scratch.path("c");
    assert!(Command::new(zstd).args(["-q", "-d", "-o"]).args([&plain, &file]).status().unwrap().success());
    assert_eq!(replayed(&plain, &[]), whole);
    let mut command = Command::new(smtrace());
    command.args(["replay", "-o", "-", "-"]);
    assert_eq!(finish_with(command, &fs::read(&plain).unwrap()).out, whole);
}

#[test]
fn filters_choose_without_changing_what_is_shown() {
    let scratch = Scratch::new();
    let file = captured(&scratch, "cap");
    let whole = replayed(&file, &[]);
    let lines: Vec<&str> = whole.lines().collect();
    // A notice is always shown; the shapes of its fields do not matter here.
    let notice = |line: &&str| line.contains("]: smtrace_notice ");
    let all: Vec<Event> =
        lines.iter().map(|line| events(&format!("{}\n", line.replace("smtrace_notice", "x"))).remove(0)).collect();
    let chosen = |options: &[&str], keep: &dyn Fn(usize) -> bool| {
        let expected: Vec<&str> =
            lines.iter().enumerate().filter(|(i, line)| notice(line) || keep(*i)).map(|(_, line)| *line).collect();
        assert!(expected.len() > 2 && expected.len() < lines.len(), "{options:?}: {}", expected.len());
        assert_eq!(replayed(&file, options).lines().collect::<Vec<_>>(), expected, "{options:?}");
    };
    assert_eq!(all.len(), lines.len());
    let pid = all[all.len() / 2].pid;
    chosen(&["--pid", &pid.to_string()], &|i| all[i].pid == pid);
    chosen(&["--comm", "sh"], &|i| lines[i].contains(" comm=sh "));
    chosen(&["-e", "execve"], &|i| all[i].name == "execve");
    chosen(&["-e", "execve", "--comm", "sh", "--dir", "enter"], &|i| {
        all[i].name == "execve" && lines[i].contains(" comm=sh ") && all[i].enter
    });
    // A line's own time is a time that the options take.
    let time = |i: usize| lines[i].get(1..30).unwrap();
    let (from, to) = (lines.len() / 3, lines.len() / 2);
    chosen(&["--since", time(from), "--until", time(to)], &|i| (time(from)..=time(to)).contains(&time(i)));
    chosen(&["--since", &time(from)[11..]], &|i| time(i) >= time(from));
    // A path as it was given, or where that is; the exit goes with its enter.
    let json = replayed(&file, &["--format", "json", "--path", "/etc/ld.so*"]);
    let shown: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let calls = || shown.iter().filter(|event| event["type"] == "syscall");
    assert!(calls().count() > 4 && calls().all(|event| event["args"].to_string().contains("/etc/ld.so")), "{json}");
    assert_eq!(calls().filter(|event| event["dir"] == "<").count() * 2, calls().count());
}

#[test]
fn a_killed_smtrace_leaves_what_was_written() {
    let scratch = Scratch::new();
    for name in ["cap", "cap.zst"] {
        let file = scratch.path(name);
        let mut command = Command::new(smtrace());
        command.args(["-q", "-e", "getppid", "-w"]).arg(&file).arg("--").arg(guest()).arg("linger");
        let mut running = Running::start(command, &scratch.path("err"));
        assert!(running.line().starts_with("ready"));
        until("calls in the capture", || events(&replay(&file, &[]).out).len() > 10);
        running.signal(libc::SIGKILL);
        running.wait();
        let outcome = replay(&file, &[]);
        assert_eq!(outcome.code, Some(122), "{}", outcome.err);
        assert!(outcome.err.contains("its end is missing, and with it what came after 20"), "{}", outcome.err);
        assert_eq!(outcome.err.lines().count(), 1);
        assert!(events(&outcome.out).len() > 10);
        // The last whole frame is not the last bytes: what follows half written is nothing.
        let whole = fs::read(&file).unwrap();
        fs::write(&file, &whole[..whole.len() - 10]).unwrap();
        let cut = replay(&file, &[]);
        assert!(cut.code == Some(122) && outcome.out.starts_with(&cut.out), "{}", cut.err);
    }
}

#[test]
fn a_disk_that_fills_up_is_said_and_the_rest_is_readable() {
    let scratch = Scratch::new();
    let file = scratch.path("cap");
    // A file system of a few pages, in a mount namespace of its own.
    let disk = scratch.path("disk");
    fs::create_dir(&disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=8k none {}", disk.display());
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-Urm", "sh", "-c", script]);
        command
    };
    if in_path("unshare").is_none() || finish(unshare(&mount)).code != Some(0) {
        return skip("a full disk", "no tmpfs can be mounted");
    }
    let command = format!(
        "{mount} && cd {disk} && {smtrace} -q -e getppid -w cap -- {guest} fork 200; status=$?; cp cap {file}; exit $status",
        disk = disk.display(),
        smtrace = smtrace().display(),
        guest = guest().display(),
        file = file.display(),
    );
    let outcome = finish(unshare(&command));
    assert_eq!((outcome.code, outcome.out.as_str()), (Some(122), "sum 4900\n"), "{}", outcome.err);
    assert!(outcome.err.contains("the capture is incomplete") && outcome.err.lines().count() == 1, "{}", outcome.err);
    let again = replay(&file, &[]);
    assert_eq!(again.code, Some(122));
    assert!(again.err.contains("missing"), "{}", again.err);
    // Nothing can be kept at all: nothing is run.
    let made = scratch.path("made");
    let outcome = finish(trace(&["-w", "/dev/full"], &format!("touch {}", made.display())));
    assert!(outcome.code == Some(125) && outcome.err.contains("/dev/full") && !made.exists(), "{outcome:?}");
}

#[test]
fn a_capture_is_followed_while_it_is_written() {
    let scratch = Scratch::new();
    for signal in [libc::SIGTERM, libc::SIGKILL] {
        let (file, log) = (scratch.path(&format!("cap{signal}")), scratch.path(&format!("log{signal}")));
        let mut tracer = Command::new(smtrace());
        tracer.args(["-q", "-e", "getppid", "-w"]).arg(&file).arg("--").arg(guest()).arg("linger");
        let mut tracer = Running::start(tracer, &scratch.path("err"));
        assert!(tracer.line().starts_with("ready"));
        let mut follower = Command::new(smtrace());
        follower.args(["replay", "--follow", "-o"]).args([&log, &file]);
        let mut follower = Running::start(follower, &scratch.path("said"));
        until("lines", || fs::metadata(&log).is_ok_and(|data| data.len() > 4096));
        tracer.signal(signal);
        tracer.wait();
        let status = follower.wait();
        assert_eq!(status.code(), Some(if signal == libc::SIGKILL { 122 } else { 0 }));
        assert_same(&log, &replay(&file, &[]).out, "followed");
    }
}

#[test]
fn another_smtrace_does_not_write_into_a_capture_that_is_written() {
    let scratch = Scratch::new();
    let file = scratch.path("cap");
    let mut tracer = Command::new(smtrace());
    tracer.args(["-q", "-w"]).arg(&file).arg("--").arg(guest()).arg("linger");
    let mut tracer = Running::start(tracer, &scratch.path("err"));
    assert!(tracer.line().starts_with("ready"));
    let second = finish(trace(&["-w", text(&file)], "true"));
    assert!(second.code == Some(125) && second.err.contains(text(&file)), "{second:?}");
    tracer.signal(libc::SIGTERM);
    tracer.wait();
    assert_eq!(replay(&file, &[]).code, Some(0));
}

#[test]
fn what_cannot_be_read_is_refused_in_one_line() {
    let scratch = Scratch::new();
    let empty = scratch.path("empty");
    fs::write(&empty, b"").unwrap();
    for file in [&empty, smtrace(), Path::new("/"), Path::new("/nonexistent/cap"), Path::new("/dev/zero")] {
        let outcome = replay(file, &[]);
        assert_eq!((outcome.code, outcome.out.as_str()), (Some(125), ""), "{}", file.display());
        assert!(outcome.err.lines().count() == 1 && outcome.err.contains(text(file)), "{}", outcome.err);
    }
    let file = captured(&scratch, "cap");
    let mut command = Command::new(smtrace());
    command.args(["replay", "-o", "/nonexistent/dir/log"]).arg(&file);
    let outcome = finish(command);
    assert!(outcome.code == Some(125) && outcome.err.contains("/nonexistent/dir/log"), "{outcome:?}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let scratch = Scratch::new();
    let file = captured(&scratch, "cap");
    let mut command = Command::new(smtrace());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.args(["replay", "-o", "-"]).arg(&file).stdin(Stdio::null()).stdout(writer);
    assert_eq!(command.status().unwrap().code(), Some(0));
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
    }
}

fn assert_bears(outcome: &Outcome) {
    assert!(matches!(outcome.code, Some(0 | 122 | 125)), "{outcome:?}");
    assert!(!outcome.err.contains("panicked"), "{}", outcome.err);
    assert_eq!(outcome.err.is_empty(), outcome.code == Some(0), "{}", outcome.err);
}

#[test]
fn damage_of_any_kind_is_borne() {
    let scratch = Scratch::new();
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for name in ["cap", "cap.zst"] {
        let whole = fs::read(captured(&scratch, name)).unwrap();
        let bad = scratch.path("bad");
        for round in 0..60 {
            let mut bytes = whole.clone();
            match round % 3 {
                0 => bytes.truncate(dice.roll(whole.len())),
                1 => (0..4).for_each(|_| bytes[dice.roll(whole.len())] ^= 1 << dice.roll(8)),
                _ => {
                    let (from, len) = (dice.roll(whole.len()), dice.roll(5000));
                    let other = dice.roll(whole.len());
                    let part = whole[from..(from + len).min(whole.len())].to_vec();
                    bytes.splice(other..other, part);
                }
            }
            fs::write(&bad, &bytes).unwrap();
            assert_bears(&replay(&bad, &[]));
        }
    }
}

/// A file whose sums are all right, but whose records say what no kernel says.
#[test]
fn hostile_records_are_borne_by_every_format() {
    let scratch = Scratch::new();
    let mut reader = Reader::open(Box::new(Cursor::new(fs::read(captured(&scratch, "cap")).unwrap()))).unwrap();
    let mut records = Vec::new();
    let description = reader.description().clone();
    while let Some(part) = reader.part() {
        if let Part::Records(more, _) = part {
            records.extend_from_slice(&more);
        }
    }
    let mut dice = Dice(77);
    let bad = scratch.path("bad");
    let names = || (Users::default(), Groups::default());
    let mut writer =
        store::Writer::start(store::create(&bad, store::is_capture).unwrap(), false, &description, names(), |_| 0)
            .unwrap();
    // How many of them damage leaves readable is a matter of chance: they are written three times, and again until it is enough.
    let mut changed = 0;
    for turn in 0.. {
        if turn >= 3 && changed > 500 {
            break;
        }
        let mut left = &records[..];
        while let Ok((record, len)) = Record::parse(left) {
            let mut bytes = left[..len].to_vec();
            for _ in 0..=dice.roll(3) {
                let at = dice.roll(len);
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1][dice.roll(6)];
            }
            match Record::parse(&bytes) {
                Ok((record, whole)) if whole == len => {
                    writer.take(&record);
                    changed += 1;
                }
                _ => writer.take(&record),
            }
            left = &left[len..];
        }
    }
    assert!(writer.finish().is_none());
    for format in formats() {
        assert_bears(&replay(&bad, &["--format", &format, "--probe"]));
    }
    assert_bears(&replay(&bad, &["--drop-failed", "--path", "/**", "--comm", "guest"]));
}
