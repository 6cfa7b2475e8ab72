//! Numbers of events as ranges.

use serde_json::{Value, json};

/// Numbers in order, as ranges that do not touch.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Puts numbers together that come in order.
    pub(super) fn of(seqs: impl IntoIterator<Item = u64>) -> Self {
        let mut ranges = Self::default();
        for seq in seqs {
            ranges.add(seq);
        }
        ranges
    }

    /// Adds a number behind all others.
    pub(super) fn add(&mut self, seq: u64) {
        match self.0.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(seq) => last.1 = seq,
            _ => self.0.push((seq, seq)),
        }
    }

    /// Returns how many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the first and the last number. `None` when there is none.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }

    /// Writes them as pairs.
    pub(super) fn to_json(&self) -> Value {
        let pairs = self.0.iter().map(|(from, to)| json!([from, to]));
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_touch_are_one_range() {
        let ranges = Ranges::of([3, 4, 5, 9, 11, 12]);

        assert_eq!(ranges.len(), 3);
        assert_eq!(ranges.ends(), Some((3, 12)));
        assert_eq!(ranges.to_json(), json!([[3, 5], [9, 9], [11, 12]]));
        assert_eq!(Ranges::of([]).ends(), None);
        assert_eq!(Ranges::of([u64::MAX]).ends(), Some((u64::MAX, u64::MAX)));
    }
}
