//! The reading thread: records in, lines out.

use crate::alerts::Alerts;
use crate::bus::{self, Receiver, Tally};
use crate::control::{ReaderOrder, Shared, Turn};
use crate::engine::ptrace::PlacementShared;
use crate::keep::Kept;
use crate::model::CallSet;
use crate::model::record::Record;
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::rules::Fired;
use crate::store;
use crate::sys::clock;
use std::sync::Arc;

/// Bytes of lines collected before they are written.
const CHUNK: usize = 64 * 1024;

/// The reader of one run.
pub struct Reader {
    /// Where records come from.
    pub receiver: Receiver,
    /// What makes lines of them.
    pub pipeline: Pipeline,
    /// Where lines go; `None` when only a capture is written.
    pub output: Option<Output>,
    /// The capture, if one is written.
    pub keep: Option<Kept>,
    /// Where alerts go, when that is elsewhere than events.
    pub alerts: Option<Alerts>,
    /// The run's state.
    pub shared: Arc<Shared>,
    /// Ended when nothing comes.
    pub placement: PlacementShared,
    /// Says a line of our own.
    pub say: fn(&str),
    /// The calls that are shown, when not all that are traced.
    pub shown: Option<CallSet>,
}

/// How the reading ended.
#[derive(Debug)]
pub struct Read {
    /// The output, with its losses.
    pub output: Option<Output>,
    /// What the capture lost.
    pub kept: Option<store::Losses>,
    /// Where alerts went.
    pub alerts: Option<Alerts>,
    /// The rules that fired.
    pub fired: Option<Fired>,
    /// Records that could not be read: a defect of ours, said and counted.
    pub malformed: u64,
    /// What was dropped because the output took no more (`--on-overflow drop`).
    pub missed: Option<Tally>,
}

/// Whether a record is of a call that is not shown.
fn hidden(shown: Option<&CallSet>, record: &Record<'_>) -> bool {
    let Some(shown) = shown else { return false };
    bus::slot(record.head()).is_some_and(|slot| slot < CallSet::CAPACITY && !shown.contains(slot))
}

impl Reader {
    /// Reads until the sender closed and everything was written.
    #[must_use]
    pub fn run(mut self) -> Read {
        self.receiver.enter();
        let (mut lines, mut written, mut malformed) = (Vec::with_capacity(CHUNK * 2), 0, 0);
        // Orders, and how many bytes of records come before the last of them.
        let (mut orders, mut before) = (Vec::new(), 0_usize);
        loop {
            let closed = self.receiver.closed();
            let mut read = 0;
            // Before the look: what was sent before an order is in it, and is shown as it was until then.
            let more = self.shared.take_turns();
            self.receiver.fill();
            let waiting = self.receiver.peek();
            if !more.is_empty() {
                orders.extend(more);
                before = waiting.len();
            }
            while let Some(rest) = waiting.get(read..).filter(|rest| !rest.is_empty()) {
                match Record::parse(rest) {
                    Ok((record, len)) => {
                        if let Some(keep) = &mut self.keep {
                            self.shared.writing(|| keep.take(&record));
                        }
                        match &self.output {
                            Some(_) if hidden(self.shown.as_ref(), &record) => false,
                            Some(_) => self.pipeline.feed(&record, &mut lines),
                            None => self.pipeline.learn(&record),
                        };
                        if let Some(output) =
                            self.output.as_mut().filter(|output| output.is_separate() && !lines.is_empty())
                        {
                            output.select(record.head().tid);
                            let events = self.pipeline.events().saturating_sub(written);
                            self.shared.writing(|| output.write(&lines, events));
                            written = self.pipeline.events();
                            lines.clear();
                        }
                        read += len;
                    }
                    Err(_) => {
                        malformed += 1;
                        read = waiting.len();
                    }
                }
                if lines.len() >= CHUNK {
                    break;
                }
            }
            self.receiver.release(read);
            if let Some(alerts) = &mut self.alerts {
                let (lines, copies) = self.pipeline.take_alerts();
                self.shared.writing(|| alerts.write(&lines, copies));
            }
            // Lines are held back only while more records wait.
            if lines.len() >= CHUNK || self.receiver.is_empty() {
                if let Some(output) = &mut self.output {
                    let events = self.pipeline.events().saturating_sub(written);
                    self.shared.writing(|| output.write(&lines, events));
                }
                written = self.pipeline.events();
                lines.clear();
                let lost = self.output.as_ref().and_then(Output::losses).map_or(0, |(lost, _)| lost);
                self.shared.publish_log(written, lost, self.receiver.position());
            }
            if let Some(keep) = &mut self.keep {
                self.shared.writing(|| keep.tick(clock::monotonic()));
            }
            before = before.saturating_sub(read);
            if before == 0 {
                orders.drain(..).for_each(|order| self.turn(order));
            }
            self.attend();
            if read > 0 && !self.receiver.is_empty() {
                continue;
            }
            if closed && self.receiver.is_empty() {
                if let Some(output) = &mut self.output {
                    self.pipeline.finish(&mut lines);
                    self.shared.writing(|| output.write(&lines, 0));
                }
                let kept = self.shared.writing(|| self.keep.and_then(Kept::finish));
                let missed = self.receiver.missed().filter(|missed| missed.total() > 0).cloned();
                let fired = self.pipeline.fired().cloned();
                return Read { output: self.output, kept, alerts: self.alerts, fired, malformed, missed };
            }
            if read == 0 {
                self.placement.release();
            }
            self.receiver.wait(read > 0);
        }
    }

    /// Opens the log again, and begins the capture anew when its file was moved away; says what was done.
    fn rotate(&mut self) -> Result<String, String> {
        let mut done = Vec::new();
        if let Some(output) = &mut self.output {
            let reopened = output.reopen();
            reopened.map_err(|error| format!("cannot reopen the log: {error}; the old file stays in use"))?;
            done.push("the log was opened again");
        }
        if let Some(keep) = &mut self.keep {
            let rotated = keep.rotate(&self.pipeline.tasks(clock::realtime()));
            let rotated =
                rotated.map_err(|error| format!("cannot begin the capture anew: {error}; the old file goes on"))?;
            let said = ["the capture goes on, for its file was not moved away", "the capture was begun anew"];
            done.push(if rotated { said[1] } else { said[0] });
        }
        Ok(done.join("; "))
    }

    /// Does what a command orders.
    fn turn(&mut self, order: ReaderOrder) {
        let done = match order.turn {
            Turn::Show(plan) => {
                self.pipeline.reform(&plan);
                self.shown = self.shared.shown();
                Ok(String::new())
            }
            Turn::Rotate => self.rotate(),
        };
        // Nobody may wait for the answer any more.
        let _ = order.reply.send(done);
    }

    /// Does what other threads asked for.
    fn attend(&mut self) {
        if self.shared.take_reopen()
            && let Err(why) = self.rotate()
        {
            (self.say)(&why);
        }
        if self.shared.take_name_orphans() {
            let mut names: Vec<String> = self
                .pipeline
                .alive()
                .map(|(pid, comm)| format!("{}({pid})", String::from_utf8_lossy(comm).escape_debug()))
                .collect();
            names.sort_unstable();
            let more = names.len().saturating_sub(8);
            names.truncate(8);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            if !names.is_empty() {
                (self.say)(&format!(
                    "the command ended, still running: {}{more}; waiting for them (--orphans kill ends them)",
                    names.join(", ")
                ));
            }
        }
    }
}
