//! The end of a run: everything is written, and what could not be is said.

use super::Run;
use crate::output::Output;
use crate::say::say;
use crate::story::Story;
use crate::sys::clock;
use std::thread;

/// Ends the run: waits until everything is written, says what was lost. Returns whether the log is complete.
pub(super) fn finish(run: Run, story: &mut Story) -> bool {
    story.complete = finish_log(run, story);
    story.complete
}

fn finish_log(run: Run, story: &mut Story) -> bool {
    let mut complete = !run.engine.lost_sight();
    let mut bus = run.recorder.into_inner();
    bus.close();
    let (lost, aborted) = bus.losses();
    story.lost = lost;
    if lost > 0 {
        say(&format!("the log is incomplete: {lost} records were lost, because nobody took them"));
        complete = false;
    }
    // After an abort the reader may sit in a write that nobody takes; it gets a moment.
    let deadline = clock::monotonic() + 1_000_000_000;
    while aborted && !run.reader.is_finished() {
        if clock::monotonic() > deadline {
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
