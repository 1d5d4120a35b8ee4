//! What a command line means, from argv to the plan.

use super::{Action, Choices, Listing, Refusal, command, parse};
use crate::model::{Column, Command, Constants, Direction, HexStrings, LineClock, Orphans, Plan, SeccompMode, Target};
use crate::table;
use std::ffi::OsString;
use std::path::PathBuf;

const CHOICES: Choices =
    Choices { formats: &[("module", "text"), ("ebpf", "text"), ("json", "objects"), ("strace", "text")] };

fn action(words: &[&str]) -> Result<Action, Refusal> {
    parse(std::iter::once("smtrace").chain(words.iter().copied()).map(OsString::from), &CHOICES)
}

fn plan(words: &[&str]) -> Plan {
    match action(words) {
        Ok(Action::Trace(plan)) => *plan,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn launched(words: &[&str]) -> Command {
    match plan(words).target {
        Target::Launch(command) => command,
        other @ (Target::Attach { .. } | Target::Replay(_)) => panic!("{words:?}: {other:?}"),
    }
}

fn refusal(words: &[&str]) -> String {
    let refusal = action(words).expect_err(&format!("{words:?}"));
    assert_eq!(refusal.status, 2, "{words:?}");
    let text = refusal.text;
    assert!(text.starts_with("smtrace: ") && text.ends_with('\n') && text.matches('\n').count() == 1, "{text:?}");
    text
}

fn enabled(words: &[&str]) -> Vec<&'static str> {
    plan(words).calls.iter().map(|index| table::rows()[index].name).collect()
}

#[test]
fn the_definition_is_sound() {
    command(&CHOICES).debug_assert();
}

#[test]
fn a_command_needs_no_dashes_and_keeps_its_own_options() {
    assert_eq!(launched(&["ls", "-l", "--json", "-o", "x"]).argv, ["ls", "-l", "--json", "-o", "x"]);
    assert_eq!(launched(&["-o", "log", "ls", "-p", "1"]).argv, ["ls", "-p", "1"]);
    assert_eq!(launched(&["--", "ls", "--", "-h"]).argv, ["ls", "--", "-h"]);
    assert_eq!(launched(&["ls", "--", "-h", "--", "x"]).argv, ["ls", "--", "-h", "--", "x"]);
    assert_eq!(launched(&["sh", "-c", "exit 3", "list"]).argv, ["sh", "-c", "exit 3", "list"]);
    assert_eq!(launched(&["--", "-x"]).argv, ["-x"]);
    assert_eq!(launched(&["sh", "", "--help", "-V"]).argv, ["sh", "", "--help", "-V"]);
    assert_eq!(launched(&["lists"]).argv, ["lists"]);
}

#[test]
fn a_command_may_be_called_like_one_of_ours_after_dashes() {
    for name in ["replay", "diff", "list", "doctor", "completions", "man", "help"] {
        assert_eq!(launched(&["--", name]).argv, [name]);
        assert_eq!(launched(&["-o", "x", "--", name, "-l"]).argv, [name, "-l"]);
    }
    assert!(matches!(action(&["list", "classes"]), Ok(Action::List { what: Listing::Classes, json: false })));
    assert!(matches!(action(&["list", "formats", "--json"]), Ok(Action::List { what: Listing::Formats, json: true })));
    assert!(matches!(action(&["doctor"]), Ok(Action::Doctor { json: false })));
    assert!(matches!(action(&["man"]), Ok(Action::Man)));
    assert!(matches!(action(&["completions", "zsh"]), Ok(Action::Completions(clap_complete::Shell::Zsh))));
    assert!(refusal(&["-o", "x", "doctor"]).contains("smtrace [OPTIONS] -- doctor"));
    assert!(refusal(&["list"]).contains("WHAT"));
    assert!(refusal(&["list", "sycalls"]).contains("syscalls"));
}

#[test]
fn the_defaults_are_as_documented() {
    let plan = plan(&["true"]);
    assert!(plan.follow && plan.collecting && !plan.probe && !plan.quiet);
    assert_eq!((plan.seccomp, plan.orphans), (SeccompMode::Auto, Orphans::Wait(None)));
    assert_eq!((plan.output.path, plan.output.str_max), (None, 256));
    assert_eq!((plan.output.format.as_str(), plan.filters.direction), ("module", Direction::Both));
    assert_eq!((plan.log.level, plan.log.file), (2, None));
    assert!(plan.filters.statuses.failed && plan.filters.drop_pids.is_empty() && plan.filters.drop_comms.is_empty());
    assert!(!plan.calls.is_empty());
}

#[test]
fn options_mean_what_they_say() {
    let words = "-e read -e trace=write -o f --format json -s 9 --dir exit --no-follow --drop-failed --filter-pid 1,2 \
                 --filter-pid 0 --filter-comm sshd --drop-mode --seccomp off -q --probe --orphans kill x";
    let plan = plan(&words.split_whitespace().collect::<Vec<_>>());
    assert_eq!((plan.output.path, plan.output.str_max), (Some(PathBuf::from("f")), 9));
    assert_eq!((plan.output.format.as_str(), plan.filters.direction), ("json", Direction::Exit));
    assert!(!plan.follow && !plan.collecting && plan.probe && plan.quiet && !plan.filters.statuses.failed);
    assert_eq!((plan.filters.drop_pids, plan.filters.drop_comms), (vec![1, 2, 0], vec!["sshd".to_owned()]));
    assert_eq!((plan.seccomp, plan.orphans), (SeccompMode::Off, Orphans::Kill));
    assert_eq!(enabled(&["-e", "read", "-e", "trace=write", "x"]), ["read", "write"]);
}

#[test]
fn a_launch_carries_its_environment_folder_and_user() {
    let command = launched(&["-E", "A=1=2", "-E", "B", "-E", "C=", "--chdir", "/tmp", "-u", "nobody", "env"]);
    let expected = [("A", Some("1=2")), ("B", None), ("C", Some(""))];
    assert_eq!(command.env, expected.map(|(name, value)| (OsString::from(name), value.map(OsString::from))));
    assert_eq!((command.chdir, command.user), (Some(PathBuf::from("/tmp")), Some("nobody".to_owned())));
}

#[test]
fn attach_takes_lists_as_strace_does() {
    let Target::Attach { pids, tree } = plan(&["-p", "12,13", "-p", "14 12", "--tree"]).target else { panic!() };
    assert_eq!((pids, tree), (vec![12, 13, 14], true));
    for bad in ["0", "-1", "4194304", "x", ""] {
        assert!(refusal(&["-p", bad]).contains("process id"), "{bad}");
    }
    refusal(&["-p", "1", "ls"]);
    refusal(&["-p", "1", "--", "ls"]);
    refusal(&["-p", "1", "-u", "nobody"]);
    refusal(&["--tree", "ls"]);
}

#[test]
fn the_later_of_two_opposites_counts() {
    assert!(plan(&["--no-follow", "-f", "x"]).follow);
    assert!(!plan(&["-f", "--no-follow", "x"]).follow);
    assert_eq!(plan(&["--seccomp", "off", "--seccomp-bpf", "x"]).seccomp, SeccompMode::Auto);
    assert!(plan(&["-qq", "x"]).quiet);
}

#[test]
fn the_strace_format_has_the_defaults_of_strace() {
    let as_strace = plan(&["--format", "strace", "x"]);
    assert_eq!((as_strace.output.str_max, as_strace.follow), (32, false));
    assert!(as_strace.calls.iter().count() > 400);
    assert!(!as_strace.output.rendering.threads && as_strace.output.rendering.columns == 40);
    let with_f = plan(&["--format", "strace", "-f", "-o", "f", "-s9", "-a20", "-e", "trace=read", "x"]);
    assert!(with_f.follow && with_f.output.rendering.threads && !with_f.output.rendering.separate);
    assert_eq!((with_f.output.str_max, with_f.output.rendering.columns), (9, 20));
    assert!(plan(&["-ff", "-o", "f", "x"]).output.rendering.separate);
    assert!(!plan(&["-ff", "x"]).output.rendering.separate);
}

#[test]
fn letters_of_strace_mean_what_they_do_there() {
    let shown = |words: &[&str]| plan(&[words, &["x"]].concat()).output.rendering;
    assert_eq!(shown(&["-tt"]).clock, Some(LineClock { unix: false, decimals: 6 }));
    assert_eq!(shown(&["--timestamps=unix,ns"]).clock, Some(LineClock { unix: true, decimals: 9 }));
    assert_eq!((shown(&["-r"]).relative, shown(&["--syscall-times=ns"]).spent), (Some(6), Some(9)));
    assert_eq!((shown(&["-x"]).hex, shown(&["-xx"]).hex), (HexStrings::NonAscii, HexStrings::All));
    assert!(shown(&["-y"]).fds.path && !shown(&["-y"]).fds.socket && shown(&["-yy"]).fds.socket);
    assert!(shown(&["-v"]).abbrev.is_empty() && !shown(&[]).abbrev.is_empty());
    assert!(shown(&["-qq"]).quiet.exit && !shown(&["-q"]).quiet.exit && shown(&["-e", "q=exit"]).quiet.exit);
    assert!(!shown(&["-e", "signal=none"]).signals.contains(15));
    assert_eq!(shown(&["-X", "verbose"]).constants, Constants::Verbose);
    assert!(!plan(&["-z", "x"]).filters.statuses.failed && plan(&["-Z", "x"]).filters.statuses.failed);
    assert_eq!(plan(&["-P", "/nonesuch", "x"]).filters.touching.paths, [PathBuf::from("/nonesuch")]);
    assert_eq!(plan(&["-o", "|cat", "x"]).output.pipe, Some("cat".into()));
    assert!(refusal(&["-ff", "-o", "|cat", "x"]).contains("FILE"));
    assert!(refusal(&["-z", "-Z", "x"]).contains("take one away"));
    assert!(refusal(&["-e", "inject=read:error=EIO", "x"]).contains("changes nothing"));
    assert!(refusal(&["-S", "calls", "x"]).contains("-c"));
    let summary = plan(&["-c", "-S", "calls", "-U", "name,p99", "x"]).output.summary.unwrap();
    assert_eq!((summary.sort, summary.columns), (Column::Calls, vec![Column::Name, Column::P99]));
    assert!(plan(&["--summary=process", "x"]).output.summary.unwrap().by_process);
    assert!(plan(&["-C", "x"]).output.summary.unwrap().events_too);
}

#[test]
fn a_mistake_is_one_line_with_its_remedy() {
    assert!(refusal(&[]).contains("smtrace -- CMD"));
    assert!(refusal(&["-o", "x"]).contains("smtrace -- CMD"));
    assert!(refusal(&["-e", "opnat", "x"]).contains("did you mean `openat`?"));
    assert!(refusal(&["--fromat", "json", "x"]).contains("--format"));
    assert!(refusal(&["--format", "jsn", "x"]).contains("json"));
    assert!(refusal(&["-s", "-1", "x"]).contains("65536"));
    assert!(refusal(&["-s", "65537", "x"]).contains("65536"));
    assert!(refusal(&["-E", "=1", "x"]).contains("NAME=VALUE"));
    assert!(refusal(&["--orphans", "wait=x", "x"]).contains("wait=10"));
    assert!(refusal(&["--filter-comm", "seventeen-letters", "x"]).contains("1 to 16"));
    assert!(refusal(&["--filter-pid", "7", "--filter-pid", "4194304", "x"]).contains("4194304"));
    refusal(&["--config", "/nonesuch/\u{1b}[31m\nx", "x"]);
    refusal(&["-e", "a\nb\u{1b}", "x"]);
    refusal(&["--interest", "", "x"]);
    // Letters of strace that smtrace does not know mean nothing, rather than something else; -w alone is tcpdump's.
    for letter in ["-b", "-d", "-D", "-F", "-i", "-I", "-k", "-N", "-W", "-Y"] {
        assert!(refusal(&[letter, "x"]).contains(letter), "{letter}");
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    for (words, part) in [
        (&["--help"][..], "--str-max"),
        (&["-h"], "--orphans"),
        (&["-V"], "smtrace 0"),
        (&["help"], "Exit status"),
        (&["list", "--help"], "syscalls"),
    ] {
        let refusal = action(words).unwrap_err();
        assert_eq!(refusal.status, 0, "{words:?}");
        assert!(refusal.text.contains(part), "{words:?}: {}", refusal.text);
    }
}

#[test]
fn options_beat_the_file() {
    let path = std::env::temp_dir().join(format!("smtrace-options-{}.jsonc", std::process::id()));
    let text = r#"{"init_config": {"str_max_size": 5, "format": "json", "putfile": true, "path": "a"},
        "open_params": {"drop_failed": true, "filter_pids": [4], "filter_falco": "true"},
        "smtrace": {"enable": "close", "follow": false, "probe": true}}"#;
    std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    let only = plan(&["--config", file, "x"]);
    let beaten = plan(&[
        "--config",
        file,
        "-s",
        "6",
        "--format",
        "ebpf",
        "-o",
        "b",
        "--drop-failed=false",
        "--filter-pid",
        "5",
        "-f",
        "--probe=false",
        "x",
    ]);
    assert_eq!(enabled(&["--config", file, "x"]), ["close"]);
    assert_eq!(enabled(&["--config", file, "-e", "read", "x"]), ["read"]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!((only.output.str_max, only.output.format.as_str()), (5, "json"));
    assert_eq!(only.output.path, Some(PathBuf::from("a")));
    assert!(!only.filters.statuses.failed && !only.follow && only.probe);
    assert_eq!((only.filters.drop_pids, only.filters.drop_comms), (vec![4], vec!["falco".to_owned()]));
    assert_eq!((beaten.output.str_max, beaten.output.format.as_str()), (6, "ebpf"));
    assert_eq!(beaten.output.path, Some(PathBuf::from("b")));
    assert!(beaten.filters.statuses.failed && beaten.follow && !beaten.probe);
    assert_eq!(beaten.filters.drop_pids, [5]);
}

fn replayed(words: &[&str]) -> crate::model::Replay {
    let all: Vec<_> = std::iter::once("replay").chain(words.iter().copied()).collect();
    match plan(&all).target {
        Target::Replay(replay) => replay,
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn a_capture_is_alone_unless_text_was_asked_for() {
    let capture = |words: &[&str]| plan(words).capture.unwrap();
    assert!(capture(&["-w", "c", "x"]).alone && capture(&["-w", "c", "x"]).fds);
    assert!(!capture(&["-w", "c", "-o", "t", "x"]).alone && !capture(&["-w", "c", "--format", "json", "x"]).alone);
    assert!(!capture(&["-w", "c", "--fds=false", "x"]).fds);
    assert!(plan(&["x"]).capture.is_none());
    assert!(refusal(&["-w", "c", "-o", "c", "x"]).contains("same file"));
    assert!(refusal(&["--fds", "x"]).contains("-w FILE"));
    assert!(refusal(&["-w", "", "x"]).contains("empty name"));
}

#[test]
fn a_replay_takes_what_forms_events_and_refuses_what_makes_them() {
    let replay = replayed(&["--pid", "1,2", "--comm", "sh", "--path", "/etc/**", "-f", "--since", "1", "c"]);
    assert_eq!((replay.file, replay.pids, replay.comms), (PathBuf::from("c"), vec![1, 2], vec!["sh".to_owned()]));
    assert!(replay.grows && replay.calls.is_none() && replay.str_max.is_none() && replay.until.is_none());
    let words =
        ["replay", "-", "--format", "json", "--dir", "exit", "-s", "9", "-o", "t", "-e", "read", "--drop-failed"];
    let plan = plan(&words);
    assert_eq!((plan.output.format.as_str(), plan.filters.direction), ("json", Direction::Exit));
    let Target::Replay(replay) = plan.target else { panic!() };
    assert_eq!((replay.str_max, replay.calls.unwrap().iter().count()), (Some(9), 1));
    for wrong in [&["-p", "1"][..], &["--seccomp", "off"], &["-E", "A=1"], &["--orphans", "kill"]] {
        let all: Vec<_> = ["replay", "c"].iter().chain(wrong).copied().collect();
        assert!(refusal(&all).contains("no meaning for replay"), "{wrong:?}");
    }
    assert!(refusal(&["replay", "-w", "d", "c"]).contains("libscap's form only"));
    let Some(capture) = self::plan(&["replay", "-w", "d.scap.gz", "c"]).capture else { panic!() };
    assert!(capture.alone && capture.is_scap() && !capture.fds);
    assert!(refusal(&["-w", "d.scap", "--fds=true", "x"]).contains("take it away"));
    assert!(refusal(&["replay"]).contains("FILE"));
    assert!(refusal(&["replay", "--path", "a[", "c"]).contains("--path"));
    assert!(refusal(&["replay", "--since", "soon", "c"]).contains("--since"));
    assert!(refusal(&["replay", ""]).contains("empty name"));
}

#[test]
fn decode_is_the_ebpf_formats() {
    assert!(plan(&["--format", "ebpf", "--decode", "x"]).output.rendering.decode);
    assert!(!plan(&["--format", "ebpf", "x"]).output.rendering.decode);
}

#[test]
fn a_line_of_strace_is_the_whole_call() {
    assert!(refusal(&["--format", "strace", "--dir", "exit", "x"]).contains("--dir"));
    assert_eq!(plan(&["--format", "strace", "--dir", "both", "x"]).filters.direction, Direction::Both);
}
