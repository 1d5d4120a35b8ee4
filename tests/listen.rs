//! Streams: many clients, each with its choice; a slow or hostile one harms nobody else.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::path::Path;
use std::process::Command;
use support::outside::{Served, losses};
use support::{Outcome, events, finish, finish_with, in_path, skip, smtrace};

/// What clients say, and what their stream says of it when it begins.
const CHOICES: [(&str, &str); 4] = [
    ("", "format module"),
    ("format=json\n", "format json"),
    ("filter=getppid\n", "calls at most 1"),
    ("filter=openat dir=exit format=json\r\n", "format json"),
];

#[test]
fn sixty_four_clients_each_get_what_they_chose() {
    let mut served = Served::start(&["-e", "getppid,openat", "--listen", "127.0.0.1:0", "--listen", "unix:{}/sock"]);
    let (mut tcp, mut unix) = (Vec::new(), Vec::new());
    for i in 0..64 {
        if i % 2 == 0 {
            let mut client = served.tcp();
            client.say(CHOICES[i / 2 % 4].0);
            tcp.push(client);
        } else {
            let mut client = served.unix("sock");
            client.say(CHOICES[i / 2 % 4].0);
            unix.push(client);
        }
    }
    let said = CHOICES.iter().map(|(_, said)| said).cycle();
    let tcp: Vec<_> = tcp.into_iter().zip(said.clone()).map(|(client, said)| client.begun_as(said)).collect();
    let unix: Vec<_> = unix.into_iter().zip(said).map(|(client, said)| client.begun_as(said)).collect();
    served.tell(&"g".repeat(50));
    served.tell(&"o".repeat(50));
    // Some leave in the middle, one of them politely.
    let mut leaving = served.unix("sock").begun();
    leaving.say("done\n");
    drop(served.tcp().begun());
    assert!(events(&leaving.rest()).is_empty());
    served.tell("gf");
    assert_eq!(served.end(), Some(0));
    let log = events(&served.log());
    let texts = tcp.into_iter().map(|client| client.rest()).enumerate();
    let texts = texts.chain(unix.into_iter().map(|client| client.rest()).enumerate());
    for (i, text) in texts {
        assert!(!text.contains("smtrace_lost"), "client {i}");
        let got = events(&text);
        let wanted = log.iter().filter(|event| match i % 4 {
            2 => event.name == "getppid",
            3 => event.name == "openat" && !event.enter,
            _ => event.name == "getppid" || event.line.contains("comm=guest"),
        });
        // The guest's own start may lie before the stream: the end is what counts.
        let key = |event: &support::Event| (event.name.clone(), event.result.filter(|_| !event.enter), event.tid);
        let wanted: Vec<_> = wanted.map(key).collect();
        let got: Vec<_> = got.iter().map(key).collect();
        assert!(!got.is_empty() && got.len() >= 50 && wanted.ends_with(&got), "client {i} got {}", got.len());
    }
}

#[test]
fn a_client_that_does_not_read_loses_its_own_events_and_is_told_which() {
    let mut served = Served::start(&["-e", "getppid", "--listen", "unix:{}/sock"]);
    let lazy = served.unix("sock");
    let mut eager = served.unix("sock").begun();
    let mut lazy = lazy.begun();
    let rounds = 12;
    let mut all_of_it = String::new();
    for _ in 0..rounds {
        // What one round makes fits into a client's queue, so that one which reads in time misses nothing.
        served.tell("m");
        (0..2000).for_each(|_| all_of_it += &eager.line());
    }
    // It reads again before the end, and a loss has to be told by then.
    let mut text = String::new();
    while !text.ends_with("]: smtrace_lost") && !text.contains("]: smtrace_lost ") {
        let line = lazy.line();
        assert!(!line.is_empty(), "nothing was told");
        text += &line;
    }
    served.tell("g");
    assert_eq!(served.end(), Some(0));
    text += &lazy.rest();
    let all = rounds * 1000 * 2 + 2;
    all_of_it += &eager.rest();
    assert_eq!(events(&all_of_it).len(), all, "the eager client misses nothing");
    assert_eq!(events(&served.log()).len(), all, "nor does the log");
    let (lost, of_call) = losses(&text, "getppid");
    assert!(lost > 0 && lost == of_call, "{lost} {of_call}");
    assert_eq!(events(&text).len() as u64 + lost, all as u64, "what came and what was told as lost is all");
    assert!(served.err().contains(&format!("did not take {lost} events")), "{}", served.err());
}

#[test]
fn hostile_input_closes_that_client_alone() {
    let mut served = Served::start(&["-e", "getppid", "--listen", "unix:{}/sock"]);
    let good = served.unix("sock").begun();
    let long = "x".repeat(200_000);
    let many = "str-max=1\n".repeat(500);
    for bad in ["GET / HTTP/1.1\n", "format=\n", "\u{1}\u{2}\n", "filter=/(a*)*{99999}/\n", &long, &many] {
        let mut client = served.unix("sock");
        // It may be closed before it took all.
        let socket = std::panic::AssertUnwindSafe(&mut client);
        let _ = std::panic::catch_unwind(move || { socket }.say(bad));
        let text = client.rest_or_reset();
        assert!(text.is_empty() || text.lines().last().unwrap().starts_with("smtrace: "), "{bad:.20}: {text}");
    }
    let mut binary = served.unix("sock");
    binary.say("filter=read \u{fffd}\n");
    assert!(binary.rest_or_reset().contains("smtrace: "));
    served.tell("ggg");
    assert_eq!(served.end(), Some(0));
    assert_eq!(events(&good.rest()).len(), 6);
}

#[test]
fn a_line_in_the_middle_switches() {
    let mut served = Served::start(&["-e", "getppid,openat", "--listen", "unix:{}/sock"]);
    let mut client = served.unix("sock").begun();
    served.tell("g");
    assert!(client.line().contains(" getppid syscall=110 dir=> "));
    assert!(client.line().contains(" getppid syscall=110 dir=< "));
    client.say("format=json filter=openat\n");
    let mut client = client.begun();
    served.tell("go");
    assert!(client.line().starts_with(r#"{"v":1,"type":"syscall""#));
    assert_eq!(served.end(), Some(0));
    let rest = client.rest();
    assert!(rest.lines().all(|line| line.contains(r#""name":"openat""#)), "{rest}");
}

#[test]
fn a_token_is_asked_for_and_needed_beyond_loopback() {
    let scratch = support::Scratch::new();
    let file = scratch.path("token");
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    let token = file.to_str().unwrap();
    let mut served = Served::start(&["-e", "getppid", "--listen", "127.0.0.1:0", "--token-file", token]);
    for wrong in ["format=json\n", "token=0123456789abcdeX\n", "token=\n", "done\n"] {
        let mut client = served.tcp();
        client.say(wrong);
        let text = client.rest_or_reset();
        assert!(text.starts_with("smtrace: the token is missing or wrong"), "{wrong}: {text}");
    }
    let mut right = served.tcp();
    right.say("token=0123456789abcdef format=json\n");
    let right = right.begun();
    served.tell("g");
    assert_eq!(served.end(), Some(0));
    assert_eq!(events(&right.rest()).len(), 2);

    let refused = Command::new(smtrace()).args(["--listen", "0.0.0.0:0", "--", "true"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--token-file"));
}

#[test]
fn connect_speaks_tls_with_a_token() {
    if in_path("openssl").is_none() {
        return skip("TLS", "openssl, which makes the certificate, is missing");
    }
    let scratch = support::Scratch::new();
    let path = |name: &str| scratch.path(name).to_str().unwrap().to_owned();
    let (cert, key, token) = (path("cert"), path("key"), path("token"));
    std::fs::write(&token, "0123456789abcdef").unwrap();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=smtrace test", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &cert])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let options = ["-e", "getppid", "--listen", "127.0.0.1:0", "--token-file", &token, "--tls-cert", &cert];
    let mut served = Served::start(&[&options[..], &["--tls-key", &key]].concat());
    // One that speaks no TLS is closed.
    let mut plain = served.tcp();
    plain.say("token=0123456789abcdef\n");
    assert!(!plain.rest_or_reset().contains("stream begins"));
    let mut command = Command::new(smtrace());
    command.arg("connect").arg(served.address()).args(["--tls-ca", &cert, "--token-file", &token, "--format", "json"]);
    let mut client = support::Running::start(command, &scratch.path("err"));
    let first = client.line();
    let err = std::fs::read_to_string(scratch.path("err")).unwrap();
    assert!(first.contains("stream begins: format json"), "{first} {err}");
    served.tell("gg");
    for _ in 0..4 {
        assert!(client.line().contains(r#""name":"getppid""#));
    }
    assert_eq!(served.end(), Some(0));
    assert_eq!(client.line(), "");
    assert_eq!(client.wait().code(), Some(0));
}

fn replay(file: &Path, options: &[&str]) -> Outcome {
    let mut command = Command::new(smtrace());
    command.arg("replay").args(options).args(["-o", "-"]).arg(file);
    finish(command)
}

/// `smtrace connect` that writes a capture to `to`, when that has begun.
fn connected(served: &Served, to: &Path, options: &[&str]) -> support::Running {
    let mut command = Command::new(smtrace());
    let address = format!("unix:{}", served.scratch.path("sock").display());
    command.args(["connect", &address, "--format", "capture"]).args(options);
    let mut client = support::Running::start_into(command, to, &served.scratch.path("err-connect"));
    support::until("the capture's beginning", || {
        assert!(client.0.try_wait().unwrap().is_none(), "it ended");
        std::fs::metadata(to).is_ok_and(|file| file.len() > 0)
    });
    client
}

#[test]
fn a_client_can_have_a_capture_from_where_it_came_in() {
    let mut served =
        Served::start(&["-e", "getppid,openat", "--listen", "unix:{}/sock", "-w", "{}/kept.cap", "--format", "module"]);
    served.tell("gog");
    let mut first = served.unix("sock");
    first.say("format=capture\n");
    let first = first.captures();
    served.tell(&"go".repeat(20));
    // From in the middle of text, by another, with a choice of calls.
    let (late, first_file) = (served.scratch.path("late.cap"), served.scratch.path("first.cap"));
    let mut connect = connected(&served, &late, &["-e", "openat"]);
    served.tell(&"go".repeat(20));
    assert_eq!(served.end(), Some(0));
    assert_eq!(connect.wait().code(), Some(0));
    std::fs::write(&first_file, first.bytes()).unwrap();
    let kept = served.scratch.path("kept.cap");
    for format in ["module", "ebpf", "json", "strace"] {
        let shown = |file: &Path, options: &[&str]| {
            let outcome = replay(file, &[&["--format", format][..], options].concat());
            assert_eq!((outcome.code, outcome.err.as_str()), (Some(0), ""), "{format}");
            outcome.out
        };
        let (all, first) = (shown(&kept, &[]), shown(&first_file, &[]));
        assert!(first.lines().count() >= 80 && all.ends_with(&first), "{format}: {first}");
        let (opens, late) = (shown(&kept, &["-e", "openat"]), shown(&late, &[]));
        assert!(late.lines().count() >= 20 && opens.ends_with(&late), "{format}: {late}");
    }
    // It is one that can be kept, also through a pipe, and says what it is.
    let info = replay(&late, &["--info"]);
    assert!(info.out.contains(r#""complete":true"#) && info.out.contains(r#""calls":["openat"]"#), "{info:?}");
    let mut piped = Command::new(smtrace());
    piped.args(["replay", "-o", "-", "-"]);
    let piped = finish_with(piped, &std::fs::read(&late).unwrap());
    assert_eq!(piped.out, replay(&late, &[]).out);
}

#[test]
fn a_client_that_chose_a_capture_is_told_in_it_what_it_lost_and_who_is_who() {
    let mut served = Served::start(&["-e", "openat", "--listen", "unix:{}/sock"]);
    let mut lazy = served.unix("sock");
    lazy.say("format=capture fds=false\n");
    let lazy = lazy.captures();
    let rounds = 10;
    served.tell(&"l".repeat(rounds));
    let reading = std::thread::spawn(move || lazy.bytes());
    assert_eq!(served.end(), Some(0));
    let file = served.scratch.path("lazy.cap");
    std::fs::write(&file, reading.join().unwrap()).unwrap();
    let shown = replay(&file, &["--format", "module"]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""), "it is whole");
    let (lost, of_call) = losses(&shown.out, "openat");
    assert!(lost > 0 && lost - of_call <= 1, "beside the calls, the guest's end may be lost: {lost} {of_call}");
    assert_eq!(events(&shown.out).len() as u64 + of_call, (rounds * 1000 * 2) as u64);
    assert!(events(&shown.out).iter().all(|event| event.line.contains("comm=guest")), "it knows who is who");
}

#[test]
fn a_capture_cannot_be_changed_nor_have_what_only_lines_can() {
    let mut served = Served::start(&["-e", "getppid", "--listen", "unix:{}/sock"]);
    for wrong in
        ["fds=true\n", "format=capture dir=exit\n", "format=capture fds=1\n", "format=capture drop-failed=true\n"]
    {
        let mut client = served.unix("sock");
        client.say(wrong);
        let text = client.rest_or_reset();
        assert!(text.lines().last().unwrap().starts_with("smtrace: "), "{wrong}: {text}");
    }
    let mut client = served.unix("sock");
    client.say("format=capture\n");
    let mut client = client.captures();
    client.say("\nformat=json\n");
    let bytes = client.bytes();
    assert!(
        String::from_utf8_lossy(&bytes)
            .ends_with("smtrace: a capture cannot be changed once it began; connect again\n")
    );
    let file = served.scratch.path("cut.cap");
    std::fs::write(&file, bytes).unwrap();
    let cut = replay(&file, &[]);
    assert!(cut.code == Some(122) && cut.err.contains("its end is missing"), "{cut:?}");
    let mut client = served.unix("sock");
    client.say("format=capture\ndone\n");
    std::fs::write(&file, client.captures().bytes()).unwrap();
    assert_eq!(replay(&file, &[]).code, Some(0), "one that leaves politely has its end");
    assert_eq!(served.end(), Some(0));
}
