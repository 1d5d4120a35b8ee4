//! A compiled set of conditions: one graph in which what several conditions ask stands once, and is asked once an event.

use super::EventSet;
use super::compare::Check;
use super::field::{FieldId, Fields};
use super::source::{Scratch, Source};

/// A condition or a part of one.
pub type NodeId = u32;

/// A part of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    And(Box<[NodeId]>),
    Or(Box<[NodeId]>),
    Not(NodeId),
    /// A comparison, by its place.
    Check(u32),
}

/// All conditions of one set of rules.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) checks: Vec<Check>,
    /// For each comparison with the event's name: the events that pass.
    pub(super) events: Vec<Option<EventSet>>,
}

/// What is known already about one event. Kept from event to event, so that none allocates.
#[derive(Debug, Default)]
pub struct Memo {
    /// The event in which each node was last asked, doubled, and the answer in the lowest bit.
    known: Vec<u32>,
    now: u32,
    scratch: Scratch,
}

impl Memo {
    /// Forgets the last event.
    pub fn next(&mut self, program: &Program) {
        self.now = (self.now + 1) & (u32::MAX >> 1);
        if self.now == 0 || self.known.len() != program.nodes.len() {
            self.known.clear();
            self.known.resize(program.nodes.len(), 0);
            self.now = 1;
        }
    }
}

impl Program {
    /// Whether the event satisfies a condition. [`Memo::next`] comes before the first question about each event.
    pub fn holds(&self, node: NodeId, fields: &dyn Fields, memo: &mut Memo) -> bool {
        let at = usize::try_from(node).unwrap_or(usize::MAX);
        let known = memo.known.get(at).copied().unwrap_or(0);
        if known >> 1 == memo.now && memo.now != 0 {
            return known & 1 == 1;
        }
        let answer = match self.nodes.get(at) {
            Some(Node::And(parts)) => parts.iter().all(|part| self.holds(*part, fields, memo)),
            Some(Node::Or(parts)) => parts.iter().any(|part| self.holds(*part, fields, memo)),
            Some(Node::Not(part)) => !self.holds(*part, fields, memo),
            Some(Node::Check(check)) => {
                let check = usize::try_from(*check).ok().and_then(|at| self.checks.get(at));
                check.is_some_and(|check| check.pass(fields, &memo.scratch))
            }
            None => false,
        };
        if let Some(known) = memo.known.get_mut(at) {
            *known = memo.now << 1 | u32::from(answer);
        }
        answer
    }

    /// The fields that conditions ask for.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.checks.iter().flat_map(Check::sources).flat_map(Source::fields)
    }

    /// The events that can satisfy a condition, among `all`: by its comparisons with the event's name alone.
    #[must_use]
    pub fn events(&self, node: NodeId, all: &EventSet) -> EventSet {
        self.events_of(node, false, all)
    }

    fn events_of(&self, node: NodeId, negated: bool, all: &EventSet) -> EventSet {
        let at = usize::try_from(node).unwrap_or(usize::MAX);
        let (parts, both) = match self.nodes.get(at) {
            Some(Node::And(parts)) => (parts, !negated),
            Some(Node::Or(parts)) => (parts, negated),
            Some(Node::Not(part)) => return self.events_of(*part, !negated, all),
            Some(Node::Check(check)) => {
                let check = usize::try_from(*check).ok().and_then(|at| self.events.get(at));
                return match check {
                    Some(Some(events)) if negated => all.without(events),
                    Some(Some(events)) => events.clone(),
                    _ => all.clone(),
                };
            }
            None => return all.clone(),
        };
        let mut result = if both { all.clone() } else { EventSet::default() };
        for part in parts {
            let events = self.events_of(*part, negated, all);
            if both { result.meet(&events) } else { result.add(&events) }
        }
        result
    }

    /// How many parts and comparisons there are.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.nodes.len(), self.checks.len())
    }
}
