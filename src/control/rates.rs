//! How fast things go: counts at whole seconds, for as long as anybody asks about.

use std::collections::VecDeque;

const SECOND: u64 = 1_000_000_000;

/// Samples kept: ten seconds, and the one before.
const KEPT: usize = 11;

/// Counts of records and events over the last seconds.
#[derive(Debug, Default)]
pub(super) struct Rates(VecDeque<(u64, (u64, u64))>);

impl Rates {
    /// Notes the counts at `now`, at most once a second.
    pub(super) fn sample(&mut self, now: u64, counts: (u64, u64)) {
        if self.0.back().is_some_and(|(at, _)| now.saturating_sub(*at) < SECOND) {
            return;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, counts));
    }

    /// Counts a second over the last `samples` samples, or as many as there are.
    pub(super) fn over(&self, samples: usize) -> (u64, u64) {
        let (Some((end, last)), from) = (self.0.back(), self.0.len().saturating_sub(samples + 1)) else {
            return (0, 0);
        };
        let Some((start, first)) = self.0.get(from) else { return (0, 0) };
        let time = end.saturating_sub(*start);
        let rate =
            |last: u64, first: u64| (last.saturating_sub(first)).saturating_mul(SECOND).checked_div(time).unwrap_or(0);
        (rate(last.0, first.0), rate(last.1, first.1))
    }
}

#[cfg(test)]
mod tests {
    use super::{Rates, SECOND};

    #[test]
    fn rates_are_over_the_samples_asked_for() {
        let mut rates = Rates::default();
        assert_eq!(rates.over(1), (0, 0));
        for second in 0..20 {
            rates.sample(second * SECOND, (second * second, second * 2));
            rates.sample(second * SECOND + 5, (u64::MAX, 0));
        }
        assert_eq!(rates.over(1), (37, 2));
        assert_eq!(rates.over(10), (28, 2));
    }
}
