//! An in-toto Statement v1 with the runtime-trace predicate v0.1: what ran, what was contacted and what was read, with
//! digests that were taken while the process that used the file stood still.
//!
//! Entries of the network are shaped as v0.2 of the predicate recommends, which v0.1 leaves open. Nothing here signs.

use super::write::{self, Digesting, list};
use super::{Options, text};
use crate::audit::model::{Access, Audit, Digest, End, Family, File, Peer, Process, Program};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The type of the predicate.
const PREDICATE: &str = "https://in-toto.io/attestation/runtime-trace/v0.1";

/// What the monitor is, by which a reader knows the entries of `process`.
const MONITOR: &str = "https://in-toto.io/attestation/runtime-trace/monitor/smtrace/v1";

/// Writes `attestation.json`.
pub(super) fn write(audit: &Audit, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let place = &options.place;
    let host = audit.run.host.as_deref().unwrap_or("localhost");
    let host = if place.host.is_empty() { format!("urn:smtrace:host:{}", text::uri(host)) } else { place.host.clone() };
    let job = if place.job.is_empty() { audit.run.command.join(" ") } else { place.job.clone() };
    let monitored = json!({ "hostID": host, "type": place.kind(), "event": job });
    write!(out, "{{\"_type\":\"https://in-toto.io/Statement/v1\",\n\"subject\":")?;
    subjects(audit, options, out)?;
    write!(out, ",\n\"predicateType\":\"{PREDICATE}\",\n\"predicate\":{{\"monitor\":")?;
    serde_json::to_writer(&mut *out, &monitor(audit))?;
    write!(out, ",\n\"monitoredProcess\":{monitored},\n\"monitorLog\":{{\"process\":")?;
    list(out, audit.processes.iter().flat_map(processes))?;
    write!(out, ",\n\"network\":")?;
    list(out, audit.peers.iter().map(|peer| network(audit, peer)))?;
    write!(out, ",\n\"fileAccess\":")?;
    let programs = programs(audit);
    list(out, audit.files.iter().flat_map(|file| accesses(file, &programs)))?;
    let metadata = json!({
        "buildStartedOn": text::time(audit.run.start_us),
        "buildFinishedOn": text::time(audit.run.end_us),
    });
    writeln!(out, "}},\n\"metadata\":{metadata}}}}}")
}

/// What the statement is about. A statement must have a subject: if the caller names none, it is about the facts
/// themselves, `audit.json`.
fn subjects(audit: &Audit, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let entry = |name: &str, sha256: &str| json!({ "name": name, "digest": { "sha256": sha256 } });
    if options.subjects.is_empty() {
        let mut digest = Digesting::new();
        write::facts(audit, options, &mut digest)?;
        return list(out, std::iter::once(entry("audit.json", &digest.hexadecimal())));
    }
    list(out, options.subjects.iter().map(|subject| entry(&subject.name, &subject.sha256)))
}

fn monitor(audit: &Audit) -> Value {
    let coverage = &audit.coverage;
    json!({
        "type": MONITOR,
        "tracePolicy": {
            "tool": audit.tool.name,
            "version": audit.tool.version,
            "engine": coverage.engine,
            // A consumer who relies on the absence of an entry must look at these.
            "complete": coverage.complete,
            "lost": coverage.lost,
            "calls": coverage.calls,
            "outOfSight": coverage.out_of_sight,
            "limits": coverage.limits,
        },
    })
}

fn digest(digest: Option<&Digest>) -> Option<Value> {
    digest.map(|digest| json!({ "sha256": digest.sha256 }))
}

/// One entry for each program that the process ran.
fn processes(process: &Process) -> impl Iterator<Item = Value> {
    process.programs.iter().filter(|program| !program.inherited).map(|program| {
        let mut entry = json!({
            "eventType": "exec",
            "processBinary": program.exe,
            "arguments": program.argv,
            "argumentsCut": program.argv_cut,
            "workingDirectory": program.cwd,
            "id": process.id,
            "pid": process.pid,
            "uid": process.uid,
            "startedOn": text::time(program.start_us),
        });
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                entry[name] = value;
            }
        };
        put("digest", digest(program.digest.as_ref()));
        put("undigested", program.undigested.as_ref().map(|why| json!(why)));
        put("script", program.script.as_ref().map(|script| json!(script)));
        put("parent", process.parent.map(|parent| json!(parent)));
        put("finishedOn", process.end_us.map(|at| json!(text::time(at))));
        match process.end {
            Some(End::Exit(status)) => put("exitStatus", Some(json!(status))),
            Some(End::Signal(number)) => put("signal", Some(json!(number))),
            None => {}
        }
        entry
    })
}

fn network(audit: &Audit, peer: &Peer) -> Value {
    let mut entry = json!({
        "family": peer.family,
        "acts": peer.uses.keys().map(|act| act.word()).collect::<Vec<_>>(),
        "bytesSent": peer.sent,
        "bytesReceived": peer.received,
    });
    let internet = matches!(peer.family, Family::Inet | Family::Inet6);
    entry[if internet { "ip" } else { "address" }] = json!(peer.address);
    if let Some(port) = peer.port {
        entry["port"] = json!(port);
    }
    if let Some(name) = peer.names.first() {
        entry["hostname"] = json!(name);
        entry["hostnames"] = json!(peer.names);
    }
    let first = peer.uses.values().min_by_key(|used| used.first_us).and_then(|used| used.processes.first());
    if let Some(process) = super::story::process(audit, first.copied()) {
        let exe = process.program().map(|program| &program.exe);
        entry["invokingProcess"] = json!({ "id": process.id, "pid": process.pid, "processBinary": exe });
    }
    entry
}

/// The digests that programs had when they were run, by path. A path that had two is left to `process`.
fn programs(audit: &Audit) -> BTreeMap<&str, Option<&Digest>> {
    let mut found: BTreeMap<&str, Option<&Digest>> = BTreeMap::new();
    let run = |program: &&Program| !program.inherited && program.digest.is_some();
    for program in audit.processes.iter().flat_map(|process| &process.programs).filter(run) {
        let first = found.entry(&program.exe).or_insert(program.digest.as_ref());
        if *first != program.digest.as_ref() {
            *first = None;
        }
    }
    found
}

/// The entries of a file: one for each content that it was seen to have.
fn accesses(file: &File, programs: &BTreeMap<&str, Option<&Digest>>) -> Vec<Value> {
    let words: Vec<&str> = file.uses.keys().map(|access| access.word()).collect();
    let entry = |content: Option<&Digest>, when: &str| {
        let mut entry = json!({
            "name": file.path,
            "uri": format!("file://{}", text::uri(&file.path)),
            "annotations": { "accesses": words },
        });
        if let Some(content) = digest(content) {
            entry["digest"] = content;
            entry["annotations"]["digested"] = json!(when);
        }
        if file.downloaded {
            entry["annotations"]["downloaded"] = json!(true);
        }
        entry
    };
    let executed = file.uses.contains_key(&Access::Executed);
    let run = executed.then(|| programs.get(file.path.as_str()).copied().flatten()).flatten();
    let run = run.filter(|run| Some(*run) != file.input.as_ref());
    let all = [(file.input.as_ref(), "input"), (run, "executed"), (file.output.as_ref(), "output")];
    let mut found: Vec<Value> =
        all.into_iter().filter(|(content, _)| content.is_some()).map(|(content, when)| entry(content, when)).collect();
    if found.is_empty() {
        found.push(entry(None, ""));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Subject, sample};
    use super::write;
    use serde_json::Value;

    fn statement(options: &Options) -> Value {
        let mut out = Vec::new();
        write(&sample::hostile(), options, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_statement_always_has_a_subject_with_a_digest() {
        let subject = Subject { name: "a.tar".to_owned(), sha256: "ab".repeat(32) };
        let named = statement(&Options { subjects: vec![subject], ..Options::default() });
        assert_eq!(named["subject"][0]["name"], "a.tar");
        let none = statement(&Options::default());
        assert_eq!(none["subject"][0]["digest"]["sha256"].as_str().map(str::len), Some(64));
    }

    #[test]
    fn a_file_that_changed_has_an_entry_for_each_content() {
        let statement = statement(&Options::default());
        let log = &statement["predicate"]["monitorLog"];
        let files = log["fileAccess"].as_array().unwrap();
        let changed: Vec<_> = files.iter().filter(|file| file["name"] == "/w/changed").collect();
        assert_eq!(changed.len(), 2);
        assert_ne!(changed[0]["digest"], changed[1]["digest"]);
        assert!(files.iter().all(|file| file["uri"].as_str().unwrap().starts_with("file:///")));
        assert_eq!(log["network"][0]["port"], 443);
        assert!(log["process"].as_array().unwrap().iter().all(|process| process["pid"].is_i64()));
    }
}
