//! Sets of events, by which rules are indexed: only rules that an event's name can satisfy are evaluated.

/// A set of events, which are small numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSet(Vec<u64>);

impl EventSet {
    /// The set of `0..count`.
    #[must_use]
    pub fn below(count: usize) -> EventSet {
        let mut set = EventSet::default();
        (0..count).for_each(|event| set.insert(event));
        set
    }

    /// Adds an event.
    pub fn insert(&mut self, event: usize) {
        let word = event / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (event % 64);
        }
    }

    /// Whether an event is in it.
    #[must_use]
    pub fn contains(&self, event: usize) -> bool {
        self.0.get(event / 64).is_some_and(|bits| bits >> (event % 64) & 1 == 1)
    }

    /// What is in this set or in the other.
    pub fn add(&mut self, other: &EventSet) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(bits, more)| *bits |= more);
    }

    /// What is in both.
    pub fn meet(&mut self, other: &EventSet) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(bits, kept)| *bits &= kept);
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn without(&self, other: &EventSet) -> EventSet {
        let rest = self.0.iter().enumerate().map(|(at, bits)| bits & !other.0.get(at).copied().unwrap_or(0));
        EventSet(rest.collect())
    }

    /// The events in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.len() * 64).filter(|event| self.contains(*event))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|bits| usize::try_from(bits.count_ones()).unwrap_or(0)).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::EventSet;

    #[test]
    fn sets_are_sets() {
        let all = EventSet::below(130);
        let mut some = EventSet::default();
        some.insert(3);
        some.insert(129);
        let mut rest = all.without(&some);
        assert_eq!((all.len(), some.len(), rest.len()), (130, 2, 128));
        rest.meet(&some);
        assert!(rest.is_empty() && some.contains(129) && !some.contains(128));
        rest.add(&some);
        assert_eq!(rest.iter().collect::<Vec<_>>(), [3, 129]);
    }
}
