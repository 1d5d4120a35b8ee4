//! Streams: many clients, each with its choice; a slow or hostile one harms nobody else.

#![allow(missing_docs, unsafe_code, clippy::unwrap_used, clippy::undocumented_unsafe_blocks)]

mod support;

use std::process::Command;
use support::outside::{Served, losses};
use support::{events, in_path, skip, smtrace};

const CHOICES: [&str; 4] = ["", "format=json\n", "filter=getppid\n", "filter=openat dir=exit format=json\r\n"];

#[test]
fn sixty_four_clients_each_get_what_they_chose() {
    let mut served = Served::start(&["-e", "getppid,openat", "--listen", "127.0.0.1:0", "--listen", "unix:{}/sock"]);
    let (mut tcp, mut unix) = (Vec::new(), Vec::new());
    for i in 0..64 {
        if i % 2 == 0 {
            let mut client = served.tcp();
            client.say(CHOICES[i / 2 % 4]);
            tcp.push(client);
        } else {
            let mut client = served.unix("sock");
            client.say(CHOICES[i / 2 % 4]);
            unix.push(client);
        }
    }
    let tcp: Vec<_> = tcp.into_iter().map(|client| client.begun()).collect();
    let unix: Vec<_> = unix.into_iter().map(|client| client.begun()).collect();
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
    let eager = served.unix("sock").begun();
    let mut lazy = lazy.begun();
    let reading = std::thread::spawn(move || eager.rest());
    let rounds = 12;
    served.tell(&"m".repeat(rounds));
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
    assert_eq!(events(&reading.join().unwrap()).len(), all, "the eager client misses nothing");
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
