//! What rules and conditions have to do with a pipeline: they are asked of each event before it is rendered.

use super::Pipeline;
use crate::model::record::Record;
use crate::rules::{Fired, Heard, Watch};

/// What events are looked at for.
#[derive(Default)]
pub(super) struct Watched {
    watch: Option<Box<Watch>>,
    /// Alerts alone are written, not events.
    alone: bool,
    /// Alerts that go elsewhere than events; `None` when they go the same way.
    apart: Option<Vec<u8>>,
    alerts: Vec<u8>,
}

impl Watched {
    /// Whether anything is looked for.
    pub(super) fn any(&self) -> bool {
        self.watch.is_some()
    }

    /// Whether events are rendered by the sink.
    pub(super) fn shows(&self) -> bool {
        !self.alone
    }

    /// The alerts of the last event, when the sink takes them.
    pub(super) fn take_heard(&mut self) -> Vec<Heard> {
        self.watch.as_mut().map(|watch| watch.take_heard()).unwrap_or_default()
    }

    /// Learns from a record that is no call.
    pub(super) fn apply(&mut self, record: &Record<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.apply(record);
        }
    }
}

impl Pipeline {
    /// Looks at events for `watch` from now on. `shows` says whether events are written, `apart` whether alerts are taken
    /// by [`Pipeline::take_alerts`].
    pub fn watch(&mut self, watch: Watch, shows: bool, apart: bool) {
        let alone = !shows || watch.prints();
        self.watched = Watched { watch: Some(Box::new(watch)), alone, apart: apart.then(Vec::new), alerts: Vec::new() };
    }

    /// Looks at events for `watch` from now on, and hands each alert to the sink after its event.
    pub fn hand_over(&mut self, mut watch: Watch) {
        watch.hear();
        self.watch(watch, true, false);
    }

    /// The alerts since the last call, and their copies.
    pub fn take_alerts(&mut self) -> (Vec<u8>, Vec<String>) {
        let copies = self.watched.watch.as_mut().map(|watch| watch.take_copies()).unwrap_or_default();
        (self.watched.apart.as_mut().map(std::mem::take).unwrap_or_default(), copies)
    }

    /// The rules that fired.
    #[must_use]
    pub fn fired(&self) -> Option<&Fired> {
        self.watched.watch.as_ref().map(|watch| watch.fired())
    }

    /// Looks at an event; whether the sink is to render it.
    pub(super) fn look(&mut self, record: &Record<'_>, entered: Option<&Record<'_>>, out: &mut Vec<u8>) -> bool {
        let Watched { watch: Some(watch), alone, apart, alerts } = &mut self.watched else { return true };
        let head = record.head();
        let seen = watch.see(record, entered, self.account.who(head.pid, head.tid), alerts, out);
        match apart {
            Some(apart) => apart.append(alerts),
            None => {
                out.append(alerts);
                self.events += seen.alerts;
            }
        }
        seen.shown && !*alone
    }
}
