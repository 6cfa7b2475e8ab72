//! An index of grants and nothing else: what a check costs at least.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// The things of one subject, with what may be done as bits.
type Things = HashMap<Box<str>, u16, RandomState>;

/// For each user the things of every subject that counts for him.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<Box<str>, Vec<Things>, RandomState>);

impl Index {
    pub(crate) fn add(&mut self, user: &str, subject: usize, thing: &str) {
        let subjects = self.0.entry(user.into()).or_default();
        if subjects.len() <= subject {
            subjects.resize_with(subject + 1, Things::default);
        }
        if let Some(things) = subjects.get_mut(subject) {
            things.insert(thing.into(), 1);
        }
    }

    /// Looks at all subjects, because one may forbid what another permits.
    pub(crate) fn allows(&self, user: &str, thing: &str) -> bool {
        let Some(subjects) = self.0.get(user) else {
            return false;
        };
        let found = subjects.iter().map(|things| things.get(thing).copied());
        found.fold(0, |bits, found| bits | found.unwrap_or_default()) & 1 != 0
    }
}
