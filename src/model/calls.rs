//! A set of rows of the system-call table.

use super::Personality;

/// A set of table rows, by row index. Membership is one shift and mask, so the tracing thread can ask at every stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallSet {
    words: Words,
    /// The rows of `words` that calls of a personality do not mean.
    without: [Words; Personality::ALL.len()],
}

type Words = [u64; CallSet::CAPACITY / 64];

fn has(words: &Words, index: usize) -> bool {
    words.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
}

fn set(words: &mut Words, index: usize, to: bool) {
    if let Some(word) = words.get_mut(index / 64) {
        *word = *word & !(1 << (index % 64)) | u64::from(to) << (index % 64);
    }
}

impl CallSet {
    /// How many rows a set can tell apart; the table's build script refuses to grow past it.
    pub const CAPACITY: usize = 1024;

    /// The set of all rows, whether the table has them or not.
    #[must_use]
    pub fn full() -> CallSet {
        CallSet { words: [u64::MAX; CallSet::CAPACITY / 64], ..CallSet::default() }
    }

    /// Adds row `index`. Indexes past the capacity do not exist and are ignored.
    pub fn insert(&mut self, index: usize) {
        set(&mut self.words, index, true);
        self.without.iter_mut().for_each(|words| set(words, index, false));
    }

    /// Takes row `index` away.
    pub fn remove(&mut self, index: usize) {
        set(&mut self.words, index, false);
        self.without.iter_mut().for_each(|words| set(words, index, false));
    }

    /// Adds row `index` as far as calls of `personality` go.
    pub fn insert_on(&mut self, index: usize, personality: Personality) {
        let others = !has(&self.words, index);
        set(&mut self.words, index, true);
        for (words, other) in self.without.iter_mut().zip(Personality::ALL) {
            if others || other == personality {
                set(words, index, other != personality);
            }
        }
    }

    /// Takes row `index` away as far as calls of `personality` go.
    pub fn remove_on(&mut self, index: usize, personality: Personality) {
        if has(&self.words, index) {
            set(&mut self.without[personality as usize], index, true);
        }
        if self.without.iter().all(|words| has(words, index)) {
            self.remove(index);
        }
    }

    /// Adds every row of `other`, or takes it away, as far as calls of `only` go where one is named.
    pub fn merge(&mut self, other: &CallSet, only: Option<Personality>, away: bool) {
        for index in other.iter() {
            for personality in Personality::ALL {
                if !other.contains_on(index, personality) || only.is_some_and(|only| only != personality) {
                    continue;
                }
                match away {
                    true => self.remove_on(index, personality),
                    false => self.insert_on(index, personality),
                }
            }
        }
    }

    /// Whether row `index` is in the set, for calls of some personality.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        has(&self.words, index)
    }

    /// Whether row `index` is in the set for calls of `personality`.
    #[must_use]
    pub fn contains_on(&self, index: usize, personality: Personality) -> bool {
        has(&self.words, index) && !has(&self.without[personality as usize], index)
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
    use super::{CallSet, Personality};

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
    fn a_row_can_be_in_it_for_some_personalities() {
        let mut set = CallSet::default();
        set.insert_on(5, Personality::Bits32);
        let of = |set: &CallSet| Personality::ALL.map(|personality| set.contains_on(5, personality));
        assert!(set.contains(5));
        assert_eq!(of(&set), [false, true, false]);
        set.insert_on(5, Personality::X32);
        assert_eq!(of(&set), [false, true, true]);
        set.remove_on(5, Personality::Bits32);
        assert_eq!(of(&set), [false, false, true]);
        set.remove_on(5, Personality::X32);
        assert!(set.is_empty());
        assert_eq!(set, CallSet::default());
        set.insert(5);
        set.remove_on(5, Personality::Bits64);
        assert_eq!(of(&set), [false, true, true]);
        set.insert(5);
        assert_eq!(of(&set), [true; 3]);
    }

    #[test]
    fn sets_are_merged_by_personality() {
        let (mut all, mut some) = (CallSet::default(), CallSet::default());
        all.insert(7);
        some.insert_on(8, Personality::Bits32);
        let mut set = CallSet::default();
        set.merge(&all, None, false);
        set.merge(&some, None, false);
        set.merge(&some, Some(Personality::X32), false);
        let mut expected = all.clone();
        expected.insert_on(8, Personality::Bits32);
        assert_eq!(set, expected);
        set.merge(&all, Some(Personality::X32), true);
        assert_eq!(Personality::ALL.map(|personality| set.contains_on(7, personality)), [true, true, false]);
        set.merge(&all, None, true);
        assert_eq!(set, some);
    }

    #[test]
    fn an_index_past_the_capacity_is_never_contained() {
        let mut set = CallSet::default();
        set.insert(CallSet::CAPACITY);
        assert!(!set.contains(CallSet::CAPACITY));
        assert!(set.is_empty());
    }
}
