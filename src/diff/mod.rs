//! What one run did that another did not: two captures to their deeds, and the deeds compared.
//!
//! A deed is a program that ran, a file that was used in some way, a peer that was talked to. `deeds` folds records to
//! them, `event::roles` says what a call does to the files it names, `names` makes equal what differs between any two runs,
//! `render` writes the answer. Nothing here opens a file or prints.

mod deeds;
mod names;
mod render;
#[cfg(test)]
mod tests;

pub use deeds::{Deed, Deeds, Full, Sort};
pub use names::Names;
pub use render::{render_json, render_text};

use std::collections::BTreeSet;

/// A deed that only one side did, with how often and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The deed, as it was.
    pub deed: Deed,
    /// How often.
    pub times: u64,
    /// The name of the first process that did it.
    pub by: Vec<u8>,
}

/// What each side did that the other did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// Only the first.
    pub first: Vec<Difference>,
    /// Only the second.
    pub second: Vec<Difference>,
    /// How many deeds both did.
    pub same: u64,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn none(&self) -> bool {
        self.first.is_empty() && self.second.is_empty()
    }
}

/// Compares two runs. Deeds that both did in the same words are the same; of the others those are that have the same
/// words once names that change are made equal, unless `exact`.
#[must_use]
pub fn compare(first: &Deeds, second: &Deeds, exact: bool) -> Differences {
    let same = first.iter().filter(|(deed, _)| second.did(deed)).count();
    let only = |one: &Deeds, other: &Deeds| {
        let left: Vec<_> = one.iter().filter(|(deed, _)| !other.did(deed)).collect();
        if exact || left.is_empty() {
            return left.into_iter().map(|(deed, done)| difference(deed, done)).collect::<Vec<_>>();
        }
        let known: BTreeSet<Deed> = other.iter().map(|(deed, _)| other.names().plain(deed)).collect();
        let mut told = BTreeSet::new();
        let differs = |(deed, _): &(&Deed, &deeds::Done)| {
            let plain = one.names().plain(deed);
            // Of those that are alike, the first stands for all.
            !known.contains(&plain) && told.insert(plain)
        };
        left.into_iter().filter(differs).map(|(deed, done)| difference(deed, done)).collect()
    };
    let (first, second) = (only(first, second), only(second, first));
    Differences { first, second, same: same as u64 }
}

fn difference(deed: &Deed, done: &deeds::Done) -> Difference {
    Difference { deed: deed.clone(), times: done.times, by: done.by.to_vec() }
}
