//! The run in time, in the JSON that Perfetto and Chrome's tracing open: a track for each process with its lifetime and
//! its programs, the calls on the threads' tracks, the findings as marks.
//!
//! A lifetime is an asynchronous slice, since an execve belongs to two programs and slices of one thread must nest.

use super::write::list;
use super::{Options, story, text::brief};
use crate::audit::model::{Audit, Finding, Process, Slice};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{self, Write};

/// Characters of a name in the picture.
const MOST_CHARS: usize = 300;

/// Process ids above any that Linux gives (2^22), for a process whose own was used before.
const FIRST_FREE: i64 = 1 << 24;

/// Writes `trace.perfetto.json`.
pub(super) fn write(audit: &Audit, _options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let pids = pids(audit);
    let zero = audit.run.start_us;
    let pid = |process: u32| usize::try_from(process).ok().and_then(|at| pids.get(at)).copied();
    let processes = audit.processes.iter().zip(&pids).flat_map(|(process, pid)| lifetime(audit, process, *pid));
    let calls = audit.calls.iter().filter_map(|call| Some(slice(audit, call, pid(call.process)?)));
    let marks = audit.findings.iter().filter_map(|finding| Some(mark(finding, pid(finding.process?)?, zero)));
    let other = json!({
        "tool": format!("{} {}", audit.tool.name, audit.tool.version),
        "command": audit.run.command,
        "start": super::text::time(zero),
    });
    write!(out, "{{\"displayTimeUnit\":\"ms\",\n\"otherData\":{other},\n\"traceEvents\":")?;
    list(out, processes.chain(calls).chain(marks))?;
    writeln!(out, "}}")
}

/// The number of each process in the trace: its own, unless an earlier process had it.
fn pids(audit: &Audit) -> Vec<i64> {
    let mut seen = HashSet::new();
    let of = |process: &Process| {
        let own = i64::from(process.pid);
        if own > 0 && seen.insert(own) { own } else { FIRST_FREE + i64::from(process.id) }
    };
    audit.processes.iter().map(of).collect()
}

fn lifetime(audit: &Audit, process: &Process, pid: i64) -> Vec<Value> {
    let zero = audit.run.start_us;
    let at = |us: u64| us.saturating_sub(zero);
    let end = process.end_us.unwrap_or(audit.run.end_us).max(process.start_us);
    let name = brief(story::name(process), MOST_CHARS);
    let meta = |what: &str, args: Value| json!({ "ph": "M", "pid": pid, "tid": pid, "name": what, "args": args });
    let mut events = vec![
        meta("process_name", json!({ "name": name })),
        meta("process_sort_index", json!({ "sort_index": process.id })),
    ];
    let mut slice = |name: &str, from: u64, to: u64, args: Value| {
        let id = format!("p{}", process.id);
        let event = |ph: &str, us: u64| json!({ "ph": ph, "cat": "lifetime", "id": id, "pid": pid, "tid": pid, "name": name, "ts": at(us) });
        let mut begin = event("b", from);
        begin["args"] = args;
        events.extend([begin, event("e", to)]);
    };
    // The whole encloses its programs; of equal times the order in the file decides.
    let ids = json!({ "id": process.id, "pid": process.pid, "parent": process.parent, "end": process.end });
    if process.programs.len() < 2 {
        let argv = process.program().map(|program| brief(&program.argv.join(" "), MOST_CHARS));
        slice(&name, process.start_us, end, json!({ "command": argv, "process": ids }));
        return events;
    }
    for (place, program) in process.programs.iter().enumerate() {
        let from = program.start_us.clamp(process.start_us, end);
        let to = process.programs.get(place + 1).map_or(end, |next| next.start_us.clamp(from, end));
        let command = brief(&program.argv.join(" "), MOST_CHARS);
        let name = brief(story::base(program.script.as_deref().unwrap_or(&program.exe)), MOST_CHARS);
        slice(&name, from, to, json!({ "command": command, "inherited": program.inherited, "process": ids }));
    }
    events
}

fn slice(audit: &Audit, call: &Slice, pid: i64) -> Value {
    let own = story::process(audit, Some(call.process)).is_some_and(|process| process.pid == call.tid);
    let tid = if own { pid } else { i64::from(call.tid) };
    let mut args = json!({});
    if let Some(about) = &call.about {
        args["about"] = json!(brief(about, MOST_CHARS));
    }
    if let Some(error) = call.error {
        args["error"] = json!(error);
    }
    json!({
        "ph": "X", "cat": "call", "pid": pid, "tid": tid, "name": call.name,
        "ts": call.start_us.saturating_sub(audit.run.start_us), "dur": call.duration_us, "args": args,
    })
}

fn mark(finding: &Finding, pid: i64, zero: u64) -> Value {
    json!({
        "ph": "i", "s": "p", "cat": "finding", "pid": pid, "tid": pid,
        "name": format!("{}: {}", finding.level.word(), brief(&finding.rule, MOST_CHARS)),
        "ts": finding.time_us.saturating_sub(zero), "args": { "message": brief(&finding.message, MOST_CHARS) },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Options, sample};
    use super::write;
    use serde_json::Value;
    use std::collections::HashMap;

    #[test]
    fn lifetimes_open_and_close_and_no_two_processes_share_a_track() {
        let mut out = Vec::new();
        let facts = sample::hostile();
        write(&facts, &Options::default(), &mut out).unwrap();
        let trace: Value = serde_json::from_slice(&out).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let named = events.iter().filter(|event| event["name"] == "process_name");
        let mut tracks: Vec<i64> = named.map(|event| event["pid"].as_i64().unwrap()).collect();
        tracks.sort_unstable();
        tracks.dedup();
        assert_eq!(tracks.len(), facts.processes.len());
        let mut open: HashMap<(String, String), i64> = HashMap::new();
        for event in events.iter().filter(|event| event["cat"] == "lifetime") {
            let key = (event["id"].to_string(), event["name"].to_string());
            *open.entry(key).or_default() += if event["ph"] == "b" { 1 } else { -1 };
        }
        assert!(!open.is_empty() && open.values().all(|count| *count == 0));
        assert_eq!(events.iter().filter(|event| event["cat"] == "call").count(), facts.calls.len());
    }
}
