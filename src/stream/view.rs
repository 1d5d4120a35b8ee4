//! What one choice of format and filters makes of the records: rendered, or coded for a capture, once for all clients
//! that chose the same.

use crate::bus::{self, Tally};
use crate::keep;
use crate::model::record::Record;
use crate::model::{CallSet, Plan};
use crate::pipeline::Pipeline;
use crate::sink;
use crate::state::{Groups, Users};
use crate::store::{Description, Relay, Sheet};
use crate::sys::clock;
use std::sync::Arc;

/// Events for clients: shared bytes, and where each event is counted when a client does not take it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) what: What,
    pub(super) slots: Arc<[usize]>,
}

/// Bytes as they are sent, or frames that each client's own capture numbers.
#[derive(Clone, Debug)]
pub(super) enum What {
    Lines(Arc<[u8]>),
    Sheets(Vec<Sheet>),
}

impl Batch {
    /// Bytes that wait for a client which takes it.
    pub(super) fn size(&self) -> usize {
        match &self.what {
            What::Lines(bytes) => bytes.len(),
            What::Sheets(sheets) => sheets.iter().map(Sheet::size).sum(),
        }
    }
}

/// One choice.
pub(super) struct View {
    id: u64,
    plan: Plan,
    form: Form,
    slots: Vec<usize>,
}

/// What records become.
enum Form {
    Lines(Box<Pipeline>, Vec<u8>),
    Records(Box<Relay>),
}

/// The plan of a client that chooses nothing: the run's, for every call that is traced, now or later.
pub(super) fn default_plan(plan: &Plan) -> Plan {
    let mut new = plan.clone();
    for index in 0..CallSet::CAPACITY {
        new.calls.insert(index);
    }
    // A summary is the log's, and so is a file that is kept: a client gets events.
    (new.output.summary, new.capture) = (None, None);
    new
}

/// What a client's capture says of itself, if `plan` is one: of the calls that it chose, those that are `traced`.
pub(super) fn description(plan: &Plan, traced: &CallSet) -> Option<Description> {
    let capture = plan.capture.as_ref()?;
    let mut told = plan.clone();
    for index in plan.calls.iter().filter(|index| !traced.contains(*index)) {
        told.calls.remove(index);
    }
    Some(keep::describe(&told, capture))
}

impl View {
    /// A view of `plan` that knows `tasks`.
    pub(super) fn new(id: u64, plan: Plan, names: &(Vec<u8>, Vec<u8>), tasks: &[u8]) -> View {
        let (users, groups) = (Users::parse(&names.0), Groups::parse(&names.1));
        let form = if plan.capture.is_some() {
            // Who is who is told to each client that comes in.
            Form::Records(Box::new(Relay::new((users, groups), sink::utc_offset)))
        } else {
            let (mut pipeline, mut rest, mut out) = (Pipeline::new(&plan, users, groups), tasks, Vec::new());
            while let Ok((record, len)) = Record::parse(rest) {
                pipeline.feed(&record, &mut out);
                rest = rest.get(len..).unwrap_or(&[]);
            }
            Form::Lines(Box::new(pipeline), out)
        };
        View { id, plan, form, slots: Vec::new() }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Whether it is what `plan` chooses.
    pub(super) fn is_of(&self, plan: &Plan) -> bool {
        let key = |plan: &Plan| {
            let (output, filters) = (&plan.output, &plan.filters);
            let fds = plan.capture.as_ref().map(|capture| capture.fds);
            (output.format.clone(), output.str_max, filters.clone(), plan.calls.clone(), fds)
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
        match &mut self.form {
            Form::Lines(pipeline, out) => {
                let before = pipeline.events();
                if pipeline.feed(record, out) {
                    let lines = pipeline.events() - before;
                    self.slots.extend((0..lines).filter_map(|_| slot));
                }
            }
            Form::Records(relay) => {
                relay.push(record);
                self.slots.extend(slot);
            }
        }
    }

    /// What came of the records since the last time.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let what = match &mut self.form {
            Form::Lines(_, out) if out.is_empty() => return None,
            Form::Lines(_, out) => {
                let bytes = out.as_slice().into();
                out.clear();
                What::Lines(bytes)
            }
            Form::Records(relay) => What::Sheets(Some(relay.take()).filter(|sheets| !sheets.is_empty())?),
        };
        let batch = Batch { what, slots: self.slots.as_slice().into() };
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
        if let (Ok((record, _)), Form::Lines(pipeline, _)) = (Record::parse(bytes), &mut self.form) {
            pipeline.feed(&record, &mut line);
        }
        line
    }

    /// What makes captures of the records, when that was chosen.
    pub(super) fn relay(&mut self) -> Option<&mut Relay> {
        match &mut self.form {
            Form::Lines(..) => None,
            Form::Records(relay) => Some(relay),
        }
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
