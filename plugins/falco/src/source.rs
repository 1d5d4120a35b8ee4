//! An open source: what a feed gives becomes lines of JSON, of which those that pass the filters go to Falco.

use crate::fields::Event;
use falco_plugin::anyhow::{Error, anyhow};
use smtrace::model::record::{Kind, Record};
use smtrace::model::{Plan, Target};
use smtrace::options::{self, Action, Choices};
use smtrace::pipeline::Pipeline;
use smtrace::state::{Groups, Users};
use smtrace::table::row_of;
use smtrace::{sink, table};
use smtrace_feed::{Feed, Given, Journal, Params, Place};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The most events handed over at once.
const MOST: usize = 1024;

/// How long Falco waits for an event before it does something else.
const WAIT: Duration = Duration::from_millis(50);

/// Records to lines of one format.
struct Render {
    plan: Plan,
    pipeline: Pipeline,
}

impl Render {
    fn new(params: &Params, format: &str) -> Result<Render, Error> {
        let str_max = params.sibling.str_max.to_string();
        // The plan of a replay: the one way in which records become lines.
        let words = ["smtrace", "replay", "--format", format, "-s", str_max.as_str(), "-"];
        let action = options::parse(words.map(Into::into), &Choices { formats: sink::CHOICES });
        let mut plan = match action {
            Ok(Action::Trace(plan)) => *plan,
            Ok(_) => return Err(anyhow!("smtrace: no plan for a replay (a defect of smtrace)")),
            Err(refusal) => return Err(anyhow!("{}", refusal.text.trim_end().to_owned())),
        };
        plan.filters = params.sibling.filters.clone();
        // A capture tells the names of its machine; a ring is of this one.
        let names = |file: &str| match params.place {
            Place::Ring(_) => std::fs::read(file).unwrap_or_default(),
            _ => Vec::new(),
        };
        let (users, groups) = (Users::parse(&names("/etc/passwd")), Groups::parse(&names("/etc/group")));
        let pipeline = Pipeline::new(&plan, users, groups);
        Ok(Render { plan, pipeline })
    }

    fn take(&mut self, given: &Given, params: &Params, lines: &mut Vec<u8>) {
        match given {
            Given::Names(told) => self.pipeline.learn_names(&told.users, &told.groups),
            Given::Records(records, offset) => {
                if let Target::Replay(replay) = &self.plan.target {
                    replay.utc_offset.store(*offset, Ordering::Relaxed);
                }
                let mut rest = &records[..];
                while let Ok((record, len)) = Record::parse(rest) {
                    if wanted(&record, params) {
                        self.pipeline.feed(&record, lines);
                    }
                    rest = rest.get(len..).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
}

/// Whether a record is of a call of interest, or of none.
fn wanted(record: &Record<'_>, params: &Params) -> bool {
    let call = matches!(record.head().kind, Kind::Enter | Kind::Exit | Kind::Unfinished);
    let Some(calls) = params.sibling.calls.as_ref().filter(|_| call) else { return true };
    row_of(record.head()).is_some_and(|row| calls.contains(row.index()))
}

/// A file that events also go to.
struct Beside {
    file: BufWriter<File>,
    render: Option<Render>,
}

/// An open source.
pub(crate) struct Source {
    params: Params,
    feed: Feed,
    render: Render,
    beside: Option<Beside>,
    lines: Vec<u8>,
    at: usize,
    last: Option<Result<(), String>>,
    journal: Journal,
    /// Events that went to Falco, that were left out, and lines that were none.
    pub(crate) counts: [u64; 3],
}

/// What a batch came to.
pub(crate) enum Batch {
    /// Some events.
    Events,
    /// None yet.
    Nothing,
    /// None any more.
    End,
}

impl Source {
    /// Opens what both texts say.
    pub(crate) fn open(init_config: &str, open_params: &str) -> Result<Source, Error> {
        let params = Params::read(init_config, open_params).map_err(Error::msg)?;
        let beside = params.sibling.output.as_ref().map(|path| {
            let lines_only = matches!(params.place, Place::Unix(_) | Place::Tcp(_));
            if lines_only && params.sibling.format != "json" {
                return Err(anyhow!(
                    "smtrace: init_config: format \"normal\" needs a capture or a ring; give \"format\": \"json\" with connect"
                ));
            }
            let file = File::options().create(true).append(true).open(path);
            let file = file.map_err(|error| {
                anyhow!("smtrace: init_config: cannot open {}: {error}; choose another path", path.display())
            })?;
            let render = (params.sibling.format != "json").then(|| Render::new(&params, &params.sibling.format));
            Ok(Beside { file: BufWriter::new(file), render: render.transpose()? })
        });
        let (beside, render) = (beside.transpose()?, Render::new(&params, "json")?);
        let mut journal = Journal::open(&params.sibling.log).map_err(Error::msg)?;
        let feed = Feed::open(&params).inspect_err(|why| journal.error(why)).map_err(Error::msg)?;
        journal.info(&format!("reading events from {}", params.place));
        Ok(Source { params, feed, render, beside, lines: Vec::new(), at: 0, last: None, journal, counts: [0; 3] })
    }

    /// Gives the next events to `take`, each a line without its newline and its time.
    pub(crate) fn batch(&mut self, mut take: impl FnMut(&[u8], u64) -> std::io::Result<()>) -> Result<Batch, Error> {
        let mut given = 0;
        loop {
            while given < MOST {
                let Some(line) = self.line() else { break };
                let line = self.lines.get(line).unwrap_or_default();
                match self.judge(line) {
                    Verdict::Keep(time) => {
                        take(line, time)?;
                        self.counts[0] += 1;
                        given += 1;
                    }
                    Verdict::Drop => self.counts[1] += 1,
                    Verdict::Bad => self.counts[2] += 1,
                }
            }
            if given > 0 {
                return Ok(Batch::Events);
            }
            if let Some(last) = self.last.clone() {
                self.flush();
                self.tell_end(&last);
                return match last {
                    Ok(()) => Ok(Batch::End),
                    Err(why) => Err(Error::msg(why)),
                };
            }
            if !self.more() {
                return Ok(Batch::Nothing);
            }
        }
    }

    /// Where the next line lies.
    fn line(&mut self) -> Option<std::ops::Range<usize>> {
        let rest = self.lines.get(self.at..)?;
        let len = rest.iter().position(|byte| *byte == b'\n')?;
        let start = self.at;
        self.at += len + 1;
        Some(start..start + len)
    }

    /// Takes the next piece of the feed; false when there is none yet.
    fn more(&mut self) -> bool {
        self.lines.clear();
        self.at = 0;
        let given = self.feed.next(WAIT);
        match &given {
            Given::Nothing => {
                self.flush();
                return false;
            }
            Given::End => self.last = Some(Ok(())),
            Given::Broken(why) => self.last = Some(Err(why.clone())),
            Given::Lines(lines) => self.lines.extend_from_slice(lines),
            Given::Names(_) | Given::Records(..) => self.render.take(&given, &self.params, &mut self.lines),
        }
        if let Some(Beside { file, render }) = &mut self.beside {
            let mut own = Vec::new();
            let lines = match render {
                Some(render) => {
                    render.take(&given, &self.params, &mut own);
                    &own
                }
                None => &self.lines,
            };
            // A full disk must not stop Falco.
            let _ = file.write_all(lines);
        }
        true
    }

    /// Says how the source ended.
    fn tell_end(&mut self, last: &Result<(), String>) {
        let [events, left_out, malformed] = self.counts;
        if malformed > 0 {
            self.journal.warn(&format!("{malformed} lines of {} were no events", self.params.place));
        }
        match last {
            Ok(()) => self.journal.info(&format!("{} ended: {events} events, {left_out} left out", self.params.place)),
            Err(why) => self.journal.error(why),
        }
    }

    fn flush(&mut self) {
        if let Some(beside) = &mut self.beside {
            let _ = beside.file.flush();
        }
    }

    /// What is to become of a line.
    fn judge(&self, line: &[u8]) -> Verdict {
        let Some(event) = Event::parse(line) else { return Verdict::Bad };
        let Some(time) = event.time_ns() else { return Verdict::Bad };
        let sibling = &self.params.sibling;
        let filters = &sibling.filters;
        let is = |name: Option<String>, of: &[String]| name.is_some_and(|name| of.contains(&name));
        let pid = event.id("pid").and_then(|pid| i32::try_from(pid).ok());
        let other = || {
            let row = event.name().filter(|_| event.is_call()).map(|name| table::by_name(&name));
            let calls = sibling.calls.as_ref();
            row.zip(calls).is_some_and(|(row, calls)| row.is_none_or(|row| !calls.contains(row.index())))
        };
        let drop = !sibling.collecting
            || !filters.statuses.failed && event.failed()
            || pid.is_some_and(|pid| filters.drop_pids.contains(&pid))
            || !filters.drop_comms.is_empty() && is(event.comm(), &filters.drop_comms)
            || other();
        if drop { Verdict::Drop } else { Verdict::Keep(time) }
    }
}

enum Verdict {
    Keep(u64),
    Drop,
    Bad,
}
