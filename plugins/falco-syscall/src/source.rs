//! An open source: records of a feed to events of libscap.

use falco_plugin::anyhow::Error;
use smtrace::model::record::{Kind, Record, flag};
use smtrace::scap::Converter;
use smtrace::table::row_of;
use smtrace_feed::{Feed, Given, Journal, Params};
use std::time::Duration;

/// The most events handed over at once.
const MOST: usize = 1024;

/// How long Falco waits for an event before it does something else.
const WAIT: Duration = Duration::from_millis(50);

/// Where a record's flags lie in its bytes.
const FLAGS_AT: usize = 28;

/// An open source.
pub(crate) struct Source {
    params: Params,
    feed: Feed,
    converter: Converter,
    records: Vec<u8>,
    at: usize,
    last: Option<Result<(), String>>,
    journal: Journal,
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
        let mut journal = Journal::open(&params.sibling.log).map_err(Error::msg)?;
        let feed = Feed::open_records(&params).inspect_err(|why| journal.error(why)).map_err(Error::msg)?;
        journal.info(&format!("reading events from {}", params.place));
        let converter = Converter::live();
        Ok(Source { params, feed, converter, records: Vec::new(), at: 0, last: None, journal })
    }

    /// Gives the next events to `take`.
    pub(crate) fn batch(&mut self, mut take: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<Batch, Error> {
        let (mut given, mut failed) = (0, None);
        loop {
            while given < MOST
                && let Some(rest) = self.records.get_mut(self.at..).filter(|rest| !rest.is_empty())
            {
                // The feed has checked them.
                let Ok((record, len)) = Record::parse(rest) else { break };
                if left_out(&record, &self.params, &self.converter) {
                    hide(rest);
                }
                let Ok((record, _)) = Record::parse(rest) else { break };
                self.converter.feed(&record, &mut |event| {
                    given += 1;
                    if let Err(error) = take(event) {
                        failed.get_or_insert(error);
                    }
                });
                self.at += len;
            }
            if let Some(error) = failed {
                return Err(error.into());
            }
            if given > 0 {
                return Ok(Batch::Events);
            }
            match self.last.clone() {
                Some(Ok(())) => {
                    self.journal.info(&format!("{} ended", self.params.place));
                    return Ok(Batch::End);
                }
                Some(Err(why)) => {
                    self.journal.error(&why);
                    return Err(Error::msg(why));
                }
                None => {}
            }
            match self.feed.next(WAIT) {
                Given::Nothing => return Ok(Batch::Nothing),
                Given::End => self.last = Some(Ok(())),
                Given::Broken(why) => self.last = Some(Err(why)),
                Given::Records(records, _) => (self.records, self.at) = (records, 0),
                Given::Lines(_) => {
                    self.last = Some(Err("smtrace: open_params: capture names lines of JSON; raw events are made of \
                                          records: give the file of `smtrace -w`"
                        .to_owned()));
                }
                // Falco has users and groups of its own.
                Given::Names(_) => {}
            }
        }
    }
}

/// Whether a call's event is not wanted. It still teaches who is who.
fn left_out(record: &Record<'_>, params: &Params, converter: &Converter) -> bool {
    let head = record.head();
    if !matches!(head.kind, Kind::Enter | Kind::Exit | Kind::Signal) {
        return false;
    }
    let (sibling, filters) = (&params.sibling, &params.sibling.filters);
    let other = || {
        let calls = sibling.calls.as_ref().filter(|_| head.kind != Kind::Signal);
        calls.is_some_and(|calls| row_of(head).is_none_or(|row| !calls.contains(row.index())))
    };
    let named = || {
        let comm = converter.comm(head.pid, head.tid);
        filters.drop_comms.iter().any(|name| name.as_bytes() == comm)
    };
    !sibling.collecting
        || !filters.statuses.failed && head.kind == Kind::Exit && (-4095..0).contains(&head.result)
        || filters.drop_pids.contains(&head.pid)
        || !filters.drop_comms.is_empty() && named()
        || other()
}

/// Marks a record as not to be shown.
fn hide(record: &mut [u8]) {
    for (to, bit) in record.iter_mut().skip(FLAGS_AT).zip(flag::QUIET.to_le_bytes()) {
        *to |= bit;
    }
}
