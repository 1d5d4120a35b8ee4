//! A capture shown again: the records of a file through the same pipeline as a run's, so the same bytes come out.

mod info;
mod select;

use crate::alerts::Alerts;
use crate::decode::walk::MAX_ITEMS;
use crate::keep::Events;
use crate::launch::FAILED;
use crate::model::record::Record;
use crate::model::{Plan, Replay, Target};
use crate::output::Output;
use crate::pipeline::Pipeline;
use crate::run::INCOMPLETE;
use crate::say::say;
use crate::state::{Groups, Users};
use crate::store::{Bounds, Description, Follow, Missing, Part, Reader, Refused};
use crate::story::{Story, Taker};
use crate::watching::{self, Ready};
use crate::{sink, table};
use chrono::{DateTime, FixedOffset};
use select::Select;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::atomic::Ordering;

/// Bytes of lines collected before they are written.
const CHUNK: usize = 64 * 1024;

/// Where a record's flags lie in its bytes, and the bit of the first that says that it is no event to write.
const FLAGS_AT: usize = 28;
const QUIET: u8 = 1;

/// Opens a capture to read, `-` for stdin.
///
/// # Errors
/// Why not, as a line with its remedy.
pub fn open(file: &Path, grows: bool) -> Result<Reader, String> {
    let name = file.display();
    let unreadable = |error: &io::Error| format!("cannot read {name}: {error}");
    let from: Box<dyn Read> = if file == Path::new("-") {
        Box::new(File::from(io::stdin().as_fd().try_clone_to_owned().map_err(|error| unreadable(&error))?))
    } else {
        let opened = File::open(file).map_err(|error| unreadable(&error))?;
        if grows { Box::new(Follow::new(opened)) } else { Box::new(opened) }
    };
    Reader::open(from).map_err(|refused| match refused {
        Refused::Unreadable(error) => unreadable(&error),
        Refused::Foreign => format!("{name} is no capture; give a file that `smtrace -w` wrote"),
        Refused::Newer(theirs, ours) => {
            format!("{name} is of version {theirs}, and this smtrace reads up to {ours}; replay it with a newer one")
        }
        Refused::Damaged => format!("{name}: the beginning is damaged; nothing of it can be read"),
    })
}

/// Writes the events of a capture as the plan says, or gives them to `taker`; returns the exit status.
#[must_use]
pub fn run(plan: &Plan, replay: &Replay, taker: Option<Taker>, ready: Option<Ready>, story: &mut Story) -> u8 {
    let refuse = |text: &str| {
        say(text);
        FAILED
    };
    if replay.info {
        return match info::info(replay) {
            Ok(text) => print(&text),
            Err(text) => refuse(&text),
        };
    }
    let mut taker = taker;
    let opened = taker.as_mut().and_then(|taker| taker.reader.take());
    let reader = match opened.map_or_else(|| open(&replay.file, replay.grows), Ok) {
        Ok(reader) => reader,
        Err(text) => return refuse(&text),
    };
    let mut plan = plan.clone();
    plan.output.str_max = bounded_text(reader.description(), replay, &plan);
    plan.output.max_items = bounded_items(reader.description(), &plan);
    // Whom a capture holds was decided when it was made.
    let traced = &reader.description().target;
    plan.follow = traced.follow;
    plan.target = Target::Replay(Replay { launched: traced.pids.is_empty(), ..replay.clone() });
    let cannot = |path: Option<&Path>, error: io::Error, option: &str| {
        let name = path.unwrap_or_else(|| Path::new("stderr"));
        refuse(&format!("cannot open {}: {error}; choose another file with {option}", name.display()))
    };
    let keep = match plan.capture.as_ref().map(|capture| (capture, Events::begin(&capture.path))) {
        Some((_, Ok(events))) => Some(events),
        Some((capture, Err(error))) => return cannot(Some(&capture.path), error, "-w"),
        None => None,
    };
    let path = plan.output.path.as_deref();
    let output = if plan.capture.as_ref().is_some_and(|capture| capture.alone) {
        None
    } else {
        match Output::open(&plan.output) {
            Ok(output) => Some(output),
            Err(error) => return cannot(path, error, "-o"),
        }
    };
    let clock = &reader.description().clock;
    let (users, groups) = (Users::default(), Groups::default());
    let mut pipeline = match taker {
        Some(taker) => {
            let mut pipeline = Pipeline::with_sink(&plan, taker.needs, taker.sink, users, groups);
            if let Some(watch) = taker.watch {
                pipeline.hand_over(watch);
            }
            pipeline
        }
        None => Pipeline::new(&plan, users, groups),
    };
    let mut ready = ready;
    if let Some(ready) = &mut ready {
        watching::replayed(ready, reader.description());
    }
    let alerts = ready.and_then(|ready| watching::begin(ready, &plan.watching, &mut pipeline));
    let show = Show {
        plan: &plan,
        alerts,
        select: Select::new(replay, clock.realtime_ns, clock.utc_offset),
        pipeline,
        bounds: Bounds::default(),
        output,
        keep,
        lines: Vec::with_capacity(CHUNK * 2),
        written: 0,
        stop: None,
    };
    story.started = true;
    let status = show.all(reader, replay);
    story.complete = status == 0;
    status
}

fn print(text: &str) -> u8 {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            say(&format!("cannot write to stdout: {error}"));
            FAILED
        }
        _ => 0,
    }
}

/// How much of a text can be shown; says what was asked for and is not there.
fn bounded_text(description: &Description, replay: &Replay, plan: &Plan) -> usize {
    let captured = &description.captured;
    let name = replay.file.display();
    let needs = sink::needs(plan);
    if needs.fds && !captured.fds {
        say(&format!("{name} was captured with --fds=false: the open files are not shown"));
    }
    // Else their number is shown, which the record has.
    let exec = table::by_name("execve").map(table::Row::index);
    let shows_env = needs.env && exec.is_some_and(|exec| !plan.output.rendering.abbrev.contains(exec));
    if shows_env && !captured.env {
        say(&format!("{name} holds no environments, as the run's own output showed none: they are not shown"));
    }
    match replay.str_max {
        Some(asked) if asked > captured.str_max => {
            let most = captured.str_max;
            say(&format!("{name} was captured with -s {most}: texts are cut there, not at {asked}"));
            asked
        }
        Some(asked) => asked,
        None => plan.output.str_max.min(captured.str_max),
    }
}

/// How many items of a list can be shown; a capture of a version that did not say holds the default.
fn bounded_items(description: &Description, plan: &Plan) -> Option<usize> {
    let held = Some(description.captured.max_items).filter(|held| *held > 0);
    let asked = plan.output.max_items.unwrap_or(MAX_ITEMS);
    Some(asked.min(held.unwrap_or(MAX_ITEMS)))
}

/// What a replay works with.
struct Show<'a> {
    plan: &'a Plan,
    alerts: Option<Alerts>,
    select: Select<'a>,
    pipeline: Pipeline,
    bounds: Bounds,
    output: Option<Output>,
    keep: Option<Events>,
    lines: Vec<u8>,
    written: u64,
    /// Why it ends before the file does.
    stop: Option<&'static str>,
}

impl Show<'_> {
    fn all(mut self, mut reader: Reader, replay: &Replay) -> u8 {
        while let Some(part) = reader.part() {
            match part {
                Part::Names(told) => self.pipeline.learn_names(&told.users, &told.groups),
                Part::Records(records, offset) => {
                    replay.utc_offset.store(offset, Ordering::Relaxed);
                    self.records(records);
                }
            }
            if self.stop.is_some() || self.reader_is_gone() {
                break;
            }
        }
        self.pipeline.finish(&mut self.lines);
        self.write();
        self.end(reader, replay)
    }

    /// Whether whoever reads the output has seen enough (`smtrace replay FILE | head`).
    fn reader_is_gone(&self) -> bool {
        self.output.as_ref().and_then(Output::losses).is_some_and(|(_, why)| why.kind() == io::ErrorKind::BrokenPipe)
    }

    fn records(&mut self, mut records: Vec<u8>) {
        let mut at = 0;
        while let Some(rest) = records.get_mut(at..).filter(|rest| !rest.is_empty()) {
            let Ok((record, len)) = Record::parse(rest) else {
                self.stop = Some("a record is malformed");
                break;
            };
            if !self.bounds.allow(&record) {
                self.stop = Some("its live processes take more memory than those of one machine");
                break;
            }
            let head = record.head();
            let shown = self.select.shows(&record, &self.pipeline.who(head.pid, head.tid));
            if shown {
                self.feed(&record);
            } else {
                if let Some(flags) = rest.get_mut(FLAGS_AT) {
                    *flags |= QUIET;
                }
                if let Ok((record, _)) = Record::parse(rest) {
                    self.feed(&record);
                }
            }
            at += len;
            if self.lines.len() >= CHUNK {
                self.write();
            }
        }
        self.write();
    }

    fn feed(&mut self, record: &Record<'_>) {
        if let Some(keep) = &mut self.keep {
            keep.take(record);
        }
        match &self.output {
            Some(_) => self.pipeline.feed(record, &mut self.lines),
            None => self.pipeline.learn(record),
        };
        if let Some(output) = self.output.as_mut().filter(|output| output.is_separate() && !self.lines.is_empty()) {
            output.select(record.head().tid);
            self.write();
        }
    }

    fn write(&mut self) {
        if let Some(alerts) = &mut self.alerts {
            let (lines, copies) = self.pipeline.take_alerts();
            alerts.write(&lines, copies);
        }
        if let Some(output) = &mut self.output {
            output.write(&self.lines, self.pipeline.events().saturating_sub(self.written));
        }
        self.written = self.pipeline.events();
        self.lines.clear();
    }

    /// Says what is missing; the exit status.
    fn end(mut self, mut reader: Reader, replay: &Replay) -> u8 {
        let kept = self.keep.take().and_then(Events::finish);
        if self.reader_is_gone() {
            return 0;
        }
        let name = replay.file.display();
        let fired = self.pipeline.fired();
        let mut status = fired.and_then(|fired| watching::conclude(fired, &self.plan.watching)).unwrap_or(0);
        if !watching::close(self.alerts.take()) {
            status = INCOMPLETE;
        }
        if let Some(losses) = kept {
            say(&format!("the capture is incomplete: {} records were lost: {}", losses.records, losses.why));
            status = INCOMPLETE;
        }
        if let Some((lost, why)) = self.output.as_ref().and_then(Output::losses) {
            say(&format!(
                "the log is incomplete: {lost} event{} lost: {why}",
                if lost == 1 { " was" } else { "s were" }
            ));
            status = INCOMPLETE;
        }
        if let Some(output) = self.output {
            output.finish();
        }
        let latest = reader.latest();
        if self.stop.is_none() {
            reader.look_behind();
        }
        let missing = reader.missing();
        if let Some(why) = self.stop {
            say(&format!("{name}: {why}; what comes after is not shown"));
            status = INCOMPLETE;
        } else if missing.any() {
            say(&format!("{name} is incomplete: {}", tell(&missing, latest)));
            status = INCOMPLETE;
        }
        status
    }
}

/// What is missing, in words.
#[must_use]
pub fn tell(missing: &Missing, latest: Option<(u64, i32)>) -> String {
    let plural = |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut told = Vec::new();
    if missing.records > 0 {
        told.push(plural(missing.records, "record is missing", "records are missing"));
    }
    if missing.damaged > 0 {
        told.push(plural(missing.damaged, "place is damaged", "places are damaged"));
    }
    if let Some(error) = &missing.error {
        told.push(format!("reading failed: {error}"));
    }
    if missing.end {
        let time = latest.and_then(|(time, offset)| {
            let zone = FixedOffset::east_opt(offset)?;
            let time = DateTime::from_timestamp_nanos(i64::try_from(time).ok()?).with_timezone(&zone);
            Some(time.format("%Y-%m-%d %H:%M:%S%.9f").to_string())
        });
        told.push(match time {
            Some(time) => format!("its end is missing, and with it what came after {time}"),
            None => "its end is missing, and no record is there".to_owned(),
        });
    }
    if missing.behind {
        told.push(
            "something follows its end, which is not shown; replay each capture from a file of its own".to_owned(),
        );
    }
    told.join("; ")
}
