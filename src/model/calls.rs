//! A set of rows of the system-call table.

/// A set of table rows, by row index. Membership is one shift and mask, so the tracing thread can ask at every stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSet {
    words: [u64; CallSet::CAPACITY / 64],
}

impl CallSet {
    /// How many rows a set can tell apart; the table's build script refuses to grow past it.
    pub const CAPACITY: usize = 1024;

    /// The set of all rows, whether the table has them or not.
    #[must_use]
    pub fn full() -> CallSet {
        CallSet { words: [u64::MAX; CallSet::CAPACITY / 64] }
    }

    /// Adds row `index`. Indexes past the capacity do not exist and are ignored.
    pub fn insert(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / 64) {
            *word |= 1 << (index % 64);
        }
    }

    /// Takes row `index` away.
    pub fn remove(&mut self, index: usize) {
        if let Some(word) = self.words.get_mut(index / 64) {
            *word &= !(1 << (index % 64));
        }
    }

    /// Whether row `index` is in the set.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Whether no row is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The row indexes in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..CallSet::CAPACITY).filter(|index| self.contains(*index))
    }
}

#[cfg(test)]
mod tests {
    use super::CallSet;

    #[test]
    fn what_is_inserted_is_contained_until_removed() {
        let mut set = CallSet::default();
        assert!(set.is_empty());
        for index in [0, 63, 64, 1023] {
            set.insert(index);
            assert!(set.contains(index));
        }
        set.remove(63);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 64, 1023]);
    }

    #[test]
    fn an_index_past_the_capacity_is_never_contained() {
        let mut set = CallSet::default();
        set.insert(CallSet::CAPACITY);
        assert!(!set.contains(CallSet::CAPACITY));
        assert!(set.is_empty());
    }
}
