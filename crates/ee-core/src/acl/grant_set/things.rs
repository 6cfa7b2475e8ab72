//! Single things, found by their ids.

use std::{hash::BuildHasher as _, sync::OnceLock};

use foldhash::fast::RandomState;
use hashbrown::{HashTable, hash_table::Entry};

use super::Actions;

/// Things and what the grants on them say, as far as bits can.
///
/// All ids stand in one text. That keeps a table of a million things small, and most of what a lookup costs is waiting
/// for memory.
#[derive(Debug, Default)]
pub(super) struct Things {
    hasher: RandomState,
    ids: String,
    /// The ids in order, from the first list on.
    sorted: OnceLock<Box<[Id]>>,
    table: HashTable<Thing>,
}

/// One thing.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) allow: Actions,
    pub(super) deny: Actions,
    id: Id,
}

/// Where an id stands among all.
#[derive(Clone, Copy, Debug)]
struct Id {
    length: u32,
    start: u64,
}

impl Id {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it was made of a place in memory"
    )]
    fn of(self, ids: &str) -> &str {
        let start = self.start as usize;
        let id = ids.get(start..start.saturating_add(self.length as usize));
        id.unwrap_or_default()
    }
}

impl Things {
    /// Finds a thing.
    pub(super) fn get(&self, id: &str) -> Option<&Thing> {
        let hash = self.hasher.hash_one(id);
        self.table.find(hash, |thing| thing.id.of(&self.ids) == id)
    }

    /// Finds a thing, or adds it.
    pub(super) fn entry(&mut self, id: &str) -> &mut Thing {
        let Self {
            hasher, ids, table, ..
        } = self;
        let hash = hasher.hash_one(id);
        let found = table.entry(
            hash,
            |thing| thing.id.of(ids) == id,
            |thing| hasher.hash_one(thing.id.of(ids)),
        );
        match found {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let start = ids.len() as u64;
                ids.push_str(id);
                let length = id.len().try_into().unwrap_or(u32::MAX);
                let thing = Thing {
                    allow: Actions::default(),
                    deny: Actions::default(),
                    id: Id { length, start },
                };
                entry.insert(thing).into_mut()
            }
        }
    }
    /// Gives back the memory that more things would have taken.
    pub(super) fn shrink_to_fit(&mut self) {
        let Self {
            hasher, ids, table, ..
        } = self;
        ids.shrink_to_fit();
        table.shrink_to_fit(|thing| hasher.hash_one(thing.id.of(ids)));
    }

    /// Counts them.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns all with their ids, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Thing)> {
        let things = self.table.iter();
        things.map(|thing| (thing.id.of(&self.ids), thing))
    }

    /// Returns the ids behind this one, in order.
    pub(super) fn after(&self, after: Option<&str>) -> Ids<'_> {
        let sorted = self.sorted.get_or_init(|| {
            let mut all: Vec<Id> = self.table.iter().map(|thing| thing.id).collect();
            // Stores give grants in the order of their things: then the second step has nothing to do.
            all.sort_unstable_by_key(|id| id.start);
            all.sort_by_key(|id| id.of(&self.ids));
            all.into()
        });
        let is_before = |id: &Id| after.is_some_and(|after| id.of(&self.ids) <= after);
        let from = sorted.partition_point(is_before);
        Ids {
            ids: &self.ids,
            rest: sorted.get(from..).unwrap_or_default(),
        }
    }
}

/// Ids in order.
#[derive(Clone, Debug)]
pub(super) struct Ids<'a> {
    ids: &'a str,
    rest: &'a [Id],
}

impl<'a> Ids<'a> {
    /// Returns the first one.
    pub(super) fn first(&self) -> Option<&'a str> {
        self.rest.first().map(|id| id.of(self.ids))
    }

    /// Leaves the first one out, if it is this.
    pub(super) fn skip(&mut self, id: &str) {
        if let Some((first, others)) = self.rest.split_first()
            && first.of(self.ids) == id
        {
            self.rest = others;
        }
    }
}
