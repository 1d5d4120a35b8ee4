//! What one choice of format and filters makes of the records: rendered once for all clients that chose the same.

use crate::bus::{self, Tally};
use crate::model::record::Record;
use crate::model::{CallSet, Plan};
use crate::pipeline::Pipeline;
use crate::state::{Groups, Users};
use crate::sys::clock;
use std::sync::Arc;

/// Lines for clients: shared bytes, and where each line is counted when a client does not take it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) bytes: Arc<[u8]>,
    pub(super) slots: Arc<[usize]>,
}

/// One choice.
pub(super) struct View {
    id: u64,
    plan: Plan,
    pipeline: Pipeline,
    out: Vec<u8>,
    slots: Vec<usize>,
}

/// The plan of a client that chooses nothing: the run's, for every call that is traced, now or later.
pub(super) fn default_plan(plan: &Plan) -> Plan {
    let mut new = plan.clone();
    for index in 0..CallSet::CAPACITY {
        new.calls.insert(index);
    }
    // A summary is the log's: a client gets events.
    new.output.summary = None;
    new
}

impl View {
    /// A view of `plan` that knows `tasks`.
    pub(super) fn new(id: u64, plan: Plan, names: &(Vec<u8>, Vec<u8>), tasks: &[u8]) -> View {
        let pipeline = Pipeline::new(&plan, Users::parse(&names.0), Groups::parse(&names.1));
        let mut view = View { id, plan, pipeline, out: Vec::new(), slots: Vec::new() };
        let mut rest = tasks;
        while let Ok((record, len)) = Record::parse(rest) {
            view.feed(&record);
            rest = rest.get(len..).unwrap_or(&[]);
        }
        view
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is what `plan` chooses.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        let key = |plan: &Plan| {
            let (output, filters) = (&plan.output, &plan.filters);
            (output.format.clone(), output.str_max, filters.clone(), plan.calls.clone())
        };
        key(&self.plan) == key(plan)
    }

    /// What it shows.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes the next record.
    pub(super) fn feed(&mut self, record: &Record<'_>) {
        let slot = bus::slot(record.head());
        if slot.is_some_and(|slot| slot < CallSet::CAPACITY && !self.plan.calls.contains(slot)) {
            return;
        }
        let before = self.pipeline.events();
        if self.pipeline.feed(record, &mut self.out) {
            let lines = self.pipeline.events() - before;
            self.slots.extend((0..lines).filter_map(|_| slot));
        }
    }

    /// The lines since the last time.
    pub(super) fn take(&mut self) -> Option<Batch> {
        if self.out.is_empty() {
            return None;
        }
        let batch = Batch { bytes: self.out.as_slice().into(), slots: self.slots.as_slice().into() };
        self.out.clear();
        self.slots.clear();
        Some(batch)
    }

    /// The line that tells a client what it did not take.
    pub(super) fn render_losses(&mut self, lost: &Tally) -> Vec<u8> {
        self.render(&lost.lost_record(clock::realtime(), false))
    }

    /// The line that says a word to a client.
    pub(super) fn render_notice(&mut self, text: &str) -> Vec<u8> {
        self.render(&crate::capture::notice_record(text))
    }

    /// Renders a record of our own, which is nobody else's.
    fn render(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut line = Vec::new();
        if let Ok((record, _)) = Record::parse(bytes) {
            self.pipeline.feed(&record, &mut line);
        }
        line
    }

    /// What it shows, in words.
    pub(super) fn words(&self) -> String {
        let shown = self.plan.calls.iter().filter(|index| crate::table::rows().get(*index).is_some()).count();
        let all = crate::table::rows().len();
        let calls = if shown == all { "all that are traced".to_owned() } else { format!("at most {shown}") };
        format!(
            "stream begins: format {}, str-max {}, calls {calls}",
            self.plan.output.format, self.plan.output.str_max
        )
    }
}
