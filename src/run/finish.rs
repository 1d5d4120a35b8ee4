//! The end of a run: everything written, what was lost said, and what alerts ask of the exit status.

use super::{Ending, Run};
use crate::launch::FAILED;
use crate::model::Plan;
use crate::output::Output;
use crate::say::say;
use crate::story::Story;
use crate::sys::clock;
use crate::watching;
use std::thread;

/// How a run went.
pub(super) struct Finished {
    /// Nothing was lost.
    pub(super) complete: bool,
    /// The exit status that alerts ask for.
    pub(super) alerted: Option<u8>,
}

/// How a run ends whose command ended with this wait status.
pub(super) fn ending(status: Option<i32>) -> Ending {
    match status {
        Some(status) if status & 0x7f == 0 => Ending::Exit(u8::try_from(status >> 8 & 0xff).unwrap_or(FAILED)),
        Some(status) => Ending::Signal(status & 0x7f),
        None => Ending::Exit(FAILED),
    }
}

/// How long one write may take after an abort, in nanoseconds.
const STUCK: u64 = 2_000_000_000;

/// Ends the run: waits until everything is written, says what was lost. Returns whether the log is complete.
pub(super) fn finish(run: Run, plan: &Plan, story: &mut Story) -> Finished {
    let mut alerted = None;
    story.complete = finish_log(run, plan, story, &mut alerted);
    Finished { complete: story.complete, alerted }
}

fn finish_log(run: Run, plan: &Plan, story: &mut Story, alerted: &mut Option<u8>) -> bool {
    let mut complete = !run.engine.lost_sight();
    if !complete {
        say("the log is incomplete: a task got out of sight; the smtrace_notice that begins with ALERT says which");
    }
    let mut bus = run.recorder.into_inner();
    bus.close();
    let (lost, aborted) = bus.losses();
    story.lost = lost;
    if lost > 0 {
        say(&format!("the log is incomplete: {lost} records were lost, because nobody took them"));
        complete = false;
    }
    // After an abort the reader may sit in a write that nobody takes; that gets a moment. One that only gets no CPU does not sit
    // there.
    let (mut write, mut since) = (None, clock::monotonic());
    while aborted && !run.reader.is_finished() {
        let now = run.shared.write_under_way();
        if now.is_none() || now != write {
            (write, since) = (now, clock::monotonic());
        }
        if clock::monotonic() > since + STUCK {
            say("the log is incomplete: its reader takes nothing");
            return false;
        }
        thread::sleep(std::time::Duration::from_millis(5));
    }
    let joined = run.reader.join();
    run.served.finish();
    let Ok(read) = joined else {
        say("the reader failed: the log is incomplete");
        return false;
    };
    *alerted = read.fired.as_ref().and_then(|fired| watching::conclude(fired, &plan.watching));
    complete &= watching::close(read.alerts);
    if let Some(losses) = read.kept {
        let (lost, why) = (losses.records, losses.why);
        say(&format!(
            "the capture is incomplete: {lost} record{} lost: {why}",
            if lost == 1 { " was" } else { "s were" }
        ));
        complete = false;
    }
    if let Some((lost, why)) = read.output.as_ref().and_then(Output::losses) {
        say(&format!("the log is incomplete: {lost} event{} lost: {why}", if lost == 1 { " was" } else { "s were" }));
        complete = false;
    }
    if let Some(missed) = &read.missed {
        story.lost += missed.total();
        say(&format!("the log is incomplete: it took too little in time and lost {}", missed.words()));
        complete = false;
    }
    let malformed = read.malformed;
    if let Some(output) = read.output {
        output.finish();
    }
    if malformed > 0 {
        say(&format!("the log is incomplete: {malformed} malformed records (a defect of smtrace)"));
        complete = false;
    }
    complete
}
