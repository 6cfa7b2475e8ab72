//! Known resources with known actions as numbers: the fast path of every check.

use std::{collections::HashMap, sync::LazyLock};

use foldhash::fast::FixedState;

use super::resource::{self, Action, Resource};

/// A known action on a known resource.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Pair {
    pub(super) resource: Resource,
    pub(super) action: Action,
}

impl Pair {
    /// Finds the pair that is written `resource:action`, exactly so.
    #[inline]
    pub(super) fn find(text: &str) -> Option<Self> {
        // The keys are ours and fixed, so nobody can make them collide.
        static PAIRS: LazyLock<HashMap<&str, Pair, FixedState>> =
            LazyLock::new(|| resource::pairs().map(|pair| (pair.text(), pair)).collect());
        PAIRS.get(text).copied()
    }

    /// Returns `resource:action`.
    pub(super) const fn text(self) -> &'static str {
        self.resource.with_action(self.action)
    }
}

/// A set of pairs: one word for each action, one bit for each resource.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct PairSet([u64; Action::ALL.len()]);

const _: () = assert!(Resource::ALL.len() <= u64::BITS as usize);

impl PairSet {
    #[inline]
    pub(super) fn contains(&self, pair: Pair) -> bool {
        let word = self.0.get(pair.action as usize).copied().unwrap_or(0);
        word >> pair.resource as u32 & 1 == 1
    }

    pub(super) fn insert(&mut self, pair: Pair) {
        if let Some(word) = self.0.get_mut(pair.action as usize) {
            *word |= 1 << pair.resource as u32;
        }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl FromIterator<Pair> for PairSet {
    fn from_iter<T: IntoIterator<Item = Pair>>(pairs: T) -> Self {
        let mut set = Self::default();
        for pair in pairs {
            set.insert(pair);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_a_bit_of_its_own() {
        for pair in resource::pairs() {
            let alone = PairSet::from_iter([pair]);

            assert_eq!(Pair::find(pair.text()), Some(pair));
            assert!(resource::pairs().all(|other| alone.contains(other) == (other == pair)));
        }
    }

    #[test]
    fn only_the_exact_text_names_a_pair() {
        for text in [
            "",
            "agents",
            "agents:",
            "agents:read:",
            "Agents:read",
            "agents:*",
            "*:read",
        ] {
            assert_eq!(Pair::find(text), None, "{text}");
        }
    }
}
