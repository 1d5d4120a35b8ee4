//! What passes between a run and whoever has its events in place of an output format.

use crate::capture::Hash;
use crate::engine::Judge;
use crate::model::CallSet;
use crate::rules::Watch;
use crate::sink::{Needs, Sink};
use crate::store::Reader;

/// How a run went, beside how its command ended.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The command was started, or the capture was opened.
    pub started: bool,
    /// A seccomp filter chose the calls.
    pub filtered: bool,
    /// What did not work as planned.
    pub fallbacks: Vec<String>,
    /// Nothing was lost.
    pub complete: bool,
    /// How many records were.
    pub lost: u64,
}

/// What takes the place of the plan's format.
pub struct Taker {
    /// Takes the events.
    pub sink: Box<dyn Sink + Send>,
    /// What it needs.
    pub needs: Needs,
    /// The digests it needs.
    pub hash: Hash,
    /// The rules whose alerts it takes.
    pub watch: Option<Watch>,
    /// The calls whose paths it wants followed to their end.
    pub followed: CallSet,
    /// The capture whose events they are, if it was opened already: a pipe gives what it says of itself once.
    pub reader: Option<Reader>,
    /// Who says which calls may happen, if anybody does.
    pub judge: Option<Box<dyn Judge>>,
}
