//! Feeds from files and sockets, with sources that vanish, lie, or say nothing.

#![allow(clippy::unwrap_used)]

use super::*;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Instant;

/// How long what must come is waited for: it ends what hangs, and must not end what is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// A path of the test's own, without what a test that was killed left there.
fn scratch(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("smtrace-feed-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn open(place: &str) -> Result<Feed, String> {
    Feed::open(&Params::read("", place).unwrap())
}

/// All that a feed gives until it ends, as one text.
fn drained(mut feed: Feed) -> (String, Option<String>) {
    let mut all = Vec::new();
    loop {
        match feed.next(PATIENCE) {
            Given::Lines(lines) => all.extend(lines),
            Given::End => return (String::from_utf8(all).unwrap(), None),
            Given::Broken(why) => return (String::from_utf8(all).unwrap(), Some(why)),
            Given::Names(_) | Given::Records(..) => all.push(b'.'),
            Given::Nothing => panic!("nothing comes"),
        }
    }
}

#[test]
fn lines_of_a_file_come_whole() {
    let path = scratch("lines");
    std::fs::write(&path, "{\"a\":1}\n{\"b\":2}").unwrap();
    assert_eq!(drained(open(path.to_str().unwrap()).unwrap()), ("{\"a\":1}\n{\"b\":2}\n".to_owned(), None));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let path = scratch("foreign");
    std::fs::write(&path, "neither one nor the other").unwrap();
    for (place, word) in [
        ("/nonesuch/file", "cannot read /nonesuch/file"),
        ("/tmp", "is a directory"),
        (path.to_str().unwrap(), "is neither a capture"),
        ("unix:/nonesuch/socket", "cannot connect to unix:/nonesuch/socket"),
        ("{\"connect\": \"127.0.0.1:1\"}", "cannot connect to 127.0.0.1:1"),
    ] {
        let said = open(place).unwrap_err();
        assert!(said.starts_with("smtrace: ") && said.contains(word), "{place}: {said}");
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_capture_without_its_first_byte_is_open() {
    let path = scratch("unbegun");
    // Locked by who will write it.
    let file = smtrace::store::create(&path, smtrace::store::is_capture).unwrap();
    let start = Instant::now();
    let place = format!("{{\"capture\": \"{}\", \"follow\": true}}", path.display());
    let mut feed = open(&place).unwrap();
    assert!(start.elapsed() < OPENING, "opening waits for no byte");
    assert!(matches!(feed.next(Duration::from_millis(20)), Given::Nothing));
    drop(file);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_silent_source_costs_no_time_and_closing_it_neither() {
    let path = scratch("silent");
    let listener = UnixListener::bind(&path).unwrap();
    let mut feed = open(&format!("unix:{}", path.display())).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    assert!(matches!(feed.next(Duration::from_millis(20)), Given::Nothing));
    peer.write_all(b"{\"half\":").unwrap();
    assert!(matches!(feed.next(Duration::from_millis(80)), Given::Nothing));
    peer.write_all(b"1}\n").unwrap();
    let Given::Lines(lines) = feed.next(PATIENCE) else { panic!("no line") };
    assert_eq!(lines, b"{\"half\":1}\n");
    let start = Instant::now();
    drop(feed);
    assert!(start.elapsed() < Duration::from_secs(5), "closing waits for nobody");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_source_that_vanishes_is_an_end() {
    let path = scratch("vanishing");
    let listener = UnixListener::bind(&path).unwrap();
    let feed = open(&format!("unix:{}", path.display())).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"{\"last\":1}\n{\"cut").unwrap();
    drop(peer);
    let (lines, _) = drained(feed);
    assert!(lines.starts_with("{\"last\":1}\n"), "{lines}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_consumer_that_takes_nothing_holds_the_source_up_and_can_still_close() {
    let path = scratch("slow");
    let listener = UnixListener::bind(&path).unwrap();
    let feed = open(&format!("unix:{}", path.display())).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let line = [&[b'x'; 60_000][..], b"\n"].concat();
    let sent = (0..1000).take_while(|_| peer.write_all(&line).is_ok()).count();
    assert!(sent < 1000, "a queue without a bound");
    drop(feed);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_live_smtrace_is_told_what_is_wanted_and_its_refusal_is_passed_on() {
    let path = scratch("wish");
    let listener = UnixListener::bind(&path).unwrap();
    let feed = open(&format!("unix:{}", path.display())).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut said = [0; 64];
    let len = peer.read(&mut said).unwrap();
    assert_eq!(&said[..len], b"format=json str-max=256\n");
    peer.write_all(b"smtrace: a token is required\n").unwrap();
    let (_, why) = drained(feed);
    assert!(why.unwrap().contains("a token is required"));
    std::fs::remove_file(&path).unwrap();
}
